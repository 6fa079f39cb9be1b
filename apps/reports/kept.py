"""How complete each report is: counted while one waits for a small portfolio, kept by the sweep for
a large one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.common.time import day_of
from apps.inventory.models import Application
from apps.reports.board import QUARTER, Done, done_since
from apps.reports.dora.checks import Check, Rule
from apps.reports.dora.register import BY_SLUG, Completeness, open_register
from apps.reports.dora.templates import TEMPLATES
from apps.reports.model_inventory import TABLE as MODELS
from apps.reports.model_inventory import open_inventory
from apps.reports.models import KeptFigures
from apps.reports.tables import Cell, Column, Fill, Gap, Place, Row, Table

# above so many applications a report is counted by the sweep, not by the page
MOST_LIVE = 2_000
# rows and gaps of each table that a page shows; the files have all
SHOWN_ROWS = 40
SHOWN_GAPS = 100
WIDEST = 9


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as a page shows it: its first rows, and how complete the whole is."""

    table: Table
    fill: Fill
    rows: list[Row]

    @property
    def is_cut(self) -> bool:
        return self.fill.n_rows > len(self.rows)

    @property
    def is_wide(self) -> bool:
        """Too many columns for a table on paper: shown as one record a row."""
        return len(self.table.columns) > WIDEST

    def first(self, n: int) -> "Sheet":
        """With the first `n` of its rows."""
        return replace(self, rows=self.rows[:n])

    @property
    def records(self) -> list[tuple[str, list[tuple[Column, Cell]]]]:
        """(what it is about, its fields) of each row."""
        return [
            (row.about, list(zip(self.table.columns, row.cells, strict=True))) for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Figures:
    """A report as a page shows it. `as_of` is when it was counted."""

    sheets: list[Sheet]
    gaps: list[Gap]
    checks: list[Check]
    as_of: datetime

    @property
    def whole(self) -> Fill:
        return sum((sheet.fill for sheet in self.sheets), Fill())

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passes]


def is_large(user: User) -> bool:
    """One bounded statement."""
    return Application.objects.visible_to(user).order_by()[: MOST_LIVE + 1].count() > MOST_LIVE


def register_figures(*, user: User, at: datetime) -> Figures | None:
    """The DORA register; None where a large organisation's was not counted yet."""
    if user.can_read_all and is_large(user):
        return _kept("dora", office=user.can_read_all)
    return _count_register(user, at)


def inventory_figures(*, user: User, at: datetime) -> Figures | None:
    if user.can_read_all and is_large(user):
        return _kept("models", office=user.can_read_all)
    return _count_inventory(user, at)


def done_figures(*, user: User, on: date) -> Done:
    """What was done in the quarter up to the day; of a large organisation as the sweep has counted
    it last."""
    if user.can_read_all and is_large(user):
        row = KeptFigures.objects.filter(report="done").first()
        if row is not None:
            return Done(**{**row.body, "since": date.fromisoformat(row.body["since"])})
    return done_since(user=user, since=on - QUARTER, until=on + timedelta(days=1))


def _count_register(user: User, at: datetime) -> Figures:
    with open_register(user=user, on=day_of(at)) as register:
        found: Completeness = register.completeness(gaps=SHOWN_GAPS)
        sheets = [
            Sheet(table, found.fills[table.slug], list(register.rows(table, limit=SHOWN_ROWS)))
            for table in TEMPLATES
        ]
    return Figures(sheets, found.gaps[:SHOWN_GAPS], found.checks, at)


def _count_inventory(user: User, at: datetime) -> Figures:
    with open_inventory(user=user, on=day_of(at)) as inventory:
        sheet = Sheet(MODELS, inventory.fill(), list(inventory.rows(limit=SHOWN_ROWS)))
        gaps = inventory.gaps(limit=SHOWN_GAPS)
    return Figures([sheet], gaps, [], at)


def keep_figures(*, at: datetime) -> None:
    """Counts the organisation's reports and keeps them, where nobody could wait for that; else
    nothing is kept."""
    reader = User(username="", organisation_role=OrganisationRole.GOVERNANCE, is_active=True)
    if not is_large(reader):
        KeptFigures.objects.all().delete()
        return
    on = day_of(at)
    done = asdict(done_since(user=reader, since=on - QUARTER, until=on + timedelta(days=1)))
    KeptFigures.objects.update_or_create(
        report="done", defaults={"body": {**done, "since": done["since"].isoformat()}, "as_of": at}
    )
    for name, count in (("dora", _count_register), ("models", _count_inventory)):
        body = _packed(count(reader, at))
        KeptFigures.objects.update_or_create(report=name, defaults={"body": body, "as_of": at})


# --- as JSON --------------------------------------------------------------------------------------

_TABLES: Mapping[str, Table] = {**BY_SLUG, MODELS.slug: MODELS}


def _packed(figures: Figures) -> dict[str, Any]:
    return {
        "sheets": [
            {
                "table": sheet.table.slug,
                "fill": asdict(sheet.fill),
                "rows": [
                    [row.about, [[_text(cell.value), cell.how] for cell in row.cells]]
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


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _kept(name: str, *, office: bool) -> Figures | None:
    row = KeptFigures.objects.filter(report=name).first() if office else None
    if row is None:
        return None
    body = row.body
    return Figures(
        sheets=[
            Sheet(
                _TABLES[said["table"]],
                Fill(**said["fill"]),
                [
                    Row(tuple(Cell(value, how) for value, how in cells), about)
                    for about, cells in said["rows"]
                ],
            )
            for said in body["sheets"]
        ],
        gaps=[
            Gap(
                Place(said["place"]),
                said["ref"],
                said["slug"],
                said["name"],
                tuple(
                    (_TABLES[slug], _column(_TABLES[slug], code)) for slug, code in said["fields"]
                ),
                said["n_cells"],
            )
            for said in body["gaps"]
        ],
        checks=[
            Check(Rule(rule), _TABLES[slug], code, n, said)
            for rule, slug, code, n, said in body["checks"]
        ],
        as_of=row.as_of,
    )


def _column(table: Table, code: str) -> Column:
    return next(column for column in table.columns if column.code == code)
