import django_filters

from apps.catalog.models import NodeKind
from apps.exposure.models import ExposureFlag, Policy


class ExposureFlagFilter(django_filters.FilterSet):  # type: ignore[misc]
    policy = django_filters.CharFilter(field_name="policy__slug", label="Policy")
    kind = django_filters.MultipleChoiceFilter(
        choices=[(kind.label, kind.label) for kind in NodeKind],
        method="of_kind",
        label="Kind of node",
    )
    node = django_filters.NumberFilter(field_name="node_id", label="Node (id)")
    state = django_filters.MultipleChoiceFilter(choices=ExposureFlag.State.choices, label="State")
    live = django_filters.BooleanFilter(
        field_name="resolved_at", lookup_expr="isnull", label="Not resolved"
    )

    class Meta:
        model = ExposureFlag
        fields: list[str] = []

    def of_kind(self, queryset: object, name: str, value: list[str]) -> object:
        kinds = [kind for kind in NodeKind if kind.label in value]
        return queryset.filter(node__kind__in=kinds) if kinds else queryset  # type: ignore[attr-defined]


class PolicyFilter(django_filters.FilterSet):  # type: ignore[misc]
    slug = django_filters.CharFilter(label="Slug")
    enabled = django_filters.BooleanFilter(label="Enabled")
    measure = django_filters.ChoiceFilter(choices=Policy.Measure.choices, label="Measure")

    class Meta:
        model = Policy
        fields: list[str] = []
