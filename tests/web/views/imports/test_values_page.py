"""The step "Values" and the rows of a preview, without JavaScript: choices are saved, kept for
later, applied to all rows; rows are edited; what the import creates is invited and undone."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import PersonState, Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Provider
from apps.intake.models import Import
from apps.inventory.models import Application
from tests.builders import make_member, make_offering, make_team, make_user, make_version
from tests.http import csv_rows, text_of, visible_text
from tests.intake.spreadsheets.claims_team import make_claims_team, preview
from tests.intake.spreadsheets.sheet_files import as_csv
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

HEADS = ["Application", "Team", "Criticality", "Data class", "Host", "Model", "Business owner"]
ROWS = [
    HEADS,
    ["Alpha", "Claims", "Tier 1", "C3 - Confidential", "Azure", "GPT-4o", "a.b@calder.example"],
    ["Beta", "Claims", "Tier 2", "C2 - Internal", "Azure", "GPT-4o", "a.b@calder.example"],
    ["Gamma", "Marine", "Tier 3", "whatever", "Cargo Cloud", "cargo-lm", "left the company"],
]


@pytest.fixture
@kept_world
def claims():
    claims = make_claims_team()
    azure = Provider.objects.get(slug="azure")
    older = make_version("openai/gpt-4o-2024-08-06", foundation=claims.gpt.version.foundation)
    make_offering("gpt-4o-2024-08-06", host=azure, version=older)
    return claims


@pytest.fixture
def governance(claims):
    return make_user("maren", role="governance", email="maren@calder.example")


@pytest.fixture
def browser(client, governance):
    client.force_login(governance)
    return client


@pytest.fixture
def import_(governance):
    return preview(ROWS, governance)


def address(import_, step="values"):
    return reverse(f"imports:{step}", args=[import_.pk])


def value_of(import_, text):
    return import_.values.get(text=text)


def test_each_distinct_value_is_listed_once_with_its_rows_and_guess(browser, import_):
    page = visible_text(browser.get(address(import_)))

    assert "All 3 rows can be imported." in page
    assert page.count("Tier 1") == 1
    assert "by order" in page
    assert "Teams to create: 1" in page
    assert "People to create: 1" in page
    assert "“left the company” is not an email address and names no user" in page
    assert "Adds 3 applications, 3 dependencies, 1 team, 1 person, 1 vendor." in page


def test_a_choice_applies_to_all_its_rows_and_is_remembered(browser, import_, governance):
    confidential = value_of(import_, "C3 - Confidential")
    sent = {f"v{confidential.pk}": '"secret"', "action": "preview"}

    shown = browser.post(address(import_), sent, follow=True)

    assert shown.redirect_chain[-1][0] == address(import_, "detail")
    assert "Data classification: secret" in visible_text(shown)
    again = preview(ROWS, governance, "next.csv")
    assert value_of(again, "C3 - Confidential").choice == "secret"


def test_choices_are_kept_and_the_list_leads_back_to_the_step(browser, import_):
    value = value_of(import_, "whatever")

    shown = browser.post(
        address(import_), {f"v{value.pk}": '"public"', "action": "later"}, follow=True
    )

    page = text_of(shown)
    assert "1 choice saved. You can continue the import of list.csv later." in page
    assert f'href="{address(import_)}"' in page
    assert value_of(import_, "whatever").choice == "public"
    browser.post(address(import_), {"action": "preview"})
    assert f'href="{address(import_, "detail")}"' in text_of(browser.get(reverse("imports:list")))


def test_nothing_is_saved_in_the_inventory_before_the_preview_is_confirmed(browser, import_):
    browser.post(address(import_), {"action": "preview"}, follow=True)

    assert not Application.objects.exists()
    assert not Team.objects.filter(name="Marine").exists()
    assert not Provider.objects.filter(name="Cargo Cloud").exists()


def test_a_wrong_value_is_said_beside_it_and_nothing_is_saved(browser, import_):
    tier = value_of(import_, "Tier 1")

    refused = browser.post(address(import_), {f"v{tier.pk}": "77", "action": "preview"})

    assert refused.status_code == 422
    assert "Select one of the listed values." in text_of(refused)
    assert not import_.values.filter(is_chosen=True).exists()


def test_a_team_that_was_unchecked_stays_so_beside_a_wrong_value(browser, import_):
    tier, marine = value_of(import_, "Tier 1"), value_of(import_, "Marine")
    url = address(import_)
    assert f'name="t{marine.pk}" checked' in text_of(browser.get(url))

    refused = text_of(browser.post(url, {f"v{tier.pk}": "77", f"t{marine.pk}-shown": "1"}))

    assert f'name="t{marine.pk}"' in refused
    assert f'name="t{marine.pk}" checked' not in refused


def test_a_model_name_offers_its_ids_and_never_says_that_no_retirement_is_announced(
    browser, import_
):
    page = visible_text(browser.get(address(import_)))

    assert "version and ID not known." in page
    assert "gpt-4o-2024-08-06 on Azure OpenAI" in page
    assert "No retirement announced" not in page


def test_a_chosen_model_id_is_taken_and_can_be_taken_back(browser, import_):
    name = import_.values.get(text="GPT-4o")
    offering = Provider.objects.get(slug="azure").offerings.get(api_id="gpt-4o-2024-08-06")

    browser.post(address(import_), {f"m{name.pk}": str(offering.pk), "action": "preview"})
    rows = list(import_.rows.order_by("position"))
    assert [row.plan["use"]["api_id"] for row in rows[:2]] == ["gpt-4o-2024-08-06"] * 2
    page = text_of(browser.get(address(import_)))
    assert "gpt-4o-2024-11-20" in page, "the other IDs can still be chosen"

    name = import_.values.get(text="GPT-4o")
    browser.post(address(import_), {f"m{name.pk}": "", "action": "preview"})
    assert [row.plan["use"]["api_id"] for row in import_.rows.order_by("position")[:2]] == [
        "GPT-4o"
    ] * 2


def test_a_team_is_mapped_to_an_existing_one(browser, import_, claims):
    marine = value_of(import_, "Marine")
    section = f"{address(import_)}?section=application.team"
    assert "Create team “Marine”" in text_of(browser.get(section))

    browser.post(section, {f"v{marine.pk}": f'"{claims.team.slug}"', "action": "preview"})
    browser.post(address(import_, "confirm"))

    assert not Team.objects.filter(name="Marine").exists()
    assert Application.objects.get(name="Gamma").team == claims.team


def test_a_section_is_paged_and_filtered(browser, governance):
    rows = [[f"App {n}", "Claims", f"level {n}", "", "", "", ""] for n in range(120)]
    many = preview([HEADS, *rows], governance)
    section = f"{address(many)}?section=application.criticality"

    first, second = browser.get(section), browser.get(f"{section}&page=3")
    assert len(first.context["sections"][0].lines) == 50
    assert len(second.context["sections"][0].lines) == 20
    found = browser.get(f"{section}&q=level+77")
    assert [line.text for line in found.context["sections"][0].lines] == ["level 77"]
    assert "No values match these filters." in text_of(browser.get(f"{section}&q=nothing"))
    assert browser.get(f"{address(many)}?section=nothing").status_code == 404


def test_all_values_are_a_csv(browser, import_):
    rows = csv_rows(browser.get(address(import_, "values-csv")))

    means = {row["In the file"]: row["Means"] for row in rows}
    assert means["Tier 1"] == "Critical"
    assert means["GPT-4o"].startswith("GPT-4o") or "not known" in means["GPT-4o"]


def test_all_reasons_of_a_row_are_shown_and_an_edit_plans_it_again(browser, governance):
    broken = preview([HEADS, ["", "Claims", "often", "", "", "GPT-4o", ""]], governance)
    row = broken.rows.get()
    url = reverse("imports:edit-row", args=[broken.pk, row.position])
    assert "Edit row" in text_of(browser.get(address(broken, "detail")))
    form = browser.get(url)
    assert "The row has no application. Enter its name or its ID." in text_of(form)

    shown = browser.post(url, {"c0": "Delta", "c2": "Tier 1"}, follow=True)

    assert "Row 2 was saved." in text_of(shown)
    assert f'id="row-{row.position}"' in text_of(shown)
    row.refresh_from_db()
    assert (row.outcome, row.cells[0]) == ("added", "Delta")
    assert "Edited cells" in text_of(browser.get(url))


def test_with_htmx_a_row_is_edited_in_its_place(browser, import_):
    url = reverse("imports:edit-row", args=[import_.pk, import_.rows.earliest("position").position])
    htmx = {"HX-Request": "true"}

    form = text_of(browser.get(url, headers=htmx))
    assert form.strip().startswith("<tr")
    assert "<html" not in form
    saved = text_of(browser.post(url, {"c0": "Alpha two"}, headers=htmx))
    assert "Alpha two" in saved
    assert 'id="sentence" hx-swap-oob="true"' in saved
    assert "Edit row" in text_of(browser.get(f"{url}?inline=row", headers=htmx))


def test_the_result_leads_to_issues_invites_people_and_is_undone_as_a_whole(
    browser, import_, governance
):
    done = browser.post(address(import_, "confirm"), follow=True)

    page = text_of(done)
    assert "3 applications and 3 dependencies added." in page
    assert f"imported_by={import_.pk}" in page
    assert "Invite this person" in page
    invited = browser.post(address(import_, "invite"), follow=True)
    assert "1 person invited." in text_of(invited)
    assert User.objects.get(email="a.b@calder.example").state == PersonState.INVITED
    undone = browser.post(address(import_, "undo"), follow=True)
    assert "This import was undone" in text_of(undone)
    assert not Application.objects.exists()
    assert not Team.objects.filter(name="Marine").exists()


def test_work_can_be_narrowed_to_the_applications_of_an_import(browser, import_, client):
    browser.post(address(import_, "confirm"))

    work = browser.get(f"/work/?scope=all&imported_by={import_.pk}")

    assert work.status_code == 200
    stranger = make_member(make_team("Elsewhere"), TeamRole.OWNER)
    client.force_login(stranger)
    assert client.get(f"/work/?scope=all&imported_by={import_.pk}").status_code == 200


def test_who_may_not_create_teams_is_not_offered_to(client, claims):
    mine = preview(ROWS, claims.by)
    client.force_login(claims.by)

    page = text_of(client.get(address(mine)))

    assert "Create team" not in page
    assert "Create vendor" not in page


def test_others_cannot_change_the_values_of_a_file(client, import_, claims):
    client.force_login(claims.by)
    assert client.get(address(import_)).status_code == 404
    client.force_login(make_user("jonas", role="governance"))
    assert client.get(address(import_)).status_code == 403
    assert client.post(address(import_, "invite")).status_code == 302


def test_the_example_is_offered_and_nothing_of_it_is_saved(browser):
    went_to = browser.post(reverse("imports:upload-example"))

    page = browser.get(went_to.url)

    assert "KI-Register 2026" in text_of(page)
    assert not Application.objects.exists()
    assert Import.objects.get().state == "received"
    assert browser.get(reverse("imports:example")).status_code == 200


def test_the_first_step_takes_a_spreadsheet(browser):
    start = text_of(browser.get(reverse("home:start")))
    assert start.index("Import an inventory") < start.index("Connect a feed")

    file = SimpleUploadedFile("mine.csv", as_csv(ROWS))
    went_to = browser.post(reverse("imports:list"), {"file": file})

    assert "Select what each column contains" in text_of(browser.get(went_to.url))


def test_the_page_costs_the_same_however_many_values_there_are(browser, governance):
    few, many = (
        preview(
            [
                HEADS,
                *(
                    [f"App {n}", f"Team {n}", f"level {n}", f"c{n}", f"host {n}", f"model {n}", ""]
                    for n in range(count)
                ),
            ],
            governance,
        )
        for count in (3, 300)
    )
    browser.get(address(few))

    counts = []
    for each in (few, many):
        with CaptureQueriesContext(connection) as statements:
            assert browser.get(address(each)).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert counts[0] <= 20
