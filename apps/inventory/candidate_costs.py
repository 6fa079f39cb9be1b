"""Monthly costs of dependencies on candidates, at the usage that is recorded today."""

from collections.abc import Sequence
from datetime import date

from apps.inventory.costs import (
    USED_UNITS,
    Money,
    UnknownCost,
    UnknownDependencyCost,
    UsedQuantities,
    costs_of_quantities,
)
from apps.inventory.models import Dependency

_COLUMNS = {
    unit: "monthly_requests" if unit == "request" else f"monthly_{unit}_tokens"
    for unit in USED_UNITS
}


def candidate_costs(
    pairs: Sequence[tuple[Dependency, int]], *, on: date
) -> list[Money | UnknownDependencyCost]:
    """Return what each dependency would cost per month on the offering beside it, in order; one
    statement. Without recorded usage the cost is unknown."""
    quantities = [
        UsedQuantities(
            offering_id,
            {
                unit: value
                for unit, column in _COLUMNS.items()
                if (value := getattr(dependency, column)) is not None
            },
            dependency.typical_request_tokens or 0,
        )
        for dependency, offering_id in pairs
    ]
    costs = costs_of_quantities(quantities, prices_on=on)
    return [
        cost if row.units else UnknownDependencyCost(UnknownCost.NO_TOKENS)
        for row, cost in zip(quantities, costs, strict=True)
    ]
