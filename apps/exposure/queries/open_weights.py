"""Open-weight posture: the share of weight on models with open weights, or with one that fits.

Counted are live primary models in scope, weighted as concentration is. A model has open weights if
the catalogue's settled value says so. Another one has a fitting alternative if any served offering
with open weights keeps everything that the dependency is known to use. Unknown is never yes: a
model whose weights are unknown, or a dependency of whose use nothing is known, counts as unknown.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection, models
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.models import SettledClaims
from apps.common.database.statements import compose_statement, load_statement
from apps.exposure.engine.concentration import WEIGHT_COLUMNS
from apps.exposure.models import Basis, EngineState, MeasuredOpenWeights, Path
from apps.inventory.requirements import needs_of

_STORED_SECONDS = 24 * 3_600
# with more applications, pages and REST have the posture of the organisation, and the models in one
# state, as a job measured them
MAX_MEASURED_NOW = 5_000


class OpenWeightState(models.TextChoices):
    """What is known of a primary model; each counts in exactly one state."""

    OPEN = "open", "Open weights"
    ALTERNATIVE = "alternative", "Open-weight model fits"
    NONE = "none", "No open-weight model is known to fit"
    UNKNOWN = "unknown", "Unknown"


@dataclass(frozen=True, slots=True)
class FittingAlternatives:
    """Dependencies of whose use something is known: `offerings` is {dependency ID: an offering with
    open weights that fits}; `tried` are all that were compared."""

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
    """Measure the posture of the whole portfolio, or of these teams' applications; two statements,
    and one if nothing is known of the use."""
    groups = _read_groups(team_ids)
    return _measure_posture(basis, groups, _find_kept_needs(groups))


def store_open_weight_measurements() -> None:
    """Measure the posture of the whole portfolio by every weight and keep it for a day, and store
    the state of each primary model of a large portfolio: its pages do not wait for them. Two
    statements, and three for a large portfolio."""
    groups = _read_groups(None)
    kept = _find_kept_needs(groups)
    for basis in Basis:
        posture = _measure_posture(basis, groups, kept)
        values = {str(s): (posture.weights[s], posture.counts[s]) for s in OpenWeightState}
        cache.set(_posture_key(basis), values, timeout=_STORED_SECONDS)
    if _is_large():
        states = _compose(load_statement("exposure", "open_weight_states"), None)
        statement = compose_statement(
            load_statement("exposure", "store_open_weight_states"), states=states
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [sorted(kept)])


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


def current_posture(basis: Basis, *, team_ids: Collection[int] | None) -> OpenWeightPosture:
    """Return the posture of a large organisation as it was measured last, otherwise as it is
    now."""
    if team_ids is None and _is_large():
        stored = stored_posture(basis)
        if stored is not None:
            return stored
    return open_weight_posture(basis, team_ids=team_ids)


def _posture_key(basis: Basis) -> str:
    return f"open-weight-posture:{basis}"


def fitting_alternatives(dependency_ids: Collection[int]) -> FittingAlternatives:
    """Return an open-weight offering that fits for each of some dependencies, as those of a page:
    one statement for what they need, and one for the offerings."""
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


def state_of(path: Path, fits: FittingAlternatives) -> OpenWeightState:
    """Return the state of a primary model of `primaries_by_state`; `fits` are those of its page."""
    fact = path.open_weights_fact  # type: ignore[attr-defined]
    is_open = fact["value"] if fact else None
    if is_open:
        return OpenWeightState.OPEN
    if path.pk in fits.offerings:
        return OpenWeightState.ALTERNATIVE
    if is_open is False and path.pk in fits.tried:
        return OpenWeightState.NONE
    return OpenWeightState.UNKNOWN


def primaries_by_state(
    *, team_ids: Collection[int] | None = None, state: str = ""
) -> "QuerySet[Path]":
    """Return the primary models, of one `state` if given, most critical first. They have in
    `open_weights_fact` the settled value with its source and day. For a state other than open
    weights, a small portfolio is compared before the rows are read: two statements. The states of a
    large one are stored."""
    fact = SettledClaims.objects.filter(offering=OuterRef("effective_id"), topic=CAPABILITY).values(
        "values__open_weights"
    )
    paths = Path.objects.annotate(open_weights_fact=Subquery(fact[:1]))
    if team_ids is not None:
        paths = paths.filter(team_id__in=list(team_ids))
    if state == OpenWeightState.OPEN:
        # whatever they need
        settled = SettledClaims.objects.filter(topic=CAPABILITY, values__open_weights__value=True)
        paths = paths.filter(effective_id__in=settled.values("offering_id"))
    elif state:
        paths = paths.filter(pk__in=_dependencies_in_state(state, team_ids))
    return paths.order_by("criticality", "application_id", "dependency_id")


def _dependencies_in_state(state: str, team_ids: Collection[int] | None) -> Any:
    """Return a subquery of the primary models in this state: of a large portfolio as they were
    measured last."""
    if _is_large() and MeasuredOpenWeights.objects.exists():
        return MeasuredOpenWeights.objects.filter(state=state).values("dependency_id")
    kept = _find_kept_needs(_read_groups(team_ids))
    statement = _compose(
        load_statement("exposure", "open_weight_states"), team_ids, team_parameter="%s"
    )
    teams = [] if team_ids is None else [list(team_ids)]
    return RawSQL(  # noqa: S611  a file of ours
        f"SELECT s.dependency_id FROM ({statement}) s WHERE s.state = %s",
        [*teams, sorted(kept), state],
    )


def _is_large() -> bool:
    """Return whether a job measures the portfolio, so that pages and REST do not wait for it."""
    n_applications = EngineState.objects.values_list("n_applications", flat=True).first()
    return (n_applications or 0) > MAX_MEASURED_NOW


# --- groups of primary models --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """Primary models with the same `is_open` and the same need, with their weights by column.
    `fields` is the JSON of what one of them needs; `need` and `fields` are None if the weights are
    open or nothing is known of the use."""

    is_open: bool | None
    need: str | None
    fields: str | None
    n: int
    weights: Mapping[str, float]


def _read_groups(team_ids: Collection[int] | None) -> list[_Group]:
    """Read the primary models in groups: as many as there are different needs, whatever the number
    of applications."""
    columns = list(WEIGHT_COLUMNS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            _compose(load_statement("exposure", "open_weights_of_primaries"), team_ids),
            {"teams": list(team_ids or ())},
        )
        return [
            _Group(is_open, need, fields, n, dict(zip(columns, map(float, weights), strict=True)))
            for is_open, need, fields, n, *weights in cursor.fetchall()
        ]


def _compose(
    statement: str, team_ids: Collection[int] | None, *, team_parameter: str = "%(teams)s"
) -> str:
    return compose_statement(
        statement,
        used=compose_statement(
            load_statement("exposure", "needs_of_primaries"),
            teams="" if team_ids is None else f"WHERE p.team_id = ANY ({team_parameter})",
        ),
    )


def _measure_posture(
    basis: Basis, groups: Iterable[_Group], kept_needs: Collection[str]
) -> OpenWeightPosture:
    weights = dict.fromkeys(OpenWeightState, 0.0)
    counts = dict.fromkeys(OpenWeightState, 0)
    for group in groups:
        if group.is_open:
            state = OpenWeightState.OPEN
        elif group.need in kept_needs:
            state = OpenWeightState.ALTERNATIVE
        elif group.is_open is False and group.need is not None:
            state = OpenWeightState.NONE
        else:
            state = OpenWeightState.UNKNOWN
        weights[state] += group.weights[WEIGHT_COLUMNS[basis]]
        counts[state] += group.n
    return OpenWeightPosture(basis, weights, counts)


def _find_kept_needs(groups: Iterable[_Group]) -> set[str]:
    """Return the needs of the groups that an offering with open weights keeps; one statement, none
    without a need."""
    fields_by_need = {group.need: group.fields for group in groups if group.need and group.fields}
    found = _find_fitting_offerings(sorted(set(fields_by_need.values())))
    return {need for need, fields in fields_by_need.items() if fields in found}


def _find_fitting_offerings(needs: list[str]) -> dict[str, Any]:
    """Return {need as JSON: an offering with open weights that keeps all of it}."""
    if not needs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(load_statement("exposure", "open_weight_fits"), {"needs": needs})
        return {needs[place - 1]: offering_id for place, offering_id in cursor.fetchall()}
