"""Costs as billed on the Cost tab: the latest month by model, beside list prices, with the
difference explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.intake.billed_costs import (
    BilledMonth,
    BilledOffering,
    CostComparison,
    billed_months,
    compare_costs,
    default_month,
)
from apps.inventory.models import Application
from apps.web.presenters.billed_costs import (
    describe_comparison,
    describe_tokens,
    explain_parts,
    format_billed,
    format_signed,
)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """Bill of one model; the texts of its cells."""

    row: BilledOffering
    currency: str
    usage: str
    billed: str
    recorded: str
    difference: str
    explanation: str


@dataclass(frozen=True, slots=True)
class BilledBill:
    """Bill of one currency: its sentence, models and the parts of the difference."""

    comparison: CostComparison
    sentence: str
    lines: tuple[BilledLine, ...]
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BilledSection:
    month: date | None
    bills: tuple[BilledBill, ...] = ()
    months: Sequence[BilledMonth] = ()

    @property
    def month_lines(self) -> list[dict[str, Any]]:
        return [
            {
                "month": row.month,
                "billed": format_billed(row.billed, row.currency),
                "effective": format_billed(row.effective, row.currency),
            }
            for row in self.months
        ]


def billed_section(application: Application, today: date) -> BilledSection:
    """Return the bills of the latest month, and the totals of earlier ones: six statements, or one
    without a bill."""
    months = billed_months(application.pk)
    month = default_month((row.month for row in months), today)
    if month is None:
        return BilledSection(None)
    by_currency = compare_costs([application.pk], month=month, today=today)[application.pk]
    return BilledSection(
        month,
        tuple(_build_bill(comparison, month) for comparison in by_currency.values()),
        months,
    )


def _build_bill(comparison: CostComparison, month: date) -> BilledBill:
    currency = comparison.currency
    return BilledBill(
        comparison,
        describe_comparison(comparison, month),
        tuple(_build_line(row, currency) for row in comparison.offerings),
        tuple((part.sentence, format_signed(part.amount, currency)) for part in comparison.parts),
    )


def _build_line(row: BilledOffering, currency: str) -> BilledLine:
    return BilledLine(
        row,
        currency,
        describe_tokens(row),
        format_billed(row.billed, currency),
        "–" if row.recorded is None else format_billed(row.recorded, currency),
        "–" if row.difference is None else format_signed(row.difference, currency),
        row.reason or explain_parts(row.parts, currency) + _describe_prices(row),
    )


def _describe_prices(row: BilledOffering) -> str:
    """Return notes on list prices that are of another day, or converted from another currency."""
    of_today = " At the list prices of today." if row.is_of_today else ""
    converted = "".join(f" Converted at {rate} ({rate.source})." for rate in row.rates)
    return f"{of_today}{converted}"
