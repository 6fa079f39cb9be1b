"""What the replacement of a node would do to each application: fit, cost, approvals, fallbacks,
judges, and the shares of each layer.

Everything but the fit is read from the portfolio before and after, as the engine shows it, so that
it is what doing it would give, together with the other operations of the scenario.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from django.db import connection

from apps.catalog.capabilities.fit import FitVerdict
from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.models import DateKind, Lifecycle, Offering
from apps.common.text import format_date
from apps.exposure.engine.operations import ReplaceNode
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.models import ActiveDependency, Layer, ScopedApplication
from apps.exposure.queries.concentration import LayerRow, LayerTable, layer_tables_of_teams
from apps.exposure.scenarios.replacement_targets import FitCheck, FitCounts
from apps.inventory.costs import Money, MonthlyCosts, PriceChange, monthly_costs
from apps.inventory.governance.violations import ApprovalObstacle, obstacles_of_dependencies
from apps.inventory.models import Dependency

SHARE_LAYERS = (Layer.DEVELOPER, Layer.FOUNDATION, Layer.HOST)


class BlockerKind(StrEnum):
    CAPABILITY = "capability"
    APPROVAL = "approval"
    REGION = "region"
    RETIREMENT = "retirement"
    JUDGE = "judge"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Blocker:
    """What stands against moving a dependency (None: the whole application), as a sentence."""

    kind: BlockerKind
    sentence: str
    dependency_id: int | None = None


@dataclass(slots=True)
class ApplicationEffect:
    """What the replacement does to one application. `cost_changes` is {currency: change per
    month} over its moved dependencies of known cost; `n_cost_unknown` counts the others."""

    application_id: int
    criticality: int
    n_moved: int = 0
    n_fits: int = 0
    n_breaks: int = 0
    n_unknown: int = 0
    cost_changes: dict[str, Fraction] = field(default_factory=dict)
    n_cost_unknown: int = 0
    blockers: list[Blocker] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row of a mapping with its use: `target_id` None stays as it is; `is_unmapped` if the
    mapping has no row for this offering in use."""

    old_id: int
    target_id: int | None
    n_dependencies: int
    counts: FitCounts
    is_unmapped: bool = False


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A node of a layer before and after; a node that nothing depends on has no row."""

    layer: Layer
    before: LayerRow | None
    after: LayerRow | None


@dataclass(frozen=True, slots=True)
class ReplacementEffects:
    """The effects of all replacements of nodes in a scenario, for the applications in scope: those
    with blockers first, then the most critical."""

    mappings: tuple[tuple[ReplaceNode, tuple[MappedRow, ...]], ...]
    applications: tuple[ApplicationEffect, ...]
    shares: tuple[ShareChange, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """A dependency of an affected application on one side."""

    application_id: int
    offering_id: int


@dataclass(frozen=True, slots=True)
class _Side:
    """What is read of the affected applications on one side. `grades` is {(primary, fallback):
    independence}, both dependencies."""

    uses: Mapping[int, _Use]
    costs: MonthlyCosts
    grades: Mapping[tuple[int, int], int]
    shared_judges: frozenset[int]
    obstacles: Mapping[int, list[ApprovalObstacle]]
    layers: Mapping[Layer, LayerTable]


@dataclass(frozen=True, slots=True)
class _Affected:
    """A dependency on an offering of a mapping."""

    dependency_id: int
    application_id: int
    criticality: int
    offering_id: int


class ReplacementProbe:
    """Reads both sides of a scenario that replaces nodes; `probe` is called once on each."""

    def __init__(
        self,
        replacements: Sequence[ReplaceNode],
        used: Mapping[int, Collection[int]],
        *,
        team_ids: Collection[int] | None,
        settings: EngineSettings,
        on: date,
        prices_on: date | None,
    ) -> None:
        """`used` is {node ID: the offerings in use on it}, also those without a row."""
        self._replacements = replacements
        self._used = used
        self._team_ids = team_ids
        self._settings = settings
        self._on = on
        self._prices_on = prices_on
        self._targets = {
            old: new for operation in replacements for old, new in operation.targets.items()
        }
        self._affected = self._load_affected()
        self._application_ids = sorted(
            {row.application_id for row in self._affected if row.offering_id in self._targets}
        )
        self._moved_ids = [
            row.dependency_id for row in self._affected if row.offering_id in self._targets
        ]

    def _load_affected(self) -> list[_Affected]:
        ids = {
            offering
            for operation in self._replacements
            for offering in (*(operation.mapping or {}), *self._used[operation.node_id])
        }
        rows = ActiveDependency.objects.filter(offering_id__in=ids)
        if self._team_ids is not None:
            rows = rows.filter(team_id__in=list(self._team_ids))
        return [
            _Affected(*row)
            for row in rows.order_by("criticality", "application_id", "pk").values_list(
                "pk", "application_id", "criticality", "offering_id"
            )
        ]

    def probe(self, changes: Sequence[PriceChange]) -> _Side:
        """Read the side that the tables show now; about eight statements."""
        return _Side(
            uses={
                pk: _Use(application_id, offering_id)
                for pk, application_id, offering_id in Dependency.objects.filter(
                    application__in=self._application_ids
                ).values_list("pk", "application_id", "offering_id")
            },
            costs=monthly_costs(
                on=self._on,
                prices_on=self._prices_on,
                changes=changes,
                application_ids=self._application_ids,
                statuses=self._settings.statuses,
            ),
            grades=self._read_grades(),
            shared_judges=frozenset(
                ScopedApplication.objects.filter(
                    pk__in=self._application_ids, judge_shares_lineage=True
                ).values_list("pk", flat=True)
            ),
            obstacles=obstacles_of_dependencies(dependency_ids=self._moved_ids, on=self._on),
            layers=layer_tables_of_teams(layers=SHARE_LAYERS, team_ids=self._team_ids),
        )

    def _read_grades(self) -> dict[tuple[int, int], int]:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT primary_id, dependency_id, grade FROM exposure_candidategrade
                WHERE application_id = ANY (%s) AND is_immediate AND dependency_id IS NOT NULL
                """,
                [self._application_ids],
            )
            return {(primary, fallback): grade for primary, fallback, grade in cursor.fetchall()}

    def compare(self, before: _Side, after: _Side) -> ReplacementEffects:
        """Return the effects, from what `probe` read on both sides; three statements."""
        offering_ids = {use.offering_id for side in (before, after) for use in side.uses.values()}
        offering_ids |= self._targets.keys() | set(self._targets.values())
        offerings = Offering.objects.select_related("host").in_bulk(offering_ids)
        fits = FitCheck(self._moved_ids, settled_values(set(self._targets.values())))
        return ReplacementEffects(
            mappings=tuple(
                (operation, tuple(self._map_rows(operation, fits)))
                for operation in self._replacements
            ),
            applications=self._compare_applications(before, after, offerings, fits),
            shares=tuple(_compare_shares(before.layers, after.layers)),
        )

    def _map_rows(self, operation: ReplaceNode, fits: FitCheck) -> Iterator[MappedRow]:
        dependencies: dict[int, list[int]] = defaultdict(list)
        for row in self._affected:
            dependencies[row.offering_id].append(row.dependency_id)
        mapping = operation.mapping or {}
        for old_id in dict.fromkeys((*mapping, *self._used[operation.node_id])):
            target_id = mapping.get(old_id)
            yield MappedRow(
                old_id,
                target_id,
                len(dependencies[old_id]),
                FitCounts() if target_id is None else fits.count(dependencies[old_id], target_id),
                is_unmapped=old_id not in mapping,
            )

    def _compare_applications(
        self,
        before: _Side,
        after: _Side,
        offerings: Mapping[int, Offering],
        fits: FitCheck,
    ) -> tuple[ApplicationEffect, ...]:
        effects: dict[int, ApplicationEffect] = {}
        for row in self._affected:
            target = offerings.get(self._targets.get(row.offering_id, 0))
            old = offerings.get(row.offering_id)
            if target is None or old is None:
                continue
            effect = effects.setdefault(
                row.application_id, ApplicationEffect(row.application_id, row.criticality)
            )
            effect.n_moved += 1
            _add_fit(effect, row.dependency_id, target, fits)
            _add_cost(effect, row.dependency_id, before.costs, after.costs)
            effect.blockers += _offering_blockers(row.dependency_id, old, target)
            effect.blockers += _approval_blockers(row.dependency_id, before, after)
        _add_fallbacks(effects, before, after, offerings)
        for application_id in after.shared_judges - before.shared_judges:
            if application_id in effects:
                effects[application_id].blockers.append(
                    Blocker(
                        BlockerKind.JUDGE,
                        "A judge or guardrail would share its lineage with a primary model that it "
                        "judges.",
                    )
                )
        return tuple(
            sorted(
                effects.values(),
                key=lambda effect: (
                    not effect.blockers,
                    effect.criticality,
                    -len(effect.blockers),
                    effect.application_id,
                ),
            )
        )


def count_blockers(effects: Collection[ApplicationEffect]) -> dict[str, int]:
    """Return {kind: number of applications with such a blocker}, in the order of the kinds."""
    n_by_kind = Counter(
        kind for effect in effects for kind in {blocker.kind for blocker in effect.blockers}
    )
    return {str(kind): n_by_kind[kind] for kind in BlockerKind if n_by_kind[kind]}


def total_cost_changes(effects: Collection[ApplicationEffect]) -> dict[str, Fraction]:
    """Return {currency: change per month} over all applications."""
    totals: dict[str, Fraction] = defaultdict(Fraction)
    for effect in effects:
        for currency, amount in effect.cost_changes.items():
            totals[currency] += amount
    return dict(sorted(totals.items()))


def _add_fit(
    effect: ApplicationEffect, dependency_id: int, target: Offering, fits: FitCheck
) -> None:
    fit = fits.fit(dependency_id, target.pk)
    if fit.verdict == FitVerdict.FITS:
        effect.n_fits += 1
    elif fit.verdict == FitVerdict.UNKNOWN:
        effect.n_unknown += 1
    else:
        effect.n_breaks += 1
        effect.blockers.append(
            Blocker(
                BlockerKind.CAPABILITY,
                f"{_name(target)} {describe_losses(fit)}.",
                dependency_id,
            )
        )


def _add_cost(
    effect: ApplicationEffect, dependency_id: int, before: MonthlyCosts, after: MonthlyCosts
) -> None:
    """Add the change of cost; amounts in two currencies are two changes, never converted."""
    old: Money | None = before.per_dependency.get(dependency_id)
    new: Money | None = after.per_dependency.get(dependency_id)
    if old is None or new is None:
        effect.n_cost_unknown += 1
        return
    for money, sign in ((old, -1), (new, 1)):
        if money.currency is not None:
            effect.cost_changes[money.currency] = (
                effect.cost_changes.get(money.currency, Fraction(0)) + sign * money.amount
            )


def _offering_blockers(dependency_id: int, old: Offering, target: Offering) -> Iterator[Blocker]:
    if old.region_scope and target.region_scope != old.region_scope:
        place = (
            f"{_name(target)} is served in region {target.region_scope}"
            if target.region_scope
            else f"the region of {_name(target)} is unknown"
        )
        yield Blocker(
            BlockerKind.REGION,
            f"{_name(old)} is called in region {old.region_scope}; {place}.",
            dependency_id,
        )
    if target.lifecycle == Lifecycle.RETIRED:
        yield Blocker(BlockerKind.RETIREMENT, f"{_name(target)} is retired.", dependency_id)
    elif target.retires_on is not None and (
        old.retires_on is None or target.retires_on < old.retires_on
    ):
        own_end = (
            f"{_name(old)} on {format_date(old.retires_on)}"
            if old.retires_on is not None
            else f"no retirement of {_name(old)} is announced"
        )
        earliest = " at the earliest" if target.date_kind == DateKind.NOT_BEFORE else ""
        yield Blocker(
            BlockerKind.RETIREMENT,
            f"{_name(target)} retires on {format_date(target.retires_on)}{earliest}; {own_end}.",
            dependency_id,
        )


def _approval_blockers(dependency_id: int, before: _Side, after: _Side) -> Iterator[Blocker]:
    """Return the approvals that only the target violates."""
    known = {obstacle.approval.pk for obstacle in before.obstacles.get(dependency_id, ())}
    for obstacle in after.obstacles.get(dependency_id, ()):
        if obstacle.approval.pk not in known:
            kind = BlockerKind.REGION if obstacle.grounds == ("region",) else BlockerKind.APPROVAL
            yield Blocker(kind, " ".join(obstacle.why), dependency_id)


# what a fallback has in common with its primary model, by independence
_IN_COMMON = {
    0: "would be the same version at the same host as",
    1: "would be the same version as",
    2: "would share its foundation with",
    3: "would be of the same developer as",
    4: "would share a party with",
}


def _add_fallbacks(
    effects: Mapping[int, ApplicationEffect],
    before: _Side,
    after: _Side,
    offerings: Mapping[int, Offering],
) -> None:
    """Add the fallbacks that become less independent of their primary model."""
    for (primary_id, fallback_id), grade in after.grades.items():
        old_grade = before.grades.get((primary_id, fallback_id))
        use = after.uses.get(primary_id)
        fallback = after.uses.get(fallback_id)
        if old_grade is None or grade >= old_grade or use is None or fallback is None:
            continue
        effect = effects.get(use.application_id)
        if effect is not None:
            effect.blockers.append(
                Blocker(
                    BlockerKind.FALLBACK,
                    f"The fallback {_name(offerings.get(fallback.offering_id))} "
                    f"{_IN_COMMON[grade]} {_name(offerings.get(use.offering_id))}.",
                    fallback_id,
                )
            )


def _compare_shares(
    before: Mapping[Layer, LayerTable], after: Mapping[Layer, LayerTable]
) -> Iterator[ShareChange]:
    """Return the nodes whose number of applications changes, the largest change first by layer."""
    for layer in SHARE_LAYERS:
        old = {row.node_id: row for row in before[layer].rows}
        new = {row.node_id: row for row in after[layer].rows}
        changes = [
            ShareChange(layer, old.get(node_id), new.get(node_id))
            for node_id in old.keys() | new.keys()
            if _counts(old.get(node_id)) != _counts(new.get(node_id))
        ]
        yield from sorted(changes, key=_share_order)


def _counts(row: LayerRow | None) -> tuple[int, int]:
    return (row.n_applications, row.n_critical) if row is not None else (0, 0)


def _share_order(change: ShareChange) -> tuple[int, int]:
    row = change.after or change.before
    assert row is not None
    return (
        -abs(_counts(change.after)[0] - _counts(change.before)[0]),
        row.node_id,
    )


def _name(offering: Offering | None) -> str:
    return f"{offering.api_id} on {offering.host.name}" if offering is not None else "A model"
