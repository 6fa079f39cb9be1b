"""Name decisions: what a name in documents or traffic means, decided by a user, for future and past
observations."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.history.context import audit_context
from apps.intake.connections.service_links import (
    end_orphaned_dependencies,
    reconcile_small_backlog,
    restore_dependencies,
)
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import, NameDecision, Observation, ObservationQuerySet


@transaction.atomic
def decide_name(
    *,
    name: str,
    provider: str,
    stream: str,
    offering: Offering | None,
    by: User,
    at: datetime,
    reason: str = "",
) -> NameDecision:
    """Decide that `name` means `offering`, or no model at all if that is None.

    `stream` empty: any sender; `provider` empty: any provider beside the name. Replaces an earlier
    decision about the same name, which stays on record."""
    _require_governance(by)
    with audit_context(user=by, reason=reason or f"identified '{name[:100]}'"):
        _same_name(name, provider, stream).update(revoked_at=at)
        decision = NameDecision.objects.create(
            stream=stream,
            provider=provider,
            name=name,
            offering=offering,
            not_a_model=offering is None,
            reason=reason[:500],
            decided_by=by,
        )
        _apply_decision(decision, by=by, at=at)
    return decision


@transaction.atomic
def revoke_name(
    *, decision: NameDecision, by: User, at: datetime, reason: str = ""
) -> NameDecision:
    """Revoke a decision: the rules decide again what the name means; dependencies that rested on
    the decision alone end."""
    _require_governance(by)
    decision = NameDecision.objects.select_for_update().get(pk=decision.pk)
    if decision.revoked_at is not None:
        raise InvalidStateError("This decision was already revoked. Reload the page.")
    with audit_context(
        user=by, reason=reason or f"the identification of '{decision.name[:100]}' was revoked"
    ):
        decision.revoked_at = at
        decision.save(update_fields=["revoked_at"])
        _apply_decision(decision, by=by, at=at)
    return decision


def observations_named(*, name: str, provider: str = "", stream: str = "") -> ObservationQuerySet:
    """Return the observations that a decision about this name affects; those that users set aside
    otherwise are left alone."""
    found = (
        Observation.objects.filter(Q(requested__iexact=name) | Q(served__iexact=name))
        .exclude(seen_in__state=Import.State.UNDONE)
        .exclude(service__is_ignored=True)
    )
    if provider:
        found = found.filter(provider__iexact=provider)
    return found.filter(stream=stream) if stream else found


def _apply_decision(decision: NameDecision, *, by: User, at: datetime) -> None:
    reached = observations_named(
        name=decision.name, provider=decision.provider, stream=decision.stream
    )
    ids = list(reached.values_list("pk", flat=True))
    known = set(
        Observation.objects.filter(pk__in=ids, dependency__isnull=False)
        .order_by()
        .values_list("dependency", flat=True)
    )
    Observation.objects.filter(pk__in=ids).update(state=Observation.State.NEW, dependency=None)
    if reconcile_small_backlog(at=at):
        now_of = Observation.objects.filter(pk__in=ids, dependency__isnull=False).order_by()
        restore_dependencies(set(now_of.values_list("dependency", flat=True)), by=by, at=at)
        end_orphaned_dependencies(known, by=by, at=at)


def _same_name(name: str, provider: str, stream: str) -> "QuerySet[NameDecision]":
    return NameDecision.objects.annotate(low=Lower("name"), party=Lower("provider")).filter(
        low=name.lower(), party=provider.lower(), stream=stream, revoked_at__isnull=True
    )


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise IntakePermissionError(
            "You need the governance role to identify names, because a decision applies to all "
            "teams."
        )
