"""Evidence packs: requested, created by a worker, downloaded."""

import contextlib
from datetime import timedelta
from typing import Any

import django_filters
from django.http import Http404, StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from kombu.exceptions import OperationalError
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.views import RETRY_AFTER_SECONDS
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import VisibleApplicationField
from apps.catalog.models import Provider
from apps.common.database.keyset_pagination import Keyset
from apps.common.exports.jobs import is_available, read_parts
from apps.common.time import now
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application
from apps.reports.models import EvidencePack
from apps.reports.packs.actions import request_pack
from apps.reports.tasks import make_one_pack


class EvidencePackSerializer(serializers.ModelSerializer[EvidencePack]):
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null for another scope.",
    )
    provider = serializers.CharField(
        source="provider.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider; null for another scope.",
    )
    asked_by = serializers.CharField(source="requested_by.username", read_only=True)

    class Meta:
        model = EvidencePack
        fields = [
            "id",
            "scope",
            "application",
            "provider",
            "since",
            "until",
            "whole_organisation",
            "asked_by",
            "as_of",
            "state",
            "error",
            "started_at",
            "finished_at",
            "digest",
            "n_bytes",
            "n_files",
            "expires_on",
        ]
        read_only_fields = fields


class AskPackSerializer(serializers.Serializer[Any]):
    """A pack about `application` or `provider`, or about everything that you can view if neither is
    sent."""

    application = VisibleApplicationField(
        slug_field="slug", queryset=Application.objects.none(), required=False
    )
    provider = serializers.SlugRelatedField(
        slug_field="slug", queryset=Provider.objects.all(), required=False
    )
    since = serializers.DateField(
        validators=[validate_plausible_date], help_text="First date of the period."
    )
    until = serializers.DateField(
        validators=[validate_plausible_date], help_text="Last date of the period."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "application" in attrs and "provider" in attrs:
            raise serializers.ValidationError("Send either an application or a provider.")
        return attrs


class EvidencePackFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(choices=EvidencePack.State.choices, label="State")
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    provider = django_filters.CharFilter(field_name="provider__slug", label="Provider (slug)")

    class Meta:
        model = EvidencePack
        fields: list[str] = []


class ZipRenderer(BaseRenderer):
    media_type = "application/zip"
    format = "zip"
    render_style = "binary"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b""


class EvidencePackViewSet(ReadViewSet[EvidencePack]):
    """Evidence packs, latest first: your own, as long as you can view everything in them; all of
    them for organisation roles."""

    # a worker creates the pack later, from all that the requester can view
    is_personal = True
    model = EvidencePack
    serializer_class = EvidencePackSerializer
    filterset_class = EvidencePackFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    @extend_schema(
        request=AskPackSerializer,
        responses={202: EvidencePackSerializer},
        examples=[
            OpenApiExample(
                "one year of one application",
                request_only=True,
                value={
                    "application": "claims-triage",
                    "since": "2026-01-01",
                    "until": "2026-12-31",
                },
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Request a pack, which a worker creates. Its URL is in `Location`; the file is at `file/`
        once it is done."""
        data = self.validated(AskPackSerializer)
        pack = request_pack(
            by=self.user, at=now(), **{**data, "until": data["until"] + timedelta(days=1)}
        )
        # if the broker is unavailable, beat finds the pack within a minute
        with contextlib.suppress(OperationalError):
            make_one_pack.delay(pack.pk)
        response = self.answer(pack, status.HTTP_202_ACCEPTED)
        response["Location"] = request.build_absolute_uri(
            reverse("api:evidence-pack-detail", args=[pack.pk])
        )
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    def retrieve(self, request: Request, pk: str) -> Response:
        """State of a pack. Until it is done, `Retry-After` states when to read it again."""
        response = super().retrieve(request, pk=pk)
        if response.data.get("state") in EvidencePack.OPEN:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @extend_schema(
        responses={
            (200, "application/zip"): OpenApiResponse(
                {"type": "string", "format": "binary"},
                description="The pack; `digest` is that of its manifest.json.",
            )
        },
        filters=False,
    )
    @action(
        detail=True,
        renderer_classes=[ZipRenderer],
        picks_fields=False,
        pagination_class=None,
        filterset_class=None,
    )
    def file(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The pack as a zip file; 404 before it is created and after it is deleted."""
        pack = self.subject("application", "provider")
        if not is_available(pack):
            raise Http404
        return StreamingHttpResponse(
            read_parts(pack),
            content_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{pack.file_name}"',
                "Content-Length": str(pack.n_bytes),
            },
        )
