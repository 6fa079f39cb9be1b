"""DORA register of one reader on one day: opened once, then queried for rows, gaps and checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application
from apps.reports.dora.checks import CheckResult, run_checks
from apps.reports.dora.derivation_sql import RELATIONS
from apps.reports.dora.templates import PROVIDERS, TEMPLATES
from apps.reports.relations import find_gaps, measure_fill, report_relations, stream_rows
from apps.reports.tables import FillRate, ReportGap, ReportRow, ReportTable, merge_gaps

TEMPLATES_BY_SLUG = {table.slug: table for table in TEMPLATES}


@dataclass(frozen=True, slots=True)
class RegisterCompleteness:
    """The completeness of the register; `gaps` are limited to the requested number, the fill rates
    are not."""

    fills: dict[str, FillRate]
    gaps: list[ReportGap]
    checks: list[CheckResult]

    @property
    def whole(self) -> FillRate:
        return sum(self.fills.values(), FillRate())

    @property
    def failed(self) -> list[CheckResult]:
        return [check for check in self.checks if not check.passes]


class InformationRegister:
    """A register, opened by `open_register`; each method states its number of statements."""

    def fills(self) -> dict[str, FillRate]:
        """Return {template's slug: fill rate}; one statement per template."""
        return {table.slug: measure_fill(table) for table in TEMPLATES}

    def completeness(self, *, gaps: int) -> RegisterCompleteness:
        """Return the completeness, with at most `gaps` gaps of each template; two statements per
        template and one for the checks."""
        fills = self.fills()
        merged_gaps = merge_gaps(gap for table in TEMPLATES for gap in find_gaps(table, limit=gaps))
        return RegisterCompleteness(fills, merged_gaps, run_checks(TEMPLATES, fills))

    def checks(self) -> list[CheckResult]:
        """Run the checks; one statement per template and one for the checks."""
        return run_checks(TEMPLATES, self.fills())

    def providers(self) -> list[Provider]:
        """Return the parties of RT.05.01; two statements."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT at_provider FROM {PROVIDERS.relation}")
            keys = [pk for (pk,) in cursor.fetchall()]
        return list(Provider.objects.filter(pk__in=keys).order_by("name", "pk"))

    def rows(self, table: ReportTable, *, limit: int | None = None) -> Iterator[ReportRow]:
        """Generate the rows; one statement, read on demand."""
        return stream_rows(table, limit=limit)


@contextmanager
def open_register(*, user: User, on: date) -> Iterator[InformationRegister]:
    """Open the register of everything that `user` can view: for organisation roles the
    organisation, for other users the functions of their teams' applications and the parties behind
    them, without the contracts. Eleven relations with one statement each, for any portfolio."""
    teams = visible_team_ids(user)
    params: dict[str, Any] = {
        "on": on,
        "statuses": [str(status) for status in Application.IN_SCOPE],
        "teams": None if teams is None else list(teams),
        "office": user.can_read_all,
    }
    with report_relations(RELATIONS, params):
        yield InformationRegister()
