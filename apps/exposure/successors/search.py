"""The candidates of dependencies with everything that decides between them, best first.

The number of statements does not depend on the number of dependencies or candidates.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY, DATA_TERMS
from apps.catalog.capabilities.fit import Fit, FitVerdict, ItemVerdict, check_fit
from apps.catalog.capabilities.settled_values import settled_by_topic
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import Offering, OfferingRegion
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.successors.areas import judge_region, offered_areas, required_areas
from apps.exposure.successors.candidates import Candidate, CandidateReason, find_candidates
from apps.exposure.successors.effects import (
    MAX_PROPOSED,
    companions_of,
    fallback_effect,
    judge_effects,
    pairs_of,
    retires_with,
    test_results,
    use_of,
)
from apps.exposure.successors.independence import independence_of
from apps.exposure.successors.records import (
    ApprovalState,
    MonthlyCost,
    Obstacle,
    ObstacleKind,
    Successor,
    SuccessorSearch,
)
from apps.exposure.successors.tolerances import Move, exposure_changes
from apps.inventory.costs import USED_UNITS, Money, UsedQuantities, costs_of_quantities
from apps.inventory.governance.violations import (
    ApprovalObstacle,
    UseOfApplication,
    obstacles_to_uses_of_applications,
)
from apps.inventory.models import Application, Dependency
from apps.inventory.requirements import needs_of

MAX_CANDIDATES = 30
RELATIONS = (
    "application__team",
    "offering__host",
    "offering__version__foundation__developer",
    "via_party",
)
# these are shown even if others fit better, because readers ask for them
_PINNED = frozenset(
    {
        CandidateReason.REPLACEMENT,
        CandidateReason.PLANNED,
        CandidateReason.TESTED,
        CandidateReason.MOVED,
        CandidateReason.FALLBACK,
    }
)
# the other roles are not part of any policy
_EXPOSED_ROLES = (
    Dependency.Role.PRIMARY,
    Dependency.Role.FALLBACK,
    Dependency.Role.JUDGE,
    Dependency.Role.GUARDRAIL,
)
# what decides whether an offering is shown
_COMPARED_FIELDS = (
    "host_id",
    "version_id",
    "api_id",
    "region_scope",
    "lifecycle",
    "date_kind",
    "retires_on",
)
_CONFIDENTIAL = (Application.DataClass.CONFIDENTIAL, Application.DataClass.SECRET)
_FIT_ORDER = (FitVerdict.FITS, FitVerdict.UNKNOWN, FitVerdict.BREAKS)
_REGION_ORDER = (ItemVerdict.NOT_USED, ItemVerdict.KEPT, ItemVerdict.UNKNOWN, ItemVerdict.LOST)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of the offerings, by their ID, and of the dependencies. Offerings have
    `_COMPARED_FIELDS`: thousands are compared for the few that are shown."""

    offerings: Mapping[int, Offering]
    capabilities: Mapping[int, Mapping[str, SettledValue]]
    data_terms: Mapping[int, Mapping[str, SettledValue]]
    regions: Mapping[int, Sequence[str]]
    needs: Mapping[int, Mapping[str, Any]]
    companions: Mapping[int, Sequence[Dependency]]
    settings: EngineSettings
    on: date


@dataclass(frozen=True, slots=True)
class _CheckedCandidate:
    """A candidate with what decides whether it is shown, before costs and effects."""

    offering: Offering
    reasons: tuple[CandidateReason, ...]
    is_new_host: bool
    fit: Fit
    region: ItemVerdict
    areas: frozenset[str]
    is_ending: bool
    place: int

    @property
    def order(self) -> tuple[Any, ...]:
        return (
            self.is_ending,
            _REGION_ORDER.index(self.region),
            _FIT_ORDER.index(self.fit.verdict),
            len(self.fit.with_verdict(ItemVerdict.UNKNOWN)),
            self.place,
            len(self.offering.api_id),
        )


def find_successors(
    dependencies: Sequence[Dependency],
    *,
    user: Any,
    on: date,
    max_candidates: int = MAX_CANDIDATES,
    with_effects: bool = True,
    also: Collection[int] = (),
    shared: bool = False,
    settings: EngineSettings | None = None,
) -> list[SuccessorSearch]:
    """Return the candidates of each dependency, which is loaded with `RELATIONS`.

    `user` is the reader: tests of applications that the reader cannot view have no name. `also` are
    IDs of offerings that are checked for every dependency. With `shared` all dependencies have the
    same candidates, those that suit most of them. Without `with_effects` fallbacks, judges, tests
    and policies are left out. `settings` are loaded if they are not given.
    """
    found = find_candidates([row.pk for row in dependencies], on=on)
    for row in dependencies:
        of_row = found.setdefault(row.pk, {})
        for offering_id in also:
            if offering_id != row.offering_id:
                of_row.setdefault(offering_id, Candidate())
    facts = _read_facts(dependencies, found, settings or engine_settings(), on)
    if shared:
        chosen = _choose_shared(dependencies, found, facts, max_candidates)
    else:
        chosen = {
            row.pk: _choose(row, found[row.pk], facts, max_candidates, also) for row in dependencies
        }
    searches = _compare(dependencies, _load_chosen(chosen), facts)
    if with_effects:
        searches = _add_effects(searches, facts, user)
        if user.can_read_all:
            searches = _add_exposure(searches, facts)
    return [_sort(search) for search in searches]


def _read_facts(
    dependencies: Sequence[Dependency],
    found: Mapping[int, Mapping[int, Any]],
    settings: EngineSettings,
    on: date,
) -> _Facts:
    """Read what the comparison of all candidates needs; five statements."""
    companions = companions_of(dependencies, on=on)
    ids = {pk for by_offering in found.values() for pk in by_offering}
    capable = ids | {row.offering_id for rows in companions.values() for row in rows}
    regions: dict[int, list[str]] = {}
    pairs = OfferingRegion.objects.filter(offering__in=ids).values_list(
        "offering_id", "region__name"
    )
    for offering_id, name in pairs:
        regions.setdefault(offering_id, []).append(name)
    settled = settled_by_topic(capable, (CAPABILITY, DATA_TERMS))
    return _Facts(
        offerings=Offering.objects.only(*_COMPARED_FIELDS).in_bulk(ids),
        capabilities=settled[CAPABILITY],
        data_terms=settled[DATA_TERMS],
        regions=regions,
        needs=needs_of([row.pk for row in dependencies]),
        companions=companions,
        settings=settings,
        on=on,
    )


def _choose(
    dependency: Dependency,
    found: Mapping[int, Candidate],
    facts: _Facts,
    max_candidates: int,
    also: Collection[int],
) -> list[_CheckedCandidate]:
    """Return the candidates to show: one offering of each model on each host, those that are asked
    for before those that fit."""
    needs, required = facts.needs.get(dependency.pk, {}), required_areas(dependency.application)
    best: dict[tuple[Any, ...], _CheckedCandidate] = {}
    for place, (pk, candidate) in enumerate(found.items()):
        offering = facts.offerings.get(pk)
        if offering is None:
            continue
        checked = _check_candidate(dependency, offering, candidate, facts, needs, required, place)
        # a smaller model is one only if the use is known and narrow enough for it
        if checked.reasons == (CandidateReason.SMALLER,) and (
            not needs or checked.fit.verdict == FitVerdict.BREAKS
        ):
            continue
        key = (offering.host_id, offering.version_id or -pk, pk if pk in also else 0)
        other = best.get(key)
        if other is None or checked.order < other.order:
            kept = other.reasons if other else ()
            best[key] = replace(checked, reasons=tuple(dict.fromkeys((*kept, *checked.reasons))))
    ranked = sorted(
        best.values(),
        key=lambda checked: (
            checked.offering.pk not in also and not _PINNED & set(checked.reasons),
            checked.order,
        ),
    )
    return ranked[:max_candidates]


def _load_chosen(
    chosen: Mapping[int, Sequence[_CheckedCandidate]],
) -> dict[int, list[_CheckedCandidate]]:
    """Return the candidates with all facts of their offerings and what these belong to; one
    statement."""
    ids = {checked.offering.pk for candidates in chosen.values() for checked in candidates}
    offerings = Offering.objects.select_related("host", "version__foundation__developer").in_bulk(
        ids
    )
    return {
        pk: [
            replace(checked, offering=offerings[checked.offering.pk])
            for checked in candidates
            if checked.offering.pk in offerings
        ]
        for pk, candidates in chosen.items()
    }


def _check_candidate(
    dependency: Dependency,
    offering: Offering,
    candidate: Candidate,
    facts: _Facts,
    needs: Mapping[str, Any],
    required: frozenset[str],
    place: int,
) -> _CheckedCandidate:
    residency = facts.data_terms.get(offering.pk, {}).get("residency")
    areas = offered_areas(
        offering, facts.regions.get(offering.pk, ()), residency.value if residency else None
    )
    return _CheckedCandidate(
        offering,
        candidate.reasons,
        candidate.is_new_host,
        check_fit(needs, facts.capabilities.get(offering.pk, {})),
        judge_region(required, areas),
        areas,
        retires_with(offering, dependency.offering, facts.on),
        place,
    )


def _choose_shared(
    dependencies: Sequence[Dependency],
    found: Mapping[int, Mapping[int, Candidate]],
    facts: _Facts,
    max_candidates: int,
) -> dict[int, list[_CheckedCandidate]]:
    """Return the same candidates for each dependency: one offering of each model on each host, the
    one that suits most dependencies; replacements and tested ones first."""
    left = {row.offering_id for row in dependencies}
    candidates: dict[int, Candidate] = {}
    for by_offering in found.values():
        for pk, candidate in by_offering.items():
            if pk in facts.offerings and pk not in left:
                candidates.setdefault(pk, candidate)
    checked_candidates: dict[int, list[_CheckedCandidate]] = {pk: [] for pk in candidates}
    for row in dependencies:
        needs, required = facts.needs.get(row.pk, {}), required_areas(row.application)
        for place, (pk, candidate) in enumerate(candidates.items()):
            checked_candidates[pk].append(
                _check_candidate(row, facts.offerings[pk], candidate, facts, needs, required, place)
            )

    def order(pk: int) -> tuple[Any, ...]:
        return (
            sum(
                checked.is_ending
                or checked.region == ItemVerdict.LOST
                or checked.fit.verdict == FitVerdict.BREAKS
                for checked in checked_candidates[pk]
            ),
            sum(
                checked.region == ItemVerdict.UNKNOWN or checked.fit.verdict == FitVerdict.UNKNOWN
                for checked in checked_candidates[pk]
            ),
            checked_candidates[pk][0].place,
        )

    best: dict[tuple[Any, ...], int] = {}
    for pk in sorted(candidates, key=order):
        offering = facts.offerings[pk]
        best.setdefault((offering.host_id, offering.version_id or -pk), pk)
    ranked = sorted(
        best.values(), key=lambda pk: (not _PINNED & set(candidates[pk].reasons), order(pk))
    )
    return {
        row.pk: [checked_candidates[pk][index] for pk in ranked[:max_candidates]]
        for index, row in enumerate(dependencies)
    }


def _compare(
    dependencies: Sequence[Dependency],
    chosen: Mapping[int, Sequence[_CheckedCandidate]],
    facts: _Facts,
) -> list[SuccessorSearch]:
    """Return the searches with costs, approvals and obstacles; four statements."""
    quantities: list[UsedQuantities] = []
    uses: list[UseOfApplication] = []
    for row in dependencies:
        for offering_id in (row.offering_id, *(checked.offering.pk for checked in chosen[row.pk])):
            quantities.append(quantities_of(row, offering_id))
            uses.append(UseOfApplication(row.application, offering_id, row.via_party_id))
    costs = iter(costs_of_quantities(quantities, prices_on=facts.on))
    obstacles, decided = obstacles_to_uses_of_applications(uses, on=facts.on)
    approvals = iter(zip(obstacles, decided, strict=True))
    searches = []
    for row in dependencies:
        cost_today, (_obstacles_today, is_decided_today) = next(costs), next(approvals)
        compared = [
            _compare_one(
                row, checked, facts, cost_today, next(costs), *next(approvals), is_decided_today
            )
            for checked in chosen[row.pk]
        ]
        searches.append(
            SuccessorSearch(
                dependency=row,
                needs=facts.needs.get(row.pk, {}),
                required_areas=required_areas(row.application),
                cost=cost_today,
                companions=tuple(facts.companions.get(row.application_id, ())),
                successors=tuple(one for one in compared if not one.is_broken),
                broken=tuple(one for one in compared if one.is_broken),
            )
        )
    return searches


def quantities_of(dependency: Dependency, offering_id: int) -> UsedQuantities:
    """Return the recorded usage of the dependency as if it called the offering."""
    recorded: dict[str, Decimal | int | None] = {
        "input": dependency.monthly_input_tokens,
        "output": dependency.monthly_output_tokens,
        "cache_read": dependency.monthly_cache_read_tokens,
        "cache_write": dependency.monthly_cache_write_tokens,
        "request": dependency.monthly_requests,
    }
    return UsedQuantities(
        offering_id,
        {unit: amount for unit in USED_UNITS if (amount := recorded[unit]) is not None},
        dependency.typical_request_tokens or 0,
    )


def _compare_one(
    dependency: Dependency,
    checked: _CheckedCandidate,
    facts: _Facts,
    cost_today: MonthlyCost,
    cost: MonthlyCost,
    approvals: Sequence[ApprovalObstacle],
    is_decided: bool,
    is_decided_today: bool,
) -> Successor:
    offering = checked.offering
    terms = facts.data_terms.get(offering.pk, {})
    retires_on = offering.retires_on
    state = _approval_state(approvals, is_decided)
    return Successor(
        dependency=dependency,
        offering=offering,
        reasons=checked.reasons,
        fit=checked.fit,
        region=checked.region,
        areas=checked.areas,
        data_terms=terms,
        cost=cost,
        difference=cost_difference(cost_today, cost),
        runway_days=(retires_on - facts.on).days if retires_on is not None else None,
        approval=state,
        independence=None,
        obstacles=tuple(
            _find_obstacles(
                dependency,
                checked,
                terms,
                approvals,
                facts.on,
                lacks_approval=state == ApprovalState.UNDECIDED
                and (is_decided_today or checked.is_new_host),
            )
        ),
    )


def cost_difference(before: MonthlyCost, after: MonthlyCost) -> Fraction | None:
    """Return what a month costs more; None if a cost is unknown or the currencies differ."""
    if not isinstance(before, Money) or not isinstance(after, Money):
        return None
    if before.currency and after.currency and before.currency != after.currency:
        return None
    return after.amount - before.amount


def _approval_state(approvals: Sequence[ApprovalObstacle], is_decided: bool) -> ApprovalState:
    if any("blocked" in obstacle.grounds for obstacle in approvals):
        return ApprovalState.BLOCKED
    if any(obstacle.certain for obstacle in approvals):
        return ApprovalState.OUTSIDE
    if approvals:
        return ApprovalState.OPEN
    return ApprovalState.APPROVED if is_decided else ApprovalState.UNDECIDED


def _find_obstacles(
    dependency: Dependency,
    checked: _CheckedCandidate,
    terms: Mapping[str, SettledValue],
    approvals: Sequence[ApprovalObstacle],
    on: date,
    *,
    lacks_approval: bool,
) -> Iterable[Obstacle]:
    """Yield why the candidate is no successor. A candidate without an approval lacks one only if
    today's model has one, or if its host is new to the organisation."""
    if checked.offering.is_retired(on):
        yield Obstacle(ObstacleKind.RETIRED)
    elif checked.is_ending:
        yield Obstacle(ObstacleKind.RETIRES_FIRST)
    for obstacle in approvals:
        if "blocked" in obstacle.grounds:
            yield Obstacle(ObstacleKind.BLOCKED, approval=obstacle)
        elif obstacle.certain:
            yield Obstacle(ObstacleKind.APPROVAL, approval=obstacle)
    if lacks_approval:
        yield Obstacle(ObstacleKind.APPROVAL)
    if checked.region == ItemVerdict.LOST:
        yield Obstacle(ObstacleKind.REGION)
    training = terms.get("training_use")
    if (
        training is not None
        and training.value is True
        and dependency.application.data_classification in _CONFIDENTIAL
    ):
        yield Obstacle(ObstacleKind.DATA_TERMS)
    if lost := checked.fit.with_verdict(ItemVerdict.LOST):
        yield Obstacle(ObstacleKind.CAPABILITY, tuple(item.field for item in lost))


def _add_effects(
    searches: Sequence[SuccessorSearch], facts: _Facts, user: Any
) -> list[SuccessorSearch]:
    """Return the searches with independence, fallbacks, judges and tests; four statements."""
    proposed = {
        search.dependency.pk: [row for row in search.successors if row.keeps_everything][
            :MAX_PROPOSED
        ]
        for search in searches
    }
    grades = independence_of(
        pair
        for search in searches
        for pair in pairs_of(
            search.dependency,
            facts.companions.get(search.dependency.application_id, ()),
            [row.use for row in search.all],
            [row.use for row in proposed[search.dependency.pk]],
        )
    )
    tests = test_results(
        {row.offering.version_id for search in searches for row in search.all} - {None},  # type: ignore[arg-type]
        user=user,
        validity_days=facts.settings.test_validity_days,
    )

    def complete(search: SuccessorSearch, row: Successor) -> Successor:
        companions = facts.companions.get(search.dependency.application_id, ())
        tested = tests.get(row.offering.version_id or 0)
        return replace(
            row,
            independence=grades.get((use_of(search.dependency), row.use)),
            fallback=fallback_effect(
                row,
                companions,
                needs=search.needs,
                capabilities=facts.capabilities,
                grades=grades,
                proposed=proposed[search.dependency.pk],
                on=facts.on,
            ),
            judges=judge_effects(row, companions, grades),
            tests=tuple(
                replace(test, missing=_missing_fields(search.needs, needs))
                for test, needs in (tested.tests if tested else ())
            ),
            n_tests=tested.n_applications if tested else 0,
        )

    return [
        replace(
            search,
            successors=tuple(complete(search, row) for row in search.successors),
            broken=tuple(complete(search, row) for row in search.broken),
        )
        for search in searches
    ]


def _add_exposure(searches: Sequence[SuccessorSearch], facts: _Facts) -> list[SuccessorSearch]:
    """Return the searches with the values of exposure policies after each move; eight
    statements."""
    rows = [
        row for search in searches if search.dependency.role in _EXPOSED_ROLES for row in search.all
    ]
    moves = [
        Move(row.dependency.application_id, {row.dependency.pk: row.offering.pk}) for row in rows
    ]
    changes = {
        (row.dependency.pk, row.offering.pk): change
        for row, change in zip(
            rows, exposure_changes(moves, settings=facts.settings, on=facts.on), strict=True
        )
    }

    def complete(row: Successor) -> Successor:
        return replace(row, exposure=changes.get((row.dependency.pk, row.offering.pk), ()))

    return [
        replace(
            search,
            successors=tuple(map(complete, search.successors)),
            broken=tuple(map(complete, search.broken)),
        )
        for search in searches
    ]


def _missing_fields(needs: Mapping[str, Any], tested: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what the dependency uses and a tested use did not; nothing if that is not known."""
    if tested is None:
        return ()
    return tuple(field for field, need in needs.items() if need and not tested.get(field))


def _sort(search: SuccessorSearch) -> SuccessorSearch:
    return replace(
        search,
        successors=tuple(sorted(search.successors, key=rank)),
        broken=tuple(sorted(search.broken, key=_broken_order)),
    )


def rank(row: Successor) -> tuple[Any, ...]:
    """Return the order of a candidate: fit, then exposure, then cost. Unknown comes after kept, and
    a cost that is not known last."""
    return (
        not row.keeps_everything,
        row.n_unknown,
        row.opens_flag,
        any(judge.shares_lineage for judge in row.judges),
        -(row.independence or 0),
        row.difference is None,
        row.difference or 0,
        row.offering.pk,
    )


def _broken_order(row: Successor) -> tuple[Any, ...]:
    return (
        not _PINNED & set(row.reasons),
        len(row.obstacles),
        row.n_unknown,
        row.difference is None,
        row.difference or 0,
        row.offering.pk,
    )
