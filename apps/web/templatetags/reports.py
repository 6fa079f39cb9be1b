"""Template filters of report cells."""

from datetime import date
from decimal import Decimal

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString

from apps.reports.tables import ReportCell
from apps.web import wording

register = template.Library()


@register.filter
def cell(report_cell: ReportCell) -> SafeString:
    """Format a value with its derivation beside it; `missing`; or a dash with why the field does
    not apply."""
    if report_cell.is_missing:
        return format_html('<span class="gone">{}</span>', "missing")
    if not report_cell.applies:
        return format_html(
            '<span class="dim">–</span><small class="how">{}</small>', report_cell.how
        )
    text = _cell_text(report_cell.value)
    return (
        format_html('{}<small class="how">{}</small>', text, report_cell.how)
        if report_cell.how
        else format_html("{}", text)
    )


def _cell_text(value: object) -> str | SafeString:
    if isinstance(value, date):
        return "no end" if value.year == 9999 else wording.day(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return wording.number(value)
    text = str(value)
    return (
        SafeString(urlize(text, nofollow=True, autoescape=True))
        if text.startswith("https://")
        else text
    )
