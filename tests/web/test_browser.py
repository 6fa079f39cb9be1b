"""What only a browser can tell: signing in, dialogs, keys, progress, narrow screens, an empty
console."""

import re

import pytest
from playwright.sync_api import expect

from apps.common.time import now
from apps.feeds.models import FeedRun
from tests.browsing import PHONE, sideways
from tests.web.page_addresses import PAGES, address_of
from tests.worlds.portfolio import make_portfolio_world

pytestmark = [pytest.mark.proof, pytest.mark.browser]


@pytest.fixture(scope="module")
def world(committed):
    with committed():
        yield make_portfolio_world()


@pytest.fixture
def desk(signed_in, world):
    """The overview of governance."""
    page = signed_in(world.governance)
    page.goto("/")
    return page


def test_signing_in_leads_to_the_overview(page, world):
    page.goto("/accounts/login/?next=/")
    page.locator("[name=login]").fill("maren")
    page.locator("[name=password]").fill("password")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Decisions today")).to_be_visible()
    expect(page).to_have_title("Home · Foundation Registry")


def test_a_wrong_password_says_so(page, world):
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill("maren")
    page.locator("[name=password]").fill("wrong")
    page.keyboard.press("Enter")

    expect(page.locator("[role=alert], .err").first).to_be_visible()


def test_slash_opens_the_search_and_a_word_finds_the_application(desk):
    desk.keyboard.press("/")
    desk.locator("#search[open] input").press_sequentially("triage")

    expect(desk.locator("#search-hits a").first).to_contain_text("Claims triage")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk).to_have_title(re.compile(r"^Claims triage"))


def test_the_question_mark_opens_the_help_and_j_moves_through_a_list(desk):
    desk.goto("/applications/")
    desk.keyboard.press("?")
    expect(desk.locator("#keys")).to_be_visible()
    desk.keyboard.press("Escape")
    for key in "jjk":
        desk.keyboard.press(key)

    rows = desk.locator("table.list tbody tr")
    expect(rows).to_have_class([re.compile(r"\bcursor\b"), NO_CURSOR, NO_CURSOR])


NO_CURSOR = re.compile(r"^(?!.*\bcursor\b)")


def test_filtering_swaps_the_list_and_keeps_the_filter_in_the_address(desk):
    desk.goto("/applications/")
    desk.locator("[name=q]").first.fill("triage")
    desk.keyboard.press("Enter")

    expect(desk.locator("#listing tbody tr")).to_have_count(1)
    expect(desk).to_have_url(re.compile("q=triage"))


def test_no_page_scrolls_sideways_on_a_phone_or_complains_in_the_console(signed_in, world):
    page = signed_in(world.governance, size=PHONE)
    wide = {}
    for name, path in PAGES.items():
        page.goto(address_of(path, world))
        if sideways(page):
            wide[name] = sideways(page)

    assert wide == {}


def test_poll_now_shows_its_progress_until_the_run_is_closed(desk, world):
    run = FeedRun.objects.create(
        source=world.source, trigger="schedule", queued_at=now(), status="queued"
    )
    desk.goto(f"/feeds/runs/{run.pk}/")
    expect(desk.locator(".progress")).to_contain_text("waiting for a worker")

    FeedRun.objects.filter(pk=run.pk).update(status="running", step="parse")
    expect(desk.locator(".progress")).to_contain_text("reading the rows")

    FeedRun.objects.filter(pk=run.pk).update(
        status="changed", rows=120, rows_changed=4, finished_at=now()
    )
    # the page is drawn anew, so that its sentence and its numbers tell the same moment
    expect(desk.locator(".sentence"), "the page says how the run ended").to_contain_text(
        "changed 4 rows"
    )
