"""OTLP over HTTP at /otlp/v1/: a client sets OTEL_EXPORTER_OTLP_ENDPOINT=https://this-host/otlp and
a token.

Data that is not a model call is accepted and ignored, not rejected, since exporters would report an
error.
"""

from typing import TYPE_CHECKING, ClassVar

import orjson
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from apps.api.telemetry.base import JSON, PROTOBUF, TelemetryIngestView
from apps.common.processes.lazy_import import lazy_import
from apps.common.time import now
from apps.intake.telemetry.ingest import IngestResult, ingest_calls, instrumented_services
from apps.intake.telemetry.limits import MAX_BYTES
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.records import ReadRequest
from apps.intake.telemetry.volumes import METRICS, TRACES

if TYPE_CHECKING:
    from apps.intake.telemetry.otlp import metrics, schema
else:
    # loaded at the first request, since only processes that receive calls need the library
    metrics, schema = (
        lazy_import("apps.intake.telemetry.otlp.metrics"),
        lazy_import("apps.intake.telemetry.otlp.schema"),
    )


class OtlpIngestView(TelemetryIngestView):
    most_bytes = MAX_BYTES
    media_types: ClassVar[frozenset[str]] = frozenset({JSON, PROTOBUF})
    stream = ""
    # name of the JSON field with the number of dropped records
    rejected = ""

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        read_request = self.read(body, kind)
        return self.ingest_response(
            kind, ingest_calls(request=read_request, stream=self.stream, token=self.token, at=now())
        )

    def read(self, body: bytes, kind: str) -> ReadRequest:
        raise NotImplementedError

    def ingest_response(self, kind: str, result: IngestResult) -> HttpResponse:
        """Return Export…ServiceResponse in the content type of the request; empty if nothing was
        dropped."""
        sentence = f"{result.n_dropped} dropped: {result.reason}." if result.n_dropped else ""
        if kind == JSON:
            body = (
                {"partialSuccess": {self.rejected: str(result.n_dropped), "errorMessage": sentence}}
                if sentence
                else {}
            )
            return HttpResponse(orjson.dumps(body), content_type=JSON)
        content = b""
        if sentence:
            partial_success = schema.PartialSuccess(
                n_rejected=result.n_dropped, error_message=sentence.encode()
            )
            content = schema.Response(
                partial_success=partial_success.SerializeToString()
            ).SerializeToString()
        return HttpResponse(content, content_type=PROTOBUF)


@extend_schema(exclude=True)
class TracesIngestView(OtlpIngestView):
    stream, rejected = TRACES, "rejectedSpans"

    def read(self, body: bytes, kind: str) -> ReadRequest:
        return read_traces(body, is_json=kind == JSON, find_instrumented=instrumented_services)


@extend_schema(exclude=True)
class MetricsIngestView(OtlpIngestView):
    stream, rejected = METRICS, "rejectedDataPoints"

    def read(self, body: bytes, kind: str) -> ReadRequest:
        return metrics.read_json(body) if kind == JSON else metrics.read_protobuf(body)


@extend_schema(exclude=True)
class LogsIngestView(OtlpIngestView):
    """Accepts log records without reading them, since they contain prompts and answers."""

    rejected = "rejectedLogRecords"

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        return self.ingest_response(kind, IngestResult())


__all__ = ["LogsIngestView", "MetricsIngestView", "TracesIngestView"]
