"""Spreadsheet export of the inventory, in a form whose import changes nothing.

Rows are read and written as a stream, so memory use does not depend on their number. A workbook is
written to a temporary file, since its archive can only be closed at the end."""

import csv
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import IO, TYPE_CHECKING, Any

from django.db.models import F, Func, JSONField, OuterRef, Q, QuerySet, Subquery

from apps.accounts.models import Team
from apps.common.processes.lazy_import import lazy_import
from apps.intake.spreadsheets.columns.fields import (
    APPLICATION_FIELDS,
    FIELDS,
    READ_ONLY_COLUMN,
    USE_FIELDS,
    SheetField,
)
from apps.intake.spreadsheets.columns.values import EMPTY_MARK, guard_formula, normalise_text
from apps.intake.spreadsheets.limits import MAX_CELL_LENGTH
from apps.inventory.models import Application, Dependency, Requirement

if TYPE_CHECKING:
    import xlsxwriter
else:
    xlsxwriter = lazy_import("xlsxwriter")

_CHUNK = 2_000
_GROUPED = re.compile(r"[1-9]\d{0,2}\.\d{3}")
# lookup path of a field's value; for other fields it is the name of the fact
_PATHS = {
    "application.team": "team__slug",
    "use.model": "offering__api_id",
    "use.host": "offering__host__slug",
    "use.region": "offering__region_scope",
    "use.tier": "offering__service_tier",
    "use.via": "via_party__slug",
    "use.requirements": "declared_requirements",
}
# {field: value} of each dependency, null without any
_DECLARED_REQUIREMENTS = Subquery(
    Requirement.objects.filter(dependency=OuterRef("pk"), origin=Requirement.Origin.DECLARED)
    .order_by()
    .values(
        fields=Func(F("field"), F("value"), function="jsonb_object_agg", output_field=JSONField())
    ),
    output_field=JSONField(),
)
_LISTED_TEAMS = 2_000
_VALIDATED_ROWS = 100_000


def application_headers() -> list[str]:
    return [field.label for field in APPLICATION_FIELDS]


def dependency_headers() -> list[str]:
    return [
        FIELDS["application.slug"].label,
        READ_ONLY_COLUMN,
        *(field.label for field in USE_FIELDS),
    ]


def application_rows(applications: QuerySet[Application]) -> Iterator[list[Any]]:
    """Yield one row of values per application, by id; one statement in a stream."""
    paths = [_PATHS.get(field.code, field.fact) for field in APPLICATION_FIELDS]
    rows = applications.order_by("pk").values_list(*paths)
    for row in rows.iterator(chunk_size=_CHUNK):
        yield [
            _format_cell(field, value) for field, value in zip(APPLICATION_FIELDS, row, strict=True)
        ]


def dependency_rows(applications: QuerySet[Application], *, on: date) -> Iterator[list[Any]]:
    """Yield one row of values per dependency that has not ended by `on`; one statement in a
    stream."""
    paths = [_PATHS.get(field.code, field.fact) for field in USE_FIELDS]
    rows = (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), application__in=applications.order_by()
        )
        .annotate(declared_requirements=_DECLARED_REQUIREMENTS)
        .order_by("application_id", "pk")
        .values_list("application__slug", "application__name", *paths)
    )
    for slug, name, *row in rows.iterator(chunk_size=_CHUNK):
        yield [
            slug,
            name,
            *(_format_cell(field, value) for field, value in zip(USE_FIELDS, row, strict=True)),
        ]


def _format_cell(field: SheetField, value: Any) -> Any:
    """Return the cell of a value; None if an empty cell stands for it, or it cannot be exported
    exactly."""
    if value is None or value == "" or value == [] or value == {}:
        return None
    if field.code == "use.fallback_order" and value == 0:
        return None
    cell = field.show(value)
    if isinstance(cell, str) and (
        len(cell) >= MAX_CELL_LENGTH or cell.strip().lower() == EMPTY_MARK
    ):
        # an empty cell preserves the recorded value on import; a shortened one would change it
        return None
    return cell


# --- CSV ------------------------------------------------------------------------------------------


class _LineBuffer:
    """Target of the CSV writer that returns each line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield CSV (RFC 4180) with the byte order mark that makes spreadsheets read UTF-8; no cell
    runs as a formula."""
    writer = csv.writer(_LineBuffer())
    yield "\ufeff" + writer.writerow(heads)
    for row in rows:
        yield writer.writerow([_format_text(value) for value in row])


def _format_text(value: Any) -> str:
    """Return a value as CSV text in the form that the import stores: normalised first, so that
    invisible characters in front of a formula do not hide it from the guard."""
    if value is None:
        return ""
    if isinstance(value, str):
        return guard_formula(normalise_text(value))
    if isinstance(value, Decimal):
        text = f"{value.normalize():f}"
        # a further zero, since 1.234 could be read as 1234
        return f"{text}0" if _GROUPED.fullmatch(text) else text
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


# --- workbook -------------------------------------------------------------------------------------


def inventory_workbook(
    applications: QuerySet[Application],
    *,
    teams: QuerySet[Team],
    on: date,
    on_progress: Callable[[int], None] | None = None,
) -> IO[bytes]:
    """Return an open temporary file, at its beginning, with applications, dependencies and
    instructions; it is deleted when it is closed.

    `on_progress` is called after every 1,000 rows with the number of rows written so far."""
    rows: Iterable[Sequence[Any]] = application_rows(applications)
    uses: Iterable[Sequence[Any]] = dependency_rows(applications, on=on)
    if on_progress is not None:
        counter = count(1)
        rows, uses = (
            _report_progress(rows, counter, on_progress),
            _report_progress(uses, counter, on_progress),
        )
    return _build_workbook(rows, uses, teams)


def _report_progress(
    rows: Iterable[Sequence[Any]], counter: Iterator[int], on_progress: Callable[[int], None]
) -> Iterator[Sequence[Any]]:
    """Yield the rows, and call `on_progress` whenever the shared counter reaches a multiple of
    1,000."""
    for row in rows:
        yield row
        n_rows = next(counter)
        if n_rows % 1000 == 0:
            on_progress(n_rows)


def template_workbook(*, teams: QuerySet[Team]) -> IO[bytes]:
    """Return the workbook without rows; its examples are on the instructions page, which is never
    imported."""
    return _build_workbook((), (), teams)


def _build_workbook(
    applications: Iterable[Sequence[Any]], uses: Iterable[Sequence[Any]], teams: QuerySet[Team]
) -> IO[bytes]:
    """Return an open temporary file with the workbook: applications, their dependencies,
    instructions, and a hidden sheet with the teams for selection lists. The caller closes it."""
    # the response that sends the file closes it
    file = tempfile.TemporaryFile(prefix="sheet-")  # noqa: SIM115
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
            "use_zip64": True,
        },
    )
    styles = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
    }
    slugs = list(teams.order_by("slug").values_list("slug", flat=True)[:_LISTED_TEAMS])
    _add_sheet(
        book, "Applications", application_headers(), APPLICATION_FIELDS, applications, styles, slugs
    )
    id_field = FIELDS["application.slug"]
    read_only_field = SheetField("application.reading", READ_ONLY_COLUMN, id_field.parse, width=32)
    _add_sheet(
        book,
        "Uses",
        dependency_headers(),
        (id_field, read_only_field, *USE_FIELDS),
        uses,
        styles,
        slugs,
    )
    _add_instructions(book, styles)
    lists = book.add_worksheet("Lists")
    lists.hide()
    for place, slug in enumerate(slugs):
        lists.write_string(place, 0, slug)
    book.close()
    file.seek(0)
    return file


def _add_sheet(
    book: Any,
    name: str,
    heads: Sequence[str],
    fields: Sequence[SheetField],
    rows: Iterable[Sequence[Any]],
    styles: dict[str, Any],
    teams: Sequence[str],
) -> None:
    """Write a sheet with a header row, selection lists for fields with choices, and the rows.
    `heads` and the values of a row are in the order of `fields`."""
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 2)
    for place, (head, field) in enumerate(zip(heads, fields, strict=True)):
        sheet.set_column(place, place, field.width)
        sheet.write_string(0, place, head, styles["head"])
        choices: Any = list(field.choices) if field.choices else None
        if field.code == "application.team" and teams:
            choices = f"=Lists!$A$1:$A${len(teams)}"
        if choices:
            sheet.data_validation(
                1,
                place,
                _VALIDATED_ROWS,
                place,
                {
                    "validate": "list",
                    "source": choices,
                    "error_type": "information",
                    "error_title": head,
                    "error_message": "The registry accepts the listed values; other values "
                    "can be rejected on import.",
                },
            )
    number = 0
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if value is not None:
                _write_cell(sheet, number, place, value, styles["day"])
    sheet.autofilter(0, 0, max(number, 1), len(heads) - 1)


def _write_cell(sheet: Any, row: int, place: int, value: Any, day: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, place, guard_formula(normalise_text(value)))
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, day)
    elif _is_exact(value):
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, _format_text(value))


def _is_exact(value: int | Decimal) -> bool:
    """Return whether a spreadsheet stores the number exactly, which it does up to 15 digits; longer
    numbers are written as text."""
    if isinstance(value, int):
        return abs(value) < 10**15
    return Decimal(repr(float(value))) == value and len(value.normalize().as_tuple().digits) <= 15


_EXAMPLES = {
    "application.slug": ("claims-triage", ""),
    "application.name": ("Claims triage", "HR assistant"),
    "application.team": ("claims", "people"),
    "application.criticality": ("critical", "standard"),
    "application.status": ("production", "pilot"),
    "application.users_affected": ("1200", ""),
    "use.model": ("gpt-4o-2024-11-20", "claude-sonnet-4-5"),
    "use.host": ("azure", "amazon-bedrock"),
    "use.role": ("primary", "fallback"),
    "use.via": ("", "litellm"),
    "use.reached": ("direct", "gateway"),
    "use.fallback_order": ("", "1"),
    "use.traffic_share": ("60 %", ""),
    "use.since": ("2026-03-01", ""),
    "use.requirements": ("tool_calling; context_window=90000; not pdf", ""),
}


def _add_instructions(book: Any, styles: dict[str, Any]) -> None:
    """Write the sheet that explains the columns, with their values and examples."""
    sheet = book.add_worksheet("How to")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 60)
    sheet.set_column(2, 4, 28)
    lines = [
        "Applications: one row each. Uses: one row for each model an application calls, under "
        "the ID of the application.",
        "Upload the file under Import. You see a preview of all changes before anything is "
        "saved, and you can undo the import.",
        "An empty cell keeps the recorded value; (none) clears it. Rows that are not in the file "
        "stay as they are.",
        "A single worksheet works too: repeat the application on each of its rows.",
    ]
    sheet.write_string(0, 0, "How this file is read", styles["title"])
    for number, line in enumerate(lines, 2):
        sheet.write_string(number, 0, line)
    top = len(lines) + 3
    for place, head in enumerate(("Column", "Content", "Values", "Example", "Another example")):
        sheet.write_string(top, place, head, styles["head"])
    for number, field in enumerate((*APPLICATION_FIELDS, *USE_FIELDS), top + 1):
        example, other_example = _EXAMPLES.get(field.code, ("", ""))
        for place, text in enumerate(
            (field.label, field.about, ", ".join(field.choices), example, other_example)
        ):
            sheet.write_string(number, place, text, styles["wrap"])
