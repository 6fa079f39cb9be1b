"""Alert page: its reason, recipients and activity; and the responses to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.alerts import actions
from apps.alerts.delivery.status import MAX_LISTED_NOTICES
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.lifecycle.mutes import mute_fields
from apps.alerts.models import KINDS, Alert
from apps.alerts.queries import evidence_urls, visible_alerts
from apps.alerts.recipients import governance_users
from apps.alerts.text import money, web_address
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts import responses
from apps.web.views.alerts.forms import (
    AssignForm,
    MuteForm,
    ResolveForm,
    SnoozeForm,
    manageable_mailboxes,
    mute_scopes,
)
from apps.web.views.alerts.inbox import back_to_inbox
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, present_alerts, recipient_name
from apps.web.wording import long_day, number


@dataclass(frozen=True, slots=True)
class ResponseForms:
    """Forms of the available responses; one of them is bound if its input was invalid."""

    snooze: SnoozeForm
    assign: AssignForm
    resolve: ResolveForm
    mute: MuteForm


def response_forms(
    row: AlertRow, user: User, at: datetime, *, data: Any = None, action: str = "", prefix: str = ""
) -> ResponseForms:
    """Return the response forms; `prefix` keeps the ids of fields apart if a page has several
    rows."""
    alert = row.alert

    def data_for(name: str) -> Any:
        return data if name == action else None

    assignee = alert.assigned_to.get_username() if alert.assigned_to is not None else ""
    return ResponseForms(
        snooze=SnoozeForm(data_for("snooze"), on=day_of(at), auto_id=f"{prefix}snooze-%s"),
        assign=AssignForm(
            data_for("assign"),
            people=_list_assignees(alert) if row.may_answer else [],
            auto_id=f"{prefix}assign-%s",
            initial={"to": assignee},
        ),
        resolve=ResolveForm(data_for("resolve"), auto_id=f"{prefix}resolve-%s"),
        mute=MuteForm(
            data_for("mute"),
            scopes=mute_scopes(alert, [name for _, name in _affected_applications(alert, user)]),
            teams=manageable_mailboxes(alert, user),
            at=at,
            auto_id=f"{prefix}mute-%s",
        ),
    )


def _affected_applications(alert: Alert, user: User) -> list[tuple[int, str]]:
    rows = Application.objects.visible_to(user).filter(pk__in=alert.application_ids).order_by("pk")
    return list(rows.values_list("pk", "name"))


def _list_assignees(alert: Alert) -> list[User]:
    """Return the possible assignees: active users of its team, and governance."""
    assignees = [user for user, _ in members_of(team=alert.team)] if alert.team is not None else []
    member_ids = {user.pk for user in assignees}
    return assignees + [user for user in governance_users() if user.pk not in member_ids]


# --- the page -------------------------------------------------------------------------------------


@require_safe
def alert_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _render_alert(request, _get_alert(request, pk))


def _get_alert(request: HttpRequest, pk: int) -> Alert:
    return get_object_or_404(visible_alerts(signed_in_user(request)), pk=pk)


def _render_alert(
    request: HttpRequest, alert: Alert, *, data: Any = None, action: str = "", problem: str = ""
) -> HttpResponse:
    """Render the alert page. After invalid input, `data` and `action` fill that form again and
    `problem` is the error."""
    user, at = signed_in_user(request), now()
    row = present_alerts([alert], user, on=day_of(at), max_recipients=MAX_LISTED_NOTICES)[0]
    evidence = evidence_urls([alert.event_id])[alert.event_id] if alert.event_id is not None else []
    return render_page(
        request,
        "alerts/detail.html",
        title=row.heading,
        crumbs=(("Alerts", reverse("alerts:list")),),
        counts="One alert",
        as_of=at,
        status=422 if action else 200,
        alert=alert,
        row=row,
        kind=KINDS.get(alert.kind, alert.kind),
        party=recipient_name(alert),
        sentence=_build_headline(row),
        because=_explain_routing(alert),
        evidence=[url for url in evidence if web_address(url)],
        stale=_list_stale_assessments(row, user),
        monthly=_describe_cost_change(alert),
        turns=alert_activity(alert),
        forms=response_forms(row, user, at, data=data, action=action),
        snoozes=SNOOZES,
        wrong=action,
        problem=problem,
        undo=responses.load_undo(request),
    )


def _build_headline(row: AlertRow) -> Headline:
    heading = row.heading.rstrip(".")
    return Headline("", heading, ".") if row.is_late else Headline(f"{heading}.")


def _explain_routing(alert: Alert) -> str:
    """Return the recipient of the alert and the reason for the routing, as a sentence."""
    is_plural = len(alert.application_ids) != 1
    applications_text = "the affected applications" if is_plural else "the affected application"
    if alert.team is None:
        return (
            f"The alert was routed to {alert.user}: it is about the whole organisation, or about "
            "a decision or preference of this user."
        )
    if alert.user is not None:
        return (
            f"The alert was routed to {alert.user}, who owns {applications_text} in {alert.team}."
        )
    verb = "have" if is_plural else "has"
    return (
        f"The alert was routed to {alert.team}, because {applications_text} {verb} no owner with "
        "an address."
    )


def _list_stale_assessments(row: AlertRow, user: User) -> list[tuple[str, str]]:
    """Return (assessment, reason) of stale assessments of applications that the user may see."""
    assessments = row.alert.details.get("named") or []
    visible_ids = (
        {pk for pk, _ in _affected_applications(row.alert, user)} if assessments else set()
    )
    return [
        (assessment["what"], assessment["because"])
        for assessment in assessments
        if assessment["application"] in visible_ids
    ]


def _describe_cost_change(alert: Alert) -> str:
    """Describe the monthly effect of a price change: `about 1,240 USD a month more`; empty if the
    usage is not recorded."""
    amount = money(alert.details.get("monthly_usd", "0"))
    return (
        f"about {number(abs(round(amount)))} USD a month {'more' if amount > 0 else 'less'}"
        if amount
        else ""
    )


@require_safe
def activity_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the response forms for one expanded row of the inbox."""
    user, at = signed_in_user(request), now()
    alert = _get_alert(request, pk)
    row = present_alerts([alert], user, on=day_of(at), max_recipients=0)[0]
    forms = response_forms(row, user, at, prefix=f"a{pk}-")
    back_url = back_to_inbox(request.GET)
    return render(
        request,
        "alerts/answers.html",
        {"alert": alert, "row": row, "forms": forms, "snoozes": SNOOZES, "back": back_url},
    )


# --- the answers ----------------------------------------------------------------------------------


@require_POST
def respond_to_alert(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Respond to one alert. Without permission, the page states the reason."""
    alert = _get_alert(request, pk)
    user, at = signed_in_user(request), now()
    state_before = _response_state(alert)
    try:
        match action:
            case "acknowledge":
                actions.acknowledge_alert(alert=alert, by=user, at=at)
                return _confirm_response(request, alert, state_before, description="acknowledged")
            case "reopen":
                actions.reopen_alert(alert=alert, by=user, at=at)
                return _confirm_response(
                    request, alert, state_before, description="reopened", is_lasting=True
                )
            case "take":
                actions.assign_alert(alert=alert, to=user, by=user, at=at)
                return _confirm_response(
                    request, alert, state_before, description=f"assigned to {user}"
                )
            case "snooze" | "assign" | "resolve" | "mute":
                return _respond_by_form(request, alert, user, at, action)
    except actions.InvalidResponseError as error:
        return _render_alert(request, alert, data=request.POST, action=action, problem=str(error))
    raise Http404


def _respond_by_form(
    request: HttpRequest, alert: Alert, user: User, at: datetime, action: str
) -> HttpResponse:
    """Apply the response of the form named `action`, and show the page again if the form has
    errors.

    Raise AlertPermissionError unless the user may respond; every user who can view an alert may
    mute it.
    """
    row = present_alerts([alert], user, on=day_of(at), max_recipients=0)[0]
    if action != "mute" and not row.may_answer:
        raise actions.AlertPermissionError(
            f"You need the editor role on {alert.team} to respond to its alerts."
            if alert.team
            else "You need the governance role to respond to alerts of another user."
        )
    forms = response_forms(row, user, at, data=request.POST, action=action)
    form, state_before = getattr(forms, action), _response_state(alert)
    if not form.is_valid():
        return _render_alert(request, alert, data=request.POST, action=action)
    match action:
        case "snooze":
            until = form.cleaned_data["until"]
            actions.snooze_alert(alert=alert, until=until, by=user, at=at)
            return _confirm_response(
                request, alert, state_before, description=responses.describe_snooze(until)
            )
        case "assign":
            assignee = forms.assign.person
            actions.assign_alert(alert=alert, to=assignee, by=user, at=at)
            return _confirm_response(
                request,
                alert,
                state_before,
                description=f"assigned to {assignee}" if assignee else "assignment removed",
            )
        case "resolve":
            actions.resolve_alert(alert=alert, reason=form.cleaned_data["why"], by=user, at=at)
            return _confirm_response(request, alert, state_before, description="resolved")
    return _mute_alert(request, alert, forms.mute, user, at)


def _mute_alert(
    request: HttpRequest, alert: Alert, form: MuteForm, user: User, at: datetime
) -> HttpResponse:
    """Mute the alert for the user or a mailbox. Permission to view the alert is sufficient for the
    user's own mute."""
    cleaned = form.cleaned_data
    fields = mute_fields(alert, cleaned["what"], user=user)
    actions.create_mute(
        by=user, until=cleaned["until"], at=at, team=form.team, reason=cleaned["reason"], **fields
    )
    recipient_clause = f"The mailbox of {form.team} is" if form.team is not None else "You are"
    messages.success(
        request,
        f"{recipient_clause} not notified of this until {long_day(cleaned['until'])}. "
        "The alert stays on this page. If it is open on that date, a notification is sent then.",
    )
    return redirect(_return_url(request, alert))


def _response_state(alert: Alert) -> tuple[object, ...]:
    return alert.state, alert.snoozed_until, alert.assigned_to_id


def _confirm_response(
    request: HttpRequest,
    alert: Alert,
    state_before: tuple[object, ...],
    *,
    description: str,
    is_lasting: bool = False,
) -> HttpResponse:
    """Confirm the response, with an offer to undo it unless it `is_lasting`. For htmx only the row
    is rendered again."""
    if getattr(request, "htmx", False):
        row = present_alerts(
            [_get_alert(request, alert.pk)], signed_in_user(request), on=day_of(now())
        )[0]
        return render(request, "alerts/row.html", {"row": row, "back": back_to_inbox(request.POST)})
    if _response_state(alert) == state_before:
        messages.info(request, "The alert has this response already. Nothing was changed.")
    elif is_lasting:
        messages.success(
            request, responses.describe_outcome(responses.ResponseOutcome(description, [alert.pk]))
        )
    else:
        responses.store_undo(request, responses.ResponseOutcome(description, [alert.pk]))
    return redirect(_return_url(request, alert))


def _return_url(request: HttpRequest, alert: Alert) -> str:
    return (
        back_to_inbox(request.POST)
        if request.POST.get("back")
        else reverse("alerts:detail", args=[alert.pk])
    )
