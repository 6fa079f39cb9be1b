"""Reading of OTLP traces, in either encoding."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from apps.common.processes.lazy_import import lazy_import
from apps.intake.telemetry.otlp import json_encoding
from apps.intake.telemetry.otlp.spans import SpanCollector
from apps.intake.telemetry.records import ReadRequest

if TYPE_CHECKING:
    from apps.intake.telemetry.otlp import protobuf_encoding
else:
    protobuf_encoding = lazy_import("apps.intake.telemetry.otlp.protobuf_encoding")


def read_traces(
    body: bytes,
    *,
    is_json: bool,
    find_instrumented: Callable[[SpanCollector], set[str]] = lambda _: set(),
) -> ReadRequest:
    """Return the calls of a request, encoded in JSON if `is_json`, otherwise in protobuf. Raises
    UnreadableError and TooManyRecordsError.

    `find_instrumented` returns the services whose SDK's own spans are known to be duplicates."""
    collector = SpanCollector(protobuf_encoding.decode_attribute)
    n_spans = (json_encoding if is_json else protobuf_encoding).collect_traces(body, collector)
    return collector.read(n_spans, find_instrumented(collector))
