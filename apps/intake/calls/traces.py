"""OTLP traces, in either encoding, to calls."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from apps.common.processes.lazy_import import lazy_import
from apps.intake.calls import otlp_json
from apps.intake.calls.records import Read
from apps.intake.calls.spans import Collector

if TYPE_CHECKING:
    from apps.intake.calls import otlp_protobuf
else:
    otlp_protobuf = lazy_import("apps.intake.calls.otlp_protobuf")


def read_traces(
    body: bytes, *, is_json: bool, remembered: Callable[[Collector], set[str]] = lambda _: set()
) -> Read:
    """The calls of a request. `remembered` says of which services an SDK's own spans are known to
    be a second telling. Unreadable, TooMany."""
    collector = Collector(otlp_protobuf.decoded)
    n_spans = (otlp_json if is_json else otlp_protobuf).collect_traces(body, collector)
    return collector.read(n_spans, remembered(collector))
