"""Chooses what applies of all that sources state about one field: by rank, then by agreement. Plain
Python.

The statements of the highest rank decide alone: an own test, then what a user entered, then the
provider's own list, then the provider's own page, then all other sources together. Within a rank
the value that most sources state applies; with as many for another value it is unknown and
contradicted. Limits of tokens agree if they differ by no more than 5 %. A statement that its source
does not repeat any more counts only if no source of the rank repeats one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from apps.catalog.capabilities.fields import LIMIT, LIMIT_TOLERANCE, StatedField
from apps.catalog.capabilities.values import SettledValue

_TOKENS = "tokens"


class Rank(IntEnum):
    """How near a source is to the fact; lower is nearer."""

    OWN_TEST = 0
    ENTERED = 1
    PROVIDER_LIST = 2
    PROVIDER_PAGE = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source states of one field: `value` since the ISO day `at`. `is_silent` is true if
    the source does not repeat it any more. `priority` orders sources of one rank for display,
    lowest first."""

    rank: Rank
    source: str
    name: str
    value: Any
    at: str
    is_silent: bool = False
    priority: int = 0


def choose_value(field: StatedField, statements: Iterable[Statement]) -> SettledValue | None:
    """Return the value of `field` that applies; None if nothing is stated."""
    statements = list(statements)
    if not statements:
        return None
    rank = min(statement.rank for statement in statements)
    strongest = [statement for statement in statements if statement.rank == rank]
    repeated = [statement for statement in strongest if not statement.is_silent]
    strongest = _one_per_source(repeated or strongest)
    groups = _group_equal(field, strongest)
    most = max(len(group) for group in groups)
    winners = [group for group in groups if len(group) == most]
    if len(winners) > 1:
        latest = max(statement.at for statement in strongest)
        return SettledValue(None, at=latest, agreed=0, contradicted=True)
    [winner] = winners
    shown = min(winner, key=lambda statement: (statement.priority, statement.name))
    value = _common_value(winner)
    agreed = {
        statement.source
        for statement in statements
        if not statement.is_silent and _is_equal(field, statement.value, value)
    }
    return SettledValue(value, source=shown.name, at=shown.at, agreed=max(1, len(agreed)))


def _one_per_source(statements: Sequence[Statement]) -> list[Statement]:
    """Return one statement of each source, since several rows of one source are one voice: that of
    most of its rows, of several the latest."""
    by_source: dict[str, list[Statement]] = {}
    for statement in statements:
        by_source.setdefault(statement.source, []).append(statement)
    voices = []
    for rows in by_source.values():
        values = [row.value for row in rows]
        voices.append(max(rows, key=lambda row: (values.count(row.value), row.at)))
    return voices


def _group_equal(field: StatedField, statements: Sequence[Statement]) -> list[list[Statement]]:
    """Return the statements in groups of equal values."""
    groups: list[list[Statement]] = []
    for statement in sorted(statements, key=lambda each: str(each.value)):
        for group in groups:
            if all(_is_equal(field, other.value, statement.value) for other in group):
                group.append(statement)
                break
        else:
            groups.append([statement])
    return groups


def _is_equal(field: StatedField, left: Any, right: Any) -> bool:
    if field.form == LIMIT and field.unit == _TOKENS:
        return bool(abs(left - right) <= LIMIT_TOLERANCE * max(left, right))
    return bool(left == right)


def _common_value(group: Sequence[Statement]) -> Any:
    """Return the value that most of the group state; of several the first in order of the sources,
    since equal limits can be rounded in different ways."""
    values = [each.value for each in sorted(group, key=lambda each: (each.priority, each.name))]
    return max(values, key=values.count)
