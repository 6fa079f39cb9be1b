"""Execution of a confirmed preview: planned again with the current inventory, and written if
nothing differs."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.intake.import_progress import set_progress
from apps.intake.models import Import
from apps.intake.spreadsheets.columns.fields import FIELDS
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.rows import ParsedRow
from apps.intake.spreadsheets.plan.existing_records import ExistingRecords
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.planner import (
    PLAN_BATCH_SIZE,
    REFUSED,
    UNCHANGED,
    Planner,
    RowPlan,
)
from apps.intake.spreadsheets.plan.storage import PlanTally, stored_rows
from apps.intake.spreadsheets.plan.writer import PlanWriter

_IMPORT_LOCK = 7_305_114_501  # advisory: two imports at once would both add what neither has seen


class ChangedMeanwhileError(Exception):
    """Error: rows differ from the preview, and all or nothing was requested; the text says how
    many."""

    def __init__(self, refused: dict[int, str]) -> None:
        n = len(refused)
        super().__init__(
            f"{n} {'row has' if n == 1 else 'rows have'} changed since the preview, and you "
            "selected all or nothing: nothing was applied. Review the new preview and confirm "
            "again."
        )
        self.refused = refused


def apply_preview(import_: Import, by: User | None) -> tuple[UUID, PlanTally]:
    """Write what the preview showed, in the caller's transaction; return the change's id and the
    counts.

    Rows that would now do something else are rejected with a sentence, or all are
    (ChangedMeanwhileError), as was chosen."""
    reason = f"import of {import_.file_name or 'a sheet'}"
    with audit_context(user=by, job="" if by else "ingest", reason=reason) as change:
        _lock_applications_of(import_)
        whole = sum(
            n for outcome, n in import_.counts.get("rows", {}).items() if outcome != REFUSED
        )
        tally = PlanTally()
        tally.rows[REFUSED] = import_.counts.get("rows", {}).get(REFUSED, 0)
        refused: dict[int, str] = {}
        writer = PlanWriter(by)
        accepted: list[RowPlan] = []
        for n_done, (planned, before, outcome) in enumerate(_plan_again(import_, by), 1):
            after = planned.as_json()
            meanwhile = _what_differs(planned, after, before, outcome)
            if meanwhile:
                refused[planned.said.position] = meanwhile
                tally.add(REFUSED, {})
            else:
                tally.add(planned.outcome, after)
                if planned.outcome != UNCHANGED:
                    accepted.append(planned)
            if n_done % PLAN_BATCH_SIZE == 0:
                if not (refused and import_.whole_or_nothing):
                    writer.write(accepted)
                accepted.clear()
                set_progress(import_.pk, n_done, whole)
        if refused and import_.whole_or_nothing:
            raise ChangedMeanwhileError(refused)
        writer.write(accepted)
    store_rejections(import_, refused)
    return change, tally


def store_rejections(import_: Import, refused: dict[int, str]) -> None:
    """Store the reasons of rows that were rejected on applying; one statement."""
    if not refused:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE intake_importrow r SET outcome = 'refused', reason = d.reason, "column" = ''
            FROM unnest(%s::int[], %s::text[]) AS d(position, reason)
            WHERE r.import_record_id = %s AND r.position = d.position
            """,
            [list(refused), list(refused.values()), import_.pk],
        )


def _lock_applications_of(import_: Import) -> None:
    """Lock the applications: imports run one after the other, and other changes of one of them
    wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])
        cursor.execute(
            """
            WITH concerned AS MATERIALIZED (
                SELECT DISTINCT (plan #>> '{application,id}')::bigint AS id FROM intake_importrow
                WHERE import_record_id = %s AND outcome IN ('added', 'changed')
                    AND plan #>> '{application,id}' IS NOT NULL
            )
            SELECT count(*) FROM (
                SELECT a.id FROM inventory_application a JOIN concerned ON concerned.id = a.id
                ORDER BY a.id FOR UPDATE OF a
            ) locked
            """,
            [import_.pk],
        )


def _plan_again(import_: Import, by: User | None) -> Iterator[tuple[RowPlan, dict[str, Any], str]]:
    """Yield (the plan as of now, the plan of the preview, its outcome) of every row that was not
    rejected."""
    planner = Planner(
        existing_records_for(by),
        CatalogueLookup(),
        BookMapping.from_json(import_.mapping),
        on=import_.planned_on or date.min,
    )
    previews: list[tuple[dict[str, Any], str]] = []

    def rows() -> Iterator[ParsedRow]:
        for said, plan, outcome in stored_rows(import_):
            previews.append((plan, outcome))
            yield said

    for n_planned, planned in enumerate(planner.plan(rows())):
        place = n_planned % PLAN_BATCH_SIZE
        plan, outcome = previews[place]
        if place == PLAN_BATCH_SIZE - 1:
            previews.clear()
        yield planned, plan, outcome


def existing_records_for(by: User | None) -> ExistingRecords:
    return ExistingRecords(by or User(), everything=by is None)


def _what_differs(
    planned: RowPlan, after: dict[str, Any], before: dict[str, Any], outcome: str
) -> str:
    """Return why the row differs from the preview; empty if it does not."""
    if planned.outcome == REFUSED:
        return f"The row can no longer be applied: {planned.reason}"
    if after == before:
        return ""
    if _effect(after) == _effect(before) or planned.outcome == outcome == UNCHANGED:
        return ""
    for record in ("application", "use"):
        old, new = before.get(record) or {}, after.get(record) or {}
        if old.get("do") != new.get("do") and "add" in {old.get("do"), new.get("do")}:
            what = "The application" if record == "application" else "This dependency"
            return (
                f"{what} was created by another user after the preview. Upload the file again to "
                "see the remaining changes."
            )
        for fact in sorted({*old.get("changes", {}), *new.get("changes", {})}):
            was, now_ = old.get("changes", {}).get(fact), new.get("changes", {}).get(fact)
            if was != now_:
                label = FIELDS[f"{record}.{fact}"].label if f"{record}.{fact}" in FIELDS else fact
                return (
                    f"{label} was changed by another user after the preview, from "
                    f"{_stated_change(was)} to {_stated_change(now_)}. Upload the file again to "
                    "review it."
                )
    return (
        "The recorded values were changed after the preview. Upload the file again to see the "
        "remaining changes."
    )


def _effect(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what a plan does, without the note on how certain the model's name is."""
    use = plan.get("use")
    kept = (
        {
            name: value
            for name, value in use.items()
            if name not in {"why", "confidence", "resolved"}
        }
        if use
        else None
    )
    return {"application": plan.get("application"), "use": kept}


def _stated_change(change: list[Any] | None) -> str:
    if change is None:
        return "as in the spreadsheet"
    return f"'{change[0]}'" if change[0] not in (None, "") else "empty"
