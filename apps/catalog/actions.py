"""User changes of the catalogue: manual overrides and identifications, each with user and
reason."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.models import User
from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, LifecycleClaim, StageClaim
from apps.catalog.claims.manual_values import (
    ManualClaim,
    record_manual_claims,
    withdraw_manual_claims,
)
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock, reconcile_offerings
from apps.catalog.claims.values import lifecycle_value
from apps.catalog.footing import refresh_footing
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.models import (
    Alias,
    Assertion,
    IdentityDecision,
    Offering,
    OfferingKind,
    Provider,
    Source,
    Version,
)
from apps.catalog.models.offerings import Binding, IdentityReason
from apps.common.errors import DomainError
from apps.common.history.context import audit_context
from apps.common.time import day_of, now

# Stages whose first day a user can state; the others follow from status and dates.
MANUAL_STAGES = ("legacy", "closed_to_new", "training_ended", "extended_access")


class InvalidFactError(DomainError):
    """A manual fact is inconsistent or incomplete; the message is for the user who entered it."""


@transaction.atomic
def set_manual_fact(
    *, offering: Offering, value: Mapping[str, Any], by: User, reason: str
) -> Assertion:
    """Record a manual override by `by` of the lifecycle of `offering`; it outranks every feed until
    it is removed.

    `value` has the keys of a lifecycle claim (announced_on, retires_on, date_kind, status,
    successor; days as dates or ISO text), and `stages` as {stage: first day}. Without `retires_on`
    it states that no date is known, unless it has nothing but stages: then dates stay as they are.
    Raises InvalidFactError without a reason, or for a date without a kind.
    """
    if not reason.strip():
        raise InvalidFactError("Enter a reason that names the source.")
    if offering.kind == OfferingKind.NAME:
        raise InvalidFactError("Choose the model ID first. A name has the dates of its model IDs.")
    claim = LifecycleClaim(
        announced_on=_parse_day(value.get("announced_on"), "announcement"),
        retires_on=_parse_day(value.get("retires_on"), "retirement"),
        date_kind=str(value.get("date_kind") or ""),
        status=str(value.get("status") or ""),
        successor=str(value.get("successor") or "").strip(),
        stages=tuple(
            StageClaim(stage, day, FIRM)
            for stage, text in (value.get("stages") or {}).items()
            if (day := _parse_day(text, "stage")) is not None
        ),
    )
    if unknown := {line.stage for line in claim.stages} - set(MANUAL_STAGES):
        raise InvalidFactError(f"{min(unknown)} is not a stage. Use {', '.join(MANUAL_STAGES)}.")
    if claim.retires_on and claim.date_kind not in {FIRM, NOT_BEFORE}:
        raise InvalidFactError("Choose whether the retirement date is announced or earliest.")
    if claim.retires_on and claim.announced_on and claim.retires_on < claim.announced_on:
        raise InvalidFactError("The retirement is before its announcement. Check the two dates.")
    canonical = lifecycle_value(claim)
    if not canonical:
        canonical = {"status": "active"}
    source_url = str(value.get("source_url") or "").strip()[:1000]
    if source_url and not source_url.startswith(("https://", "http://")):
        # the URL is shown as a link
        raise InvalidFactError("The URL of the source must start with https:// or http://.")
    moment = now()
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        assertions, _ = record_manual_claims(
            [ManualClaim(offering.pk, canonical, source_url, reason.strip(), by)], at=moment
        )
    return assertions[offering.pk]


@transaction.atomic
def reconcile_source(*, source: Source, by: User, reason: str) -> int:
    """Reconcile every offering with values of `source` after its priority changed; return the
    number that changed.

    Raises no event: nothing changed at the provider, only the priority of its sources.
    """
    moment = now()
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        spoken_of = Assertion.objects.standing().filter(source=source, offering__isnull=False)
        return reconcile_offerings(set(spoken_of.values_list("offering_id", flat=True)), at=moment)


@transaction.atomic
def remove_manual_fact(*, assertion: Assertion, by: User, reason: str) -> Assertion:
    """Remove a manual override, so that feed values apply again; it stays recorded with the time of
    removal."""
    if assertion.source.slug != MANUAL:
        raise InvalidFactError(
            "Only a manual override can be removed. Values of a feed change with the feed."
        )
    moment = now()
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        withdraw_manual_claims([assertion], at=moment)
        assertion.refresh_from_db()
    return assertion


@transaction.atomic
def decide_identity(
    *,
    raw: str,
    host: Provider | None,
    version: Version | None,
    alias: Alias | None,
    not_a_model: bool,
    by: User,
    reason: str = "",
) -> IdentityDecision:
    """Record which model `raw` means on `host` (on every host if None) and apply it to every
    offering with that name.

    Replaces an earlier decision for the same string and host, which stays recorded as revoked.
    """
    if (version is not None) + (alias is not None) + not_a_model != 1:
        raise InvalidFactError("Choose a version, an alias, or 'not a model'.")
    moment = now()
    with audit_context(user=by, reason=reason):
        IdentityDecision.objects.annotate(lower=Lower("raw")).filter(
            lower=raw.lower(), host=host, revoked_at__isnull=True
        ).update(revoked_at=moment)
        decision = IdentityDecision.objects.create(
            raw=raw,
            host=host,
            version=version,
            alias=alias,
            not_a_model=not_a_model,
            reason=reason,
            decided_by=by,
        )
        offerings = _offerings_named(raw, host)
        offering_ids = list(offerings.values_list("pk", flat=True))
        resolved_version = alias.version if alias is not None else version
        offerings.update(
            version=resolved_version,
            alias=alias,
            not_a_model=not_a_model,
            binding=Binding.UNKNOWN
            if not_a_model
            else Binding.ALIAS
            if alias is not None
            else Binding.PINNED,
            identity_confidence=1,
            identity_reason=IdentityReason.DECISION,
            identity_explanation=f"decided by {by} on {day_of(moment).isoformat()}"
            + (f": {reason}" if reason else ""),
        )
        refresh_footing(offering_ids)
    return decision


@transaction.atomic
def revoke_identity_decision(*, decision: IdentityDecision, by: User, reason: str = "") -> None:
    """Revoke a decision; the string is identified by the rules again."""
    with audit_context(user=by, reason=reason):
        decision.revoked_at = now()
        decision.save(update_fields=["revoked_at"])
        offerings = list(_offerings_named(decision.raw, decision.host).select_related("host"))
        columns = resolve_identities(
            (offering.host.slug, offering.api_id) for offering in offerings
        )
        for offering in offerings:
            Offering.objects.filter(pk=offering.pk).update(
                **columns[offering.host.slug, offering.api_id]
            )
        refresh_footing([offering.pk for offering in offerings])


def _offerings_named(raw: str, host: Provider | None) -> Any:
    offerings = (
        Offering.objects.model_ids().annotate(lower=Lower("api_id")).filter(lower=raw.lower())
    )
    return offerings if host is None else offerings.filter(Q(host=host))


def _parse_day(value: Any, label: str) -> date | None:
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InvalidFactError(
            f"The {label} date '{value}' is not a valid date. Use YYYY-MM-DD, such as 2026-11-24."
        ) from None
