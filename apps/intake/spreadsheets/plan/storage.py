"""Storage of planned rows in the database, by COPY, since a spreadsheet may have a million rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.rows import ParsedRow, dumps, facts_as_json, facts_from_json
from apps.intake.spreadsheets.plan.planner import DEFAULTED_FACTS
from apps.intake.spreadsheets.plan.row_plans import RowPlan

_COLUMNS = (
    "import_record_id",
    "position",
    "sheet",
    "number",
    "cells",
    "application",
    "use",
    "outcome",
    "reason",
    "column",
    "reasons",
    "note",
    "plan",
)


def store_rows(import_: Import, plans: Iterable[RowPlan], on_block: Any = None) -> "PlanTally":
    """Store every row with its plan, and return the counts. `on_block` is called after each batch
    with the number of rows so far."""
    tally = PlanTally()
    column_list = ", ".join(f'"{name}"' for name in _COLUMNS)
    with connection.cursor() as cursor:
        # COPY does not bypass the history here: these tables have none
        batch: list[tuple[Any, ...]] = []
        for plan in plans:
            tally.add(
                plan.outcome,
                plan.as_json() if plan.outcome != "refused" else {},
                leaves_out=plan.outcome != "refused" and bool(plan.reasons),
            )
            batch.append(_column_values(import_.pk, plan))
            if len(batch) == 5_000:
                _copy_batch(cursor, column_list, batch)
                batch.clear()
                if on_block is not None:
                    on_block(tally.n_rows)
        _copy_batch(cursor, column_list, batch)
    return tally


def _copy_batch(cursor: Any, column_list: str, batch: list[tuple[Any, ...]]) -> None:
    # one COPY per batch, because the planner queries the inventory on the same connection in
    # between
    if batch:
        with cursor.copy(f"COPY intake_importrow ({column_list}) FROM STDIN") as copy:
            for values in batch:
                copy.write_row(values)


def _column_values(import_id: int, plan: RowPlan) -> tuple[Any, ...]:
    """Return the values of a stored row, in the order of the columns of COPY."""
    row = plan.row
    return (
        import_id,
        row.position,
        row.sheet,
        row.number,
        dumps(row.cells),
        dumps(facts_as_json(row.application)),
        None if row.use is None else dumps(facts_as_json(row.use)),
        plan.outcome,
        plan.reason,
        plan.column[:200],
        dumps([reason.as_json() for reason in plan.reasons]),
        plan.note,
        dumps({} if plan.outcome == "refused" else plan.as_json()),
    )


def stored_rows(import_: Import) -> Iterator[tuple[ParsedRow, dict[str, Any], str]]:
    """Yield (row, its plan in the preview, the outcome of that plan) of every row that was not
    rejected, in order."""
    rows = (
        ImportRow.objects.filter(import_record=import_)
        .exclude(outcome=ImportRow.Outcome.REFUSED)
        .order_by("position")
        .annotate(
            application_text=Cast("application", TextField()),
            use_text=Cast("use", TextField()),
            plan_text=Cast("plan", TextField()),
        )
        .values_list(
            "position", "sheet", "number", "application_text", "use_text", "plan_text", "outcome"
        )
    )
    for position, sheet, number, application, use, plan, outcome in rows.iterator(chunk_size=5_000):
        row = ParsedRow(
            position,
            sheet,
            number,
            application=facts_from_json(orjson.loads(application)) or {},
            use=facts_from_json(orjson.loads(use)) if use else None,
        )
        yield row, orjson.loads(plan), outcome


def uses_of_plan(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the dependencies of a stored plan."""
    first = plan.get("use")
    return [first, *plan.get("further", ())] if first else []


class PlanTally:
    """Counts of rows, applications and dependencies by outcome; an application with several rows
    counts once."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.uses: Counter[str] = Counter()
        self._applications: dict[int, str] = {}
        self.unresolved = 0
        self.n_left_out = 0  # rows that are imported without one of their cells
        # facts of new applications that no row states, so that the default is recorded
        self._not_stated: dict[int, set[str]] = {}

    @property
    def n_rows(self) -> int:
        return self.rows.total()

    def add(self, outcome: str, plan: dict[str, Any], *, leaves_out: bool = False) -> None:
        self.rows[outcome] += 1
        self.n_left_out += leaves_out
        application = plan.get("application")
        if application:
            key = application["id"] if application["id"] is not None else -application["key"]
            before = self._applications.get(key)
            if before is None or before == "keep":
                self._applications[key] = application["do"]
            if application["do"] == "add":
                self._not_stated[key] = DEFAULTED_FACTS - application["changes"].keys()
            elif key in self._not_stated:
                self._not_stated[key] -= application["changes"].keys()
        for use in uses_of_plan(plan):
            self.uses[_OUTCOMES[use["do"]]] += 1
            self.unresolved += use["do"] == "add" and not use["resolved"]

    def as_json(self) -> dict[str, Any]:
        applications = Counter(_OUTCOMES[do] for do in self._applications.values())
        not_stated = Counter(fact for facts in self._not_stated.values() for fact in sorted(facts))
        return {
            "rows": dict(self.rows),
            "applications": dict(applications),
            "uses": dict(self.uses),
            "unresolved": self.unresolved,
            **({"left_out": self.n_left_out} if self.n_left_out else {}),
            **({"not_stated": dict(not_stated)} if not_stated else {}),
        }


_OUTCOMES = {"add": "added", "change": "changed", "keep": "unchanged"}
