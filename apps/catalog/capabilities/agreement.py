"""Chooses what applies of all that sources state about one field: by rank, then by agreement. Plain
Python.

The statements of the highest rank decide alone: an own test, then what a user entered, then the
provider's own list, then the provider's own page, then all other sources together. Among these the
flag that most sources state applies; with as many for the opposite it is unknown and contradicted.
Limits and sets rarely agree to the letter, so that of the source that is right most often applies
(measured against providers' own words: models.dev, then OpenRouter, then LiteLLM). Where sources of
one rank are counted, limits of tokens agree if they differ by no more than 5 %.

What a source has stated and does not repeat is shown beside the field, and settles nothing: it is
no withdrawal, but no source says it now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from apps.catalog.capabilities.fields import LIMIT, LIMIT_TOLERANCE, SET, StatedField
from apps.catalog.capabilities.values import SettledValue

_TOKENS = "tokens"
# Slugs of the sources whose limits and sets are right most often, best first.
_MOST_OFTEN_RIGHT = ("models-dev", "openrouter", "litellm")


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
    """Return the value of `field` that applies; None if no source states any."""
    statements = [statement for statement in statements if not statement.is_silent]
    if not statements:
        return None
    rank = min(statement.rank for statement in statements)
    strongest = _one_per_source(each for each in statements if each.rank == rank)
    if rank is Rank.OTHER and field.form in (LIMIT, SET):
        first = min(_order(each) for each in strongest)
        strongest = [each for each in strongest if _order(each) == first]
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
        statement.source for statement in statements if values_agree(field, statement.value, value)
    }
    return SettledValue(value, source=shown.name, at=shown.at, agreed=len(agreed))


def _one_per_source(statements: Iterable[Statement]) -> list[Statement]:
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


def _order(statement: Statement) -> int:
    if statement.source in _MOST_OFTEN_RIGHT:
        return _MOST_OFTEN_RIGHT.index(statement.source)
    return len(_MOST_OFTEN_RIGHT)


def _group_equal(field: StatedField, statements: Sequence[Statement]) -> list[list[Statement]]:
    """Return the statements in groups of equal values."""
    groups: list[list[Statement]] = []
    for statement in sorted(statements, key=lambda each: str(each.value)):
        for group in groups:
            if all(values_agree(field, other.value, statement.value) for other in group):
                group.append(statement)
                break
        else:
            groups.append([statement])
    return groups


def values_agree(field: StatedField, left: Any, right: Any) -> bool:
    """Return whether two known values are the same one. Limits of tokens may differ by 5 %, as
    sources round them."""
    if field.form == LIMIT and field.unit == _TOKENS:
        return bool(abs(left - right) <= LIMIT_TOLERANCE * max(left, right))
    return bool(left == right)


def _common_value(group: Sequence[Statement]) -> Any:
    """Return the value that most of the group state; of several the first in order of the sources,
    since equal limits can be rounded in different ways."""
    values = [each.value for each in sorted(group, key=lambda each: (each.priority, each.name))]
    return max(values, key=values.count)
