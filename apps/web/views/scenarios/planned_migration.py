"""The migration that carries out a replacement: a campaign with a task and a target for each
dependency of the mapping. What breaks is confirmed first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import open_campaign, subject_of_targets
from apps.exposure.models import Campaign, RunState, ScenarioRun
from apps.exposure.tasks import campaign_opening_key, open_large_campaign
from apps.inventory.models import Dependency
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import DayField, governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.campaigns.create import GOVERNANCE_ONLY, MAX_IMMEDIATE_DEPENDENCIES
from apps.web.views.scenarios.replacement_results import (
    BLOCKER_LABELS,
    ReplacementResult,
    replacement_result,
)
from apps.web.wording import count_of, number

MAX_REASONS = 30


@dataclass(frozen=True, slots=True)
class BlockerGroup:
    """Blockers of one kind: `n` applications have one; `sentences` with their number of
    dependencies, the most frequent first."""

    label: str
    n: int
    sentences: Sequence[tuple[str, int]]
    n_more: int


class PlanForm(forms.Form):
    title = forms.CharField(label="Title", max_length=200)
    due_on = DayField(
        label="Latest finish date of all tasks",
        required=False,
        help_text="Without it, a task whose model has no retirement date has no finish date.",
    )
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False, max_length=10_000)
    is_confirmed = forms.BooleanField(label="", required=False)

    def __init__(self, *args: Any, replacement: ReplacementResult, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if replacement.n_with_blockers:
            noun = _count_applications(replacement.n_with_blockers)
            verb = "has" if replacement.n_with_blockers == 1 else "have"
            self.fields["is_confirmed"].label = f"Plan it although {noun} {verb} a blocker"
        else:
            del self.fields["is_confirmed"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "is_confirmed" in self.fields and not cleaned.pop("is_confirmed", False):
            raise ValidationError(
                "The mapping breaks something, as listed. Confirm that you plan it nevertheless, "
                "or edit the mapping."
            )
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def plan_migration(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what the migration of the run's mapping includes and breaks; a POST opens it."""
    run = get_object_or_404(
        ScenarioRun.objects.visible_to(request.user).select_related("scenario"),
        pk=pk,
        state=RunState.DONE,
    )
    user = governance_user(request, str(GOVERNANCE_ONLY))
    replacement = replacement_result(run.result or {}, run.details)
    # a migration is about the whole organisation
    if replacement is None or not run.whole_organisation:
        raise Http404
    targets = _targets(run)
    n_dependencies = (
        Dependency.objects.live_on(day_of(now())).filter(offering_id__in=targets).count()
    )

    def plan(form: PlanForm) -> Campaign | Offering:
        subject = subject_of_targets(targets, day_of(now()))
        if n_dependencies > MAX_IMMEDIATE_DEPENDENCIES:
            _queue_opening(user.pk, subject, targets, form.cleaned_data)
            return subject
        return open_campaign(
            by=user,
            at=now(),
            offering=subject,
            targets=targets,
            reason="planned from a what-if scenario",
            **form.cleaned_data,
        )

    def describe(planned: Campaign | Offering) -> str:
        if isinstance(planned, Offering):
            return ""
        return f"The migration was opened with {count_of(planned.tasks.count(), 'task')}."

    names = " and ".join(f"{one.by} replaces {one.node}" for one in replacement.mappings)
    return action_view(
        request,
        form=lambda: PlanForm(
            request.POST or None, replacement=replacement, initial={"title": names[:200]}
        ),
        action=plan,
        done=describe,
        back=_planned_url,
        page=lambda form: _render(request, run, replacement, form, n_dependencies),
    )


def _targets(run: ScenarioRun) -> dict[int, int]:
    """Return {offering: target} of all mappings of the run."""
    result: Any = run.result
    return {
        row["old"]: row["new"]
        for mapping in result["replacement"]["mappings"]
        for row in mapping["rows"]
        if row["new"] is not None
    }


def _queue_opening(
    user_id: int, subject: Offering, targets: dict[int, int], facts: dict[str, Any]
) -> None:
    """Queue the creation for a worker."""
    cache.set(campaign_opening_key(event_id=None, offering_id=subject.pk), "", timeout=3600)
    try:
        open_large_campaign.delay(
            user_id=user_id,
            event_id=None,
            offering_id=subject.pk,
            target_id=None,
            targets=[[old, new] for old, new in targets.items()],
            title=facts["title"],
            note=facts["note"],
            due_on=facts["due_on"].isoformat() if facts["due_on"] else None,
        )
    except OperationalError as error:
        # nothing is stored yet, so no later run can pick it up
        raise ValidationError(
            "The background worker is not available. Try again in a minute."
        ) from error


def _planned_url(planned: Campaign | Offering) -> str:
    if isinstance(planned, Offering):
        return f"{reverse('campaigns:create-progress')}?offering={planned.pk}"
    return reverse("campaigns:detail", args=[planned.pk])


def _render(
    request: HttpRequest,
    run: ScenarioRun,
    replacement: ReplacementResult,
    form: PlanForm,
    n_dependencies: int,
) -> HttpResponse:
    n_left = sum(mapping.n_left for mapping in replacement.mappings)
    return render_page(
        request,
        "what-ifs/migration.html",
        title="New migration",
        crumbs=(
            ("What-if scenarios", reverse("scenarios:preview")),
            (run.scenario.name, reverse("scenario-runs:detail", args=[run.pk])),
        ),
        counts="Active dependencies in any role",
        sentence=_headline(replacement, n_dependencies),
        as_of_day=run.as_of,
        form=form,
        n=n_dependencies,
        n_left=n_left,
        groups=_group_blockers(replacement),
        run=run,
    )


def _headline(replacement: ReplacementResult, n_dependencies: int) -> Headline:
    noun = "dependency" if n_dependencies == 1 else "dependencies"
    opening = (
        f"{number(n_dependencies)} {noun} would each get a task with the target of the mapping"
    )
    if not replacement.n_with_blockers:
        return Headline(f"{opening}.")
    verb = "has" if replacement.n_with_blockers == 1 else "have"
    noun = _count_applications(replacement.n_with_blockers)
    return Headline(f"{opening}; ", f"{noun} {verb} a blocker", ".")


def _count_applications(n: int) -> str:
    return f"{number(n)} application{'' if n == 1 else 's'}"


def _group_blockers(replacement: ReplacementResult) -> list[BlockerGroup]:
    """Return what stands against the mapping, by kind, of the listed applications."""
    sentences: dict[str, Counter[str]] = {}
    for row in replacement.listed:
        for blocker in row["blockers"]:
            sentences.setdefault(blocker["kind"], Counter())[blocker["sentence"]] += 1
    return [
        BlockerGroup(
            label,
            replacement.n_by_blocker.get(kind, 0),
            sentences[kind].most_common(MAX_REASONS),
            max(0, len(sentences[kind]) - MAX_REASONS),
        )
        for kind, label in BLOCKER_LABELS.items()
        if kind in sentences
    ]
