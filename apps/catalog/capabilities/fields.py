"""What sources state about an offering beside its dates and prices: the fields and the form of
their values.

A value is canonical JSON: true or false, a sorted list of names, a whole number, a month or a text.
A field without a value is unknown, which is never taken for yes or no.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CAPABILITY = "capability"
DATA_TERMS = "data_terms"

FLAG = "flag"
SET = "set"
LIMIT = "limit"
MONTH = "month"
TEXT = "text"

MODALITIES = ("audio", "embedding", "image", "pdf", "text", "video")
# A limit that is smaller by no more than this share is the same one: sources round limits.
LIMIT_TOLERANCE = 0.05
MAX_LIMIT = 1_000_000_000
MAX_TEXT_LENGTH = 500
MAX_SET_SIZE = 60

_MONTH = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class StatedField:
    """One field of a topic: `form` is FLAG, SET, LIMIT, MONTH or TEXT; `unit` is a plural noun for
    a LIMIT; `allowed` are the names of a SET, empty if any name is; `of_version` marks facts of the
    model version, which all hosts share."""

    key: str
    label: str
    form: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    of_version: bool = False


class InvalidValueError(ValueError):
    """A value that a field does not have; the text is a sentence for users."""


def _by_key(*fields: StatedField) -> Mapping[str, StatedField]:
    return {field.key: field for field in fields}


# In the order in which pages list them.
CAPABILITY_FIELDS: Mapping[str, StatedField] = _by_key(
    StatedField("input_modalities", "Input", SET, allowed=MODALITIES),
    StatedField("output_modalities", "Output", SET, allowed=MODALITIES),
    StatedField("tool_calling", "Tool calling", FLAG),
    StatedField("structured_output", "Structured output", FLAG),
    StatedField("reasoning", "Reasoning", FLAG),
    StatedField("vision", "Image input", FLAG),
    StatedField("pdf", "PDF input", FLAG),
    StatedField("audio_input", "Audio input", FLAG),
    StatedField("audio_output", "Audio output", FLAG),
    StatedField("caching", "Prompt caching", FLAG),
    StatedField("batch", "Batch requests", FLAG),
    StatedField("context_window", "Context window", LIMIT, unit="tokens"),
    StatedField("max_output", "Largest output", LIMIT, unit="tokens"),
    StatedField("knowledge_cutoff", "Knowledge cutoff", MONTH, of_version=True),
    StatedField("open_weights", "Open weights", FLAG, of_version=True),
)
DATA_TERM_FIELDS: Mapping[str, StatedField] = _by_key(
    StatedField("training_use", "Inputs are used for training", FLAG),
    StatedField("retention_days", "Retention", LIMIT, unit="days"),
    StatedField("zero_retention", "Zero retention on request", FLAG),
    StatedField("residency", "Data residency", SET),
    StatedField("subprocessors_url", "List of sub-processors", TEXT),
)
FIELDS: Mapping[str, Mapping[str, StatedField]] = {
    CAPABILITY: CAPABILITY_FIELDS,
    DATA_TERMS: DATA_TERM_FIELDS,
}


def clean_value(field: StatedField, raw: object) -> Any:
    """Return `raw` in canonical form. Raises InvalidValueError if the field has no such value."""
    if field.form == FLAG:
        if isinstance(raw, bool):
            return raw
        raise InvalidValueError(f"{field.label} must be yes or no.")
    if field.form == LIMIT:
        # a retention of 0 days is a value, a context window of 0 tokens is not
        least = 0 if field.unit == "days" else 1
        if isinstance(raw, int) and not isinstance(raw, bool) and least <= raw <= MAX_LIMIT:
            return raw
        raise InvalidValueError(
            f"{field.label} must be a whole number of {field.unit}, at least {least}."
        )
    if field.form == MONTH:
        if isinstance(raw, str) and _MONTH.fullmatch(raw[:7]):
            return raw[:7]
        raise InvalidValueError(f"{field.label} must be a month such as 2025-01.")
    if field.form == SET:
        return _clean_names(field, raw)
    if isinstance(raw, str) and 0 < len(raw.strip()) <= MAX_TEXT_LENGTH:
        return raw.strip()
    raise InvalidValueError(
        f"{field.label} must be a text of at most {MAX_TEXT_LENGTH} characters."
    )


def _clean_names(field: StatedField, raw: object) -> list[str]:
    if (
        isinstance(raw, list | tuple)
        and 0 < len(raw) <= MAX_SET_SIZE
        and all(isinstance(name, str) and 0 < len(name.strip()) <= 60 for name in raw)
    ):
        names = sorted({name.strip() for name in raw})
        if not field.allowed or set(names) <= set(field.allowed):
            return names
    if field.allowed:
        raise InvalidValueError(f"{field.label} must be one or more of {', '.join(field.allowed)}.")
    raise InvalidValueError(f"{field.label} must be a list of short names.")
