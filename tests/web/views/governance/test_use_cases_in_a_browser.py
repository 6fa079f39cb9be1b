"""A use case from the link to the application, in a browser."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.inventory.models import Application, ProposedUseCase
from tests.builders import make_offering, make_team, make_user

pytestmark = [pytest.mark.browser, pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def test_propose_ask_answer_and_accept(
    page: Page, signed_in: Callable[..., Page], transactional_db: None
) -> None:
    maren = make_user("maren", role="governance", first_name="Maren", last_name="Vogt")
    make_team("Claims")
    offering = make_offering("some-model-1")

    # governance makes a link
    governance = signed_in(maren)
    governance.goto("/use-cases/")
    governance.get_by_role("link", name="Create link").first.click()
    governance.get_by_label("Recipients").fill("Claims department")
    governance.get_by_role("button", name="Create link").click()
    expect(governance.locator("#said")).to_contain_text("Link created.")
    url = governance.locator("a.url").first.get_attribute("href") or ""
    path = re.sub(r"^https?://[^/]+", "", url)

    # a colleague without an account proposes
    page.goto(path)
    page.get_by_label("Name of the use case").fill("Letters in plain language")
    page.get_by_label("Purpose").fill("Rewrites letters to customers.")
    page.get_by_label("Decisions about people").select_option("none")
    page.get_by_label("Area of use").select_option("none")
    page.get_by_label("Human oversight").select_option("assists")
    page.get_by_label("Most sensitive data").select_option("confidential")
    page.get_by_label("Access to the model").select_option("unknown")
    page.get_by_label("Role of the organisation").select_option("unknown")
    for group, answer in (
        ("Members of the public are affected", "Yes"),
        ("Sensitive practices", "No"),
        ("Conversations or published content", "No"),
        ("Personal data", "Unknown"),
    ):
        page.get_by_role("group", name=group).get_by_label(answer, exact=True).check()
    page.get_by_label("Your name").fill("Nora Meier")
    page.get_by_label("Your email address").fill("nora@elsewhere.example")
    _picture(page, "form")
    page.get_by_role("button", name="Send proposal").click()
    use_case = ProposedUseCase.objects.get()
    expect(page.locator(".sentence")).to_contain_text(use_case.reference)

    # governance asks, and passes the link on
    governance.goto("/use-cases/")
    _picture(governance, "list")
    governance.get_by_role("link", name="Letters in plain language").click()
    expect(governance.locator("main")).to_contain_text("Unknown: personal data.")
    governance.get_by_text("Ask a question").click()
    governance.get_by_label("Question").fill("Are names in the letters?")
    governance.get_by_role("button", name="Ask question").click()
    expect(governance.locator("#said")).to_contain_text("Pass on the link")
    answer_url = governance.locator("#activity a.url").get_attribute("href") or ""
    page.goto(re.sub(r"^https?://[^/]+", "", answer_url))
    page.get_by_label("Your answer").fill("Yes, of customers.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".sentence")).to_have_text("Your answer was sent.")

    # and accepts
    governance.reload()
    expect(governance.locator("#activity")).to_contain_text("Yes, of customers.")
    _picture(governance, "detail")
    governance.get_by_role("link", name="Accept use case").click()
    governance.get_by_role("searchbox").last.fill("some-model-1")
    governance.get_by_role("button", name="Search").last.click()
    governance.locator(f"#pick-{offering.pk}").check()
    governance.get_by_label("Team").select_option(label="Claims")
    _picture(governance, "accept")
    governance.get_by_role("button", name="Accept use case").click()
    expect(governance.locator("#said")).to_contain_text("is a proposed application")
    application = Application.objects.get()
    assert (application.status, application.team.name) == ("proposed", "Claims")

    # which can be undone
    governance.locator("#said").get_by_role("button", name="Undo").click()
    expect(governance.locator("#said")).to_contain_text("The decision was undone.")
    assert not Application.objects.exists()


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
