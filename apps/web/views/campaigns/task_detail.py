"""Task page: what the sign-off still requires, before and after, its steps; and every action on the
task."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.queries import members_of
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.campaigns import signatures, task_actions
from apps.exposure.campaigns.progress import visible_tasks
from apps.exposure.campaigns.reach import campaign_offering_ids, task_dates, task_target
from apps.exposure.campaigns.sign_off_requirements import SignOffRequirements, task_requirements
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.inventory.candidate_checks import (
    breaks_of,
    check_candidates,
    refuse_unconfirmed,
    replacement_of,
)
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.measured_migrations import measured_effort
from apps.web.views.campaigns.targets import target_groups
from apps.web.views.tickets.cards import task_tickets, ticket_entries
from apps.web.wording import count_of, describe_timing, long_day

State = CampaignTask.State
MAX_SEARCH_RESULTS = 15
# matches that are counted; a search that finds more is too wide
MAX_MATCHES = 1_000


class MeasureForm(forms.Form):
    metric = forms.CharField(
        label="Metric", max_length=120, error_messages={"required": "Enter a metric."}
    )
    before = forms.DecimalField(label="Before", required=False)
    after = forms.DecimalField(label="After", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and cleaned["before"] is None and cleaned["after"] is None:
            self.add_error(None, "Enter at least one of the two values.")
        return cleaned


class DeferForm(forms.Form):
    until = DayField(
        label="Deferred until",
        help_text="Expires on (not valid from this date).",
        error_messages={"required": "Enter the date until which the task is deferred."},
    )
    why = forms.CharField(
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=10_000,
        error_messages={"required": "Enter a reason."},
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(required=False)


class _OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True),
        to_field_name="username",
        required=False,
        error_messages={"invalid_choice": "Select a person from the list."},
    )


class _DatesForm(forms.Form):
    start_by = DayField(label="Start by", required=False)
    finish_by = DayField(
        label="Finish by", error_messages={"required": "Enter the date to finish by."}
    )


class _TargetForm(forms.Form):
    target = forms.ModelChoiceField(
        Offering.objects.all(),
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), "Select one of the offerings."
        ),
    )
    confirm_breaks = forms.BooleanField(required=False)


class _StepForm(forms.Form):
    title = forms.CharField(required=False)
    required = forms.BooleanField(required=False)


class _SwitchForm(forms.Form):
    on = DayField(label="From", error_messages={"required": "Enter the date of the switch."})


class _NoteForm(forms.Form):
    note = forms.CharField(required=False)


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
    marked = _mark_targets(task, candidates[:MAX_SEARCH_RESULTS], day_of(at))
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
        candidates=marked,
        has_breaks=any(breaks for _, breaks in marked),
        n_candidates=len(candidates),
        waive_form=DeferForm(),
        measure_form=MeasureForm(),
        measured=measured_effort(
            user,
            set(task.dependency.adaptations.order_by().values_list("kind", flat=True)),
        )
        if is_under_way
        else None,
        today=day_of(at),
        tickets=task_tickets(task, user, can_edit=may_edit and is_under_way),
        timeline=ticket_entries(task=task),
    )


def _search_text(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def _mark_targets(
    task: CampaignTask, candidates: Sequence[Offering], today: date
) -> list[tuple[Offering, Sequence[str]]]:
    """Return each target with phrases about what it would break; five statements at most."""
    checks = check_candidates(replacement_of(task.dependency), candidates, on=today)
    return [
        (candidate, [found.phrase for found in checks[candidate.pk].breaks])
        for candidate in candidates
    ]


def _list_targets(request: HttpRequest, task: CampaignTask, search_text: str) -> list[Offering]:
    """Return the offerings that match the search; without one the named successors and other
    releases on the host, those of the same region first."""
    if len(search_text) > 1:
        offerings = (
            Offering.objects.model_ids()
            .visible_to(request.user)
            .filter(api_id__icontains=search_text)
        )
        return list(
            offerings.select_related("host", "version__foundation").order_by("api_id", "pk")[
                :MAX_MATCHES
            ]
        )
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
    role, form_class, change = _ACTIONS[action]
    _require_role(user, role, task)
    return action_view(
        request,
        form=lambda: form_class(request.POST),
        action=lambda form: change(task, user, form.cleaned_data),
        done=str,
        back=reverse("campaign-tasks:detail", args=[pk]),
    )


@require_POST
def change_step(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Complete or reopen one step."""
    user = signed_in_user(request)
    steps = TaskStep.objects.filter(task__in=CampaignTask.objects.visible_to(user))
    step = get_object_or_404(steps.select_related("task__dependency__application"), pk=pk)
    if action not in {"tick", "untick"}:
        raise Http404
    _require_role(user, TeamRole.EDITOR, step.task)

    def change(form: _NoteForm) -> str:
        if action == "tick":
            task_actions.complete_step(step=step, at=now(), by=user, note=form.cleaned_data["note"])
            return f"Step completed: {step.title}."
        task_actions.reopen_step(step=step, at=now(), by=user)
        return f"Step reopened: {step.title}."

    return action_view(
        request,
        form=lambda: _NoteForm(request.POST),
        action=change,
        done=str,
        back=reverse("campaign-tasks:detail", args=[step.task_id]),
    )


def _require_role(user: User, role: TeamRole, task: CampaignTask) -> None:
    if not user.may(role, task.dependency.application.team_id):
        raise PermissionDenied(
            "You need the owner role on the team of the application, or the governance role."
            if role == TeamRole.OWNER
            else "You need the editor role on the team of the application to work on its tasks."
        )


def _assign_task(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    owner = data["owner"]
    task_actions.assign_task(task=task, owner=owner, by=user)
    return f"The task was assigned to {owner}." if owner else "The task is unassigned."


def _set_task_dates(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    changed = task_actions.set_task_dates(
        task=task,
        finish_by=data["finish_by"],
        start_by=data["start_by"],
        at=now(),
        by=user,
    )
    assert changed.start_by is not None
    assert changed.finish_by is not None
    return f"Start by {long_day(changed.start_by)}, finish by {long_day(changed.finish_by)}."


def _choose_target(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    breaks = breaks_of(replacement_of(task.dependency), data["target"], on=day_of(now()))
    refuse_unconfirmed(breaks, confirmed=data["confirm_breaks"])
    task_actions.choose_target(task=task, target=data["target"], at=now(), by=user)
    return f"The target is {data['target'].api_id}."


def _record_measurements(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    before, after = (
        {} if data[name] is None else {data["metric"]: data[name]} for name in ("before", "after")
    )
    task_actions.record_measurements(task=task, at=now(), by=user, before=before, after=after)
    return f"{data['metric']} was recorded."


def _add_step(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    step = task_actions.add_step(
        task=task, title=data["title"], at=now(), by=user, required=data["required"]
    )
    return f"Step added: {step.title}."


def _switch_task(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    switched = task_actions.switch_task(task=task, on=data["on"], at=now(), by=user)
    assert switched.successor is not None
    return (
        f"{task.dependency.application.name} uses {switched.successor.offering.api_id} from "
        f"{long_day(data['on'])}."
    )


def _sign_off(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    signatures.sign_off(task=task, at=now(), by=user, reason=data["reason"])
    return "Task signed off."


def _waive_task(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    signatures.waive_task(task=task, until=data["until"], reason=data["why"], at=now(), by=user)
    return f"Task deferred until {long_day(data['until'])}."


def _cancel_waiver(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    signatures.cancel_waiver(task=task, at=now(), by=user)
    return "Deferral cancelled."


def _reopen_task(task: CampaignTask, user: User, data: Mapping[str, Any]) -> str:
    signatures.reopen_task(task=task, at=now(), by=user, reason=data["reason"])
    return "Sign-off undone."


type Change = Callable[[CampaignTask, User, Mapping[str, Any]], str]

# {action: (the role that it needs, its form, the change)}
_ACTIONS: dict[str, tuple[TeamRole, type[forms.Form], Change]] = {
    "assign": (TeamRole.EDITOR, _OwnerForm, _assign_task),
    "dates": (TeamRole.EDITOR, _DatesForm, _set_task_dates),
    "target": (TeamRole.EDITOR, _TargetForm, _choose_target),
    "measure": (TeamRole.EDITOR, MeasureForm, _record_measurements),
    "add-step": (TeamRole.EDITOR, _StepForm, _add_step),
    "switch": (TeamRole.EDITOR, _SwitchForm, _switch_task),
    "sign": (TeamRole.OWNER, ReasonForm, _sign_off),
    "waive": (TeamRole.OWNER, DeferForm, _waive_task),
    "lift": (TeamRole.OWNER, forms.Form, _cancel_waiver),
    "reopen": (TeamRole.OWNER, ReasonForm, _reopen_task),
}
