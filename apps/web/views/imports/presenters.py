"""Sentences of the import pages, and each row's plan in words. Plain Python over stored plans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.common.text import pluralize
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.web.pages.page import Headline
from apps.web.wording import share

OUTCOMES = ("added", "changed", "unchanged", "refused")


def format_count(counts: Mapping[str, Any], kind: str, *outcomes: str) -> int:
    return sum(counts.get(kind, {}).get(outcome, 0) for outcome in outcomes)


# what is counted of a document, beside rows of sheets
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
    refused = sum(_number(counts.get(word)) for word in ("unresolved", "rejected"))
    return (_number(counts.get("created")), _number(counts.get("updated")), refused)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0


def applications(n: int) -> str:
    return pluralize(n, f"{n:,} application", f"{n:,} applications")


def uses(n: int) -> str:
    return pluralize(n, f"{n:,} use of a model", f"{n:,} uses of models")


def rows(n: int) -> str:
    return pluralize(n, f"{n:,} row", f"{n:,} rows")


def columns_headline(import_: Import) -> Headline:
    if import_.state == Import.State.FAILED:
        return import_headline(import_)
    return Headline("Say what the columns hold, then see what every row would do.")


def import_headline(import_: Import) -> Headline:
    """State the finding of one import; the marked part needs action."""
    counts, state = import_.counts, import_.state
    if state == Import.State.RECEIVED:
        return columns_headline(import_)
    if state == Import.State.READING:
        return Headline("The sheet is being read; nothing is written yet.")
    if state == Import.State.FAILED:
        return Headline("", "The sheet cannot be read", f": {import_.error}")
    if state == Import.State.APPLYING:
        return Headline("What the preview showed is being written.")
    if state == Import.State.UNDOING:
        return Headline("Everything the import wrote is being put back.")
    if state == Import.State.DROPPED:
        return Headline("This import was dropped; nothing of it was written.")
    if state == Import.State.UNDONE:
        return Headline("This import was undone: what it wrote is as it was before.")
    done = state == Import.State.APPLIED
    added = _parts(counts, "added")
    changed = _parts(counts, "changed")
    if not added and not changed:
        before = (
            "Nothing in this sheet differs from what is on record"
            if format_count(counts, "rows", "unchanged")
            else "No row of this sheet can be taken"
        )
    else:
        said = []
        if added:
            said.append(f"{added} added" if done else f"{added} will be added")
        if changed:
            said.append(f"{changed} changed" if done else f"{changed} will be changed")
        before = ", ".join(said)
        before = before[:1].upper() + before[1:]
    n_refused = format_count(counts, "rows", "refused")
    if not n_refused:
        return Headline(f"{before}.")
    mark = pluralize(n_refused, f"{n_refused:,} row is refused", f"{n_refused:,} rows are refused")
    return Headline(f"{before}; ", mark, ".")


def _parts(counts: Mapping[str, Any], outcome: str) -> str:
    n_applications, n_uses = (
        format_count(counts, "applications", outcome),
        format_count(counts, "uses", outcome),
    )
    parts = ([applications(n_applications)] if n_applications else []) + (
        [uses(n_uses)] if n_uses else []
    )
    return " and ".join(parts)


def import_list_headline(n_found: int, shown: str, *, filtered: bool) -> Headline:
    if not n_found and not filtered:
        return Headline(
            "Begin with the spreadsheet you have: nothing is written before you have seen what it "
            "would do."
        )
    words = pluralize(n_found, f"{shown} import", f"{shown} imports")
    if filtered:
        return Headline(pluralize(n_found, f"{words} matches.", f"{words} match."))
    return Headline(
        f"{words} so far; each can be looked at, and undone while nobody has built on it."
    )


@dataclass(frozen=True, slots=True)
class ChangeWords:
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowWords:
    """Row of the preview. `slug` is empty for an application that does not exist yet."""

    row: ImportRow
    sheet: str
    name: str
    slug: str
    is_new: bool
    model: str
    host: str
    is_new_use: bool
    how: str
    is_unresolved: bool
    changes: tuple[ChangeWords, ...]


def present_rows(
    found: Iterable[ImportRow], sheets: list[str], names: Mapping[str, Mapping[int, str]]
) -> list[RowWords]:
    """Present rows; `names` holds the names of teams, by id, for what moves from one to another."""
    return [_row(row, sheets, names) for row in found]


def _row(row: ImportRow, sheets: list[str], names: Mapping[str, Mapping[int, str]]) -> RowWords:
    plan = row.plan or {}
    application, use = plan.get("application") or {}, plan.get("use") or {}
    said = row.use or {}
    changes: list[ChangeWords] = []
    for record, part in (("application", application), ("use", use)):
        if part.get("do") == "change" or (part.get("do") == "add" and record == "application"):
            changes += [
                ChangeWords(
                    _label(record, fact),
                    _value(record, fact, old, names),
                    _value(record, fact, new, names),
                )
                for fact, (old, new) in part.get("changes", {}).items()
                if fact != "name" or part["do"] != "add"
            ]
    how = ""
    if use.get("do") == "add" and 0 < use.get("confidence", 1.0) < 1.0:
        how = (
            f"'{said.get('model', '')}' is taken as {use['api_id']}, "
            f"{share(use['confidence'])} sure: {use['why']}"
        )
    return RowWords(
        row=row,
        sheet=sheets[row.sheet] if len(sheets) > 1 and row.sheet < len(sheets) else "",
        name=application.get("name")
        or row.application.get("name")
        or row.application.get("slug", ""),
        slug=application.get("slug", "") if application.get("id") else "",
        is_new=application.get("do") == "add",
        model=use.get("api_id") or said.get("model", ""),
        host=use.get("host") or said.get("host", ""),
        is_new_use=use.get("do") == "add",
        how=how,
        is_unresolved=use.get("do") == "add" and not use.get("resolved", True),
        changes=tuple(changes),
    )


def _label(record: str, fact: str) -> str:
    field = FIELDS.get(f"{record}.{fact}")
    return field.label if field else fact.replace("_", " ").capitalize()


def _value(record: str, fact: str, value: Any, names: Mapping[str, Mapping[int, str]]) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if fact == "team":
        return names["team"].get(value, str(value))
    field = FIELDS.get(f"{record}.{fact}")
    shown = field.show(value) if field else value
    return str(shown)
