"""Settles what applies of all that sources state about offerings: reads the claims on a topic,
applies agreement.py, and writes differences.

Callers hold the catalogue's lock, as for `reconcile_offerings`. The number of statements does not
grow with the number of offerings.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
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


def settle_values(offering_ids: Collection[int], *, topic: str = CAPABILITY, at: datetime) -> int:
    """Settle the values of these offerings on `topic`; return the number of offerings that changed.

    Offerings of a region that no source lists take the claims of the offering without a region.
    Names of models have no values of their own.
    """
    if not offering_ids:
        return 0
    owners = _find_owners(offering_ids)
    stated = _read_statements(topic, set(owners.values()))
    wanted = {
        offering_id: _choose_values(topic, stated.get(owner_id, {}))
        for offering_id, owner_id in owners.items()
    }
    return _write_differences(wanted, topic, at)


def _find_owners(offering_ids: Collection[int]) -> dict[int, int]:
    """Return {offering ID: ID of the offering whose claims apply to it} of these offerings, and of
    the offerings of regions that follow them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH given AS (
                SELECT id, host_id, api_id, service_tier, region_scope FROM catalog_offering
                WHERE id = ANY (%s)
            ),
            target AS (
                SELECT id FROM given
                UNION
                SELECT o.id FROM given g JOIN catalog_offering o
                USING (host_id, api_id, service_tier)
                WHERE g.region_scope = '' AND o.region_scope <> ''
            )
            SELECT o.id, COALESCE(general.id, o.id)
            FROM target JOIN catalog_offering o USING (id)
            LEFT JOIN catalog_offering general
              ON o.region_scope <> '' AND general.region_scope = ''
              AND general.host_id = o.host_id AND general.api_id = o.api_id
              AND general.service_tier = o.service_tier
              AND NOT EXISTS (
                SELECT 1 FROM catalog_assertion a JOIN catalog_source s ON s.id = a.source_id
                WHERE a.offering_id = o.id AND (
                    a.topic IN ('identity', 'capability', 'data_terms')
                    -- the built-in catalogue lists it for a feed
                    OR s.slug = 'built-in'))
            WHERE o.kind <> 'name'
            """,
            [list(offering_ids)],
        )
        return dict(cursor.fetchall())


def _choose_values(
    topic: str, statements: Mapping[str, Iterable[Statement]]
) -> dict[str, dict[str, Any]]:
    """Return {field: settled value as JSON}, in the order of the fields."""
    chosen = {
        key: choose_value(field, statements[key])
        for key, field in FIELDS[topic].items()
        if key in statements
    }
    return {key: _as_json(value) for key, value in chosen.items() if value is not None}


def _as_json(value: SettledValue) -> dict[str, Any]:
    line = {"value": value.value, "source": value.source, "at": value.at, "agreed": value.agreed}
    return line | ({"contradicted": True} if value.contradicted else {})


def _read_statements(
    topic: str, offering_ids: Collection[int]
) -> dict[int, dict[str, list[Statement]]]:
    """Return {offering ID: {field: statements}}."""
    found: dict[int, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("catalog", "stated_values"),
            {"topic": topic, "ids": list(offering_ids)},
        )
        for offering_id, slug, name, kind, priority, is_own_host, value, is_delisted in cursor:
            facts = json.loads(value) if isinstance(value, str) else value
            for key, fact in facts.items():
                if key not in FIELDS[topic]:
                    continue
                is_own = is_own_host or (kind == ROUTER and not FIELDS[topic][key].of_version)
                rank = _rank(slug, kind, fact, is_own=is_own)
                found[offering_id][key].append(
                    Statement(
                        rank,
                        # each user who enters something is a voice
                        f"{slug}:{fact.get('by', '')}" if slug == MANUAL else slug,
                        "Own test" if rank is Rank.OWN_TEST else name,
                        fact["value"],
                        fact.get("at", ""),
                        # the last word of a provider about a model that it does not list any
                        # more still stands
                        "silent_since" in fact or (is_delisted and rank is Rank.OTHER),
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
    wanted: Mapping[int, dict[str, dict[str, Any]]], topic: str, at: datetime
) -> int:
    """Make the settled claims of these offerings those of `wanted`; return how many differed."""
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
    for offering_id, values in wanted.items():
        pk, before = stored.get(offering_id, (None, {}))
        if values == before:
            continue
        if pk is None:
            missing.append(
                SettledClaims(offering_id=offering_id, topic=topic, values=values, changed_at=at)
            )
        elif values:
            differing[pk] = {"values": values, "changed_at": at}
        else:
            surplus.append(pk)
    if surplus:
        SettledClaims.objects.filter(pk__in=surplus).delete()
    update_rows(SettledClaims, differing)
    SettledClaims.objects.bulk_create(missing, batch_size=_BATCH)
    return len(missing) + len(differing) + len(surplus)
