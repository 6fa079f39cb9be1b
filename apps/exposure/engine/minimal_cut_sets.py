"""Minimal cut sets: the smallest sets of nodes whose joint failure stops a given share of the
critical applications.

Applications with the same stack stop together, so each distinct stack is examined once, in plain
Python: the nodes that stop it alone, and the pairs that stop it only together. Shares of pairs then
follow by inclusion and exclusion. An untested fallback does not count here, so only tested
candidates are read.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import orjson
from django.db import connection

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.threats import DEFAULT_THREAT, THREATS_WITH_NOTICE, TIES, needed_grade


@dataclass(frozen=True, slots=True)
class FailureDemand:
    """The independence that a node's failure requires under the usual threat of its kind."""

    need: int
    notice: bool


@dataclass(frozen=True, slots=True)
class StackPath:
    effective_id: int
    nodes: frozenset[int]
    parties: frozenset[int]


@dataclass(frozen=True, slots=True)
class StackCandidate:
    """A tested candidate; `primary` is the position of the path it was tested for, None if it can
    replace any."""

    primary: int | None
    effective_id: int
    nodes: frozenset[int]
    parties: frozenset[int]
    alive: bool
    alive_at_horizon: bool


@dataclass(frozen=True, slots=True)
class SharedStack:
    """The paths and tested candidates that `n` critical applications share."""

    n: int
    paths: tuple[StackPath, ...]
    candidates: tuple[StackCandidate, ...]


@dataclass(frozen=True, slots=True)
class MinimalCutSets:
    """Shares are of the `n_target` critical applications in scope. `pairs` contains only nodes that
    do not reach the threshold alone."""

    n_target: int
    threshold: Fraction
    singles: tuple[tuple[int, Fraction], ...]
    pairs: tuple[tuple[int, int, Fraction], ...]


def stops(
    stack: SharedStack,
    failed: frozenset[int],
    demand_by_node: Mapping[int, FailureDemand],
    grades: Mapping[tuple[int, int], int],
) -> bool:
    """Return whether the joint failure affects every primary path and leaves one of them without a
    tested rescue."""
    lacks_rescue = False
    for position, path in enumerate(stack.paths):
        failed_nodes = failed & path.nodes
        if not failed_nodes:
            return False
        lacks_rescue = lacks_rescue or not _is_rescued(
            position, path, stack.candidates, failed, failed_nodes, demand_by_node, grades
        )
    return lacks_rescue


def _is_rescued(
    position: int,
    path: StackPath,
    candidates: Sequence[StackCandidate],
    failed: frozenset[int],
    failed_nodes: Iterable[int],
    demand_by_node: Mapping[int, FailureDemand],
    grades: Mapping[tuple[int, int], int],
) -> bool:
    """Return whether a candidate takes over the path if the nodes fail together.

    It must be independent enough, must not depend on a failed node, and must be served: today for
    failures without notice, at the horizon for those with notice. Without notice, only fallbacks of
    the application itself count (`primary` is None), not tested exits of one path.
    """
    demands = [demand_by_node[node] for node in failed_nodes]
    need = max(demand.need for demand in demands)
    has_notice = any(demand.notice for demand in demands)
    immediate = any(not demand.notice for demand in demands)
    for candidate in candidates:
        if candidate.primary is not None and (immediate or candidate.primary != position):
            continue
        if (immediate and not candidate.alive) or (has_notice and not candidate.alive_at_horizon):
            continue
        if failed & candidate.nodes:
            continue
        grade = grades.get((path.effective_id, candidate.effective_id), -1)
        if grade == 4 and not path.parties & candidate.parties:
            grade = 5
        if grade >= need:
            return True
    return False


def find_minimal_cut_sets(
    stacks: Iterable[SharedStack],
    *,
    n_target: int,
    threshold: Fraction,
    demand_by_node: Mapping[int, FailureDemand],
    grades: Mapping[tuple[int, int], int],
) -> MinimalCutSets:
    """Return the single nodes and pairs that reach the threshold."""
    n_by_node: Counter[int] = Counter()
    n_by_pair: Counter[tuple[int, int]] = Counter()
    n_by_joint_pair: Counter[tuple[int, int]] = Counter()
    for stack in stacks:
        path_nodes = set().union(*(path.nodes for path in stack.paths)) if stack.paths else set()
        singles = {
            node for node in path_nodes if stops(stack, frozenset((node,)), demand_by_node, grades)
        }
        for node in singles:
            n_by_node[node] += stack.n
        for pair in itertools.combinations(sorted(singles), 2):
            n_by_pair[pair] += stack.n
        other_nodes = (
            path_nodes.union(*(candidate.nodes for candidate in stack.candidates)) - singles
        )
        for first, second in itertools.combinations(sorted(other_nodes), 2):
            if (first in path_nodes or second in path_nodes) and stops(
                stack, frozenset((first, second)), demand_by_node, grades
            ):
                n_by_joint_pair[first, second] += stack.n
    n_required = threshold * n_target
    singles_found = sorted(
        (node, Fraction(n, n_target)) for node, n in n_by_node.items() if n >= n_required
    )
    small_nodes = sorted(
        ((n, node) for node, n in n_by_node.items() if n < n_required), reverse=True
    )
    candidate_pairs = {
        pair
        for pair in n_by_joint_pair
        if n_by_node[pair[0]] < n_required and n_by_node[pair[1]] < n_required
    }
    for position, (n, node) in enumerate(small_nodes):
        for n_other, other_node in small_nodes[position + 1 :]:
            if n + n_other < n_required:
                break
            candidate_pairs.add((min(node, other_node), max(node, other_node)))
    pairs_found = []
    for first, second in sorted(candidate_pairs):
        n = (
            n_by_node[first]
            + n_by_node[second]
            - n_by_pair[first, second]
            + n_by_joint_pair[first, second]
        )
        if n >= n_required:
            pairs_found.append((first, second, Fraction(n, n_target)))
    return MinimalCutSets(n_target, threshold, tuple(singles_found), tuple(pairs_found))


# one row per distinct stack of critical applications: paths in a fixed order, candidates by the
# position of their path
_STACKS = """
WITH path AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.application_id ORDER BY p.offering_id, p.reached,
                                   p.via_party_id NULLS FIRST, p.dependency_id) - 1 AS place
    FROM exposure_path p WHERE p.criticality = 0
),
paths AS (
    SELECT application_id,
           jsonb_agg(jsonb_build_array(offering_id, effective_id, reached, via_party_id, parties)
                     ORDER BY place) AS said
    FROM path GROUP BY application_id
),
candidates AS (
    SELECT c.application_id,
           jsonb_agg(DISTINCT jsonb_build_array(p.place, c.offering_id, c.effective_id, c.reached,
           c.via_party_id,
                                                c.parties, c.alive, c.alive_at_horizon)) AS said
    FROM exposure_candidate c
    JOIN exposure_scopedapplication a ON a.application_id = c.application_id AND a.criticality = 0
    LEFT JOIN path p ON p.dependency_id = c.primary_id
    WHERE c.tested GROUP BY c.application_id
)
-- equal stacks are counted, since the search handles each distinct stack once
SELECT count(*), p.said, c.said FROM paths p LEFT JOIN candidates c USING (application_id)
GROUP BY p.said, c.said
"""


def minimal_cut_sets(settings: EngineSettings) -> MinimalCutSets:
    """Compute the minimal cut sets of the portfolio from the tables; four statements. For jobs: a
    large portfolio takes a second."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM exposure_scopedapplication WHERE criticality = 0")
        n_target = cursor.fetchone()[0]
        if not n_target or not settings.points[0]:
            return MinimalCutSets(
                n_target if settings.points[0] else 0, settings.cut_threshold, (), ()
            )
        cursor.execute(_STACKS)
        # Django returns JSON as text outside of model fields
        rows = [
            (n, orjson.loads(paths), orjson.loads(candidates or "[]"))
            for n, paths, candidates in cursor.fetchall()
        ]
        nodes_of_stacks = _NodesOfStacks(cursor, settings, rows)
        cursor.execute(
            "SELECT primary_id, candidate_id, grade FROM exposure_pairgrade"
            " WHERE primary_id = ANY (%s) AND candidate_id = ANY (%s)",
            [sorted(nodes_of_stacks.primaries), sorted(nodes_of_stacks.candidates)],
        )
        grades = {(primary, candidate): grade for primary, candidate, grade in cursor.fetchall()}
    return find_minimal_cut_sets(
        nodes_of_stacks.stacks,
        n_target=n_target,
        threshold=settings.cut_threshold,
        demand_by_node=nodes_of_stacks.demand_by_node,
        grades=grades,
    )


class _NodesOfStacks:
    """Stacks with the nodes of their offerings and parties, of the relevant kinds."""

    def __init__(
        self, cursor: Any, settings: EngineSettings, rows: list[tuple[int, Any, Any]]
    ) -> None:
        """Read the nodes of all offerings and parties of `rows`: (number of applications, paths,
        candidates) of each distinct stack."""
        offerings = {path[0] for _, paths, _ in rows for path in paths}
        offerings |= {candidate[1] for _, _, spares in rows for candidate in spares}
        kinds = [kind.value for kind in settings.cut_kinds]
        ties = ", ".join(
            f"({kind.value}, ARRAY{[int(via) for via in TIES[DEFAULT_THREAT[kind]]]})"
            for kind in settings.cut_kinds
        )
        self._nodes: dict[int, set[int]] = defaultdict(set)
        self._party_nodes: dict[tuple[int, int], set[int]] = defaultdict(set)
        kind_of: dict[int, int] = {}
        if ties:
            cursor.execute(
                f"""
                SELECT f.offering_id, f.node_id, n.kind
                FROM exposure_enginefooting f JOIN catalog_node n ON n.id = f.node_id
                JOIN (VALUES {ties}) AS t(kind, ties) ON t.kind = n.kind AND f.via = ANY (t.ties)
                WHERE f.offering_id = ANY (%s)
                """,
                [sorted(offerings)],
            )
            for offering_id, node_id, kind in cursor.fetchall():
                self._nodes[offering_id].add(node_id)
                kind_of[node_id] = kind
        cursor.execute(
            "SELECT f.reached, f.party_id, f.node_id, n.kind FROM exposure_partyfooting f"
            " JOIN catalog_node n ON n.id = f.node_id WHERE n.kind = ANY (%s)",
            [kinds],
        )
        for reached, party_id, node_id, kind in cursor.fetchall():
            self._party_nodes[reached, party_id].add(node_id)
            kind_of[node_id] = kind
        self.demand_by_node: dict[int, FailureDemand] = {}
        for node_id, number in kind_of.items():
            threat = DEFAULT_THREAT[NodeKind(number)]
            need = needed_grade(settings.required_grade, threat, NodeKind(number))
            self.demand_by_node[node_id] = FailureDemand(need, threat in THREATS_WITH_NOTICE)
        self.primaries = {path[1] for _, paths, _ in rows for path in paths}
        self.candidates = {candidate[2] for _, _, spares in rows for candidate in spares}
        self.stacks = [
            SharedStack(
                n,
                tuple(
                    StackPath(
                        effective, self._nodes_of_use(offering, reached, party), frozenset(parties)
                    )
                    for offering, effective, reached, party, parties in paths
                ),
                tuple(
                    StackCandidate(
                        rank,
                        effective,
                        self._nodes_of_use(offering, reached, party),
                        frozenset(parties),
                        alive,
                        horizon,
                    )
                    for rank, offering, effective, reached, party, parties, alive, horizon in spares
                ),
            )
            for n, paths, spares in rows
        ]

    def _nodes_of_use(self, offering_id: int, reached: int, party_id: int | None) -> frozenset[int]:
        party = self._party_nodes.get((reached, party_id), set()) if party_id is not None else set()
        return frozenset(self._nodes.get(offering_id, set()) | party)
