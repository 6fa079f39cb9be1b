"""Characters that a reader does not see: which of them no text keeps, and which no name keeps.

A mark that turns the direction of text around makes a name look like another one; a control
character breaks a file or a mail that shows the text.
"""

import re
from typing import Any

# C0 and C1 controls but for tab and line ends, and the marks that turn the direction of text around
_CONTROL_CHARACTERS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# in names line ends, joiners and blanks without a width as well
_INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
# the same characters as `_CONTROL_CHARACTERS` in UTF-8, and the beginning of an escape in JSON
_MAYBE_CONTROL_BYTES = re.compile(
    rb"\\u|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)


def remove_control_characters(text: str) -> str:
    """The text without control characters and direction marks; tabs and line ends stay. A null
    character stays too: it is refused with a sentence wherever it may come in."""
    return text if text.isprintable() else _CONTROL_CHARACTERS.sub("", text)


def remove_invisible_characters(text: str) -> str:
    """A name without anything that a reader does not see."""
    return _INVISIBLE_CHARACTERS.sub("", text)


def remove_control_characters_from_json(body: bytes, value: Any) -> Any:
    """`value`, which was read from the JSON `body`, with all of its texts and names
    `remove_control_characters`.

    Costs a look at the bytes where there is nothing to remove. Nests as deep as the value does.
    """
    return _cleaned_value(value) if _MAYBE_CONTROL_BYTES.search(body) else value


def _cleaned_value(value: Any) -> Any:
    match value:
        case str():
            return remove_control_characters(value)
        case list():
            return [_cleaned_value(item) for item in value]
        case dict():
            return {
                remove_control_characters(name): _cleaned_value(item)
                for name, item in value.items()
            }
    return value
