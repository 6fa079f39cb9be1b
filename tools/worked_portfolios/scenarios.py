"""Scenarios of a file as the engine's operations, and its answer: the `scenarios` section."""

from collections.abc import Mapping
from typing import Any

from apps.accounts.models import Team
from apps.exposure.engine import operations as engine
from apps.exposure.engine.scenarios import ScenarioSide, run_operations
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.models import Basis, Layer
from apps.inventory.costs import PriceChange
from apps.inventory.models import Dependency
from tools.worked_portfolios.loader import ALWAYS, PortfolioIds, application_row
from tools.worked_portfolios.nodes import NodeName
from tools.worked_portfolios.numbers import format_exact, format_float_or_none
from tools.worked_portfolios.reader.inventory import round_to_places
from tools.worked_portfolios.records import (
    Add,
    DependencyRecord,
    ExitTestRecord,
    Move,
    Operation,
    Remove,
    Replace,
    Reprice,
    ScenarioRecord,
)


def run_scenario(
    scenario: ScenarioRecord,
    *,
    ids: PortfolioIds,
    applications: Mapping[int, str],
    nodes: Mapping[int, NodeName],
    settings: EngineSettings,
) -> dict[str, Any]:
    """Run one scenario; both sides in the file's own names."""
    translation = _Translation(ids, applications, nodes)
    operations = [operation for op in scenario.ops if (operation := translation.of(op)) is not None]
    outcome = run_operations(
        operations,
        settings=settings,
        layers=[Layer(layer) for layer in scenario.layers],
        basis=Basis(scenario.basis),
        prices_on=scenario.on,
    )
    return {
        "before": _side(outcome.before, translation),
        "after": _side(outcome.after, translation),
    }


def _side(side: ScenarioSide, translation: "_Translation") -> dict[str, Any]:
    return {
        "states": dict(
            sorted((translation.applications[pk], state) for pk, state in side.states.items())
        ),
        "hhi": {str(layer): format_float_or_none(hhi) for layer, hhi in side.hhi.items()},
        "n_spof_nodes": side.n_single_points,
        "cost": {currency: format_exact(amount) for currency, amount in side.cost_totals.items()},
    }


class _Translation:
    """Operations with primary keys.

    What is added gets the engine's own: negative ones, counted down.
    """

    def __init__(
        self, ids: PortfolioIds, applications: Mapping[int, str], nodes: Mapping[int, NodeName]
    ) -> None:
        self._ids = ids
        self._nodes = {str(node): pk for pk, node in nodes.items()}
        self._application_ids = dict(ids.applications)
        self._dependency_ids = dict(ids.dependencies)
        self._n_added_applications = 0
        self._n_added_dependencies = 0
        self.applications = dict(applications)

    def of(self, op: Operation) -> engine.Operation | None:
        """Return the engine's operation; None for one without effect: a price of a node that no
        dependency is on."""
        match op:
            case Remove(nodes=nodes):
                known = (self._nodes.get(str(node)) for node in nodes)
                return engine.Remove(tuple(pk for pk in known if pk is not None))
            case Replace(old=old, new=new):
                return engine.Replace(self._ids.offerings[old], self._ids.offerings[new])
            case Move(dependency=dependency, offering=offering):
                return engine.Move(self._dependency_ids[dependency], self._ids.offerings[offering])
            case Reprice():
                return self._reprice(op)
            case Add():
                return self._add(op)
        return engine.Retire(self._application_ids[op.application])

    def _reprice(self, op: Reprice) -> engine.Reprice | None:
        node_id = self._nodes.get(str(op.node))
        if node_id is None:
            return None
        return engine.Reprice(
            PriceChange(node_id, op.unit, op.factor, op.amount, op.currency, op.since)
        )

    def _add(self, op: Add) -> engine.Add:
        self._n_added_applications += 1
        self._application_ids[op.application.id] = -self._n_added_applications
        self.applications[-self._n_added_applications] = op.application.id
        row = application_row(op.application, {op.application.team: _team_id(op.application.team)})
        facts = {
            name: getattr(row, name)
            for name in (
                "name",
                "slug",
                "team_id",
                "criticality",
                "status",
                "users_affected",
                "monthly_spend",
            )
        }
        # of two tests of one day the one that is added first counts as the later: the greatest id
        # goes first
        tests = sorted(op.exit_tests, key=lambda test: test.id, reverse=True)
        latest = {test.dependency: test.id for test in reversed(tests)}
        added_dependencies = []
        for record in sorted(
            op.dependencies, key=lambda dependency: latest.get(dependency.id, ""), reverse=True
        ):
            self._n_added_dependencies += 1
            self._dependency_ids[record.id] = -self._n_added_dependencies
            own_tests = tuple(self._test(test) for test in tests if test.dependency == record.id)
            added_dependencies.append(self._dependency(record, own_tests))
        return engine.Add(facts, tuple(added_dependencies))

    def _dependency(
        self, record: DependencyRecord, tests: tuple[Mapping[str, Any], ...]
    ) -> engine.AddedDependency:
        party = None if record.via_party is None else self._ids.providers[record.via_party]
        return engine.AddedDependency(
            offering_id=self._ids.offerings[record.offering],
            role=record.role,
            since=record.since or ALWAYS,
            facts={
                "until": record.until,
                "fallback_order": record.order,
                "traffic_share": None
                if record.share is None
                else round_to_places(record.share, 15),
                "reached": record.via if party is not None else Dependency.Reached.DIRECT,
                "via_party_id": party,
                "monthly_input_tokens": record.input_tokens,
                "monthly_output_tokens": record.output_tokens,
                "monthly_spend": record.spend,
            },
            tests=tests,
        )

    def _test(self, record: ExitTestRecord) -> Mapping[str, Any]:
        return {
            "target_id": self._ids.offerings[record.target],
            "tested_on": record.tested_on,
            "result": record.result,
            "expires_on": record.expires_on,
            "effort_days": record.effort_days,
            "tested_version_id": None
            if record.tested_version is None
            else self._ids.versions[record.tested_version],
        }


def _team_id(name: str) -> int:
    team, _ = Team.objects.get_or_create(slug=name, defaults={"name": name})
    return team.pk
