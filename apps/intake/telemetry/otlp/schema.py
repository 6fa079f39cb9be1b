"""OTLP message schema: the few fields that are read, as messages of the C decoder.

The generated classes of OTLP would make an object of every attribute and every event, including
prompts, and a small body of many empty messages would fill the memory. Here every level is a list
of byte strings, which are counted and then decoded one by one. A field that is not listed is
skipped. Field numbers are those of opentelemetry-proto 1.x, which are frozen."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_BYTES, _FIXED64, _SFIXED64, _INT32, _INT64, _DOUBLE, _BOOL = (
    _Field.TYPE_BYTES,
    _Field.TYPE_FIXED64,
    _Field.TYPE_SFIXED64,
    _Field.TYPE_INT32,
    _Field.TYPE_INT64,
    _Field.TYPE_DOUBLE,
    _Field.TYPE_BOOL,
)
_PACKAGE = "registry.otlp"
_file = descriptor_pb2.FileDescriptorProto(
    name="registry/otlp.proto", package=_PACKAGE, syntax="proto3"
)

_REPEATED_FIELDS = frozenset({"attributes", "resources", "scopes", "items", "points"})
_MAY_BE_ABSENT = frozenset(
    {"string_value", "int_value", "double_value", "as_double", "as_int", "sum"}
)


def _add_message(name: str, /, **fields: tuple[int, Any]) -> None:
    """Add a message to the schema; `fields` are (number, type) by name."""
    message = _file.message_type.add(name=name)
    for field, (number, kind) in fields.items():
        label = _Field.LABEL_REPEATED if field in _REPEATED_FIELDS else _Field.LABEL_OPTIONAL
        descriptor = message.field.add(name=field, number=number, type=kind, label=label)
        if field in _MAY_BE_ABSENT:
            message.oneof_decl.add(name=f"_{field}")
            descriptor.proto3_optional = True
            descriptor.oneof_index = len(message.oneof_decl) - 1


_add_message("KeyValue", key=(1, _BYTES), value=(2, _BYTES))
_add_message("AnyValue", string_value=(1, _BYTES), int_value=(3, _INT64), double_value=(4, _DOUBLE))
_add_message("Resource", attributes=(1, _BYTES))
_add_message("Scope", name=(1, _BYTES))
# both signals have the same frame: request, resource, scope, items
_add_message("Request", resources=(1, _BYTES))
_add_message("OfResource", resource=(1, _BYTES), scopes=(2, _BYTES))
_add_message("OfScope", scope=(1, _BYTES), items=(2, _BYTES))
_add_message("Status", code=(3, _INT32))
_add_message(
    "Span",
    trace_id=(1, _BYTES),
    span_id=(2, _BYTES),
    parent_span_id=(4, _BYTES),
    name=(5, _BYTES),
    start=(7, _FIXED64),
    attributes=(9, _BYTES),
    status=(15, _BYTES),
)
_add_message(
    "Metric",
    name=(1, _BYTES),
    sum_data=(7, _BYTES),
    histogram=(9, _BYTES),
    exponential=(10, _BYTES),
)
_add_message("Data", points=(1, _BYTES), temporality=(2, _INT32), is_monotonic=(3, _BOOL))
_add_message(
    "NumberPoint",
    start=(2, _FIXED64),
    at=(3, _FIXED64),
    as_double=(4, _DOUBLE),
    as_int=(6, _SFIXED64),
    attributes=(7, _BYTES),
)
_add_message(
    "HistogramPoint",
    start=(2, _FIXED64),
    at=(3, _FIXED64),
    count=(4, _FIXED64),
    sum=(5, _DOUBLE),
    attributes=(9, _BYTES),
)
_add_message(
    "ExponentialPoint",
    attributes=(1, _BYTES),
    start=(2, _FIXED64),
    at=(3, _FIXED64),
    count=(4, _FIXED64),
    sum=(5, _DOUBLE),
)
# the response, equal for both signals
_add_message("PartialSuccess", n_rejected=(1, _INT64), error_message=(2, _BYTES))
_add_message("Response", partial_success=(1, _BYTES))

_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(_file.SerializeToString())


def _message_class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


KeyValue, AnyValue, Resource, Scope = (
    _message_class("KeyValue"),
    _message_class("AnyValue"),
    _message_class("Resource"),
    _message_class("Scope"),
)
Request, ResourceItems, ScopeItems = (
    _message_class("Request"),
    _message_class("OfResource"),
    _message_class("OfScope"),
)
Span, Status = _message_class("Span"), _message_class("Status")
Metric, Data = _message_class("Metric"), _message_class("Data")
NumberPoint, HistogramPoint, ExponentialPoint = (
    _message_class("NumberPoint"),
    _message_class("HistogramPoint"),
    _message_class("ExponentialPoint"),
)
PartialSuccess, Response = _message_class("PartialSuccess"), _message_class("Response")
