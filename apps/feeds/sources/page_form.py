"""The form of a lifecycle page: its tables, the columns that are read, and the rows of each.

A page that lost a table or a column does not say that its models have no date any more. So the form
of the last good reading is stored (`PollState.page_form`) and compared with that of the next one. A
table or column that is missing is a doubt about its rows: they keep their values, and their removal
or the loss of their dates waits for a decision, while the rest of the page is read as always.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow, ParsedFeed
from apps.catalog.ingestion.change_detection.records import PayloadDoubt
from apps.common.text import pluralize
from apps.feeds.pages.records import TableReading

# Columns whose loss changes what the page says of a model.
READ_COLUMNS = frozenset(
    {
        "id",
        "version",
        "announced",
        "legacy",
        "closed_to_new",
        "extended_access",
        "training_ends",
        "retires",
        "replacement",
        "stage",
        "regions",
        "parameter",
        "date",
        "update",
    }
)
# Of the path of headings in the excerpt of a claim.
MAX_HEADING_LENGTH = 400
_MAX_NAME_LENGTH = 120
# More changes of form than this are not listed in the sentence.
_MAX_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class TableForm:
    """One table as it was read: its path of headings, {column of the mapping: header of the page},
    and the external IDs of its rows."""

    heading: str
    columns: Mapping[str, str]
    rows: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the nearest heading, which stays when a table moves to another section."""
        return self.heading.rpartition(" > ")[2].strip()

    @property
    def name(self) -> str:
        return f"“{self.title[:_MAX_NAME_LENGTH]}”" if self.title else "without a heading"


type PageForm = tuple[TableForm, ...]


@dataclass(frozen=True, slots=True)
class PagePayload:
    """The rows of a lifecycle page, and the form in which the page states them: as it is compared,
    and with all tables that were read."""

    feed: ParsedFeed
    form: PageForm
    tables: tuple[TableReading, ...] = ()


def build_form(tables: Iterable[TableReading], rows: Iterable[FeedRow]) -> PageForm:
    """Return the form of a reading; tables of which no row was read are left out."""
    rows_by_heading: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        rows_by_heading[str(row.excerpt.get("table", ""))].append(row.external_id)
    columns_by_heading: dict[str, dict[str, str]] = {}
    for table in tables:
        columns = {
            name: header
            for name, header in table.columns.items()
            if name in READ_COLUMNS and header
        }
        # several tables below one heading are one table here
        heading = table.heading[:MAX_HEADING_LENGTH]
        columns_by_heading[heading] = columns | columns_by_heading.get(heading, {})
    return tuple(
        TableForm(heading, columns, tuple(rows_by_heading[heading]))
        for heading, columns in columns_by_heading.items()
        if rows_by_heading.get(heading)
    )


@dataclass(frozen=True, slots=True)
class FormChange:
    """A table or a column that a page had and has no more. `before` is the table as it was, `now`
    the same table if it is still there."""

    doubt: PayloadDoubt
    before: TableForm
    now: TableForm | None = None


def compare_forms(before: PageForm, now: PageForm, *, group: str) -> list[FormChange]:
    """Return what is missing in a page that has the form `now` and had the form `before`, each with
    the doubt about the rows concerned.

    A table that is gone is a doubt only if one of its rows disappeared without a known reason: it
    can have moved to another section, or its models have retired."""
    by_heading = {table.heading: table for table in now}
    by_title: dict[str, list[TableForm]] = defaultdict(list)
    for table in now:
        by_title[table.title].append(table)
    changes = []
    for table in before:
        same = by_heading.get(table.heading) or _only(by_title[table.title])
        if same is None:
            sentence = pluralize(
                len(table.rows),
                f"The table {table.name} with 1 row is no longer read from the page.",
                f"The table {table.name} with {len(table.rows)} rows is no longer read from the "
                "page.",
            )
            doubt = PayloadDoubt(group, sentence, frozenset(table.rows), needs_removal=True)
            changes.append(FormChange(doubt, table))
            continue
        rows = frozenset({*table.rows, *same.rows})
        changes += [
            FormChange(
                PayloadDoubt(group, _describe_lost_column(table, name, before, now), rows),
                table,
                same,
            )
            for name in table.columns
            if name not in same.columns
        ]
    return changes


def _only(tables: Sequence[TableForm]) -> TableForm | None:
    return tables[0] if len(tables) == 1 else None


def _describe_lost_column(table: TableForm, column: str, before: PageForm, now: PageForm) -> str:
    header = table.columns[column][:_MAX_NAME_LENGTH]
    had_it = {other.heading for other in before if column in other.columns}
    target = next(
        (
            other
            for other in now
            if other.columns.get(column) == table.columns[column] and other.heading not in had_it
        ),
        None,
    )
    if target is not None:
        return f"The column “{header}” moved from the table {table.name} to {target.name}."
    return f"The column “{header}” of the table {table.name} is missing."


# --- the stored form ------------------------------------------------------------------------------


def read_form(tables: Any) -> PageForm:
    """Return a form from its stored tables; an unknown shape is no form."""
    if not isinstance(tables, list):
        return ()
    return tuple(
        TableForm(str(table["heading"]), dict(table["columns"]), tuple(table["rows"]))
        for table in tables
        if isinstance(table, dict) and {"heading", "columns", "rows"} <= set(table)
    )


def write_form(form: PageForm) -> list[dict[str, Any]]:
    return [
        {"heading": table.heading, "columns": dict(table.columns), "rows": list(table.rows)}
        for table in form
    ]


def form_after_poll(now: PageForm, changes: Sequence[FormChange]) -> dict[str, Any]:
    """Return what is stored after a poll that read the form `now`. With `changes` that are on hold,
    the next poll is compared with `now` and, in addition, with the tables and columns that are
    missing in it."""
    if not changes:
        return {"tables": write_form(now)}
    good = {table.heading: table for table in now}
    for change in changes:
        if change.now is None:
            good[change.before.heading] = change.before
            continue
        known = good[change.now.heading]
        columns = {**change.before.columns, **known.columns}
        good[change.now.heading] = TableForm(known.heading, columns, known.rows)
    return {
        "tables": write_form(tuple(good.values())),
        "group": changes[0].doubt.group,
        "doubts": [change.doubt.sentence for change in changes][:_MAX_SENTENCES],
        "on_hold": write_form(now),
    }


def accepted_form(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored once a user has accepted the form on hold."""
    return {"tables": stored.get("on_hold", stored.get("tables", []))}


def rejected_form(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored once a user has rejected the form on hold: the last good form."""
    return {"tables": stored.get("tables", [])}


def form_doubts(stored: Mapping[str, Any]) -> list[str]:
    """Return the sentences about the form on hold; empty if none is."""
    return [str(sentence) for sentence in stored.get("doubts", ())]
