"""The engine's answers about the loaded portfolio, one function a section of the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.catalog.models import Footing, NodeKind, Via
from apps.exposure.engine.concentration import (
    applications_without_primary,
    applications_without_weight,
    contributions,
    measure_layer,
)
from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.reach import supporting_roles, unresolved_applications
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.single_points import single_points
from apps.exposure.engine.states import PathState, application_states, node_failures, path_states
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.flag_life import replay_flag
from apps.exposure.models import (
    ActiveDependency,
    Basis,
    Layer,
    NodeReach,
    Path,
    Policy,
    ScopedApplication,
    StandingState,
)
from apps.exposure.policy_values import counts_critical, named_applications, policy_values
from apps.exposure.threats import ERROR
from apps.inventory.costs import monthly_costs
from apps.inventory.models import Criticality, Dependency
from apps.inventory.runway import runways
from tools.worked_portfolios.grades import grade_candidates
from tools.worked_portfolios.loader import PortfolioIds, load_portfolio
from tools.worked_portfolios.losses import measure_losses
from tools.worked_portfolios.nodes import NodeName
from tools.worked_portfolios.numbers import (
    format_exact,
    format_exact_or_none,
    format_float,
    format_float_or_none,
)
from tools.worked_portfolios.records import LifecycleRecord, PortfolioRecord
from tools.worked_portfolios.scenarios import run_scenario

type Section = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PortfolioNames:
    """What the file calls the rows, by primary key; `nodes` are all there are, `used` those
    anything live rests on.
    """

    ids: PortfolioIds
    applications: Mapping[int, str]
    dependencies: Mapping[int, str]
    offerings: Mapping[int, str]
    nodes: Mapping[int, NodeName]
    used: Mapping[int, NodeName]

    @classmethod
    def of(cls, ids: PortfolioIds) -> "PortfolioNames":
        nodes = ids.node_names()
        used_ids = set(NodeReach.objects.filter(n__gt=0).values_list("pk", flat=True))
        return cls(
            ids=ids,
            applications={pk: name for name, pk in ids.applications.items()},
            dependencies={pk: name for name, pk in ids.dependencies.items()},
            offerings={pk: name for name, pk in ids.offerings.items()},
            nodes=nodes,
            used={pk: nodes[pk] for pk in sorted(used_ids, key=lambda pk: str(nodes[pk]))},
        )


def answer_portfolio(portfolio: PortfolioRecord) -> Section:
    """Load the portfolio and answer every section; for an empty database in a transaction that is
    rolled back.
    """
    ids = load_portfolio(portfolio)
    rebuild(on=portfolio.as_of)
    settings = engine_settings()
    names = PortfolioNames.of(ids)
    sections: Section = {
        "scope": _scope(names),
        "live_dependencies": _live_dependencies(names),
        "shares": _shares(names),
        "footing": _footing(names),
        "grades": grade_candidates(
            on=portfolio.as_of, dependencies=names.dependencies, offerings=names.offerings
        ),
        "states": _states(names, settings, threat=None),
        "may_stand": _may_stand(names),
        "states_error": _states(names, settings, threat=ERROR),
        "concentration": _concentration(names),
        "spof": _single_points(names, settings),
        "cuts": _cuts(names, settings),
        "flags": _flags(names, settings, portfolio),
        "runway": _runway(names, settings, portfolio),
        "cost": _cost(names, settings, portfolio),
    }
    if portfolio.scenarios:
        sections["scenarios"] = {
            scenario.id: run_scenario(
                scenario,
                ids=ids,
                applications=names.applications,
                nodes=names.nodes,
                settings=settings,
            )
            for scenario in portfolio.scenarios
        }
    if portfolio.loss is not None:
        sections["loss"] = measure_losses(
            portfolio.loss, applications=names.applications, nodes=names.nodes, settings=settings
        )
    if portfolio.lifecycles:
        sections["lifecycles"] = {
            lifecycle.id: _replay_lifecycle(lifecycle) for lifecycle in portfolio.lifecycles
        }
    return sections


def _scope(names: PortfolioNames) -> list[str]:
    return sorted(
        names.applications[pk] for pk in ScopedApplication.objects.values_list("pk", flat=True)
    )


def _live_dependencies(names: PortfolioNames) -> list[str]:
    return sorted(
        names.dependencies[pk] for pk in ActiveDependency.objects.values_list("pk", flat=True)
    )


def _shares(names: PortfolioNames) -> Section:
    """Of live primaries; those that are no path are on standby."""
    paths = dict(Path.objects.values_list("pk", "share"))
    primaries = Dependency.objects.filter(
        role=Dependency.Role.PRIMARY, pk__in=ActiveDependency.objects.values_list("pk", flat=True)
    )
    return {
        names.dependencies[pk]: format_float(paths.get(pk, 0.0))
        for pk in primaries.values_list("pk", flat=True)
    }


def _footing(names: PortfolioNames) -> Section:
    ties: Section = {name: {} for name in sorted(names.ids.offerings)}
    for offering_id, node_id, via in Footing.objects.values_list("offering_id", "node_id", "via"):
        ties[names.offerings[offering_id]][str(names.nodes[node_id])] = Via(via).label
    return {offering: dict(sorted(nodes.items())) for offering, nodes in ties.items()}


def _states(names: PortfolioNames, settings: EngineSettings, *, threat: str | None) -> Section:
    """Return, for each node failing alone, the states of the applications on it, and those that use
    it in another role."""
    table: Section = {}
    for node_id, node in names.used.items():
        failures = node_failures([node_id], settings=settings, threat=threat)
        leans = supporting_roles(node_id, node.kind)
        rows: Section = {
            names.applications[application_state.application_id]: {
                "state": application_state.state,
                "hit_share": format_float(application_state.hit_share),
                "paths": {},
                "leans": sorted(leans.pop(application_state.application_id, [])),
            }
            for application_state in application_states(failures)
        }
        for path in path_states(failures):
            rows[names.applications[path.application_id]]["paths"][
                names.dependencies[path.dependency_id]
            ] = {
                "state": path.state,
                "share": format_float(path.share),
                "rescue": _rescue(path, names),
            }
        for application_id, roles in leans.items():
            rows[names.applications[application_id]] = {
                "state": "not_standing",
                "hit_share": 0,
                "paths": {},
                "leans": sorted(roles),
            }
        if rows:
            table[str(node)] = dict(sorted(rows.items()))
    return table


def _rescue(path: PathState, names: PortfolioNames) -> str | None:
    if path.rescue is None:
        return None
    if path.rescue.dependency_id is None:
        return f"exit:{names.offerings[path.rescue.offering_id]}"
    return names.dependencies[path.rescue.dependency_id]


def _may_stand(names: PortfolioNames) -> Section:
    by_kind = {
        kind: sorted(names.applications[pk] for pk in unresolved_applications(kind))
        for kind in NodeKind
    }
    return {str(node): by_kind[node.kind] for node in names.used.values() if by_kind[node.kind]}


def _concentration(names: PortfolioNames) -> Section:
    nowhere = sorted(names.applications[pk] for pk in applications_without_primary())
    weightless = {
        basis: sorted(names.applications[pk] for pk in applications_without_weight(basis))
        for basis in Basis
    }
    return {
        str(layer): {
            str(basis): _layer(names, layer, basis)
            | {"missing_weight": weightless[basis], "undeclared": nowhere}
            for basis in Basis
        }
        for layer in Layer
    }


def _layer(names: PortfolioNames, layer: Layer, basis: Basis) -> Section:
    indices = measure_layer(layer, basis).indices
    is_known = indices.hhi is not None
    section: Section = {
        "total_weight": format_float(indices.total_weight),
        "none_weight": format_float(indices.none_weight),
        "covered_weight": format_float(indices.covered_weight),
        "unknown": format_float_or_none(indices.unknown),
        "shares": {
            str(names.nodes[pk]): format_float(share) for pk, share in indices.shares.items()
        }
        if is_known
        else None,
        "cr1": format_float_or_none(indices.cr1),
        "cr3": format_float_or_none(indices.cr3),
        "hhi": format_float_or_none(indices.hhi),
        "hhi_best": format_float_or_none(indices.hhi_best),
        "hhi_worst": format_float_or_none(indices.hhi_worst),
        "n2": format_float_or_none(indices.n2),
        "n1": indices.n1,
    }
    if is_known:
        contribution_by_name = {
            names.applications[app_contribution.application_id]: app_contribution
            for app_contribution in contributions(layer, basis)
        }
        section["marginal"] = {
            name: format_float_or_none(app_contribution.marginal)
            for name, app_contribution in sorted(contribution_by_name.items())
        }
        section["contribution"] = {
            name: format_float(app_contribution.contribution)
            for name, app_contribution in sorted(contribution_by_name.items())
        }
    return section


def _single_points(names: PortfolioNames, settings: EngineSettings) -> Section:
    section: Section = {}
    for point in sorted(single_points(), key=lambda point: str(names.nodes[point.node_id])):
        failures = node_failures([point.node_id], settings=settings)
        stopped: dict[str, list[str]] = {
            state: sorted(
                names.applications[application_state.application_id]
                for application_state in application_states(failures, states=[state])
            )
            for state in (StandingState.EXPOSED.value, StandingState.CUSHIONED.value)
        }
        section[str(names.nodes[point.node_id])] = {**stopped, "n_critical": point.n_critical}
    return section


def _cuts(names: PortfolioNames, settings: EngineSettings) -> Section:
    cut_sets = minimal_cut_sets(settings)
    named_pairs = [
        (*sorted((str(names.nodes[first_id]), str(names.nodes[second_id]))), format_exact(share))
        for first_id, second_id, share in cut_sets.pairs
    ]
    return {
        "target_weight": cut_sets.n_target * settings.points[Criticality.CRITICAL],
        "threshold": format_exact(cut_sets.threshold),
        "size1": sorted(
            [str(names.nodes[node]), format_exact(share)] for node, share in cut_sets.singles
        ),
        "size2": sorted(list(names_and_share) for names_and_share in named_pairs),
    }


def _flags(
    names: PortfolioNames, settings: EngineSettings, portfolio: PortfolioRecord
) -> list[Section]:
    """Policies in the order of the file, nodes by name."""
    rows: list[Section] = []
    critical = {
        application.id
        for application in portfolio.applications
        if application.criticality == "critical"
    }
    policies = Policy.objects.in_bulk(list(names.ids.policies.values()))
    for record in portfolio.policies:
        policy = policies[names.ids.policies[record.id]]
        flagged: list[Section] = []
        for node_id, measured in policy_values(policy).items():
            assert node_id is not None, "a policy of a file counts on nodes"
            application_names = {
                names.applications[pk]
                for pk in named_applications(
                    policy, node_id, settings=settings, limit=len(names.applications)
                )
            }
            flagged.append(
                {
                    "policy": record.id,
                    "node": str(names.nodes[node_id]),
                    "value": format_exact(measured.value),
                    "applications": sorted(
                        application_names & critical
                        if counts_critical(policy)
                        else application_names
                    ),
                }
            )
        rows += sorted(flagged, key=lambda row: str(row["node"]))
    return rows


def _runway(names: PortfolioNames, settings: EngineSettings, portfolio: PortfolioRecord) -> Section:
    return {
        names.dependencies[row.dependency_id]: {
            "days_left": row.days_left,
            "effort_days": format_exact_or_none(row.effort_days),
            "basis": row.basis,
            "runway": format_exact_or_none(row.runway),
            "at_least": row.at_least,
            "why": row.why,
        }
        for row in runways(on=portfolio.as_of, statuses=settings.statuses)
    }


def _cost(names: PortfolioNames, settings: EngineSettings, portfolio: PortfolioRecord) -> Section:
    section: Section = {}
    for day in (None, *portfolio.cost_days):
        costs = monthly_costs(on=portfolio.as_of, prices_on=day, statuses=settings.statuses)
        section[str(day)] = {
            "per_dependency": {
                names.dependencies[pk]: format_exact(money.amount)
                for pk, money in costs.per_dependency.items()
            },
            "total": {currency: format_exact(amount) for currency, amount in costs.totals.items()},
            "unknown": sorted(names.dependencies[pk] for pk in costs.unknown),
        }
    return section


def _replay_lifecycle(lifecycle: LifecycleRecord) -> list[Section]:
    days = [day for day, _, _ in lifecycle.steps]
    return [
        {"day": day.isoformat(), "state": life.state, "events": list(events)}
        for day, (life, events) in zip(
            days, replay_flag(lifecycle.line, lifecycle.steps), strict=True
        )
    ]
