"""Templates without the indentation of their lines.

`make format` writes an element a line, deeply indented. A browser shows nothing of that, but pages
would be half as large again and long emails would be cut by mailboxes.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

# white space inside these is shown, or means something
_EXACT = re.compile(r"<(pre|textarea|script|style|text)\b")
_INDENTATION = re.compile(r"\n[ \t]+")


class UnindentedLoader(filesystem.Loader):
    """The loader of files in DIRS; lines of HTML and SVG lose their indentation and stay lines."""

    def get_contents(self, origin: Origin) -> str:
        contents = super().get_contents(origin)
        if not str(origin.name).endswith((".html", ".svg")):
            return contents
        return unindent(contents)


def unindent(markup: str) -> str:
    """Return `markup` without white space at the beginning of its lines, where it shows nothing."""
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
