"""Reconciles offerings with all source values: reads the claims, applies claims/precedence.py, and
writes differences.

Callers hold the catalogue's lock, so that two sources never reconcile the same offering
concurrently.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from apps.catalog.capabilities.fields import FIELDS
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.precedence import (
    OWN_PAGE,
    UNMARKED,
    KnownRetirement,
    SettledLifecycle,
    SourceClaim,
    applicable_price_claims,
    choose_lifecycle,
)
from apps.catalog.claims.price_ranges import update_price_ranges
from apps.catalog.claims.stage_rows import update_stages
from apps.catalog.claims.values import value_in_region
from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.change_detection.records import LIFECYCLE, PRICE
from apps.catalog.models import Offering, OfferingKind
from apps.catalog.name_facts import refresh_name_facts
from apps.common.database.bulk_writes import update_rows
from apps.common.database.statements import load_statement
from apps.common.time import day_of

BUILT_IN = "built-in"
_LOCK = 7_301_001  # any constant; identifies the catalogue among advisory locks


def catalogue_lock() -> None:
    """Acquire the lock for changes of reconciled values; it is held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def reconcile_offerings(
    offering_ids: Collection[int], *, at: datetime, fresh: Collection[int] = ()
) -> int:
    """Update lifecycle, prices, capabilities and data terms of these offerings from all active
    claims; return the number that changed.

    If an offering with a redirect changes, its upstream dependencies are refreshed. A lifecycle
    that a source gives for a model at a host without a region also applies to the offerings of
    regions that no source lists, and its day of one region to every offering of that region; prices
    differ by region and do not.
    """
    if not offering_ids:
        return 0
    today = day_of(at)
    followers = _followers(offering_ids)
    offering_ids = {*offering_ids, *(row.offering_id for row in followers)}
    source_claims, listed_ids = standing_claims(
        {*offering_ids, *(row.followed_id for row in followers)}, LIFECYCLE
    )
    for row in followers:
        source_claims[row.offering_id] = [
            *source_claims.get(row.offering_id, ()),
            *(
                replace(claim, value=value_in_region(claim.value, row.region))
                for claim in source_claims.get(row.followed_id, ())
                if not row.is_listed or row.region in claim.value.get("regions", ())
            ),
        ]
        if not row.is_listed and row.followed_id not in listed_ids:
            listed_ids.discard(row.offering_id)
    columns = (
        "pk",
        "lifecycle",
        "due_status",
        "announced_on",
        "retires_on",
        "date_kind",
        "replacement_text",
        "lifecycle_claim_id",
        "replacement_id",
        "end_behaviour",
        "retires_month",
    )
    # names have no claims of their own
    own_lifecycles = Offering.objects.filter(pk__in=offering_ids).exclude(kind=OfferingKind.NAME)
    rows = list(own_lifecycles.values(*columns))
    lifecycles = {
        row["pk"]: choose_lifecycle(
            source_claims.get(row["pk"], ()),
            today,
            is_listed=row["pk"] in listed_ids or row["pk"] in fresh,
            before=KnownRetirement(row["lifecycle"], row["retires_on"], row["due_status"]),
        )
        for row in rows
    }
    replacements = _find_replacements(lifecycles) | _chosen_successors(lifecycles)
    changes: dict[int, dict[str, Any]] = {}
    changed_ids: list[int] = []
    for row in rows:
        lifecycle = lifecycles[row["pk"]]
        target = {
            "lifecycle": lifecycle.lifecycle,
            "announced_on": lifecycle.announced_on,
            "retires_on": lifecycle.retires_on,
            "date_kind": lifecycle.date_kind,
            "due_status": lifecycle.due_status,
            "replacement_text": lifecycle.replacement_text,
            "lifecycle_claim_id": lifecycle.claim_id,
            "retires_month": lifecycle.retires_month,
            "replacement_id": replacements.get(row["pk"], row["replacement_id"]),
        }
        if target["replacement_id"] == row["pk"]:
            target["replacement_id"] = None
        if any(row[name] != value for name, value in target.items()):
            changes[row["pk"]] = target
            if row["end_behaviour"] == "redirect":
                changed_ids.append(row["pk"])
    update_rows(Offering, changes)
    n_staged = update_stages(lifecycles)
    refresh_footing(changed_ids, today=today)
    price_claims, _ = standing_claims(offering_ids, PRICE)
    n_priced = update_price_ranges(
        {
            pk: applicable_claims
            for pk, group in price_claims.items()
            if (applicable_claims := applicable_price_claims(group))
        },
        at=at,
    )
    if changes or n_priced:
        refresh_name_facts(offering_ids, today=today)
    n_stated = sum(settle_values(offering_ids, topic=topic, at=at) for topic in FIELDS)
    return len(changes) + n_staged + n_priced + n_stated


@dataclass(frozen=True, slots=True)
class _Follower:
    """An offering of one region to which claims about the offering without a region apply: all of
    them if no source lists it, otherwise those that state a day of its region."""

    offering_id: int
    followed_id: int
    region: str
    is_listed: bool


def _followers(offering_ids: Collection[int]) -> list[_Follower]:
    """Return the followers where either of the two offerings is among `offering_ids`."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH given AS (SELECT id, host_id, api_id, service_tier FROM catalog_offering
            WHERE id = ANY (%s)),
            pair AS (
                SELECT DISTINCT regional.id, general.id AS general_id, regional.region_scope,
                    -- a source lists the regional one, even if it has delisted it since
                    EXISTS (SELECT 1 FROM catalog_assertion a WHERE a.offering_id = regional.id
                            AND a.topic = 'identity') AS is_listed
                FROM given
                JOIN catalog_offering regional USING (host_id, api_id, service_tier)
                JOIN catalog_offering general USING (host_id, api_id, service_tier)
                WHERE regional.region_scope <> '' AND general.region_scope = ''
                  -- a change of either of the two can change the regional one
                  AND given.id IN (regional.id, general.id)
            )
            SELECT id, general_id, region_scope, is_listed FROM pair
            WHERE NOT is_listed OR EXISTS (
                SELECT 1 FROM catalog_assertion a WHERE a.offering_id = pair.general_id
                AND a.topic = 'lifecycle' AND a.value -> 'regions' ? pair.region_scope)
            ORDER BY id
            """,
            [list(offering_ids)],
        )
        return [_Follower(*row) for row in cursor.fetchall()]


def standing_claims(
    offering_ids: Collection[int], topic: str
) -> tuple[dict[int, list[SourceClaim]], set[int]]:
    """Return ({offering ID: its current claims on the topic}, IDs of offerings that a source still
    lists).

    A claim of a delisted row counts only if its date had passed by then. The built-in catalogue
    replaces a feed until that feed has been polled. An announced date of a source that cannot mark
    earliest ones is an earliest date if another source gives, or once gave, the same date for the
    same model as the earliest, and has not announced it since.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("catalog", "current_claims"),
            {"unmarked": sorted(UNMARKED), "topic": topic, "ids": list(offering_ids)},
        )
        source_claims: dict[int, list[SourceClaim]] = defaultdict(list)
        for (
            offering_id,
            claim_id,
            slug,
            rank,
            value,
            changed_at,
            kind,
            in_doubt,
            is_soft,
        ) in cursor.fetchall():
            value = json.loads(value) if isinstance(value, str) else value
            # the other feeds are not published by the hosts they describe
            own_page = kind == OWN_PAGE
            own_list = kind == "openrouter" or own_page
            source_claims[offering_id].append(
                SourceClaim(
                    claim_id,
                    slug,
                    rank,
                    value,
                    changed_at,
                    own_list,
                    in_doubt,
                    soft_elsewhere=is_soft,
                    own_page=own_page,
                )
            )
        cursor.execute(
            """
            SELECT DISTINCT offering_id FROM catalog_assertion
            -- a source lists it
            WHERE topic = 'identity' AND offering_id = ANY (%s) AND withdrawn_at IS NULL
            UNION
            -- no source ever listed it, as one that a user added: it cannot be delisted
            SELECT o.id FROM catalog_offering o WHERE o.id = ANY (%s) AND NOT EXISTS (
                SELECT 1 FROM catalog_assertion a
                WHERE a.offering_id = o.id AND a.topic = 'identity')
            UNION
            -- the built-in catalogue lists it for a feed that has not been polled yet
            SELECT a.offering_id FROM catalog_assertion a
            JOIN catalog_source s ON s.id = a.source_id
            WHERE s.slug = 'built-in' AND a.offering_id = ANY (%s) AND a.withdrawn_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM catalog_source p
              JOIN catalog_assertion x ON x.source_id = p.id
                              WHERE p.slug = split_part(a.external_id, ':', 1))
            """,
            [list(offering_ids)] * 3,
        )
        return source_claims, {row[0] for row in cursor.fetchall()}


def _chosen_successors(lifecycles: Mapping[int, SettledLifecycle]) -> dict[int, int]:
    """{offering: the successor that a user selected}, at any host."""
    successors = {
        pk: lifecycle.successor_id for pk, lifecycle in lifecycles.items() if lifecycle.successor_id
    }
    if not successors:
        return {}
    existing_ids = set(
        Offering.objects.filter(pk__in=set(successors.values())).values_list("pk", flat=True)
    )
    return {pk: successor for pk, successor in successors.items() if successor in existing_ids}


def _find_replacements(lifecycles: Mapping[int, SettledLifecycle]) -> dict[int, int]:
    """Return {offering ID: ID of its replacement} where the replacement text names an offering of
    the same host, by model ID or by the name of the feed's row."""
    lifecycles_with_text = {
        pk: lifecycle
        for pk, lifecycle in lifecycles.items()
        if lifecycle.replacement_text and lifecycle.claim_id is not None
    }
    if not lifecycles_with_text:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH t AS (SELECT * FROM unnest(%s::bigint[], %s::text[],
                %s::bigint[]) AS t(offering_id, name, claim_id)),
            found AS (
                -- the text is a model ID of the host
                SELECT t.offering_id, r.id
                FROM t JOIN catalog_offering o ON o.id = t.offering_id
                JOIN catalog_offering r ON r.host_id = o.host_id AND r.api_id = t.name
                    AND r.kind = 'model_id'
                UNION
                -- or the key of a row of the same feed, for an offering of the same host
                SELECT t.offering_id, r.id
                FROM t JOIN catalog_offering o ON o.id = t.offering_id
                JOIN catalog_assertion c ON c.id = t.claim_id
                JOIN catalog_assertion a
                  ON a.source_id = c.source_id AND a.external_id = t.name AND a.topic = 'identity'
                JOIN catalog_offering r ON r.id = a.offering_id AND r.host_id = o.host_id
            )
            SELECT DISTINCT ON (f.offering_id) f.offering_id, f.id
            FROM found f JOIN catalog_offering o ON o.id = f.offering_id
            JOIN catalog_offering r ON r.id = f.id
            WHERE f.id <> f.offering_id
            -- of several the one with the same region, then with the same tier (false sorts first)
            ORDER BY f.offering_id, r.region_scope <> o.region_scope,
                r.service_tier <> o.service_tier, r.id
            """,
            [
                list(lifecycles_with_text),
                [lifecycle.replacement_text for lifecycle in lifecycles_with_text.values()],
                [lifecycle.claim_id for lifecycle in lifecycles_with_text.values()],
            ],
        )
        return dict(cursor.fetchall())
