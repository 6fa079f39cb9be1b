"""Exposure flags: the list, one flag with its history, and decisions of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.actions.decisions import (
    FlagDecisionError,
    accept_flag,
    acknowledge_flag,
    revoke_acceptance,
)
from apps.exposure.actions.flags import flag_life, policy_tolerance
from apps.exposure.filters import ExposureFlagFilter
from apps.exposure.models import ExposureFlag, Policy
from apps.exposure.node_names import NodeName, node_names
from apps.inventory.models import Criticality
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.flag_presenters import (
    STATE_CSS,
    change_words,
    describe_measure,
    describe_value,
    format_value,
)
from apps.web.views.exposure.parameters import KIND_WORDS, KINDS, applications_by_id, name_url
from apps.web.views.scenarios.links import scenario_url
from apps.web.wording import day, long_day

ORDERS = Sorting(
    {
        "opened": ("Since", ("-opened_at", "pk")),
        "n": ("Applications", ("-n_applications", "pk")),
        "policy": ("Line", ("policy__name", "pk")),
    }
)


@dataclass(frozen=True, slots=True)
class FlagRow:
    flag: ExposureFlag
    node: NodeName | None
    node_url: str
    value: str
    limit: str
    css: str
    what: str


def _filtered(request: HttpRequest) -> tuple[ExposureFlagFilter, Any]:
    found = ExposureFlagFilter(
        request.GET, ExposureFlag.objects.visible_to(request.user), request=request
    )
    related = found.qs.select_related("policy", "node", "accepted_by", "acknowledged_by")
    return found, ORDERS.apply(request, related)


@require_safe
def flag_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    _require_organisation_reader(user)
    found, queryset = _filtered(request)
    listing = PaginatedList(request, queryset)
    state = ExposureFlag.State
    counts = ExposureFlag.objects.visible_to(user).aggregate(
        n_open=Count("pk", filter=Q(state=state.OPEN)),
        n_acknowledged=Count("pk", filter=Q(state=state.ACKNOWLEDGED)),
        n_accepted=Count("pk", filter=Q(state=state.ACCEPTED)),
    )
    return render_page(
        request,
        "exposure/flags.html",
        fragment="listing",
        title="Flags",
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Lines that are or were crossed, one row each time",
        sentence=headlines.flags_headline(
            **counts, filtered=listing.is_filtered, n_found=listing.count
        ),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("state", "State", choices=state.choices),
                FilterControl(
                    "kind",
                    "Layer",
                    choices=[(label, KIND_WORDS[kind]) for label, kind in KINDS.items()],
                ),
                FilterControl(
                    "policy", "Line", choices=list(Policy.objects.values_list("slug", "name"))
                ),
                FilterControl("live", "Resolved", choices=(("true", "No"), ("false", "Yes"))),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        rows=_rows(listing.rows),
        n_open=counts["n_open"],
    )


@require_safe
def flag_csv(request: HttpRequest) -> StreamingHttpResponse:
    _require_organisation_reader(signed_in_user(request))
    _found, queryset = _filtered(request)
    heads = [
        "state",
        "line",
        "counts",
        "layer",
        "node",
        "value",
        "tolerance",
        "applications",
        "since",
        "resolved",
        "acknowledged by",
        "accepted by",
        "accepted until",
        "ceiling",
        "why",
    ]
    return csv_response(
        "flags",
        heads,
        _rows(list(queryset[:10_000])),
        lambda row: [
            row.flag.get_state_display(),
            row.flag.policy.name,
            row.what,
            row.node.kind.label if row.node else "",
            row.node.label if row.node else "",
            row.flag.value,
            row.flag.limit,
            row.flag.n_applications,
            row.flag.opened_at.date(),
            row.flag.resolved_at.date() if row.flag.resolved_at else "",
            row.flag.acknowledged_by or "",
            row.flag.accepted_by or "",
            row.flag.accepted_until,
            row.flag.ceiling,
            row.flag.accepted_reason,
        ],
    )


def _rows(flags: Sequence[ExposureFlag]) -> list[FlagRow]:
    names = node_names({flag.node_id for flag in flags if flag.node_id is not None})
    return [_row(flag, names.get(flag.node_id) if flag.node_id else None) for flag in flags]


def _row(flag: ExposureFlag, node: NodeName | None) -> FlagRow:
    return FlagRow(
        flag,
        node,
        name_url(node) if node else "",
        format_value(flag.policy, flag.value),
        format_value(flag.policy, flag.limit),
        STATE_CSS[flag.state],
        describe_measure(flag.policy),
    )


def _require_organisation_reader(user: User) -> None:
    """Flags are of the whole organisation; strangers to it are not told that there are any."""
    if not user.can_read_all:
        raise Http404


# --- one flag -------------------------------------------------------------------------------------


class AcknowledgeForm(forms.Form):
    reason = forms.CharField(label="Action", required=False, max_length=500)


class AcceptForm(forms.Form):
    until = DayField(label="Until", help_text="Expires on (not valid from this date).")
    reason = forms.CharField(
        label="Reason for the acceptance", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class RevokeForm(forms.Form):
    reason = forms.CharField(label="Reason for the revocation", max_length=500)


@require_safe
def flag_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _shown(request, _flag(request, pk))


def _flag(request: HttpRequest, pk: int) -> ExposureFlag:
    found = ExposureFlag.objects.visible_to(request.user).select_related(
        "policy", "node", "accepted_by", "acknowledged_by"
    )
    return get_object_or_404(found, pk=pk)


def _shown(
    request: HttpRequest, this: ExposureFlag, *, status: int = 200, **given: forms.Form
) -> HttpResponse:
    user, at = signed_in_user(request), now()
    row = _rows([this])[0]
    line = policy_tolerance(this.policy)
    applications = applications_by_id(this.application_ids, user)
    named = [applications[pk] for pk in this.application_ids if pk in applications]
    events = list(this.events.select_related("by"))
    until = (day_of(at) + timedelta(90)).isoformat()
    return render_page(
        request,
        "exposure/flag.html",
        title=this.policy.name,
        crumbs=(
            ("Exposure", reverse("exposure:concentration")),
            ("Flags", reverse("exposure-flags:list")),
        ),
        counts=capfirst(describe_measure(this.policy)),
        as_of=at,
        status=status,
        row=row,
        flag=this,
        sentence=_sentence(this, row),
        release=format_value(this.policy, float(line.release)),
        ceiling=format_value(this.policy, this.ceiling) if this.ceiling is not None else "",
        next_ceiling=format_value(
            this.policy, float(line.ceiling(flag_life(this).last or line.tolerance))
        ),
        applications=[(each, Criticality(each.criticality).label) for each in named],
        events=[(event, change_words(event, this.policy)) for event in events],
        may_decide=user.is_governance and this.state in ExposureFlag.LIVE,
        acknowledge_form=given.get("acknowledge", AcknowledgeForm(prefix="acknowledge")),
        accept_form=given.get("accept", AcceptForm(prefix="accept", initial={"until": until})),
        revoke_form=given.get("revoke", RevokeForm(prefix="revoke")),
        opened_form=next(iter(given), ""),
        what_if=scenario_url(remove=[row.node.name]) if row.node else "",
        earlier=_rows(
            list(
                ExposureFlag.objects.visible_to(user)
                .filter(policy=this.policy, node=this.node)
                .exclude(pk=this.pk)
                .select_related("policy")[:10]
            )
        ),
    )


def _sentence(this: ExposureFlag, row: FlagRow) -> Headline:
    says = describe_value(this.policy, row.value, row.node)
    line = f"; the line is {row.limit}"
    match this.state:
        case ExposureFlag.State.RESOLVED:
            assert this.resolved_at is not None
            return Headline(
                f"Resolved on {long_day(day_of(this.resolved_at))}. It was {row.value}, the line "
                f"is {row.limit}."
            )
        case ExposureFlag.State.ACCEPTED:
            assert this.accepted_until is not None
            return Headline(says + line + f", accepted until {long_day(this.accepted_until)}.")
        case ExposureFlag.State.ACKNOWLEDGED:
            return Headline(says + line + f", and {this.acknowledged_by} is on it.")
        case _:
            return Headline("", says, f"{line}.")


@require_safe
def flag_applications_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the applications that the flag names."""
    this = _flag(request, pk)
    found = applications_by_id(this.application_ids, signed_in_user(request))
    rows = [found[each] for each in this.application_ids if each in found]
    return csv_response(
        f"flag-{pk}",
        [
            "application",
            "team",
            "criticality",
            "business owner",
            "technical owner",
            "line",
            "value",
            "tolerance",
        ],
        rows,
        lambda row: [
            row.name,
            row.team.name,
            Criticality(row.criticality).label,
            row.business_owner,
            row.technical_owner,
            this.policy.name,
            this.value,
            this.limit,
        ],
    )


# --- decisions ------------------------------------------------------------------------------------

_FORMS: dict[str, type[forms.Form]] = {
    "acknowledge": AcknowledgeForm,
    "accept": AcceptForm,
    "revoke": RevokeForm,
}


@require_POST
def decide_flag(request: HttpRequest, pk: int, decision: str) -> HttpResponse:
    """Acknowledge, accept until a date, or revoke an acceptance; for governance."""
    user = signed_in_user(request)
    if decision not in _FORMS:
        raise Http404
    this = _flag(request, pk)
    if not user.is_governance:
        raise PermissionDenied(
            "You need the governance or administrator role to change exposure flags."
        )
    form = _FORMS[decision](request.POST, prefix=decision)
    if not form.is_valid():
        return _shown(request, this, status=422, **{decision: form})
    try:
        said = _decide(this, decision, form.cleaned_data, user)
    except FlagDecisionError as refusal:
        flash_error(request, str(refusal))
        return redirect("exposure-flags:detail", pk=pk)
    except ValidationError as slip:
        form.add_error(None, slip)
        return _shown(request, this, status=422, **{decision: form})
    flash_success(request, said)
    return redirect("exposure-flags:detail", pk=pk)


def _decide(this: ExposureFlag, decision: str, facts: dict[str, Any], by: User) -> str:
    at = now()
    match decision:
        case "acknowledge":
            acknowledge_flag(flag=this, at=at, by=by, reason=facts["reason"])
            return "Acknowledged: you are named as being on it."
        case "accept":
            after = accept_flag(
                flag=this, until=facts["until"], reason=facts["reason"], at=at, by=by
            )
            ceiling = format_value(after.policy, after.ceiling)
            return (
                f"Accepted until {day(facts['until'])}, up to {ceiling}. "
                "Above it, or on that day, it is open again."
            )
        case _:
            revoke_acceptance(flag=this, reason=facts["reason"], at=at, by=by)
            return "Taken back: the flag is open again."
