"""Templates without the indentation of their lines.

`make format` writes an element a line, deeply indented. A browser shows nothing of that, but pages
would be half as large again and long emails would be cut by mailboxes.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

# white space inside these is shown, or means something
_EXACT = re.compile(r"(<(pre|textarea|script|style|text)\b.*?</\2>)", re.S)
_INDENTATION = re.compile(r"^[ \t]+", re.M)


class UnindentedLoader(filesystem.Loader):
    """The loader of files in DIRS; lines of HTML and SVG lose their indentation and stay lines."""

    def get_contents(self, origin: Origin) -> str:
        contents = super().get_contents(origin)
        if not str(origin.name).endswith((".html", ".svg")):
            return contents
        return unindent(contents)


def unindent(markup: str) -> str:
    """Return `markup` without white space at the beginning of its lines, where it shows nothing."""
    # every third piece is the name of the element that the second one is
    pieces = _EXACT.split(markup)
    return "".join(
        piece if place % 3 == 1 else _INDENTATION.sub("", piece)
        for place, piece in enumerate(pieces)
        if place % 3 != 2
    )
