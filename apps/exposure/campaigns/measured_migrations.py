"""What past migrations took and changed, by kind of move and of adaptation, as a basis for the
estimates of the next.

A migration is measured by its signed-off task (from the start of the work to the signature, change
of its one metric) or by its latest exit test that did not fail. Metrics are each application's own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices

from apps.common.database.statements import fetch_rows, load_statement
from apps.inventory.models import Adaptation

_MEASURED = load_statement("exposure", "measured_migrations")


class Move(TextChoices):
    """Kind of a migration by what changes."""

    HOST = "host", "to another host"
    SAME_DEVELOPER = "same_developer", "to another model of the developer"
    OTHER_DEVELOPER = "other_developer", "to another developer"


@dataclass(frozen=True, slots=True)
class MeasuredKind:
    """Migrations of one kind: a value of `Move`, or a kind of adaptation. `n_days` have a duration
    in days, `n_quality` a change of quality; medians are None without any."""

    kind: str
    n: int
    n_days: int
    median_days: float | None
    least_days: float | None
    most_days: float | None
    n_quality: int
    median_quality: float | None


def measured_migrations(user: Any) -> dict[str, MeasuredKind]:
    """Return the measured migrations by kind, of all applications for organisation roles and of the
    user's teams for others; one statement."""
    teams = None if user.can_read_all else list(user.team_roles())
    rows = fetch_rows(MeasuredKind, _MEASURED, {"teams": teams})
    return {row.kind: row for row in rows}


def kinds_to_show(adaptation_kinds: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return (kind, words) of all moves and of these kinds of adaptations."""
    labels = dict(Adaptation.Kind.choices)
    return [
        *Move.choices,
        *((kind, f"with {labels[kind].lower()}") for kind in labels if kind in adaptation_kinds),
    ]
