"""Characters that a reader does not see: which of them no text keeps, and which no name keeps.

A mark that turns the direction of text around makes a name look like another one; a control character breaks a file or
a mail that shows the text.
"""

import re
from typing import Any

# C0 and C1 controls but for tab and line ends, and the marks that turn the direction of text around
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# in names line ends, joiners and blanks without a width as well
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# the same characters as `_CONTROLS` in UTF-8, and the beginning of an escape in JSON
_MAYBE_CONTROLS = re.compile(
    rb"\\u|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)


def without_controls(text: str) -> str:
    """The text without control characters and direction marks; tabs and line ends stay. A null character stays too: it
    is refused with a sentence wherever it may come in."""
    return text if text.isprintable() else _CONTROLS.sub("", text)


def without_unseen(text: str) -> str:
    """A name without anything that a reader does not see."""
    return _UNSEEN.sub("", text)


def json_without_controls(body: bytes, value: Any) -> Any:
    """`value`, which was read from the JSON `body`, with all of its texts and names `without_controls`.

    Costs a look at the bytes where there is nothing to remove. Nests as deep as the value does.
    """
    return _tidied(value) if _MAYBE_CONTROLS.search(body) else value


def _tidied(value: Any) -> Any:
    match value:
        case str():
            return without_controls(value)
        case list():
            return [_tidied(each) for each in value]
        case dict():
            return {without_controls(name): _tidied(each) for name, each in value.items()}
    return value
