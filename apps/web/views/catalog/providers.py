"""Providers: their roles, foundations and offerings, and the applications that depend on
them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.filters import ProviderFilter
from apps.catalog.models import (
    Foundation,
    Incident,
    NodeKind,
    Offering,
    Provider,
    ProviderRole,
    Source,
)
from apps.catalog.providers.earliest_retirement import ALL, PublishedMinimum
from apps.catalog.providers.track_record import ModelRetirement
from apps.catalog.providers.track_record_queries import provider_releases, provider_track_record
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
from apps.feeds.outage_records import outage_records
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.governance.contracts import contracts_by_party
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import csv_response
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters.data_terms import present_host_terms
from apps.web.presenters.outage_record import present_outage_record, present_releases
from apps.web.presenters.retirement_dates import reach_sentence
from apps.web.presenters.track_record import SCOPES, present_track_record
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries
from apps.web.views.catalog.incidents import IncidentRow
from apps.web.views.catalog.sections import DEPENDENTS_COUNTED, attached_risks
from apps.web.wording import quantity_of

MAX_ROWS = 25
MAX_REGIONS = 100
MAX_FOUNDATIONS, MAX_RETIRING = 20, 12
RECENT_INCIDENTS = timedelta(days=90)
MAX_INCIDENTS = 25


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """Provider with the applications that depend on the models it develops (`made`), on those it
    serves, and on those it relays or sells (`through`)."""

    provider: Provider
    n_foundations: int
    n_offerings: int
    made: DependentCount
    served: DependentCount
    through: DependentCount


def _link_parent(row: ProviderRow) -> str:
    parent = row.provider.parent
    if parent is None:
        return ""
    url = reverse("providers:detail", args=[parent.slug])
    return format_html('part of <a href="{}">{}</a>', url, parent.name)


def _count_by(rows: Any, column: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(column).annotate(n=Count("pk")))


class ProviderList(ListPage[Provider, ProviderRow]):
    """Providers by the filters of the URL, those in use first."""

    namespace = "providers"
    title = "Providers"
    nouns = ("provider", "providers")
    counts = DEPENDENTS_COUNTED
    filterset_class = ProviderFilter
    columns = (
        Column[ProviderRow](
            "name",
            "Provider",
            attrgetter("provider.name"),
            note=_link_parent,
            url=lambda row: reverse("providers:detail", args=[row.provider.slug]),
            order=("name", "pk"),
        ),
        Column[ProviderRow]("roles", "Roles", lambda row: ", ".join(row.provider.roles)),
        Column[ProviderRow](
            "models",
            "Models",
            lambda row: quantity_of(row.n_foundations, "foundation"),
            note=lambda row: quantity_of(row.n_offerings, "offering"),
            is_numeric=True,
            is_in_files=False,
        ),
        Column[ProviderRow](
            "used",
            "Applications",
            attrgetter("made.n"),
            format=format_number,
            order=("used", "name", "pk"),
            is_numeric=True,
        ),
        Column[ProviderRow](
            "served", "On its hosts", attrgetter("served.n"), format=format_number, is_numeric=True
        ),
        Column[ProviderRow](
            "through",
            "Via its gateway",
            attrgetter("through.n"),
            format=format_number,
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[ProviderRow]("Foundations", attrgetter("n_foundations")),
        FileColumn[ProviderRow]("Offerings", attrgetter("n_offerings")),
        FileColumn[ProviderRow](
            "Part of", lambda row: row.provider.parent.name if row.provider.parent else ""
        ),
        FileColumn[ProviderRow]("Country", attrgetter("provider.country")),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("role", "Role", choices=ProviderRole.choices),
    )
    default_order = ("used", ())

    def get_queryset(self) -> "QuerySet[Provider]":
        """Return the providers, annotated with `used`: 0 if a visible application depends on a
        model that they develop, serve, relay or sell, otherwise 1."""
        refs = used_parties(user=self.user)
        is_unused = Case(
            When(pk__in=refs, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
        providers = Provider.objects.visible_to(self.user).select_related("parent")
        return providers.annotate(used=is_unused)

    def build_rows(self, records: Sequence[Provider]) -> Sequence[ProviderRow]:
        """Return the providers as rows with their counts: six statements."""
        pks = [provider.pk for provider in records]
        made, served, relayed, sold = (
            dependent_counts(kind=kind, refs=pks, user=self.user)
            for kind in (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)
        )
        n_foundations = _count_by(Foundation.objects.filter(developer__in=pks), "developer")
        n_offerings = _count_by(Offering.objects.model_ids().filter(host__in=pks), "host")
        return [
            ProviderRow(
                provider,
                n_foundations.get(provider.pk, 0),
                n_offerings.get(provider.pk, 0),
                made.get(provider.pk, DependentCount()),
                served.get(provider.pk, DependentCount()),
                # few providers are both gateway and vendor
                relayed.get(provider.pk) or sold.get(provider.pk) or DependentCount(),
            )
            for provider in records
        ]

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()} in the catalogue, those in use first.")

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (
            PageAction("Import data terms", reverse("data-terms:import")),
            PageAction("Add provider", reverse("records:create", args=["providers"])),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No provider is known.",
            "An operator fills the catalogue with manage.py load_catalogue.",
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
    offerings = Offering.objects.model_ids().filter(host=data.provider)
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
        "features": list(
            Offering.objects.features()
            .filter(host=data.provider)
            .order_by(F("retires_on").asc(nulls_last=True), "api_id")[:MAX_RETIRING]
        ),
    }


def _load_record(data: ProviderData) -> dict[str, Any]:
    record = provider_track_record(data.provider)
    is_host = Offering.objects.model_ids().filter(host=data.provider).exists()
    provider = data.provider
    incidents = Incident.objects.told().filter(
        host=provider, started_at__gte=data.at - RECENT_INCIDENTS
    )
    return {
        "incidents": [
            IncidentRow(incident, data.at)
            for incident in incidents.defer("updates")[:MAX_INCIDENTS]
        ],
        "n_incidents": incidents.count(),
        "is_host": ProviderRole.HOST in provider.roles,
        "record": present_track_record(record) if is_host else None,
        "promises": [(_describe_scope(policy), policy) for policy in record.policies],
        "outages": present_outage_record(
            outage_records([provider.pk]).get(provider.pk),
            has_status_source=Source.objects.polled()
            .filter(kind=Source.STATUS, host=provider)
            .exists(),
        ),
        "releases": present_releases(provider_releases(provider, today=data.today)),
        "is_developer": ProviderRole.DEVELOPER in provider.roles,
    }


def _load_contracts(data: ProviderData) -> dict[str, Any]:
    pk = data.provider.pk
    risks, n_risks = attached_risks([(kind, pk) for kind in PARTY_KINDS], user=data.user)
    contracts = contracts_by_party(parties=[pk], user=data.user)
    host_terms, n_offerings = present_host_terms(data.provider)
    return {
        "contracts": contracts.get(pk, []),
        "reads_contracts": data.user.can_read_all,
        "host_terms": host_terms if n_offerings else (),
        "n_terms_offerings": n_offerings,
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
    _tab("record", "Track record", _load_record, "record", "notices", "outages"),
    _tab(
        "contracts", "Contracts and risks", _load_contracts, "h-contracts", "h-risks", "data-terms"
    ),
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
