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


type Operation = Remove | Replace | Move | Reprice | Add | Retire
