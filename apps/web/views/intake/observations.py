"""Observed usage: which application called which model, under its three names, by sender."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.connections.summaries import visible_connections
from apps.intake.filters import ObservationFilter
from apps.intake.models import Observation
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.intake import presenters

DAYS = ((1, "1"), (7, "7"), (30, "30"), (90, "90"))


def _filter_observations(request: HttpRequest) -> tuple[ObservationFilter, QuerySet[Observation]]:
    observations = Observation.objects.visible_to(signed_in_user(request))
    filterset = ObservationFilter(
        with_filter_names(request.GET, "application"), observations, request=request
    )
    return filterset, filterset.qs.select_related(
        "application", "service", "offering__host", "served_version"
    ).order_by("-last_seen_at", "-pk")


@require_safe
def observation_list(request: HttpRequest) -> HttpResponse:
    """Show the observed usage, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    filterset, queryset = _filter_observations(request)
    listing = PaginatedList(request, queryset)
    streams, _as_of = visible_connections(user, at=at)
    return render_page(
        request,
        "intake/observations.html",
        fragment="listing",
        title="Observations",
        counts="Sightings of applications you may see; one sender, application and set of "
        "names is one",
        as_of=at,
        sentence=_build_headline(listing),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Name contains", "search"),
                FilterControl("application", "Application", "text"),
                FilterControl(
                    "stream",
                    "Seen by",
                    choices=[
                        (stream.name, presenters.sender_name(stream.name)) for stream in streams
                    ],
                ),
                FilterControl("state", "State", choices=list(presenters.OBSERVED.items())),
                FilterControl("days", "Seen within days", choices=DAYS),
            ],
        ),
        listing=listing,
        rows=[
            (row, presenters.sender_name(row.stream), presenters.OBSERVED[row.state])
            for row in listing.rows
        ],
    )


def _build_headline(listing: PaginatedList[Observation]) -> Headline:
    if not listing.n_found:
        return Headline(
            "Nothing matches the filters." if listing.is_filtered else "Nothing was seen yet."
        )
    count_phrase = pluralize(
        listing.n_found, f"{listing.count} sighting", f"{listing.count} sightings"
    )
    if listing.is_filtered:
        return Headline(f"{count_phrase} match the filters.")
    return Headline(f"{count_phrase} of models in use, each with who saw it and when.")


HEADS = [
    "application",
    "slug",
    "sender's name",
    "seen by",
    "environment",
    "asked for",
    "sent",
    "answered",
    "provider",
    "region",
    "gateway",
    "role",
    "state",
    "why",
    "offering",
    "host",
    "served version",
    "first seen",
    "last seen",
    "missing since",
    "places",
]


@require_safe
def observation_csv(request: HttpRequest) -> StreamingHttpResponse:
    _filterset, queryset = _filter_observations(request)
    return csv_response("observations", HEADS, queryset.iterator(chunk_size=1000), _csv_cells)


def _csv_cells(row: Observation) -> list[Any]:
    return [
        row.application.name if row.application else "",
        row.application.slug if row.application else "",
        row.service.name if row.service else "",
        row.stream,
        row.environment,
        row.alias,
        row.requested,
        row.served,
        row.provider,
        row.region,
        row.gateway,
        row.role,
        row.state,
        row.explanation,
        row.offering.api_id if row.offering else "",
        row.offering.host.name if row.offering else "",
        row.served_version.identifier if row.served_version else "",
        row.first_seen_at,
        row.last_seen_at,
        row.missing_since,
        "; ".join(str(place) for place in row.places),
    ]
