"""Waivers of the release gate: list, request and decision."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.models import NodeKind, Offering
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.gate.actions import grant_waiver, reject_waiver, request_waiver, withdraw_waiver
from apps.gate.filters import WaiverFilter
from apps.gate.models import MAX_WAIVER_DURATION, GateFinding, Waiver
from apps.gate.runs import can_use_gate
from apps.inventory.models import Application
from apps.web.lists.columns import Column, FileColumn, describe_distance, format_day
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import RULES
from apps.web.views.risks.presenters import find_node
from apps.web.wording import long_day

STATES: dict[str, str] = {
    Waiver.State.ASKED: "Requested",
    Waiver.State.GRANTED: "Granted",
    Waiver.State.REFUSED: "Rejected",
    Waiver.State.WITHDRAWN: "Withdrawn",
}


def describe_waiver_state(waiver: Waiver, at: datetime) -> tuple[Any, int]:
    """Return (label, severity mark) of a waiver at `at`; an expired waiver is "Expired"."""
    today = day_of(at)
    if waiver.state == Waiver.State.GRANTED:
        if not waiver.stands_on(today):
            return "Expired", 1
        return STATES[waiver.state], 3 if (waiver.until - today).days <= 14 else 2
    return STATES[waiver.state], 4 if waiver.state == Waiver.State.ASKED else 1


class WaiverList(ListPage[Waiver, Waiver]):
    """Waivers by the filters of the URL; without a filter of state, only open and valid ones."""

    namespace = "waivers"
    title = "Waivers"
    nouns = ("waiver", "waivers")
    counts = "Waivers of applications you can view"
    filterset_class = WaiverFilter
    slug_filters = ("application",)
    columns = (
        Column[Waiver](
            "rule",
            "Rule",
            lambda waiver: RULES[waiver.rule],
            note=lambda waiver: f"{waiver.rule} {waiver.model}",
            url=lambda waiver: reverse("waivers:detail", args=[waiver.pk]),
        ),
        Column[Waiver](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda waiver: reverse("gate:application", args=[waiver.application.slug]),
        ),
        Column[Waiver](
            "state",
            "State",
            lambda waiver: describe_waiver_state(waiver, now())[0],
            css=lambda waiver: f"sev sev-{describe_waiver_state(waiver, now())[1]}",
        ),
        Column[Waiver](
            "until",
            "Expires",
            attrgetter("until"),
            format=format_day,
            note=lambda waiver: describe_distance(waiver.until),
        ),
        Column[Waiver](
            "reason", "Reason", attrgetter("reason"), format=lambda text: Truncator(text).words(20)
        ),
        Column[Waiver](
            "requested_by",
            "Requested by",
            attrgetter("requested_by"),
            note=lambda waiver: f"decided by {waiver.decided_by}" if waiver.decided_by else "",
        ),
    )
    file_columns = (
        FileColumn[Waiver]("Waiver", attrgetter("pk")),
        FileColumn[Waiver]("Application ID", attrgetter("application.slug")),
        FileColumn[Waiver]("Team", attrgetter("application.team.name")),
        FileColumn[Waiver]("Rule ID", attrgetter("rule")),
        FileColumn[Waiver]("Model", attrgetter("model")),
        FileColumn[Waiver]("Requested at", attrgetter("requested_at")),
        FileColumn[Waiver]("Decided by", attrgetter("decided_by")),
        FileColumn[Waiver]("Decided at", attrgetter("decided_at")),
        FileColumn[Waiver]("Decision", attrgetter("decision")),
    )
    controls = (
        FilterControl("application", "Application", "search"),
        FilterControl("state", "State", choices=tuple(STATES.items())),
        FilterControl("rule", "Rule", choices=tuple(RULES.items())),
        FilterControl("until_before", "Expires before", "date"),
    )

    def get_queryset(self) -> "QuerySet[Waiver]":
        return Waiver.objects.visible_to(self.user).select_related(
            "application__team", "requested_by", "decided_by"
        )

    def narrow(self, queryset: "QuerySet[Waiver]") -> "QuerySet[Waiver]":
        if any(name in self.request.GET for name in ("state", "standing", "until_before")):
            return queryset
        visible = Waiver.objects.visible_to(self.user)
        return queryset.filter(pk__in=visible.waiting().values("pk")) | queryset.filter(
            pk__in=visible.standing_on(self.today).values("pk")
        )

    def get_lead(self) -> Headline:
        """Return the waivers that match, or those that wait for a decision."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("No waiver is requested, and none is valid.")
        n_waiting = Waiver.objects.visible_to(self.user).waiting().count()
        if not n_waiting:
            verb = pluralize(self.listing.n_found, "is", "are")
            return Headline(f"{self.count_records()} {verb} valid; no decision is open.")
        return Headline(
            "",
            pluralize(n_waiting, f"{n_waiting} waiver needs", f"{n_waiting} waivers need"),
            " a decision.",
        )

    def get_basis(self) -> str:
        return (
            "A waiver is an exception to one rule, for one application and model, until a date. "
            "The list shows requested and valid waivers; the filters find the others."
        )

    def get_actions(self) -> Sequence[PageAction]:
        return (PageAction("Request waiver", reverse("waivers:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No waiver is requested, and none is valid.",
            "If the release gate stops a build that must ship, its output links to the request of "
            "a waiver. Another person decides, and the waiver expires.",
            "View gate runs",
            reverse("gate-runs:list"),
        )


# --- request --------------------------------------------------------------------------------------


class RequestWaiverForm(forms.Form):
    application = forms.CharField(
        label="Application (slug)",
        max_length=120,
        help_text="Slug, as in the URL of its page.",
    )
    rule = forms.ChoiceField(label="Rule", choices=list(RULES.items()))
    model = forms.CharField(
        label="Model",
        max_length=300,
        required=False,
        help_text="As in the finding: its name or its known ID.",
    )
    offering = forms.CharField(
        label="Only on one host",
        max_length=300,
        required=False,
        help_text="The ID of the offering, or its model ID if it is unique. Empty: on any host.",
    )
    until = DayField(
        label="Expires on", help_text="Not valid from this date, which must be within 180 days."
    )
    reason = forms.CharField(
        label="Reason",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Reason for the waiver, and measures until it expires.",
    )

    def clean_offering(self) -> Offering | None:
        text = self.cleaned_data["offering"].strip()
        if not text:
            return None
        offering, near = find_node(NodeKind.OFFERING, text)
        if offering is None:
            hint = str(f" Perhaps: {'; '.join(near)}.") if near else ""
            raise ValidationError(
                "No single offering with this ID found. Enter the number of the offering." + hint
            )
        assert isinstance(offering, Offering)
        return offering


@require_http_methods(["GET", "HEAD", "POST"])
def new_waiver(request: HttpRequest) -> HttpResponse:
    """Request a waiver. Links in the output of pipelines prefill the form."""
    user = signed_in_user(request)
    names = ("application", "rule", "model", "offering")
    initial = {name: request.GET[name] for name in names if request.GET.get(name)}

    def act(form: RequestWaiverForm) -> Waiver:
        request_data = dict(form.cleaned_data)
        slug = request_data.pop("application")
        application = Application.objects.visible_to(user).filter(slug=slug).first()
        if application is None:
            raise DomainError(
                "No application with this slug found. Check the spelling.", field="application"
            )
        return request_waiver(application=application, by=user, at=now(), **request_data)

    return action_view(
        request,
        form=lambda: RequestWaiverForm(request.POST or None, initial=initial),
        action=act,
        done="Waiver requested. Governance decides; until then the result of the gate is "
        "unchanged.",
        back=lambda waiver: reverse("waivers:detail", args=[waiver.pk]),
        page=lambda form: _render_new_waiver(request, form),
    )


def _render_new_waiver(request: HttpRequest, form: RequestWaiverForm) -> HttpResponse:
    return render_page(
        request,
        "gate/waiver-new.html",
        title="New waiver",
        crumbs=(("Release gate", reverse("gate-runs:list")), ("Waivers", reverse("waivers:list"))),
        sentence=Headline(
            "A waiver is a dated exception to one rule. A governance user decides on it."
        ),
        form=form,
        latest=day_of(now()) + MAX_WAIVER_DURATION,
    )


# --- decision -------------------------------------------------------------------------------------


def _get_waiver(request: HttpRequest, pk: int) -> Waiver:
    waivers = Waiver.objects.visible_to(request.user)
    return get_object_or_404(
        waivers.select_related("application__team", "requested_by", "decided_by", "offering__host"),
        pk=pk,
    )


@require_safe
def waiver_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a waiver, and the form to decide it for users who may."""
    waiver = _get_waiver(request, pk)
    user = signed_in_user(request)
    at = now()
    state, mark = describe_waiver_state(waiver, at)
    is_open = waiver.state == Waiver.State.ASKED
    is_in_force = waiver.stands_on(day_of(at))
    latest_findings = (
        GateFinding.objects.filter(run__application=waiver.application, rule=waiver.rule)
        .select_related("run")
        .order_by("-pk")[:200]
    )
    covered_findings = [
        finding
        for finding in latest_findings
        if waiver.covers(finding.rule, (finding.model, finding.resolved_id), finding.offering_id)
    ]
    return render_page(
        request,
        "gate/waiver.html",
        title=f"Waiver {waiver.pk}",
        crumbs=(("Release gate", reverse("gate-runs:list")), ("Waivers", reverse("waivers:list"))),
        as_of=at,
        waiver=waiver,
        rule_name=RULES[waiver.rule],
        state=state,
        mark=mark,
        sentence=_build_waiver_headline(waiver, is_in_force),
        findings=covered_findings[:5],
        may_decide=user.is_governance and is_open and waiver.requested_by_id != user.pk,
        is_own=user.is_governance and is_open and waiver.requested_by_id == user.pk,
        may_withdraw=(is_open or is_in_force)
        and (user.is_governance or can_use_gate(user, waiver.application)),
    )


def _build_waiver_headline(waiver: Waiver, is_in_force: bool) -> Headline:
    texts = {
        "rule": RULES[waiver.rule].lower(),
        "model": waiver.model or "any model",
        "day": long_day(waiver.until),
        "name": waiver.application.name,
    }
    if waiver.state == Waiver.State.ASKED:
        return Headline("Requested: {name} with {model} until {day}.".format(**texts))
    if waiver.state == Waiver.State.GRANTED:
        return Headline(
            "Valid: {name} can be released with {model} until {day}.".format(**texts)
            if is_in_force
            else "Expired: {name} could be released with {model} until {day}.".format(**texts)
        )
    if waiver.state == Waiver.State.REFUSED:
        return Headline("The waiver of {name} for {model} was rejected.".format(**texts))
    return Headline("The waiver of {name} for {model} was withdrawn.".format(**texts))


_DECISIONS: dict[str, tuple[Callable[..., Waiver], str]] = {
    "grant": (grant_waiver, "Waiver granted. It applies from the next run of the gate."),
    "refuse": (reject_waiver, "Waiver rejected, with your reason."),
    "withdraw": (withdraw_waiver, "Waiver withdrawn. The gate reports the finding again."),
}


@require_POST
def decide_waiver(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Grant, reject or withdraw a waiver, as the URL says."""
    waiver = _get_waiver(request, pk)
    user = signed_in_user(request)
    if action not in _DECISIONS:
        raise Http404
    if action != "withdraw" and not user.is_governance:
        raise PermissionDenied("You need the governance role to decide on waivers.")
    decide, message = _DECISIONS[action]
    return action_view(
        request,
        action=lambda _form: decide(
            waiver=waiver,
            by=user,
            at=now(),
            reason=request.POST.get("reason", "").strip()[:10_000],
        ),
        done=message,
        back=reverse("waivers:detail", args=[pk]),
    )
