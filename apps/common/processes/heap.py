"""Preparation of a web process before its first response."""

import gc

from django.urls import get_resolver


def freeze_heap() -> None:
    """Load every page, then exclude all loaded objects from garbage collection.

    A web process holds half a million objects that live as long as it does. Going through them
    again and again cost one request in thirty some 170 ms on the machine of docs/bench.md, and 13
    ms afterwards.
    """
    get_resolver().reverse_dict  # noqa: B018 - the attribute imports the views of all URLs
    gc.collect()
    gc.freeze()
    # a full collection starts when new objects exceed a quarter of the old ones; this run resets
    # those counts
    gc.collect()
