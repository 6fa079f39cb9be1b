"""Retirements on Home: what is already retired and still used, and the next 180 days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import DateKind
from apps.exposure.queries.portfolio import RetiringModel, retiring_models
from apps.inventory.models import Dependency
from apps.issues.models import CauseKind, Issue
from apps.web.drawings.timelines.horizon import HorizonMonth, horizon_length, horizon_months

HORIZON_DAYS = 180
URGENT_DAYS = 30
MAX_PAST = 5
MAX_NEXT = 10
_STARTED = (Issue.State.IN_PROGRESS,)


@dataclass(frozen=True, slots=True)
class WorkState:
    """State of the work on one retirement: `n_unassigned` of its issues have no owner; `css` is
    the class of its mark."""

    label: str
    css: str
    n_unassigned: int


@dataclass(frozen=True, slots=True)
class RetirementRow:
    """One model on one host; the date of a retired one can be unknown. `length` is the percentage
    of the horizon until its date. `users` names the applications of a retired model, `owner` who
    must act for the first one; empty: unassigned. `is_earliest_passed`: it can retire on any day
    from now on."""

    name: str
    host: str
    url: str
    retires_on: date | None
    is_earliest: bool
    is_earliest_passed: bool
    is_urgent: bool
    length: float
    n: int
    n_critical: int
    work: WorkState | None
    users: str = ""
    owner: str = ""
    retires_month: str = ""


@dataclass(frozen=True, slots=True)
class RetiredModelUser:
    """The most critical application that uses a retired model, and who must act."""

    application: str
    owner: str


@dataclass(frozen=True, slots=True)
class HomeRetirements:
    past: list[RetirementRow]
    upcoming: list[RetirementRow]
    months: list[HorizonMonth]
    last_day: date
    past_is_cut: bool
    upcoming_is_cut: bool


def home_retirements(*, user: User, today: date) -> HomeRetirements:
    """Return both lists; six statements."""
    past, upcoming = retiring_models(
        user=user, on=today, within=HORIZON_DAYS, max_past=MAX_PAST, max_next=MAX_NEXT
    )
    shown = [*past[:MAX_PAST], *upcoming[:MAX_NEXT]]
    states = _load_states(shown, user)
    users = _load_users(past[:MAX_PAST], user, today)
    rows = [
        _build_row(model, today, states.get(model.offering.pk), users.get(model.offering.pk))
        for model in shown
    ]
    n_past = min(len(past), MAX_PAST)
    return HomeRetirements(
        # the oldest first: they were cut to the latest ones
        past=rows[:n_past][::-1],
        upcoming=rows[n_past:],
        months=horizon_months(today=today, days=HORIZON_DAYS),
        last_day=today + timedelta(days=HORIZON_DAYS),
        past_is_cut=len(past) > MAX_PAST,
        upcoming_is_cut=len(upcoming) > MAX_NEXT,
    )


def _build_row(
    model: RetiringModel, today: date, work: WorkState | None, first: RetiredModelUser | None
) -> RetirementRow:
    offering = model.offering
    retires_on = offering.retires_on
    is_earliest = offering.date_kind == DateKind.NOT_BEFORE
    users = first.application if first is not None else ""
    if users and model.n > 1:
        users = f"{users} and {model.n - 1} more"
    return RetirementRow(
        name=model.name,
        host=offering.host.name,
        url=reverse("offerings:detail", args=[offering.pk]),
        retires_on=retires_on,
        is_earliest=is_earliest,
        is_earliest_passed=is_earliest and retires_on is not None and retires_on <= today,
        is_urgent=not is_earliest
        and retires_on is not None
        and (retires_on - today).days <= URGENT_DAYS,
        length=horizon_length(retires_on or today, today=today, days=HORIZON_DAYS),
        n=model.n,
        n_critical=model.n_critical,
        work=work,
        users=users,
        owner=first.owner if first is not None else "",
        retires_month=offering.retires_month,
    )


def _issues_of(ids: Collection[int], user: User) -> "QuerySet[Issue, Any]":
    """Select the unresolved issues of retirements of these offerings, with `offering`."""
    offerings = "cause__cause_offerings__offering"
    return (
        Issue.objects.visible_to(user)
        .unresolved()
        .filter(
            # all model IDs of a version are one cause: an issue counts for the one whose date it
            # has
            Q(due_on=F(f"{offerings}__retires_on"))
            | Q(**{"due_on": None, f"{offerings}__retires_on": None}),
            **{f"{offerings}__in": ids},
            cause__kind=CauseKind.RETIREMENT,
        )
        .annotate(offering=F(offerings))
    )


def _load_states(models: Sequence[RetiringModel], user: User) -> dict[int, WorkState]:
    """Return {offering that stands for its model: state of the work}; one statement."""
    ids = [pk for model in models for pk in model.offering_ids]
    issues: Any = _issues_of(ids, user)
    rows = (
        issues.order_by()
        .values("offering")
        .annotate(
            n=Count("pk", distinct=True),
            n_unassigned=Count("pk", distinct=True, filter=Q(owner=None)),
            n_planned=Count("pk", distinct=True, filter=Q(task__isnull=False)),
            n_started=Count("pk", distinct=True, filter=Q(state__in=_STARTED)),
        )
    )
    totals = {row["offering"]: row for row in rows}
    states = {}
    for model in models:
        # model IDs of one version have the same issues
        largest = max(
            (totals[pk] for pk in model.offering_ids if pk in totals),
            key=lambda counts: counts["n"],
            default=None,
        )
        if largest is not None:
            states[model.offering.pk] = _describe_state(largest)
    return states


def _describe_state(counts: Mapping[str, int]) -> WorkState:
    n_unassigned = counts["n_unassigned"]
    if counts["n_started"]:
        return WorkState("In progress", "most", n_unassigned)
    if counts["n_planned"]:
        return WorkState("Planned", "part", n_unassigned)
    return WorkState("No plan", "", n_unassigned)


def _load_users(
    models: Sequence[RetiringModel], user: User, today: date
) -> dict[int, RetiredModelUser]:
    """Return {offering that stands for its model: its most critical application}; two
    statements."""
    standing_for = {pk: model.offering.pk for model in models for pk in model.offering_ids}
    if not standing_for:
        return {}
    dependencies = list(
        Dependency.objects.visible_to(user)
        .live_on(today)
        .filter(offering__in=list(standing_for))
        .select_related("application__business_owner_person", "application__technical_owner_person")
        .order_by("offering_id", "application__criticality", "application__name", "pk")
        .distinct("offering_id")
    )
    issues = (
        _issues_of(list(standing_for), user)
        .filter(application__in=[row.application_id for row in dependencies])
        .select_related("owner")
    )
    owners = {issue.application_id: issue.owner for issue in issues}
    users = {}
    for row in dependencies:
        application = row.application
        role = "" if row.role == Dependency.Role.PRIMARY else f" ({row.get_role_display().lower()})"
        if row.application_id in owners:
            # as on the page of issues: a name in the inventory that is no person is not notified
            person = owners[row.application_id]
            owner = str(person) if person is not None else ""
        else:
            owner = application.business_owner_name or application.technical_owner_name
        users[standing_for[row.offering_id]] = RetiredModelUser(f"{application.name}{role}", owner)
    return users
