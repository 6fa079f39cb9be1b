"""What lists of alerts and deliveries can be narrowed by, on pages and in the API alike."""

import django_filters

from apps.alerts.models import Alert, Delivery


class AlertFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(choices=Alert.State.choices, label="State")
    kind = django_filters.CharFilter(label="Kind")
    severity = django_filters.MultipleChoiceFilter(choices=Alert.SEVERITIES, label="Severity")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")
    since = django_filters.IsoDateTimeFilter(field_name="raised_at", lookup_expr="gte", label="Raised from")

    class Meta:
        model = Alert
        fields: list[str] = []


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(choices=Delivery.State.choices, label="State")
    team = django_filters.CharFilter(field_name="team__slug", label="Team (slug)")

    class Meta:
        model = Delivery
        fields: list[str] = []
