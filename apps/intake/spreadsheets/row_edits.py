"""Rows of a preview corrected by a user: cells replaced, and the row planned again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import, ImportRow, ImportRowEdit
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping, SheetMapping
from apps.intake.spreadsheets.columns.reasons import RowReason
from apps.intake.spreadsheets.columns.rows import (
    MAPPED_KINDS,
    ParsedRow,
    RowEdits,
    facts_as_json,
    facts_from_json,
    read_row,
)
from apps.intake.spreadsheets.columns.values import fold_name, text_of
from apps.intake.spreadsheets.plan.execution import existing_records_for
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.planner import Planner
from apps.intake.spreadsheets.plan.row_plans import REFUSED
from apps.intake.spreadsheets.plan.storage import PlanTally
from apps.intake.spreadsheets.values.guesses import ACCEPTED, guess_texts
from apps.intake.spreadsheets.values.steps import rates_on

__all__ = ["CellEdit", "RowReason", "edit_row", "edits_by_row", "edits_of", "reasons_of"]
_MAX_CELL_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class CellEdit:
    """One cell that a user replaced in the preview."""

    column: int
    header: str
    old: str
    new: str
    by: str  # name of the user
    at: datetime


def reasons_of(row: ImportRow) -> list[RowReason]:
    """Return all reasons of a row, those that reject it first."""
    reasons = [RowReason.from_json(data) for data in row.reasons]
    if not reasons and row.reason:
        reasons = [RowReason(row.column, "", row.reason)]
    return sorted(reasons, key=lambda reason: not reason.refuses)


def edits_by_row(import_: Import) -> RowEdits:
    """Return the replaced cells of all rows: {(position of the table, row number): {column:
    text}}."""
    edits: dict[tuple[int, int], dict[int, str]] = {}
    for sheet, number, cells in import_.edits.order_by("at", "pk").values_list(
        "sheet", "number", "new_cells"
    ):
        edits.setdefault((sheet, number), {}).update(
            {int(column): text for column, text in cells.items()}
        )
    return edits


def edits_of(import_: Import, *, position: int) -> list[CellEdit]:
    """Return the cells of a row that users replaced, latest first."""
    row = import_.rows.get(position=position)
    heads = BookMapping.from_json(import_.mapping).sheets[row.sheet].heads
    return [
        CellEdit(
            int(column),
            heads[int(column)] if int(column) < len(heads) else f"Column {int(column) + 1}",
            edit.old_cells.get(column, ""),
            text,
            str(edit.by) if edit.by else "",
            edit.at,
        )
        for edit in import_.edits.filter(sheet=row.sheet, number=row.number)
        .select_related("by")
        .order_by("-at", "-pk")
        for column, text in edit.new_cells.items()
    ]


@transaction.atomic
def edit_row(
    *, import_: Import, position: int, cells: Mapping[int, str], by: User, at: datetime
) -> ImportRow:
    """Replace cells ({position of the column, from 0: text}) of a row in the preview and plan it
    again, without a new upload. Only that row changes; other rows are compared with it at the next
    reading and when the import is confirmed. Raises InvalidStateError unless the import waits for
    confirmation."""
    locked = Import.objects.select_for_update(of=("self",)).get(pk=import_.pk)
    if locked.by_id != by.pk:
        raise IntakePermissionError(
            "Only the user who uploaded a spreadsheet can change its rows. Upload it yourself to "
            "import it."
        )
    if locked.state != Import.State.READ:
        raise InvalidStateError(
            f"Rows can be changed only before the import is confirmed. It is: "
            f"{locked.get_state_display()}. Reload the page."
        )
    row = locked.rows.filter(position=position).first()
    if row is None:
        raise DomainError("The row is no longer part of this import. Reload the page.")
    mapping = replace(
        BookMapping.from_json(locked.mapping), rates=rates_on(locked.planned_on or at.date())
    )
    sheet = mapping.sheets[row.sheet]
    changed = _changed_cells(row, sheet, cells)
    if not changed:
        return row
    ImportRowEdit.objects.create(
        import_record=locked,
        sheet=row.sheet,
        number=row.number,
        by=by,
        at=at,
        old_cells={
            str(column): row.cells[column] if column < len(row.cells) else "" for column in changed
        },
        new_cells={str(column): text for column, text in changed.items()},
    )
    parsed = _read_again(locked, row, sheet, mapping, changed)
    planner = Planner(
        existing_records_for(locked.sender),
        CatalogueLookup(),
        mapping,
        on=locked.planned_on or at.date(),
    )
    plan = next(iter(planner.plan([parsed])))
    tally = _count_again(locked, row, plan.outcome, plan.as_json(), leaves_out=bool(plan.reasons))
    ImportRow.objects.filter(pk=row.pk).update(
        cells=parsed.cells,
        application=facts_as_json(parsed.application),
        use=facts_as_json(parsed.use),
        outcome=plan.outcome,
        reason=plan.reason,
        column=plan.column[:200],
        reasons=[reason.as_json() for reason in plan.reasons],
        note=plan.note,
        plan={} if plan.outcome == REFUSED else plan.as_json(),
    )
    Import.objects.filter(pk=locked.pk).update(counts=tally)
    row.refresh_from_db()
    return row


def _changed_cells(row: ImportRow, sheet: SheetMapping, cells: Mapping[int, str]) -> dict[int, str]:
    """Return the cells whose text differs, normalised."""
    changed: dict[int, str] = {}
    for column, text in cells.items():
        if not 0 <= column < len(sheet.heads):
            raise DomainError("The table has no such column. Reload the page.")
        if len(text) > _MAX_CELL_LENGTH:
            raise DomainError(
                f"The text has {len(text):,} characters; at most {_MAX_CELL_LENGTH:,} are allowed. "
                "Shorten it."
            )
        new_text = text_of(text)
        if new_text != (row.cells[column] if column < len(row.cells) else ""):
            changed[column] = new_text
    return changed


def _read_again(
    import_: Import,
    row: ImportRow,
    sheet: SheetMapping,
    mapping: BookMapping,
    changed: Mapping[int, str],
) -> ParsedRow:
    """Return the row with its changed cells and those that had a reason read again; what the other
    cells say stays, because their numbers and dates are no texts in the file."""
    texts = [*row.cells, *[""] * (len(sheet.heads) - len(row.cells))]
    for column, text in changed.items():
        texts[column] = text
    with_reason = {reason.code for reason in reasons_of(row)}
    read_columns = {
        column: code
        for column, code in sheet.columns.items()
        if column in changed or code in with_reason
    }
    partial = replace(sheet, columns=read_columns)
    complete = _complete_mapping(import_, partial, mapping, texts)
    fresh = read_row(
        list(texts),
        partial,
        complete,
        position=row.position,
        place=row.sheet,
        number=row.number,
    )
    codes = set(read_columns.values())
    application = {
        fact: value
        for fact, value in (facts_from_json(row.application) or {}).items()
        if f"application.{fact}" not in codes
    } | fresh.application
    use = {
        fact: value
        for fact, value in (facts_from_json(row.use) or {}).items()
        if f"use.{fact}" not in codes
    } | _use_facts(texts, partial, complete, row)
    has_application = bool(application.get("name") or application.get("slug"))
    # what is missing among the cells that were read can stand in the others
    reasons = [
        reason
        for reason in fresh.reasons
        if not (has_application and reason.code in {"application.name", "application.slug"})
        and not (use.get("model") and reason.code == "use.model")
    ]
    return ParsedRow(
        position=row.position,
        sheet=row.sheet,
        number=row.number,
        cells=[text_of(text) for text in texts],
        application=application,
        use=use if use.get("model") else None,
        reasons=reasons,
    )


def _use_facts(
    texts: list[str], partial: SheetMapping, mapping: BookMapping, row: ImportRow
) -> dict[str, object]:
    """Return the facts of the dependency that the changed cells state, also without a model
    cell."""
    probe = replace(partial, columns={**partial.columns, len(texts): "use.model"})
    fresh = read_row(
        [*texts, "model"],
        probe if "use.model" not in partial.columns.values() else partial,
        mapping,
        position=row.position,
        place=row.sheet,
        number=row.number,
    )
    facts = dict(fresh.use or {})
    if "use.model" not in partial.columns.values():
        facts.pop("model", None)
    return facts


def _complete_mapping(
    import_: Import, sheet: SheetMapping, mapping: BookMapping, texts: list[str]
) -> BookMapping:
    """Return the mapping with the guesses that the import has accepted, and with those for new
    texts."""
    if mapping.strict:
        return mapping
    values = {code: dict(chosen) for code, chosen in mapping.values.items()}
    columns = {
        code: column
        for column, code in sheet.columns.items()
        if FIELDS[code].kind in MAPPED_KINDS and texts[column]
    }
    known = {
        (row.code, fold_name(row.text)): row
        for row in import_.values.filter(code__in=columns)
        if not row.is_chosen and row.certainty in ACCEPTED
    }
    for code, column in columns.items():
        text = texts[column]
        key = fold_name(text)
        if key in values.get(code, {}):
            continue
        row = known.get((code, key))
        if row is not None:
            values.setdefault(code, {})[key] = row.guess
            continue
        guess = guess_texts(
            code, [text], mapping.conventions, sheet.heads[column], mapping.legend_of(code)
        )[text]
        if guess.certainty in ACCEPTED:
            values.setdefault(code, {})[key] = guess.value
    return replace(mapping, values=values)


def _count_again(
    import_: Import, row: ImportRow, outcome: str, plan: dict[str, object], *, leaves_out: bool
) -> dict[str, object]:
    """Return the counts of the import with the new outcome of one row."""
    before, after = PlanTally(), PlanTally()
    before.add(row.outcome, row.plan, leaves_out=row.outcome != REFUSED and bool(row.reasons))
    after.add(
        outcome,
        plan if outcome != REFUSED else {},
        leaves_out=outcome != REFUSED and leaves_out,
    )
    counts = dict(import_.counts)
    old, new = before.as_json(), after.as_json()
    for kind in ("rows", "applications", "uses", "not_stated"):
        of_kind = dict(counts.get(kind, {}))
        for name, n in old.get(kind, {}).items():
            of_kind[name] = of_kind.get(name, 0) - n
        for name, n in new.get(kind, {}).items():
            of_kind[name] = of_kind.get(name, 0) + n
        counts[kind] = {name: n for name, n in of_kind.items() if n > 0}
    for kind in ("unresolved", "left_out"):
        counts[kind] = max(0, counts.get(kind, 0) - old.get(kind, 0) + new.get(kind, 0))
    return counts
