"""Small requests as exporters send them, written by hand, in OTLP/JSON and by the official classes
in protobuf."""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.common.time import now
from apps.intake.telemetry.otlp.traces import read_traces

PROMPT = "my secret prompt 4711"
OPENAI = "opentelemetry.instrumentation.openai_v2"


def span(
    name: str = "chat", *, attributes: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A span in OTLP/JSON; `attributes` are plain values. `error=True` sets its status."""
    start = fields.pop("start", None) or int(now().timestamp() * 1e9)
    made = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 1000),
        "attributes": listed(attributes or {}),
        "status": {"code": 2} if fields.pop("error", False) else {},
    }
    return made | fields


def call(
    requested: str = "gpt-4o", served: str = "gpt-4o-2024-11-20", **more: Any
) -> dict[str, Any]:
    """A span of one ordinary call by the newer convention; `more` overrides attributes, None takes
    one away."""
    fields = {
        key: more.pop(key)
        for key in ("start", "error", "traceId", "spanId", "parentSpanId")
        if key in more
    }
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": requested,
        "gen_ai.response.model": served,
        "gen_ai.response.id": f"chatcmpl-{secrets.token_hex(12)}",
        "gen_ai.usage.input_tokens": 19,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": PROMPT}]),
    } | more
    return span(
        attributes={key: value for key, value in told.items() if value is not None}, **fields
    )


def listed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if value is ...:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": value}


def request(
    *spans: dict[str, Any],
    scope: str = OPENAI,
    service: str = "web",
    scopes: dict[str, Iterable[Any]] | None = None,
    **resource: Any,
) -> dict[str, Any]:
    """An ExportTraceServiceRequest in JSON, of one scope or of several by name."""
    told = {"service.name": service, "telemetry.sdk.language": "python", **resource}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": listed(told)},
                "scopeSpans": [
                    {"scope": {"name": name}, "spans": list(found)}
                    for name, found in (scopes or {scope: spans}).items()
                ],
            }
        ]
    }


def as_json(made: dict[str, Any]) -> bytes:
    return json.dumps(made).encode()


def as_protobuf(made: dict[str, Any]) -> bytes:
    """By the official classes, so that the few fields we read are held against them."""
    whole = ExportTraceServiceRequest()
    for resource in made["resourceSpans"]:
        of_resource = whole.resource_spans.add()
        _fill(of_resource.resource.attributes, resource["resource"]["attributes"])
        for scoped in resource["scopeSpans"]:
            of_scope = of_resource.scope_spans.add()
            of_scope.scope.name = scoped["scope"]["name"]
            for told in scoped["spans"]:
                added = of_scope.spans.add(
                    trace_id=bytes.fromhex(told["traceId"]),
                    span_id=bytes.fromhex(told["spanId"]),
                    parent_span_id=bytes.fromhex(told.get("parentSpanId", "")),
                    name=told["name"],
                    kind=told["kind"],
                    start_time_unix_nano=int(told["startTimeUnixNano"]),
                    end_time_unix_nano=int(told["endTimeUnixNano"]),
                )
                if told["status"]:
                    added.status.code = 2
                    added.status.message = PROMPT
                _fill(added.attributes, told["attributes"])
    return whole.SerializeToString()


def _fill(into: Any, attributes: list[dict[str, Any]]) -> None:
    for pair in attributes:
        added = into.add(key=pair["key"])
        _set(added.value, pair["value"])


def _set(into: Any, value: dict[str, Any]) -> None:
    for kind, told in value.items():
        if kind == "stringValue":
            into.string_value = told
        elif kind == "intValue":
            into.int_value = int(told)
        elif kind == "doubleValue":
            into.double_value = told
        elif kind == "boolValue":
            into.bool_value = told
        else:
            for each in told["values"]:
                _set(into.array_value.values.add(), each)


def read_both(made: dict[str, Any]) -> list[Any]:
    """The calls, the same in both encodings."""
    calls = read_traces(as_json(made), is_json=True).calls
    assert read_traces(as_protobuf(made), is_json=False).calls == calls
    return calls
