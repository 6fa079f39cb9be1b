"""Resolution of URLs by their first segment.

Django tries one pattern after another. With two hundred routes under one prefix, the last one costs
more than the view's middleware. Routes whose first segment is a constant are looked up by it.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

# beginning of a route, as `path` or as a regular expression: a constant and the end of the segment
_CONSTANT_SEGMENT = re.compile(r"\^?([A-Za-z0-9_.-]{1,100})(?:/|$)")

type Route = URLPattern | URLResolver


class SegmentResolver(URLResolver):
    """Resolves a URL among the routes that can begin with its first segment, in their order.

    Routes without a constant first segment are candidates for every URL. Walking over
    `url_patterns` and reversing of names see all routes, as with `include`.
    """

    def __init__(self, prefix: str, routes: Sequence[Route]) -> None:
        super().__init__(RoutePattern(prefix, is_endpoint=False), list(routes))

    @cached_property
    def _resolvers(self) -> dict[str | None, URLResolver]:
        """Return {first segment: resolver of its candidates}; None stands for any other segment."""
        segments = [(_constant_segment(route), route) for route in self.url_patterns]
        return {
            segment: URLResolver(
                self.pattern, [route for own, route in segments if own in (segment, None)]
            )
            for segment in {None, *(segment for segment, _ in segments)}
        }

    def resolve(self, path: str) -> Any:
        prefix = str(self.pattern)
        segment = path[len(prefix) :].partition("/")[0] if path.startswith(prefix) else None
        resolvers = self._resolvers
        return resolvers.get(segment, resolvers[None]).resolve(path)


def _constant_segment(route: Route) -> str | None:
    """Return the constant first segment of a route; None if it has none."""
    pattern: Any = route.pattern
    text = str(pattern)
    if isinstance(pattern, RoutePattern):
        found = _CONSTANT_SEGMENT.match(text)
        return found.group(1) if found else None
    # in a regular expression a dot is any character
    found = _CONSTANT_SEGMENT.match(text) if text.startswith("^") else None
    return found.group(1) if found and "." not in found.group(1) else None
