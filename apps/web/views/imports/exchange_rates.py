"""Exchange rates: the list of dated rates at which amounts of spreadsheets are recorded."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from apps.inventory.models import ExchangeRate
from apps.web.lists.columns import Column, format_day
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.page import Headline


class ExchangeRateList(ListPage[ExchangeRate, ExchangeRate]):
    """Exchange rates by currency, latest first."""

    namespace = "exchange-rates"
    title = "Exchange rates"
    nouns = ("exchange rate", "exchange rates")
    counts = "Recorded rates"
    columns = (
        Column[ExchangeRate](
            "currency",
            "Currency",
            attrgetter("currency"),
            url=lambda rate: reverse("records:history", args=["exchange-rates", rate.pk]),
        ),
        Column[ExchangeRate]("on", "Day", attrgetter("on"), format=format_day),
        Column[ExchangeRate](
            "usd",
            "US dollars for one unit",
            attrgetter("usd"),
            format=lambda value: f"{value.normalize():f}",
            is_numeric=True,
        ),
        Column[ExchangeRate]("source", "Source", attrgetter("source"), width="whole"),
    )
    default_order = ("", ("currency", "-on", "pk"))

    def get_queryset(self) -> "QuerySet[ExchangeRate]":
        return ExchangeRate.objects.visible_to(self.user)

    def describe_all(self) -> Headline:
        return Headline(
            f"{self.count_records()}. Amounts in other currencies are recorded in US dollars at "
            "the latest one."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (
            PageAction(
                "Add exchange rate", reverse("records:create", args=["exchange-rates"]), True
            ),
        )

    def get_empty_state(self) -> EmptyState:
        text = "Without a rate, amounts of a spreadsheet in another currency are not imported."
        if not self.user.is_governance:
            return EmptyState("No exchange rates yet.", text)
        address: Any = reverse("records:create", args=["exchange-rates"])
        return EmptyState("No exchange rates yet.", text, "Add exchange rate", address)
