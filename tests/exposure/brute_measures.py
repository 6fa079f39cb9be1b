"""Every number about a portfolio from its definition: concentration, single points, cuts, flags,
runway, cost."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.exposure.brute_force import ReferencePortfolio, failing, kind_of
from tools.worked_portfolios.records import DependencyRecord, PolicyRecord, Reprice

LAYERS = ("developer", "host", "foundation", "version", "region", "gateway", "vendor")
BASES = ("count", "criticality", "spend", "users")
NOTHING = Fraction(0)

type Masses = dict[str, dict[str, Fraction]]


def shown(number: Fraction | Decimal | int | None) -> int | str | None:
    if number is None:
        return None
    exact = Fraction(number)
    return exact.numerator if exact.denominator == 1 else f"{exact.numerator}/{exact.denominator}"


# weights


def application_weight(world: ReferencePortfolio, application: str, basis: str) -> Fraction | None:
    """What the record of the application says; None when it says nothing."""
    row = world.applications[application]
    weight = {
        "count": 1,
        "criticality": world.settings.points[row.criticality],
        "spend": row.monthly_spend,
        "users": row.users,
    }[basis]
    return None if weight is None else Fraction(weight)


def path_weights(
    world: ReferencePortfolio, application: str, basis: str
) -> tuple[dict[str, Fraction], bool]:
    """({primary: weight}, whether the weight is missing)."""
    primaries = world.primaries(application)
    spends = {
        primary.id: Fraction(primary.spend) for primary, _ in primaries if primary.spend is not None
    }
    if basis == "spend" and primaries and len(spends) == len(primaries):
        return spends, False
    weight = application_weight(world, application, basis)
    return {primary.id: (weight or NOTHING) * share for primary, share in primaries}, weight is None


def weight_in_scope(world: ReferencePortfolio, application: str, basis: str) -> Fraction:
    if not world.primaries(application):
        return application_weight(world, application, basis) or NOTHING
    return sum(path_weights(world, application, basis)[0].values(), NOTHING)


# concentration


def buckets(
    world: ReferencePortfolio, dependency: DependencyRecord, layer: str
) -> list[tuple[str, Fraction]]:
    """[(node, ?unresolved offering or none, part)] of one primary; the parts sum to 1."""
    row = world.served(dependency.offering)
    whole = Fraction(1)
    if layer == "host":
        return [(f"host:{row.host}", whole)]
    if layer == "region":
        parts = [
            (f"region:{row.host}/{region}", whole / len(row.regions)) for region in row.regions
        ]
        return parts or [(f"?{row.id}", whole)]
    if layer == "gateway":
        gateway = dependency.via_party if dependency.via == "gateway" else None
        gateway = gateway or row.gateway
        return [(f"gateway:{gateway}" if gateway else "none", whole)]
    if layer == "vendor":
        vendor = dependency.via_party if dependency.via == "embedded" else None
        return [(f"vendor:{vendor}" if vendor else "none", whole)]
    if row.version is None:
        return [(f"?{row.id}", whole)]
    foundation = world.foundation[row.version]
    name = {
        "version": row.version,
        "foundation": foundation,
        "developer": world.developer[foundation],
    }[layer]
    return [(f"{layer}:{name}", whole)]


def masses(
    world: ReferencePortfolio, layer: str, basis: str
) -> tuple[Masses, list[str], list[str]]:
    """({application: {bucket: mass}}, those without a weight, those that stand nowhere)."""
    per: Masses = {}
    missing, undeclared = [], []
    for application in world.scope():
        primaries = world.primaries(application)
        if not primaries:
            undeclared.append(application)
            continue
        weights, lacking = path_weights(world, application, basis)
        if lacking:
            missing.append(application)
        own = per.setdefault(application, {})
        for primary, _ in primaries:
            for bucket, part in buckets(world, primary, layer):
                own[bucket] = own.get(bucket, NOTHING) + weights[primary.id] * part
    return per, missing, undeclared


def totals(per: Masses) -> dict[str, Fraction]:
    summed: dict[str, Fraction] = {}
    for own in per.values():
        for bucket, mass in own.items():
            summed[bucket] = summed.get(bucket, NOTHING) + mass
    return summed


@dataclass(frozen=True)
class Concentration:
    total_weight: Fraction
    none_weight: Fraction
    covered_weight: Fraction
    unknown: Fraction | None = None
    shares: Mapping[str, Fraction] | None = None
    cr1: Fraction | None = None
    cr3: Fraction | None = None
    hhi: Fraction | None = None
    hhi_best: Fraction | None = None
    hhi_worst: Fraction | None = None
    n2: Fraction | None = None
    n1: float | None = None


def indices(per: Masses) -> Concentration:
    summed = totals(per)
    none = summed.pop("none", NOTHING)
    covered = sum(summed.values(), NOTHING)
    if covered == 0:
        return Concentration(covered + none, none, covered)
    shares = {
        bucket: mass / covered
        for bucket, mass in sorted(summed.items())
        if not bucket.startswith("?")
    }
    loose = [mass / covered for bucket, mass in summed.items() if bucket.startswith("?")]
    unknown = sum(loose, NOTHING)
    largest = sorted(shares.values(), reverse=True)
    top = largest[0] if largest else NOTHING
    squares = sum((share * share for share in shares.values()), NOTHING)
    hhi = squares + unknown * unknown
    present = [float(share) for share in [*shares.values(), unknown] if share > 0]
    return Concentration(
        total_weight=covered + none,
        none_weight=none,
        covered_weight=covered,
        unknown=unknown,
        shares=shares,
        cr1=top,
        cr3=sum(largest[:3], NOTHING),
        hhi=hhi,
        hhi_best=squares + sum((share * share for share in loose), NOTHING),
        hhi_worst=squares - top * top + (top + unknown) ** 2,
        n2=1 / hhi,
        n1=math.exp(-sum(share * math.log(share) for share in present)),
    )


def concentration(world: ReferencePortfolio, layer: str, basis: str) -> dict[str, Any]:
    per, missing, undeclared = masses(world, layer, basis)
    whole = indices(per)
    section: dict[str, Any] = {
        name: shown(getattr(whole, name))
        for name in (
            "total_weight",
            "none_weight",
            "covered_weight",
            "unknown",
            "cr1",
            "cr3",
            "hhi",
            "hhi_best",
            "hhi_worst",
            "n2",
        )
    }
    section["n1"] = whole.n1
    section["shares"] = (
        None
        if whole.shares is None
        else {node: shown(share) for node, share in whole.shares.items()}
    )
    section |= {"missing_weight": missing, "undeclared": undeclared}
    if whole.hhi is None:
        return section
    one_unknown: dict[str, Fraction] = {}
    for bucket, mass in totals(per).items():
        name = "?" if bucket.startswith("?") else bucket
        one_unknown[name] = one_unknown.get(name, NOTHING) + mass
    section |= {"marginal": {}, "contribution": {}}
    for application, own in sorted(per.items()):
        rest = indices({other: mass for other, mass in per.items() if other != application}).hhi
        section["marginal"][application] = None if rest is None else shown(whole.hhi - rest)
        crossed = (
            mass * one_unknown["?" if bucket.startswith("?") else bucket]
            for bucket, mass in own.items()
            if bucket != "none"
        )
        section["contribution"][application] = shown(
            sum(crossed, NOTHING) / whole.covered_weight**2
        )
    return section


# single points, cuts, flags


def critical(world: ReferencePortfolio, application: str) -> bool:
    return world.applications[application].criticality == "critical"


def single_points(world: ReferencePortfolio) -> dict[str, Any]:
    found = {}
    for node in world.nodes():
        stopped = world.stops(failing([node]))
        if stopped:
            found[node] = {
                "exposed": sorted(name for name, state in stopped.items() if state == "exposed"),
                "cushioned": sorted(
                    name for name, state in stopped.items() if state == "cushioned"
                ),
                "n_critical": sum(critical(world, name) for name in stopped),
            }
    return found


def cuts(world: ReferencePortfolio) -> dict[str, Any]:
    """The smallest sets of nodes that stop the threshold of the critical weight. Nodes that only an
    exit target stands on count too: losing them takes the exit away."""
    target = [application for application in world.scope() if critical(world, application)]
    weight = {
        application: weight_in_scope(world, application, "criticality") for application in target
    }
    whole = sum(weight.values(), NOTHING)
    line = world.settings.cut_threshold
    section: dict[str, Any] = {
        "target_weight": shown(whole),
        "threshold": shown(line),
        "size1": [],
        "size2": [],
    }
    if whole == 0:
        return section
    nodes = set(world.nodes())
    for test in world.portfolio.exit_tests:
        if world.in_scope(world.dependencies[test.dependency].application):
            nodes |= set(world.footing(test.target))
    asked = sorted(node for node in nodes if kind_of(node) in world.settings.cut_kinds)

    def stopped(*together: str) -> Fraction:
        names = world.stops(failing(together))
        return sum((weight[name] for name in names if name in weight), NOTHING) / whole

    alone = {node: stopped(node) for node in asked}
    section["size1"] = [[node, shown(share)] for node, share in alone.items() if share >= line]
    small = [node for node in asked if alone[node] < line]
    for one, other in itertools.combinations(small, 2):
        share = stopped(one, other)
        if share >= line:
            section["size2"].append([one, other, shown(share)])
    return section


def policy_value(
    world: ReferencePortfolio, policy: PolicyRecord, node: str
) -> tuple[Fraction | None, list[str]]:
    """(value, applications counted); None where nothing in scope weighs anything."""
    found = [
        application
        for application in world.scope()
        if world.standing(application, failing([node], policy.threat)).state in policy.states
    ]
    if policy.measure == "n_critical":
        found = [application for application in found if critical(world, application)]
    if policy.measure != "weight_share":
        return Fraction(len(found)), found
    whole = sum(
        (weight_in_scope(world, application, policy.basis) for application in world.scope()),
        NOTHING,
    )
    part = sum(
        (weight_in_scope(world, application, policy.basis) for application in found), NOTHING
    )
    return (part / whole if whole else None), found


def flags(world: ReferencePortfolio) -> list[dict[str, Any]]:
    raised = []
    for policy in world.portfolio.policies:
        line = Fraction(policy.tolerance).limit_denominator(1_000_000)
        for node in world.nodes():
            if kind_of(node) not in policy.kinds:
                continue
            value, found = policy_value(world, policy, node)
            if value is not None and value > line:
                raised.append(
                    {
                        "policy": policy.id,
                        "node": node,
                        "value": shown(value),
                        "applications": found,
                    }
                )
    return raised


# runway and cost


def runway(world: ReferencePortfolio) -> dict[str, Any]:
    section = {}
    for application in world.scope():
        for primary, _ in world.primaries(application):
            row = _runway_of(world, primary)
            if row is not None:
                section[primary.id] = row
    return section


def _runway_of(world: ReferencePortfolio, primary: DependencyRecord) -> dict[str, Any] | None:
    row = world.served(primary.offering)
    effort, basis = _effort(world, primary)
    retired = world.retired(row.id)
    soft = row.date_kind == "not_before"
    if row.retires_on is None and not retired:
        if row.lifecycle != "deprecated":
            return None
        return {
            "days_left": None,
            "effort_days": shown(effort),
            "basis": basis,
            "runway": None,
            "at_least": False,
            "why": "announced_without_date",
        }
    left = (row.retires_on - world.day).days if row.retires_on is not None else 0
    if soft and not retired:
        left = max(0, left)
    return {
        "days_left": left,
        "effort_days": shown(effort),
        "basis": basis,
        "runway": None if effort is None else shown(left - effort),
        "at_least": soft,
        "why": None,
    }


def _effort(
    world: ReferencePortfolio, primary: DependencyRecord
) -> tuple[Decimal | None, str | None]:
    measured = [
        test
        for test in world.tests()
        if test.dependency == primary.id
        and test.result != "failed"
        and test.effort_days is not None
    ]
    if measured:
        return max(measured, key=lambda test: (test.tested_on, test.id)).effort_days, "test"
    for plan in world.portfolio.exit_plans:
        if plan.dependency == primary.id and plan.estimated_days is not None:
            return plan.estimated_days, "estimate"
    return None, None


def price(
    world: ReferencePortfolio, offering: str, unit: str, day: date, changes: Sequence[Reprice]
) -> tuple[Fraction, str] | None:
    amount: Fraction | None = None
    currency = ""
    for row in world.portfolio.prices:
        holds = row.since <= day and (row.until is None or day < row.until)
        if (row.offering, row.unit) == (offering, unit) and holds:
            amount, currency = Fraction(row.amount), row.currency
    for change in changes:
        begun = change.since is None or change.since <= day
        concerned = (
            change.unit in (None, unit)
            and world.footing(offering).get(str(change.node)) == "direct"
        )
        if not begun or not concerned:
            continue
        if change.amount is not None:
            amount, currency = change.amount, change.currency or ""
        elif amount is not None and change.factor is not None:
            amount *= change.factor
    return None if amount is None else (amount, currency)


def cost(
    world: ReferencePortfolio, day: date | None = None, changes: Collection[Reprice] = ()
) -> dict[str, Any]:
    """A month of every live dependency at the prices of the day."""
    per: dict[str, Fraction] = {}
    summed: dict[str, Fraction] = {}
    unknown = []
    for application in world.scope():
        for row in world.live_dependencies(application):
            known = _cost_of(world, row, day or world.day, list(changes))
            if known is None:
                unknown.append(row.id)
                continue
            per[row.id], currency = known
            if currency is not None:
                summed[currency] = summed.get(currency, NOTHING) + known[0]
    return {
        "per_dependency": {name: shown(amount) for name, amount in per.items()},
        "total": {currency: shown(amount) for currency, amount in sorted(summed.items())},
        "unknown": sorted(unknown),
    }


def _cost_of(
    world: ReferencePortfolio, row: DependencyRecord, day: date, changes: list[Reprice]
) -> tuple[Fraction, str | None] | None:
    if row.input_tokens is None and row.output_tokens is None:
        return None
    amount, currency = NOTHING, None
    for unit, tokens in (("input", row.input_tokens), ("output", row.output_tokens)):
        if not tokens:
            continue
        listed = price(world, world.effective(row.offering), unit, day, changes)
        if listed is None or currency not in (None, listed[1]):
            return None
        currency = listed[1]
        amount += tokens * listed[0] / 1_000_000
    return amount, currency
