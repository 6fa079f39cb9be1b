"""Assignment of many tasks of a campaign to one person."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from apps.accounts.models import Team, User
from apps.accounts.queries import team_and_below
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.exposure.campaigns.task_actions import assign_task
from apps.exposure.models import Campaign, CampaignTask
from apps.exposure.models.campaigns import CampaignTaskQuerySet

MAX_BULK_ASSIGNMENTS = 1_000


@dataclass(frozen=True, slots=True)
class BulkAssignment:
    """Numbers of tasks whose owner changed and of tasks that had this owner already, and the
    refusals: (task ID, reason)."""

    n_assigned: int
    n_unchanged: int
    rejected: tuple[tuple[int, str], ...]


@transaction.atomic
def assign_tasks(
    *,
    owner: User | None,
    by: User,
    campaign: Campaign | None = None,
    team: Team | None = None,
    task_ids: Collection[int] | None = None,
    reason: str = "",
) -> BulkAssignment:
    """Assign the unfinished tasks that these select, as far as `by` can change them; `owner` None:
    no single owner.

    `team` includes its sub-teams. A task whose application the owner cannot change is refused, and
    the others are assigned. Applications are locked in the order of their IDs, as by other bulk
    changes.
    """
    tasks = selected_tasks(by=by, campaign=campaign, team=team, task_ids=task_ids)
    rows = list(
        tasks.select_related("dependency__application__team").order_by(
            "dependency__application_id", "pk"
        )[: MAX_BULK_ASSIGNMENTS + 1]
    )
    if not rows:
        raise ConflictError("No unfinished task is selected. Select at least one.")
    if len(rows) > MAX_BULK_ASSIGNMENTS:
        raise ConflictError(
            f"At most {MAX_BULK_ASSIGNMENTS:,} tasks can be assigned together. Select one team."
        )
    n_assigned, rejected = 0, []
    owner_id = owner.pk if owner is not None else None
    with audit_context(user=by, reason=reason or "tasks assigned"):
        for task in rows:
            if not by.may(TeamRole.EDITOR, task.dependency.application.team_id):
                team_name = task.dependency.application.team.name
                rejected.append(
                    (task.pk, f"You need the editor role on {team_name} to assign its tasks.")
                )
            elif task.owner_id != owner_id:
                try:
                    assign_task(task=task, owner=owner, by=by, reason=reason)
                except ConflictError as refusal:
                    rejected.append((task.pk, str(refusal)))
                else:
                    n_assigned += 1
    return BulkAssignment(n_assigned, len(rows) - n_assigned - len(rejected), tuple(rejected))


def selected_tasks(
    *,
    by: User,
    campaign: Campaign | None = None,
    team: Team | None = None,
    task_ids: Collection[int] | None = None,
) -> CampaignTaskQuerySet:
    """Return the unfinished tasks of open campaigns that the user can view and that these select;
    None selects all."""
    tasks = CampaignTask.objects.visible_to(by).filter(
        state__in=(*CampaignTask.UNFINISHED, CampaignTask.State.WAIVED),
        campaign__state=Campaign.State.OPEN,
    )
    if campaign is not None:
        tasks = tasks.filter(campaign=campaign)
    if team is not None:
        tasks = tasks.filter(dependency__application__team__in=team_and_below(team_ids=[team.pk]))
    if task_ids is not None:
        tasks = tasks.filter(pk__in=task_ids)
    return tasks
