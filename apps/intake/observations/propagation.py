"""Propagation of decisions to observations: merged applications, identified IDs, names that the
catalogue has learnt since.

Each only queues observations for processing; `reconcile` does the rest."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from apps.common.history.context import audit_context
from apps.intake.documents.deployments import update_deployment_aliases
from apps.intake.models import Observation
from apps.intake.observations.name_resolution import NameResolution, NameResolver, ObservedNames
from apps.intake.observations.reconciliation import reopen_observations

# merges of merges: each round follows one step
_MAX_MERGE_STEPS = 10

_MERGED = {
    "intake_observation": "application_id = a.merged_into_id, state = 'new', dependency_id = NULL",
    "intake_service": "application_id = a.merged_into_id",
    "intake_tokenbinding": "application_id = a.merged_into_id",
}

_CLAIM_DECISIONS = """
INSERT INTO intake_handledidentity (decision_id, was_revoked, handled_at)
SELECT d.id, said.was_revoked, %(at)s FROM catalog_identitydecision d
CROSS JOIN LATERAL (VALUES (false), (d.revoked_at IS NOT NULL)) AS said(was_revoked)
WHERE NOT EXISTS (SELECT 1 FROM intake_handledidentity h
WHERE h.decision_id = d.id AND h.was_revoked = said.was_revoked)
GROUP BY d.id, said.was_revoked
ON CONFLICT DO NOTHING RETURNING decision_id
"""

# the id as it stands, or behind the name of a provider: `azure/contact-centre`
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
    """Apply merges and decisions not followed yet; return the number of requeued observations."""
    return propagate_merges() + propagate_identity_decisions(at=at)


@transaction.atomic
def propagate_merges() -> int:
    """Move observations, services and bound tokens of a merged application to the one that it was
    merged into."""
    n_moved = 0
    with (
        audit_context(job="intake", reason="the application was merged"),
        connection.cursor() as cursor,
    ):
        for _ in range(_MAX_MERGE_STEPS):
            n_rows = 0
            for table, sets in _MERGED.items():
                cursor.execute(
                    f"UPDATE {table} t SET {sets} FROM inventory_application a "
                    "WHERE a.id = t.application_id AND a.merged_into_id IS NOT NULL"
                )
                n_rows += cursor.rowcount
                n_moved += cursor.rowcount if table == "intake_observation" else 0
            if not n_rows:
                break
    return n_moved


@transaction.atomic
def propagate_identity_decisions(*, at: datetime) -> int:
    """Apply decisions about unresolved models, made or revoked, to earlier observations too."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_DECISIONS, {"at": at})
        decisions = sorted({row[0] for row in cursor.fetchall()})
        if not decisions:
            return 0
        cursor.execute(_NAMED, [decisions])
        named = [row[0] for row in cursor.fetchall()]
    return reopen_observations(named)


def reopen_recognised_names() -> int:
    """Requeue observations of unrecognised names that the catalogue has learnt since, served models
    included; return their number.

    Only reads if nothing was learnt. A name that is still unknown stays as it is."""
    update_deployment_aliases()
    unsaid = Q(state=Observation.State.MATCHED, served_version__isnull=True) & ~Q(served="")
    rows = list(
        Observation.objects.filter(Q(state=Observation.State.UNRESOLVED) | unsaid).values_list(
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
    names = {
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
        found = NameResolver().find({each for _, each in names.values()})
    return reopen_observations(
        pk for pk, (state, each) in names.items() if _is_recognised(state, found[each])
    )


def _is_recognised(state: str, found: NameResolution) -> bool:
    if state == Observation.State.MATCHED:
        return found.served_version is not None
    return found.offering is not None or found.is_set_aside
