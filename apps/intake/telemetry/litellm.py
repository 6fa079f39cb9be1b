"""LiteLLM callback `generic_api`: a JSON list, or JSON lines, of its standard logging payload.

A record has about 13 KB. Only the fields below are read; end users, addresses and headers are not,
and of parameters, messages and responses only the keys that prove use (`used_items`).
`response.model` is the requested alias, except after a fallback, so that it never counts as the
served model.

A call that the callback `registry_lifecycle.py` refused has no deployment yet: the record names
only the alias. Its tag `lifecycle:refused|MODEL|ALIAS` names the model."""

import math
from collections.abc import Iterator
from typing import Any

import orjson

from apps.intake.documents.records import clean
from apps.intake.models import Confidence
from apps.intake.readers.litellm_config import split_provider
from apps.intake.telemetry.limits import (
    MAX_BRACKETS,
    MAX_COST_USD,
    MAX_RECORDS,
    MAX_TOKENS,
    MAX_TRACE_LENGTH,
)
from apps.intake.telemetry.records import (
    Call,
    CallNames,
    ReadRequest,
    TooManyRecordsError,
    UnreadableError,
    digest64,
)
from apps.intake.telemetry.used_items import uses_of_record
from apps.inventory.models import Dependency

# keys of the metadata that name the caller, tried in this order
_ALIASES = (
    "user_api_key_team_alias",
    "team_alias",
    "user_api_key_project_alias",
    "user_api_key_alias",
)
_MAX_GATEWAY_NAME_LENGTH = 40


def read_records(body: bytes, *, gateway: str) -> ReadRequest:
    """Return the calls of one post; tags, teams and API keys are names of `gateway`.

    Raises UnreadableError and TooManyRecordsError."""
    request = ReadRequest()
    interned_names: dict[CallNames, CallNames] = {}
    for record in _iterate_records(body):
        request.n_records += 1
        if request.n_records > MAX_RECORDS:
            raise TooManyRecordsError
        call = _build_call(record, gateway) if isinstance(record, dict) else None
        if call is None:
            request.n_refused += 1
            request.refused_because = "a record has no model, or is not a JSON object"
        else:
            # one object for equal names: calls are grouped by its id
            request.calls.append(
                call._replace(names=interned_names.setdefault(call.names, call.names))
            )
    return request


def _iterate_records(body: bytes) -> Iterator[Any]:
    """Yield the records of a JSON list, a single object, or JSON lines."""
    if not body.strip():
        raise UnreadableError("The body is empty. Send a JSON list of LiteLLM logging payloads.")
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        raise TooManyRecordsError
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        yield from _iterate_lines(body, error)
        return
    if isinstance(payload, dict):
        yield payload
    elif isinstance(payload, list):
        yield from payload
    else:
        raise UnreadableError(
            "The body is JSON, but not a list of logging payloads or a single one."
        )


def _iterate_lines(body: bytes, error: orjson.JSONDecodeError) -> Iterator[Any]:
    """Yield the records of JSON lines, None for a line that is not JSON.

    UnreadableError with the text of `error` if the first line is not JSON."""
    lines = [line for line in body.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as line_error:
            if number == 1:
                raise UnreadableError(
                    f"The body is not JSON or JSON lines: {error}."
                ) from line_error
            # one truncated line does not reject the others; it is counted as rejected
            yield None


def _build_call(record: dict[str, Any], gateway: str) -> Call | None:
    """Return the call of one record; None if no model is stated."""
    requested, provider = (
        _clean_text(record.get("model")),
        _clean_text(record.get("custom_llm_provider")).lower(),
    )
    if not requested:
        return None
    if not provider and "/" in requested:
        provider = requested.partition("/")[0].lower()
    status = _clean_text(record.get("status"))
    is_error = status == "failure"
    alias = clean(record.get("model_group")) if isinstance(record.get("model_group"), str) else ""
    tags = _read_tags(record.get("request_tags"))
    # a later success of the same request, by a fallback, has the tag as well
    refused = _read_refusal(tags) if is_error else None
    if refused is not None:
        provider, requested, alias = refused
    service = clean(tags.get("app")) or clean(_find_alias(record.get("metadata"))) or gateway
    model_map = record.get("model_map_information")
    base_model = _clean_text(model_map.get("model_map_key")) if isinstance(model_map, dict) else ""
    names = CallNames(
        scope=gateway,
        service=service,
        environment=clean(tags.get("env"), 60),
        alias=alias,
        requested=requested,
        served="",
        provider=clean(provider, 120),
        region="",
        gateway="litellm",
        role=_role_of_call(_clean_text(record.get("call_type"))),
        confidence=int(Confidence.GATEWAY_LOG),
        base_model="" if base_model == requested or refused is not None else base_model,
    )
    input_tokens, output_tokens = (
        _parse_number(record.get("prompt_tokens")),
        _parse_number(record.get("completion_tokens")),
    )
    if is_error and not input_tokens and not output_tokens:
        # a failed call reports 0 for both, although the numbers are unknown
        input_tokens = output_tokens = None
    cost = _parse_number(record.get("response_cost"))
    start_seconds = _parse_number(record.get("startTime"))
    call_id = _clean_text(record.get("litellm_call_id")) or _clean_text(record.get("id"))
    # a fallback makes two records of one call id, which differ in deployment and status
    key_fields = (
        gateway,
        call_id,
        _clean_text(record.get("model_id")),
        requested,
        status,
        "" if call_id else str(start_seconds),
    )
    return Call(
        names=names,
        at=int(start_seconds * 1_000_000_000) if start_seconds and start_seconds < 1e10 else 0,
        key=digest64(b"litellm", *(field.encode("utf-8", "replace") for field in key_fields)),
        key_at=0,
        is_error=is_error,
        input_tokens=_count_tokens(input_tokens),
        output_tokens=_count_tokens(output_tokens),
        cost_usd=None if cost is None or cost > MAX_COST_USD or (is_error and not cost) else cost,
        trace=clean(record.get("trace_id"), MAX_TRACE_LENGTH)
        if isinstance(record.get("trace_id"), str)
        else "",
        uses=uses_of_record(record),
        is_refused=refused is not None,
    )


def _read_tags(tags: Any) -> dict[str, str]:
    """Return {"app": name, "env": name, "lifecycle": refusal}; other tags, the user agent among
    them, do not identify the caller."""
    tag_values: dict[str, str] = {}
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str):
            name, _, value = tag.partition(":")
            if name in {"app", "env", "lifecycle"} and value.strip():
                tag_values.setdefault(name, value.strip())
    return tag_values


def _read_refusal(tags: dict[str, str]) -> tuple[str, str, str] | None:
    """Return (provider, model ID, alias) of a call that was refused by the lifecycle of its model;
    None for any other call."""
    word, *names = tags.get("lifecycle", "").split("|", 2)
    if word != "refused" or len(names) != 2 or not names[0]:
        return None
    provider, model_id = split_provider(clean(names[0]), "")
    return provider.lower(), model_id, clean(names[1])


def _find_alias(metadata: Any) -> str:
    """Return the alias of the caller's team, project or API key; empty if there is none."""
    if isinstance(metadata, dict):
        for key in _ALIASES:
            value = metadata.get(key)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""


def _role_of_call(call_type: str) -> str:
    if "embedding" in call_type:
        return Dependency.Role.EMBEDDING.value
    return Dependency.Role.RERANKER.value if "rerank" in call_type else ""


def _clean_text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _parse_number(value: Any) -> float | None:
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    ):
        return value
    return None


def _count_tokens(number: float | None) -> int | None:
    return int(number) if number is not None and number <= MAX_TOKENS else None


def gateway_name(gateway: str) -> str:
    """Return the normalised name of the gateway that a post states in `?gateway=`, by default
    "litellm"."""
    return clean(gateway, _MAX_GATEWAY_NAME_LENGTH).lower() or "litellm"
