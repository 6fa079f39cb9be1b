"""Columns that the lists of the catalogue share: the applications that depend on a record."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.web.lists.columns import NO_VALUE, Column, FileColumn
from apps.web.wording import number


def _format_dependents(n: int) -> SafeString:
    if not n:
        return format_html('<span class="dim">{}</span>', NO_VALUE)
    return format_html("<b>{}</b>", number(n))


def build_applications_column(name: str = "applications", order: Sequence[str] = ()) -> Column[Any]:
    """Return the column of the dependent applications of rows with a `reach`, and of the critical
    ones among them."""
    return Column[Any](
        name,
        "Applications",
        attrgetter("reach.n"),
        format=_format_dependents,
        note=lambda row: f"{number(row.reach.n_critical)} critical" if row.reach.n_critical else "",
        order=order,
        is_numeric=True,
    )


CRITICAL_APPLICATIONS = FileColumn[Any]("Critical applications", attrgetter("reach.n_critical"))
