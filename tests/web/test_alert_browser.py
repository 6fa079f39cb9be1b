"""What only a browser can tell of the alerts: a mail's link answers, rows are answered in place, pages fit a phone."""

from datetime import timedelta

import pytest
from django.test import Client
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from apps.alerts import links
from apps.alerts.models import Alert, Delivery, Notice, Preference, Webhook
from apps.common.time import now
from tests.web.world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db):
    return make_world()


@pytest.fixture
def mail(world):
    """A mail to the editor about two alerts."""
    at = now()
    mail = Delivery.objects.create(
        user=world.editor, address="ilse@example.org", message_id="<two@registry>", subject="Two things",
        body_text="...", due_at=at, created_at=at, state="sent", sent_at=at,
    )  # fmt: skip
    further = Alert.objects.create(
        key="further", kind="repriced", severity=2, event=world.event, offering=world.sonnet, team=world.team,
        raised_at=at,
    )  # fmt: skip
    for alert in (world.alert, further):
        Notice.objects.create(alert=alert, user=world.editor, why="owner", owed_at=at, delivery=mail)
    return mail


@pytest.fixture
def editor(browser, live_server, world):
    """The browser, signed in as the editor."""
    client = Client()
    client.force_login(world.editor)
    browser.get(f"{live_server.url}/accounts/login/")
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value, "path": "/"})
    return browser


def wait(browser, condition):
    WebDriverWait(browser, 10, ignored_exceptions=[StaleElementReferenceException]).until(condition)


def heading(browser):
    return browser.find_element(By.CSS_SELECTOR, "h1").text


def test_a_mails_link_answers_without_a_sign_in_and_takes_it_back(browser, live_server, world, mail):
    browser.get(f"{live_server.url}/alerts/answer/{links.answer_token(mail)}/")
    assert heading(browser) == "Two alerts of that mail wait for an answer."
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}

    browser.find_element(By.ID, f"tick-{world.alert.pk}").click()
    browser.find_element(By.CSS_SELECTOR, "[name=action][value='snooze:7']").click()
    wait(browser, lambda driver: heading(driver).startswith("One alert snoozed until"))
    world.alert.refresh_from_db()
    assert (world.alert.snoozed_until, world.alert.snoozed_by) == (world.today + timedelta(7), world.editor)

    browser.find_element(By.CSS_SELECTOR, ".undo button").click()
    wait(browser, lambda driver: heading(driver) == "One alert opened again.")
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}


def test_enter_in_a_field_of_a_mails_link_answers_nothing(browser, live_server, world, mail):
    browser.get(f"{live_server.url}/alerts/answer/{links.answer_token(mail)}/")
    browser.find_element(By.ID, f"tick-{world.alert.pk}").click()

    browser.find_element(By.ID, "why").send_keys("Moved" + Keys.ENTER)

    assert heading(browser) == "Two alerts of that mail wait for an answer."
    assert set(Alert.objects.values_list("state", flat=True)) == {"open"}


def test_a_page_of_an_address_stops_the_mail_and_starts_it_again(browser, live_server, world):
    path = links.unsubscribe_address(user_id=world.editor.pk, team_id=None).partition("/unsubscribe/")[2]
    browser.get(f"{live_server.url}/unsubscribe/{path}")

    browser.find_element(By.CSS_SELECTOR, "[name=choice][value=never]").click()
    wait(browser, lambda driver: heading(driver) == "No mail goes to ilse@example.org any more.")
    assert Preference.objects.get().cadence == "never"

    browser.find_element(By.CSS_SELECTOR, "[name=choice][value=again]").click()
    wait(browser, lambda driver: heading(driver).startswith("Mail goes there again"))
    assert Preference.objects.get().cadence == "daily"


def test_a_row_is_acknowledged_in_place_and_opened_again(editor, live_server, world):
    editor.get(f"{live_server.url}/alerts/")
    editor.find_element(By.CSS_SELECTOR, ".msg .acts button").click()

    wait(editor, lambda driver: "acknowledged by ilse" in driver.find_element(By.CSS_SELECTOR, ".msg").text)
    assert Alert.objects.get().state == "acknowledged"

    editor.find_element(By.CSS_SELECTOR, ".msg .acts button").click()
    wait(editor, lambda driver: driver.find_element(By.CSS_SELECTOR, ".msg .acts").text.startswith("Acknowledge"))
    assert Alert.objects.get().state == "open"


def test_the_other_answers_open_beside_the_row(editor, live_server, world):
    editor.get(f"{live_server.url}/alerts/")
    editor.find_element(By.CSS_SELECTOR, ".further summary").click()
    wait(editor, lambda driver: driver.find_elements(By.CSS_SELECTOR, ".further [name=days]"))

    editor.find_element(By.CSS_SELECTOR, ".further [name=days][value='14']").click()

    wait(editor, lambda driver: driver.find_elements(By.CSS_SELECTOR, ".undo"))
    assert Alert.objects.get().snoozed_until == world.today + timedelta(14)


def test_what_is_ticked_is_answered_together_and_enter_resolves(editor, live_server, world, mail):
    editor.get(f"{live_server.url}/alerts/")
    assert not editor.find_element(By.ID, "several").is_displayed()
    for box in editor.find_elements(By.CSS_SELECTOR, ".pick input"):
        box.click()

    editor.find_element(By.ID, "several-why").send_keys("Moved" + Keys.ENTER)

    wait(editor, lambda driver: driver.find_elements(By.CSS_SELECTOR, ".undo"))
    assert set(Alert.objects.values_list("state", "resolved_why")) == {("resolved", "Moved")}


def test_the_preview_follows_what_is_chosen(editor, live_server, world):
    editor.get(f"{live_server.url}/alerts/subscriptions/new/")
    assert "about 1 alert." in editor.find_element(By.ID, "preview").text

    Select(editor.find_element(By.NAME, "provider")).select_by_value("amazon-bedrock")

    wait(editor, lambda driver: "no mail" in driver.find_element(By.ID, "preview").text)

    editor.find_element(By.NAME, "foundation").send_keys("sonnet")
    wait(
        editor,
        lambda driver: driver.find_elements(By.CSS_SELECTOR, "#foundations option[value=anthropic-claude-sonnet-4-5]"),
    )


def test_the_pages_fit_a_phone_and_need_no_inline_style(editor, live_server, world, mail):
    hook = Webhook.objects.create(
        name="A long name of a system", url="https://example.org/" + "hook/" * 30, created_by=world.governance
    )
    Delivery.objects.create(
        webhook=hook, kind="webhook", address=hook.url, message_id="<three@r>", subject="1 alert", body_text="{}",
        due_at=now(),
    )  # fmt: skip
    world.editor.organisation_role = "governance"
    world.editor.save()
    less = links.unsubscribe_address(user_id=world.editor.pk, team_id=None).partition("/unsubscribe/")[2]
    paths = [
        "/alerts/", f"/alerts/{world.alert.pk}/", "/alerts/subscriptions/", "/alerts/subscriptions/new/",
        "/alerts/settings/", f"/alerts/settings/webhooks/{hook.pk}/", "/deliveries/", "/deliveries/not-carried/",
        f"/deliveries/{mail.pk}/", f"/alerts/answer/{links.answer_token(mail)}/",
        f"/unsubscribe/{less}",
    ]  # fmt: skip
    editor.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    wide = {}
    try:
        for path in paths:
            editor.get(live_server.url + path)
            width = editor.execute_script("return document.documentElement.scrollWidth")
            if width > 360:
                wide[path] = width
    finally:
        editor.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert wide == {}
    assert [line for line in editor.get_log("browser") if "Content Security Policy" in line["message"]] == []
