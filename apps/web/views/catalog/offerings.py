"""Offerings: the claims of each source, the accepted value and its reason, manual overrides."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

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
from apps.web.presenters import headlines
from apps.web.queries import prices_at
from apps.web.views.catalog.foundation_detail import price_csv, price_section
from apps.web.views.catalog.sections import attached_risks, dependent_applications, used_offerings

ORDERS = Sorting(
    {
        "host": ("Host", ("host__name", "api_id", "pk")),
        "api_id": ("API id", ("api_id", "host__name", "pk")),
        "ends": ("Ends", ("retires_on", "api_id", "pk")),
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
        counts="Live applications of yours, in any role",
        sentence=headlines.list_headline(
            listing.count,
            "offering",
            "offerings",
            is_filtered=listing.is_filtered,
            suffix="" if listing.is_filtered else " at their hosts: what applications really call",
        ),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "API id contains", "search"),
                FilterControl("host", "Host", choices=list(hosts)),
                FilterControl("lifecycle", "Lifecycle", choices=Lifecycle.choices),
                FilterControl("has_end", "Has a date", choices=BOOLEANS),
                FilterControl("resolved", "Identity known", choices=BOOLEANS),
                FilterControl("in_use", "In use here", choices=BOOLEANS[:1]),
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
        "api id",
        "region",
        "tier",
        "version",
        "foundation",
        "developer",
        "lifecycle",
        "announced",
        "ends",
        "date",
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
        label="This date is",
        choices=[("", "–"), *DateKind.choices],
        required=False,
        help_text="Announced, or the earliest possible date.",
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
        if cleaned.get("retires_on") and not cleaned.get("date_kind"):
            self.add_error(
                "date_kind", "Select whether the date is announced or the earliest possible date."
            )
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
                    request, "Your value stands until it is lifted; it outranks every feed."
                )
                return redirect("offerings:detail", pk=pk)
    return _render_offering_page(request, offering, form)


def _render_offering_page(
    request: HttpRequest, offering: Offering, form: ManualEndForm
) -> HttpResponse:
    """Render the page of an offering: claims of all sources, prices, events, upstream and
    dependents. `form` is that of the manual override, with its errors."""
    at = now()
    today = day_of(at)
    claims = list(
        offering.assertions.select_related("source__poll_state", "asserted_by").order_by(
            "topic", "source__trust_rank", "source__name", "external_id"
        )
    )
    polled_source_names = dict(
        PollState.objects.filter(last_success_at__isnull=False).values_list(
            "source__slug", "source__name"
        )
    )
    # a claim of the built-in catalogue stands in for a feed until that feed has been polled
    feed_names_by_claim = {
        row.pk: polled_source_names.get(row.external_id.partition(":")[0])
        for row in claims
        if row.source.slug == BUILT_IN
    }
    user = signed_in_user(request)
    dependents = dependent_applications(NodeKind.OFFERING, offering.pk, user=user, today=today)
    retirements = (
        [(offering.retires_on, offering.host.name, offering.date_kind)]
        if offering.retires_on
        else []
    )
    crumbs = [
        ("Offerings", reverse("offerings:list")),
        (offering.host.name, f"{reverse('offerings:list')}?host={offering.host.slug}"),
    ]
    accepted_claim_ids = {offering.lifecycle_claim_id, offering.price_claim_id} - {None}
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
    nodes = [
        (NodeKind.OFFERING, offering.pk),
        *(((NodeKind.VERSION, offering.version_id),) if offering.version_id else ()),
    ]
    risks, n_risks = attached_risks(nodes, user=user)
    return render_page(
        request,
        "offerings/detail.html",
        stood_in=feed_names_by_claim,
        title=offering.api_id,
        crumbs=tuple(crumbs),
        counts="Live applications of yours, in any role",
        as_of=at,
        status=422 if form.errors else 200,
        offering=offering,
        sentence=headlines.retirements_headline(
            offering.api_id, retirements, today, dependents.count.n, dependents.count.n_critical
        ),
        claims=[
            (
                topic.label,
                [(row, row.pk in accepted_claim_ids) for row in claims if row.topic == topic],
            )
            for topic in Topic
        ],
        n_claims=len(claims),
        manual=manual_claim,
        announcement=open_announcements([offering]).get(offering.pk),
        earliest=earliest_retirements([offering], today=today).get(offering.pk),
        disagreement=next(iter(disagreements([offering.pk], open_only=False, at=at)), None),
        current_prices=[price for price in prices if _is_in_force(price, at)],
        coming_prices=coming_prices(claims, today),
        past_prices=[
            price for price in prices if price.valid.upper is not None and price.valid.upper <= at
        ],
        region_links=list(
            OfferingRegion.objects.filter(offering=offering)
            .select_related("region")
            .order_by("region__name")
        ),
        floating_since=next(
            (row.floating_since for row in claims if row.pk == offering.price_claim_id), None
        ),
        steps=[step for step in offering.identity_explanation.split("; ") if step],
        footing=upstream_dependencies(offering),
        standings=dependents,
        history=price_section(request, [offering], today),
        history_csv=reverse("offerings:prices-csv", args=[offering.pk]),
        decision=_get_approval(offering, today),
        risks=risks,
        n_risks=n_risks,
        events=offering.events.select_related("source").order_by("-detected_at", "-id")[:20],
        form=form,
        lift_form=RemoveOverrideForm(),
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
        messages.success(
            request, "Lifted. The registry follows the feeds again; your value stays on record."
        )
    return redirect("offerings:detail", pk=assertion.offering_id)
