"""Foundations: who stands on one, where it is offered, and when it ends."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.filters import FoundationFilter
from apps.catalog.models import Assertion, Foundation, NodeKind, Offering, Provider, Version
from apps.catalog.models.claims import Topic
from apps.catalog.record_queries import earliest_ends
from apps.common.time import day_of, now
from apps.exposure.queries import standing_on
from apps.inventory.models import Criticality
from apps.web import sentences
from apps.web.drawings.lifecycle import Claim, Track, lifecycle
from apps.web.filtering import BOOLEANS, Control, filters
from apps.web.listing import Listing, Sorting, csv_answer
from apps.web.page import page
from apps.web.queries import Reach, prices_at, reach_by_ref, used_refs, with_stacks
from apps.web.views.applications import standing_of

ORDERS = Sorting(
    {
        "used": ("In use first", ("used", "name", "pk")),
        "name": ("Foundation", ("name", "pk")),
        "developer": ("Developer", ("developer__name", "name", "pk")),
    }
)
TRACKS = 8


def _filtered(request: HttpRequest) -> tuple[FoundationFilter, "QuerySet[Foundation]"]:
    """Foundations with `used` 0 where a visible application stands on them, else 1, so that own ones come first."""
    refs = used_refs(kind=NodeKind.FOUNDATION, user=request.user, on=day_of(now()))
    everything = Foundation.objects.visible_to(request.user).annotate(
        used=Case(When(pk__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField())
    )
    found = FoundationFilter(request.GET, everything, request=request)
    queryset = found.qs.filter(used=0) if request.GET.get("in_use") == "true" else found.qs
    return found, ORDERS.apply(request, queryset.select_related("developer"))


@dataclass(frozen=True, slots=True)
class Row:
    foundation: Foundation
    n_versions: int
    n_offerings: int
    n_hosts: int
    ends_on: Any
    reach: Reach


def _rows(request: HttpRequest, foundations: list[Foundation]) -> list[Row]:
    today = day_of(now())
    pks = [foundation.pk for foundation in foundations]
    offered = {
        row["version__foundation"]: row
        for row in Offering.objects.filter(version__foundation__in=pks)
        .order_by()
        .values("version__foundation")
        .annotate(
            n=Count("pk"),
            n_hosts=Count("host", distinct=True),
            ends_on=Min("retires_on", filter=Q(retires_on__gte=today)),
        )
    }
    versions = dict(
        Version.objects.filter(foundation__in=pks).order_by().values_list("foundation").annotate(n=Count("pk"))
    )
    reach = reach_by_ref(kind=NodeKind.FOUNDATION, refs=pks, user=request.user, on=today)
    empty: dict[str, Any] = {"n": 0, "n_hosts": 0, "ends_on": None}
    return [
        Row(
            foundation,
            versions.get(foundation.pk, 0),
            offered.get(foundation.pk, empty)["n"],
            offered.get(foundation.pk, empty)["n_hosts"],
            offered.get(foundation.pk, empty)["ends_on"],
            reach.get(foundation.pk, Reach()),
        )
        for foundation in foundations
    ]


@require_safe
def foundation_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = Listing(request, queryset)
    developers = Provider.objects.visible_to(request.user).filter(foundations__isnull=False).distinct()
    return page(
        request,
        "foundations/list.html",
        fragment="listing",
        title="Foundations",
        counts="Live applications of yours, in any role",
        sentence=sentences.of_list(
            listing.count, "foundation", "foundations", filtered=listing.is_filtered,
            rest="" if listing.is_filtered else " in the catalogue; those your applications stand on come first",
        ),
        filters=filters(
            request,
            found,
            [
                Control("q", "Search", "search"),
                Control("developer", "Developer", choices=list(developers.values_list("slug", "name"))),
                Control("open_weights", "Open weights", choices=BOOLEANS),
                Control("in_use", "In use here", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_rows(request, listing.rows),
    )  # fmt: skip


@require_safe
def foundation_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, queryset = _filtered(request)
    heads = [
        "foundation",
        "line",
        "developer",
        "family",
        "open weights",
        "versions",
        "offerings",
        "hosts",
        "next end",
        "applications",
        "critical",
    ]
    return csv_answer(
        "foundations",
        heads,
        _rows(request, list(queryset[:10_000])),
        lambda row: [
            row.foundation.name,
            row.foundation.line,
            row.foundation.developer.name,
            row.foundation.family,
            {True: "yes", False: "no", None: ""}[row.foundation.open_weights],
            row.n_versions,
            row.n_offerings,
            row.n_hosts,
            row.ends_on,
            row.reach.n,
            row.reach.n_critical,
        ],
    )


@require_safe
def foundation(request: HttpRequest, slug: str) -> HttpResponse:
    this = get_object_or_404(Foundation.objects.visible_to(request.user).select_related("developer"), slug=slug)
    at = now()
    today = day_of(at)
    versions = list(this.versions.order_by("released_on", "identifier"))
    offerings = list(
        Offering.objects.filter(version__foundation=this)
        .select_related("host", "version__foundation", "alias", "replacement", "lifecycle_claim")
        .order_by("retires_on", "host__name", "api_id")
    )
    reach = reach_by_ref(kind=NodeKind.OFFERING, refs=[row.pk for row in offerings], user=request.user, on=today)
    by_version = reach_by_ref(kind=NodeKind.VERSION, refs=[row.pk for row in versions], user=request.user, on=today)
    offerings.sort(
        key=lambda row: (-reach.get(row.pk, Reach()).n, row.retires_on is None, row.retires_on or today, row.host.name)
    )
    shown = [] if request.GET.get("all") is None and len(offerings) > 60 else offerings
    shown = shown or offerings[:60]
    standing = with_stacks(
        standing_on(kind=NodeKind.FOUNDATION, ref=this.pk, on=today).visible_to(request.user), on=today
    )
    applications = Listing(request, standing, size=100)
    called = [row for row in offerings if row.pk in reach]
    ends = [(row.retires_on, row.host.name, row.date_kind) for row in (called or offerings) if row.retires_on]
    n_critical = standing.filter(criticality=Criticality.CRITICAL).order_by().count()
    return page(
        request,
        "foundations/detail.html",
        title=this.name,
        crumbs=(
            ("Foundations", reverse("foundations")),
            (this.developer.name, reverse("provider", args=[this.developer.slug])),
        ),
        counts="Live applications of yours, in any role",
        as_of=at,
        foundation=this,
        sentence=sentences.of_ends(this.name, ends, today, applications.n_found, n_critical),
        versions=[
            (row, sum(o.version_id == row.pk for o in offerings), by_version.get(row.pk, Reach())) for row in versions
        ],
        offerings=[(row, reach.get(row.pk, Reach())) for row in shown],
        n_hidden=len(offerings) - len(shown),
        earliest=earliest_ends(shown, today=today),
        prices=prices_at(offerings=[row.pk for row in shown], at=at),
        lifecycle=_tracks(offerings, versions, called),
        applications=applications,
        standings=[standing_of(row, today) for row in applications.rows],
    )


def _tracks(offerings: list[Offering], versions: list[Version], called: list[Offering]) -> Any:
    """The lifecycle drawing: offerings with a date or in use, each with what every source says of it."""
    told = [*called, *(row for row in offerings if row.retires_on and row not in called)][:TRACKS]
    if not told:
        return None
    claims: dict[int | None, list[Claim]] = {}
    for assertion in (
        Assertion.objects.standing()
        .filter(offering__in=told, topic=Topic.LIFECYCLE)
        .select_related("source")
        .order_by("source__trust_rank", "source__name")
    ):
        claims.setdefault(assertion.offering_id, []).append(Claim.of(assertion))
    released = {row.pk: row.released_on for row in versions}
    today = day_of(now())
    return lifecycle(
        [
            Track(
                host=row.host.name,
                api_id=row.api_id,
                released_on=released.get(row.version_id or 0),
                ends_on=row.retires_on,
                soft=row.date_kind == "not_before",
                urgent=row.retires_on is not None and (row.retires_on - today).days <= 30 and row in called,
                claims=tuple(claims.get(row.pk, ())[:6]),
            )
            for row in told
        ],
        today=today,
    )
