"""A dependency that goes on as another row: what goes along, and what was true only of the old one."""

from datetime import date
from typing import Any

from apps.catalog.models import Offering
from apps.inventory.models import Adaptation, Dependency, ExitPlan

# measured on the old row: spend, the day last observed, the day confirmed
_GOES_ALONG = (
    "application_id", "role", "fallback_order", "traffic_share", "monthly_input_tokens", "monthly_output_tokens",
    "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_requests", "typical_request_tokens",
    "reached", "via_party_id", "tags",
)  # fmt: skip
_PLAN_GOES_ALONG = (
    "substitutability", "reason", "reintegration", "alternatives_identified", "alternatives", "blockers",
    "estimated_days", "estimated_cost", "next_test_on", "note",
)  # fmt: skip

_TO_DO: dict[str, str] = {
    Adaptation.Moves.RE_RUN: "Has to be run again",
    Adaptation.Moves.REBUILD: "Has to be built anew",
}


def successor_row(dependency: Dependency, *, offering: Offering, on: date, until: date | None) -> Dependency:
    """An unsaved row that goes on from `on` with `offering`."""
    return Dependency(
        offering=offering, since=on, until=until, **{name: getattr(dependency, name) for name in _GOES_ALONG}
    )


def continued(dependency: Dependency, *, offering: Offering, on: date, until: date | None) -> Dependency:
    """Inside `acting`: `successor_row`, saved, with what was built on the old one and the plan to leave it.

    The old row keeps its own. An adaptation that moves goes along as it is; another one goes along with the note
    that it has yet to be run again or built anew, and without what was invested, which was spent on the old one.
    The exit plan goes along unless it was a plan to get to `offering`: that one is carried out. Exit tests do not:
    they were made from the old offering.
    """
    begun = successor_row(dependency, offering=offering, on=on, until=until)
    begun.full_clean()
    begun.save(force_insert=True)
    moves = offering.pk != dependency.offering_id
    Adaptation.objects.bulk_create(
        [_adaptation(row, begun, dependency.offering, moves=moves) for row in dependency.adaptations.order_by("pk")]
    )
    plan = ExitPlan.objects.filter(dependency=dependency).first()
    if plan is not None and plan.target_id != offering.pk:
        facts: dict[str, Any] = {name: getattr(plan, name) for name in _PLAN_GOES_ALONG}
        ExitPlan.objects.create(dependency=begun, target_id=plan.target_id, **facts)
    return begun


def _adaptation(row: Adaptation, begun: Dependency, was_on: Offering, *, moves: bool) -> Adaptation:
    as_it_is = not moves or row.moves == Adaptation.Moves.PORTABLE
    note = row.note
    if not as_it_is:
        to_do = _TO_DO.get(row.moves, "Nobody has said whether it moves")
        note = "\n".join(filter(None, [row.note, f"{to_do}: it was made for {was_on.api_id} until {begun.since}."]))
    return Adaptation(
        dependency=begun,
        kind=row.kind,
        name=row.name,
        artefact_ref=row.artefact_ref,
        moves=row.moves,
        invested_days=row.invested_days if as_it_is else None,
        invested_cost=row.invested_cost if as_it_is else None,
        note=note,
    )
