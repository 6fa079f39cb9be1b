"""How values are written on the pages: dates with their year when it is not this one, true minus, space before %."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.time import day_of, now
from apps.web import wording
from apps.web.navigation import Navigation, navigation_for

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> Navigation | None:
    request = context.get("request")
    if request is None or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    return navigation_for(request.user, request.path)


@register.filter
def day(value: date | datetime | None) -> SafeString | str:
    """`8 Apr 2027` as a <time>; without its year in the current one; a dash for none."""
    if not value:
        return "–"
    when = day_of(value) if isinstance(value, datetime) else value
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), wording.day(when, today=day_of(now())))


@register.filter
def full_day(value: date | datetime | None) -> str:
    return "–" if not value else wording.day(day_of(value) if isinstance(value, datetime) else value)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    if not value:  # empty text is what a template makes of a missing record
        return "–"
    text = f"{wording.day(day_of(value), today=day_of(now()))}, {value:%H:%M}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), text)


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    if not value:
        return "never"
    return format_html(
        '<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), wording.ago(value, at=now())
    )


@register.filter
def days_left(value: int | None) -> str:
    """`45 d`, `−33 d` or a dash."""
    return "–" if value is None else f"{wording.number(value)} d"


@register.filter
def from_today(value: date | None) -> str:
    """`in 135 days`, `today`, `56 days ago`."""
    return wording.from_today(value, today=day_of(now())) if value else ""


@register.filter
def number(value: Any) -> str:
    return "–" if value is None or value == "" else wording.number(value)


@register.filter
def usd(value: Decimal | None) -> str:
    return "–" if value in (None, "") else wording.price(value)


@register.filter
def unit_name(key: str) -> str:
    """A price key as people say it."""
    return wording.unit_name(key)


@register.filter
def share(value: Any) -> str:
    return "–" if value in (None, "") else wording.share(value)


@register.filter
def change(event: Any) -> str:
    return wording.change(event, today=day_of(now()))


@register.filter
def claim(assertion: Any) -> str:
    return wording.claim(assertion.topic, assertion.value, today=day_of(now()))


@register.filter
def pending_claim(assertion: Any) -> str:
    """What the source says now, while that still has to prove itself."""
    waiting = assertion.pending
    if assertion.topic == "price" and waiting is not None:
        waiting = waiting["value"]
    return wording.claim(assertion.topic, waiting, today=day_of(now()))


@register.filter
def plural(n: int, words: str) -> str:
    """`{{ n|plural:"application,applications" }}` -> `3 applications`."""
    one, many = words.split(",")
    return f"{wording.number(n)} {one if n == 1 else many}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key) if mapping else None


@register.filter
def pretty_json(value: Any) -> str:
    return wording.pretty_json(value)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's query with some fields changed: `{% query page=None %}`."""
    fields = context["request"].GET.copy()
    for name, value in changes.items():
        fields.pop(name, None)
        if value not in (None, ""):
            fields[name] = str(value)
    text = fields.urlencode()
    return f"?{text}" if text else ""
