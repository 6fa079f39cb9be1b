"""Waivers of the release gate: list, request and decision."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import NodeKind, Offering
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.gate.actions import grant_waiver, reject_waiver, request_waiver, withdraw_waiver
from apps.gate.filters import WaiverFilter
from apps.gate.models import MAX_WAIVER_DURATION, GateFinding, Waiver
from apps.gate.runs import can_use_gate
from apps.inventory.models import Application
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import RULES
from apps.web.views.risks.presenters import find_node
from apps.web.wording import long_day

STATES: dict[str, str] = {
    Waiver.State.ASKED: "Asked for",
    Waiver.State.GRANTED: "Granted",
    Waiver.State.REFUSED: "Refused",
    Waiver.State.WITHDRAWN: "Withdrawn",
}


def describe_waiver_state(waiver: Waiver, at: datetime) -> tuple[Any, int]:
    """Return (label, severity mark) of a waiver at `at`; an expired waiver is labelled "Ended"."""
    today = day_of(at)
    if waiver.state == Waiver.State.GRANTED:
        if not waiver.stands_on(today):
            return "Ended", 1
        return STATES[waiver.state], 3 if (waiver.until - today).days <= 14 else 2
    return STATES[waiver.state], 4 if waiver.state == Waiver.State.ASKED else 1


def _filter_waivers(request: HttpRequest) -> tuple[WaiverFilter, "QuerySet[Waiver]"]:
    """Return the filter set and its waivers. Without a filter of state, only open and valid
    waivers."""
    query = with_filter_names(request.GET, "application")
    visible = Waiver.objects.visible_to(request.user)
    filterset = WaiverFilter(query, visible, request=request)
    waivers = filterset.qs
    if not any(name in request.GET for name in ("state", "standing", "until_before")):
        waivers = waivers.filter(pk__in=visible.waiting().values("pk")) | waivers.filter(
            pk__in=visible.standing_on(day_of(now())).values("pk")
        )
    return filterset, waivers.select_related(
        "application__team", "requested_by", "decided_by"
    ).order_by("-pk")


@require_safe
def waiver_list(request: HttpRequest) -> HttpResponse:
    """Show the waivers, by the filters of the URL."""
    user = signed_in_user(request)
    at = now()
    filterset, queryset = _filter_waivers(request)
    listing = PaginatedList(request, queryset)
    return render_page(
        request,
        "gate/waivers.html",
        fragment="listing",
        title="Waivers",
        counts="Waivers of applications you may see",
        as_of=at,
        sentence=_build_list_headline(listing, user),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("application", "Application", "search"),
                FilterControl("state", "State", choices=list(STATES.items())),
                FilterControl("rule", "Rule", choices=list(RULES.items())),
                FilterControl("until_before", "Ends before", "date"),
            ],
        ),
        listing=listing,
        rows=[
            (waiver, RULES[waiver.rule], *describe_waiver_state(waiver, at))
            for waiver in listing.rows
        ],
    )


def _build_list_headline(listing: PaginatedList[Waiver], user: User) -> Headline:
    """Return the headline: the waivers that match, or those that wait for a decision."""
    n_waiting = Waiver.objects.visible_to(user).waiting().count()
    if listing.is_filtered:
        return Headline(
            pluralize(
                listing.n_found,
                f"{listing.count} waiver matches the filters.",
                f"{listing.count} waivers match the filters.",
            )
        )
    if not listing.n_found:
        return Headline("No waiver is asked for and none is in force.")
    if not n_waiting:
        return Headline(
            pluralize(
                listing.n_found,
                f"{listing.count} waiver is in force; none waits.",
                f"{listing.count} waivers are in force; none waits.",
            )
        )
    return Headline(
        "",
        pluralize(n_waiting, f"{n_waiting} waiver waits", f"{n_waiting} waivers wait"),
        " for a decision.",
    )


@require_safe
def waiver_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all waivers that match the filters."""
    _filterset, queryset = _filter_waivers(request)
    at = now()
    heads = (
        "waiver",
        "state",
        "application",
        "slug",
        "team",
        "rule",
        "model",
        "until",
        "reason",
        "asked by",
        "asked at",
        "decided by",
        "decided at",
        "decision",
    )

    def cells(waiver: Waiver) -> list[Any]:
        return [
            waiver.pk,
            str(describe_waiver_state(waiver, at)[0]),
            waiver.application.name,
            waiver.application.slug,
            waiver.application.team.name,
            waiver.rule,
            waiver.model,
            waiver.until,
            waiver.reason,
            waiver.requested_by,
            waiver.requested_at,
            waiver.decided_by or "",
            waiver.decided_at,
            waiver.decision,
        ]

    return csv_response("waivers", heads, queryset.iterator(chunk_size=500), cells)


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
        label="Until", help_text="Expires on (not valid from this date), within 180 days."
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
    form = RequestWaiverForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        request_data = dict(form.cleaned_data)
        application = (
            Application.objects.visible_to(user)
            .filter(slug=request_data.pop("application"))
            .first()
        )
        if application is None:
            form.add_error(
                "application", "No application with this slug found. Check the spelling."
            )
        else:
            try:
                waiver = request_waiver(application=application, by=user, at=now(), **request_data)
            except ConflictError as error:
                form.add_error(None, str(error))
            except ValidationError as error:
                form.add_error(None, error) if not hasattr(error, "error_dict") else _add_errors(
                    form, error
                )
            else:
                flash_success(
                    request,
                    "Waiver requested. Governance decides; until then the result of the gate "
                    "is unchanged.",
                )
                return redirect("waivers:detail", pk=waiver.pk)
    return render_page(
        request,
        "gate/waiver-new.html",
        title="Ask for a waiver",
        crumbs=(("Release gate", reverse("gate-runs:list")), ("Waivers", reverse("waivers:list"))),
        status=422 if form.errors else 200,
        sentence=Headline("A waiver lets one finding pass until a date. Governance decides on it."),
        form=form,
        latest=day_of(now()) + MAX_WAIVER_DURATION,
    )


def _add_errors(form: forms.Form, validation_error: ValidationError) -> None:
    for name, errors in validation_error.error_dict.items():
        for error in errors:
            form.add_error(name if name in form.fields else None, error)


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
        return Headline("May {name} ship with {model} until {day}?".format(**texts))
    if waiver.state == Waiver.State.GRANTED:
        return Headline(
            "{name} may ship with {model} until {day}.".format(**texts)
            if is_in_force
            else "{name} might ship with {model} until {day}; that is over.".format(**texts)
        )
    if waiver.state == Waiver.State.REFUSED:
        return Headline("It was refused that {name} ships with {model}.".format(**texts))
    return Headline("The waiver of {name} for {model} was withdrawn.".format(**texts))


@require_POST
def decide_waiver(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Grant, reject or withdraw a waiver, as the URL says."""
    waiver = _get_waiver(request, pk)
    user = signed_in_user(request)
    reason = request.POST.get("reason", "").strip()[:10_000]
    if action in ("grant", "refuse") and not user.is_governance:
        raise PermissionDenied("You need the governance role to decide on waivers.")
    try:
        if action == "grant":
            grant_waiver(waiver=waiver, by=user, at=now(), reason=reason)
            flash_success(request, "Waiver granted. It applies from the next run of the gate.")
        elif action == "refuse":
            reject_waiver(waiver=waiver, by=user, at=now(), reason=reason)
            flash_success(request, "Waiver rejected, with your reason.")
        elif action == "withdraw":
            withdraw_waiver(waiver=waiver, by=user, at=now(), reason=reason)
            flash_success(request, "Waiver withdrawn. The gate reports the finding again.")
        else:
            raise Http404
    except ConflictError as error:
        flash_error(request, str(error))
    return redirect("waivers:detail", pk=pk)
