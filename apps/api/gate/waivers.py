"""Gate waivers: requested, granted, refused or withdrawn."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import BY_ID
from apps.api.governance.base import GovernedViewSet
from apps.api.inventory.applications import VisibleApplicationField, today
from apps.catalog.models import Offering
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.gate.actions import grant_waiver, reject_waiver, request_waiver, withdraw_waiver
from apps.gate.filters import WaiverFilter
from apps.gate.models import Waiver
from apps.gate.rules.definitions import Rule


class WaiverSerializer(serializers.ModelSerializer[Waiver]):
    application = serializers.CharField(
        source="application.slug", read_only=True, help_text="Slug of the application."
    )
    asked_by = serializers.CharField(source="requested_by.username", read_only=True)
    decided_by = serializers.CharField(
        source="decided_by.username", read_only=True, allow_null=True
    )
    standing = serializers.BooleanField(
        source="until", read_only=True, help_text="Whether the waiver is in force today."
    )

    class Meta:
        model = Waiver
        fields = [
            "id",
            "application",
            "rule",
            "model",
            "offering",
            "reason",
            "until",
            "state",
            "standing",
            "asked_by",
            "asked_at",
            "decided_by",
            "decided_at",
            "decision",
        ]
        read_only_fields = fields
        extra_kwargs = {"asked_at": {"source": "requested_at"}}


class AskWaiverSerializer(serializers.Serializer[Any]):
    application = VisibleApplicationField(slug_field="slug")
    rule = serializers.ChoiceField(choices=Rule.choices)
    model = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), required=False, allow_null=True
    )
    reason = serializers.CharField(max_length=10_000)
    until = serializers.DateField(help_text="Date on which the waiver expires, within 180 days.")


class GrantSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True)
    until = serializers.DateField(
        required=False, help_text="Earlier date on which the waiver expires."
    )


class WaiverReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=10_000)


def _is_in_force(state: str, until: Any) -> bool:
    return state == Waiver.State.GRANTED and until > today()


class WaiverViewSet(GovernedViewSet[Waiver]):
    """Gate waivers: exceptions to one rule. Editors of the owning team request them, governance
    users decide. They always expire."""

    model = Waiver
    serializer_class = WaiverSerializer
    filterset_class = WaiverFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    computed = {"standing": ComputedField(("state", "until"), _is_in_force)}

    @extend_schema(request=AskWaiverSerializer, responses={201: WaiverSerializer})
    def create(self, request: Request) -> Response:
        """Request a waiver. The answer is 409 if the same waiver is requested or in force."""
        data = self.validated(AskWaiverSerializer)
        self.require(TeamRole.EDITOR, data["application"].team_id)
        waiver = request_waiver(by=self.user, at=now(), **data)
        return self.answer(waiver, status.HTTP_201_CREATED)

    @extend_schema(request=GrantSerializer, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    def grant(self, request: Request, pk: str) -> Response:
        """Grant a waiver. Requires the governance role. Its requester cannot grant it."""
        waiver = self.governed("application")
        return self.answer(
            grant_waiver(waiver=waiver, by=self.user, at=now(), **self.validated(GrantSerializer))
        )

    @extend_schema(request=WaiverReasonSerializer, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        """Refuse a waiver, with a reason. Requires the governance role."""
        waiver = self.governed("application")
        return self.answer(
            reject_waiver(
                waiver=waiver, by=self.user, at=now(), **self.validated(WaiverReasonSerializer)
            )
        )

    @extend_schema(request=WaiverReasonSerializer, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw a waiver before it expires. Governance users and editors of the owning team can
        withdraw it."""
        waiver = self.subject("application")
        self.require(TeamRole.EDITOR, waiver.application.team_id)
        return self.answer(
            withdraw_waiver(
                waiver=waiver, by=self.user, at=now(), **self.validated(WaiverReasonSerializer)
            )
        )
