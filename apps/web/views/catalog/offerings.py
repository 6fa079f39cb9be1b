"""Offerings: the accepted value and its reason, the values of each source, prices, manual
overrides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.alerts.issues.notified import notified_of_offerings
from apps.catalog.actions import MANUAL_STAGES, remove_manual_fact, set_manual_fact
from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.side_by_side import compare_sources
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.claims.values import split_price_key
from apps.catalog.filters import OfferingFilter
from apps.catalog.identity.agreed_models import AgreedModel, agreed_models
from apps.catalog.identity.name_summaries import NameSummary, name_summaries
from apps.catalog.models import (
    Assertion,
    DateKind,
    Footing,
    Foundation,
    Lifecycle,
    NodeKind,
    Offering,
    OfferingKind,
    OfferingRegion,
    Price,
    Product,
    Provider,
    Region,
    Version,
    Via,
)
from apps.catalog.models.claims import Topic
from apps.catalog.providers.track_record_queries import earliest_retirements
from apps.catalog.retirements.coverage import open_announcements
from apps.catalog.retirements.due import due_note
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.feeds.models import PollState
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.models import Approval
from apps.web import wording
from apps.web.lists.columns import Column, FileColumn, format_amount
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.page import Headline, add_sentence, render_page
from apps.web.pages.tabs import Tab, load_tabs
from apps.web.presenters.data_terms import present_terms
from apps.web.presenters.offering_stages import load_stages, stage_sentence
from apps.web.presenters.retirement_dates import (
    OfferingSummary,
    dependents_sentence,
    offering_headline,
)
from apps.web.presenters.stated_values import present_changes, present_values
from apps.web.queries import prices_at
from apps.web.views.catalog.columns import CRITICAL_APPLICATIONS, build_applications_column
from apps.web.views.catalog.features import applications_using, count_users, feature_users
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
NOTHING_AGREED = AgreedModel(None, None)
LIST_RELATIONS = ("host", "version__foundation__developer", "replacement")


@dataclass(frozen=True, slots=True)
class OfferingRow:
    """Offering with its list prices today by unit."""

    offering: Offering
    prices: Mapping[str, Price]
    reach: DependentCount
    # of a name or product: what is known of it, and what its candidates agree on
    name: NameSummary | None = None
    agreed: AgreedModel = NOTHING_AGREED

    @property
    def foundation(self) -> Foundation | None:
        version = self.offering.version
        return version.foundation if version else self.agreed.foundation

    @property
    def foundation_text(self) -> str:
        if self.foundation is not None:
            return self.foundation.name
        return self.name.describe_layer("foundation") if self.name is not None else ""

    @property
    def developer_name(self) -> str:
        developer = self.foundation.developer if self.foundation else self.agreed.developer
        return developer.name if developer else ""

    @property
    def input_price(self) -> Decimal | None:
        return self._get_amount("input")

    @property
    def output_price(self) -> Decimal | None:
        return self._get_amount("output")

    def _get_amount(self, unit: str) -> Decimal | None:
        price = self.prices.get(unit)
        return price.amount if price else None

    @property
    def currency(self) -> str:
        return next((price.currency for price in self.prices.values()), "")


def _describe_variant(row: OfferingRow) -> str:
    return ", ".join(filter(None, (row.offering.region_scope, row.offering.service_tier)))


def _link_foundation(row: OfferingRow) -> str:
    foundation = row.foundation
    return reverse("foundations:detail", args=[foundation.slug]) if foundation else ""


def _describe_replacement(row: OfferingRow) -> str:
    replacement = row.offering.replacement
    return replacement.api_id if replacement else row.offering.replacement_text


class OfferingList(ListPage[Offering, OfferingRow]):
    """Offerings by the filters of the URL."""

    namespace = "offerings"
    title = "Offerings"
    nouns = ("offering", "offerings")
    counts = DEPENDENTS_COUNTED
    filterset_class = OfferingFilter
    columns = (
        Column[OfferingRow](
            "api_id",
            "Model ID",
            attrgetter("offering.api_id"),
            note=_describe_variant,
            url=lambda row: reverse("offerings:detail", args=[row.offering.pk]),
            css=lambda row: "id",
            order=("api_id", "host__name", "pk"),
        ),
        Column[OfferingRow](
            "host",
            "Host",
            attrgetter("offering.host.name"),
            order=("host__name", "api_id", "pk"),
        ),
        Column[OfferingRow](
            "foundation",
            "Foundation",
            attrgetter("foundation_text"),
            format=lambda text: text or "unresolved",
            url=_link_foundation,
            css=lambda row: "" if row.foundation else "dim",
        ),
        Column[OfferingRow](
            "ends",
            "Retires",
            attrgetter("offering.retires_on"),
            order=("retires_on", "api_id", "pk"),
            requires="retires_on",
            template="offerings/retires-cell.html",
        ),
        Column[OfferingRow](
            "price",
            "Price",
            attrgetter("input_price"),
            format=format_amount,
            note=lambda row: f"output {format_amount(row.output_price)}",
            is_numeric=True,
            width="nb",
            is_in_files=False,
        ),
        build_applications_column(),
    )
    file_columns = (
        FileColumn[OfferingRow]("Type", lambda row: row.offering.get_kind_display()),
        FileColumn[OfferingRow]("Region", attrgetter("offering.region_scope")),
        FileColumn[OfferingRow]("Service tier", attrgetter("offering.service_tier")),
        FileColumn[OfferingRow](
            "Version", lambda row: row.offering.version.identifier if row.offering.version else ""
        ),
        FileColumn[OfferingRow]("Developer", attrgetter("developer_name")),
        FileColumn[OfferingRow]("Lifecycle", lambda row: row.offering.get_lifecycle_display()),
        FileColumn[OfferingRow](
            "Known of the name", lambda row: row.name.sentence if row.name is not None else ""
        ),
        FileColumn[OfferingRow]("Announced", attrgetter("offering.announced_on")),
        FileColumn[OfferingRow]("Type of date", lambda row: row.offering.get_date_kind_display()),
        FileColumn[OfferingRow]("Replacement", _describe_replacement),
        FileColumn[OfferingRow]("Identity", attrgetter("offering.identity_explanation")),
        FileColumn[OfferingRow]("Input price", attrgetter("input_price")),
        FileColumn[OfferingRow]("Output price", attrgetter("output_price")),
        FileColumn[OfferingRow]("Currency", attrgetter("currency")),
        FileColumn[OfferingRow]("Unit", lambda row: "million tokens" if row.prices else ""),
        CRITICAL_APPLICATIONS,
    )
    default_order = ("host", ())

    def get_queryset(self) -> "QuerySet[Offering]":
        """Return the offerings without their columns: thousands of short rows are sorted faster.
        `build_rows` reads those that are shown."""
        return Offering.objects.visible_to(self.user).only("pk")

    def narrow(self, queryset: "QuerySet[Offering]") -> "QuerySet[Offering]":
        # what hosts serve, unless names, products or features are asked for
        kind = self.request.GET.get("kind")
        if kind not in OfferingKind.values or kind == OfferingKind.MODEL_ID:
            queryset = queryset.filter(kind=OfferingKind.MODEL_ID)
        if self.request.GET.get("in_use") != "true":
            return queryset
        return queryset.filter(used_offerings(self.user))

    def build_rows(self, records: Sequence[Offering]) -> Sequence[OfferingRow]:
        """Return the offerings as rows with their relations, prices and dependents: three
        statements, and four where names or products are listed."""
        pks = [row.pk for row in records]
        offerings_by_id = Offering.objects.select_related(*LIST_RELATIONS).in_bulk(pks)
        prices = prices_at(offerings=pks, at=self.at)
        reach = dependent_counts(kind=NodeKind.OFFERING, refs=pks, user=self.user)
        name_ids = [pk for pk, row in offerings_by_id.items() if row.is_named]
        names = name_summaries(name_ids, on=day_of(self.at))
        agreed = agreed_models(name_ids)
        return [
            OfferingRow(
                offerings_by_id[pk],
                prices.get(pk, {}),
                reach.get(pk, DependentCount()),
                names.get(pk),
                agreed.get(pk, NOTHING_AGREED),
            )
            for pk in pks
            if pk in offerings_by_id
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        hosts = Provider.objects.visible_to(self.user).hosts()  # type: ignore[attr-defined]
        return (
            FilterControl("q", "Model ID contains", "search"),
            FilterControl("host", "Host", choices=list(hosts.values_list("slug", "name"))),
            FilterControl("lifecycle", "Lifecycle", choices=Lifecycle.choices),
            FilterControl("has_end", "Retirement date", choices=BOOLEANS),
            FilterControl("resolved", "Identified", choices=BOOLEANS),
            FilterControl("kind", "Type", choices=OfferingKind.choices),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()} in the catalogue, as their hosts serve them.")

    def get_basis(self) -> str:
        return "Prices: list prices today in USD per million tokens."

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add offering", reverse("records:create", args=["offerings"])),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No offerings yet.",
            "Offerings come from the feeds. Check that feeds are polled, or ask an operator to run "
            "manage.py load_catalogue.",
            "View feeds",
            reverse("feeds:list"),
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
    legacy_on = DayField(
        label="Legacy from",
        required=False,
        help_text="With days of stages alone, the dates of the feeds stay.",
    )
    closed_to_new_on = DayField(label="Closed to new customers from", required=False)
    training_ended_on = DayField(label="Training of fine-tuned models ends on", required=False)
    extended_access_on = DayField(
        label="Extended access from", required=False, help_text="The price can change on this day."
    )
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

    @property
    def value(self) -> dict[str, Any]:
        """Return the value as `set_manual_fact` takes it, with the stages that have a day."""
        stages = {stage: self.cleaned_data[f"{stage}_on"] for stage in MANUAL_STAGES}
        left_out = {"reason", *(f"{stage}_on" for stage in MANUAL_STAGES)}
        return {
            name: field_value
            for name, field_value in self.cleaned_data.items()
            if name not in left_out
        } | {"stages": {stage: day for stage, day in stages.items() if day}}

    def stage_fields(self) -> list[forms.BoundField]:
        return [self[f"{stage}_on"] for stage in MANUAL_STAGES]


class RemoveOverrideForm(forms.Form):
    reason = forms.CharField(
        label="Reason for the removal",
        error_messages={
            "required": "Enter a reason for removing the override. The value still applies."
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def offering_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the page; POST sets a manual override."""
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related(
            "host",
            "gateway",
            "version__foundation__developer",
            "alias",
            "replacement__host",
            "resolved_to",
            "lifecycle_claim__source",
            "price_claim__source",
        ),
        pk=pk,
    )
    if offering.kind == OfferingKind.PRODUCT and request.method == "GET" and not request.GET:
        product = Product.objects.filter(offering=offering).first()
        if product is not None:  # its own page; the tabs of this one have a name in the URL
            return redirect("products:detail", product.slug)
    # other pages, such as that of provider notices, prefill fields by the URL
    initial = {
        name: request.GET[name][:1000]
        for name in ManualEndForm.base_fields
        if request.GET.get(name)
    }
    is_post = request.method == "POST"
    if is_post:
        governance_user(request, "You need the governance role to override a value.")

    def save_override(form: ManualEndForm) -> Assertion:
        return set_manual_fact(
            offering=offering,
            value=form.value,
            by=signed_in_user(request),
            reason=form.cleaned_data["reason"],
        )

    return action_view(
        request,
        form=lambda: ManualEndForm(request.POST if is_post else None, initial=initial),
        action=save_override,
        done="Override saved. It has priority over every feed until it is removed.",
        back=reverse("offerings:detail", args=[pk]),
        page=lambda form: _render_offering_page(request, offering, form),
    )


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
    # {application: its criticality} of a feature
    users: Mapping[int, int]

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
    feature_applications: Mapping[int, int] = {}
    if offering.is_feature:
        users = feature_users([offering], user=user, today=today)
        feature_applications = users.get(offering.pk, {})
        count = count_users(feature_applications)
    else:
        count = count_dependents(NodeKind.OFFERING, offering.pk, user=user)
    data = OfferingData(request, user, offering, at, claims, count, form, feature_applications)
    siblings: list[OfferingSummary] = []
    if offering.version_id is not None:
        same_version = Offering.objects.model_ids().filter(
            version=offering.version_id, host=offering.host_id
        )
        siblings = summarise_offerings(same_version)
    name = None
    if offering.is_named:
        name = name_summaries([offering.pk], on=today).get(offering.pk)
    stages = load_stages(offering, today)
    own = next((row for row in siblings if row.pk == offering.pk), None)
    summary = own or summarise_offerings(Offering.objects.filter(pk=offering.pk))[0]
    return render_page(
        request,
        "offerings/detail.html",
        title=offering.api_id,
        crumbs=_build_crumbs(offering),
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        status=422 if form.errors else 200,
        offering=offering,
        due_note=due_note(offering, today),
        sentence=Headline(f"{name.sentence} {dependents_sentence(count)}")
        if name is not None
        else add_sentence(
            offering_headline(
                summary, [row for row in siblings if row.pk != offering.pk], count, today
            ),
            stage_sentence(offering, stages.rows, today),
        ),
        name=name,
        stages=stages,
        manual=manual_claim,
        manual_reason=_as_sentence(manual_claim.reason) if manual_claim is not None else "",
        announcement=open_announcements([offering]).get(offering.pk),
        decision=_get_approval(offering, today),
        form=form,
        **load_tabs(
            request,
            [
                tab
                for tab in TABS
                if offering.kind == OfferingKind.MODEL_ID or tab.name not in _MODEL_ID_TABS
            ],
            data,
            selected="sources" if form.is_bound else "",
        ),
    )


def _build_crumbs(offering: Offering) -> tuple[tuple[str, str], ...]:
    route, label = (
        ("features:list", "Features")
        if offering.is_feature
        else (
            "offerings:list",
            "Offerings",
        )
    )
    address = reverse(route)
    return ((label, address), (offering.host.name, f"{address}?host={offering.host.slug}"))


def _as_sentence(text: str) -> str:
    """Return the text with one full stop at its end."""
    stripped = text.strip()
    return stripped if stripped.endswith((".", "!", "?")) else f"{stripped}."


def _load_overview(data: OfferingData) -> dict[str, Any]:
    offering = data.offering
    return {
        "earliest": earliest_retirements([offering], today=data.today).get(offering.pk)
        if offering.kind == OfferingKind.MODEL_ID
        else None,
        "standings": applications_using(data.users, user=data.user, today=data.today)
        if offering.is_feature
        else dependent_applications(
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


def _load_terms(data: OfferingData) -> dict[str, Any]:
    return {"terms": present_terms(data.offering.pk)}


def _load_capabilities(data: OfferingData) -> dict[str, Any]:
    pk = data.offering.pk
    return {
        "capabilities": present_values(CAPABILITY, compare_sources([pk], CAPABILITY)[pk]),
        "capability_changes": present_changes(pk, CAPABILITY),
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


# tabs of what hosts serve, which names and features have not
_MODEL_ID_TABS = frozenset({"capabilities", "data-terms"})
TABS = (
    _tab("overview", "Overview", _load_overview, "h-settled", "h-stands", "h-events"),
    _tab("capabilities", "Capabilities", _load_capabilities, "h-capability"),
    _tab("sources", "Sources", _load_sources, "h-claims", "manual", "h-manual"),
    _tab("prices", "Prices", _load_prices, "prices", "h-prices", "price-table"),
    _tab("data-terms", "Data terms", _load_terms),
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
def remove_override(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Remove the manual override, so that the feeds decide again."""
    user = governance_user(request, "You need the governance role to remove an override.")
    assertion = get_object_or_404(
        Assertion.objects.visible_to(request.user).filter(
            source__kind="manual", offering__isnull=False
        ),
        pk=pk,
    )
    return action_view(
        request,
        form=lambda: RemoveOverrideForm(request.POST),
        action=lambda form: remove_manual_fact(
            assertion=assertion, by=user, reason=form.cleaned_data["reason"]
        ),
        done="Override removed. The values of the feeds apply again.",
        back=reverse("offerings:detail", args=[assertion.offering_id]),
    )
