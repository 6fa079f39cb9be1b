"""Costs as billed beside the cost at list prices, per application, month and currency, with the
difference explained (apps/inventory/cost_differences.py).

The cost at list prices is what the Cost tab shows: recorded tokens per month times list prices,
those of the end of the month; for dependencies and prices that the registry does not know on that
day, those of today. List prices in another currency than the bill are converted at the exchange
rates of the end of the month (`ExchangeRate`); without a rate they are not comparable."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from apps.catalog.models import Offering
from apps.common.database.statements import load_statement
from apps.intake.models import BilledCost
from apps.inventory.cost_differences import (
    BilledAmounts,
    DifferencePart,
    DifferenceReason,
    add_up_parts,
    explain_difference,
)
from apps.inventory.costs import (
    Money,
    UnknownDependencyCost,
    UsedQuantities,
    costs_of_quantities,
    monthly_costs,
)
from apps.inventory.models import Application, Dependency, ExchangeRate

_TOKEN_UNITS = ("input", "output", "cache_read", "cache_write")
_RATE_CURRENCY = "USD"
_STATUSES = (*Application.IN_SCOPE, Application.Status.PROPOSED)


@dataclass(frozen=True, slots=True)
class BilledOffering:
    """Bill of one offering in a month, beside its cost at list prices. `name` is what the bill
    states if the offering is unknown.

    `recorded` is None if it is not comparable; `reason` says why. `is_of_today`: it has the list
    prices of today. `tokens` has only the units that the bill counts, `other` for those of unstated
    kind. `parts` add up to `billed`
    minus `recorded`."""

    offering: Offering | None
    name: str
    provider: str
    amounts: BilledAmounts
    corrections: Fraction
    tokens: Mapping[str, Decimal]
    requests: Decimal | None
    recorded: Fraction | None
    reason: str
    is_of_today: bool
    parts: tuple[DifferencePart, ...]
    # the rates at which the list prices were converted into the currency of the bill
    rates: tuple[ExchangeRate, ...] = ()

    @property
    def billed(self) -> Fraction:
        return self.amounts.billed

    @property
    def difference(self) -> Fraction | None:
        return None if self.recorded is None else self.billed - self.recorded


@dataclass(frozen=True, slots=True)
class CostComparison:
    """Bill of one application in a month and currency. The `parts` add up to `difference`."""

    currency: str
    offerings: tuple[BilledOffering, ...] = ()
    recorded: Fraction = Fraction(0)
    parts: tuple[DifferencePart, ...] = ()

    @property
    def billed(self) -> Fraction:
        return sum((row.billed for row in self.offerings), Fraction(0))

    @property
    def effective(self) -> Fraction:
        return sum(
            (row.amounts.effective + row.amounts.charges for row in self.offerings), Fraction(0)
        )

    @property
    def difference(self) -> Fraction:
        return self.billed - self.recorded


@dataclass(frozen=True, slots=True)
class BilledMonth:
    month: date
    currency: str
    billed: Decimal
    effective: Decimal


@dataclass(slots=True)
class _RecordedCosts:
    """Known costs at list prices by offering, and why others are unknown."""

    known: dict[int, list[Money]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[int, UnknownDependencyCost] = field(default_factory=dict)
    of_today: set[int] = field(default_factory=set)


class _Converter:
    """Converter of amounts into the currency of a bill, at the rates of one day."""

    def __init__(self, rates: Mapping[str, ExchangeRate]) -> None:
        self._rates = rates

    def convert(self, money: Money, currency: str) -> Fraction | None:
        """Return the amount in `currency`; None if a rate is missing."""
        if money.currency in {None, currency}:
            return money.amount
        rates = self.find_rates(money, currency)
        if rates is None:
            return None
        amount = money.amount
        for rate in rates:
            usd = Fraction(rate.usd)
            amount = amount * usd if rate.currency == money.currency else amount / usd
        return amount

    def find_rates(self, money: Money, currency: str) -> tuple[ExchangeRate, ...] | None:
        """Return the rates of a conversion, none where no conversion is needed; None if one is
        missing. A rate states US dollars, so dollars need no rate of their own."""
        if money.currency in {None, currency}:
            return ()
        needed = [each for each in (money.currency, currency) if each != _RATE_CURRENCY]
        rates = [self._rates.get(each) for each in needed]
        found = tuple(rate for rate in rates if rate is not None and rate.usd)
        return found if len(found) == len(needed) else None


def next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def default_month(months: Iterable[date], today: date) -> date | None:
    """Return the latest of the months that is over, else the latest; None without any. The bill of
    the current month is not complete."""
    known = list(months)
    over = [month for month in known if next_month(month) <= today]
    return max(over or known, default=None)


def latest_billed_month(application_id: int, today: date) -> date | None:
    """Return the latest month with a bill of the application, preferably one that is over; one
    statement."""
    return default_month((row.month for row in billed_months(application_id)), today)


def billed_months(application_id: int, *, limit: int = 12) -> list[BilledMonth]:
    """Return what was billed per month and currency, latest month first; one statement."""
    rows = (
        BilledCost.objects.current()
        .filter(_of_applications([application_id]))
        .annotate(month=TruncMonth("day"))
        .order_by("-month", "currency")
        .values("month", "currency")
        .annotate(billed_sum=Sum("billed"), effective_sum=Sum("effective"))
    )
    return [
        BilledMonth(row["month"], row["currency"], row["billed_sum"], row["effective_sum"])
        for row in rows[:limit]
    ]


def bills_by_application(user: Any) -> QuerySet[Any, Any]:
    """Return rows {application_id, currency, billed_sum, effective_sum, n_rows_sum}, one per
    application and currency, of the charges that `user` can view."""
    return (
        BilledCost.objects.visible_to(user)
        .current()
        .filter(observation__application__isnull=False)
        .annotate(
            application_id=Coalesce(
                "observation__application__merged_into", "observation__application"
            )
        )
        .values("application_id", "currency")
        .annotate(
            billed_sum=Sum("billed"), effective_sum=Sum("effective"), n_rows_sum=Sum("n_rows")
        )
        .order_by("-billed_sum", "application_id", "currency")
    )


def listed_months(user: Any, *, limit: int = 36) -> list[date]:
    """Return the months with charges that `user` can view, latest first; one statement."""
    return list(
        BilledCost.objects.visible_to(user)
        .current()
        .annotate(month=TruncMonth("day"))
        .order_by("-month")
        .values_list("month", flat=True)
        .distinct()[:limit]
    )


def unassigned_totals(month: date) -> dict[str, Decimal]:
    """Return {currency: billed in the month without an application}; one statement."""
    rows = (
        BilledCost.objects.current()
        .filter(observation__application__isnull=True, day__gte=month, day__lt=next_month(month))
        .exclude(observation__service__is_ignored=True)
        .order_by("currency")
        .values_list("currency")
        .annotate(Sum("billed"))
    )
    return dict(rows)


def compare_costs(
    application_ids: Collection[int], *, month: date, today: date
) -> dict[int, dict[str, CostComparison]]:
    """Return {application: {currency: comparison}} of those that have a bill in the month; at
    most eight statements whatever their number."""
    rows = _billed_rows(application_ids, month)
    if not rows:
        return {}
    last_day = min(next_month(month) - timedelta(days=1), today)
    recorded = _recorded_costs({row["application_id"] for row in rows}, last_day, today)
    converter = _Converter(ExchangeRate.objects.at(last_day))
    at_catalogue_prices = _price_billed_tokens(rows, recorded, converter, last_day, today)
    offerings = Offering.objects.select_related("host").in_bulk(
        [row["offering_id"] for row in rows if row["offering_id"] is not None]
    )
    rows_by_bill: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, row in enumerate(rows):
        rows_by_bill[row["application_id"]][row["currency"]].append(place)
    return {
        application_id: {
            currency: _compare_bill(
                currency,
                [
                    _compare_offering(
                        rows[place],
                        offerings.get(rows[place]["offering_id"]),
                        recorded[application_id],
                        at_catalogue_prices[place],
                        converter,
                    )
                    for place in places
                ],
                recorded[application_id],
            )
            for currency, places in by_currency.items()
        }
        for application_id, by_currency in rows_by_bill.items()
    }


def _of_applications(application_ids: Collection[int]) -> Q:
    """Return the condition for charges of the applications and of those merged into them."""
    return Q(observation__application__in=application_ids) | Q(
        observation__application__merged_into__in=application_ids
    )


def _billed_rows(application_ids: Collection[int], month: date) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("intake", "billed_by_offering"),
            {
                "since": month.replace(day=1),
                "until": next_month(month),
                "application_ids": list(application_ids),
            },
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _recorded_costs(
    application_ids: Collection[int], last_day: date, today: date
) -> dict[int, _RecordedCosts]:
    """Return the costs at list prices by application and offering."""
    costs = monthly_costs(on=last_day, application_ids=application_ids, statuses=_STATUSES)
    costs_today = (
        monthly_costs(on=today, application_ids=application_ids, statuses=_STATUSES)
        if last_day != today
        else costs
    )
    known = {**costs_today.per_dependency, **costs.per_dependency}
    unknown = {
        pk: reason
        for pk, reason in {**costs.unknown, **costs_today.unknown}.items()
        if pk not in known
    }
    recorded: dict[int, _RecordedCosts] = defaultdict(_RecordedCosts)
    for pk, application_id, offering_id in Dependency.objects.filter(
        pk__in=[*known, *unknown]
    ).values_list("pk", "application_id", "offering_id"):
        of_application = recorded[application_id]
        if pk in unknown:
            of_application.unknown[offering_id] = unknown[pk]
            continue
        of_application.known[offering_id].append(known[pk])
        if pk not in costs.per_dependency:
            of_application.of_today.add(offering_id)
    return recorded


def _price_billed_tokens(
    rows: Sequence[Mapping[str, Any]],
    recorded: Mapping[int, _RecordedCosts],
    converter: _Converter,
    last_day: date,
    today: date,
) -> list[Fraction | None]:
    """Return the cost of the billed tokens of each row at catalogue prices in its currency, those
    of the same day as its recorded cost; None if the bill does not state them or a price is
    missing."""
    places_by_day: dict[date, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row["offering_id"] is not None and not row["has_untold_tokens"]:
            is_of_today = row["offering_id"] in recorded[row["application_id"]].of_today
            places_by_day[today if is_of_today else last_day].append(place)
    priced: list[Fraction | None] = [None] * len(rows)
    for day, places in places_by_day.items():
        quantities = [
            UsedQuantities(
                rows[place]["offering_id"],
                {unit: rows[place][unit] for unit in _TOKEN_UNITS if rows[place][unit] is not None},
            )
            for place in places
        ]
        for place, cost in zip(places, costs_of_quantities(quantities, prices_on=day), strict=True):
            if isinstance(cost, Money):
                priced[place] = converter.convert(cost, rows[place]["currency"])
    return priced


def _compare_offering(
    row: Mapping[str, Any],
    offering: Offering | None,
    recorded: _RecordedCosts,
    at_catalogue_prices: Fraction | None,
    converter: _Converter,
) -> BilledOffering:
    amounts = BilledAmounts(
        billed=Fraction(row["billed"]),
        effective=Fraction(row["effective"]),
        charges=Fraction(row["charges"]),
        listed=None if row["listed"] is None else Fraction(row["listed"]),
        contracted=None if row["contracted"] is None else Fraction(row["contracted"]),
    )
    amount, reason = _find_recorded(row, recorded, converter)
    parts = (
        explain_difference(amounts, recorded=amount, at_catalogue_prices=at_catalogue_prices)
        if amount is not None
        else ()
    )
    return BilledOffering(
        offering=offering,
        name=offering.api_id if offering is not None else row["name"],
        provider=offering.host.name if offering is not None else row["provider"],
        amounts=amounts,
        corrections=Fraction(row["corrections"]),
        tokens={unit: row[unit] for unit in (*_TOKEN_UNITS, "other") if row[unit] is not None},
        requests=row["requests"],
        recorded=amount,
        reason=reason,
        is_of_today=amount is not None and row["offering_id"] in recorded.of_today,
        parts=parts,
        rates=_find_rates(row, recorded, converter) if amount is not None else (),
    )


def _find_rates(
    row: Mapping[str, Any], recorded: _RecordedCosts, converter: _Converter
) -> tuple[ExchangeRate, ...]:
    """Return the rates at which the list prices of the offering were converted, each once."""
    costs = recorded.known.get(row["offering_id"], [])
    rates = [rate for money in costs for rate in converter.find_rates(money, row["currency"]) or ()]
    return tuple({rate.currency: rate for rate in rates}.values())


def _find_recorded(
    row: Mapping[str, Any], recorded: _RecordedCosts, converter: _Converter
) -> tuple[Fraction | None, str]:
    """Return (cost at list prices of the offering, reason if it is not comparable)."""
    offering_id, currency = row["offering_id"], row["currency"]
    if offering_id is None:
        return None, "The model is not identified."
    if offering_id in recorded.unknown:
        return None, recorded.unknown[offering_id].sentence
    costs = recorded.known.get(offering_id)
    if not costs:
        return None, "The application has no dependency on this model."
    amounts = [converter.convert(money, currency) for money in costs]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        other = {money.currency for money in costs} - {None, currency}
        return None, (
            f"Billed in {currency}, list prices are in {', '.join(sorted(map(str, other)))}. "
            "Add an exchange rate of a day until the end of the month to compare them."
        )
    return sum(known, Fraction(0)), ""


def _compare_bill(
    currency: str, offerings: Sequence[BilledOffering], recorded: _RecordedCosts
) -> CostComparison:
    """Return the comparison of a bill with all dependencies that have list prices in its currency,
    and with those that it bills. Other dependencies can be on a bill in another currency."""
    parts = [part for row in offerings for part in row.parts]
    total = Fraction(0)
    recorded_by_id = {
        row.offering.pk: row.recorded
        for row in offerings
        if row.offering is not None and row.recorded is not None
    }
    for offering_id, costs in recorded.known.items():
        in_currency = (money.amount for money in costs if money.currency == currency)
        amount = recorded_by_id.get(offering_id, sum(in_currency, Fraction(0)))
        if offering_id in recorded.unknown or not amount:
            continue
        total += amount
        if offering_id not in recorded_by_id:
            parts.append(DifferencePart((DifferenceReason.NOT_BILLED,), -amount))
    parts += [
        DifferencePart((DifferenceReason.NOT_COMPARABLE,), row.billed)
        for row in offerings
        if row.recorded is None
    ]
    return CostComparison(currency, tuple(offerings), total, add_up_parts(parts))
