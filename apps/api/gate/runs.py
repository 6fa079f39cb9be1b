"""Runs of the release gate."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.gate.serializers import GateAnswerSerializer, SourceReadingSerializer
from apps.common.database.keyset_pagination import Keyset
from apps.gate.filters import GateRunFilter
from apps.gate.formats.response import build_response_body, run_findings
from apps.gate.models import GateRun


class GateRunSerializer(serializers.ModelSerializer[GateRun]):
    application = serializers.CharField(
        source="application.slug", read_only=True, help_text="Slug of the application."
    )
    by = serializers.CharField(source="by.username", read_only=True, allow_null=True)
    baseline_run = serializers.IntegerField(
        source="baseline_run_id", read_only=True, allow_null=True
    )

    catalogue_sources = SourceReadingSerializer(many=True, read_only=True)

    class Meta:
        model = GateRun
        fields = [
            "id",
            "application",
            "environment",
            "commit",
            "ref",
            "mode",
            "baseline",
            "baseline_run",
            "state",
            "decision",
            "exit_code",
            "summary",
            "policy_version",
            "catalogue_as_of",
            "catalogue_sources",
            "n_models",
            "n_errors",
            "n_warnings",
            "n_waived",
            "by",
            "asked_at",
            "asked_last_at",
            "decided_at",
            "released_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "asked_at": {"source": "requested_at"},
            "asked_last_at": {"source": "last_requested_at"},
        }


class GateRunViewSet(ReadViewSet[GateRun]):
    """Gate runs, latest first, of applications that the caller can view."""

    model = GateRun
    serializer_class = GateRunSerializer
    filterset_class = GateRunFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}

    @extend_schema(responses=GateAnswerSerializer, filters=False)
    @action(
        detail=True,
        url_path="answer",
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
    )
    def answer_given(self, request: Request, pk: str) -> Response:
        """The whole result of a run, including its findings."""
        run: Any = self.subject("application")
        return Response(build_response_body(run, run_findings(run)))
