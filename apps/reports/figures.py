"""Report completeness figures: counted per request for a small portfolio, cached by the sweep for a
large one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.reports.board_summary import QUARTER_LENGTH, QuarterActivity, activity_between
from apps.reports.dora.checks import CheckResult, CheckRule
from apps.reports.dora.register import TEMPLATES_BY_SLUG, RegisterCompleteness, open_register
from apps.reports.dora.templates import TEMPLATES
from apps.reports.model_inventory import MODEL_INVENTORY_TABLE as MODELS
from apps.reports.model_inventory import open_inventory
from apps.reports.models import CachedReportFigures
from apps.reports.tables import (
    EntryPlace,
    FillRate,
    ReportCell,
    ReportColumn,
    ReportGap,
    ReportRow,
    ReportTable,
)

# with more applications, a report is counted by the sweep and not by the page
MAX_LIVE_APPLICATIONS = 2_000
# rows and gaps of each table that a page shows; files contain all
MAX_SHOWN_ROWS = 40
MAX_SHOWN_GAPS = 100
MAX_PRINT_COLUMNS = 9


@dataclass(frozen=True, slots=True)
class TableExcerpt:
    """A table as a page shows it: its first rows, and the completeness of the whole."""

    table: ReportTable
    fill: FillRate
    rows: list[ReportRow]

    @property
    def is_cut(self) -> bool:
        return self.fill.n_rows > len(self.rows)

    @property
    def is_wide(self) -> bool:
        """Return whether it has too many columns for a printed table and is shown as one record per
        row."""
        return len(self.table.columns) > MAX_PRINT_COLUMNS

    def first(self, n: int) -> "TableExcerpt":
        """Return it with its first `n` rows only."""
        return replace(self, rows=self.rows[:n])

    @property
    def records(self) -> list[tuple[str, list[tuple[ReportColumn, ReportCell]]]]:
        """Return (subject, fields) of each row."""
        return [
            (row.about, list(zip(self.table.columns, row.cells, strict=True))) for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """A report as a page shows it. `as_of` is the time of the count."""

    sheets: list[TableExcerpt]
    gaps: list[ReportGap]
    checks: list[CheckResult]
    as_of: datetime

    @property
    def whole(self) -> FillRate:
        return sum((sheet.fill for sheet in self.sheets), FillRate())

    @property
    def failed(self) -> list[CheckResult]:
        return [check for check in self.checks if not check.passes]


def is_large_portfolio(user: User) -> bool:
    """Return whether figures must be cached; one bounded statement."""
    return (
        Application.objects.visible_to(user).order_by()[: MAX_LIVE_APPLICATIONS + 1].count()
        > MAX_LIVE_APPLICATIONS
    )


def describe_uncounted(user: User) -> str:
    """Return the words that take the place of figures that are not counted."""
    if user.can_read_all:
        return "being calculated"
    return f"not counted for more than {MAX_LIVE_APPLICATIONS:,} applications"


def register_figures(*, user: User, at: datetime) -> ReportFigures | None:
    """Return the figures of the DORA register; None if those of a large organisation are not
    counted yet, and for teams with as many applications, for which only the file is complete."""
    if is_large_portfolio(user):
        return _load_figures("dora", office=user.can_read_all)
    return _count_register(user, at)


def inventory_figures(*, user: User, at: datetime) -> ReportFigures | None:
    if is_large_portfolio(user):
        return _load_figures("models", office=user.can_read_all)
    return _count_inventory(user, at)


def register_fill(*, user: User, at: datetime) -> FillRate | None:
    """Return the completeness of the DORA register alone; None as `register_figures` does."""
    if is_large_portfolio(user):
        figures = _load_figures("dora", office=user.can_read_all)
        return figures.whole if figures is not None else None
    with open_register(user=user, on=day_of(at)) as register:
        return sum(register.fills().values(), FillRate())


def inventory_fill(*, user: User, at: datetime) -> FillRate | None:
    if is_large_portfolio(user):
        figures = _load_figures("models", office=user.can_read_all)
        return figures.whole if figures is not None else None
    with open_inventory(user=user, on=day_of(at)) as inventory:
        return inventory.fill()


def quarter_activity(*, user: User, on: date) -> QuarterActivity:
    """Return the activity of the quarter up to the day; for a large organisation as last counted by
    the sweep."""
    if user.can_read_all and is_large_portfolio(user):
        row = CachedReportFigures.objects.filter(report="done").first()
        if row is not None:
            return QuarterActivity(**{**row.body, "since": date.fromisoformat(row.body["since"])})
    return activity_between(user=user, since=on - QUARTER_LENGTH, until=on + timedelta(days=1))


def _count_register(user: User, at: datetime) -> ReportFigures:
    with open_register(user=user, on=day_of(at)) as register:
        completeness: RegisterCompleteness = register.completeness(gaps=MAX_SHOWN_GAPS)
        sheets = [
            TableExcerpt(
                table,
                completeness.fills[table.slug],
                list(register.rows(table, limit=MAX_SHOWN_ROWS)),
            )
            for table in TEMPLATES
        ]
    return ReportFigures(sheets, completeness.gaps[:MAX_SHOWN_GAPS], completeness.checks, at)


def _count_inventory(user: User, at: datetime) -> ReportFigures:
    with open_inventory(user=user, on=day_of(at)) as inventory:
        sheet = TableExcerpt(MODELS, inventory.fill(), list(inventory.rows(limit=MAX_SHOWN_ROWS)))
        gaps = inventory.gaps(limit=MAX_SHOWN_GAPS)
    return ReportFigures([sheet], gaps, [], at)


def store_figures(*, at: datetime) -> None:
    """Count and cache the figures of the organisation's reports, if counting takes too long for a
    request; otherwise nothing is cached."""
    reader = User(username="", organisation_role=OrganisationRole.GOVERNANCE, is_active=True)
    if not is_large_portfolio(reader):
        CachedReportFigures.objects.all().delete()
        return
    on = day_of(at)
    activity = asdict(
        activity_between(user=reader, since=on - QUARTER_LENGTH, until=on + timedelta(days=1))
    )
    CachedReportFigures.objects.update_or_create(
        report="done",
        defaults={"body": {**activity, "since": activity["since"].isoformat()}, "as_of": at},
    )
    for name, count in (("dora", _count_register), ("models", _count_inventory)):
        body = _serialize_figures(count(reader, at))
        CachedReportFigures.objects.update_or_create(
            report=name, defaults={"body": body, "as_of": at}
        )


# --- as JSON --------------------------------------------------------------------------------------

_TABLES: Mapping[str, ReportTable] = {**TEMPLATES_BY_SLUG, MODELS.slug: MODELS}


def _serialize_figures(figures: ReportFigures) -> dict[str, Any]:
    """Return the figures as JSON, from which `_load_figures` restores them."""
    return {
        "sheets": [
            {
                "table": sheet.table.slug,
                "fill": asdict(sheet.fill),
                "rows": [
                    [row.about, [[_serialize_value(cell.value), cell.how] for cell in row.cells]]
                    for row in sheet.rows
                ],
            }
            for sheet in figures.sheets
        ],
        "gaps": [
            {
                "place": str(gap.place),
                "ref": gap.ref,
                "slug": gap.slug,
                "name": gap.name,
                "fields": [[table.slug, column.code] for table, column in gap.fields],
                "n_cells": gap.n_cells,
            }
            for gap in figures.gaps
        ],
        "checks": [
            [str(rule.rule), rule.table.slug, rule.code, rule.n, rule.sentence]
            for rule in figures.checks
        ],
    }


def _serialize_value(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _load_figures(name: str, *, office: bool) -> ReportFigures | None:
    """Return the cached figures of the report; None if none are stored. `office`: the reader has an
    organisation role; figures of others are not cached."""
    row = CachedReportFigures.objects.filter(report=name).first() if office else None
    if row is None:
        return None
    body = row.body
    return ReportFigures(
        sheets=[
            TableExcerpt(
                _TABLES[entry["table"]],
                FillRate(**entry["fill"]),
                [
                    ReportRow(
                        tuple(ReportCell(value, explanation) for value, explanation in cells), about
                    )
                    for about, cells in entry["rows"]
                ],
            )
            for entry in body["sheets"]
        ],
        gaps=[
            ReportGap(
                EntryPlace(entry["place"]),
                entry["ref"],
                entry["slug"],
                entry["name"],
                tuple(
                    (_TABLES[slug], _find_column(_TABLES[slug], code))
                    for slug, code in entry["fields"]
                ),
                entry["n_cells"],
            )
            for entry in body["gaps"]
        ],
        checks=[
            CheckResult(CheckRule(rule), _TABLES[slug], code, n, message)
            for rule, slug, code, n, message in body["checks"]
        ],
        as_of=row.as_of,
    )


def _find_column(table: ReportTable, code: str) -> ReportColumn:
    return next(column for column in table.columns if column.code == code)
