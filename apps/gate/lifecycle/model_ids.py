"""Model IDs that a gateway calls, and the offering of each: those of a stored configuration, those
that are named, or everything in use.

LiteLLM writes `provider/id`. An ID is identified by what its gateway was observed to call, else by
the names of the catalogue at the host that it states. An ID without a host, a deployment and an
unknown ID stay unidentified: a gateway must not refuse a call by a guess."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.gate.matching import ModelMatcher, ModelNames, RequestedModel
from apps.gate.rules.definitions import Matching
from apps.intake.models import Confidence, Observation
from apps.intake.readers.litellm_config import split_provider
from apps.inventory.models import Dependency

_UNKNOWN = "No observed call and no name in the catalogue identifies this ID."
_NO_HOST = "The ID names no host. Write it as provider/id."
_WILDCARD = "A wildcard allows every model and identifies none."


@dataclass(frozen=True, slots=True)
class GatewayModel:
    """A model ID as the gateway writes it. `offering` is None if it is not identified; `why`
    explains either. `aliases` are the names under which callers request it."""

    model: str
    offering: int | None
    why: str
    aliases: tuple[str, ...] = ()


def models_in_use(
    user: User, *, today: Any, application: int | None, after: int, limit: int
) -> list[GatewayModel]:
    """Return the offerings in use by applications that the user can view, by ID, after the one
    `after`; `model` is the ID at its host."""
    dependencies = Dependency.objects.live_on(today).visible_to(user)
    if application is not None:
        dependencies = dependencies.filter(application=application)
    rows = (
        dependencies.filter(offering_id__gt=after)
        .order_by("offering_id")
        .values_list("offering_id", "offering__api_id")
        .distinct()[:limit]
    )
    return [GatewayModel(api_id, pk, "In use by an application.") for pk, api_id in rows]


def models_of_gateway(
    user: User, *, gateway: str, application: int | None, after: str, limit: int
) -> list[GatewayModel]:
    """Return the model IDs of stored configurations of a gateway, such as `litellm`, as far as the
    user can view them, by ID, after the one `after`."""
    observations = Observation.objects.visible_to(user).filter(
        gateway=gateway,
        confidence=Confidence.GATEWAY_CONFIG,
        missing_since__isnull=True,
    )
    if application is not None:
        observations = observations.filter(application=application)
    by_model: dict[str, list[tuple[int | None, str, str]]] = {}
    rows = observations.order_by("pk").values_list(
        "provider", "requested", "offering_id", "explanation", "alias"
    )
    for provider, requested, offering, explanation, alias in rows:
        model = f"{provider}/{requested}" if provider else requested
        by_model.setdefault(model, []).append((offering, explanation, alias))
    models = []
    for model in sorted(model for model in by_model if model > after)[:limit]:
        agreed, why = _agreed((row[0], row[1]) for row in by_model[model])
        aliases = {alias for _, _, alias in by_model[model] if alias}
        models.append(GatewayModel(model, agreed, why or _UNKNOWN, tuple(sorted(aliases))))
    return models


def identify_models(user: User, models: Sequence[str]) -> list[GatewayModel]:
    """Return the models of a gateway's own configuration, in order. One statement, and those of the
    catalogue if any is not observed."""
    split_ids = {model: split_provider(model, "") for model in models if "*" not in model}
    observed = _observed_offerings(user, split_ids)
    requested = {
        model: RequestedModel(model_id, host=provider)
        for model, (provider, model_id) in split_ids.items()
        if model not in observed and provider
    }
    matches = ModelMatcher(None).match(requested.values()) if requested else {}
    identified = []
    for model in models:
        if "*" in model:
            identified.append(GatewayModel(model, None, _WILDCARD))
        elif model in observed:
            identified.append(GatewayModel(model, *observed[model]))
        elif model not in requested:
            identified.append(GatewayModel(model, None, _NO_HOST))
        else:
            identified.append(_match(model, requested[model].names, matches))
    return identified


def _match(model: str, names: ModelNames, matches: Any) -> GatewayModel:
    match = matches[names]
    is_identified = (
        match.offering is not None and match.kind in {Matching.EXACT, Matching.ALIAS}
    ) and not match.is_open
    why = f"{match.why[:1].upper()}{match.why[1:]}" if match.why else _UNKNOWN
    return GatewayModel(
        model, match.offering if is_identified else None, why if why.endswith(".") else f"{why}."
    )


def _observed_offerings(
    user: User, split_ids: dict[str, tuple[str, str]]
) -> dict[str, tuple[int, str]]:
    """Return {model: (offering, why)} of IDs that gateways were observed to call, where all
    observations agree."""
    if not split_ids:
        return {}
    condition = Q()
    for provider, model_id in split_ids.values():
        condition |= Q(provider=provider, requested=model_id)
    rows = (
        Observation.objects.visible_to(user)
        .filter(condition, offering__isnull=False, missing_since__isnull=True)
        .exclude(gateway="")
        .order_by()
        .values_list("provider", "requested", "offering_id")
        .distinct()
    )
    offerings: dict[tuple[str, str], list[tuple[int | None, str]]] = {}
    for provider, model_id, offering in rows:
        offerings.setdefault((provider, model_id), []).append(
            (offering, "A gateway was observed to call it.")
        )
    observed = {}
    for model, names in split_ids.items():
        agreed, why = _agreed(offerings.get(names, ()))
        if agreed is not None:
            observed[model] = (agreed, why)
    return observed


def _agreed(rows: Iterable[tuple[int | None, str]]) -> tuple[int | None, str]:
    """Return the offering and the explanation if all rows have the same offering; otherwise
    none."""
    rows = list(rows)
    offerings = {offering for offering, _ in rows}
    if len(offerings) == 1:
        return rows[0]
    known = offerings - {None}
    return None, "It is identified differently in several places." if known else _UNKNOWN
