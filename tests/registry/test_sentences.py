"""Sentences are for readers and may be reworded: the program compares and queries codes."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# two words at least, as people write them; columns, paths and formats have no such spaces
_SENTENCE = re.compile(r"^[^<>{}()=;/]*[A-Za-z]{2,} +[a-z]{2,}")
_LOOKUPS = re.compile(
    r"__(i?exact|i?contains|i?startswith|i?endswith|i?regex|in|has_key|has_any_keys)$"
)
_QUERIES = frozenset({"filter", "exclude", "get", "get_or_create", "Q", "When"})
_TEXT_METHODS = frozenset(
    {
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "replace",
        "partition",
        "rpartition",
        "split",
        "rsplit",
        "find",
        "rfind",
        "index",
        "count",
    }
)
_IN_SQL = re.compile(
    r"(?:=|<>|!=|~|\bLIKE|\bIN \(|\bstarts_with\([^,]+,|\bposition\()\s*'([^']*)'", re.I
)
_IN_TEMPLATE = re.compile(r"\{%\s*(?:el)?if\s+(.*?)%\}", re.S)
_LITERAL = re.compile(r"\"([^\"]*)\"|'([^']*)'")

# what others write, and is theirs to word; and names that only look like sentences
ALLOWED = {
    ("apps/feeds/parsers/dates.py", "all regions"),  # of a feed
    ("apps/feeds/parsers/dates.py", "all region"),
    ("apps/feeds/parsers/deprecations_info.py", "google model"),
    ("apps/feeds/incidents/syndication.py", "affected components"),  # of status pages
    ("apps/intake/readers/cyclonedx/scanners.py", "dependency files"),  # of scanners
    # the service category of the FOCUS specification
    ("apps/intake/readers/focus/reader.py", "AI and Machine Learning"),
    ("apps/risks/evaluations/garak.py", "start_run setup"),
    ("apps/alerts/unsubscribe_links.py", "unsubscribe link"),  # the name of a job in the history
    # the driver has no other sign of a connection that was closed
    ("apps/common/postgresql/errors.py", "closed"),
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources() -> list[Path]:
    return [
        path
        for folder in ("apps", "registry")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def is_sentence(text: object) -> bool:
    return isinstance(text, str) and bool(_SENTENCE.match(text))


class Names:
    """The sentences behind the names of one module: its own constants and those it imports."""

    def __init__(self, path: Path) -> None:
        self.constants: dict[str, ast.expr] = {}
        self.modules: dict[str, Path] = {}
        for node in tree_of(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.constants[target.id] = node.value
        for found in ast.walk(tree_of(path)):
            if isinstance(found, ast.ImportFrom) and found.module:
                self._import(found)

    def _import(self, node: ast.ImportFrom) -> None:
        folder = ROOT / Path(*str(node.module).split("."))
        for alias in node.names:
            name = alias.asname or alias.name
            if (module := folder / f"{alias.name}.py").is_file():
                self.modules[name] = module
            elif (module := folder.with_suffix(".py")).is_file():
                value = own_constants(module).get(alias.name)
                if value is not None:
                    self.constants[name] = value

    def sentences(self, node: ast.AST | None) -> list[str]:
        """The sentences that an expression stands for: itself, or the members of a collection."""
        match node:
            case ast.Constant(value=str(text)):
                return [text] if is_sentence(text) else []
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                return [text] if is_sentence(text) else []
            case ast.List(elts=members) | ast.Tuple(elts=members) | ast.Set(elts=members):
                return [text for member in members for text in self.sentences(member)]
            case ast.Dict(keys=members):
                return [text for member in members for text in self.sentences(member)]
            case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple"), args=[members]):
                return self.sentences(members)
            case ast.Name(id=name) if name in self.constants:
                value = self.constants[name]
                return [] if isinstance(value, ast.Name) else self.sentences(value)
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in self.modules:
                return self.sentences(own_constants(self.modules[module]).get(name))
        return []


@cache
def own_constants(path: Path) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in tree_of(path).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _is_message(node: ast.AST, errors: set[str]) -> bool:
    """`str(error)`, `error.args[0]` or `error.messages` of an exception that was caught."""
    match node:
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]):
            return name in errors
        case ast.Subscript(value=inner):
            return _is_message(inner, errors)
        case ast.Attribute(
            value=ast.Name(id=name), attr="args" | "messages" | "message" | "detail"
        ):
            return name in errors
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "strip" | "casefold")):
            return _is_message(inner, errors)
    return False


def compared_sentences(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each sentence that the module compares, asks for, or takes apart."""
    tree, names = tree_of(path), Names(path)
    errors = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name
    } | {
        argument.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.arguments)
        for argument in node.args
        if argument.annotation is not None
        and re.search(r"(Error|Exception)\b", ast.unparse(argument.annotation))
    }
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                found = [text for side in sides for text in names.sentences(side)]
                if any(_is_message(side, errors) for side in sides):
                    found += [
                        side.value
                        for side in sides
                        if isinstance(side, ast.Constant) and isinstance(side.value, str)
                    ]
            case ast.MatchValue(value=value):
                found = names.sentences(value)
            case ast.Call(func=function, args=arguments, keywords=keywords):
                found = []
                name = getattr(function, "attr", getattr(function, "id", ""))
                for keyword in keywords:
                    if keyword.arg and (_LOOKUPS.search(keyword.arg) or name in _QUERIES):
                        found += names.sentences(keyword.value)
                if isinstance(function, ast.Attribute) and name in _TEXT_METHODS and arguments:
                    found += names.sentences(arguments[0])
                    if _is_message(function.value, errors) and name != "split":
                        found.append(ast.unparse(arguments[0]))
            case ast.Constant(value=str(text)):
                found = [literal for literal in _IN_SQL.findall(text) if is_sentence(literal)]
            case _:
                continue
        yield from ((node.lineno if hasattr(node, "lineno") else 0, text) for text in found)


def test_no_sentence_is_compared_or_asked_for() -> None:
    found = {
        (str(path.relative_to(ROOT)), text)
        for path in sources()
        for _, text in compared_sentences(path)
    }

    assert sorted(found - ALLOWED) == [], "compare a code, and give an exception its `field`"
    assert sorted(ALLOWED - found) == [], "no longer compared: take it off the list"


def test_no_template_decides_by_a_sentence() -> None:
    found = []
    for path in sorted((ROOT / "templates").rglob("*")):
        if not path.is_file():
            continue
        for condition in _IN_TEMPLATE.findall(path.read_text()):
            literals = ["".join(pair) for pair in _LITERAL.findall(condition)]
            found += [(path.name, text) for text in literals if is_sentence(text)]

    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'rows.filter(reason__startswith="Price jumps")',
        'rows.filter(skipped__in=["It was resolved."])',
        'rows.exclude(why="Somebody answered.")',
        'GONE = "It has gone."\nif why == GONE: pass',
        'GONE = frozenset({"It has gone."})\nif why in GONE: pass',
        'said.replace("has expired", "have expired", 1)',
        'try: pass\nexcept ValueError as refused:\n    x = "zone" in str(refused)',
        'try: pass\nexcept ValueError as refused:\n    x = refused.args[0] == "zone"',
        'try: pass\nexcept ValueError as refused:\n    x = str(refused).startswith("zone")',
        'match why:\n    case "It has gone.": pass',
        "SQL = \"UPDATE t SET x = '' WHERE reason LIKE 'Price jumps%'\"",
    ],
)
def test_a_compared_sentence_is_found(code: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(code)

    assert list(compared_sentences(module))


@pytest.mark.parametrize(
    "code",
    [
        'rows.filter(code="price_jump")',
        'message = "It has gone."',
        'raise BadWish("It has gone.", field="hour")',
        'if state == "open": pass',
        'kind.startswith("varchar")',
        "SQL = \"SELECT 1 WHERE state = 'open' AND kind = 'seen'\"",
    ],
)
def test_a_code_is_no_sentence(code: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(code)

    assert list(compared_sentences(module)) == []
