"""What offerings offer and what dependencies use, for tests about fit."""

from typing import Any

from apps.catalog.models import Offering, SettledClaims
from apps.inventory.models import Dependency, Requirement
from tests.builders import NOW


def settle(offering: Offering, **values: Any) -> SettledClaims:
    """Record the settled capabilities of the offering, all of them from one source."""
    return SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        values={
            field: {"value": value, "source": "models.dev", "at": "2026-07-01", "agreed": 1}
            for field, value in values.items()
        },
        changed_at=NOW,
    )


def require(dependency: Dependency, **values: Any) -> None:
    """Declare what the dependency uses of its offering."""
    Requirement.objects.bulk_create(
        Requirement(dependency=dependency, field=field, value=value)
        for field, value in values.items()
    )
