"""A recorded OTLP request out of a file, with the operator's rights: the same way as through the
door."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.protobuf.message import DecodeError

from apps.intake.calls import metrics, otlp_protobuf
from apps.intake.calls import otlp_schema as schema
from apps.intake.calls.adding_up import add_up
from apps.intake.calls.limits import MOST_RECORDS
from apps.intake.calls.receiving import receive
from apps.intake.calls.records import Names, Read, TooMany, Unreadable
from apps.intake.calls.traces import read_traces
from apps.intake.calls.volumes import METRICS, TRACES
from apps.intake.models import Observation
from apps.intake.reconciling import reconcile

_TRACE_ID_BYTES = 16


def ingest_calls(body: bytes, *, application: int | None, at: datetime) -> dict[str, Any]:
    """Dependencies that its calls made and showed, and as rejected what belongs to no application
    or no known model.

    Traces or metrics, protobuf or JSON, as the content says. Unreadable where it is neither.
    """
    try:
        stream, read = _read(body)
    except TooMany as many:
        raise Unreadable(
            f"It holds more than {MOST_RECORDS:,} spans or points. Split it."
        ) from many
    receive(read=read, stream=stream, token=None, at=at, application=application)
    add_up(at=at)
    tally = reconcile(at=at)
    told = {call.names for call in read.calls}.union(reading.names for reading in read.readings)
    seen = [each for each in _seen(stream, application, told) if not _is_matched(each)]
    matched = len(
        {each.dependency_id for each in _seen(stream, application, told) if _is_matched(each)}
    )
    return {
        "created": tally["created"],
        "updated": tally["updated"],
        "unchanged": max(matched - tally["created"] - tally["updated"], 0),
        "rejected": [
            {"where": _where(each), "reason": each.why or each.get_state_display()} for each in seen
        ],
    }


def _read(body: bytes) -> tuple[str, Read]:
    if body.lstrip()[:1] == b"{":
        if b'"resourceMetrics"' in body:
            return METRICS, metrics.read_json(body)
        return TRACES, read_traces(body, is_json=True)
    if _holds_spans(body):
        return TRACES, read_traces(body, is_json=False)
    return METRICS, metrics.read_protobuf(body)


def _holds_spans(body: bytes) -> bool:
    """Both signals have one frame in protobuf: an item that begins with an id of a trace is a
    span."""
    try:
        for _, _, _, items in otlp_protobuf.scoped_items(body):
            for item in items:
                return len(schema.Span.FromString(item).trace_id) == _TRACE_ID_BYTES
    except DecodeError as broken:
        raise Unreadable(
            "It is no OTLP request: neither JSON nor protobuf of traces or metrics."
        ) from broken
    return True


def _seen(stream: str, application: int | None, told: Iterable[Names]) -> list[Observation]:
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
