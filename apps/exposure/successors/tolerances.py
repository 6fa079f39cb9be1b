"""Values of the exposure policies after considered moves, each by itself: all moves in one pass.

The states are those of the engine's own statement, on the rows that the moves would give. They
are compared with the stored sums, so that the cost does not depend on the portfolio. Only readers
of the whole organisation are shown them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum

from apps.catalog.models import NodeKind, Provider
from apps.common.database.statements import load_statement
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import STANDING, every_path_state_sql
from apps.exposure.models import (
    Basis,
    NodeSummary,
    Policy,
    Predicate,
    ScopedApplication,
    StandingState,
)
from apps.exposure.node_names import NodeName, node_names
from apps.exposure.successors.records import ExposureChange
from apps.exposure.threats import DEFAULT_THREAT, THREAT_CODES, exact_fraction
from apps.inventory.models import Criticality, Dependency

Measure = Policy.Measure
# the conditions in the order of states_after_moves.sql
_PREDICATES = (
    Predicate.NO_INDEPENDENT_FALLBACK,
    Predicate.JUDGE_SHARES_LINEAGE,
    Predicate.UNRESOLVED_PRIMARY,
)
_PARTY_KINDS = frozenset({NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR})

type Key = tuple[int | None, int]


@dataclass(frozen=True, slots=True)
class Move:
    """One considered move of a dependency; it is not among the others."""

    dependency: Dependency
    offering_id: int


@dataclass(frozen=True, slots=True)
class _Weights:
    """What one application, or all in scope, count for."""

    n: int
    n_critical: int
    points: Fraction
    spend: Fraction
    users: Fraction

    def part(self, policy: Policy) -> Fraction:
        """Return the weight under the measure of the policy."""
        match policy.measure:
            case Measure.N_APPLICATIONS:
                return Fraction(self.n)
            case Measure.N_CRITICAL | Measure.CRITICAL_SHARE:
                return Fraction(self.n_critical)
        return {
            Basis.COUNT: Fraction(self.n),
            Basis.CRITICALITY: self.points,
            Basis.SPEND: self.spend,
            Basis.USERS: self.users,
        }[Basis(policy.basis)]

    def count(self, policy: Policy) -> int:
        is_critical = policy.measure in (Measure.N_CRITICAL, Measure.CRITICAL_SHARE)
        return self.n_critical if is_critical else self.n


def exposure_changes(
    moves: Sequence[Move], *, settings: EngineSettings, on: date
) -> list[tuple[ExposureChange, ...]]:
    """Return for each move, in order, the values that it changes and those of the new developer;
    seven statements, none without moves.

    A policy counts what is in scope, so the changes of other applications are empty.
    """
    if not moves:
        return []
    dependencies = list(dict.fromkeys(move.dependency.pk for move in moves))
    # each dependency as it is comes after the moves
    states = _states(
        [
            *((move.dependency.pk, move.offering_id) for move in moves),
            *((pk, None) for pk in dependencies),
        ],
        settings=settings,
        on=on,
    )
    after = states[: len(moves)]
    before = dict(zip(dependencies, states[len(moves) :], strict=True))
    policies = list(Policy.objects.filter(enabled=True).order_by("pk"))
    nodes = {node for of_move in states for node, _threat in of_move if node}
    names = node_names(nodes)
    stored = _stored_sums(nodes)
    weights = _application_weights({move.dependency.application_id for move in moves})
    totals, holding = _totals(policies)
    results: list[list[tuple[int | None, ExposureChange]]] = []
    for move, states_after in zip(moves, after, strict=True):
        weight = weights.get(move.dependency.application_id)
        if weight is None:
            results.append([])
            continue
        changes = [
            change
            for policy in policies
            for change in _compare(
                policy,
                before[move.dependency.pk],
                states_after,
                names,
                stored,
                weight,
                totals,
                holding,
            )
        ]
        results.append(changes)
    return _without_owners(results, names)


def _states(
    moves: Sequence[tuple[int, int | None]], *, settings: EngineSettings, on: date
) -> list[dict[Key, int]]:
    """Return for each move {(node, threat): state}, and {(None, condition): whether it holds}."""
    engine = every_path_state_sql(
        settings=settings,
        threats=settings.threats,
        offerings=(
            "AND f.offering_id IN (SELECT offering_id FROM moved_path "
            "UNION SELECT offering_id FROM moved_candidate)"
        ),
    )
    statement = (
        f"WITH {load_statement('exposure', 'considered_moves')}, {engine.removeprefix('WITH ')}"
        f"{STANDING}{load_statement('exposure', 'states_after_moves')}"
    )
    states: list[dict[Key, int]] = [{} for _ in moves]
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "dependencies": [pk for pk, _ in moves],
                "offerings": [offering_id for _, offering_id in moves],
                "n_moves": len(moves),
                "day": on,
                "horizon": on + timedelta(days=settings.horizon_days),
            },
        )
        for position, node_id, threat, state in cursor.fetchall():
            states[position - 1][node_id, threat] = state
    return states


def _stored_sums(nodes: Collection[int]) -> dict[tuple[int, int, int], _Weights]:
    """Return {(node, threat, state): sums over applications}."""
    rows = NodeSummary.objects.filter(node_id__in=nodes).values_list(
        "node_id", "threat", "state", "n", "n_critical", "points", "spend", "users"
    )
    return {
        (node, threat, state): _Weights(
            n, n_critical, Fraction(points), Fraction(spend), Fraction(users)
        )
        for node, threat, state, n, n_critical, points, spend, users in rows
    }


def _application_weights(application_ids: Collection[int]) -> dict[int, _Weights]:
    rows = ScopedApplication.objects.filter(application_id__in=application_ids).values_list(
        "application_id", "criticality", "points", "spend", "users"
    )
    return {
        pk: _Weights(
            1,
            int(criticality == Criticality.CRITICAL),
            Fraction(points),
            Fraction(spend or 0),
            Fraction(users or 0),
        )
        for pk, criticality, points, spend, users in rows
    }


def _totals(policies: Sequence[Policy]) -> tuple[_Weights, Mapping[str, _Weights]]:
    """Return the weights of all applications in scope, and of those that meet each condition."""
    conditions = {
        str(Predicate.NO_INDEPENDENT_FALLBACK): Q(n_paths__gt=0, independent_fallback=False),
        str(Predicate.JUDGE_SHARES_LINEAGE): Q(judge_shares_lineage=True),
        str(Predicate.UNRESOLVED_PRIMARY): Q(unresolved=True),
    }
    columns = {}
    for name, condition in (("all", Q()), *conditions.items()):
        columns[f"{name}_n"] = Count("pk", filter=condition)
        columns[f"{name}_critical"] = Count(
            "pk", filter=condition & Q(criticality=Criticality.CRITICAL)
        )
        for column in ("points", "spend", "users"):
            columns[f"{name}_{column}"] = Sum(column, filter=condition)
    row = ScopedApplication.objects.aggregate(**columns)

    def weights_of(name: str) -> _Weights:
        sums = [
            Fraction(row[f"{name}_{column}"] or Decimal(0))
            for column in ("points", "spend", "users")
        ]
        return _Weights(row[f"{name}_n"], row[f"{name}_critical"], *sums)

    return weights_of("all"), {name: weights_of(name) for name in conditions}


def _compare(
    policy: Policy,
    before: Mapping[Key, int],
    after: Mapping[Key, int],
    names: Mapping[int, NodeName],
    stored: Mapping[tuple[int, int, int], _Weights],
    weight: _Weights,
    totals: _Weights,
    holding: Mapping[str, _Weights],
) -> list[tuple[int | None, ExposureChange]]:
    """Return (node, change) of the values of the policy that the move changes, and of developers
    that stay."""
    part = weight.part(policy)
    if policy.predicate:
        key: Key = (None, _PREDICATES.index(Predicate(policy.predicate)))
        was, will = bool(before.get(key)), bool(after.get(key))
        if was == will:
            return []
        base = holding[policy.predicate]
        return [
            (
                None,
                _change(
                    policy,
                    None,
                    base.part(policy),
                    base.count(policy),
                    part,
                    weight,
                    totals,
                    will - was,
                ),
            )
        ]
    codes = {StandingState(state).code for state in policy.states}
    changes = []
    for node, name in names.items():
        if name.kind.label not in policy.kinds:
            continue
        threat = THREAT_CODES[policy.threat or DEFAULT_THREAT[name.kind]]
        was, will = before.get((node, threat)) in codes, after.get((node, threat)) in codes
        if was == will and not (will and name.kind == NodeKind.DEVELOPER):
            continue
        sums = [stored[node, threat, code] for code in codes if (node, threat, code) in stored]
        changes.append(
            (
                node,
                _change(
                    policy,
                    name,
                    sum((row.part(policy) for row in sums), Fraction(0)),
                    sum(row.count(policy) for row in sums),
                    part,
                    weight,
                    totals,
                    will - was,
                ),
            )
        )
    return changes


def _change(
    policy: Policy,
    name: NodeName | None,
    base: Fraction,
    n_base: int,
    part: Fraction,
    weight: _Weights,
    totals: _Weights,
    direction: int,
) -> ExposureChange:
    is_share = policy.measure in (Measure.WEIGHT_SHARE, Measure.CRITICAL_SHARE)
    whole = totals.part(policy) if is_share else Fraction(1)
    divisor = whole or Fraction(1)
    return ExposureChange(
        policy_id=policy.pk,
        policy=policy.name,
        node=name.label if name is not None else "",
        node_kind=name.kind.label if name is not None else "",
        is_share=is_share,
        before=base / divisor if whole else Fraction(0),
        after=(base + direction * part) / divisor if whole else Fraction(0),
        tolerance=exact_fraction(policy.tolerance),
        n_before=n_base,
        n_after=n_base + direction * weight.count(policy),
        n_all=totals.count(policy),
    )


def _without_owners(
    results: Sequence[Sequence[tuple[int | None, ExposureChange]]], names: Mapping[int, NodeName]
) -> list[tuple[ExposureChange, ...]]:
    """Return the changes without those of an owner whose company has the same values."""
    same: set[int] = set()
    for changes in results:
        refs = defaultdict(set)
        for node, change in changes:
            if node is not None and names[node].kind in _PARTY_KINDS:
                refs[_identity(change)].add(names[node].ref)
        same |= {ref for group in refs.values() if len(group) > 1 for ref in group}
    parents: Mapping[int, int | None] = (
        dict(Provider.objects.filter(pk__in=same).values_list("pk", "parent_id")) if same else {}
    )

    def is_owner(node: int | None, change: ExposureChange, owners: Mapping[Any, set[int]]) -> bool:
        return node is not None and names[node].ref in owners[_identity(change)]

    kept = []
    for changes in results:
        owners: dict[Any, set[int]] = defaultdict(set)
        for node, change in changes:
            if node is not None and names[node].kind in _PARTY_KINDS:
                owner = parents.get(names[node].ref)
                if owner is not None:
                    owners[_identity(change)].add(owner)
        kept.append(tuple(one for node, one in changes if not is_owner(node, one, owners)))
    return kept


def _identity(change: ExposureChange) -> tuple[object, ...]:
    return (change.policy_id, change.node_kind, change.before, change.after, change.n_after)
