"""Functions drawn at random, for a reader who grades how easily each is understood."""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SEED = 20_261_128
N_DRAWN = 30
MIN_LINES = 6


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: `place` is its file and line, `name` with its classes."""

    place: str
    name: str
    code: str


def functions(checkout: Path = CHECKOUT) -> list[Function]:
    """Give every function of MIN_LINES lines or more in apps/ and registry/, without migrations."""
    return [
        function
        for folder in ("apps", "registry")
        for path in sorted((checkout / folder).rglob("*.py"))
        if "migrations" not in path.parts
        for function in _functions_in(path, path.relative_to(checkout).as_posix())
    ]


def drawn(n: int = N_DRAWN, seed: int = SEED) -> list[Function]:
    """Draw `n` of them, the same ones for the same code."""
    by_name = sorted(
        functions(), key=lambda function: (function.place.partition(":")[0], function.name)
    )
    return random.Random(seed).sample(by_name, n)  # noqa: S311 - nothing secret


def _functions_in(path: Path, name: str) -> Iterator[Function]:
    text = path.read_text()
    lines = text.splitlines()

    def walk(node: ast.AST, owner: str) -> Iterator[Function]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from walk(child, f"{owner}{child.name}.")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                first_line = min(
                    [child.lineno, *(decorator.lineno for decorator in child.decorator_list)]
                )
                last_line = child.end_lineno or child.lineno
                if last_line - child.lineno + 1 >= MIN_LINES:
                    code = "\n".join(lines[first_line - 1 : last_line])
                    yield Function(f"{name}:{child.lineno}", f"{owner}{child.name}", code)
                yield from walk(child, f"{owner}{child.name}.")
            else:
                yield from walk(child, owner)

    yield from walk(ast.parse(text), "")
