"""Name resolution of sightings to offerings: user decision, exact ID at its host, resolver, else a
question.

What is observed at run time at a known host becomes an offering even if the catalogue does not know
the model yet: it then waits in the list of unresolved models like every other ID. What is only in
code or a bill of materials does not: scanners invent names."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apps.catalog.identity.deployment_aliases import DeploymentAlias, resolve_deployments
from apps.catalog.ingestion.offerings import ensure_named_offerings
from apps.common.time import now
from apps.intake.models import Confidence, Deployment, NameDecision
from apps.intake.observations.deployment_names import (
    current_deployments,
    deployed_api_id,
    describe_deployments,
)
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup, KnownProvider, ResolvedModel

# what stands where a name should, because a scanner could not read further
_NO_NAME = re.compile(
    r"process\.env|os\.environ|getenv|\$\{|\{\{|^\$|[<>`]|^(none|null|unknown|latest|default)$",
    re.I,
)


_BEDROCK = "amazon-bedrock"
# an id of Bedrock's behind a gateway's prefix and route, or in the resource name of a profile or
# model
_BEDROCK_ID = re.compile(
    r"^(?:(?:.*/)?arn:aws[a-z-]*:bedrock:[^/]*:(?:inference-profile|foundation-model)/|(?:[^:]*/)?(?!arn:))([^/]+)$",
    re.I,
)
# `eu.anthropic.…`: a profile's own id, which is called as it stands; and a model's, without any
# profile
_PROFILE_ID, _MODEL_ID = (
    re.compile(r"^[a-z-]+\.[a-z0-9]+\.(?=\D)", re.I),
    re.compile(r"^[a-z0-9]+\.(?![a-z0-9]+\.\D)", re.I),
)


# hosts that serve their own models only; what scanners take for the provider is often just a
# library nearby
_OWN_MODELS_ONLY = {"openai", "anthropic", "google", "cohere", "deepseek", "mistral", "xai"}


@dataclass(frozen=True, slots=True)
class ObservedNames:
    """Names of one observation, as they are looked up."""

    stream: str
    provider: str
    requested: str
    served: str
    region: str
    confidence: int
    base_model: str = ""  # what a deployment's own configuration says it is
    application: int | None = None  # whose deployments its names may be


@dataclass(frozen=True, slots=True)
class NameResolution:
    """Resolution of a name: `offering` is its id; None with `is_set_aside`: no model, else unknown.
    `why` is a sentence either way."""

    offering: int | None
    why: str
    is_set_aside: bool = False
    served_version: int | None = None


class NameResolver:
    """Resolver of observed names: reads the catalogue and the decisions once; resolves a batch of
    names at a time."""

    def __init__(self) -> None:
        self._catalogue = CatalogueLookup()
        self._decided = {
            (stream, provider.lower(), name.lower()): (offering, reason)
            for stream, provider, name, offering, reason in NameDecision.objects.filter(
                revoked_at__isnull=True
            ).values_list("stream", "provider", "name", "offering", "reason")
        }
        # of all applications under None
        self._deployments: dict[tuple[int | None, str, str], list[Deployment]] = defaultdict(list)
        for each in Deployment.objects.select_related("application"):
            own = each.application
            whose = None if own is None else own.merged_into_id or own.pk
            self._deployments[whose, each.host, each.name].append(each)

    def find(self, asked: Iterable[ObservedNames]) -> dict[ObservedNames, NameResolution]:
        """Resolve each observation to its offering; new offerings are created in one go, inside the
        caller's transaction."""
        answers: dict[ObservedNames, NameResolution] = {}
        new: dict[ObservedNames, ResolvedModel] = {}
        served: dict[ObservedNames, ResolvedModel] = {}
        for names in asked:
            if names in answers or names in new:
                continue
            decided = self._decision(names)
            if decided is not None:
                answers[names] = decided
                continue
            told = names.served or names.base_model.rpartition("/")[2]
            if told:
                served[names] = self._look_up(names, told)
            answer = self._choose(names, served.get(names))
            if isinstance(answer, NameResolution):
                answers[names] = answer
            else:
                new[names] = answer
        if new:
            made = ensure_named_offerings(
                [
                    {"host": host, "api_id": api_id, "region": region, "tier": tier}
                    for host, api_id, region, tier in sorted(
                        {named.new for named in new.values() if named.new}
                    )
                ],
                at=now(),
            )
            resolve_deployments(
                {
                    (host, api_id): deployed
                    for host, api_id, _, _ in made
                    if (deployed := self._deployed_for_all(host, api_id)) is not None
                }
            )
            for names, named in new.items():
                assert named.new is not None
                answers[names] = NameResolution(made[named.new], named.why)
        return self._with_served_versions(answers, list(answers))

    def gateway(self, spelled: str) -> int | None:
        """Return the provider that a gateway's name means, if it is a known one."""
        party = self._catalogue.party(spelled) if spelled else None
        return party.id if party is not None else None

    # --- one set of names -------------------------------------------------------------------------

    def _decision(self, names: ObservedNames) -> NameResolution | None:
        for name in (names.requested, names.served):
            if not name:
                continue
            for stream in (names.stream, ""):
                for provider in (names.provider.lower(), ""):
                    said = self._decided.get((stream, provider, name.lower()))
                    if said is not None:
                        offering, reason = said
                        why = f"'{name}' was identified by a user" + (
                            f": {reason}" if reason else ""
                        )
                        return NameResolution(offering, why, is_set_aside=offering is None)
        return None

    def _choose(
        self, names: ObservedNames, served: ResolvedModel | None
    ) -> NameResolution | ResolvedModel:
        """Return a resolution, or the names of an offering that is still to be created."""
        requested = self._look_up(names, names.requested) if names.requested else None
        if requested is not None and (
            _is_known(requested) or served is None or not _is_known(served)
        ):
            requested = self._deployed(names, requested)
        for named in (requested, served):
            if named is not None and named.offering is not None and named.resolved:
                return NameResolution(named.offering, named.why)
        for named in (requested, served):
            if named is not None and named.new is not None and named.resolved:
                return named
        # known to be called there, and nobody has said yet what it is
        for named in (requested, served):
            if named is not None and named.offering is not None:
                return NameResolution(named.offering, named.why)
        first = requested or served
        if first is None:
            return NameResolution(None, "No model is stated.")
        if first.new is not None and names.confidence >= Confidence.GATEWAY_CONFIG:
            return first
        name = names.requested or names.served
        refusal = first.refusal
        if first.problem:
            # here is no cell to fill in
            refusal = f"{first.problem} Select the offering."
        return NameResolution(
            None, refusal or f"'{name}' is not a known model on {first.host or 'that host'}."
        )

    def _look_up(self, names: ObservedNames, name: str) -> ResolvedModel:
        if _NO_NAME.search(name):
            return ResolvedModel(
                refusal=f"'{name}' is not a model name: its value was not known where it was read."
            )
        party = self._catalogue.party(names.provider) if names.provider else None
        if party is not None:
            named = self._catalogue.name(host=party.slug, model=name, region=names.region)
            if named.refusal and names.region:
                named = self._catalogue.name(host=party.slug, model=name)
            if names.confidence < Confidence.GATEWAY_CONFIG and _belongs_to_other_developer(named):
                return self._catalogue.name(host="", model=name)
            bare = self._bare(name, party)
            is_known = named.offering is not None or (
                named.resolved and not named.refusal and party.slug != _BEDROCK
            )
            if bare != name and not is_known:
                named = self._catalogue.name(host=party.slug, model=bare, region=names.region)
            if named.among and names.confidence >= Confidence.GATEWAY_CONFIG:
                return _exact_offering(named, bare, party, names.region)
            return named
        named = self._catalogue.name(host="", model=name, region=names.region)
        if named.refusal and names.region:
            named = self._catalogue.name(host="", model=name)
        if named.refusal and names.provider:
            return ResolvedModel(
                refusal=f"'{names.provider}' is not a provider in the registry. {named.refusal}"
            )
        return named

    def _deployed(self, names: ObservedNames, told: ResolvedModel) -> ResolvedModel:
        """Return the model by deployment listings, for a name that is ambiguous by itself or that
        the application's own listing contradicts; else `told`."""
        party = (
            self._catalogue.party(names.provider) if self._deployments and names.provider else None
        )
        if party is None:
            return told
        name = self._bare(names.requested, party).lower()
        own = current_deployments(self._deployments.get((names.application, party.slug, name), []))
        if own and names.application is not None:
            return self._deployed_by_itself(party, name, own, told)
        for_all = current_deployments(self._deployments.get((None, party.slug, name), []))
        if not for_all or _is_known(told):
            return told
        deployed = self._deployed_for_all(party.slug, name)
        if deployed is not None and told.new is not None:
            return replace(told, resolved=True, canonical=deployed.canonical, why=deployed.why)
        if deployed is not None:
            return told
        return replace(
            told,
            why=f"{describe_deployments(for_all)}, which does not identify a single known model",
        )

    def _deployed_by_itself(
        self, party: KnownProvider, name: str, own: list[Deployment], told: ResolvedModel
    ) -> ResolvedModel:
        """Return the model of one application's deployment, even if its name is also that of
        another model."""
        models = {deployed_api_id(each.model, each.version) for each in own}
        if _is_known(told):
            meant = {
                self._catalogue.canonical(host=party.slug, model=each)
                for each in (*models, own[0].model)
            }
            if self._catalogue.canonical(host=party.slug, model=name) in meant:
                return told
        named = (
            self._catalogue.name(host=party.slug, model=next(iter(models)))
            if len(models) == 1
            else None
        )
        if named is not None and named.among:
            named = _exact_offering(named, next(iter(models)), party, "")
        if named is not None and _is_known(named):
            return replace(named, why=f"{describe_deployments(own)}; {named.why}")
        return (
            told
            if _is_known(told)
            else replace(
                told,
                why=f"{describe_deployments(own)}, which does not identify a single known model",
            )
        )

    def _deployed_for_all(self, host: str, name: str) -> DeploymentAlias | None:
        rows = current_deployments(self._deployments.get((None, host, name.lower()), []))
        meant = {
            self._catalogue.canonical(host=host, model=deployed_api_id(each.model, each.version))
            for each in rows
        }
        canonical = meant.pop() if len(meant) == 1 else ""
        return (
            DeploymentAlias(
                canonical, any(each.upgrades for each in rows), describe_deployments(rows)
            )
            if canonical
            else None
        )

    def _bare(self, name: str, party: KnownProvider) -> str:
        """Return a name without its gateway route or resource prefix.

        Gateways write `azure/contact-centre-prod` for the Azure deployment contact-centre-prod, and
        Bedrock's ids behind their route or in a resource name."""
        if party.slug == _BEDROCK:
            found = _BEDROCK_ID.match(name)
            # what an opaque resource name stands for is not in it
            return found[1] if found else name[max(name.lower().find("arn:"), 0) :]
        prefix, _, rest = name.partition("/")
        return rest if rest and self._catalogue.party(prefix) == party else name

    def _with_served_versions(
        self, answers: dict[ObservedNames, NameResolution], asked: Iterable[ObservedNames]
    ) -> dict[ObservedNames, NameResolution]:
        """Add the version that each served id means, however many offerings have that id."""
        for names in asked:
            if not names.served or _NO_NAME.search(names.served):
                continue
            party = self._catalogue.party(names.provider) if names.provider else None
            name = self._bare(names.served, party) if party is not None else names.served
            version = self._catalogue.version(
                host=party.slug if party is not None else "", model=name
            )
            if version is not None:
                found = answers[names]
                answers[names] = NameResolution(
                    found.offering, found.why, found.is_set_aside, version
                )
        return answers


def _is_known(named: ResolvedModel) -> bool:
    return named.resolved and (named.offering is not None or named.new is not None)


def _exact_offering(
    named: ResolvedModel, name: str, party: KnownProvider, region: str
) -> ResolvedModel:
    """Select one of several offerings of one model for an observed use: the one with this exact id,
    else the model's own id without region and profile.

    The version is the same in any case."""
    exact = any(each.api_id.lower() == name.lower() for each in named.among)
    if exact or (party.slug == _BEDROCK and _PROFILE_ID.match(name)):
        return ResolvedModel(
            new=(party.slug, name, region, ""),
            host=party.slug,
            api_id=name,
            why=f"new at this host; {named.why}",
        )
    plain = [each for each in named.among if not each.region and not each.tier]
    if party.slug == _BEDROCK:
        plain = [each for each in plain if _MODEL_ID.match(each.api_id)]
    if len(plain) == 1:
        return ResolvedModel(
            offering=plain[0].id, host=party.slug, api_id=plain[0].api_id, why=named.why
        )
    return named


def _belongs_to_other_developer(named: ResolvedModel) -> bool:
    """Return whether an unknown id at a host would have to serve a model of another developer."""
    return (
        named.new is not None
        and named.host in _OWN_MODELS_ONLY
        and bool(named.canonical)
        and named.canonical.partition("/")[0] != named.host
    )


__all__ = ["NameResolution", "NameResolver", "ObservedNames"]
