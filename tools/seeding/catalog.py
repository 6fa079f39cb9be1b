"""The synthetic catalogue: invented providers, foundations, versions and offerings, apart from the
real ones.

All slugs begin with `synthetic`, so that nobody takes them for real and all of it can be found
again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, models

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Derivation, Foundation, Offering, Price, Provider, Region, Version
from apps.common.time import start_of
from tools.seeding.distributions import (
    Bools,
    Ints,
    count_days,
    draw_values,
    mask_values,
    zipf_probabilities,
)
from tools.seeding.rows import allocate_ids, copy_rows
from tools.seeding.sizes import SeedSizes

MARK = "synthetic"
_COUNTRIES = ("US", "US", "CN", "FR", "DE", "GB", "CA", "JP", "IL", "AE")
_MODALITIES = ("{text}", "{text,image}", "{text,image,audio}")
_DERIVED = ("fine_tune", "quantisation", "merge", "adapter", "distillation", "next_generation")
_DERIVED_P = (0.3, 0.2, 0.05, 0.1, 0.15, 0.2)
_CATEGORIES = ("chat", "embedding", "rerank", "moderation", "audio")
_CATEGORIES_P = (0.8, 0.1, 0.04, 0.04, 0.02)
_REGIONS_PER_HOST = 8
_DEAREST = 100.0  # dollars per million tokens
_READ_BY_FOOTING: tuple[type[models.Model], ...] = (
    Provider,
    Foundation,
    Version,
    Derivation,
    Region,
    Offering,
    Offering.regions.through,
)


@dataclass(frozen=True, slots=True)
class SeededCatalog:
    """What the portfolio is drawn from.

    `popular` are offering ids, the most used first; `version_of` maps them.
    """

    popular: Ints
    version_of: dict[int, int | None]
    gateways: Ints
    vendors: Ints
    developers: Ints
    hosts: Ints
    foundations: Ints
    versions: Ints


def write_catalog(sizes: SeedSizes, rng: np.random.Generator, *, on: date) -> SeededCatalog:
    """Write the catalogue with its footing as of `on`, in the transaction of the caller."""
    moment = start_of(on)
    providers, n_serving = _providers(sizes, rng, moment)
    developers, hosts = providers[: sizes.developers], providers[n_serving[0] : n_serving[1]]
    gateways, vendors = providers[n_serving[1] : -sizes.vendors], providers[-sizes.vendors :]
    developer_of = rng.choice(
        sizes.developers, sizes.foundations, p=zipf_probabilities(sizes.developers, 1.1)
    )
    foundations = _foundations(developers[developer_of], rng, moment)
    foundation_of = np.concatenate(
        [
            np.arange(sizes.foundations),
            rng.choice(
                sizes.foundations,
                sizes.versions - sizes.foundations,
                p=zipf_probabilities(sizes.foundations, 0.8),
            ),
        ]
    )
    versions = _versions(foundations[foundation_of], rng, moment, on)
    _derivations(versions, rng, moment)
    version_of = np.concatenate(
        [
            np.arange(sizes.versions),
            rng.choice(
                sizes.versions,
                sizes.offerings - sizes.versions,
                p=zipf_probabilities(sizes.versions, 0.7),
            ),
        ]
    )
    # a quarter is served by whoever trained it, as far as the developer serves at all
    n_both = n_serving[2]
    is_own_host = rng.random(sizes.offerings) < 0.25
    host_of = np.where(
        is_own_host,
        developers[developer_of[foundation_of[version_of]] % n_both],
        hosts[rng.choice(len(hosts), sizes.offerings, p=zipf_probabilities(len(hosts), 1.0))],
    )
    offerings, placed = _offerings(versions[version_of], host_of, gateways, rng, moment, on)
    _prices(offerings, rng, moment, on)
    # the planner must not take the tables for as empty as they were a moment ago
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in _READ_BY_FOOTING)}")
    refresh_footing(offerings.tolist(), today=on)
    return SeededCatalog(
        popular=rng.permutation(offerings),
        version_of=dict(zip(offerings.tolist(), placed, strict=True)),
        gateways=gateways,
        vendors=vendors,
        developers=developers,
        hosts=hosts,
        foundations=foundations,
        versions=versions,
    )


def _providers(
    sizes: SeedSizes, rng: np.random.Generator, moment: datetime
) -> tuple[Ints, tuple[int, int, int]]:
    """Ids in the order developers, hosts, gateways, vendors; two thirds of the developers serve as
    well.

    A few hosts belong to a developer or to another host, so that corporate parents count.
    """
    counts = {
        "dev": sizes.developers,
        "host": sizes.hosts,
        "gateway": sizes.gateways,
        "vendor": sizes.vendors,
    }
    names = [
        f"{kind}-{number:02d}" for kind, count in counts.items() for number in range(1, count + 1)
    ]
    n_both = sizes.developers * 2 // 3
    role = {"host": "{host}", "gateway": "{gateway}", "vendor": "{reseller}"}
    roles = [
        ("{developer,host}" if place < n_both else "{developer}")
        if place < sizes.developers
        else role[name[:-3]]
        for place, name in enumerate(names)
    ]
    ids = allocate_ids(Provider, len(names))
    place_of = {name: place for place, name in enumerate(names)}
    parents: list[int | None] = [None] * len(names)
    for child, above in (("host-02", "dev-03"), ("host-09", "dev-04"), ("host-10", "host-09")):
        parents[place_of[child]] = int(ids[place_of[above]])
    copy_rows(
        Provider._meta.db_table,
        len(names),
        {
            "id": ids,
            "name": [f"Synthetic {name}" for name in names],
            "slug": [f"{MARK}-{name}" for name in names],
            "roles": roles,
            "parent_id": parents,
            "country": draw_values(
                rng, _COUNTRIES, len(names), [1 / len(_COUNTRIES)] * len(_COUNTRIES)
            ),
            "promised_notice_days": draw_values(
                rng, (None, 30, 60, 90, 180, 365), len(names), (0.4, 0.1, 0.2, 0.1, 0.1, 0.1)
            ),
            **dict.fromkeys(("deprecation_policy_url", "terms_url", "status_page_url", "lei"), ""),
            "critical_third_party": None,
            "critical_third_party_source": "",
            "source_url": "",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids, (sizes.developers, sizes.developers + sizes.hosts, n_both)


def _foundations(developers: Ints, rng: np.random.Generator, moment: datetime) -> Ints:
    n = len(developers)
    ids = allocate_ids(Foundation, n)
    copy_rows(
        Foundation._meta.db_table,
        n,
        {
            "id": ids,
            "developer_id": developers,
            "name": [f"Synthetic line {number:04d}" for number in range(1, n + 1)],
            "slug": [f"{MARK}-line-{number:04d}" for number in range(1, n + 1)],
            "line": [f"{MARK}/line-{number:04d}" for number in range(1, n + 1)],
            "family": [f"Synthetic family {number % 40:02d}" for number in range(1, n + 1)],
            "modalities": draw_values(rng, _MODALITIES, n, (0.6, 0.3, 0.1)),
            "licence": draw_values(
                rng,
                ("", "apache-2.0", "mit", "community", "proprietary"),
                n,
                (0.2, 0.2, 0.1, 0.1, 0.4),
            ),
            "open_weights": draw_values(rng, (None, True, False), n, (0.1, 0.35, 0.55)),
            "acceptable_use_url": "",
            "source_url": "",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids


def _versions(foundations: Ints, rng: np.random.Generator, moment: datetime, on: date) -> Ints:
    n = len(foundations)
    ids = allocate_ids(Version, n)
    copy_rows(
        Version._meta.db_table,
        n,
        {
            "id": ids,
            "foundation_id": foundations,
            "identifier": [f"{MARK}/model-{number:05d}" for number in range(1, n + 1)],
            "name": [f"model-{number:05d}" for number in range(1, n + 1)],
            "moving": rng.random(n) < 0.03,
            "released_on": count_days(on, -rng.integers(10, 1_200, n)),
            "released_precision": "day",
            "knowledge_cutoff": "",
            "context_window": draw_values(
                rng, (None, 32_000, 128_000, 200_000, 1_000_000), n, (0.1, 0.2, 0.4, 0.2, 0.1)
            ),
            "access": draw_values(rng, ("", "api", "weights"), n, (0.1, 0.55, 0.35)),
            **dict.fromkeys(("names", "aliases", "repositories"), "{}"),
            "source_url": "",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids


def _derivations(versions: Ints, rng: np.random.Generator, moment: datetime) -> None:
    """The later five eighths descend from earlier ones in not quite half of all cases; earlier
    only, so no circle.
    """
    n = len(versions)
    n_roots = n * 3 // 8
    children = np.arange(n_roots, n)[rng.random(n - n_roots) < 0.45]
    near_parents = (rng.random(len(children)) * children).astype(np.int64)
    root_parents = rng.choice(n_roots, len(children), p=zipf_probabilities(n_roots, 0.9))
    parents = np.where(rng.random(len(children)) < 0.3, near_parents, root_parents)
    ids = allocate_ids(Derivation, len(children))
    copy_rows(
        Derivation._meta.db_table,
        len(children),
        {
            "id": ids,
            "child_id": versions[children],
            "parent_id": versions[parents],
            "kind": draw_values(rng, _DERIVED, len(children), _DERIVED_P),
            "source_url": "",
            "created_at": moment.isoformat(),
        },
    )


def _offerings(
    versions: Ints,
    hosts: Ints,
    gateways: Ints,
    rng: np.random.Generator,
    moment: datetime,
    on: date,
) -> tuple[Ints, list[int | None]]:
    """The ids, and the version of each; None where nobody has placed it."""
    n = len(versions)
    ids = allocate_ids(Offering, n)
    unresolved: Bools = rng.random(n) < 0.03
    placed = mask_values(versions, unresolved)
    through = gateways[rng.choice(len(gateways), n, p=zipf_probabilities(len(gateways), 1.0))]
    dated: Bools = rng.random(n) < 0.12
    offset = rng.integers(-60, 540, n)
    firm: Bools = rng.random(n) < 0.8
    plain = draw_values(
        rng,
        ("active", "legacy", "preview", "deprecated", "retired"),
        n,
        (0.84, 0.05, 0.05, 0.04, 0.02),
    )
    lifecycle = [
        drawn_lifecycle
        if not has_date
        else ("active" if not is_firm else "retired" if days_off <= 0 else "deprecated")
        for drawn_lifecycle, has_date, is_firm, days_off in zip(
            plain, dated.tolist(), firm.tolist(), offset.tolist(), strict=True
        )
    ]
    # a third of what ends is redirected, to something further down the list that is placed; never
    # to itself
    following = (np.arange(n) + rng.integers(1, min(n, 50), n)) % n
    redirects: Bools = dated & ~unresolved[following] & (rng.random(n) < 0.33)
    successor = ids[following]
    copy_rows(
        Offering._meta.db_table,
        n,
        {
            "id": ids,
            "host_id": hosts,
            "api_id": [f"{MARK}-model-{number:05d}" for number in range(1, n + 1)],
            **dict.fromkeys(("region_scope", "service_tier", "replacement_text"), ""),
            "name": [f"Synthetic model {number:05d}" for number in range(1, n + 1)],
            "category": draw_values(rng, _CATEGORIES, n, _CATEGORIES_P),
            "version_id": placed,
            "binding": draw_values(rng, ("pinned", "alias", "unknown"), n, (0.6, 0.1, 0.3)),
            "not_a_model": False,
            "gateway_id": mask_values(through, rng.random(n) >= 0.15),
            "identity_confidence": [0 if version is None else 1 for version in placed],
            "identity_explanation": "Invented for a synthetic portfolio.",
            "lifecycle": lifecycle,
            "announced_on": mask_values(count_days(on, offset - 120), ~dated),
            "retires_on": mask_values(count_days(on, offset), ~dated),
            "date_kind": [
                "" if not d else "firm" if f else "not_before"
                for d, f in zip(dated, firm, strict=True)
            ],
            "end_behaviour": [
                "redirect" if r else "error" if d else "unknown"
                for r, d in zip(redirects, dated, strict=True)
            ],
            "replacement_id": mask_values(successor, ~redirects),
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    _regions(ids, hosts, rng)
    return ids, placed


def _regions(offerings: Ints, hosts: Ints, rng: np.random.Generator) -> None:
    """Most offerings name one region of their host; some several, some none."""
    serving = np.unique(hosts)
    ids = allocate_ids(Region, len(serving) * _REGIONS_PER_HOST).reshape(
        len(serving), _REGIONS_PER_HOST
    )
    copy_rows(
        Region._meta.db_table,
        ids.size,
        {
            "id": ids.ravel(),
            "host_id": np.repeat(serving, _REGIONS_PER_HOST),
            "name": [f"{MARK}-region-{number}" for number in range(1, _REGIONS_PER_HOST + 1)]
            * len(serving),
        },
    )
    n_regions = np.array([0, 1, 1, 1, 2, 3])[rng.choice(6, len(offerings))]
    row = np.searchsorted(serving, hosts)
    first_regions = rng.choice(
        _REGIONS_PER_HOST, len(offerings), p=zipf_probabilities(_REGIONS_PER_HOST, 0.8)
    )
    region_pairs = [
        (
            offerings[n_regions > step],
            ids[row, (first_regions + step) % _REGIONS_PER_HOST][n_regions > step],
        )
        for step in range(3)
    ]
    copy_rows(
        Offering.regions.through._meta.db_table,
        int(n_regions.sum()),
        {
            "offering_id": np.concatenate([offering for offering, _ in region_pairs]),
            "region_id": np.concatenate([region for _, region in region_pairs]),
        },
    )


def _prices(offerings: Ints, rng: np.random.Generator, moment: datetime, on: date) -> None:
    """Input and output for nine in ten, some with cache prices, some with a rise or cut announced
    for later.
    """
    priced = offerings[rng.random(len(offerings)) < 0.9]
    base = np.minimum(np.round(rng.lognormal(0, 1.2, len(priced)), 4) + 0.01, _DEAREST)
    changes = rng.random(len(priced)) < 0.05
    change_days = count_days(on, rng.integers(5, 200, len(priced)))
    factor = np.where(rng.random(len(priced)) < 0.5, 1.5, 0.6)
    rows: list[tuple[Any, ...]] = []
    for unit, times, probability in (
        ("input", 1.0, 1.0),
        ("output", 4.0, 1.0),
        ("cache_read", 0.1, 0.5),
        ("cache_write", 1.25, 0.3),
    ):
        has = rng.random(len(priced)) < probability
        for offering, amount, moves, day, by in zip(
            priced[has].tolist(),
            (base[has] * times).tolist(),
            changes[has].tolist(),
            [day for day, has_price in zip(change_days, has, strict=True) if has_price],
            factor[has].tolist(),
            strict=True,
        ):
            since = "[2024-01-01 00:00:00+00,"
            if moves:
                rows.append((offering, unit, f"{amount:.6f}", f"{since}{day} 00:00:00+00)"))
                rows.append((offering, unit, f"{amount * by:.6f}", f"[{day} 00:00:00+00,)"))
            else:
                rows.append((offering, unit, f"{amount:.6f}", f"{since})"))
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    copy_rows(
        Price._meta.db_table,
        len(rows),
        {
            "offering_id": columns[0],
            "unit": columns[1],
            "above_tokens": 0,
            "amount": columns[2],
            "currency": "USD",
            "valid": columns[3],
        },
    )
