"""The answer of a scenario: the portfolio before and after, with the same failing nodes."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import connection, transaction

from apps.exposure.engine.concentration import measure_layer
from apps.exposure.engine.operations import Operation, Remove, Reprice
from apps.exposure.engine.overlay import overlay
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.single_points import count_single_points, team_points
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.engine.table_refresh import LOCK
from apps.exposure.models import Basis, EngineState, Layer, Policy
from apps.exposure.policy_values import ZERO_VALUE, PolicyValue, policy_values
from apps.exposure.threats import exact_fraction
from apps.inventory.cost_queries import InventoryRelations
from apps.inventory.costs import CostTotals, PriceChange, monthly_totals


class TablesNotBuiltError(Exception):
    """The engine's tables have never been built; the text names the command to run."""


@dataclass(frozen=True, slots=True)
class MeasuredPolicy:
    """Value of a policy, and whether it is above the tolerance."""

    value: PolicyValue
    is_breach: bool


@dataclass(frozen=True, slots=True)
class ScenarioSide:
    """One side of a scenario. `states` are those of the applications that depend on the removed
    nodes (empty without a removal)."""

    states: Mapping[int, str]
    hhi: Mapping[Layer, float | None]
    n_single_points: int
    cost: CostTotals
    # {(policy, node): value} above the tolerance on this side or before, if requested
    policy_values: Mapping[tuple[int, int | None], MeasuredPolicy] = field(default_factory=dict)
    # what `probe` read on this side
    probed: Any = None

    @property
    def breaches(self) -> dict[tuple[int, int | None], PolicyValue]:
        """Return the values above the tolerance."""
        return {key: one.value for key, one in self.policy_values.items() if one.is_breach}

    @property
    def cost_totals(self) -> Mapping[str, Fraction]:
        return self.cost.totals


@dataclass(frozen=True, slots=True)
class ScenarioAnswer:
    """Both sides of a scenario. `n_changed` applications have changed rows. Added applications have
    negative IDs."""

    as_of: date
    before: ScenarioSide
    after: ScenarioSide
    n_changed: int


@transaction.atomic
def run_operations(
    operations: Sequence[Operation],
    *,
    settings: EngineSettings,
    layers: Sequence[Layer] = (Layer.DEVELOPER, Layer.HOST),
    basis: Basis = Basis.COUNT,
    prices_on: date | None = None,
    team_ids: Collection[int] | None = None,
    with_breaches: bool = False,
    probe: Callable[[Sequence[PriceChange]], Any] | None = None,
) -> ScenarioAnswer:
    """Run the operations. Before: the current portfolio, with the removed nodes failing. After: the
    other operations applied as well.

    Prices are those of `prices_on`, or of the day of the tables. `with_breaches` measures every
    policy on both sides, for the whole organisation. `probe` reads more on each side, with the
    price changes of that side. Raises TablesNotBuiltError if nothing was calculated yet.
    """
    with connection.cursor() as cursor:
        # a refresh waits until this is finished, about a second, so that both sides are of one
        # portfolio
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
    as_of = day_of_tables()
    removed_nodes = sorted(
        {
            node
            for operation in operations
            if isinstance(operation, Remove)
            for node in operation.node_ids
        }
    )
    changes = [operation.change for operation in operations if isinstance(operation, Reprice)]
    prices_on = prices_on or as_of

    def measure_cost(
        changes: Sequence[PriceChange],
        relations: InventoryRelations = InventoryRelations(),  # noqa: B008 - frozen
    ) -> CostTotals:
        return monthly_totals(
            on=as_of,
            prices_on=prices_on,
            changes=changes,
            team_ids=team_ids,
            statuses=settings.statuses,
            relations=relations,
        )

    def measure_side(changes: Sequence[PriceChange], cost: CostTotals) -> ScenarioSide:
        """Measure the portfolio as it is in the tables now, before or after the operations.
        `changes` are price changes; `cost` is with them."""
        failures = node_failures(removed_nodes, settings=settings)
        impacts = application_states(failures, team_ids=team_ids) if failures else []
        return ScenarioSide(
            states={impact.application_id: impact.state for impact in impacts},
            hhi={
                layer: measure_layer(layer, basis, team_ids=team_ids).indices.hhi
                for layer in layers
            },
            n_single_points=(
                count_single_points()
                if team_ids is None
                else len(team_points(team_ids=team_ids, settings=settings))
            ),
            cost=cost,
            policy_values=_measure_policies(keep) if with_breaches and team_ids is None else {},
            probed=probe(changes) if probe is not None else None,
        )

    keep: Collection[tuple[int, int | None]] = ()
    before = measure_side([], measure_cost([]))
    if all(isinstance(operation, Remove | Reprice) for operation in operations):
        # no row changes: a large portfolio is neither copied nor measured again
        after = before
        if changes:
            probed = probe(changes) if probe is not None else None
            after = replace(before, cost=measure_cost(changes), probed=probed)
        return ScenarioAnswer(as_of, before, after, n_changed=0)
    # what is above its tolerance before is measured after as well
    keep = list(before.breaches)
    with overlay(settings=settings, on=as_of) as what_if:
        for operation in operations:
            what_if.apply(operation)
        n_changed = what_if.derive()
        cost = None
        if not changes and what_if.due_before and what_if.due_after:
            cost = _replace_costs(
                before.cost,
                measure_cost([], relations=what_if.due_before),
                measure_cost([], relations=what_if.due_after),
            )
        after = measure_side(changes, cost or measure_cost(changes))
    return ScenarioAnswer(as_of, before, after, n_changed)


def _replace_costs(total: CostTotals, old: CostTotals, new: CostTotals) -> CostTotals | None:
    """Return `total` with the costs of some applications replaced. None if a currency has nothing
    left: whether it is still used at a price of 0 is then not known."""
    amounts = {
        currency: total.totals.get(currency, Fraction(0))
        - old.totals.get(currency, Fraction(0))
        + new.totals.get(currency, Fraction(0))
        for currency in sorted({*total.totals, *new.totals})
    }
    if not all(amounts.values()):
        return None
    unknown = Counter(total.n_unknown)
    unknown.subtract(old.n_unknown)
    unknown.update(new.n_unknown)
    return CostTotals(amounts, total.n_known - old.n_known + new.n_known, +unknown)


def _measure_policies(
    keep: Collection[tuple[int, int | None]],
) -> dict[tuple[int, int | None], MeasuredPolicy]:
    """Return the values above the tolerances of enabled policies, and those of `keep`; one
    statement per policy."""
    measured: dict[tuple[int, int | None], MeasuredPolicy] = {}
    for policy in Policy.objects.filter(enabled=True).order_by("pk"):
        line = exact_fraction(policy.tolerance)
        nodes = [node for pk, node in keep if pk == policy.pk and node is not None]
        values = policy_values(policy, keep=nodes, merges_owners=True)
        kept = {node: ZERO_VALUE for pk, node in keep if pk == policy.pk}
        for node, value in {**kept, **values}.items():
            if value.value > line or node in kept:
                measured[policy.pk, node] = MeasuredPolicy(value, is_breach=value.value > line)
    return measured


def day_of_tables() -> date:
    as_of = EngineState.objects.filter(pk=1).values_list("as_of", flat=True).first()
    if as_of is None:
        raise TablesNotBuiltError(
            "Exposure is not calculated yet. Run manage.py sweep, or wait for the worker."
        )
    return as_of
