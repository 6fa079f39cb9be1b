"""The AI Act component file of one application: what its foundations' developers owe it (Annex
XII), what was changed about them, and the questions that decide who becomes a provider (Art. 25). A
question is asked here, never judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering
from apps.exposure.queries.dependents import StackRow, application_stack
from apps.inventory.models import Adaptation, AnnexItem, Application, Dependency
from apps.reports.models import ComponentAnswer
from apps.reports.tables import Cell, Column, Fill, Gap, Place, Row, Table, merged
from apps.reports.words import sentence
from apps.risks.models import Evidence

ITEMS = dict(AnnexItem.Item.choices)
ON_FILE = frozenset({AnnexItem.Status.RECEIVED, AnnexItem.Status.PUBLIC})

DOCUMENTS = Table(
    "documents",
    "",
    "Annex XII: what the developers owe",
    "Eleven items for each foundation that the application calls.",
    "",
    (
        Column("01", "Foundation"),
        Column("02", "Developer"),
        Column("03", "Item of Annex XII"),
        Column("04", "Status", Place.DOCUMENTS, dict(AnnexItem.Status.choices)),
        Column("05", "Received or seen on", Place.DOCUMENTS),
        Column("06", "Link", Place.DOCUMENTS),
        Column("07", "Asked for on", Place.DOCUMENTS),
        Column("08", "Answer due on"),
        Column("09", "Note"),
    ),
)

MODIFICATIONS = Table(
    "modifications",
    "",
    "Modification record",
    "What was built on each foundation, and the first evaluation after it.",
    "",
    (
        Column("01", "Foundation"),
        Column("02", "Called as"),
        Column("03", "Adaptation"),
        Column("04", "Name"),
        Column("05", "Where it lies", Place.APPLICATION),
        Column("06", "Recorded on"),
        Column("07", "Last changed on"),
        Column("08", "Evaluated since on", Place.EVIDENCE),
        Column("09", "Result", Place.EVIDENCE),
    ),
)

QUESTIONS = Table(
    "questions",
    "",
    "Who becomes a provider: questions of Art. 25",
    "Answered by the owners of the application; nothing is concluded here.",
    "",
    (
        Column("01", "Question"),
        Column("02", "Answer", Place.QUESTIONS, dict(ComponentAnswer.Answer.choices)),
        Column("03", "Because", Place.QUESTIONS),
        Column("04", "Answered by"),
        Column("05", "Answered on"),
    ),
)

COMPONENTS = Table(
    "components",
    "",
    "Annex IV 2(a): pre-trained systems and tools of third parties",
    "Everything that the application calls, in any role.",
    "",
    (
        Column("01", "Called as"),
        Column("02", "Role"),
        Column("03", "Foundation", Place.IDENTITY),
        Column("04", "Version", Place.IDENTITY),
        Column("05", "Developer", Place.IDENTITY),
        Column("06", "Host"),
        Column("07", "Reached through"),
        Column("08", "How it is used, integrated or modified", Place.APPLICATION),
        Column("09", "In use since"),
    ),
)

TABLES: tuple[Table, ...] = (DOCUMENTS, MODIFICATIONS, QUESTIONS, COMPONENTS)


@dataclass(frozen=True, slots=True)
class ComponentFile:
    """`n_on_file` of `n_items` documents are received or public. `documents_withheld`: the reader
    holds no office, and what is on file is read by the offices."""

    application: Application
    on: date
    rows: dict[str, list[Row]]
    gaps: list[Gap]
    fill: Fill
    n_items: int
    n_on_file: int
    n_overdue: int
    documents_withheld: bool


def component_file(*, application: Application, user: User, on: date) -> ComponentFile:
    """Nine statements at most, whatever the application calls. The caller has checked that `user`
    may see it."""
    used = application_stack(application=application, on=on)
    foundations = {row.foundation.pk: row.foundation for row in used if row.foundation}
    adaptations = list(
        Adaptation.objects.filter(dependency__in=[row.dependency.pk for row in used]).order_by(
            "dependency", "kind", "pk"
        )
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
    found = {
        DOCUMENTS.slug: _documents(foundations, items, user.can_read_all),
        MODIFICATIONS.slug: _modifications(used, adaptations, _evaluations(application, on)),
        QUESTIONS.slug: _questions(application, answers, adaptations),
        COMPONENTS.slug: _components(used, adaptations),
    }
    fill, gaps = Fill(), []
    for table in TABLES:
        for row, at in found[table.slug]:
            fill += _fill(row)
            gaps += _gaps(table, row, at, application)
    return ComponentFile(
        application=application,
        on=on,
        rows={slug: [row for row, _at in rows] for slug, rows in found.items()},
        gaps=merged(gaps),
        fill=fill,
        n_items=len(found[DOCUMENTS.slug]),
        n_on_file=sum(item.status in ON_FILE for item in items),
        n_overdue=sum(
            item.status == AnnexItem.Status.REQUESTED and (item.due_on or on) < on for item in items
        ),
        documents_withheld=not user.can_read_all,
    )


type _Rows = list[tuple[Row, Foundation | Offering | None]]


def _documents(
    foundations: dict[int, Foundation], items: Sequence[AnnexItem], office: bool
) -> _Rows:
    held = {(item.foundation_id, item.item): item for item in items}
    rows: _Rows = []
    for foundation in sorted(foundations.values(), key=lambda f: (f.name, f.pk)):
        for code, label in ITEMS.items():
            item = held.get((foundation.pk, code))
            named = (Cell(foundation.name), Cell(foundation.developer.name), Cell(str(label)))
            rows.append(
                (
                    Row(
                        named
                        + (_item_cells(item) if office else (Cell(None, sentence("office")),) * 6)
                    ),
                    foundation,
                )
            )
    return rows


def _item_cells(item: AnnexItem | None) -> tuple[Cell, ...]:
    """Status, received on, link, asked for on, due on, note. Only a document that is missing is a
    gap, and one that was received and lies nowhere."""
    if item is None or item.status == AnnexItem.Status.MISSING:
        return (
            Cell(None),
            *((Cell(None, sentence("on_request")),) * 4),
            Cell(None, sentence("none")),
        )
    on_file = item.status in ON_FILE
    away, unasked = sentence("not_on_file"), sentence("unasked")
    return (
        Cell(item.get_status_display()),
        Cell(item.received_on, "" if on_file else away),
        Cell(item.link or None, "" if on_file else away),
        Cell(item.requested_on, "" if item.requested_on else unasked),
        Cell(item.due_on, sentence("fortnight") if item.due_on else unasked),
        Cell(item.note or None, "" if item.note else sentence("none")),
    )


def _evaluations(application: Application, on: date) -> list[Evidence]:
    """Own evaluations of the application up to the day, the earliest first."""
    return list(
        Evidence.objects.filter(
            Q(kind=Evidence.Kind.OWN_EVALUATION) | Q(kind=Evidence.Kind.RED_TEAM),
            application=application,
            run_on__lte=on,
        ).order_by("run_on", "pk")
    )


def _modifications(
    used: Sequence[StackRow], adaptations: Sequence[Adaptation], evaluations: Sequence[Evidence]
) -> _Rows:
    by_dependency = {row.dependency.pk: row for row in used}
    rows: _Rows = []
    for adaptation in adaptations:
        row = by_dependency[adaptation.dependency_id]
        changed = adaptation.updated_at.date()
        after = next((e for e in evaluations if e.run_on >= changed and _tests(e, row)), None)
        rows.append(
            (
                Row(
                    (
                        Cell(row.foundation.name if row.foundation else row.offering.api_id),
                        Cell(row.offering.api_id),
                        Cell(adaptation.get_kind_display()),
                        Cell(adaptation.name or None, "" if adaptation.name else sentence("none")),
                        Cell(adaptation.artefact_ref or None),
                        Cell(adaptation.created_at.date()),
                        Cell(changed),
                        Cell(after.run_on if after else None),
                        Cell(_result(after)),
                    )
                ),
                None,
            )
        )
    return rows


def _tests(evidence: Evidence, row: StackRow) -> bool:
    """About what the dependency calls, or about the application as a whole."""
    if evidence.offering_id is not None:
        return evidence.offering_id in {row.offering.pk, row.answering.pk}
    return evidence.version_id is None or (
        row.version is not None and evidence.version_id == row.version.pk
    )


def _result(evidence: Evidence | None) -> str | None:
    if evidence is None:
        return None
    word = {True: "passed", False: "failed", None: "on file"}[evidence.passed]
    figure = (
        f"{evidence.metric} {evidence.value.normalize():f}"
        if evidence.metric and evidence.value is not None
        else ""
    )
    return f"{word}, {figure}" if figure else str(word)


def _questions(
    application: Application, answers: dict[str, ComponentAnswer], adaptations: Sequence[Adaptation]
) -> _Rows:
    tuned = any(adaptation.kind == Adaptation.Kind.FINE_TUNE for adaptation in adaptations)
    rows: _Rows = []
    for code, label in ComponentAnswer.Question.choices:
        given = answers.get(code)
        if given is not None:
            cells = (
                Cell(given.get_answer_display()),
                Cell(given.because or None),
                Cell(str(given.answered_by)),
                Cell(given.answered_on),
            )
        elif code == ComponentAnswer.Question.THIRD and not tuned:
            cells = (Cell(None, sentence("no_fine_tune")),) * 4
        else:
            waiting = sentence("unanswered")
            cells = (Cell(None), Cell(None, waiting), Cell(None, waiting), Cell(None, waiting))
        rows.append((Row((Cell(str(label)), *cells)), None))
    return rows


def _components(used: Sequence[StackRow], adaptations: Sequence[Adaptation]) -> _Rows:
    built: dict[int, list[str]] = {}
    for adaptation in adaptations:
        built.setdefault(adaptation.dependency_id, []).append(adaptation.get_kind_display().lower())
    rows: _Rows = []
    for row in used:
        dependency = row.dependency
        kinds = sorted(set(built.get(dependency.pk, ())))
        rows.append(
            (
                Row(
                    (
                        Cell(row.offering.api_id),
                        Cell(dependency.get_role_display()),
                        Cell(row.foundation.name if row.foundation else None),
                        Cell(row.version.identifier if row.version else None),
                        Cell(row.developer.name if row.developer else None),
                        Cell(row.host.name),
                        _reached(dependency),
                        Cell(", ".join(kinds) or None, sentence("adaptations") if kinds else ""),
                        Cell(dependency.since),
                    )
                ),
                row.offering,
            )
        )
    return rows


def _reached(dependency: Dependency) -> Cell:
    if dependency.via_party is None:
        return Cell(None, sentence("direct"))
    return Cell(f"{dependency.via_party.name} ({dependency.get_reached_display().lower()})")


def _fill(row: Row) -> Fill:
    missing = sum(cell.is_missing for cell in row.cells)
    filled = sum(cell.value is not None for cell in row.cells)
    return Fill(1, filled, missing)


def _gaps(table: Table, row: Row, at: Any, application: Application) -> list[Gap]:
    found = []
    for column, cell in zip(table.columns, row.cells, strict=True):
        if not cell.is_missing or column.place is None:
            continue
        place, subject = (
            column.place,
            application if column.place not in {Place.DOCUMENTS, Place.IDENTITY} else at,
        )
        label = (
            Column(column.code, _labelled(table, row, column))
            if table in (DOCUMENTS, QUESTIONS)
            else column
        )
        found.append(
            Gap(
                place,
                subject.pk,
                getattr(subject, "slug", ""),
                _name(subject),
                ((table, label),),
                1,
                application.criticality,
            )
        )
    return found


def _labelled(table: Table, row: Row, column: Column) -> str:
    """Which item or question it is, where all rows miss the same field."""
    said = str(row.cells[2 if table is DOCUMENTS else 0].value)
    return said if column.code in {"02", "04"} else f"{said}: {column.name}"


def _name(subject: Any) -> str:
    return subject.api_id if isinstance(subject, Offering) else str(subject.name)
