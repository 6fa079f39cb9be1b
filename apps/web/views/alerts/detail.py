"""Alert page: its reason, recipients and activity; and the responses to it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.alerts import actions
from apps.alerts.delivery.status import MAX_LISTED_NOTICES
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.lifecycle.mutes import mute_fields
from apps.alerts.lifecycle.responses import AlertResponse, require_respondent
from apps.alerts.models import KINDS, Alert
from apps.alerts.queries import evidence_urls, visible_alerts
from apps.alerts.recipients import governance_users
from apps.alerts.text import money, web_address
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.web.pages.action_view import Confirmation, action_view
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
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, present_alerts, recipient_name
from apps.web.views.undo import return_path
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
    request: HttpRequest, alert: Alert, *, action: str = "", form: forms.Form | None = None
) -> HttpResponse:
    """Render the alert page; after an invalid response, `form` is the form of the `action`."""
    user, at = signed_in_user(request), now()
    row = present_alerts([alert], user, on=day_of(at), max_recipients=MAX_LISTED_NOTICES)[0]
    shown_forms = response_forms(row, user, at)
    if form is not None and action in _FORM_ACTIONS:
        invalid: Any = {action: form}
        shown_forms = replace(shown_forms, **invalid)
    evidence = evidence_urls([alert.event_id])[alert.event_id] if alert.event_id is not None else []
    return render_page(
        request,
        "alerts/detail.html",
        title=row.heading,
        crumbs=(("Alerts", reverse("alerts:list")),),
        counts="One alert",
        as_of=at,
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
        forms=shown_forms,
        snoozes=SNOOZES,
        wrong=action,
        problem=" ".join(map(str, form.non_field_errors())) if form is not None else "",
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
    # the path is checked when a form returns it
    context = {
        "alert": alert,
        "row": row,
        "forms": response_forms(row, user, at, prefix=f"a{pk}-"),
        "snoozes": SNOOZES,
        "back": request.GET.get("back", ""),
    }
    return render(request, "alerts/answers.html", context)


# --- responses ------------------------------------------------------------------------------------

_FORM_ACTIONS = frozenset({"snooze", "assign", "resolve", "mute"})
_PLAIN_ACTIONS = frozenset({"acknowledge", "reopen", "take"})
# buttons of a row of the inbox
_ROW_ACTIONS = frozenset({"acknowledge", "reopen"})


@require_POST
def respond_to_alert(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Respond to one alert; invalid input shows its page with the reason. For htmx only the row of
    the inbox is rendered again.

    Raise AlertPermissionError unless the user can respond; every user who can view an alert can
    mute it."""
    alert = _get_alert(request, pk)
    user, at = signed_in_user(request), now()
    if action not in _FORM_ACTIONS | _PLAIN_ACTIONS:
        raise Http404
    if action != "mute":
        require_respondent(user, alert)

    def build_form() -> forms.Form:
        if action in _PLAIN_ACTIONS:
            return forms.Form(request.POST)
        (row,) = present_alerts([alert], user, on=day_of(at), max_recipients=0)
        response_form: forms.Form = getattr(
            response_forms(row, user, at, data=request.POST, action=action), action
        )
        return response_form

    def respond(form: forms.Form) -> Confirmation:
        if isinstance(form, MuteForm):
            return Confirmation(_mute_alert(alert, form, user, at))
        state_before = _response_state(alert)
        description = _apply_response(action, alert, form, user, at)
        is_unchanged = _response_state(alert) == state_before
        return responses.confirm(
            responses.ResponseOutcome(
                description,
                [] if is_unchanged else [alert.pk],
                response=_UNDOABLE_RESPONSES.get(action),
            )
        )

    if getattr(request, "htmx", False) and action in _ROW_ACTIONS:
        respond(build_form())
        return _render_row(request, pk)
    return action_view(
        request,
        form=build_form,
        action=respond,
        done=lambda confirmation: confirmation,
        back=return_path(request, reverse("alerts:detail", args=[pk])),
        page=lambda form: _render_alert(request, alert, action=action, form=form),
    )


_UNDOABLE_RESPONSES = {
    "acknowledge": AlertResponse.ACKNOWLEDGE,
    "take": AlertResponse.ASSIGN,
    "assign": AlertResponse.ASSIGN,
    "snooze": AlertResponse.SNOOZE,
    "resolve": AlertResponse.RESOLVE,
}


def _apply_response(action: str, alert: Alert, form: Any, by: User, at: datetime) -> str:
    """Apply the response and return its description, such as `acknowledged`."""
    match action:
        case "acknowledge":
            actions.acknowledge_alert(alert=alert, by=by, at=at)
            return "acknowledged"
        case "reopen":
            actions.reopen_alert(alert=alert, by=by, at=at)
            return "reopened"
        case "snooze":
            until = form.cleaned_data["until"]
            actions.snooze_alert(alert=alert, until=until, by=by, at=at)
            return responses.describe_snooze(until)
        case "resolve":
            actions.resolve_alert(alert=alert, reason=form.cleaned_data["why"], by=by, at=at)
            return "resolved"
    assignee = by if action == "take" else form.person
    actions.assign_alert(alert=alert, to=assignee, by=by, at=at)
    return f"assigned to {assignee}" if assignee else "assignment removed"


def _mute_alert(alert: Alert, form: MuteForm, by: User, at: datetime) -> str:
    """Mute the alert for the user or a mailbox, and return the confirmation. Permission to view the
    alert is sufficient for the user's own mute."""
    cleaned = form.cleaned_data
    fields = mute_fields(alert, cleaned["what"], user=by)
    actions.create_mute(
        by=by, until=cleaned["until"], at=at, team=form.team, reason=cleaned["reason"], **fields
    )
    recipient_clause = f"The mailbox of {form.team} is" if form.team is not None else "You are"
    return (
        f"{recipient_clause} not notified of this until {long_day(cleaned['until'])}. "
        "The alert stays on this page. If it is open on that date, a notification is sent then."
    )


def _response_state(alert: Alert) -> tuple[object, ...]:
    return alert.state, alert.snoozed_until, alert.assigned_to_id


def _render_row(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in_user(request)
    (row,) = present_alerts([_get_alert(request, pk)], user, on=day_of(now()))
    back = return_path(request, reverse("alerts:list"))
    return render(request, "alerts/row.html", {"row": row, "back": back})
