"""What only a browser can tell of Work: its keys, the panel beside a wide list, a phone."""

import pytest
from playwright.sync_api import expect

from apps.issues.models import Issue
from tests.browsing import PHONE, sideways
from tests.builders import make_application, make_issue

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def second(transactional_db, world):
    return make_issue(
        make_application("Letters", team=world.team),
        cause=world.issue.cause,
        due_on=world.issue.due_on,
        act_by=world.in_days(50),
    )


@pytest.fixture
def desk(second, world, signed_in):
    """The inbox of an editor."""
    page = signed_in(world.editor)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/issues/")
    return page


def test_enter_opens_the_marked_issue_in_the_panel(desk, second):
    desk.keyboard.press("j")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")

    expect(desk.locator(".panel h2")).to_contain_text("GPT-4.1 retires on")
    expect(desk.locator(".panel .facts")).to_contain_text("Letters")
    assert f"issue={second.pk}" in desk.url


def test_x_selects_and_e_acknowledges_what_is_selected(desk):
    for key in "jxjxe":
        desk.keyboard.press(key)
    desk.get_by_role("button", name="Acknowledge 2 issues").click()

    expect(desk.locator("#said")).to_contain_text("2 issues acknowledged.")
    assert set(Issue.objects.values_list("state", flat=True)) == {"acknowledged"}


def test_a_and_s_lead_to_their_choice(desk):
    desk.keyboard.press("j")
    desk.keyboard.press("s")
    expect(desk.locator("#selected-days")).to_be_focused()
    desk.locator("#selected-days").blur()
    desk.keyboard.press("a")
    expect(desk.locator("#selected-owner")).to_be_focused()


def test_m_starts_the_migration(second, world, signed_in):
    page = signed_in(world.governance)
    page.goto("/issues/")
    page.keyboard.press("j")
    page.keyboard.press("m")

    page.wait_for_url("**/campaigns/new/?offering=*")


def test_on_a_phone_an_issue_has_its_own_page(desk, world):
    desk.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    desk.goto("/issues/")
    assert not sideways(desk)
    desk.get_by_role("link", name="Claims triage").click()

    desk.wait_for_url(f"**/issues/{world.issue.pk}/")
