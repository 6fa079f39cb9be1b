"""OTLP metrics of model clients as counter readings: numbers of calls and of tokens.

Read are `gen_ai.client.operation.duration` (its count is the calls) and the tokens, which the
conventions call `gen_ai.client.token.usage` so far and `gen_ai.client.inference.usage.*_tokens`
from now on. A data point without a model is ignored. What is counted here is volume: traces of the
same calls may be sampled, metrics are not."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import DecodeError

from apps.intake.telemetry.limits import MAX_COUNTER, MAX_RECORDS
from apps.intake.telemetry.otlp import json_encoding, schema
from apps.intake.telemetry.otlp.attributes import (
    ALLOWED_ATTRIBUTES,
    AttributeKind,
    is_model_call,
    names_of,
    service_of,
)
from apps.intake.telemetry.otlp.protobuf_encoding import decode_attribute, scoped_items
from apps.intake.telemetry.records import (
    CallNames,
    CounterReading,
    ReadRequest,
    TooManyRecordsError,
    UnreadableError,
    digest64,
)

CALLS = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
INPUT = "gen_ai.client.inference.usage.input_tokens"
OUTPUT = "gen_ai.client.inference.usage.output_tokens"
_READ_METRICS = frozenset({CALLS, TOKENS, INPUT, OUTPUT})
_DELTA, _CUMULATIVE = 1, 2
_TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105


class _DataPoint(NamedTuple):
    """Data point of a metric. `identity` distinguishes its series from every other one."""

    attributes: dict[str, str]
    identity: bytes
    start: int
    at: int
    n: int | None
    total: float | None
    temporality: int


def read_protobuf(body: bytes) -> ReadRequest:
    done = ReadRequest()
    try:
        for resource, whole, scope, metrics in scoped_items(body):
            frame = _MetricScope(resource, whole, scope)
            for raw in metrics:
                metric = schema.Metric.FromString(raw)
                name = metric.name.decode("utf-8", "replace")
                done.n_records += frame.add(
                    name, _points(metric) if name in _READ_METRICS else (), done
                )
    except DecodeError as broken:
        raise UnreadableError(
            "The body is not an ExportMetricsServiceRequest in protobuf."
        ) from broken
    return done


def read_json(body: bytes) -> ReadRequest:
    done = ReadRequest()
    for resource, whole, scope, metrics in json_encoding.scoped_items(
        body, "resourceMetrics", "scopeMetrics", "metrics"
    ):
        frame = _MetricScope(resource, orjson.dumps(whole, option=orjson.OPT_SORT_KEYS), scope)
        for metric in metrics:
            name = metric.get("name")
            if isinstance(name, str):
                done.n_records += frame.add(
                    name, _json_points(metric) if name in _READ_METRICS else (), done
                )
    return done


class _MetricScope:
    """Resource and scope whose points are read.

    All attributes of a resource identify its series, its process among them; only the allowed ones
    are names."""

    def __init__(self, resource: dict[str, str], whole: bytes, scope: str) -> None:
        self._service, self._environment = service_of(resource)
        self._scope = scope
        self._identity = digest64(whole, scope.encode()).to_bytes(8, "big", signed=True)

    def add(self, name: str, points: Any, into: ReadRequest) -> int:
        n_points = 0
        for point in points:
            n_points += 1
            if into.n_records + n_points > MAX_RECORDS:
                raise TooManyRecordsError
            names = self._names(point.attributes)
            if names is None or point.temporality not in (_DELTA, _CUMULATIVE):
                continue
            for measure, value in _measures(name, point):
                series = digest64(name.encode(), measure.encode(), self._identity, point.identity)
                is_delta = point.temporality == _DELTA
                into.readings.append(
                    CounterReading(names, measure, series, point.start, point.at, value, is_delta)
                )
        return n_points

    def _names(self, attributes: dict[str, str]) -> CallNames | None:
        if not is_model_call(attributes, scope="", name=""):
            return None
        is_error = bool(attributes.get("error.type"))
        found = {
            key: value
            for key, value in attributes.items()
            if ALLOWED_ATTRIBUTES.get(key) == AttributeKind.NAME and value
        }
        names = names_of(
            found,
            scope=self._scope,
            name="",
            service=self._service,
            environment=self._environment,
            is_error=is_error,
        )
        return names if names.requested or names.served else None


def _measures(name: str, point: _DataPoint) -> Iterator[tuple[str, float]]:
    if name == CALLS:
        if point.n is not None and 0 <= point.n < MAX_COUNTER:
            yield ("errors" if point.attributes.get("error.type") else "calls"), point.n
        return
    told = {INPUT: "input", OUTPUT: "output"}.get(name) or point.attributes.get(_TOKEN_TYPE, "")
    measure = {"input": "input", "output": "output", "completion": "output", "prompt": "input"}.get(
        told
    )
    if measure is None or point.total is None or not 0 <= point.total < MAX_COUNTER:
        return
    yield measure, point.total
    if measure == "input" and point.n is not None and 0 <= point.n < MAX_COUNTER:
        yield "with_usage", point.n


def _points(metric: Any) -> Iterator[_DataPoint]:
    for raw, kind in (
        (metric.histogram, schema.HistogramPoint),
        (metric.exponential, schema.ExponentialPoint),
        (metric.sum_data, schema.NumberPoint),
    ):
        if not raw:
            continue
        data = schema.Data.FromString(raw)
        for encoded in data.points[: MAX_RECORDS + 1]:
            point = kind.FromString(encoded)
            raw_attributes = sorted(point.attributes)
            attributes = dict(map(decode_attribute, raw_attributes))
            if kind is schema.NumberPoint:
                count = None
                total = float(point.as_int) if point.HasField("as_int") else point.as_double
            else:
                count, total = point.count, (point.sum if point.HasField("sum") else None)
            yield _DataPoint(
                attributes,
                b"\x1e".join(raw_attributes),
                point.start,
                point.at,
                count,
                total,
                data.temporality,
            )


_TEMPORALITIES = {
    1: _DELTA,
    2: _CUMULATIVE,
    "AGGREGATION_TEMPORALITY_DELTA": _DELTA,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": _CUMULATIVE,
}


def _json_points(metric: dict[str, Any]) -> Iterator[_DataPoint]:
    for shape in ("histogram", "exponentialHistogram", "sum"):
        data = metric.get(shape)
        if not isinstance(data, dict):
            continue
        said = data.get("aggregationTemporality")
        temporality = _TEMPORALITIES.get(said, 0) if isinstance(said, (int, str)) else 0
        listed = data.get("dataPoints")
        for point in listed if isinstance(listed, list) else ():
            if not isinstance(point, dict):
                continue
            pairs = sorted(json_encoding.attributes_of(point), key=lambda pair: pair[0])
            count, total = (
                json_encoding.plain_number(point.get("count")),
                json_encoding.plain_number(point.get("sum")),
            )
            if shape == "sum":
                count, total = (
                    None,
                    json_encoding.number_of(
                        {"intValue": point["asInt"]}
                        if "asInt" in point
                        else {"doubleValue": point.get("asDouble")}
                    ),
                )
            yield _DataPoint(
                {key: json_encoding.text_of(value) for key, value in pairs},
                orjson.dumps(pairs),
                json_encoding.nanoseconds(point.get("startTimeUnixNano")),
                json_encoding.nanoseconds(point.get("timeUnixNano")),
                None if count is None else int(count),
                total,
                temporality,
            )
