"""Statements from files, composed from parts, with rows by name."""

from dataclasses import dataclass

import pytest
from psycopg.sql import Identifier

from apps.common.database import statements
from apps.common.database.statements import compose_statement, fetch_rows, load_statement


@dataclass(frozen=True, slots=True)
class Total:
    name: str
    n: int


def test_a_statement_is_read_from_its_file_without_its_comments() -> None:
    statement = load_statement("catalog", "definitions/node_kind")
    assert statement.startswith("CREATE OR REPLACE FUNCTION node_kind")
    assert "--" not in statement


def test_a_comment_behind_a_line_and_a_dash_inside_a_text_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    class Folder:
        def __truediv__(self, _part: str) -> "Folder":
            return self

        def read_text(self, encoding: str) -> str:
            return "-- says what it is\nSELECT 'a -- b'\n    -- why\n    , 1 -- one\n"

    load_statement.cache_clear()
    monkeypatch.setattr(statements, "files", lambda _package: Folder())
    assert load_statement("any", "thing") == "SELECT 'a -- b'\n    , 1 -- one\n"
    load_statement.cache_clear()


def test_parts_take_the_place_of_their_names_and_identifiers_are_quoted() -> None:
    statement = compose_statement(
        "SELECT '{{}}', %(n)s FROM {table} t {where}",
        table=Identifier('odd "name"'),
        where="WHERE t.n > %(n)s",
    )
    assert statement == 'SELECT \'{}\', %(n)s FROM "odd ""name""" t WHERE t.n > %(n)s'


def test_a_part_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="where"):
        compose_statement("SELECT 1 {where}")


@pytest.mark.django_db
@pytest.mark.parametrize("prepared", [False, True])
def test_rows_come_by_the_names_of_their_columns(prepared: bool) -> None:
    statement = "SELECT %(n)s::int AS n, 'a' AS name UNION ALL SELECT 2, 'b' ORDER BY name"
    assert fetch_rows(Total, statement, {"n": 1}, prepared=prepared) == [
        Total("a", 1),
        Total("b", 2),
    ]


@pytest.mark.django_db
def test_a_column_that_the_row_has_no_field_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="extra"):
        fetch_rows(Total, "SELECT 'a' AS name, 1 AS n, 2 AS extra")
