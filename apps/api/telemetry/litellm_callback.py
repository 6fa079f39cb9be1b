"""Where LiteLLM's callback `generic_api` posts its logging payloads, successes and failures."""

from typing import ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.problems import MEDIA_TYPE
from apps.api.framework.validation import FORMAT_PARAMETERS, refuse_unknown_parameters
from apps.api.openapi.schema import ProblemSerializer
from apps.api.telemetry.base import JSON, TelemetryIngestView
from apps.common.time import now
from apps.intake.telemetry.ingest import ingest_calls
from apps.intake.telemetry.limits import MAX_LOG_BYTES
from apps.intake.telemetry.litellm import gateway_name, read_records
from apps.intake.telemetry.volumes import GATEWAY_PREFIX

_ACCEPTED_RESPONSE = inline_serializer(
    "LiteLLMCallbackTaken",
    {
        "calls": serializers.IntegerField(help_text="Counted."),
        "repeated": serializers.IntegerField(help_text="Counted before; sent again."),
        "dropped": serializers.IntegerField(help_text="Not counted; `reason` says why."),
        "reason": serializers.CharField(allow_blank=True),
    },
)


class LiteLLMCallbackView(TelemetryIngestView):
    """Set GENERIC_LOGGER_ENDPOINT to this address and GENERIC_LOGGER_HEADERS to
    `Authorization=Bearer TOKEN`."""

    most_bytes = MAX_LOG_BYTES
    media_types: ClassVar[frozenset[str]] = frozenset(
        {JSON, "application/x-ndjson", "application/jsonl"}
    )

    @extend_schema(
        summary="Take calls from LiteLLM's callback",
        description=(
            "A JSON list, or JSON lines, of LiteLLM's standard logging payload; gzip or deflate is "
            "allowed. Counted by"
            " alias, model and day. Prompts, answers, end users and addresses are not read. A "
            "record sent again counts"
            " once. Whose call it is say its tags (`app:NAME`), else team, project or key."
        ),
        parameters=[
            OpenApiParameter(
                "gateway", str, description="Which gateway this is, where there are several."
            ),
        ],
        request={JSON: OpenApiTypes.ANY},
        responses={
            200: _ACCEPTED_RESPONSE,
            (503, MEDIA_TYPE): OpenApiResponse(
                ProblemSerializer, description="Adding up is behind; again after `Retry-After`"
            ),
        },
    )
    def post(self, request: Request, *args: object, **kwargs: object) -> HttpResponseBase:
        return super().post(request, *args, **kwargs)

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        refuse_unknown_parameters(request.query_params, ("gateway", *FORMAT_PARAMETERS))
        gateway = gateway_name(request.query_params.get("gateway", ""))
        read = read_records(body, gateway=gateway)
        taken = ingest_calls(
            read=read, stream=f"{GATEWAY_PREFIX}{gateway}", token=self.token, at=now()
        )
        return Response(
            {
                "calls": taken.n_counted,
                "repeated": taken.n_repeated,
                "dropped": taken.n_dropped,
                "reason": taken.reason,
            }
        )


__all__ = ["LiteLLMCallbackView"]
