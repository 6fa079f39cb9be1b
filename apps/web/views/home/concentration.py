"""Concentration on Home and on the board summary: the first node of four layers with tolerance
and change, and the twelve-month line of the first developer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.urls import reverse

from apps.accounts.models import User
from apps.exposure.models import Layer
from apps.exposure.queries.concentration import LayerRow, LayerTable, layer_tables
from apps.exposure.queries.concentration_history import (
    MonthlyShare,
    concentration_history,
    quarter_before,
)
from apps.web.drawings.base.picture import Picture
from apps.web.drawings.charts.concentration_line import draw_concentration_line
from apps.web.wording import day, number, share

LAYERS = (Layer.DEVELOPER, Layer.GATEWAY, Layer.HOST, Layer.FOUNDATION)


@dataclass(frozen=True, slots=True)
class ConcentrationBar:
    """The first node of a layer. `length` and `limit` are percentages of the width; `change` is in
    percentage points since `since`, None if unknown."""

    layer: Layer
    row: LayerRow
    share: Decimal
    length: float
    limit: float | None
    change: int | None
    since: MonthlyShare | None
    url: str

    @property
    def change_text(self) -> str:
        return describe_change(self.change)


@dataclass(frozen=True, slots=True)
class Concentration:
    """`bars` have the first developer in front, if any; `line` is its last twelve months."""

    developers: LayerTable
    bars: list[ConcentrationBar]
    months: list[MonthlyShare]
    line: Picture | None
    change_sentence: str


def load_concentration(
    *, user: User, today: date, layers: Sequence[Layer] = LAYERS
) -> Concentration:
    """Return the first node of each layer and its history; two statements."""
    tables = layer_tables(layers=layers, user=user, limit=1)
    firsts = {layer: table.rows[0] for layer, table in tables.items() if table.rows}
    history = concentration_history([row.node_id for row in firsts.values()], user=user, on=today)
    bars = [
        _build_bar(layer, row, tables[layer], history.get(row.node_id, []), today)
        for layer, row in firsts.items()
    ]
    developers = tables[Layer.DEVELOPER]
    first = next((bar for bar in bars if bar.layer == Layer.DEVELOPER), None)
    months = history.get(first.row.node_id, []) if first is not None else []
    return Concentration(
        developers=developers,
        bars=bars,
        months=months,
        line=_draw_line(first, developers, months, today) if first is not None else None,
        change_sentence=_describe_change_since(first) if first is not None else "",
    )


def describe_change(points: int | None) -> str:
    """Write a change in percentage points with its direction."""
    if points is None:
        return "–"
    if points == 0:
        return "0"
    return f"{'↑' if points > 0 else '↓'} {abs(points)}"


def counted_share(row: LayerRow, table: LayerTable) -> Decimal:
    """Return the share of critical applications; without any, that of all applications."""
    return row.critical_share if table.n_critical else row.share


def month_share(month: MonthlyShare, table: LayerTable) -> Decimal | None:
    """Return the share at a month end that compares with `counted_share`."""
    return month.critical_share if table.n_critical else month.share


def _build_bar(
    layer: Layer, row: LayerRow, table: LayerTable, months: Sequence[MonthlyShare], today: date
) -> ConcentrationBar:
    value = counted_share(row, table)
    quarter = quarter_before(months, on=today)
    before = month_share(quarter, table) if quarter is not None else None
    return ConcentrationBar(
        layer=layer,
        row=row,
        share=value,
        length=_percent(value),
        limit=_percent(row.tolerance) if row.tolerance is not None else None,
        # of the rounded shares, so that the change agrees with what is written
        change=None if before is None else round(100 * value) - round(100 * before),
        since=quarter,
        url=f"{reverse('exposure:concentration')}?layer={layer.value}",
    )


def _percent(value: Decimal) -> float:
    return round(float(value) * 100, 1)


def _draw_line(
    bar: ConcentrationBar, table: LayerTable, months: Sequence[MonthlyShare], today: date
) -> Picture | None:
    values = [(month.day, _as_float(month_share(month, table))) for month in months]
    return draw_concentration_line(
        [*values, (today, float(bar.share))],
        name=bar.row.name,
        tolerance=float(bar.row.tolerance) if bar.row.tolerance is not None else None,
    )


def _as_float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _describe_change_since(bar: ConcentrationBar) -> str:
    """Say how the share changed since last quarter, with the count of then."""
    if bar.since is None or bar.change is None:
        return ""
    since = bar.since
    if since.n_critical_applications:
        before, n, total = since.critical_share, since.n_critical, since.n_critical_applications
    else:
        before, n, total = since.share, since.n, since.n_applications
    then = f"({share(before)}, {number(n)} of {number(total)})"
    if bar.change == 0:
        return f"Unchanged since {day(since.day)} {then}."
    sign = "+" if bar.change > 0 else "−"
    unit = "point" if abs(bar.change) == 1 else "points"
    return f"{sign}{abs(bar.change)} {unit} since {day(since.day)} {then}."
