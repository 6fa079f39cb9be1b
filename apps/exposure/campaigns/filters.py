"""Filters of campaigns and their tasks, for pages and REST."""

import django_filters
from django.db.models import QuerySet

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.common.time import day_of, now
from apps.exposure.models import Campaign, CampaignTask, TaskStep


class CampaignFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(choices=Campaign.State.choices, label="State")
    event = django_filters.NumberFilter(field_name="event_id", label="Event (id)")
    announcement = django_filters.NumberFilter(
        field_name="announcement_id", label="Announced retirement (id)"
    )
    subject = django_filters.NumberFilter(
        field_name="subject_id", label="Retiring or changing offering (id)"
    )
    offering = django_filters.NumberFilter(
        field_name="offerings", label="Offering that the campaign is about (id)"
    )
    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label="Search")

    class Meta:
        model = Campaign
        fields: list[str] = []


class CampaignTaskFilter(django_filters.FilterSet):  # type: ignore[misc]
    campaign = django_filters.NumberFilter(field_name="campaign_id", label="Campaign (id)")
    state = django_filters.MultipleChoiceFilter(choices=CampaignTask.State.choices, label="State")
    application = django_filters.CharFilter(
        field_name="dependency__application__slug", label="Application (slug)"
    )
    team = django_filters.CharFilter(method="of_team", label="Team (slug), including sub-teams")
    owner = django_filters.CharFilter(field_name="owner__username", label="Owner (username)")
    unowned = django_filters.BooleanFilter(
        field_name="owner", lookup_expr="isnull", label="Unassigned"
    )
    overdue = django_filters.BooleanFilter(method="filter_overdue", label="Overdue")
    too_late = django_filters.BooleanFilter(
        method="filter_too_late", label="Too late: no longer fits before the finish date"
    )
    waived_until_before = django_filters.DateFilter(
        field_name="waived_until", lookup_expr="lt", label="Deferral expires before"
    )

    class Meta:
        model = CampaignTask
        fields: list[str] = []

    def of_team(
        self, queryset: QuerySet[CampaignTask], name: str, value: str
    ) -> QuerySet[CampaignTask]:
        top = list(Team.objects.filter(slug=value).values_list("pk", flat=True))
        if not top:
            return queryset.none()
        return queryset.filter(dependency__application__team__in=team_and_below(team_ids=top))

    def filter_overdue(
        self, queryset: QuerySet[CampaignTask], name: str, value: bool
    ) -> QuerySet[CampaignTask]:
        overdue = CampaignTask.objects.overdue(day_of(now())).values("pk")
        return queryset.filter(pk__in=overdue) if value else queryset.exclude(pk__in=overdue)

    def filter_too_late(
        self, queryset: QuerySet[CampaignTask], name: str, value: bool
    ) -> QuerySet[CampaignTask]:
        too_late = CampaignTask.objects.too_late(day_of(now())).values("pk")
        return queryset.filter(pk__in=too_late) if value else queryset.exclude(pk__in=too_late)


class TaskStepFilter(django_filters.FilterSet):  # type: ignore[misc]
    task = django_filters.NumberFilter(field_name="task_id", label="Task (id)")
    campaign = django_filters.NumberFilter(field_name="task__campaign_id", label="Campaign (id)")
    done = django_filters.BooleanFilter(
        field_name="done_on", lookup_expr="isnull", exclude=True, label="Done"
    )
    required = django_filters.BooleanFilter(label="Required")

    class Meta:
        model = TaskStep
        fields: list[str] = []
