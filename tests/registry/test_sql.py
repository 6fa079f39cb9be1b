"""What holds for the SQL of all apps: long statements stand in files, views and functions in the
database are those of their files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.catalog.models import NodeKind
from apps.common.database.statements import load_statement

APPS = Path(__file__).resolve().parents[2] / "apps"
# a statement of so many lines stands in apps/<app>/sql/
MAX_LINES = 34
_VERB = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH RECURSIVE)\b")
_DEFINITIONS = sorted(
    (path.parents[2].name, path.stem) for path in APPS.glob("*/sql/definitions/*.sql")
)


def _sources() -> Iterator[tuple[Path, str]]:
    for path in sorted(APPS.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.relative_to(APPS.parent), path.read_text(encoding="utf-8")


def _long_statements(source: str) -> list[int]:
    """The lines on which strings with a statement of more than MAX_LINES lines begin."""
    if not _VERB.search(source):
        return []
    return sorted(
        {
            node.lineno
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant | ast.JoinedStr)
            and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_LINES
            and (not isinstance(node, ast.Constant) or isinstance(node.value, str))
            and _VERB.search(ast.get_source_segment(source, node) or "")
        }
    )


def test_long_statements_stand_in_files_of_their_own() -> None:
    places = [f"{path}:{line}" for path, source in _sources() for line in _long_statements(source)]
    assert not places, "move these to apps/<app>/sql/: " + ", ".join(places)


def test_a_long_statement_would_be_seen() -> None:
    body = "\n".join(["SELECT 1", *[f", {n}" for n in range(MAX_LINES)]])
    assert _long_statements(f'X = """{body}"""') == [1]
    assert _long_statements(f'Y = 1\nX = f"""{body} {{Y}}"""') == [2]
    assert not _long_statements(f'X = """{"SELECT 1\n" * 10}"""')


def test_every_statement_file_is_loaded_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in APPS.rglob("*.py"))
    for path in APPS.glob("*/sql/**/*.sql"):
        app, name = path.relative_to(APPS).parts[0], path.stem
        if "definitions" in path.parts:
            name = f"definitions/{name}"
        assert re.search(rf'load_statement\(\s*"{app}", "{name}"', code), path


@pytest.mark.parametrize(("app", "name"), _DEFINITIONS)
@pytest.mark.django_db
def test_the_database_has_each_view_and_function_as_its_file_says(app: str, name: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        before = _definition(cursor, name)
        cursor.execute(load_statement(app, f"definitions/{name}"))
        assert before == _definition(cursor, name), "write a migration that runs it again"


def _definition(cursor: object, name: str) -> str:
    cursor.execute(  # type: ignore[attr-defined]
        """
        SELECT pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relname = %(name)s AND c.relkind = 'v'
        UNION ALL
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %(name)s
        """,
        {"name": name},
    )
    rows = cursor.fetchall()  # type: ignore[attr-defined]
    assert len(rows) == 1, name
    return str(rows[0][0])


@pytest.mark.django_db
def test_kinds_of_nodes_have_the_same_number_in_sql_and_in_python() -> None:
    with connection.cursor() as cursor:
        for kind in NodeKind:
            cursor.execute("SELECT node_kind(%s)", [kind.name.lower()])
            assert cursor.fetchone()[0] == kind


def test_sql_speaks_of_kinds_of_nodes_that_there_are() -> None:
    names = {kind.name.lower() for kind in NodeKind}
    texts = [*_sources(), *((path, path.read_text()) for path in APPS.glob("*/sql/**/*.sql"))]
    used = {name for _, text in texts for name in re.findall(r"node_kind\('(\w+)'\)", text)}
    assert used
    assert used <= names
