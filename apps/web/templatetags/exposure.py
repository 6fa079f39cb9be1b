"""Template filters of exposure figures."""

from django import template

from apps.web.lists.columns import format_decimals

register = template.Library()
register.filter("decimals", format_decimals)
