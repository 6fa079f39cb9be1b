"""Monthly costs of dependencies on models that have a replacement: of the model served today, and
of the replacement, at the same recorded usage."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from apps.inventory.cost_queries import InventoryRelations
from apps.inventory.costs import Money, monthly_costs

# Every dependency as if it used the replacement of its effective offering; those without a
# replacement are left out.
_ON_REPLACEMENTS = InventoryRelations(
    dependencies="""(
        SELECT d.id, d.application_id, o.replacement_id AS offering_id, d.since, d.until,
               d.typical_request_tokens, d.monthly_input_tokens, d.monthly_output_tokens,
               d.monthly_cache_read_tokens, d.monthly_cache_write_tokens, d.monthly_requests
        FROM inventory_dependency d
        LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
        JOIN catalog_offering o ON o.id = coalesce(e.effective_id, d.offering_id)
        WHERE o.replacement_id IS NOT NULL
    )"""
)


@dataclass(frozen=True, slots=True)
class SuccessorCost:
    """Costs per month; `current` is None if a price of the model served today is unknown."""

    successor: Money
    current: Money | None


def successor_costs(*, on: date, application_ids: Collection[int]) -> dict[int, SuccessorCost]:
    """Return {dependency: costs} where usage and prices of the replacement are known; two
    statements."""
    successors = monthly_costs(
        on=on, application_ids=application_ids, relations=_ON_REPLACEMENTS
    ).per_dependency
    current = monthly_costs(on=on, application_ids=application_ids).per_dependency
    return {pk: SuccessorCost(cost, current.get(pk)) for pk, cost in successors.items()}
