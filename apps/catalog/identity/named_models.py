"""Names of models as people write them, where the model ID of the host is not known.

A name is an offering of kind `name`, with candidates: the versions or foundations that it may be.
Its lifecycle and its upstream dependencies follow from the model IDs that it may be
(sql/named_lifecycles.sql, sql/footing_due.sql; docs/catalogue.md, section Names). Once a user has
chosen the model ID, `resolved_to` remembers it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.identity.hosts import BY_SLUG
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.own_hosting import (
    OWN_HOSTING as OWN_HOSTING,
)
from apps.catalog.identity.own_hosting import (
    OWN_HOSTING_NAME,
    ensure_own_offerings,
    own_hosting_versions,
)
from apps.catalog.ingestion.offerings import ensure_providers, link_regions
from apps.catalog.models import (
    FEATURE_KINDS,
    Alias,
    Foundation,
    Lifecycle,
    Offering,
    OfferingCandidate,
    OfferingKind,
    Version,
)
from apps.catalog.products import ensure_products, product_slug
from apps.common.database.bulk_writes import update_rows
from apps.common.time import day_of

# the host of names for which none is stated; no node of the host layer
HOST_NOT_STATED = "host-not-stated"
_OWN_NAMES = {HOST_NOT_STATED: "Host not stated", OWN_HOSTING: OWN_HOSTING_NAME}
_MAX_LENGTH = 300


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A name at a host, and what it may be: `versions` are identifiers of versions or aliases,
    `foundations` slugs or lines.

    `host` is the slug of a provider; HOST_NOT_STATED without one. `kind` is `name` or `product`;
    `text` of a product is its slug, or with a stated model stated_product_id(); it has a `label`.
    Two names that differ only in case or spaces are one.
    """

    host: str
    text: str
    versions: tuple[str, ...] = ()
    foundations: tuple[str, ...] = ()
    region: str = ""
    tier: str = ""
    kind: str = OfferingKind.NAME
    label: str = ""
    source_url: str = ""
    source_on: date | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.host, collapse_name(self.text).lower(), self.region, self.tier


def read_candidates(reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (versions, foundations) that a reading leaves possible, as NamedModel takes them."""
    match reading.kind:
        case Kind.RESOLVED:
            return (reading.version,), ()
        case Kind.CHOOSE:
            return reading.candidates, ()
        case Kind.FAMILY:
            return (), reading.candidates
    return (), ()


def collapse_name(text: str) -> str:
    """Return the text as it is stored: without spaces around it, each run of spaces as one."""
    return re.sub(r"\s+", " ", text).strip()[:_MAX_LENGTH]


@transaction.atomic
def ensure_named_models(names: Iterable[NamedModel], *, at: datetime) -> dict[NamedModel, int]:
    """Find or create the offering of each name; return {name: offering ID}.

    A text that is a model ID of the host is that model ID, and a name for which a user has chosen
    the model ID is that one. A new name of one open-weights version on own machines is the
    repository of that version. New candidates replace the earlier ones. A number of statements that
    does not grow with the names.
    """
    names = list(dict.fromkeys(names))
    if not names:
        return {}
    catalogue_lock()
    hosts = ensure_hosts({name.host for name in names})
    by_key = {name.key: name for name in names}
    products = _ensure_products(names, at=at)
    known = _find_offerings(by_key, hosts) | products
    new_names = [name for key, name in by_key.items() if key not in known]
    own = _ensure_own_models(new_names)
    by_key = {key: name for key, name in by_key.items() if key not in own}
    created = [name for name in new_names if name.key not in own]
    Offering.objects.bulk_create(
        [
            Offering(
                host_id=hosts[name.host],
                api_id=collapse_name(name.text),
                region_scope=name.region,
                service_tier=name.tier,
                kind=name.kind,
                name=name.label,
            )
            for name in created
        ],
        ignore_conflicts=True,
    )
    if created:
        known = _find_offerings(by_key, hosts) | products
        link_regions({known[n.key].pk: (hosts[n.host], n.region) for n in created if n.region})
    open_names = {
        known[key].pk: name
        for key, name in by_key.items()
        if known[key].kind != OfferingKind.MODEL_ID
    }
    changed_ids = _set_candidates(open_names)
    refresh_footing(changed_ids | {known[name.key].pk for name in created}, today=day_of(at))
    own |= {key: known[key].resolved_to_id or known[key].pk for key in by_key}
    return {name: own[name.key] for name in names}


def _ensure_own_models(names: Iterable[NamedModel]) -> dict[tuple[str, str, str, str], int]:
    """Return {key: offering} of the names that mean one open-weights version on own machines."""
    wanted = {
        name.key: name.versions[0]
        for name in names
        if name.host == OWN_HOSTING and len(name.versions) == 1 and not name.foundations
    }
    if not wanted:
        return {}
    versions = list(own_hosting_versions().filter(identifier__in=set(wanted.values())))
    offerings = ensure_own_offerings(versions)
    ids = {version.identifier: offerings[version.pk] for version in versions}
    return {key: ids[identifier] for key, identifier in wanted.items() if identifier in ids}


@transaction.atomic
def turn_into_names(names: Mapping[int, NamedModel], *, at: datetime) -> None:
    """Turn offerings that look like model IDs but are none into names, given as {offering ID:
    name}. Their own text, host, region and tier stay."""
    if not names:
        return
    catalogue_lock()
    update_rows(
        Offering,
        {
            pk: {
                "kind": OfferingKind.NAME,
                "version_id": None,
                "alias_id": None,
                "lifecycle": Lifecycle.UNKNOWN,
            }
            for pk in names
        },
    )
    _set_candidates(names)
    refresh_footing(names, today=day_of(at))


def known_model_ids(offering_ids: Collection[int]) -> dict[int, list[int]]:
    """Return {name: the model IDs that it may be} of the names among the offerings; one
    statement."""
    found: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name_id, offering_id FROM known_model_id() WHERE name_id = ANY (%s) "
            "ORDER BY 1, 2",
            [list(offering_ids)],
        )
        for name_id, offering_id in cursor.fetchall():
            found.setdefault(name_id, []).append(offering_id)
    return found


def ensure_hosts(slugs: Collection[str]) -> dict[str, int]:
    """Return {slug: provider ID}; the host that is not stated and the organisation's own machines
    get their names, any other unknown slug becomes a host."""
    names = {slug: BY_SLUG[slug].name for slug in slugs if slug in BY_SLUG}
    return ensure_providers(slugs, names | _OWN_NAMES)


def _ensure_products(
    names: Iterable[NamedModel], *, at: datetime
) -> dict[tuple[str, str, str, str], Offering]:
    """Find or create the product records of names of products; return {key of a name: the offering
    of the record}. A product with a stated model has an offering of its own beside it."""
    slugs = {name: product_slug(name.text) for name in names if name.kind == OfferingKind.PRODUCT}
    if not slugs:
        return {}
    found = ensure_products(slugs.values(), today=day_of(at))
    offerings = Offering.objects.in_bulk(found.values())
    return {
        name.key: offerings[found[slug]]
        for name, slug in slugs.items()
        if name.text == slug and slug in found
    }


def _find_offerings(
    by_key: Mapping[tuple[str, str, str, str], NamedModel], hosts: Mapping[str, int]
) -> dict[tuple[str, str, str, str], Offering]:
    """Return {key of a name: its offering}; a model ID of the host takes precedence over a name."""
    texts = {collapse_name(name.text) for name in by_key.values()}
    slugs = {pk: slug for slug, pk in hosts.items()}
    rows = (
        Offering.objects.annotate(lower=Lower("api_id"))
        .filter(host__in=slugs)
        .exclude(kind__in=FEATURE_KINDS)
        .filter(
            # to the letter too: the database lowers some letters differently
            Q(api_id__in=texts)
            | (~Q(kind=OfferingKind.MODEL_ID) & Q(lower__in={text.lower() for text in texts}))
        )
        .order_by("pk")
    )
    found: dict[tuple[str, str, str, str], Offering] = {}
    for row in rows:
        key = (slugs[row.host_id], row.api_id.lower(), row.region_scope, row.service_tier)
        if key not in by_key:
            continue
        is_exact = row.kind != OfferingKind.MODEL_ID or row.api_id == collapse_name(
            by_key[key].text
        )
        if is_exact and (key not in found or row.kind == OfferingKind.MODEL_ID):
            found[key] = row
    return found


type _Candidate = tuple[int | None, int | None]


def _set_candidates(names: Mapping[int, NamedModel]) -> set[int]:
    """Store the candidates of names, given as {offering ID: name}, where they differ; return the
    IDs of the names that changed. A name that states no candidates keeps those it has."""
    found = _find_candidates(names.values())
    stored: dict[int, set[_Candidate]] = {pk: set() for pk in names}
    for pk, version_id, foundation_id in OfferingCandidate.objects.filter(
        offering__in=names
    ).values_list("offering_id", "version_id", "foundation_id"):
        stored[pk].add((version_id, foundation_id))
    changed: dict[int, list[OfferingCandidate]] = {}
    for pk, name in names.items():
        keys = [("version", text) for text in name.versions]
        keys += [("foundation", text) for text in name.foundations]
        wanted = [found[key] for key in keys if key in found]
        if wanted and set(wanted) != stored[pk]:
            changed[pk] = [
                OfferingCandidate(
                    offering_id=pk,
                    version_id=version_id,
                    foundation_id=foundation_id,
                    source_url=name.source_url,
                    source_on=name.source_on,
                )
                for version_id, foundation_id in dict.fromkeys(wanted)
            ]
    OfferingCandidate.objects.filter(offering__in=changed).delete()
    OfferingCandidate.objects.bulk_create(row for rows in changed.values() for row in rows)
    _set_versions(changed)
    return set(changed)


def _find_candidates(
    names: Collection[NamedModel],
) -> dict[tuple[str, str], _Candidate]:
    """Return {("version", identifier) or ("foundation", slug or line): (version ID, foundation ID),
    one of them None}; three statements. An alias is the version that it points to, a family name
    its foundation."""
    texts = {text for name in names for text in name.versions}
    lines = {text for name in names for text in name.foundations}
    found: dict[tuple[str, str], _Candidate] = {}
    if not texts and not lines:
        return found
    for pk, slug, line in Foundation.objects.filter(
        Q(slug__in=lines) | Q(line__in=lines)
    ).values_list("pk", "slug", "line"):
        found["foundation", slug] = found["foundation", line] = (None, pk)
    for identifier, version_id, foundation_id in Alias.objects.filter(
        identifier__in=texts
    ).values_list("identifier", "version_id", "foundation_id"):
        found["version", identifier] = (version_id, None if version_id else foundation_id)
    for identifier, pk in Version.objects.filter(identifier__in=texts).values_list(
        "identifier", "pk"
    ):
        found["version", identifier] = (pk, None)
    return found


def _set_versions(candidates: Mapping[int, Collection[OfferingCandidate]]) -> None:
    """Set the version of each name that has one candidate, and remove it from the others."""
    update_rows(
        Offering,
        {
            pk: {"version_id": next(iter(rows)).version_id if len(rows) == 1 else None}
            for pk, rows in candidates.items()
        },
    )
