"""Fit: whether a candidate offering does what is used of another one. Plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.catalog.capabilities.fields import (
    CAPABILITY_FIELDS,
    FLAG,
    LIMIT,
    LIMIT_TOLERANCE,
    SET,
)
from apps.catalog.capabilities.values import UNKNOWN, SettledValue


class ItemVerdict(StrEnum):
    """`NOT_USED`: the item is not needed, so that the candidate may lack it."""

    KEPT = "kept"
    LOST = "lost"
    UNKNOWN = "unknown"
    NOT_USED = "not_used"


class FitVerdict(StrEnum):
    """`BREAKS` if any item is lost; `FITS` only if every used item is kept and at least one is
    used; otherwise `UNKNOWN`."""

    FITS = "fits"
    BREAKS = "breaks"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FitItem:
    """One needed item: `needed` is True, a number or a list of names, None if it is not known
    whether it is needed; `new` is what the candidate offers."""

    field: str
    needed: Any
    new: SettledValue
    verdict: ItemVerdict


@dataclass(frozen=True, slots=True)
class Fit:
    verdict: FitVerdict
    items: tuple[FitItem, ...]

    def with_verdict(self, verdict: ItemVerdict) -> tuple[FitItem, ...]:
        return tuple(item for item in self.items if item.verdict == verdict)


def check_fit(needed: Mapping[str, Any], new: Mapping[str, SettledValue]) -> Fit:
    """Return the fit of a candidate with the settled capabilities `new`.

    `needed` is {field: True, number or list of names}; False means that the field is not used, None
    that it is not known. An empty `needed` is unknown: nothing is known of the use.
    """
    items = tuple(
        FitItem(field, need, new.get(field, UNKNOWN), judge_item(field, need, new.get(field)))
        for field, need in needed.items()
    )
    return Fit(total_verdict(items), items)


def total_verdict(items: Sequence[FitItem]) -> FitVerdict:
    """Return the verdict over all items, as `FitVerdict` defines it."""
    verdicts = {item.verdict for item in items} - {ItemVerdict.NOT_USED}
    if ItemVerdict.LOST in verdicts:
        return FitVerdict.BREAKS
    return FitVerdict.FITS if verdicts == {ItemVerdict.KEPT} else FitVerdict.UNKNOWN


def judge_item(field: str, needed: Any, new: SettledValue | None) -> ItemVerdict:
    """Return whether the candidate keeps one item. Unknown is never kept."""
    if needed is False:
        return ItemVerdict.NOT_USED
    value = new.value if new is not None else None
    if needed is None or value is None:
        return ItemVerdict.UNKNOWN
    form = CAPABILITY_FIELDS[field].form
    if form == FLAG:
        return ItemVerdict.KEPT if value is True else ItemVerdict.LOST
    if form == LIMIT:
        is_enough = value >= needed * (1 - LIMIT_TOLERANCE)
        return ItemVerdict.KEPT if is_enough else ItemVerdict.LOST
    if form == SET:
        return ItemVerdict.KEPT if set(needed) <= set(value) else ItemVerdict.LOST
    # a later knowledge cutoff knows what the earlier one knew
    return ItemVerdict.KEPT if value >= needed else ItemVerdict.LOST
