"""Text that a template puts together once and uses as a value."""

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def text(content: SafeString) -> SafeString:
    """Return what the block writes as one line: `{% text as words %} ... {% endtext %}`.

    A sentence, a class or an address that is too long for an attribute or an argument stands above
    them, over as many lines as it needs.
    """
    return SafeString(" ".join(content.split()))
