"""What a what-if does to the portfolio, as values with primary keys; docs/exposure.md, section
What-if scenarios."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.inventory.costs import PriceChange


@dataclass(frozen=True, slots=True)
class Remove:
    """The nodes fail together; nothing is deleted. Several removals add up."""

    node_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """Every live dependency on the offering calls another one instead."""

    old_id: int
    new_id: int


@dataclass(frozen=True, slots=True)
class Move:
    """One dependency calls another offering."""

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
    """An application that is not there yet; `facts` are its columns by field name, `name` and
    `team_id` among them.

    Its rows have negative ids: the first added application is -1.
    """

    facts: Mapping[str, Any]
    dependencies: tuple[AddedDependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Retire:
    application_id: int


type Operation = Remove | Replace | Move | Reprice | Add | Retire
