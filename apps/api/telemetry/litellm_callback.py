"""Endpoint for LiteLLM's callback `generic_api`, which posts successful and failed calls."""

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
        "calls": serializers.IntegerField(help_text="Number of records counted."),
        "repeated": serializers.IntegerField(
            help_text="Number of records that were counted before."
        ),
        "dropped": serializers.IntegerField(
            help_text="Number of records not counted; `reason` states why."
        ),
        "reason": serializers.CharField(allow_blank=True),
    },
)


class LiteLLMCallbackView(TelemetryIngestView):
    """Set GENERIC_LOGGER_ENDPOINT to this URL and GENERIC_LOGGER_HEADERS to `Authorization=Bearer
    TOKEN`."""

    most_bytes = MAX_LOG_BYTES
    media_types: ClassVar[frozenset[str]] = frozenset(
        {JSON, "application/x-ndjson", "application/jsonl"}
    )

    @extend_schema(
        summary="Receive calls from LiteLLM's callback",
        description=(
            "JSON list or JSON lines of LiteLLM's standard logging payload, "
            "optionally with gzip or deflate. Calls are counted by alias, "
            "model and day. Prompts, answers, end users and addresses are "
            "not read. A repeated record counts once. The application is "
            "named by the tag `app:NAME`, otherwise by team, project or key."
        ),
        parameters=[
            OpenApiParameter(
                "gateway", str, description="Name of the gateway, if there are several."
            ),
        ],
        request={JSON: OpenApiTypes.ANY},
        responses={
            200: _ACCEPTED_RESPONSE,
            (503, MEDIA_TYPE): OpenApiResponse(
                ProblemSerializer,
                description="The aggregation is delayed; repeat after `Retry-After`",
            ),
        },
    )
    def post(self, request: Request, *args: object, **kwargs: object) -> HttpResponseBase:
        return super().post(request, *args, **kwargs)

    def take(self, body: bytes, kind: str, request: Request) -> HttpResponseBase:
        refuse_unknown_parameters(request.query_params, ("gateway", *FORMAT_PARAMETERS))
        gateway = gateway_name(request.query_params.get("gateway", ""))
        read_request = read_records(body, gateway=gateway)
        result = ingest_calls(
            request=read_request, stream=f"{GATEWAY_PREFIX}{gateway}", token=self.token, at=now()
        )
        return Response(
            {
                "calls": result.n_counted,
                "repeated": result.n_repeated,
                "dropped": result.n_dropped,
                "reason": result.reason,
            }
        )


__all__ = ["LiteLLMCallbackView"]
