"""Events: what moved, when it was noticed, and whom it reaches."""

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
from apps.web.filtering import BOOLEANS, Control, filters
from apps.web.forms import signed_in
from apps.web.listing import Listing, Sorting, csv_answer
from apps.web.page import Sentence, page
from apps.web.queries import with_stacks
from apps.web.sentences import of_list
from apps.web.views.applications import standing_of
from apps.web.views.catalogue_parts import called_here
from apps.web.wording import change, counted, spelled

SHOWN = 50
ORDERS = Sorting({"detected": ("Detected", ("-detected_at", "-id"))})


def _filtered(request: HttpRequest) -> tuple[ProviderEventFilter, Any]:
    found = ProviderEventFilter(
        request.GET, ProviderEvent.objects.visible_to(request.user), request=request
    )
    queryset = found.qs
    if request.GET.get("in_use") == "true":
        queryset = queryset.filter(called_here(signed_in(request), offering="offering"))
    return found, ORDERS.apply(request, queryset.select_related("source", "offering__host"))


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = Listing(request, queryset)
    sources = Source.objects.visible_to(request.user).values_list("slug", "name")
    return page(
        request,
        "events/list.html",
        fragment="listing",
        title="Events",
        counts="Changes the catalogue has accepted",
        sentence=of_list(
            listing.count,
            "event",
            "events",
            filtered=listing.is_filtered,
            rest="" if listing.is_filtered else " accepted so far, the latest first",
        ),
        filters=filters(
            request,
            found,
            [
                Control("q", "Row of the feed contains", "search"),
                Control("kind", "Kind", choices=ProviderEvent.Kind.choices),
                Control("source", "Source", choices=list(sources)),
                Control("since", "Detected from", "date"),
                Control("in_use", "Called here", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        reach=reached_by_events([event.pk for event in listing.rows], user=signed_in(request)),
    )


@require_safe
def event_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, queryset = _filtered(request)
    return csv_answer(
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
            change(event),
            event.effective_on,
            event.source.name,
            event.external_id,
            event.key,
        ],
    )


@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    this = get_object_or_404(
        ProviderEvent.objects.visible_to(request.user).select_related(
            "source", "offering__host", "offering__version__foundation"
        ),
        pk=pk,
    )
    at = now()
    today = day_of(at)
    user = signed_in(request)
    reach = reached_by_event(this.pk, user=user, limit=SHOWN)
    found = Application.objects.visible_to(user).filter(
        pk__in=[pk for pk, _by_primary in reach.first]
    )
    seen = {row.pk: row for row in with_stacks(found, on=today)}
    return page(
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
            (standing_of(seen[pk], today), by_primary)
            for pk, by_primary in reach.first
            if pk in seen
        ],
    )


def _sentence(this: ProviderEvent, n: int, n_critical: int) -> Sentence:
    what = f"{this.offering.api_id} at {this.offering.host.name}: {change(this)}"
    if n == 0:
        return Sentence(f"{what}. It reaches no application of yours.")
    reaches = f"reaches {counted(n, 'application')}"
    return Sentence(
        f"{what}. It {reaches}"
        + (f", {spelled(n_critical)} of them critical." if n_critical else ".")
    )
