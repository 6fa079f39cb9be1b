"""Mapping of the offerings in use on a node to those of another node of the same kind, proposed by
fit."""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from heapq import nsmallest
from math import log
from typing import Any

from django.db import connection
from django.db.models import Q

from apps.catalog.capabilities.fit import Fit, FitVerdict, check_fit
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import (
    Binding,
    DateKind,
    Footing,
    Lifecycle,
    NodeKind,
    Offering,
    Price,
    Via,
)
from apps.common.time import start_of
from apps.exposure.node_names import NodeName, node_names
from apps.inventory.models import Dependency
from apps.inventory.requirements import Needs, needs_of

REPLACEABLE_KINDS = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.FOUNDATION, NodeKind.VERSION)
FINE_TUNED_TIER = "fine-tuned"
# candidates of one offering whose fit is checked, and those considered of each group
MAX_CHECKED = 16
MAX_NEAR = 6
# offerings that are neither dearer nor cheaper, larger nor smaller by a factor are close; what is
# not known is as far as a factor of 20
_UNKNOWN_DISTANCE = log(20)

_USED = """
SELECT d.offering_id, array_agg(d.dependency_id ORDER BY d.dependency_id),
       count(DISTINCT d.application_id), bool_and(d.role = %(embedding)s)
FROM exposure_activedependency d
JOIN exposure_enginefooting f ON f.offering_id = d.offering_id AND f.node_id = %(node)s
    AND f.via = ANY (%(ties)s)
WHERE %(teams)s::bigint[] IS NULL OR d.team_id = ANY (%(teams)s::bigint[])
GROUP BY d.offering_id
ORDER BY count(*) DESC, d.offering_id
"""


@dataclass(frozen=True, slots=True)
class UsedOffering:
    """An offering that dependencies in scope call, and these dependencies in every role;
    `only_embeds` if all of them use it as an embedding model."""

    offering_id: int
    dependency_ids: tuple[int, ...]
    n_applications: int
    only_embeds: bool = False


@dataclass(frozen=True, slots=True)
class FitCounts:
    """Number of dependencies by the verdict on one candidate."""

    n_fits: int = 0
    n_breaks: int = 0
    n_unknown: int = 0


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """A candidate for the target: `is_same_version` if it serves the version in use."""

    offering: Offering
    counts: FitCounts
    is_same_version: bool


@dataclass(frozen=True, slots=True)
class MappedOffering:
    """An offering in use with its candidates, the best first; none is proposed if the best is not
    known to be of its class."""

    used: UsedOffering
    offering: Offering
    choices: tuple[MappingChoice, ...]
    target_id: int | None


def used_offerings(node_id: int, *, team_ids: Collection[int] | None) -> list[UsedOffering]:
    """Return the offerings on the node that live dependencies of these teams (None: all) call, in
    any role, the most used first; one statement.

    On the node are those that depend on it directly, or as one of several, also through a company
    that it owns; what is only derived from it is not.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _USED,
            {
                "node": node_id,
                "ties": [int(Via.DIRECT), int(Via.ONE_OF)],
                "embedding": list(Dependency.Role).index(Dependency.Role.EMBEDDING),
                "teams": None if team_ids is None else list(team_ids),
            },
        )
        return [UsedOffering(row[0], tuple(row[1]), *row[2:]) for row in cursor.fetchall()]


def propose_mapping(
    node_id: int, by_id: int, *, team_ids: Collection[int] | None, on: date
) -> list[MappedOffering]:
    """Return every offering in use on `node_id` with its proposed target at `by_id`; seven
    statements for any number.

    At a host the same version comes first. Otherwise the order is: of the same class (what it
    gives out), the fewest dependencies that break, then the fewest of unknown fit, the same
    foundation, host and region, and the closest context window and price.
    """
    used = used_offerings(node_id, team_ids=team_ids)
    if not used:
        return []
    candidates = served_offerings(by_id, on=on, without=node_id)
    return map_offerings(used, candidates, on=on)


def served_offerings(node_id: int, *, on: date, without: int) -> list[Offering]:
    """Return the model IDs that depend on the node directly, or on a company that it owns, and are
    served on that day, except those on the node `without`; one statement."""
    return list(
        Offering.objects.model_ids()
        .filter(
            # an earliest date that has passed is no retirement
            ~Q(date_kind=DateKind.FIRM, retires_on__lte=on, retires_on__isnull=False),
            footings__node=node_id,
            footings__via=Via.DIRECT,
            not_a_model=False,
        )
        .exclude(pk__in=Footing.objects.filter(node=without, via=Via.DIRECT).values("offering"))
        # a customer's own fine-tune replaces nothing else
        .exclude(Q(lifecycle=Lifecycle.RETIRED) | Q(service_tier=FINE_TUNED_TIER))
        .select_related("host", "version")
        .order_by("api_id", "pk")
    )


def map_offerings(
    used: Sequence[UsedOffering], candidates: Sequence[Offering], *, on: date
) -> list[MappedOffering]:
    """Return the used offerings with their choices among the candidates; four statements."""
    offerings = Offering.objects.select_related("host", "version").in_bulk(
        [row.offering_id for row in used]
    )
    facts = _load_facts([*offerings.values(), *candidates], on=on)
    fits = FitCheck(
        [pk for row in used for pk in row.dependency_ids],
        {pk: fact.capabilities for pk, fact in facts.items()},
    )
    index = _CandidateIndex(candidates, facts)
    return [
        _map_offering(row, offerings[row.offering_id], index, facts, fits)
        for row in used
        if row.offering_id in offerings
    ]


class FitCheck:
    """Fits of dependencies with candidates. Dependencies of equal needs are checked once."""

    def __init__(
        self,
        dependency_ids: Collection[int],
        capabilities: Mapping[int, Mapping[str, SettledValue]],
    ) -> None:
        """Load the needs of the dependencies in one statement. `capabilities` is {offering ID:
        {field: value}}."""
        self._capabilities = capabilities
        self._needs: dict[str, Needs] = {}
        self._key_of: dict[int, str] = {}
        self._checked: dict[tuple[str, int], Fit] = {}
        for dependency_id, needs in needs_of(dependency_ids).items():
            key = json.dumps(needs, sort_keys=True)
            self._needs[key] = needs
            self._key_of[dependency_id] = key

    def fit(self, dependency_id: int, offering_id: int) -> Fit:
        return self._fit_of_needs(self._key_of.get(dependency_id, ""), offering_id)

    def count(self, dependency_ids: Iterable[int], offering_id: int) -> FitCounts:
        """Return the number of dependencies by verdict on the candidate."""
        n_by_needs: dict[str, int] = defaultdict(int)
        for dependency_id in dependency_ids:
            n_by_needs[self._key_of.get(dependency_id, "")] += 1
        n_by_verdict: dict[FitVerdict, int] = defaultdict(int)
        for key, n in n_by_needs.items():
            n_by_verdict[self._fit_of_needs(key, offering_id).verdict] += n
        return FitCounts(
            n_fits=n_by_verdict[FitVerdict.FITS],
            n_breaks=n_by_verdict[FitVerdict.BREAKS],
            n_unknown=n_by_verdict[FitVerdict.UNKNOWN],
        )

    def _fit_of_needs(self, key: str, offering_id: int) -> Fit:
        fit = self._checked.get((key, offering_id))
        if fit is None:
            fit = check_fit(self._needs.get(key, {}), self._capabilities.get(offering_id, {}))
            self._checked[key, offering_id] = fit
        return fit


@dataclass(frozen=True, slots=True)
class _Facts:
    """What candidates are compared by. `gives` are its output modalities, empty if unknown;
    `prices` is {(unit, currency): amount per million}."""

    capabilities: Mapping[str, SettledValue]
    gives: frozenset[str]
    context: int | None
    prices: Mapping[tuple[str, str], float]


def _load_facts(offerings: Sequence[Offering], *, on: date) -> dict[int, _Facts]:
    ids = {offering.pk for offering in offerings}
    capabilities = settled_values(ids)
    prices: dict[int, dict[tuple[str, str], float]] = defaultdict(dict)
    rows = Price.objects.at(start_of(on)).filter(
        offering__in=ids, unit__in=("input", "output"), above_tokens=0
    )
    for offering_id, unit, currency, amount in rows.values_list(
        "offering", "unit", "currency", "amount"
    ):
        prices[offering_id][unit, currency] = float(amount)
    facts = {}
    for offering in offerings:
        values = capabilities.get(offering.pk, {})
        gives = _value(values, "output_modalities")
        context = _value(values, "context_window")
        if context is None and offering.version is not None:
            context = offering.version.context_window
        facts[offering.pk] = _Facts(
            values, frozenset(gives or ()), context, prices.get(offering.pk, {})
        )
    return facts


class _CandidateIndex:
    """Candidates by version, foundation, host and price, so that the near ones of an offering are
    found without comparing it with all."""

    def __init__(self, candidates: Sequence[Offering], facts: Mapping[int, _Facts]) -> None:
        self._by_version: dict[int, list[Offering]] = defaultdict(list)
        self._by_foundation: dict[int, list[Offering]] = defaultdict(list)
        # {(what it gives, host or None for all): candidates by price}
        self._by_price: dict[tuple[frozenset[str], int | None], list[tuple[float, int]]]
        self._by_price = defaultdict(list)
        self._candidates = {candidate.pk: candidate for candidate in candidates}
        for candidate in candidates:
            if candidate.version is not None:
                self._by_version[candidate.version.pk].append(candidate)
                self._by_foundation[candidate.version.foundation_id].append(candidate)
            fact = facts[candidate.pk]
            for host_id in (candidate.host_id, None):
                self._by_price[fact.gives, host_id].append((_price_level(fact), candidate.pk))
        for priced in self._by_price.values():
            priced.sort()

    def near(self, offering: Offering, own: _Facts) -> list[Offering]:
        """Return the candidates of the same version and foundation, and of each class those closest
        in price, at the same host and anywhere."""
        found: dict[int, Offering] = {}
        if offering.version is not None:
            groups = (
                self._by_version.get(offering.version.pk, []),
                self._by_foundation.get(offering.version.foundation_id, []),
            )
            found = {row.pk: row for group in groups for row in group[:MAX_CHECKED]}
        level = _price_level(own)
        for (_gives, host_id), priced in self._by_price.items():
            if host_id not in (None, offering.host_id):
                continue
            place = bisect_left(priced, (level, 0))
            for _level, pk in priced[max(0, place - MAX_NEAR) : place + MAX_NEAR]:
                found[pk] = self._candidates[pk]
        found.pop(offering.pk, None)
        return list(found.values())


def _price_level(fact: _Facts) -> float:
    """Return the logarithm of the prices together; without a price that of one per million."""
    return sum(log(amount) for amount in fact.prices.values() if amount > 0)


def _value(values: Mapping[str, SettledValue], field: str) -> Any:
    return values[field].value if field in values else None


def _map_offering(
    used: UsedOffering,
    offering: Offering,
    index: "_CandidateIndex",
    facts: Mapping[int, _Facts],
    fits: FitCheck,
) -> MappedOffering:
    own = facts[offering.pk]
    if used.only_embeds:
        # whatever a source states, that is what it is used for
        own = replace(own, gives=frozenset({"embedding"}))
    checked = {
        candidate.pk: candidate
        for candidate in nsmallest(
            MAX_CHECKED,
            index.near(offering, own),
            key=lambda candidate: (
                not _is_same_version(offering, candidate),
                _class_rank(own, facts[candidate.pk]),
                *_place_order(offering, candidate),
                _distance(own, facts[candidate.pk]),
                *_name_order(candidate),
            ),
        )
    }
    counts = {pk: fits.count(used.dependency_ids, pk) for pk in checked}
    best_first = sorted(
        checked.values(),
        key=lambda candidate: (
            not _is_same_version(offering, candidate),
            _class_rank(own, facts[candidate.pk]),
            counts[candidate.pk].n_breaks,
            counts[candidate.pk].n_unknown,
            *_place_order(offering, candidate),
            _distance(own, facts[candidate.pk]),
            *_name_order(candidate),
        ),
    )

    def is_proposed(candidate: Offering) -> bool:
        """Return whether the candidate is known to be of the class; a version has one class."""
        return (
            _is_same_version(offering, candidate)
            or _is_same_foundation(offering, candidate)
            or _class_rank(own, facts[candidate.pk]) == 0
        )

    choices = tuple(
        MappingChoice(candidate, counts[candidate.pk], _is_same_version(offering, candidate))
        for candidate in best_first
    )
    return MappedOffering(
        used,
        offering,
        choices,
        best_first[0].pk if best_first and is_proposed(best_first[0]) else None,
    )


def _is_same_version(offering: Offering, candidate: Offering) -> bool:
    return offering.version_id is not None and offering.version_id == candidate.version_id


_OTHER_CLASS = 2


def _class_rank(own: _Facts, candidate: _Facts) -> int:
    """Return 0 if the candidate gives out everything that the offering does, 1 if that is not
    known, `_OTHER_CLASS` if it does not."""
    if not own.gives or not candidate.gives:
        return 1
    return 0 if own.gives <= candidate.gives else _OTHER_CLASS


def _place_order(offering: Offering, candidate: Offering) -> tuple[bool, bool, bool, bool]:
    """Return how far the candidate is from where the offering is served: nearer ones first."""
    return (
        not _is_same_foundation(offering, candidate),
        candidate.host_id != offering.host_id,
        candidate.region_scope != offering.region_scope,
        candidate.service_tier != offering.service_tier,
    )


def _is_same_foundation(offering: Offering, candidate: Offering) -> bool:
    return (
        offering.version is not None
        and candidate.version is not None
        and offering.version.foundation_id == candidate.version.foundation_id
    )


def _distance(own: _Facts, candidate: _Facts) -> float:
    """Return how far context window and prices are apart, as a sum of logarithms of ratios."""
    distance = _log_ratio(own.context, candidate.context)
    for key in own.prices.keys() | (set() if own.prices else candidate.prices.keys()):
        distance += _log_ratio(own.prices.get(key), candidate.prices.get(key))
    return distance


def _log_ratio(first: float | None, second: float | None) -> float:
    if not first or not second:
        return 0.0 if first == second == 0 else _UNKNOWN_DISTANCE
    return abs(log(second / first))


def _name_order(candidate: Offering) -> tuple[bool, bool, str, int]:
    """Return what decides between equals: no announced end, a pinned name, then the model ID."""
    return (
        candidate.retires_on is not None,
        candidate.binding == Binding.ALIAS,
        candidate.api_id,
        candidate.pk,
    )


_REPLACEMENTS = """
SELECT n.id, count(DISTINCT o.id) AS n_served,
       count(DISTINCT o.version_id) FILTER (WHERE o.version_id = ANY (%(versions)s)) AS n_same
FROM catalog_node n
JOIN catalog_footing f ON f.node_id = n.id AND f.via = %(direct)s
JOIN catalog_offering o ON o.id = f.offering_id AND o.kind = 'model_id' AND NOT o.not_a_model
    AND o.lifecycle <> 'retired' AND (o.date_kind = 'firm' AND o.retires_on <= %(on)s) IS NOT TRUE
WHERE n.kind = %(kind)s AND n.id <> %(node)s
GROUP BY n.id
ORDER BY n_same DESC, n_served DESC, n.id
"""


@dataclass(frozen=True, slots=True)
class PossibleReplacement:
    """A node that can replace another one: `n_served` offerings, and `n_same_versions` of the
    versions in use."""

    name: NodeName
    n_served: int
    n_same_versions: int


def possible_replacements(
    node: NodeName, used: Sequence[UsedOffering], *, on: date, text: str = "", limit: int
) -> list[PossibleReplacement]:
    """Return nodes of the same kind that serve a model on that day and whose name contains `text`,
    those with most of the versions in use first; three statements."""
    versions = Offering.objects.filter(pk__in=[row.offering_id for row in used]).values_list(
        "version_id", flat=True
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _REPLACEMENTS,
            {
                "versions": [pk for pk in versions if pk is not None],
                "direct": int(Via.DIRECT),
                "on": on,
                "kind": node.kind.value,
                "node": node.node_id,
            },
        )
        rows = cursor.fetchall()
    names = node_names([row[0] for row in rows])
    wanted = text.casefold()
    return [
        PossibleReplacement(names[pk], n_served, n_same)
        for pk, n_served, n_same in rows
        if pk in names
        and (wanted in names[pk].label.casefold() or wanted in names[pk].name.casefold())
    ][:limit]
