"""Removal of invisible characters: control characters from all texts, and further ones from names.

A mark that changes the direction of text makes a name look like another one; a control character
breaks files and emails that show the text.
"""

import re
from typing import Any

# C0 and C1 controls except tab and line ends, and the marks that change the direction of text
_CONTROL_CHARACTERS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# in names also line ends, joiners and zero-width spaces
_INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
# the same characters as `_CONTROL_CHARACTERS` in UTF-8, and the beginning of an escape in JSON
_MAYBE_CONTROL_BYTES = re.compile(
    rb"\\u|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)


def remove_control_characters(text: str) -> str:
    """Return the text without control characters and direction marks; tabs and line ends stay. A
    null character also stays: all input checks reject it with a sentence."""
    return text if text.isprintable() else _CONTROL_CHARACTERS.sub("", text)


def remove_invisible_characters(text: str) -> str:
    """Return a name without invisible characters."""
    return _INVISIBLE_CHARACTERS.sub("", text)


def remove_control_characters_from_json(body: bytes, value: Any) -> Any:
    """Apply `remove_control_characters` to all texts and keys of `value`, which was parsed from the
    JSON `body`.

    If there is nothing to remove, this only searches the bytes. Recurses as deep as the value is
    nested.
    """
    return _clean_value(value) if _MAYBE_CONTROL_BYTES.search(body) else value


def _clean_value(value: Any) -> Any:
    match value:
        case str():
            return remove_control_characters(value)
        case list():
            return [_clean_value(item) for item in value]
        case dict():
            return {
                remove_control_characters(name): _clean_value(item) for name, item in value.items()
            }
    return value
