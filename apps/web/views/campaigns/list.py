"""Lists of migration campaigns and of their tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import Team
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.campaigns.filters import CampaignFilter, CampaignTaskFilter
from apps.exposure.campaigns.progress import CampaignProgress, campaign_progress, visible_tasks
from apps.exposure.models import Campaign, CampaignTask
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.page import Headline
from apps.web.wording import bounded_number, describe_timing, number

# late tasks are counted up to this number
MAX_LATE = 10_000


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: Campaign
    progress: CampaignProgress

    @property
    def settled_percent(self) -> int:
        """Percentage of tasks that are signed off or no longer needed."""
        if not self.progress.n_tasks:
            return 0
        return round(100 * self.progress.n_settled / self.progress.n_tasks)

    @property
    def note(self) -> str:
        state = self.campaign.get_state_display()
        target = self.campaign.target
        return f"{state}, to {target.api_id}" if target else state

    @property
    def subject(self) -> str:
        if self.campaign.announcement:
            return self.campaign.subject_name
        return self.campaign.subject.api_id


class CampaignList(ListPage[Campaign, CampaignRow]):
    """Migration campaigns, latest first, by the filters of the URL."""

    namespace = "campaigns"
    title = "Migrations"
    nouns = ("migration", "migrations")
    counts = "Tasks that you can view"
    filterset_class = CampaignFilter
    columns = (
        Column[CampaignRow](
            "title",
            "Migration",
            attrgetter("campaign.title"),
            note=attrgetter("note"),
            url=lambda row: reverse("campaigns:detail", args=[row.campaign.pk]),
            order=("title", "pk"),
        ),
        Column[CampaignRow](
            "subject",
            "Migrates from",
            attrgetter("subject"),
            note=lambda row: (
                "" if row.campaign.announcement else f"on {row.campaign.subject.host.name}"
            ),
            css=lambda row: "" if row.campaign.announcement else "id",
            is_in_files=False,
        ),
        Column[CampaignRow](
            "retires", "Retires", attrgetter("campaign.subject.retires_on"), format=format_day
        ),
        Column[CampaignRow](
            "settled",
            "Settled",
            attrgetter("progress.n_settled"),
            width="bars",
            template="campaigns/settled-cell.html",
        ),
        Column[CampaignRow](
            "late",
            "Late",
            attrgetter("progress.n_late"),
            format=format_number,
            css=lambda row: "bad" if row.progress.n_late else "",
            is_numeric=True,
        ),
        Column[CampaignRow](
            "due", "Due", attrgetter("campaign.due_on"), format=format_day, order=("due_on", "pk")
        ),
    )
    file_columns = (
        FileColumn[CampaignRow]("Model ID", attrgetter("campaign.subject.api_id")),
        FileColumn[CampaignRow]("Host", attrgetter("campaign.subject.host.name")),
        FileColumn[CampaignRow](
            "Target", lambda row: row.campaign.target.api_id if row.campaign.target else ""
        ),
        FileColumn[CampaignRow]("State", lambda row: row.campaign.get_state_display()),
        FileColumn[CampaignRow]("Opened", attrgetter("campaign.opened_at")),
        FileColumn[CampaignRow]("Tasks", attrgetter("progress.n_tasks")),
        FileColumn[CampaignRow]("Overdue", attrgetter("progress.n_overdue")),
        FileColumn[CampaignRow]("Too late", attrgetter("progress.n_too_late")),
        FileColumn[CampaignRow]("Unassigned", attrgetter("progress.n_unowned")),
        FileColumn[CampaignRow]("Days left", attrgetter("progress.days_left")),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("state", "State", choices=Campaign.State.choices),
    )
    default_order = ("opened", ("-opened_at", "pk"))

    def get_queryset(self) -> "QuerySet[Campaign]":
        return Campaign.objects.visible_to(self.user).select_related(
            "subject__host",
            "target__host",
            "announcement__version",
            "announcement__foundation",
            "announcement__provider",
            "announcement__offering__host",
        )

    def build_rows(self, records: Sequence[Campaign]) -> Sequence[CampaignRow]:
        progress = campaign_progress(
            campaigns=[row.pk for row in records], user=self.user, on=self.today
        )
        return [CampaignRow(row, progress[row.pk]) for row in records]

    def get_lead(self) -> Headline:
        """Return the migrations that match, or the number of open ones and of late tasks."""
        if self.is_filtered:
            return self.describe_matches()
        n_open = Campaign.objects.visible_to(self.user).filter(state=Campaign.State.OPEN).count()
        if n_open == 0:
            return Headline("No migration is open.")
        open_tasks = CampaignTask.objects.visible_to(self.user).filter(
            campaign__state=Campaign.State.OPEN
        )
        late_tasks = open_tasks.overdue(self.today) | open_tasks.too_late(self.today)
        n_late = late_tasks.order_by()[: MAX_LATE + 1].count()
        start = pluralize(n_open, "1 migration is open", f"{number(n_open)} migrations are open")
        if not n_late:
            return Headline(f"{start}; no task is late.")
        count = bounded_number(n_late, MAX_LATE)
        return Headline(
            f"{start}; ", pluralize(n_late, "1 task is late", f"{count} tasks are late"), "."
        )

    def get_basis(self) -> str:
        return (
            "A migration campaign has a task for each dependency that must migrate or be tested "
            "again. Each is signed off with evidence on your own workload."
        )

    def get_actions(self) -> Sequence[PageAction]:
        tasks = PageAction("View all tasks", reverse("campaign-tasks:list"))
        if not self.user.is_governance:
            return (tasks,)
        return (
            PageAction("Open migration", reverse("campaigns:create"), is_primary=True),
            tasks,
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No migrations yet.",
            "When a retirement is announced, governance opens a migration from the event or from "
            "the page of the offering.",
            "View provider events",
            reverse("events:list"),
        )


_STATE_CSS: dict[str, str] = {
    CampaignTask.State.OPEN: "state",
    CampaignTask.State.DONE: "state done",
    CampaignTask.State.OBSOLETE: "state done",
    CampaignTask.State.WAIVED: "state stale",
}


def _target_model_id(task: CampaignTask) -> str:
    target = task.successor.offering if task.successor else task.target or task.campaign.target
    return target.api_id if target else ""


def _describe_migration(task: CampaignTask) -> SafeString:
    """Return the host, the target and the campaign of a task."""
    target = _target_model_id(task)
    return format_html(
        'on {}{}; <a href="{}">{}</a>',
        task.dependency.offering.host.name,
        f", to {target}" if target else "",
        reverse("campaigns:detail", args=[task.campaign_id]),
        task.campaign.title,
    )


def _describe_task_timing(task: CampaignTask) -> str:
    return describe_timing(task.timing(day_of(now())))


class CampaignTaskList(ListPage[CampaignTask, CampaignTask]):
    """Tasks of every campaign that the user can view, by the filters of the URL."""

    namespace = "campaign-tasks"
    title = "Migration tasks"
    nouns = ("task", "tasks")
    counts = "Tasks that you can view"
    filterset_class = CampaignTaskFilter
    columns: ClassVar[Sequence[Column[CampaignTask]]] = (
        Column[CampaignTask](
            "application",
            "Application",
            attrgetter("dependency.application.name"),
            note=lambda task: (
                f"{task.dependency.application.team.name}, "
                f"{task.dependency.get_role_display().lower()}"
            ),
            url=lambda task: reverse("campaign-tasks:detail", args=[task.pk]),
        ),
        Column[CampaignTask](
            "model",
            "Model ID",
            attrgetter("dependency.offering.api_id"),
            note=_describe_migration,
            css=lambda task: "id",
        ),
        Column[CampaignTask](
            "owner",
            "Owner",
            attrgetter("owner"),
            format=lambda owner: str(owner or "Unassigned"),
            css=lambda task: "" if task.owner or task.signed_off_by_id else "unowned",
        ),
        Column[CampaignTask](
            "state",
            "State",
            CampaignTask.get_state_display,
            css=lambda task: _STATE_CSS.get(task.state, "state part"),
            order=("state", "finish_by", "pk"),
        ),
        Column[CampaignTask](
            "start",
            "Start by",
            attrgetter("start_by"),
            format=format_day,
            order=("start_by", "pk"),
        ),
        Column[CampaignTask](
            "finish",
            "Finish by",
            attrgetter("finish_by"),
            format=format_day,
            note=_describe_task_timing,
            css=lambda task: "late" if _describe_task_timing(task) else "",
            order=("finish_by", "pk"),
        ),
    )
    file_columns = (
        FileColumn[CampaignTask]("Migration", attrgetter("campaign.title")),
        FileColumn[CampaignTask]("Team", attrgetter("dependency.application.team.name")),
        FileColumn[CampaignTask]("Role", lambda task: task.dependency.get_role_display()),
        FileColumn[CampaignTask]("Host", attrgetter("dependency.offering.host.name")),
        FileColumn[CampaignTask]("Target", _target_model_id),
        FileColumn[CampaignTask]("Timing", _describe_task_timing),
        FileColumn[CampaignTask]("Signed off at", attrgetter("signed_off_at")),
        FileColumn[CampaignTask]("Deferred until", attrgetter("waived_until")),
    )
    default_order = ("finish", ())

    def get_queryset(self) -> "QuerySet[CampaignTask]":
        return visible_tasks(user=self.user)

    def get_controls(self) -> Sequence[FilterControl]:
        teams = Team.objects.visible_to(self.user).values_list("slug", "name")
        return (
            FilterControl("team", "Team", choices=list(teams)),
            FilterControl("state", "State", choices=CampaignTask.State.choices),
            FilterControl("overdue", "Overdue", choices=BOOLEANS),
            FilterControl("too_late", "Too late", choices=BOOLEANS),
            FilterControl("unowned", "Unassigned", choices=BOOLEANS),
        )

    def get_row_css(self, row: CampaignTask) -> str:
        return "over" if _describe_task_timing(row) else ""

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No tasks yet.",
            "A migration creates a task for each dependency that must migrate or be tested again.",
            "View migrations",
            reverse("campaigns:list"),
        )
