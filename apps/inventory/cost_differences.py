"""Explain the difference between what was billed and the cost at list prices, in parts that add up
exactly.

The way from the cost at list prices to the bill has six steps: recorded tokens become billed
tokens, catalogue prices become list prices of the bill, these become contracted prices,
commitments lower them, other charges are added, and payments in advance are moved to their month. A
bill does not state the amount after every step; then the steps between two stated amounts are one
part with all their reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class DifferenceReason(StrEnum):
    VOLUME = "volume"
    PRICE = "price"
    CONTRACT = "contract"
    COMMITMENT = "commitment"
    CHARGES = "charges"
    PREPAID = "prepaid"
    NOT_BILLED = "not_billed"
    NOT_COMPARABLE = "not_comparable"


REASON_NAMES: Mapping[DifferenceReason, str] = {
    DifferenceReason.VOLUME: "billed tokens differ from recorded tokens",
    DifferenceReason.PRICE: "list prices of the bill differ from the catalogue",
    DifferenceReason.CONTRACT: "negotiated prices",
    DifferenceReason.COMMITMENT: "commitments and other discounts",
    DifferenceReason.CHARGES: "credits, taxes, purchases and adjustments",
    DifferenceReason.PREPAID: "payments in advance",
    DifferenceReason.NOT_BILLED: "recorded but not billed",
    DifferenceReason.NOT_COMPARABLE: "billed without a known list-price cost",
}


@dataclass(frozen=True, slots=True)
class DifferencePart:
    """A part of the difference. With several reasons, the bill does not separate them."""

    reasons: tuple[DifferenceReason, ...]
    amount: Fraction

    @property
    def sentence(self) -> str:
        text = ", or ".join(REASON_NAMES[reason] for reason in self.reasons)
        return text[0].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class BilledAmounts:
    """Amounts of a bill in one currency. `listed`, `contracted` and `effective` are those of usage;
    None if the bill does not state them. `charges` is the effective cost of all other charges."""

    billed: Fraction
    effective: Fraction
    charges: Fraction = Fraction(0)
    listed: Fraction | None = None
    contracted: Fraction | None = None


def explain_difference(
    amounts: BilledAmounts, *, recorded: Fraction, at_catalogue_prices: Fraction | None
) -> tuple[DifferencePart, ...]:
    """Return the parts of billed minus recorded, without those of 0. `recorded` is the cost of
    recorded tokens at catalogue prices, `at_catalogue_prices` that of billed tokens; None if the
    bill states no tokens or a price is missing."""
    steps = (
        (DifferenceReason.VOLUME, at_catalogue_prices),
        (DifferenceReason.PRICE, amounts.listed),
        (DifferenceReason.CONTRACT, amounts.contracted),
        (DifferenceReason.COMMITMENT, amounts.effective),
        (DifferenceReason.CHARGES, amounts.effective + amounts.charges),
        (DifferenceReason.PREPAID, amounts.billed),
    )
    parts = []
    before, reasons = recorded, []
    for reason, after in steps:
        reasons.append(reason)
        if after is None:
            continue
        if after != before:
            parts.append(DifferencePart(tuple(reasons), after - before))
        before, reasons = after, []
    return tuple(parts)


def add_up_parts(parts: Iterable[DifferencePart]) -> tuple[DifferencePart, ...]:
    """Return the parts with the same reasons as one, the largest first, without those of 0."""
    totals: dict[tuple[DifferenceReason, ...], Fraction] = {}
    for part in parts:
        totals[part.reasons] = totals.get(part.reasons, Fraction(0)) + part.amount
    return tuple(
        sorted(
            (DifferencePart(reasons, amount) for reasons, amount in totals.items() if amount),
            key=lambda part: (-abs(part.amount), part.reasons),
        )
    )
