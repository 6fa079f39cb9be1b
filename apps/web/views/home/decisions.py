"""The most urgent causes on Home: consequence, owner, last notification and two acts of each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from django.urls import reverse

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.issues.models import CauseKind, Issue, IssueQuerySet, Urgency
from apps.issues.owners import person_label, possible_owners
from apps.issues.responses import can_accept, can_respond, state_owner
from apps.issues.urgent_causes import UrgentCause, urgent_causes
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues, record_link
from apps.web.wording import number

N_CAUSES = 5
N_ACTS = 2
# issues that one assignment on Home covers; the others are assigned on the page of issues
MAX_ASSIGNED = 100
_MODEL_KINDS = (CauseKind.RETIREMENT, CauseKind.FALLBACK_RETIRES, CauseKind.APPROVAL_VIOLATION)


@dataclass(frozen=True, slots=True)
class Act:
    """Act on a cause: a link, or a form that posts to `url` and returns to Home. `form` is empty
    for a link, `assign`, `accept` or `plain`."""

    label: str
    url: str
    form: str = ""
    issue_ids: tuple[int, ...] = ()
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One cause. `lateness` says by how many days the migration no longer fits; `notified_at` is
    the last notification of its most pressing issue."""

    row: IssueRow
    heading: str
    consequence: str
    lateness: str
    n_more: int
    n_unassigned: int
    notified_at: datetime | None
    response: str
    acts: tuple[Act, ...]

    @property
    def issue(self) -> Issue:
        return self.row.issue

    @property
    def is_now(self) -> bool:
        return self.row.urgency == Urgency.NOW


@dataclass(frozen=True, slots=True)
class Decisions:
    """`owners` are the persons whom the acts can assign, as (ID, name)."""

    rows: list[DecisionRow]
    owners: list[tuple[int, str]]


def decisions_today(
    issues: IssueQuerySet, *, user: User, today: date, limit: int = N_CAUSES
) -> Decisions:
    """Return the most urgent causes of the issues; a few statements for any number of issues."""
    causes = urgent_causes(issues, today=today, limit=limit, relations=RELATIONS)
    presented = present_issues([cause.lead for cause in causes], today=today)
    unassigned = _load_unassigned(issues, causes) if causes else {}
    rows = [
        _build_row(cause, row, unassigned, user, today)
        for cause, row in zip(causes, presented, strict=True)
    ]
    needs_owner = [row.issue for row in rows if any(act.form == "assign" for act in row.acts)]
    owners = possible_owners(*needs_owner)[:200] if needs_owner else ()
    return Decisions(rows, [(person.pk, person_label(person)) for person in owners])


def _load_unassigned(
    issues: IssueQuerySet, causes: Sequence[UrgentCause]
) -> dict[int, tuple[int, ...]]:
    """Return {cause: IDs of its unassigned issues, most critical first}, at most MAX_ASSIGNED."""
    ids = [cause.lead.cause_id for cause in causes if cause.n_unassigned]
    if not ids:
        return {}
    rows = (
        issues.filter(cause__in=ids, owner=None)
        .order_by("criticality", "pk")
        .values_list("cause", "pk")[: MAX_ASSIGNED * len(ids)]
    )
    by_cause: dict[int, list[int]] = defaultdict(list)
    for cause, pk in rows:
        if len(by_cause[cause]) < MAX_ASSIGNED:
            by_cause[cause].append(pk)
    return {cause: tuple(pks) for cause, pks in by_cause.items()}


def _build_row(
    cause: UrgentCause,
    row: IssueRow,
    unassigned: dict[int, tuple[int, ...]],
    user: User,
    today: date,
) -> DecisionRow:
    issue = cause.lead
    lateness = migration_lateness(issue, today)
    application = issue.application
    if application is not None:
        heading = application.name
        # the number of days says more than the advice
        consequence = f"{row.title}." if lateness else f"{row.title}. {row.advice}"
    else:
        heading, consequence = row.title, row.advice
    return DecisionRow(
        row=row,
        heading=heading,
        consequence=consequence,
        lateness=lateness,
        n_more=cause.n_issues - 1 if application is not None else 0,
        n_unassigned=cause.n_unassigned,
        notified_at=row.notified_at,
        response=_describe_response(issue, row.notified_at),
        acts=_acts(issue, row, unassigned.get(issue.cause_id, ()), user)[:N_ACTS],
    )


def migration_lateness(issue: Issue, today: date) -> str:
    """Say by how many days the migration no longer fits before the retirement; empty if it does,
    or if its effort is unknown."""
    effort = issue.details.get("effort_days") if issue.cause.kind == CauseKind.RETIREMENT else None
    if effort is None or issue.due_on is None or issue.is_earliest or issue.due_on <= today:
        return ""
    if issue.state == Issue.State.IN_PROGRESS:
        return ""
    days = ceil(float(effort)) - (issue.due_on - today).days
    if days <= 0:
        return ""
    return pluralize(days, "1 day too late", f"{number(days)} days too late")


def _describe_response(issue: Issue, notified_at: datetime | None) -> str:
    if issue.state != Issue.State.OPEN:
        return f"{issue.get_state_display()}."
    return "No response." if notified_at is not None else ""


def _acts(issue: Issue, row: IssueRow, unassigned: tuple[int, ...], user: User) -> tuple[Act, ...]:
    """Return the acts in the order in which they help; Home shows the first ones."""
    page = reverse("issues:detail", args=[issue.pk])
    record = record_link(issue, row.subject, user)
    record_act = Act(record.label, record.url) if record is not None else Act("View issue", page)
    if not can_respond(user, issue):
        return (Act("View issue", page), record_act) if record else (record_act,)
    acts: list[Act] = []
    if unassigned:
        label = "Assign owner" if len(unassigned) == 1 else f"Assign {len(unassigned)} issues"
        acts.append(Act(label, reverse("issues:bulk-respond"), "assign", unassigned))
    kind = issue.cause.kind
    if kind == CauseKind.EXPOSURE_FLAG and user.is_governance:
        decide = reverse("exposure-flags:decide", args=[row.subject.pk, "accept"])
        return (
            *acts[:1],
            Act("Accept until a date", decide, "accept", prefix="accept-"),
            record_act,
        )
    if kind in _MODEL_KINDS:
        acts += _model_acts(issue, user)
    if not state_owner(issue) and kind in _MODEL_KINDS and can_accept(user, issue):
        url = reverse("issues:respond", args=[issue.pk, "accept"])
        acts.append(Act("Accept until a date", url, "accept"))
    if issue.state == Issue.State.OPEN:
        acknowledge = reverse("issues:respond", args=[issue.pk, "acknowledge"])
        acts.append(Act("Acknowledge", acknowledge, "plain"))
    return (*acts, record_act)


def _model_acts(issue: Issue, user: User) -> list[Act]:
    """Return the acts on a model that must be left: its migration, or a successor."""
    acts = []
    dependencies = [
        value for value in issue.details.get("dependencies") or [] if isinstance(value, dict)
    ]
    if issue.task_id is not None:
        acts.append(Act("View task", reverse("campaign-tasks:detail", args=[issue.task_id])))
    elif issue.cause.kind == CauseKind.RETIREMENT and user.is_governance and dependencies:
        opening = f"{reverse('campaigns:create')}?offering={dependencies[0]['offering']}"
        acts.append(Act("Open migration", opening))
    if dependencies:
        successor = reverse("dependencies:successor", args=[dependencies[0]["dependency"]])
        acts.append(Act("Find a successor", successor))
    return acts
