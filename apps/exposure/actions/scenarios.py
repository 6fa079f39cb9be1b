"""Actions on scenarios and loss simulations: save, queue and run. Workers compute the answers and
store them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from apps.accounts.models import User
from apps.common import jobs
from apps.common.history.context import audit_context
from apps.common.jobs import Claim, JobKind
from apps.common.processes.lazy_import import lazy_import
from apps.exposure.actions.decisions import FlagPermissionError
from apps.exposure.engine.operations import Operation, ReplaceNode
from apps.exposure.engine.scenarios import (
    ScenarioAnswer,
    TablesNotBuiltError,
    day_of_tables,
    run_operations,
)
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.loss.shocks import InvalidLossInputError
from apps.exposure.models import Basis, Layer, LossRun, Scenario, ScenarioRun
from apps.exposure.scenarios.operation_parser import InvalidOperationError, read_operations
from apps.exposure.scenarios.replacement_effects import ReplacementEffects, ReplacementProbe
from apps.exposure.scenarios.replacement_serialization import list_effects, serialize_effects
from apps.exposure.scenarios.replacement_targets import propose_mapping, used_offerings
from apps.exposure.scenarios.serialization import serialize_answer, serialize_lists
from apps.inventory.models import Application, Dependency

if TYPE_CHECKING:
    from apps.exposure import loss_runs
else:
    # only workers simulate
    loss_runs = lazy_import("apps.exposure.loss_runs")

SCENARIO_FIELDS = frozenset({"name", "note", "ops", "layers", "basis", "prices_on", "shared"})


@transaction.atomic
def save_scenario(*, facts: Mapping[str, Any], by: User, reason: str = "") -> Scenario:
    """Save a new scenario. Its operations are parsed here, so that invalid ones are refused
    immediately."""
    scenario = Scenario(created_by=by, **_check_fields(facts))
    scenario.full_clean()
    _validate_operations(scenario, by)
    with audit_context(user=by, reason=reason or "scenario saved"):
        scenario.save(force_insert=True)
    return scenario


@transaction.atomic
def change_scenario(
    *, scenario: Scenario, facts: Mapping[str, Any], by: User, reason: str = ""
) -> Scenario:
    """Change a scenario. Existing runs keep the operations that they ran with."""
    if scenario.created_by_id != by.pk and not by.is_governance:
        raise FlagPermissionError(
            "You can change only your own scenarios. Save this one as a new scenario, or ask "
            "a governance user."
        )
    row = Scenario.objects.select_for_update().get(pk=scenario.pk)
    changes = {
        name: value for name, value in _check_fields(facts).items() if getattr(row, name) != value
    }
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    _validate_operations(row, by)
    with audit_context(user=by, reason=reason or "scenario changed"):
        row.save()
    return row


def queue_scenario_run(*, scenario: Scenario, at: datetime, by: User) -> ScenarioRun:
    """Queue a run over the applications that `by` can view: all for organisation roles, otherwise
    those of their teams."""
    can_read_all = by.can_read_all
    return ScenarioRun.objects.create(
        scenario=scenario,
        ops=scenario.ops,
        whole_organisation=can_read_all,
        team_ids=[] if can_read_all else sorted(by.team_roles()),
        requested_by=by,
        queued_at=at,
    )


def answer_scenario(
    *, scenario: Scenario, by: User, team_ids: Collection[int] | None
) -> dict[str, Any]:
    """Return the answer without storing it; the scenario may be unsaved."""
    return _serialize(*_compute_answer(scenario, by, team_ids), team_ids)


def answer_scenario_with_lists(
    *, scenario: Scenario, by: User, team_ids: Collection[int] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (answer, lists for the page), without storing them."""
    answer, effects = _compute_answer(scenario, by, team_ids, with_breaches=True)
    lists = serialize_lists(answer)
    if effects is not None:
        lists["replacement"] = list_effects(effects)
    return _serialize(answer, effects, team_ids), lists


def _serialize(
    answer: ScenarioAnswer, effects: ReplacementEffects | None, team_ids: Collection[int] | None
) -> dict[str, Any]:
    return serialize_answer(answer) | {
        "whole_organisation": team_ids is None,
        "replacement": None if effects is None else serialize_effects(effects),
    }


def _compute_answer(
    scenario: Scenario, by: User, team_ids: Collection[int] | None, *, with_breaches: bool = False
) -> tuple[ScenarioAnswer, ReplacementEffects | None]:
    """Compute the answer on the day of the tables, which are refreshed first; and the effects on
    applications, if nodes are replaced.

    `team_ids` limits the applications; None: all. `with_breaches`: also compare with the policies.
    """
    on = day_of_tables()
    # includes entries made a moment ago, such as a new offering that is the target of a move
    refresh(on=on)
    operations = read_operations(
        scenario.ops,
        on=on,
        applications=Application.objects.visible_to(by),
        dependencies=Dependency.objects.visible_to(by),
    )
    operations = [_with_mapping(operation, team_ids, on) for operation in operations]
    replacements = [operation for operation in operations if isinstance(operation, ReplaceNode)]
    settings = engine_settings()
    probe = (
        ReplacementProbe(
            replacements,
            {
                operation.node_id: [
                    row.offering_id for row in used_offerings(operation.node_id, team_ids=team_ids)
                ]
                for operation in replacements
            },
            team_ids=team_ids,
            settings=settings,
            on=on,
            prices_on=scenario.prices_on,
        )
        if replacements
        else None
    )
    answer = run_operations(
        operations,
        settings=settings,
        layers=[Layer(layer) for layer in scenario.layers],
        basis=Basis(scenario.basis),
        prices_on=scenario.prices_on,
        team_ids=team_ids,
        with_breaches=with_breaches,
        probe=probe.probe if probe is not None else None,
    )
    if probe is None:
        return answer, None
    return answer, probe.compare(answer.before.probed, answer.after.probed)


def _with_mapping(operation: Operation, team_ids: Collection[int] | None, on: date) -> Operation:
    """Return the operation with the proposed mapping if it has none."""
    if not isinstance(operation, ReplaceNode) or operation.mapping is not None:
        return operation
    proposal = propose_mapping(operation.node_id, operation.by_id, team_ids=team_ids, on=on)
    return replace(operation, mapping={row.used.offering_id: row.target_id for row in proposal})


def run_queued(*, at: datetime) -> int:
    """Run every scenario and simulation that waits or was abandoned by its worker; return the
    number run. Safe to run concurrently: a run is claimed first."""
    clock = jobs.running_clock(at)
    return jobs.run_waiting(_SCENARIO_RUNS, at=clock()) + jobs.run_waiting(_LOSS_RUNS, at=clock())


def queue_loss_run(
    *, at: datetime, by: User | None, seed: int = 1, years: int = 100_000, keep: float = 0.999
) -> LossRun:
    """Queue a simulation of the whole organisation."""
    if by is not None and not by.can_read_all:
        raise FlagPermissionError(
            "You need an organisation role to simulate the loss of the organisation."
        )
    return LossRun.objects.create(seed=seed, years=years, keep=keep, requested_by=by, queued_at=at)


def _answer_run(claim: Claim[ScenarioRun]) -> None:
    """Compute the run and store its result, or the reason why it failed, for the applications that
    its requester could view."""
    run = claim.job
    scenario = run.scenario
    scenario.ops = run.ops
    try:
        result, details = answer_scenario_with_lists(
            scenario=scenario,
            by=run.requested_by,
            team_ids=None if run.whole_organisation else run.team_ids,
        )
    except (InvalidOperationError, TablesNotBuiltError) as refusal:
        claim.fail(str(refusal))
    except SoftTimeLimitExceeded:
        claim.fail(
            "The scenario took longer than a worker is allowed to run. Run it with "
            "fewer operations."
        )
    else:
        claim.complete(result=result, details=details, as_of=result["as_of"])


def _simulate_run(claim: Claim[LossRun]) -> None:
    run = claim.job
    try:
        model, result = loss_runs.simulate_portfolio(seed=run.seed, years=run.years, keep=run.keep)
    except (InvalidLossInputError, TablesNotBuiltError) as refusal:
        claim.fail(str(refusal))
    except SoftTimeLimitExceeded:
        claim.fail(
            "The simulation took longer than a worker is allowed to run. Run it with fewer years."
        )
    else:
        claim.complete(result=result, assumptions=dict(model.assumptions), as_of=model.as_of)


_SCENARIO_RUNS = JobKind(
    model=ScenarioRun,
    work=_answer_run,
    abandonment=lambda _run: (
        "The scenario failed after 3 attempts because the worker stopped. Run it again. If "
        "it fails again, use fewer operations or ask an administrator to check the worker's "
        "log."
    ),
    relations=("scenario", "requested_by"),
)
_LOSS_RUNS = JobKind(
    model=LossRun,
    work=_simulate_run,
    abandonment=lambda _run: (
        "The simulation failed after 3 attempts because the worker stopped. Run it again. If "
        "it fails again, use fewer years or ask an administrator to check the worker's log."
    ),
)


def _validate_operations(scenario: Scenario, by: User) -> None:
    try:
        on = day_of_tables()
    except TablesNotBuiltError:
        return
    read_operations(
        scenario.ops,
        on=on,
        applications=Application.objects.visible_to(by),
        dependencies=Dependency.objects.visible_to(by),
    )


def _check_fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    unknown_fields = sorted(set(facts) - SCENARIO_FIELDS)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return dict(facts)
