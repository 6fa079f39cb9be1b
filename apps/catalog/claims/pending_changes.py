"""Changes on hold and the decisions about them: view, accept, reject, undo the rejection.

A change on hold is a claim whose absence or waiting value a guard doubts (`Assertion.held`).
Without a decision it is discarded when the feed reverts, and applies by itself once it is old
enough. Only a price that rises by hundreds of times waits for a decision.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.actions import InvalidFactError
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.claims.values import price_in_force
from apps.catalog.ingestion.change_detection.comparison import REFUSED_ABSENCE
from apps.catalog.ingestion.change_detection.prices import units_needing_review
from apps.catalog.ingestion.change_detection.records import DEFAULT_RULES, DetectionRules
from apps.catalog.ingestion.ingest import apply_accepted
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.catalog.models.claims import Topic
from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.common.time import day_of, now

type What = Literal["removal", "date", "price"]


@dataclass(frozen=True, slots=True)
class PendingChange:
    """One change that would apply on acceptance.

    `old` and `new` are ISO days for a date (None for no date), {unit: decimal text} for a price; a
    removal has the row's date, if any, as `old` and None as `new`. `refused` marks changes that a
    user has rejected.
    """

    assertion: Assertion
    what: What
    old: Any
    new: Any
    since: datetime
    refused: bool = False

    @property
    def offering(self) -> Offering | None:
        return self.assertion.offering


def pending_changes(
    source: Source, *, groups: Collection[str] | None = None
) -> list[PendingChange]:
    """Return the changes on hold at `source`, ordered by provider group and row; offerings and
    hosts are loaded. Two statements."""
    return list(_load_changes(source, _restrict_to_groups(Q(held=True), groups)))


def rejected_changes(
    source: Source, *, groups: Collection[str] | None = None
) -> list[PendingChange]:
    """Return changes that users rejected and the feed still repeats. Two statements."""
    return list(_load_changes(source, _restrict_to_groups(Q(refused__isnull=False), groups)))


@transaction.atomic
def accept_pending(
    *,
    source: Source,
    by: User,
    reason: str,
    groups: Collection[str] | None = None,
    rules: DetectionRules = DEFAULT_RULES,
) -> list[ProviderEvent]:
    """Apply the changes on hold (of these provider groups, or all) now; return the events raised.

    Raises InvalidFactError without a reason.
    """
    _require_reason(reason)
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        ids = set(
            _active_claims(source, _restrict_to_groups(Q(held=True), groups)).values_list(
                "pk", flat=True
            )
        )
        return (
            apply_accepted(source=source, claims=ids, at=now(), rules=rules).events if ids else []
        )


@transaction.atomic
def reject_pending(
    *, source: Source, by: User, reason: str, groups: Collection[str] | None = None
) -> int:
    """Reject the changes on hold: they are ignored for as long as the feed repeats them. Return the
    number rejected.

    Raises InvalidFactError without a reason.
    """
    _require_reason(reason)
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        claims = list(
            _active_claims(source, _restrict_to_groups(Q(held=True), groups)).select_for_update(
                of=("self",)
            )
        )
        columns = {claim.pk: _rejected_columns(claim) for claim in claims}
        return update_rows(Assertion, columns)


@transaction.atomic
def undo_rejection(
    *, source: Source, by: User, reason: str, groups: Collection[str] | None = None
) -> int:
    """Undo rejections: the changes are on hold again, from now on. Return their number."""
    _require_reason(reason)
    moment = now()
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        claims = list(
            _active_claims(
                source, _restrict_to_groups(Q(refused__isnull=False), groups)
            ).select_for_update(of=("self",))
        )
        return update_rows(
            Assertion, {claim.pk: _pending_columns(claim, moment) for claim in claims}
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidFactError("Enter a reason for the decision.")


def _restrict_to_groups(condition: Q, groups: Collection[str] | None) -> Q:
    return condition if groups is None else condition & Q(group__in=groups)


def _active_claims(source: Source, condition: Q) -> Any:
    return Assertion.objects.standing().filter(condition, source=source)


def _load_changes(source: Source, condition: Q) -> Iterator[PendingChange]:
    """Yield the changes on hold, or rejected, of the source's active claims that meet `condition`,
    by group. Of removed rows the retirement date is loaded as well."""
    claims = list(
        _active_claims(source, condition)
        .select_related("offering__host")
        .order_by("group", "external_id", "topic")
    )
    absent = [claim.external_id for claim in claims if claim.topic == Topic.IDENTITY]
    days = dict(
        Assertion.objects.filter(
            source=source, external_id__in=absent, topic=Topic.LIFECYCLE
        ).values_list("external_id", "value__retires_on")
    )
    for claim in claims:
        claim.source = source
        is_rejected = claim.refused is not None and not claim.held
        since = claim.missing_since or claim.pending_since or claim.changed_at
        if claim.topic == Topic.IDENTITY:
            yield PendingChange(
                claim, "removal", days.get(claim.external_id), None, since, is_rejected
            )
        elif claim.topic == Topic.LIFECYCLE:
            pending = (claim.refused or {}).get("value") if is_rejected else claim.pending
            old, new = claim.value.get("retires_on"), (pending or {}).get("retires_on")
            yield PendingChange(claim, "date", old, new, since, is_rejected)
        else:
            yield PendingChange(
                claim, "price", *_price_step(claim, is_rejected=is_rejected), since, is_rejected
            )


def _price_step(claim: Assertion, *, is_rejected: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return (accepted prices, new prices) as {unit: amount} of the units that are on hold, or of
    those that a user has rejected if `is_rejected`."""
    accepted_prices = price_in_force(claim.value, day_of(now()))
    new_prices = (
        _waiting_units(claim) if not is_rejected else (claim.refused or {}).get("units", {})
    )
    return {
        unit: accepted_prices[unit] for unit in new_prices if unit in accepted_prices
    }, new_prices


def _waiting_units(claim: Assertion) -> dict[str, str]:
    """Return {unit: amount} of the prices on hold at a claim, without units that are no longer
    listed."""
    return {
        unit: amount
        for unit, amount, _ in (claim.pending or {}).get("since", [])
        if amount is not None
    }


def _rejected_columns(claim: Assertion) -> dict[str, Any]:
    """Return the columns of a rejected claim. Of a row's prices, only those that need a user's
    decision are rejected."""
    cleared_columns = {"held": False, "pending": None, "pending_since": None}
    if claim.topic == Topic.IDENTITY:
        return cleared_columns | {"refused": REFUSED_ABSENCE}
    if claim.topic == Topic.LIFECYCLE:
        return cleared_columns | {"refused": {"value": claim.pending}}
    units_in_review = units_needing_review(claim.value, claim.pending, day_of(now()), DEFAULT_RULES)
    pending = claim.pending or {"value": claim.value, "since": []}
    lines = pending["since"]
    rejected_columns = cleared_columns | {
        "refused": {"units": {unit: amount for unit, amount, _ in lines if unit in units_in_review}}
    }
    other_lines = [line for line in lines if line[0] not in units_in_review]
    if not other_lines:
        return rejected_columns
    return rejected_columns | {
        "pending": pending | {"since": other_lines},
        "pending_since": claim.pending_since,
    }


def _pending_columns(claim: Assertion, moment: datetime) -> dict[str, Any]:
    """Return the columns of a claim whose rejection is undone."""
    rejection = claim.refused or {}
    columns: dict[str, Any] = {"refused": None, "held": True}
    if claim.topic == Topic.IDENTITY:
        return columns | {"missing_since": moment}
    if claim.topic == Topic.LIFECYCLE:
        return columns | {"pending": rejection["value"], "pending_since": moment}
    before = claim.pending or {"value": claim.value, "since": []}
    lines = [[unit, amount, moment.isoformat()] for unit, amount in rejection["units"].items()]
    pending = {"value": before["value"] | rejection["units"], "since": [*before["since"], *lines]}
    return columns | {"pending": pending, "pending_since": claim.pending_since or moment}
