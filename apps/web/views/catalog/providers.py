"""Providers: their roles, what they make and serve, and the applications that depend on them."""

from typing import Any

from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.filters import ProviderFilter
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, ProviderRole
from apps.catalog.providers.earliest_retirement import ALL, PublishedMinimum
from apps.catalog.providers.track_record import ModelRetirement
from apps.catalog.providers.track_record_queries import provider_track_record
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import (
    PARTY_KINDS,
    DependentCount,
    PartyReach,
    dependent_counts,
    party_applications,
    party_reach,
    used_nodes,
)
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.governance.contracts import contracts_by_party
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.headlines import list_headline
from apps.web.presenters.track_record import SCOPES, present_track_record
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.catalog.sections import attached_risks
from apps.web.wording import as_word, count_of

ORDERS = Sorting(
    {
        "used": ("Apps on its models", ("used", "name", "pk")),
        "name": ("Provider", ("name", "pk")),
    }
)

MAX_ROWS = 25


def _filtered(request: HttpRequest) -> tuple[ProviderFilter, Any]:
    """Providers with `used` 0 where a visible application stands on what they make, serve or pass
    on, else 1."""
    user = signed_in_user(request)
    refs = {ref for kind in PARTY_KINDS for ref in used_nodes(kind=kind, user=user)}
    everything = Provider.objects.visible_to(user).annotate(
        used=Case(When(pk__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField())
    )
    found = ProviderFilter(request.GET, everything, request=request)
    return found, ORDERS.apply(request, found.qs.select_related("parent"))


def _counted(rows: Any, column: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(column).annotate(n=Count("pk")))


def _rows(request: HttpRequest, providers: list[Provider]) -> list[dict[str, Any]]:
    pks = [provider.pk for provider in providers]
    user = signed_in_user(request)
    made = dependent_counts(kind=NodeKind.DEVELOPER, refs=pks, user=user)
    served = dependent_counts(kind=NodeKind.HOST, refs=pks, user=user)
    gateways = dependent_counts(kind=NodeKind.GATEWAY, refs=pks, user=user)
    vendors = dependent_counts(kind=NodeKind.VENDOR, refs=pks, user=user)
    makes = _counted(Foundation.objects.filter(developer__in=pks), "developer")
    serves = _counted(Offering.objects.filter(host__in=pks), "host")
    return [
        {
            "provider": provider,
            "n_foundations": makes.get(provider.pk, 0),
            "n_offerings": serves.get(provider.pk, 0),
            "made": made.get(provider.pk, DependentCount()),
            "served": served.get(provider.pk, DependentCount()),
            # one is a gateway or sells a product, hardly both
            "through": gateways.get(provider.pk) or vendors.get(provider.pk) or DependentCount(),
        }
        for provider in providers
    ]


@require_safe
def provider_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _filtered(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "providers/list.html",
        fragment="listing",
        title="Providers",
        counts="Live applications of yours, in any role",
        sentence=list_headline(
            listing.count,
            "provider",
            "providers",
            is_filtered=listing.is_filtered,
            suffix=""
            if listing.is_filtered
            else " in the catalogue; those your applications stand on come first",
        ),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("role", "Role", choices=ProviderRole.choices),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_rows(request, listing.rows),
    )


@require_safe
def provider_csv(request: HttpRequest) -> StreamingHttpResponse:
    _, queryset = _filtered(request)
    return csv_response(
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
            "applications through it",
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
            row["through"].n,
        ],
    )


@require_safe
def provider_detail(request: HttpRequest, slug: str) -> HttpResponse:
    this = get_object_or_404(
        Provider.objects.visible_to(request.user).select_related("parent"), slug=slug
    )
    user = signed_in_user(request)
    at = now()
    today = day_of(at)
    reach = party_reach(provider=this, user=user)
    first = with_primary_stacks(
        party_applications(provider=this, user=user, limit=MAX_ROWS), on=today
    )
    foundations = list(this.foundations.order_by("name"))
    made = dependent_counts(
        kind=NodeKind.FOUNDATION, refs=[row.pk for row in foundations], user=user
    )
    foundations.sort(key=lambda row: (-made.get(row.pk, DependentCount()).n, row.name))
    offerings = Offering.objects.filter(host=this)
    n_offerings = offerings.count()
    record = provider_track_record(this)
    ending = offerings.filter(retires_on__gte=today).select_related("version__foundation")
    ending = ending.order_by("retires_on", "api_id")
    nodes = [(kind, this.pk) for kind in PARTY_KINDS]
    risks, n_risks = attached_risks(nodes, user=user)
    return render_page(
        request,
        "providers/detail.html",
        title=this.name,
        crumbs=(
            ("Providers", reverse("providers:list")),
            *(
                ((this.parent.name, reverse("providers:detail", args=[this.parent.slug])),)
                if this.parent
                else ()
            ),
        ),
        counts="Live applications of yours, in any role",
        as_of=at,
        provider=this,
        sentence=_sentence(this, reach),
        roles=[ProviderRole(role).label for role in this.roles],
        subsidiaries=this.subsidiaries.order_by("name"),
        foundations=[(row, made.get(row.pk, DependentCount())) for row in foundations[:20]],
        n_foundations=len(foundations),
        n_offerings=n_offerings,
        n_ending=ending.count(),
        ending=ending[:12],
        reach=reach,
        parts=[(kind.label, n) for kind, n in sorted(reach.by_part.items())],
        standings=[application_summaries(row, today) for row in first],
        record=present_track_record(record) if n_offerings else None,
        promises=[(_covered(policy), policy) for policy in record.policies],
        contracts=contracts_by_party(parties=[this.pk], user=user).get(this.pk, []),
        reads_contracts=user.can_read_all,
        decision=decisions_by_target(targets=[this], on=today).get(("provider", this.pk)),
        risks=risks,
        n_risks=n_risks,
        # as what-ifs name it: the part it plays for most applications
        part=_part(this, reach),
    )


def _part(this: Provider, reach: PartyReach) -> str:
    """developer, host, gateway or vendor: what it mostly is to the reader, else its first role."""
    if reach.by_part:
        return max(reach.by_part.items(), key=lambda item: (item[1], -item[0]))[0].label
    return next((role for role in this.roles if role in {"developer", "host", "gateway"}), "host")


def _covered(policy: PublishedMinimum) -> str:
    return SCOPES.get(policy.scope, "all models")


@require_safe
def track_record_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send the notices that the track record counts, the latest announcement first."""
    this = get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)
    record = provider_track_record(this)
    least = {policy.scope: policy.notice_days for policy in record.policies}

    def cells(end: ModelRetirement) -> list[Any]:
        promised = max(
            filter(None, (least.get(ALL), None if end.is_partners else least.get(end.scope))),
            default=None,
        )
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
    return csv_response(f"{this.slug}-record", heads, record.measured.told[::-1], cells)


def _sentence(this: Provider, reach: PartyReach) -> Headline:
    if not reach.n:
        return Headline(f"Nothing of yours stands on {this.name}.")
    n = f"{reach.shown} applications" if reach.at_least else count_of(reach.n, "application")
    stands = f"{n} {'stands' if reach.n == 1 else 'stand'} on {this.name}"
    critical = f", {as_word(reach.n_critical)} of them critical." if reach.n_critical else "."
    return Headline(f"{stands[0].upper()}{stands[1:]}{critical}")
