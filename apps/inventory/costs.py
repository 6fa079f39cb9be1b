"""Exact monthly costs of applications: at the list prices of a day, at prices announced for a later
day, and under hypothetical changes.

A dependency costs the sum of its monthly tokens (and requests) times the price of its effective
offering, redirects followed; prices are per million. The price tier follows the usual request size;
if that is unknown, the base tier counts. Unknown costs are listed with their reason, never counted
as 0. Currencies are never converted. Amounts are exact fractions of the currency.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from django.db import connection

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.inventory.cost_queries import (
    COSTS_OF_DEPENDENCIES,
    COSTS_OF_QUANTITIES,
    TOTALS,
    InventoryRelations,
    cost_statement,
)
from apps.inventory.models import Application

MILLION = 1_000_000
# the units of recorded usage that can have a price
USED_UNITS: tuple[str, ...] = ("input", "output", "cache_read", "cache_write", "request")


class InvalidPriceChangeError(ValueError):
    """An invalid hypothetical price change; the text states the correction."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """From `starts_on` (None: always), offerings directly on node `node_id` cost `factor` times as
    much, or `amount` in `currency` per million. `unit` None means every unit. Later changes apply
    to the result of earlier ones.

    An amount also prices a unit that had no price, in every tier; a factor leaves an unknown price
    unknown.
    """

    node_id: int
    unit: str | None = None
    factor: Fraction | None = None
    amount: Fraction | None = None
    currency: str | None = None
    starts_on: date | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in PRICE_UNITS:
            raise InvalidPriceChangeError(
                f"'{self.unit}' is not a valid price unit. Use one of: "
                f"{', '.join(PRICE_UNITS)}; or leave it empty."
            )
        if (self.factor is None) == (self.amount is None):
            raise InvalidPriceChangeError("Enter either a factor or an amount with its currency.")
        if self.amount is not None and not (
            self.currency and len(self.currency) == 3 and self.currency.isalpha()
        ):
            raise InvalidPriceChangeError(
                "Add the currency of the amount as three letters, such as USD."
            )
        if (self.factor if self.factor is not None else self.amount or 0) < 0:
            raise InvalidPriceChangeError("A factor or amount must be 0 or more.")


class Money(NamedTuple):
    """An amount; `currency` is None for an amount of 0 without usage."""

    amount: Fraction
    currency: str | None


class UnknownCost(StrEnum):
    NO_TOKENS = "no_tokens"
    NO_PRICE = "no_price"
    SEVERAL_CURRENCIES = "several_currencies"


@dataclass(frozen=True, slots=True)
class UnknownDependencyCost:
    """The reason why the cost of a dependency is unknown; `units` are the used units without a
    price."""

    code: UnknownCost
    units: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        match self.code:
            case UnknownCost.NO_TOKENS:
                return "No monthly tokens are recorded. Enter them to calculate the cost."
            case UnknownCost.SEVERAL_CURRENCIES:
                return (
                    "Prices are in several currencies, and none of them covers all units. "
                    "Add the missing prices."
                )
            case UnknownCost.NO_PRICE:
                units = ", ".join(PRICE_UNITS[unit] for unit in self.units)
                return (
                    f"No price for {units} is known on that date."
                    if units
                    else "No price is known on that date."
                )


@dataclass(frozen=True, slots=True)
class MonthlyCosts:
    """Costs per month. `per_dependency` and `unknown` are disjoint and together hold every live
    dependency."""

    per_dependency: Mapping[int, Money] = field(default_factory=dict)
    totals: Mapping[str, Fraction] = field(default_factory=dict)
    unknown: Mapping[int, UnknownDependencyCost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CostTotals:
    """Totals per month. `n_unknown` counts dependencies of unknown cost, by reason."""

    totals: Mapping[str, Fraction]
    n_known: int
    n_unknown: Mapping[UnknownCost, int]


@dataclass(frozen=True, slots=True)
class UsedQuantities:
    """Quantities used of one offering, by unit; `size` is the usual request size, 0 if unknown."""

    offering_id: int
    units: Mapping[str, Decimal | int]
    size: int = 0


def costs_of_quantities(
    quantities: Sequence[UsedQuantities], *, prices_on: date
) -> list[Money | UnknownDependencyCost]:
    """Return what the quantities cost at the list prices of the day, in order; one statement, or
    none without quantities."""
    if not quantities:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            COSTS_OF_QUANTITIES,
            {
                "ids": list(range(len(quantities))),
                "offerings": [row.offering_id for row in quantities],
                "sizes": [row.size for row in quantities],
                **{unit: [row.units.get(unit) for row in quantities] for unit in USED_UNITS},
                "units": list(USED_UNITS),
                "prices_on": prices_on,
                "all_offerings": False,
            },
        )
        return [
            Money(Fraction(amount) / MILLION, currency)
            if reason is None
            else UnknownDependencyCost(UnknownCost(reason), tuple(units or ()))
            for _id, amount, currency, reason, units in cursor.fetchall()
        ]


def monthly_costs(
    *,
    on: date,
    prices_on: date | None = None,
    changes: Sequence[PriceChange] = (),
    application_ids: Collection[int] | None = None,
    team_ids: Collection[int] | None = None,
    statuses: Collection[str] = Application.IN_SCOPE,
    relations: InventoryRelations = InventoryRelations(),  # noqa: B008 - frozen
) -> MonthlyCosts:
    """Return the cost of every dependency that is live on `on`, in any role; one statement.

    Prices are those of `prices_on` (default `on`): a later day includes announced prices.
    `application_ids` and `team_ids` narrow the result; None means all. With `relations` a scenario
    replaces the tables by its own rows. The result has an entry per dependency: for a whole
    portfolio use `monthly_totals`.
    """
    scale, rows = _cost_rows(
        COSTS_OF_DEPENDENCIES,
        on,
        prices_on or on,
        changes,
        application_ids,
        team_ids,
        statuses,
        relations,
    )
    amounts: dict[int, Money] = {}
    unknown_costs: dict[int, UnknownDependencyCost] = {}
    totals: dict[str, Fraction] = {}
    for dependency_id, amount, currency, reason, units in rows:
        if reason is not None:
            unknown_costs[dependency_id] = UnknownDependencyCost(
                UnknownCost(reason), tuple(units or ())
            )
            continue
        money = Money(Fraction(amount) / scale, currency)
        amounts[dependency_id] = money
        if currency is not None:
            totals[currency] = totals.get(currency, Fraction(0)) + money.amount
    return MonthlyCosts(
        per_dependency=amounts, totals=dict(sorted(totals.items())), unknown=unknown_costs
    )


def monthly_totals(
    *,
    on: date,
    prices_on: date | None = None,
    changes: Sequence[PriceChange] = (),
    application_ids: Collection[int] | None = None,
    team_ids: Collection[int] | None = None,
    statuses: Collection[str] = Application.IN_SCOPE,
    relations: InventoryRelations = InventoryRelations(),  # noqa: B008 - frozen
) -> CostTotals:
    """Return the sums of `monthly_costs`, grouped in the database, without an entry per dependency;
    one statement."""
    scale, rows = _cost_rows(
        TOTALS, on, prices_on or on, changes, application_ids, team_ids, statuses, relations
    )
    totals: dict[str, Fraction] = {}
    n_known, n_unknown = 0, Counter[UnknownCost]()
    for n_dependencies, amount, currency, reason in rows:
        if reason is not None:
            n_unknown[UnknownCost(reason)] += n_dependencies
            continue
        n_known += n_dependencies
        if currency is not None:
            totals[currency] = totals.get(currency, Fraction(0)) + Fraction(amount) / scale
    return CostTotals(totals=dict(sorted(totals.items())), n_known=n_known, n_unknown=n_unknown)


def _cost_rows(
    template: str,
    on: date,
    prices_on: date,
    changes: Sequence[PriceChange],
    application_ids: Collection[int] | None,
    team_ids: Collection[int] | None,
    statuses: Collection[str],
    relations: InventoryRelations,
) -> tuple[int, list[Any]]:
    """Return (divisor of the amounts, rows)."""
    effective_changes = [
        change for change in changes if change.starts_on is None or change.starts_on <= prices_on
    ]
    denominator = common_denominator(effective_changes)
    parameters: dict[str, Any] = {
        "on": on,
        "prices_on": prices_on,
        "statuses": [str(status) for status in statuses],
        "application_ids": None if application_ids is None else list(application_ids),
        "team_ids": None if team_ids is None else list(team_ids),
        "all_offerings": application_ids is None and team_ids is None,
        "units": list(USED_UNITS),
        **change_parameters(effective_changes, denominator),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            cost_statement(template, relations, with_changes=bool(effective_changes)), parameters
        )
        rows: list[Any] = cursor.fetchall()
    return denominator * MILLION, rows


def common_denominator(changes: Iterable[PriceChange]) -> int:
    """Return a number that can be divided by the denominators of all changes, one after the other,
    without remainder.

    The database has exact decimals but no fractions: it calculates with this multiple of every
    price.
    """
    return prod(_ratio(change).denominator for change in changes)


def change_parameters(changes: Sequence[PriceChange], denominator: int) -> dict[str, Any]:
    """Return the changes as arrays, in order; numerators and denominators separately, so that
    nothing is rounded."""
    return {
        "denominator": denominator,
        "change_positions": list(range(1, len(changes) + 1)),
        "change_nodes": [change.node_id for change in changes],
        "change_units": [change.unit for change in changes],
        "change_sets": [change.amount is not None for change in changes],
        "change_numerators": [_ratio(change).numerator for change in changes],
        "change_denominators": [_ratio(change).denominator for change in changes],
        "change_currencies": [change.currency for change in changes],
        "n_changes": len(changes),
    }


def _ratio(change: PriceChange) -> Fraction:
    ratio = change.factor if change.factor is not None else change.amount
    assert ratio is not None
    return Fraction(ratio)
