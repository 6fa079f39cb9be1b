"""What is said of a retirement date that has come: due until its source confirms it."""

from datetime import date, timedelta
from typing import Any

import pytest

from apps.catalog.models import DueStatus, Offering
from apps.catalog.retirements.due import due_note, due_text, retired_note

DAY = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("status", "today", "text"),
    [
        ("still_listed", DAY, "due today, still listed by its host"),
        ("unconfirmed", DAY, "due today, not confirmed by its source yet"),
        ("", DAY + timedelta(1), "due since 1 October 2026, not confirmed by its source yet"),
        ("still_listed", DAY + timedelta(1), "due since 1 October 2026, still listed by its host"),
    ],
)
def test_a_date_that_has_come_is_due(status: str, today: date, text: str) -> None:
    assert due_text(DAY, status, today) == text


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"retires_on": DAY + timedelta(1), "date_kind": "firm"}, ""),
        ({"retires_on": DAY, "date_kind": "not_before"}, ""),
        ({"retires_on": DAY, "date_kind": "firm"}, "not confirmed by its source yet"),
        (
            {"retires_on": DAY, "date_kind": "firm", "due_status": "still_listed"},
            "still listed by its host",
        ),
        ({"retires_on": DAY, "date_kind": "firm", "lifecycle": "retired"}, ""),
        (
            {
                "retires_on": DAY,
                "date_kind": "firm",
                "lifecycle": "retired",
                "due_status": "unconfirmed",
            },
            "its source was not read since",
        ),
    ],
)
def test_the_note_of_an_offering_follows_its_source(fields: dict[str, Any], note: str) -> None:
    assert due_note(Offering(**fields), DAY) == note


def test_every_status_has_its_words() -> None:
    for status in DueStatus:
        assert due_text(DAY, status, DAY)
        assert retired_note(status)
    assert retired_note("") == ""
