"""Lists of campaigns and of tasks."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.common.time import day_of, now
from apps.exposure.campaigns.filters import CampaignFilter, CampaignTaskFilter
from apps.exposure.campaigns.progress import CampaignProgress, campaign_progress, visible_tasks
from apps.exposure.models import Campaign, CampaignTask
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of, describe_timing

CAMPAIGN_ORDERS = Sorting(
    {
        "opened": ("Opened", ("-opened_at", "pk")),
        "title": ("Campaign", ("title", "pk")),
        "due": ("Due", ("due_on", "pk")),
    }
)
TASK_ORDERS = Sorting(
    {
        "finish": ("Finish by", ("finish_by", "pk")),
        "start": ("Start by", ("start_by", "pk")),
        "state": ("State", ("state", "finish_by", "pk")),
    }
)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: Campaign
    progress: CampaignProgress
    done: int
    """Percentage of tasks that are signed off or no longer needed."""


def _filter_campaigns(request: HttpRequest) -> CampaignFilter:
    return CampaignFilter(
        request.GET,
        Campaign.objects.visible_to(request.user).select_related(
            "subject__host",
            "target__host",
            "announcement__version",
            "announcement__foundation",
            "announcement__provider",
            "announcement__offering__host",
        ),
        request=request,
    )


@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    filterset = _filter_campaigns(request)
    listing = PaginatedList(request, CAMPAIGN_ORDERS.apply(request, filterset.qs))
    progress = campaign_progress(
        campaigns=[row.pk for row in listing.rows], user=user, on=day_of(at)
    )
    return render_page(
        request,
        "campaigns/list.html",
        fragment="listing",
        title="Migrations",
        counts="Tasks you may see",
        as_of=at,
        sentence=_build_headline(user, day_of(at)),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Search", "search"),
                FilterControl("state", "State", choices=Campaign.State.choices),
            ],
        ),
        listing=listing,
        columns=CAMPAIGN_ORDERS.columns(request),
        rows=[
            CampaignRow(row, progress[row.pk], _settled_percent(progress[row.pk]))
            for row in listing.rows
        ],
        can_open=user.is_governance,
    )


def _settled_percent(progress: CampaignProgress) -> int:
    return round(100 * progress.n_settled / progress.n_tasks) if progress.n_tasks else 0


def _build_headline(user: Any, today: date) -> Headline:
    """State the number of open campaigns and of late tasks; two statements."""
    n_open = Campaign.objects.visible_to(user).filter(state=Campaign.State.OPEN).count()
    open_tasks = CampaignTask.objects.visible_to(user).filter(campaign__state=Campaign.State.OPEN)
    late_tasks = open_tasks.overdue(today) | open_tasks.too_late(today)
    n_late = late_tasks.order_by()[:10_001].count()
    if n_open == 0:
        return Headline("No campaign is open.")
    start = "{n} open".format(n=count_of(n_open, "campaign is", "campaigns are").capitalize())
    if n_late:
        return Headline(f"{start}. ", f"{count_of(n_late, 'task is', 'tasks are')} late", ".")
    return Headline(f"{start}. No task is late.")


@require_safe
def campaign_csv(request: HttpRequest) -> StreamingHttpResponse:
    user, today = signed_in_user(request), day_of(now())
    campaigns = list(CAMPAIGN_ORDERS.apply(request, _filter_campaigns(request).qs)[:10_000])
    progress = campaign_progress(campaigns=[row.pk for row in campaigns], user=user, on=today)
    return csv_response(
        "campaigns",
        [
            "campaign",
            "ends or changes",
            "host",
            "ends",
            "target",
            "state",
            "opened",
            "due",
            "tasks",
            "settled",
            "overdue",
            "too late",
            "unassigned",
            "days left",
        ],
        campaigns,
        lambda row: [
            row.title,
            row.subject.api_id,
            row.subject.host.name,
            row.subject.retires_on,
            row.target.api_id if row.target else "",
            row.get_state_display(),
            row.opened_at,
            row.due_on,
            progress[row.pk].n_tasks,
            progress[row.pk].n_settled,
            progress[row.pk].n_overdue,
            progress[row.pk].n_too_late,
            progress[row.pk].n_unowned,
            progress[row.pk].days_left,
        ],
    )


def _filter_tasks(request: HttpRequest) -> CampaignTaskFilter:
    return CampaignTaskFilter(request.GET, visible_tasks(user=request.user), request=request)


@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """List all tasks that the user may see, of any campaign."""
    user, at = signed_in_user(request), now()
    filterset = _filter_tasks(request)
    listing = PaginatedList(request, TASK_ORDERS.apply(request, filterset.qs))
    teams = Team.objects.visible_to(user).values_list("slug", "name")
    task_count = (
        count_of(listing.n_found, "task") if not listing.is_cut else f"{listing.count} tasks"
    )
    return render_page(
        request,
        "campaigns/tasks.html",
        fragment="listing",
        title="Migration tasks",
        counts="Tasks you may see",
        as_of=at,
        sentence=Headline(
            f"{task_count[:1].upper()}{task_count[1:]}"
            f"{' match the filters' if listing.is_filtered else ''}."
        ),
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
    )


@require_safe
def task_csv(request: HttpRequest) -> StreamingHttpResponse:
    today = day_of(now())
    return csv_response(
        "campaign-tasks",
        [
            "campaign",
            "application",
            "team",
            "role",
            "calls",
            "host",
            "moves to",
            "owner",
            "state",
            "start by",
            "finish by",
            "timing",
            "signed off",
            "waived until",
        ],
        TASK_ORDERS.apply(request, _filter_tasks(request).qs).iterator(chunk_size=1000),
        lambda row: [
            row.campaign.title,
            row.dependency.application.name,
            row.dependency.application.team.name,
            row.dependency.get_role_display(),
            row.dependency.offering.api_id,
            row.dependency.offering.host.name,
            _target_model_id(row),
            str(row.owner or ""),
            row.get_state_display(),
            row.start_by,
            row.finish_by,
            describe_timing(row.timing(today)),
            row.signed_off_at,
            row.waived_until,
        ],
    )


def _target_model_id(task: CampaignTask) -> str:
    target = task.successor.offering if task.successor else task.target or task.campaign.target
    return target.api_id if target else ""
