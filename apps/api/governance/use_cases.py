"""Proposed use cases, for organisation roles; decisions are made on the pages."""

from rest_framework import serializers

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.inventory.governance.use_cases.fields import (
    ANSWER_FIELDS,
    CONTACT_FIELDS,
    USE_CASE_FIELDS,
)
from apps.inventory.governance.use_cases.filters import ProposedUseCaseFilter
from apps.inventory.models import ProposedUseCase


def _unknown_help(name: str) -> str:
    """Return how an unknown answer reads; empty for texts, which are as written."""
    column = USE_CASE_FIELDS.model_field(name)
    if column.null:
        return "Null if unknown."
    return "Empty if unknown." if column.choices else ""


_UNKNOWN_HELP = {
    name: {"help_text": text} for name in ANSWER_FIELDS if (text := _unknown_help(name))
}


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
            *CONTACT_FIELDS,
            *ANSWER_FIELDS,
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
            **_UNKNOWN_HELP,
        }


class ProposedUseCaseViewSet(ReadViewSet[ProposedUseCase]):
    """Use cases that persons without an account proposed by a link. Only users with an
    organisation role see them."""

    model = ProposedUseCase
    serializer_class = ProposedUseCaseSerializer
    filterset_class = ProposedUseCaseFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
