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
def cell(found: ReportCell) -> SafeString:
    """Format a value with its derivation beside it; `missing`; or a dash with why the field does
    not apply."""
    if found.is_missing:
        return format_html('<span class="gone">{}</span>', "missing")
    if not found.applies:
        return format_html('<span class="dim">–</span><small class="how">{}</small>', found.how)
    said = _cell_text(found.value)
    return (
        format_html('{}<small class="how">{}</small>', said, found.how)
        if found.how
        else format_html("{}", said)
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
