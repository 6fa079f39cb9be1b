"""What only a browser can tell of the feeds pages: they fit a phone, and a decision is taken and
undone on them."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.catalog.models import Assertion
from apps.common.time import now
from apps.feeds.polls.pipeline import poll_source
from tests.browsing import PHONE, sideways
from tests.web.held_feed import AFTER, BEFORE, HELD_PAGE, price_map
from tests.worlds.portfolio import make_portfolio_world

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def suspect(transactional_db, tmp_path):
    """A world in which twelve changes of one feed wait."""
    world = make_portfolio_world()
    body = tmp_path / "map.json"
    for hours_ago, days in ((30, BEFORE), (1, AFTER)):
        body.write_text(price_map(**days))
        poll_source(
            world.source, at=now() - timedelta(hours=hours_ago), url=body.as_uri(), trigger="test"
        )
    return world


def test_the_pages_fit_a_phone_and_show_the_narrow_strip_there(signed_in, suspect):
    page = signed_in(suspect.governance, size=PHONE)
    wide, shown = {}, {}
    for path in (
        "/feeds/",
        "/feeds/runs/",
        "/feeds/quarantine/",
        HELD_PAGE,
        HELD_PAGE + "?decide=accept",
    ):
        page.goto(path)
        wide[path] = sideways(page)
        shown[path] = {
            "narrow-only" in strip.get_attribute("class")
            for strip in page.locator(".strip:visible").all()
        }

    assert set(wide.values()) == {0}, wide
    assert {path: strips for path, strips in shown.items() if strips} == {"/feeds/": {True}}


def test_a_refusal_is_two_steps_away_and_undone_with_one(signed_in, suspect):
    page = signed_in(suspect.governance)
    page.goto("/feeds/")
    page.get_by_role("link", name="Reject changes").click()
    page.locator("[name=reason]").fill("Their page changed its layout")
    page.locator("#decide button").click()
    expect(page.locator(".undo")).to_be_visible()
    assert Assertion.objects.filter(refused__isnull=False).count() == 12

    page.locator(".undo button").click()
    expect(page.locator("#main")).to_contain_text("undone")

    assert not Assertion.objects.filter(refused__isnull=False).exists()
