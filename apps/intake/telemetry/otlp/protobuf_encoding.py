"""OTLP/protobuf encoding of traces and metrics. The value of an attribute that is not allowed is
never decoded."""

from collections.abc import Iterator, Sequence

from google.protobuf.message import DecodeError

from apps.intake.telemetry.limits import MAX_RECORDS
from apps.intake.telemetry.otlp import schema
from apps.intake.telemetry.otlp.attributes import (
    ALLOWED_ATTRIBUTES,
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

_ERROR = 2
# bytes of the wire format: field 1 and field 2 with a length, field 3 with a number, and the bit
# that marks further bytes of a number
_FIRST, _SECOND, _INTEGER, _MORE = 0x0A, 0x12, 0x18, 0x80
_MIN_KEY_LENGTH = 4
# items and attributes without content, by the numbers of their fields
_EMPTY, _MAX_EMPTY = (b"\x0a\x00", b"\x12\x00", b"\x4a\x00"), 1_000_000
# of one span, resource or point; SDKs stop at 128
_MAX_ATTRIBUTES = 1_000
(
    NAME,
    NUMBER,
    RESPONSE_ID,
    ERROR,
    PARAMETERS,
    REQUESTER,
    USAGE,
    COUNT,
    PRESENT,
    VALUE,
) = (
    AttributeKind.NAME,
    AttributeKind.NUMBER,
    AttributeKind.RESPONSE_ID,
    AttributeKind.ERROR,
    AttributeKind.PARAMETERS,
    AttributeKind.REQUESTER,
    AttributeKind.USAGE,
    AttributeKind.COUNT,
    AttributeKind.PRESENT,
    AttributeKind.VALUE,
)
# {key: how its value is read}, None for keys that were looked up and are not read; numbered keys
# and those of others are added up to a limit
_kinds: dict[bytes, AttributeKind | None] = {
    key.encode(): kind for key, kind in ALLOWED_ATTRIBUTES.items()
}
_MAX_KINDS = 5_000
_NOT_LOOKED_UP = object()
_COUNT_USES = {key.encode(): uses for key, uses in COUNTS.items()}
# values of which nothing is present: `[]`, `{}` and an empty text
_MIN_PRESENT_LENGTH = 3
_ZERO_DIGIT = 0x30
_RESOURCE = {key.encode() for key in RESOURCE_ATTRIBUTES}
_ANSWER_SPAN = ANSWER_SPAN.encode()


def collect_traces(body: bytes, collector: SpanCollector) -> int:
    """Add the spans of an ExportTraceServiceRequest to the collector, and return their number.

    UnreadableError if the body is no such request, TooManyRecordsError beyond the limit."""
    n_spans = 0
    try:
        for resource, _, scope, spans in scoped_items(body):
            n_spans += len(spans)
            service, environment = service_of(resource)
            collector.add(_read_spans(spans), scope=scope, service=service, environment=environment)
            if is_gateway(scope):
                collector.add_answers(_read_answers(spans))
    except DecodeError as error:
        raise UnreadableError(
            "The body is not an ExportTraceServiceRequest in protobuf."
        ) from error
    return n_spans


def scoped_items(body: bytes) -> Iterator[tuple[dict[str, str], bytes, str, Sequence[bytes]]]:
    """Yield (allowed attributes of the resource, the encoded resource, name of the scope, encoded
    items).

    TooManyRecordsError beyond the limit of a request, DecodeError if the body is not OTLP."""
    # empty elements have 2 bytes, but 16 in memory; a body with very many of them is no telemetry
    if sum(body.count(empty) for empty in _EMPTY) > _MAX_EMPTY:
        raise TooManyRecordsError
    resources = schema.Request.FromString(body).resources
    n_frames, n_items = len(resources), 0
    texts: dict[str, str] = {}
    frames = []
    for raw in _check_limit(resources, n_frames):
        resource_items = schema.ResourceItems.FromString(raw)
        n_frames += len(resource_items.scopes)
        _check_limit((), n_frames)
        for raw_scope in resource_items.scopes:
            scope_items = schema.ScopeItems.FromString(raw_scope)
            n_items += len(scope_items.items)
            _check_limit((), n_items)
            frames.append((resource_items.resource, scope_items.scope, scope_items.items))
    last_resource: bytes | None = None
    for resource, scope, items in frames:
        if resource != last_resource:
            last_resource, texts = (
                resource,
                _text_attributes(schema.Resource.FromString(resource).attributes),
            )
        yield texts, resource, _decode_text(schema.Scope.FromString(scope).name), items


def _check_limit(items: Sequence[bytes], n: int) -> Sequence[bytes]:
    """Return the items; TooManyRecordsError if their number `n` is beyond the limit."""
    if n > MAX_RECORDS:
        raise TooManyRecordsError
    return items


def _text_attributes(attributes: Sequence[bytes]) -> dict[str, str]:
    return dict(
        decode_attribute(raw) for raw in attributes[:_MAX_ATTRIBUTES] if key_of(raw) in _RESOURCE
    )


def _read_spans(spans: Sequence[bytes]) -> Iterator[Span]:
    """Yield the spans that have any allowed attribute which is a name."""
    find_kind, decode_span = _kinds.get, schema.Span.FromString
    for body in spans:
        span = decode_span(body)
        name_items: list[Item] = []
        numbers: dict[str, int | float] = {}
        response_id = ""
        is_error = False
        uses = 0
        attributes = span.attributes
        for raw in (
            attributes if len(attributes) <= _MAX_ATTRIBUTES else attributes[:_MAX_ATTRIBUTES]
        ):
            if len(raw) < _MIN_KEY_LENGTH:
                continue
            # usually the key comes first; the length of an allowed key takes one byte
            kind: object = find_kind(raw[2 : 2 + raw[1]], _NOT_LOOKED_UP)
            if kind is None:
                continue
            if kind is _NOT_LOOKED_UP:
                kind = _look_up_kind(raw)
                if kind is None:
                    continue
            if kind is NAME:
                name_items.append(raw)
            elif kind is NUMBER:
                key, number = _read_compact_number(raw) or _read_number(raw)
                if number is not None:
                    numbers[key] = number
            elif kind is COUNT:
                uses |= _use_of_count(raw)
            elif kind is RESPONSE_ID:
                response_id = response_id or _read_short_text(raw) or decode_attribute(raw)[1]
            elif kind is ERROR:
                is_error = is_error or bool(decode_attribute(raw)[1])
            elif kind is PARAMETERS:
                model, parameter_uses = parameters_in(decode_attribute(raw)[1])
                name_items.append(("parameters.model", model))
                uses |= parameter_uses
            elif kind is REQUESTER:
                name_items.extend(
                    (f"tag.{tag}", tag_value)
                    for tag, tag_value in tags_in(decode_attribute(raw)[1]).items()
                )
            elif kind is USAGE:
                numbers.update(usage_in(decode_attribute(raw)[1]))
            else:
                uses |= _use_of_value(raw, kind)
        if name_items:
            status = span.status
            is_error = is_error or (
                bool(status) and schema.Status.FromString(status).code == _ERROR
            )
            yield Span(
                span.trace_id,
                span.span_id,
                span.parent_span_id,
                _decode_text(span.name),
                span.start,
                is_error,
                tuple(name_items),
                numbers,
                response_id,
                uses,
            )


def _look_up_kind(raw: bytes) -> AttributeKind | None:
    """Return how an attribute is read whose key was not looked up before; the answer is kept."""
    is_compact = raw[0] == _FIRST and raw[1] < _MORE
    key = raw[2 : 2 + raw[1]] if is_compact else key_of(raw)
    kind = kind_of(_decode_text(key))
    if is_compact and len(_kinds) < _MAX_KINDS:
        _kinds[key] = kind
    return kind


def _use_of_count(raw: bytes) -> int:
    """Return the items that a number proves, 0 if the number is 0."""
    last = raw[-1]
    # The last byte of an encoded number is 0 only if the number is; a text can end with the digit.
    if raw[0] != _FIRST or last == _ZERO_DIGIT:
        key, number = _read_number(raw)
        return COUNTS[key] if number is not None and number > 0 else 0
    return _COUNT_USES[raw[2 : 2 + raw[1]]] if last else 0


def _use_of_value(raw: bytes, kind: object) -> int:
    """Return the items that an attribute proves by its presence, its value, or the kinds of the
    parts of its messages."""
    attribute = schema.KeyValue.FromString(raw)
    key, value = _decode_text(attribute.key), attribute.value
    if kind is PRESENT:
        # two bytes are the frame of the value
        return present_use(key) if len(value) > 2 + _MIN_PRESENT_LENGTH - 1 else 0
    if kind is VALUE:
        text = schema.AnyValue.FromString(value).string_value or value
        return value_use(key, _decode_text(text))
    return uses_in_parts(value, is_output=MESSAGES[key])


def _read_answers(spans: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield (trace, the call's span, served model) of the gateway's spans that report it."""
    for body in spans:
        span = schema.Span.FromString(body)
        if span.name != _ANSWER_SPAN:
            continue
        model, is_answered = "", False
        for raw in span.attributes[:_MAX_ATTRIBUTES]:
            names_model, shows_answer = answer_field(_decode_text(key_of(raw)))
            is_answered = is_answered or shows_answer
            if names_model:
                model = decode_attribute(raw)[1]
        if model and is_answered:
            yield span.trace_id, span.parent_span_id, model


def key_of(raw: bytes) -> bytes:
    key: bytes = schema.KeyValue.FromString(raw).key
    return key


def decode_attribute(raw: bytes) -> tuple[str, str]:
    """Return (key, text) of an attribute; the text is empty if the value is of another type."""
    attribute = schema.KeyValue.FromString(raw)
    return _decode_text(attribute.key), _decode_text(
        schema.AnyValue.FromString(attribute.value).string_value
    )


def _read_compact_number(raw: bytes) -> tuple[str, int] | None:
    """Return (key, number) of an attribute in the usual layout, without the slower decoder: a short
    key, then an integer of at most four bytes. None for any other layout."""
    end = 2 + raw[1]
    if raw[0] != _FIRST or len(raw) < end + 4 or raw[end] != _SECOND or raw[end + 2] != _INTEGER:
        return None
    number = shift = 0
    for byte in raw[end + 3 : end + 7]:
        number |= (byte & 0x7F) << shift
        if byte < _MORE:
            return raw[2:end].decode("utf-8", "replace"), number
        shift += 7
    return None


def _read_short_text(raw: bytes) -> str:
    """Return the text of an attribute in the usual layout, without the slower decoder; empty for
    another layout, or a text of 128 bytes or more."""
    end = 2 + raw[1]
    if raw[0] == _FIRST and len(raw) > end + 4 and raw[end] == _SECOND and raw[end + 2] == _FIRST:
        length = raw[end + 3]
        if length < _MORE and len(raw) == end + 4 + length:
            return _decode_text(raw[end + 4 :])
    return ""


def _read_number(raw: bytes) -> tuple[str, int | float | None]:
    """Return (key, number) of an attribute, None if the value is no number or digits."""
    attribute = schema.KeyValue.FromString(raw)
    value = schema.AnyValue.FromString(attribute.value)
    if value.HasField("int_value"):
        return _decode_text(attribute.key), int(value.int_value)
    if value.HasField("double_value"):
        return _decode_text(attribute.key), float(value.double_value)
    digits = value.string_value
    number = int(digits) if digits.isdigit() and len(digits) < 16 else None
    return _decode_text(attribute.key), number


def _decode_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
