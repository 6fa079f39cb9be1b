"""Template filters of exposure figures."""

from django import template

register = template.Library()


@register.filter
def signed(value: float | None, places: int) -> str:
    """Format a number with a true minus and a fixed number of places; a dash for none."""
    return "–" if value is None else f"{value:.{places}f}".replace("-", "−")
