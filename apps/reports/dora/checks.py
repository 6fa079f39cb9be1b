"""DORA validation: the four rules by which the European supervisory authorities reject a register,
805 to 808."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection

from apps.common.text import pluralize
from apps.reports.dora.templates import FOREIGN_KEYS
from apps.reports.tables import FillRate, ReportTable


class CheckRule(StrEnum):
    EMPTY_KEY = "805"
    DUPLICATE_KEY = "806"
    FOREIGN_KEY = "807"
    FILING_INDICATOR = "808"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One rule on one template (and column): `n` rows violate it. `code` is the column, empty for a
    whole template."""

    rule: CheckRule
    table: ReportTable
    code: str
    n: int
    sentence: str

    @property
    def passes(self) -> bool:
        return self.n == 0


def run_checks(tables: Sequence[ReportTable], fills: dict[str, FillRate]) -> list[CheckResult]:
    """Run the checks inside the register's relations; one statement.

    A field that does not apply is not an empty key; empty values are not duplicates and refer to no
    record, since rule 805 reports them already.
    """
    conditions: list[tuple[CheckRule, ReportTable, str, str, str]] = []
    for table in tables:
        conditions += [
            (CheckRule.EMPTY_KEY, table, column.code, "", _empty_key_sql(table, column.code))
            for column in table.keys
        ]
        conditions.append((CheckRule.DUPLICATE_KEY, table, "", "", _duplicate_sql(table)))
    relations = {table.relation for table in tables}
    for child, column, parent, target in FOREIGN_KEYS:
        if child.relation in relations and parent.relation in relations:
            conditions.append(
                (
                    CheckRule.FOREIGN_KEY,
                    child,
                    column,
                    f"{parent.code}.{target}",
                    _orphan_sql(child, column, parent, target),
                )
            )
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT {at} AS at, ({sql}) AS n" for at, (*_x, sql) in enumerate(conditions)
            )
        )
        counts: dict[int, int] = dict(cursor.fetchall())
    results = [
        CheckResult(
            rule, table, code, counts[at], _describe_result(rule, table, code, parent, counts[at])
        )
        for at, (rule, table, code, parent, _sql) in enumerate(conditions)
    ]
    return results + [_filing_indicator(table, fills[table.slug]) for table in tables]


def _empty_key_sql(table: ReportTable, code: str) -> str:
    return f"SELECT count(*) FROM {table.relation} WHERE c{code} IS NULL AND h{code} IS NULL"


def _duplicate_sql(table: ReportTable) -> str:
    """Return SQL that counts duplicate keys. A field that does not apply is a key value like any
    other."""
    keys = ", ".join(f"c{column.code}" for column in table.keys)
    keys_present = " AND ".join(
        f"(c{column.code} IS NOT NULL OR h{column.code} IS NOT NULL)" for column in table.keys
    )
    return (
        f"SELECT coalesce(sum(n - 1), 0)::bigint FROM (SELECT count(*) AS n FROM {table.relation} "
        f"WHERE {keys_present}"
        f" GROUP BY {keys} HAVING count(*) > 1) twice"
    )


def _orphan_sql(child: ReportTable, column: str, parent: ReportTable, target: str) -> str:
    return (
        f"SELECT count(*) FROM {child.relation} x WHERE x.c{column} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {parent.relation} y WHERE y.c{target} = x.c{column})"
    )


def _describe_result(rule: CheckRule, table: ReportTable, code: str, parent: str, n: int) -> str:
    """Return the result of a check as a sentence: the number of rows that break the rule, or that
    none does."""
    values: dict[str, Any] = {
        "n": n,
        "field": f"{table.code}.{code}",
        "table": table.code,
        "parent": parent,
    }
    match rule:
        case CheckRule.EMPTY_KEY:
            return (
                pluralize(n, "{n} row has no {field}.", "{n} rows have no {field}.").format(
                    **values
                )
                if n
                else "Every row has {field}.".format(**values)
            )
        case CheckRule.DUPLICATE_KEY:
            return (
                pluralize(
                    n, "{n} row of {table} repeats a key.", "{n} rows of {table} repeat a key."
                ).format(**values)
                if n
                else "Keys of {table} are unique.".format(**values)
            )
        case _:
            return (
                pluralize(
                    n,
                    "{n} row names a {field} that is not in {parent}.",
                    "{n} rows name a {field} that is not in {parent}.",
                ).format(**values)
                if n
                else "Every {field} is in {parent}.".format(**values)
            )


def _filing_indicator(table: ReportTable, fill: FillRate) -> CheckResult:
    """Return the filing indicator, derived from the rows, so that it cannot contradict them; the
    sentence states what to file."""
    advice = (
        pluralize(
            fill.n_rows,
            "File {table} as reported: it has {n} row.",
            "File {table} as reported: it has {n} rows.",
        )
        if fill.n_rows
        else "File {table} as not reported: it has no rows."
    )
    return CheckResult(
        CheckRule.FILING_INDICATOR, table, "", 0, advice.format(table=table.code, n=fill.n_rows)
    )
