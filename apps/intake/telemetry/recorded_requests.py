"""Replay of a recorded OTLP request from a file, with the operator's rights: the same path as
through the endpoint."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.protobuf.message import DecodeError

from apps.intake.models import Observation
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.ingest import ingest_calls
from apps.intake.telemetry.limits import MAX_RECORDS
from apps.intake.telemetry.otlp import metrics, protobuf_encoding, schema
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.records import (
    CallNames,
    ReadRequest,
    TooManyRecordsError,
    UnreadableError,
)
from apps.intake.telemetry.volumes import METRICS, TRACES

_TRACE_ID_BYTES = 16


def ingest_recorded_request(
    body: bytes, *, application: int | None, at: datetime
) -> dict[str, Any]:
    """Return dependencies that its calls created and confirmed, and as rejected what belongs to no
    application or no known model.

    Traces or metrics, protobuf or JSON, by the content. UnreadableError if it is neither."""
    try:
        stream, read = _read_request(body)
    except TooManyRecordsError as many:
        raise UnreadableError(
            f"The document has more than {MAX_RECORDS:,} spans or points. Split it."
        ) from many
    ingest_calls(read=read, stream=stream, token=None, at=at, application=application)
    aggregate_waiting(at=at)
    tally = reconcile_waiting(at=at)
    told = {call.names for call in read.calls}.union(reading.names for reading in read.readings)
    seen = [each for each in _observations_of(stream, application, told) if not _is_matched(each)]
    matched = len(
        {
            each.dependency_id
            for each in _observations_of(stream, application, told)
            if _is_matched(each)
        }
    )
    return {
        "created": tally["created"],
        "updated": tally["updated"],
        "unchanged": max(matched - tally["created"] - tally["updated"], 0),
        "rejected": [
            {"where": _where(each), "reason": each.explanation or each.get_state_display()}
            for each in seen
        ],
    }


def _read_request(body: bytes) -> tuple[str, ReadRequest]:
    if body.lstrip()[:1] == b"{":
        if b'"resourceMetrics"' in body:
            return METRICS, metrics.read_json(body)
        return TRACES, read_traces(body, is_json=True)
    if _holds_spans(body):
        return TRACES, read_traces(body, is_json=False)
    return METRICS, metrics.read_protobuf(body)


def _holds_spans(body: bytes) -> bool:
    """Return whether a protobuf body holds spans: both signals have one frame, and an item that
    begins with a trace id is a span."""
    try:
        for _, _, _, items in protobuf_encoding.scoped_items(body):
            for item in items:
                return len(schema.Span.FromString(item).trace_id) == _TRACE_ID_BYTES
    except DecodeError as broken:
        raise UnreadableError(
            "The document is not an OTLP request in JSON or protobuf with traces or metrics."
        ) from broken
    return True


def _observations_of(
    stream: str, application: int | None, told: Iterable[CallNames]
) -> list[Observation]:
    named = Observation.objects.filter(stream=stream).select_related("service")
    if application is not None:
        named = named.filter(application=application)
    wanted = {(names.requested, names.served, names.alias, names.environment) for names in told}
    services = {(names.scope, names.service) for names in told}
    return [
        each
        for each in named.filter(requested__in={names[0] for names in wanted})
        if (each.requested, each.served, each.alias, each.environment) in wanted
        and (
            application is not None
            or (each.service is not None and (each.service.scope, each.service.name) in services)
        )
    ]


def _is_matched(each: Observation) -> bool:
    return each.state == Observation.State.MATCHED


def _where(each: Observation) -> str:
    whose = each.service.name if each.service is not None else ""
    return f"{whose}: {each.requested or each.served}".lstrip(": ")
