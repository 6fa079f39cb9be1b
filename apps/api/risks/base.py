"""Fields that the resources of inherited risk share."""

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import User
from apps.api.framework.views import BY_ID
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.risks.models import Evidence
from apps.risks.queries.reach import RiskReach

SEVERITY_ORDERS = {
    "-inherent": Keyset(("-inherent", "-id")),
    "inherent": Keyset(("inherent", "id")),
    "id": BY_ID,
    "-id": Keyset(("-id",)),
}


class LevelField(serializers.IntegerField):
    """A level from 1 to 5, or unknown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=5, **kwargs)


class UserField(serializers.SlugRelatedField[User]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            slug_field="username", queryset=User.objects.filter(is_active=True), **kwargs
        )


@extend_schema_field({"type": "integer", "description": "ID of evidence that you can view."})
class VisibleEvidenceField(serializers.PrimaryKeyRelatedField[Evidence]):
    def get_queryset(self) -> Any:
        return Evidence.objects.visible_to(self.context["request"].user)


class AttachEvidenceSerializer(serializers.Serializer[Any]):
    evidence = VisibleEvidenceField(queryset=Evidence.objects.none())


class EvidenceIdsField(serializers.ListField):
    """The evidence of a row; the view annotates `evidence_ids`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            child=serializers.IntegerField(),
            source="evidence_ids",
            read_only=True,
            help_text="IDs of the evidence.",
            **kwargs,
        )


class RiskCountsSerializer(serializers.Serializer[Any]):
    n_inherited = serializers.IntegerField(
        help_text="Number of dependencies that inherit the risk, of those you can view."
    )
    n_unassessed = serializers.IntegerField()
    n_assessed = serializers.IntegerField()
    n_stale = serializers.IntegerField()
    n_not_applicable = serializers.IntegerField()
    n_accepted = serializers.IntegerField(help_text="Number of acceptances in force.")


def risk_counts(reach: RiskReach) -> dict[str, int]:
    return {
        "n_inherited": reach.n_inherited,
        "n_unassessed": reach.n_unassessed,
        "n_assessed": reach.n_assessed,
        "n_stale": reach.n_stale,
        "n_not_applicable": reach.n_not_applicable,
        "n_accepted": reach.n_accepted,
    }


def today() -> date:
    return day_of(now())
