"""Sentences of the import pages, and each row's plan in words. Plain Python over stored plans."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.common.text import pluralize
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.row_edits import RowReason
from apps.web.pages.page import Headline
from apps.web.wording import join_names, share

OUTCOMES = ("added", "changed", "unchanged", "refused")


def format_count(counts: Mapping[str, Any], kind: str, *outcomes: str) -> int:
    return sum(counts.get(kind, {}).get(outcome, 0) for outcome in outcomes)


# counts of documents, besides those of spreadsheet rows
OF_DOCUMENTS = (
    "sightings",
    "created",
    "updated",
    "unchanged",
    "unresolved",
    "unclaimed",
    "missing",
    "rejected",
)


def figures(import_: Import) -> tuple[int, int, int]:
    """Return (new, changed, rejected): rows of a spreadsheet, uses of a document."""
    counts = import_.counts
    if import_.kind == Import.Kind.SHEET:
        return (
            format_count(counts, "rows", "added"),
            format_count(counts, "rows", "changed"),
            format_count(counts, "rows", "refused"),
        )
    n_rejected = sum(_count_of(counts.get(key)) for key in ("unresolved", "rejected"))
    return (_count_of(counts.get("created")), _count_of(counts.get("updated")), n_rejected)


def _count_of(value: Any) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0


def applications(n: int) -> str:
    return pluralize(n, f"{n:,} application", f"{n:,} applications")


def uses(n: int) -> str:
    return pluralize(n, f"{n:,} dependency", f"{n:,} dependencies")


def rows(n: int) -> str:
    return pluralize(n, f"{n:,} row", f"{n:,} rows")


def quote_sheets(names: Sequence[str]) -> str:
    """Return the worksheets that are read, as `Sheet “Register”`; empty for a file without
    names."""
    quoted = join_names([f"“{name}”" for name in names], max_names=3)
    return f"{'Sheet' if len(names) == 1 else 'Sheets'} {quoted}" if quoted else ""


def columns_headline(import_: Import) -> Headline:
    if import_.state == Import.State.FAILED:
        return import_headline(import_)
    return Headline(
        "Select what each column contains. The next page lists each distinct value once."
    )


def import_headline(import_: Import) -> Headline:
    """State the finding of one import; the marked part needs action."""
    counts, state = import_.counts, import_.state
    if state == Import.State.RECEIVED:
        return columns_headline(import_)
    if state == Import.State.READING:
        return Headline("The spreadsheet is being read. Nothing is saved yet.")
    if state == Import.State.FAILED:
        return Headline("", "The spreadsheet cannot be read", f": {import_.error}")
    if state == Import.State.APPLYING:
        return Headline("The changes of the preview are being saved.")
    if state == Import.State.UNDOING:
        return Headline("The changes of the import are being undone.")
    if state == Import.State.DROPPED:
        return Headline("This import was discarded. Nothing was saved.")
    if state == Import.State.UNDONE:
        return Headline("This import was undone: its records are as before.")
    is_applied = state == Import.State.APPLIED
    additions = _describe_outcome(counts, "added")
    changes = _describe_outcome(counts, "changed")
    if not additions and not changes:
        opening = (
            "No row differs from the inventory"
            if format_count(counts, "rows", "unchanged")
            else "No row can be imported"
        )
    else:
        clauses = []
        if additions:
            clauses.append(f"{additions} added" if is_applied else f"{additions} will be added")
        if changes:
            clauses.append(f"{changes} changed" if is_applied else f"{changes} will be changed")
        opening = ", ".join(clauses)
        opening = opening[:1].upper() + opening[1:]
    n_rejected = format_count(counts, "rows", "refused")
    if not n_rejected:
        return Headline(f"{opening}.")
    rejected_clause = pluralize(
        n_rejected, f"{n_rejected:,} row is rejected", f"{n_rejected:,} rows are rejected"
    )
    return Headline(f"{opening}; ", rejected_clause, ".")


def _describe_outcome(counts: Mapping[str, Any], outcome: str) -> str:
    n_applications, n_uses = (
        format_count(counts, "applications", outcome),
        format_count(counts, "uses", outcome),
    )
    phrases = ([applications(n_applications)] if n_applications else []) + (
        [uses(n_uses)] if n_uses else []
    )
    return " and ".join(phrases)


@dataclass(frozen=True, slots=True)
class ChangeWords:
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowWords:
    """Row of the preview. `slug` is empty for an application that does not exist yet; `sheet` if
    the file has one sheet only."""

    row: ImportRow
    sheet: str
    sheet_name: str
    name: str
    slug: str
    is_new: bool
    model: str
    host: str
    is_new_use: bool
    how: str
    is_unresolved: bool
    changes: tuple[ChangeWords, ...]
    reasons: tuple[RowReason, ...] = ()
    edit_url: str = ""

    @property
    def changes_text(self) -> str:
        return "; ".join(
            f"{change.label}: {change.old or '–'} → {change.new or '–'}" for change in self.changes
        )

    @property
    def refusing(self) -> list[RowReason]:
        """Return all reasons why the row is rejected."""
        return [reason for reason in self.reasons if reason.refuses]

    @property
    def left_out(self) -> list[RowReason]:
        """Return what of the row is not imported."""
        return [reason for reason in self.reasons if not reason.refuses]

    @property
    def reasons_text(self) -> str:
        return "; ".join(
            f"{reason.column}: {reason.sentence}" if reason.column else reason.sentence
            for reason in self.reasons
        )

    @property
    def model_note(self) -> str:
        """Return the host, and whether the dependency is new and its model ID not known."""
        if not self.model:
            return ""
        notes = (
            self.host or "no host",
            "new dependency" if self.is_new_use else "",
            "model ID not known" if self.is_unresolved else "",
        )
        return ", ".join(filter(None, notes))


def present_rows(
    import_rows: Iterable[ImportRow],
    sheets: Sequence[str],
    names: Mapping[str, Mapping[int, str]],
    *,
    shows_sheet: bool,
    is_editable: bool = False,
    is_applied: bool = False,
) -> list[RowWords]:
    """Present rows; `names` holds the names of teams, by id, for applications that move between
    them. `is_editable` links each row to its form; `is_applied`: new applications are in the
    inventory."""
    return [
        _present_row(row, sheets, names, shows_sheet, is_editable, is_applied)
        for row in import_rows
    ]


def _present_row(
    row: ImportRow,
    sheets: Sequence[str],
    names: Mapping[str, Mapping[int, str]],
    shows_sheet: bool,
    is_editable: bool,
    is_applied: bool,
) -> RowWords:
    """Return a row of an import as texts: what it adds or changes, with old and new values. `names`
    are {kind: {ID: name}}."""
    plan = row.plan or {}
    application, use = plan.get("application") or {}, plan.get("use") or {}
    raw_use = row.use or {}
    sheet_name = sheets[row.sheet] if row.sheet < len(sheets) else ""
    changes: list[ChangeWords] = []
    for record, record_plan in (("application", application), ("use", use)):
        if record_plan.get("do") == "change" or (
            record_plan.get("do") == "add" and record == "application"
        ):
            changes += [
                ChangeWords(
                    _fact_label(record, fact),
                    _format_value(record, fact, old_value, names),
                    _format_value(record, fact, new_value, names),
                )
                for fact, (old_value, new_value) in record_plan.get("changes", {}).items()
                if fact != "name" or record_plan["do"] != "add"
            ]
    explanation = ""
    if use.get("do") == "add" and 0 < use.get("confidence", 1.0) < 1.0:
        cell = raw_use.get("model", "")
        explanation = (
            f"'{cell}' is identified as {use['api_id']}, confidence {share(use['confidence'])}: "
            f"{use['why']}"
            if use.get("resolved", True)
            else f"'{cell}': {use['why']}"
        )
    return RowWords(
        row=row,
        sheet=sheet_name if shows_sheet else "",
        sheet_name=sheet_name,
        name=application.get("name")
        or row.application.get("name")
        or row.application.get("slug", ""),
        slug=application.get("slug", "") if application.get("id") or is_applied else "",
        is_new=application.get("do") == "add",
        model=use.get("api_id") or raw_use.get("model", ""),
        host=use.get("host") or raw_use.get("host", ""),
        is_new_use=use.get("do") == "add",
        how=explanation,
        is_unresolved=use.get("do") == "add" and not use.get("resolved", True),
        changes=tuple(changes),
        reasons=tuple(_all_reasons(row)),
        edit_url=reverse("imports:edit-row", args=[row.import_record_id, row.position])
        if is_editable
        else "",
    )


def _all_reasons(row: ImportRow) -> list[RowReason]:
    """Return all reasons of a row; those that reject it come first. A row that was rejected when
    the import was confirmed has one."""
    reasons = [RowReason.from_json(reason) for reason in row.reasons]
    if row.reason and not any(reason.refuses for reason in reasons):
        reasons.insert(0, RowReason(row.column, "", row.reason))
    return sorted(reasons, key=lambda reason: not reason.refuses)


def _fact_label(record: str, fact: str) -> str:
    field = FIELDS.get(f"{record}.{fact}")
    return field.label if field else fact.replace("_", " ").capitalize()


def _format_value(
    record: str, fact: str, value: Any, names: Mapping[str, Mapping[int, str]]
) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if fact == "team":
        return names["team"].get(value, str(value))
    field = FIELDS.get(f"{record}.{fact}")
    text = field.show(value) if field else value
    return str(text)
