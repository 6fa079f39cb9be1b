"""Proposed use cases, for organisation roles; decisions are made on the pages."""

from rest_framework import serializers

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.inventory.governance.use_cases.filters import ProposedUseCaseFilter
from apps.inventory.models import ProposedUseCase

_NULL_IF_UNKNOWN = "Null if unknown."


class ProposedUseCaseSerializer(serializers.ModelSerializer[ProposedUseCase]):
    link = serializers.IntegerField(
        source="link_id", read_only=True, help_text="ID of the link by which it was proposed."
    )
    tier_rules = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Codes of the rules that gave the tier, as in the guide to proposed use cases.",
    )
    decided_by = serializers.CharField(
        source="decided_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the user who accepted or declined it; null while undecided.",
    )
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application that it became; null unless accepted.",
    )

    class Meta:
        model = ProposedUseCase
        fields = [
            "id",
            "reference",
            "link",
            "submitted_at",
            "proposer_name",
            "proposer_email",
            "name",
            "purpose",
            "starts_on",
            "requests_per_month",
            "users_affected",
            "affects_public",
            "decisions_about_people",
            "ai_act_area",
            "prohibited_practice",
            "interacts_with_people",
            "autonomy",
            "data_classification",
            "personal_data",
            "geography",
            "model_text",
            "vendor_text",
            "model_access",
            "ai_act_role",
            "business_owner",
            "tier",
            "tier_rules",
            "tier_version",
            "suggested_class",
            "state",
            "decided_by",
            "decided_at",
            "decision_reason",
            "application",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "tier_version": {"help_text": "Version of the rules of the tier."},
            **{
                name: {"help_text": _NULL_IF_UNKNOWN}
                for name in (
                    "starts_on",
                    "requests_per_month",
                    "users_affected",
                    "affects_public",
                    "prohibited_practice",
                    "interacts_with_people",
                    "personal_data",
                )
            },
            **{
                name: {"help_text": "Empty if unknown."}
                for name in (
                    "decisions_about_people",
                    "ai_act_area",
                    "autonomy",
                    "data_classification",
                    "model_access",
                    "ai_act_role",
                )
            },
        }


class ProposedUseCaseViewSet(ReadViewSet[ProposedUseCase]):
    """Use cases that persons without an account proposed by a link. Only users with an
    organisation role see them."""

    model = ProposedUseCase
    serializer_class = ProposedUseCaseSerializer
    filterset_class = ProposedUseCaseFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
