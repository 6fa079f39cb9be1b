"""Reports as files."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal

from openpyxl import load_workbook

from apps.inventory.models import Application
from apps.reports.dora.files import register_workbook, template_lines
from apps.reports.dora.register import open_register
from apps.reports.dora.templates import FUNCTIONS, SERVICES, TEMPLATES
from apps.reports.files import csv_lines, workbook_bytes
from tests.builders import NOW, TODAY
from tests.reports.insurer import Insurer


def test_text_is_never_a_formula_in_either_file() -> None:
    rows = [["=1+1", "@x", -5, Decimal("1.5"), date(2026, 1, 2), None, "plain"]]
    said = list(
        csv.reader(
            "".join(csv_lines(["=head", *"bcdefg"], rows)).removeprefix("\ufeff").splitlines()
        )
    )
    assert said == [["'=head", *"bcdefg"], ["'=1+1", "'@x", "-5", "1.5", "2026-01-02", "", "plain"]]

    book = load_workbook(
        io.BytesIO(
            workbook_bytes(lambda b: b.sheet("One", ["=head", *"bcdefg"], rows), created=NOW)
        )
    )
    cells = book["One"][2]
    assert [cell.value for cell in cells] == [
        "=1+1",
        "@x",
        -5,
        1.5,
        datetime(2026, 1, 2),
        None,
        "plain",
    ]
    assert {cell.data_type for cell in cells[:2]} == {"s"}
    assert book["One"].freeze_panes == "A2"


def test_a_template_as_csv_says_what_is_missing_on_each_row(insurer: Insurer) -> None:
    with open_register(user=insurer.governance, on=TODAY) as register:
        lines = "".join(template_lines(register, SERVICES)).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert "RT.02.02.0010 Contract reference" in rows[0]
    by_ref = {row["RT.02.02.0010 Contract reference"]: row for row in rows}
    assert by_ref["AWS-1"]["missing"] == ""
    assert by_ref["AWS-1"]["RT.02.02.0080 End date"] == "9999-12-31"
    assert "0080: open-ended" in by_ref["AWS-1"]["derived"]
    assert "0010" in by_ref[""]["missing"].split("; ")


def test_the_workbook_has_a_sheet_for_each_template_the_gaps_and_the_notes(
    insurer: Insurer,
) -> None:
    Application.objects.filter(pk=insurer.triage.pk).update(business_function="=HYPERLINK()")
    with open_register(user=insurer.governance, on=TODAY) as register:
        book = load_workbook(
            io.BytesIO(register_workbook(register, as_of=NOW, for_whom="The whole organisation"))
        )
    assert book.sheetnames == [table.code for table in TEMPLATES] + ["Missing", "Checks", "Notes"]
    functions = list(book[FUNCTIONS.code].iter_rows(values_only=True))
    assert functions[0][2] == "RT.06.01.0030 Function name"
    assert functions[1][:3] == ("F1", "Liability insurance", "=HYPERLINK()")
    missing = list(book["Missing"].iter_rows(values_only=True))
    assert any(row[1] == "Mistral" and "RT.02.02.0010" in row[2] for row in missing)
    notes = " ".join(str(cell) for row in book["Notes"].iter_rows(values_only=True) for cell in row)
    assert "The whole organisation" in notes
    assert "2026-11-24" in notes
