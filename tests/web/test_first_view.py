"""The first view of a page: small enough for a slow line, and nothing jumps while it loads."""

import gzip

import pytest
from playwright.sync_api import Request

from apps.accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.proof]

MAIN_PAGES = (
    "/",
    "/applications/",
    "/exposure/",
    "/risks/",
    "/calendar/",
    "/alerts/",
    "/feeds/",
    "/what-if/",
    "/campaigns/",
    "/choosing/",
    "/reports/",
    "/foundations/",
    "/offerings/",
)
MOST_BYTES = 150_000
MOST_SHIFT = 0.01

# counts what moves without anybody having asked for it, from the first paint on
WATCH = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture
def page(signed_in, demo):
    page = signed_in(User.objects.get(username="maren"))
    page.add_init_script(WATCH)
    return page


def test_nothing_jumps_while_a_page_loads(page):
    jumping = {}
    for path in MAIN_PAGES:
        page.goto(path)
        page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
        if (shifted := page.evaluate("window.shifted")) > MOST_SHIFT:
            jumping[path] = round(shifted, 4)

    assert jumping == {}


def test_a_first_view_is_small(signed_in, demo):
    """Pages as they are sent here; style sheets, scripts and pictures as `collectstatic` compresses
    them."""
    heavy = {}
    for path in MAIN_PAGES:
        page = signed_in(User.objects.get(username="maren"))
        answers: list[Request] = []
        page.on("requestfinished", lambda request, answers=answers: answers.append(request))
        page.goto(path, wait_until="networkidle")
        sizes = {request.url: size_of(request) for request in answers}
        assert len(sizes) > 2, "style sheet and scripts are among them"
        if sum(sizes.values()) > MOST_BYTES:
            heavy[path] = sizes

    assert heavy == {}


def size_of(request: Request) -> int:
    answer = request.response()
    assert answer is not None
    if "/static/" in request.url:
        return len(gzip.compress(answer.body(), 6))
    return int(request.sizes()["responseBodySize"])
