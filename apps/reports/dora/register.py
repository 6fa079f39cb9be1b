"""The register of one reader on one day: opened once, then asked for rows, gaps and checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import User
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application
from apps.reports.dora.checks import Check, checks_of
from apps.reports.dora.deriving import RELATIONS
from apps.reports.dora.templates import TEMPLATES
from apps.reports.relations import fill_of, gaps_of, relations, rows_of
from apps.reports.tables import Fill, Gap, Row, Table, merged

BY_SLUG = {table.slug: table for table in TEMPLATES}


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far the register can be handed in; `gaps` are cut at what was asked for, the fills are
    not."""

    fills: dict[str, Fill]
    gaps: list[Gap]
    checks: list[Check]

    @property
    def whole(self) -> Fill:
        return sum(self.fills.values(), Fill())

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passes]


class Register:
    """Open it by `open_register`; each method says its statements."""

    def fills(self) -> dict[str, Fill]:
        """{template's slug: how complete}; one statement a template."""
        return {table.slug: fill_of(table) for table in TEMPLATES}

    def completeness(self, *, gaps: int) -> Completeness:
        """Two statements a template and one for the checks; at most so many gaps of each
        template."""
        fills = self.fills()
        found = merged(gap for table in TEMPLATES for gap in gaps_of(table, limit=gaps))
        return Completeness(fills, found, checks_of(TEMPLATES, fills))

    def rows(self, table: Table, *, limit: int | None = None) -> Iterator[Row]:
        """One statement, read as it is asked for."""
        return rows_of(table, limit=limit)


@contextmanager
def open_register(*, user: User, on: date) -> Iterator[Register]:
    """What `user` may see: for the offices the organisation, for others the functions of their
    teams' applications and the parties behind them, without the contracts. Eleven relations, a
    statement each, whatever the portfolio."""
    teams = visible_team_ids(user)
    params: dict[str, Any] = {
        "on": on,
        "statuses": [str(status) for status in Application.IN_SCOPE],
        "teams": None if teams is None else list(teams),
        "office": user.can_read_all,
    }
    with relations(RELATIONS, params):
        yield Register()
