"""A block tag for text that is composed once and used as a value."""

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def text(content: SafeString) -> SafeString:
    """Return the content of the block as one line: `{% text as words %} ... {% endtext %}`.

    For a sentence, a class or a URL that is too long for an attribute or an argument.
    """
    return SafeString(" ".join(content.split()))
