"""Signed links in emails, which work without signing in: responses to the alerts of one email, and
unsubscribing.

The URL is the permission. It acts for the person who received the email, through the same actions
and with the permissions that this person has at that moment. A GET changes nothing: mail programs
open links to check them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pghistory
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Team, User
from apps.alerts.delivery import links
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.lifecycle.responses import MAX_COMMENT_LENGTH
from apps.alerts.link_responses import (
    LinkItem,
    LinkOutcome,
    LinkResponse,
    link_items,
    own_comments,
)
from apps.alerts.link_responses import respond_by_link as apply_link_response
from apps.alerts.models import Alert, Cadence, Delivery
from apps.alerts.preferences import InvalidPreferenceError, stop_mail
from apps.alerts.unsubscribe_links import (
    change_frequency,
    check_change_limit,
    notify_owners,
    recipient_schedule,
)
from apps.common.requests.rate_limits import exceeds_rate
from apps.common.time import day_of, now
from apps.issues.consequences import issue_consequences
from apps.issues.models import Activity, Issue
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.forms import SnoozeForm
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, describe_schedule, present_alerts
from apps.web.views.alerts.responses import describe_snooze
from apps.web.views.issues.presenters import IssueRow, present_issues
from apps.web.wording import count_of, long_day

# a person who reads and responds needs far fewer
MAX_REQUESTS_A_MINUTE = 60
MAX_RESPONSES_AN_HOUR = 100
MAX_SHOWN_ISSUES = 8


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
            can_sign_in=error.can_sign_in,
        )
    )


# --- answers --------------------------------------------------------------------------------------


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def respond_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the alerts of one email and their issues; POST responds to the selected ones, as the
    person who received it."""
    at = now()
    try:
        delivery, person = links.delivery_of_answer_token(token, at=at)
    except links.InvalidLinkError as error:
        return _render_bad_link(request, error)
    if _is_throttled(request, delivery):
        return _render_throttled(request)
    result = _LinkResult()
    if request.method == "POST":
        # the history stores URLs, and with this one its readers could act for the person
        with pghistory.context(url="/alerts/answer/-/"):
            result = _respond_to_selected(request, delivery, person, at)
    rows = _link_rows(link_items(delivery, person), person, on=day_of(at))
    selected = _selected_ids(request) if result.problem else set()
    return _make_private(
        render_page(
            request,
            "alerts/answer-link.html",
            title="Response to alerts",
            status=422 if result.is_refused else 200,
            sentence=_build_headline(rows, result),
            person=person,
            delivery=delivery,
            rows=rows,
            n_open=sum(row.is_open and row.can_respond for row in rows),
            answers_any=any(row.can_respond for row in rows),
            can_accept=any(row.is_assigned and row.can_respond for row in rows),
            result=result,
            typed=request.POST,
            snoozes=SNOOZES,
            ticked=selected,
            is_contact=person.is_contact,
        )
    )


def _is_throttled(request: HttpRequest, delivery: Delivery) -> bool:
    """Count the request; return whether there were too many with the link of this email."""
    is_too_fast = exceeds_rate(f"link:{delivery.pk}", limit=MAX_REQUESTS_A_MINUTE, seconds=60)
    return is_too_fast or (
        request.method == "POST"
        and exceeds_rate(f"link-post:{delivery.pk}", limit=MAX_RESPONSES_AN_HOUR, seconds=3600)
    )


def _render_throttled(request: HttpRequest) -> HttpResponse:
    response = _make_private(
        render_page(
            request,
            "alerts/bad-link.html",
            title="Too many requests",
            status=429,
            sentence=Headline(
                "This link was used too often. Nothing was changed. Try again in an hour."
            ),
            can_sign_in=True,
        )
    )
    response["Retry-After"] = "3600"
    return response


@dataclass(frozen=True, slots=True)
class LinkIssue:
    """An issue as the page shows it: its sentence, dates, consequences, and the comments of the
    person."""

    row: IssueRow
    consequences: tuple[str, ...]
    comments: Sequence[Activity]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One alert of the email with its issues, or an issue alone (`alert_row` is None)."""

    alert_row: AlertRow | None
    issues: tuple[LinkIssue, ...]
    n_more_issues: int
    can_respond: bool
    is_assigned: bool
    standing: str

    @property
    def is_open(self) -> bool:
        if self.alert_row is not None:
            return self.alert_row.alert.state == Alert.State.OPEN
        return self.issues[0].row.issue.state == Issue.State.OPEN

    @property
    def order(self) -> tuple[bool, int, int]:
        """Return the place in the list: open ones first, then the most severe ones."""
        if self.alert_row is not None:
            alert = self.alert_row.alert
            return not self.is_open, -alert.severity, alert.pk
        row = self.issues[0].row
        return not self.is_open, -row.bars, row.issue.pk


def _link_rows(items: Sequence[LinkItem], person: User, *, on: date) -> list[LinkRow]:
    """Return the rows of the page; a fixed number of statements."""
    alerts = [item.alert for item in items if item.alert is not None]
    alert_rows = {
        row.alert.pk: row for row in present_alerts(alerts, person, on=on, max_recipients=0)
    }
    # an issue of several alerts is shown with the first one
    shown: dict[int, Issue] = {issue.pk: issue for item in items for issue in item.issues}
    issue_rows = {row.issue.pk: row for row in present_issues(shown.values(), today=on)}
    consequences = issue_consequences(shown.values())
    comments = own_comments(shown.values(), person)
    rows = []
    for item in items:
        issues = [
            LinkIssue(issue_rows[issue.pk], consequences[issue.pk], comments.get(issue.pk, ()))
            for issue in item.issues
            if shown.pop(issue.pk, None) is not None
        ]
        rows.append(
            LinkRow(
                alert_rows[item.alert.pk] if item.alert is not None else None,
                tuple(issues[:MAX_SHOWN_ISSUES]),
                len(issues) - len(issues[:MAX_SHOWN_ISSUES]),
                item.can_respond,
                item.is_assigned_to(person),
                _describe_standing(item, person),
            )
        )
    # an issue that another row shows leaves nothing to show
    rows = [row for row in rows if row.alert_row is not None or row.issues]
    return sorted(rows, key=lambda row: row.order)


def _describe_standing(item: LinkItem, person: User) -> str:
    """Return state and owner without the names and words of other persons."""
    alert, issue = item.alert, item.issues[0] if item.issues else None
    if alert is not None:
        state, snoozed_until = alert.get_state_display(), alert.snoozed_until
        is_snoozed = alert.state == Alert.State.SNOOZED
    else:
        assert issue is not None
        state, snoozed_until = issue.get_state_display(), issue.snoozed_until
        is_snoozed = snoozed_until is not None
    words = f"Snoozed until {long_day(snoozed_until)}" if is_snoozed and snoozed_until else state
    if item.is_assigned_to(person):
        return f"{words}, assigned to you."
    is_assigned = alert is not None and alert.assigned_to_id is not None
    return f"{words}, assigned to another person." if is_assigned else f"{words}."


def _selected_ids(request: HttpRequest, name: str = "alert") -> set[int]:
    return {int(pk) for pk in request.POST.getlist(name) if pk.isdecimal() and len(pk) < 18}


def _build_headline(rows: Sequence[LinkRow], result: "_LinkResult") -> Headline:
    if result.sentence:
        return Headline(result.sentence)
    if not rows:
        return Headline("No alert of this email is still routed to you.")
    n_open = sum(row.is_open for row in rows)
    if not n_open:
        return Headline("No alert of this email needs a response.")
    verb = "needs" if n_open == 1 else "need"
    return Headline(f"{count_of(n_open, 'alert').capitalize()} of this email {verb} a response.")


@dataclass(frozen=True, slots=True)
class _LinkResult:
    """What a POST came to: `problem` is why nothing was tried, `sentence` what was changed."""

    outcome: LinkOutcome | None = None
    sentence: str = ""
    problem: str = ""
    can_be_undone: bool = False

    @property
    def is_refused(self) -> bool:
        """Return whether nothing was changed because of an error."""
        refusals = self.outcome.refusals if self.outcome is not None else []
        return bool(self.problem or (refusals and not self.sentence))


_UNKNOWN_RESPONSE = "Select a response: acknowledge, snooze, comment, assign to me or accept."


def _respond_to_selected(
    request: HttpRequest, delivery: Delivery, person: User, at: datetime
) -> _LinkResult:
    """Respond to the selected alerts and issues of the email."""
    items, data = link_items(delivery, person), request.POST
    action, _, days = data.get("action", "").partition(":")
    if action == "acknowledge-all":
        action = LinkResponse.ACKNOWLEDGE
        selected = [item for item in items if item.can_respond and _is_waiting(item)]
    else:
        alert_ids, issue_ids = _selected_ids(request), _selected_ids(request, "issue")
        selected = [
            item
            for item in items
            if (item.alert is not None and item.alert.pk in alert_ids)
            or (item.alert is None and item.issues[0].pk in issue_ids)
        ]
    if action not in LinkResponse.values:
        return _LinkResult(problem=_UNKNOWN_RESPONSE)
    if not selected:
        return _LinkResult(problem="Select at least one alert.")
    response, until, text = LinkResponse(action), None, ""
    if response == LinkResponse.SNOOZE:
        form = SnoozeForm({"until": data.get("until", ""), "days": days}, on=day_of(at))
        if not form.is_valid():
            return _LinkResult(problem=_first_error(form))
        until = form.cleaned_data["until"]
    elif response == LinkResponse.COMMENT:
        text = data.get("text", "").strip()
        if not text:
            return _LinkResult(problem="Enter a comment.")
        if len(text) > MAX_COMMENT_LENGTH:
            return _LinkResult(
                problem=f"Enter a comment of at most {MAX_COMMENT_LENGTH} characters."
            )
    outcome = apply_link_response(
        selected,
        response,
        by=person,
        at=at,
        until=until,
        text=text,
        undone_issues=_selected_ids(request, "undone-issue"),
    )
    n_changed = sum(
        (item.alert is not None and item.alert.pk in outcome.alert_ids)
        or any(issue.pk in outcome.issue_ids for issue in item.issues)
        for item in selected
    )
    sentence = ""
    if n_changed:
        done = _describe_done(response, person, until)
        sentence = f"{count_of(n_changed, 'alert').capitalize()} {done}."
    return _LinkResult(
        outcome,
        sentence,
        can_be_undone=bool(n_changed) and response not in {LinkResponse.UNDO, LinkResponse.COMMENT},
    )


def _is_waiting(item: LinkItem) -> bool:
    if item.alert is not None:
        return item.alert.state == Alert.State.OPEN
    return item.issues[0].state == Issue.State.OPEN


def _describe_done(response: LinkResponse, person: User, until: date | None) -> str:
    """Return what was done as a participle: `acknowledged`."""
    match response:
        case LinkResponse.ACKNOWLEDGE:
            return "acknowledged"
        case LinkResponse.SNOOZE if until is not None:
            return describe_snooze(until)
        case LinkResponse.COMMENT:
            return "commented on"
        case LinkResponse.TAKE:
            return f"assigned to {person}"
        case LinkResponse.ACCEPT:
            return f"accepted by {person}"
    return "restored"


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
        problem = problem if confirmation or problem else "Select one of the options."
    new_schedule = recipient_schedule(recipient)
    return _make_private(
        render_page(
            request,
            "alerts/unsubscribe.html",
            title="Email frequency",
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
        return f"{_address(recipient)} no longer receives emails."
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
        return f"Undone: {_address(recipient)} {_describe_frequency(schedule)}"
    return ""


def _address(recipient: User | Team) -> str:
    return recipient.email or str(recipient)


def _describe_frequency(schedule: DigestSchedule) -> str:
    """Describe the schedule as the predicate of an email address, with a full stop: `receives
    no emails.`"""
    match schedule.cadence:
        case Cadence.NEVER:
            return "receives no emails."
        case Cadence.AT_ONCE:
            return "receives an email after each event."
        case Cadence.URGENT:
            return "receives emails only about urgent alerts."
    return f"receives a digest {describe_schedule(schedule)}."
