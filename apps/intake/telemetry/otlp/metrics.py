"""OTLP metrics of model clients as counter readings: numbers of calls and of tokens.

Calls are the count of `gen_ai.client.operation.duration`. Tokens are `gen_ai.client.token.usage` in
older conventions and `gen_ai.client.inference.usage.*_tokens` in newer ones. A data point without a
model is ignored. Metrics count all calls, while traces of the same calls may be sampled."""

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
    """Data point of a metric; times are in nanoseconds. `identity` is that of its series."""

    attributes: dict[str, str]
    identity: bytes
    start: int
    at: int
    n: int | None
    total: float | None
    temporality: int


def read_protobuf(body: bytes) -> ReadRequest:
    """Return the readings of a request. Raises UnreadableError and TooManyRecordsError."""
    request = ReadRequest()
    try:
        for resource, full_resource, scope, metrics in scoped_items(body):
            metric_scope = _MetricScope(resource, full_resource, scope)
            for raw in metrics:
                metric = schema.Metric.FromString(raw)
                name = metric.name.decode("utf-8", "replace")
                request.n_records += metric_scope.add(
                    name, _read_points(metric) if name in _READ_METRICS else (), request
                )
    except DecodeError as error:
        raise UnreadableError(
            "The body is not an ExportMetricsServiceRequest in protobuf."
        ) from error
    return request


def read_json(body: bytes) -> ReadRequest:
    """Return the readings of a request. Raises UnreadableError and TooManyRecordsError."""
    request = ReadRequest()
    for resource, full_resource, scope, metrics in json_encoding.scoped_items(
        body, "resourceMetrics", "scopeMetrics", "metrics"
    ):
        metric_scope = _MetricScope(
            resource, orjson.dumps(full_resource, option=orjson.OPT_SORT_KEYS), scope
        )
        for metric in metrics:
            name = metric.get("name")
            if isinstance(name, str):
                request.n_records += metric_scope.add(
                    name, _read_json_points(metric) if name in _READ_METRICS else (), request
                )
    return request


class _MetricScope:
    """Resource and scope of data points.

    All attributes of a resource, including those of the process, identify its series; only the
    allowed ones are names."""

    def __init__(self, resource: dict[str, str], full_resource: bytes, scope: str) -> None:
        self._service, self._environment = service_of(resource)
        self._scope = scope
        self._identity = digest64(full_resource, scope.encode()).to_bytes(8, "big", signed=True)

    def add(self, name: str, points: Any, request: ReadRequest) -> int:
        """Add the readings of the points to the request, and return the number of points."""
        n_points = 0
        for point in points:
            n_points += 1
            if request.n_records + n_points > MAX_RECORDS:
                raise TooManyRecordsError
            names = self._build_names(point.attributes)
            if names is None or point.temporality not in (_DELTA, _CUMULATIVE):
                continue
            for measure, value in _read_measures(name, point):
                series = digest64(name.encode(), measure.encode(), self._identity, point.identity)
                is_delta = point.temporality == _DELTA
                request.readings.append(
                    CounterReading(names, measure, series, point.start, point.at, value, is_delta)
                )
        return n_points

    def _build_names(self, attributes: dict[str, str]) -> CallNames | None:
        """Return the names of the model calls that a data point counts; None if it counts none or
        names no model."""
        if not is_model_call(attributes, scope="", name=""):
            return None
        is_error = bool(attributes.get("error.type"))
        name_attributes = {
            key: value
            for key, value in attributes.items()
            if ALLOWED_ATTRIBUTES.get(key) == AttributeKind.NAME and value
        }
        names = names_of(
            name_attributes,
            scope=self._scope,
            name="",
            service=self._service,
            environment=self._environment,
            is_error=is_error,
        )
        return names if names.requested or names.served else None


def _read_measures(name: str, point: _DataPoint) -> Iterator[tuple[str, float]]:
    """Yield (measure, value) of a data point of the metric `name`."""
    if name == CALLS:
        if point.n is not None and 0 <= point.n < MAX_COUNTER:
            yield ("errors" if point.attributes.get("error.type") else "calls"), point.n
        return
    token_type = {INPUT: "input", OUTPUT: "output"}.get(name) or point.attributes.get(
        _TOKEN_TYPE, ""
    )
    measure = {"input": "input", "output": "output", "completion": "output", "prompt": "input"}.get(
        token_type
    )
    if measure is None or point.total is None or not 0 <= point.total < MAX_COUNTER:
        return
    yield measure, point.total
    if measure == "input" and point.n is not None and 0 <= point.n < MAX_COUNTER:
        yield "with_usage", point.n


def _read_points(metric: Any) -> Iterator[_DataPoint]:
    """Yield the data points of a metric in protobuf. A sum has no count of its own. Stops after
    MAX_RECORDS + 1 of each kind."""
    for raw, point_class in (
        (metric.histogram, schema.HistogramPoint),
        (metric.exponential, schema.ExponentialPoint),
        (metric.sum_data, schema.NumberPoint),
    ):
        if not raw:
            continue
        data = schema.Data.FromString(raw)
        for encoded in data.points[: MAX_RECORDS + 1]:
            point = point_class.FromString(encoded)
            raw_attributes = sorted(point.attributes)
            attributes = dict(map(decode_attribute, raw_attributes))
            if point_class is schema.NumberPoint:
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


def _read_json_points(metric: dict[str, Any]) -> Iterator[_DataPoint]:
    """Yield the data points of a metric in JSON, as `_read_points` does; values of a wrong type are
    read as missing."""
    for shape in ("histogram", "exponentialHistogram", "sum"):
        data = metric.get(shape)
        if not isinstance(data, dict):
            continue
        temporality_value = data.get("aggregationTemporality")
        temporality = (
            _TEMPORALITIES.get(temporality_value, 0)
            if isinstance(temporality_value, (int, str))
            else 0
        )
        points = data.get("dataPoints")
        for point in points if isinstance(points, list) else ():
            if not isinstance(point, dict):
                continue
            attributes = sorted(json_encoding.attributes_of(point), key=lambda item: item[0])
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
                {key: json_encoding.text_of(value) for key, value in attributes},
                orjson.dumps(attributes),
                json_encoding.nanoseconds(point.get("startTimeUnixNano")),
                json_encoding.nanoseconds(point.get("timeUnixNano")),
                None if count is None else int(count),
                total,
                temporality,
            )
