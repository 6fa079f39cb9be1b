"""OpenTelemetry attributes of spans, data points and resources that are read, and their meaning;
all others are ignored.

Emitters use different keys: each fact has several, tried in order; an empty text counts as missing.
Sources: the OpenTelemetry conventions for generative AI (both generations), OpenInference,
OpenLLMetry, Vercel AI SDK, Langfuse and LiteLLM, as their exporters were observed to send them."""

import re
from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import urlsplit

import orjson

from apps.intake.documents.records import clean
from apps.intake.models import Confidence
from apps.intake.telemetry.otlp.use_attributes import (
    COUNTS,
    FINISH_REASONS,
    MAX_KEY_LENGTH,
    MESSAGES,
    OUTPUT_TYPE,
    present_use,
)
from apps.intake.telemetry.records import Attributes, CallNames
from apps.intake.telemetry.used_items import uses_in_parameters
from apps.inventory.models import Dependency


class AttributeKind(IntEnum):
    """Kind of an allowed attribute: how its value is read."""

    NAME = 1
    # JSON of which only the key `model`, and which keys it has, are read
    PARAMETERS = 2
    # a gateway's data about the caller, of which only tags are read
    REQUESTER = 3
    NUMBER = 4
    RESPONSE_ID = 5
    # JSON with numbers of tokens
    USAGE = 6
    # only its presence counts
    ERROR = 7
    # a number that proves use if it is above 0
    COUNT = 8
    # its presence proves use
    PRESENT = 9
    # an output type, or the reasons why an answer ended
    VALUE = 10
    # messages in JSON, of which only the kinds of parts are read
    MESSAGES = 11


_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_ADDRESS = ("server.address", "gen_ai.openai.api_base")
_REQUESTED = ("gen_ai.request.model", "llm.request.model_name", "ai.model.id", "parameters.model")
_SERVED = ("gen_ai.response.model", "llm.response.model_name")
# the served model; on an error the requested one
_EITHER = ("llm.model_name", "embedding.model_name")
_SERVED_LAST = ("ai.response.model", "langfuse.observation.model.name")
_KEY_WORDS = (
    "metadata.user_api_key_team_alias",
    "metadata.team_alias",
    "litellm.team.alias",
    "metadata.user_api_key_project_alias",
    "metadata.user_api_key_alias",
    "litellm.metadata.user_api_key_alias",
)
_INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "usage.input",
)
_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "usage.output",
)
_COST = ("gen_ai.cost.total_cost", "litellm.cost.total")
RESPONSE_IDS = ("gen_ai.response.id", "ai.response.id")

ALLOWED_ATTRIBUTES: dict[str, AttributeKind] = {
    **dict.fromkeys(
        (
            *_PROVIDER,
            "ai.model.provider",
            *_ADDRESS,
            *_REQUESTED[:-1],
            *_SERVED,
            *_EITHER,
            *_SERVED_LAST,
            "litellm.provider.model",
            "litellm.model_group",
            "gen_ai.operation.name",
            "openinference.span.kind",
            "langfuse.observation.type",
            "langfuse.environment",
            *_KEY_WORDS,
        ),
        AttributeKind.NAME,
    ),
    **dict.fromkeys(
        ("llm.invocation_parameters", "embedding.invocation_parameters"), AttributeKind.PARAMETERS
    ),
    **dict.fromkeys(
        ("metadata.requester_metadata", "metadata.requester_custom_headers"),
        AttributeKind.REQUESTER,
    ),
    **dict.fromkeys((*_INPUT[:-1], *_OUTPUT[:-1], *_COST), AttributeKind.NUMBER),
    **dict.fromkeys(RESPONSE_IDS, AttributeKind.RESPONSE_ID),
    "langfuse.observation.usage_details": AttributeKind.USAGE,
    "error.type": AttributeKind.ERROR,
    **dict.fromkeys(COUNTS, AttributeKind.COUNT),
    **dict.fromkeys(MESSAGES, AttributeKind.MESSAGES),
    **dict.fromkeys((OUTPUT_TYPE, *FINISH_REASONS), AttributeKind.VALUE),
}

_OF_NO_MODEL = frozenset(
    {
        "invoke_agent",
        "execute_tool",
        "create_agent",
        "invoke_workflow",
        "handle_conversation_turn",
        "retrieval",
        "litellm.vector_store_management",
        "litellm.vector_store_file_management",
        "litellm.responses_management",
    }
)
_MODEL_KINDS = frozenset({"LLM", "EMBEDDING", "RERANKER"})
_VERCEL = re.compile(r"^ai\..*\.do(Generate|Stream|Embed)$")
# values of the older convention, and of SDKs, as the newer one spells them
_RENAMED = {
    "az.ai.openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
# provider by the host of the URL: the SDK of OpenAI states `openai` for every compatible server
_HOSTS = tuple(
    (re.compile(rf"(^|[.-]){host}$"), provider)
    for host, provider in (
        (r"openai\.azure\.com", "azure.ai.openai"),
        (r"cognitiveservices\.azure\.com", "azure.ai.openai"),
        (r"(services|models)\.ai\.azure\.com", "azure.ai.inference"),
        (r"bedrock(-runtime|-mantle)?(-fips)?\.[a-z0-9-]+\.amazonaws\.com", "aws.bedrock"),
        (r"aiplatform\.googleapis\.com", "gcp.vertex_ai"),
        (r"generativelanguage\.googleapis\.com", "gcp.gemini"),
        (r"api\.openai\.com", "openai"),
        (r"api\.anthropic\.com", "anthropic"),
        (r"openrouter\.ai", "openrouter"),
        (r"api\.groq\.com", "groq"),
        (r"api\.mistral\.ai", "mistral"),
        (r"api\.deepseek\.com", "deepseek"),
        (r"api\.together\.xyz", "together"),
        (r"api\.fireworks\.ai", "fireworks"),
        (r"api\.x\.ai", "x_ai"),
        (r"api\.perplexity\.ai", "perplexity"),
        (r"api\.cohere\.(com|ai)", "cohere"),
    )
)
_REGION = re.compile(
    r"(?:bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com"
    r"|^([a-z0-9-]+)-aiplatform\.googleapis\.com)$"
)
_NO_HOST = re.compile(r"^[\d.]+$|:|^localhost$")
# tags in a Python or JSON rendering of a list, or in a header with commas
_TAG = re.compile(r"""\b(app|env):([^'"\],\\}]{1,256})""")
_GATEWAY_DEFAULT = "production"
_MAX_TAG_TEXT_LENGTH = 20_000


def kind_of(key: str) -> AttributeKind | None:
    """Return how the value of an attribute is read, None if it is not."""
    kind = ALLOWED_ATTRIBUTES.get(key)
    if kind is None and len(key) <= MAX_KEY_LENGTH and present_use(key):
        return AttributeKind.PRESENT
    return kind


def parameters_in(parameters: str) -> tuple[str, int]:
    """Return (the key `model`, items that the other keys prove) of a JSON object; empty and 0 if
    there are none."""
    try:
        data = orjson.loads(parameters)
    except orjson.JSONDecodeError:
        return "", 0
    if not isinstance(data, dict):
        return "", 0
    model = data.get("model")
    return model if isinstance(model, str) else "", uses_in_parameters(data)


def tags_in(text: str) -> dict[str, str]:
    """Return {"app": name, "env": name} as far as the tags of a text state them."""
    tags: dict[str, str] = {}
    for name, value in _TAG.findall(text[:_MAX_TAG_TEXT_LENGTH]):
        tags.setdefault(name, value.strip())
    return tags


def usage_in(details: str) -> dict[str, int | float]:
    """Return {"usage.input": tokens, "usage.output": tokens} as far as JSON states them."""
    try:
        data = orjson.loads(details)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(data, dict):
        return {}
    numbers = {
        "usage.input": _first_number(data, ("prompt_tokens", "input", "input_tokens")),
        "usage.output": _first_number(data, ("completion_tokens", "output", "output_tokens")),
    }
    return {key: value for key, value in numbers.items() if value is not None}


def _first_number(data: dict[str, object], keys: Iterable[str]) -> int | float | None:
    for key in keys:
        value = data.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    return None


def _first_text(attributes: Attributes, keys: Iterable[str]) -> str:
    for key in keys:
        value = attributes.get(key)
        if value:
            return value
    return ""


def tokens_of(
    numbers: dict[str, int | float],
) -> tuple[int | float | None, int | float | None, float | None]:
    """Return (input tokens, output tokens, cost in USD), each None if not reported."""
    return (
        _stated_number(numbers, _INPUT),
        _stated_number(numbers, _OUTPUT),
        _stated_number(numbers, _COST),
    )


def _stated_number(numbers: dict[str, int | float], keys: tuple[str, ...]) -> int | float | None:
    for key in keys:
        if key in numbers:
            return numbers[key]
    return None


def is_gateway(scope: str) -> bool:
    return scope == "litellm"


# LiteLLM's span beneath a call, which holds request and response in the format of the provider's
# API
ANSWER_SPAN = "raw_gen_ai_request"
# fields of responses only: for a streamed or failed call, the span has just the model of the
# request
_OF_ANSWERS = frozenset(
    {
        "id",
        "object",
        "usage",
        "choices",
        "created",
        "data",
        "stop_reason",
        "candidates",
        "usageMetadata",
        "responseId",
        "done",
        "system_fingerprint",
    }
)
_MODEL_OF_ANSWERS = frozenset({"model", "modelVersion"})
# another LiteLLM gateway responds with the requested alias
_NO_PROVIDERS = frozenset({"litellm_proxy"})


def answer_field(key: str) -> tuple[bool, bool]:
    """Return (is the key of the model, is the key of a field that only responses have).

    `key` is `llm.<provider>.<field>` of an ANSWER_SPAN."""
    kind, _, path = key.partition(".")
    provider, _, field = path.partition(".")
    if kind != "llm" or provider in _NO_PROVIDERS:
        return False, False
    return field in _MODEL_OF_ANSWERS, field in _OF_ANSWERS


def is_model_call(attributes: Attributes, *, scope: str, name: str) -> bool:
    """Return whether a span is one call of a model: not an agent, a tool, or a parent that repeats
    the data of its call."""
    operation = attributes.get("gen_ai.operation.name", "")
    if is_gateway(scope):
        return _is_gateway_call(attributes, operation, is_named=name == "litellm_request")
    kind = attributes.get("openinference.span.kind")
    if kind:
        return kind.upper() in _MODEL_KINDS
    kind = attributes.get("langfuse.observation.type")
    if kind:
        return kind in {"generation", "embedding"}
    if name.startswith("ai.") and (scope == "ai" or "ai.model.id" in attributes):
        return _VERCEL.match(name) is not None
    if operation in _OF_NO_MODEL:
        return False
    return bool(attributes.get("gen_ai.request.model") or attributes.get("gen_ai.response.model"))


def _is_gateway_call(attributes: Attributes, operation: str, *, is_named: bool) -> bool:
    """Return whether a gateway's span is the call itself; `is_named`: the span has the name of
    calls, `litellm_request`.

    Newer versions copy the names of the model to every span below a request, but only the call has
    an operation."""
    if operation in _OF_NO_MODEL:
        return False
    if attributes.get("litellm.provider.model"):
        return bool(operation or is_named or attributes.get("litellm.model_group"))
    # older versions do not have the attribute
    return is_named and bool(attributes.get("gen_ai.request.model"))


def names_of(
    attributes: Attributes, *, scope: str, name: str, service: str, environment: str, is_error: bool
) -> CallNames:
    """Return the names of a model call. A failed call (`is_error`) has requested names, but no
    served model."""
    provider, address = _identify_provider(attributes, scope)
    requested = _first_text(attributes, _REQUESTED)
    alias, service_scope, gateway, confidence = "", "", "", int(Confidence.SERVED)
    if is_gateway(scope):
        # the response model of LiteLLM is the requested alias, except after a fallback
        request_model, served = requested, ""
        requested = attributes.get("litellm.provider.model") or request_model
        # newer versions report the alias as the requested model
        alias = attributes.get("litellm.model_group") or (
            "" if request_model in {requested, requested.partition("/")[2]} else request_model
        )
        if not provider and "/" in requested:
            provider = requested.partition("/")[0].lower()
        tagged_service = clean(attributes.get("tag.app")) or clean(
            _first_text(attributes, _KEY_WORDS)
        )
        if tagged_service:
            service_scope, service = clean(service, 60), tagged_service
        # the default of the gateway says nothing about the caller
        environment = attributes.get("tag.env") or (
            "" if environment == _GATEWAY_DEFAULT else environment
        )
        gateway, confidence = "litellm", int(Confidence.GATEWAY_LOG)
    else:
        # a sender with a single key for both states the requested model on an error
        model_name = _first_text(attributes, (*_EITHER, *_SERVED_LAST))
        if is_error and not requested:
            requested = model_name
        served = _first_text(attributes, _SERVED) or ("" if is_error else model_name)
        environment = environment or attributes.get("langfuse.environment", "")
    return CallNames(
        scope=service_scope,
        service=clean(service),
        environment=clean(environment, 60),
        alias=clean(alias),
        requested=clean(requested),
        served=clean(served),
        provider=clean(provider, 120),
        region=_region_of(address),
        gateway=gateway,
        role=_role_of(attributes, name),
        confidence=confidence,
    )


def _identify_provider(attributes: Attributes, scope: str) -> tuple[str, str]:
    """Return (provider, host of the called URL)."""
    provider = _first_text(attributes, _PROVIDER).lower()
    if not provider:
        provider = attributes.get("ai.model.provider", "").lower().partition(".")[0]
    elif scope == "ai":
        # `openai.chat`, `anthropic.messages`: the provider and its API
        provider = provider.partition(".")[0]
    provider = _RENAMED.get(provider, provider)
    address = _host_of(_first_text(attributes, _ADDRESS))
    if not provider or provider == "openai":
        host_provider = (
            next((slug for host, slug in _HOSTS if host.search(address)), "") if address else ""
        )
        if host_provider:
            return host_provider, address
        if not provider and address and not _NO_HOST.search(address):
            provider = address
    return provider, address


def _host_of(address: str) -> str:
    if "://" in address:
        try:
            return (urlsplit(address).hostname or "").lower()
        except ValueError:
            return ""
    return address.partition("/")[0].lower()


def _region_of(address: str) -> str:
    match = _REGION.search(address) if address else None
    return (match[1] or match[2])[:60] if match else ""


def _role_of(attributes: Attributes, name: str) -> str:
    description = " ".join(
        (
            attributes.get("gen_ai.operation.name", ""),
            attributes.get("openinference.span.kind", ""),
            attributes.get("langfuse.observation.type", ""),
            name if name.endswith(".doEmbed") else "",
        )
    ).lower()
    if "embed" in description:
        return Dependency.Role.EMBEDDING.value
    return Dependency.Role.RERANKER.value if "rerank" in description else ""


def service_of(resource: Attributes) -> tuple[str, str]:
    """Return (service, environment) of a resource; the service is "namespace/name" or the name."""
    name = clean(resource.get("service.name")) or "unknown_service"
    space = clean(resource.get("service.namespace") or "")
    environment = (
        resource.get("deployment.environment.name") or resource.get("deployment.environment") or ""
    )
    return (f"{space}/{name}"[:256] if space else name), clean(environment, 60)


RESOURCE_ATTRIBUTES = frozenset(
    {"service.name", "service.namespace", "deployment.environment.name", "deployment.environment"}
)
