"""OTLP/JSON encoding of traces, read as plain JSON.

IDs are hexadecimal, 64-bit numbers are text or numbers, enumerations are numbers, and a value may
be empty. Elements of an unexpected shape are skipped, not rejected."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import orjson

from apps.intake.telemetry.limits import MAX_BRACKETS, MAX_RECORDS
from apps.intake.telemetry.otlp.attributes import (
    ANSWER_SPAN,
    RESOURCE_ATTRIBUTES,
    AttributeKind,
    answer_field,
    is_gateway,
    kind_of,
    parameters_in,
    service_of,
    tags_in,
    usage_in,
)
from apps.intake.telemetry.otlp.spans import Item, Span, SpanCollector
from apps.intake.telemetry.otlp.use_attributes import COUNTS, MESSAGES, present_use, value_use
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError
from apps.intake.telemetry.used_items import uses_in_parts

_ERRORS = (2, "2", "STATUS_CODE_ERROR")
_HEX, _BASE64 = {32: 16, 16: 8}, {24: 16, 12: 8}


def collect_traces(body: bytes, collector: SpanCollector) -> int:
    """Add the spans of a request to the collector, and return their number.

    Raises UnreadableError and TooManyRecordsError."""
    n_spans = 0
    for resource, _, scope, spans in scoped_items(body, "resourceSpans", "scopeSpans", "spans"):
        n_spans += len(spans)
        service, environment = service_of(resource)
        collector.add(_read_spans(spans), scope=scope, service=service, environment=environment)
        if is_gateway(scope):
            collector.add_answers(_read_answers(spans))
    return n_spans


def scoped_items(
    body: bytes, resources_key: str, scopes_key: str, items_key: str
) -> Iterator[tuple[dict[str, str], dict[str, Any], str, list[Any]]]:
    """Yield (allowed attributes of the resource, the full resource, name of the scope, items).

    The keys are those of the lists in the request. Raises UnreadableError and
    TooManyRecordsError."""
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS:
        raise TooManyRecordsError
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"The body is not JSON: {error}.") from error
    if not isinstance(request, dict):
        raise UnreadableError(f"The body is JSON, but not an object with '{resources_key}'.")
    frames = []
    n_items = 0
    for resource_entry in _list_objects(request.get(resources_key)):
        full_resource = _get_object(resource_entry, "resource")
        resource = {
            key: text for key, text in _text_attributes(full_resource) if key in RESOURCE_ATTRIBUTES
        }
        for scope_entry in _list_objects(resource_entry.get(scopes_key)):
            items = _list_objects(scope_entry.get(items_key))
            n_items += len(items)
            if n_items > MAX_RECORDS:
                raise TooManyRecordsError
            name = _get_object(scope_entry, "scope").get("name")
            frames.append((resource, full_resource, name if isinstance(name, str) else "", items))
    yield from frames


def _list_objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _get_object(container: dict[str, Any], key: str) -> dict[str, Any]:
    value = container.get(key)
    return value if isinstance(value, dict) else {}


def attributes_of(item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key, value) of each attribute with a key and a value."""
    attributes = item.get("attributes")
    for attribute in attributes if isinstance(attributes, list) else ():
        if isinstance(attribute, dict):
            key, value = attribute.get("key"), attribute.get("value")
            if isinstance(key, str) and isinstance(value, dict):
                yield key, value


def _text_attributes(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
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


def _read_spans(spans: list[dict[str, Any]]) -> Iterator[Span]:
    """Yield the spans that have any allowed attribute which is a name."""
    for span in spans:
        name_items: list[Item] = []
        numbers: dict[str, int | float] = {}
        response_id = ""
        is_error = False
        uses = 0
        for key, value in attributes_of(span):
            kind = kind_of(key)
            if kind is None:
                continue
            if kind is AttributeKind.NAME:
                name_items.append((key, text_of(value)))
            elif kind is AttributeKind.NUMBER:
                number = number_of(value)
                if number is not None:
                    numbers[key] = number
            elif kind is AttributeKind.RESPONSE_ID:
                response_id = response_id or text_of(value)
            elif kind is AttributeKind.ERROR:
                is_error = is_error or bool(text_of(value))
            elif kind is AttributeKind.PARAMETERS:
                model, parameter_uses = parameters_in(text_of(value))
                name_items.append(("parameters.model", model))
                uses |= parameter_uses
            elif kind is AttributeKind.REQUESTER:
                name_items.extend(
                    (f"tag.{tag}", tag_value) for tag, tag_value in tags_in(text_of(value)).items()
                )
            elif kind is AttributeKind.USAGE:
                numbers.update(usage_in(text_of(value)))
            else:
                uses |= _use_of_value(key, value, kind)
        if name_items:
            name = span.get("name")
            yield Span(
                id_of(span.get("traceId")),
                id_of(span.get("spanId")),
                id_of(span.get("parentSpanId")),
                name if isinstance(name, str) else "",
                nanoseconds(span.get("startTimeUnixNano")),
                is_error or _get_object(span, "status").get("code") in _ERRORS,
                tuple(name_items),
                numbers,
                response_id,
                uses,
            )


def _use_of_value(key: str, value: dict[str, Any], kind: AttributeKind) -> int:
    """Return the items that an attribute proves by its number, its presence, its value, or the
    kinds of the parts of its messages."""
    if kind is AttributeKind.COUNT:
        number = number_of(value)
        return COUNTS[key] if number is not None and number > 0 else 0
    if kind is AttributeKind.PRESENT:
        return present_use(key) if _is_present(value) else 0
    if kind is AttributeKind.VALUE:
        return value_use(key, text_of(value) or " ".join(_texts_of(value)))
    return uses_in_parts(text_of(value), is_output=MESSAGES[key])


def _is_present(value: dict[str, Any]) -> bool:
    """Return whether an attribute has a value that is not an empty text, list or object."""
    if "stringValue" in value:
        return text_of(value) not in ("", "[]", "{}")
    return any(content not in ({}, None) for content in value.values())


def _texts_of(value: dict[str, Any]) -> list[str]:
    """Return the texts of a list."""
    values = _get_object(value, "arrayValue").get("values")
    return [text_of(item) for item in _list_objects(values)]


def _read_answers(spans: list[dict[str, Any]]) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield (trace, the call's span, served model) of the gateway's spans that report it."""
    for span in spans:
        if span.get("name") != ANSWER_SPAN:
            continue
        model, is_answered = "", False
        for key, value in attributes_of(span):
            names_model, shows_answer = answer_field(key)
            is_answered = is_answered or shows_answer
            if names_model:
                model = text_of(value)
        if model and is_answered:
            yield id_of(span.get("traceId")), id_of(span.get("parentSpanId")), model


def nanoseconds(value: Any) -> int:
    number = plain_number(value)
    return int(number) if number is not None and 0 <= number < 1 << 63 else 0


def id_of(value: Any) -> bytes:
    """Return the bytes of an id, equal to those of the protobuf encoding.

    Some senders write base64, which the length distinguishes from hexadecimal. Other texts are
    returned as bytes without decoding."""
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
