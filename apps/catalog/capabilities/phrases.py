"""Words for the items of a fit: the same phrase on pages, in REST, findings and the gate. Plain
Python."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from apps.catalog.capabilities.fields import (
    CAPABILITY_FIELDS,
    DATA_TERM_FIELDS,
    FLAG,
    LIMIT,
    SET,
    StatedField,
)
from apps.catalog.capabilities.fit import Fit, FitItem, ItemVerdict
from apps.catalog.capabilities.values import SettledValue
from apps.common.text import format_date

NOTHING_KNOWN = "Nothing is known of what this dependency uses."
# phrases name this many items
MAX_NAMED = 3
# {field: what a candidate without it does}, where `has no` and the label do not say it
_LACKS: Mapping[str, str] = {
    "batch": "takes no batch requests",
}
_DIRECTIONS: Mapping[str, tuple[str, str]] = {
    "input_modalities": ("takes no", "input"),
    "output_modalities": ("gives no", "output"),
}


def field_noun(field: str) -> str:
    """Return the label of a field within a sentence: `image input`, `PDF input`."""
    label = _field(field).label
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def format_value(field: str, value: Any) -> str:
    """Return a value as readers see it: `yes`, `128,000 tokens`, `image, text`; `unknown` for
    None."""
    if value is None:
        return "unknown"
    stated_field = _field(field)
    form = stated_field.form
    if form == FLAG:
        return "yes" if value else "no"
    if value is False:
        return "not used"
    if form == LIMIT:
        unit = stated_field.unit.removesuffix("s") if value == 1 else stated_field.unit
        return f"{value:,} {unit}"
    return ", ".join(value) if form == SET else str(value)


def _field(field: str) -> StatedField:
    """Return a field of either topic; their names differ."""
    return CAPABILITY_FIELDS.get(field) or DATA_TERM_FIELDS[field]


def describe_need(item: FitItem) -> str:
    """Return what is needed as a noun: `Image input`, `Context window of 90,000 tokens`."""
    label = CAPABILITY_FIELDS[item.field].label
    if item.needed is None or isinstance(item.needed, bool):
        return label
    form = CAPABILITY_FIELDS[item.field].form
    if form == LIMIT:
        return f"{label} of {format_value(item.field, item.needed)}"
    return f"{label} {format_value(item.field, item.needed)}"


def describe_loss(item: FitItem) -> str:
    """Return what a candidate lacks, as a phrase: `has no image input`."""
    form = CAPABILITY_FIELDS[item.field].form
    if form == FLAG:
        return _LACKS.get(item.field, f"has no {field_noun(item.field)}")
    value = item.new.value
    if form == LIMIT:
        return (
            f"has a {field_noun(item.field)} of {format_value(item.field, value)} "
            f"({item.needed:,} needed)"
        )
    if form == SET:
        verb, noun = _DIRECTIONS[item.field]
        return f"{verb} {' or '.join(sorted(set(item.needed) - set(value)))} {noun}"
    return f"has a {field_noun(item.field)} of {value}, before {item.needed}"


def describe_losses(fit: Fit) -> str:
    """Return everything that the candidate lacks, as one phrase; empty if it lacks nothing."""
    return join_phrases(describe_loss(item) for item in fit.with_verdict(ItemVerdict.LOST))


def describe_unknowns(fit: Fit) -> str:
    """Return the needed items that nobody states of the candidate, as nouns in a list; empty
    without any."""
    names = [field_noun(item.field) for item in fit.with_verdict(ItemVerdict.UNKNOWN)]
    if len(names) > MAX_NAMED:
        return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
    return join_phrases(names)


def describe_lost_capabilities(fields: Iterable[str]) -> str:
    """Return withdrawn capabilities as nouns in a list: `tool calling and image input`."""
    return join_phrases(field_noun(field) for field in fields if field in CAPABILITY_FIELDS)


def describe_source(value: SettledValue) -> str:
    """Return who states a value and since when: `LiteLLM, 24 November 2026`; for an unknown value
    why it is unknown."""
    if value.contradicted:
        return "sources contradict each other"
    if value.value is None:
        return "no source states it"
    try:
        day = format_date(date.fromisoformat(value.at[:10]))
    except ValueError:
        day = ""
    others = f" and {value.agreed - 1} more" if value.agreed > 1 else ""
    source = f"{value.source}{others}" if value.source else "source not recorded"
    return ", ".join(filter(None, [source, day]))


def join_phrases(phrases: Iterable[str]) -> str:
    """Join phrases with commas, the last one with `and`."""
    listed = list(phrases)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"
