"""Signed links in emails, which work without signing in: responses to the alerts of one email, and
unsubscribing.

The URL is the permission. It acts for the person who received the email, through the same actions
and with the permissions that this person has at that moment. A GET changes nothing: mail programs
open links to check them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pghistory
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Team, User
from apps.alerts import actions
from apps.alerts.delivery import links
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import Alert, Cadence, Delivery
from apps.alerts.preferences import InvalidPreferenceError, stop_mail
from apps.alerts.queries import visible_alerts
from apps.alerts.unsubscribe_links import (
    change_frequency,
    check_change_limit,
    notify_owners,
    recipient_schedule,
)
from apps.common.time import day_of, now
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts import responses
from apps.web.views.alerts.forms import ResolveForm, SnoozeForm
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, describe_schedule, present_alerts
from apps.web.wording import count_of, long_day

# what a contact, who cannot sign in, may do by the link
CONTACT_ACTIONS = frozenset({"acknowledge", "acknowledge-all", "snooze", "take", "undo"})


def _make_private(response: HttpResponse) -> HttpResponse:
    """Mark the response as not to be cached, nor indexed by search engines."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _render_bad_link(request: HttpRequest, error: links.InvalidLinkError) -> HttpResponse:
    return _make_private(
        render_page(
            request,
            "alerts/bad-link.html",
            title="This link does not work",
            status=404,
            sentence=Headline(str(error)),
        )
    )


# --- answers --------------------------------------------------------------------------------------


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def respond_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the alerts of one email; POST responds to the selected ones, as the person who received
    it."""
    at = now()
    try:
        delivery = links.delivery_of_answer_token(token, at=at)
    except links.InvalidLinkError as error:
        return _render_bad_link(request, error)
    person = delivery.user
    assert person is not None
    outcome: responses.ResponseOutcome | None = None
    problem = ""
    if request.method == "POST":
        # the history stores URLs, and with this one its readers could act for the person
        with pghistory.context(url="/alerts/answer/-/"):
            outcome, problem = _respond_to_selected(request, delivery, person, at)
    rows = present_alerts(
        _alerts_in_email(delivery, person), person, on=day_of(at), max_recipients=0
    )
    rows.sort(
        key=lambda row: (row.alert.state != Alert.State.OPEN, -row.alert.severity, row.alert.pk)
    )
    return _make_private(
        render_page(
            request,
            "alerts/answer-link.html",
            title="Answer alerts",
            status=422 if problem else 200,
            sentence=_build_headline(rows, outcome),
            person=person,
            delivery=delivery,
            rows=rows,
            n_open=sum(row.alert.state == Alert.State.OPEN and row.may_answer for row in rows),
            answers_any=any(row.may_answer for row in rows),
            done=outcome,
            problem=problem,
            typed=request.POST,
            snoozes=SNOOZES,
            ticked=_selected_ids(request) if problem else set(),
            is_contact=person.is_contact,
        )
    )


def _alerts_in_email(delivery: Delivery, person: User) -> list[Alert]:
    """Return the alerts of the email that the person can still view; for a contact those about
    applications that the contact owns."""
    return list(visible_alerts(person).filter(notices__delivery=delivery).distinct())


def _selected_ids(request: HttpRequest) -> set[int]:
    return {int(pk) for pk in request.POST.getlist("alert") if pk.isdecimal() and len(pk) < 18}


def _build_headline(
    rows: Sequence[AlertRow], outcome: responses.ResponseOutcome | None
) -> Headline:
    if outcome is not None and outcome.changed:
        return Headline(responses.describe_outcome(outcome))
    if not rows:
        return Headline("Nothing of that mail is yours to answer any more.")
    n_open = sum(row.alert.state == Alert.State.OPEN for row in rows)
    if not n_open:
        return Headline("Nothing of that mail waits for an answer any more.")
    verb = "waits" if n_open == 1 else "wait"
    return Headline(f"{count_of(n_open, 'alert').capitalize()} of that mail {verb} for an answer.")


def _respond_to_selected(
    request: HttpRequest, delivery: Delivery, person: User, at: datetime
) -> tuple[responses.ResponseOutcome | None, str]:
    """Respond to the selected alerts and return (outcome, error message); one of the two is
    empty."""
    alerts, data = _alerts_in_email(delivery, person), request.POST
    action, _, days = data.get("action", "").partition(":")
    if action == "acknowledge-all":
        selected_alerts = [
            alert
            for alert in alerts
            if alert.state == Alert.State.OPEN and actions.can_respond(person, alert)
        ]
    else:
        selected_alerts = [alert for alert in alerts if alert.pk in _selected_ids(request)]
    if not selected_alerts:
        return None, "Select at least one alert."
    if person.is_contact and action not in CONTACT_ACTIONS:
        return None, "Without an account you can acknowledge, snooze and take alerts. Choose one."
    match action:
        case "acknowledge" | "acknowledge-all":
            return responses.respond(
                selected_alerts,
                AlertResponse.ACKNOWLEDGE,
                description="acknowledged",
                by=person,
                at=at,
            ), ""
        case "take":
            return responses.respond(
                selected_alerts,
                AlertResponse.ASSIGN,
                description=f"assigned to {person}",
                by=person,
                at=at,
                to=person,
            ), ""
        case "undo":
            return responses.respond(
                selected_alerts,
                AlertResponse.UNDO,
                description=responses.UNDO_SENTENCES,
                by=person,
                at=at,
            ), ""
        case "reopen":
            return responses.respond(
                selected_alerts, AlertResponse.REOPEN, description="reopened", by=person, at=at
            ), ""
        case "resolve":
            resolve_form = ResolveForm(data)
            if not resolve_form.is_valid():
                return None, _first_error(resolve_form)
            reason = resolve_form.cleaned_data["why"]
            return responses.respond(
                selected_alerts,
                AlertResponse.RESOLVE,
                description="resolved",
                by=person,
                at=at,
                reason=reason,
            ), ""
        case "snooze" | "mute":
            snooze_form = SnoozeForm({"until": data.get("until", ""), "days": days}, on=day_of(at))
            if not snooze_form.is_valid():
                return None, _first_error(snooze_form)
            until = snooze_form.cleaned_data["until"]
            if action == "mute":
                return _mute_alerts(selected_alerts, person, at, until)
            description = responses.describe_snooze(until)
            return responses.respond(
                selected_alerts,
                AlertResponse.SNOOZE,
                description=description,
                by=person,
                at=at,
                until=until,
            ), ""
    return None, "Select a response: acknowledge, snooze or resolve."


def _mute_alerts(
    alerts: Sequence[Alert], person: User, at: datetime, until: Any
) -> tuple[responses.ResponseOutcome | None, str]:
    """Mute the alerts for the person; permission to view them is sufficient. Return (outcome, error
    message)."""
    outcome = responses.ResponseOutcome(f"muted until {long_day(until)}")
    for alert in alerts:
        try:
            actions.create_mute(
                by=person,
                until=until,
                at=at,
                reason="by the link in an email",
                subject=alert.subject,
            )
        except actions.InvalidResponseError as error:
            return None, str(error)
        outcome.changed.append(alert.pk)
    return outcome, ""


def _first_error(form: Any) -> str:
    return next(str(error) for errors in form.errors.values() for error in errors)


# --- less mail ------------------------------------------------------------------------------------

# choices of the page: (form value, cadence, are urgent alerts sent immediately, label, effect)
CHOICES = (
    (
        "never",
        Cadence.NEVER,
        True,
        "Off",
        "Alerts are still shown in the registry. The delivery log says that no email was wanted.",
    ),
    (
        "urgent",
        Cadence.URGENT,
        True,
        "Urgent only",
        "All other alerts are shown in the registry only, and the delivery log says why.",
    ),
    ("weekly", Cadence.WEEKLY, True, "Weekly", "Urgent alerts are still sent immediately."),
    (
        "weekly-only",
        Cadence.WEEKLY,
        False,
        "Weekly, including urgent alerts",
        "Urgent alerts also wait for that day.",
    ),
    (
        "daily-only",
        Cadence.DAILY,
        False,
        "Daily, including urgent alerts",
        "Urgent alerts also wait for the daily digest.",
    ),
    (
        "daily",
        Cadence.DAILY,
        True,
        "Daily, urgent alerts immediately",
        "The default setting.",
    ),
)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Change how much email an address gets.

    A mail program's one-click request (RFC 8058) has neither cookie nor form token; the signature
    in the URL is the permission for that and for the choices on the page."""
    try:
        recipient = links.recipient_of_unsubscribe_token(token, at=(at := now()))
    except links.InvalidLinkError as error:
        return _render_bad_link(request, error)
    old_schedule, confirmation, problem = recipient_schedule(recipient), "", ""
    if request.method == "POST":
        try:
            with pghistory.context(url="/unsubscribe/-/"), transaction.atomic():
                confirmation = _change_mailbox(request, recipient, old_schedule, at)
        except InvalidPreferenceError as refusal:
            problem = str(refusal)
        problem = problem if confirmation or problem else "Choose one of these."
    new_schedule = recipient_schedule(recipient)
    return _make_private(
        render_page(
            request,
            "alerts/unsubscribe.html",
            title="How much mail",
            status=422 if request.method == "POST" and not confirmation else 200,
            sentence=Headline(
                confirmation or f"{_address(recipient)} {_describe_frequency(new_schedule)}"
            ),
            problem=problem,
            recipient=recipient,
            is_mailbox=isinstance(recipient, Team),
            address=recipient.email,
            gets=_describe_frequency(new_schedule),
            stopped=new_schedule.cadence == Cadence.NEVER,
            was=old_schedule if old_schedule.cadence != Cadence.NEVER else new_schedule,
            choices=[
                (choice, label, explanation)
                for choice, cadence, immediate, label, explanation in CHOICES
                if (cadence, immediate) != (new_schedule.cadence, new_schedule.immediate)
                and not (cadence == Cadence.NEVER == new_schedule.cadence)
            ],
        )
    )


def _change_mailbox(
    request: HttpRequest, recipient: User | Team, old_schedule: DigestSchedule, at: datetime
) -> str:
    """Change the frequency and return the confirmation. A team's owners are notified. Raises
    InvalidPreferenceError."""
    if not isinstance(recipient, Team):
        return _apply_choice(request, recipient, old_schedule)
    check_change_limit(recipient, at=at)
    sentence = _apply_choice(request, recipient, old_schedule)
    if sentence and recipient_schedule(recipient) != old_schedule:
        notify_owners(recipient, sentence=sentence, at=at)
    return sentence


def _apply_choice(
    request: HttpRequest, recipient: User | Team, old_schedule: DigestSchedule
) -> str:
    """Apply the choice of the form and return the confirmation; empty if the choice does not
    exist."""
    if request.POST.get("List-Unsubscribe") == "One-Click" or request.POST.get("choice") == "never":
        stop_mail(recipient)
        return f"No mail goes to {_address(recipient)} any more."
    for choice, cadence, immediate, _, _ in CHOICES:
        if request.POST.get("choice") == choice:
            schedule = change_frequency(recipient, cadence=cadence, immediate=immediate)
            return f"{_address(recipient)} {_describe_frequency(schedule)}"
    if request.POST.get("choice") == "again":
        requested_cadence = request.POST.get("cadence", "")
        schedule = change_frequency(
            recipient,
            cadence=requested_cadence
            if requested_cadence in set(Cadence.values) - {Cadence.NEVER.value}
            else Cadence.DAILY.value,
            immediate=old_schedule.immediate,
            heartbeat=True if request.POST.get("heartbeat") == "on" else None,
        )
        return f"Mail goes there again: {_address(recipient)} {_describe_frequency(schedule)}"
    return ""


def _address(recipient: User | Team) -> str:
    return recipient.email or str(recipient)


def _describe_frequency(schedule: DigestSchedule) -> str:
    """Describe the schedule as the predicate of an email address, with a full stop: `gets no
    mail.`"""
    match schedule.cadence:
        case Cadence.NEVER:
            return "gets no mail."
        case Cadence.AT_ONCE:
            return "gets a mail each time something happens."
        case Cadence.URGENT:
            return "gets mail only of what is urgent."
    return f"gets a digest {describe_schedule(schedule)}."
