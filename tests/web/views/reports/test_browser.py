"""The reports in a browser: a pack is asked for, followed and fetched; the board's page is one
sheet of paper."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.common.time import day_of, now
from tests.reports.insurer import Insurer, make_insurer

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def insurer(transactional_db: None) -> Insurer:
    return make_insurer(on=day_of(now()))


def test_an_auditors_pack_is_exported_and_the_board_gets_one_page(
    signed_in: Callable[..., Page], insurer: Insurer, tmp_path: Path
) -> None:
    page = signed_in(insurer.governance)
    page.goto("/reports/")
    page.get_by_role("link", name="Evidence pack", exact=True).click()
    page.get_by_label("One application").check()
    page.locator("[name=application]").fill("Claims triage")
    page.get_by_role("button", name="Request pack").click()
    expect(page.locator(".sentence")).to_contain_text("The pack contains 19 files")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download zip").click()
    fetched.value.save_as(tmp_path / "pack.zip")
    assert b"Claims triage" in zipfile.ZipFile(tmp_path / "pack.zip").read("data/applications.csv")

    page.goto("/reports/board/")
    expect(page.locator(".sentence")).to_contain_text("depend on one developer")
    assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) == 1
