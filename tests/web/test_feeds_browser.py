"""What only a browser can tell of the feeds pages: they fit a phone, and a decision is taken and undone on them."""

from datetime import timedelta

import pytest
from django.test import Client
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from apps.catalog.models import Assertion
from apps.common.time import now
from apps.feeds.pipeline import poll
from tests.web.test_feeds_held import AFTER, BEFORE, HELD, price_map
from tests.web.world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def suspect(transactional_db, tmp_path):
    """A world in which twelve changes of one feed wait."""
    world = make_world()
    body = tmp_path / "map.json"
    for hours_ago, days in ((30, BEFORE), (1, AFTER)):
        body.write_text(price_map(**days))
        poll(world.source, at=now() - timedelta(hours=hours_ago), url=body.as_uri(), trigger="test")
    return world


@pytest.fixture
def governance(browser, live_server, suspect):
    """The browser, signed in as governance."""
    client = Client()
    client.force_login(suspect.governance)
    browser.get(f"{live_server.url}/accounts/login/")
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value, "path": "/"})
    return browser


@pytest.mark.parametrize("path", ["/feeds/", "/feeds/runs/", "/feeds/quarantine/", HELD, HELD + "?decide=accept"])
def test_the_pages_fit_a_phone_and_show_the_narrow_strip_there(path, governance, live_server):
    governance.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        governance.get(live_server.url + path)
        width = governance.execute_script("return document.documentElement.scrollWidth")
        strips = governance.find_elements(By.CSS_SELECTOR, ".strip")
        shown = {"narrow-only" in strip.get_attribute("class") for strip in strips if strip.is_displayed()}
    finally:
        governance.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert width <= 360
    assert shown == ({True} if path == "/feeds/" else set())


def test_a_refusal_is_two_steps_away_and_undone_with_one(governance, live_server):
    governance.get(f"{live_server.url}/feeds/")
    governance.find_element(By.LINK_TEXT, "Refuse, keep old rows").click()
    governance.find_element(By.NAME, "reason").send_keys("Their page changed its layout")
    governance.find_element(By.CSS_SELECTOR, "#decide button").click()
    WebDriverWait(governance, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".undo"))
    assert Assertion.objects.filter(refused__isnull=False).count() == 12

    governance.find_element(By.CSS_SELECTOR, ".undo button").click()
    WebDriverWait(governance, 10).until(lambda driver: "taken back" in driver.find_element(By.ID, "main").text)

    assert not Assertion.objects.filter(refused__isnull=False).exists()
