"""Providers: their roles, foundations and offerings, and the applications that depend on
them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
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
    used_parties,
)
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.governance.contracts import contracts_by_party
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters.headlines import list_headline
from apps.web.presenters.retirement_dates import reach_sentence
from apps.web.presenters.track_record import SCOPES, present_track_record
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.catalog.sections import DEPENDENTS_COUNTED, attached_risks

ORDERS = Sorting(
    {
        "used": ("Applications", ("used", "name", "pk")),
        "name": ("Provider", ("name", "pk")),
    }
)

MAX_ROWS = 25
MAX_REGIONS = 100
MAX_FOUNDATIONS, MAX_RETIRING = 20, 12


def _filter_providers(request: HttpRequest) -> tuple[ProviderFilter, Any]:
    """Return the filter and its providers, annotated with `used`: 0 if a visible application
    depends on a model that they develop, serve, relay or sell, otherwise 1."""
    user = signed_in_user(request)
    refs = used_parties(user=user)
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
        counts=DEPENDENTS_COUNTED,
        sentence=list_headline(
            listing.count,
            "provider",
            "providers",
            is_filtered=listing.is_filtered,
            suffix="" if listing.is_filtered else " in the catalogue, those in use first",
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
            "applications on its hosts",
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


@dataclass(frozen=True, slots=True)
class ProviderData:
    """What the header of the page has loaded, for every tab."""

    user: User
    provider: Provider
    at: datetime
    reach: PartyReach

    @property
    def today(self) -> date:
        return day_of(self.at)


@require_safe
def provider_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a provider: its dependents and facts, or the tab that the URL selects."""
    provider = get_object_or_404(
        Provider.objects.visible_to(request.user).select_related("parent"), slug=slug
    )
    user = signed_in_user(request)
    at = now()
    reach = party_reach(provider=provider, user=user)
    data = ProviderData(user, provider, at, reach)
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
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        provider=provider,
        sentence=Headline(reach_sentence(reach.n, reach.n_critical, reach.shown)),
        roles=[ProviderRole(role).label for role in provider.roles],
        reach=reach,
        decision=decisions_by_target(targets=[provider], on=data.today).get(
            ("provider", provider.pk)
        ),
        # the role in which most applications depend on it, as used in URLs of what-ifs
        part=_pick_main_role(provider, reach),
        **load_tabs(request, TABS, data),
    )


def _load_overview(data: ProviderData) -> dict[str, Any]:
    applications = with_primary_stacks(
        party_applications(provider=data.provider, user=data.user, limit=MAX_ROWS), on=data.today
    )
    policies = provider_track_record(data.provider).policies
    return {
        "standings": [application_summaries(row, data.today) for row in applications],
        "parts": [(kind.label, n) for kind, n in sorted(data.reach.by_part.items())],
        "subsidiaries": data.provider.subsidiaries.order_by("name"),
        "regions": list(data.provider.regions.order_by("name")[:MAX_REGIONS]),
        "is_host": ProviderRole.HOST in data.provider.roles,
        "policies": list(data.provider.notice_policies.order_by("scope")),
        "promises": [(_describe_scope(policy), policy) for policy in policies],
    }


def _load_models(data: ProviderData) -> dict[str, Any]:
    foundations = list(data.provider.foundations.order_by("name"))
    reach_by_foundation = dependent_counts(
        kind=NodeKind.FOUNDATION, refs=[row.pk for row in foundations], user=data.user
    )
    foundations.sort(
        key=lambda row: (-reach_by_foundation.get(row.pk, DependentCount()).n, row.name)
    )
    offerings = Offering.objects.filter(host=data.provider)
    retiring_offerings = (
        offerings.filter(retires_on__gte=data.today)
        .select_related("version__foundation")
        .order_by("retires_on", "api_id")
    )
    return {
        "foundations": [
            (row, reach_by_foundation.get(row.pk, DependentCount()))
            for row in foundations[:MAX_FOUNDATIONS]
        ],
        "n_foundations": len(foundations),
        "n_offerings": offerings.count(),
        "n_ending": retiring_offerings.count(),
        "ending": retiring_offerings[:MAX_RETIRING],
    }


def _load_record(data: ProviderData) -> dict[str, Any]:
    record = provider_track_record(data.provider)
    is_host = Offering.objects.filter(host=data.provider).exists()
    return {
        "record": present_track_record(record) if is_host else None,
        "promises": [(_describe_scope(policy), policy) for policy in record.policies],
    }


def _load_contracts(data: ProviderData) -> dict[str, Any]:
    pk = data.provider.pk
    risks, n_risks = attached_risks([(kind, pk) for kind in PARTY_KINDS], user=data.user)
    contracts = contracts_by_party(parties=[pk], user=data.user)
    return {
        "contracts": contracts.get(pk, []),
        "reads_contracts": data.user.can_read_all,
        "risks": risks,
        "n_risks": n_risks,
    }


def _tab(
    name: str, label: str, load: Callable[[ProviderData], Any], *anchors: str
) -> Tab[ProviderData]:
    return Tab(name, label, f"providers/tabs/{name}.html", load, anchors)


TABS = (
    _tab("overview", "Overview", _load_overview, "h-stands", "h-facts"),
    _tab("models", "Models", _load_models, "h-made", "h-serves"),
    _tab("record", "Track record", _load_record, "record", "notices"),
    _tab("contracts", "Contracts and risks", _load_contracts, "h-contracts", "h-risks"),
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
        "model ID",
        "offerings",
        "announced",
        "announced on",
        "ends",
        "notice period in days",
        "kind",
        "promised days today",
        "source",
        "address",
    ]
    return csv_response(f"{provider.slug}-record", heads, record.measured.told[::-1], cells)


@require_safe
def redirect_to_form(request: HttpRequest, slug: str) -> HttpResponse:
    return _redirect_to_record(request, "edit", slug)


@require_safe
def redirect_to_history(request: HttpRequest, slug: str) -> HttpResponse:
    return _redirect_to_record(request, "history", slug)


@require_safe
def redirect_to_history_csv(request: HttpRequest, slug: str) -> HttpResponse:
    return _redirect_to_record(request, "history-csv", slug)


def _redirect_to_record(request: HttpRequest, page: str, slug: str) -> HttpResponse:
    """Redirect an old URL to the page of the provider as an editable record."""
    provider = get_object_or_404(Provider.objects.visible_to(request.user), slug=slug)
    return redirect(f"records:{page}", "providers", provider.pk, permanent=True)
