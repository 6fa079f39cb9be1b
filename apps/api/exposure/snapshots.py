"""Daily measurements of concentration of the whole organisation."""

from django.db.models import QuerySet
from rest_framework import serializers

from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.exposure.models import Basis, ConcentrationSnapshot, OrganisationQuerySet
from apps.exposure.snapshots.filters import ConcentrationSnapshotFilter


class SnapshotSerializer(serializers.ModelSerializer[ConcentrationSnapshot]):
    weight = serializers.ChoiceField(source="basis", choices=Basis.choices, read_only=True)
    n_applications = serializers.IntegerField(
        read_only=True, help_text="Number of applications in scope on that date."
    )
    unknown = serializers.FloatField(
        read_only=True, help_text="Share of the weight on unresolved offerings, 0 to 1."
    )
    top = serializers.JSONField(
        read_only=True, help_text="Largest items, as [[node ID, share], ...]."
    )

    class Meta:
        model = ConcentrationSnapshot
        fields = [
            "id",
            "day",
            "layer",
            "weight",
            "n_applications",
            "covered_weight",
            "none_weight",
            "unknown",
            "cr1",
            "cr3",
            "hhi",
            "hhi_best",
            "hhi_worst",
            "n1",
            "n2",
            "top",
        ]
        read_only_fields = fields


class SnapshotViewSet(ReadViewSet[ConcentrationSnapshot]):
    """Concentration of each layer by each weight, per day. Requires an organisation role. After 13
    months only the last day of each month is kept."""

    model = ConcentrationSnapshot
    serializer_class = SnapshotSerializer
    filterset_class = ConcentrationSnapshotFilter
    orders = {"-day": Keyset(("-day", "-id")), "day": Keyset(("day", "id"))}

    def get_queryset(self) -> QuerySet[ConcentrationSnapshot]:
        snapshots: OrganisationQuerySet[ConcentrationSnapshot] = OrganisationQuerySet(
            ConcentrationSnapshot
        )
        if getattr(self, "swagger_fake_view", False):
            return snapshots.none()
        return snapshots.visible_to(self.request.user).order_by()
