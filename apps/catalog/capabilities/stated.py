"""Capabilities that one source states about one offering, collected field by field.

Implausible values are left out: a source that states nonsense of a field is silent about it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, InvalidValueError, clean_value
from apps.catalog.claims.feed_rows import PriceLine

# Spellings of modalities in feeds and lists.
_MODALITIES = {
    "file": "pdf",
    "document": "pdf",
    "speech": "audio",
    "embeddings": "embedding",
    "images": "image",
}


class StatedCapabilities:
    """A collector of {field: canonical value}; the first plausible value of a field counts."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def add(self, field: str, value: object) -> None:
        """Add the value of a field; None and implausible values are silence."""
        if value is None or field in self.values:
            return
        try:
            self.values[field] = clean_value(CAPABILITY_FIELDS[field], value)
        except InvalidValueError:
            return

    def add_flag(self, field: str, value: object) -> None:
        """Add a flag; a value that is neither yes nor no is silence."""
        if isinstance(value, bool):
            self.add(field, value)

    def add_modalities(
        self, inputs: object, outputs: object, *, named: Iterable[str] = ("image", "audio")
    ) -> None:
        """Add complete lists of modalities and the flags that follow from them.

        `named` are the modalities that the source can name: a list that lacks one of them says no
        to it, and is silent about any other."""
        named = frozenset(named)
        if (names := read_modalities(inputs)) is not None:
            self.add("input_modalities", sorted(names))
            for field, modality in (("vision", "image"), ("audio_input", "audio"), ("pdf", "pdf")):
                if modality in names or modality in named:
                    self.add(field, modality in names)
        if (names := read_modalities(outputs)) is not None:
            self.add("output_modalities", sorted(names))
            if "audio" in names or "audio" in named:
                self.add("audio_output", "audio" in names)

    def add_priced(self, lines: Iterable[PriceLine] | None) -> None:
        """Add what a list price proves: a price of cached reads, and one of batch requests."""
        units = {line.unit for line in lines or () if line.amount > 0}
        if "cache_read" in units:
            self.add_flag("caching", True)
        if any(unit.endswith("_batch") for unit in units):
            self.add_flag("batch", True)


def read_modalities(raw: object) -> set[str] | None:
    """Return the names of a list of modalities in the spelling of `MODALITIES`; None if it is not a
    list of names, or empty."""
    if not isinstance(raw, list) or not raw or not all(isinstance(name, str) for name in raw):
        return None
    names = {name.strip().lower() for name in raw}
    return {_MODALITIES.get(name, name) for name in names}


def merge_statements(
    before: Mapping[str, Mapping[str, Any]], stated: Mapping[str, Any], day: str
) -> dict[str, dict[str, Any]]:
    """Return the value of a claim after its source stated `stated` on the ISO day `day`.

    `before` is {field: {"value", "at", "silent_since"?}}. A value that stays keeps its day; a field
    that was stated and is not any more keeps its value with the day of the first silence, because
    silence is no withdrawal. Without a difference the result equals `before`."""
    merged: dict[str, dict[str, Any]] = {}
    for field in CAPABILITY_FIELDS:
        fact = before.get(field)
        if field in stated:
            is_same = fact is not None and fact["value"] == stated[field]
            since = fact["at"] if fact is not None and is_same else day
            merged[field] = {"value": stated[field], "at": since}
        elif fact is not None:
            merged[field] = {"silent_since": day, **fact}
    return merged
