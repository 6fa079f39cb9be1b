"""Offerings: the accepted value and its reason, the values of each source, prices, manual
overrides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.alerts.issues.notified import notified_of_offerings
from apps.catalog.actions import InvalidFactError, remove_manual_fact, set_manual_fact
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.claims.values import split_price_key
from apps.catalog.filters import OfferingFilter
from apps.catalog.models import (
    Assertion,
    DateKind,
    Footing,
    Foundation,
    Lifecycle,
    NodeKind,
    Offering,
    OfferingRegion,
    Price,
    Provider,
    Region,
    Version,
    Via,
)
from apps.catalog.models.claims import Topic
from apps.catalog.providers.track_record_queries import earliest_retirements
from apps.catalog.retirements.coverage import open_announcements
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.feeds.models import PollState
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.models import Approval
from apps.web import wording
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters import headlines
from apps.web.presenters.retirement_dates import OfferingSummary, offering_headline
from apps.web.queries import prices_at
from apps.web.views.catalog.foundation_detail import price_csv, price_section
from apps.web.views.catalog.sections import (
    DEPENDENTS_COUNTED,
    attached_risks,
    count_dependents,
    dependent_applications,
    summarise_offerings,
    used_offerings,
)

MAX_EVENTS = 20
ORDERS = Sorting(
    {
        "host": ("Host", ("host__name", "api_id", "pk")),
        "api_id": ("Model ID", ("api_id", "host__name", "pk")),
        "ends": ("Retires", ("retires_on", "api_id", "pk")),
    }
)


def _filter_offerings(request: HttpRequest) -> tuple[OfferingFilter, "QuerySet[Offering]"]:
    filterset = OfferingFilter(
        request.GET, Offering.objects.visible_to(request.user), request=request
    )
    queryset = filterset.qs
    if request.GET.get("in_use") == "true":
        queryset = queryset.filter(used_offerings(signed_in_user(request)))
    if ORDERS.chosen(request)[0] == "ends":
        queryset = queryset.filter(retires_on__isnull=False)
    return filterset, ORDERS.apply(request, queryset)


_LIST_RELATIONS = ("host", "version__foundation__developer", "replacement")


def _load_offerings(rows: Sequence[Offering]) -> list[Offering]:
    """Load one page of offerings with their relations, in the given order. The list is sorted
    without them, which is faster for thousands of rows."""
    offerings_by_id = Offering.objects.select_related(*_LIST_RELATIONS).in_bulk(
        [row.pk for row in rows]
    )
    return [offerings_by_id[row.pk] for row in rows if row.pk in offerings_by_id]


@require_safe
def offering_list(request: HttpRequest) -> HttpResponse:
    """Show the offerings, by the filters and the order of the URL."""
    filterset, queryset = _filter_offerings(request)
    listing = PaginatedList(request, queryset.only("pk"))
    rows = _load_offerings(listing.rows)
    pks = [row.pk for row in rows]
    reach = dependent_counts(kind=NodeKind.OFFERING, refs=pks, user=signed_in_user(request))
    hosts = Provider.objects.visible_to(request.user).hosts().values_list("slug", "name")  # type: ignore[attr-defined]
    return render_page(
        request,
        "offerings/list.html",
        fragment="listing",
        title="Offerings",
        counts=DEPENDENTS_COUNTED,
        sentence=headlines.list_headline(
            listing.count,
            "offering",
            "offerings",
            is_filtered=listing.is_filtered,
            suffix="" if listing.is_filtered else " in the catalogue, as their hosts serve them",
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Model ID contains", "search"),
                FilterControl("host", "Host", choices=list(hosts)),
                FilterControl("lifecycle", "Lifecycle", choices=Lifecycle.choices),
                FilterControl("has_end", "Retirement date", choices=BOOLEANS),
                FilterControl("resolved", "Identified", choices=BOOLEANS),
                FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=[(row, reach.get(row.pk, DependentCount())) for row in rows],
        prices=prices_at(offerings=pks, at=now()),
    )


@require_safe
def offering_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all offerings that match the filters."""
    _, queryset = _filter_offerings(request)

    def cells(offering: Offering) -> list[Any]:
        version = offering.version
        return [
            offering.host.name,
            offering.api_id,
            offering.region_scope,
            offering.service_tier,
            version.identifier if version else "",
            version.foundation.name if version else "",
            version.foundation.developer.name if version else "",
            offering.get_lifecycle_display(),
            offering.announced_on,
            offering.retires_on,
            offering.get_date_kind_display(),
            offering.replacement.api_id if offering.replacement else offering.replacement_text,
            offering.identity_explanation,
        ]

    heads = [
        "host",
        "model ID",
        "region",
        "tier",
        "version",
        "foundation",
        "developer",
        "lifecycle",
        "announced",
        "retires",
        "type of date",
        "replacement",
        "identity",
    ]
    return csv_response(
        "offerings",
        heads,
        queryset.select_related(*_LIST_RELATIONS).iterator(chunk_size=2000),
        cells,
    )


class ManualEndForm(forms.Form):
    """Form of a manual override of an offering's retirement date. It outranks every feed until
    removed."""

    retires_on = DayField(label="Retires on", required=False, help_text="Empty: no date is known.")
    date_kind = forms.ChoiceField(
        label="Type of date",
        choices=[(DateKind.FIRM.value, "Announced"), (DateKind.NOT_BEFORE.value, "Earliest")],
        initial=DateKind.FIRM.value,
        help_text="Announced, or the earliest possible date.",
        error_messages={
            "required": "Select whether the date is announced or the earliest possible date."
        },
    )
    announced_on = DayField(label="Announced on", required=False)
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "–"),
            ("active", "Active"),
            ("deprecated", "Deprecated"),
            ("retired", "Retired"),
        ],
    )
    successor = forms.CharField(label="Successor", required=False, max_length=300)
    source_url = forms.URLField(label="Published at", required=False, max_length=1000)
    reason = forms.CharField(
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Source of the information.",
        error_messages={"required": "Enter a reason with the source of the information."},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("retires_on"):
            # without a date its type states nothing
            cleaned["date_kind"] = ""
            self.errors.pop("date_kind", None)
        return cleaned


class RemoveOverrideForm(forms.Form):
    reason = forms.CharField(
        label="Reason for the removal",
        error_messages={"required": "Enter a reason for removing the override."},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def offering_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page; POST sets a manual override."""
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related(
            "host",
            "gateway",
            "version__foundation__developer",
            "alias",
            "replacement__host",
            "lifecycle_claim__source",
            "price_claim__source",
        ),
        pk=pk,
    )
    # other pages, such as that of provider notices, prefill fields by the URL
    initial = {
        name: request.GET[name][:1000]
        for name in ManualEndForm.base_fields
        if request.GET.get(name)
    }
    form = ManualEndForm(request.POST or None, initial=initial)
    if request.method == "POST":
        user = governance_user(request, "You need the governance role to override a value.")
        if form.is_valid():
            value = {
                name: field_value
                for name, field_value in form.cleaned_data.items()
                if name != "reason"
            }
            try:
                set_manual_fact(
                    offering=offering, value=value, by=user, reason=form.cleaned_data["reason"]
                )
            except InvalidFactError as error:
                form.add_error(None, str(error))
            else:
                messages.success(
                    request,
                    "Override saved. It has priority over every feed until it is removed.",
                )
                return redirect("offerings:detail", pk=pk)
    return _render_offering_page(request, offering, form)


@dataclass(frozen=True, slots=True)
class OfferingData:
    """What the header of the page has loaded, for every tab. `form` is that of the manual override,
    with its errors; `claims` are the values of all sources."""

    request: HttpRequest
    user: User
    offering: Offering
    at: datetime
    claims: Sequence[Assertion]
    count: DependentCount
    form: ManualEndForm

    @property
    def today(self) -> date:
        return day_of(self.at)


def _render_offering_page(
    request: HttpRequest, offering: Offering, form: ManualEndForm
) -> HttpResponse:
    """Render the tab that the URL selects; a form with errors is on the tab of the sources."""
    at = now()
    today = day_of(at)
    user = signed_in_user(request)
    claims = list(
        offering.assertions.select_related("source__poll_state", "asserted_by").order_by(
            "topic", "source__trust_rank", "source__name", "external_id"
        )
    )
    manual_claim = next(
        (
            row
            for row in claims
            if row.source.kind == "manual"
            and row.topic == Topic.LIFECYCLE
            and row.withdrawn_at is None
        ),
        None,
    )
    count = count_dependents(NodeKind.OFFERING, offering.pk, user=user)
    data = OfferingData(request, user, offering, at, claims, count, form)
    siblings: list[OfferingSummary] = []
    if offering.version_id is not None:
        same_version = Offering.objects.filter(version=offering.version_id, host=offering.host_id)
        siblings = summarise_offerings(same_version)
    own = next((row for row in siblings if row.pk == offering.pk), None)
    summary = own or summarise_offerings(Offering.objects.filter(pk=offering.pk))[0]
    return render_page(
        request,
        "offerings/detail.html",
        title=offering.api_id,
        crumbs=(
            ("Offerings", reverse("offerings:list")),
            (offering.host.name, f"{reverse('offerings:list')}?host={offering.host.slug}"),
        ),
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        status=422 if form.errors else 200,
        offering=offering,
        sentence=offering_headline(
            summary, [row for row in siblings if row.pk != offering.pk], count, today
        ),
        manual=manual_claim,
        manual_reason=_as_sentence(manual_claim.reason) if manual_claim is not None else "",
        announcement=open_announcements([offering]).get(offering.pk),
        decision=_get_approval(offering, today),
        form=form,
        lift_form=RemoveOverrideForm(),
        **load_tabs(request, TABS, data, selected="sources" if form.is_bound else ""),
    )


def _as_sentence(text: str) -> str:
    """Return the text with one full stop at its end."""
    stripped = text.strip()
    return stripped if stripped.endswith((".", "!", "?")) else f"{stripped}."


def _load_overview(data: OfferingData) -> dict[str, Any]:
    offering = data.offering
    return {
        "earliest": earliest_retirements([offering], today=data.today).get(offering.pk),
        "standings": dependent_applications(
            NodeKind.OFFERING, offering.pk, user=data.user, today=data.today, count=data.count
        ),
        "events": offering.events.select_related("source").order_by("-detected_at", "-id")[
            :MAX_EVENTS
        ],
        "notified": notified_of_offerings([offering.pk], user=data.user),
        "region_links": list(
            OfferingRegion.objects.filter(offering=offering)
            .select_related("region")
            .order_by("region__name")
        ),
    }


def _load_sources(data: OfferingData) -> dict[str, Any]:
    offering = data.offering
    polled_source_names = dict(
        PollState.objects.filter(last_success_at__isnull=False).values_list(
            "source__slug", "source__name"
        )
    )
    accepted_claim_ids = {offering.lifecycle_claim_id, offering.price_claim_id} - {None}
    return {
        # a claim of the built-in catalogue stands in for a feed until that feed has been polled
        "stood_in": {
            row.pk: polled_source_names.get(row.external_id.partition(":")[0])
            for row in data.claims
            if row.source.slug == BUILT_IN
        },
        "claims": [
            (
                topic.label,
                [(row, row.pk in accepted_claim_ids) for row in data.claims if row.topic == topic],
            )
            for topic in Topic
        ],
        "n_claims": len(data.claims),
        "disagreement": next(iter(disagreements([offering.pk], open_only=False, at=data.at)), None),
        "steps": [step for step in offering.identity_explanation.split("; ") if step],
    }


def _load_prices(data: OfferingData) -> dict[str, Any]:
    offering, at = data.offering, data.at
    prices = list(
        offering.prices.select_related("claim__source").order_by("unit", "above_tokens", "-valid")
    )
    unit_order = list(PRICE_UNITS)
    prices.sort(
        key=lambda price: (
            unit_order.index(price.unit) if price.unit in unit_order else 99,
            price.above_tokens,
        )
    )
    return {
        "current_prices": [price for price in prices if _is_in_force(price, at)],
        "coming_prices": coming_prices(data.claims, data.today),
        "past_prices": [
            price for price in prices if price.valid.upper is not None and price.valid.upper <= at
        ],
        "floating_since": next(
            (row.floating_since for row in data.claims if row.pk == offering.price_claim_id), None
        ),
        "history": price_section(data.request, [offering], data.today),
        "history_csv": reverse("offerings:prices-csv", args=[offering.pk]),
    }


def _load_risks(data: OfferingData) -> dict[str, Any]:
    offering = data.offering
    nodes = [
        (NodeKind.OFFERING, offering.pk),
        *(((NodeKind.VERSION, offering.version_id),) if offering.version_id else ()),
    ]
    risks, n_risks = attached_risks(nodes, user=data.user)
    return {"risks": risks, "n_risks": n_risks, "footing": upstream_dependencies(offering)}


def _tab(
    name: str, label: str, load: Callable[[OfferingData], Any], *anchors: str
) -> Tab[OfferingData]:
    return Tab(name, label, f"offerings/tabs/{name}.html", load, anchors)


TABS = (
    _tab("overview", "Overview", _load_overview, "h-settled", "h-stands", "h-events"),
    _tab("sources", "Sources", _load_sources, "h-claims", "manual", "h-manual"),
    _tab("prices", "Prices", _load_prices, "prices", "h-prices", "price-table"),
    _tab("risks", "Risks and dependencies", _load_risks, "h-risks", "h-footing"),
)


def _get_approval(offering: Offering, today: date) -> Approval | None:
    """Return the narrowest approval in force on the offering, its version or its foundation.
    Approvals of its providers are shown on their own pages."""
    targets: list[Any] = [
        offering,
        *((offering.version, offering.version.foundation) if offering.version else ()),
    ]
    approvals_by_target = decisions_by_target(targets=targets, on=today)
    keys = [("offering", offering.pk)]
    if offering.version:
        keys += [("version", offering.version.pk), ("foundation", offering.version.foundation_id)]
    return next((approvals_by_target[key] for key in keys if key in approvals_by_target), None)


@require_safe
def offering_prices_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the rows of the chart."""
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related("host"), pk=pk
    )
    return price_csv(request, f"offering-{pk}", [offering])


@require_safe
def offering_claims_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send every claim of every source, as the page shows them."""
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related("host"), pk=pk
    )
    accepted_claim_ids = {offering.lifecycle_claim_id, offering.price_claim_id} - {None}
    rows = offering.assertions.select_related("source", "asserted_by").order_by(
        "topic", "source__trust_rank", "source__name", "external_id"
    )

    def cells(row: Assertion) -> list[Any]:
        return [
            row.topic,
            row.source.name,
            row.external_id,
            wording.describe_claim(row.topic, row.value),
            "yes" if row.pk in accepted_claim_ids else "no",
            row.first_seen,
            row.changed_at,
            row.missing_since,
            row.withdrawn_at,
            row.asserted_by or "",
            row.reason,
            row.source_url,
        ]

    heads = [
        "topic",
        "source",
        "row of the source",
        "says",
        "accepted",
        "first seen",
        "changed",
        "missing since",
        "withdrawn",
        "by",
        "reason",
        "address",
    ]
    return csv_response(f"offering-{pk}-claims", heads, rows, cells)


def coming_prices(
    claims: Sequence[Assertion], today: date
) -> list[tuple[date, str, int, str, str, Assertion]]:
    """Return (first day, unit, above tokens, amount, currency, claim) of prices that a source
    announces for a later date."""
    price_rows = []
    for claim in claims:
        if (
            claim.topic != Topic.PRICE
            or claim.withdrawn_at is not None
            or claim.source.slug == BUILT_IN
        ):
            continue
        for key, amount in claim.value.items():
            if "@" in key:
                unit, above_tokens, starts_on = split_price_key(key)
                if starts_on is not None and starts_on > today:
                    price_rows.append(
                        (
                            starts_on,
                            unit,
                            above_tokens,
                            amount,
                            claim.value.get("currency", "USD"),
                            claim,
                        )
                    )
    unit_order = list(PRICE_UNITS)
    return sorted(
        price_rows,
        key=lambda row: (
            row[0],
            unit_order.index(row[1]) if row[1] in unit_order else 99,
            row[2],
            row[5].pk,
        ),
    )


def _is_in_force(price: Price, at: Any) -> bool:
    valid = price.valid
    return (valid.lower is None or valid.lower <= at) and (valid.upper is None or valid.upper > at)


def upstream_dependencies(offering: Offering) -> list[dict[str, Any]]:
    """Return what the offering depends on, nearest first, each node by name: at most six
    statements."""
    rows = list(
        Footing.objects.filter(offering=offering)
        .select_related("node")
        .order_by("depth", "node__kind", "via")
    )
    refs: dict[int, set[int]] = {}
    for row in rows:
        refs.setdefault(row.node.kind, set()).add(row.node.ref)
    provider_ids = set().union(
        *(
            refs.get(kind, set())
            for kind in (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)
        )
    )
    records_by_family: dict[str, dict[int, Any]] = {
        "provider": Provider.objects.in_bulk(provider_ids) if provider_ids else {},
        "foundation": Foundation.objects.in_bulk(refs[NodeKind.FOUNDATION])
        if NodeKind.FOUNDATION in refs
        else {},
        "version": Version.objects.select_related("foundation").in_bulk(refs[NodeKind.VERSION])
        if NodeKind.VERSION in refs
        else {},
        "offering": Offering.objects.select_related("host").in_bulk(refs[NodeKind.OFFERING])
        if NodeKind.OFFERING in refs
        else {},
        "region": Region.objects.in_bulk(refs[NodeKind.REGION]) if NodeKind.REGION in refs else {},
    }
    dependencies = []
    for row in rows:
        kind = NodeKind(row.node.kind)
        family = (
            "provider"
            if kind in {NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR}
            else kind.label
        )
        record = records_by_family[family].get(row.node.ref)
        dependencies.append(
            {
                "kind": kind.label.capitalize(),
                "css": "hx-" + kind.label,
                "name": str(record) if record else f"{kind.label} {row.node.ref}",
                "url": _build_record_url(family, record),
                "via": Via(row.via).label.replace("_", " "),
                "depth": row.depth,
            }
        )
    return dependencies


def _build_record_url(family: str, record: Any) -> str:
    if record is None or family == "region":
        return ""
    if family == "offering":
        return reverse("offerings:detail", args=[record.pk])
    return reverse(
        "foundations:detail" if family in {"foundation", "version"} else "providers:detail",
        args=[record.foundation.slug if family == "version" else record.slug],
    )


@require_POST
def remove_override(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the manual override, so that the feeds decide again."""
    user = governance_user(request, "You need the governance role to remove an override.")
    assertion = get_object_or_404(
        Assertion.objects.visible_to(request.user).filter(
            source__kind="manual", offering__isnull=False
        ),
        pk=pk,
    )
    form = RemoveOverrideForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, "Enter a reason for removing the override. The value still applies."
        )
        return redirect("offerings:detail", pk=assertion.offering_id)
    try:
        remove_manual_fact(assertion=assertion, by=user, reason=form.cleaned_data["reason"])
    except InvalidFactError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Override removed. The values of the feeds apply again.")
    return redirect("offerings:detail", pk=assertion.offering_id)
