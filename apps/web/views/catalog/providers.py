"""Providers: their roles, foundations and offerings, and the applications that depend on
them."""

from typing import Any

from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
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
MAX_REGIONS = 100


def _filter_providers(request: HttpRequest) -> tuple[ProviderFilter, Any]:
    """Return the filter and its providers, annotated with `used`: 0 if a visible application
    depends on a model that they develop, serve, relay or sell, otherwise 1."""
    user = signed_in_user(request)
    refs = {ref for kind in PARTY_KINDS for ref in used_nodes(kind=kind, user=user)}
    providers = Provider.objects.visible_to(user).annotate(
        used=Case(When(pk__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField())
    )
    filterset = ProviderFilter(request.GET, providers, request=request)
    return filterset, ORDERS.apply(request, filterset.qs.select_related("parent"))


def _count_by(rows: Any, column: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(column).annotate(n=Count("pk")))


def _build_rows(request: HttpRequest, providers: list[Provider]) -> list[dict[str, Any]]:
    """Return the providers as rows with their counts; dependents are those that the user can
    view."""
    pks = [provider.pk for provider in providers]
    user = signed_in_user(request)
    developer_counts = dependent_counts(kind=NodeKind.DEVELOPER, refs=pks, user=user)
    host_counts = dependent_counts(kind=NodeKind.HOST, refs=pks, user=user)
    gateway_counts = dependent_counts(kind=NodeKind.GATEWAY, refs=pks, user=user)
    vendor_counts = dependent_counts(kind=NodeKind.VENDOR, refs=pks, user=user)
    n_foundations = _count_by(Foundation.objects.filter(developer__in=pks), "developer")
    n_offerings = _count_by(Offering.objects.filter(host__in=pks), "host")
    return [
        {
            "provider": provider,
            "n_foundations": n_foundations.get(provider.pk, 0),
            "n_offerings": n_offerings.get(provider.pk, 0),
            "made": developer_counts.get(provider.pk, DependentCount()),
            "served": host_counts.get(provider.pk, DependentCount()),
            # few providers are both gateway and vendor
            "through": gateway_counts.get(provider.pk)
            or vendor_counts.get(provider.pk)
            or DependentCount(),
        }
        for provider in providers
    ]


@require_safe
def provider_list(request: HttpRequest) -> HttpResponse:
    """Show the providers, by the filters and the order of the URL."""
    filterset, queryset = _filter_providers(request)
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
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("role", "Role", choices=ProviderRole.choices),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_build_rows(request, listing.rows),
    )


@require_safe
def provider_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all providers that match the filters."""
    _, queryset = _filter_providers(request)
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
        _build_rows(request, list(queryset[:10_000])),
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
    """Show a provider with its track record, foundations, offerings, contracts and dependents."""
    provider = get_object_or_404(
        Provider.objects.visible_to(request.user).select_related("parent"), slug=slug
    )
    user = signed_in_user(request)
    at = now()
    today = day_of(at)
    reach = party_reach(provider=provider, user=user)
    applications = with_primary_stacks(
        party_applications(provider=provider, user=user, limit=MAX_ROWS), on=today
    )
    foundations = list(provider.foundations.order_by("name"))
    reach_by_foundation = dependent_counts(
        kind=NodeKind.FOUNDATION, refs=[row.pk for row in foundations], user=user
    )
    foundations.sort(
        key=lambda row: (-reach_by_foundation.get(row.pk, DependentCount()).n, row.name)
    )
    offerings = Offering.objects.filter(host=provider)
    n_offerings = offerings.count()
    record = provider_track_record(provider)
    retiring_offerings = offerings.filter(retires_on__gte=today).select_related(
        "version__foundation"
    )
    retiring_offerings = retiring_offerings.order_by("retires_on", "api_id")
    nodes = [(kind, provider.pk) for kind in PARTY_KINDS]
    risks, n_risks = attached_risks(nodes, user=user)
    return render_page(
        request,
        "providers/detail.html",
        title=provider.name,
        crumbs=(
            ("Providers", reverse("providers:list")),
            *(
                ((provider.parent.name, reverse("providers:detail", args=[provider.parent.slug])),)
                if provider.parent
                else ()
            ),
        ),
        counts="Live applications of yours, in any role",
        as_of=at,
        provider=provider,
        sentence=_build_headline(provider, reach),
        roles=[ProviderRole(role).label for role in provider.roles],
        subsidiaries=provider.subsidiaries.order_by("name"),
        regions=list(provider.regions.order_by("name")[:MAX_REGIONS]),
        is_host=ProviderRole.HOST in provider.roles,
        policies=list(provider.notice_policies.order_by("scope")),
        foundations=[
            (row, reach_by_foundation.get(row.pk, DependentCount())) for row in foundations[:20]
        ],
        n_foundations=len(foundations),
        n_offerings=n_offerings,
        n_ending=retiring_offerings.count(),
        ending=retiring_offerings[:12],
        reach=reach,
        parts=[(kind.label, n) for kind, n in sorted(reach.by_part.items())],
        standings=[application_summaries(row, today) for row in applications],
        record=present_track_record(record) if n_offerings else None,
        promises=[(_describe_scope(policy), policy) for policy in record.policies],
        contracts=contracts_by_party(parties=[provider.pk], user=user).get(provider.pk, []),
        reads_contracts=user.can_read_all,
        decision=decisions_by_target(targets=[provider], on=today).get(("provider", provider.pk)),
        risks=risks,
        n_risks=n_risks,
        # the role in which most applications depend on it, as used in URLs of what-ifs
        part=_pick_main_role(provider, reach),
    )


def _pick_main_role(provider: Provider, reach: PartyReach) -> str:
    """Return the role in which most of the user's applications depend on the provider, otherwise
    its first role: `developer`, `host`, `gateway` or `vendor`."""
    if reach.by_part:
        return max(reach.by_part.items(), key=lambda item: (item[1], -item[0]))[0].label
    return next(
        (role for role in provider.roles if role in {"developer", "host", "gateway"}), "host"
    )


def _describe_scope(policy: PublishedMinimum) -> str:
    return SCOPES.get(policy.scope, "all models")


@require_safe
def track_record_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send the retirements that the track record counts, the latest announcement first."""
    provider = get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)
    record = provider_track_record(provider)
    promised_days_by_scope = {policy.scope: policy.notice_days for policy in record.policies}

    def cells(retirement: ModelRetirement) -> list[Any]:
        promised = max(
            filter(
                None,
                (
                    promised_days_by_scope.get(ALL),
                    None
                    if retirement.is_partners
                    else promised_days_by_scope.get(retirement.scope),
                ),
            ),
            default=None,
        )
        return [
            retirement.model,
            retirement.api_id,
            retirement.n_offerings,
            retirement.announced_on,
            "first seen here" if retirement.is_seen else "published",
            retirement.ends_on,
            retirement.notice_days,
            retirement.scope,
            promised,
            retirement.told_by or retirement.source,
            retirement.source_url,
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
    return csv_response(f"{provider.slug}-record", heads, record.measured.told[::-1], cells)


def _build_headline(provider: Provider, reach: PartyReach) -> Headline:
    if not reach.n:
        return Headline(f"Nothing of yours stands on {provider.name}.")
    n = f"{reach.shown} applications" if reach.at_least else count_of(reach.n, "application")
    clause = f"{n} {'stands' if reach.n == 1 else 'stand'} on {provider.name}"
    critical = f", {as_word(reach.n_critical)} of them critical." if reach.n_critical else "."
    return Headline(f"{clause[0].upper()}{clause[1:]}{critical}")


@require_safe
def redirect_to_form(request: HttpRequest, slug: str) -> HttpResponse:
    return _redirect_to_record(request, "edit", slug)


@require_safe
def redirect_to_history(request: HttpRequest, slug: str) -> HttpResponse:
    return _redirect_to_record(request, "history", slug)


def _redirect_to_record(request: HttpRequest, page: str, slug: str) -> HttpResponse:
    """Redirect an old URL to the page of the provider as an editable record."""
    provider = get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)
    return redirect(f"records:{page}", "providers", provider.pk, permanent=True)
