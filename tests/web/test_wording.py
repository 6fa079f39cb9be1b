"""The same fact reads the same everywhere."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.catalog.models import ProviderEvent
from apps.web import wording

TODAY = date(2026, 11, 24)


def test_a_day_names_its_year_unless_it_is_this_one():
    assert wording.day(date(2027, 4, 8), today=TODAY) == "8 Apr 2027"
    assert wording.day(date(2026, 12, 1), today=TODAY) == "1 Dec"
    # a past date says its year, also in this one
    assert wording.day(date(2026, 2, 17), today=TODAY) == "17 Feb 2026"


def test_numbers_have_a_true_minus_and_percent_has_no_space():
    assert wording.number(-1234) == "−1,234"
    assert wording.share(0.615) == "62%"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            "The test of 2026-01-30 (to gpt-5.4) has expired.",
            "The test of 30 Jan 2026 (to gpt-5.4) has expired.",
        ),
        ("Ends 2026-11-11, or 2026-11-12.", "Ends 11 Nov 2026, or 12 Nov 2026."),
        (
            "gpt-4.1-2025-04-14 and claude@2025-09-29 stay",
            "gpt-4.1-2025-04-14 and claude@2025-09-29 stay",
        ),
        (
            "2026-11-26T01:17:39 is a moment, 2026-02-30 no day",
            "2026-11-26T01:17:39 is a moment, 2026-02-30 no day",
        ),
    ],
)
def test_a_stored_sentence_has_its_days_as_people_write_them_and_ids_stay(stored, shown):
    assert wording.with_written_dates(stored) == shown


def test_a_value_of_a_history_is_read_where_it_is_a_day_or_a_moment():
    assert (
        wording.format_recorded_value("2026-11-26T01:17:39.051317+00:00")
        == "26 Nov 2026, 01:17:39 UTC"
    )
    assert wording.format_recorded_value("2026-11-26") == "26 Nov 2026"
    assert wording.format_recorded_value('{"input@2026-09-10": "3"}') == '{"input@2026-09-10": "3"}'


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("3", "3.00"), ("0.075", "0.075"), ("15.0000", "15.00"), ("1234.5", "1,234.50"), ("x", "x")],
)
def test_prices_keep_two_places_and_those_that_carry_something(amount, shown):
    assert wording.price(amount) == shown


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("announced", None, "2027-01-15", "retires 15 Jan 2027"),
        ("moved_later", "2026-11-30", "2027-04-08", "30 Nov 2026 → 8 Apr 2027, 129 days later"),
        ("moved_earlier", "2027-04-08", "2027-04-07", "8 Apr 2027 → 7 Apr 2027, 1 days earlier"),
        ("withdrawn", "2026-11-30", None, "30 Nov 2026 was withdrawn"),
        ("delisted", None, None, "left the feed without a date"),
        (
            "repriced",
            {"input": "3"},
            {"input": "2.5", "output>200000": "15"},
            "input tokens 3.00 → 2.50; output tokens above 200,000 – → 15.00 USD per million",
        ),
        ("alias_moved", "a/one", "a/two", "a/one → a/two"),
    ],
)
def test_an_event_is_one_clause(kind, old, new, words):
    assert wording.describe_change(ProviderEvent(kind=kind, old=old, new=new)) == words


def test_a_claim_is_one_clause():
    value = {
        "retires_on": "2027-02-17",
        "date_kind": "not_before",
        "status": "active",
        "successor": "next",
    }

    assert (
        wording.describe_claim("lifecycle", value)
        == "retires no earlier than 17 Feb 2027, active, successor next"
    )
    assert (
        wording.describe_claim("price", {"input": "3", "currency": "EUR"})
        == "input tokens 3.00 EUR per million"
    )
    assert wording.describe_claim("lifecycle", {}) == "no date"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "just now"),
        (300, "5 min ago"),
        (7200, "2 h ago"),
        (-3600, "in 1 h"),
        (9 * 86400, "9 d ago"),
    ],
)
def test_how_long_ago(seconds, words):
    at = datetime(2026, 11, 24, tzinfo=UTC)

    assert wording.ago(at - timedelta(seconds=seconds), at=at) == words


def test_long_lists_of_names_are_counted():
    assert wording.join_names(["a", "b"]) == "a and b"
    assert wording.join_names(list("abcdef")) == "a, b, c, d and 2 more"
