"""The pages of the reports: what they say, to whom, and at which price."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Application, Contract
from apps.reports import figures
from apps.reports.models import ComponentAnswer, EvidencePack, ModelStatement, ReportingEntity
from tests.builders import make_application, make_dependency, make_member, make_user
from tests.http import body_of, csv_rows, workbook_of
from tests.kept_worlds import kept_world
from tests.reports.insurer import Insurer, make_insurer

SignIn = Callable[[User], Client]
PAGES = (
    "reports:home",
    "reports:register",
    "component-files:list",
    "reports:model-inventory",
    "evidence-packs:list",
    "reports:board-summary",
)


@pytest.fixture
@kept_world
def insurer(db: None) -> Insurer:
    return make_insurer(on=day_of(now()))


def get(client: Client, name: str, *args: object, **query: object) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


def rows_of(client: Client, name: str, *args: object) -> list[dict[str, str]]:
    return csv_rows(client.get(reverse(name, args=args)))


def test_the_index_says_what_each_is_for_and_how_complete(
    insurer: Insurer, as_user: SignIn
) -> None:
    page = get(as_user(insurer.governance), "reports:home")
    for said in (
        "Compliance, supervisors",
        "Model risk",
        "Auditor",
        "Board",
        "fields filled",
        "<progress",
    ):
        assert said in page
    before = page.partition('<p class="sentence"')[2].partition("</p>")[0]
    insurer.mistral.lei, insurer.mistral.legal_name, insurer.mistral.person_type = (
        "9" * 20,
        "Mistral AI",
        "legal",
    )
    insurer.mistral.save()
    after = (
        get(as_user(insurer.governance), "reports:home")
        .partition('<p class="sentence"')[2]
        .partition("</p>")[0]
    )
    assert before != after


def test_the_register_lists_what_is_missing_first_with_links(
    insurer: Insurer, as_user: SignIn
) -> None:
    client = as_user(insurer.governance)
    page = get(client, "reports:register")
    assert page.index("Missing fields") < page.index("RT.02.01 ")
    assert "Contract with the provider: Mistral" in page.replace("A contract", "Contract")
    assert "0010 Contract reference" in page
    assert "validation rules fail" in page
    assert "Easily substitutable" in page
    assert "derived from exit tests and fallbacks" in page
    # every link of the list leads to a page that is there
    listed = page.partition('id="h-missing"')[2].partition("</section>")[0]
    links = {part.partition('"')[0] for part in listed.split('href="')[1:]}
    assert links
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_the_reporting_entity_is_entered_where_the_register_asks_for_it(
    insurer: Insurer, as_user: SignIn
) -> None:
    ReportingEntity.objects.all().delete()
    client = as_user(insurer.governance)
    assert "Reporting entity" in get(client, "reports:register").partition('id="h-missing"')[2]
    refused = client.post(
        reverse("reports:reporting-entity"), {"name": "Calder", "lei": "short", "country": "DE"}
    )
    assert refused.status_code == 422
    client.post(
        reverse("reports:reporting-entity"),
        {"name": "Calder", "lei": "529900T8BM49AURSDO55", "country": "de"},
    )
    entity = ReportingEntity.objects.get()
    assert (entity.lei, entity.country) == ("529900T8BM49AURSDO55", "DE")
    assert "529900T8BM49AURSDO55" in {
        row["RT.02.02.0020 LEI of the entity making use"]
        for row in rows_of(client, "reports:register-csv", "services")
    }
    assert as_user(insurer.editor).get(reverse("reports:reporting-entity")).status_code == 403


@pytest.mark.proof
def test_an_editor_reads_the_own_teams_rows_in_pages_and_files(
    insurer: Insurer, as_user: SignIn
) -> None:
    client = as_user(insurer.editor)
    for name in PAGES:
        page = get(client, name)
        assert "Mail drafter" not in page, name
        assert "AWS-1" not in page, name
    assert "Applications of Claims" in get(client, "reports:board-summary")
    assert {row["about"] for row in rows_of(client, "reports:register-csv", "functions")} == {
        "Claims"
    }
    assert rows_of(client, "reports:register-csv", "contracts") == []
    assert {row["Application"] for row in rows_of(client, "reports:model-inventory-csv")} == {
        "Claims triage"
    }
    book = workbook_of(client.get(reverse("reports:register-xlsx")))
    said = " ".join(
        str(cell)
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell
    )
    assert "Claims" in said
    assert "Mail drafter" not in said
    assert "AWS-1" not in said
    assert (
        client.get(reverse("component-files:detail", args=[insurer.drafter.slug])).status_code
        == 404
    )
    assert (
        client.get(reverse("component-files:json", args=[insurer.drafter.slug])).status_code == 404
    )
    assert (
        client.get(reverse("reports:model-statement", args=[insurer.drafter.slug])).status_code
        == 404
    )


def test_nobody_reads_without_signing_in_and_a_stranger_reads_nothing(
    insurer: Insurer, as_user: SignIn
) -> None:
    assert Client().get(reverse("reports:home")).status_code == 302
    stranger = as_user(insurer.outsider)
    for name in PAGES:
        page = get(stranger, name)
        assert "Claims triage" not in page
        assert "Mail drafter" not in page


def test_the_component_file_as_page_csv_workbook_and_json(
    insurer: Insurer, as_user: SignIn
) -> None:
    client, slug = as_user(insurer.governance), insurer.triage.slug
    page = get(client, "component-files:detail", slug)
    assert "0 of 22 developer documents for Claims triage are recorded" in page
    assert "1(a) intended tasks and systems" in page
    assert len(rows_of(client, "component-files:table-csv", slug, "documents")) == 22
    body = json.loads(client.get(reverse("component-files:json", args=[slug])).content)
    assert body["components"][0]["Called as"]["value"] == "sonnet"
    assert body["documents"][0]["Status"] == {"value": None, "missing": True, "note": ""}
    book = workbook_of(client.get(reverse("component-files:xlsx", args=[slug])))
    assert book.sheetnames == [
        "Documents",
        "Modifications",
        "Questions",
        "Components",
        "Missing",
        "Notes",
    ]
    assert (
        client.get(reverse("component-files:table-csv", args=[slug, "nothing"])).status_code == 404
    )


def test_questions_are_answered_with_a_reason_by_editors_only(
    insurer: Insurer, as_user: SignIn
) -> None:
    address = reverse("component-files:answers", args=[insurer.triage.slug])
    client = as_user(insurer.editor)
    client.post(address, {"answer-25a": "no"}, follow=True)
    assert not ComponentAnswer.objects.exists()
    client.post(address, {"answer-25a": "no", "because-25a": "It is used in house"})
    given = ComponentAnswer.objects.get()
    assert (given.answer, given.explanation, given.answered_by) == (
        "no",
        "It is used in house",
        insurer.editor,
    )
    assert "It is used in house" in get(client, "component-files:detail", insurer.triage.slug)
    client.post(address, {"answer-25a": ""})
    assert not ComponentAnswer.objects.exists()
    viewer = as_user(make_member(insurer.claims, TeamRole.VIEWER))
    assert viewer.post(address, {"answer-25a": "no", "because-25a": "x"}).status_code == 403
    assert "Save answers" not in get(viewer, "component-files:detail", insurer.triage.slug)
    assert as_user(insurer.outsider).post(address, {}).status_code == 404
    auditor = as_user(make_user("edith", role=OrganisationRole.AUDITOR))
    assert auditor.post(address, {"answer-25a": "no", "because-25a": "x"}).status_code == 403


def test_owners_state_their_model_and_see_what_others_changed_meanwhile(
    insurer: Insurer, as_user: SignIn
) -> None:
    client, address = (
        as_user(insurer.editor),
        reverse("reports:model-statement", args=[insurer.triage.slug]),
    )
    client.post(address, {"outputs": "A lane", "valid_until": "2027-06-01"})
    assert ModelStatement.objects.get().outputs == "A lane"
    assert "A lane" in get(client, "reports:model-inventory")
    seen = (
        client.get(address).content.decode().partition('name="seen" value="')[2].partition('"')[0]
    )
    ModelStatement.objects.update(outputs="Two lanes")
    late = client.post(address, {"outputs": "Three lanes", "seen": seen})
    assert late.status_code == 422
    assert "Two lanes" in late.content.decode()
    assert ModelStatement.objects.get().outputs == "Two lanes"
    viewer = make_member(insurer.claims, TeamRole.VIEWER)
    assert as_user(viewer).post(address, {"outputs": "x"}).status_code == 403


@pytest.mark.proof
def test_a_pack_is_asked_for_made_and_fetched(insurer: Insurer, as_user: SignIn) -> None:
    client, today = as_user(insurer.editor), day_of(now())
    asked = {
        "about": "application",
        "application": "claims TRIAGE",
        "since": today - timedelta(30),
        "until": today,
    }
    answer = client.post(reverse("evidence-packs:create"), asked)
    pack = EvidencePack.objects.get()
    assert answer.headers["Location"] == reverse("evidence-packs:detail", args=[pack.pk])
    page = get(client, "evidence-packs:detail", pack.pk)
    assert pack.digest in page
    assert "data/applications.csv" in page
    answer = client.get(reverse("evidence-packs:download", args=[pack.pk]))
    body = body_of(answer)  # type: ignore[attr-defined]
    assert len(body) == int(answer.headers["Content-Length"])
    assert (
        "Claims triage" in zipfile.ZipFile(io.BytesIO(body)).read("data/applications.csv").decode()
    )
    assert f"Pack {pack.pk}" in get(client, "reports:home")

    stranger = as_user(insurer.outsider)
    for name in ("evidence-packs:detail", "evidence-packs:download", "evidence-packs:progress"):
        assert stranger.get(reverse(name, args=[pack.pk])).status_code == 404
    for wrong in (
        {**asked, "application": insurer.drafter.slug},
        {**asked, "until": today - timedelta(90)},
        {**asked, "about": "provider", "provider": "nobody"},
    ):
        assert client.post(reverse("evidence-packs:create"), wrong).status_code == 422
    EvidencePack.objects.update(state="running", started_at=now())
    assert "Queued" in get(client, "evidence-packs:detail", pack.pk)
    pack.parts.all().delete()
    EvidencePack.objects.update(state="done")
    assert "no longer stored" in get(client, "evidence-packs:detail", pack.pk)
    assert client.get(reverse("evidence-packs:download", args=[pack.pk])).status_code == 404


@pytest.mark.proof
def test_the_board_counts_ways_out_as_the_exposure_page_does(
    insurer: Insurer, as_user: SignIn
) -> None:
    """A way out that ends within the planning horizon is none."""
    client = as_user(insurer.governance)
    assert "(1 of 1)" in get(client, "reports:board-summary")
    assert (
        "1 of 1 critical"
        in get(client, "exposure:concentration")
        .partition('<p class="sentence"')[2]
        .partition("</p>")[0]
    )
    fallback = insurer.triage.dependencies.get(role="fallback").offering
    fallback.retires_on, fallback.date_kind = day_of(now()) + timedelta(30), "firm"
    fallback.save()
    refresh(on=day_of(now()))
    assert "(0 of 1)" in get(client, "reports:board-summary")
    assert (
        "none of the 1 critical"
        in get(client, "exposure:concentration")
        .partition('<p class="sentence"')[2]
        .partition("</p>")[0]
    )


def test_the_board_reads_three_figures_and_what_to_decide(
    insurer: Insurer, as_user: SignIn
) -> None:
    page = get(as_user(insurer.governance), "reports:board-summary")
    assert "100%" in page.partition('class="three"')[2].partition("</dl>")[0]
    assert "of critical applications have a valid tested exit (1 of 1)" in page
    insurer.primary.exit_tests.all().delete()
    refresh(on=day_of(now()))
    page = get(as_user(insurer.governance), "reports:board-summary")
    assert "of critical applications have a valid tested exit (0 of 1)" in page
    assert "<title" in page
    make_dependency(
        make_application("Pricing", criticality=0), insurer.drafter.dependencies.get().offering
    )
    refresh(on=day_of(now()))
    assert (
        "50%"
        in get(as_user(insurer.governance), "reports:board-summary")
        .partition('aria-labelledby="h-concentration"')[2]
        .partition("</table>")[0]
    )


@pytest.mark.proof
def test_a_large_organisations_reports_are_counted_by_the_sweep(
    insurer: Insurer, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_user(insurer.governance)
    small = get(client, "reports:register")
    monkeypatch.setattr(figures, "MAX_LIVE_APPLICATIONS", 1)
    assert "is being calculated. Refresh the page in 3 hours, or download the file." in get(
        client, "reports:register"
    )
    figures.store_figures(at=now())
    for said in (
        "validation rules fail",
        "A contract with the provider: Mistral",
        "Easily substitutable",
    ):
        assert said in get(client, "reports:register")
        assert said in small
    assert "Claims triage on anthropic/sonnet-1" in get(client, "reports:model-inventory")
    # the files do not wait for the sweep
    Contract.objects.update(ref="AWS-2")
    assert {
        row["RT.02.01.0010 Contract reference"]
        for row in rows_of(client, "reports:register-csv", "contracts")
    } == {"AWS-2"}
    # the reports of teams are counted while their reader waits, up to the same number
    editor = as_user(insurer.editor)
    assert "fields filled" in get(editor, "reports:model-inventory")
    assert "fields filled" in get(editor, "reports:home")
    monkeypatch.setattr(figures, "MAX_LIVE_APPLICATIONS", 0)
    page = get(editor, "reports:model-inventory")
    assert "The inventory is not counted for more than 0 applications. Download the file." in page
    assert "not counted for more than 0 applications" in get(editor, "reports:home")


@pytest.mark.proof
@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_the_same_statements_with_many_applications(
    insurer: Insurer, as_user: SignIn, name: str
) -> None:
    client = as_user(insurer.governance)

    def count() -> int:
        get(client, name)
        with CaptureQueriesContext(connection) as queries:
            get(client, name)
        return len(queries)

    few = count()
    offering = insurer.primary.offering
    for number in range(27):
        make_dependency(make_application(f"Further {number}", team=insurer.claims), offering)
    refresh(on=day_of(now()))
    assert Application.objects.count() == 29
    assert count() == few
