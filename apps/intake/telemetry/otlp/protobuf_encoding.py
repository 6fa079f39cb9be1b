"""OTLP/protobuf encoding. Of an attribute that is not allowed only the key is read, never the
value."""

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
    model_in,
    service_of,
    tags_in,
    usage_in,
)
from apps.intake.telemetry.otlp.spans import Item, Span, SpanCollector
from apps.intake.telemetry.records import TooManyRecordsError, UnreadableError

_ERROR = 2
# on the wire: field 1 and field 2 with a length, field 3 with a number, and a byte that is not the
# number's last
_FIRST, _SECOND, _INTEGER, _MORE = 0x0A, 0x12, 0x18, 0x80
_MIN_KEY_LENGTH = 4
# items and attributes without content, by the numbers of their fields
_EMPTY, _MAX_EMPTY = (b"\x0a\x00", b"\x12\x00", b"\x4a\x00"), 1_000_000
# of one span, resource or point; SDKs stop at 128
_MAX_ATTRIBUTES = 1_000
NAME, NUMBER, RESPONSE_ID, ERROR, PARAMETERS, REQUESTER = (
    AttributeKind.NAME,
    AttributeKind.NUMBER,
    AttributeKind.RESPONSE_ID,
    AttributeKind.ERROR,
    AttributeKind.PARAMETERS,
    AttributeKind.REQUESTER,
)
_ALLOWED = {key.encode(): kind for key, kind in ALLOWED_ATTRIBUTES.items()}
_RESOURCE = {key.encode() for key in RESOURCE_ATTRIBUTES}
_ANSWER_SPAN = ANSWER_SPAN.encode()


def collect_traces(body: bytes, into: SpanCollector) -> int:
    """Read an ExportTraceServiceRequest, and return the number of its spans.

    UnreadableError if it is none, TooManyRecordsError if it holds more than one request may."""
    n_spans = 0
    try:
        for resource, _, scope, spans in scoped_items(body):
            n_spans += len(spans)
            service, environment = service_of(resource)
            into.add(_spans(spans), scope=scope, service=service, environment=environment)
            if is_gateway(scope):
                into.add_answers(_answers(spans))
    except DecodeError as broken:
        raise UnreadableError(
            "The body is not an ExportTraceServiceRequest in protobuf."
        ) from broken
    return n_spans


def scoped_items(body: bytes) -> Iterator[tuple[dict[str, str], bytes, str, Sequence[bytes]]]:
    """Yield (allowed attributes of the resource, all of it, name of the scope, items undecoded).

    TooManyRecordsError beyond the limit of a request; DecodeError if it is none."""
    # two bytes that become an object of sixteen: what is made of nothing else is no telemetry
    if sum(body.count(empty) for empty in _EMPTY) > _MAX_EMPTY:
        raise TooManyRecordsError
    resources = schema.Request.FromString(body).resources
    n_frames, n_items = len(resources), 0
    told: dict[str, str] = {}
    frames = []
    for raw in _capped(resources, n_frames):
        of_resource = schema.ResourceItems.FromString(raw)
        n_frames += len(of_resource.scopes)
        _capped((), n_frames)
        for scoped in of_resource.scopes:
            of_scope = schema.ScopeItems.FromString(scoped)
            n_items += len(of_scope.items)
            _capped((), n_items)
            frames.append((of_resource.resource, of_scope.scope, of_scope.items))
    last: bytes | None = None
    for resource, scope, items in frames:
        if resource != last:
            last, told = resource, _texts(schema.Resource.FromString(resource).attributes)
        yield told, resource, _text(schema.Scope.FromString(scope).name), items


def _capped(items: Sequence[bytes], n: int) -> Sequence[bytes]:
    if n > MAX_RECORDS:
        raise TooManyRecordsError
    return items


def _texts(attributes: Sequence[bytes]) -> dict[str, str]:
    return dict(
        decode_attribute(raw) for raw in attributes[:_MAX_ATTRIBUTES] if key_of(raw) in _RESOURCE
    )


def _spans(spans: Sequence[bytes]) -> Iterator[Span]:
    allowed, decode = _ALLOWED.get, schema.Span.FromString
    for body in spans:
        span = decode(body)
        named: list[Item] = []
        numbers: dict[str, int | float] = {}
        response_id = ""
        is_error = False
        attributes = span.attributes
        for raw in (
            attributes if len(attributes) <= _MAX_ATTRIBUTES else attributes[:_MAX_ATTRIBUTES]
        ):
            if len(raw) < _MIN_KEY_LENGTH:
                continue
            # the key comes first, and in all that is allowed its length is one byte
            kind = allowed(raw[2 : 2 + raw[1]])
            if kind is None:
                kind = allowed(key_of(raw)) if raw[0] != _FIRST else None
                if kind is None:
                    continue
            if kind is NAME:
                named.append(raw)
            elif kind is NUMBER:
                key, number = _whole(raw) or _number(raw)
                if number is not None:
                    numbers[key] = number
            elif kind is RESPONSE_ID:
                response_id = response_id or _short_text(raw) or decode_attribute(raw)[1]
            elif kind is ERROR:
                is_error = is_error or bool(decode_attribute(raw)[1])
            elif kind is PARAMETERS:
                named.append(("parameters.model", model_in(decode_attribute(raw)[1])))
            elif kind is REQUESTER:
                named.extend(
                    (f"tag.{tag}", told) for tag, told in tags_in(decode_attribute(raw)[1]).items()
                )
            else:
                numbers.update(usage_in(decode_attribute(raw)[1]))
        if named:
            status = span.status
            is_error = is_error or (
                bool(status) and schema.Status.FromString(status).code == _ERROR
            )
            yield Span(
                span.trace_id,
                span.span_id,
                span.parent_span_id,
                _text(span.name),
                span.start,
                is_error,
                tuple(named),
                numbers,
                response_id,
            )


def _answers(spans: Sequence[bytes]) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield (trace, the call's span, served model) of the gateway's spans that report it."""
    for body in spans:
        span = schema.Span.FromString(body)
        if span.name != _ANSWER_SPAN:
            continue
        model, is_answered = "", False
        for raw in span.attributes[:_MAX_ATTRIBUTES]:
            names, shows = answer_field(_text(key_of(raw)))
            is_answered = is_answered or shows
            if names:
                model = decode_attribute(raw)[1]
        if model and is_answered:
            yield span.trace_id, span.parent_span_id, model


def key_of(raw: bytes) -> bytes:
    key: bytes = schema.KeyValue.FromString(raw).key
    return key


def decode_attribute(raw: bytes) -> tuple[str, str]:
    """Return (key, text) of an attribute; another kind of value is the empty text."""
    pair = schema.KeyValue.FromString(raw)
    return _text(pair.key), _text(schema.AnyValue.FromString(pair.value).string_value)


def _whole(raw: bytes) -> tuple[str, int] | None:
    """Return (key, number) of an attribute that is laid out as every encoder does: a short key,
    then a whole number of at most four bytes. None for any other."""
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


def _short_text(raw: bytes) -> str:
    """Return the text of an attribute that is laid out as every encoder does and shorter than 128
    bytes; else empty."""
    end = 2 + raw[1]
    if raw[0] == _FIRST and len(raw) > end + 4 and raw[end] == _SECOND and raw[end + 2] == _FIRST:
        length = raw[end + 3]
        if length < _MORE and len(raw) == end + 4 + length:
            return _text(raw[end + 4 :])
    return ""


def _number(raw: bytes) -> tuple[str, int | float | None]:
    pair = schema.KeyValue.FromString(raw)
    value = schema.AnyValue.FromString(pair.value)
    if value.HasField("int_value"):
        return _text(pair.key), int(value.int_value)
    if value.HasField("double_value"):
        return _text(pair.key), float(value.double_value)
    digits = value.string_value
    return _text(pair.key), int(digits) if digits.isdigit() and len(digits) < 16 else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
