"""Sightings into observations: one row a sender, application and set of names, whatever the number of documents."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from apps.accounts.models import ApiToken
from apps.intake.documents import MOST_PLACES, Sighting, clean
from apps.intake.models import Import, Observation, Service

BLOCK = 5_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A sighting with whose it is: `application` is an id; where None, `service` is the id of the sender's name."""

    sighting: Sighting
    application: int | None
    service: int | None
    seen_from: datetime
    seen_until: datetime


def observation_key(stream: str, placed: Placed) -> UUID:
    """The same names of the same application seen by the same sender are one observation.

    A service's observations keep their key when the service is claimed, so the application counts only where the
    sender named it.
    """
    said = placed.sighting
    whose = f"s{placed.service}" if placed.service is not None else f"a{placed.application}"
    parts = [
        stream, whose, said.environment, said.alias, said.requested, said.served, said.provider.lower(),
        said.region, said.gateway.lower(), said.role,
    ]  # fmt: skip
    return UUID(bytes=hashlib.sha256("\x1f".join(parts).encode()).digest()[:16])


def ensure_services(
    names: Iterable[str], *, scope: str, token: ApiToken | None, at: datetime
) -> dict[str, tuple[int, int | None, bool]]:
    """{name: (id, application id or None, ignored)} of senders by the name they give themselves; new ones are noted."""
    wanted = sorted({clean(name) for name in names} - {""})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_service (scope, name, is_ignored, first_token_id, first_seen_at, last_seen_at)
            SELECT %s, name, false, %s, %s, %s FROM unnest(%s::text[]) AS n(name)
            ON CONFLICT (scope, name) DO NOTHING
            """,
            [scope, token.pk if token else None, at, at, wanted],
        )
        # a busy sender costs one write an hour
        cursor.execute(
            """
            UPDATE intake_service SET last_seen_at = %s
            WHERE scope = %s AND name = ANY(%s) AND last_seen_at < %s::timestamptz - interval '1 hour'
            """,
            [at, scope, wanted, at],
        )
    found = Service.objects.filter(scope=scope, name__in=wanted).values_list("name", "pk", "application", "is_ignored")
    return {name: (pk, application, ignored) for name, pk, application, ignored in found}


def store_observations(stream: str, placed: Sequence[Placed], *, seen_in: Import | None = None) -> list[UUID]:
    """Write them, seen again or new; the key of each, in order. A newer look replaces what an older one said of places
    and facts. What changed, or is not part of a dependency yet, waits for `reconcile`."""
    keys = [observation_key(stream, each) for each in placed]
    rows: dict[UUID, list[object]] = {}
    for key, each in zip(keys, placed, strict=True):
        said = each.sighting
        known = rows.get(key)
        if known is not None:
            places: list[str] = known[14]  # type: ignore[assignment]
            places += [place for place in said.places if place not in places]
            known[16], known[17] = min(known[16], each.seen_from), max(known[17], each.seen_until)  # type: ignore[type-var]
            known[13] = max(known[13], int(said.confidence))  # type: ignore[type-var]
            continue
        rows[key] = [
            key, stream, each.application, each.service, said.environment, said.alias, said.requested, said.served,
            said.provider, said.region, said.gateway, said.role, said.fallback_order, int(said.confidence),
            list(said.places), said.facts, each.seen_from, each.seen_until,
        ]  # fmt: skip
    ordered = sorted(rows.values(), key=lambda row: row[0].bytes)  # type: ignore[attr-defined]
    for start in range(0, len(ordered), BLOCK):
        _upsert(ordered[start : start + BLOCK], seen_in)
    return keys


def _upsert(rows: Sequence[Sequence[object]], seen_in: Import | None) -> None:
    columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
    columns[14] = [orjson.dumps(places[:MOST_PLACES]).decode() for places in columns[14]]  # type: ignore[index]
    columns[15] = [orjson.dumps(facts).decode() for facts in columns[15]]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_observation AS o (
                key, stream, application_id, service_id, environment, alias, requested, served, provider, region,
                gateway, role, fallback_order, confidence, places, facts, first_seen_at, last_seen_at, seen_in_id,
                state, why
            )
            SELECT d.*, %s, 'new', '' FROM unnest(
                %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::smallint[], %s::jsonb[],
                %s::jsonb[], %s::timestamptz[], %s::timestamptz[]
            ) AS d
            ON CONFLICT (key) DO UPDATE SET
                first_seen_at = least(o.first_seen_at, excluded.first_seen_at),
                last_seen_at = greatest(o.last_seen_at, excluded.last_seen_at),
                confidence = greatest(o.confidence, excluded.confidence),
                fallback_order = excluded.fallback_order,
                places = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN excluded.places ELSE o.places END,
                facts = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN excluded.facts ELSE o.facts END,
                seen_in_id = CASE WHEN excluded.last_seen_at >= o.last_seen_at
                                  THEN coalesce(excluded.seen_in_id, o.seen_in_id) ELSE o.seen_in_id END,
                missing_since = CASE WHEN excluded.last_seen_at >= o.last_seen_at THEN NULL ELSE o.missing_since END,
                -- the day it was seen is handed on; within one day nothing is left to say of a part of a dependency
                state = CASE WHEN o.state = 'set_aside' THEN o.state
                             WHEN o.state = 'matched' AND o.dependency_id IS NOT NULL AND o.missing_since IS NULL
                                  AND (excluded.last_seen_at AT TIME ZONE 'UTC')::date
                                      <= (o.last_seen_at AT TIME ZONE 'UTC')::date THEN o.state
                             ELSE 'new' END
            """,
            [seen_in.pk if seen_in else None, *columns],
        )


def end_missing(stream: str, *, application: int, seen_in: Import, keys: Iterable[UUID], at: datetime) -> int:
    """The newest whole document of a maker about an application lacks these now: they are marked, nothing is deleted.

    The number newly marked. What other makers saw of the same application is untouched.
    """
    return (
        Observation.objects.filter(stream=stream, application=application, missing_since__isnull=True)
        .exclude(key__in=list(keys))
        .filter(last_seen_at__lte=at)
        .update(missing_since=at.date())
    )
