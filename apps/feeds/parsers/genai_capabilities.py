"""Capabilities in genai-prices: the context window of some rows, and what their prices prove."""

from collections.abc import Iterable
from typing import Any

from apps.catalog.capabilities.stated import StatedCapabilities
from apps.catalog.claims.feed_rows import PriceLine


def read_capabilities(
    raw: dict[str, Any], prices: Iterable[PriceLine] | None = None
) -> dict[str, Any]:
    """Return {field: canonical value} of what a row states; `prices` are its list prices."""
    stated = StatedCapabilities()
    stated.add("context_window", raw.get("context_window"))
    stated.add_priced(prices)
    return stated.values
