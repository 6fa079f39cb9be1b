"""Cells to values: what people write is understood, what can be read in two ways is refused with
both readings."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.intake.sheets.composite import references, refs_text, tags, tags_text
from apps.intake.sheets.values import (
    BadCell,
    Manners,
    amount,
    day,
    guarded,
    number,
    plain,
    text_of,
    whole_number,
    yes_or_no,
)

OPEN = Manners()


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
    assert number(cell, OPEN) == Decimal(value)


@pytest.mark.parametrize("cell", ["1.234", "1,234", "12.345"])
def test_a_single_separator_before_three_digits_is_asked_about(cell):
    with pytest.raises(BadCell, match="can mean"):
        number(cell, OPEN)


def test_what_the_sheet_says_of_itself_decides_and_whole_numbers_can_only_be_grouped():
    assert number("1.234", Manners(decimal_mark=".")) == Decimal("1.234")
    assert number("1.234", Manners(decimal_mark=",")) == 1234
    assert (
        whole_number("1.234", OPEN, most=10_000) == whole_number("1,234", OPEN, most=10_000) == 1234
    )


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("-5", "negative"),
        ("twelve", "no number"),
        ("1,23,4", "grouped"),
        ("1.2.3", "grouped"),
        ("12 34", "grouped"),
        ("1,5.2,3", "contradict"),
        ("1 %", "share"),
        ("5 pcs", "unit"),
        (float("nan"), "no number"),
        (True, "no number"),
    ],
)
def test_what_is_no_number_is_said(cell, word):
    with pytest.raises(BadCell, match=word):
        number(cell, OPEN)


def test_money_is_dollars_and_nothing_is_converted():
    assert amount(
        "$1,250.505", Manners(decimal_mark="."), digits=14, places=2, money=True
    ) == Decimal("1250.50")
    with pytest.raises(BadCell, match="another currency"):
        amount("1250 €", OPEN, digits=14, places=2, money=True)
    with pytest.raises(BadCell, match="too large"):
        amount("9999999999999", OPEN, digits=14, places=2, money=True)


def test_shares_may_be_written_as_percent():
    assert amount("62 %", OPEN, digits=18, places=15, share=True) == Decimal("0.62")


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
    assert day(cell, OPEN) == date(2026, 4, 3)


def test_a_day_that_can_be_two_is_refused_with_both_and_read_where_the_sheet_says_how():
    with pytest.raises(BadCell, match=r"2026-04-03 or 2026-03-04"):
        day("03/04/2026", OPEN)
    assert day("03/04/2026", Manners(day_order="dmy")) == date(2026, 4, 3)
    assert day("03/04/2026", Manners(day_order="mdy")) == date(2026, 3, 4)
    assert day("31/12/2022", OPEN) == day("12/31/2022", OPEN) == date(2022, 12, 31)
    assert day("04/04/2026", OPEN) == date(2026, 4, 4)


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("Q3 2025", "no day"),
        ("2025", "no day"),
        ("31.02.2026", "no day"),
        ("1.2.26", "century"),
        ("01/02/26", "open"),
        ("9999-12-31", "not a likely day"),
        ("soon", "no day"),
        (12, "no day"),
        ("99999", "no day"),
    ],
)
def test_what_is_no_day_is_said(cell, word):
    with pytest.raises(BadCell, match=word):
        day(cell, OPEN)


def test_yes_and_no_in_their_languages():
    assert [yes_or_no(cell) for cell in ("Yes", "ja", "x", True, "OUI")] == [True] * 5
    assert [yes_or_no(cell) for cell in ("no", "Nein", 0, "false")] == [False] * 4
    with pytest.raises(BadCell, match="neither"):
        yes_or_no("maybe")


@given(st.text())
def test_text_written_guarded_reads_back_as_it_is_kept(text):
    kept = plain(text)
    written = guarded(kept)

    assert written[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert text_of(written) == kept


@given(st.lists(st.text(min_size=1, max_size=20).map(plain).filter(bool), unique=True, max_size=8))
def test_tags_read_back_as_they_were(values):
    assert tags(plain(tags_text(values))) == values


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=5))
def test_references_read_back_as_they_were(values):
    assert references(plain(refs_text(values)) or "{}") == values


def test_invisible_marks_survive_among_references_and_tags():
    assert references(plain(refs_text({"\x7f": "\u200b"}))) == {"\x7f": "\u200b"}
    assert tags(plain(tags_text(["a,b", '["']))) == ["a,b", '["']


@pytest.mark.parametrize("cell", ["1" * 65, "1" * 32_767 + "!", "1 " * 16_000 + "!"])
def test_a_number_longer_than_any_is_refused_without_being_read(cell):
    with pytest.raises(BadCell, match=r"has [\d,]+ signs, and no number has more than 64"):
        number(cell, OPEN)


def test_the_longest_number_that_is_read_has_64_signs():
    assert number("1" + "0" * 63, OPEN) == Decimal(10) ** 63


def test_a_day_longer_than_any_is_refused():
    with pytest.raises(BadCell, match="is no day"):
        day("2026-11-24T10:00" + "0" * 60, OPEN)
