"""Pages of a migration: the board and the table of its tasks, and its plan with the actions of
governance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.exposure.campaigns import lifecycle
from apps.exposure.campaigns.bulk_assignment import assign_tasks
from apps.exposure.campaigns.filters import CampaignTaskFilter
from apps.exposure.campaigns.lifecycle import UNSETTLED
from apps.exposure.campaigns.progress import CampaignProgress, campaign_progress, visible_tasks
from apps.exposure.campaigns.reach import campaign_offering_ids
from apps.exposure.models import Campaign, CampaignTask
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting
from apps.web.pages.page import Headline, render_page
from apps.web.views.campaigns.assignment import build_assignment_form
from apps.web.views.campaigns.board import MigrationBoard, build_board
from apps.web.views.campaigns.targets import offer_targets, target_groups
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.wording import count_of, number

GOVERNANCE_ONLY = "You need the governance role to change a migration."
TASK_ORDERS = Sorting(
    {
        "finish": ("Finish by", ("finish_by", "pk")),
        "start": ("Start by", ("start_by", "pk")),
        "state": ("State", ("state", "finish_by", "pk")),
    }
)


class ChangeForm(forms.Form):
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
        offer_targets(self.fields["target"], groups, empty_label="No change")


@require_safe
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the tasks as a board."""
    return _render_campaign(request, pk, "board")


@require_safe
def campaign_table(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the tasks as a table with filters."""
    return _render_campaign(request, pk, "table")


@require_safe
def campaign_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the migration is about, and the actions of governance."""
    return _render_campaign(request, pk, "plan")


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


def _render_campaign(request: HttpRequest, pk: int, view: str) -> HttpResponse:
    user, at = signed_in_user(request), now()
    campaign = get_object_or_404(
        Campaign.objects.visible_to(user).select_related(
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
        ),
        pk=pk,
    )
    progress = campaign_progress(campaigns=[campaign.pk], user=user, on=day_of(at))[campaign.pk]
    tasks = visible_tasks(user=user).filter(campaign=campaign)
    filterset = CampaignTaskFilter(request.GET, tasks, request=request)
    today = day_of(at)
    listing = PaginatedList(request, TASK_ORDERS.apply(request, filterset.qs))
    teams = Team.objects.visible_to(user).values_list("slug", "name")
    return render_page(
        request,
        "campaigns/campaign.html",
        fragment="listing",
        title=campaign.title,
        crumbs=(("Migrations", reverse("campaigns:list")),),
        counts="Tasks of the migration, one for each dependency"
        if progress.whole_campaign
        else "Tasks of your teams in the migration",
        as_of=at,
        sentence=campaign_headline(campaign, progress),
        campaign=campaign,
        progress=progress,
        parts=progress_bar_segments(progress),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("team", "Team", choices=list(teams)),
                FilterControl("state", "State", choices=CampaignTask.State.choices),
                FilterControl("overdue", "Overdue", choices=[("true", "Yes"), ("false", "No")]),
                FilterControl("too_late", "Too late", choices=[("true", "Yes"), ("false", "No")]),
                FilterControl("unowned", "Unassigned", choices=[("true", "Yes"), ("false", "No")]),
            ],
        ),
        listing=listing,
        columns=TASK_ORDERS.columns(request),
        view=view,
        board=_build_board(request, filterset.qs, today) if view == "board" else None,
        selections=_board_selections(request, progress, tasks.filter(owner=user).count())
        if view == "board"
        else [],
        offerings=_campaign_offerings(campaign),
        assignment=build_assignment_form(campaign, user),
        n_left=sum(progress.by_state[state] for state in UNSETTLED),
        form=ChangeForm(campaign=campaign) if user.is_governance else None,
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


@require_POST
def change_campaign(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Extend, reschedule, close, reopen or change a campaign, for governance; assign its tasks, for
    editors of their teams too."""
    if action not in _ACTIONS:
        raise Http404
    user = (
        signed_in_user(request)
        if action == "assign"
        else governance_user(request, str(GOVERNANCE_ONLY))
    )
    campaign = get_object_or_404(Campaign.objects.visible_to(user), pk=pk)
    try:
        flash_success(request, _ACTIONS[action](request, campaign, user))
    except ValidationError as refusal:
        flash_error(request, " ".join(refusal.messages))
    except ConflictError as refusal:
        flash_error(request, str(refusal))
    return redirect("campaigns:detail", campaign.pk)


def _extend_campaign(request: HttpRequest, campaign: Campaign, user: User) -> str:
    n_tasks = lifecycle.extend_campaign(campaign=campaign, at=now(), by=user)
    return f"{count_of(n_tasks, 'task').capitalize()} joined."


def _reschedule_campaign(request: HttpRequest, campaign: Campaign, user: User) -> str:
    n_tasks = lifecycle.reschedule_campaign(
        campaign=campaign, at=now(), by=user, reason=request.POST.get("reason", "")
    )
    return "{n} new dates.".format(n=count_of(n_tasks, "task has", "tasks have").capitalize())


def _close_campaign(request: HttpRequest, campaign: Campaign, user: User) -> str:
    lifecycle.close_campaign(
        campaign=campaign, at=now(), by=user, closing_note=request.POST.get("reason", "")
    )
    return "Migration closed."


def _reopen_campaign(request: HttpRequest, campaign: Campaign, user: User) -> str:
    lifecycle.reopen_campaign(campaign=campaign, by=user, reason=request.POST.get("reason", ""))
    return "Migration reopened."


def _change_campaign(request: HttpRequest, campaign: Campaign, user: User) -> str:
    form = ChangeForm(request.POST, campaign=campaign)
    if not form.is_valid():
        raise ValidationError([str(error) for errors in form.errors.values() for error in errors])
    lifecycle.change_campaign(campaign=campaign, by=user, **form.cleaned_data)
    return "Migration saved."


def _assign_tasks(request: HttpRequest, campaign: Campaign, user: User) -> str:
    form = build_assignment_form(campaign, user, request.POST)
    if form is None or not form.is_valid():
        raise ConflictError("Select a person, and a team or tasks.")
    owner, team = form.cleaned_data["owner"], form.cleaned_data["team"]
    ids = [int(pk) for pk in request.POST.getlist("task") if number_in(pk)]
    if team is None and not ids:
        raise ConflictError("Select at least one task, or a team.")
    outcome = assign_tasks(
        owner=owner,
        by=user,
        campaign=campaign,
        team=team,
        task_ids=None if team is not None else ids,
    )
    for _, refusal in outcome.rejected[:5]:
        flash_error(request, refusal)
    whom = f"assigned to {owner}" if owner else "unassigned"
    return f"{count_of(outcome.n_assigned, 'task is', 'tasks are').capitalize()} {whom}."


_ACTIONS: dict[str, Callable[[HttpRequest, Campaign, User], str]] = {
    "extend": _extend_campaign,
    "reschedule": _reschedule_campaign,
    "close": _close_campaign,
    "reopen": _reopen_campaign,
    "change": _change_campaign,
    "assign": _assign_tasks,
}
