"""Capabilities in models.dev: every row states its modalities, tools, reasoning, weights and
limits.

A limit of 0 is a missing one. `structured_output` is absent on half of the rows, which is
silence."""

from collections.abc import Iterable
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import PriceLine

_NAMED = ("text", "image", "audio", "video", "pdf")


def read_capabilities(
    raw: dict[str, Any], prices: Iterable[PriceLine] | None = None
) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states; `prices` are its list prices."""
    stated = StatedCapabilities()
    modalities = _object_of(raw.get("modalities"))
    stated.add_modalities(modalities.get("input"), modalities.get("output"), named=_NAMED)
    stated.add_flag("tool_calling", raw.get("tool_call"))
    stated.add_flag("structured_output", raw.get("structured_output"))
    stated.add_flag("reasoning", raw.get("reasoning"))
    stated.add_flag("open_weights", raw.get("open_weights"))
    limits = _object_of(raw.get("limit"))
    windows = [limits.get(key) for key in ("context", "input")]
    sizes = [size for size in windows if isinstance(size, int) and size > 0]
    stated.add("context_window", min(sizes, default=None))
    stated.add("max_output", limits.get("output"))
    stated.add_priced(prices)
    stated.add("knowledge_cutoff", raw.get("knowledge"))
    return stated.values


def _object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
