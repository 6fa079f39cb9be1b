"""Cells to values: what people write is understood, what can be read in two ways is refused with
both readings."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.intake.spreadsheets.columns.composite_values import (
    format_references,
    format_tags,
    parse_references,
    parse_tags,
)
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    guard_formula,
    normalise_text,
    parse_amount,
    parse_boolean,
    parse_day,
    parse_number,
    parse_whole_number,
    text_of,
)

OPEN = SheetConventions()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1250", "1250"),
        ("1 250,50", "1250.50"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1'234'567", "1234567"),
        ("12,00", "12.00"),
        ("0.125", "0.125"),
        ("1.234.567", "1234567"),
        ("12k", "12000"),
        ("1.5 mio", "1500000"),
        ("1 234.5", "1234.5"),
        (12.5, "12.5"),
        (3, "3"),
        ("0,5", "0.5"),
        ("12\u202f500", "12500"),
    ],
)
def test_numbers_in_their_local_forms(cell, value):
    assert parse_number(cell, OPEN) == Decimal(value)


@pytest.mark.parametrize("cell", ["1.234", "1,234", "12.345"])
def test_a_single_separator_before_three_digits_is_asked_about(cell):
    with pytest.raises(InvalidCellError, match="could be"):
        parse_number(cell, OPEN)


def test_what_the_sheet_says_of_itself_decides_and_whole_numbers_can_only_be_grouped():
    assert parse_number("1.234", SheetConventions(decimal_mark=".")) == Decimal("1.234")
    assert parse_number("1.234", SheetConventions(decimal_mark=",")) == 1234
    assert (
        parse_whole_number("1.234", OPEN, maximum=10_000)
        == parse_whole_number("1,234", OPEN, maximum=10_000)
        == 1234
    )


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("-5", "negative"),
        ("twelve", "not a number"),
        ("1,23,4", "grouped"),
        ("1.2.3", "grouped"),
        ("12 34", "grouped"),
        ("1,5.2,3", "contradict"),
        ("1 %", "percentage"),
        ("5 pcs", "unit"),
        (float("nan"), "not a number"),
        (True, "not a number"),
    ],
)
def test_what_is_no_number_is_said(cell, word):
    with pytest.raises(InvalidCellError, match=word):
        parse_number(cell, OPEN)


def test_money_is_dollars_and_nothing_is_converted():
    assert parse_amount(
        "$1,250.505", SheetConventions(decimal_mark="."), digits=14, places=2, is_money=True
    ) == Decimal("1250.50")
    with pytest.raises(InvalidCellError, match="another currency"):
        parse_amount("1250 €", OPEN, digits=14, places=2, is_money=True)
    with pytest.raises(InvalidCellError, match="too large"):
        parse_amount("9999999999999", OPEN, digits=14, places=2, is_money=True)


def test_shares_may_be_written_as_percent():
    assert parse_amount("62 %", OPEN, digits=18, places=15, is_share=True) == Decimal("0.62")


@pytest.mark.parametrize(
    "cell",
    [
        "2026-04-03",
        "2026-4-3",
        "2026/04/03",
        "03.04.2026",
        "3. April 2026",
        "3 Apr 2026",
        "April 3, 2026",
        "3-Apr-2026",
        "46115",
        46115,
        date(2026, 4, 3),
        datetime(2026, 4, 3, 11),
        "2026-04-03T09:30:00Z",
        "3 avril 2026",
    ],
)
def test_days_in_their_local_forms(cell):
    assert parse_day(cell, OPEN) == date(2026, 4, 3)


def test_a_day_that_can_be_two_is_refused_with_both_and_read_where_the_sheet_says_how():
    with pytest.raises(InvalidCellError, match=r"2026-04-03 or 2026-03-04"):
        parse_day("03/04/2026", OPEN)
    assert parse_day("03/04/2026", SheetConventions(day_order="dmy")) == date(2026, 4, 3)
    assert parse_day("03/04/2026", SheetConventions(day_order="mdy")) == date(2026, 3, 4)
    assert parse_day("31/12/2022", OPEN) == parse_day("12/31/2022", OPEN) == date(2022, 12, 31)
    assert parse_day("04/04/2026", OPEN) == date(2026, 4, 4)


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("Q3 2025", "is not a date"),
        ("2025", "is not a date"),
        ("31.02.2026", "does not exist in the calendar"),
        ("1.2.26", "century"),
        ("01/02/26", "is ambiguous"),
        ("9999-12-31", "' is not a plausible date"),
        ("soon", "is not a date"),
        (12, "is not a date"),
        ("99999", "is not a date"),
    ],
)
def test_what_is_no_day_is_said(cell, word):
    with pytest.raises(InvalidCellError, match=word):
        parse_day(cell, OPEN)


def test_yes_and_no_in_their_languages():
    assert [parse_boolean(cell) for cell in ("Yes", "ja", "x", True, "OUI")] == [True] * 5
    assert [parse_boolean(cell) for cell in ("no", "Nein", 0, "false")] == [False] * 4
    with pytest.raises(InvalidCellError, match="is not yes or no"):
        parse_boolean("maybe")


@given(st.text())
def test_text_written_guarded_reads_back_as_it_is_kept(text):
    kept = normalise_text(text)
    written = guard_formula(kept)

    assert written[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert text_of(written) == kept


@given(
    st.lists(
        st.text(min_size=1, max_size=20).map(normalise_text).filter(bool), unique=True, max_size=8
    )
)
def test_tags_read_back_as_they_were(values):
    assert parse_tags(normalise_text(format_tags(values))) == values


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=5))
def test_references_read_back_as_they_were(values):
    assert parse_references(normalise_text(format_references(values)) or "{}") == values


def test_invisible_marks_survive_among_references_and_tags():
    assert parse_references(normalise_text(format_references({"\x7f": "\u200b"}))) == {
        "\x7f": "\u200b"
    }
    assert parse_tags(normalise_text(format_tags(["a,b", '["']))) == ["a,b", '["']


@pytest.mark.parametrize("cell", ["1" * 65, "1" * 32_767 + "!", "1 " * 16_000 + "!"])
def test_a_number_longer_than_any_is_refused_without_being_read(cell):
    with pytest.raises(InvalidCellError, match=r"has [\d,]+ characters; a number has at most 64"):
        parse_number(cell, OPEN)


def test_the_longest_number_that_is_read_has_64_signs():
    assert parse_number("1" + "0" * 63, OPEN) == Decimal(10) ** 63


def test_a_day_longer_than_any_is_refused():
    with pytest.raises(InvalidCellError, match="is not a date"):
        parse_day("2026-11-24T10:00" + "0" * 60, OPEN)
