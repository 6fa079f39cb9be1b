"""Test modules share what they need through support modules, never through each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def imported_names(source: str) -> Iterator[str]:
    """Yield the full names of what a module imports, such as `tests.http.text_of`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names
            )


def imported_test_modules(source: str) -> list[str]:
    """Return the imported names that are, or lie in, a test module or a conftest, which pytest
    loads by itself."""
    return [
        name
        for name in imported_names(source)
        if name.startswith(("tests.", "."))
        and any(part.startswith("test_") or part == "conftest" for part in name.split("."))
    ]


def test_no_module_of_the_tests_imports_a_test_module() -> None:
    importers = {
        str(path.relative_to(CHECKOUT)): names
        for path in sorted((CHECKOUT / "tests").rglob("*.py"))
        if (names := imported_test_modules(path.read_text()))
    }

    assert importers == {}, (
        "Move what they share to tests/http.py, tests/builders.py or a module beside them."
    )


@pytest.mark.parametrize(
    "statement",
    [
        "from tests.web.test_lists import text",
        "from tests.web import test_lists",
        "import tests.web.test_lists",
        "from . import test_lists",
        "from tests.web.conftest import world",
        "def late():\n    from tests.web.test_lists import text",
    ],
)
def test_every_way_to_import_a_test_module_is_seen(statement: str) -> None:
    assert imported_test_modules(statement)


def test_support_modules_and_the_test_module_of_another_project_may_be_imported() -> None:
    assert not imported_test_modules(
        "from tests.http import text_of\nfrom django.test.utils import setup_databases"
    )
