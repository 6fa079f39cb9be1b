"""The AI Act component file and the model inventory."""

from datetime import date, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.catalog.models import Foundation
from apps.inventory.governance.annex_documents import record_document_status, request_documents
from apps.inventory.models import Adaptation, Application
from apps.reports.component_file import (
    COMPONENTS,
    DOCUMENTS,
    MODIFICATIONS,
    QUESTIONS,
    ComponentFile,
    component_file,
)
from apps.reports.model_inventory import MODEL_INVENTORY_TABLE, open_inventory
from apps.reports.models import ComponentAnswer, ModelStatement
from apps.reports.tables import EntryPlace, ReportCell
from apps.risks.models import Evidence
from tests.builders import NOW, TODAY
from tests.reports.insurer import Insurer, more_applications


def file_of(application: Application, user: User) -> ComponentFile:
    return component_file(application=application, user=user, on=TODAY)


def inventory(user: User) -> dict[tuple[str, str | None], dict[str, ReportCell]]:
    with open_inventory(user=user, on=TODAY) as found:
        rows = list(found.rows())
    codes = [column.code for column in MODEL_INVENTORY_TABLE.columns]
    named = [dict(zip(codes, row.cells, strict=True)) for row in rows]
    return {(row["01"].value, row["03"].value): row for row in named}


def test_the_file_lists_eleven_documents_a_foundation_with_request_and_due_day(
    insurer: Insurer,
) -> None:
    sonnet = Foundation.objects.get(line="anthropic/sonnet")
    request_documents(
        foundation=sonnet, items=["1a", "1h"], on=date(2026, 11, 1), by=insurer.governance
    )
    record_document_status(
        foundation=sonnet,
        item="1b",
        status="public",
        on=date(2026, 11, 2),
        by=insurer.governance,
        link="https://example.org/aup",
    )
    found = file_of(insurer.triage, insurer.governance)
    assert (found.n_items, found.n_on_file, found.n_overdue) == (22, 1, 2)
    rows = {(row.values[0], row.values[2][:4]): row for row in found.rows[DOCUMENTS.slug]}
    asked = rows["Sonnet", "1(a)"]
    assert asked.values[3] == "Requested"
    assert (asked.values[6], asked.values[7]) == (date(2026, 11, 1), date(2026, 11, 15))
    assert rows["Sonnet", "1(b)"].values[3:6] == [
        "Public",
        date(2026, 11, 2),
        "https://example.org/aup",
    ]
    assert rows["Sonnet", "2(c)"].cells[3].is_missing
    gaps = {gap.name: gap.labels for gap in found.gaps if gap.place == EntryPlace.DOCUMENTS}
    assert len(gaps["GPT"]) == 11
    assert len(gaps["Sonnet"]) == 8


def test_documents_are_read_by_the_offices_and_the_file_says_so(insurer: Insurer) -> None:
    found = file_of(insurer.triage, insurer.editor)
    assert found.documents_withheld
    cell = found.rows[DOCUMENTS.slug][0].cells[3]
    assert (cell.value, cell.how) == (None, "read by governance, auditors and administrators")
    assert not any(gap.place == EntryPlace.DOCUMENTS for gap in found.gaps)


def test_a_modification_is_shown_with_the_first_evaluation_after_it(insurer: Insurer) -> None:
    (row,) = file_of(insurer.triage, insurer.governance).rows[MODIFICATIONS.slug]
    assert row.values[2:5] == ["Prompt", "Triage prompt", "git: triage"]
    assert row.cells[7].is_missing
    changed = Adaptation.objects.get().updated_at.date()
    for days, passed in ((-1, False), (0, True)):
        Evidence.objects.create(
            kind="own_evaluation",
            application=insurer.triage,
            metric="accuracy",
            value="0.91",
            passed=passed,
            run_on=changed + timedelta(days),
            recorded_at=NOW,
        )
    after = component_file(application=insurer.triage, user=insurer.governance, on=changed)
    (row,) = after.rows[MODIFICATIONS.slug]
    assert row.values[7:] == [changed, "passed, accuracy 0.91"]


def test_the_one_third_guideline_is_a_question_and_asked_of_fine_tunes_only(
    insurer: Insurer,
) -> None:
    def third(found: ComponentFile) -> ReportCell:
        return next(
            row for row in found.rows[QUESTIONS.slug] if "third of the compute" in row.values[0]
        ).cells[1]

    assert third(file_of(insurer.triage, insurer.editor)).how == "no fine-tune is recorded"
    Adaptation.objects.update(kind="fine_tune")
    assert third(file_of(insurer.triage, insurer.editor)).is_missing
    ComponentAnswer.objects.create(
        application=insurer.triage,
        question="third",
        answer="no",
        explanation="1 %",
        answered_by=insurer.editor,
        answered_on=TODAY,
    )
    answered = file_of(insurer.triage, insurer.editor)
    assert third(answered).value == "No"
    assert not any("third" in label for gap in answered.gaps for label in gap.labels)


def test_everything_called_is_a_component_of_third_parties(insurer: Insurer) -> None:
    rows = file_of(insurer.triage, insurer.editor).rows[COMPONENTS.slug]
    assert [row.values[:6] for row in rows] == [
        ["sonnet", "Primary", "Sonnet", "anthropic/sonnet-1", "Anthropic", "Bedrock"],
        ["gpt", "Fallback", "GPT", "openai/gpt-1", "OpenAI", "Azure"],
    ]


def test_the_inventory_has_a_row_for_each_application_and_version(insurer: Insurer) -> None:
    rows = inventory(insurer.governance)
    assert set(rows) == {
        ("Claims triage", "anthropic/sonnet-1"),
        ("Claims triage", "openai/gpt-1"),
        ("Mail drafter", "mistral/large-1"),
    }
    row = rows["Claims triage", "anthropic/sonnet-1"]
    assert row["07"].value == "Outside SR 26-2 scope, firm policy applies"
    assert (row["08"].value, row["09"].value) == ("Sorts claims", "Claims")
    assert row["12"].value == "openai/gpt-1 (fallback)"
    assert (row["13"].value, row["25"].value, row["26"].value, row["28"].value) == (
        "prompt",
        "Critical",
        620,
        0,
    )
    assert row["15"].is_missing
    assert rows["Mail drafter", "mistral/large-1"]["12"].how == "no other model is called"


def test_what_owners_state_fills_the_inventory(insurer: Insurer) -> None:
    ModelStatement.objects.create(
        application=insurer.triage,
        outputs="A lane",
        limitations="Dialects",
        validator="Model risk",
        valid_until=date(2027, 6, 1),
    )
    Evidence.objects.create(
        kind="own_evaluation",
        application=insurer.triage,
        passed=True,
        run_on=date(2026, 10, 1),
        recorded_at=NOW,
    )
    row = inventory(insurer.governance)["Claims triage", "anthropic/sonnet-1"]
    assert (row["14"].value, row["29"].value, row["21"].value) == (
        "A lane",
        "Dialects",
        "Model risk",
    )
    assert (row["15"].value, row["22"].value, row["24"].value) == (
        "Passed",
        date(2026, 10, 1),
        date(2027, 6, 1),
    )
    with open_inventory(user=insurer.governance, on=TODAY) as found:
        gaps = {
            gap.name: gap.labels
            for gap in found.gaps(limit=20)
            if gap.place == EntryPlace.STATEMENT
        }
    assert "Outputs and their use" not in gaps["Claims triage"]
    assert "Outputs and their use" in gaps["Mail drafter"]


def test_an_editor_sees_the_own_teams_models_only(insurer: Insurer) -> None:
    assert {application for application, _ in inventory(insurer.editor)} == {"Claims triage"}
    assert inventory(insurer.outsider) == {}


def test_both_cost_the_same_statements_whatever_the_portfolio(insurer: Insurer) -> None:
    def count() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as models:
            inventory(insurer.governance)
        with CaptureQueriesContext(connection) as component:
            file_of(insurer.triage, insurer.governance)
        return len(models), len(component)

    few = count()
    more_applications(insurer, 27)
    assert count() == few
