"""Assumptions of simulated losses: frequency, severity and cost; shown with every run and set by
governance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.exposure.actions.loss_assumptions import change_base_loss, change_rate
from apps.exposure.models import BaseLoss, EventRate
from apps.exposure.node_names import node_names
from apps.inventory.models import Criticality
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure.parameters import KIND_WORDS, require_organisation_role

_GOVERNANCE_NEEDED = (
    "You need the governance or administrator role to change the assumptions of the loss "
    "simulation."
)
EVENT_WORDS = dict(EventRate.Kind.choices) | {BaseLoss.OWN: "Independent incident"}


class RateForm(forms.ModelForm):  # type: ignore[type-arg]
    change_reason = forms.CharField(label="Reason for the change", required=False, max_length=500)

    class Meta:
        model = EventRate
        fields = ["rate", "low", "high", "severity_cv", "assumption", "source", "enabled"]
        labels = {
            "rate": "Events per year",
            "low": "Minimum",
            "high": "Maximum",
            "severity_cv": "Spread of severity",
            "assumption": "Assumed, not measured",
            "source": "Source",
            "enabled": "Included in simulations",
        }
        widgets = {"source": forms.Textarea(attrs={"rows": 2})}


class BaseLossForm(forms.Form):
    """Form of one amount per criticality, and the yearly probability of independent incidents in
    per cent."""

    change_reason = forms.CharField(label="Reason for the change", required=False, max_length=500)

    def __init__(self, *args: Any, rows: Sequence[BaseLoss], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        reason = self.fields.pop("change_reason")
        for row in rows:
            level = Criticality(row.criticality).label
            self.fields[f"amount-{row.pk}"] = forms.FloatField(
                label=f"{level}: loss of one event", min_value=0, initial=row.amount
            )
            if row.kind == BaseLoss.OWN:
                self.fields[f"chance-{row.pk}"] = forms.FloatField(
                    label=f"{level}: probability per year, percent",
                    min_value=0,
                    max_value=100,
                    initial=row.chance * 100,
                )
        self.fields["change_reason"] = reason

    def facts(self, row: BaseLoss) -> dict[str, float]:
        facts = {"amount": self.cleaned_data[f"amount-{row.pk}"]}
        if row.kind == BaseLoss.OWN:
            facts["chance"] = self.cleaned_data[f"chance-{row.pk}"] / 100
        return facts


def require_organisation_reader(request: HttpRequest) -> User:
    user = signed_in_user(request)
    require_organisation_role(user)
    return user


@dataclass(frozen=True, slots=True)
class RateRow:
    rate: EventRate
    event: Any
    of: Any
    interval: str


def rate_rows(rates: Any) -> list[RateRow]:
    event_rates = list(rates)
    names = node_names([rate.node_id for rate in event_rates if rate.node_id])
    kind_nouns = {kind.label: noun for kind, noun in KIND_WORDS.items()}
    return [
        RateRow(
            rate,
            rate.get_kind_display(),
            names[rate.node_id].label
            if rate.node_id in names
            else kind_nouns.get(rate.node_kind, rate.node_kind),
            f"{rate.low:g} – {rate.high:g}"
            if rate.low is not None and rate.high is not None
            else "–",
        )
        for rate in event_rates
    ]


@dataclass(frozen=True, slots=True)
class LossRow:
    kind: str
    event: Any
    amounts: list[BaseLoss]


def loss_rows() -> list[LossRow]:
    by_kind: dict[str, list[BaseLoss]] = {}
    for row in BaseLoss.objects.order_by("kind", "criticality"):
        by_kind.setdefault(row.kind, []).append(row)
    return [LossRow(kind, EVENT_WORDS.get(kind, kind), rows) for kind, rows in by_kind.items()]


@require_http_methods(["GET", "HEAD", "POST"])
def edit_event_rate(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Edit the yearly rate of an event, for a node or a kind of node."""
    user = require_organisation_reader(request)
    rate = get_object_or_404(EventRate.objects.visible_to(user).select_related("node"), pk=pk)
    governance_user(request, _GOVERNANCE_NEEDED)
    row = rate_rows([rate])[0]

    def save(form: RateForm) -> EventRate:
        facts = dict(form.cleaned_data)
        reason = facts.pop("change_reason")
        return change_rate(rate=rate, facts=facts, by=user, reason=reason)

    return action_view(
        request,
        form=lambda: RateForm(request.POST or None, instance=rate),
        action=save,
        done="Saved. New runs use this value; earlier runs are unchanged.",
        back=reverse("loss-runs:latest"),
        page=lambda form: _render_form(
            request, form, "Rate", f"Events per year: {row.event.lower()} of one {row.of}."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_base_loss(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Edit the base losses of a kind of event by criticality."""
    user = require_organisation_reader(request)
    rows = list(BaseLoss.objects.visible_to(user).filter(kind=kind).order_by("criticality"))
    if not rows:
        raise Http404
    governance_user(request, _GOVERNANCE_NEEDED)

    def save(form: BaseLossForm) -> None:
        reason = form.cleaned_data["change_reason"]
        for row in rows:
            change_base_loss(loss=row, facts=form.facts(row), by=user, reason=reason)

    return action_view(
        request,
        form=lambda: BaseLossForm(request.POST or None, rows=rows),
        action=save,
        done="Saved. These are now your own figures, and new runs use them.",
        back=reverse("loss-runs:latest"),
        page=lambda form: _render_form(
            request,
            form,
            "Loss of one event",
            f"Cost of one event for an exposed application: {EVENT_WORDS[kind].lower()}.",
        ),
    )


def _render_form(
    request: HttpRequest, form: forms.BaseForm, title: str, sentence: str
) -> HttpResponse:
    return render_page(
        request,
        "exposure/assumption.html",
        title=title,
        crumbs=(("Simulated loss", reverse("loss-runs:latest")),),
        form=form,
        sentence=Headline(sentence),
    )
