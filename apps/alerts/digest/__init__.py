"""What a digest says, before it is laid out: entries in, sentence and sections out. No queries, no
clock."""

from apps.alerts.digest.building import digest_of
from apps.alerts.digest.day_items import is_over
from apps.alerts.digest.parts import (
    FITS,
    MOST_APPLICATIONS,
    MOST_BYTES,
    MOST_ITEMS,
    MOST_ITEMS_AT_FIRST,
    Digest,
    Entry,
    Facts,
    Fallback,
    Item,
    Price,
    Use,
)

__all__ = [
    "FITS",
    "MOST_APPLICATIONS",
    "MOST_BYTES",
    "MOST_ITEMS",
    "MOST_ITEMS_AT_FIRST",
    "Digest",
    "Entry",
    "Facts",
    "Fallback",
    "Item",
    "Price",
    "Use",
    "digest_of",
    "is_over",
]
