"""What dependencies need of an offering, from their declared and observed requirements, and how
candidates fit."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, LIMIT, SET
from apps.catalog.capabilities.fit import Fit, check_fit
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import SettledValue
from apps.inventory.models import Requirement

type Needs = Mapping[str, Any]

# two columns for `fit_of_columns`, of the expressions for the IDs of a dependency and an offering:
# a statement that reads pairs anyway needs no other one for their fits
FIT_COLUMNS = """
(SELECT jsonb_agg(jsonb_build_array(q.field, q.value)) FROM inventory_requirement q
 WHERE q.dependency_id = {dependency}),
(SELECT s."values" FROM catalog_settledclaims s
 WHERE s.offering_id = {offering} AND s.topic = 'capability')
"""


def declared_requirements(dependency_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return {dependency ID: {field: declared value}} in one statement, fields in the order of
    `CAPABILITY_FIELDS`. A dependency without declared requirements is missing."""
    rows = Requirement.objects.filter(
        dependency__in=dependency_ids, origin=Requirement.Origin.DECLARED
    ).values_list("dependency_id", "field", "value")
    values: dict[int, dict[str, Any]] = defaultdict(dict)
    for dependency_id, field, value in rows:
        values[dependency_id][field] = value
    return {
        dependency_id: {field: own[field] for field in CAPABILITY_FIELDS if field in own}
        for dependency_id, own in values.items()
    }


def needs_of(dependency_ids: Collection[int]) -> dict[int, Needs]:
    """Return {dependency ID: {field: needed}} in one statement, fields in the order of
    `CAPABILITY_FIELDS`. A dependency of whose use nothing is known is missing."""
    values: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    rows = Requirement.objects.filter(dependency__in=dependency_ids)
    for dependency_id, field, value in rows.values_list("dependency_id", "field", "value"):
        values[dependency_id][field].append(value)
    return {dependency_id: _combine_all(by_field) for dependency_id, by_field in values.items()}


def _combine_all(values: Mapping[str, Iterable[Any]]) -> Needs:
    return {
        field: combine_needs(field, values[field]) for field in CAPABILITY_FIELDS if field in values
    }


def combine_needs(field: str, values: Iterable[Any]) -> Any:
    """Return what is needed of a field by its declared and its observed value: the larger number,
    all names, and used rather than not used."""
    used = [value for value in values if value is not False]
    if not used:
        return False
    form = CAPABILITY_FIELDS[field].form
    if form == LIMIT:
        return max(used)
    if form == SET:
        return sorted({name for names in used for name in names})
    return max(used)


def dependency_fits(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], Fit]:
    """Return {(dependency ID, offering ID): fit} in two statements."""
    needs = needs_of({dependency_id for dependency_id, _ in pairs})
    capabilities = settled_values({offering_id for _, offering_id in pairs})
    # many dependencies of one cause use the same: each distinct use is judged once
    uses = {dependency_id: repr(of_use) for dependency_id, of_use in needs.items()}
    judged: dict[tuple[str, int], Fit] = {}
    fits = {}
    for dependency_id, offering_id in pairs:
        key = (uses.get(dependency_id, ""), offering_id)
        if key not in judged:
            judged[key] = check_fit(needs.get(dependency_id, {}), capabilities.get(offering_id, {}))
        fits[dependency_id, offering_id] = judged[key]
    return fits


def fit_of_columns(requirements: str | None, values: str | None) -> Fit:
    """Return the fit of the pair that `FIT_COLUMNS` has read, both as JSON text."""
    needs: dict[str, list[Any]] = defaultdict(list)
    for field, value in json.loads(requirements or "[]"):
        needs[field].append(value)
    offered = {field: SettledValue(**fact) for field, fact in json.loads(values or "{}").items()}
    return check_fit(_combine_all(needs), offered)
