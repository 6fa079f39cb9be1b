"""Rows of a spreadsheet of data terms: headers and values as people write them, errors by cell."""

import pytest

from apps.catalog.claims.term_rows import MAX_ROWS, TermTableError, parse_term_rows
from tests.builders import TODAY

HEADER = ["Host", "Model ID", "Term", "Value", "Day", "Source address"]
ROW = ["acme", "*", "retention_days", "30", TODAY.isoformat(), "https://example.com/terms"]


def parse(*rows):
    return parse_term_rows(enumerate(rows, 1), today=TODAY)


def with_cell(header, text):
    return [text if name == header else cell for name, cell in zip(HEADER, ROW, strict=True)]


def test_a_row_is_one_statement():
    (row,) = parse(HEADER, ROW).rows

    assert (row.number, row.host, row.model_id) == (2, "acme", "*")
    assert (row.field, row.value, row.at) == ("retention_days", 30, TODAY)
    assert (row.region, row.tier, row.note) == ("", "", "")


def test_headers_may_be_written_otherwise_and_stand_below_a_title():
    headers = ["VALUE", "provider", "api_id", " data-term ", "Read on", "Owner"]
    cells = ["no", "acme", "m-1", "training use", TODAY.isoformat(), "somebody"]

    (row,) = parse(["Our data terms"], [], headers, cells, []).rows

    assert (row.number, row.model_id, row.field, row.value) == (4, "m-1", "training_use", False)


@pytest.mark.parametrize(
    ("term", "text", "value"),
    [
        ("training_use", "Yes", True),
        ("Inputs are used for training", "FALSE", False),
        ("Retention", "30 days", 30),
        ("Retention in days", "0", 0),
        ("retention_days", "30.0", 30),
        ("Data residency", "EU; CH;", ["CH", "EU"]),
        ("subprocessors_url", "https://example.com/list", "https://example.com/list"),
    ],
)
def test_values_have_the_form_of_their_term(term, text, value):
    (row,) = parse(HEADER, ["acme", "*", term, text, *ROW[4:]]).rows

    assert row.value == value


@pytest.mark.parametrize(
    "text", [f"{TODAY:%d.%m.%Y}", f"{TODAY.isoformat()}T00:00:00", TODAY.isoformat()]
)
def test_days_may_be_written_otherwise(text):
    assert parse(HEADER, with_cell("Day", text)).rows[0].at == TODAY


@pytest.mark.parametrize(
    ("header", "text", "column"),
    [
        ("Host", "", "host"),
        ("Model ID", "", "model_id"),
        ("Term", "latency", "term"),
        ("Term", "", "term"),
        ("Value", "", "value"),
        ("Value", "a month", "value"),
        ("Value", "-1", "value"),
        ("Value", "9" * 40, "value"),
        ("Day", "11/12/2026", "at"),
        ("Day", "2026-11-249", "at"),
        ("Day", "2999-01-01", "at"),
        ("Day", "", "at"),
    ],
)
def test_an_error_names_row_and_column(header, text, column):
    table = parse(HEADER, ROW, with_cell(header, text))

    assert [row.number for row in table.rows] == [2]
    assert [(error.number, error.column) for error in table.errors] == [(3, column)]
    assert table.errors[0].place.startswith("Row 3, ")


def test_control_characters_are_removed():
    row = parse(HEADER, with_cell("Host", "ac\0me\x1b\u202e")).rows[0]

    assert row.host == "acme"


def test_every_error_of_a_row_is_listed():
    table = parse(HEADER, ["", "*", "training_use", "perhaps", "soon", ""])

    assert [error.column for error in table.errors] == ["host", "value", "at"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([["Host", "Term", "Value", "Day"], ROW], "the column Model ID"),
        ([["a", "b"]], "the columns Host, Model ID, Term, Value, Day"),
        ([HEADER], "no row below the header"),
        ([HEADER, *[ROW] * (MAX_ROWS + 1)], "more than 2,000 rows"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(rows, reason):
    with pytest.raises(TermTableError, match=reason):
        parse(*rows)
