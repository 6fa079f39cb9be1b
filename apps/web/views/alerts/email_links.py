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


def _private(response: HttpResponse) -> HttpResponse:
    """Mark the response as not to be cached, nor indexed by search engines."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _bad_link(request: HttpRequest, why: links.InvalidLinkError) -> HttpResponse:
    return _private(
        render_page(
            request,
            "alerts/bad-link.html",
            title="This link does not work",
            status=404,
            sentence=Headline(str(why)),
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
    except links.InvalidLinkError as why:
        return _bad_link(request, why)
    person = delivery.user
    assert person is not None
    done: responses.ResponseOutcome | None = None
    problem = ""
    if request.method == "POST":
        # the history keeps addresses, and this one would let its readers act for the person
        with pghistory.context(url="/alerts/answer/-/"):
            done, problem = _answered(request, delivery, person, at)
    rows = present_alerts(_alerts_of(delivery, person), person, on=day_of(at), most_told=0)
    rows.sort(
        key=lambda row: (row.alert.state != Alert.State.OPEN, -row.alert.severity, row.alert.pk)
    )
    return _private(
        render_page(
            request,
            "alerts/answer-link.html",
            title="Answer alerts",
            status=422 if problem else 200,
            sentence=_sentence(rows, done),
            person=person,
            delivery=delivery,
            rows=rows,
            n_open=sum(row.alert.state == Alert.State.OPEN and row.may_answer for row in rows),
            answers_any=any(row.may_answer for row in rows),
            done=done,
            problem=problem,
            typed=request.POST,
            snoozes=SNOOZES,
            ticked=_selected_alerts(request) if problem else set(),
        )
    )


def _alerts_of(delivery: Delivery, person: User) -> list[Alert]:
    """Those the mail carried and the person may still see."""
    return list(visible_alerts(person).filter(notices__delivery=delivery).distinct())


def _selected_alerts(request: HttpRequest) -> set[int]:
    return {int(pk) for pk in request.POST.getlist("alert") if pk.isdecimal() and len(pk) < 18}


def _sentence(rows: Sequence[AlertRow], done: responses.ResponseOutcome | None) -> Headline:
    if done is not None and done.changed:
        return Headline(responses.describe_outcome(done))
    if not rows:
        return Headline("Nothing of that mail is yours to answer any more.")
    n = sum(row.alert.state == Alert.State.OPEN for row in rows)
    if not n:
        return Headline("Nothing of that mail waits for an answer any more.")
    waits = "waits" if n == 1 else "wait"
    return Headline(f"{count_of(n, 'alert').capitalize()} of that mail {waits} for an answer.")


def _answered(
    request: HttpRequest, delivery: Delivery, person: User, at: datetime
) -> tuple[responses.ResponseOutcome | None, str]:
    """What was done, and what is missing in what was asked."""
    alerts, said = _alerts_of(delivery, person), request.POST
    action, _, days = said.get("action", "").partition(":")
    if action == "acknowledge-all":
        chosen = [
            alert
            for alert in alerts
            if alert.state == Alert.State.OPEN and actions.can_respond(person, alert)
        ]
    else:
        chosen = [alert for alert in alerts if alert.pk in _selected_alerts(request)]
    if not chosen:
        return None, "Select at least one alert."
    match action:
        case "acknowledge" | "acknowledge-all":
            return responses.respond(
                chosen, AlertResponse.ACKNOWLEDGE, said="acknowledged", by=person, at=at
            ), ""
        case "take":
            return responses.respond(
                chosen,
                AlertResponse.ASSIGN,
                said=f"assigned to {person}",
                by=person,
                at=at,
                to=person,
            ), ""
        case "undo":
            return responses.respond(
                chosen, AlertResponse.UNDO, said=responses.UNDO_SENTENCES, by=person, at=at
            ), ""
        case "reopen":
            return responses.respond(
                chosen, AlertResponse.REOPEN, said="reopened", by=person, at=at
            ), ""
        case "resolve":
            resolve = ResolveForm(said)
            if not resolve.is_valid():
                return None, _first_error(resolve)
            why = resolve.cleaned_data["why"]
            return responses.respond(
                chosen, AlertResponse.RESOLVE, said="resolved", by=person, at=at, reason=why
            ), ""
        case "snooze" | "mute":
            snooze = SnoozeForm({"until": said.get("until", ""), "days": days}, on=day_of(at))
            if not snooze.is_valid():
                return None, _first_error(snooze)
            until = snooze.cleaned_data["until"]
            if action == "mute":
                return _muted(chosen, person, at, until)
            words = responses.describe_snooze(until)
            return responses.respond(
                chosen, AlertResponse.SNOOZE, said=words, by=person, at=at, until=until
            ), ""
    return None, "Select a response: acknowledge, snooze or resolve."


def _muted(
    chosen: Sequence[Alert], person: User, at: datetime, until: Any
) -> tuple[responses.ResponseOutcome | None, str]:
    """Mutes are the person's own: to read an alert is enough."""
    done = responses.ResponseOutcome(f"muted until {long_day(until)}")
    for alert in chosen:
        try:
            actions.create_mute(
                by=person,
                until=until,
                at=at,
                reason="by the link in an email",
                subject=alert.subject,
            )
        except actions.InvalidResponseError as refused:
            return None, str(refused)
        done.changed.append(alert.pk)
    return done, ""


def _first_error(form: Any) -> str:
    return next(str(error) for errors in form.errors.values() for error in errors)


# --- less mail ------------------------------------------------------------------------------------

# what can be chosen instead: (word, cadence, urgent at once?, label, what it means)
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
    except links.InvalidLinkError as why:
        return _bad_link(request, why)
    before, said, problem = recipient_schedule(recipient), "", ""
    if request.method == "POST":
        try:
            with pghistory.context(url="/unsubscribe/-/"), transaction.atomic():
                said = _change_mailbox(request, recipient, before, at)
        except InvalidPreferenceError as refusal:
            problem = str(refusal)
        problem = problem if said or problem else "Choose one of these."
    rhythm = recipient_schedule(recipient)
    return _private(
        render_page(
            request,
            "alerts/unsubscribe.html",
            title="How much mail",
            status=422 if request.method == "POST" and not said else 200,
            sentence=Headline(said or f"{_address(recipient)} {_describe_frequency(rhythm)}"),
            problem=problem,
            recipient=recipient,
            is_mailbox=isinstance(recipient, Team),
            address=recipient.email,
            gets=_describe_frequency(rhythm),
            stopped=rhythm.cadence == Cadence.NEVER,
            was=before if before.cadence != Cadence.NEVER else rhythm,
            choices=[
                (word, label, what)
                for word, cadence, immediate, label, what in CHOICES
                if (cadence, immediate) != (rhythm.cadence, rhythm.immediate)
                and not (cadence == Cadence.NEVER == rhythm.cadence)
            ],
        )
    )


def _change_mailbox(
    request: HttpRequest, recipient: User | Team, before: DigestSchedule, at: datetime
) -> str:
    """What was done, in a sentence; a team's owners are informed. Raises InvalidPreferenceError."""
    if not isinstance(recipient, Team):
        return _changed(request, recipient, before)
    check_change_limit(recipient, at=at)
    sentence = _changed(request, recipient, before)
    if sentence and recipient_schedule(recipient) != before:
        notify_owners(recipient, sentence=sentence, at=at)
    return sentence


def _changed(request: HttpRequest, recipient: User | Team, before: DigestSchedule) -> str:
    """What was done, in a sentence; empty where nothing that exists was asked for."""
    if request.POST.get("List-Unsubscribe") == "One-Click" or request.POST.get("choice") == "never":
        stop_mail(recipient)
        return f"No mail goes to {_address(recipient)} any more."
    for word, cadence, immediate, _, _ in CHOICES:
        if request.POST.get("choice") == word:
            rhythm = change_frequency(recipient, cadence=cadence, immediate=immediate)
            return f"{_address(recipient)} {_describe_frequency(rhythm)}"
    if request.POST.get("choice") == "again":
        wanted = request.POST.get("cadence", "")
        rhythm = change_frequency(
            recipient,
            cadence=wanted
            if wanted in set(Cadence.values) - {Cadence.NEVER.value}
            else Cadence.DAILY.value,
            immediate=before.immediate,
            heartbeat=True if request.POST.get("heartbeat") == "on" else None,
        )
        return f"Mail goes there again: {_address(recipient)} {_describe_frequency(rhythm)}"
    return ""


def _address(recipient: User | Team) -> str:
    return recipient.email or str(recipient)


def _describe_frequency(rhythm: DigestSchedule) -> str:
    """The predicate of an address, with its stop."""
    match rhythm.cadence:
        case Cadence.NEVER:
            return "gets no mail."
        case Cadence.AT_ONCE:
            return "gets a mail each time something happens."
        case Cadence.URGENT:
            return "gets mail only of what is urgent."
    return f"gets a digest {describe_schedule(rhythm)}."
