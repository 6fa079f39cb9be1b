"""Template filters and tags of values on pages: dates with their year unless it is this one, true
minus, space before %."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from django import template
from django.contrib.messages.storage.base import Message
from django.http import QueryDict
from django.utils.safestring import SafeString

from apps.accounts.models import SavedFilter
from apps.common.time import day_of, now
from apps.exposure.models import CampaignTask
from apps.web import wording
from apps.web.drawings.base.svg_marks import svg_marks as marks_of
from apps.web.lists.columns import format_ago, format_day, format_moment
from apps.web.pages import search_targets
from apps.web.pages.flash_messages import FlashMessage
from apps.web.pages.flash_messages import read_flash_message as said_of
from apps.web.pages.navigation import Navigation, navigation_for
from apps.web.pages.search_targets import SearchTarget

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> Navigation | None:
    request = context.get("request")
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    match = request.resolver_match
    return navigation_for(request.user, match.view_name if match else "")


@register.simple_tag
def new_records(user: Any) -> list[SearchTarget]:
    """Return what the user can create, for the menu `+ New`."""
    return search_targets.new_records(user)


@register.filter
def marks(drawing: Any) -> SafeString:
    """Return the marks of a drawing, for the template that frames it."""
    return marks_of(drawing)


@register.filter
def said(message: Message) -> FlashMessage:
    return said_of(message)


@register.filter
def page_address(request: Any) -> str:
    """Return the path and query of the page the user views, also while one of its fragments is
    rendered."""
    url = urlsplit(request.headers.get("HX-Current-URL") or request.get_full_path())
    return f"{url.path}?{url.query}" if url.query else url.path


@register.filter
def day(value: date | datetime | None) -> SafeString | str:
    """Format a date as the columns of lists do; a dash for none."""
    return format_day(day_of(value) if isinstance(value, datetime) else value or None)


@register.filter
def full_day(value: date | datetime | None) -> str:
    return (
        "–" if not value else wording.day(day_of(value) if isinstance(value, datetime) else value)
    )


@register.filter
def retirement_day(offering: Any) -> str:
    """Format the retirement date of an offering, as a month where its source states no day."""
    if offering is None or not offering.retires_on:
        return "–"
    month = getattr(offering, "retires_month", "")
    return wording.month(month) if month else full_day(offering.retires_on)


@register.filter
def spoken(text: Any) -> str:
    """Format the dates of a stored sentence for display."""
    return wording.with_written_dates(text)


@register.filter
def recorded(value: Any) -> str:
    """Format a value of a history: a date or a time for display, all else unchanged."""
    return wording.format_recorded_value(str(value))


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    # empty text is what a template makes of a missing record
    return format_moment(value or None)


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    return format_ago(value or None)


@register.filter
def days_left(value: int | None) -> str:
    """Format days as `45 d`, `−33 d` or a dash."""
    return "–" if value is None else f"{wording.number(value)} d"


@register.filter
def from_today(value: date | None) -> str:
    """Format a date as `in 135 days`, `today`, `56 days ago`."""
    return wording.from_today(value, today=day_of(now())) if value else ""


@register.filter
def timing(task: CampaignTask) -> str:
    """Say by how much a migration task is late; empty on time."""
    return wording.describe_timing(task.timing(day_of(now())))


@register.filter
def minus(text: str) -> str:
    """Write a formatted number with a true minus."""
    return str(text).replace("-", "−")


@register.filter
def number(value: Any) -> str:
    return "–" if value is None or value == "" else wording.number(value)


@register.filter
def usd(value: Decimal | None) -> str:
    return "–" if value in (None, "") else wording.price(value)


@register.filter
def unit_name(key: str) -> str:
    """Return the display name of a price key."""
    return wording.unit_name(key)


@register.filter
def share(value: Any) -> str:
    return "–" if value in (None, "") else wording.share(value)


@register.filter
def change(event: Any) -> str:
    return wording.describe_change(event, today=day_of(now()))


@register.filter
def claim(assertion: Any) -> str:
    return wording.describe_claim(assertion.topic, assertion.value, today=day_of(now()))


@register.filter
def pending_claim(assertion: Any) -> str:
    """Return the current source value while it is still to be confirmed."""
    value = assertion.pending
    if assertion.topic == "price" and value is not None:
        value = value["value"]
    return wording.describe_claim(assertion.topic, value, today=day_of(now()))


@register.filter
def plural(n: int, nouns: str) -> str:
    """Write a count with its noun: `{{ n|plural:"application,applications" }}` -> `3
    applications`."""
    singular, plural_form = nouns.split(",")
    return f"{wording.number(n)} {singular if n == 1 else plural_form}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key) if mapping else None


@register.filter
def pretty_json(value: Any) -> str:
    return wording.pretty_json(value)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """Return the page's query with some fields changed: `{% query page=None %}`."""
    fields = context["request"].GET.copy()
    for name, value in changes.items():
        fields.pop(name, None)
        if value not in (None, ""):
            fields[name] = str(value)
    text = fields.urlencode()
    return f"?{text}" if text else ""


@register.filter
def as_filter_fields(query: QueryDict) -> str:
    """Return the filters of a list as fields of another page: `&f.team=claims&f.state=open`."""
    return "".join(
        f"&f.{quote(name)}={quote(value)}"
        for name, values in query.lists()
        if name != "page"
        for value in values
        if value
    )


@dataclass(frozen=True, slots=True)
class SavedRow:
    """Saved filter in a list; `of` is the user who shared it, empty if it is the reader's own."""

    pk: int
    name: str
    address: str
    is_current: bool
    of: str


@dataclass(frozen=True, slots=True)
class SavedFilters:
    found: list[SavedRow]
    can_save: bool


@register.simple_tag(takes_context=True)
def saved_filters(context: template.Context) -> SavedFilters:
    """Return the saved filters of this page that the user may see: one statement."""
    request = context["request"]
    page_query = {
        name: values for name, values in request.GET.lists() if name != "page" and any(values)
    }
    filters = (
        SavedFilter.objects.visible_to(request.user)
        .of_page(request.path)
        .select_related("user")[:30]
    )
    saved_rows = [
        SavedRow(
            saved_filter.pk,
            saved_filter.name,
            f"{saved_filter.path}?{saved_filter.query}",
            parse_qs(saved_filter.query) == page_query,
            "" if saved_filter.user_id == request.user.pk else str(saved_filter.user),
        )
        for saved_filter in filters
    ]
    return SavedFilters(
        saved_rows,
        can_save=bool(page_query)
        and not any(saved_filter.is_current for saved_filter in saved_rows),
    )
