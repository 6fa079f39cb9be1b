"""Fits of pairs of offerings: what replaces an offering, judged by everything that the old one
offers or by a list of uses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.catalog.capabilities.fit import Fit, check_fit
from apps.catalog.capabilities.offered_needs import offered_needs, read_needs
from apps.catalog.capabilities.offering_lookup import WrittenId, find_offerings
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.models import Price

_PRICED_UNITS = ("input", "output")


@dataclass(frozen=True, slots=True)
class FitQuestion:
    """Whether `new` does what is used of `old`; `uses` as `read_needs` reads them, None for
    everything that the old offering offers."""

    old: WrittenId
    new: WrittenId
    uses: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class FitAnswer:
    """`price_ratio` is {unit: new price / old price}, None where a price is not known or in another
    currency. `missing` are the offerings that the catalogue does not know."""

    fit: Fit
    price_ratio: Mapping[str, float | None]
    missing: tuple[WrittenId, ...]


def answer_questions(questions: Sequence[FitQuestion], *, at: datetime) -> list[FitAnswer]:
    """Return the answers in order, with list prices at that time; four statements. Raises
    InvalidValueError for a use that does not exist."""
    found = find_offerings({key for question in questions for key in (question.old, question.new)})
    offering_ids = set(found.values())
    capabilities = settled_values(offering_ids)
    prices = list_prices(offering_ids, at=at)
    answers = []
    for question in questions:
        old, new = found.get(question.old, 0), found.get(question.new, 0)
        offered = capabilities.get(old, {})
        needs = (
            offered_needs(offered) if question.uses is None else read_needs(question.uses, offered)
        )
        answers.append(
            FitAnswer(
                check_fit(needs, capabilities.get(new, {})),
                price_ratio(prices.get(old, {}), prices.get(new, {})),
                tuple(key for key in (question.old, question.new) if key not in found),
            )
        )
    return answers


def list_prices(
    offering_ids: Collection[int], *, at: datetime
) -> dict[int, dict[str, tuple[Decimal, str]]]:
    """Return {offering: {unit: (amount per million tokens, currency)}} of the smallest requests, of
    input and output; one statement."""
    rows = (
        Price.objects.at(at)
        .filter(offering__in=offering_ids, above_tokens=0, unit__in=_PRICED_UNITS)
        .order_by("offering", "unit", "currency")
        .values_list("offering_id", "unit", "amount", "currency")
    )
    prices: dict[int, dict[str, tuple[Decimal, str]]] = {}
    for offering_id, unit, amount, currency in rows:
        by_unit = prices.setdefault(offering_id, {})
        if unit not in by_unit or currency == "USD":
            by_unit[unit] = (amount, currency)
    return prices


def price_ratio(
    old: Mapping[str, tuple[Decimal, str]], new: Mapping[str, tuple[Decimal, str]]
) -> dict[str, float | None]:
    """Return {unit: new price / old price} of input and output."""
    ratios: dict[str, float | None] = {}
    for unit in _PRICED_UNITS:
        before, after = old.get(unit), new.get(unit)
        is_comparable = before is not None and after is not None and before[1] == after[1]
        ratios[unit] = (
            round(float(after[0] / before[0]), 4)
            if is_comparable and before is not None and after is not None and before[0]
            else None
        )
    return ratios
