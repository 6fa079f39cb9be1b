"""What only a browser can tell: signing in, dialogs, keys, progress, narrow screens, an empty console."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from apps.common.time import now
from apps.feeds.models import FeedRun
from tests.web.test_pages import PAGES, address
from tests.web.world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db):
    return make_world()


@pytest.fixture
def signed_in(browser, live_server, world):
    """The browser, signed in as governance by the form."""
    browser.get(f"{live_server.url}/accounts/login/?next=/")
    browser.find_element(By.NAME, "login").send_keys("maren")
    browser.find_element(By.NAME, "password").send_keys("password" + Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".kpis"))
    return browser


def press(browser, key):
    ActionChains(browser).send_keys(key).perform()


def test_signing_in_leads_to_the_overview(signed_in):
    assert "62" not in signed_in.title
    assert signed_in.title == "Overview · Foundation Registry"


def test_a_wrong_password_says_so(browser, live_server, world):
    browser.get(f"{live_server.url}/accounts/login/")
    browser.find_element(By.NAME, "login").send_keys("maren")
    browser.find_element(By.NAME, "password").send_keys("wrong" + Keys.ENTER)

    WebDriverWait(browser, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "[role=alert], .err"))


def test_slash_opens_the_search_and_a_word_finds_the_application(signed_in):
    press(signed_in, "/")
    signed_in.find_element(By.CSS_SELECTOR, "#search[open] input").send_keys("triage")

    hit = WebDriverWait(signed_in, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "#search-hits a"))[0]
    assert "Claims triage" in hit.text
    press(signed_in, Keys.ARROW_DOWN)
    press(signed_in, Keys.ENTER)
    WebDriverWait(signed_in, 10).until(lambda driver: driver.title.startswith("Claims triage"))


def test_the_question_mark_opens_the_help_and_j_moves_through_a_list(signed_in, live_server):
    signed_in.get(f"{live_server.url}/applications/")
    press(signed_in, "?")
    assert signed_in.find_element(By.ID, "keys").is_displayed()
    press(signed_in, Keys.ESCAPE)
    press(signed_in, "j")
    press(signed_in, "j")
    press(signed_in, "k")

    rows = signed_in.find_elements(By.CSS_SELECTOR, "table.list tbody tr")
    assert [("cursor" in row.get_attribute("class")) for row in rows] == [True, False, False]


def test_filtering_swaps_the_list_and_keeps_the_filter_in_the_address(signed_in, live_server):
    signed_in.get(f"{live_server.url}/applications/")
    field = signed_in.find_element(By.NAME, "q")
    field.send_keys("triage" + Keys.ENTER)

    WebDriverWait(signed_in, 10).until(
        lambda driver: len(driver.find_elements(By.CSS_SELECTOR, "#listing tbody tr")) == 1
    )
    assert "q=triage" in signed_in.current_url


def test_poll_now_shows_its_progress_until_the_run_is_closed(signed_in, live_server, world):
    run = FeedRun.objects.create(source=world.source, trigger="schedule", queued_at=now(), status="queued")
    signed_in.get(f"{live_server.url}/feeds/runs/{run.pk}/")
    assert "waiting for a worker" in signed_in.find_element(By.CSS_SELECTOR, ".progress").text

    FeedRun.objects.filter(pk=run.pk).update(status="running", step="parse")
    WebDriverWait(signed_in, 10).until(
        lambda driver: "reading the rows" in driver.find_element(By.CSS_SELECTOR, ".progress").text
    )
    FeedRun.objects.filter(pk=run.pk).update(status="changed", rows=120, rows_changed=4, finished_at=now())
    # the page is drawn anew, so that its sentence and its numbers tell the same moment
    WebDriverWait(signed_in, 10).until(
        lambda driver: "changed four rows" in driver.find_element(By.CSS_SELECTOR, "h1").text,
        "the page says how the run ended",
    )


def test_no_page_scrolls_sideways_on_a_phone_or_complains_in_the_console(signed_in, live_server, world):
    signed_in.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    wide = {}
    try:
        for name, path in PAGES.items():
            signed_in.get(live_server.url + address(path, world))
            width = signed_in.execute_script("return document.documentElement.scrollWidth")
            if width > 360:
                wide[name] = width
    finally:
        signed_in.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert wide == {}
    # a refused inline style or script would be among them
    assert [line for line in signed_in.get_log("browser") if "Content Security Policy" in line["message"]] == []
