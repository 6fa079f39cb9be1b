"""OTLP/JSON encoding of traces, read as plain JSON.

IDs are hexadecimal there, 64-bit numbers text or numbers, enumerations numbers, and a value may be
empty. What has another shape than expected is left out, not rejected."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import orjson

from apps.intake.telemetry.limits import MAX_BRACKETS, MAX_RECORDS
from apps.intake.telemetry.otlp.attributes import (
    ALLOWED_ATTRIBUTES,
    ANSWER_SPAN,
    RESOURCE_ATTRIBUTES,
    AttributeKind,
    answer_field,
    is_gateway,
    model_in,
    service_of,
    tags_in,
    usage_in,
)
from apps.intake.telemetry.otlp.spans import Item, Span, SpanCollector
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError

_ERRORS = (2, "2", "STATUS_CODE_ERROR")
_HEX, _BASE64 = {32: 16, 16: 8}, {24: 16, 12: 8}


def collect_traces(body: bytes, into: SpanCollector) -> int:
    n_spans = 0
    for resource, _, scope, spans in scoped_items(body, "resourceSpans", "scopeSpans", "spans"):
        n_spans += len(spans)
        service, environment = service_of(resource)
        into.add(_spans(spans), scope=scope, service=service, environment=environment)
        if is_gateway(scope):
            into.add_answers(_answers(spans))
    return n_spans


def scoped_items(
    body: bytes, resources: str, scopes: str, items: str
) -> Iterator[tuple[dict[str, str], dict[str, Any], str, list[Any]]]:
    """Yield (allowed attributes of the resource, all of it, name of the scope, items).
    UnreadableError, TooManyRecordsError."""
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        raise TooManyRecordsError
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise UnreadableError(f"The body is not JSON: {broken}.") from broken
    if not isinstance(request, dict):
        raise UnreadableError(f"The body is JSON, but not an object with '{resources}'.")
    frames = []
    n_items = 0
    for of_resource in _objects(request.get(resources)):
        whole = _inner(of_resource, "resource")
        resource = {key: text for key, text in _texts(whole) if key in RESOURCE_ATTRIBUTES}
        for of_scope in _objects(of_resource.get(scopes)):
            found = _objects(of_scope.get(items))
            n_items += len(found)
            if n_items > MAX_RECORDS:
                raise TooManyRecordsError
            name = _inner(of_scope, "scope").get("name")
            frames.append((resource, whole, name if isinstance(name, str) else "", found))
    yield from frames


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _inner(of: dict[str, Any], key: str) -> dict[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def attributes_of(item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key, value) of each attribute that has both."""
    listed = item.get("attributes")
    for pair in listed if isinstance(listed, list) else ():
        if isinstance(pair, dict):
            key, value = pair.get("key"), pair.get("value")
            if isinstance(key, str) and isinstance(value, dict):
                yield key, value


def _texts(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((key, text_of(value)) for key, value in attributes_of(item))


def text_of(value: dict[str, Any]) -> str:
    text = value.get("stringValue")
    return text if isinstance(text, str) else ""


def number_of(value: dict[str, Any]) -> int | float | None:
    for key in ("intValue", "doubleValue", "stringValue"):
        if key in value:
            return plain_number(value[key])
    return None


def plain_number(number: Any) -> int | float | None:
    """Parse a JSON number, or digits in a text."""
    if isinstance(number, str):
        return int(number) if number.isascii() and number.isdigit() and len(number) < 21 else None
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def _spans(spans: list[dict[str, Any]]) -> Iterator[Span]:
    for span in spans:
        named: list[Item] = []
        numbers: dict[str, int | float] = {}
        response_id = ""
        is_error = False
        for key, value in attributes_of(span):
            kind = ALLOWED_ATTRIBUTES.get(key)
            if kind is None:
                continue
            if kind is AttributeKind.NAME:
                named.append((key, text_of(value)))
            elif kind is AttributeKind.NUMBER:
                number = number_of(value)
                if number is not None:
                    numbers[key] = number
            elif kind is AttributeKind.RESPONSE_ID:
                response_id = response_id or text_of(value)
            elif kind is AttributeKind.ERROR:
                is_error = is_error or bool(text_of(value))
            elif kind is AttributeKind.PARAMETERS:
                named.append(("parameters.model", model_in(text_of(value))))
            elif kind is AttributeKind.REQUESTER:
                named.extend((f"tag.{tag}", told) for tag, told in tags_in(text_of(value)).items())
            else:
                numbers.update(usage_in(text_of(value)))
        if named:
            name = span.get("name")
            yield Span(
                id_of(span.get("traceId")),
                id_of(span.get("spanId")),
                id_of(span.get("parentSpanId")),
                name if isinstance(name, str) else "",
                nanoseconds(span.get("startTimeUnixNano")),
                is_error or _inner(span, "status").get("code") in _ERRORS,
                tuple(named),
                numbers,
                response_id,
            )


def _answers(spans: list[dict[str, Any]]) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield (trace, the call's span, served model) of the gateway's spans that report it."""
    for span in spans:
        if span.get("name") != ANSWER_SPAN:
            continue
        model, is_answered = "", False
        for key, value in attributes_of(span):
            names, shows = answer_field(key)
            is_answered = is_answered or shows
            if names:
                model = text_of(value)
        if model and is_answered:
            yield id_of(span.get("traceId")), id_of(span.get("parentSpanId")), model


def nanoseconds(value: Any) -> int:
    number = plain_number(value)
    return int(number) if number is not None and 0 <= number < 1 << 63 else 0


def id_of(value: Any) -> bytes:
    """Return the bytes of an id, so that the same span is the same in either encoding.

    Some renderings write base64, as protobuf's JSON does; their length distinguishes them. Anything
    else stays as it is written."""
    if not isinstance(value, str):
        return b""
    try:
        if len(value) in _HEX:
            return bytes.fromhex(value)
        if len(value) in _BASE64:
            return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        pass
    return value.encode("utf-8", "replace")[:64]
