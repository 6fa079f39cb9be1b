"""LiteLLM proxy config.yaml and responses of GET /model/info: the models behind each alias.

`model_name` is the alias; several entries with the same alias are one alias over several
deployments. `model` is `provider/id`; for azure the id is a deployment, whose model is stated only
by `base_model`. Fallbacks of an alias are read as fallbacks, in their order. Wildcards allow models
without naming any. (docs.litellm.ai, proxy configuration, version 1.108.)"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from apps.intake.documents.records import Document, Sighting, SkippedPart, UnreadableError, clean
from apps.intake.models import Confidence
from apps.intake.readers.yaml_text import load_documents

MAX_DEPLOYMENTS = 10_000
_STORED_PARAMS = (
    "model",
    "api_version",
    "region_name",
    "aws_region_name",
    "vertex_location",
    "custom_llm_provider",
)
_STORED_INFO = ("id", "base_model", "mode")
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
_ROLES = {"embedding": "embedding", "rerank": "reranker", "moderation": "guardrail"}
_PROVIDER_BY_MODEL = {
    "openai": re.compile(
        r"(gpt-|chatgpt-|o[134](-|$)|text-embedding-|dall-e|tts-|whisper-|omni-moderation)"
    ),
    "anthropic": re.compile(r"claude-"),
    "cohere": re.compile(r"(command|rerank|embed)-"),
}
# providers whose servers are distinguished only by their URL, of which the host name is stored
_SELF_HOSTED_PROVIDERS = {
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
    """Return the settings that `read_litellm` uses as JSON, without API keys and passwords; of a
    URL only the host name."""
    config = _load_config(body)
    redacted: dict[str, Any] = {
        "model_list": [_redact_deployment(deployment) for deployment in _list_deployments(config)]
    }
    for section, names in (
        ("router_settings", ("model_group_alias", *_FALLBACKS)),
        ("litellm_settings", ("default_fallbacks", *_FALLBACKS)),
    ):
        settings = _as_mapping(config.get(section))
        redacted[section] = {name: settings[name] for name in names if name in settings}
    if "include" in config:
        redacted["include"] = config["include"]
    return orjson.dumps(redacted, default=str, option=orjson.OPT_NON_STR_KEYS)


def read_litellm(body: bytes) -> Document:
    """Read the deployments of a LiteLLM proxy and their fallbacks, from its configuration or the
    response of GET /model/info. Included files are not followed. Raises UnreadableError."""
    config = _load_config(body)
    document = Document(maker="litellm")
    deployments = list(_list_deployments(config))
    if not deployments and "include" not in config:
        document.ignored.append(
            SkippedPart(
                "/model_list",
                "The file configures no model. For models that the proxy stores in its database, "
                "send the response of GET /model/info.",
            )
        )
    for name in _as_texts(config.get("include")):
        document.ignored.append(
            SkippedPart("/include", f"{name} is not followed: send that file separately.")
        )
    other_names = _collect_other_names(config)
    by_alias: dict[str, list[Sighting]] = {}
    for place, deployment in enumerate(deployments):
        location = f"/model_list/{place}"
        sighting = _build_sighting(deployment, location, other_names, document)
        if sighting is not None:
            document.sightings.append(sighting)
            by_alias.setdefault(sighting.alias, []).append(sighting)
    document.sightings += _find_fallbacks(config, by_alias, other_names, document)
    return document


def _load_config(body: bytes) -> dict[str, Any]:
    """Return the configuration as a mapping. Raises UnreadableError for other documents, and for a
    list of aliases without the models behind them."""
    documents = load_documents(body)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise UnreadableError(
            "The document is not a LiteLLM configuration. Send a YAML file with a model_list, or "
            "the response of GET /model/info."
        )
    config = documents[0]
    if (
        "model_list" not in config
        and not isinstance(config.get("data"), list)
        and "include" not in config
    ):
        raise UnreadableError(
            "The document has no model_list. Send the config.yaml of the proxy, or the response "
            "of GET /model/info."
        )
    rows = list(_list_deployments(config))
    if rows and not any(isinstance(row.get("litellm_params"), Mapping) for row in rows):
        # if it were imported, all models of the proxy would count as missing
        raise UnreadableError(
            "The document has aliases only, like the response of GET /v1/models. Send the "
            "response of GET /model/info, or the config.yaml of the proxy."
        )
    return config


def _list_deployments(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    rows = config["model_list"] if "model_list" in config else config.get("data")
    rows = rows if isinstance(rows, list) else []
    if len(rows) > MAX_DEPLOYMENTS:
        raise UnreadableError(
            f"The document has {len(rows):,} deployments; at most {MAX_DEPLOYMENTS:,} can be "
            "read. Split it."
        )
    for row in rows:
        yield row if isinstance(row, Mapping) else {}


def _redact_deployment(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the deployment with the stored parameters only; of its URL only the host name."""
    params, info = _as_mapping(row.get("litellm_params")), _as_mapping(row.get("model_info"))
    redacted_params = {
        name: params[name] for name in _STORED_PARAMS if isinstance(params.get(name), str)
    }
    if host := _host_of(params.get("api_base")):
        redacted_params["api_base"] = f"https://{host}"
    return {
        "model_name": str(row.get("model_name", "")),
        "litellm_params": redacted_params,
        "model_info": {
            name: info[name] for name in _STORED_INFO if isinstance(info.get(name), str)
        },
    }


def _build_sighting(
    row: Mapping[str, Any], location: str, other_names: Mapping[str, list[str]], document: Document
) -> Sighting | None:
    """Return the model of a deployment (`row`) as a sighting; None if it states none, with the
    reason in `document`. `other_names` is {alias: further names under which callers request it}."""
    alias = clean(row.get("model_name"))
    params, info = _as_mapping(row.get("litellm_params")), _as_mapping(row.get("model_info"))
    model = clean(params.get("model"))
    if not model:
        document.rejected.append(
            SkippedPart(location, "The deployment has no litellm_params.model.")
        )
        return None
    if "*" in model or "*" in alias:
        document.open_routes.append(
            SkippedPart(
                location,
                f"'{alias or model}' is a wildcard: it allows every model of "
                f"{model.split('/')[0]} and identifies none.",
            )
        )
        return None
    if model.startswith("os.environ/"):
        document.rejected.append(
            SkippedPart(
                location, f"'{model}' is read from the environment, which is not part of the file."
            )
        )
        return None
    provider, requested = split_provider(model, clean(params.get("custom_llm_provider")))
    base = clean(info.get("base_model"))
    facts: dict[str, Any] = {}
    if base:
        facts["base_model"] = base
    if other_names.get(alias):
        facts["also_called"] = other_names[alias]
    if provider in _SELF_HOSTED_PROVIDERS and (host := _host_of(params.get("api_base"))):
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
        where=location,
    )


def split_provider(model: str, provider: str) -> tuple[str, str]:
    """Split a model into (provider, id): `azure/deployment`, `openrouter/openai/gpt-4o`.

    LiteLLM looks up a name without a slash in its own list; the provider is returned if the name
    can belong to only one, else it is empty."""
    if provider:
        return provider, model.removeprefix(f"{provider}/")
    prefix, slash, model_id = model.partition("/")
    if slash:
        return prefix, model_id
    return next((name for name, bare in _PROVIDER_BY_MODEL.items() if bare.match(model)), ""), model


def _collect_other_names(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {alias: further names of it} from `model_group_alias`, which is {name: alias} or
    {name: {model: alias}}."""
    names_by_alias: dict[str, list[str]] = {}
    for name, target in _as_mapping(
        _as_mapping(config.get("router_settings")).get("model_group_alias")
    ).items():
        alias = target.get("model") if isinstance(target, Mapping) else target
        names_by_alias.setdefault(clean(alias), []).append(clean(name))
    return names_by_alias


def _find_fallbacks(
    config: Mapping[str, Any],
    by_alias: Mapping[str, list[Sighting]],
    other_names: Mapping[str, list[str]],
    document: Document,
) -> Iterator[Sighting]:
    """Yield the fallbacks of each alias, each deployment once per alias with its order in the first
    list. Targets without a deployment are noted in `document`."""
    canonical = {other_name: alias for alias, names in other_names.items() for other_name in names}
    seen_deployments: set[tuple[str, str]] = set()
    for alias, targets, location in _list_fallbacks(config):
        for order, target in enumerate(targets, 1):
            name = canonical.get(target, target)
            deployments = by_alias.get(name, [])
            if not deployments:
                document.rejected.append(
                    SkippedPart(
                        location,
                        f"'{alias}' has the fallback '{target}', which has no deployment in the "
                        "file.",
                    )
                )
            for deployment in deployments:
                if (alias, deployment.where) not in seen_deployments:
                    seen_deployments.add((alias, deployment.where))
                    yield Sighting(
                        requested=deployment.requested,
                        alias=alias,
                        provider=deployment.provider,
                        region=deployment.region,
                        gateway=deployment.gateway,
                        role="fallback",
                        fallback_order=order,
                        confidence=deployment.confidence,
                        facts={**deployment.facts, "falls_back_from": alias, "named": target},
                        where=location,
                    )


def _list_fallbacks(config: Mapping[str, Any]) -> Iterator[tuple[str, list[str], str]]:
    """Yield (alias, targets in order, location) of every fallback list; LiteLLM writes lists of
    mappings with one key."""
    for section in ("router_settings", "litellm_settings"):
        settings = _as_mapping(config.get(section))
        for kind in _FALLBACKS:
            for entry in settings.get(kind) or [] if isinstance(settings.get(kind), list) else []:
                for alias, targets in _as_mapping(entry).items():
                    names = [
                        clean(_target_name(target))
                        for target in (targets if isinstance(targets, list) else [targets])
                    ]
                    yield clean(alias), [name for name in names if name], f"/{section}/{kind}"
    default_names = _as_texts(_as_mapping(config.get("litellm_settings")).get("default_fallbacks"))
    if default_names:
        yield (
            "any model",
            [clean(name) for name in default_names],
            "/litellm_settings/default_fallbacks",
        )


def _target_name(target: Any) -> Any:
    return target.get("model") if isinstance(target, Mapping) else target


def _host_of(address: Any) -> str:
    """Return the host name of a URL; empty if the value is not a URL."""
    try:
        return (
            urlsplit(address).hostname or ""
            if isinstance(address, str) and "://" in address
            else ""
        )
    except ValueError:
        return ""


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _as_texts(value: Any) -> list[str]:
    return [str(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
