"""The names of sightings to offerings: what a person decided, the exact id at its host, the resolver, or a question.

What is seen at run time at a known host becomes an offering even where nobody knows the model yet: it then waits in the
identity inbox like every other id. What only stands in code or a bill of materials does not: scanners invent names.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from apps.catalog.models import Offering
from apps.catalog.placing import ensure_offerings
from apps.intake.models import Confidence, NameDecision
from apps.intake.sheets.naming import Catalogue, Named

# what stands where a name should, because a scanner could not read further
_NO_NAME = re.compile(r"process\.env|os\.environ|getenv|\$\{|\{\{|^\$|[<>`]|^(none|null|unknown|latest|default)$", re.I)


# hosts that serve their own models only; what scanners take for the provider is often just a library nearby
_OWN_MODELS_ONLY = {"openai", "anthropic", "google", "cohere", "deepseek", "mistral", "xai"}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one observation, as they are looked up."""

    stream: str
    provider: str
    requested: str
    served: str
    region: str
    confidence: int
    base_model: str = ""  # what a deployment's own configuration says it is


@dataclass(frozen=True, slots=True)
class Found:
    """`offering` is its id; None with `is_set_aside`: no model, else not known. `why` is a sentence either way."""

    offering: int | None
    why: str
    is_set_aside: bool = False
    served_version: int | None = None


class Namer:
    """Reads the catalogue and the decisions once; answers a batch of names at a time."""

    def __init__(self) -> None:
        self._catalogue = Catalogue()
        self._decided = {
            (stream, provider.lower(), name.lower()): (offering, reason)
            for stream, provider, name, offering, reason in NameDecision.objects.filter(
                lifted_at__isnull=True
            ).values_list("stream", "provider", "name", "offering", "reason")
        }

    def find(self, asked: Iterable[Names]) -> dict[Names, Found]:
        """The offering of each; new ones are made in one go, inside the caller's transaction."""
        answers: dict[Names, Found] = {}
        new: dict[Names, Named] = {}
        served: dict[Names, Named] = {}
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
            if isinstance(answer, Found):
                answers[names] = answer
            else:
                new[names] = answer
        if new:
            made, _ = ensure_offerings(
                [
                    {"host": host, "api_id": api_id, "region": region, "tier": tier}
                    for host, api_id, region, tier in sorted({named.new for named in new.values() if named.new})
                ],
                {},
            )
            for names, named in new.items():
                assert named.new is not None
                answers[names] = Found(made[named.new], named.why)
        return self._with_served_versions(answers, {names: named for names, named in served.items() if names.served})

    def gateway(self, spelled: str) -> int | None:
        """The provider that a gateway's name means, if it is one we know."""
        party = self._catalogue.party(spelled) if spelled else None
        return party.id if party is not None else None

    # --- one set of names -------------------------------------------------------------------------------------------

    def _decision(self, names: Names) -> Found | None:
        for name in (names.requested, names.served):
            if not name:
                continue
            for stream in (names.stream, ""):
                for provider in (names.provider.lower(), ""):
                    said = self._decided.get((stream, provider, name.lower()))
                    if said is not None:
                        offering, reason = said
                        why = f"'{name}' was decided by a person" + (f": {reason}" if reason else "")
                        return Found(offering, why, is_set_aside=offering is None)
        return None

    def _choose(self, names: Names, served: Named | None) -> Found | Named:
        """A Found, or the Named of an offering that is still to be made."""
        requested = self._look_up(names, names.requested) if names.requested else None
        for named in (requested, served):
            if named is not None and named.offering is not None and named.resolved:
                return Found(named.offering, named.why)
        for named in (requested, served):
            if named is not None and named.new is not None and named.resolved:
                return named
        # known to be called there, and nobody has said yet what it is
        for named in (requested, served):
            if named is not None and named.offering is not None:
                return Found(named.offering, named.why)
        first = requested or served
        if first is None:
            return Found(None, "No model is named.")
        if first.new is not None and names.confidence >= Confidence.GATEWAY_CONFIG:
            return first
        name = names.requested or names.served
        # said of a cell of a sheet
        refusal = first.refusal.replace("Fill in the host.", "Say which offering is meant.")
        return Found(None, refusal or f"Nobody knows a model '{name}' at {first.host or 'that host'}.")

    def _look_up(self, names: Names, name: str) -> Named:
        if _NO_NAME.search(name):
            return Named(refusal=f"'{name}' is no model's name: the value was not known where it was read.")
        party = self._catalogue.party(names.provider) if names.provider else None
        if party is not None:
            named = self._catalogue.name(host=party.slug, model=name, region=names.region)
            if named.refusal and names.region:
                named = self._catalogue.name(host=party.slug, model=name)
            if names.confidence < Confidence.GATEWAY_CONFIG and _is_anothers(named):
                return self._catalogue.name(host="", model=name)
            # gateways write `azure/contact-centre-prod` of what Azure calls contact-centre-prod
            prefix, _, rest = name.partition("/")
            if rest and named.offering is None and not named.resolved and self._catalogue.party(prefix) == party:
                return self._catalogue.name(host=party.slug, model=rest, region=names.region)
            return named
        named = self._catalogue.name(host="", model=name, region=names.region)
        if named.refusal and names.region:
            named = self._catalogue.name(host="", model=name)
        if named.refusal and names.provider:
            return Named(refusal=f"'{names.provider}' is no provider in the register. {named.refusal}")
        return named

    def _with_served_versions(self, answers: dict[Names, Found], served: dict[Names, Named]) -> dict[Names, Found]:
        ids = {named.offering for named in served.values() if named.offering is not None}
        if not ids:
            return answers
        versions = dict(Offering.objects.filter(pk__in=ids).order_by().values_list("pk", "version_id"))
        for names, named in served.items():
            version = versions.get(named.offering) if named.offering is not None else None
            if version is not None:
                found = answers[names]
                answers[names] = Found(found.offering, found.why, found.is_set_aside, version)
        return answers


def _is_anothers(named: Named) -> bool:
    """An id nobody has seen at a host that would have to serve a model of somebody else."""
    return (
        named.new is not None
        and named.host in _OWN_MODELS_ONLY
        and bool(named.canonical)
        and named.canonical.partition("/")[0] != named.host
    )


__all__ = ["Found", "Namer", "Names"]
