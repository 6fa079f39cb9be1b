"""Capabilities in use that a model of an application lost, as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.catalog.capabilities.phrases import describe_lost_capabilities
from apps.exposure.queries.dependents import StackRow
from apps.inventory.withdrawn_capabilities import withdrawn_capabilities
from apps.web.wording import long_day


@dataclass(frozen=True, slots=True)
class WithdrawnLine:
    """One event as a sentence about a dependency."""

    event_id: int
    sentence: str


def list_withdrawn_capabilities(rows: Sequence[StackRow]) -> list[WithdrawnLine]:
    """Return what the dependencies use and their models lost, latest first; one statement."""
    by_dependency = {row.dependency.pk: row for row in rows}
    lines = []
    for loss in withdrawn_capabilities(by_dependency.keys()):
        dependency = by_dependency[loss.dependency_id].dependency
        on = f" on {long_day(loss.on)}" if loss.on else ""
        lines.append(
            WithdrawnLine(
                loss.event_id,
                f"The {dependency.get_role_display().lower()} {dependency.offering.api_id} lost "
                f"{describe_lost_capabilities(loss.fields)}{on}. This application uses it: test "
                "it, or replace the model.",
            )
        )
    return lines
