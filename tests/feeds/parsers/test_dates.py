"""Days as feeds write them."""

from datetime import date

import pytest

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.feeds.parsers.dates import PublishedDay, UnclearDateError, read_day, read_iso_day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", PublishedDay(date(2026, 11, 24))),
        (" 2026-11-24 ", PublishedDay(date(2026, 11, 24))),
        ("2026-11-24T00:00:00Z", PublishedDay(date(2026, 11, 24))),
        ("March 7, 2025", PublishedDay(date(2025, 3, 7))),
        ("Mar 7, 2025", PublishedDay(date(2025, 3, 7))),
        ("Sept. 7 2025", PublishedDay(date(2025, 9, 7))),
        ("7 March 2025", PublishedDay(date(2025, 3, 7))),
        ("July 15th, 2025", PublishedDay(date(2025, 7, 15))),
        ("July 15th,\n 2025*", PublishedDay(date(2025, 7, 15))),
        ("Not sooner than August 5, 2026", PublishedDay(date(2026, 8, 5), NOT_BEFORE)),
        ("No earlier than 2026-08-05", PublishedDay(date(2026, 8, 5), NOT_BEFORE)),
        ("not before August 5, 2026", PublishedDay(date(2026, 8, 5), NOT_BEFORE)),
        ("July 21, 2025 (all regions)", PublishedDay(date(2025, 7, 21))),
        ("July 21, 2025 (all Regions)", PublishedDay(date(2025, 7, 21))),
        ("October 4, 2024 (only in us-west-2)", PublishedDay(date(2024, 10, 4), FIRM, "us-west-2")),
        (
            "May 20, 2025 (us-west-2 and us-east-1)",
            PublishedDay(date(2025, 5, 20), FIRM, "us-east-1, us-west-2"),
        ),
        ("Mar 1, 2026 (us-gov-west-1)", PublishedDay(date(2026, 3, 1), FIRM, "us-gov-west-1")),
    ],
)
def test_a_day_is_read_in_every_form_the_feeds_use(text: str, day: PublishedDay) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text", [None, "", "  ", "N/A", "n/a", "<UNKNOWN>", "Unknown", "TBD", "—", "None"]
)
def test_no_day_is_not_a_fault(text: str | None) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("9999-12-31", "placeholder"),
        ("2090-01-01", "placeholder"),
        ("December 31, 2098", "placeholder"),
        ("1970-01-01", "is earlier than any model"),
        ("2025-02-30", "does not exist"),
        ("February 30, 2025", "does not exist"),
        ("2025-13-01", "does not exist"),
        ("03/04/2025", "contains no readable date."),
        ("March 2026", "contains no readable date."),
        ("soon", "contains no readable date."),
        ("Mai 5, 2026", "contains no readable date."),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "contains no readable date."),
        ("Mar 1, 2026 (us-east-1), Apr 1, 2026 (us-west-2)", "note that cannot be read"),
        ("March 1, 2026 (tentative)", "note that cannot be read"),
        ("March 1, 2026 or later", "note that cannot be read"),
        (20261124, "not text"),
        (["2026-11-24"], "not text"),
    ],
)
def test_a_day_that_may_not_be_acted_on_says_why(text: object, says: str) -> None:
    with pytest.raises(UnclearDateError, match=says):
        read_day(text)


def test_a_long_list_of_regions_is_shortened_to_what_the_catalogue_can_hold() -> None:
    regions = ", ".join(f"eu-central-{number}" for number in range(1, 9))

    day = read_day(f"March 1, 2026 ({regions})")

    assert day == PublishedDay(date(2026, 3, 1), FIRM, "eu-central-1 and 7 other regions")


def test_an_iso_field_is_a_day_or_nothing() -> None:
    assert read_iso_day("2026-11-24") == date(2026, 11, 24)
    assert read_iso_day(None) is None
    assert read_iso_day("") is None


@pytest.mark.parametrize(
    "odd",
    [
        "2026-1-2",
        "24.11.2026",
        "2026-11-24 ",
        20261124,
        True,
        [],
        "9999-01-01",
        "2026-02-30",
        "\u0662\u0660\u0662\u0666-11-24",
    ],
)
def test_an_iso_field_accepts_nothing_else(odd: object) -> None:
    with pytest.raises(UnclearDateError):
        read_iso_day(odd)
