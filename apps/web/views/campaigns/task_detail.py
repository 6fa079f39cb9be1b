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
from apps.exposure.campaigns.lifecycle import UNFINISHED
from apps.exposure.campaigns.progress import visible_tasks
from apps.exposure.campaigns.reach import task_due_dates, task_target
from apps.exposure.campaigns.sign_off_requirements import SignOffRequirements, task_requirements
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS
from apps.exposure.models import Campaign, CampaignTask, TaskStep
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.campaigns.create import candidates_for
from apps.web.wording import count_of, long_day

State = CampaignTask.State
MAX_SEARCH_RESULTS = 15


class MeasureForm(forms.Form):
    metric = forms.CharField(label="Metric", max_length=120)
    before = forms.DecimalField(label="Before", required=False)
    after = forms.DecimalField(label="After", required=False)


class DeferForm(forms.Form):
    until = DayField(label="Until", help_text="Expires on (not valid from this date).")
    why = forms.CharField(
        label="Reason", widget=forms.Textarea(attrs={"rows": 2}), max_length=10_000
    )


@require_safe
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found = get_object_or_404(visible_tasks(user=user), pk=pk)
    application = found.dependency.application
    gate = task_requirements(task=found, at=at)
    may_edit = user.may(TeamRole.EDITOR, application.team_id)
    is_under_way = (
        found.state not in {State.DONE, State.OBSOLETE}
        and found.campaign.state == Campaign.State.OPEN
    )
    target = task_target(found)
    return render_page(
        request,
        "campaigns/task.html",
        title=f"{application.name}, off {found.dependency.offering.api_id}",
        crumbs=(
            ("Campaigns", reverse("campaigns:list")),
            (found.campaign.title, reverse("campaigns:detail", args=[found.campaign_id])),
        ),
        counts="Steps and evidence of this task",
        as_of=at,
        sentence=sentence(found, gate),
        task=found,
        target=target,
        due=task_due_dates(tasks=[found.pk])[found.pk],
        gate=gate,
        steps=found.steps.select_related("done_by").order_by("place", "pk"),
        by_deed=AUTOMATIC_STEPS,
        can_edit=may_edit and is_under_way,
        can_sign=user.may(TeamRole.OWNER, application.team_id),
        is_under_way=is_under_way,
        is_overdue=found.due_on is not None
        and found.due_on < day_of(at)
        and found.state in UNFINISHED,
        owners=[
            person
            for person, rank in members_of(team=application.team)
            if rank >= TeamRole.EDITOR.rank
        ]
        if may_edit
        else [],
        words=(words := _words(request)),
        candidates=_candidates(request, found, words)
        if may_edit and is_under_way and not found.successor
        else (),
        waive_form=DeferForm(),
        measure_form=MeasureForm(),
        today=day_of(at),
    )


def _words(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]


def _candidates(request: HttpRequest, found: CampaignTask, words: str) -> Any:
    """What one searched for, or what lies near: the campaign's target and the host's other
    releases."""
    if len(words) > 1:
        hits = Offering.objects.visible_to(request.user).filter(api_id__icontains=words)
        return hits.select_related("host").order_by("api_id", "pk")[:MAX_SEARCH_RESULTS]
    near = list(candidates_for(found.campaign.subject)[:MAX_SEARCH_RESULTS])
    usual = found.campaign.target
    return [usual, *(row for row in near if row != usual)] if usual is not None else near


def sentence(found: CampaignTask, gate: SignOffRequirements) -> Headline:
    name = found.dependency.application.name
    if found.state == State.DONE:
        return Headline(f"{name} has moved; {found.signed_off_by} signed it off.")
    if found.state == State.OBSOLETE:
        return Headline(f"{name} no longer uses it: nothing is left to move.")
    if found.state == State.WAIVED and found.waived_until:
        return Headline(f"Waived until {long_day(found.waived_until)}, then it opens again.")
    if gate.is_open:
        return Headline(f"{name} is ready: an owner or governance signs it off.")
    due = f" by {long_day(found.due_on)}" if found.due_on else ""
    return Headline(
        "{n} missing before {name} can be signed off{due}.".format(
            n=count_of(len(gate.missing), "thing is", "things are").capitalize(), name=name, due=due
        )
    )


@require_POST
def change_task(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Change a task: assign, due, target, measure, add-step, switch, sign, waive, lift, reopen."""
    user = signed_in_user(request)
    found = get_object_or_404(
        CampaignTask.objects.visible_to(user).select_related("dependency__application"), pk=pk
    )
    if action not in _ACTIONS:
        raise Http404
    role, do = _ACTIONS[action]
    _require(user, role, found)
    _told(request, do, found, user)
    return redirect("campaign-tasks:detail", found.pk)


@require_POST
def change_step(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Complete or reopen one step."""
    user = signed_in_user(request)
    seen = TaskStep.objects.filter(task__in=CampaignTask.objects.visible_to(user))
    found = get_object_or_404(seen.select_related("task__dependency__application"), pk=pk)
    if action not in {"tick", "untick"}:
        raise Http404
    _require(user, TeamRole.EDITOR, found.task)

    def do(request: HttpRequest, task: CampaignTask, user: User) -> str:
        if action == "tick":
            task_actions.complete_step(
                step=found, at=now(), by=user, note=request.POST.get("note", "")
            )
            return f"Done: {found.title}."
        task_actions.reopen_step(step=found, at=now(), by=user)
        return f"Open again: {found.title}."

    _told(request, do, found.task, user)
    return redirect("campaign-tasks:detail", found.task_id)


type Work = Callable[[HttpRequest, CampaignTask, User], str]


def _told(request: HttpRequest, do: Work, found: CampaignTask, user: User) -> None:
    try:
        said = do(request, found, user)
    except ValidationError as refusal:
        flash_error(request, " ".join(refusal.messages))
    except ConflictError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(request, said)


def _require(user: User, role: TeamRole, found: CampaignTask) -> None:
    if not user.may(role, found.dependency.application.team_id):
        raise PermissionDenied(
            "You need the owner role on the team of the application, or the governance role."
            if role == TeamRole.OWNER
            else "You need the editor role on the team of the application to work on its tasks."
        )


def _valid(form: forms.Form) -> dict[str, Any]:
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


def _assign(request: HttpRequest, found: CampaignTask, user: User) -> str:
    name = request.POST.get("owner", "")
    owner = get_object_or_404(User.objects.filter(is_active=True), username=name) if name else None
    task_actions.assign_task(task=found, owner=owner, by=user)
    return f"The task is {owner}'s." if owner else "The task has no owner."


class _DueForm(forms.Form):
    due_on = DayField(label="Due")


def _due(request: HttpRequest, found: CampaignTask, user: User) -> str:
    day = _valid(_DueForm(request.POST))["due_on"]
    task_actions.set_due_date(task=found, due_on=day, by=user)
    return f"Due on {long_day(day)}."


def _target(request: HttpRequest, found: CampaignTask, user: User) -> str:
    pk = request.POST.get("target", "")
    if not pk.isdecimal():
        raise ConflictError("Select one of the offerings.")
    target = get_object_or_404(Offering.objects.visible_to(user), pk=pk)
    task_actions.choose_target(task=found, target=target, at=now(), by=user)
    return f"It moves to {target.api_id}."


def _measure(request: HttpRequest, found: CampaignTask, user: User) -> str:
    said = _valid(MeasureForm(request.POST))
    before, after = (
        {} if said[side] is None else {said["metric"]: said[side]} for side in ("before", "after")
    )
    if not before and not after:
        raise ConflictError("Enter at least one of the two values.")
    task_actions.record_measurements(task=found, at=now(), by=user, before=before, after=after)
    return f"{said['metric']} is recorded."


def _add_step(request: HttpRequest, found: CampaignTask, user: User) -> str:
    made = task_actions.add_step(
        task=found,
        title=request.POST.get("title", ""),
        at=now(),
        by=user,
        required="required" in request.POST,
    )
    return f"Added: {made.title}."


class _SwitchForm(forms.Form):
    on = DayField(label="From")


def _switch(request: HttpRequest, found: CampaignTask, user: User) -> str:
    on = _valid(_SwitchForm(request.POST))["on"]
    switched = task_actions.switch_task(task=found, on=on, at=now(), by=user)
    assert switched.successor is not None
    return (
        f"{found.dependency.application.name} calls {switched.successor.offering.api_id} "
        f"from {long_day(on)}."
    )


def _sign(request: HttpRequest, found: CampaignTask, user: User) -> str:
    signatures.sign_off(task=found, at=now(), by=user, reason=request.POST.get("reason", ""))
    return "Signed off."


def _waive(request: HttpRequest, found: CampaignTask, user: User) -> str:
    said = _valid(DeferForm(request.POST))
    signatures.waive_task(task=found, until=said["until"], reason=said["why"], at=now(), by=user)
    return f"Waived until {long_day(said['until'])}."


def _lift(request: HttpRequest, found: CampaignTask, user: User) -> str:
    signatures.cancel_waiver(task=found, at=now(), by=user)
    return "The waiver is lifted."


def _reopen(request: HttpRequest, found: CampaignTask, user: User) -> str:
    signatures.reopen_task(task=found, at=now(), by=user, reason=request.POST.get("reason", ""))
    return "The task is open again."


_ACTIONS: dict[str, tuple[TeamRole, Work]] = {
    "assign": (TeamRole.EDITOR, _assign),
    "due": (TeamRole.EDITOR, _due),
    "target": (TeamRole.EDITOR, _target),
    "measure": (TeamRole.EDITOR, _measure),
    "add-step": (TeamRole.EDITOR, _add_step),
    "switch": (TeamRole.EDITOR, _switch),
    "sign": (TeamRole.OWNER, _sign),
    "waive": (TeamRole.OWNER, _waive),
    "lift": (TeamRole.OWNER, _lift),
    "reopen": (TeamRole.OWNER, _reopen),
}
