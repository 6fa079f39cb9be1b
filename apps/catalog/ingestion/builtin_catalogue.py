"""Loads the built-in catalogue of `fixtures/catalogue/` without network access.

Insert-only for everything users can edit: an existing provider, foundation, version, alias or
offering is unchanged. Claims of the source `built-in` belong to the product, so a newer release
replaces them, and offerings with other sources are reconciled again from all claims. A second run
of one release writes nothing.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.claims.feed_rows import FIRM
from apps.catalog.claims.price_ranges import ranges_due
from apps.catalog.claims.reconciliation import BUILT_IN, catalogue_lock, reconcile_offerings
from apps.catalog.claims.values import next_start
from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.offerings import confirm_model_ids
from apps.catalog.models import (
    Alias,
    Assertion,
    Derivation,
    Footing,
    Foundation,
    Lifecycle,
    Node,
    NoticePolicy,
    Offering,
    OfferingKind,
    Price,
    Product,
    ProductModel,
    Provider,
    Region,
    Source,
    Version,
)
from apps.catalog.products import settle_products
from apps.common.database.bulk_writes import analyze, update_rows
from apps.common.history.context import audit_context
from apps.common.time import day_of, now, parse_moment

CATALOGUE: Path = settings.BASE_DIR / "fixtures" / "catalogue"
_BATCH = 2000

type Record = dict[str, Any]
type OfferingKey = tuple[int, str, str, str]


def records(name: str, folder: Path = CATALOGUE) -> Iterator[Record]:
    """Yield the records of `<name>.jsonl`, or of its compressed form; none if it is missing."""
    plain_path = folder / f"{name}.jsonl"
    if plain_path.exists():
        lines: Iterable[str] = plain_path.read_text(encoding="utf-8").splitlines()
    else:
        packed_path = folder / f"{name}.jsonl.gz"
        packed = packed_path.read_bytes() if packed_path.exists() else gzip.compress(b"")
        lines = gzip.decompress(packed).decode().splitlines()
    for line in lines:
        if line:
            yield json.loads(line)


def load_catalogue(
    *, identities_only: bool = False, folder: Path = CATALOGUE, at: datetime | None = None
) -> dict[str, int]:
    """Load or update the built-in catalogue; return {kind of record: number of rows written}.

    `identities_only` leaves offerings, claims and prices out. `at` is the current time: announced
    dates that have passed by then are retirements.
    """
    moment = at or now()
    with audit_context(job="load_catalogue"), transaction.atomic():
        catalogue_lock()
        loader = _CatalogueLoader(folder, moment)
        loader.identities()
        if not identities_only:
            loader.offerings()
        if loader.moves_footing:
            # again, since a catalogue can have no capabilities; `_load_capabilities` has the reason
            analyze(*_FILLED)
            refresh_footing(today=day_of(moment))
            analyze(Node, Footing)
        if not identities_only:
            loader.products()
        return loader.counts


_FILLED = (Provider, Foundation, Version, Alias, Derivation, Region, Offering, Assertion, Price)


@dataclass(slots=True)
class _CatalogueLoader:
    """The state of one load: IDs of existing and new records, and counts of added rows."""

    folder: Path
    at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    providers: dict[str, int] = field(default_factory=dict)
    foundations: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    @property
    def moves_footing(self) -> bool:
        return any(
            self.counts.get(name)
            for name in ("providers", "foundations", "versions", "derivations", "offerings")
        )

    # --- identities -------------------------------------------------------------------------------

    def identities(self) -> None:
        self._load_providers()
        self._load_sources()
        self._load_policies()
        self._load_foundations()
        self._load_versions()
        self._load_aliases()
        self._load_derivations()

    def _load_sources(self) -> None:
        existing_slugs = set(Source.objects.values_list("slug", flat=True))
        self._insert(
            "sources",
            Source,
            [
                Source(
                    host_id=self.providers[row["host"]] if "host" in row else None,
                    **{name: value for name, value in row.items() if name != "host"},
                )
                for row in self._records("sources")
                if row["slug"] not in existing_slugs
            ],
        )

    def _load_providers(self) -> None:
        """Insert the providers that are missing. IDs are reserved first, because a parent can
        follow its child in the file."""
        self.providers = dict(Provider.objects.values_list("slug", "pk"))
        missing_rows = [
            row for row in self._records("providers") if row["slug"] not in self.providers
        ]
        self.providers |= _reserve_ids(Provider, [row["slug"] for row in missing_rows])
        self._insert(
            "providers",
            Provider,
            [
                Provider(
                    pk=self.providers[row["slug"]],
                    parent_id=self.providers[row["parent"]] if "parent" in row else None,
                    **{name: value for name, value in row.items() if name != "parent"},
                )
                for row in missing_rows
            ],
        )

    def _load_policies(self) -> None:
        existing_keys = set(NoticePolicy.objects.values_list("provider_id", "scope"))
        rows = []
        for row in self._records("notice_policies"):
            provider = self.providers[row.pop("provider")]
            if (provider, row["scope"]) not in existing_keys:
                rows.append(NoticePolicy(provider_id=provider, **row))
        self._insert("notice_policies", NoticePolicy, rows)

    def _load_foundations(self) -> None:
        """Insert the foundations whose line is missing; their developers must be loaded. A slug
        that is taken gets a suffix."""
        self.foundations = dict(Foundation.objects.values_list("line", "pk"))
        existing_slugs = set(Foundation.objects.values_list("slug", flat=True))
        missing_rows = [
            row for row in self._records("foundations") if row["line"] not in self.foundations
        ]
        self.foundations |= _reserve_ids(Foundation, [row["line"] for row in missing_rows])
        rows = []
        for row in missing_rows:
            developer = self.providers[row.pop("developer")]
            slug = row.pop("slug")
            # A user might have added a foundation with this slug.
            while slug in existing_slugs:
                slug += "-2"
            existing_slugs.add(slug)
            rows.append(
                Foundation(
                    pk=self.foundations[row["line"]], developer_id=developer, slug=slug, **row
                )
            )
        self._insert("foundations", Foundation, rows)

    def _load_versions(self) -> None:
        """Insert the versions that are missing; their foundations must be loaded. IDs are reserved
        first, because a version can precede its predecessor in the file."""
        self.versions = dict(Version.objects.values_list("identifier", "pk"))
        missing_rows = [
            row for row in self._records("versions") if row["identifier"] not in self.versions
        ]
        self.versions |= _reserve_ids(Version, [row["identifier"] for row in missing_rows])
        rows = []
        for row in missing_rows:
            foundation = self.foundations[row.pop("line")]
            predecessor = self.versions[row.pop("predecessor")] if "predecessor" in row else None
            rows.append(
                Version(
                    pk=self.versions[row["identifier"]],
                    foundation_id=foundation,
                    predecessor_id=predecessor,
                    **row,
                )
            )
        self._insert("versions", Version, rows)

    def _load_aliases(self) -> None:
        """Insert the aliases that are missing; foundations and versions must be loaded."""
        self.aliases = {
            identifier: (pk, version)
            for identifier, pk, version in Alias.objects.values_list(
                "identifier", "pk", "version_id"
            )
        }
        missing_rows = [
            row for row in self._records("aliases") if row["identifier"] not in self.aliases
        ]
        alias_ids = _reserve_ids(Alias, [row["identifier"] for row in missing_rows])
        rows = []
        for row in missing_rows:
            foundation = self.foundations[row.pop("line")]
            version = self.versions[row.pop("version")] if "version" in row else None
            pk = alias_ids[row["identifier"]]
            self.aliases[row["identifier"]] = pk, version
            rows.append(Alias(pk=pk, foundation_id=foundation, version_id=version, **row))
        self._insert("aliases", Alias, rows)

    def _load_derivations(self) -> None:
        existing_keys = set(Derivation.objects.values_list("child_id", "parent_id", "kind"))
        rows = []
        for row in self._records("derivations"):
            child, parent = self.versions[row.pop("child")], self.versions[row.pop("parent")]
            if (child, parent, row["kind"]) not in existing_keys:
                rows.append(Derivation(child_id=child, parent_id=parent, **row))
        self._insert("derivations", Derivation, rows)

    # --- products -------------------------------------------------------------------------------

    def products(self) -> None:
        """Insert the products that are missing, with the models that their vendors name; a product
        that exists keeps its facts."""
        stored = set(Product.objects.values_list("slug", flat=True))
        rows = [row for row in self._records("products") if row["slug"] not in stored]
        models_by_slug = {row["slug"]: row.pop("models", []) for row in rows}
        self._insert(
            "products",
            Product,
            [Product(vendor_id=self.providers[row.pop("vendor")], **row) for row in rows],
        )
        product_ids = dict(
            Product.objects.filter(slug__in=models_by_slug).values_list("slug", "pk")
        )
        self._insert(
            "product_models",
            ProductModel,
            [
                ProductModel(
                    product_id=product_ids[slug],
                    foundation_id=self.foundations.get(model.pop("foundation", "")),
                    version_id=self.versions.get(model.pop("version", "")),
                    **model,
                )
                for slug, models in models_by_slug.items()
                for model in models
            ],
        )
        if models_by_slug:
            settle_products(list(models_by_slug), today=day_of(self.at))

    # --- offerings, claims and prices -------------------------------------------------------------

    def offerings(self) -> None:
        """Insert the offerings, claims and prices that are missing, and update existing claims
        whose value differs. Needs the IDs that `identities` loads; existing offerings are not
        written here."""
        rows = list(self._records("offerings"))
        claims = list(self._records("claims"))
        source = Source.objects.get(slug=BUILT_IN)
        keys = [self._offering_key(row) for row in rows]
        offering_ids = {
            (host, api_id, region, tier): pk
            for pk, host, api_id, region, tier in Offering.objects.order_by().values_list(
                "pk", "host_id", "api_id", "region_scope", "service_tier"
            )
        }
        new_positions = [number for number, key in enumerate(keys) if key not in offering_ids]
        offering_ids |= dict(
            zip(
                (keys[number] for number in new_positions),
                _next_ids(Offering, len(new_positions)),
                strict=True,
            )
        )
        ids = [offering_ids[key] for key in keys]
        names = Offering.objects.exclude(kind=OfferingKind.MODEL_ID).values_list("pk", flat=True)
        confirmed_ids = confirm_model_ids(set(names) & set(ids))

        existing_claims = {
            (external_id, topic): (pk, value)
            for pk, external_id, topic, value in Assertion.objects.filter(source=source)
            .order_by()
            .values_list("pk", "external_id", "topic", "value")
        }
        new_claim_rows = [row for row in claims if (row["id"], row["topic"]) not in existing_claims]
        claim_ids = dict(
            zip(
                ((row["id"], row["topic"]) for row in new_claim_rows),
                _next_ids(Assertion, len(new_claim_rows)),
                strict=True,
            )
        )
        all_claims = claim_ids | {key: pk for key, (pk, _) in existing_claims.items()}

        # Foreign keys between offerings and claims are checked at the end of the transaction, so
        # each row is written once.
        self._insert(
            "offerings",
            Offering,
            [self._build_offering(rows[n], ids[n], ids, all_claims) for n in new_positions],
        )
        new_claims = [
            _build_claim(row, claim_ids[row["id"], row["topic"]], ids, source, self.at)
            for row in new_claim_rows
        ]
        self._insert("claims", Assertion, new_claims)
        self._insert(
            "prices",
            Price,
            self._build_prices([(rows[n], ids[n]) for n in new_positions], claims, all_claims),
        )
        self._link_regions([(rows[n], ids[n]) for n in new_positions])
        self._load_capabilities(ids, source)
        changed_claim_rows = {
            existing_claims[key][0]: row
            for row in claims
            if (key := (row["id"], row["topic"])) in existing_claims
            and existing_claims[key][1] != row["value"]
        }
        self.counts["claims_changed"] = update_rows(
            Assertion,
            {
                pk: {
                    "value": row["value"],
                    "changed_at": parse_moment(row["at"]),
                    "excerpt": row.get("excerpt", {}),
                    "source_url": row.get("url", ""),
                }
                for pk, row in changed_claim_rows.items()
            },
        )
        new_ids = {ids[number] for number in new_positions}
        claimed_ids = {
            ids[row["offering"]] for row in [*new_claim_rows, *changed_claim_rows.values()]
        } - new_ids | confirmed_ids
        self.counts["offerings_settled_anew"] = reconcile_offerings(claimed_ids, at=self.at)

    def _load_capabilities(self, ids: Sequence[int], source: Source) -> None:
        """Insert the claims on capabilities that are missing, update those whose value differs, and
        settle the offerings that they are about. `ids` are the offering IDs by position in the
        file."""
        existing = {
            external_id: (pk, value)
            for pk, external_id, value in Assertion.objects.filter(source=source, topic=CAPABILITY)
            .order_by()
            .values_list("pk", "external_id", "value")
        }
        new_claims: list[Assertion] = []
        changes: dict[int, dict[str, Any]] = {}
        offering_ids: set[int] = set()
        for row in self._records("capabilities"):
            value = _capability_value(row)
            pk, known = existing.get(row["id"], (None, None))
            if value == known:
                continue
            at = parse_moment(f"{row['at']}T00:00:00Z")
            offering_ids.add(ids[row["offering"]])
            if pk is not None:
                changes[pk] = {"value": value, "changed_at": at, "source_url": row.get("url", "")}
                continue
            new_claims.append(
                Assertion(
                    source=source,
                    external_id=row["id"],
                    topic=CAPABILITY,
                    group=row.get("group", ""),
                    offering_id=ids[row["offering"]],
                    value=value,
                    source_url=row.get("url", ""),
                    first_seen=at,
                    changed_at=at,
                )
            )
        self._insert("capabilities", Assertion, new_claims)
        self.counts["capabilities_changed"] = update_rows(Assertion, changes)
        if len(new_claims) > _BATCH:
            # tables that were analysed while empty lead to query plans that take minutes
            analyze(*_FILLED)
        self.counts["capabilities_settled"] = settle_values(offering_ids, at=self.at)

    def _offering_key(self, row: Record) -> OfferingKey:
        return (
            self.providers[row["host"]],
            row["api_id"],
            row.get("region", ""),
            row.get("tier", ""),
        )

    def _build_offering(
        self, row: Record, pk: int, ids: Sequence[int], claims: Mapping[tuple[str, str], int]
    ) -> Offering:
        """Return the unsaved offering of a record. `ids` are the offering IDs by position in the
        file, `claims` is {(external ID, topic): claim ID}."""
        identity = row.get("identity", "")
        alias_id, version_id = self.aliases.get(identity, (None, None))
        end = date.fromisoformat(row["retires_on"]) if "retires_on" in row else None
        lifecycle = row["lifecycle"]
        # The files state the lifecycle as of their day; a date that has passed since is a
        # retirement as well.
        if end is not None and row["date_kind"] == FIRM and end <= day_of(self.at):
            lifecycle = Lifecycle.RETIRED
        host_id, api_id, region, tier = self._offering_key(row)
        return Offering(
            pk=pk,
            host_id=host_id,
            api_id=api_id,
            region_scope=region,
            service_tier=tier,
            name=row.get("name", ""),
            category=row.get("category", ""),
            version_id=version_id or self.versions.get(identity),
            alias_id=alias_id,
            binding=row.get("binding", "unknown"),
            identity_confidence=Decimal(row.get("confidence", "0")),
            identity_explanation=row.get("why", ""),
            lifecycle=lifecycle,
            announced_on=row.get("announced_on"),
            retires_on=end,
            date_kind=row.get("date_kind", ""),
            end_behaviour=row.get("end_behaviour", "unknown"),
            replacement_id=ids[row["replacement"]] if "replacement" in row else None,
            replacement_text=row.get("replacement_text", ""),
            lifecycle_claim_id=claims[row["lifecycle_claim"], "lifecycle"]
            if "lifecycle_claim" in row
            else None,
            price_claim_id=claims[row["price_claim"], "price"] if "price_claim" in row else None,
        )

    @staticmethod
    def _build_prices(
        rows: Iterable[tuple[Record, int]],
        claims: Iterable[Record],
        claim_ids: Mapping[tuple[str, str], int],
    ) -> list[Price]:
        """Return price ranges from the day of observation on, from the claim that applies."""
        by_id = {row["id"]: row for row in claims if row["topic"] == "price"}
        return [
            Price(
                offering_id=pk,
                unit=unit,
                above_tokens=above_tokens,
                currency=currency,
                amount=amount,
                valid=DateTimeTZRange(begin, end, "[)"),
                claim_id=claim_ids[row["price_claim"], "price"],
            )
            for row, pk in rows
            if "price_claim" in row
            for (unit, above_tokens, currency), ranges in ranges_due(
                by_id[row["price_claim"]]["value"], parse_moment(by_id[row["price_claim"]]["at"])
            ).items()
            for begin, end, amount in ranges
        ]

    def _link_regions(self, rows: Iterable[tuple[Record, int]]) -> None:
        """Link offerings that are valid in named regions to these; for others the regions stay
        unknown."""
        region_keys = {
            (self.providers[row["host"]], name.strip(), pk)
            for row, pk in rows
            if "region" in row
            for name in row["region"].split(",")
        }
        Region.objects.bulk_create(
            [
                Region(host_id=host, name=name)
                for host, name in sorted({(host, name) for host, name, _ in region_keys})
            ],
            ignore_conflicts=True,
        )
        existing = {
            (host, name): pk
            for pk, host, name in Region.objects.values_list("pk", "host_id", "name")
        }
        link = Offering.regions.through
        link.objects.bulk_create(
            [
                link(offering_id=pk, region_id=existing[host, name])
                for host, name, pk in sorted(region_keys)
            ]
        )

    # --- writing ----------------------------------------------------------------------------------

    def _records(self, name: str) -> Iterator[Record]:
        return records(name, self.folder)

    def _insert[M: models.Model](self, name: str, model: type[M], rows: Sequence[M]) -> None:
        if rows:
            model._default_manager.bulk_create(rows, batch_size=_BATCH)
        self.counts[name] = len(rows)


def _build_claim(
    row: Record, pk: int, ids: Sequence[int], source: Source, loaded_at: datetime
) -> Assertion:
    """Return the unsaved claim of a record. `ids` are the offering IDs by position in the file;
    `loaded_at` is the day from which the next start of a price is counted."""
    at = parse_moment(row["at"])
    return Assertion(
        pk=pk,
        source=source,
        external_id=row["id"],
        topic=row["topic"],
        group=row.get("group", ""),
        offering_id=ids[row["offering"]],
        value=row["value"],
        next_start_on=next_start(row["value"], day_of(loaded_at))
        if row["topic"] == "price"
        else None,
        excerpt=row.get("excerpt", {}),
        source_url=row.get("url", ""),
        first_seen=at,
        changed_at=at,
    )


def _capability_value(row: Record) -> dict[str, dict[str, Any]]:
    """Return the value of a claim from a record, which has the day that most fields share once."""
    since, silent = row.get("since", {}), row.get("silent", {})
    return {
        name: {"value": value, "at": since.get(name, row["at"])}
        | ({"silent_since": silent[name]} if name in silent else {})
        for name, value in row["value"].items()
    }


def _reserve_ids(model: type[models.Model], names: Sequence[str]) -> dict[str, int]:
    """Return {name: ID} for rows about to be inserted, so that they can refer to each other."""
    return dict(zip(names, _next_ids(model, len(names)), strict=True))


def _next_ids(model: type[models.Model], n: int) -> list[int]:
    """Return the next `n` IDs from the sequence of the model's table."""
    if not n:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, n],
        )
        return [row[0] for row in cursor.fetchall()]


def catalogue_counts() -> dict[str, int]:
    """Return the number of rows in the database, for the output of a load."""
    kinds: dict[str, type[models.Model]] = {
        "providers": Provider,
        "foundations": Foundation,
        "versions": Version,
        "aliases": Alias,
        "derivations": Derivation,
        "offerings": Offering,
        "claims": Assertion,
        "prices": Price,
    }
    counts: dict[str, int] = defaultdict(int)
    for name, model in kinds.items():
        counts[name] = model._default_manager.count()
    return dict(counts)
