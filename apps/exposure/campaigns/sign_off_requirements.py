"""Requirements for signing off a task: evidence on the own workload, before and after, and the
steps.

One implementation for one task and for thousands; the caller's tasks cost three statements
together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.catalog.models import Offering
from apps.common.time import day_of
from apps.exposure.campaigns.reach import task_target
from apps.exposure.campaigns.steps import OWN_EVALUATION
from apps.exposure.models import CampaignTask, TaskStep
from apps.risks.models import Evidence


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric of the own workload before and after the migration; None if not measured."""

    metric: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class SignOffRequirements:
    """`evidence` is valid today; `missing` lists unmet requirements as sentences, most important
    first."""

    evidence: tuple[Evidence, ...]
    measures: tuple[MetricComparison, ...]
    missing: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        return not self.missing


def sign_off_requirements(*, tasks: Collection[int], on: date) -> dict[int, SignOffRequirements]:
    """Return {task ID: its sign-off requirements on that day}.

    Evidence counts if it is an own evaluation of the task's application on the target (on its
    version, if no offering is named), run since the campaign was opened, passed, and not expired.
    The latest run of every metric decides: a failing one blocks the sign-off, whatever passed
    before.
    """
    rows = list(
        CampaignTask.objects.filter(pk__in=list(tasks)).select_related(
            "campaign__event",
            "campaign__target",
            "target",
            "dependency__offering",
            "successor__offering",
        )
    )
    steps: dict[int, list[str]] = defaultdict(list)
    undone = TaskStep.objects.filter(
        task__in=[row.pk for row in rows], required=True, done_on__isnull=True
    )
    for task_id, kind, title in undone.order_by("task", "place", "pk").values_list(
        "task_id", "kind", "title"
    ):
        # the evaluation is done by its evidence, not by a user's mark
        if kind != OWN_EVALUATION:
            steps[task_id].append(title)
    evaluations: dict[int, list[Evidence]] = defaultdict(list)
    own_evaluations = Evidence.objects.filter(
        kind=Evidence.Kind.OWN_EVALUATION,
        application__in={row.dependency.application_id for row in rows},
    )
    for evidence in own_evaluations.order_by("run_on", "pk"):
        assert evidence.application_id is not None
        evaluations[evidence.application_id].append(evidence)
    return {
        row.pk: _check_requirements(
            row, steps[row.pk], evaluations[row.dependency.application_id], on
        )
        for row in rows
    }


def _check_requirements(
    task: CampaignTask, open_step_titles: list[str], evaluations: list[Evidence], on: date
) -> SignOffRequirements:
    """Return the valid evidence of a task and what is missing for its sign-off.

    Only evaluations of the target since the campaign was opened count, and of these the latest of
    each test.
    """
    target, missing_sentences = task_target(task), []
    opened_on = day_of(task.campaign.opened_at)
    target_runs = (
        []
        if target is None
        else [run for run in evaluations if _is_about(run, target) and run.run_on >= opened_on]
    )
    latest_runs = [
        run for run in _latest_runs(target_runs) if run.passed is not None and run.run_on <= on
    ]
    failed_runs = [run for run in latest_runs if not run.passed]
    valid_runs = [
        run for run in latest_runs if run.passed and (run.expires_on is None or run.expires_on > on)
    ]
    measures = _compare_metrics(
        task, [run for run in evaluations if _is_about(run, task.dependency.offering)], target_runs
    )
    if target is None:
        missing_sentences.append("Choose a target.")
    elif failed_runs:
        names = ", ".join(run.metric or str(run) for run in failed_runs)
        missing_sentences.append(
            f"The latest evaluation of the target fails: {names}. Correct the problem and "
            "repeat the evaluation."
        )
    elif not valid_runs:
        missing_sentences.append(
            f"No passed evaluation of {target.api_id} since {opened_on:%Y-%m-%d}. Run one on "
            "your own workload and record it as evidence."
        )
    if not any(measure.before is not None and measure.after is not None for measure in measures):
        missing_sentences.append(
            "No metric has a value before and after the migration. Record both "
            "values for at least one metric."
        )
    missing_sentences += [f"Step not done: {title}." for title in open_step_titles]
    return SignOffRequirements(
        evidence=tuple(valid_runs), measures=measures, missing=tuple(missing_sentences)
    )


def _is_about(evidence: Evidence, offering: Offering) -> bool:
    """Return whether the evaluation ran on this offering, or on its version without a named
    offering."""
    if evidence.offering_id is not None:
        return evidence.offering_id == offering.pk
    return evidence.version_id is not None and evidence.version_id == offering.version_id


def _latest_runs(runs: Iterable[Evidence]) -> list[Evidence]:
    """Return the last run of every metric on every dataset; `runs` are sorted by date."""
    last_by_metric: dict[tuple[str, str], Evidence] = {}
    for run in runs:
        last_by_metric[run.dataset, run.metric] = run
    return list(last_by_metric.values())


def _compare_metrics(
    task: CampaignTask, before: list[Evidence], after: list[Evidence]
) -> tuple[MetricComparison, ...]:
    """Return the metrics before and after, from manual measurements or, without one, from
    evaluations."""
    values_before = {**_values_by_metric(before), **_manual_measurements(task.before)}
    values_after = {**_values_by_metric(after), **_manual_measurements(task.after)}
    return tuple(
        MetricComparison(metric, values_before.get(metric), values_after.get(metric))
        for metric in sorted({*values_before, *values_after})
    )


def _values_by_metric(runs: list[Evidence]) -> dict[str, Decimal]:
    return {
        run.metric: run.value for run in _latest_runs(runs) if run.metric and run.value is not None
    }


def _manual_measurements(measurements: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return numbers by metric, without invalid values, which `record_measurements` never
    writes."""
    values = {}
    for metric, value in measurements.items():
        try:
            values[metric] = Decimal(str(value))
        except InvalidOperation:
            continue
    return values


def task_requirements(*, task: CampaignTask, at: datetime) -> SignOffRequirements:
    return sign_off_requirements(tasks=[task.pk], on=day_of(at))[task.pk]
