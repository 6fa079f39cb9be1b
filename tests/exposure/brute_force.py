"""Who stands on what and how, straight from the definitions: plain Python, exact rationals, no
cleverness, no database.

The truth that the engine is compared with. It works on the records that `evaluate_portfolio` reads;
everything the engine does set-based or keeps in tables is done here one application and one node at
a time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from tools.worked_portfolios.records import (
    DependencyRecord,
    ExitTestRecord,
    OfferingRecord,
    PortfolioRecord,
)

WEIGHT_EDGES = {"fine_tune", "quantisation", "merge", "adapter"}
BEHAVIOUR_EDGES = {"distillation"}
VIA_RANK = {"direct": 0, "one_of": 1, "weights": 2, "behaviour": 3}
VIAS = {
    "outage": {"direct"},
    "retirement": {"direct", "weights"},
    "developer_failure": {"direct"},
    "error": {"direct", "weights", "behaviour"},
}
DEFAULT_THREAT = {
    "offering": "retirement",
    "version": "retirement",
    "foundation": "retirement",
    "developer": "developer_failure",
    "host": "outage",
    "gateway": "outage",
    "vendor": "outage",
    "region": "outage",
}
NOTICE = {"retirement", "developer_failure"}
MODEL_SIDE = {"version", "foundation", "developer"}
WORSE = {"portable": 0, "cushioned": 1, "exposed": 2}


@dataclass(frozen=True)
class Settings:
    statuses: tuple[str, ...]
    points: Mapping[str, int]
    test_validity_days: int
    required_grade: Mapping[str, Mapping[str, int]]
    cut_kinds: tuple[str, ...]
    cut_threshold: Fraction
    state_factor: Mapping[str, Fraction]
    horizon_days: int


CUT_KINDS = ("developer", "host", "gateway", "vendor", "region", "foundation")
REQUIRED_GRADE: dict[str, dict[str, int]] = {
    "outage": {"host": 1, "*": 0},
    "retirement": {"*": 2},
    "developer_failure": {"*": 4},
    "error": {"*": 4},
}


def settings_of(portfolio: PortfolioRecord) -> Settings:
    said = portfolio.settings
    factor = {
        "exposed": "1",
        "cushioned": "1/2",
        "portable": "1/10",
        **said.get("state_factor", {}),
    }
    return Settings(
        statuses=tuple(said.get("statuses", ("pilot", "production"))),
        points={
            "critical": 8,
            "important": 4,
            "standard": 2,
            "low": 1,
            **said.get("criticality_points", {}),
        },
        test_validity_days=said.get("test_validity_days", 365),
        required_grade={
            threat: {**REQUIRED_GRADE[threat], **said.get("required_grade", {}).get(threat, {})}
            for threat in VIAS
        },
        cut_kinds=tuple(said.get("cut_kinds", CUT_KINDS)),
        cut_threshold=Fraction(said.get("cut_threshold", "1/2")).limit_denominator(1_000_000),
        state_factor={state: Fraction(value) for state, value in factor.items()},
        horizon_days=said["horizon_days"],
    )


def kind_of(node: str) -> str:
    return node.split(":", 1)[0]


@dataclass(frozen=True)
class Candidate:
    """What may stand in: a live dependency, or `exit:` and the offering that an exit was tested
    to."""

    id: str
    offering: str
    via_party: str | None
    via: str
    test: str


@dataclass(frozen=True)
class Standing:
    """`paths` are the struck primaries: {dependency: (state, share, rescue)}."""

    state: str
    hit_share: Fraction
    paths: Mapping[str, tuple[str, Fraction, str | None]]


class ReferencePortfolio:
    """A portfolio on its day."""

    def __init__(self, portfolio: PortfolioRecord) -> None:
        self.portfolio = portfolio
        self.day = portfolio.as_of
        self.settings = settings_of(portfolio)
        self.parent = {provider.id: provider.parent for provider in portfolio.providers}
        self.developer = {
            foundation.id: foundation.developer for foundation in portfolio.foundations
        }
        self.foundation = {version.id: version.foundation for version in portfolio.versions}
        self.offerings = {offering.id: offering for offering in portfolio.offerings}
        self.applications = {application.id: application for application in portfolio.applications}
        self.dependencies = {dependency.id: dependency for dependency in portfolio.dependencies}
        self._footing: dict[str, dict[str, str]] = {}

    # the catalogue

    def parents(self, party: str) -> list[str]:
        """The party and its corporate parents, nearest first; a circle is cut."""
        chain: list[str] = []
        above: str | None = party
        while above is not None and above not in chain:
            chain.append(above)
            above = self.parent[above]
        return chain

    def ultimate(self, party: str) -> str:
        return self.parents(party)[-1]

    def retired(self, offering: str) -> bool:
        row = self.offerings[offering]
        due = row.retires_on is not None and row.date_kind == "firm" and row.retires_on <= self.day
        return row.lifecycle == "retired" or due

    def effective(self, offering: str) -> str:
        """The offering that answers on the day; a circle of redirects redirects nowhere."""
        seen = [offering]
        while self.retired(seen[-1]) and self.offerings[seen[-1]].end_behaviour == "redirect":
            following = self.offerings[seen[-1]].replacement
            if following is None or following not in self.offerings:
                break
            if following in seen:
                return offering
            seen.append(following)
        return seen[-1]

    def served(self, offering: str) -> OfferingRecord:
        return self.offerings[self.effective(offering)]

    def lineage(self, version: str) -> dict[str, str]:
        """{ancestor: strongest tie}; the next generation of a model inherits nothing."""
        ties: dict[str, str] = {}
        queue = [(version, "weights")]
        while queue:
            child, tie = queue.pop(0)
            for edge in self.portfolio.derivations:
                if edge.child != child or edge.parent == version or edge.kind == "next_generation":
                    continue
                onward = tie if edge.kind in WEIGHT_EDGES else "behaviour"
                if edge.parent not in ties or VIA_RANK[onward] < VIA_RANK[ties[edge.parent]]:
                    ties[edge.parent] = onward
                    queue.append((edge.parent, onward))
        return ties

    def footing(self, offering: str) -> dict[str, str]:
        """{node: strongest tie} of an offering."""
        if offering not in self._footing:
            self._footing[offering] = self._stands_on(offering)
        return self._footing[offering]

    def _stands_on(self, offering: str) -> dict[str, str]:
        ties: dict[str, str] = {}

        def put(node: str, via: str) -> None:
            if node not in ties or VIA_RANK[via] < VIA_RANK[ties[node]]:
                ties[node] = via

        row = self.served(offering)
        put(f"offering:{offering}", "direct")
        put(f"offering:{row.id}", "direct")
        for host in self.parents(row.host):
            put(f"host:{host}", "direct")
        for gateway in self.parents(row.gateway) if row.gateway else []:
            put(f"gateway:{gateway}", "direct")
        for region in row.regions:
            put(f"region:{row.host}/{region}", "direct" if len(row.regions) == 1 else "one_of")
        if row.version is not None:
            for version, via in [(row.version, "direct"), *self.lineage(row.version).items()]:
                put(f"version:{version}", via)
                put(f"foundation:{self.foundation[version]}", via)
                for developer in self.parents(self.developer[self.foundation[version]]):
                    put(f"developer:{developer}", via)
        return ties

    def path(self, offering: str, via: str, via_party: str | None) -> dict[str, str]:
        """{node: tie} of a call: the offering's footing and the party it is reached through."""
        ties = dict(self.footing(offering))
        for party in self.parents(via_party) if via_party else []:
            ties[f"{'gateway' if via == 'gateway' else 'vendor'}:{party}"] = "direct"
        return ties

    def path_of(self, dependency: DependencyRecord) -> dict[str, str]:
        return self.path(dependency.offering, dependency.via, dependency.via_party)

    # who counts

    def in_scope(self, application: str) -> bool:
        return self.applications[application].status in self.settings.statuses

    def scope(self) -> list[str]:
        return sorted(
            application for application in self.applications if self.in_scope(application)
        )

    def live(self, dependency: DependencyRecord) -> bool:
        begun = dependency.since is None or dependency.since <= self.day
        return begun and (dependency.until is None or self.day < dependency.until)

    def live_dependencies(
        self, application: str, role: str | None = None
    ) -> list[DependencyRecord]:
        if not self.in_scope(application):
            return []
        return [
            row
            for _, row in sorted(self.dependencies.items())
            if row.application == application and self.live(row) and role in (None, row.role)
        ]

    def shares(self, application: str) -> dict[str, Fraction]:
        """{live primary: share of the traffic}."""
        rows = self.live_dependencies(application, "primary")
        given = {row.id: row.share for row in rows if row.share is not None}
        open_ends = [row.id for row in rows if row.share is None]
        rest = max(Fraction(0), 1 - sum(given.values(), Fraction(0)))
        raw = given | {dependency: rest / len(open_ends) for dependency in open_ends}
        total = sum(raw.values(), Fraction(0))
        return {
            dependency: share / total if total else Fraction(1, len(rows))
            for dependency, share in sorted(raw.items())
        }

    def primaries(self, application: str) -> list[tuple[DependencyRecord, Fraction]]:
        return [
            (self.dependencies[row], share)
            for row, share in self.shares(application).items()
            if share > 0
        ]

    # what could take over

    def tests(self) -> list[ExitTestRecord]:
        return [test for test in self.portfolio.exit_tests if test.tested_on <= self.day]

    def test_status(self, application: str, target: str) -> str:
        """By the latest test of the application towards the target."""
        made = [
            test
            for test in self.tests()
            if self.dependencies[test.dependency].application == application
            and test.target == target
        ]
        if not made:
            return "none"
        latest = max(made, key=lambda test: (test.tested_on, test.id))
        if latest.result == "failed":
            return "failed"
        ends = latest.expires_on or latest.tested_on + timedelta(
            days=self.settings.test_validity_days
        )
        same = latest.tested_version in (None, self.served(target).version)
        return "tested" if latest.result == "passed" and self.day < ends and same else "lapsed"

    def available(self, offering: str, threat: str) -> bool:
        row = self.served(offering)
        if self.retired(row.id):
            return False
        if threat not in NOTICE:
            return True
        if row.retires_on is not None:
            return row.retires_on > self.day + timedelta(days=self.settings.horizon_days)
        return row.lifecycle != "deprecated"

    def grade(self, one: DependencyRecord | Candidate, other: DependencyRecord | Candidate) -> int:
        """Independence of two paths, 0 to 5."""
        a, b = self.served(one.offering), self.served(other.offering)
        if a.id == b.id:
            return 0
        if a.version is None or b.version is None or a.version == b.version:
            return 0 if a.host == b.host else 1
        origin_a, origin_b = self.foundation[a.version], self.foundation[b.version]
        kin = ({a.version} | set(self.lineage(a.version))) & (
            {b.version} | set(self.lineage(b.version))
        )
        if origin_a == origin_b or kin:
            return 2
        if self.ultimate(self.developer[origin_a]) == self.ultimate(self.developer[origin_b]):
            return 3
        return 4 if self._parties(one, a) & self._parties(other, b) else 5

    def _parties(self, path: DependencyRecord | Candidate, row: OfferingRecord) -> set[str]:
        assert row.version is not None
        parties = [
            self.developer[self.foundation[row.version]],
            row.host,
            row.gateway,
            path.via_party,
        ]
        return {self.ultimate(party) for party in parties if party}

    def candidates(
        self, application: str, primary: DependencyRecord, threat: str
    ) -> list[Candidate]:
        fallbacks = sorted(
            self.live_dependencies(application, "fallback"), key=lambda row: (row.order, row.id)
        )
        standby = [
            self.dependencies[row] for row, share in self.shares(application).items() if share == 0
        ]
        found = [
            Candidate(
                row.id,
                row.offering,
                row.via_party,
                row.via,
                self.test_status(application, row.offering),
            )
            for row in fallbacks + standby
        ]
        if threat in NOTICE:
            targets = {test.target for test in self.tests() if test.dependency == primary.id}
            for target in sorted(targets - {candidate.offering for candidate in found}):
                status = self.test_status(application, target)
                if status != "failed":
                    found.append(Candidate(f"exit:{target}", target, None, "direct", status))
        return found

    # what happens when nodes fail

    @staticmethod
    def struck(ties: Mapping[str, str], failing: Mapping[str, str]) -> set[str]:
        """The failing nodes ({node: threat}) that a path holds by a tie that counts."""
        return {node for node, threat in failing.items() if ties.get(node) in VIAS[threat]}

    def path_state(
        self, application: str, primary: DependencyRecord, failing: Mapping[str, str]
    ) -> tuple[str, str | None] | None:
        """(state, what rescues it) of a primary, None where it is not struck."""
        struck = self.struck(self.path_of(primary), failing)
        if not struck:
            return None
        need = max(self._needed(node, failing[node]) for node in struck)
        threats = {failing[node] for node in struck}
        at_once = any(threat not in NOTICE for threat in threats)
        best: tuple[str, str | None] = ("exposed", None)
        for candidate in self.candidates(
            application, primary, "outage" if at_once else "retirement"
        ):
            ties = self.path(candidate.offering, candidate.via, candidate.via_party)
            if (
                candidate.test == "failed"
                or self.struck(ties, failing)
                or self.grade(primary, candidate) < need
                or not all(self.available(candidate.offering, threat) for threat in threats)
            ):
                continue
            state = "portable" if candidate.test == "tested" else "cushioned"
            if WORSE[state] < WORSE[best[0]]:
                best = (state, candidate.id)
        return best

    def _needed(self, node: str, threat: str) -> int:
        table = self.settings.required_grade[threat]
        return table.get(kind_of(node), table["*"])

    def standing(self, application: str, failing: Mapping[str, str]) -> Standing:
        """How the application stands when these nodes fail together."""
        primaries = self.primaries(application)
        paths = {
            primary.id: (*state, share)
            for primary, share in primaries
            if (state := self.path_state(application, primary, failing)) is not None
        }
        if not paths:
            return Standing("not_standing", Fraction(0), {})
        worst = max((state for state, _, _ in paths.values()), key=WORSE.__getitem__)
        return Standing(
            worst if len(paths) == len(primaries) else "partial",
            sum((share for _, _, share in paths.values()), Fraction(0)),
            {row: (state, share, rescue) for row, (state, rescue, share) in sorted(paths.items())},
        )

    def stops(self, failing: Mapping[str, str]) -> dict[str, str]:
        """{application: exposed or cushioned} of those that the nodes can stop."""
        states = {
            application: self.standing(application, failing).state for application in self.scope()
        }
        return {
            application: state
            for application, state in states.items()
            if state in ("exposed", "cushioned")
        }

    def leans(self, application: str, node: str) -> list[str]:
        """The roles other than primary in which it stands on the node, by any tie; standby counts
        as a fallback."""
        standby = {row for row, share in self.shares(application).items() if share == 0}
        return sorted(
            {
                "fallback" if row.id in standby else row.role
                for row in self.live_dependencies(application)
                if (row.role != "primary" or row.id in standby) and node in self.path_of(row)
            }
        )

    def may_stand(self, application: str, node: str) -> bool:
        """A primary that nobody has placed could stand on any model."""
        unplaced = (
            self.served(primary.offering).version is None
            for primary, _ in self.primaries(application)
        )
        return kind_of(node) in MODEL_SIDE and any(unplaced)

    def nodes(self) -> list[str]:
        """What anything live stands on."""
        return sorted(
            {
                node
                for application in self.scope()
                for row in self.live_dependencies(application)
                for node in self.path_of(row)
            }
        )


def failing(nodes: Collection[str], threat: str | None = None) -> dict[str, str]:
    return {node: threat or DEFAULT_THREAT[kind_of(node)] for node in nodes}
