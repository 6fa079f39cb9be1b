"""LiteLLM callback `generic_api`: a JSON list, or JSON lines, of its standard logging payload.

Of a record of some 13 KB the fields below are read: messages, answers, end users, addresses and
headers are not. `response.model` is the requested alias, except after a fallback, so that it never
counts as the served model."""

import math
from collections.abc import Iterator
from typing import Any

import orjson

from apps.intake.documents.records import clean
from apps.intake.models import Confidence
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
from apps.inventory.models import Dependency

# an unforeseen kind of line is not worth more than a mention
_ALIASES = (
    "user_api_key_team_alias",
    "team_alias",
    "user_api_key_project_alias",
    "user_api_key_alias",
)
_MAX_GATEWAY_NAME_LENGTH = 40


def read_records(body: bytes, *, gateway: str) -> ReadRequest:
    """Return the calls of one post; `gateway` is whose tags, teams and API keys they name.
    UnreadableError, TooManyRecordsError."""
    done = ReadRequest()
    known: dict[CallNames, CallNames] = {}
    for record in _records(body):
        done.n_records += 1
        if done.n_records > MAX_RECORDS:
            raise TooManyRecordsError
        call = _call(record, gateway) if isinstance(record, dict) else None
        if call is None:
            done.n_refused += 1
            done.refused_because = "a record has no model, or is not a JSON object"
        else:
            # equal names once: they are counted by identity
            done.calls.append(call._replace(names=known.setdefault(call.names, call.names)))
    return done


def _records(body: bytes) -> Iterator[Any]:
    if not body.strip():
        raise UnreadableError("The body is empty. Send a JSON list of LiteLLM logging payloads.")
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        raise TooManyRecordsError
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        yield from _lines(body, broken)
        return
    if isinstance(whole, dict):
        yield whole
    elif isinstance(whole, list):
        yield from whole
    else:
        raise UnreadableError(
            "The body is JSON, but not a list of logging payloads or a single one."
        )


def _lines(body: bytes, broken: orjson.JSONDecodeError) -> Iterator[Any]:
    lines = [line for line in body.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as also_broken:
            if number == 1:
                raise UnreadableError(
                    f"The body is not JSON or JSON lines: {broken}."
                ) from also_broken
            # one cut line does not take the others with it; it is counted as refused
            yield None


def _call(record: dict[str, Any], gateway: str) -> Call | None:
    requested, provider = (
        _text(record.get("model")),
        _text(record.get("custom_llm_provider")).lower(),
    )
    if not requested:
        return None
    if not provider and "/" in requested:
        provider = requested.partition("/")[0].lower()
    tags = _tags(record.get("request_tags"))
    service = clean(tags.get("app")) or clean(_alias_of(record.get("metadata"))) or gateway
    mapped = record.get("model_map_information")
    base = _text(mapped.get("model_map_key")) if isinstance(mapped, dict) else ""
    names = CallNames(
        scope=gateway,
        service=service,
        environment=clean(tags.get("env"), 60),
        alias=clean(record.get("model_group"))
        if isinstance(record.get("model_group"), str)
        else "",
        requested=requested,
        served="",
        provider=clean(provider, 120),
        region="",
        gateway="litellm",
        role=_role(_text(record.get("call_type"))),
        confidence=int(Confidence.GATEWAY_LOG),
        base_model="" if base == requested else base,
    )
    status = _text(record.get("status"))
    is_error = status == "failure"
    sent, answered = _number(record.get("prompt_tokens")), _number(record.get("completion_tokens"))
    if is_error and not sent and not answered:
        # a failed call tells nought of both: it is not known what it took
        sent = answered = None
    cost = _number(record.get("response_cost"))
    started = _number(record.get("startTime"))
    call_id = _text(record.get("litellm_call_id")) or _text(record.get("id"))
    # a fallback makes two records of one call id: another deployment, another status
    parts = (
        gateway,
        call_id,
        _text(record.get("model_id")),
        requested,
        status,
        "" if call_id else str(started),
    )
    return Call(
        names=names,
        at=int(started * 1_000_000_000) if started and started < 1e10 else 0,
        key=digest64(b"litellm", *(part.encode("utf-8", "replace") for part in parts)),
        key_at=0,
        is_error=is_error,
        input_tokens=_tokens(sent),
        output_tokens=_tokens(answered),
        cost_usd=None if cost is None or cost > MAX_COST_USD or (is_error and not cost) else cost,
        trace=clean(record.get("trace_id"), MAX_TRACE_LENGTH)
        if isinstance(record.get("trace_id"), str)
        else "",
    )


def _tags(listed: Any) -> dict[str, str]:
    """Return {"app": name, "env": name}; other tags, the user agent among them, do not identify the
    caller."""
    found: dict[str, str] = {}
    for tag in listed if isinstance(listed, list) else ():
        if isinstance(tag, str):
            name, _, value = tag.partition(":")
            if name in {"app", "env"} and value.strip():
                found.setdefault(name, value.strip())
    return found


def _alias_of(metadata: Any) -> str:
    if isinstance(metadata, dict):
        for key in _ALIASES:
            value = metadata.get(key)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""


def _role(call_type: str) -> str:
    if "embedding" in call_type:
        return Dependency.Role.EMBEDDING.value
    return Dependency.Role.RERANKER.value if "rerank" in call_type else ""


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    ):
        return value
    return None


def _tokens(number: float | None) -> int | None:
    return int(number) if number is not None and number <= MAX_TOKENS else None


def gateway_name(asked: str) -> str:
    """Return the gateway whose tags and API keys a post names: the sender's `?gateway=`, else
    LiteLLM as such."""
    return clean(asked, _MAX_GATEWAY_NAME_LENGTH).lower() or "litellm"
