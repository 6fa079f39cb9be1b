"""The pages of imports: a file goes in, columns are chosen, the preview is looked at, confirmed,
undone."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.intake.models import Import
from apps.intake.spreadsheets import import_steps
from apps.inventory.models import Application
from tests.builders import make_application, make_dependency, make_member, make_team, make_user
from tests.http import csv_rows, file_text, text_of, workbook_of
from tests.intake.spreadsheets.claims_team import confirm, make_claims_team, preview
from tests.intake.spreadsheets.sheet_files import as_csv
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

ROWS = [
    ["Application", "Team", "Criticality", "Host", "Model", "Remark"],
    ["Brand new", "Claims", "high", "openai", "gpt-4o-2024-11-20", "x"],
    ["Known", "", "critical", "openai", "own-model", ""],
    ["Other", "", "3", "", "", "keep"],
]


@pytest.fixture
@kept_world
def claims():
    return make_claims_team()


@pytest.fixture
def browser(client, claims):
    client.force_login(claims.by)
    return client


def uploaded(browser, rows, name="list.csv"):
    content = rows if isinstance(rows, bytes) else as_csv(rows)
    return browser.post(reverse("imports:list"), {"file": SimpleUploadedFile(name, content)})


def columns_of(answer):
    form = answer.context["form"]
    return {
        name: form[name].value() or "" for name in form.fields if form[name].value() is not False
    }


def test_a_sheet_is_uploaded_mapped_previewed_confirmed_and_undone(browser, claims):
    known = make_application("Known", team=claims.team, criticality=2)

    went_to = uploaded(browser, ROWS)
    page = browser.get(went_to.url)
    assert "Select what each column contains" in text_of(page)
    assert '<option value="application.name" selected>Application name</option>' in text_of(page)
    assert "Column headers in row" in text_of(page)

    values_page = browser.post(f"{went_to.url}columns/", columns_of(page), follow=True)
    assert "2 of 3 rows can be imported." in text_of(values_page)
    said = text_of(browser.get(went_to.url))
    assert "1 application and 2 dependencies will be added, 1 application will be changed; " in said
    assert "1 row is rejected" in said
    assert "1 model name is imported without a model ID." in said
    assert "<del>standard</del> → <ins>critical</ins>" in said
    assert "<b>Team:</b> The row has no team for a new application." in said
    assert "Not imported from list: Remark." in said
    assert Application.objects.count() == 1

    refused_only = browser.get(f"{went_to.url}?outcome=refused", headers={"HX-Request": "true"})
    assert "Brand new" not in text_of(refused_only)
    assert "Other" in text_of(refused_only)
    table = file_text(browser.get(f"{went_to.url}refused.csv"))
    assert table.splitlines()[1].startswith("Other,,3,,,keep,")
    shown = file_text(browser.get(f"{went_to.url}rows.csv?outcome=changed"))
    assert len(shown.splitlines()) == 1
    shown = file_text(browser.get(f"{went_to.url}rows.csv"))
    assert "Criticality: standard → critical" in shown

    done = browser.post(f"{went_to.url}confirm/", follow=True)
    assert "1 application and 2 dependencies added, 1 application changed; " in text_of(done)
    assert "Undo import" in text_of(done)
    assert "View names without a model ID" in text_of(done)
    known.refresh_from_db()
    assert known.criticality == 0

    undone = browser.post(f"{went_to.url}undo/", follow=True)
    assert "This import was undone" in text_of(undone)
    known.refresh_from_db()
    assert (known.criticality, Application.objects.count()) == (2, 1)
    assert "list.csv" in text_of(browser.get(reverse("imports:list")))
    (listed,) = csv_rows(browser.get(reverse("imports:csv")))
    assert (listed["File"], listed["Format"], listed["Uploaded by"]) == ("list.csv", "csv", "eve")


def test_a_document_is_uploaded_for_an_application_and_refused_for_another_s(browser, claims):
    mine, others = make_application("Mine", team=claims.team), make_application("Theirs")
    deployment = {
        "name": "chat",
        "properties": {"model": {"name": "gpt-4o", "version": "2024-11-20"}},
    }

    def sent(application, content=None, format="azure-deployments"):
        file = SimpleUploadedFile("list.json", content or json.dumps([deployment]).encode())
        said = {"file": file, "format": format, "application": application}
        return browser.post(reverse("imports:list"), said, follow=True)

    assert "It identifies the model of 1 deployment" in text_of(sent(mine.slug))
    assert "Which application is it about?" in text_of(sent(""))
    assert "Enter its name or slug" in text_of(sent(others.slug))
    assert "The document is not a list of Azure deployments" in text_of(sent(mine.slug, b"{}"))
    assert "is not one of the available choices" in text_of(sent(mine.slug, format="rss"))


def test_what_is_no_sheet_and_what_cannot_be_mapped_is_said_on_the_form(browser, claims):
    assert "The file is a PDF, not a spreadsheet." in text_of(
        uploaded(browser, b"%PDF-1.7", "list.pdf")
    )
    assert "This field is required" in text_of(browser.post(reverse("imports:list")))
    went_to = uploaded(browser, [["What", "Who", "Where"], ["a", "b", "c"]])
    page = browser.get(went_to.url)
    chosen = {
        **columns_of(page),
        "s0": "on",
        "s0c0": "application.team",
        "s0c1": "application.team",
    }

    refused = browser.post(f"{went_to.url}columns/", chosen)

    assert refused.status_code == 422
    assert "Select the column with its name or ID" in text_of(refused)
    assert "&#x27;What&#x27; is assigned to the same field. Keep one of the two." in text_of(
        refused
    )
    nothing = browser.post(f"{went_to.url}columns/", {"s0c0": "application.name"})
    assert "Select at least one worksheet." in text_of(nothing)


def test_the_same_file_is_recognised_and_a_dropped_one_is_gone(browser, claims):
    confirm(preview(ROWS, claims.by))

    went_to = uploaded(browser, ROWS)

    assert "The same file was uploaded on" in text_of(browser.get(went_to.url))
    assert "Nothing was imported" in text_of(browser.post(f"{went_to.url}drop/", follow=True))
    assert "This import was discarded" in text_of(browser.get(went_to.url))
    assert browser.get(f"{went_to.url}columns/").status_code == 302


def test_what_a_worker_does_is_followed_until_it_is_done(browser, claims, monkeypatch):
    monkeypatch.setattr(import_steps, "MAX_IMMEDIATE_BYTES", 0)
    went_to = uploaded(browser, ROWS)
    waiting = browser.post(
        f"{went_to.url}columns/", columns_of(browser.get(went_to.url)), follow=True
    )
    assert 'hx-trigger="every 2s"' in text_of(waiting)
    assert "Reading rows" in text_of(
        browser.get(f"{went_to.url}progress/", headers={"HX-Request": "true"})
    )

    import_steps.run_waiting_sheets()

    assert (
        browser.get(f"{went_to.url}progress/", headers={"HX-Request": "true"})["HX-Refresh"]
        == "true"
    )
    assert "will be added" in text_of(browser.get(went_to.url))


def test_rows_that_changed_meanwhile_are_told_and_all_or_nothing_comes_back(browser, claims):
    known = make_application("Known", team=claims.team)
    went_to = reverse(
        "imports:detail",
        args=[preview([["Application", "Geography"], ["Known", "US"]], claims.by).pk],
    )
    Application.objects.filter(pk=known.pk).update(geography="Asia")

    back = browser.post(f"{went_to}confirm/", {"whole": "on"}, follow=True)

    assert "you selected all or nothing: nothing was applied" in text_of(back)
    assert "<del>Asia</del> → <ins>US</ins>" in text_of(back)
    assert "1 application changed" in text_of(
        browser.post(f"{went_to}confirm/", {"whole": "on"}, follow=True)
    )
    twice = browser.post(f"{went_to}confirm/", follow=True)
    assert "This import has already changed its status: Applied." in text_of(twice)


def test_who_may_not_import_is_told_so_and_sees_no_entry(client, claims):
    mine = preview([["Application", "Team"], ["A", "Claims"]], claims.by)
    paths = [
        reverse("imports:list"),
        reverse("imports:csv"),
        reverse("imports:template"),
        reverse("imports:detail", args=[mine.pk]),
    ]
    for person in (
        make_member(claims.team, TeamRole.VIEWER),
        make_user(),
        make_user(role="auditor"),
    ):
        client.force_login(person)
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 403
            assert (
                "You need the editor role on a team, or the governance role, to import spreadsheets"
            ) in text_of(answer)
        assert 'href="/imports/"' not in text_of(client.get("/applications/"))
    client.force_login(claims.by)
    assert 'href="/imports/"' in text_of(client.get("/applications/"))


def test_others_imports_are_not_there_and_governance_looks_at_them_but_does_not_confirm(
    client, claims
):
    mine = preview([["Application", "Team"], ["A", "Claims"]], claims.by)
    pages = [
        reverse(name, args=[mine.pk])
        for name in ("imports:detail", "imports:rows-csv", "imports:progress")
    ]
    steps = [
        reverse(f"imports:{step}", args=[mine.pk])
        for step in ("columns", "confirm", "discard", "undo")
    ]
    client.force_login(make_member(make_team(), TeamRole.OWNER))
    assert {client.get(path).status_code for path in pages} | {
        client.post(path).status_code for path in steps
    } == {404}

    client.force_login(make_user(role="governance"))
    assert {client.get(path).status_code for path in pages} == {200}
    assert "Import these rows" not in text_of(client.get(pages[0]))
    assert [client.post(path).status_code for path in steps[:3]] == [403] * 3
    assert Import.objects.get().state == "read"
    confirm(mine)
    assert "This import was undone" in text_of(client.post(steps[3], follow=True))


def test_everybody_takes_along_what_they_see_as_the_list_is_filtered(client, claims):
    make_dependency(make_application("Mine", team=claims.team, criticality=0), claims.gpt)
    make_application("Mine too", team=claims.team, criticality=3)
    make_application("Hidden", team=make_team("Secret"))
    client.force_login(make_member(claims.team, TeamRole.VIEWER))

    book = workbook_of(client.get(reverse("imports:inventory-xlsx"), {"criticality": "critical"}))
    applications = file_text(client.get(reverse("imports:applications-csv")))
    uses = file_text(client.get(reverse("imports:dependencies-csv")))

    assert [row[1].value for row in book["Applications"].iter_rows(min_row=2)] == ["Mine"]
    assert [row[3].value for row in book["Uses"].iter_rows(min_row=2)] == ["openai"]
    assert [line.split(",")[1] for line in applications.splitlines()[1:]] == ["Mine", "Mine too"]
    assert len(uses.splitlines()) == 2
    assert "Hidden" not in applications + uses
    assert "Secret" not in applications + uses


def test_pages_cost_the_same_however_many_rows_there_are(
    browser, claims, django_assert_num_queries
):
    heads = ["Application", "Team", "Host", "Model"]
    small, large = (
        preview(
            [heads, *([f"App {n}", "Claims", "openai", "gpt-4o-2024-11-20"] for n in range(count))],
            claims.by,
        )
        for count in (2, 120)
    )
    browser.get(reverse("imports:list"))

    def n_statements(path):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200
        return len(asked)

    counts = {
        n_statements(reverse("imports:detail", args=[import_.pk])) for import_ in (small, large)
    }
    assert len(counts) == 1
    assert counts.pop() <= 16
    assert n_statements(reverse("imports:list")) <= 14
