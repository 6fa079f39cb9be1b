"""Finds or creates the offerings of feed rows, set-based."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from apps.catalog.claims.reconciliation import catalogue_lock, reconcile_offerings
from apps.catalog.footing import refresh_footing
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.models import (
    FEATURE_KINDS,
    NAMED_KINDS,
    Lifecycle,
    Offering,
    OfferingCandidate,
    OfferingKind,
    Price,
    Provider,
    ProviderRole,
    Region,
)
from apps.common.database.bulk_writes import update_rows


def offering_key(value: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return value["host"], value["api_id"], value.get("region", ""), value.get("tier", "")


def ensure_offerings(
    identities: Iterable[Mapping[str, Any]], host_names: Mapping[str, str]
) -> tuple[dict[tuple[str, str, str, str], int], set[int]]:
    """Find or create the offering of each identity value; return ({(host, model ID, region, tier):
    ID}, new IDs).

    Unknown hosts become providers; identities of new offerings are resolved by rule, and unresolved
    ones wait in the inbox. New offerings have their footing. Features: `ensure_features`.
    """
    values = {offering_key(value): value for value in identities}
    hosts = ensure_providers(
        {key[0] for key in values} | {v["gateway"] for v in values.values() if "gateway" in v},
        host_names,
    )
    offering_ids = _find_offerings(values, hosts)
    confirmed_ids = confirm_model_ids(offering_ids.values())
    missing_keys = [key for key in values if key not in offering_ids]
    if not missing_keys:
        return offering_ids, confirmed_ids
    identity_columns = resolve_identities([(key[0], key[1]) for key in missing_keys])
    Offering.objects.bulk_create(
        [
            Offering(
                host_id=hosts[key[0]],
                api_id=key[1],
                region_scope=key[2],
                service_tier=key[3],
                name=values[key].get("name", ""),
                category=values[key].get("category", ""),
                gateway_id=hosts.get(values[key].get("gateway", "")),
                **identity_columns[key[0], key[1]],
            )
            for key in missing_keys
        ],
        ignore_conflicts=True,
    )
    offering_ids = _find_offerings(values, hosts)
    new_ids = {offering_ids[key] for key in missing_keys} | confirmed_ids
    link_regions({offering_ids[key]: (hosts[key[0]], key[2]) for key in missing_keys if key[2]})
    refresh_footing(new_ids)
    return offering_ids, new_ids


def ensure_features(
    identities: Iterable[Mapping[str, Any]], host_names: Mapping[str, str]
) -> tuple[dict[tuple[str, str, str, str], int], set[int]]:
    """Find or create the feature, endpoint or parameter of each identity value, as
    `ensure_offerings` does for models. They are never identified as a model. One that its source
    lists as another kind than before changes its kind."""
    values = {offering_key(value): value for value in identities}
    hosts = ensure_providers({key[0] for key in values}, host_names)
    feature_ids = _find_offerings(values, hosts, features=True)
    missing_keys = [key for key in values if key not in feature_ids]
    if missing_keys:
        Offering.objects.bulk_create(
            [
                Offering(
                    host_id=hosts[key[0]],
                    api_id=key[1],
                    region_scope=key[2],
                    service_tier=key[3],
                    name=values[key].get("name", ""),
                    kind=values[key]["kind"],
                    not_a_model=True,
                    identity_explanation="Part of the API of its host, as the host lists it",
                )
                for key in missing_keys
            ],
            ignore_conflicts=True,
        )
        feature_ids = _find_offerings(values, hosts, features=True)
        link_regions({feature_ids[key]: (hosts[key[0]], key[2]) for key in missing_keys if key[2]})
        refresh_footing({feature_ids[key] for key in missing_keys})
    stored_kinds = dict(
        Offering.objects.filter(pk__in=feature_ids.values()).values_list("pk", "kind")
    )
    update_rows(
        Offering,
        {
            pk: {"kind": values[key]["kind"]}
            for key, pk in feature_ids.items()
            if stored_kinds[pk] != values[key]["kind"]
        },
    )
    return feature_ids, {feature_ids[key] for key in missing_keys}


def confirm_model_ids(offering_ids: Collection[int]) -> set[int]:
    """Turn the names and products among the offerings into model IDs, since a source serves or a
    user confirmed exactly this text; return their IDs.

    They are identified as any model ID is, and have their footing. The caller reconciles them.
    """
    names = list(
        Offering.objects.filter(pk__in=set(offering_ids))
        .filter(kind__in=NAMED_KINDS)
        .select_related("host")
    )
    if not names:
        return set()
    columns = resolve_identities([(name.host.slug, name.api_id) for name in names])
    update_rows(
        Offering,
        {
            name.pk: {
                "kind": OfferingKind.MODEL_ID,
                "resolved_to_id": None,
                "lifecycle": Lifecycle.ACTIVE,
                "announced_on": None,
                "retires_on": None,
                "date_kind": "",
                "retires_month": "",
                "replacement_id": None,
                "replacement_text": "",
                "lifecycle_claim_id": None,
                "price_claim_id": None,
                **columns[name.host.slug, name.api_id],
            }
            for name in names
        },
    )
    ids = {name.pk for name in names}
    OfferingCandidate.objects.filter(offering__in=ids).delete()
    Price.objects.filter(offering__in=ids).delete()
    refresh_footing(ids)
    return ids


def ensure_named_offerings(
    identities: Iterable[Mapping[str, Any]], *, at: datetime
) -> dict[tuple[str, str, str, str], int]:
    """Run `ensure_offerings` for model IDs that the inventory states but no feed: exact strings,
    as an application sends them (names as people write them: identity/named_models.py). A new
    offering of a region gets the known retirement date of its model at that host. Runs inside the
    caller's transaction."""
    offering_ids, fresh = ensure_offerings(identities, {})
    regional_ids = [
        offering_ids[key] for key in offering_ids if key[2] and offering_ids[key] in fresh
    ]
    if regional_ids:
        catalogue_lock()
        reconcile_offerings(regional_ids, at=at)
    return offering_ids


def link_regions(scopes: Mapping[int, tuple[int, str]]) -> None:
    """Link offerings that are scoped to a region to it; `scopes` is {offering ID: (host ID, region
    name)}."""
    if not scopes:
        return
    Region.objects.bulk_create(
        [Region(host_id=host_id, name=name) for host_id, name in set(scopes.values())],
        ignore_conflicts=True,
    )
    regions = {
        (region.host_id, region.name): region.pk
        for region in Region.objects.filter(host__in={host_id for host_id, _ in scopes.values()})
    }
    link = Offering.regions.through
    link.objects.bulk_create(
        [link(offering_id=pk, region_id=regions[scope]) for pk, scope in scopes.items()],
        ignore_conflicts=True,
    )


def _find_offerings(
    values: Mapping[tuple[str, str, str, str], Any],
    hosts: Mapping[str, int],
    *,
    features: bool = False,
) -> dict[tuple[str, str, str, str], int]:
    """Return {(host slug, model ID, region, tier): offering ID} of the keys of `values` that exist
    as models, or else as `features`. `hosts` is {slug: ID}."""
    slugs = {pk: slug for slug, pk in hosts.items()}
    keys = list(values)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.id, o.host_id, o.api_id, o.region_scope, o.service_tier
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS k(host_id, api_id,
                region, tier)
            JOIN catalog_offering o ON o.host_id = k.host_id AND o.api_id = k.api_id
             AND o.region_scope = k.region AND o.service_tier = k.tier
             AND (o.kind = ANY (%s)) = %s
            """,
            [
                [hosts[key[0]] for key in keys],
                *([key[position] for key in keys] for position in (1, 2, 3)),
                list(FEATURE_KINDS),
                features,
            ],
        )
        return {(slugs[row[1]], row[2], row[3], row[4]): row[0] for row in cursor.fetchall()}


def ensure_providers(slugs: Collection[str], names: Mapping[str, str]) -> dict[str, int]:
    """Return {slug: provider ID}; unknown slugs become hosts with the given name, or a readable
    form of the slug."""
    provider_ids = dict(Provider.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    missing_slugs = sorted(set(slugs) - set(provider_ids))
    if missing_slugs:
        Provider.objects.bulk_create(
            [
                Provider(
                    slug=slug,
                    name=names.get(slug) or slug.replace("-", " ").title(),
                    roles=[ProviderRole.HOST],
                )
                for slug in missing_slugs
            ],
            ignore_conflicts=True,
        )
        provider_ids = dict(Provider.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    return provider_ids
