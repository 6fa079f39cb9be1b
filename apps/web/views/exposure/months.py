"""Concentration by month: the first node of a layer at the past month ends and today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import LayerTable, layer_table
from apps.exposure.queries.concentration_history import MonthlyShare, concentration_history
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.exposure.parameters import chosen_layer, parameter_options
from apps.web.wording import day, share

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


def _load_rows(
    user: User, layer: Layer, today: date, limit: int
) -> tuple[LayerTable, list[MonthRow]]:
    """Return the layer, and the months of its first nodes, latest first; two statements."""
    table = layer_table(layer=layer, user=user, limit=limit)
    history = concentration_history([row.node_id for row in table.rows], user=user, on=today)
    rows = []
    for node in table.rows:
        current = MonthlyShare(
            today,
            node.n_applications,
            node.n_critical,
            table.n_applications,
            table.n_critical,
            True,
        )
        rows.append(MonthRow(node.name, current, is_today=True))
        months = history.get(node.node_id, [])
        rows += [MonthRow(node.name, month, is_today=False) for month in reversed(months)]
    return table, rows


@require_safe
def month_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    layer = chosen_layer(request)
    table, rows = _load_rows(user, layer, day_of(at), 1)
    return render_page(
        request,
        "exposure/months.html",
        title="Concentration by month",
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Applications with a primary model on each, at the end of each month",
        as_of=at,
        sentence=_headline(rows),
        table=table,
        rows=rows,
        layer=layer,
        layers=parameter_options(
            request, "layer", {option.value: option.label for option in Layer}, layer
        ),
    )


def _headline(rows: Sequence[MonthRow]) -> Headline:
    """State the share of the first and of the last month."""
    values = [row for row in rows if row.month.critical_share is not None]
    if len(values) < 2:
        return Headline("No month recorded yet. The first row appears at the end of the month.")
    last, first = values[0], values[-1]
    return Headline(
        f"{last.node}: {share(last.month.critical_share)} of critical applications today, "
        f"{share(first.month.critical_share)} on {day(first.month.day)}."
    )


@require_safe
def month_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the months of the first nodes of the layer."""
    user = signed_in_user(request)
    _, rows = _load_rows(user, chosen_layer(request), day_of(now()), MAX_FILE_NODES)
    return csv_response(
        "concentration-by-month",
        [
            "node",
            "day",
            "critical applications",
            "critical in scope",
            "share of critical",
            "applications",
            "applications in scope",
            "basis",
        ],
        rows,
        _cells,
    )


def _cells(row: MonthRow) -> list[Any]:
    month = row.month
    return [
        row.node,
        month.day,
        month.n_critical,
        month.n_critical_applications,
        month.critical_share,
        month.n,
        month.n_applications,
        row.basis,
    ]
