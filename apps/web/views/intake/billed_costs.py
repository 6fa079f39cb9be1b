"""Costs as billed of all applications in a month, beside list prices, with the difference
explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from apps.intake.billed_costs import (
    CostComparison,
    bills_by_application,
    compare_costs,
    default_month,
    listed_months,
    unassigned_totals,
)
from apps.intake.filters import BilledCostFilter
from apps.inventory.models import Application
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import can_import
from apps.web.pages.page import Headline
from apps.web.presenters.billed_costs import (
    decimal_of,
    explain_parts,
    format_billed,
    format_signed,
)


@dataclass(frozen=True, slots=True)
class BilledRow:
    """Bill of one application in one currency and month."""

    application: Application
    month: date
    comparison: CostComparison

    @property
    def currency(self) -> str:
        return self.comparison.currency

    @property
    def billed(self) -> str:
        return format_billed(self.comparison.billed, self.currency)

    @property
    def effective(self) -> str:
        return format_billed(self.comparison.effective, self.currency)

    @property
    def recorded(self) -> str:
        recorded = self.comparison.recorded
        return format_billed(recorded, self.currency) if recorded else ""

    @property
    def difference(self) -> str:
        if not self.comparison.recorded:
            return ""
        return format_signed(self.comparison.difference, self.currency)

    @property
    def explanation(self) -> str:
        return explain_parts(self.comparison.parts, self.currency)


def _build_amount_column(name: str, header: str) -> Column[BilledRow]:
    return Column[BilledRow](name, header, attrgetter(name), is_numeric=True, is_in_files=False)


class BilledCostList(ListPage[Any, BilledRow]):
    """Bills of a month by application and currency, the largest first."""

    namespace = "billed-costs"
    title = "Costs as billed"
    nouns = ("bill", "bills")
    counts = "Applications with a bill, once per currency"
    filterset_class = BilledCostFilter
    slug_filters = ("application", "team")
    columns = (
        Column[BilledRow](
            "application",
            "Application",
            attrgetter("application.name"),
            url=lambda row: (
                reverse("applications:detail", args=[row.application.slug]) + "?tab=cost#billed"
            ),
        ),
        Column[BilledRow](
            "billed",
            "Billed",
            attrgetter("billed"),
            order=("-billed_sum", "application_id", "currency"),
            is_numeric=True,
            is_in_files=False,
        ),
        _build_amount_column("effective", "Effective"),
        _build_amount_column("recorded", "List prices"),
        _build_amount_column("difference", "Difference"),
        Column[BilledRow]("explanation", "Explanation", attrgetter("explanation"), width="whole"),
    )
    file_columns = (
        FileColumn[BilledRow]("Application ID", attrgetter("application.slug")),
        FileColumn[BilledRow]("Month", lambda row: f"{row.month:%Y-%m}"),
        FileColumn[BilledRow]("Currency", attrgetter("currency")),
        FileColumn[BilledRow]("Billed", lambda row: decimal_of(row.comparison.billed)),
        FileColumn[BilledRow]("Effective", lambda row: decimal_of(row.comparison.effective)),
        FileColumn[BilledRow]("List prices", lambda row: decimal_of(row.comparison.recorded)),
        FileColumn[BilledRow]("Difference", lambda row: decimal_of(row.comparison.difference)),
    )
    default_order = ("billed", ())

    @cached_property
    def months(self) -> list[date]:
        return listed_months(self.user)

    @cached_property
    def default_filters(self) -> Mapping[str, str]:  # type: ignore[override]
        month = default_month(self.months, self.today)
        return {"month": f"{month:%Y-%m}"} if month else {}

    @cached_property
    def month(self) -> date | None:
        """The month of the address, or the latest one; None without a bill."""
        if not self.filterset.is_valid():
            return None
        text = self.filterset.form.cleaned_data.get("month")
        if text:
            return date.fromisoformat(f"{text}-01")
        return default_month(self.months, self.today)

    @cached_property
    def is_filtered(self) -> bool:
        return any(self.request.GET.get(name) for name in self.filterset.filters)

    def get_queryset(self) -> Any:
        return bills_by_application(self.user)

    def narrow(self, queryset: "QuerySet[Any]") -> Any:
        # without a month the sums would be of all months
        if self.filterset.is_valid() and not self.filterset.form.cleaned_data.get("month"):
            return BilledCostFilter(
                {"month": f"{self.month:%Y-%m}" if self.month else ""}, queryset
            ).qs
        return queryset

    def build_rows(self, records: Sequence[Mapping[str, Any]]) -> Sequence[BilledRow]:
        if self.month is None:
            return []
        ids = {record["application_id"] for record in records}
        applications = Application.objects.in_bulk(ids)
        comparisons = compare_costs(ids, month=self.month, today=self.today)
        return [
            BilledRow(
                applications[record["application_id"]],
                self.month,
                comparisons[record["application_id"]][record["currency"]],
            )
            for record in records
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        months = [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in self.months]
        return (
            FilterControl("q", "Application contains", "search"),
            FilterControl("month", "Month", choices=months),
            FilterControl("currency", "Currency", "text"),
        )

    @cached_property
    def totals(self) -> str:
        """The billed amounts of all rows by currency: `21.60 USD and 3.00 EUR`."""
        totals = self.queryset.order_by("currency").values("currency").annotate(total=Sum("billed"))
        return " and ".join(format_billed(row["total"], row["currency"]) for row in totals)

    def get_lead(self) -> Headline:
        if not self.listing.n_found:
            return self.describe_matches() if self.is_filtered else Headline("No bill is imported.")
        month = f" for {self.month:%B %Y}" if self.month else ""
        return Headline(f"{self.totals} billed{month}: {self.count_records()}.")

    def get_basis(self) -> Any:
        text = (
            "Bills in the FOCUS format. List prices: recorded tokens per month times the list "
            "prices at the end of the month, or of today if none is known for it. Other "
            "currencies are converted at the exchange rate of that day."
        )
        if self.month is None or not self.user.can_read_all:
            return text
        unassigned = " and ".join(
            format_billed(total, currency)
            for currency, total in unassigned_totals(self.month).items()
        )
        if not unassigned:
            return text
        return format_html(
            '{} {} are not assigned to an application: link the <a href="{}">reported '
            "services</a>.",
            text,
            unassigned,
            reverse("reported-services:list"),
        )

    def get_actions(self) -> Sequence[PageAction]:
        return (
            (PageAction("Import a bill", reverse("imports:list")),) if can_import(self.user) else ()
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No bill is imported.",
            "Export costs from your cloud or gateway as FOCUS CSV, with a tag that names the "
            "application. Import the file: each application then shows what was billed per model, "
            "beside list prices, and why the two differ.",
            *(("Import a bill", reverse("imports:list")) if can_import(self.user) else ()),
        )
