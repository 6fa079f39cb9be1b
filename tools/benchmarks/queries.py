"""Queries of the exposure engine and of the apps below it, beside the same by hand: part
`reading`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from django.db import connection

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.common.time import start_of
from apps.exposure.engine.concentration import contributions, measure_layer
from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.operations import Operation, Remove, Replace
from apps.exposure.engine.reach import count_reached, reached_applications, reached_by_team
from apps.exposure.engine.scenarios import run_operations
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import single_points
from apps.exposure.engine.states import application_states, count_states, node_failures
from apps.exposure.loss.simulation import simulate, simulate_twin
from apps.exposure.loss_runs import loss_model
from apps.exposure.models import Basis, Layer, Policy, Predicate
from apps.exposure.policy_values import policy_values
from apps.inventory.costs import monthly_totals
from apps.inventory.requirements import dependency_fits
from apps.risks.queries.inherited import inherited_risks
from apps.risks.queries.reach import total_reach
from tools.benchmarks import statements
from tools.benchmarks.measurement import BenchmarkLine, rolled_back, time_runs, time_statement

_WEIGHTS = {
    Basis.COUNT: "share",
    Basis.CRITICALITY: "points",
    Basis.SPEND: "spend",
    Basis.USERS: "users",
}
_YEARS = 100_000
_KEEP = 0.999
_MAX_FITTED = 10_000


@dataclass(frozen=True, slots=True)
class ChosenVersion:
    """A version that little, something, or most stands on, with how many applications do."""

    word: str
    node_id: int
    reach: int


def choose_versions() -> list[ChosenVersion]:
    """Choose the most used version, the tenth, and one in the middle; empty on an empty
    register."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.node_id, r.n FROM exposure_nodereach r JOIN catalog_node n ON n.id = "
            "r.node_id"
            " WHERE n.kind = %s ORDER BY r.n DESC, r.node_id",
            [NodeKind.VERSION.value],
        )
        rows = cursor.fetchall()
    if not rows:
        return []
    places = {"rare": len(rows) // 2, "middling": min(9, len(rows) - 1), "top": 0}
    return [ChosenVersion(label, *rows[place]) for label, place in places.items()]


def measure_queries(*, user: User, on: date) -> Iterator[BenchmarkLine]:
    """Measure questions that write nothing; `user` reads everything."""
    settings = engine_settings()
    versions = choose_versions()
    for version in versions:
        yield from _blast_radius(version)
    for version in versions:
        yield from _states(version, settings)
    yield from _concentration()
    yield BenchmarkLine(
        "single points of failure, first 50",
        time_runs(lambda: single_points(limit=50)),
        time_statement(statements.SINGLE_POINTS, {}),
    )
    yield from _policies()
    yield BenchmarkLine(
        "smallest sets that stop half of the critical",
        time_runs(lambda: minimal_cut_sets(settings).singles, runs=2),
    )
    yield from _loss(settings)
    yield BenchmarkLine(
        "cost of the portfolio, a month",
        time_runs(lambda: monthly_totals(on=on).totals, runs=3),
        time_statement(statements.COST, {"moment": start_of(on)}, runs=3),
    )
    for tables, by_hand in (
        ("the engine", statements.RISK_TOTALS),
        ("the inventory", statements.RISK_TOTALS_OF_INVENTORY),
    ):
        yield BenchmarkLine(
            f"inherited risks, totals; by hand in tables of {tables}",
            time_runs(lambda: total_reach(user=user, on=on), runs=5),
            time_statement(by_hand, {}, runs=5),
        )
    yield BenchmarkLine(
        "inherited risks, first 50", time_runs(lambda: inherited_risks(user=user, on=on).rows)
    )
    yield from _fits_of_cause()
    if versions:
        yield from _scenarios(versions[0], versions[-1], settings)


def _fits_of_cause() -> Iterator[BenchmarkLine]:
    """Measure the fit of dependencies on the most used offering with ten candidates each: all of
    them up to `_MAX_FITTED`, since pages and reports ask for some at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT offering_id FROM exposure_activedependency GROUP BY 1 "
            "ORDER BY count(*) DESC, 1 LIMIT 1"
        )
        row = cursor.fetchone()
        if row is None:
            return
        cursor.execute(
            "SELECT dependency_id FROM exposure_activedependency WHERE offering_id = %s LIMIT %s",
            [*row, _MAX_FITTED],
        )
        dependency_ids = [pk for (pk,) in cursor.fetchall()]
        cursor.execute("SELECT offering_id FROM catalog_settledclaims ORDER BY 1 LIMIT 10")
        offering_ids = [pk for (pk,) in cursor.fetchall()]
    pairs = [(pk, offering_id) for pk in dependency_ids for offering_id in offering_ids]
    if not pairs:
        return
    yield BenchmarkLine(
        "fit of the dependencies of one cause, ten candidates each",
        time_runs(lambda: dependency_fits(pairs), runs=3),
        time_statement(
            statements.FITS,
            {
                "dependencies": [pk for pk, _ in pairs],
                "offerings": [offering_id for _, offering_id in pairs],
            },
            runs=3,
        ),
        f"{len(dependency_ids)} dependencies",
    )


def _blast_radius(version: ChosenVersion) -> Iterator[BenchmarkLine]:
    params = {"node": version.node_id}
    note = f"{version.reach} applications"
    kind = NodeKind.VERSION
    yield BenchmarkLine(
        f"blast radius of a {version.word} version, count",
        time_runs(lambda: count_reached(version.node_id, kind)),
        time_statement(statements.COUNT, params),
        note,
    )
    yield BenchmarkLine(
        f"blast radius of a {version.word} version, by team",
        time_runs(lambda: reached_by_team(version.node_id, kind)),
        time_statement(statements.BY_TEAM, params),
        note,
    )
    gather = time_statement(statements.PAGE_BY_GATHERING, params)
    walk = time_statement(statements.PAGE_BY_WALKING, params)
    yield BenchmarkLine(
        f"blast radius of a {version.word} version, first 50",
        time_runs(lambda: reached_applications(version.node_id, kind)),
        min(gather, walk),
        f"{note}; by hand: gather {gather:.1f}, walk {walk:.1f} ms",
    )


def _states(version: ChosenVersion, settings: EngineSettings) -> Iterator[BenchmarkLine]:
    failures = node_failures([version.node_id], settings=settings)
    page = [row.application_id for row in reached_applications(version.node_id, NodeKind.VERSION)]
    yield BenchmarkLine(
        f"states of a {version.word} version, counted",
        time_runs(lambda: count_states(failures)),
        time_statement(
            f"SELECT t.state, count(*) FROM ({statements.STATES_OF_ALL}) AS t(id, state, hit) "
            "GROUP BY 1",
            {"node": version.node_id},
        ),
        f"{version.reach} applications",
    )
    yield BenchmarkLine(
        f"states of a {version.word} version, one page of 50",
        time_runs(lambda: application_states(failures, application_ids=page)),
        time_statement(statements.STATES_OF_PAGE, {"node": version.node_id, "page": page}),
    )


def _concentration() -> Iterator[BenchmarkLine]:
    for layer in Layer:
        for basis in Basis:
            yield BenchmarkLine(
                f"concentration, {layer} by {basis}",
                time_runs(partial(measure_layer, layer, basis), runs=3),
                time_statement(
                    statements.layer_statement(layer.node_kind, _WEIGHTS[basis]),
                    {"kind": layer.node_kind.value},
                    runs=3,
                ),
            )
    yield BenchmarkLine(
        "contributions to the developers' index, first 50",
        time_runs(lambda: contributions(Layer.DEVELOPER, Basis.COUNT, limit=50), runs=3),
    )


def _policies() -> Iterator[BenchmarkLine]:
    """Twelve lines as an organisation might draw them, measured one by one."""
    kinds = (["developer"], ["host"], ["foundation"], ["version"], ["gateway", "vendor"])
    policies = [
        Policy(kinds=nodes, states=states, measure=measure, tolerance="0.2", basis=Basis.COUNT)
        for nodes in kinds
        for states, measure in (
            (["exposed", "cushioned"], "critical_share"),
            (["exposed"], "weight_share"),
        )
    ]
    policies += [
        Policy(predicate=predicate, measure="weight_share", tolerance="0.2")
        for predicate in (Predicate.NO_INDEPENDENT_FALLBACK, Predicate.JUDGE_SHARES_LINEAGE)
    ]
    yield BenchmarkLine(
        "12 policies, all values",
        time_runs(lambda: [policy_values(policy, merges_owners=True) for policy in policies]),
    )


def _loss(settings: EngineSettings) -> Iterator[BenchmarkLine]:
    feeding = time_runs(lambda: loss_model(settings=settings).shocks, runs=1)
    yield BenchmarkLine("loss, what the simulation is fed", feeding)
    model = loss_model(settings=settings)
    yield BenchmarkLine(
        f"loss, {_YEARS:,} years",
        time_runs(
            lambda: simulate(model.shocks, model.own_losses, years=_YEARS, seed=1, keep=_KEEP),
            runs=1,
        ),
        note=f"{len(model.shocks)} shocks",
    )
    yield BenchmarkLine(
        f"loss, {_YEARS:,} years as if independent",
        time_runs(lambda: simulate_twin(model.twin, years=_YEARS, seed=1, keep=_KEEP), runs=1),
    )


def _scenarios(
    rare: ChosenVersion, top: ChosenVersion, settings: EngineSettings
) -> Iterator[BenchmarkLine]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.offering_id FROM exposure_path p JOIN catalog_footing f ON f.offering_id = "
            "p.offering_id"
            " WHERE f.node_id = ANY (%s) GROUP BY f.node_id, p.offering_id ORDER BY count(*) LIMIT "
            "2",
            [[rare.node_id, top.node_id]],
        )
        offerings = [row[0] for row in cursor.fetchall()]
    removal: list[Operation] = [Remove((top.node_id,))]
    with rolled_back():
        yield BenchmarkLine(
            "scenario: the top version is removed",
            time_runs(lambda: run_operations(removal, settings=settings).before.states, runs=1),
        )
        if len(offerings) == 2:
            swap: list[Operation] = [Replace(offerings[0], offerings[1])]
            yield BenchmarkLine(
                "scenario: one offering is replaced",
                time_runs(lambda: run_operations(swap, settings=settings).after.hhi, runs=1),
            )
