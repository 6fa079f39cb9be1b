"""Operations of a scenario on the portfolio, as values with primary keys; docs/exposure.md, section
What-if scenarios."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.inventory.costs import PriceChange


@dataclass(frozen=True, slots=True)
class Remove:
    """The nodes fail together; nothing is deleted. Several removals are combined."""

    node_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """Every live dependency on the offering is moved to another one."""

    old_id: int
    new_id: int


@dataclass(frozen=True, slots=True)
class ReplaceNode:
    """The offerings in use on a node are replaced by those of another node of the same kind.

    `mapping` is {used offering: its target, or None if it stays as it is}; all are replaced at
    once. None: the mapping that is proposed on the day of the run.
    """

    node_id: int
    by_id: int
    mapping: Mapping[int, int | None] | None = None

    @property
    def targets(self) -> dict[int, int]:
        """Return {used offering: target} of those that are replaced."""
        return {old: new for old, new in (self.mapping or {}).items() if new is not None}


@dataclass(frozen=True, slots=True)
class Move:
    """One dependency is moved to another offering."""

    dependency_id: int
    offering_id: int


@dataclass(frozen=True, slots=True)
class Reprice:
    change: PriceChange


@dataclass(frozen=True, slots=True)
class AddedDependency:
    """`facts` are further columns of a dependency, by field name."""

    offering_id: int
    role: str = "primary"
    since: date | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    """A new application; `facts` are its columns by field name, including `name` and `team_id`.

    Its rows have negative IDs: the first added application is -1.
    """

    facts: Mapping[str, Any]
    dependencies: tuple[AddedDependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Retire:
    application_id: int


type Operation = Remove | Replace | ReplaceNode | Move | Reprice | Add | Retire
