import django_filters

from apps.exposure.models import Basis, ConcentrationSnapshot, Layer


class ConcentrationSnapshotFilter(django_filters.FilterSet):  # type: ignore[misc]
    layer = django_filters.ChoiceFilter(choices=Layer.choices, label="Layer")
    weight = django_filters.ChoiceFilter(field_name="basis", choices=Basis.choices, label="Weight")
    since = django_filters.DateFilter(field_name="day", lookup_expr="gte", label="From (date)")
    until = django_filters.DateFilter(field_name="day", lookup_expr="lt", label="Before (date)")

    class Meta:
        model = ConcentrationSnapshot
        fields: list[str] = []
