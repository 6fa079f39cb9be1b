"""Task page: what the sign-off still requires, before and after, its steps; and every action on the
task."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.errors import ConflictError
from apps.common.time import day_of, now
from apps.exposure.campaigns import signatures, task_actions
from apps.exposure.campaigns.progress import visible_tasks
from apps.exposure.campaigns.reach import campaign_offering_ids, task_dates, task_target
from apps.exposure.campaigns.sign_off_requirements import SignOffRequirements, task_requirements
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.campaigns.targets import target_groups
from apps.web.wording import count_of, describe_timing, long_day

State = CampaignTask.State
MAX_SEARCH_RESULTS = 15
# matches that are counted; a search that finds more is too wide
MAX_MATCHES = 1_000


class MeasureForm(forms.Form):
    metric = forms.CharField(label="Metric", max_length=120)
    before = forms.DecimalField(label="Before", required=False)
    after = forms.DecimalField(label="After", required=False)


class DeferForm(forms.Form):
    until = DayField(label="Deferred until", help_text="Expires on (not valid from this date).")
    why = forms.CharField(
        label="Reason", widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000
    )


@require_safe
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    task = get_object_or_404(visible_tasks(user=user), pk=pk)
    application = task.dependency.application
    requirements = task_requirements(task=task, at=at)
    may_edit = user.may(TeamRole.EDITOR, application.team_id)
    is_under_way = (
        task.state not in {State.DONE, State.OBSOLETE}
        and task.campaign.state == Campaign.State.OPEN
    )
    target = task_target(task)
    search_text = _search_text(request)
    candidates = (
        _list_targets(request, task, search_text)
        if may_edit and is_under_way and not task.successor
        else []
    )
    return render_page(
        request,
        "campaigns/task.html",
        title=f"{application.name}, off {task.dependency.offering.api_id}",
        crumbs=(
            ("Migrations", reverse("campaigns:list")),
            (task.campaign.title, reverse("campaigns:detail", args=[task.campaign_id])),
        ),
        counts="Steps and evidence of this task",
        as_of=at,
        sentence=task_headline(task, requirements),
        task=task,
        target=target,
        dates=task_dates(tasks=[task.pk])[task.pk],
        gate=requirements,
        steps=task.steps.select_related("done_by").order_by("place", "pk"),
        by_deed=AUTOMATIC_STEPS,
        can_edit=may_edit and is_under_way,
        can_sign=user.may(TeamRole.OWNER, application.team_id),
        is_under_way=is_under_way,
        timing=describe_timing(task.timing(day_of(at))),
        owners=[
            person
            for person, rank in members_of(team=application.team)
            if rank >= TeamRole.EDITOR.rank
        ]
        if may_edit
        else [],
        words=search_text,
        candidates=candidates[:MAX_SEARCH_RESULTS],
        n_candidates=len(candidates),
        waive_form=DeferForm(),
        measure_form=MeasureForm(),
        today=day_of(at),
    )


def _search_text(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def _list_targets(request: HttpRequest, task: CampaignTask, search_text: str) -> list[Offering]:
    """Return the offerings that match the search; without one the named successors and other
    releases on the host, those of the same region first."""
    if len(search_text) > 1:
        offerings = Offering.objects.visible_to(request.user).filter(api_id__icontains=search_text)
        return list(offerings.select_related("host").order_by("api_id", "pk")[:MAX_MATCHES])
    campaign = task.campaign
    successor = campaign.announcement.successor if campaign.announcement else None
    groups = target_groups(
        task.dependency.offering,
        named=[campaign.target, successor],
        leaving=campaign_offering_ids(campaign),
    )
    return [offering for group in groups for offering in group.offerings]


def task_headline(task: CampaignTask, requirements: SignOffRequirements) -> Headline:
    name = task.dependency.application.name
    if task.state == State.DONE:
        return Headline(f"{name} has migrated. {task.signed_off_by} signed off the task.")
    if task.state == State.OBSOLETE:
        return Headline(f"{name} no longer uses the model. The task is obsolete.")
    if task.state == State.WAIVED and task.waived_until:
        return Headline(
            f"Deferred until {long_day(task.waived_until)}. The task reopens on that date."
        )
    if requirements.is_open:
        return Headline(f"{name} is ready for sign-off by an owner or a governance user.")
    due_clause = f" by {long_day(task.finish_by)}" if task.finish_by else ""
    return Headline(
        "{n} for the sign-off of {name}{due}.".format(
            n=count_of(
                len(requirements.missing), "requirement is missing", "requirements are missing"
            ).capitalize(),
            name=name,
            due=due_clause,
        )
    )


@require_POST
def change_task(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Change a task by one of `_ACTIONS`."""
    user = signed_in_user(request)
    task = get_object_or_404(
        CampaignTask.objects.visible_to(user).select_related("dependency__application"), pk=pk
    )
    if action not in _ACTIONS:
        raise Http404
    role, change = _ACTIONS[action]
    _require_role(user, role, task)
    _change_and_report(request, change, task, user)
    return redirect("campaign-tasks:detail", task.pk)


@require_POST
def change_step(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Complete or reopen one step."""
    user = signed_in_user(request)
    steps = TaskStep.objects.filter(task__in=CampaignTask.objects.visible_to(user))
    step = get_object_or_404(steps.select_related("task__dependency__application"), pk=pk)
    if action not in {"tick", "untick"}:
        raise Http404
    _require_role(user, TeamRole.EDITOR, step.task)

    def change(request: HttpRequest, task: CampaignTask, user: User) -> str:
        if action == "tick":
            task_actions.complete_step(
                step=step, at=now(), by=user, note=request.POST.get("note", "")
            )
            return f"Step completed: {step.title}."
        task_actions.reopen_step(step=step, at=now(), by=user)
        return f"Step reopened: {step.title}."

    _change_and_report(request, change, step.task, user)
    return redirect("campaign-tasks:detail", step.task_id)


type Work = Callable[[HttpRequest, CampaignTask, User], str]


def _change_and_report(request: HttpRequest, change: Work, task: CampaignTask, user: User) -> None:
    try:
        message = change(request, task, user)
    except ValidationError as refusal:
        flash_error(request, " ".join(refusal.messages))
    except ConflictError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(request, message)


def _require_role(user: User, role: TeamRole, task: CampaignTask) -> None:
    if not user.may(role, task.dependency.application.team_id):
        raise PermissionDenied(
            "You need the owner role on the team of the application, or the governance role."
            if role == TeamRole.OWNER
            else "You need the editor role on the team of the application to work on its tasks."
        )


def _cleaned_data(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        labels = {name: field.label for name, field in form.fields.items()}
        raise ValidationError(
            [
                f"{labels.get(name, '')}: {error}"
                for name, errors in form.errors.items()
                for error in errors
            ]
        )
    return form.cleaned_data


def _assign_task(request: HttpRequest, task: CampaignTask, user: User) -> str:
    name = request.POST.get("owner", "")
    owner = get_object_or_404(User.objects.filter(is_active=True), username=name) if name else None
    task_actions.assign_task(task=task, owner=owner, by=user)
    return f"The task was assigned to {owner}." if owner else "The task is unassigned."


class _DatesForm(forms.Form):
    start_by = DayField(label="Start by", required=False)
    finish_by = DayField(label="Finish by")


def _set_task_dates(request: HttpRequest, task: CampaignTask, user: User) -> str:
    cleaned = _cleaned_data(_DatesForm(request.POST))
    changed = task_actions.set_task_dates(
        task=task,
        finish_by=cleaned["finish_by"],
        start_by=cleaned["start_by"],
        at=now(),
        by=user,
    )
    assert changed.start_by is not None
    assert changed.finish_by is not None
    return f"Start by {long_day(changed.start_by)}, finish by {long_day(changed.finish_by)}."


def _choose_target(request: HttpRequest, task: CampaignTask, user: User) -> str:
    pk = request.POST.get("target", "")
    if not pk.isdecimal():
        raise ConflictError("Select one of the offerings.")
    target = get_object_or_404(Offering.objects.visible_to(user), pk=pk)
    task_actions.choose_target(task=task, target=target, at=now(), by=user)
    return f"The target is {target.api_id}."


def _record_measurements(request: HttpRequest, task: CampaignTask, user: User) -> str:
    cleaned = _cleaned_data(MeasureForm(request.POST))
    before, after = (
        {} if cleaned[field_name] is None else {cleaned["metric"]: cleaned[field_name]}
        for field_name in ("before", "after")
    )
    if not before and not after:
        raise ConflictError("Enter at least one of the two values.")
    task_actions.record_measurements(task=task, at=now(), by=user, before=before, after=after)
    return f"{cleaned['metric']} was recorded."


def _add_step(request: HttpRequest, task: CampaignTask, user: User) -> str:
    step = task_actions.add_step(
        task=task,
        title=request.POST.get("title", ""),
        at=now(),
        by=user,
        required="required" in request.POST,
    )
    return f"Step added: {step.title}."


class _SwitchForm(forms.Form):
    on = DayField(label="From")


def _switch_task(request: HttpRequest, task: CampaignTask, user: User) -> str:
    on = _cleaned_data(_SwitchForm(request.POST))["on"]
    switched = task_actions.switch_task(task=task, on=on, at=now(), by=user)
    assert switched.successor is not None
    return (
        f"{task.dependency.application.name} uses {switched.successor.offering.api_id} from "
        f"{long_day(on)}."
    )


def _sign_off(request: HttpRequest, task: CampaignTask, user: User) -> str:
    signatures.sign_off(task=task, at=now(), by=user, reason=request.POST.get("reason", ""))
    return "Task signed off."


def _waive_task(request: HttpRequest, task: CampaignTask, user: User) -> str:
    cleaned = _cleaned_data(DeferForm(request.POST))
    signatures.waive_task(
        task=task, until=cleaned["until"], reason=cleaned["why"], at=now(), by=user
    )
    return f"Task deferred until {long_day(cleaned['until'])}."


def _cancel_waiver(request: HttpRequest, task: CampaignTask, user: User) -> str:
    signatures.cancel_waiver(task=task, at=now(), by=user)
    return "Deferral cancelled."


def _reopen_task(request: HttpRequest, task: CampaignTask, user: User) -> str:
    signatures.reopen_task(task=task, at=now(), by=user, reason=request.POST.get("reason", ""))
    return "Sign-off undone."


_ACTIONS: dict[str, tuple[TeamRole, Work]] = {
    "assign": (TeamRole.EDITOR, _assign_task),
    "dates": (TeamRole.EDITOR, _set_task_dates),
    "target": (TeamRole.EDITOR, _choose_target),
    "measure": (TeamRole.EDITOR, _record_measurements),
    "add-step": (TeamRole.EDITOR, _add_step),
    "switch": (TeamRole.EDITOR, _switch_task),
    "sign": (TeamRole.OWNER, _sign_off),
    "waive": (TeamRole.OWNER, _waive_task),
    "lift": (TeamRole.OWNER, _cancel_waiver),
    "reopen": (TeamRole.OWNER, _reopen_task),
}
