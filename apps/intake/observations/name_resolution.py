"""Resolution of observed names to offerings: by a user's decision, the exact ID at its host, or the
resolver; otherwise the name is unresolved.

A model ID that is observed at run time at a known host becomes an offering even if the catalogue
does not know the model yet; it is then listed under unresolved models. Names that only occur in
code or a bill of materials do not, because scanners invent names."""

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
from apps.intake.spreadsheets.plan.known_models import KnownProvider, ResolvedModel
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup

# placeholders that a scanner reports if it cannot read the name
_NO_NAME = re.compile(
    r"process\.env|os\.environ|getenv|\$\{|\{\{|^\$|[<>`]|^(none|null|unknown|latest|default)$",
    re.I,
)


_BEDROCK = "amazon-bedrock"
# a Bedrock ID after a gateway's prefix and route, or in the resource name of a profile or model
_BEDROCK_ID = re.compile(
    r"^(?:(?:.*/)?arn:aws[a-z-]*:bedrock:[^/]*:(?:inference-profile|foundation-model)/|(?:[^:]*/)?(?!arn:))([^/]+)$",
    re.I,
)
# `eu.anthropic.…` is the ID of a profile, `anthropic.…` that of a model
_PROFILE_ID, _MODEL_ID = (
    re.compile(r"^[a-z-]+\.[a-z0-9]+\.(?=\D)", re.I),
    re.compile(r"^[a-z0-9]+\.(?![a-z0-9]+\.\D)", re.I),
)


# hosts that serve only their own models; scanners often report the provider of a library instead
# of the host
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
    base_model: str = ""  # model in the configuration of the deployment
    application: int | None = None  # application whose deployments the names may refer to


@dataclass(frozen=True, slots=True)
class NameResolution:
    """Resolution of a name: `offering` is the id of the offering, `why` a sentence.

    If `offering` is None, the name is not a model (`is_set_aside`) or unknown."""

    offering: int | None
    why: str
    is_set_aside: bool = False
    served_version: int | None = None


class NameResolver:
    """Resolver of observed names, which reads the catalogue and the decisions once."""

    def __init__(self) -> None:
        """Load the decisions in force and all deployments; a resolver serves one pass and does not
        see later changes."""
        self._catalogue = CatalogueLookup()
        self._decisions = {
            (stream, provider.lower(), name.lower()): (offering, reason)
            for stream, provider, name, offering, reason in NameDecision.objects.filter(
                revoked_at__isnull=True
            ).values_list("stream", "provider", "name", "offering", "reason")
        }
        # by application, host and name; deployments of all applications are under None
        self._deployments: dict[tuple[int | None, str, str], list[Deployment]] = defaultdict(list)
        for deployment in Deployment.objects.select_related("application"):
            application = deployment.application
            application_id = (
                None if application is None else application.merged_into_id or application.pk
            )
            self._deployments[application_id, deployment.host, deployment.name].append(deployment)

    def find(self, observed_names: Iterable[ObservedNames]) -> dict[ObservedNames, NameResolution]:
        """Resolve all names to offerings; new offerings are created together, inside the caller's
        transaction."""
        resolutions: dict[ObservedNames, NameResolution] = {}
        new_models: dict[ObservedNames, ResolvedModel] = {}
        served_models: dict[ObservedNames, ResolvedModel] = {}
        for names in observed_names:
            if names in resolutions or names in new_models:
                continue
            decision = self._find_decision(names)
            if decision is not None:
                resolutions[names] = decision
                continue
            served_name = names.served or names.base_model.rpartition("/")[2]
            if served_name:
                served_models[names] = self._look_up_name(names, served_name)
            resolution = self._select_model(names, served_models.get(names))
            if isinstance(resolution, NameResolution):
                resolutions[names] = resolution
            else:
                new_models[names] = resolution
        if new_models:
            offering_ids = ensure_named_offerings(
                [
                    {"host": host, "api_id": api_id, "region": region, "tier": tier}
                    for host, api_id, region, tier in sorted(
                        {model.new for model in new_models.values() if model.new}
                    )
                ],
                at=now(),
            )
            resolve_deployments(
                {
                    (host, api_id): alias
                    for host, api_id, _, _ in offering_ids
                    if (alias := self._find_shared_alias(host, api_id)) is not None
                }
            )
            for names, model in new_models.items():
                assert model.new is not None
                resolutions[names] = NameResolution(offering_ids[model.new], model.why)
        return self._add_served_versions(resolutions, list(resolutions))

    def gateway(self, name: str) -> int | None:
        """Return the id of the provider with this gateway name; None if it is unknown."""
        party = self._catalogue.party(name) if name else None
        return party.id if party is not None else None

    # --- resolution of one set of names -----------------------------------------------------------

    def _find_decision(self, names: ObservedNames) -> NameResolution | None:
        """Return the resolution by a user's decision, the most specific one first."""
        for name in (names.requested, names.served):
            if not name:
                continue
            for stream in (names.stream, ""):
                for provider in (names.provider.lower(), ""):
                    decision = self._decisions.get((stream, provider, name.lower()))
                    if decision is not None:
                        offering, reason = decision
                        explanation = f"'{name}' was identified by a user" + (
                            f": {reason}" if reason else ""
                        )
                        return NameResolution(offering, explanation, is_set_aside=offering is None)
        return None

    def _select_model(
        self, names: ObservedNames, served_model: ResolvedModel | None
    ) -> NameResolution | ResolvedModel:
        """Return a resolution, or the model for which an offering must be created."""
        requested_model = self._look_up_name(names, names.requested) if names.requested else None
        if requested_model is not None and (
            _is_known(requested_model) or served_model is None or not _is_known(served_model)
        ):
            requested_model = self._apply_deployments(names, requested_model)
        for model in (requested_model, served_model):
            if model is not None and model.offering is not None and model.resolved:
                return NameResolution(model.offering, model.why)
        for model in (requested_model, served_model):
            if model is not None and model.new is not None and model.resolved:
                return model
        # the offering exists, but its model is not identified yet
        for model in (requested_model, served_model):
            if model is not None and model.offering is not None:
                return NameResolution(model.offering, model.why)
        unresolved_model = requested_model or served_model
        if unresolved_model is None:
            return NameResolution(None, "No model is stated.")
        if unresolved_model.new is not None and names.confidence >= Confidence.GATEWAY_CONFIG:
            return unresolved_model
        name = names.requested or names.served
        refusal = unresolved_model.refusal
        if unresolved_model.problem:
            # the refusal is for spreadsheets, and mentions a cell to fill in
            refusal = f"{unresolved_model.problem} Select the offering."
        return NameResolution(
            None,
            refusal or f"'{name}' is not a known model on {unresolved_model.host or 'that host'}.",
        )

    def _look_up_name(self, names: ObservedNames, name: str) -> ResolvedModel:
        """Look up one of the names in the catalogue, at the stated provider if it is known."""
        if _NO_NAME.search(name):
            return ResolvedModel(
                refusal=f"'{name}' is not a model name: its value was not known where it was read."
            )
        party = self._catalogue.party(names.provider) if names.provider else None
        if party is not None:
            model = self._catalogue.name(host=party.slug, model=name, region=names.region)
            if model.refusal and names.region:
                model = self._catalogue.name(host=party.slug, model=name)
            if names.confidence < Confidence.GATEWAY_CONFIG and _belongs_to_other_developer(model):
                return self._catalogue.name(host="", model=name)
            bare_name = self._strip_prefix(name, party)
            is_known = model.offering is not None or (
                model.resolved and not model.refusal and party.slug != _BEDROCK
            )
            if bare_name != name and not is_known:
                model = self._catalogue.name(host=party.slug, model=bare_name, region=names.region)
            if model.among and names.confidence >= Confidence.GATEWAY_CONFIG:
                return _select_exact_offering(model, bare_name, party, names.region)
            return model
        model = self._catalogue.name(host="", model=name, region=names.region)
        if model.refusal and names.region:
            model = self._catalogue.name(host="", model=name)
        if model.refusal and names.provider:
            return ResolvedModel(
                refusal=f"'{names.provider}' is not a provider in the registry. {model.refusal}"
            )
        return model

    def _apply_deployments(self, names: ObservedNames, model: ResolvedModel) -> ResolvedModel:
        """Return the model by deployment listings if the name alone is ambiguous or the
        application's own listing contradicts `model`; else `model`."""
        party = (
            self._catalogue.party(names.provider) if self._deployments and names.provider else None
        )
        if party is None:
            return model
        name = self._strip_prefix(names.requested, party).lower()
        own_deployments = current_deployments(
            self._deployments.get((names.application, party.slug, name), [])
        )
        if own_deployments and names.application is not None:
            return self._apply_own_deployments(party, name, own_deployments, model)
        shared_deployments = current_deployments(
            self._deployments.get((None, party.slug, name), [])
        )
        if not shared_deployments or _is_known(model):
            return model
        alias = self._find_shared_alias(party.slug, name)
        if alias is not None and model.new is not None:
            return replace(model, resolved=True, canonical=alias.canonical, why=alias.why)
        if alias is not None:
            return model
        return replace(
            model,
            why=f"{describe_deployments(shared_deployments)}, which does not identify a single "
            "known model",
        )

    def _apply_own_deployments(
        self, party: KnownProvider, name: str, deployments: list[Deployment], model: ResolvedModel
    ) -> ResolvedModel:
        """Return the model of the application's own deployments, even if another model has the same
        name; else `model`."""
        model_ids = {deployed_api_id(row.model, row.version) for row in deployments}
        if _is_known(model):
            canonical_ids = {
                self._catalogue.canonical(host=party.slug, model=model_id)
                for model_id in (*model_ids, deployments[0].model)
            }
            if self._catalogue.canonical(host=party.slug, model=name) in canonical_ids:
                return model
        deployed_model = (
            self._catalogue.name(host=party.slug, model=next(iter(model_ids)))
            if len(model_ids) == 1
            else None
        )
        if deployed_model is not None and deployed_model.among:
            deployed_model = _select_exact_offering(
                deployed_model, next(iter(model_ids)), party, ""
            )
        if deployed_model is not None and _is_known(deployed_model):
            return replace(
                deployed_model, why=f"{describe_deployments(deployments)}; {deployed_model.why}"
            )
        return (
            model
            if _is_known(model)
            else replace(
                model,
                why=f"{describe_deployments(deployments)}, which does not identify a single known "
                "model",
            )
        )

    def _find_shared_alias(self, host: str, name: str) -> DeploymentAlias | None:
        """Return the model that all deployments for all applications with this name have."""
        deployments = current_deployments(self._deployments.get((None, host, name.lower()), []))
        canonical_ids = {
            self._catalogue.canonical(
                host=host, model=deployed_api_id(deployment.model, deployment.version)
            )
            for deployment in deployments
        }
        canonical = canonical_ids.pop() if len(canonical_ids) == 1 else ""
        return (
            DeploymentAlias(
                canonical,
                any(deployment.upgrades for deployment in deployments),
                describe_deployments(deployments),
            )
            if canonical
            else None
        )

    def _strip_prefix(self, name: str, party: KnownProvider) -> str:
        """Return a name without its gateway route or resource prefix.

        Gateways write `azure/contact-centre-prod` for the Azure deployment contact-centre-prod, and
        put Bedrock IDs after a route or into a resource name."""
        if party.slug == _BEDROCK:
            match = _BEDROCK_ID.match(name)
            # an opaque resource name does not contain its model
            return match[1] if match else name[max(name.lower().find("arn:"), 0) :]
        prefix, _, model_name = name.partition("/")
        return model_name if model_name and self._catalogue.party(prefix) == party else name

    def _add_served_versions(
        self,
        resolutions: dict[ObservedNames, NameResolution],
        observed_names: Iterable[ObservedNames],
    ) -> dict[ObservedNames, NameResolution]:
        """Add the version that each served ID means, even if several offerings have that ID."""
        for names in observed_names:
            if not names.served or _NO_NAME.search(names.served):
                continue
            party = self._catalogue.party(names.provider) if names.provider else None
            name = self._strip_prefix(names.served, party) if party is not None else names.served
            version = self._catalogue.version(
                host=party.slug if party is not None else "", model=name
            )
            if version is not None:
                resolution = resolutions[names]
                resolutions[names] = NameResolution(
                    resolution.offering, resolution.why, resolution.is_set_aside, version
                )
        return resolutions


def _is_known(model: ResolvedModel) -> bool:
    return model.resolved and (model.offering is not None or model.new is not None)


def _select_exact_offering(
    model: ResolvedModel, name: str, party: KnownProvider, region: str
) -> ResolvedModel:
    """Select one of several offerings of one model for an observation: the one with this exact ID,
    else the model's own ID without region and profile.

    All offerings have the same version."""
    is_exact = any(candidate.api_id.lower() == name.lower() for candidate in model.among)
    if is_exact or (party.slug == _BEDROCK and _PROFILE_ID.match(name)):
        return ResolvedModel(
            new=(party.slug, name, region, ""),
            host=party.slug,
            api_id=name,
            why=f"new at this host; {model.why}",
        )
    plain_candidates = [
        candidate for candidate in model.among if not candidate.region and not candidate.tier
    ]
    if party.slug == _BEDROCK:
        plain_candidates = [
            candidate for candidate in plain_candidates if _MODEL_ID.match(candidate.api_id)
        ]
    if len(plain_candidates) == 1:
        return ResolvedModel(
            offering=plain_candidates[0].id,
            host=party.slug,
            api_id=plain_candidates[0].api_id,
            why=model.why,
        )
    return model


def _belongs_to_other_developer(model: ResolvedModel) -> bool:
    """Return whether the model is new at a host that serves only its own models, and is another
    developer's."""
    return (
        model.new is not None
        and model.host in _OWN_MODELS_ONLY
        and bool(model.canonical)
        and model.canonical.partition("/")[0] != model.host
    )


__all__ = ["NameResolution", "NameResolver", "ObservedNames"]
