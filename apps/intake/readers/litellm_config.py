"""LiteLLM proxy config.yaml and responses of GET /model/info: the models that an alias leads to.

`model_name` is the alias; the same alias several times is one alias over several deployments.
`model` is `provider/id`; for azure the id is a deployment, whose model only `base_model` names.
Fallbacks of an alias are read as fallbacks, in their order. Wildcards allow models and name none.
(docs.litellm.ai, proxy configuration, version 1.108.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from apps.intake.documents.records import Document, Sighting, SkippedPart, UnreadableError, clean
from apps.intake.models import Confidence
from apps.intake.readers.yaml_text import load_documents

MAX_DEPLOYMENTS = 10_000
_KEPT_PARAMS = (
    "model",
    "api_version",
    "region_name",
    "aws_region_name",
    "vertex_location",
    "custom_llm_provider",
)
_KEPT_INFO = ("id", "base_model", "mode")
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
_ROLES = {"embedding": "embedding", "rerank": "reranker", "moderation": "guardrail"}
_PROVIDER_BY_MODEL = {
    "openai": re.compile(
        r"(gpt-|chatgpt-|o[134](-|$)|text-embedding-|dall-e|tts-|whisper-|omni-moderation)"
    ),
    "anthropic": re.compile(r"claude-"),
    "cohere": re.compile(r"(command|rerank|embed)-"),
}
# what LiteLLM calls hosts that are told apart by an address: the address's host is kept to tell
# which
_OWN_SERVERS = {
    "hosted_vllm",
    "vllm",
    "ollama",
    "ollama_chat",
    "lm_studio",
    "llamafile",
    "xinference",
    "triton",
}


def redact_litellm(body: bytes) -> bytes:
    """Return the part of a configuration that `read_litellm` reads, as JSON: no API key, no
    password, no URL beyond a host's name."""
    said = _load(body)
    kept: dict[str, Any] = {"model_list": [_kept_deployment(each) for each in _deployments(said)]}
    for section, names in (
        ("router_settings", ("model_group_alias", *_FALLBACKS)),
        ("litellm_settings", ("default_fallbacks", *_FALLBACKS)),
    ):
        found = _mapping(said.get(section))
        kept[section] = {name: found[name] for name in names if name in found}
    if "include" in said:
        kept["include"] = said["include"]
    return orjson.dumps(kept, default=str, option=orjson.OPT_NON_STR_KEYS)


def read_litellm(body: bytes) -> Document:
    said = _load(body)
    document = Document(maker="litellm")
    deployments = list(_deployments(said))
    if not deployments and "include" not in said:
        document.ignored.append(
            SkippedPart(
                "/model_list",
                "The file configures no model. For models that the proxy stores in its database, "
                "send the response of GET /model/info.",
            )
        )
    for name in _listed(said.get("include")):
        document.ignored.append(
            SkippedPart("/include", f"{name} is not followed: send that file separately.")
        )
    other_names = _other_names(said)
    by_alias: dict[str, list[Sighting]] = {}
    for place, deployment in enumerate(deployments):
        where = f"/model_list/{place}"
        sighting = _sighting(deployment, where, other_names, document)
        if sighting is not None:
            document.sightings.append(sighting)
            by_alias.setdefault(sighting.alias, []).append(sighting)
    document.sightings += _fallbacks(said, by_alias, other_names, document)
    return document


def _load(body: bytes) -> dict[str, Any]:
    documents = load_documents(body)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise UnreadableError(
            "The document is not a LiteLLM configuration. Send a YAML file with a model_list, or "
            "the response of GET /model/info."
        )
    said = documents[0]
    if (
        "model_list" not in said
        and not isinstance(said.get("data"), list)
        and "include" not in said
    ):
        raise UnreadableError(
            "The document has no model_list. Send the config.yaml of the proxy, or the response "
            "of GET /model/info."
        )
    rows = list(_deployments(said))
    if rows and not any(isinstance(row.get("litellm_params"), Mapping) for row in rows):
        # taken, it would make every model of the proxy a missing one
        raise UnreadableError(
            "The document has aliases only, like the response of GET /v1/models. Send the "
            "response of GET /model/info, or the config.yaml of the proxy."
        )
    return said


def _deployments(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rows = said["model_list"] if "model_list" in said else said.get("data")
    rows = rows if isinstance(rows, list) else []
    if len(rows) > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has {len(rows):,} deployments; at most {MAX_DEPLOYMENTS:,} can be "
            "read. Split it."
        )
    for row in rows:
        yield row if isinstance(row, Mapping) else {}


def _kept_deployment(row: Mapping[str, Any]) -> dict[str, Any]:
    params, info = _mapping(row.get("litellm_params")), _mapping(row.get("model_info"))
    kept = {name: params[name] for name in _KEPT_PARAMS if isinstance(params.get(name), str)}
    if host := _host_of(params.get("api_base")):
        kept["api_base"] = f"https://{host}"
    return {
        "model_name": str(row.get("model_name", "")),
        "litellm_params": kept,
        "model_info": {name: info[name] for name in _KEPT_INFO if isinstance(info.get(name), str)},
    }


def _sighting(
    row: Mapping[str, Any], where: str, other_names: Mapping[str, list[str]], document: Document
) -> Sighting | None:
    alias = clean(row.get("model_name"))
    params, info = _mapping(row.get("litellm_params")), _mapping(row.get("model_info"))
    model = clean(params.get("model"))
    if not model:
        document.rejected.append(SkippedPart(where, "The deployment has no litellm_params.model."))
        return None
    if "*" in model or "*" in alias:
        document.open_routes.append(
            SkippedPart(
                where,
                f"'{alias or model}' is a wildcard: it allows every model of "
                f"{model.split('/')[0]} and identifies none.",
            )
        )
        return None
    if model.startswith("os.environ/"):
        document.rejected.append(
            SkippedPart(
                where, f"'{model}' is read from the environment, which is not part of the file."
            )
        )
        return None
    provider, requested = _split(model, clean(params.get("custom_llm_provider")))
    base = clean(info.get("base_model"))
    facts: dict[str, Any] = {}
    if base:
        facts["base_model"] = base
    if other_names.get(alias):
        facts["also_called"] = other_names[alias]
    if provider in _OWN_SERVERS and (host := _host_of(params.get("api_base"))):
        facts["server"] = host
    region = next(
        (
            clean(params.get(key))
            for key in ("region_name", "aws_region_name", "vertex_location")
            if params.get(key)
        ),
        "",
    )
    return Sighting(
        requested=requested,
        alias=alias,
        provider=provider,
        region=region,
        gateway="litellm",
        role=_ROLES.get(str(info.get("mode", "")), ""),
        confidence=Confidence.GATEWAY_CONFIG,
        facts=facts,
        where=where,
    )


def _split(model: str, provider: str) -> tuple[str, str]:
    """Split a model into (provider, id): `azure/deployment`, `openrouter/openai/gpt-4o`.

    Without a slash LiteLLM looks the name up in its own list; if that can only be one provider, it
    is returned here too."""
    if provider:
        return provider, model.removeprefix(f"{provider}/")
    first, slash, rest = model.partition("/")
    if slash:
        return first, rest
    return next((name for name, bare in _PROVIDER_BY_MODEL.items() if bare.match(model)), ""), model


def _other_names(said: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {alias: further names for it} of `model_group_alias`: {name: alias} or {name: {model:
    alias}}."""
    found: dict[str, list[str]] = {}
    for name, target in _mapping(
        _mapping(said.get("router_settings")).get("model_group_alias")
    ).items():
        alias = target.get("model") if isinstance(target, Mapping) else target
        found.setdefault(clean(alias), []).append(clean(name))
    return found


def _fallbacks(
    said: Mapping[str, Any],
    by_alias: Mapping[str, list[Sighting]],
    other_names: Mapping[str, list[str]],
    document: Document,
) -> Iterator[Sighting]:
    """Return the fallbacks of each alias; the same target of several aliases keeps its place in the
    first list."""
    canonical = {other: alias for alias, others in other_names.items() for other in others}
    seen: set[tuple[str, str]] = set()
    for alias, targets, where in _fallback_lists(said):
        for order, target in enumerate(targets, 1):
            name = canonical.get(target, target)
            deployments = by_alias.get(name, [])
            if not deployments:
                document.rejected.append(
                    SkippedPart(
                        where,
                        f"'{alias}' has the fallback '{target}', which has no deployment in the "
                        "file.",
                    )
                )
            for each in deployments:
                if (alias, each.where) not in seen:
                    seen.add((alias, each.where))
                    yield Sighting(
                        requested=each.requested,
                        alias=alias,
                        provider=each.provider,
                        region=each.region,
                        gateway=each.gateway,
                        role="fallback",
                        fallback_order=order,
                        confidence=each.confidence,
                        facts={**each.facts, "falls_back_from": alias, "named": target},
                        where=where,
                    )


def _fallback_lists(said: Mapping[str, Any]) -> Iterator[tuple[str, list[str], str]]:
    """Yield (alias, targets in order, location) of every list; lists of one-key mappings, as
    LiteLLM writes them."""
    for section in ("router_settings", "litellm_settings"):
        settings = _mapping(said.get(section))
        for kind in _FALLBACKS:
            for entry in settings.get(kind) or [] if isinstance(settings.get(kind), list) else []:
                for alias, targets in _mapping(entry).items():
                    names = [
                        clean(_target(target))
                        for target in (targets if isinstance(targets, list) else [targets])
                    ]
                    yield clean(alias), [name for name in names if name], f"/{section}/{kind}"
    usual = _listed(_mapping(said.get("litellm_settings")).get("default_fallbacks"))
    if usual:
        yield "any model", [clean(name) for name in usual], "/litellm_settings/default_fallbacks"


def _target(target: Any) -> Any:
    return target.get("model") if isinstance(target, Mapping) else target


def _host_of(address: Any) -> str:
    try:
        return (
            urlsplit(address).hostname or ""
            if isinstance(address, str) and "://" in address
            else ""
        )
    except ValueError:
        return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []
