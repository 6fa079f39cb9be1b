"""OpenTelemetry attributes that are read of a span, a data point or a resource, and their meaning;
all others are ignored.

Emitters disagree: each fact has several keys, tried in order, an empty text counting as missing.
Sources: the OpenTelemetry conventions for generative AI (both generations), OpenInference,
OpenLLMetry, Vercel AI SDK, Langfuse and LiteLLM, as their exporters were observed to send them."""

import re
from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import urlsplit

import orjson

from apps.intake.documents.records import clean
from apps.intake.models import Confidence
from apps.intake.telemetry.records import Attributes, CallNames
from apps.inventory.models import Dependency


class AttributeKind(IntEnum):
    """Kind of an allowed attribute: how its value is read."""

    NAME = 1
    # JSON of which the key `model` alone is read, at once
    PARAMETERS = 2
    # a gateway's words about who asked, of which tags alone are read, at once
    REQUESTER = 3
    NUMBER = 4
    RESPONSE_ID = 5
    # JSON with numbers of tokens
    USAGE = 6
    # that it is there is all that counts
    ERROR = 7


_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_ADDRESS = ("server.address", "gen_ai.openai.api_base")
_REQUESTED = ("gen_ai.request.model", "llm.request.model_name", "ai.model.id", "parameters.model")
_SERVED = ("gen_ai.response.model", "llm.response.model_name")
# the model that answered, and on an error the one that was asked
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
# where a call really went, whatever SDK made it: `openai` is also what its SDK says of every
# compatible server
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


def model_in(parameters: str) -> str:
    """Return the key `model` of a JSON object; empty if there is none."""
    try:
        told = orjson.loads(parameters)
    except orjson.JSONDecodeError:
        return ""
    model = told.get("model") if isinstance(told, dict) else None
    return model if isinstance(model, str) else ""


def tags_in(words: str) -> dict[str, str]:
    """Return {"app": name, "env": name} as far as tags state them."""
    found: dict[str, str] = {}
    for name, value in _TAG.findall(words[:_MAX_TAG_TEXT_LENGTH]):
        found.setdefault(name, value.strip())
    return found


def usage_in(details: str) -> dict[str, int | float]:
    try:
        told = orjson.loads(details)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(told, dict):
        return {}
    found = {
        "usage.input": _first_number(told, ("prompt_tokens", "input", "input_tokens")),
        "usage.output": _first_number(told, ("completion_tokens", "output", "output_tokens")),
    }
    return {key: value for key, value in found.items() if value is not None}


def _first_number(told: dict[str, object], keys: Iterable[str]) -> int | float | None:
    for key in keys:
        value = told.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    return None


def _first(found: Attributes, keys: Iterable[str]) -> str:
    for key in keys:
        value = found.get(key)
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


# LiteLLM's span beneath a call, which holds the request and the answer as the provider's API words
# them
ANSWER_SPAN = "raw_gen_ai_request"
# what an answer has and a request has not: a streamed call, or one that failed, repeats the
# request's model alone
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
# another gateway of the kind answers with the alias that it was asked for
_NO_PROVIDERS = frozenset({"litellm_proxy"})


def answer_field(key: str) -> tuple[bool, bool]:
    """Return (names the model, shows that there was an answer) of a key `llm.<provider>.<field>` of
    an ANSWER_SPAN."""
    kind, _, rest = key.partition(".")
    provider, _, field = rest.partition(".")
    if kind != "llm" or provider in _NO_PROVIDERS:
        return False, False
    return field in _MODEL_OF_ANSWERS, field in _OF_ANSWERS


def is_model_call(found: Attributes, *, scope: str, name: str) -> bool:
    """Return whether a span is one call of a model: no agent, no tool, no parent that repeats what
    another reports."""
    operation = found.get("gen_ai.operation.name", "")
    if is_gateway(scope):
        return _is_gateway_call(found, operation, is_named=name == "litellm_request")
    kind = found.get("openinference.span.kind")
    if kind:
        return kind.upper() in _MODEL_KINDS
    kind = found.get("langfuse.observation.type")
    if kind:
        return kind in {"generation", "embedding"}
    if name.startswith("ai.") and (scope == "ai" or "ai.model.id" in found):
        return _VERCEL.match(name) is not None
    if operation in _OF_NO_MODEL:
        return False
    return bool(found.get("gen_ai.request.model") or found.get("gen_ai.response.model"))


def _is_gateway_call(found: Attributes, operation: str, *, is_named: bool) -> bool:
    """Return whether a gateway's span is the call itself.

    Newer versions pass the names of the model on to every span below a request: only the call has
    an operation."""
    if operation in _OF_NO_MODEL:
        return False
    if found.get("litellm.provider.model"):
        return bool(operation or is_named or found.get("litellm.model_group"))
    # versions before the attribute
    return is_named and bool(found.get("gen_ai.request.model"))


def names_of(
    found: Attributes, *, scope: str, name: str, service: str, environment: str, is_error: bool
) -> CallNames:
    """Return the names of a model call. On an error the requested names stay, and there is no
    served model."""
    provider, address = _provider(found, scope)
    requested = _first(found, _REQUESTED)
    alias, whose, gateway, confidence = "", "", "", int(Confidence.SERVED)
    if is_gateway(scope):
        # its response model is the alias that was asked for, except after a fallback
        asked, served = requested, ""
        requested = found.get("litellm.provider.model") or asked
        # newer versions tell the alias as the model that was requested
        alias = found.get("litellm.model_group") or (
            "" if asked in {requested, requested.partition("/")[2]} else asked
        )
        if not provider and "/" in requested:
            provider = requested.partition("/")[0].lower()
        tagged = clean(found.get("tag.app")) or clean(_first(found, _KEY_WORDS))
        if tagged:
            whose, service = clean(service, 60), tagged
        # a default of the gateway's, set by nobody
        environment = found.get("tag.env") or (
            "" if environment == _GATEWAY_DEFAULT else environment
        )
        gateway, confidence = "litellm", int(Confidence.GATEWAY_LOG)
    else:
        # on an error nothing answered: what a sender has one name for was asked for
        either = _first(found, (*_EITHER, *_SERVED_LAST))
        if is_error and not requested:
            requested = either
        served = _first(found, _SERVED) or ("" if is_error else either)
        environment = environment or found.get("langfuse.environment", "")
    return CallNames(
        scope=whose,
        service=clean(service),
        environment=clean(environment, 60),
        alias=clean(alias),
        requested=clean(requested),
        served=clean(served),
        provider=clean(provider, 120),
        region=_region(address),
        gateway=gateway,
        role=_role(found, name),
        confidence=confidence,
    )


def _provider(found: Attributes, scope: str) -> tuple[str, str]:
    """Return (provider, host of the URL that was called)."""
    provider = _first(found, _PROVIDER).lower()
    if not provider:
        provider = found.get("ai.model.provider", "").lower().partition(".")[0]
    elif scope == "ai":
        # `openai.chat`, `anthropic.messages`: an SDK's provider and the way it is called
        provider = provider.partition(".")[0]
    provider = _RENAMED.get(provider, provider)
    address = _host(_first(found, _ADDRESS))
    if not provider or provider == "openai":
        known = next((slug for host, slug in _HOSTS if host.search(address)), "") if address else ""
        if known:
            return known, address
        if not provider and address and not _NO_HOST.search(address):
            provider = address
    return provider, address


def _host(address: str) -> str:
    if "://" in address:
        try:
            return (urlsplit(address).hostname or "").lower()
        except ValueError:
            return ""
    return address.partition("/")[0].lower()


def _region(address: str) -> str:
    match = _REGION.search(address) if address else None
    return (match[1] or match[2])[:60] if match else ""


def _role(found: Attributes, name: str) -> str:
    words = " ".join(
        (
            found.get("gen_ai.operation.name", ""),
            found.get("openinference.span.kind", ""),
            found.get("langfuse.observation.type", ""),
            name if name.endswith(".doEmbed") else "",
        )
    ).lower()
    if "embed" in words:
        return Dependency.Role.EMBEDDING.value
    return Dependency.Role.RERANKER.value if "rerank" in words else ""


def service_of(resource: Attributes) -> tuple[str, str]:
    """Return (service, environment) of a resource: namespace and name, as the sender writes
    them."""
    name = clean(resource.get("service.name")) or "unknown_service"
    space = clean(resource.get("service.namespace") or "")
    environment = (
        resource.get("deployment.environment.name") or resource.get("deployment.environment") or ""
    )
    return (f"{space}/{name}"[:256] if space else name), clean(environment, 60)


RESOURCE_ATTRIBUTES = frozenset(
    {"service.name", "service.namespace", "deployment.environment.name", "deployment.environment"}
)
