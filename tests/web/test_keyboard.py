"""The main ways through the pages without a mouse, and without motion for who asked for none."""

import re

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.alerts.models import Alert, AlertIssue

pytestmark = [pytest.mark.browser, pytest.mark.proof]


@pytest.fixture
def desk(signed_in, demo):
    page = signed_in(User.objects.get(username="maren"))
    page.goto("/applications/")
    return page


def focused(page: Page, selector: str) -> bool:
    """Whether the element that has the focus is one of `selector` or within one."""
    return bool(
        page.evaluate("selector => document.activeElement.closest(selector) !== null", selector)
    )


def tab_to(page: Page, selector: str, *, most: int = 60) -> None:
    """Presses Tab until the focus is there."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page, selector):
            return
    raise AssertionError(f"{selector} is more than {most} tabs away on {page.url}")


def acknowledged_ids() -> set[int]:
    return set(Alert.objects.filter(state="acknowledged").values_list("pk", flat=True))


def issue_ids_of(alert_id: int) -> set[int]:
    return set(AlertIssue.objects.filter(alert=alert_id).values_list("issue_id", flat=True))


def test_the_first_tab_skips_to_the_content(desk):
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(desk.locator(".skip"), "it shows when it has the focus").to_be_in_viewport()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")

    assert focused(desk, "main")


def test_slash_opens_the_search_which_keeps_the_focus_and_gives_it_back(desk):
    opener = desk.locator("[data-opens=search]").first
    opener.focus()
    desk.keyboard.press("/")
    expect(desk.locator("#search-words")).to_be_focused()
    for _ in range(6):
        desk.keyboard.press("Tab")
        assert desk.evaluate("document.activeElement === document.body") or focused(desk, "#search")
    desk.keyboard.press("Escape")

    expect(desk.locator("#search")).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_question_mark_shows_the_keys_and_gives_the_focus_back(desk):
    head = desk.locator("#listing thead a").first
    head.focus()
    desk.keyboard.press("?")
    expect(desk.locator("#keys")).to_be_visible()
    tab_to(desk, "#keys button", most=3)
    desk.keyboard.press("Enter")

    expect(desk.locator("#keys")).to_be_hidden()
    expect(head).to_be_focused()


def test_j_and_k_walk_the_rows_and_enter_opens_one(desk):
    for key in "jjjk":
        desk.keyboard.press(key)
    row = desk.locator("table.list tbody tr").nth(1)
    expect(row).to_have_class(re.compile(r"\bcursor\b"))
    name = row.locator("a").first
    expect(name).to_be_focused()
    words = name.inner_text()
    desk.keyboard.press("Enter")

    expect(desk).to_have_title(re.compile(f"^{re.escape(words)}"))


def test_the_focus_stays_where_it_was_when_a_region_is_drawn_anew(desk):
    """The calendar is replaced with the control that asked for it."""
    desk.goto("/calendar/")
    desk.locator("[name=days]:checked").focus()
    desk.keyboard.press("ArrowLeft")
    desk.wait_for_url("**days=90**")

    expect(desk.get_by_role("radio", name="90 days")).to_be_checked()
    expect(desk.get_by_role("radio", name="90 days")).to_be_focused()


def test_filters_are_used_without_losing_ones_place(desk):
    words = desk.get_by_role("searchbox").first
    words.focus()
    desk.keyboard.type("claims")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**q=claims**")

    expect(words).to_be_focused()
    expect(words).to_have_value("claims")


def test_an_alert_is_acknowledged_by_keyboard_and_the_focus_stays_with_it(desk):
    desk.goto("/alerts/")
    before = acknowledged_ids()
    desk.keyboard.press("j")
    tab_to(desk, ".inbox > .msg.cursor .acts button", most=6)
    desk.keyboard.press("Enter")

    row = desk.locator(".inbox > .msg").first
    expect(row).to_contain_text("acknowledged by")
    expect(row.locator(":focus"), "the focus stays in the row").to_have_count(1)
    chosen = int(row.locator("[name=pick]").get_attribute("value") or 0)
    changed = acknowledged_ids() - before
    assert chosen in changed
    # alerts all of whose issues are acknowledged with it follow, and no other does
    issue_ids = issue_ids_of(chosen)
    assert all(issue_ids_of(pk) and issue_ids_of(pk) <= issue_ids for pk in changed - {chosen})


def test_nothing_moves_for_who_asked_for_no_motion(signed_in, demo):
    page = signed_in(User.objects.get(username="maren"), reduced_motion=True)
    moving = """() => [...document.querySelectorAll("*")].filter(element => {
        const style = getComputedStyle(element);
        return style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)
            || (style.animationName !== "none" && parseFloat(style.animationDuration) > 0)
            || style.scrollBehavior === "smooth";
    }).map(element => element.tagName + "." + element.className)"""
    for path in ("/", "/applications/", "/exposure/", "/alerts/"):
        page.goto(path)
        assert page.evaluate(moving) == [], path
