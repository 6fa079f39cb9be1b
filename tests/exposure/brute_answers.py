"""The whole answer about a portfolio by brute force: what-ifs, losses, lives of flags, and all
sections together."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from tests.exposure.brute_force import ReferencePortfolio, failing
from tests.exposure.brute_measures import (
    BASES,
    LAYERS,
    NOTHING,
    concentration,
    cost,
    cuts,
    flags,
    runway,
    shown,
    single_points,
)
from tools.worked_portfolios.records import (
    Add,
    FrequencyRecord,
    LifecycleRecord,
    LossEventRecord,
    Move,
    Operation,
    PortfolioRecord,
    Remove,
    Replace,
    Reprice,
    ScenarioRecord,
)

TAILS = {"95": Fraction(95, 100), "99": Fraction(99, 100)}


# what-ifs


def changed(portfolio: PortfolioRecord, op: Operation) -> PortfolioRecord:
    """The portfolio after one operation; what fails and what costs otherwise is kept apart."""
    match op:
        case Replace(old, new):
            live = ReferencePortfolio(portfolio).live
            return replace(
                portfolio,
                dependencies=tuple(
                    replace(row, offering=new) if row.offering == old and live(row) else row
                    for row in portfolio.dependencies
                ),
            )
        case Move(dependency, offering):
            moved = (
                replace(row, offering=offering) if row.id == dependency else row
                for row in portfolio.dependencies
            )
            return replace(portfolio, dependencies=tuple(moved))
        case Add(application, dependencies, exit_tests):
            return replace(
                portfolio,
                applications=(*portfolio.applications, application),
                dependencies=portfolio.dependencies + dependencies,
                exit_tests=portfolio.exit_tests + exit_tests,
            )
        case Remove() | Reprice():
            return portfolio
    retired = (
        replace(row, status="retired") if row.id == op.application else row
        for row in portfolio.applications
    )
    return replace(portfolio, applications=tuple(retired))


def scenario(portfolio: PortfolioRecord, asked: ScenarioRecord) -> dict[str, Any]:
    removed = list(
        dict.fromkeys(str(node) for op in asked.ops if isinstance(op, Remove) for node in op.nodes)
    )
    changes = [op for op in asked.ops if isinstance(op, Reprice)]
    after = portfolio
    for op in asked.ops:
        after = changed(after, op)
    return {
        "before": _summary(ReferencePortfolio(portfolio), asked, removed, []),
        "after": _summary(ReferencePortfolio(after), asked, removed, changes),
    }


def _summary(
    world: ReferencePortfolio, asked: ScenarioRecord, removed: list[str], changes: list[Reprice]
) -> dict[str, Any]:
    states = {name: world.standing(name, failing(removed)).state for name in world.scope()}
    return {
        "states": {name: state for name, state in states.items() if state != "not_standing"},
        "hhi": {layer: concentration(world, layer, asked.basis)["hhi"] for layer in asked.layers},
        "n_spof_nodes": len(single_points(world)),
        "cost": cost(world, asked.on, changes)["total"],
    }


# losses: a distribution is {loss: probability}; a part is (name, distribution of the number of
# events, loss of one)

type Part = tuple[str, list[tuple[int, Any]], Any]


def event_loss(world: ReferencePortfolio, event: LossEventRecord, application: str) -> Fraction:
    """Traffic-weighted severity of the struck paths."""
    base = event.base.get(world.applications[application].criticality, NOTHING)
    paths = world.standing(application, failing([str(event.node)], event.threat)).paths
    factor = world.settings.state_factor
    return base * sum((share * factor[state] for state, share, _ in paths.values()), NOTHING)


def _number_of_events(frequency: FrequencyRecord) -> list[tuple[int, Any]]:
    if frequency.q is not None:
        return [(0, 1 - frequency.q), (1, frequency.q)]
    assert frequency.rate is not None
    mean = float(frequency.rate)
    chances: list[tuple[int, Any]] = []
    chance = math.exp(-mean)
    while len(chances) < 3 or chance > 1e-17:
        chances.append((len(chances), chance))
        chance *= mean / len(chances)
    return chances


def _distribution(parts: Sequence[Part], one: Any) -> dict[Any, Any]:
    found = {one * 0: one}
    for _, events, loss in parts:
        onward: dict[Any, Any] = {}
        for so_far, chance in found.items():
            for number, p in events:
                if p:
                    onward[so_far + number * loss] = (
                        onward.get(so_far + number * loss, 0) + chance * p
                    )
        found = onward
    return found


def _tail(found: dict[Any, Any], level: Any, slack: float) -> tuple[Any, Callable[[Any], Any]]:
    """(value at risk, the part of the probability at a loss that lies in the tail)."""
    below = 0 * level
    at_risk = None
    for loss in sorted(found):
        below += found[loss]
        at_risk = loss
        if below >= level - slack:
            break
    assert at_risk is not None
    split = (below - level) / found[at_risk]
    return at_risk, lambda loss: 1 if loss > at_risk else split if loss == at_risk else 0


def _measures(parts: Sequence[Part], *, one: Any, attribute: bool) -> dict[str, Any]:
    exact = isinstance(one, Fraction)
    say = shown if exact else float
    found = _distribution(parts, one)
    losses = sorted(found)
    mean = sum(loss * p for loss, p in found.items())
    variance = float(sum(loss * loss * p for loss, p in found.items()) - mean**2)
    points = (
        losses
        if len(losses) <= 12
        else [losses[place * (len(losses) - 1) // 11] for place in range(12)]
    )
    section: dict[str, Any] = {
        "eal": say(mean),
        "sd": math.sqrt(max(0.0, variance)),
        "exceedance": [
            [say(point), say(sum((p for loss, p in found.items() if loss > point), 0 * one))]
            for point in points
        ],
    }
    for name, level in TAILS.items():
        level = one * level
        at_risk, part = _tail(found, level, 0 if exact else 1e-15)
        section[f"var{name}"] = say(at_risk)
        section[f"tvar{name}"] = say(
            sum(loss * p * part(loss) for loss, p in found.items()) / (1 - level)
        )
        if not attribute:
            continue
        by_name: dict[str, Any] = {}
        for place, (whose, events, loss) in enumerate(parts):
            rest = _distribution([*parts[:place], *parts[place + 1 :]], one)
            tail = sum(
                number * loss * p * chance * part(others + number * loss)
                for number, p in events
                for others, chance in rest.items()
            )
            by_name[whose] = by_name.get(whose, 0) + tail / (1 - level)
        section[f"attribution{name}"] = {
            whose: say(amount) for whose, amount in sorted(by_name.items())
        }
    return section


def loss(world: ReferencePortfolio) -> dict[str, Any]:
    asked = world.portfolio.loss
    assert asked is not None
    frequencies = [event.frequency for event in asked.events] + [
        own[0] for own in asked.own.values()
    ]
    exact = all(frequency.q is not None for frequency in frequencies)
    one: Any = Fraction(1) if exact else 1.0
    kind: Any = Fraction if exact else float
    shared: list[Part] = []
    alone: list[Part] = []
    for event in asked.events:
        events = [(number, kind(p)) for number, p in _number_of_events(event.frequency)]
        losses = [kind(event_loss(world, event, application)) for application in world.scope()]
        shared.append((f"{event.node}|{event.kind}", events, sum(losses, 0 * one)))
        alone += [("", events, amount) for amount in losses if amount]
    own: list[Part] = []
    for application in world.scope():
        said = asked.own.get(world.applications[application].criticality)
        if said is not None:
            own.append(
                (
                    "own",
                    [(number, kind(p)) for number, p in _number_of_events(said[0])],
                    kind(said[1]),
                )
            )
    say = shown if exact else float
    return {
        "exact": exact,
        "node_loss": {name: say(amount) for name, _, amount in shared},
        "shared": _measures(shared + own, one=one, attribute=exact),
        "independent": _measures(alone + own, one=one, attribute=False),
    }


# the life of a flag, as one loop over the days


def life(asked: LifecycleRecord) -> list[dict[str, Any]]:
    line = asked.line
    state = "none"
    last = NOTHING
    below: date | None = None
    until: date | None = None
    ceiling = NOTHING
    log = []
    for day, value, do in asked.steps:
        events = []
        if value is not None:
            last = value
            if state == "none" and value > line.tolerance:
                state, below = "open", None
                events.append("opened")
            elif state != "none":
                below = (below or day) if value <= line.tolerance * (1 - line.hysteresis) else None
                if below is not None and (day - below).days >= line.clear_days:
                    state, below = "none", None
                    events.append("resolved")
                elif state == "accepted" and value > ceiling:
                    state = "open"
                    events.append("worsened")
        if state == "accepted" and until is not None and day >= until:
            state = "open"
            events.append("acceptance_expired")
        if do.acknowledge and state == "open":
            state = "acknowledged"
            events.append("acknowledged")
        if do.accept_until is not None and state != "none" and do.accept_until > day:
            state, until = "accepted", do.accept_until
            ceiling = max(last, line.tolerance) * (1 + line.hysteresis)
            events.append("accepted")
        if do.disable and state != "none":
            state, below = "none", None
            events.append("resolved")
        log.append({"day": day.isoformat(), "state": state, "events": events})
    return log


# everything


def states(world: ReferencePortfolio, threat: str | None = None) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for node in world.nodes():
        rows = {}
        for application in world.scope():
            standing = world.standing(application, failing([node], threat))
            leans = world.leans(application, node)
            if standing.state != "not_standing" or leans:
                rows[application] = {
                    "state": standing.state,
                    "hit_share": shown(standing.hit_share),
                    "paths": {
                        primary: {"state": state, "share": shown(share), "rescue": rescue}
                        for primary, (state, share, rescue) in standing.paths.items()
                    },
                    "leans": leans,
                }
        if rows:
            table[node] = rows
    return table


def may_stand(world: ReferencePortfolio) -> dict[str, list[str]]:
    table = {
        node: [application for application in world.scope() if world.may_stand(application, node)]
        for node in world.nodes()
    }
    return {node: applications for node, applications in table.items() if applications}


def answers(portfolio: PortfolioRecord) -> dict[str, Any]:
    world = ReferencePortfolio(portfolio)
    scope = world.scope()
    section: dict[str, Any] = {
        "scope": scope,
        "live_dependencies": sorted(
            row.id for name in scope for row in world.live_dependencies(name)
        ),
        "shares": {
            row: shown(share) for name in scope for row, share in world.shares(name).items()
        },
        "footing": {
            offering: dict(sorted(world.footing(offering).items()))
            for offering in sorted(world.offerings)
        },
        "grades": {
            f"{primary.id}>{candidate.id}": {
                "grade": world.grade(primary, candidate),
                "test": candidate.test,
            }
            for name in scope
            for primary, _ in world.primaries(name)
            for candidate in world.candidates(name, primary, "retirement")
        },
        "states": states(world),
        "may_stand": may_stand(world),
        "states_error": states(world, "error"),
        "concentration": {
            layer: {basis: concentration(world, layer, basis) for basis in BASES}
            for layer in LAYERS
        },
        "spof": single_points(world),
        "cuts": cuts(world),
        "flags": flags(world),
        "runway": runway(world),
        "cost": {"None": cost(world)}
        | {day.isoformat(): cost(world, day) for day in portfolio.cost_days},
    }
    if portfolio.scenarios:
        section["scenarios"] = {
            asked.id: scenario(portfolio, asked) for asked in portfolio.scenarios
        }
    if portfolio.loss:
        section["loss"] = loss(world)
    if portfolio.lifecycles:
        section["lifecycles"] = {asked.id: life(asked) for asked in portfolio.lifecycles}
    return section
