"""Provider events: accepted changes of the catalogue, with the applications they affect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.issues.notified import notified_of_offerings
from apps.catalog.filters import ProviderEventFilter
from apps.catalog.models import ProviderEvent, Source
from apps.common.time import day_of, now
from apps.exposure.queries.announcement_reach import count_affected_by_announcements
from apps.exposure.queries.event_reach import reached_by_event, reached_by_events
from apps.inventory.models import Application
from apps.web.lists.columns import (
    Column,
    FileColumn,
    describe_distance,
    format_day,
    format_moment,
    format_number,
)
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import PaginatedList
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.catalog.sections import used_offerings
from apps.web.wording import as_word, count_of, describe_change

MAX_APPLICATIONS = 50
ANNOUNCEMENT_RELATIONS = tuple(
    f"{row}__announcement__{relation}"
    for row in ("announced_offering", "withdrawn_offering")
    for relation in ("announced_by", "version", "foundation", "provider", "offering__host")
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """Event with the number of applications that it reaches; None where a file does not count
    them."""

    event: ProviderEvent
    n_applications: int | None

    @property
    def url(self) -> str:
        if self.event.announcement:
            return reverse("retirements:detail", args=[self.event.announcement.pk])
        return reverse("events:detail", args=[self.event.pk])

    @property
    def subject(self) -> str:
        announcement = self.event.announcement
        return announcement.subject_name if announcement else self.event.subject_name

    @property
    def subject_url(self) -> str:
        """The page of the offering or the provider; an announcement has its own page."""
        if self.event.announcement:
            return ""
        if self.event.offering_id is not None:
            return reverse("offerings:detail", args=[self.event.offering_id])
        return reverse("providers:detail", args=[self.event.host.slug])

    @property
    def subject_note(self) -> str:
        if self.event.announcement or self.event.offering is None:
            return ""
        return f"on {self.event.offering.host.name}"

    @property
    def source(self) -> str:
        """The user who announced a retirement, otherwise the source."""
        announcement = self.event.announcement
        return str((announcement and announcement.announced_by) or self.event.source.name)


class EventList(ListPage[ProviderEvent, EventRow]):
    """Provider events by the filters of the URL. The page shows one event of each announced
    retirement; a file has them all."""

    namespace = "events"
    title = "Provider events"
    nouns = ("provider event", "provider events")
    counts = "Accepted changes of the catalogue"
    filterset_class = ProviderEventFilter
    columns = (
        Column[EventRow](
            "event",
            "Event",
            lambda row: row.event.get_kind_display(),
            note=lambda row: f"from {row.source}",
            url=attrgetter("url"),
        ),
        Column[EventRow](
            "model",
            "Model",
            attrgetter("subject"),
            note=attrgetter("subject_note"),
            url=attrgetter("subject_url"),
            css=lambda row: "id" if row.subject_note else "",
            is_in_files=False,
        ),
        Column[EventRow]("change", "Change", lambda row: describe_change(row.event)),
        Column[EventRow](
            "effective",
            "Effective",
            attrgetter("event.effective_on"),
            format=format_day,
            note=lambda row: describe_distance(row.event.effective_on),
        ),
        Column[EventRow](
            "detected",
            "Detected",
            attrgetter("event.detected_at"),
            format=format_moment,
            order=("-detected_at", "-id"),
        ),
        Column[EventRow](
            "applications",
            "Applications",
            attrgetter("n_applications"),
            format=format_number,
            is_numeric=True,
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[EventRow]("Host", attrgetter("event.host.name")),
        FileColumn[EventRow](
            "Model ID", lambda row: row.event.offering.api_id if row.event.offering else ""
        ),
        FileColumn[EventRow]("Source", attrgetter("source")),
        FileColumn[EventRow]("Row of the feed", attrgetter("event.external_id")),
        FileColumn[EventRow]("Key", attrgetter("event.key")),
    )
    default_order = ("detected", ())

    def get_queryset(self) -> "QuerySet[ProviderEvent]":
        return ProviderEvent.objects.visible_to(self.user).select_related(
            "source", "offering__host", "provider", *ANNOUNCEMENT_RELATIONS
        )

    def narrow(self, queryset: "QuerySet[ProviderEvent]") -> "QuerySet[ProviderEvent]":
        if self.request.GET.get("in_use") != "true":
            return queryset
        return queryset.filter(used_offerings(self.user, offering="offering"))

    @cached_property
    def listing(self) -> PaginatedList[ProviderEvent]:
        return PaginatedList(self.request, _one_per_announcement(self.queryset))

    def build_rows(self, records: Sequence[ProviderEvent]) -> Sequence[EventRow]:
        reach = _count_reached(records, user=self.user, on=self.today)
        return [EventRow(event, reach.get(event.pk, 0)) for event in records]

    def build_file_rows(self, records: Sequence[ProviderEvent]) -> Sequence[EventRow]:
        return [EventRow(event, None) for event in records]

    def get_controls(self) -> Sequence[FilterControl]:
        sources = Source.objects.visible_to(self.user).values_list("slug", "name")
        return (
            FilterControl("q", "Row of the feed contains", "search"),
            FilterControl("kind", "Type", choices=ProviderEvent.Kind.choices),
            FilterControl("source", "Source", choices=list(sources)),
            FilterControl("since", "Detected from", "date"),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()}, latest first.")

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No provider events yet.",
            "An event is a change that a feed has shown and the catalogue has accepted. The first "
            "poll of a feed is its baseline and raises none; later changes are listed here.",
            "View feeds",
            reverse("feeds:list"),
        )


def _one_per_announcement(queryset: Any) -> Any:
    """Keep the first event of each announced retirement: its events are one fact for readers."""
    grouped = queryset.order_by().filter(announced_offering__isnull=False)
    leads = grouped.values("announced_offering__announcement").annotate(lead=Min("pk"))
    taken_back = queryset.order_by().filter(withdrawn_offering__isnull=False)
    last_leads = taken_back.values("withdrawn_offering__announcement").annotate(lead=Min("pk"))
    return queryset.filter(
        Q(announced_offering__isnull=True) | Q(pk__in=leads.values("lead")),
        Q(withdrawn_offering__isnull=True) | Q(pk__in=last_leads.values("lead")),
    )


def _count_reached(events: Sequence[ProviderEvent], *, user: User, on: date) -> dict[int, int]:
    """Return {event ID: applications that it reaches}; an announced retirement reaches those of all
    its model IDs. Three statements."""
    reach = reached_by_events([event.pk for event in events], user=user)
    announcements = {
        event.announcement.pk: event.announcement for event in events if event.announcement
    }
    affected = count_affected_by_announcements(list(announcements.values()), on=on, user=user)
    for event in events:
        if event.announcement is not None:
            reach[event.pk] = affected.get(event.announcement.pk, 0)
    return reach


@require_safe
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a provider event with its sources and the applications that it affects."""
    event = get_object_or_404(
        ProviderEvent.objects.visible_to(request.user).select_related(
            "source",
            "offering__host",
            "offering__version__foundation",
            "provider",
            *ANNOUNCEMENT_RELATIONS,
        ),
        pk=pk,
    )
    at = now()
    today = day_of(at)
    user = signed_in_user(request)
    reach = reached_by_event(event.pk, user=user, limit=MAX_APPLICATIONS)
    applications = Application.objects.visible_to(user).filter(
        pk__in=[pk for pk, _by_primary in reach.first]
    )
    applications_by_id = {row.pk: row for row in with_primary_stacks(applications, on=today)}
    return render_page(
        request,
        "events/detail.html",
        title=f"{event.get_kind_display()}: {event.subject_name}",
        crumbs=(
            ("Provider events", reverse("events:list")),
            (event.source.name, f"{reverse('events:list')}?source={event.source.slug}"),
        ),
        counts="Your active applications that the event affects",
        as_of=at,
        event=event,
        sentence=_build_headline(event, reach.n, reach.n_critical),
        evidence=event.evidence.select_related("source").order_by("source__trust_rank", "pk"),
        n_reached=reach.n,
        notified=notified_of_offerings(
            [event.offering_id] if event.offering_id is not None else [],
            user=user,
            event_id=event.pk,
        ),
        difference=_read_difference(event),
        standings=[
            (application_summaries(applications_by_id[pk], today), by_primary)
            for pk, by_primary in reach.first
            if pk in applications_by_id
        ],
    )


def _read_difference(event: ProviderEvent) -> str:
    """Return the text difference that the event of changed terms carries, empty for others."""
    return str(event.new.get("difference", "")) if isinstance(event.new, dict) else ""


def _build_headline(event: ProviderEvent, n_applications: int, n_critical: int) -> Headline:
    if event.offering is None:
        return Headline(f"{event.subject_name}: {describe_change(event)}.")
    change_text = f"{event.offering.api_id} on {event.offering.host.name}: {describe_change(event)}"
    if n_applications == 0:
        return Headline(f"{change_text}. None of your applications is affected.")
    reaches = f"affects {count_of(n_applications, 'application')}"
    return Headline(
        f"{change_text}. The change {reaches}"
        + (f", {as_word(n_critical)} of them critical." if n_critical else ".")
    )
