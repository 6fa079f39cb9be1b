"""A sheet's way into the register and out again: confirmed, applied as one change, undone; nothing
lost on the way."""

import json
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, Team
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.intake import import_jobs
from apps.intake.models import Import, ImportContent, ImportRow
from apps.intake.spreadsheets import import_steps
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.intake.spreadsheets.import_steps import (
    IntakePermissionError,
    InvalidStateError,
    confirm_import,
    discard_import,
    earlier_import_of,
    purge_old_files,
    run_sheet_import,
    run_waiting_sheets,
    undo_import,
)
from apps.inventory.models import Application, ChangedApplication, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_provider,
    make_team,
    make_user,
)
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, reasons, upload
from tests.intake.spreadsheets.sheet_files import as_csv

pytestmark = pytest.mark.django_db

HEADS = [
    "Application",
    "Team",
    "Criticality",
    "Geography",
    "Host",
    "Model",
    "Role",
    "Requests a month",
    "Tags",
]


def rows_about(known):
    return [
        HEADS,
        [
            "Brand new",
            "Claims",
            "high",
            "EU",
            "openai",
            "gpt-4o-2024-11-20",
            "primary",
            "5",
            "a, b",
        ],
        ["Brand new", "", "", "", "openai", "own-finetune", "fallback", "", ""],
        [known.name, "", "critical", "", "openai", "gpt-4o-2024-11-20", "primary", "25", "c"],
        [known.name, "", "", "", "azure", "gpt-4o-2024-11-20", "judge", "", ""],
        ["", "Claims", "", "", "openai", "gpt-4o-2024-11-20", "", "", ""],
    ]


def test_what_was_shown_is_written_as_one_change_with_person_and_file(claims):
    known = make_application("Known", team=claims.team)
    used = make_dependency(known, claims.gpt, monthly_requests=10)
    ChangedApplication.objects.all().delete()

    done = confirm(preview(rows_about(known), claims.by, "spring.csv"))

    assert (done.state, done.error) == ("applied", "")
    assert done.counts["rows"] == {"added": 3, "changed": 1, "refused": 1}
    new = Application.objects.get(name="Brand new")
    assert (new.slug, new.team, new.criticality, new.geography) == (
        "brand-new",
        claims.team,
        1,
        "EU",
    )
    known.refresh_from_db()
    used.refresh_from_db()
    assert (known.criticality, used.monthly_requests, used.tags) == (0, 25, ["c"])
    written = {
        (row.offering.api_id, row.role, row.monthly_requests, tuple(row.tags))
        for row in new.dependencies.all()
    }
    assert written == {
        ("gpt-4o-2024-11-20", "primary", 5, ("a", "b")),
        ("own-finetune", "fallback", None, ()),
    }
    own = Offering.objects.get(api_id="own-finetune")
    assert (own.host.slug, own.version, own.kind) == ("openai", None, "name")
    [entry] = new.history.all()
    assert entry.pgh_context_id == done.change
    assert entry.pgh_context.metadata["actor"] == "eve"
    assert entry.pgh_context.metadata["reason"] == "import of spring.csv"
    assert {
        row.history.order_by("-pgh_id").first().pgh_context_id for row in Dependency.objects.all()
    } == {done.change}
    assert set(ChangedApplication.objects.values_list("application_id", flat=True)) == {
        new.pk,
        known.pk,
    }


def test_a_new_dependency_keeps_its_gateway_or_vendor(claims):
    make_provider("acme", roles=("reseller",), name="Acme Suite")
    rows = [
        ["Application", "Team", "Host", "Model", "Via", "Reached"],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "", ""],
        ["Bot", "", "openai", "gpt-4o-2024-11-20", "LiteLLM", ""],
        ["Bot", "", "openai", "gpt-4o-2024-11-20", "Acme Suite", "embedded"],
    ]

    confirm(preview(rows, claims.by))

    assert set(Dependency.objects.values_list("via_party__name", "reached")) == {
        (None, "direct"),
        ("LiteLLM", "gateway"),
        ("Acme Suite", "embedded"),
    }


def test_the_same_file_again_changes_nothing_and_is_recognised(claims):
    known = make_application("Known", team=claims.team)
    make_dependency(known, claims.gpt)
    content = as_csv(rows_about(known))
    first = confirm(preview(content, claims.by))

    again = preview(content, claims.by)

    assert set(outcomes(again)) == {"unchanged", "refused"}
    assert earlier_import_of(again, user=claims.by) == first
    assert earlier_import_of(first, user=claims.by) is None
    assert earlier_import_of(again, user=make_user()) is None
    assert confirm(again).counts["applications"] == {"unchanged": 2}


def test_it_is_undone_as_a_whole_with_the_name_it_brought(claims):
    known = make_application("Known", team=claims.team, criticality=2)
    used = make_dependency(known, claims.gpt, monthly_requests=10, tags=["old"])
    done = confirm(preview(rows_about(known), claims.by))

    undone = undo_import(import_=done, by=claims.by)

    assert (undone.state, undone.error) == ("undone", "")
    known.refresh_from_db()
    used.refresh_from_db()
    assert (known.criticality, used.monthly_requests, used.tags) == (2, 10, ["old"])
    assert [row.pk for row in Application.objects.all()] == [known.pk]
    assert [row.pk for row in Dependency.objects.all()] == [used.pk]
    assert not Offering.objects.filter(api_id="own-finetune").exists()
    with pytest.raises(InvalidStateError, match="changed its status: Undone"):
        undo_import(import_=done, by=claims.by)


def test_it_is_not_undone_over_what_others_have_written_since(claims):
    known, carl = make_application("Known", team=claims.team), make_user("carl")
    done = confirm(preview(rows_about(known), claims.by))
    with audit_context(user=carl):
        Application.objects.filter(name="Brand new").update(purpose="theirs")

    left = undo_import(import_=done, by=claims.by)

    assert left.state == "applied"
    assert left.error.startswith("carl has changed the application on ")
    stranger = make_member(make_team(), TeamRole.OWNER)
    with pytest.raises(IntakePermissionError, match="editor role on all teams"):
        undo_import(import_=done, by=stranger)


# --- between the preview and the confirmation -----------------------------------------------------


def changed_meanwhile(claims):
    """A preview of four rows; of its applications one was changed and one added by somebody else
    since."""
    known = make_application("Known", team=claims.team, geography="EU")
    other = make_application("Other", team=claims.team, geography="EU")
    rows = [
        ["Application", "Team", "Geography"],
        ["Known", "", "US"],
        ["Other", "", "US"],
        ["New", "Claims", "US"],
        ["Newer", "Claims", "US"],
    ]
    read = preview(rows, claims.by)
    Application.objects.filter(pk=known.pk).update(geography="Asia")
    make_application("New", team=claims.team)
    return read, other


def test_rows_changed_by_others_meanwhile_are_refused_one_by_one_and_the_rest_goes_through(claims):
    read, other = changed_meanwhile(claims)

    done = confirm(read)

    assert outcomes(done) == ["refused", "changed", "refused", "added"]
    told = [reason for _, reason in reasons(done)]
    assert told[0] == (
        "Geography was changed by another user after the preview, from 'EU' to 'Asia'. Upload "
        "the file again to review it."
    )
    assert told[1].startswith("The application was created by another user after the preview.")
    other.refresh_from_db()
    assert other.geography == "US"
    assert done.counts["rows"] == {"refused": 2, "changed": 1, "added": 1}


def test_all_or_nothing_writes_nothing_and_shows_a_new_preview(claims):
    read, other = changed_meanwhile(claims)

    back = confirm(read, whole_or_nothing=True)

    assert back.state == "read"
    assert back.error.startswith(
        "2 rows have changed since the preview, and you selected all or nothing"
    )
    other.refresh_from_db()
    assert other.geography == "EU"
    assert not Application.objects.filter(name="Newer").exists()
    assert ImportRow.objects.get(import_record=back, position=1).plan["application"]["changes"] == {
        "geography": ["Asia", "US"]
    }
    assert confirm(back, whole_or_nothing=True).state == "applied"


def test_rights_lost_meanwhile_count(claims):
    known = make_application("Known", team=claims.team)
    read = preview([["Application", "Geography"], ["Known", "US"]], claims.by)
    Membership.objects.filter(user=claims.by).update(role=TeamRole.VIEWER.rank)

    done = confirm(
        Import.objects.get(pk=read.pk),
    )

    assert reasons(done)[0][1].startswith(
        "The row can no longer be applied: You need the editor role on Claims"
    )
    known.refresh_from_db()
    assert known.geography == ""


def test_it_is_confirmed_once_and_by_whom_it_belongs_to(claims):
    read = preview([["Application", "Team"], ["New", "Claims"]], claims.by)
    with pytest.raises(IntakePermissionError):
        confirm_import(import_=read, by=make_user(role="governance"))
    done = confirm(read)

    with pytest.raises(InvalidStateError, match="changed its status: Applied"):
        confirm(done)
    assert Application.objects.count() == 1


# --- steps and states -----------------------------------------------------------------------------


def test_what_is_large_waits_for_the_worker_and_a_lost_message_is_made_good_by_beat(
    claims, monkeypatch
):
    monkeypatch.setattr(import_steps, "MAX_IMMEDIATE_BYTES", 10)
    monkeypatch.setattr(import_steps, "MAX_IMMEDIATE_ROWS", 0)

    waiting = preview([["Application", "Team"], ["New", "Claims"]], claims.by)

    assert waiting.state == "reading"
    assert run_waiting_sheets() == 1
    waiting.refresh_from_db()
    assert confirm(waiting).state == "applying"
    assert run_sheet_import(waiting.pk) is True
    assert run_sheet_import(waiting.pk) is False
    waiting.refresh_from_db()
    assert waiting.state == "applied"


def test_what_ends_the_worker_three_times_is_given_up_with_nothing_written(claims, monkeypatch):
    read = preview([["Application", "Team"], ["New", "Claims"]], claims.by)
    Import.objects.filter(pk=read.pk).update(state="applying", attempts=3)

    run_sheet_import(read.pk)

    read.refresh_from_db()
    assert (read.state, Application.objects.count()) == ("read", 0)
    assert "failed after 3 attempts" in read.error


def test_columns_may_be_chosen_anew_and_are_remembered_for_the_person_and_the_team(claims):
    heads = ["What", "Squad of it", "Where used"]
    rows = [heads, ["Bot", "Claims", "EU"]]
    columns = {"0": "application.name", "1": "application.team", "2": "application.geography"}
    chosen = [{"name": "list", "head_row": 1, "heads": heads, "columns": columns, "read": True}]

    first = preview(rows, claims.by, sheets=chosen)
    again = upload(as_csv([*rows, ["Other", "Claims", "US"]]), claims.by)
    colleague = upload(as_csv(rows), make_member(claims.team, TeamRole.EDITOR))
    stranger = upload(as_csv(rows), make_member(make_team()))

    assert outcomes(first) == ["added"]
    assert ImportRow.objects.get(import_record=first).application["geography"] == "EU"
    assert [
        upload_.mapping["sheets"][0]["columns"] == columns for upload_ in (again, colleague)
    ] == [True, True]
    assert stranger.mapping["sheets"][0]["columns"] != columns
    assert confirm(first).state == "applied"
    mapping = import_steps.BookMapping.from_json(first.mapping)
    with pytest.raises(InvalidStateError):
        import_steps.choose_columns(import_=first, mapping=mapping, by=claims.by, at=now())


def test_a_dropped_import_keeps_no_file_and_old_files_are_forgotten(claims):
    dropped = discard_import(
        import_=preview([["Application", "Team"], ["New", "Claims"]], claims.by)
    )
    done = confirm(preview([["Application", "Team"], ["New", "Claims"]], claims.by))

    assert (dropped.state, dropped.rows.count(), ImportContent.objects.count()) == ("dropped", 0, 1)
    with pytest.raises(InvalidStateError):
        discard_import(import_=done)
    assert purge_old_files(at=now() + timedelta(days=91)) == 1
    done.refresh_from_db()
    assert (done.state, done.rows.count(), ImportContent.objects.count()) == ("applied", 0, 0)


def test_people_see_their_own_imports_and_the_offices_all(claims):
    mine = upload(b"Application,Team\nA,Claims\n", claims.by)

    assert list(Import.objects.visible_to(claims.by)) == [mine]
    assert list(Import.objects.visible_to(make_member(claims.team))) == []
    assert list(Import.objects.visible_to(make_user(role="auditor"))) == [mine]


def test_what_cannot_be_read_leaves_nothing_behind(claims):
    with pytest.raises(UnreadableError):
        upload(b"%PDF", claims.by)
    assert not Import.objects.exists()


@pytest.mark.proof
def test_statements_grow_by_the_block_and_not_by_the_row(claims):
    def n_statements(n_rows):
        heads = ["Application", "Team", "Host", "Model"]
        rows = [
            [f"App {n_rows} {n}", "Claims", "openai", "gpt-4o-2024-11-20"] for n in range(n_rows)
        ]
        content = as_csv([heads, *rows])
        assert len(content) < import_steps.MAX_IMMEDIATE_BYTES or n_rows > 1000
        received = upload(content, claims.by)
        mapping = import_steps.BookMapping.from_json(received.mapping)
        with CaptureQueriesContext(connection) as reading:
            import_steps.choose_columns(import_=received, mapping=mapping, by=claims.by, at=now())
            run_waiting_sheets()
        with CaptureQueriesContext(connection) as applying:
            confirm(Import.objects.get(pk=received.pk))
            run_waiting_sheets()
        assert Import.objects.get(pk=received.pk).state == "applied"
        return len(reading), len(applying)

    # a block is 5,000 rows: two statements to read it, four to write it
    small, large = n_statements(10), n_statements(10_000)
    assert large[0] <= small[0] + 8
    assert large[1] <= small[1] + 14


# --- the command ----------------------------------------------------------------------------------


def ingest(tmp_path, name, content, *more):
    (tmp_path / name).write_bytes(content)
    out = StringIO()
    call_command("ingest", name.rpartition(".")[2], str(tmp_path / name), *more, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_says_what_became_of_the_file_and_does_nothing_twice(claims, tmp_path):
    content = as_csv(
        [
            ["Application", "Team", "Host", "Model"],
            ["A", "Claims", "openai", "gpt-4o-2024-11-20"],
            ["B", "", "", ""],
        ]
    )

    first, second = (ingest(tmp_path, "list.csv", content) for _ in range(2))

    refusal = {
        "where": "row 3, Team",
        "reason": "The row has no team for a new application. Enter the team, or select one "
        "for the whole file.",
    }
    assert first == {"created": 2, "updated": 0, "unchanged": 0, "rejected": [refusal]}
    assert second == {"created": 0, "updated": 0, "unchanged": 2, "rejected": [refusal]}
    assert Dependency.objects.get().since == date.today()
    assert Application.objects.get().history.get().pgh_context.metadata["job"] == "ingest"


def test_without_a_team_column_applications_wait_in_a_team_of_their_own(claims, tmp_path):
    make_team()
    content = as_csv([["Application", "Host", "Model"], ["A", "openai", "gpt-4o-2024-11-20"]])

    assert ingest(tmp_path, "list.csv", content)["created"] == 2
    assert Application.objects.get().team == Team.objects.get(slug="unassigned")


def test_rows_about_one_application_need_not_name_it(claims, tmp_path):
    bot = make_application("Bot", team=claims.team)
    content = as_csv([["Host", "Model"], ["openai", "gpt-4o-2024-11-20"]])

    assert ingest(tmp_path, "list.csv", content, "--application", bot.slug)["created"] == 1
    assert bot.dependencies.get().offering == claims.gpt
    with pytest.raises(CommandError, match="no application was selected"):
        ingest(tmp_path, "list.csv", content)


def test_an_unknown_format_is_told_those_there_are(tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("ingest", "nonsense", str(tmp_path / "x"))
    assert refused.value.returncode == 2
    assert "csv" in str(refused.value)


@pytest.mark.shared
def test_lists_that_people_keep_by_hand(shared, claims, tmp_path):
    make_provider("anthropic")
    make_provider("amazon-bedrock")
    folder = shared / "samples" / "csv"
    reports = {
        name: ingest(tmp_path, name, (folder / name).read_bytes(), "--team", claims.team.slug)
        for name in ("inventory_utf8_bom.csv", "inventory_excel_de.csv", "inventory.xlsx")
    }

    assert reports["inventory_utf8_bom.csv"]["created"] == 7
    expected = {  # row, column, and what is asked for
        4: ("Criticality", "'high-risk (EU AI Act)' is not a valid value"),
        5: ("Environment", "'prod/test' is not a valid value"),
        6: ("Criticality", "'3' is not a valid value"),
        8: ("Environment", "Leave the status empty, or use proposed, pilot or production"),
    }
    german, workbook = reports["inventory_excel_de.csv"], reports["inventory.xlsx"]
    assert [line["where"] for line in german["rejected"]] == [
        f"row {n}, {head}" for n, (head, _) in expected.items()
    ]
    assert all(
        said in line["reason"]
        for line, (_, said) in zip(german["rejected"], expected.values(), strict=True)
    )
    # what the first list left open is filled in: owner, criticality, and the days the uses began
    assert (german["created"], german["updated"], german["unchanged"]) == (0, 3, 0)
    # the same rows three further down, below titles, a name merged over two of them, one of them
    # hidden
    assert (workbook["created"], workbook["updated"], workbook["unchanged"]) == (0, 0, 3)
    assert [line["where"].split(",")[0] for line in workbook["rejected"]] == [
        "row 7",
        "row 8",
        "row 9",
        "row 11",
    ]
    bot = Application.objects.get(slug="app-1")
    assert (bot.business_owner, bot.criticality, bot.status) == ("Müller, Anja", 1, "production")
    assert set(bot.dependencies.values_list("since", flat=True)) == {date(2025, 3, 1)}


def test_a_file_that_needs_more_memory_than_a_worker_has_for_it_is_refused_and_the_worker_lives(
    claims, monkeypatch
):
    received = upload(as_csv([["Application", "Model"], ["a", "gpt-4o"]]), claims.by)
    Import.objects.filter(pk=received.pk).update(state=Import.State.READING)
    monkeypatch.setattr(import_jobs, "MAX_WORKER_MEMORY_MIB", 100)

    import_jobs.run_import(
        received.pk, {Import.State.READING: lambda _: [bytes(10_000) for _ in range(1_000_000)]}
    )

    received.refresh_from_db()
    assert received.state == Import.State.FAILED
    assert "MiB of memory" in received.error
    assert len([bytes(10_000) for _ in range(20_000)]) == 20_000
