"""Replay of a recorded OTLP request from a file with the operator's rights, by the code of the
endpoint."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.protobuf.message import DecodeError

from apps.intake.models import Observation
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.requirements import observe_requirements
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
    """Ingest the request, and return the numbers of dependencies created, updated and unchanged,
    and the rejected observations: those without an application or a known model.

    The content decides whether it is traces or metrics, protobuf or JSON. UnreadableError if it is
    none of these."""
    try:
        stream, request = _read_request(body)
    except TooManyRecordsError as error:
        raise UnreadableError(
            f"The document has more than {MAX_RECORDS:,} spans or points. Split it."
        ) from error
    ingest_calls(request=request, stream=stream, token=None, at=at, application=application)
    aggregate_waiting(at=at)
    tally = reconcile_waiting(at=at)
    observe_requirements(at=at)
    call_names = {call.names for call in request.calls}.union(
        reading.names for reading in request.readings
    )
    unmatched_observations = [
        observation
        for observation in _observations_of(stream, application, call_names)
        if not _is_matched(observation)
    ]
    n_matched = len(
        {
            observation.dependency_id
            for observation in _observations_of(stream, application, call_names)
            if _is_matched(observation)
        }
    )
    return {
        "created": tally["created"],
        "updated": tally["updated"],
        "unchanged": max(n_matched - tally["created"] - tally["updated"], 0),
        "rejected": [
            {
                "where": _describe_location(observation),
                "reason": observation.explanation or observation.get_state_display(),
            }
            for observation in unmatched_observations
        ],
    }


def _read_request(body: bytes) -> tuple[str, ReadRequest]:
    """Return (stream, content) of a request in any of the four forms."""
    if body.lstrip()[:1] == b"{":
        if b'"resourceMetrics"' in body:
            return METRICS, metrics.read_json(body)
        return TRACES, read_traces(body, is_json=True)
    if _has_spans(body):
        return TRACES, read_traces(body, is_json=False)
    return METRICS, metrics.read_protobuf(body)


def _has_spans(body: bytes) -> bool:
    """Return whether a protobuf body holds spans.

    Traces and metrics have the same frame; an item that begins with a trace id is a span."""
    try:
        for _, _, _, items in protobuf_encoding.scoped_items(body):
            for item in items:
                return len(schema.Span.FromString(item).trace_id) == _TRACE_ID_BYTES
    except DecodeError as error:
        raise UnreadableError(
            "The document is not an OTLP request in JSON or protobuf with traces or metrics."
        ) from error
    return True


def _observations_of(
    stream: str, application: int | None, call_names: Iterable[CallNames]
) -> list[Observation]:
    """Return the stored observations of these names."""
    observations = Observation.objects.filter(stream=stream).select_related("service")
    if application is not None:
        observations = observations.filter(application=application)
    name_keys = {
        (names.requested, names.served, names.alias, names.environment) for names in call_names
    }
    services = {(names.scope, names.service) for names in call_names}
    return [
        observation
        for observation in observations.filter(requested__in={names[0] for names in name_keys})
        if (observation.requested, observation.served, observation.alias, observation.environment)
        in name_keys
        and (
            application is not None
            or (
                observation.service is not None
                and (observation.service.scope, observation.service.name) in services
            )
        )
    ]


def _is_matched(observation: Observation) -> bool:
    return observation.state == Observation.State.MATCHED


def _describe_location(observation: Observation) -> str:
    """Return "service: model", or only the model if there is no service."""
    service_name = observation.service.name if observation.service is not None else ""
    return f"{service_name}: {observation.requested or observation.served}".lstrip(": ")
