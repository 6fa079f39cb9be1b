"""Outage rates of simulated losses: the threshold from which incidents count, and the rate of each
provider whose incidents are recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.catalog.models import Provider
from apps.catalog.providers.outages import THRESHOLD_HOURS, OutageThreshold
from apps.exposure.actions.policies import change_settings
from apps.exposure.loss.outage_rates import (
    MIN_INCIDENTS,
    MIN_MONTHS,
    PRIOR_SOURCE,
    OutageRate,
    RateBasis,
    prior_rate,
)
from apps.exposure.models import EventRate, ExposureSettings
from apps.exposure.models.settings import OUTAGE_IMPACTS
from apps.exposure.queries.outage_rates import (
    OUTAGE_NODE_KINDS,
    is_project_assumption,
    outage_threshold,
    provider_outage_rates,
)
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.outage_record import describe_hours, describe_threshold
from apps.web.views.exposure.assumptions import require_organisation_reader
from apps.web.wording import number, quantity_of

_GOVERNANCE_NEEDED = (
    "You need the governance or administrator role to change the threshold of outages."
)
_ANY_LENGTH = "Any length"


@dataclass(frozen=True, slots=True)
class OutageRateRow:
    """One provider of the table. `is_replaced`: the organisation's own rate applies instead."""

    provider: Provider
    rate: OutageRate
    counted: str
    is_prior: bool
    is_replaced: bool
    source: str

    @property
    def interval(self) -> str:
        return f"{_format_rate(self.rate.low)} – {_format_rate(self.rate.high)}"

    @property
    def per_year(self) -> str:
        return _format_rate(self.rate.rate)


@dataclass(frozen=True, slots=True)
class OutageSection:
    """The section of the page; `assumed` are hosts' rate where nothing is counted."""

    threshold: str
    rows: Sequence[OutageRateRow]
    prior: OutageRate
    prior_source: str
    min_months: int
    min_incidents: int

    @property
    def prior_text(self) -> str:
        prior = self.prior
        return (
            f"{_format_rate(prior.rate)} per year "
            f"({_format_rate(prior.low)} – {_format_rate(prior.high)})"
        )


def build_outage_section(rates: Sequence[EventRate]) -> OutageSection:
    """Return the outage rates by provider; `rates` are the entered ones, with their node."""
    threshold = outage_threshold()
    counted = provider_outage_rates(threshold)
    providers = Provider.objects.in_bulk(list(counted))
    is_replaced = _is_replaced(rates)
    return OutageSection(
        threshold=describe_threshold(threshold),
        rows=[
            OutageRateRow(
                providers[provider_id],
                row.rate,
                f"{number(row.rate.n)} in {quantity_of(row.rate.months, 'month')}",
                row.rate.basis == RateBasis.PRIOR,
                is_replaced(provider_id),
                row.record.source.name,
            )
            for provider_id, row in sorted(
                counted.items(), key=lambda item: providers[item[0]].name.lower()
            )
        ],
        prior=prior_rate(threshold),
        prior_source=PRIOR_SOURCE,
        min_months=MIN_MONTHS,
        min_incidents=MIN_INCIDENTS,
    )


def _is_replaced(rates: Sequence[EventRate]) -> Any:
    """Return a function of a provider's ID: whether an entered rate replaces its counted one in
    every part in which it has outages."""
    of_outages = [rate for rate in rates if rate.kind == EventRate.Kind.OUTAGE]
    labels = {kind.label for kind in OUTAGE_NODE_KINDS}
    counted_kinds = {
        rate.node_kind
        for rate in of_outages
        if rate.node_kind in labels and rate.enabled and is_project_assumption(rate)
    }
    single = {
        rate.node.ref
        for rate in of_outages
        if rate.node is not None and rate.node_kind in labels and rate.enabled
    }
    return partial(_has_own_rate, counted_kinds, single)


def _has_own_rate(counted_kinds: set[str], single: set[int], provider_id: int) -> bool:
    return not counted_kinds or provider_id in single


def _format_rate(rate: float) -> str:
    return f"{rate:.2g}" if rate < 100 else number(round(rate))


class OutageThresholdForm(forms.Form):
    outage_impact = forms.ChoiceField(
        label="Minimum impact",
        choices=OUTAGE_IMPACTS,
        help_text="As the status page states it. A lower impact counts more outages, so enter the "
        "loss of one such outage too.",
    )
    outage_hours = forms.TypedChoiceField(
        label="Minimum length",
        coerce=float,
        choices=[
            (f"{hours:g}", describe_hours(hours) if hours else _ANY_LENGTH)
            for hours in THRESHOLD_HOURS
        ],
        help_text="From the start to the end of the incident.",
    )
    change_reason = forms.CharField(label="Reason for the change", required=False, max_length=500)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_outage_threshold(request: HttpRequest) -> HttpResponseBase:
    """Edit the threshold from which incidents count as outages. The undo of a change posts the
    earlier values in the query."""
    user = require_organisation_reader(request)
    governance_user(request, _GOVERNANCE_NEEDED)
    before = outage_threshold()

    def save(form: OutageThresholdForm) -> ExposureSettings:
        facts = dict(form.cleaned_data)
        reason = facts.pop("change_reason")
        return change_settings(facts=facts, by=user, reason=reason or "outage threshold changed")

    def confirm(row: ExposureSettings) -> Confirmation:
        undo = reverse("loss-assumptions:outage-threshold") + "?" + urlencode(_as_data(before))
        return Confirmation(
            f"Saved. New runs count incidents with {describe_threshold(row.outage_threshold)}; "
            "earlier runs are unchanged.",
            undo if row.outage_threshold != before else None,
        )

    data = request.POST if "outage_impact" in request.POST else request.GET
    return action_view(
        request,
        form=lambda: OutageThresholdForm(
            data if request.method == "POST" else None, initial=_as_data(before)
        ),
        action=save,
        done=confirm,
        back=reverse("loss-runs:latest"),
        page=lambda form: _render_form(request, form),
    )


def _as_data(threshold: OutageThreshold) -> dict[str, Any]:
    return {"outage_impact": threshold.impact, "outage_hours": f"{threshold.hours:g}"}


def _render_form(request: HttpRequest, form: forms.BaseForm) -> HttpResponse:
    return render_page(
        request,
        "exposure/assumption.html",
        title="Threshold of outages",
        crumbs=(("Simulated loss", reverse("loss-runs:latest")),),
        form=form,
        sentence=Headline(
            "Incidents with at least this impact and length count as outages of their host."
        ),
    )
