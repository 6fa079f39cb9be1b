"""Reader of the questions about a portfolio: policies, lives of flags, scenarios, losses."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import partial

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models import NodeKind
from apps.exposure.flag_life import FlagDecision, Tolerance
from apps.exposure.models import Basis, Layer, Policy, StandingState
from apps.exposure.threats import THREATS
from apps.inventory.models import Criticality
from tools.worked_portfolios.nodes import KINDS, NodeName, parse_node_name
from tools.worked_portfolios.reader.inventory import (
    KnownIds,
    read_application,
    read_dependency,
    read_exit_test,
    round_to_places,
)
from tools.worked_portfolios.reader.rows import JsonRow, parse_number
from tools.worked_portfolios.records import (
    Add,
    FrequencyRecord,
    LifecycleRecord,
    LossEventRecord,
    LossRecord,
    Move,
    Operation,
    PolicyRecord,
    Remove,
    Replace,
    Reprice,
    Retire,
    ScenarioRecord,
)

CRITICALITIES: tuple[str, ...] = tuple(criticality.name.lower() for criticality in Criticality)
MEASURES: tuple[str, ...] = tuple(
    str(measure) for measure in Policy.Measure if measure is not Policy.Measure.CRITICAL_SHARE
)


def read_policy(row: JsonRow) -> PolicyRecord:
    kinds = row.some_of("kinds", KINDS)
    states = row.some_of("states", StandingState.values)
    if not kinds or not states:
        raise row.refuse("a policy names the node kinds and the states it counts.")
    return PolicyRecord(
        id=row.text("id"),
        kinds=kinds,
        states=states,
        measure=row.one_of("measure", MEASURES),
        basis=row.one_of("basis", Basis.values, Basis.COUNT),
        tolerance=round_to_places(row.number("tolerance"), 15),
        threat=None if row.get("threat") is None else row.one_of("threat", THREATS),
    )


def read_lifecycle(row: JsonRow) -> LifecycleRecord:
    line = Tolerance(
        tolerance=row.number("tolerance"),
        hysteresis=parse_number(row.get("hysteresis", "1/10"), f"{row.at}: 'hysteresis'"),
        clear_days=row.whole("clear_days", 2, at_most=3650),
    )
    if line.hysteresis >= 1:
        raise row.refuse("'hysteresis' is a part of the tolerance, under 1.")
    steps: list[tuple[date, Fraction | None, FlagDecision]] = []
    for step in row.rows("steps"):
        value = None
        if "value" in step.values:
            # null: the node is gone, and nothing stands on it
            value = parse_number(step.get("value", 0), f"{step.at}: 'value'")
        decision_row = step.mapped("do")
        decision = FlagDecision(
            acknowledge="acknowledge" in decision_row.values,
            accept_until=decision_row.day("accept_until")
            if "accept_until" in decision_row.values
            else None,
            disable="disable" in decision_row.values,
        )
        steps.append((step.day("day"), value, decision))
    return LifecycleRecord(row.text("id"), line, tuple(steps))


def read_scenario(row: JsonRow, *, known: KnownIds) -> ScenarioRecord:
    ops: list[Operation] = []
    for op in row.rows("ops"):
        read_operation = _OPERATIONS[op.one_of("op", _OPERATIONS)]
        operation = read_operation(op, known)
        if isinstance(operation, Add):
            known = known.with_applications([operation.application]).with_dependencies(
                operation.dependencies
            )
        ops.append(operation)
    layers = row.some_of("layers", Layer.values, ("developer", "host"))
    return ScenarioRecord(
        row.text("id"),
        tuple(ops),
        layers,
        row.one_of("basis", Basis.values, Basis.COUNT),
        row.day_or_none("on"),
    )


def _remove(row: JsonRow, known: KnownIds) -> Remove:
    return Remove(tuple(read_node(row, name, known) for name in row.listed("nodes")))


def _replace(row: JsonRow, known: KnownIds) -> Replace:
    return Replace(
        row.ref("old", known.offerings, "offering"), row.ref("new", known.offerings, "offering")
    )


def _move(row: JsonRow, known: KnownIds) -> Move:
    dependency = row.ref("dependency", known.dependencies, "dependency")
    return Move(dependency, row.ref("offering", known.offerings, "offering"))


def _reprice(row: JsonRow, known: KnownIds) -> Reprice:
    amount, factor = row.number_or_none("amount"), row.number_or_none("factor")
    if (amount is None) == (factor is None):
        raise row.refuse("a reprice gives either a factor, or an amount with its currency.")
    return Reprice(
        node=read_node(row, row.get("node"), known),
        unit=None if row.get("unit") is None else row.one_of("unit", PRICE_UNITS),
        factor=factor,
        amount=amount,
        currency=None if amount is None else row.text("currency"),
        since=row.day_or_none("from"),
    )


def _add(row: JsonRow, known: KnownIds) -> Add:
    application = read_application(row.mapped("application"))
    if application.id in known.applications:
        raise row.refuse(f"the application '{application.id}' is there already.")
    known = known.with_applications([application])
    dependencies = row.records("dependencies", partial(read_dependency, known=known))
    for dependency in dependencies:
        if dependency.id in known.dependencies:
            raise row.refuse(f"the dependency '{dependency.id}' is there already.")
        if dependency.application != application.id:
            raise row.refuse(
                f"the dependency '{dependency.id}' is of another application than the one that is "
                "added."
            )
    # the tests that come with an application are of its own dependencies
    own_ids = replace(known, dependencies=frozenset(dependency.id for dependency in dependencies))
    return Add(
        application, dependencies, row.records("exit_tests", partial(read_exit_test, known=own_ids))
    )


def _retire(row: JsonRow, known: KnownIds) -> Retire:
    return Retire(row.ref("application", known.applications, "application"))


_OPERATIONS: Mapping[str, Callable[[JsonRow, KnownIds], Operation]] = {
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "reprice": _reprice,
    "add": _add,
    "retire": _retire,
}


def read_loss(top: JsonRow, known: KnownIds) -> LossRecord:
    loss = top.mapped("loss")
    own = loss.mapped("own")
    events = []
    for row in loss.rows("events"):
        base = row.mapped("base")
        events.append(
            LossEventRecord(
                node=read_node(row, row.get("node"), known),
                kind=row.text("kind"),
                threat=None if row.get("threat") is None else row.one_of("threat", THREATS),
                frequency=_frequency(row.mapped("frequency")),
                base={name: base.number(name) for name in _criticalities(base)},
            )
        )
    return LossRecord(
        tuple(events),
        {
            name: (_frequency(own.mapped(name)), own.mapped(name).number("loss"))
            for name in _criticalities(own)
        },
    )


def _frequency(row: JsonRow) -> FrequencyRecord:
    q, rate = row.number_or_none("q"), row.number_or_none("rate")
    if (q is None) == (rate is None):
        raise row.refuse("give either the probability 'q' of the year or the 'rate' a year.")
    if q is not None and q > 1:
        raise row.refuse("'q' is a probability, at most 1.")
    if rate is not None and rate > 100:
        raise row.refuse("'rate' is at most 100 events a year.")
    return FrequencyRecord(q, rate)


def _criticalities(row: JsonRow) -> Collection[str]:
    if unknown := sorted(set(row.values) - set(CRITICALITIES)):
        raise row.refuse(f"there is no criticality '{unknown[0]}'; use {', '.join(CRITICALITIES)}.")
    return row.values


def read_node(row: JsonRow, name: object, known: KnownIds) -> NodeName:
    """The node of that name, whose offering, version, foundation or party the portfolio holds."""
    node = parse_node_name(name, known.providers) if isinstance(name, str) else None
    if node is None:
        raise row.refuse(
            f"{name!r} names no node; write a kind and an id, such as "
            f"host:{_first_id(known.providers)}."
        )
    holders: Mapping[NodeKind, frozenset[str]] = {
        NodeKind.OFFERING: known.offerings,
        NodeKind.VERSION: known.versions,
        NodeKind.FOUNDATION: known.foundations,
    }
    if node.ref not in holders.get(node.kind, known.providers):
        raise row.refuse(f"the portfolio has no {node.kind.label} '{node.ref}'.")
    return node


def _first_id(ids: Collection[str]) -> str:
    return min(ids, default="ID")
