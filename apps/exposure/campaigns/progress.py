"""Progress of campaigns, for pages, REST and email. Every function takes the reader and counts only
tasks that they can view."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from apps.exposure.campaigns.lifecycle import UNFINISHED, UNSETTLED
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.exposure.models.campaigns import (
    CampaignTaskQuerySet,
    overdue_condition,
    too_late_condition,
)

State = CampaignTask.State


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """Progress of a campaign. `by_state` has every state. `n_overdue` are unfinished tasks past
    their finish date, `n_too_late` those that no longer fit before it. `days_left` is until the
    subject retires (negative once past, None while no date is known). Steps are the required ones
    of tasks that are not obsolete; `step_share` is None if there are none. `whole_campaign` is
    False if the reader sees only tasks of their teams."""

    by_state: dict[str, int] = field(default_factory=lambda: dict.fromkeys(State.values, 0))
    n_overdue: int = 0
    n_too_late: int = 0
    n_unowned: int = 0
    next_finish_by: date | None = None
    days_left: int | None = None
    n_steps: int = 0
    n_steps_done: int = 0
    whole_campaign: bool = True

    @property
    def n_tasks(self) -> int:
        return sum(self.by_state.values())

    @property
    def n_late(self) -> int:
        """Return the number of tasks that are overdue or too late."""
        return self.n_overdue + self.n_too_late

    @property
    def n_settled(self) -> int:
        """Return the number of tasks that are signed off or obsolete; waived ones do not count."""
        return self.by_state[State.DONE] + self.by_state[State.OBSOLETE]

    @property
    def step_share(self) -> float | None:
        return self.n_steps_done / self.n_steps if self.n_steps else None


def campaign_progress(
    *, campaigns: Collection[int], user: Any, on: date
) -> dict[int, CampaignProgress]:
    """Return {campaign ID: progress} of those the reader can view; three statements for any
    number."""
    ends = dict(
        Campaign.objects.visible_to(user)
        .filter(pk__in=list(campaigns))
        .values_list("pk", "subject__retires_on")
    )
    visible_tasks = CampaignTask.objects.visible_to(user).filter(campaign__in=list(ends))
    is_unfinished = Q(state__in=UNFINISHED)
    counts: dict[int, dict[str, Any]] = {
        row["campaign"]: dict(row)
        for row in visible_tasks.order_by()
        .values("campaign")
        .annotate(
            n_overdue=Count("pk", filter=is_unfinished & overdue_condition(on)),
            n_too_late=Count("pk", filter=is_unfinished & too_late_condition(on)),
            n_unowned=Count("pk", filter=is_unfinished & Q(owner__isnull=True)),
            next_finish_by=Min("finish_by", filter=is_unfinished),
            **{state: Count("pk", filter=Q(state=state)) for state in State.values},
        )
    }
    steps: dict[int, tuple[int, int]] = {
        campaign: (n, n_done)
        for campaign, n, n_done in TaskStep.objects.filter(
            task__in=visible_tasks.exclude(state=State.OBSOLETE).values("pk"), required=True
        )
        .order_by()
        .values_list("task__campaign")
        .annotate(n=Count("pk"), n_done=Count("pk", filter=Q(done_on__isnull=False)))
    }
    progress_by_id = {}
    for pk, ends_on in ends.items():
        row = counts.get(pk, {})
        n_steps, n_done = steps.get(pk, (0, 0))
        progress_by_id[pk] = CampaignProgress(
            by_state={state: row.get(state, 0) for state in State.values},
            n_overdue=row.get("n_overdue", 0),
            n_too_late=row.get("n_too_late", 0),
            n_unowned=row.get("n_unowned", 0),
            next_finish_by=row.get("next_finish_by"),
            days_left=(ends_on - on).days if ends_on else None,
            n_steps=n_steps,
            n_steps_done=n_done,
            whole_campaign=bool(user.can_read_all),
        )
    return progress_by_id


def visible_tasks(*, user: Any) -> CampaignTaskQuerySet:
    """Return the tasks that the reader can view, with the relations that lists show, most urgent
    first; those without a due date last."""
    return (
        CampaignTask.objects.visible_to(user)
        .select_related(
            "campaign__subject__host",
            "campaign__announcement__version",
            "dependency__application__team",
            "dependency__offering__host",
            "owner",
            "target__host",
            "campaign__target__host",
            "successor__offering__host",
        )
        .order_by("finish_by", "pk")
    )


def overdue_tasks(*, user: Any, on: date) -> CampaignTaskQuerySet:
    """Unfinished tasks of open campaigns that are past their finish date on the day."""
    return visible_tasks(user=user).overdue(on).filter(campaign__state=Campaign.State.OPEN)


def expiring_waivers(*, user: Any, on: date, within_days: int = 14) -> CampaignTaskQuerySet:
    """Return tasks whose waiver expires within so many days, the earliest first."""
    return (
        visible_tasks(user=user)
        .filter(
            state__in=(State.WAIVED, State.DONE),
            waived_until__gt=on,
            waived_until__lte=on + timedelta(days=within_days),
            campaign__state=Campaign.State.OPEN,
        )
        .order_by("waived_until", "pk")
    )


def tasks_of_dependencies(*, dependencies: Collection[int], user: Any) -> dict[int, CampaignTask]:
    """Return {dependency ID: its unsettled task in an open campaign}; the most urgent of
    several."""
    task_by_dependency: dict[int, CampaignTask] = {}
    open_tasks = visible_tasks(user=user).filter(
        dependency__in=list(dependencies),
        state__in=UNSETTLED,
        campaign__state=Campaign.State.OPEN,
    )
    for task in open_tasks:
        task_by_dependency.setdefault(task.dependency_id, task)
    return task_by_dependency
