"""Exposure flags: the list, one flag with its history, and decisions of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.actions.decisions import (
    accept_flag,
    acknowledge_flag,
    revoke_acceptance,
)
from apps.exposure.actions.flags import flag_life, policy_tolerance
from apps.exposure.filters import ExposureFlagFilter
from apps.exposure.models import ExposureFlag, Policy
from apps.exposure.node_names import NodeName, node_names
from apps.inventory.models import Criticality
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.flag_presenters import (
    STATE_CSS,
    change_words,
    describe_measure,
    describe_value,
    format_value,
)
from apps.web.views.exposure.parameters import (
    KIND_WORDS,
    KINDS,
    applications_by_id,
    name_url,
    require_organisation_role,
)
from apps.web.views.scenarios.links import scenario_url
from apps.web.views.undo import return_path
from apps.web.wording import day, long_day


@dataclass(frozen=True, slots=True)
class FlagRow:
    flag: ExposureFlag
    node: NodeName | None
    node_url: str
    value: str
    limit: str
    css: str
    what: str


def _describe_resolution(row: FlagRow) -> str:
    if row.flag.resolved_at is None:
        return ""
    return format_html("resolved {}", format_day(day_of(row.flag.resolved_at)))


class FlagList(ListPage[ExposureFlag, FlagRow]):
    """Exposure flags by the filters of the URL, latest first; for organisation roles."""

    namespace = "exposure-flags"
    title = "Exposure flags"
    nouns = ("flag", "flags")
    counts = "Measurements above tolerance, current and past"
    filterset_class = ExposureFlagFilter
    columns = (
        Column[FlagRow](
            "policy",
            "Policy",
            attrgetter("flag.policy.name"),
            note=attrgetter("what"),
            url=lambda row: reverse("exposure-flags:detail", args=[row.flag.pk]),
            order=("policy__name", "pk"),
        ),
        Column[FlagRow](
            "node",
            "Measured on",
            lambda row: row.node.label if row.node else "The portfolio",
            note=lambda row: row.node.kind.label if row.node else "",
            url=attrgetter("node_url"),
        ),
        Column[FlagRow](
            "value",
            "Value",
            attrgetter("value"),
            note=lambda row: f"tolerance {row.limit}",
            css=lambda row: "bad" if row.flag.state == ExposureFlag.State.OPEN else "",
            is_numeric=True,
            is_in_files=False,
        ),
        Column[FlagRow](
            "n",
            "Applications",
            attrgetter("flag.n_applications"),
            format=format_number,
            order=("-n_applications", "pk"),
            is_numeric=True,
        ),
        Column[FlagRow](
            "state",
            "State",
            lambda row: row.flag.get_state_display(),
            note=lambda row: format_day(row.flag.accepted_until) if row.flag.accepted_until else "",
            css=lambda row: f"state {row.css}",
        ),
        Column[FlagRow](
            "opened",
            "Since",
            lambda row: day_of(row.flag.opened_at),
            format=format_day,
            note=_describe_resolution,
            order=("-opened_at", "pk"),
        ),
    )
    file_columns = (
        FileColumn[FlagRow]("Value", attrgetter("flag.value")),
        FileColumn[FlagRow]("Tolerance", attrgetter("flag.limit")),
        FileColumn[FlagRow]("Measure", attrgetter("what")),
        FileColumn[FlagRow]("Layer", lambda row: row.node.kind.label if row.node else ""),
        FileColumn[FlagRow](
            "Resolved", lambda row: day_of(row.flag.resolved_at) if row.flag.resolved_at else None
        ),
        FileColumn[FlagRow]("Acknowledged by", lambda row: str(row.flag.acknowledged_by or "")),
        FileColumn[FlagRow]("Accepted by", lambda row: str(row.flag.accepted_by or "")),
        FileColumn[FlagRow]("Accepted until", attrgetter("flag.accepted_until")),
        FileColumn[FlagRow]("Ceiling", attrgetter("flag.ceiling")),
        FileColumn[FlagRow]("Reason for the acceptance", attrgetter("flag.accepted_reason")),
    )
    default_order = ("opened", ())

    def check_access(self) -> None:
        require_organisation_role(self.user)

    def get_queryset(self) -> "QuerySet[ExposureFlag]":
        return ExposureFlag.objects.visible_to(self.user).select_related(
            "policy", "node", "accepted_by", "acknowledged_by"
        )

    def build_rows(self, records: Sequence[ExposureFlag]) -> Sequence[FlagRow]:
        return _build_rows(records)

    def get_controls(self) -> Sequence[FilterControl]:
        return (
            FilterControl("state", "State", choices=ExposureFlag.State.choices),
            FilterControl(
                "kind",
                "Layer",
                choices=[(label, capfirst(KIND_WORDS[kind])) for label, kind in KINDS.items()],
            ),
            FilterControl(
                "policy", "Policy", choices=list(Policy.objects.values_list("slug", "name"))
            ),
            FilterControl("live", "Resolved", choices=(("true", "No"), ("false", "Yes"))),
        )

    def get_lead(self) -> Headline:
        """Return the flags that match, or how many are open."""
        if self.is_filtered:
            return self.describe_matches()
        state = ExposureFlag.State
        counts = ExposureFlag.objects.visible_to(self.user).aggregate(
            n_open=Count("pk", filter=Q(state=state.OPEN)),
            n_acknowledged=Count("pk", filter=Q(state=state.ACKNOWLEDGED)),
            n_accepted=Count("pk", filter=Q(state=state.ACCEPTED)),
        )
        return headlines.flags_headline(**counts)

    def get_row_css(self, row: FlagRow) -> str:
        return "over" if row.flag.state == ExposureFlag.State.OPEN else ""

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No exposure flags yet.",
            "A flag opens when a measurement exceeds the tolerance of an exposure policy. Review "
            "the policies and set your own tolerances.",
            "View exposure policies",
            reverse("exposure-policies:list"),
        )


def _build_rows(flags: Sequence[ExposureFlag]) -> list[FlagRow]:
    names = node_names({flag.node_id for flag in flags if flag.node_id is not None})
    return [_build_row(flag, names.get(flag.node_id) if flag.node_id else None) for flag in flags]


def _build_row(flag: ExposureFlag, node: NodeName | None) -> FlagRow:
    return FlagRow(
        flag,
        node,
        name_url(node) if node else "",
        format_value(flag.policy, flag.value),
        format_value(flag.policy, flag.limit),
        STATE_CSS[flag.state],
        describe_measure(flag.policy),
    )


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
    return _render_flag(request, _get_flag(request, pk))


def _get_flag(request: HttpRequest, pk: int) -> ExposureFlag:
    flags = ExposureFlag.objects.visible_to(request.user).select_related(
        "policy", "node", "accepted_by", "acknowledged_by"
    )
    return get_object_or_404(flags, pk=pk)


def _render_flag(
    request: HttpRequest, flag: ExposureFlag, **bound_forms: forms.Form
) -> HttpResponse:
    """Render the page of a flag: measurement, affected applications, history and the forms of
    decisions; `bound_forms` are those with errors."""
    user, at = signed_in_user(request), now()
    row = _build_rows([flag])[0]
    tolerance = policy_tolerance(flag.policy)
    applications = applications_by_id(flag.application_ids, user)
    flagged_applications = [applications[pk] for pk in flag.application_ids if pk in applications]
    events = list(flag.events.select_related("by"))
    default_until = (day_of(at) + timedelta(90)).isoformat()
    return render_page(
        request,
        "exposure/flag.html",
        title=flag.policy.name,
        crumbs=(("Exposure flags", reverse("exposure-flags:list")),),
        counts=capfirst(describe_measure(flag.policy)),
        as_of=at,
        row=row,
        flag=flag,
        sentence=_build_headline(flag, row),
        release=format_value(flag.policy, float(tolerance.release)),
        ceiling=format_value(flag.policy, flag.ceiling) if flag.ceiling is not None else "",
        next_ceiling=format_value(
            flag.policy, float(tolerance.ceiling(flag_life(flag).last or tolerance.tolerance))
        ),
        applications=[
            (application, Criticality(application.criticality).label)
            for application in flagged_applications
        ],
        events=[(event, change_words(event, flag.policy)) for event in events],
        may_decide=user.is_governance and flag.state in ExposureFlag.LIVE,
        acknowledge_form=bound_forms.get("acknowledge", AcknowledgeForm(prefix="acknowledge")),
        accept_form=bound_forms.get(
            "accept", AcceptForm(prefix="accept", initial={"until": default_until})
        ),
        revoke_form=bound_forms.get("revoke", RevokeForm(prefix="revoke")),
        opened_form=next(iter(bound_forms), ""),
        what_if=scenario_url(remove=[row.node.name]) if row.node else "",
        earlier=_build_rows(
            list(
                ExposureFlag.objects.visible_to(user)
                .filter(policy=flag.policy, node=flag.node)
                .exclude(pk=flag.pk)
                .select_related("policy")[:10]
            )
        ),
    )


def _build_headline(flag: ExposureFlag, row: FlagRow) -> Headline:
    """Return the headline of a flag: its state, the measurement and the tolerance."""
    measurement = describe_value(flag.policy, row.value, row.node)
    limit_clause = f"; the tolerance is {row.limit}"
    match flag.state:
        case ExposureFlag.State.RESOLVED:
            assert flag.resolved_at is not None
            return Headline(
                f"Resolved on {long_day(day_of(flag.resolved_at))}. It was {row.value}; the "
                f"tolerance is {row.limit}."
            )
        case ExposureFlag.State.ACCEPTED:
            assert flag.accepted_until is not None
            return Headline(
                measurement + limit_clause + f", accepted until {long_day(flag.accepted_until)}."
            )
        case ExposureFlag.State.ACKNOWLEDGED:
            return Headline(
                measurement + limit_clause + f", acknowledged by {flag.acknowledged_by}."
            )
        case _:
            return Headline("", measurement, f"{limit_clause}.")


@require_safe
def flag_applications_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send the applications that the flag names."""
    flag = _get_flag(request, pk)
    applications = applications_by_id(flag.application_ids, signed_in_user(request))
    listed_applications = [
        applications[application_id]
        for application_id in flag.application_ids
        if application_id in applications
    ]
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
        listed_applications,
        lambda row: [
            row.name,
            row.team.name,
            Criticality(row.criticality).label,
            row.business_owner_name,
            row.technical_owner_name,
            flag.policy.name,
            flag.value,
            flag.limit,
        ],
    )


# --- decisions ------------------------------------------------------------------------------------

_FORMS: dict[str, type[forms.Form]] = {
    "acknowledge": AcknowledgeForm,
    "accept": AcceptForm,
    "revoke": RevokeForm,
}


@require_POST
def decide_flag(request: HttpRequest, pk: int, decision: str) -> HttpResponseBase:
    """Acknowledge, accept until a date, or revoke an acceptance; for governance."""
    user = signed_in_user(request)
    if decision not in _FORMS:
        raise Http404
    flag = _get_flag(request, pk)
    governance_user(
        request, "You need the governance or administrator role to change exposure flags."
    )
    data = request.POST.copy()
    if decision == "revoke" and "undo" in request.GET:
        data["revoke-reason"] = "The acceptance was undone."
    flag_url = reverse("exposure-flags:detail", args=[pk])
    return action_view(
        request,
        form=lambda: _FORMS[decision](data, prefix=decision),
        action=lambda form: _apply_decision(flag, decision, form.cleaned_data, user),
        done=lambda confirmation: confirmation,
        back=return_path(request, flag_url),
        page=lambda form: _render_flag(request, flag, **{decision: form}),
        # a flag that meanwhile has another state has no form for the decision
        refused=flag_url,
    )


def _apply_decision(
    flag: ExposureFlag, decision: str, facts: dict[str, Any], by: User
) -> Confirmation:
    """Apply a decision and return its confirmation; raises FlagDecisionError."""
    at = now()
    match decision:
        case "acknowledge":
            acknowledge_flag(flag=flag, at=at, by=by, reason=facts["reason"])
            return Confirmation("Flag acknowledged.")
        case "accept":
            accepted_flag = accept_flag(
                flag=flag, until=facts["until"], reason=facts["reason"], at=at, by=by
            )
            ceiling = format_value(accepted_flag.policy, accepted_flag.ceiling)
            return Confirmation(
                f"Flag accepted until {day(facts['until'])}, up to {ceiling}. "
                "It opens again above that value, or on that date.",
                f"{reverse('exposure-flags:decide', args=[flag.pk, 'revoke'])}?undo=1",
            )
        case _:
            revoke_acceptance(flag=flag, reason=facts["reason"], at=at, by=by)
            return Confirmation("Acceptance revoked. The flag is open again.")
