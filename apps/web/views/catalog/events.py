"""Provider events: what changed, when it was detected, and which applications it affects."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.filters import ProviderEventFilter
from apps.catalog.models import ProviderEvent, Source
from apps.common.time import day_of, now
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
ORDERS = Sorting({"detected": ("Detected", ("-detected_at", "-id"))})


def _filtered(request: HttpRequest) -> tuple[ProviderEventFilter, Any]:
    found = ProviderEventFilter(
        request.GET, ProviderEvent.objects.visible_to(request.user), request=request
    )
    queryset = found.qs
    if request.GET.get("in_use") == "true":
        queryset = queryset.filter(used_offerings(signed_in_user(request), offering="offering"))
    return found, ORDERS.apply(request, queryset.select_related("source", "offering__host"))


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = PaginatedList(request, queryset)
    sources = Source.objects.visible_to(request.user).values_list("slug", "name")
    return render_page(
        request,
        "events/list.html",
        fragment="listing",
        title="Events",
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
            found,
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
        reach=reached_by_events([event.pk for event in listing.rows], user=signed_in_user(request)),
    )


@require_safe
def event_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, queryset = _filtered(request)
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
            event.source.name,
            event.external_id,
            event.key,
        ],
    )


@require_safe
def event_detail(request: HttpRequest, pk: int) -> HttpResponse:
    this = get_object_or_404(
        ProviderEvent.objects.visible_to(request.user).select_related(
            "source", "offering__host", "offering__version__foundation"
        ),
        pk=pk,
    )
    at = now()
    today = day_of(at)
    user = signed_in_user(request)
    reach = reached_by_event(this.pk, user=user, limit=MAX_APPLICATIONS)
    found = Application.objects.visible_to(user).filter(
        pk__in=[pk for pk, _by_primary in reach.first]
    )
    seen = {row.pk: row for row in with_primary_stacks(found, on=today)}
    return render_page(
        request,
        "events/detail.html",
        title=f"{this.get_kind_display()}: {this.offering.api_id}",
        crumbs=(
            ("Events", reverse("events:list")),
            (this.source.name, f"{reverse('events:list')}?source={this.source.slug}"),
        ),
        counts="Live applications of yours that the event reaches",
        as_of=at,
        event=this,
        sentence=_sentence(this, reach.n, reach.n_critical),
        evidence=this.evidence.select_related("source").order_by("source__trust_rank", "pk"),
        n_reached=reach.n,
        standings=[
            (application_summaries(seen[pk], today), by_primary)
            for pk, by_primary in reach.first
            if pk in seen
        ],
    )


def _sentence(this: ProviderEvent, n: int, n_critical: int) -> Headline:
    what = f"{this.offering.api_id} at {this.offering.host.name}: {describe_change(this)}"
    if n == 0:
        return Headline(f"{what}. It reaches no application of yours.")
    reaches = f"reaches {count_of(n, 'application')}"
    return Headline(
        f"{what}. It {reaches}"
        + (f", {as_word(n_critical)} of them critical." if n_critical else ".")
    )
