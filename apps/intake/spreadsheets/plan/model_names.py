"""Model names of a spreadsheet resolved to offerings: exactly, by the resolver, as a new ID at that
host, or a question.

The catalogue is read once per import; each distinct pair of host and model is resolved once."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from apps.catalog.identity.hosts import host_slug
from apps.catalog.identity.known_ids import build_resolver
from apps.catalog.models import Alias, Offering, Provider, ProviderRole, Version
from apps.intake.spreadsheets.columns.values import fold_name

_MAX_NAMED = 5
_SEPARATORS = (";", "\n", " / ", " and ", " und ", " & ")


@dataclass(frozen=True, slots=True)
class KnownProvider:
    id: int
    slug: str
    name: str
    roles: tuple[str, ...]

    @property
    def is_gateway(self) -> bool:
        return ProviderRole.GATEWAY in self.roles


@dataclass(frozen=True, slots=True)
class CandidateOffering:
    """Candidate: one of several offerings of a model at one host."""

    id: int
    api_id: str
    region: str
    tier: str


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """Model that a row names: either `offering` (its id), or `new` (host slug, api id, region,
    tier), or a `refusal` about `column`.

    `role` is the purpose that the catalogue knows, empty for a plain model."""

    offering: int | None = None
    new: tuple[str, str, str, str] | None = None
    host: str = ""
    api_id: str = ""
    confidence: float = 0.0
    why: str = ""
    resolved: bool = True
    role: str = ""
    refusal: str = ""
    problem: str = ""  # of a refusal: the same without what to do in a sheet
    column: str = "use.model"
    canonical: str = ""  # of a new id: the known model it names
    among: tuple[
        "CandidateOffering", ...
    ] = ()  # of a refusal: the offerings of one model that it can be

    @property
    def key(self) -> Any:
        return self.offering if self.offering is not None else self.new


@dataclass(frozen=True, slots=True)
class _KnownOffering:
    id: int
    host: int
    api_id: str
    region: str
    tier: str
    version: int | None
    alias: int | None
    category: str


class CatalogueLookup:
    """Lookup of providers and offerings as a spreadsheet may name them; five statements, then
    none."""

    def __init__(self) -> None:
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
        self._by_id_at_host: dict[tuple[int, str], list[_KnownOffering]] = defaultdict(list)
        self._by_lower: dict[tuple[int, str], list[_KnownOffering]] = defaultdict(list)
        self._by_model: dict[tuple[int, str, int], list[_KnownOffering]] = defaultdict(list)
        self._hosts_of_id: dict[str, set[int]] = defaultdict(set)
        self._hosts_of_model: dict[tuple[str, int], set[int]] = defaultdict(set)
        for row in Offering.objects.order_by("pk").values_list(
            "pk",
            "host_id",
            "api_id",
            "region_scope",
            "service_tier",
            "version_id",
            "alias_id",
            "category",
        ):
            known = _KnownOffering(*row)
            self._by_id_at_host[known.host, known.api_id].append(known)
            self._by_lower[known.host, known.api_id.lower()].append(known)
            self._hosts_of_id[known.api_id.lower()].add(known.host)
            for kind, pk in (("version", known.version), ("alias", known.alias)):
                if pk is not None:
                    self._by_model[known.host, kind, pk].append(known)
                    self._hosts_of_model[kind, pk].add(known.host)
        self._versions = dict(Version.objects.order_by().values_list("identifier", "pk"))
        aliases = list(Alias.objects.order_by().values_list("identifier", "pk", "version"))
        self._aliases = {identifier: pk for identifier, pk, _ in aliases}
        self._versions_of_aliases = {
            identifier: version for identifier, _, version in aliases if version is not None
        }
        self._resolver: Any = None
        self._answers: dict[tuple[str, str, str, str], ResolvedModel] = {}

    # --- parties ----------------------------------------------------------------------------------

    def party(self, text: str) -> KnownProvider | None:
        """Return the provider a cell names by slug, name or one of its usual spellings."""
        bare = text.strip()
        found = self._by_slug.get(bare.lower()) or self._by_slug.get(bare)
        if found is None:
            named = self._by_name.get(fold_name(bare), [])
            found = named[0] if len(named) == 1 else None
        if found is None:
            slug = host_slug(bare)
            found = self._by_slug.get(slug) if slug else None
        return found

    def party_by_id(self, pk: int) -> KnownProvider:
        return self._by_id[pk]

    # --- models -----------------------------------------------------------------------------------

    def name(self, *, host: str, model: str, region: str = "", tier: str = "") -> ResolvedModel:
        key = (host, model, region, tier)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._name(*key)
        return answer

    def version(self, *, host: str, model: str) -> int | None:
        """Return the one version that the string means at `host`, empty if that is unknown;
        whatever it is offered as."""
        party = self.party(host) if host else None
        known = self._by_lower.get((party.id, model.lower()), []) if party is not None else []
        versions = {each.version for each in known}
        if len(versions) == 1 and None not in versions:
            return versions.pop()
        canonical = self.canonical(host=host, model=model)
        return self._versions.get(canonical) or self._versions_of_aliases.get(canonical)

    def canonical(self, *, host: str, model: str) -> str:
        """Return the id of the known model that the string names by the resolver; empty if it names
        none."""
        party = self.party(host) if host else None
        return self._resolve(model, party.slug if party is not None else None).canonical or ""

    def _name(self, host: str, model: str, region: str, tier: str) -> ResolvedModel:
        if host:
            party = self.party(host)
            if party is None:
                return ResolvedModel(
                    refusal=f"'{host}' is not a known provider. Use the name or ID of a "
                    "provider in the registry, or ask a governance user to add it.",
                    column="use.host",
                )
            return self._at(party, model, region, tier)
        return self._anywhere(model, region, tier)

    def _at(self, party: KnownProvider, model: str, region: str, tier: str) -> ResolvedModel:
        for known, why in (
            (self._by_id_at_host.get((party.id, model), []), "this ID on this host"),
            (
                self._by_lower.get((party.id, model.lower()), []),
                "this ID on this host, with different capitalisation",
            ),
        ):
            if known:
                return self._chosen(known, party, model, region, tier, 1.0, why)
        if any(mark in model for mark in _SEPARATORS):
            return ResolvedModel(
                refusal=f"'{model}' contains several models. Enter one model per row."
            )
        answer = self._resolve(model, party.slug)
        if answer.canonical:
            for kind, pk in self._nodes(answer.canonical):
                known = self._by_model.get((party.id, kind, pk), [])
                if known:
                    why = f"{answer.canonical}: {answer.why}"
                    return self._chosen(known, party, model, region, tier, answer.confidence, why)
        why = (
            f"new on this host; {answer.canonical}: {answer.why}"
            if answer.canonical
            else "not known yet"
        )
        return ResolvedModel(
            new=(party.slug, model, region, tier),
            host=party.slug,
            api_id=model,
            confidence=answer.confidence,
            why=why,
            resolved=answer.canonical is not None,
            canonical=answer.canonical or "",
        )

    def _chosen(
        self,
        known: list[_KnownOffering],
        party: KnownProvider,
        model: str,
        region: str,
        tier: str,
        confidence: float,
        why: str,
    ) -> ResolvedModel:
        """Return the one offering among those of the same model at one host; by region and tier if
        they are stated."""
        asked = [each for each in known if (each.region, each.tier) == (region, tier)]
        if len(asked) > 1:
            # several ids of one version: the one that looks most like what was written, if one does
            asked = [each for each in asked if each.api_id.lower() == model.lower()] or asked
        if len(asked) == 1:
            return self._found(asked[0], party, confidence, why)
        if not asked and (region or tier):
            if len({each.api_id for each in known}) == 1:
                return ResolvedModel(
                    new=(party.slug, known[0].api_id, region, tier),
                    host=party.slug,
                    api_id=known[0].api_id,
                    confidence=confidence,
                    why=f"new in this region or tier; {why}",
                    resolved=known[0].version is not None or known[0].alias is not None,
                    role=_role(known[0].category),
                )
        elif len(known) == 1 and not region and not tier:
            return self._found(known[0], party, confidence, why)
        listed = "; ".join(_where(each) for each in known[:_MAX_NAMED])
        more = " and others" if len(known) > _MAX_NAMED else ""
        return ResolvedModel(
            refusal=f"'{model}' has several matches on {party.name}: {listed}{more}. Enter "
            "one of them.",
            among=tuple(
                CandidateOffering(each.id, each.api_id, each.region, each.tier) for each in known
            ),
            confidence=confidence,
            why=why,
        )

    def _found(
        self, known: _KnownOffering, party: KnownProvider, confidence: float, why: str
    ) -> ResolvedModel:
        return ResolvedModel(
            offering=known.id,
            host=party.slug,
            api_id=known.api_id,
            confidence=confidence,
            why=why,
            resolved=known.version is not None or known.alias is not None,
            role=_role(known.category),
        )

    def _anywhere(self, model: str, region: str, tier: str) -> ResolvedModel:
        """Resolve a model without a host: the string may name it, or only one host may know the
        id."""
        if any(mark in model for mark in _SEPARATORS) and model.lower() not in self._hosts_of_id:
            return ResolvedModel(
                refusal=f"'{model}' contains several models. Enter one model per row."
            )
        answer = self._resolve(model, None)
        told = self._by_slug.get(answer.host) if answer.host else None
        if told is not None:
            return self._at(told, model, region, tier)
        hosts = set(self._hosts_of_id.get(model.lower(), ()))
        if not hosts and answer.canonical:
            for kind, pk in self._nodes(answer.canonical):
                hosts |= self._hosts_of_model.get((kind, pk), set())
        if len(hosts) == 1:
            return self._at(self._by_id[next(iter(hosts))], model, region, tier)
        if not hosts:
            return _without_host(f"'{model}' has no host, and no host in the registry offers it.")
        names = sorted(self._by_id[pk].name for pk in hosts)
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        return _without_host(f"'{model}' is offered by {', '.join(names[:_MAX_NAMED])}{more}.")

    def _resolve(self, model: str, host: str | None) -> Any:
        if self._resolver is None:
            self._resolver = build_resolver()
        return self._resolver.resolve(model, host)

    def _nodes(self, canonical: str) -> list[tuple[str, int]]:
        nodes = [
            ("version", self._versions.get(canonical)),
            ("alias", self._aliases.get(canonical)),
        ]
        return [(kind, pk) for kind, pk in nodes if pk is not None]


def _without_host(problem: str) -> ResolvedModel:
    return ResolvedModel(refusal=f"{problem} Enter the host.", problem=problem, column="use.host")


def _role(category: str) -> str:
    if category.startswith("embed"):
        return "embedding"
    if category.startswith("rerank"):
        return "reranker"
    return "guardrail" if category.startswith("moderation") else ""


def _where(known: _KnownOffering) -> str:
    parts = [part for part in (known.region, known.tier) if part]
    return known.api_id + (f" ({', '.join(parts)})" if parts else "")
