"""Templates without the indentation of their lines.

`make format` writes one element per line, deeply indented. Browsers ignore the indentation, but it
would make pages half as large again, and mail clients would cut long emails.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

# white space inside these elements is visible or significant
_EXACT = re.compile(r"<(pre|textarea|script|style|text)\b")
_INDENTATION = re.compile(r"\n[ \t]+")


class UnindentedLoader(filesystem.Loader):
    """Loads files in DIRS and removes the indentation of lines of HTML and SVG; line breaks
    stay."""

    def get_contents(self, origin: Origin) -> str:
        contents = super().get_contents(origin)
        if not str(origin.name).endswith((".html", ".svg")):
            return contents
        return unindent(contents)


def unindent(markup: str) -> str:
    """Return `markup` without white space at the beginning of lines, except where it is visible."""
    pieces = []
    position = 0
    for opening in _EXACT.finditer(markup):
        if opening.start() < position:
            continue
        closing_tag = f"</{opening[1]}>"
        end = markup.find(closing_tag, opening.end())
        if end < 0:
            break
        end += len(closing_tag)
        pieces += [
            _INDENTATION.sub("\n", markup[position : opening.start()]),
            markup[opening.start() : end],
        ]
        position = end
    pieces.append(_INDENTATION.sub("\n", markup[position:]))
    return "".join(pieces)
