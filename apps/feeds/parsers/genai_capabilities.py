"""Capabilities in genai-prices: the context window of some rows.

Most rows are rules that match model IDs by their beginning or a part: they state the price of
several models at once, and nothing about one of them. Only a row whose rule names its IDs in full
is a statement about an offering."""

from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities

_EXACT = "equals"
_ANY = "or"
_MAX_ALTERNATIVES = 200


def read_capabilities(raw: dict[str, Any]) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states."""
    stated = StatedCapabilities()
    if _names_ids(raw.get("match") or raw.get("matches")):
        stated.add("context_window", raw.get("context_window"))
    return stated.values


def _names_ids(rule: object) -> bool:
    """Return whether a matching rule names model IDs in full and nothing else."""
    alternatives = rule.get(_ANY) if isinstance(rule, dict) else None
    if isinstance(alternatives, list):
        return 0 < len(alternatives) <= _MAX_ALTERNATIVES and all(
            isinstance(each, dict) and set(each) == {_EXACT} for each in alternatives
        )
    return isinstance(rule, dict) and set(rule) == {_EXACT}
