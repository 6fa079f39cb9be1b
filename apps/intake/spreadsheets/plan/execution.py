"""Execution of a confirmed preview: planned again with the current inventory, and written if
nothing differs."""

from collections.abc import Iterator
from datetime import date
from itertools import zip_longest
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
from apps.intake.spreadsheets.plan.created_records import CreatedRecords
from apps.intake.spreadsheets.plan.existing_records import ExistingRecords
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.planner import PLAN_BATCH_SIZE, Planner
from apps.intake.spreadsheets.plan.row_plans import REFUSED, UNCHANGED, RowPlan
from apps.intake.spreadsheets.plan.storage import PlanTally, stored_rows, uses_of_plan
from apps.intake.spreadsheets.plan.writer import PlanWriter

_IMPORT_LOCK = 7_305_114_501  # advisory lock: concurrent imports could both add the same record


class ChangedMeanwhileError(Exception):
    """Error: rows differ from the preview, and all or nothing was selected. `reasons` is {position
    of the row: reason}."""

    def __init__(self, reasons: dict[int, str]) -> None:
        n_rows = len(reasons)
        super().__init__(
            f"{n_rows} {'row has' if n_rows == 1 else 'rows have'} changed since the preview, and "
            "you selected all or nothing: nothing was applied. Review the new preview and confirm "
            "again."
        )
        self.reasons = reasons


def apply_preview(import_: Import, by: User | None) -> tuple[UUID, PlanTally, CreatedRecords]:
    """Write the changes of the preview in the caller's transaction; return (id of the change,
    counts, records that it created beside).

    Rows whose plan differs from the preview are rejected with a reason; if all or nothing was
    selected, ChangedMeanwhileError is raised instead."""
    reason = f"import of {import_.file_name or 'a sheet'}"
    with audit_context(user=by, job="" if by else "ingest", reason=reason) as change:
        _lock_applications_of(import_)
        n_total = sum(
            n for outcome, n in import_.counts.get("rows", {}).items() if outcome != REFUSED
        )
        tally = PlanTally()
        tally.rows[REFUSED] = import_.counts.get("rows", {}).get(REFUSED, 0)
        reasons: dict[int, str] = {}
        left_out = set(
            import_.rows.exclude(outcome=REFUSED)
            .exclude(reasons=[])
            .values_list("position", flat=True)
        )
        writer = PlanWriter(by)
        accepted_plans: list[RowPlan] = []
        for n_done, (plan, before, outcome) in enumerate(_plan_again(import_, by), 1):
            after = plan.as_json()
            difference = _describe_difference(plan, after, before, outcome)
            if difference:
                reasons[plan.row.position] = difference
                tally.add(REFUSED, {})
            else:
                tally.add(plan.outcome, after, leaves_out=plan.row.position in left_out)
                if plan.outcome != UNCHANGED:
                    accepted_plans.append(plan)
            if n_done % PLAN_BATCH_SIZE == 0:
                if not (reasons and import_.whole_or_nothing):
                    writer.write(accepted_plans)
                accepted_plans.clear()
                set_progress(import_.pk, n_done, n_total)
        if reasons and import_.whole_or_nothing:
            raise ChangedMeanwhileError(reasons)
        writer.write(accepted_plans)
    store_rejections(import_, reasons)
    return change, tally, writer.created


def store_rejections(import_: Import, reasons: dict[int, str]) -> None:
    """Mark rows as rejected with {position of the row: reason}; one statement."""
    if not reasons:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE intake_importrow r SET outcome = 'refused', reason = d.reason, "column" = '',
                reasons = r.reasons || jsonb_build_array(jsonb_build_object(
                    'column', '', 'code', '', 'sentence', d.reason, 'refuses', true))
            FROM unnest(%s::int[], %s::text[]) AS d(position, reason)
            WHERE r.import_record_id = %s AND r.position = d.position
            """,
            [list(reasons), list(reasons.values()), import_.pk],
        )


def _lock_applications_of(import_: Import) -> None:
    """Lock the affected applications in the order of their IDs, so that imports run one after the
    other and concurrent changes wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])
        cursor.execute(
            """
            WITH concerned AS MATERIALIZED (
                -- existing applications that the preview changes; new ones have no ID yet
                SELECT DISTINCT (plan #>> '{application,id}')::bigint AS id FROM intake_importrow
                WHERE import_record_id = %s AND outcome IN ('added', 'changed')
                    AND plan #>> '{application,id}' IS NOT NULL
            )
            -- counted, so that the server locks all rows but sends one
            SELECT count(*) FROM (
                SELECT a.id FROM inventory_application a JOIN concerned ON concerned.id = a.id
                ORDER BY a.id FOR UPDATE OF a
            ) locked
            """,
            [import_.pk],
        )


def _plan_again(import_: Import, by: User | None) -> Iterator[tuple[RowPlan, dict[str, Any], str]]:
    """Yield (current plan, plan of the preview, its outcome) of every row that was not rejected in
    the preview."""
    planner = Planner(
        existing_records_for(by),
        CatalogueLookup(),
        BookMapping.from_json(import_.mapping),
        on=import_.planned_on or date.min,
    )
    previews: list[tuple[dict[str, Any], str]] = []

    def rows() -> Iterator[ParsedRow]:
        for row, preview, outcome in stored_rows(import_):
            previews.append((preview, outcome))
            yield row

    for n_planned, plan in enumerate(planner.plan(rows())):
        place = n_planned % PLAN_BATCH_SIZE
        preview, outcome = previews[place]
        if place == PLAN_BATCH_SIZE - 1:
            previews.clear()
        yield plan, preview, outcome


def existing_records_for(by: User | None) -> ExistingRecords:
    """Return the records that the user may see; all of them for None, the operator."""
    return ExistingRecords(by or User(), is_operator=by is None)


def _describe_difference(
    plan: RowPlan, after: dict[str, Any], before: dict[str, Any], outcome: str
) -> str:
    """Return a sentence on how the plan differs from the preview; empty if it does not."""
    if plan.outcome == REFUSED:
        return f"The row can no longer be applied: {plan.reason}"
    if after == before:
        return ""
    if _effect_of(after) == _effect_of(before) or plan.outcome == outcome == UNCHANGED:
        return ""
    pairs = [("application", before.get("application") or {}, after.get("application") or {})]
    pairs += [
        ("use", old_use or {}, new_use or {})
        for old_use, new_use in zip_longest(uses_of_plan(before), uses_of_plan(after))
    ]
    for record, old_record, new_record in pairs:
        if old_record.get("do") != new_record.get("do") and "add" in {
            old_record.get("do"),
            new_record.get("do"),
        }:
            subject = "The application" if record == "application" else "This dependency"
            return (
                f"{subject} was created by another user after the preview. Upload the file again "
                "to see the remaining changes."
            )
        for fact in sorted({*old_record.get("changes", {}), *new_record.get("changes", {})}):
            old_change, new_change = (
                old_record.get("changes", {}).get(fact),
                new_record.get("changes", {}).get(fact),
            )
            if old_change != new_change:
                label = FIELDS[f"{record}.{fact}"].label if f"{record}.{fact}" in FIELDS else fact
                return (
                    f"{label} was changed by another user after the preview, from "
                    f"{_format_change(old_change)} to {_format_change(new_change)}. Upload the "
                    "file again to review it."
                )
    return (
        "The recorded values were changed after the preview. Upload the file again to see the "
        "remaining changes."
    )


# how a model was identified, which can change without another effect
_EXPLANATIONS = frozenset({"why", "confidence", "resolved"})


def _effect_of(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the changes of a plan, without the explanation of how the models were identified."""
    return {
        "application": plan.get("application"),
        "uses": [
            {
                name: _name_of(value) if name == "named" else value
                for name, value in use.items()
                if name not in _EXPLANATIONS
            }
            for use in uses_of_plan(plan)
        ],
    }


def _name_of(named: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a planned name without its candidates, which follow the catalogue."""
    return named and {key: named[key] for key in named if key not in {"versions", "foundations"}}


def _format_change(change: list[Any] | None) -> str:
    if change is None:
        return "as in the spreadsheet"
    return f"'{change[0]}'" if change[0] not in (None, "") else "empty"
