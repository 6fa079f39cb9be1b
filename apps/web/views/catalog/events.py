"""Provider events: accepted changes of the catalogue, with the applications they affect."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Min, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.alerts.issues.notified import notified_of_offerings
from apps.catalog.filters import ProviderEventFilter
from apps.catalog.models import ProviderEvent, Source
from apps.common.time import day_of, now
from apps.exposure.queries.announcement_reach import count_affected
from apps.exposure.queries.event_reach import reached_by_event, reached_by_events
from apps.inventory.models import Application
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.headlines import list_headline
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
ORDERS = Sorting({"detected": ("Detected", ("-detected_at", "-id"))})


def _filter_events(request: HttpRequest) -> tuple[ProviderEventFilter, Any]:
    filterset = ProviderEventFilter(
        request.GET, ProviderEvent.objects.visible_to(request.user), request=request
    )
    queryset = filterset.qs
    if request.GET.get("in_use") == "true":
        queryset = queryset.filter(used_offerings(signed_in_user(request), offering="offering"))
    return filterset, ORDERS.apply(
        request, queryset.select_related("source", "offering__host", *ANNOUNCEMENT_RELATIONS)
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


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """Show the provider events, by the filters of the URL."""
    filterset, queryset = _filter_events(request)
    listing = PaginatedList(request, _one_per_announcement(queryset))
    sources = Source.objects.visible_to(request.user).values_list("slug", "name")
    return render_page(
        request,
        "events/list.html",
        fragment="listing",
        title="Provider events",
        counts="Changes the catalogue has accepted",
        sentence=list_headline(
            listing.count,
            "event",
            "events",
            is_filtered=listing.is_filtered,
            suffix="" if listing.is_filtered else " accepted so far, the latest first",
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Row of the feed contains", "search"),
                FilterControl("kind", "Kind", choices=ProviderEvent.Kind.choices),
                FilterControl("source", "Source", choices=list(sources)),
                FilterControl("since", "Detected from", "date"),
                FilterControl("in_use", "Called here", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        reach=_count_reached(listing.rows, user=signed_in_user(request)),
    )


def _count_reached(events: Sequence[ProviderEvent], *, user: User) -> dict[int, int]:
    """Return {event ID: applications that it reaches}; an announced retirement reaches those of all
    its model IDs."""
    reach = reached_by_events([event.pk for event in events], user=user)
    today = day_of(now())
    for event in events:
        if event.announcement is not None:
            offering_ids = list(event.announcement.offerings.values_list("pk", flat=True))
            reach[event.pk] = count_affected(
                offering_ids=offering_ids,
                on=today,
                retires_on=event.announcement.retires_on,
                user=user,
            )
    return reach


@require_safe
def event_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all provider events that match the filters."""
    _, queryset = _filter_events(request)
    return csv_response(
        "events",
        [
            "detected",
            "kind",
            "host",
            "api id",
            "what",
            "effective",
            "source",
            "row of the feed",
            "key",
        ],
        queryset.iterator(chunk_size=2000),
        lambda event: [
            event.detected_at,
            event.get_kind_display(),
            event.offering.host.name,
            event.offering.api_id,
            describe_change(event),
            event.effective_on,
            _source_name(event),
            event.external_id,
            event.key,
        ],
    )


def _source_name(event: ProviderEvent) -> str:
    """Return the user who announced a retirement, otherwise the source."""
    announcement = event.announcement
    return str((announcement and announcement.announced_by) or event.source.name)


@require_safe
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a provider event with its sources and the applications that it affects."""
    event = get_object_or_404(
        ProviderEvent.objects.visible_to(request.user).select_related(
            "source", "offering__host", "offering__version__foundation", *ANNOUNCEMENT_RELATIONS
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
        title=f"{event.get_kind_display()}: {event.offering.api_id}",
        crumbs=(
            ("Provider events", reverse("events:list")),
            (event.source.name, f"{reverse('events:list')}?source={event.source.slug}"),
        ),
        counts="Live applications of yours that the event reaches",
        as_of=at,
        event=event,
        sentence=_build_headline(event, reach.n, reach.n_critical),
        evidence=event.evidence.select_related("source").order_by("source__trust_rank", "pk"),
        n_reached=reach.n,
        notified=notified_of_offerings([event.offering_id], user=user, event_id=event.pk),
        standings=[
            (application_summaries(applications_by_id[pk], today), by_primary)
            for pk, by_primary in reach.first
            if pk in applications_by_id
        ],
    )


def _build_headline(event: ProviderEvent, n_applications: int, n_critical: int) -> Headline:
    change_text = f"{event.offering.api_id} at {event.offering.host.name}: {describe_change(event)}"
    if n_applications == 0:
        return Headline(f"{change_text}. It reaches no application of yours.")
    reaches = f"reaches {count_of(n_applications, 'application')}"
    return Headline(
        f"{change_text}. It {reaches}"
        + (f", {as_word(n_critical)} of them critical." if n_critical else ".")
    )
