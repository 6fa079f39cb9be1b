"""Storage of sightings as observations: one row per sender, application and set of names, whatever
the number of documents."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
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
    """Sighting with its attribution: `application` is an id; if None, `service` is the id of the
    reported service.

    `part` is which of an application's several documents states it."""

    sighting: Sighting
    application: int | None
    service: int | None
    seen_from: datetime
    seen_until: datetime
    part: str = ""


@dataclass(slots=True)
class _ObservationRow:
    """Row of one write of an observation, which a batch may hold several times."""

    key: UUID
    first: AttributedSighting
    places: list[str]
    seen_from: datetime
    seen_until: datetime
    confidence: int


def observation_key(stream: str, placed: AttributedSighting) -> UUID:
    """Return the key of an observation: same names, application and sender give the same key.

    A service's observations keep their key when the service is linked, so the application counts
    only if the sender named it."""
    said = placed.sighting
    whose = f"s{placed.service}" if placed.service is not None else f"a{placed.application}"
    parts = [
        stream,
        whose,
        said.environment,
        said.alias,
        said.requested,
        said.served,
        said.provider.lower(),
        said.region,
        said.gateway.lower(),
        said.role,
        *([placed.part] if placed.part else []),
    ]
    return UUID(bytes=hashlib.sha256("\x1f".join(parts).encode()).digest()[:16])


def ensure_services(
    names: Iterable[str], *, scope: str, token: ApiToken | None, at: datetime
) -> dict[str, tuple[int, int | None, bool]]:
    """Return {name: (id, application id or None, ignored)} of reported services by their own names.

    New ones are stored, and linked if they name an application that the token may write to."""
    wanted = sorted({clean(name) for name in names} - {""})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_service (scope, name, is_ignored, first_token_id, first_seen_at,
                last_seen_at)
            SELECT %s, name, false, %s, %s, %s FROM unnest(%s::text[]) AS n(name)
            ON CONFLICT (scope, name) DO NOTHING
            """,
            [scope, token.pk if token else None, at, at, wanted],
        )
        # a busy sender costs one write an hour
        cursor.execute(
            """
            UPDATE intake_service SET last_seen_at = %s
            WHERE scope = %s AND name = ANY(%s)
                AND last_seen_at < %s::timestamptz - interval '1 hour'
            """,
            [at, scope, wanted, at],
        )
        if token is not None:
            # a name that two people's tokens bring is nobody's own: else whoever used it first
            # would read, and could claim, what the other's token tells. The offices see it and say
            # whose it is
            cursor.execute(
                """
                WITH shared AS (
                    UPDATE intake_service s SET first_token_id = NULL FROM accounts_apitoken t
                    WHERE t.id = s.first_token_id AND t.user_id <> %(user)s
                        AND s.application_id IS NULL
                      AND s.scope = %(scope)s AND s.name = ANY(%(names)s)
                )
                INSERT INTO intake_servicetoken AS k (service_id, token_id, last_sent_at, n_dropped)
                SELECT s.id, %(token)s, %(at)s, 0 FROM intake_service s
                WHERE s.scope = %(scope)s AND s.name = ANY(%(names)s) AND NOT s.is_ignored
                ORDER BY s.id
                ON CONFLICT (service_id, token_id) DO UPDATE
                SET last_sent_at = excluded.last_sent_at
                WHERE k.last_sent_at < excluded.last_sent_at - interval '1 hour'
                """,
                {
                    "user": token.user_id,
                    "token": token.pk,
                    "scope": scope,
                    "names": wanted,
                    "at": at,
                },
            )
    rows = Service.objects.filter(scope=scope, name__in=wanted).values_list(
        "name", "pk", "application", "is_ignored"
    )
    found: dict[str, tuple[int, int | None, bool]] = {
        name: (pk, application, ignored) for name, pk, application, ignored in rows
    }
    if token is not None:
        waiting = {
            pk: name
            for name, (pk, application, ignored) in found.items()
            if not (application or ignored)
        }
        for pk, application in (
            link_named_services(waiting, token=token, at=at) if waiting else {}
        ).items():
            found[waiting[pk]] = (pk, application, False)
    return found


def store_observations(
    stream: str, placed: Sequence[AttributedSighting], *, seen_in: Import | None = None
) -> list[UUID]:
    """Store sightings, new or repeated, and return the key of each, in order.

    A newer sighting replaces the places and facts of an older one. What changed, or is not part of
    a dependency yet, waits for `reconcile`."""
    keys = [observation_key(stream, each) for each in placed]
    rows: dict[UUID, _ObservationRow] = {}
    for key, each in zip(keys, placed, strict=True):
        row = rows.get(key)
        if row is None:
            rows[key] = _ObservationRow(
                key,
                each,
                list(each.sighting.places),
                each.seen_from,
                each.seen_until,
                int(each.sighting.confidence),
            )
        else:
            row.places += [place for place in each.sighting.places if place not in row.places]
            row.seen_from, row.seen_until = (
                min(row.seen_from, each.seen_from),
                max(row.seen_until, each.seen_until),
            )
            row.confidence = max(row.confidence, int(each.sighting.confidence))
    ordered = sorted(rows.values(), key=lambda row: row.key.bytes)
    for start in range(0, len(ordered), WRITE_BATCH_SIZE):
        _upsert(stream, ordered[start : start + WRITE_BATCH_SIZE], seen_in)
    return keys


def _upsert(stream: str, rows: Sequence[_ObservationRow], seen_in: Import | None) -> None:
    said = [row.first.sighting for row in rows]
    columns: dict[str, list[Any]] = {
        "keys": [row.key for row in rows],
        "streams": [stream] * len(rows),
        "applications": [row.first.application for row in rows],
        "services": [row.first.service for row in rows],
        "environments": [each.environment for each in said],
        "aliases": [each.alias for each in said],
        "requested": [each.requested for each in said],
        "served": [each.served for each in said],
        "providers": [each.provider for each in said],
        "regions": [each.region for each in said],
        "gateways": [each.gateway for each in said],
        "roles": [each.role for each in said],
        "fallback_orders": [each.fallback_order for each in said],
        "confidences": [row.confidence for row in rows],
        "places": [orjson.dumps(row.places[:MAX_PLACES]).decode() for row in rows],
        "facts": [orjson.dumps(each.facts).decode() for each in said],
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
    """Scope of a complete document: one maker's view of one part of an application, in these
    environments."""

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


def mark_missing(whole: DocumentScope, *, keys: Iterable[UUID], at: datetime) -> int:
    """Mark observations that the newest complete document lacks, and return the number newly
    marked.

    Nothing is deleted. What other makers reported of the same application is untouched."""
    gone = whole.observations().exclude(key__in=list(keys)).filter(last_seen_at__lte=at)
    return gone.update(missing_since=at.date())


def mark_superseded(whole: DocumentScope, *, newer_at: datetime) -> int:
    """End what a late document reports and a newer one of its maker no longer did."""
    return (
        whole.observations().filter(last_seen_at__lt=newer_at).update(missing_since=newer_at.date())
    )
