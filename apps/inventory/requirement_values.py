"""Declared requirements of a dependency as values and as text, `tool_calling;
context_window=90000; not pdf`."""

import re
from collections.abc import Mapping
from typing import Any

from apps.catalog.capabilities.fields import (
    CAPABILITY_FIELDS,
    FLAG,
    LIMIT,
    InvalidValueError,
    StatedField,
    clean_value,
)

# what an application can use of a model; modalities are declared by flags, and the remaining
# fields are facts of a version
DECLARABLE_FIELDS: Mapping[str, StatedField] = {
    key: field
    for key, field in CAPABILITY_FIELDS.items()
    if field.form in (FLAG, LIMIT) and not field.of_version
}
MAX_USES_LENGTH = 500

_NUMBER = re.compile(r"[0-9]{1,12}")
_WORDS: Mapping[str, str] = {
    **{key: key for key in DECLARABLE_FIELDS},
    **{field.label.lower().replace(" ", "_"): key for key, field in DECLARABLE_FIELDS.items()},
    "tools": "tool_calling",
    "function_calling": "tool_calling",
    "json": "structured_output",
    "json_schema": "structured_output",
    "images": "vision",
    "image": "vision",
    "pdfs": "pdf",
    "audio": "audio_input",
    "context": "context_window",
    "longest_prompt": "context_window",
    "output": "max_output",
}


def clean_requirements(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} in the order of `DECLARABLE_FIELDS`; None means that nothing
    is declared and is left out. Raises InvalidValueError with a sentence."""
    unknown = sorted(set(values) - set(DECLARABLE_FIELDS))
    if unknown:
        raise InvalidValueError(
            f"'{str(unknown[0])[:60]}' cannot be declared. Use one of: "
            f"{', '.join(DECLARABLE_FIELDS)}."
        )
    return {
        key: clean_value(field, values[key])
        for key, field in DECLARABLE_FIELDS.items()
        if values.get(key) is not None
    }


def parse_uses(text: str) -> dict[str, Any]:
    """Return the declared requirements of a text, `tool_calling; context_window=90000; not pdf`.
    Raises InvalidValueError with a sentence."""
    if len(text) > MAX_USES_LENGTH:
        raise InvalidValueError(
            f"The requirements have {len(text)} characters. Shorten them to {MAX_USES_LENGTH}."
        )
    values: dict[str, Any] = {}
    for part in text.replace("\n", ";").replace(",", ";").split(";"):
        item = part.strip()
        if not item:
            continue
        key, value = _parse_item(item)
        if key in values and values[key] != value:
            raise InvalidValueError(
                f"{DECLARABLE_FIELDS[key].label} is stated twice with different values. Keep one."
            )
        values[key] = value
    return clean_requirements(values)


def format_uses(values: Mapping[str, Any]) -> str:
    """Return the text of declared requirements, which `parse_uses` reads."""
    return "; ".join(
        f"{key}={values[key]}"
        if DECLARABLE_FIELDS[key].form == LIMIT
        else key
        if values[key]
        else f"not {key}"
        for key in DECLARABLE_FIELDS
        if key in values
    )


def _parse_item(item: str) -> tuple[str, Any]:
    name, has_value, raw_value = item.partition("=")
    words = name.lower().split()
    is_used = not (len(words) > 1 and words[0] == "not")
    key = _WORDS.get("_".join(words if is_used else words[1:]))
    if key is None:
        raise InvalidValueError(
            f"'{item[:60]}' is not a requirement. Separate requirements by semicolons, for example "
            "'tool_calling; context_window=90000; not pdf'."
        )
    field = DECLARABLE_FIELDS[key]
    if field.form != LIMIT:
        if has_value:
            raise InvalidValueError(f"{field.label} has no number. Write '{key}' or 'not {key}'.")
        return key, is_used
    number = "".join(raw_value.split()).replace("_", "").replace("'", "")
    if not is_used or not _NUMBER.fullmatch(number):
        raise InvalidValueError(
            f"{field.label} needs a whole number of tokens, for example '{key}=90000'."
        )
    return key, int(number)
