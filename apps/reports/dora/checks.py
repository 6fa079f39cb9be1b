"""The four rules on which the European supervisory authorities reject a register: 805 to 808."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.reports.dora.templates import FOREIGN_KEYS
from apps.reports.tables import Fill, Table


class Rule(StrEnum):
    EMPTY_KEY = "805"
    DUPLICATE_KEY = "806"
    FOREIGN_KEY = "807"
    FILING_INDICATOR = "808"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on one template (and column): `n` rows break it. `code` is the column, empty for a whole template."""

    rule: Rule
    table: Table
    code: str
    n: int
    sentence: str

    @property
    def passes(self) -> bool:
        return self.n == 0


def checks_of(tables: Sequence[Table], fills: dict[str, Fill]) -> list[Check]:
    """Inside the register's relations; one statement. What does not apply is no empty key; empty values are no
    duplicates and refer to nothing, since rule 805 has them already."""
    asked: list[tuple[Rule, Table, str, str, str]] = []
    for table in tables:
        asked += [(Rule.EMPTY_KEY, table, column.code, "", _empty(table, column.code)) for column in table.keys]
        asked.append((Rule.DUPLICATE_KEY, table, "", "", _duplicates(table)))
    known = {table.relation for table in tables}
    for child, column, parent, target in FOREIGN_KEYS:
        if child.relation in known and parent.relation in known:
            asked.append(
                (Rule.FOREIGN_KEY, child, column, f"{parent.code}.{target}", _orphans(child, column, parent, target))
            )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT {at} AS at, ({sql}) AS n" for at, (*_x, sql) in enumerate(asked)))
        counts: dict[int, int] = dict(cursor.fetchall())
    found = [
        Check(rule, table, code, counts[at], _sentence(rule, table, code, parent, counts[at]))
        for at, (rule, table, code, parent, _sql) in enumerate(asked)
    ]
    return found + [_indicator(table, fills[table.slug]) for table in tables]


def _empty(table: Table, code: str) -> str:
    return f"SELECT count(*) FROM {table.relation} WHERE c{code} IS NULL AND h{code} IS NULL"


def _duplicates(table: Table) -> str:
    """A field that does not apply is a value of the key like any other."""
    keys = ", ".join(f"c{column.code}" for column in table.keys)
    whole = " AND ".join(f"(c{column.code} IS NOT NULL OR h{column.code} IS NOT NULL)" for column in table.keys)
    return (
        f"SELECT coalesce(sum(n - 1), 0)::bigint FROM (SELECT count(*) AS n FROM {table.relation} WHERE {whole}"
        f" GROUP BY {keys} HAVING count(*) > 1) twice"
    )


def _orphans(child: Table, column: str, parent: Table, target: str) -> str:
    return (
        f"SELECT count(*) FROM {child.relation} x WHERE x.c{column} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {parent.relation} y WHERE y.c{target} = x.c{column})"
    )


def _sentence(rule: Rule, table: Table, code: str, parent: str, n: int) -> str:
    words: dict[str, Any] = {"n": n, "field": f"{table.code}.{code}", "table": table.code, "parent": parent}
    match rule:
        case Rule.EMPTY_KEY:
            return (
                ngettext("%(n)s row without %(field)s.", "%(n)s rows without %(field)s.", n) % words
                if n
                else _("Every row has %(field)s.") % words
            )
        case Rule.DUPLICATE_KEY:
            return (
                ngettext("%(n)s row of %(table)s repeats a key.", "%(n)s rows of %(table)s repeat a key.", n) % words
                if n
                else _("No key of %(table)s stands twice.") % words
            )
        case _:
            return (
                ngettext(
                    "%(n)s row names a %(field)s that is not in %(parent)s.",
                    "%(n)s rows name a %(field)s that is not in %(parent)s.",
                    n,
                )
                % words
                if n
                else _("Every %(field)s is in %(parent)s.") % words
            )


def _indicator(table: Table, fill: Fill) -> Check:
    """The indicator follows the rows, so that it cannot contradict them; the sentence says what to file."""
    said = (
        ngettext(
            "File %(table)s as reported: it has %(n)s row.",
            "File %(table)s as reported: it has %(n)s rows.",
            fill.n_rows,
        )
        if fill.n_rows
        else _("File %(table)s as not reported: it has no rows.")
    )
    return Check(Rule.FILING_INDICATOR, table, "", 0, said % {"table": table.code, "n": fill.n_rows})
