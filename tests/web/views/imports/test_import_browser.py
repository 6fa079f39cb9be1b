"""The whole way of a spreadsheet in a browser: the example of the fictional insurer, the register
of a bank as banks keep them, without JavaScript and on a phone."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.browsing import PHONE, expect_no_violations, sideways

pytestmark = [pytest.mark.proof, pytest.mark.browser]

# with spaces at which no line breaks
RETIRED = re.compile(r"Retired on 10\s+September\s+2026")


@pytest.fixture
def maren(demo):
    """Every ID of Claude 3 Haiku that is known on Amazon Bedrock is retired."""
    Offering.objects.filter(
        host__slug="amazon-bedrock", api_id__contains="claude-3-haiku-20240307"
    ).update(lifecycle="retired", retires_on=date(2026, 9, 10), date_kind="firm")
    return User.objects.get(username="maren")


def test_the_example_is_imported_from_the_file_to_the_result_and_undone(maren, signed_in):
    desk = signed_in(maren)
    desk.goto("/imports/")
    desk.get_by_role("button", name="Try the example").click()

    expect(desk.locator(".wizard [aria-current]")).to_have_text("Columns")
    expect(desk.get_by_label("Modell(e)")).to_have_value("use.model")
    expect_no_violations(desk)
    desk.get_by_role("button", name="Read values").click()

    expect(desk.locator(".sentence")).to_contain_text("All 24 rows can be imported.")
    haiku = desk.locator("#s-models tr", has_text="Haiku 3")
    expect(haiku).to_contain_text(RETIRED)
    expect(haiku).to_contain_text("by every ID of this version known on Amazon Bedrock")
    expect(desk.locator("#s-models")).not_to_contain_text("No retirement announced")
    expect_no_violations(desk)
    # the list of IDs chooses its button
    haiku.get_by_role("combobox").select_option(index=1)
    expect(haiku.get_by_role("radio").nth(1)).to_be_checked()
    desk.get_by_role("button", name="Preview import").click()

    expect(desk.locator(".consequences")).to_contain_text("24 applications")
    expect(desk.locator(".consequences")).to_contain_text("their owners are notified immediately")
    assert not Application.objects.filter(name="Posteingang Sortierung").exists()
    row = desk.locator("tr", has_text="Ideenbörse Vertrieb")
    row.get_by_role("link", name="Edit row").click()
    desk.get_by_label("Anwendung / Use case").fill("Ideenbörse")
    desk.get_by_role("button", name="Save row").click()
    expect(desk.locator("tr.editing")).to_have_count(0)
    expect(desk.locator("tr", has_text="Ideenbörse")).not_to_contain_text("Vertrieb new")
    expect_no_violations(desk)
    desk.get_by_role("button", name="Import these rows").click()

    expect(desk.locator(".sentence")).to_contain_text("24 applications")
    expect(desk.get_by_role("button", name=re.compile("^Invite all"))).to_be_visible()
    assert Application.objects.filter(name="Ideenbörse").exists()
    expect_no_violations(desk)
    desk.get_by_text("Undo import").first.click()
    desk.get_by_role("button", name="Undo import").click()
    expect(desk.locator(".sentence")).to_contain_text("This import was undone")
    assert not Application.objects.filter(name="Posteingang Sortierung").exists()


def test_without_a_script_the_whole_way_is_forms(maren, browse):
    page = browse(maren, java_script=False)
    page.goto("/imports/")
    page.get_by_role("button", name="Try the example").click()
    page.get_by_role("button", name="Read values").click()
    page.get_by_label("Meaning of Tier 4").select_option("2")
    page.get_by_role("button", name="Save and continue later").click()
    expect(page.locator("#said")).to_contain_text("1 choice saved.")
    page.locator("table.list a", has_text="calder-ai-register.xlsx").first.click()
    expect(page.get_by_label("Meaning of Tier 4")).to_have_value("2")
    page.get_by_role("button", name="Preview import").click()
    page.get_by_role("link", name="Edit row 28").click()
    page.get_by_label("Anwendung / Use case").fill("Ideenbörse")
    page.get_by_role("button", name="Save row").click()
    expect(page.locator("#said")).to_contain_text("Row 28 was saved.")
    expect(page.locator("tr", has_text="Ideenbörse")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_steps_fit_a_phone(maren, signed_in, scheme):
    page = signed_in(maren, size=PHONE, scheme=scheme)
    page.goto("/imports/")
    page.get_by_role("button", name="Try the example").click()
    for button in ("Read values", "Preview import"):
        assert sideways(page) == 0
        expect_no_violations(page)
        page.get_by_role("button", name=button).click()
    assert sideways(page) == 0
    page.get_by_role("link", name="Edit row 5").click()
    expect(page.locator("tr.editing")).to_be_visible()
    assert sideways(page) == 0
    expect_no_violations(page)


@pytest.mark.shared
def test_the_register_of_a_bank_comes_in_on_the_first_confirmation(maren, signed_in, shared):
    desk = signed_in(maren)
    desk.goto("/imports/")
    desk.get_by_label("File", exact=True).set_input_files(
        shared / "samples" / "sheets" / "bank-register.xlsx"
    )
    desk.get_by_role("button", name="Upload file").click()
    desk.get_by_role("button", name="Read values").click()
    expect(desk.locator(".sentence")).to_contain_text("All 30 rows can be imported.")
    expect(desk.locator("#s-models tr", has_text="Haiku 3")).to_contain_text(RETIRED)
    desk.get_by_role("button", name="Preview import").click()
    desk.get_by_role("button", name="Import these rows").click()
    expect(desk.locator("#h-next")).to_be_visible()

    names = ("KYC Assist", "IT ticket routing", 'Customer chatbot "Nora"', "Old RPA mail bot")
    assert Application.objects.filter(name__in=names).count() == 4
