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
    row: AlertRow, user: User, at: datetime, *, data: Any = None, which: str = "", prefix: str = ""
) -> ResponseForms:
    """Return the response forms; `prefix` keeps the ids of fields apart if a page has several
    rows."""
    alert = row.alert

    def bound(name: str) -> Any:
        return data if name == which else None

    assignee = alert.assigned_to.get_username() if alert.assigned_to is not None else ""
    return ResponseForms(
        snooze=SnoozeForm(bound("snooze"), on=day_of(at), auto_id=f"{prefix}snooze-%s"),
        assign=AssignForm(
            bound("assign"),
            people=_people(alert) if row.may_answer else [],
            auto_id=f"{prefix}assign-%s",
            initial={"to": assignee},
        ),
        resolve=ResolveForm(bound("resolve"), auto_id=f"{prefix}resolve-%s"),
        mute=MuteForm(
            bound("mute"),
            scopes=mute_scopes(alert, [name for _, name in _affected_applications(alert, user)]),
            teams=manageable_mailboxes(alert, user),
            at=at,
            auto_id=f"{prefix}mute-%s",
        ),
    )


def _affected_applications(alert: Alert, user: User) -> list[tuple[int, str]]:
    rows = Application.objects.visible_to(user).filter(pk__in=alert.application_ids).order_by("pk")
    return list(rows.values_list("pk", "name"))


def _people(alert: Alert) -> list[User]:
    """Return the possible assignees: active users of its team, and governance."""
    people = [person for person, _ in members_of(team=alert.team)] if alert.team is not None else []
    known = {person.pk for person in people}
    return people + [person for person in governance_users() if person.pk not in known]


# --- the page -------------------------------------------------------------------------------------


@require_safe
def alert_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _alert_page(request, _alert(request, pk))


def _alert(request: HttpRequest, pk: int) -> Alert:
    return get_object_or_404(visible_alerts(signed_in_user(request)), pk=pk)


def _alert_page(
    request: HttpRequest, this: Alert, *, data: Any = None, which: str = "", problem: str = ""
) -> HttpResponse:
    """The page; where an answer lacked something, with what was typed and what to correct."""
    user, at = signed_in_user(request), now()
    row = present_alerts([this], user, on=day_of(at), most_told=MAX_LISTED_NOTICES)[0]
    evidence = evidence_urls([this.event_id])[this.event_id] if this.event_id is not None else []
    return render_page(
        request,
        "alerts/detail.html",
        title=row.heading,
        crumbs=(("Alerts", reverse("alerts:list")),),
        counts="One alert",
        as_of=at,
        status=422 if which else 200,
        alert=this,
        row=row,
        kind=KINDS.get(this.kind, this.kind),
        party=recipient_name(this),
        sentence=_sentence(row),
        because=_because(this),
        evidence=[url for url in evidence if web_address(url)],
        stale=_stale(row, user),
        monthly=_monthly(this),
        turns=alert_activity(this),
        forms=response_forms(row, user, at, data=data, which=which),
        snoozes=SNOOZES,
        wrong=which,
        problem=problem,
        undo=responses.load_undo(request),
    )


def _sentence(row: AlertRow) -> Headline:
    heading = row.heading.rstrip(".")
    return Headline("", heading, ".") if row.is_late else Headline(f"{heading}.")


def _because(alert: Alert) -> str:
    """To whom it fell and why, in a sentence."""
    several = len(alert.application_ids) != 1
    concerned = "the applications concerned" if several else "the application concerned"
    if alert.team is None:
        return (
            f"It fell to {alert.user}: it is about the whole register, "
            "or about a decision or wish of theirs."
        )
    if alert.user is not None:
        return f"It fell to {alert.user}, who owns {concerned} in {alert.team}."
    verb = "name" if several else "names"
    return f"It fell to {alert.team}, as {concerned} {verb} no owner who is known here as a person."


def _stale(row: AlertRow, user: User) -> list[tuple[str, str]]:
    """(assessment, why it is stale) of those named whose application the reader may see."""
    named = row.alert.details.get("named") or []
    visible = {pk for pk, _ in _affected_applications(row.alert, user)} if named else set()
    return [(each["what"], each["because"]) for each in named if each["application"] in visible]


def _monthly(alert: Alert) -> str:
    """`about 1,240 USD a month more`, of a price that moved, where what is used is recorded."""
    amount = money(alert.details.get("monthly_usd", "0"))
    return (
        f"about {number(abs(round(amount)))} USD a month {'more' if amount > 0 else 'less'}"
        if amount
        else ""
    )


@require_safe
def activity_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the responses beside Acknowledge, for a row of the inbox that is opened."""
    user, at = signed_in_user(request), now()
    this = _alert(request, pk)
    row = present_alerts([this], user, on=day_of(at), most_told=0)[0]
    said = response_forms(row, user, at, prefix=f"a{pk}-")
    back = back_to_inbox(request.GET)
    return render(
        request,
        "alerts/answers.html",
        {"alert": this, "row": row, "forms": said, "snoozes": SNOOZES, "back": back},
    )


# --- the answers ----------------------------------------------------------------------------------


@require_POST
def respond_to_alert(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Respond to one alert. A user without permission gets a sentence with the reason."""
    this = _alert(request, pk)
    user, at = signed_in_user(request), now()
    before = _standing(this)
    try:
        match action:
            case "acknowledge":
                actions.acknowledge_alert(alert=this, by=user, at=at)
                return _done(request, this, before, said="acknowledged")
            case "reopen":
                actions.reopen_alert(alert=this, by=user, at=at)
                return _done(request, this, before, said="reopened", lasting=True)
            case "take":
                actions.assign_alert(alert=this, to=user, by=user, at=at)
                return _done(request, this, before, said=f"assigned to {user}")
            case "snooze" | "assign" | "resolve" | "mute":
                return _filled_in(request, this, user, at, action)
    except actions.InvalidResponseError as refused:
        return _alert_page(request, this, data=request.POST, which=action, problem=str(refused))
    raise Http404


def _filled_in(
    request: HttpRequest, this: Alert, user: User, at: datetime, action: str
) -> HttpResponse:
    row = present_alerts([this], user, on=day_of(at), most_told=0)[0]
    if action != "mute" and not row.may_answer:
        raise actions.AlertPermissionError(
            f"You need the editor role on {this.team} to respond to its alerts."
            if this.team
            else "You need the governance role to respond to alerts of another user."
        )
    said = response_forms(row, user, at, data=request.POST, which=action)
    form, before = getattr(said, action), _standing(this)
    if not form.is_valid():
        return _alert_page(request, this, data=request.POST, which=action)
    match action:
        case "snooze":
            until = form.cleaned_data["until"]
            actions.snooze_alert(alert=this, until=until, by=user, at=at)
            return _done(request, this, before, said=responses.describe_snooze(until))
        case "assign":
            to = said.assign.person
            actions.assign_alert(alert=this, to=to, by=user, at=at)
            return _done(
                request, this, before, said=f"assigned to {to}" if to else "assignment removed"
            )
        case "resolve":
            actions.resolve_alert(alert=this, reason=form.cleaned_data["why"], by=user, at=at)
            return _done(request, this, before, said="resolved")
    return _muted(request, this, said.mute, user, at)


def _muted(
    request: HttpRequest, this: Alert, form: MuteForm, user: User, at: datetime
) -> HttpResponse:
    """To read an alert is enough to mute it for oneself."""
    said = form.cleaned_data
    what = mute_fields(this, said["what"], user=user)
    actions.create_mute(
        by=user, until=said["until"], at=at, team=form.team, reason=said["reason"], **what
    )
    whom = f"The mailbox of {form.team} is" if form.team is not None else "You are"
    messages.success(
        request,
        f"{whom} not mailed about this until {long_day(said['until'])}. It stays on this page; "
        "what still waits on "
        "that day is mailed then.",
    )
    return redirect(_back(request, this))


def _standing(alert: Alert) -> tuple[object, ...]:
    return alert.state, alert.snoozed_until, alert.assigned_to_id


def _done(
    request: HttpRequest,
    this: Alert,
    before: tuple[object, ...],
    *,
    said: str,
    lasting: bool = False,
) -> HttpResponse:
    """Say what was done, and offer to take it back unless that makes no sense (`lasting`)."""
    if getattr(request, "htmx", False):
        row = present_alerts([_alert(request, this.pk)], signed_in_user(request), on=day_of(now()))[
            0
        ]
        return render(request, "alerts/row.html", {"row": row, "back": back_to_inbox(request.POST)})
    if _standing(this) == before:
        messages.info(request, "It was answered so already; nothing was changed.")
    elif lasting:
        messages.success(
            request, responses.describe_outcome(responses.ResponseOutcome(said, [this.pk]))
        )
    else:
        responses.store_undo(request, responses.ResponseOutcome(said, [this.pk]))
    return redirect(_back(request, this))


def _back(request: HttpRequest, this: Alert) -> str:
    return (
        back_to_inbox(request.POST)
        if request.POST.get("back")
        else reverse("alerts:detail", args=[this.pk])
    )
