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
from apps.inventory.models import Criticality

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
    """A considered move within one application: `offerings` is {dependency ID: its new
    offering}."""

    application_id: int
    offerings: Mapping[int, int]


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
    """Return for each move, made by itself, the values that it changes, and those of the developers
    that stay; seven statements, none without moves. Empty for an application out of scope."""
    return exposure_after_all([[move] for move in moves], settings=settings, on=on)


def exposure_after_all(
    groups: Sequence[Sequence[Move]], *, settings: EngineSettings, on: date
) -> list[tuple[ExposureChange, ...]]:
    """Return the same for each group of moves that are made together, each of another application.

    The state of an application depends on its own dependencies only, so that the differences of
    the moves add up.
    """
    moves = [move for group in groups for move in group]
    if not moves:
        return [() for _ in groups]
    applications = list(dict.fromkeys(move.application_id for move in moves))
    # each application as it is comes after the moves
    states = _states([*moves, *(Move(pk, {}) for pk in applications)], settings=settings, on=on)
    before = dict(zip(applications, states[len(moves) :], strict=True))
    policies = list(Policy.objects.filter(enabled=True).order_by("pk"))
    nodes = {node for of_move in states for node, _threat in of_move if node}
    names = node_names(nodes)
    stored = _stored_sums(nodes)
    weights = _application_weights(applications)
    totals, holding = _totals()
    results: list[list[tuple[int | None, ExposureChange]]] = []
    after = iter(states)
    for group in groups:
        compared = [
            (weight, before[move.application_id], of_move)
            for move in group
            for of_move in (next(after),)
            if (weight := weights.get(move.application_id)) is not None
        ]
        results.append(
            [
                change
                for policy in policies
                for change in _compare(policy, compared, names, stored, totals, holding)
            ]
        )
    return _without_owners(results, names)


type _Compared = Sequence[tuple[_Weights, Mapping[Key, int], Mapping[Key, int]]]


def _states(moves: Sequence[Move], *, settings: EngineSettings, on: date) -> list[dict[Key, int]]:
    """Return for each move {(node, threat): state}, and {(None, condition): whether it holds}."""
    engine = every_path_state_sql(
        settings=settings,
        threats=settings.threats,
        offerings=(
            "AND f.offering_id IN (SELECT offering_id FROM moved_path "
            "UNION SELECT offering_id FROM moved_candidate)"
        ),
    )
    moved = load_statement("exposure", "considered_moves")
    answer = load_statement("exposure", "states_after_moves")
    statement = f"WITH {moved}, {engine.removeprefix('WITH ')}{STANDING}{answer}"
    changes = [
        (position, *change)
        for position, move in enumerate(moves, start=1)
        for change in move.offerings.items()
    ]
    states: list[dict[Key, int]] = [{} for _ in moves]
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "applications": [move.application_id for move in moves],
                "positions": [position for position, _, _ in changes],
                "dependencies": [dependency_id for _, dependency_id, _ in changes],
                "offerings": [offering_id for _, _, offering_id in changes],
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


def _totals() -> tuple[_Weights, Mapping[str, _Weights]]:
    """Return the weights of all applications in scope, and of those that meet each condition."""
    conditions = {
        str(Predicate.NO_INDEPENDENT_FALLBACK): Q(n_paths__gt=0, independent_fallback=False),
        str(Predicate.JUDGE_SHARES_LINEAGE): Q(judge_shares_lineage=True),
        str(Predicate.UNRESOLVED_PRIMARY): Q(unresolved=True),
    }
    columns: dict[str, Any] = {}
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
    compared: _Compared,
    names: Mapping[int, NodeName],
    stored: Mapping[tuple[int, int, int], _Weights],
    totals: _Weights,
    holding: Mapping[str, _Weights],
) -> list[tuple[int | None, ExposureChange]]:
    """Return (node, change) of the values of the policy that the moves change, and of developers
    that stay."""
    if policy.predicate:
        key: Key = (None, _PREDICATES.index(Predicate(policy.predicate)))
        turned = [
            (weight, bool(will.get(key)) - bool(was.get(key))) for weight, was, will in compared
        ]
        if not any(direction for _, direction in turned):
            return []
        return [(None, _change(policy, None, [holding[policy.predicate]], turned, totals))]
    codes = {StandingState(state).code for state in policy.states}
    changes: list[tuple[int | None, ExposureChange]] = []
    for node, name in names.items():
        if name.kind.label not in policy.kinds:
            continue
        of_node = (node, THREAT_CODES[policy.threat or DEFAULT_THREAT[name.kind]])
        turned = [
            (weight, (will.get(of_node) in codes) - (was.get(of_node) in codes))
            for weight, was, will in compared
        ]
        stays = name.kind == NodeKind.DEVELOPER and any(
            will.get(of_node) in codes for _, _, will in compared
        )
        if stays or any(direction for _, direction in turned):
            sums = [stored[*of_node, code] for code in codes if (*of_node, code) in stored]
            changes.append((node, _change(policy, name, sums, turned, totals)))
    return changes


def _change(
    policy: Policy,
    name: NodeName | None,
    sums: Sequence[_Weights],
    turned: Sequence[tuple[_Weights, int]],
    totals: _Weights,
) -> ExposureChange:
    """Return the change of a value. `sums` are counted today, `turned` are the weights that are
    added (1) or no longer counted (-1)."""
    is_share = policy.measure in (Measure.WEIGHT_SHARE, Measure.CRITICAL_SHARE)
    whole = totals.part(policy) if is_share else Fraction(1)
    before = sum((row.part(policy) for row in sums), Fraction(0))
    difference = sum((weight.part(policy) * way for weight, way in turned), Fraction(0))
    n_before = sum(row.count(policy) for row in sums)
    return ExposureChange(
        policy_id=policy.pk,
        policy=policy.name,
        node=name.label if name is not None else "",
        node_kind=name.kind.label if name is not None else "",
        is_share=is_share,
        before=before / whole if whole else Fraction(0),
        after=(before + difference) / whole if whole else Fraction(0),
        tolerance=exact_fraction(policy.tolerance),
        n_before=n_before,
        n_after=n_before + sum(weight.count(policy) * way for weight, way in turned),
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
