"""A sound document with one part gone wrong, in every way: what a parser must read or refuse, never
trip over."""

import copy
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    1e-300,
    "",
    "\x00\ud800",
    "9" * 500,
    "2026-13-45",
    "13:61",
    [],
    {},
    [None],
    {"a": [1]},
)


def spoilt(whole: Any) -> Iterator[Any]:
    """The document with each of its parts replaced by each odd value, one at a time."""
    for path in _paths(whole):
        for odd in ODD:
            changed = copy.deepcopy(whole)
            parent = changed
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = odd
            yield changed


def _paths(part: Any) -> Iterator[list[Any]]:
    keys = (
        part.keys()
        if isinstance(part, dict)
        else range(len(part))
        if isinstance(part, list)
        else ()
    )
    for key in keys:
        yield [key]
        yield from ([key, *rest] for rest in _paths(part[key]))
