"""Text that a template puts together once and uses as a value."""

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def text(content: SafeString) -> SafeString:
    """Return what the block writes as one line: `{% text as words %} ... {% endtext %}`.

    Used for a sentence, a class or a URL that is too long for an attribute or an argument.
    """
    return SafeString(" ".join(content.split()))
