"""Model names of a spreadsheet resolved to offerings: by exact id, by the resolver, or as a new id
at that host; else they are rejected with a question.

The catalogue is read once per import; each distinct pair of host and model is resolved once."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from apps.catalog.identity.hosts import host_slug
from apps.catalog.identity.known_ids import build_resolver
from apps.catalog.identity.named_models import NamedModel
from apps.catalog.identity.names.reader import NameReader
from apps.catalog.models import FEATURE_KINDS, Alias, Offering, OfferingKind, Provider, Version
from apps.intake.spreadsheets.columns.values import fold_name
from apps.intake.spreadsheets.plan.known_models import (
    CandidateOffering,
    KnownOffering,
    KnownProvider,
    ResolvedModel,
    role_of_category,
)

_MAX_NAMED = 5
_SEPARATORS = (";", "\n", " / ", " + ", " and ", " und ", " & ")


class CatalogueLookup:
    """Lookup of providers and offerings by the names in a spreadsheet. Loads the catalogue in five
    statements, and runs none later."""

    def __init__(self) -> None:
        """Load providers, offerings, versions and aliases into memory, because each row of a
        spreadsheet needs several lookups. The resolver of unknown names is loaded at first use."""
        self._parties = [
            KnownProvider(pk, slug, name, tuple(roles))
            for pk, slug, name, roles in Provider.objects.order_by("pk").values_list(
                "pk", "slug", "name", "roles"
            )
        ]
        self._by_slug = {party.slug: party for party in self._parties}
        self._by_id = {party.id: party for party in self._parties}
        self._by_name: dict[str, list[KnownProvider]] = defaultdict(list)
        for party in self._parties:
            self._by_name[fold_name(party.name)].append(party)
        self._by_id_at_host: dict[tuple[int, str], list[KnownOffering]] = defaultdict(list)
        self._by_lower: dict[tuple[int, str], list[KnownOffering]] = defaultdict(list)
        self._by_model: dict[tuple[int, str, int], list[KnownOffering]] = defaultdict(list)
        self._hosts_of_id: dict[str, set[int]] = defaultdict(set)
        self.offerings: dict[int, KnownOffering] = {}
        # {key of a name or product: its offering, or the model ID that a user chose for it}
        self._names: dict[tuple[str, str, str, str], int] = {}
        self._products: dict[str, tuple[int, int]] = {}  # {slug: (offering, host)}
        self._hosts_of_model: dict[tuple[str, int], set[int]] = defaultdict(set)
        for row in (
            Offering.objects.exclude(kind__in=FEATURE_KINDS)
            .order_by("pk")
            .values_list(
                "pk",
                "host_id",
                "api_id",
                "region_scope",
                "service_tier",
                "version_id",
                "alias_id",
                "category",
                "lifecycle",
                "retires_on",
                "kind",
                "resolved_to_id",
            )
        ):
            offering = KnownOffering(*row[:-2])
            kind, resolved_to = row[-2:]
            if kind != OfferingKind.MODEL_ID:
                self._add_name(offering, kind, resolved_to)
                continue
            self.offerings[offering.id] = offering
            self._by_id_at_host[offering.host, offering.api_id].append(offering)
            self._by_lower[offering.host, offering.api_id.lower()].append(offering)
            self._hosts_of_id[offering.api_id.lower()].add(offering.host)
            for kind, pk in (("version", offering.version), ("alias", offering.alias)):
                if pk is not None:
                    self._by_model[offering.host, kind, pk].append(offering)
                    self._hosts_of_model[kind, pk].add(offering.host)
        self._versions = dict(Version.objects.order_by().values_list("identifier", "pk"))
        aliases = list(Alias.objects.order_by().values_list("identifier", "pk", "version"))
        self._aliases = {identifier: pk for identifier, pk, _ in aliases}
        self._versions_of_aliases = {
            identifier: version for identifier, _, version in aliases if version is not None
        }
        self._identifiers: dict[int, str] | None = None
        self._resolver: Any = None
        self._name_reader: NameReader | None = None
        self._resolved_models: dict[tuple[str, str, str, str], ResolvedModel] = {}

    def _add_name(self, offering: KnownOffering, kind: str, resolved_to: int | None) -> None:
        host = self._by_id[offering.host].slug
        key = (host, offering.api_id.lower(), offering.region, offering.tier)
        self._names[key] = resolved_to or offering.id
        if kind == OfferingKind.PRODUCT:
            self._products[offering.api_id] = (resolved_to or offering.id, offering.host)

    # --- parties ----------------------------------------------------------------------------------

    def party(self, text: str) -> KnownProvider | None:
        """Return the provider that a cell names by slug, name or one of its usual spellings."""
        bare = text.strip()
        provider = self._by_slug.get(bare.lower()) or self._by_slug.get(bare)
        if provider is None:
            candidates = self._by_name.get(fold_name(bare), [])
            provider = candidates[0] if len(candidates) == 1 else None
        if provider is None:
            slug = host_slug(bare)
            provider = self._by_slug.get(slug) if slug else None
        return provider

    def provider_named(self, text: str) -> KnownProvider | None:
        """Return the only provider with this name or slug; none that is only spelled like it."""
        candidates = self._by_name.get(fold_name(text), [])
        if len(candidates) == 1:
            return candidates[0]
        return self._by_slug.get(text.strip().lower())

    def version_identifier(self, offering: KnownOffering) -> str:
        """Return the identifier of the offering's version; empty if it has none."""
        if self._identifiers is None:
            self._identifiers = {pk: identifier for identifier, pk in self._versions.items()}
        return self._identifiers.get(offering.version or 0, "")

    def party_by_id(self, pk: int) -> KnownProvider:
        return self._by_id[pk]

    def party_by_slug(self, slug: str) -> KnownProvider | None:
        return self._by_slug.get(slug)

    # --- names ------------------------------------------------------------------------------------

    @property
    def name_reader(self) -> NameReader:
        """Return the reader of names that people write, built at first use."""
        if self._name_reader is None:
            self._name_reader = NameReader(self._load_resolver())
        return self._name_reader

    def exact_offerings(self, host: KnownProvider, api_id: str) -> list[KnownOffering]:
        """Return the offerings with this model ID at the host, in all regions and tiers."""
        return self._by_id_at_host.get((host.id, api_id), [])

    def offerings_of_model(self, host: KnownProvider | None, canonical: str) -> list[KnownOffering]:
        """Return the offerings of a version or alias at the host; at all hosts without one."""
        hosts = [host.id] if host is not None else list(self._by_id)
        return [
            offering
            for kind, pk in self._find_nodes(canonical)
            for host_id in hosts
            for offering in self._by_model.get((host_id, kind, pk), [])
        ]

    def only_host_of_id(self, api_id: str) -> KnownProvider | None:
        """Return the only host with this model ID; None if several or none have it."""
        hosts = self._hosts_of_id.get(api_id.lower(), set())
        return self._by_id[next(iter(hosts))] if len(hosts) == 1 else None

    def named_offering(self, named: NamedModel) -> int | None:
        """Return the offering of a name that is in the registry, or the model ID chosen for it."""
        return self._names.get(named.key)

    def product(self, slug: str) -> tuple[int, KnownProvider] | None:
        """Return (offering, vendor) of a product that is in the registry."""
        found = self._products.get(slug)
        return (found[0], self._by_id[found[1]]) if found else None

    def version_ids(self, identifiers: Iterable[str]) -> list[str]:
        """Return those of the identifiers that are versions; of a moving name the version that it
        points to is left out, since it may have been another one."""
        return [identifier for identifier in identifiers if identifier in self._versions]

    # --- models -----------------------------------------------------------------------------------

    def name(self, *, host: str, model: str, region: str = "", tier: str = "") -> ResolvedModel:
        """Return the offering that a row names, from a cache; `host` may be empty."""
        key = (host, model, region, tier)
        resolved_model = self._resolved_models.get(key)
        if resolved_model is None:
            resolved_model = self._resolved_models[key] = self._resolve_name(*key)
        return resolved_model

    def version(self, *, host: str, model: str) -> int | None:
        """Return the only version that the id means at `host` (empty: unknown), in whatever region
        or tier; None if it is ambiguous or unknown."""
        party = self.party(host) if host else None
        offerings = self._by_lower.get((party.id, model.lower()), []) if party is not None else []
        versions = {offering.version for offering in offerings}
        if len(versions) == 1 and None not in versions:
            return versions.pop()
        canonical = self.canonical(host=host, model=model)
        return self._versions.get(canonical) or self._versions_of_aliases.get(canonical)

    def canonical(self, *, host: str, model: str) -> str:
        """Return the id of the known model that the resolver finds for the text; empty if none."""
        party = self.party(host) if host else None
        return self._resolve(model, party.slug if party is not None else None).canonical or ""

    def _resolve_name(self, host: str, model: str, region: str, tier: str) -> ResolvedModel:
        if host:
            party = self.party(host)
            if party is None:
                return ResolvedModel(
                    refusal=f"'{host}' is not a known provider. Use the name or ID of a "
                    "provider in the registry. A governance user can add providers.",
                    column="use.host",
                )
            return self._resolve_at_host(party, model, region, tier)
        return self._resolve_without_host(model, region, tier)

    def _resolve_at_host(
        self, party: KnownProvider, model: str, region: str, tier: str
    ) -> ResolvedModel:
        """Resolve a model at a host: by id, regardless of case, by the resolver, else as a new
        id."""
        for offerings, explanation in (
            (self._by_id_at_host.get((party.id, model), []), "this ID on this host"),
            (
                self._by_lower.get((party.id, model.lower()), []),
                "this ID on this host, with different capitalisation",
            ),
        ):
            if offerings:
                return self._choose_offering(
                    offerings, party, model, region, tier, 1.0, explanation
                )
        if any(mark in model for mark in _SEPARATORS):
            return ResolvedModel(
                refusal=f"'{model}' contains several models. Enter one model per row."
            )
        resolution = self._resolve(model, party.slug)
        if resolution.canonical:
            for kind, pk in self._find_nodes(resolution.canonical):
                offerings = self._by_model.get((party.id, kind, pk), [])
                if offerings:
                    explanation = f"{resolution.canonical}: {resolution.why}"
                    return self._choose_offering(
                        offerings, party, model, region, tier, resolution.confidence, explanation
                    )
        explanation = (
            f"new on this host; {resolution.canonical}: {resolution.why}"
            if resolution.canonical
            else "not known yet"
        )
        return ResolvedModel(
            new=(party.slug, model, region, tier),
            host=party.slug,
            api_id=model,
            confidence=resolution.confidence,
            why=explanation,
            resolved=resolution.canonical is not None,
            canonical=resolution.canonical or "",
        )

    def _choose_offering(
        self,
        offerings: list[KnownOffering],
        party: KnownProvider,
        model: str,
        region: str,
        tier: str,
        confidence: float,
        explanation: str,
    ) -> ResolvedModel:
        """Return the offering among those of one model at one host that has this region and tier;
        if several match, a refusal that lists them."""
        matches = [
            offering for offering in offerings if (offering.region, offering.tier) == (region, tier)
        ]
        if len(matches) > 1:
            # several ids of one version: the one with the same spelling is preferred
            matches = [
                offering for offering in matches if offering.api_id.lower() == model.lower()
            ] or matches
        if len(matches) == 1:
            return self.build_resolved(matches[0], party, confidence, explanation)
        if not matches and (region or tier):
            if len({offering.api_id for offering in offerings}) == 1:
                return ResolvedModel(
                    new=(party.slug, offerings[0].api_id, region, tier),
                    host=party.slug,
                    api_id=offerings[0].api_id,
                    confidence=confidence,
                    why=f"new in this region or tier; {explanation}",
                    resolved=offerings[0].version is not None or offerings[0].alias is not None,
                    role=role_of_category(offerings[0].category),
                )
        elif len(offerings) == 1 and not region and not tier:
            return self.build_resolved(offerings[0], party, confidence, explanation)
        names = "; ".join(_format_offering(offering) for offering in offerings[:_MAX_NAMED])
        suffix = " and others" if len(offerings) > _MAX_NAMED else ""
        return ResolvedModel(
            refusal=f"'{model}' has several matches on {party.name}: {names}{suffix}. Enter "
            "one of them.",
            among=tuple(
                CandidateOffering(offering.id, offering.api_id, offering.region, offering.tier)
                for offering in offerings
            ),
            confidence=confidence,
            why=explanation,
        )

    def build_resolved(
        self, offering: KnownOffering, party: KnownProvider, confidence: float, explanation: str
    ) -> ResolvedModel:
        """Return the model of an offering at its host."""
        return ResolvedModel(
            offering=offering.id,
            host=party.slug,
            api_id=offering.api_id,
            confidence=confidence,
            why=explanation,
            resolved=offering.version is not None or offering.alias is not None,
            role=role_of_category(offering.category),
        )

    def _resolve_without_host(self, model: str, region: str, tier: str) -> ResolvedModel:
        """Resolve a model without a host: the text may name the host, or only one host may offer
        the model."""
        if any(mark in model for mark in _SEPARATORS) and model.lower() not in self._hosts_of_id:
            return ResolvedModel(
                refusal=f"'{model}' contains several models. Enter one model per row."
            )
        resolution = self._resolve(model, None)
        stated_host = self._by_slug.get(resolution.host) if resolution.host else None
        if stated_host is not None:
            return self._resolve_at_host(stated_host, model, region, tier)
        hosts = set(self._hosts_of_id.get(model.lower(), ()))
        if not hosts and resolution.canonical:
            for kind, pk in self._find_nodes(resolution.canonical):
                hosts |= self._hosts_of_model.get((kind, pk), set())
        if len(hosts) == 1:
            return self._resolve_at_host(self._by_id[next(iter(hosts))], model, region, tier)
        if not hosts:
            return _build_host_refusal(
                f"'{model}' has no host, and no host in the registry offers it."
            )
        names = sorted(self._by_id[pk].name for pk in hosts)
        suffix = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        return _build_host_refusal(
            f"'{model}' is offered by {', '.join(names[:_MAX_NAMED])}{suffix}."
        )

    def _load_resolver(self) -> Any:
        if self._resolver is None:
            self._resolver = build_resolver()
        return self._resolver

    def _resolve(self, model: str, host: str | None) -> Any:
        return self._load_resolver().resolve(model, host)

    def _find_nodes(self, canonical: str) -> list[tuple[str, int]]:
        nodes = [
            ("version", self._versions.get(canonical)),
            ("alias", self._aliases.get(canonical)),
        ]
        return [(kind, pk) for kind, pk in nodes if pk is not None]


def _build_host_refusal(problem: str) -> ResolvedModel:
    return ResolvedModel(refusal=f"{problem} Enter the host.", problem=problem, column="use.host")


def _format_offering(offering: KnownOffering) -> str:
    qualifiers = [qualifier for qualifier in (offering.region, offering.tier) if qualifier]
    return offering.api_id + (f" ({', '.join(qualifiers)})" if qualifiers else "")
