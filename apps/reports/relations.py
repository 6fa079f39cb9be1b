"""Report relations: temporary tables of one transaction, so that every query is one plain
statement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.reports.tables import (
    EntryPlace,
    FillRate,
    ReportColumn,
    ReportGap,
    ReportRow,
    ReportTable,
    build_row,
)

# rows per fetch of a streaming query
FETCH_BATCH_SIZE = 2000

_REFERENCE_COLUMNS = {
    EntryPlace.APPLICATION: "t.at_application",
    EntryPlace.EXIT_PLAN: "t.at_application",
    EntryPlace.STATEMENT: "t.at_application",
    EntryPlace.EVIDENCE: "t.at_application",
    EntryPlace.QUESTIONS: "t.at_application",
    EntryPlace.PROVIDER: "t.at_provider",
    EntryPlace.CONTRACT: "coalesce(t.at_contract, t.at_provider)",
    EntryPlace.DOCUMENTS: "t.at_foundation",
    EntryPlace.DECISION: "t.at_foundation",
    EntryPlace.IDENTITY: "t.at_offering",
    EntryPlace.ORGANISATION: "NULL::bigint",
}

_MISSING = """
-- the gaps of each row, counted by the record that has to be completed
WITH gap AS (
    SELECT CASE WHEN e.place = 'contract' AND e.no_contract THEN 'no_contract'
        ELSE e.place END AS place, e.ref, e.code,
           count(*) AS n
    FROM {relation} t CROSS JOIN LATERAL (VALUES {gaps}) AS e(code, place, ref, no_contract, gone)
    WHERE e.gone
    GROUP BY 1, 2, 3
)
SELECT m.place, m.ref, array_agg(m.code ORDER BY m.code), sum(m.n)::bigint,
       coalesce(p.slug, a.slug, f.slug, ''),
       coalesce(p.name, k.ref || ' with ' || kp.name, a.name, f.name, o.api_id, ''), a.criticality
FROM gap m
LEFT JOIN catalog_provider p ON m.place IN ('provider', 'no_contract') AND p.id = m.ref
LEFT JOIN inventory_contract k ON m.place = 'contract' AND k.id = m.ref
LEFT JOIN catalog_provider kp ON kp.id = k.party_id
LEFT JOIN inventory_application a
    ON m.place IN ('application', 'exit_plan', 'statement', 'evidence', 'questions')
        AND a.id = m.ref
LEFT JOIN catalog_foundation f ON m.place IN ('documents', 'decision') AND f.id = m.ref
LEFT JOIN catalog_offering o ON m.place = 'identity' AND o.id = m.ref
GROUP BY m.place, m.ref, p.slug, p.name, k.ref, kp.name, a.slug, a.name, f.slug, f.name, o.api_id,
    a.criticality
-- gaps without an application first, then by criticality and number
ORDER BY a.criticality NULLS FIRST, 4 DESC, m.place, 6, m.ref
LIMIT %(limit)s
"""


@contextmanager
def report_relations(statements: Mapping[str, str], params: Mapping[str, Any]) -> Iterator[None]:
    """Create one temporary table per relation, in this order, and drop them at the end; in one
    transaction, and sent together."""
    names = ", ".join(reversed(list(statements)))
    creation = [
        f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {select.rstrip().rstrip(';')};"
        f"\nANALYZE {name}"
        for name, select in statements.items()
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(";\n".join([f"DROP TABLE IF EXISTS {names}", *creation]), params)
        yield
        cursor.execute(f"DROP TABLE IF EXISTS {names}")


def measure_fill(table: ReportTable) -> FillRate:
    """Return the fill rate; one statement."""
    column_counts = [
        f"count(t.c{column.code}), count(*) FILTER (WHERE t.c{column.code} IS NULL AND "
        f"t.h{column.code} IS NULL)"
        for column in table.columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), {', '.join(column_counts)} FROM {table.relation} t")
        n_rows, *counts = cursor.fetchone()
    by_column = {
        column.code: (counts[2 * index], counts[2 * index + 1])
        for index, column in enumerate(table.columns)
    }
    return FillRate(
        n_rows=n_rows,
        n_filled=sum(n_filled for n_filled, _ in by_column.values()),
        n_missing=sum(n_missing for _, n_missing in by_column.values()),
        by_column=by_column,
    )


def find_gaps(table: ReportTable, *, limit: int) -> list[ReportGap]:
    """Return the records with missing fields and where to enter them, those of the highest
    criticality and with the most cells first; one statement."""
    by_code = {column.code: column for column in table.columns}
    gaps = [
        f"('{column.code}', '{column.place}', "
        f"{f't.at_{column.at}' if column.at else _REFERENCE_COLUMNS[column.place]}, "
        f"{'t.at_contract IS NULL' if column.place == EntryPlace.CONTRACT else 'false'}, "
        f"t.c{column.code} IS NULL AND t.h{column.code} IS NULL)"
        for column in table.columns
        if column.place is not None
    ]
    if not gaps:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _MISSING.format(relation=table.relation, gaps=", ".join(gaps)), {"limit": limit}
        )
        return [
            ReportGap(
                EntryPlace(entry_place),
                ref,
                slug,
                name,
                tuple((table, by_code[code]) for code in codes),
                n,
                criticality,
            )
            for entry_place, ref, codes, n, slug, name, criticality in cursor.fetchall()
        ]


def stream_rows(
    table: ReportTable, *, limit: int | None = None, where_clause: str = ""
) -> Iterator[ReportRow]:
    """Yield the rows in order, fetched while they are read, with constant memory. Only inside
    `report_relations`."""
    select = (
        f"SELECT {_columns_sql(table.columns)} FROM {table.relation} t {where_clause} ORDER BY t.n"
    )
    if limit is not None:
        select += f" LIMIT {int(limit)}"
    with connection.chunked_cursor() as cursor:
        cursor.execute(select)
        while batch := cursor.fetchmany(FETCH_BATCH_SIZE):
            for row in batch:
                yield build_row(table.columns, row)


def stream_records(table: ReportTable) -> Iterator[dict[str, Any]]:
    """Yield the rows in order as the relation has them: values `c<code>`, notes `h<code>` and
    references `at_...` by column, without labels. Only inside `report_relations`."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT t.* FROM {table.relation} t ORDER BY t.n")
        while batch := cursor.fetchmany(FETCH_BATCH_SIZE):
            names = [column.name for column in cursor.description]
            for row in batch:
                yield dict(zip(names, row, strict=True))


def _columns_sql(columns: Sequence[ReportColumn]) -> str:
    values, explanations = (
        (f"t.c{column.code}" for column in columns),
        (f"t.h{column.code}" for column in columns),
    )
    return ", ".join([*values, *explanations, "t.about"])
