"""Open-weight posture: the share of weight on models with open weights, or with one that fits.

Counted are live primary models in scope, weighted as concentration is. A model has open weights if
the catalogue's settled value says so. Another one has a fitting alternative if any served offering
with open weights keeps everything that the dependency is known to use. Unknown is never yes: a
model whose weights are unknown, or a dependency of whose use nothing is known, counts as unknown.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection, models
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.models import SettledClaims
from apps.common.database.statements import compose_statement, load_statement
from apps.exposure.engine.concentration import WEIGHT_COLUMNS
from apps.exposure.models import Basis, Path
from apps.inventory.requirements import needs_of

_STORED_SECONDS = 24 * 3_600


class OpenWeightState(models.TextChoices):
    """What is known of a primary model; each counts in exactly one state."""

    OPEN = "open", "Open weights"
    ALTERNATIVE = "alternative", "Open-weight model fits"
    NONE = "none", "No open-weight model is known to fit"
    UNKNOWN = "unknown", "Unknown"


@dataclass(frozen=True, slots=True)
class FittingAlternatives:
    """Dependencies, on models that are not known to be open, of whose use something is known:
    `offerings` is {dependency ID: an offering with open weights that fits}; `tried` are all that
    were compared."""

    offerings: Mapping[int, int]
    tried: frozenset[int]


@dataclass(frozen=True, slots=True)
class OpenWeightPosture:
    """Weight and number of primary models by state; `total_weight` is that of all states."""

    basis: Basis
    weights: Mapping[OpenWeightState, float]
    counts: Mapping[OpenWeightState, int]

    @property
    def total_weight(self) -> float:
        return sum(self.weights.values())

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    def share(self, state: OpenWeightState) -> float | None:
        """Return the share of the weight in a state, 0 to 1; None if nothing has a weight."""
        total = self.total_weight
        return self.weights[state] / total if total else None

    @property
    def covered(self) -> float | None:
        """The share on open weights or with a fitting open-weight alternative."""
        total = self.total_weight
        if not total:
            return None
        return (
            self.weights[OpenWeightState.OPEN] + self.weights[OpenWeightState.ALTERNATIVE]
        ) / total


def open_weight_posture(
    basis: Basis, *, team_ids: Collection[int] | None = None
) -> OpenWeightPosture:
    """Measure the posture of the whole portfolio, or of these teams' applications; three
    statements, and one if nothing is known of the use."""
    rows = _read_weights(basis, team_ids)
    return _measure_posture(
        basis, rows, _find_alternatives([row.dependency_id for row in rows if row.dependency_id])
    )


def store_postures() -> None:
    """Measure the posture of the whole portfolio by every weight and keep it for a day: it compares
    each dependency, which takes a page of a large portfolio too long."""
    fits = fitting_alternatives()
    for basis in Basis:
        posture = _measure_posture(basis, _read_weights(basis, None), fits)
        values = {str(s): (posture.weights[s], posture.counts[s]) for s in OpenWeightState}
        cache.set(_posture_key(basis), values, timeout=_STORED_SECONDS)


def stored_posture(basis: Basis) -> OpenWeightPosture | None:
    """Return the posture of the whole portfolio as it was measured last; None before the first
    time."""
    values: dict[str, tuple[float, int]] | None = cache.get(_posture_key(basis))
    if values is None:
        return None
    return OpenWeightPosture(
        basis,
        {state: values[str(state)][0] for state in OpenWeightState},
        {state: values[str(state)][1] for state in OpenWeightState},
    )


def _posture_key(basis: Basis) -> str:
    return f"open-weight-posture:{basis}"


def _measure_posture(
    basis: Basis, rows: "list[_WeightRow]", fits: FittingAlternatives
) -> OpenWeightPosture:
    weights = dict.fromkeys(OpenWeightState, 0.0)
    counts = dict.fromkeys(OpenWeightState, 0)
    for row in rows:
        state = _state_of(row, fits)
        weights[state] += row.weight
        counts[state] += row.n
    return OpenWeightPosture(basis, weights, counts)


def fitting_alternatives(*, team_ids: Collection[int] | None = None) -> FittingAlternatives:
    """Return the open-weight alternatives of the portfolio; three statements."""
    rows = _read_weights(Basis.COUNT, team_ids)
    return _find_alternatives([row.dependency_id for row in rows if row.dependency_id])


def primaries_by_state(
    fits: FittingAlternatives, *, team_ids: Collection[int] | None = None, state: str = ""
) -> "QuerySet[Path]":
    """Return the primary models, of one `state` if given, most critical first. They have `state`,
    and in `open_weights_fact` the settled value with its source and day."""
    fact = SettledClaims.objects.filter(offering=OuterRef("effective_id"), topic=CAPABILITY).values(
        "values__open_weights"
    )
    paths = Path.objects.annotate(open_weights_fact=Subquery(fact[:1])).annotate(
        open_weights=F("open_weights_fact__value"),
        state=Case(
            When(open_weights=True, then=Value(OpenWeightState.OPEN.value)),
            When(pk__in=list(fits.offerings), then=Value(OpenWeightState.ALTERNATIVE.value)),
            When(
                open_weights=False,
                pk__in=list(fits.tried),
                then=Value(OpenWeightState.NONE.value),
            ),
            default=Value(OpenWeightState.UNKNOWN.value),
            output_field=models.CharField(),
        ),
    )
    if state:
        paths = paths.filter(state=state)
    if team_ids is not None:
        paths = paths.filter(team_id__in=list(team_ids))
    return paths.order_by("criticality", "application_id", "dependency_id")


@dataclass(frozen=True, slots=True)
class _WeightRow:
    """Weight of primary models with the same `is_open`; of one dependency if its use is known and
    its model is not known to be open."""

    is_open: bool | None
    dependency_id: int | None
    weight: float
    n: int


def _read_weights(basis: Basis, team_ids: Collection[int] | None) -> list[_WeightRow]:
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(
                load_statement("exposure", "open_weights_of_primaries"),
                weight=WEIGHT_COLUMNS[basis],
                teams="" if team_ids is None else "WHERE p.team_id = ANY (%(teams)s)",
            ),
            {"teams": list(team_ids or ())},
        )
        return [
            _WeightRow(is_open, dependency_id, float(weight), n)
            for is_open, dependency_id, weight, n in cursor.fetchall()
        ]


def _state_of(row: _WeightRow, fits: FittingAlternatives) -> OpenWeightState:
    if row.is_open:
        return OpenWeightState.OPEN
    if row.dependency_id in fits.offerings:
        return OpenWeightState.ALTERNATIVE
    if row.is_open is False and row.dependency_id in fits.tried:
        return OpenWeightState.NONE
    return OpenWeightState.UNKNOWN


def _find_alternatives(dependency_ids: Collection[int]) -> FittingAlternatives:
    """Return an open-weight offering that fits for each dependency: one statement for what they
    need, and one for the offerings. Dependencies that need the same are compared once."""
    if not dependency_ids:
        return FittingAlternatives({}, frozenset())
    dependencies_by_need: dict[str, list[int]] = {}
    for dependency_id, needs in needs_of(dependency_ids).items():
        # an unknown need is never kept
        if any(value is None for value in needs.values()):
            continue
        used = {field: value for field, value in needs.items() if value is not False}
        if used:
            dependencies_by_need.setdefault(json.dumps(used, sort_keys=True), []).append(
                dependency_id
            )
    found = _find_fitting_offerings(list(dependencies_by_need))
    return FittingAlternatives(
        {
            dependency_id: found[need]
            for need, ids in dependencies_by_need.items()
            if need in found
            for dependency_id in ids
        },
        frozenset(pk for ids in dependencies_by_need.values() for pk in ids),
    )


def _find_fitting_offerings(needs: list[str]) -> dict[str, Any]:
    """Return {need as JSON: an offering with open weights that keeps all of it}."""
    if not needs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(load_statement("exposure", "open_weight_fits"), {"needs": needs})
        return {needs[place - 1]: offering_id for place, offering_id in cursor.fetchall()}
