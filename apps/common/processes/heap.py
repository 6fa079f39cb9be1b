"""Preparation of a serving process, once, before its first response."""

import gc

from django.urls import get_resolver


def freeze_heap() -> None:
    """Load every page, then take all that has been loaded out of the collector's sight.

    A web process holds half a million objects that live as long as it does. Going through them
    again and again cost a request in thirty some 170 ms on the machine of docs/bench.md, and 13 ms
    afterwards.
    """
    get_resolver().reverse_dict  # noqa: B018 - asking for it imports the views of every address
    gc.collect()
    gc.freeze()
    # the collector goes through old objects when a quarter as many have joined them: it counts
    # anew, from none
    gc.collect()
