"""Providers: what a party is, what it makes and serves, and who stands on it."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.earliest import ALL, Policy
from apps.catalog.filters import ProviderFilter
from apps.catalog.models import NodeKind, Offering, Provider, ProviderRole
from apps.catalog.record import End
from apps.catalog.record_queries import provider_record
from apps.common.time import day_of, now
from apps.web.filtering import Control, filters
from apps.web.listing import Listing, Sorting, csv_answer
from apps.web.page import Sentence, page
from apps.web.queries import Reach, counts_of, reach_by_ref, standing_on_party, with_stacks
from apps.web.records import SCOPES, shown
from apps.web.sentences import of_list
from apps.web.views.applications import standing_of
from apps.web.wording import counted, spelled

ORDERS = Sorting({"name": ("Provider", ("name", "pk"))})

SHOWN = 100


def _filtered(request: HttpRequest) -> tuple[ProviderFilter, Any]:
    found = ProviderFilter(request.GET, Provider.objects.visible_to(request.user), request=request)
    return found, ORDERS.apply(request, found.qs.select_related("parent"))


def _rows(request: HttpRequest, providers: list[Provider]) -> list[dict[str, Any]]:
    today = day_of(now())
    pks = [provider.pk for provider in providers]
    made = reach_by_ref(kind=NodeKind.DEVELOPER, refs=pks, user=request.user, on=today)
    served = reach_by_ref(kind=NodeKind.HOST, refs=pks, user=request.user, on=today)
    counts = {
        row["pk"]: row
        for row in Provider.objects.filter(pk__in=pks)
        .order_by()
        .values("pk")
        .annotate(n_foundations=Count("foundations", distinct=True), n_offerings=Count("offerings", distinct=True))
    }
    return [
        {
            "provider": provider,
            "n_foundations": counts[provider.pk]["n_foundations"],
            "n_offerings": counts[provider.pk]["n_offerings"],
            "made": made.get(provider.pk, Reach()),
            "served": served.get(provider.pk, Reach()),
        }
        for provider in providers
    ]


@require_safe
def provider_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = Listing(request, queryset)
    return page(
        request,
        "providers/list.html",
        fragment="listing",
        title="Providers",
        counts="Live applications of yours, in any role",
        sentence=of_list(
            listing.count, "provider", "providers", filtered=listing.is_filtered,
            rest="" if listing.is_filtered else " develop or serve what applications stand on",
        ),
        filters=filters(
            request, found, [Control("q", "Search", "search"), Control("role", "Role", choices=ProviderRole.choices)]
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_rows(request, listing.rows),
    )  # fmt: skip


@require_safe
def provider_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, queryset = _filtered(request)
    return csv_answer(
        "providers",
        [
            "provider",
            "roles",
            "parent",
            "country",
            "foundations",
            "offerings",
            "applications on its models",
            "applications at its hosts",
        ],
        _rows(request, list(queryset[:10_000])),
        lambda row: [
            row["provider"].name,
            ", ".join(row["provider"].roles),
            row["provider"].parent.name if row["provider"].parent else "",
            row["provider"].country,
            row["n_foundations"],
            row["n_offerings"],
            row["made"].n,
            row["served"].n,
        ],
    )


@require_safe
def provider(request: HttpRequest, slug: str) -> HttpResponse:
    this = get_object_or_404(Provider.objects.visible_to(request.user).select_related("parent"), slug=slug)
    at = now()
    today = day_of(at)
    standing = standing_on_party(provider=this, user=request.user, on=today)
    n_standing, n_critical = counts_of(standing)
    first = with_stacks(standing.order_by("criticality", "name", "pk"), on=today)[:SHOWN]
    foundations = list(this.foundations.order_by("name"))
    reach = reach_by_ref(kind=NodeKind.FOUNDATION, refs=[row.pk for row in foundations], user=request.user, on=today)
    foundations.sort(key=lambda row: (-reach.get(row.pk, Reach()).n, row.name))
    offerings = Offering.objects.filter(host=this).select_related("version__foundation")
    n_offerings = offerings.count()
    record = provider_record(this)
    ending = offerings.filter(retires_on__gte=today).order_by("retires_on", "api_id")
    return page(
        request,
        "providers/detail.html",
        title=this.name,
        crumbs=(("Providers", reverse("providers")),),
        counts="Live applications of yours, in any role",
        as_of=at,
        provider=this,
        sentence=_sentence(this, n_standing, n_critical),
        roles=[ProviderRole(role).label for role in this.roles],
        subsidiaries=this.subsidiaries.order_by("name"),
        foundations=[(row, reach.get(row.pk, Reach())) for row in foundations[:20]],
        n_foundations=len(foundations),
        n_offerings=n_offerings,
        n_ending=ending.count(),
        ending=ending[:12],
        n_standing=n_standing,
        standings=[standing_of(row, today) for row in first],
        record=shown(record) if n_offerings else None,
        promises=[(_covered(policy), policy) for policy in record.policies],
    )


def _covered(policy: Policy) -> str:
    return SCOPES.get(policy.scope, "all models")


@require_safe
def record_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The notices that the record counts, the latest announcement first."""
    this = get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)
    record = provider_record(this)
    least = {policy.scope: policy.notice_days for policy in record.policies}

    def cells(end: End) -> list[Any]:
        promised = max(filter(None, (least.get(ALL), None if end.is_partners else least.get(end.scope))), default=None)
        return [
            end.model,
            end.api_id,
            end.n_offerings,
            end.announced_on,
            "first seen here" if end.is_seen else "published",
            end.ends_on,
            end.notice_days,
            end.scope,
            promised,
            end.told_by or end.source,
            end.source_url,
        ]

    heads = [
        "model",
        "api id",
        "offerings",
        "announced",
        "announcement day",
        "ends",
        "notice in days",
        "kind",
        "promised days today",
        "source",
        "address",
    ]
    return csv_answer(f"{this.slug}-record", heads, record.measured.told[::-1], cells)


def _sentence(this: Provider, n: int, n_critical: int) -> Sentence:
    if n == 0:
        return Sentence(f"Nothing of yours stands on {this.name}.")
    stands = f"{counted(n, 'application')} {'stands' if n == 1 else 'stand'} on {this.name}"
    return Sentence(
        f"{stands[0].upper()}{stands[1:]}" + (f", {spelled(n_critical)} of them critical." if n_critical else ".")
    )
