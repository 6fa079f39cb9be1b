import django_filters

from apps.exposure.models import ExposureFlag, Layer


class ExposureFlagFilter(django_filters.FilterSet):  # type: ignore[misc]
    layer = django_filters.ChoiceFilter(field_name="tolerance__layer", choices=Layer.choices, label="Layer")
    state = django_filters.MultipleChoiceFilter(choices=ExposureFlag.State.choices, label="State")
    live = django_filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull", label="Not resolved")

    class Meta:
        model = ExposureFlag
        fields: list[str] = []
