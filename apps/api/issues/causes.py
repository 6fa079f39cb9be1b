"""Causes: facts that make work."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID, ReadViewSet, row_reader_for
from apps.api.issues.issues import IssueSerializer, IssueViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.issues.filters import CauseFilter
from apps.issues.models import Cause, CauseKind, CauseOffering, Issue


class CauseSerializer(serializers.ModelSerializer[Cause]):
    kind = serializers.ChoiceField(choices=CauseKind.choices, read_only=True)
    subject = serializers.CharField(
        read_only=True,
        help_text="Record that the cause is about, as type and ID, for example `version:12`.",
    )
    offerings = serializers.ListField(
        source="offering_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the offerings concerned: all model IDs of a version that retires.",
    )

    class Meta:
        model = Cause
        fields = [
            "id",
            "kind",
            "subtype",
            "subject",
            "due_on",
            "is_earliest",
            "offerings",
            "opened_at",
            "closed_at",
        ]
        read_only_fields = fields


class CauseViewSet(ReadViewSet[Cause]):
    """Causes with at least one issue that the caller can view."""

    model = Cause
    serializer_class = CauseSerializer
    filterset_class = CauseFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}
    annotations = {
        "offering_ids": ArraySubquery(
            CauseOffering.objects.filter(cause=OuterRef("pk"))
            .order_by("offering_id")
            .values("offering_id")
        )
    }

    @extend_schema(responses=IssueSerializer(many=True), filters=False)
    @action(
        detail=True,
        filterset_class=None,
        serializer_class=IssueSerializer,
        orders=IssueViewSet.orders,
    )
    def issues(self, request: Request, pk: str) -> Response:
        """Issues of a cause that you can view, most urgent first."""
        issues = Issue.objects.visible_to(self.user).order_by().filter(cause=self.subject())
        reader = row_reader_for(IssueViewSet, IssueSerializer)
        return self.page_of(issues, reader, IssueViewSet.orders)
