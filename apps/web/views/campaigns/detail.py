"""Pages of a migration: the board and the table of its tasks, and its plan with the actions of
governance."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.campaigns import lifecycle
from apps.exposure.campaigns.bulk_assignment import assign_tasks
from apps.exposure.campaigns.filters import CampaignTaskFilter
from apps.exposure.campaigns.lifecycle import UNSETTLED
from apps.exposure.campaigns.progress import CampaignProgress, campaign_progress, visible_tasks
from apps.exposure.campaigns.reach import campaign_offering_ids
from apps.exposure.campaigns.target_checks import breaks_of_default_target
from apps.exposure.models import Campaign, CampaignTask
from apps.issues.models import TicketConnection
from apps.web.lists.list_page import EmptyState
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.campaigns.assignment import AssignmentForm, build_assignment_form
from apps.web.views.campaigns.board import MigrationBoard, build_board
from apps.web.views.campaigns.list import CampaignTaskList
from apps.web.views.campaigns.targets import offer_targets, target_groups
from apps.web.views.campaigns.task_detail import ReasonForm
from apps.web.views.dependencies.forms import ConfirmedChoiceMixin
from apps.web.wording import count_of, number

# tasks that are named as not assigned
MAX_REFUSALS = 5
GOVERNANCE_ONLY = "You need the governance role to change a migration."


class ChangeForm(ConfirmedChoiceMixin, forms.Form):
    title = forms.CharField(label="Title", max_length=200)
    target = forms.ModelChoiceField(
        Offering.objects.none(),
        label="Default target",
        required=False,
        help_text="For tasks without their own target. Empty: no change.",
    )
    due_on = DayField(label="Latest finish date of all tasks", required=False)
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False, max_length=10_000)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        kwargs["initial"] = {
            name: getattr(campaign, name) for name in ("title", "target", "due_on", "note")
        }
        super().__init__(*args, **kwargs)
        successor = campaign.announcement.successor if campaign.announcement else None
        groups = target_groups(
            campaign.subject,
            # the current target can be retired by now, or be at another host
            named=[campaign.target, successor],
            leaving=campaign_offering_ids(campaign),
        )
        offer_targets(
            self.fields["target"],
            groups,
            empty_label="No change",
            dependency_ids=list(campaign.tasks.values_list("dependency", flat=True)),
        )


def _load_campaign(pk: int, user: User) -> Campaign:
    campaigns = Campaign.objects.visible_to(user).select_related(
        "subject__host",
        "subject__version__foundation",
        "subject__replacement",
        "target__host",
        "event",
        "announcement__version",
        "announcement__foundation",
        "announcement__provider",
        "announcement__offering__host",
        "announcement__successor",
        "announcement__announced_by",
        "opened_by",
        "closed_by",
    )
    return get_object_or_404(campaigns, pk=pk)


def _load_progress(campaign: Campaign, user: User, today: date) -> CampaignProgress:
    return campaign_progress(campaigns=[campaign.pk], user=user, on=today)[campaign.pk]


def _describe_counts(progress: CampaignProgress) -> str:
    if progress.whole_campaign:
        return "Tasks of the migration, one for each dependency"
    return "Tasks of your teams in the migration"


def _render_campaign(
    request: HttpRequest,
    view: str,
    *,
    campaign: Campaign,
    progress: CampaignProgress,
    at: datetime,
    **context: Any,
) -> HttpResponse:
    return render_page(
        request,
        f"campaigns/{view}.html",
        title=campaign.title,
        crumbs=tuple((name, reverse(route)) for name, route in CampaignTable.crumbs),
        counts=_describe_counts(progress),
        as_of=at,
        sentence=campaign_headline(campaign, progress),
        campaign=campaign,
        progress=progress,
        view=view,
        **context,
    )


@dataclass(frozen=True, slots=True)
class TaskSelection:
    """Link of the board that shows some of the tasks."""

    name: str
    n: int
    query: str
    is_current: bool


def _board_selections(
    request: HttpRequest, progress: CampaignProgress, n_own: int
) -> list[TaskSelection]:
    user = signed_in_user(request)
    queries = [
        ("All", progress.n_tasks, ""),
        ("Unassigned", progress.n_unowned, "?unowned=true"),
        ("Too late", progress.n_late, "?late=true"),
        ("Mine", n_own, f"?owner={user.username}"),
    ]
    current = next(
        (
            query
            for _, _, query in queries
            if query and request.GET.get(query[1:].split("=")[0]) == query.split("=")[1]
        ),
        "",
    )
    return [TaskSelection(name, n, query, query == current) for name, n, query in queries]


@require_safe
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the tasks as a board."""
    user, at = signed_in_user(request), now()
    campaign = _load_campaign(pk, user)
    progress = _load_progress(campaign, user, day_of(at))
    tasks = visible_tasks(user=user).filter(campaign=campaign)
    selected_tasks = CampaignTaskFilter(request.GET, tasks, request=request).qs
    assignment = build_assignment_form(campaign, user)
    return _render_campaign(
        request,
        "board",
        campaign=campaign,
        progress=progress,
        at=at,
        board=_build_board(request, selected_tasks, day_of(at)),
        selections=_board_selections(request, progress, tasks.filter(owner=user).count()),
        assignment=assignment,
        may_create_tickets=assignment is not None
        and TicketConnection.objects.visible_to(user).filter(enabled=True).exists(),
    )


@require_safe
def campaign_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the migration is about, and the actions of governance."""
    user = signed_in_user(request)
    campaign = _load_campaign(pk, user)
    form = ChangeForm(campaign=campaign) if user.is_governance else None
    return _render_plan(request, campaign, user, form)


def _render_plan(
    request: HttpRequest, campaign: Campaign, user: User, form: forms.Form | None
) -> HttpResponse:
    at = now()
    progress = _load_progress(campaign, user, day_of(at))
    return _render_campaign(
        request,
        "plan",
        campaign=campaign,
        progress=progress,
        at=at,
        parts=progress_bar_segments(progress),
        offerings=_campaign_offerings(campaign),
        n_left=sum(progress.by_state[state] for state in UNSETTLED),
        form=form,
    )


def _build_board(request: HttpRequest, tasks: Any, today: date) -> MigrationBoard:
    if request.GET.get("late") == "true":
        late_ids = (
            CampaignTask.objects.overdue(today) | CampaignTask.objects.too_late(today)
        ).values("pk")
        tasks = tasks.filter(pk__in=late_ids)
    return build_board(tasks.select_related("signed_off_by"), today=today)


def _campaign_offerings(campaign: Campaign) -> list[Offering]:
    """Return the model IDs that the campaign is about, by host."""
    offerings = Offering.objects.filter(pk__in=campaign_offering_ids(campaign))
    return list(offerings.select_related("host").order_by("host__name", "api_id", "pk"))


def progress_bar_segments(progress: CampaignProgress) -> list[tuple[str, str, int, float]]:
    """Return (state, its label, number of tasks, percentage) in the order of the work; states
    without tasks are omitted."""
    order = [State.DONE, State.OBSOLETE, State.READY, State.IN_PROGRESS, State.WAIVED, State.OPEN]
    return [
        (
            str(state),
            str(state.label),
            progress.by_state[state],
            round(100 * progress.by_state[state] / progress.n_tasks, 1),
        )
        for state in order
        if progress.by_state[state]
    ]


State = CampaignTask.State


def campaign_headline(campaign: Campaign, progress: CampaignProgress) -> Headline:
    if progress.n_tasks == 0:
        return Headline(f"Nothing is left to migrate off {campaign.subject_name}.")
    settled_count = f"{number(progress.n_settled)} of {number(progress.n_tasks)}"
    start = f"{settled_count} tasks are signed or no longer needed"
    if campaign.state == Campaign.State.CLOSED:
        return Headline(f"Closed: {settled_count} tasks were signed or no longer needed.")
    days_left = progress.days_left
    retirement_clause = (
        ""
        if days_left is None
        else f" {campaign.subject_name} retires in {count_of(days_left, 'day')}."
        if days_left >= 0
        else f" {campaign.subject_name} retired {count_of(-days_left, 'day')} ago."
    )
    clauses = []
    if progress.n_overdue:
        clauses.append(
            f"{number(progress.n_overdue)} {'is' if progress.n_overdue == 1 else 'are'} overdue"
        )
    if progress.n_too_late:
        clauses.append(
            f"{number(progress.n_too_late)} {'is' if progress.n_too_late == 1 else 'are'} too late"
        )
    unassigned = ""
    if progress.n_unowned:
        verb = "has" if progress.n_unowned == 1 else "have"
        unassigned = f" {number(progress.n_unowned)} {verb} no owner."
    if clauses:
        return Headline(f"{start}. ", " and ".join(clauses), f".{unassigned}{retirement_clause}")
    retirement_clause = f"{unassigned}{retirement_clause}"
    return Headline(f"{start}.{retirement_clause}")


def _describe_target(task: CampaignTask) -> str:
    """Return the host of a task, and its target with how it was chosen."""
    host = f"on {task.dependency.offering.host.name}"
    if task.successor:
        return f"{host}, to {task.successor.offering.api_id} (switched)"
    if task.target:
        return f"{host}, to {task.target.api_id}"
    default = task.campaign.target
    return f"{host}, to {default.api_id} (default)" if default else host


class CampaignTable(CampaignTaskList):
    """Tasks of one migration; its files are those of all tasks, narrowed to the migration."""

    namespace = "campaigns"
    route = "table"
    columns = tuple(
        replace(column, note=_describe_target) if column.name == "model" else column
        for column in CampaignTaskList.columns
    )
    crumbs = (("Migrations", "campaigns:list"),)
    template = "campaigns/table.html"
    bulk_template = "campaigns/assign.html"

    def check_access(self) -> None:
        _ = self.campaign

    @cached_property
    def campaign(self) -> Campaign:
        return _load_campaign(self.kwargs["pk"], self.user)

    @cached_property
    def progress(self) -> CampaignProgress:
        return _load_progress(self.campaign, self.user, self.today)

    @cached_property
    def assignment(self) -> AssignmentForm | None:
        return build_assignment_form(self.campaign, self.user)

    def get_queryset(self) -> "QuerySet[CampaignTask]":
        return super().get_queryset().filter(campaign=self.campaign)

    def get_title(self) -> str:
        return self.campaign.title

    def get_lead(self) -> Headline:
        return campaign_headline(self.campaign, self.progress)

    def get_selection_key(self, row: CampaignTask) -> str:
        return str(row.pk) if self.assignment else ""

    def get_selection_label(self, row: CampaignTask) -> str:
        return f"Select: {row.dependency.application.name}"

    def get_file_url(self, file_format: str) -> str:
        query = self.request.GET.copy()
        query.pop("page", None)
        query["campaign"] = str(self.campaign.pk)
        route = f"{CampaignTaskList.namespace}:{file_format}"
        return f"{reverse(route)}?{query.urlencode()}"

    def get_empty_state(self) -> EmptyState:
        return EmptyState("No tasks yet.", "No dependency of your teams uses these models.")

    def get_context(self) -> Mapping[str, Any]:
        return {
            "campaign": self.campaign,
            "counts": _describe_counts(self.progress),
            "assignment": self.assignment,
            "view": self.route,
        }


# --- actions --------------------------------------------------------------------------------------


@require_POST
def change_campaign(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Extend, reschedule, close, reopen or change a campaign, for governance; assign its tasks, for
    editors of their teams too."""
    if action != "change" and action not in _ACTIONS:
        raise Http404
    user = (
        signed_in_user(request)
        if action == "assign"
        else governance_user(request, str(GOVERNANCE_ONLY))
    )
    campaign = get_object_or_404(Campaign.objects.visible_to(user), pk=pk)

    def build_form() -> forms.Form:
        if action == "change":
            return ChangeForm(request.POST, campaign=campaign)
        if action == "assign":
            form = build_assignment_form(campaign, user, request.POST)
            return form or AssignmentForm(request.POST)
        return ReasonForm(request.POST)

    return action_view(
        request,
        form=build_form,
        action=lambda form: (
            _change_campaign(campaign, user, form)
            if isinstance(form, ChangeForm)
            else _ACTIONS[action](campaign, user, form.cleaned_data)
        ),
        done=lambda confirmation: confirmation,
        back=reverse("campaigns:detail", args=[pk]),
        page=(
            (lambda form: _render_plan(request, _load_campaign(pk, user), user, form))
            if action == "change"
            else None
        ),
    )


def _extend_campaign(campaign: Campaign, user: User, data: Mapping[str, Any]) -> str:
    n_tasks = lifecycle.extend_campaign(campaign=campaign, at=now(), by=user)
    return f"{count_of(n_tasks, 'task').capitalize()} joined."


def _reschedule_campaign(campaign: Campaign, user: User, data: Mapping[str, Any]) -> str:
    n_tasks = lifecycle.reschedule_campaign(
        campaign=campaign, at=now(), by=user, reason=data["reason"]
    )
    return f"{count_of(n_tasks, 'task has', 'tasks have').capitalize()} new dates."


def _close_campaign(campaign: Campaign, user: User, data: Mapping[str, Any]) -> str:
    lifecycle.close_campaign(campaign=campaign, at=now(), by=user, closing_note=data["reason"])
    return "Migration closed."


def _reopen_campaign(campaign: Campaign, user: User, data: Mapping[str, Any]) -> str:
    lifecycle.reopen_campaign(campaign=campaign, by=user, reason=data["reason"])
    return "Migration reopened."


def _change_campaign(campaign: Campaign, user: User, form: ChangeForm) -> str:
    """Save the facts. A new default target that breaks something asks first."""
    target, current = form.cleaned_data["target"], campaign.target_id
    changed = lifecycle.change_campaign(campaign=campaign, by=user, **form.cleaned_data)
    if target is not None and target.pk != current:
        breaks = breaks_of_default_target(changed, target, on=day_of(now()))
        form.require_confirmation(breaks, target)
    return "Migration saved."


def _assign_tasks(campaign: Campaign, user: User, data: Mapping[str, Any]) -> Confirmation:
    """Assign the selected tasks, or those of a team. Those that reject it are named."""
    owner, team = data["owner"], data["team"]
    outcome = assign_tasks(
        owner=owner,
        by=user,
        campaign=campaign,
        team=team,
        task_ids=None if team is not None else data["task_ids"],
    )
    assigned = f"assigned to {owner}" if owner else "unassigned"
    return Confirmation(
        f"{count_of(outcome.n_assigned, 'task is', 'tasks are').capitalize()} {assigned}.",
        refusals=[refusal for _, refusal in outcome.rejected[:MAX_REFUSALS]],
    )


type Change = Callable[[Campaign, User, Mapping[str, Any]], Confirmation | str]

_ACTIONS: dict[str, Change] = {
    "extend": _extend_campaign,
    "reschedule": _reschedule_campaign,
    "close": _close_campaign,
    "reopen": _reopen_campaign,
    "assign": _assign_tasks,
}
