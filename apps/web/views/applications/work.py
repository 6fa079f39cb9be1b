"""Work on one application: its issues with their migration tasks, and the work that is no issue
yet, in one list."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q
from django.urls import reverse

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Application, ExitPlan
from apps.issues.models import CauseKind, Issue, Urgency
from apps.issues.sentences import is_about_feature
from apps.issues.urgency import issue_urgency
from apps.risks.queries.reach import RiskReach
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.wording import describe_timing, number

MAX_ISSUES = 20
# a planned exit test is work so many days before its date
PLANNED_TEST_DAYS = 90
_RANKS = {urgency: rank for rank, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class WorkAct:
    """Link to the page of an act, for users who may do it; the first one of an item is its main
    act."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class WorkTask:
    """Migration task of an item. `timing` states by how much it is late."""

    task: CampaignTask
    timing: str
    n_steps: int
    n_done: int


@dataclass(frozen=True, slots=True)
class WorkBar:
    """Bar from start to finish, today and the retirement on one axis, as percentages."""

    start: str
    width: str
    today: str
    retirement: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of the list. `owner` is empty if the item is unassigned; `mark` is the number of bars
    of its urgency, 1 to 4."""

    title: str
    advice: str
    urgency: Urgency
    owner: str
    url: str = ""
    state: str = ""
    start_by: date | None = None
    finish_by: date | None = None
    act_by: date | None = None
    is_contact: bool = False
    bar: WorkBar | None = None
    tasks: Sequence[WorkTask] = ()
    acts: Sequence[WorkAct] = ()

    @property
    def mark(self) -> int:
        return len(_RANKS) - _RANKS[self.urgency]

    @property
    def is_now(self) -> bool:
        return self.urgency == Urgency.NOW


@dataclass(frozen=True, slots=True)
class Work:
    """Items of the list, most urgent first; `n_issues` counts all issues, of which at most
    MAX_ISSUES are items."""

    items: Sequence[WorkItem]
    n_issues: int

    @property
    def is_cut(self) -> bool:
        return self.n_issues > MAX_ISSUES

    @property
    def n(self) -> int:
        return len(self.items) + max(self.n_issues - MAX_ISSUES, 0)


def application_work(
    application: Application, *, user: User, risks: RiskReach, may_edit: bool, today: date
) -> Work:
    """Return the work on the application; four statements, one more for each type of record that
    issues are about, and one if the list is cut."""
    selected = (
        Issue.objects.visible_to(user)
        .filter(application=application)
        .unresolved()
        .order_by("act_by", "pk")
    )
    issues = list(selected.select_related(*RELATIONS)[: MAX_ISSUES + 1])
    n_issues = len(issues) if len(issues) <= MAX_ISSUES else selected.order_by().count()
    tasks = _load_tasks(application, user, today)
    items = [
        _issue_item(row, tasks, user=user, may_edit=may_edit, today=today)
        for row in present_issues(issues[:MAX_ISSUES], today=today)
    ]
    covered = {item_task.task.pk for item in items for item_task in item.tasks}
    items += [
        _task_item(work_task, application, today)
        for of_dependency in tasks.values()
        for work_task in of_dependency
        if work_task.task.pk not in covered
    ]
    items += _planned_tests(application, may_edit=may_edit, today=today)
    if risks.n_unassessed:
        items.append(_risk_item(application, risks, may_edit=may_edit))
    items.sort(key=lambda item: (_RANKS[item.urgency], item.act_by or date.max))
    return Work(items, n_issues)


# --- migration tasks ------------------------------------------------------------------------------


def _load_tasks(application: Application, user: User, today: date) -> dict[int, list[WorkTask]]:
    """Return {dependency: its unfinished tasks in open campaigns}."""
    required = Q(steps__required=True)
    tasks = (
        CampaignTask.objects.visible_to(user)
        .unfinished()
        .filter(dependency__application=application, campaign__state=Campaign.State.OPEN)
        .select_related("campaign", "owner", "dependency__offering")
        .annotate(
            n_steps=Count("steps", filter=required),
            n_done=Count("steps", filter=required & Q(steps__done_on__isnull=False)),
        )
        .order_by("finish_by", "pk")
    )
    by_dependency = defaultdict(list)
    for task in tasks:
        timing = describe_timing(task.timing(today))
        by_dependency[task.dependency_id].append(
            WorkTask(task, timing, task.n_steps, task.n_done)  # type: ignore[attr-defined]
        )
    return by_dependency


def _task_item(work_task: WorkTask, application: Application, today: date) -> WorkItem:
    """Return a task that is the plan of no issue as an item."""
    task = work_task.task
    act_by = task.start_by or task.finish_by
    urgency = Urgency.LATER
    if act_by is not None:
        urgency = issue_urgency(
            act_by=act_by,
            criticality=application.criticality,
            state=Issue.State.PLANNED,
            today=today,
        )
    url = reverse("campaign-tasks:detail", args=[task.pk])
    return WorkItem(
        title=f"Migrate off {task.dependency.offering.api_id}",
        advice="",
        urgency=urgency,
        owner=str(task.owner or ""),
        url=url,
        state=task.get_state_display(),
        start_by=task.start_by,
        finish_by=task.finish_by,
        act_by=act_by,
        tasks=[work_task],
        acts=[WorkAct("Open task", url)],
    )


# --- issues ---------------------------------------------------------------------------------------


def _issue_item(
    row: IssueRow,
    tasks: dict[int, list[WorkTask]],
    *,
    user: User,
    may_edit: bool,
    today: date,
) -> WorkItem:
    issue = row.issue
    own_tasks = _tasks_of(issue, tasks)
    return WorkItem(
        title=row.title,
        advice=row.advice,
        urgency=row.urgency,
        owner=str(issue.owner or ""),
        is_contact=issue.owner is not None and issue.owner.is_contact,
        url=reverse("issues:detail", args=[issue.pk]),
        state=issue.get_state_display(),
        start_by=issue.start_by,
        finish_by=issue.finish_by or issue.due_on,
        act_by=issue.act_by,
        bar=_bar(issue, today),
        tasks=own_tasks,
        acts=_issue_acts(issue, own_tasks, user=user, may_edit=may_edit),
    )


def _dependency_ids(issue: Issue) -> list[int]:
    """Return the dependencies that the fact is about."""
    values = issue.details.get("dependencies") or [issue.details.get("dependency")]
    ids = [value.get("dependency") if isinstance(value, dict) else value for value in values]
    return [pk for pk in ids if pk]


def _tasks_of(issue: Issue, tasks: dict[int, list[WorkTask]]) -> list[WorkTask]:
    if issue.cause.kind == CauseKind.RETIREMENT:
        return [task for pk in _dependency_ids(issue) for task in tasks.get(pk, ())]
    if issue.cause.kind == CauseKind.MIGRATION_TASK:
        ids: Collection[int] = set(issue.details.get("tasks") or ())
        return [task for rows in tasks.values() for task in rows if task.task.pk in ids]
    return []


def _bar(issue: Issue, today: date) -> WorkBar | None:
    """Return the bar of a retirement whose dates are known."""
    if issue.start_by is None or issue.finish_by is None or issue.due_on is None:
        return None
    first, last = min(issue.start_by, today), max(issue.due_on, today)
    # room at both ends, so that marks are not cut
    days = max((last - first).days, 1)
    first, days = first - timedelta(days // 20 + 1), days + 2 * (days // 20 + 1)

    def place(day: date) -> float:
        return (day - first).days * 100 / days

    return WorkBar(
        start=f"{place(issue.start_by):.1f}%",
        width=f"{max(place(issue.finish_by) - place(issue.start_by), 0.5):.1f}%",
        today=f"{place(today):.1f}%",
        retirement=f"{place(issue.due_on):.1f}%",
        is_late=issue.start_by < today,
    )


# {kind: (label, route of the page with the dependency as its argument)}
_DEPENDENCY_ACTS = {
    CauseKind.RETIREMENT: ("Find a successor", "dependencies:successor"),
    CauseKind.FALLBACK_RETIRES: ("Find a successor", "dependencies:successor"),
    CauseKind.APPROVAL_VIOLATION: ("Replace model", "dependencies:replace"),
    CauseKind.MISSING_DATA: ("Edit dependency", "dependencies:edit"),
}


def _issue_acts(
    issue: Issue, tasks: Sequence[WorkTask], *, user: User, may_edit: bool
) -> list[WorkAct]:
    """Return the acts of an issue that the user may do."""
    kind, slug = CauseKind(issue.cause.kind), issue.application.slug if issue.application else ""
    acts = [
        WorkAct("Open task", reverse("campaign-tasks:detail", args=[task.task.pk]))
        for task in tasks[:1]
    ]
    if may_edit:
        acts += _editor_acts(issue, kind, slug)
    called = (
        _called_offering(issue)
        if kind == CauseKind.RETIREMENT and not is_about_feature(issue)
        else None
    )
    if user.is_governance and called is not None and not tasks:
        url = f"{reverse('campaigns:create')}?offering={called}"
        acts.append(WorkAct("Open migration", url))
    return acts


def _editor_acts(issue: Issue, kind: CauseKind, slug: str) -> list[WorkAct]:
    ids = _dependency_ids(issue)
    if ids and is_about_feature(issue):
        return [WorkAct("Edit dependency", reverse("dependencies:edit", args=ids[:1]))]
    if kind in _DEPENDENCY_ACTS and ids:
        label, route = _DEPENDENCY_ACTS[kind]
        return [WorkAct(label, reverse(route, args=[ids[0]]))]
    if kind == CauseKind.MISSING_DATA and issue.details.get("code") == "no_primary":
        return [WorkAct("Add dependency", reverse("dependencies:create", args=[slug]))]
    if kind == CauseKind.MISSING_DATA:
        page = reverse("applications:detail", args=[slug])
        return [WorkAct("Edit dependencies", f"{page}?tab=dependencies#dependencies")]
    if kind == CauseKind.STALE_ASSESSMENT or issue.cause.subtype in {
        "treatment",
        "risk_acceptance",
    }:
        url = f"{reverse('inherited-risks:list')}?application={slug}"
        return [WorkAct("Assess risks", url)]
    if kind == CauseKind.USAGE_DISCREPANCY:
        return [
            WorkAct("Decide", f"{reverse('discrepancies:list')}?application={slug}"),
        ]
    if issue.cause.subtype == "application_review":
        return [WorkAct("Record review", reverse("applications:edit", args=[slug]))]
    if issue.cause.subtype == "exit_test" and ids:
        return [WorkAct("Record exit test", reverse("exit-tests:create", args=ids[:1]))]
    return []


def _called_offering(issue: Issue) -> int | None:
    for value in issue.details.get("dependencies") or []:
        if isinstance(value, dict) and value.get("called"):
            return int(value["called"])
    return None


# --- work that is no issue yet --------------------------------------------------------------------


def _application_owner(application: Application) -> str:
    return application.technical_owner_name or application.business_owner_name


def _risk_item(application: Application, risks: RiskReach, *, may_edit: bool) -> WorkItem:
    url = f"{reverse('inherited-risks:list')}?application={application.slug}&state=unassessed"
    n = risks.n_unassessed
    return WorkItem(
        title=pluralize(n, "Assess 1 inherited risk", f"Assess {number(n)} inherited risks"),
        advice="",
        urgency=Urgency.LATER,
        owner=_application_owner(application),
        url=url,
        acts=[WorkAct("Assess risks", url)] if may_edit else [],
    )


def _planned_tests(application: Application, *, may_edit: bool, today: date) -> list[WorkItem]:
    plans = ExitPlan.objects.filter(
        Q(dependency__until__isnull=True) | Q(dependency__until__gt=today),
        dependency__application=application,
        next_test_on__lte=today + timedelta(PLANNED_TEST_DAYS),
    ).select_related("dependency__offering")
    items = []
    for plan in plans:
        assert plan.next_test_on is not None
        url = reverse("exit-tests:create", args=[plan.dependency_id])
        items.append(
            WorkItem(
                title=f"Run the planned exit test of {plan.dependency.offering.api_id}",
                advice="",
                urgency=issue_urgency(
                    act_by=plan.next_test_on,
                    criticality=application.criticality,
                    state=Issue.State.OPEN,
                    today=today,
                ),
                owner=_application_owner(application),
                url=f"{reverse('applications:detail', args=[application.slug])}"
                "?tab=exit-readiness#exits",
                finish_by=plan.next_test_on,
                act_by=plan.next_test_on,
                acts=[WorkAct("Record exit test", url)] if may_edit else [],
            )
        )
    return items
