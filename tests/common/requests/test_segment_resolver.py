"""Routes found by their first segment: the same matches as Django's, among few candidates."""

import pytest
from django.http import Http404, HttpResponse
from django.urls import URLPattern, path, re_path
from django.urls.resolvers import Resolver404

from apps.common.requests.segment_resolver import SegmentResolver


def view(request):
    return HttpResponse()


ROUTES: list[URLPattern] = [
    re_path(r"^models/$", view, name="models"),
    re_path(r"^models/(?P<pk>[0-9]+)/$", view, name="model"),
    path("models/<int:pk>/dates/", view, name="dates"),
    path("bom", view, name="bom"),
    path("<slug:kind>/first/", view, name="any"),
    path("calendar.ics", view, name="calendar"),
    re_path(r"^a.c/$", view, name="dot"),
    re_path(r"^.*/$", view, name="unknown"),
]
RESOLVER = SegmentResolver("v1/", ROUTES)


@pytest.mark.parametrize(
    ("address", "name", "values"),
    [
        ("v1/models/", "models", {}),
        ("v1/models/7/", "model", {"pk": "7"}),
        ("v1/models/7/dates/", "dates", {"pk": 7}),
        # in the order of the routes, not by how exact they are
        ("v1/models/first/", "any", {"kind": "models"}),
        ("v1/else/first/", "any", {"kind": "else"}),
        ("v1/bom", "bom", {}),
        ("v1/calendar.ics", "calendar", {}),
        ("v1/abc/", "dot", {}),
        ("v1/modelsx/", "unknown", {}),
        ("v1/", None, {}),
        ("v2/models/", None, {}),
        ("v1/bo", None, {}),
    ],
)
def test_a_url_is_resolved_to_the_first_route_that_matches(address, name, values):
    if name is None:
        with pytest.raises((Resolver404, Http404)):
            RESOLVER.resolve(address)
        return
    match = RESOLVER.resolve(address)

    assert (match.url_name, match.kwargs) == (name, values)


def test_routes_of_other_segments_are_not_tried():
    match = RESOLVER.resolve("v1/calendar.ics")

    assert len(match.tried or []) <= 3


def test_names_are_reversed_and_all_routes_are_seen():
    assert RESOLVER.reverse("model", pk="7") == "models/7/"
    assert RESOLVER.url_patterns == ROUTES
