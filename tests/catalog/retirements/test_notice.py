"""Dates and URLs in the text of a notice; nothing is guessed."""

from datetime import date

import pytest

from apps.catalog.retirements.notice import dates_in, retirement_date_in, url_in

DAY = date(2027, 4, 8)


@pytest.mark.parametrize(
    "text",
    [
        "retires on 2027-04-08.",
        "will be shut down on 8 April 2027",
        "will be shut down on April 8, 2027",
        "on Apr 8th, 2027 we",
        "8 Apr. 2027 and again 2027-04-08",
    ],
)
def test_one_date_is_found_in_any_clear_form(text):
    assert retirement_date_in(text, after=date(2027, 1, 1)) == DAY


@pytest.mark.parametrize(
    "text",
    ["", "soon", "04/08/2027", "claude-2027-04-08 model", "30 February 2027", "in April 2027"],
)
def test_what_can_be_misread_is_no_date(text):
    assert dates_in(text) == []


def test_of_several_later_dates_none_is_taken():
    text = "Announced 2026-11-01. Retires 8 April 2027, for reserved capacity 8 May 2027."
    assert len(dates_in(text)) == 3
    assert retirement_date_in(text, after=date(2026, 12, 1)) is None
    assert retirement_date_in(text, after=date(2027, 4, 9)) == date(2027, 5, 8)


def test_the_first_url_is_taken_without_its_full_stop():
    assert url_in("See https://maker.example/deprecations. Or http://x.example") == (
        "https://maker.example/deprecations"
    )
    assert url_in("none") == ""
