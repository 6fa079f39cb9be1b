import django_filters

from apps.feeds.models import FeedRun, QuarantinedRow


class FeedRunFilter(django_filters.FilterSet):  # type: ignore[misc]
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    status = django_filters.MultipleChoiceFilter(choices=FeedRun.Status.choices, label="Status")
    since = django_filters.IsoDateTimeFilter(field_name="queued_at", lookup_expr="gte", label="From")
    before = django_filters.IsoDateTimeFilter(field_name="queued_at", lookup_expr="lt", label="Before")

    class Meta:
        model = FeedRun
        fields: list[str] = []


class QuarantinedRowFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="external_id", lookup_expr="icontains", label="Search")
    source = django_filters.CharFilter(field_name="source__slug", label="Source (slug)")
    open = django_filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull", label="Still set aside")

    class Meta:
        model = QuarantinedRow
        fields: list[str] = []
