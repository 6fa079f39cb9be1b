"""Result of a replacement of nodes: the mapping with its fit, shares before and after, and what
each application would lose, pay and violate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.exposure.models import Layer
from apps.exposure.node_names import UnknownNodeError, find_nodes, node_names
from apps.exposure.scenarios.replacement_targets import FitCounts
from apps.inventory.models import Application
from apps.web.pages.page import Headline
from apps.web.views.exposure.parameters import applications_by_id
from apps.web.wording import number

PAGE_SIZE = 50
BLOCKER_LABELS: Mapping[str, str] = {
    "capability": "Lost capability",
    "approval": "Approval",
    "region": "Region",
    "retirement": "Retires earlier",
    "judge": "Judge shares lineage",
    "fallback": "Fallback less independent",
}
EFFECT_HEADS = [
    "application",
    "team",
    "criticality",
    "dependencies moved",
    "fits",
    "breaks",
    "unknown fit",
    "cost change per month",
    "unknown costs",
    "blockers",
]


@dataclass(frozen=True, slots=True)
class MappingResultRow:
    """A model in use with its target; `is_unmapped`: it was not in the mapping."""

    offering: Offering | None
    target: Offering | None
    n_dependencies: int
    counts: FitCounts | None
    is_unmapped: bool


@dataclass(frozen=True, slots=True)
class MappingResult:
    node: str
    by: str
    rows: Sequence[MappingResultRow]

    @property
    def n_left(self) -> int:
        return sum(row.target is None for row in self.rows)


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A node of a layer; shares are of the critical applications. `opens` and `closes`: the share
    crosses the tolerance."""

    layer: str
    name: str
    n_before: int
    n_after: int
    critical_before: float
    critical_after: float
    tolerance: float | None
    was_over: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class EffectRow:
    application: Application
    counts: FitCounts
    n_moved: int
    costs: Sequence[str]
    n_cost_unknown: int
    blockers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BlockerOption:
    kind: str
    label: str
    n: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ReplacementResult:
    """The stored effects of a run; `listed` are those of its applications, with blockers first."""

    mappings: Sequence[MappingResult]
    shares: Sequence[ShareRow]
    counts: FitCounts
    n_applications: int
    n_with_blockers: int
    n_by_blocker: Mapping[str, int]
    cost_changes: Sequence[str]
    n_cost_unknown: int
    listed: Sequence[Mapping[str, Any]]

    @property
    def breaks(self) -> bool:
        return self.n_with_blockers > 0

    def blocker_options(self, chosen: str) -> list[BlockerOption]:
        return [
            BlockerOption(kind, label, self.n_by_blocker[kind], kind == chosen)
            for kind, label in BLOCKER_LABELS.items()
            if self.n_by_blocker.get(kind)
        ]


def replacement_result(
    result: Mapping[str, Any], details: Mapping[str, Any] | None
) -> ReplacementResult | None:
    """Build the result of a stored run; None if it replaces no node. Three statements."""
    stored = result.get("replacement")
    if not stored:
        return None
    offering_ids = {
        pk
        for mapping in stored["mappings"]
        for row in mapping["rows"]
        for pk in (row["old"], row["new"])
        if pk is not None
    }
    offerings = Offering.objects.select_related("host").in_bulk(offering_ids)
    labels = _node_labels(
        [name for mapping in stored["mappings"] for name in (mapping["node"], mapping["by"])]
    )
    return ReplacementResult(
        mappings=[
            MappingResult(
                labels.get(mapping["node"], mapping["node"]),
                labels.get(mapping["by"], mapping["by"]),
                [_build_mapping_row(row, offerings) for row in mapping["rows"]],
            )
            for mapping in stored["mappings"]
        ],
        shares=[_build_share(row) for row in stored["shares"]],
        counts=_counts(stored),
        n_applications=stored["n_applications"],
        n_with_blockers=stored["n_with_blockers"],
        n_by_blocker=stored["n_by_blocker"],
        cost_changes=describe_changes_of_cost(stored["cost_change"]),
        n_cost_unknown=stored["n_cost_unknown"],
        listed=(details or {}).get("replacement", []),
    )


def _node_labels(names: Sequence[str]) -> dict[str, str]:
    try:
        ids = find_nodes(names)
    except UnknownNodeError:
        # a node that was deleted since is named as in the scenario
        return {}
    labels = node_names(list(ids.values()))
    return {name: labels[pk].label for name, pk in ids.items() if pk in labels}


def _build_mapping_row(
    row: Mapping[str, Any], offerings: Mapping[int, Offering]
) -> MappingResultRow:
    return MappingResultRow(
        offerings.get(row["old"]),
        offerings.get(row["new"] or 0),
        row["n_dependencies"],
        _counts(row) if row["new"] is not None else None,
        row["is_unmapped"],
    )


def _build_share(row: Mapping[str, Any]) -> ShareRow:
    before, after = row["before"], row["after"]
    return ShareRow(
        str(Layer(row["layer"]).label),
        row["name"],
        before["n"],
        after["n"],
        before["critical_share"],
        after["critical_share"],
        row["tolerance"],
        before["over"],
        after["over"],
    )


def _counts(row: Mapping[str, Any]) -> FitCounts:
    return FitCounts(n_fits=row["n_fits"], n_breaks=row["n_breaks"], n_unknown=row["n_unknown"])


def describe_changes_of_cost(changes: Mapping[str, str]) -> list[str]:
    """Return the changes of cost by currency: `+12.50 USD`."""
    return [f"{float(amount):+,.2f} {currency}" for currency, amount in changes.items()]


def matching_effects(result: ReplacementResult, kind: str) -> Sequence[Mapping[str, Any]]:
    """Return the listed applications with a blocker of the kind; all without a kind."""
    if not kind:
        return result.listed
    return [
        row for row in result.listed if any(blocker["kind"] == kind for blocker in row["blockers"])
    ]


def effect_rows(listed: Sequence[Mapping[str, Any]], user: User) -> list[EffectRow]:
    """Return the rows of the applications that `user` can view; one statement."""
    applications = applications_by_id([row["application"] for row in listed], user)
    return [
        EffectRow(
            applications[row["application"]],
            _counts(row),
            row["n_moved"],
            describe_changes_of_cost(row["cost_change"]),
            row["n_cost_unknown"],
            [
                (BLOCKER_LABELS.get(blocker["kind"], blocker["kind"]), blocker["sentence"])
                for blocker in row["blockers"]
            ],
        )
        for row in listed
        if row["application"] in applications
    ]


def effect_cells(row: EffectRow) -> list[Any]:
    application = row.application
    return [
        application.name,
        application.team.name,
        application.get_criticality_display(),
        row.n_moved,
        row.counts.n_fits,
        row.counts.n_breaks,
        row.counts.n_unknown,
        ", ".join(row.costs),
        row.n_cost_unknown,
        " ".join(sentence for _label, sentence in row.blockers),
    ]


def _count(n: int, noun: str) -> str:
    return f"{number(n)} {noun if n == 1 else f'{noun}s'}"


def replacement_headline(result: ReplacementResult, name: str, n_flags: int) -> Headline:
    """State how many applications move, what stands against it, and the change of cost."""
    if not result.n_applications:
        return Headline(f"If {name}, no application changes: no model in use has a target.")
    moves = "application moves" if result.n_applications == 1 else "applications move"
    opening = f"If {name}, {number(result.n_applications)} {moves}"
    if result.cost_changes:
        opening = f"{opening} at {' and '.join(result.cost_changes)} per month"
    if result.n_cost_unknown:
        opening = f"{opening}, {_count(result.n_cost_unknown, 'cost')} unknown"
    flags = f"; {_count(n_flags, 'flag')} would open" if n_flags else ""
    if not result.n_with_blockers:
        return Headline(f"{opening}; nothing known stands against it{flags}.")
    verb = "has" if result.n_with_blockers == 1 else "have"
    return Headline(
        f"{opening}; ", f"{number(result.n_with_blockers)} {verb} a blocker", f"{flags}."
    )
