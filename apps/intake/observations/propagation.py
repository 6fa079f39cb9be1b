"""Propagation of changes to observations: merged applications, identified IDs, and names that the
catalogue recognises now.

The functions only requeue observations; `reconcile_waiting` processes them."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from apps.common.history.context import audit_context
from apps.intake.documents.deployments import update_deployment_aliases
from apps.intake.models import Observation
from apps.intake.observations.name_resolution import NameResolution, NameResolver, ObservedNames
from apps.intake.observations.reconciliation import reopen_observations

# chains of merges: each round follows one step
_MAX_MERGE_STEPS = 10

_MERGED = {
    "intake_observation": "application_id = a.merged_into_id, state = 'new', dependency_id = NULL",
    "intake_service": "application_id = a.merged_into_id",
    "intake_tokenbinding": "application_id = a.merged_into_id",
    "intake_cloudaccount": "application_id = a.merged_into_id",
}

_CLAIM_DECISIONS = """
INSERT INTO intake_handledidentity (decision_id, was_revoked, handled_at)
SELECT d.id, step.was_revoked, %(at)s FROM catalog_identitydecision d
-- a decision has two steps to propagate: that it was made, and that it was revoked
CROSS JOIN LATERAL (VALUES (false), (d.revoked_at IS NOT NULL)) AS step(was_revoked)
WHERE NOT EXISTS (SELECT 1 FROM intake_handledidentity h
WHERE h.decision_id = d.id AND h.was_revoked = step.was_revoked)
-- of a decision that is not revoked both rows are the same
GROUP BY d.id, step.was_revoked
ON CONFLICT DO NOTHING RETURNING decision_id
"""

# the ID itself, or after the name of a provider: `azure/contact-centre`
_NAMED = """
WITH raw AS (SELECT DISTINCT lower(raw) AS name FROM catalog_identitydecision WHERE id = ANY (%s))
SELECT o.id FROM intake_observation o
WHERE o.state <> 'set_aside' AND (
    lower(o.requested) IN (SELECT name FROM raw) OR lower(o.served) IN (SELECT name FROM raw)
    OR lower(substring(o.requested FROM '/(.*)$')) IN (SELECT name FROM raw)
    OR lower(substring(o.served FROM '/(.*)$')) IN (SELECT name FROM raw)
    OR o.offering_id IN (SELECT f.id FROM catalog_offering f
    JOIN raw ON raw.name = lower(f.api_id)))
"""


def propagate_changes(*, at: datetime) -> int:
    """Apply new merges and decisions to observations; return the number of requeued ones."""
    return propagate_merges() + propagate_identity_decisions(at=at)


@transaction.atomic
def propagate_merges() -> int:
    """Move observations, services and bound tokens of merged applications to the remaining
    application; return the number of observations."""
    n_moved = 0
    with (
        audit_context(job="intake", reason="the application was merged"),
        connection.cursor() as cursor,
    ):
        for _ in range(_MAX_MERGE_STEPS):
            n_rows = 0
            for table, assignments in _MERGED.items():
                cursor.execute(
                    f"UPDATE {table} t SET {assignments} FROM inventory_application a "
                    "WHERE a.id = t.application_id AND a.merged_into_id IS NOT NULL"
                )
                n_rows += cursor.rowcount
                n_moved += cursor.rowcount if table == "intake_observation" else 0
            if not n_rows:
                break
    return n_moved


@transaction.atomic
def propagate_identity_decisions(*, at: datetime) -> int:
    """Requeue the observations that new or revoked decisions about unresolved models affect; return
    their number."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_DECISIONS, {"at": at})
        decisions = sorted({row[0] for row in cursor.fetchall()})
        if not decisions:
            return 0
        cursor.execute(_NAMED, [decisions])
        observation_ids = [row[0] for row in cursor.fetchall()]
    return reopen_observations(observation_ids)


def reopen_recognised_names() -> int:
    """Requeue observations of unrecognised names, served models included, that the catalogue
    recognises now; return their number.

    Observations whose names are still unknown are not written."""
    update_deployment_aliases()
    lacks_served_version = Q(state=Observation.State.MATCHED, served_version__isnull=True) & ~Q(
        served=""
    )
    rows = list(
        Observation.objects.filter(
            Q(state=Observation.State.UNRESOLVED) | lacks_served_version
        ).values_list(
            "pk",
            "state",
            "stream",
            "provider",
            "requested",
            "served",
            "region",
            "confidence",
            "facts__base_model",
            "application",
        )
    )
    if not rows:
        return 0
    states_and_names = {
        pk: (
            state,
            ObservedNames(
                stream,
                provider,
                requested,
                served,
                region,
                confidence,
                str(base_model or ""),
                application,
            ),
        )
        for (
            pk,
            state,
            stream,
            provider,
            requested,
            served,
            region,
            confidence,
            base_model,
            application,
        ) in rows
    }
    with transaction.atomic():
        resolutions = NameResolver().find(
            {observed_names for _, observed_names in states_and_names.values()}
        )
    return reopen_observations(
        pk
        for pk, (state, observed_names) in states_and_names.items()
        if _is_recognised(state, resolutions[observed_names])
    )


def _is_recognised(state: str, resolution: NameResolution) -> bool:
    """Return whether the resolution adds to an observation in this state."""
    if state == Observation.State.MATCHED:
        return resolution.served_version is not None
    return resolution.offering is not None or resolution.is_set_aside
