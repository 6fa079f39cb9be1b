"""AI Act component file of one application: documents that the developers of its foundations must
provide (Annex XII), modifications of them, and the questions that decide who becomes a provider
(Art. 25). The registry presents the questions and never decides them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering
from apps.exposure.queries.dependents import StackRow, application_stack
from apps.inventory.models import Adaptation, AnnexItem, Application, Dependency
from apps.reports.explanations import explain_code
from apps.reports.models import ComponentAnswer
from apps.reports.tables import (
    EntryPlace,
    FillRate,
    ReportCell,
    ReportColumn,
    ReportGap,
    ReportRow,
    ReportTable,
    merge_gaps,
)
from apps.risks.models import Evidence

ANNEX_ITEMS = dict(AnnexItem.Item.choices)
ON_FILE_STATUSES = frozenset({AnnexItem.Status.RECEIVED, AnnexItem.Status.PUBLIC})

DOCUMENTS = ReportTable(
    "documents",
    "",
    "Annex XII: what the developers owe",
    "Eleven items for each foundation that the application calls.",
    "",
    (
        ReportColumn("01", "Foundation"),
        ReportColumn("02", "Developer"),
        ReportColumn("03", "Item of Annex XII"),
        ReportColumn("04", "Status", EntryPlace.DOCUMENTS, dict(AnnexItem.Status.choices)),
        ReportColumn("05", "Received or seen on", EntryPlace.DOCUMENTS),
        ReportColumn("06", "Link", EntryPlace.DOCUMENTS),
        ReportColumn("07", "Asked for on", EntryPlace.DOCUMENTS),
        ReportColumn("08", "Answer due on"),
        ReportColumn("09", "Note"),
    ),
)

MODIFICATIONS = ReportTable(
    "modifications",
    "",
    "Modification record",
    "What was built on each foundation, and the first evaluation after it.",
    "",
    (
        ReportColumn("01", "Foundation"),
        ReportColumn("02", "Called as"),
        ReportColumn("03", "Adaptation"),
        ReportColumn("04", "Name"),
        ReportColumn("05", "Where it lies", EntryPlace.APPLICATION),
        ReportColumn("06", "Recorded on"),
        ReportColumn("07", "Last changed on"),
        ReportColumn("08", "Evaluated since on", EntryPlace.EVIDENCE),
        ReportColumn("09", "Result", EntryPlace.EVIDENCE),
    ),
)

QUESTIONS = ReportTable(
    "questions",
    "",
    "Who becomes a provider: questions of Art. 25",
    "Answered by the owners of the application; nothing is concluded here.",
    "",
    (
        ReportColumn("01", "Question"),
        ReportColumn("02", "Answer", EntryPlace.QUESTIONS, dict(ComponentAnswer.Answer.choices)),
        ReportColumn("03", "Because", EntryPlace.QUESTIONS),
        ReportColumn("04", "Answered by"),
        ReportColumn("05", "Answered on"),
    ),
)

COMPONENTS = ReportTable(
    "components",
    "",
    "Annex IV 2(a): pre-trained systems and tools of third parties",
    "Everything that the application calls, in any role.",
    "",
    (
        ReportColumn("01", "Called as"),
        ReportColumn("02", "Role"),
        ReportColumn("03", "Foundation", EntryPlace.IDENTITY),
        ReportColumn("04", "Version", EntryPlace.IDENTITY),
        ReportColumn("05", "Developer", EntryPlace.IDENTITY),
        ReportColumn("06", "Host"),
        ReportColumn("07", "Reached through"),
        ReportColumn("08", "How it is used, integrated or modified", EntryPlace.APPLICATION),
        ReportColumn("09", "In use since"),
    ),
)

TABLES: tuple[ReportTable, ...] = (DOCUMENTS, MODIFICATIONS, QUESTIONS, COMPONENTS)


@dataclass(frozen=True, slots=True)
class ComponentFile:
    """The component file. `n_on_file` of `n_items` documents are received or public.
    `documents_withheld`: the reader has no organisation role, which viewing the documents
    requires."""

    application: Application
    on: date
    rows: dict[str, list[ReportRow]]
    gaps: list[ReportGap]
    fill: FillRate
    n_items: int
    n_on_file: int
    n_overdue: int
    documents_withheld: bool


def component_file(*, application: Application, user: User, on: date) -> ComponentFile:
    """Build the file in at most nine statements. The caller has checked that `user` can view the
    application."""
    stack_rows = application_stack(application=application, on=on)
    foundations = {row.foundation.pk: row.foundation for row in stack_rows if row.foundation}
    adaptations = list(
        Adaptation.objects.filter(
            dependency__in=[row.dependency.pk for row in stack_rows]
        ).order_by("dependency", "kind", "pk")
    )
    items = list(
        AnnexItem.objects.visible_to(user)
        .filter(foundation__in=foundations)
        .order_by("foundation", "item")
    )
    answers = {
        row.question: row
        for row in ComponentAnswer.objects.filter(application=application).select_related(
            "answered_by"
        )
    }
    rows_by_table = {
        DOCUMENTS.slug: _document_rows(foundations, items, user.can_read_all),
        MODIFICATIONS.slug: _modification_rows(
            stack_rows, adaptations, _load_evaluations(application, on)
        ),
        QUESTIONS.slug: _question_rows(application, answers, adaptations),
        COMPONENTS.slug: _component_rows(stack_rows, adaptations),
    }
    fill, gaps = FillRate(), []
    for table in TABLES:
        for row, at in rows_by_table[table.slug]:
            fill += _row_fill(row)
            gaps += _find_row_gaps(table, row, at, application)
    return ComponentFile(
        application=application,
        on=on,
        rows={slug: [row for row, _at in rows] for slug, rows in rows_by_table.items()},
        gaps=merge_gaps(gaps),
        fill=fill,
        n_items=len(rows_by_table[DOCUMENTS.slug]),
        n_on_file=sum(item.status in ON_FILE_STATUSES for item in items),
        n_overdue=sum(
            item.status == AnnexItem.Status.REQUESTED and (item.due_on or on) < on for item in items
        ),
        documents_withheld=not user.can_read_all,
    )


type _Rows = list[tuple[ReportRow, Foundation | Offering | None]]


def _document_rows(
    foundations: dict[int, Foundation], items: Sequence[AnnexItem], office: bool
) -> _Rows:
    """Return a row for each foundation and Annex XII item. `office` is False for readers without an
    organisation role, who do not see the documents."""
    item_by_key = {(item.foundation_id, item.item): item for item in items}
    rows: _Rows = []
    for foundation in sorted(foundations.values(), key=lambda f: (f.name, f.pk)):
        for code, label in ANNEX_ITEMS.items():
            item = item_by_key.get((foundation.pk, code))
            name_cells = (
                ReportCell(foundation.name),
                ReportCell(foundation.developer.name),
                ReportCell(str(label)),
            )
            rows.append(
                (
                    ReportRow(
                        name_cells
                        + (
                            _item_cells(item)
                            if office
                            else (ReportCell(None, explain_code("office")),) * 6
                        )
                    ),
                    foundation,
                )
            )
    return rows


def _item_cells(item: AnnexItem | None) -> tuple[ReportCell, ...]:
    """Return status, received on, link, requested on, due on, note. Gaps are only missing
    documents, and received ones without a location."""
    if item is None or item.status == AnnexItem.Status.MISSING:
        return (
            ReportCell(None),
            *((ReportCell(None, explain_code("on_request")),) * 4),
            ReportCell(None, explain_code("none")),
        )
    on_file = item.status in ON_FILE_STATUSES
    not_on_file, not_requested = explain_code("not_on_file"), explain_code("unasked")
    return (
        ReportCell(item.get_status_display()),
        ReportCell(item.received_on, "" if on_file else not_on_file),
        ReportCell(item.link or None, "" if on_file else not_on_file),
        ReportCell(item.requested_on, "" if item.requested_on else not_requested),
        ReportCell(item.due_on, explain_code("fortnight") if item.due_on else not_requested),
        ReportCell(item.note or None, "" if item.note else explain_code("none")),
    )


def _load_evaluations(application: Application, on: date) -> list[Evidence]:
    """Return the application's own evaluations up to the day, the earliest first."""
    return list(
        Evidence.objects.filter(
            Q(kind=Evidence.Kind.OWN_EVALUATION) | Q(kind=Evidence.Kind.RED_TEAM),
            application=application,
            run_on__lte=on,
        ).order_by("run_on", "pk")
    )


def _modification_rows(
    stack_rows: Sequence[StackRow],
    adaptations: Sequence[Adaptation],
    evaluations: Sequence[Evidence],
) -> _Rows:
    """Return a row for each adaptation, with the first evaluation of its model after the last
    change."""
    by_dependency = {row.dependency.pk: row for row in stack_rows}
    rows: _Rows = []
    for adaptation in adaptations:
        row = by_dependency[adaptation.dependency_id]
        changed_on = adaptation.updated_at.date()
        evaluation = next(
            (e for e in evaluations if e.run_on >= changed_on and _is_about_model(e, row)), None
        )
        rows.append(
            (
                ReportRow(
                    (
                        ReportCell(row.foundation.name if row.foundation else row.offering.api_id),
                        ReportCell(row.offering.api_id),
                        ReportCell(adaptation.get_kind_display()),
                        ReportCell(
                            adaptation.name or None, "" if adaptation.name else explain_code("none")
                        ),
                        ReportCell(adaptation.artefact_ref or None),
                        ReportCell(adaptation.created_at.date()),
                        ReportCell(changed_on),
                        ReportCell(evaluation.run_on if evaluation else None),
                        ReportCell(_format_result(evaluation)),
                    )
                ),
                None,
            )
        )
    return rows


def _is_about_model(evidence: Evidence, row: StackRow) -> bool:
    """Return whether the evidence is about the model of the dependency, or about the application as
    a whole."""
    if evidence.offering_id is not None:
        return evidence.offering_id in {row.offering.pk, row.answering.pk}
    return evidence.version_id is None or (
        row.version is not None and evidence.version_id == row.version.pk
    )


def _format_result(evidence: Evidence | None) -> str | None:
    if evidence is None:
        return None
    result = {True: "passed", False: "failed", None: "on file"}[evidence.passed]
    figure = (
        f"{evidence.metric} {evidence.value.normalize():f}"
        if evidence.metric and evidence.value is not None
        else ""
    )
    return f"{result}, {figure}" if figure else str(result)


def _question_rows(
    application: Application, answers: dict[str, ComponentAnswer], adaptations: Sequence[Adaptation]
) -> _Rows:
    """Return a row for each question: the answer, or why the cells are empty."""
    has_fine_tune = any(adaptation.kind == Adaptation.Kind.FINE_TUNE for adaptation in adaptations)
    rows: _Rows = []
    for code, label in ComponentAnswer.Question.choices:
        answer = answers.get(code)
        if answer is not None:
            cells = (
                ReportCell(answer.get_answer_display()),
                ReportCell(answer.explanation or None),
                ReportCell(str(answer.answered_by)),
                ReportCell(answer.answered_on),
            )
        elif code == ComponentAnswer.Question.THIRD and not has_fine_tune:
            cells = (ReportCell(None, explain_code("no_fine_tune")),) * 4
        else:
            no_answer = explain_code("unanswered")
            cells = (
                ReportCell(None),
                ReportCell(None, no_answer),
                ReportCell(None, no_answer),
                ReportCell(None, no_answer),
            )
        rows.append((ReportRow((ReportCell(str(label)), *cells)), None))
    return rows


def _component_rows(stack_rows: Sequence[StackRow], adaptations: Sequence[Adaptation]) -> _Rows:
    """Return a row for each dependency of the application."""
    kinds_by_dependency: dict[int, list[str]] = {}
    for adaptation in adaptations:
        kinds_by_dependency.setdefault(adaptation.dependency_id, []).append(
            adaptation.get_kind_display().lower()
        )
    rows: _Rows = []
    for row in stack_rows:
        dependency = row.dependency
        kinds = sorted(set(kinds_by_dependency.get(dependency.pk, ())))
        rows.append(
            (
                ReportRow(
                    (
                        ReportCell(row.offering.api_id),
                        ReportCell(dependency.get_role_display()),
                        ReportCell(row.foundation.name if row.foundation else None),
                        ReportCell(row.version.identifier if row.version else None),
                        ReportCell(row.developer.name if row.developer else None),
                        ReportCell(row.host.name),
                        _access_path(dependency),
                        ReportCell(
                            ", ".join(kinds) or None, explain_code("adaptations") if kinds else ""
                        ),
                        ReportCell(dependency.since),
                    )
                ),
                row.offering,
            )
        )
    return rows


def _access_path(dependency: Dependency) -> ReportCell:
    if dependency.via_party is None:
        return ReportCell(None, explain_code("direct"))
    return ReportCell(f"{dependency.via_party.name} ({dependency.get_reached_display().lower()})")


def _row_fill(row: ReportRow) -> FillRate:
    n_missing = sum(cell.is_missing for cell in row.cells)
    n_filled = sum(cell.value is not None for cell in row.cells)
    return FillRate(1, n_filled, n_missing)


def _find_row_gaps(
    table: ReportTable, row: ReportRow, at: Any, application: Application
) -> list[ReportGap]:
    """Return a gap for each empty cell of the row that can be filled in; `at` is the record that
    the row is about."""
    gaps = []
    for column, cell in zip(table.columns, row.cells, strict=True):
        if not cell.is_missing or column.place is None:
            continue
        place, subject = (
            column.place,
            application if column.place not in {EntryPlace.DOCUMENTS, EntryPlace.IDENTITY} else at,
        )
        label = (
            ReportColumn(column.code, _column_label(table, row, column))
            if table in (DOCUMENTS, QUESTIONS)
            else column
        )
        gaps.append(
            ReportGap(
                place,
                subject.pk,
                getattr(subject, "slug", ""),
                _subject_name(subject),
                ((table, label),),
                1,
                application.criticality,
            )
        )
    return gaps


def _column_label(table: ReportTable, row: ReportRow, column: ReportColumn) -> str:
    """Return the label of a field, with its item or question, since all rows can lack the same
    field."""
    subject = str(row.cells[2 if table is DOCUMENTS else 0].value)
    return subject if column.code in {"02", "04"} else f"{subject}: {column.name}"


def _subject_name(subject: Any) -> str:
    return subject.api_id if isinstance(subject, Offering) else str(subject.name)
