"""Concentration by month: the first node of a layer at the past month ends and today."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.utils.functional import cached_property

from apps.exposure.models import Layer
from apps.exposure.queries.concentration import LayerTable, layer_table
from apps.exposure.queries.concentration_history import MonthlyShare, concentration_history
from apps.web.lists.columns import Column, FileColumn, format_share
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.page import Headline
from apps.web.views.exposure.parameters import chosen_layer, parameter_options
from apps.web.wording import day, number, share

# nodes whose months a file holds
MAX_FILE_NODES = 50


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A node at the end of a month, or today."""

    node: str
    month: MonthlyShare
    is_today: bool

    @property
    def basis(self) -> str:
        if self.is_today:
            return "Today"
        return "Measured" if self.month.is_measured else "Computed"


class MonthList(ListPage[Any, MonthRow]):
    """Months of the first node of a layer, latest first; the files hold those of the first
    MAX_FILE_NODES nodes."""

    namespace = "exposure"
    route = "months"
    title = "Concentration by month"
    nouns = ("month", "months")
    crumbs = (("Exposure", "exposure:concentration"),)
    counts = "Applications with a primary model on each, at the end of each month"
    columns = (
        Column[MonthRow]("day", "Day", attrgetter("month.day"), format=day),
        Column[MonthRow](
            "critical_share",
            "Share of critical",
            attrgetter("month.critical_share"),
            format=format_share,
            is_numeric=True,
        ),
        Column[MonthRow](
            "critical",
            "Critical applications",
            lambda row: (
                f"{number(row.month.n_critical)} of {number(row.month.n_critical_applications)}"
            ),
            is_numeric=True,
        ),
        Column[MonthRow](
            "applications",
            "Applications",
            lambda row: f"{number(row.month.n)} of {number(row.month.n_applications)}",
            is_numeric=True,
        ),
        Column[MonthRow]("source", "Source", attrgetter("basis")),
    )
    has_details_in_files = True
    file_columns = (
        FileColumn[MonthRow]("Node", attrgetter("node")),
        FileColumn[MonthRow]("Day", attrgetter("month.day")),
        FileColumn[MonthRow]("Critical applications", attrgetter("month.n_critical")),
        FileColumn[MonthRow](
            "Critical applications in scope", attrgetter("month.n_critical_applications")
        ),
        FileColumn[MonthRow]("Share of critical", attrgetter("month.critical_share")),
        FileColumn[MonthRow]("Applications", attrgetter("month.n")),
        FileColumn[MonthRow]("Applications in scope", attrgetter("month.n_applications")),
        FileColumn[MonthRow]("Source", attrgetter("basis")),
    )
    default_order = ("", ())
    template = "exposure/months.html"

    @cached_property
    def layer(self) -> Layer:
        return chosen_layer(self.request)

    @cached_property
    def layer_table(self) -> LayerTable:
        return layer_table(layer=self.layer, user=self.user, limit=MAX_FILE_NODES)

    @cached_property
    def is_filtered(self) -> bool:
        # every layer has its months
        return False

    def get_queryset(self) -> Any:
        return ComputedRows(self._load_rows(1))

    def get_file_queryset(self) -> Any:
        return ComputedRows(self._load_rows(MAX_FILE_NODES))

    def _load_rows(self, n_nodes: int) -> list[MonthRow]:
        """Return the months of the first nodes, latest first; two statements."""
        table = self.layer_table
        nodes = table.rows[:n_nodes]
        history = concentration_history(
            [node.node_id for node in nodes], user=self.user, on=self.today
        )
        rows = []
        for node in nodes:
            current = MonthlyShare(
                self.today,
                node.n_applications,
                node.n_critical,
                table.n_applications,
                table.n_critical,
                True,
            )
            rows.append(MonthRow(node.name, current, is_today=True))
            months = history.get(node.node_id, [])
            rows += [MonthRow(node.name, month, is_today=False) for month in reversed(months)]
        return rows

    def get_lead(self) -> Headline:
        """Return the share of the first and of the last month."""
        values = [row for row in self.rows if row.month.critical_share is not None]
        if len(values) < 2:
            return Headline("No month recorded yet. The first row appears at the end of the month.")
        last, first = values[0], values[-1]
        return Headline(
            f"{last.node}: {share(last.month.critical_share)} of critical applications today, "
            f"{share(first.month.critical_share)} on {day(first.month.day)}."
        )

    def get_basis(self) -> str:
        table = self.layer_table
        sentences = [f"Months of {table.rows[0].name}."] if table.rows else []
        if table.tolerance is not None:
            sentences.append(f"Tolerance: {share(table.tolerance)} of critical applications.")
        sentences.append(
            "A month whose last day has a snapshot keeps the numbers of that day. Other months are "
            "computed from the dates of dependencies and the history of applications."
        )
        return " ".join(sentences)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No application has a primary model in this layer.",
            "The share of the largest node is listed at the end of each month.",
        )

    def get_context(self) -> Mapping[str, Any]:
        layers = {option.value: option.label for option in Layer}
        return {"layers": parameter_options(self.request, "layer", layers, self.layer)}
