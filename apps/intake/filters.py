"""What lists of imports and of their rows can be narrowed by, on pages and in the API alike."""

import django_filters

from apps.intake.models import Import, ImportRow


class ImportFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(choices=Import.State.choices, label="State")
    by = django_filters.CharFilter(field_name="by__username", label="Uploaded by (user name)")

    class Meta:
        model = Import
        fields: list[str] = []


class ImportRowFilter(django_filters.FilterSet):  # type: ignore[misc]
    outcome = django_filters.MultipleChoiceFilter(choices=ImportRow.Outcome.choices, label="Outcome")

    class Meta:
        model = ImportRow
        fields: list[str] = []
