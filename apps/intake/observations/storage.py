"""Storage of sightings as observations: one row per sender, application and set of names, even if
several documents report it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from apps.accounts.models import ApiToken
from apps.common.database.statements import load_statement
from apps.intake.connections.automatic_links import link_named_services
from apps.intake.documents.records import MAX_PLACES, Sighting, clean
from apps.intake.models import Import, Observation, ObservationQuerySet, Service

WRITE_BATCH_SIZE = 5_000


@dataclass(frozen=True, slots=True)
class AttributedSighting:
    """Sighting with its attribution: the id of its application, or of the reported service if
    `application` is None.

    `part` distinguishes several documents of one application."""

    sighting: Sighting
    application: int | None
    service: int | None
    seen_from: datetime
    seen_until: datetime
    part: str = ""


@dataclass(slots=True)
class _ObservationRow:
    """Row to write of one observation: the merged sightings of a batch with the same key."""

    key: UUID
    first: AttributedSighting
    places: list[str]
    seen_from: datetime
    seen_until: datetime
    confidence: int


def observation_key(stream: str, attribution: AttributedSighting) -> UUID:
    """Return the key of an observation, equal for equal names, application and sender.

    A service's observations keep their key when the service is linked, so the key depends on the
    application only if the sender stated it."""
    sighting = attribution.sighting
    owner = (
        f"s{attribution.service}"
        if attribution.service is not None
        else f"a{attribution.application}"
    )
    key_fields = [
        stream,
        owner,
        sighting.environment,
        sighting.alias,
        sighting.requested,
        sighting.served,
        sighting.provider.lower(),
        sighting.region,
        sighting.gateway.lower(),
        sighting.role,
        *([attribution.part] if attribution.part else []),
    ]
    return UUID(bytes=hashlib.sha256("\x1f".join(key_fields).encode()).digest()[:16])


class ServiceState(NamedTuple):
    """A reported service: its ID, the ID of the application to which it is linked, None if
    unlinked, and whether users ignore it."""

    id: int
    application_id: int | None
    is_ignored: bool


def ensure_services(
    names: Iterable[str], *, scope: str, token: ApiToken | None, at: datetime
) -> dict[str, ServiceState]:
    """Return {name: its state} of reported services.

    New services are stored, and linked if they name an application that the token may write to."""
    service_names = sorted({clean(name) for name in names} - {""})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_service (scope, name, is_ignored, first_token_id, first_seen_at,
                last_seen_at)
            SELECT %s, name, false, %s, %s, %s FROM unnest(%s::text[]) AS n(name)
            ON CONFLICT (scope, name) DO NOTHING
            """,
            [scope, token.pk if token else None, at, at, service_names],
        )
        # at most one write per hour and service
        cursor.execute(
            """
            UPDATE intake_service SET last_seen_at = %s
            WHERE scope = %s AND name = ANY(%s)
                AND last_seen_at < %s::timestamptz - interval '1 hour'
            """,
            [at, scope, service_names, at],
        )
        if token is not None:
            # a name that tokens of two users report belongs to neither of them: otherwise the first
            # user could view and link the data of the second. Users with an organisation role see
            # and link it
            cursor.execute(
                """
                WITH shared AS (
                    -- the service was first reported by a token of another user
                    UPDATE intake_service s SET first_token_id = NULL FROM accounts_apitoken t
                    WHERE t.id = s.first_token_id AND t.user_id <> %(user)s
                        AND s.application_id IS NULL
                      AND s.scope = %(scope)s AND s.name = ANY(%(names)s)
                )
                -- which tokens report the service; in the order of IDs, so that two requests cannot
                -- deadlock
                INSERT INTO intake_servicetoken AS k (service_id, token_id, last_sent_at, n_dropped)
                SELECT s.id, %(token)s, %(at)s, 0 FROM intake_service s
                WHERE s.scope = %(scope)s AND s.name = ANY(%(names)s) AND NOT s.is_ignored
                ORDER BY s.id
                ON CONFLICT (service_id, token_id) DO UPDATE
                SET last_sent_at = excluded.last_sent_at
                -- at most one write per hour
                WHERE k.last_sent_at < excluded.last_sent_at - interval '1 hour'
                """,
                {
                    "user": token.user_id,
                    "token": token.pk,
                    "scope": scope,
                    "names": service_names,
                    "at": at,
                },
            )
    rows = Service.objects.filter(scope=scope, name__in=service_names).values_list(
        "name", "pk", "application", "is_ignored"
    )
    services = {
        name: ServiceState(pk, application, is_ignored)
        for name, pk, application, is_ignored in rows
    }
    if token is not None:
        unlinked_names = {
            pk: name
            for name, (pk, application, is_ignored) in services.items()
            if not (application or is_ignored)
        }
        for pk, application in (
            link_named_services(unlinked_names, token=token, at=at) if unlinked_names else {}
        ).items():
            services[unlinked_names[pk]] = ServiceState(pk, application, is_ignored=False)
    return services


def store_observations(
    stream: str, attributions: Sequence[AttributedSighting], *, seen_in: Import | None = None
) -> list[UUID]:
    """Store new and repeated sightings, and return their keys in order.

    A newer sighting replaces the places and facts of an older one. Observations that changed or are
    not part of a dependency yet wait for `reconcile_waiting`."""
    keys = [observation_key(stream, attribution) for attribution in attributions]
    rows: dict[UUID, _ObservationRow] = {}
    for key, attribution in zip(keys, attributions, strict=True):
        row = rows.get(key)
        if row is None:
            rows[key] = _ObservationRow(
                key,
                attribution,
                list(attribution.sighting.places),
                attribution.seen_from,
                attribution.seen_until,
                int(attribution.sighting.confidence),
            )
        else:
            row.places += [
                place for place in attribution.sighting.places if place not in row.places
            ]
            row.seen_from, row.seen_until = (
                min(row.seen_from, attribution.seen_from),
                max(row.seen_until, attribution.seen_until),
            )
            row.confidence = max(row.confidence, int(attribution.sighting.confidence))
    sorted_rows = sorted(rows.values(), key=lambda row: row.key.bytes)
    for start in range(0, len(sorted_rows), WRITE_BATCH_SIZE):
        _upsert_rows(stream, sorted_rows[start : start + WRITE_BATCH_SIZE], seen_in)
    return keys


def _upsert_rows(stream: str, rows: Sequence[_ObservationRow], seen_in: Import | None) -> None:
    """Write the observations with one statement (store_observations.sql); arrays hold their
    columns. Existing ones with the same key are updated. `seen_in` is the import that reports them,
    None for telemetry."""
    sightings = [row.first.sighting for row in rows]
    columns: dict[str, list[Any]] = {
        "keys": [row.key for row in rows],
        "streams": [stream] * len(rows),
        "applications": [row.first.application for row in rows],
        "services": [row.first.service for row in rows],
        "environments": [sighting.environment for sighting in sightings],
        "aliases": [sighting.alias for sighting in sightings],
        "requested": [sighting.requested for sighting in sightings],
        "served": [sighting.served for sighting in sightings],
        "providers": [sighting.provider for sighting in sightings],
        "regions": [sighting.region for sighting in sightings],
        "gateways": [sighting.gateway for sighting in sightings],
        "roles": [sighting.role for sighting in sightings],
        "fallback_orders": [sighting.fallback_order for sighting in sightings],
        "confidences": [row.confidence for row in rows],
        "places": [orjson.dumps(row.places[:MAX_PLACES]).decode() for row in rows],
        "facts": [orjson.dumps(sighting.facts).decode() for sighting in sightings],
        "first_seen": [row.seen_from for row in rows],
        "last_seen": [row.seen_until for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("intake", "store_observations"),
            {**columns, "seen_in": seen_in.pk if seen_in else None},
        )


@dataclass(frozen=True, slots=True)
class DocumentScope:
    """Scope of a complete document: one sender, one part of an application, and the environments
    that it covers."""

    stream: str
    application: int
    part: str
    environments: frozenset[str]

    def observations(self) -> ObservationQuerySet:
        return Observation.objects.filter(
            stream=self.stream,
            application=self.application,
            missing_since__isnull=True,
            environment__in=self.environments,
            seen_in__mapping__part=self.part,
        )


def mark_missing(scope: DocumentScope, *, keys: Iterable[UUID], at: datetime) -> int:
    """Mark observations that the newest complete document lacks; return the number of newly marked
    ones.

    Nothing is deleted. Observations of other senders of the same application do not change."""
    missing_observations = (
        scope.observations().exclude(key__in=list(keys)).filter(last_seen_at__lte=at)
    )
    return missing_observations.update(missing_since=at.date())


def mark_superseded(scope: DocumentScope, *, newer_at: datetime) -> int:
    """Mark observations of an older document that a newer one of the same sender lacks."""
    return (
        scope.observations().filter(last_seen_at__lt=newer_at).update(missing_since=newer_at.date())
    )
