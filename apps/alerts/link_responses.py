"""Responses by the signed link in an email: what a person who has not signed in can see of the
alerts and issues of that email, and do about them.

A contact sees alerts whose applications it owns, and of other alerts the issues that concern it.
A response applies to the alert and to the issues of which it notifies.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from apps.accounts.models import User
from apps.alerts.lifecycle.responses import (
    InvalidResponseError,
    acknowledge_alert,
    assign_alert,
    can_respond,
    comment_on_alert,
    snooze_alert,
)
from apps.alerts.lifecycle.undo import undo_response as undo_alert_response
from apps.alerts.models import Alert, AlertIssue, Delivery, Notice
from apps.alerts.queries import visible_alerts
from apps.common.errors import DomainError
from apps.issues.models import Activity, Issue
from apps.issues.owners import issues_concerning
from apps.issues.responses import (
    accept_assignment,
    acknowledge_issue,
    assign_issue,
    comment_on_issue,
    snooze_issue,
)
from apps.issues.responses import can_respond as can_respond_to_issue
from apps.issues.undo import undo_response as undo_issue_response


class LinkResponse(models.TextChoices):
    """A response that the link permits. Undo is limited to the responses before it."""

    ACKNOWLEDGE = "acknowledge", "Acknowledge"
    SNOOZE = "snooze", "Snooze"
    COMMENT = "comment", "Comment"
    TAKE = "take", "Assign to me"
    ACCEPT = "accept", "Accept assignment"
    UNDO = "undo", "Undo"


@dataclass(frozen=True, slots=True)
class LinkItem:
    """One alert of an email with its issues; without `alert`, an issue whose alert also concerns
    applications of others. `can_respond` is about the alert, or the issue alone."""

    alert: Alert | None
    issues: tuple[Issue, ...]
    can_respond: bool

    def is_assigned_to(self, person: User) -> bool:
        return (self.alert is not None and self.alert.assigned_to_id == person.pk) or any(
            issue.owner_id == person.pk for issue in self.issues
        )


@dataclass(slots=True)
class LinkOutcome:
    """Records that a response changed, and the reasons of those that rejected it."""

    alert_ids: list[int] = field(default_factory=list)
    issue_ids: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def link_items(delivery: Delivery, person: User) -> list[LinkItem]:
    """Return what the person can still see of this email; a few statements."""
    # by their IDs: a join to the notifications as well takes a second to plan
    notified = set(Notice.objects.filter(delivery=delivery).values_list("alert", flat=True))
    alerts = list(visible_alerts(person).filter(pk__in=notified))
    pairs = AlertIssue.objects.filter(alert__notices__delivery=delivery).values_list(
        "alert_id", "issue_id"
    )
    issue_ids: dict[int, set[int]] = defaultdict(set)
    for alert_id, issue_id in pairs.distinct():
        issue_ids[alert_id].add(issue_id)
    issues = (
        issues_concerning(person)
        .filter(pk__in={pk for pks in issue_ids.values() for pk in pks})
        .select_related("cause", "application", "team")
        .in_bulk()
    )
    items = [
        LinkItem(alert, _sorted(issue_ids[alert.pk], issues), can_respond(person, alert))
        for alert in alerts
    ]
    covered = {issue.pk for item in items for issue in item.issues}
    return items + [
        LinkItem(None, (issue,), can_respond_to_issue(person, issue))
        for issue in _sorted(issues.keys() - covered, issues)
    ]


def _sorted(ids: Iterable[int], issues: Mapping[int, Issue]) -> tuple[Issue, ...]:
    return tuple(
        sorted(
            (issues[pk] for pk in ids if pk in issues), key=lambda issue: (issue.act_by, issue.pk)
        )
    )


def respond_by_link(
    items: Collection[LinkItem],
    response: LinkResponse,
    *,
    by: User,
    at: datetime,
    until: date | None = None,
    text: str = "",
    undone_issues: Collection[int] = (),
) -> LinkOutcome:
    """Apply the response to these items. A refusal of one record does not affect the others.

    `until` is for SNOOZE, `text` for COMMENT; UNDO concerns alerts of the items and, of their
    issues, `undone_issues`.
    """
    alerts = sorted((item.alert for item in items if item.alert is not None), key=_key)
    issues = sorted({issue.pk: issue for item in items for issue in item.issues}.values(), key=_key)
    if response == LinkResponse.UNDO:
        issues = [issue for issue in issues if issue.pk in undone_issues]
    elif response == LinkResponse.COMMENT:
        alerts = [item.alert for item in items if item.alert is not None and not item.issues]
    else:
        issues = [issue for issue in issues if issue.state != Issue.State.RESOLVED]
    if response == LinkResponse.ACCEPT:
        alerts, issues = _assigned(items, by)
        if not alerts and not issues:
            return LinkOutcome(
                refusals=["None of these is assigned to you. Assign them to yourself instead."]
            )
    outcome = LinkOutcome()

    def respond_to_alerts() -> None:
        for alert in alerts:
            _apply(
                outcome.alert_ids,
                outcome.refusals,
                alert,
                partial(_respond_to_alert, alert, response, by, at, until, text),
                _alert_state,
            )

    def respond_to_issues() -> None:
        for issue in issues:
            _apply(
                outcome.issue_ids,
                outcome.refusals,
                issue,
                partial(_respond_to_issue, issue, response, by, at, until, text),
                _issue_state,
            )

    # a response to an alert also moves its issues, in whose activity an acceptance must stand
    steps = [respond_to_alerts, respond_to_issues]
    for respond in reversed(steps) if response == LinkResponse.ACCEPT else steps:
        respond()
    outcome.refusals = list(dict.fromkeys(outcome.refusals))
    return outcome


def _key(record: Alert | Issue) -> int:
    """Records are locked in the order of their IDs, so that two requests do not deadlock."""
    return record.pk


def _assigned(items: Iterable[LinkItem], person: User) -> tuple[list[Alert], list[Issue]]:
    """Return what is assigned to the person: alerts, and issues that the person owns or that such
    an alert is about."""
    alerts: dict[int, Alert] = {}
    issues: dict[int, Issue] = {}
    for item in items:
        is_assigned = item.alert is not None and item.alert.assigned_to_id == person.pk
        unresolved = [issue for issue in item.issues if issue.state != Issue.State.RESOLVED]
        owned = [issue for issue in unresolved if is_assigned or issue.owner_id == person.pk]
        issues |= {issue.pk: issue for issue in owned}
        if item.alert is not None and (is_assigned or owned):
            alerts[item.alert.pk] = item.alert
    return sorted(alerts.values(), key=_key), sorted(issues.values(), key=_key)


def _apply[Record: (Alert, Issue)](
    changed: list[int],
    refusals: list[str],
    record: Record,
    act: Callable[[], Record],
    state_of: Callable[[Record], object],
) -> None:
    """Apply one response in a transaction of its own, and note its outcome."""
    before = state_of(record)
    try:
        with transaction.atomic():
            after = act()
    except (DomainError, PermissionDenied) as error:
        refusals.append(str(error))
    else:
        if state_of(after) != before:
            changed.append(record.pk)


def _alert_state(alert: Alert) -> Sequence[object]:
    return (
        alert.state,
        alert.snoozed_until,
        alert.assigned_to_id,
        alert.details.get("n_comments"),
    )


def _issue_state(issue: Issue) -> object:
    """Return what differs after any response."""
    return issue.updated_at


def _respond_to_alert(
    alert: Alert,
    response: LinkResponse,
    by: User,
    at: datetime,
    until: date | None,
    text: str,
) -> Alert:
    match response:
        case LinkResponse.ACKNOWLEDGE:
            return acknowledge_alert(alert=alert, by=by, at=at)
        case LinkResponse.SNOOZE if until is not None:
            return snooze_alert(alert=alert, until=until, by=by, at=at)
        case LinkResponse.TAKE:
            return assign_alert(alert=alert, to=by, by=by, at=at)
        case LinkResponse.ACCEPT:
            assign_alert(alert=alert, to=by, by=by, at=at)
            return acknowledge_alert(alert=alert, by=by, at=at)
        case LinkResponse.COMMENT:
            return comment_on_alert(alert=alert, text=text, by=by)
        case LinkResponse.UNDO:
            return undo_alert_response(alert=alert, by=by, at=at, by_link=True)
    raise InvalidResponseError("Enter the date until which the alerts are snoozed.")


def _respond_to_issue(
    issue: Issue,
    response: LinkResponse,
    by: User,
    at: datetime,
    until: date | None,
    text: str,
) -> Issue:
    match response:
        case LinkResponse.ACKNOWLEDGE:
            return acknowledge_issue(issue=issue, by=by, at=at)
        case LinkResponse.SNOOZE if until is not None:
            return snooze_issue(issue=issue, until=until, by=by, at=at)
        case LinkResponse.TAKE:
            return assign_issue(issue=issue, to=by, by=by, at=at)
        case LinkResponse.ACCEPT:
            if issue.owner_id != by.pk:
                assign_issue(issue=issue, to=by, by=by, at=at)
            return accept_assignment(issue=issue, by=by, at=at)
        case LinkResponse.COMMENT:
            comment_on_issue(issue=issue, text=text, by=by, at=at)
            # the issue itself has not changed, but its activity has
            issue.updated_at = at
            return issue
        case LinkResponse.UNDO if _is_undone(issue, at):
            issue.refresh_from_db()
            return issue
        case LinkResponse.UNDO:
            return undo_issue_response(issue=issue, by=by, at=at, by_link=True)
    raise InvalidResponseError("Enter the date until which the issues are snoozed.")


def _is_undone(issue: Issue, at: datetime) -> bool:
    """Return whether this request has undone the response together with that to the alert."""
    last = issue.activity.filter(details__has_key="before").order_by("-at", "-pk").first()
    return last is not None and (last.kind, last.at) == (Activity.Kind.UNDONE, at)


def own_comments(issues: Iterable[Issue], person: User) -> dict[int, list[Activity]]:
    """Return {issue: comments of this person}, latest first; one statement."""
    comments: dict[int, list[Activity]] = defaultdict(list)
    rows = Activity.objects.filter(
        issue__in=[issue.pk for issue in issues], kind=Activity.Kind.COMMENT, user=person
    )
    for row in rows.order_by("-at", "-pk"):
        comments[row.issue_id].append(row)
    return comments
