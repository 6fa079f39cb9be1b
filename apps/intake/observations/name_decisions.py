"""Name decisions: a user decides which offering a name in documents or traffic means, for past and
future observations."""

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
    """Decide that `name` means `offering`, or that it is not a model if `offering` is None.

    An empty `stream` or `provider` matches every sender or provider. An earlier decision about the
    same name is revoked."""
    _require_governance(by)
    with audit_context(user=by, reason=reason or f"identified '{name[:100]}'"):
        _active_decisions(name, provider, stream).update(revoked_at=at)
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
    """Revoke a decision: the name is resolved by the rules again, and dependencies that only the
    decision justified end."""
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
    """Return the observations that a decision about this name affects, except those of ignored
    services and undone imports."""
    observations = (
        Observation.objects.filter(Q(requested__iexact=name) | Q(served__iexact=name))
        .exclude(seen_in__state=Import.State.UNDONE)
        .exclude(service__is_ignored=True)
    )
    if provider:
        observations = observations.filter(provider__iexact=provider)
    return observations.filter(stream=stream) if stream else observations


def _apply_decision(decision: NameDecision, *, by: User, at: datetime) -> None:
    """Requeue the affected observations, and restore or end their dependencies if all are
    reconciled now."""
    observations = observations_named(
        name=decision.name, provider=decision.provider, stream=decision.stream
    )
    observation_ids = list(observations.values_list("pk", flat=True))
    dependency_ids = set(
        Observation.objects.filter(pk__in=observation_ids, dependency__isnull=False)
        .order_by()
        .values_list("dependency", flat=True)
    )
    Observation.objects.filter(pk__in=observation_ids).update(
        state=Observation.State.NEW, dependency=None
    )
    if reconcile_small_backlog(at=at):
        linked_observations = Observation.objects.filter(
            pk__in=observation_ids, dependency__isnull=False
        ).order_by()
        restore_dependencies(
            set(linked_observations.values_list("dependency", flat=True)), by=by, at=at
        )
        end_orphaned_dependencies(dependency_ids, by=by, at=at)


def _active_decisions(name: str, provider: str, stream: str) -> "QuerySet[NameDecision]":
    return NameDecision.objects.annotate(low=Lower("name"), party=Lower("provider")).filter(
        low=name.lower(), party=provider.lower(), stream=stream, revoked_at__isnull=True
    )


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise IntakePermissionError(
            "You need the governance role to identify names, because a decision applies to all "
            "teams."
        )
