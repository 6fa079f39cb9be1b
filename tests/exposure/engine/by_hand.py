"""States and reach once more, one application and one node at a time, from the engine's rows and
the footing."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import connection

from apps.catalog.models import Footing, Node, NodeKind, Provider
from apps.exposure.models import ActiveDependency, Candidate, PairGrade, Path, ScopedApplication
from apps.exposure.threats import NodeFailure

_KIND_OF_PARTY = {1: NodeKind.GATEWAY, 2: NodeKind.VENDOR}
_WORST = ("exposed", "cushioned", "portable")


class Rows:
    """Everything read once."""

    def __init__(self) -> None:
        self.ties: dict[int, dict[int, int]] = defaultdict(dict)
        for node_id, offering_id, via in Footing.objects.values_list(
            "node_id", "offering_id", "via"
        ):
            self.ties[offering_id][node_id] = via
        self.nodes = {
            (NodeKind(kind), ref): pk
            for pk, kind, ref in Node.objects.values_list("pk", "kind", "ref")
        }
        self.parent = dict(Provider.objects.values_list("pk", "parent_id"))
        self.paths = list(Path.objects.order_by("dependency_id"))
        self.candidates = list(Candidate.objects.all())
        self.uses = list(ActiveDependency.objects.all())
        self.grade = {
            (primary, candidate): grade
            for primary, candidate, grade in PairGrade.objects.values_list(
                "primary_id", "candidate_id", "grade"
            )
        }
        self.n_paths = dict(ScopedApplication.objects.values_list("application_id", "n_paths"))

    def held(self, offering_id: int, reached: int, party_id: int | None) -> dict[int, int]:
        """{node: via}, those of the party and its parents included."""
        nodes = dict(self.ties[offering_id])
        seen: set[int] = set()
        while party_id is not None and reached and party_id not in seen:
            seen.add(party_id)
            nodes[self.nodes[_KIND_OF_PARTY[reached], party_id]] = 0
            party_id = self.parent[party_id]
        return nodes

    def states(self, asked: Sequence[NodeFailure]) -> dict[int, tuple[str, int]]:
        """{application: (state, number of struck paths)} of those that stand on the nodes, which
        all fail."""
        found: dict[int, list[int]] = defaultdict(list)
        for path in self.paths:
            nodes = self.held(path.offering_id, path.reached, path.via_party_id)
            struck = [
                question for question in asked if nodes.get(question.node_id) in question.ties
            ]
            if struck:
                found[path.application_id].append(self._best(path, struck, asked))
        return {
            pk: ("partial" if len(best) < self.n_paths[pk] else _WORST[min(best)], len(best))
            for pk, best in found.items()
        }

    def _best(self, path: Path, struck: Sequence[NodeFailure], asked: Sequence[NodeFailure]) -> int:
        best = 0
        immediate, noticed = any(not q.notice for q in struck), any(q.notice for q in struck)
        for candidate in self.candidates:
            nodes = self.held(candidate.offering_id, candidate.reached, candidate.via_party_id)
            grade = self.grade.get((path.effective_id, candidate.effective_id), -1)
            if grade == 4 and not set(path.parties) & set(candidate.parties):
                grade = 5
            if (
                candidate.application_id == path.application_id
                and (
                    candidate.primary_id is None
                    or (candidate.primary_id == path.dependency_id and not immediate)
                )
                and (candidate.alive or not immediate)
                and (candidate.alive_at_horizon or not noticed)
                and not any(nodes.get(question.node_id) in question.ties for question in asked)
                and grade >= max(question.need for question in struck)
            ):
                best = max(best, 2 if candidate.tested else 1)
        return best

    def reached(self, node_id: int) -> dict[int, set[int]]:
        """{application: its roles on the node}."""
        found: dict[int, set[int]] = defaultdict(set)
        for use in self.uses:
            if node_id in self.held(use.offering_id, use.reached, use.via_party_id):
                found[use.application_id].add(use.role)
        return dict(found)


def criticalities(application_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """{application: (criticality, team)} from the inventory itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, criticality, team_id FROM inventory_application WHERE id = ANY (%s)",
            [list(application_ids)],
        )
        return {pk: (criticality, team) for pk, criticality, team in cursor.fetchall()}
