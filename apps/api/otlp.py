"""OTLP over HTTP, at /otlp/v1/: all a sender sets is
OTEL_EXPORTER_OTLP_ENDPOINT=https://this-host/otlp and a token.

What is no call of a model is taken and forgotten; it is not reported as rejected, or every exporter
would complain.
"""

from typing import TYPE_CHECKING, ClassVar

import orjson
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from apps.api.calls_door import JSON, PROTOBUF, CallsDoor
from apps.common.processes.lazy_import import lazy_import
from apps.common.time import now
from apps.intake.calls.limits import MOST_BYTES
from apps.intake.calls.receiving import Taken, also_instrumented, receive
from apps.intake.calls.records import Read
from apps.intake.calls.traces import read_traces
from apps.intake.calls.volumes import METRICS, TRACES

if TYPE_CHECKING:
    from apps.intake.calls import metrics, otlp_schema
else:
    # the library that decodes is for who receives calls
    metrics, otlp_schema = (
        lazy_import("apps.intake.calls.metrics"),
        lazy_import("apps.intake.calls.otlp_schema"),
    )


class OtlpDoor(CallsDoor):
    most_bytes = MOST_BYTES
    media_types: ClassVar[frozenset[str]] = frozenset({JSON, PROTOBUF})
    stream = ""
    # what JSON calls the number of what was dropped
    rejected = ""

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        read = self.read(body, kind)
        return self.answered(
            kind, receive(read=read, stream=self.stream, token=self.token, at=now())
        )

    def read(self, body: bytes, kind: str) -> Read:
        raise NotImplementedError

    def answered(self, kind: str, taken: Taken) -> HttpResponse:
        """Export…ServiceResponse in the content type that was sent; empty where nothing went
        lost."""
        sentence = f"{taken.n_dropped} dropped: {taken.reason}." if taken.n_dropped else ""
        if kind == JSON:
            said = (
                {"partialSuccess": {self.rejected: str(taken.n_dropped), "errorMessage": sentence}}
                if sentence
                else {}
            )
            return HttpResponse(orjson.dumps(said), content_type=JSON)
        content = b""
        if sentence:
            part = otlp_schema.PartialSuccess(
                n_rejected=taken.n_dropped, error_message=sentence.encode()
            )
            content = otlp_schema.Response(
                partial_success=part.SerializeToString()
            ).SerializeToString()
        return HttpResponse(content, content_type=PROTOBUF)


@extend_schema(exclude=True)
class TracesDoor(OtlpDoor):
    stream, rejected = TRACES, "rejectedSpans"

    def read(self, body: bytes, kind: str) -> Read:
        return read_traces(body, is_json=kind == JSON, remembered=also_instrumented)


@extend_schema(exclude=True)
class MetricsDoor(OtlpDoor):
    stream, rejected = METRICS, "rejectedDataPoints"

    def read(self, body: bytes, kind: str) -> Read:
        return metrics.read_json(body) if kind == JSON else metrics.read_protobuf(body)


@extend_schema(exclude=True)
class LogsDoor(OtlpDoor):
    """Prompts and answers are what log records of this kind hold: the body is not even looked
    at."""

    rejected = "rejectedLogRecords"

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        return self.answered(kind, Taken())


__all__ = ["LogsDoor", "MetricsDoor", "TracesDoor"]
