"""Columns of a list. The same column makes a cell of the page and of its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from apps.common.time import day_of, now
from apps.web import wording

NO_VALUE = "–"


def format_text(value: Any) -> str:
    """Return the text of a value; a dash for none."""
    return NO_VALUE if value is None or value == "" else str(value)


def format_number(value: Any) -> str:
    return NO_VALUE if value is None or value == "" else wording.number(value)


def format_amount(value: Decimal | None) -> str:
    return NO_VALUE if value is None else wording.price(value)


def format_share(value: Any) -> str:
    """Format a share of 0 to 1 as `62%`; a dash for none."""
    return NO_VALUE if value is None else wording.share(value)


def format_decimals(value: float | None, places: int) -> str:
    """Format a number with a true minus and a fixed number of places; a dash for none."""
    return NO_VALUE if value is None else f"{value:,.{places}f}".replace("-", "−")


def format_days(value: int | None) -> str:
    """Format a number of days as `45 d`, `−33 d` or a dash."""
    return NO_VALUE if value is None else f"{wording.number(value)} d"


def format_day(value: date | None) -> SafeString | str:
    """Format a day as `8 Apr 2027` in a <time>; without its year if still to come in this one."""
    if value is None:
        return NO_VALUE
    return format_html(
        '<time datetime="{}">{}</time>',
        value.isoformat(),
        wording.day(value, today=day_of(now())),
    )


def format_moment(value: datetime | None) -> SafeString | str:
    """Format a time as `8 Apr 2027, 14:05` in a <time>; without its year in the current one."""
    if value is None:
        return NO_VALUE
    text = wording.moment(value, today=day_of(now()))
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), text)


def format_ago(value: datetime | None) -> SafeString | str:
    """Format a time as `4 h ago` in a <time>, or as `never`."""
    if value is None:
        return "never"
    text = wording.ago(value, at=now())
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), text)


def describe_distance(value: date | None) -> str:
    """Return the quiet line below a day: `in 135 days`, `56 days ago`, or nothing."""
    return wording.from_today(value, today=day_of(now())) if value else ""


@dataclass(frozen=True, slots=True)
class Cell:
    """Cell of a page. `label` stands before it where the table is folded. `template` renders what
    `content` cannot express; it gets `row` and `value`."""

    content: SafeString
    value: Any
    label: str
    css: str
    template: str


@dataclass(frozen=True, slots=True)
class Column[R]:
    """Column of a list of rows of type R.

    `value` is what a file contains; the page shows it through `format`, linked to `url`, in the
    class `css`, above the quiet line `note`. `order` are terms of ORDER BY, if the list can be
    sorted by the column; rows in which the database column `requires` is empty are left out then.
    `width` is `opt` or `opt-2` if narrower pages can do without the column, or another class of its
    cells: `strips` for drawings, `whole` for a line of its own on a phone."""

    name: str
    header: str
    value: Callable[[R], Any]
    format: Callable[[Any], str] = format_text
    note: Callable[[R], str] | None = None
    url: Callable[[R], str] | None = None
    css: Callable[[R], str] | None = None
    order: Sequence[str] = ()
    requires: str = ""
    is_numeric: bool = False
    width: str = ""
    template: str = ""
    is_in_files: bool = True

    @property
    def cell_css(self) -> str:
        return " ".join(filter(None, ("num" if self.is_numeric else "", self.width)))

    def cell(self, row: R) -> Cell:
        """Return the cell of a row, as the page shows it."""
        value = self.value(row)
        content = SafeString("") if self.template else self._render_content(row, value)
        return Cell(content, value, self.header, self.cell_css, self.template)

    def _render_content(self, row: R, value: Any) -> SafeString:
        # in Python: a template of its own for each cell takes ten times as long
        content = conditional_escape(self.format(value))
        css = self.css(row) if self.css else ""
        if url := self.url(row) if self.url else "":
            content = format_html('<a href="{}"{}>{}</a>', url, _class_attribute(css), content)
        elif css:
            content = format_html("<span{}>{}</span>", _class_attribute(css), content)
        note = self.note(row) if self.note else ""
        return format_html("{} <small>{}</small>", content, note) if note else SafeString(content)


def _class_attribute(css: str) -> SafeString:
    return format_html(' class="{}"', css) if css else SafeString("")


@dataclass(frozen=True, slots=True)
class FileColumn[R]:
    """Column that only files contain."""

    header: str
    value: Callable[[R], Any]
