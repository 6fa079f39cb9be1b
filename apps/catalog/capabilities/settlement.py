"""Settles what applies of all that sources state about offerings: reads the claims on a topic,
applies agreement.py, and writes differences.

Callers hold the catalogue's lock, as for `reconcile_offerings`. The number of statements does not
grow with the number of offerings.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.catalog.capabilities.agreement import Rank, Statement, choose_value
from apps.catalog.capabilities.fields import CAPABILITY, FIELDS
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import SettledClaims, Source
from apps.common.database.bulk_writes import update_rows
from apps.common.database.statements import load_statement

MANUAL = "manual"
# Kinds of the sources that are a provider's own word about its own offerings.
ROUTER = "openrouter"
OWN_LISTS = frozenset({"model-list", ROUTER})
OWN_PAGES = frozenset({"page", Source.DOCUMENT})
_OWN_TEST = "own_test"
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class _Target:
    """An offering to settle. `general_id` is the offering without a region whose claims apply to
    it, None if it has claims of its own or is listed."""

    offering_id: int
    version_id: int | None
    general_id: int | None


def settle_values(offering_ids: Collection[int], *, topic: str = CAPABILITY, at: datetime) -> int:
    """Settle the values of these offerings on `topic`; return the number of offerings that changed.

    Offerings of a region that no source lists take the claims of the offering without a region.
    Fields of the version count for all offerings of the version, which are settled too if such a
    field changes. Names of models have no values of their own.
    """
    if not offering_ids:
        return 0
    targets = _find_targets(offering_ids)
    changed, versions = _settle(targets, topic, at)
    if versions:
        rest = _find_targets((), versions=versions, without=[t.offering_id for t in targets])
        more, _ = _settle(rest, topic, at)
        changed |= more
    return len(changed)


def _find_targets(
    offering_ids: Collection[int], *, versions: Collection[int] = (), without: Collection[int] = ()
) -> list[_Target]:
    """Return the offerings with these IDs or versions, and the offerings of regions that follow
    them, except for those in `without`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH given AS (
                SELECT id, host_id, api_id, service_tier, region_scope FROM catalog_offering
                WHERE kind <> 'name' AND (id = ANY (%(ids)s) OR version_id = ANY (%(versions)s))
            ),
            target AS (
                SELECT id FROM given
                UNION
                SELECT o.id FROM given g JOIN catalog_offering o
                USING (host_id, api_id, service_tier)
                WHERE g.region_scope = '' AND o.region_scope <> ''
            )
            SELECT o.id, o.version_id, general.id
            FROM target JOIN catalog_offering o USING (id)
            LEFT JOIN catalog_offering general
              ON o.region_scope <> '' AND general.region_scope = ''
              AND general.host_id = o.host_id AND general.api_id = o.api_id
              AND general.service_tier = o.service_tier
              AND NOT EXISTS (SELECT 1 FROM catalog_assertion a WHERE a.offering_id = o.id
                              AND a.topic IN ('identity', 'capability', 'data_terms'))
            WHERE o.id <> ALL (%(without)s) AND o.kind <> 'name'
            """,
            {
                "ids": list(offering_ids),
                "versions": list(versions),
                "without": list(without),
            },
        )
        return [_Target(*row) for row in cursor.fetchall()]


def _settle(targets: list[_Target], topic: str, at: datetime) -> tuple[set[int], set[int]]:
    """Settle the targets; return the IDs of the offerings that changed, and of the versions of
    which a field changed."""
    fields = FIELDS[topic]
    of_version = [key for key, field in fields.items() if field.of_version]
    owners = {target.general_id or target.offering_id for target in targets}
    by_offering = _read_statements(
        load_statement("catalog", "stated_values"), topic, ids=list(owners)
    )
    version_ids = {target.version_id for target in targets if target.version_id is not None}
    by_version = (
        _read_statements(
            load_statement("catalog", "stated_of_versions"),
            topic,
            versions=list(version_ids),
            fields=of_version,
        )
        if of_version and version_ids
        else {}
    )
    settled_by_version = {
        version_id: _choose_values(topic, statements)
        for version_id, statements in by_version.items()
    }
    wanted: dict[int, dict[str, Any]] = {}
    for target in targets:
        own = by_offering.get(target.general_id or target.offering_id, {})
        values = _choose_values(topic, own) | settled_by_version.get(target.version_id or 0, {})
        wanted[target.offering_id] = {key: _as_json(values[key]) for key in fields if key in values}
    return _write_differences(targets, wanted, of_version, topic, at)


def _choose_values(
    topic: str, statements: Mapping[str, Iterable[Statement]]
) -> dict[str, SettledValue]:
    chosen = {key: choose_value(FIELDS[topic][key], lines) for key, lines in statements.items()}
    return {key: value for key, value in chosen.items() if value is not None}


def _as_json(value: SettledValue) -> dict[str, Any]:
    line = {
        "value": value.value,
        "source": value.source,
        "at": value.at,
        "agreed": value.agreed,
    }
    return line | ({"contradicted": True} if value.contradicted else {})


def _read_statements(
    statement: str, topic: str, **parameters: Any
) -> dict[int, dict[str, list[Statement]]]:
    """Return {offering or version ID: {field: statements}}."""
    found: dict[int, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"topic": topic, **parameters})
        for owner_id, slug, name, kind, priority, is_own_host, value, is_delisted in cursor:
            facts = json.loads(value) if isinstance(value, str) else value
            for key, fact in facts.items():
                if key in FIELDS[topic]:
                    is_own = is_own_host or (kind == ROUTER and not FIELDS[topic][key].of_version)
                    rank = _rank(slug, kind, fact, is_own=is_own)
                    found[owner_id][key].append(
                        Statement(
                            rank,
                            slug if slug != MANUAL else f"{slug}:{fact.get('by', '')}",
                            "Own test" if rank is Rank.OWN_TEST else name,
                            fact["value"],
                            fact.get("at", ""),
                            is_delisted or "silent_since" in fact,
                            priority,
                        )
                    )
    return found


def _rank(slug: str, kind: str, fact: Mapping[str, Any], *, is_own: bool) -> Rank:
    if slug == MANUAL:
        return Rank.OWN_TEST if fact.get("kind") == _OWN_TEST else Rank.ENTERED
    if kind in OWN_LISTS and is_own:
        return Rank.PROVIDER_LIST
    return Rank.PROVIDER_PAGE if kind in OWN_PAGES else Rank.OTHER


def _write_differences(
    targets: Iterable[_Target],
    wanted: Mapping[int, dict[str, Any]],
    of_version: Collection[str],
    topic: str,
    at: datetime,
) -> tuple[set[int], set[int]]:
    stored = {
        offering_id: (pk, values)
        for pk, offering_id, values in SettledClaims.objects.filter(
            offering__in=list(wanted), topic=topic
        )
        .order_by()
        .values_list("pk", "offering_id", "values")
    }
    missing: list[SettledClaims] = []
    differing: dict[int, dict[str, Any]] = {}
    surplus: list[int] = []
    changed: set[int] = set()
    versions: set[int] = set()
    for target in targets:
        values = wanted[target.offering_id]
        pk, before = stored.get(target.offering_id, (None, {}))
        if values == before:
            continue
        changed.add(target.offering_id)
        if target.version_id is not None and any(
            values.get(key) != before.get(key) for key in of_version
        ):
            versions.add(target.version_id)
        if pk is None:
            missing.append(
                SettledClaims(
                    offering_id=target.offering_id, topic=topic, values=values, changed_at=at
                )
            )
        elif values:
            differing[pk] = {"values": values, "changed_at": at}
        else:
            surplus.append(pk)
    if surplus:
        SettledClaims.objects.filter(pk__in=surplus).delete()
    update_rows(SettledClaims, differing)
    SettledClaims.objects.bulk_create(missing, batch_size=_BATCH)
    return changed, versions
