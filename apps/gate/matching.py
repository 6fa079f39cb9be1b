"""Model matching: which model a name in a pipeline means: exactly, by an alias, by a family, or
none; never by similarity.

Identifications by users come first, then the exact ID at its host, then the resolver, then the
models that the application's own gateway was observed to serve for the name. The number of
statements does not depend on the number of names; nothing is written."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from apps.catalog.identity.hosts import HOSTS
from apps.catalog.models import Offering, ProviderRole
from apps.gate.rules.definitions import Matching
from apps.intake.models import NameDecision, Observation
from apps.intake.spreadsheets.plan.known_models import ResolvedModel
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.inventory.models import Application

# hosts on which customers name their deployments themselves, instead of the model
_DEPLOYMENT_HOSTS = frozenset({"azure", "sagemaker"})


@dataclass(frozen=True, slots=True)
class RequestedModel:
    """One model as the pipeline names it, and where. `alias`: the name is one requested from a
    gateway."""

    model: str
    host: str = ""
    region: str = ""
    alias: bool = False
    file: str = ""
    line: int | None = None

    @property
    def names(self) -> "ModelNames":
        return ModelNames(self.model, self.host, self.region, self.alias)

    @property
    def is_wildcard(self) -> bool:
        return "*" in self.model


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The lookup key: `RequestedModel` without its place."""

    model: str
    host: str
    region: str
    alias: bool


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """The match of a name. `offering` is the one whose retirement and approvals apply; without one
    but with `kin`, the model is known, but not at this host: approvals are then those of the
    offering `kin` of the same model. `party` is the host in that case. `is_open` says that the name
    is a deployment or an unresolved alias."""

    kind: Matching
    resolved_id: str = ""
    offering: int | None = None
    kin: int | None = None
    party: int | None = None
    why: str = ""
    is_open: bool = False
    is_set_aside: bool = False


class ModelMatcher:
    def __init__(self, application: Application | None) -> None:
        self._catalogue = _PipelineCatalogue()
        self._application = application
        self._decided: dict[tuple[str, str], tuple[int | None, str]] = {}
        for stream, provider, name, offering, reason in NameDecision.objects.filter(
            revoked_at__isnull=True
        ).values_list("stream", "provider", "name", "offering", "reason"):
            # a decision about one sender's stream does not apply to pipelines
            if not stream:
                self._decided[provider.lower(), name.lower()] = (offering, reason)

    def match(self, requested: Iterable[RequestedModel]) -> dict[ModelNames, ModelMatch]:
        requested_names = dict.fromkeys(model.names for model in requested if not model.is_wildcard)
        candidates: dict[ModelNames, _Candidate] = {}
        open_names: list[ModelNames] = []
        for names in requested_names:
            candidate = self._look_up(names)
            candidates[names] = candidate
            if candidate.offering is None and candidate.kin is None and not candidate.is_set_aside:
                open_names.append(names)
        if open_names and self._application is not None:
            self._match_by_gateway(open_names, candidates)
        return self._add_identities(candidates)

    # --- one set of names -------------------------------------------------------------------------

    def _look_up(self, names: ModelNames) -> "_Candidate":
        """Return the candidate for the names: by the decision of a user, else by the rules of the
        catalogue for the host, if one is named."""
        for provider in dict.fromkeys((names.host.lower(), "")):
            decision = self._decided.get((provider, names.model.lower()))
            if decision is not None:
                offering, reason = decision
                explanation = "identified by a user" + (f": {reason}" if reason else "")
                return _Candidate(offering=offering, why=explanation, is_set_aside=offering is None)
        party = self._catalogue.party(names.host) if names.host else None
        if party is None:
            return self._match_without_host(names)
        resolved_model = self._catalogue.name(
            host=party.slug, model=names.model, region=names.region
        )
        if resolved_model.offering is None and names.region:
            resolved_model = self._catalogue.name(host=party.slug, model=names.model)
        if resolved_model.offering is not None:
            return _Candidate(offering=resolved_model.offering, why=resolved_model.why)
        if resolved_model.new is not None and resolved_model.resolved:
            kin, canonical = self._catalogue.kin(names.model, party.slug)
            explanation = f"known, but not as an offering of {party.name}"
            return _Candidate(kin=kin, canonical=canonical, party=party.id, why=explanation)
        is_open = (
            names.alias or party.slug in _DEPLOYMENT_HOSTS or ProviderRole.GATEWAY in party.roles
        )
        explanation = (
            resolved_model.refusal or f"'{names.model}' is not a known model on {party.name}"
        )
        return _Candidate(why=explanation, is_open=is_open)

    def _match_without_host(self, names: ModelNames) -> "_Candidate":
        """Match a name without a host, or with one that the registry does not know: by the string
        if it identifies the offering, otherwise at the model's own developer."""
        resolved_model = self._catalogue.name(host="", model=names.model)
        if resolved_model.offering is not None:
            return _Candidate(offering=resolved_model.offering, why=resolved_model.why)
        developer_model = self._catalogue.of_its_developer(names.model)
        if developer_model is not None:
            return _Candidate(
                offering=developer_model.offering,
                why=f"no host is given, so {developer_model.host} is assumed: "
                f"{developer_model.why}",
            )
        kin, canonical = self._catalogue.kin(names.model, None)
        if canonical:
            return _Candidate(kin=kin, canonical=canonical, why="known; no host is given")
        return _Candidate(why=f"'{names.model}' is not a known model", is_open=names.alias)

    def _match_by_gateway(
        self, names: list[ModelNames], candidates: dict[ModelNames, "_Candidate"]
    ) -> None:
        """Match names that this application's gateway was observed to relay, as the model to which
        it relayed them; one statement."""
        offering_by_alias: dict[str, tuple[int, str]] = {}
        rows = (
            Observation.objects.filter(
                application=self._application,
                alias__in={model_names.model for model_names in names},
                offering__isnull=False,
                missing_since__isnull=True,
            )
            .order_by("last_seen_at", "pk")
            .values_list("alias", "offering_id", "stream")
        )
        for alias, offering, stream in rows:
            offering_by_alias[alias] = (offering, stream)
        for model_names in names:
            if model_names.model in offering_by_alias:
                offering, stream = offering_by_alias[model_names.model]
                candidates[model_names] = _Candidate(
                    offering=offering, why=f"identified by the gateway configuration ({stream})"
                )

    # --- identities of the matches ----------------------------------------------------------------

    def _add_identities(
        self, candidates: dict[ModelNames, "_Candidate"]
    ) -> dict[ModelNames, ModelMatch]:
        """Add the identities of the matches: one statement."""
        ids = {
            pk
            for candidate in candidates.values()
            if (pk := candidate.offering or candidate.kin) is not None
        }
        identities = _load_identities(ids)
        return {
            names: _build_match(candidate, identities) for names, candidate in candidates.items()
        }


def _load_identities(offerings: set[int]) -> dict[int, tuple[Any, ...]]:
    rows = Offering.objects.filter(pk__in=offerings).values_list(
        "pk",
        "host__slug",
        "api_id",
        "version__identifier",
        "version__moving",
        "alias__identifier",
        "alias__kind",
        "binding",
        "not_a_model",
    )
    return {row[0]: row[1:] for row in rows}


def match_offerings(offerings: Iterable[int], parties: Iterable[int | None]) -> list[ModelMatch]:
    """Return matches for the dependencies of the inventory, in order; `parties` are the gateways
    and hosts of each. One statement."""
    offering_parties = list(zip(offerings, parties, strict=True))
    identities = _load_identities({offering for offering, _ in offering_parties})
    matches = [
        _build_match(_Candidate(offering=offering, why="identified by the registry"), identities)
        for offering, _ in offering_parties
    ]
    return [
        replace(match, party=party)
        for match, (_, party) in zip(matches, offering_parties, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Candidate:
    offering: int | None = None
    kin: int | None = None
    canonical: str = ""
    party: int | None = None
    why: str = ""
    is_open: bool = False
    is_set_aside: bool = False


def _build_match(candidate: _Candidate, identities: dict[int, tuple[Any, ...]]) -> ModelMatch:
    """Return the match of a candidate. `identities` is {offering: its identity}; without one only
    the canonical name or nothing is matched."""
    if candidate.is_set_aside:
        return ModelMatch(Matching.UNRESOLVED, why=candidate.why, is_set_aside=True)
    identity = identities.get(candidate.offering or candidate.kin or 0)
    if identity is None:
        kind = Matching.EXACT if candidate.canonical else Matching.UNRESOLVED
        return ModelMatch(
            kind,
            candidate.canonical,
            party=candidate.party,
            why=candidate.why,
            is_open=candidate.is_open,
        )
    host, api_id, version, moving, alias, alias_kind, binding, not_a_model = identity
    if not_a_model:
        return ModelMatch(Matching.UNRESOLVED, why="it is not a model", is_set_aside=True)
    if version is None and alias is None:
        return ModelMatch(
            Matching.UNRESOLVED,
            f"{host}/{api_id}",
            candidate.offering,
            why="the model has not been identified",
            is_open=True,
        )
    kind = Matching.EXACT
    if alias_kind == "family":
        kind = Matching.FAMILY
    elif alias_kind == "alias" or moving or binding == "alias":
        kind = Matching.ALIAS
    return ModelMatch(
        kind,
        version or alias,
        candidate.offering,
        candidate.kin,
        candidate.party,
        candidate.why,
        version is None,
    )


class _PipelineCatalogue(CatalogueLookup):
    """The catalogue by the names that pipelines use: without a region or tier, any offering of the
    same ID matches."""

    def __init__(self) -> None:
        super().__init__()
        self._hosts_of_developer: dict[str, list[str]] = {}
        for host in HOSTS:
            if host.developer:
                self._hosts_of_developer.setdefault(host.developer, []).append(host.slug)

    def of_its_developer(self, model: str) -> ResolvedModel | None:
        """Return the model as its own developer serves it, if one does and the name identifies the
        model."""
        resolution = self._resolve(model, None)
        if not resolution.canonical:
            return None
        developer = resolution.canonical.partition("/")[0]
        for slug in (*self._hosts_of_developer.get(developer, ()), developer):
            party = self._by_slug.get(slug)
            for kind, pk in self._find_nodes(resolution.canonical) if party is not None else ():
                offerings = (
                    self._by_model.get((party.id, kind, pk), []) if party is not None else []
                )
                if offerings and party is not None:
                    return self._choose_offering(
                        offerings, party, model, "", "", resolution.confidence, resolution.why
                    )
        return None

    def kin(self, model: str, host: str | None) -> tuple[int | None, str]:
        """Return (an offering of the same model on some host, its known ID); (None, "") if
        unknown."""
        resolution = self._resolve(model, host)
        if not resolution.canonical:
            return None, ""
        for kind, pk in self._find_nodes(resolution.canonical):
            for party in sorted(self._hosts_of_model.get((kind, pk), ())):
                return self._by_model[party, kind, pk][0].id, resolution.canonical
        return None, resolution.canonical

    def _choose_offering(
        self,
        offerings: Any,
        party: Any,
        model: str,
        region: str,
        tier: str,
        confidence: float,
        explanation: str,
    ) -> ResolvedModel:
        """Choose as the catalogue does, but of several regions or tiers the offering with the
        fewest qualifiers."""
        resolved_model = super()._choose_offering(
            offerings, party, model, region, tier, confidence, explanation
        )
        if not resolved_model.refusal:
            return resolved_model
        # in several regions or tiers: the offering with the fewest qualifiers, so that the choice
        # is the same every time
        plainest = min(
            offerings,
            key=lambda offering: (
                offering.api_id.lower() != model.lower(),
                offering.region != "",
                offering.tier != "",
                offering.id,
            ),
        )
        return self.build_resolved(
            plainest, party, confidence, f"{explanation}; no region or tier is given"
        )


__all__ = ["ModelMatch", "ModelMatcher", "ModelNames", "RequestedModel", "match_offerings"]
