"""What is in a file, whatever it is: encodings, delimiters, ragged rows, merged cells, bombs."""

import io
import zipfile
from datetime import date, datetime

import pytest

from apps.intake.spreadsheets import limits
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.files import tables, xlsx_tables
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.files.tables import UnreadableError
from tests.intake.spreadsheets.sheet_files import as_csv, as_xlsx, repacked

HEADS = ["Application", "Model", "Host"]


def rows_of(content, name="list.csv"):
    book = open_book(content, name)
    return [row for table in book.tables for row in table.rows()]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_letters_and_delimiters_are_told_from_the_bytes(encoding, said, delimiter):
    content = as_csv(
        [HEADS, ["Überprüfung", "gpt-4o", "openai"]], delimiter=delimiter, encoding=encoding
    )

    book = open_book(content, "list.csv")

    assert list(book.tables[0].rows()) == [(1, HEADS), (2, ["Überprüfung", "gpt-4o", "openai"])]
    assert book.about.startswith(said)


def test_newlines_and_delimiters_inside_quotes_stay_in_their_cell_and_rows_keep_their_numbers():
    text = 'Application;Purpose\r\n"A; and ""B""";"two\nlines"\r\n\r\n;;\r\nC;plain\r\n'

    assert rows_of(text.encode()) == [
        (1, ["Application", "Purpose"]),
        (2, ['A; and "B"', "two\nlines"]),
        (5, ["C", "plain"]),
    ]


def test_a_comma_in_a_title_does_not_decide_the_delimiter():
    text = (
        "AI inventory, confidential, v7\n\n"
        "Application;Model;Host\nA;gpt-4o;openai\nB;gpt-4o, new;openai\n"
    )

    assert rows_of(text.encode())[-1] == (5, ["B", "gpt-4o, new", "openai"])


def test_the_separator_line_of_excel_is_understood():
    assert rows_of(b"sep=;\nApplication;Model\nA;m,x\n") == [
        (2, ["Application", "Model"]),
        (3, ["A", "m,x"]),
    ]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"%PDF-1.7", "a PDF"),
        (b'{"a": 1}', "JSON"),
        (b"\x1f\x8bxx", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old workbook"),
        (b"a,b\n\0\0\0,c\n", "not text"),
        (b"<!DOCTYPE html><table>", "web page"),
        (b"a,\x81\x8d\x9d\n", "The encoding of the file is not UTF-8, UTF-16 or Windows-1252"),
        (b"PK\x03\x04rest", "Save the spreadsheet as CSV or XLSX and upload it"),
        (b"\xff\xfea\0b", "Save it again and upload it"),
    ],
)
def test_what_is_no_sheet_is_said_in_a_sentence(content, word):
    with pytest.raises(UnreadableError, match=word):
        rows_of(content)


def test_too_much_is_refused_and_not_cut_off(monkeypatch):
    for name in ("MAX_ROWS", "MAX_COLUMNS", "MAX_CELL_LENGTH"):
        for module in (
            "apps.intake.spreadsheets.files.csv_tables",
            "apps.intake.spreadsheets.files.xlsx_tables",
        ):
            monkeypatch.setattr(f"{module}.{name}", 5)
    monkeypatch.setattr("apps.intake.spreadsheets.files.detection.MAX_BYTES", 100)
    for rows, word in (
        ([["a", "b"]] * 6, "more than 5 rows"),
        ([["a"] * 6], "more than 5 columns"),
        ([["a", "b" * 6]], "longer than 5"),
    ):
        with pytest.raises(UnreadableError, match=word):
            rows_of(as_csv(rows))
    for rows, word in (
        ([["a", "b"]] * 6, "more than 5 rows"),
        ([["a"] * 6], "more than 5 columns"),
        ([["a", "b" * 6]], "longer than 5"),
    ):
        monkeypatch.setattr("apps.intake.spreadsheets.files.detection.MAX_BYTES", 100_000)
        with pytest.raises(UnreadableError, match=word):
            rows_of(as_xlsx({"S": rows}))
    monkeypatch.setattr("apps.intake.spreadsheets.files.detection.MAX_BYTES", 10)
    with pytest.raises(UnreadableError, match="larger than"):
        rows_of(b"a,b,c,d,e,f,g,h")


def test_an_open_quotation_mark_is_said_and_does_not_swallow_the_rest():
    with pytest.raises(UnreadableError, match="quotation mark"):
        rows_of(('A,B\n"open,x\n' + "x" * 40_000).encode())


# --- workbooks ------------------------------------------------------------------------------------


def test_numbers_days_and_truths_come_typed_and_formulas_as_the_value_stored_beside_them():
    content = as_xlsx(
        {
            "List": [
                ["A", "B", "C", "D", "E"],
                [1, 2.5, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), True],
            ]
        }
    )
    with_formula = repacked(
        content,
        {
            "xl/worksheets/sheet1.xml": zipfile.ZipFile(io.BytesIO(content))
            .read("xl/worksheets/sheet1.xml")
            .replace(b'<c r="A2" t="n"><v>1</v></c>', b'<c r="A2"><f>1+41</f><v>42</v></c>')
        },
    )

    assert rows_of(with_formula)[1] == (
        2,
        [42, 2.5, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), True],
    )


def test_a_name_merged_over_several_rows_stands_in_each_of_them_and_a_title_does_not():
    rows = [
        ["A long title", None, None],
        HEADS,
        ["A", "m1", "h"],
        [None, "m2", "h"],
        [None, "m3", "h"],
        [None, None, None],
    ]
    content = as_xlsx({"List": rows}, merged=["A1:C1", "A3:A5"])

    assert rows_of(content)[2:] == [
        (3, ["A", "m1", "h"]),
        (4, ["A", "m2", "h"]),
        (5, ["A", "m3", "h"]),
    ]


def test_hidden_sheets_are_left_out_and_the_others_keep_their_names():
    def hide(book):
        book["Notes"].sheet_state = "hidden"

    book = open_book(as_xlsx({"Notes": [["x"]], "Apps": [["a"]], "Uses": [["b"]]}, change=hide))

    assert [table.name for table in book.tables] == ["Apps", "Uses"]


def test_a_workbook_that_swells_is_refused_before_it_is_read(monkeypatch):
    swollen = repacked(as_xlsx({"S": [["a"]]}), {"xl/media/image1.png": b"\0" * 3_000_000})
    assert len(swollen) < 50_000
    monkeypatch.setattr(xlsx_tables, "MAX_INFLATED_BYTES", 2_000_000)

    with pytest.raises(UnreadableError, match="too large when unpacked"):
        rows_of(swollen)


def test_texts_that_would_fill_memory_are_refused_though_sheets_may_be_larger(monkeypatch):
    monkeypatch.setattr(xlsx_tables, "MAX_HELD_BYTES", 200_000)
    swollen = repacked(
        as_xlsx({"S": [["a"]]}), {"xl/sharedStrings.xml": b"<sst>" + b" " * 300_000 + b"</sst>"}
    )

    with pytest.raises(UnreadableError, match="too large when unpacked"):
        rows_of(swollen)


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b '
        b'"&a;&a;">]><worksheet>&b;</worksheet>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "a">]><worksheet/>'.encode(
            "utf-16"
        ),
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
    ],
)
def test_entities_are_refused(body):
    with pytest.raises(UnreadableError, match="entities"):
        rows_of(repacked(as_xlsx({"S": [["a"]]}), {"xl/worksheets/sheet1.xml": body}))


@pytest.mark.parametrize(
    "body", [b"<worksheet><sheetData><row", b"not xml at all", b"<worksheet/>" + b"\0" * 10]
)
def test_a_broken_sheet_is_a_sentence_and_no_crash(body):
    with pytest.raises(UnreadableError, match="cannot be") as refusal:
        rows_of(repacked(as_xlsx({"S": [["a"]]}), {"xl/worksheets/sheet1.xml": body}))
    assert "Error" not in str(refusal.value)


def test_one_cell_far_out_makes_no_large_table():
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension '
        b'ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="900000"><c '
        b'r="B900000"><v>2</v></c></row>'
        b"</sheetData></worksheet>"
    )

    assert rows_of(repacked(as_xlsx({"S": [["a"]]}), {"xl/worksheets/sheet1.xml": sheet})) == [
        (1, [1]),
        (900000, [None, 2]),
    ]


@pytest.mark.parametrize("name", ["hello.txt", "[Content_Types].xml"])
def test_a_password_and_the_wrong_archive_are_said(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "<no-workbook/>")

    with pytest.raises(UnreadableError, match="cannot be opened") as refusal:
        rows_of(out.getvalue())
    assert "Error" not in str(refusal.value)
    assert limits.MAX_BYTES == 64 * limits.MIB


def merged_sheet(ranges, rows=(("Application", "Model"), ("x", "gpt-4o"))):
    content = as_xlsx({"S": rows})
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    areas = "".join(f'<mergeCell ref="{area}"/>' for area in ranges)
    return repacked(
        content,
        {
            "xl/worksheets/sheet1.xml": sheet.replace(
                b"</sheetData>", f"</sheetData><mergeCells>{areas}</mergeCells>".encode()
            )
        },
    )


def test_merged_cells_of_a_few_bytes_that_cover_millions_are_refused():
    content = merged_sheet([f"A{n * 10_000 + 1}:C{n * 10_000 + 10_000}" for n in range(100)])
    assert len(content) < 10_000

    with pytest.raises(UnreadableError, match=r"sheet1\.xml.*cover more than 100,000 cells"):
        rows_of(content)


def test_more_merged_areas_than_anybody_makes_are_refused():
    with pytest.raises(UnreadableError, match=r"more than 20,000 merged areas"):
        rows_of(merged_sheet([f"A{n}:C{n}" for n in range(1, 20_003)]))


def test_merged_areas_beside_and_below_each_other_show_what_begins_them():
    rows = [
        ["a", "b", "c"],
        [None, None, "d"],
        [None, None, "e"],
        ["f", None, "g"],
        [None, None, "h"],
    ]

    assert rows_of(merged_sheet(["A1:A3", "B1:B5", "A4:A5", "D1:D3"], rows)) == [
        (1, ["a", "b", "c"]),
        (2, ["a", "b", "d"]),
        (3, ["a", "b", "e"]),
        (4, ["f", "b", "g"]),
        (5, ["f", "b", "h"]),
    ]


@pytest.mark.parametrize("make", [as_csv, lambda rows: as_xlsx({"S": rows})])
def test_a_file_with_more_cells_than_are_read_is_refused(make, monkeypatch):
    monkeypatch.setattr(tables, "MAX_CELLS", 50)
    rows = [HEADS] * 16
    assert len(rows_of(make(rows))) == 16

    with pytest.raises(UnreadableError, match="more than 50 cells"):
        rows_of(make([*rows, HEADS]))


def test_a_header_is_cut_before_anything_is_looked_for_in_it():
    content = as_csv([["Application", "Model", "(" * 30_000 + "x"], ["a", "gpt-4o", "1"]])

    (sheet,) = guess_mapping(open_book(content, "list.csv")).sheets

    assert sheet.columns == {0: "application.name", 1: "use.model"}
    assert sheet.heads[2] == "(" * 200
