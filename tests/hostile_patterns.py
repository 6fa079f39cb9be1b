"""Every regular expression of the product, and texts made to keep each of them busy.

A pattern is hostile input's best friend where it looks at the same signs again and again: a search
that begins anew at every sign and runs to the end each time, or quantifiers that share the signs
between them in every possible way. Both show in texts made of the pattern's own parts, which is
what `hostile_texts` makes.
"""

import ast
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from types import FunctionType, ModuleType
from typing import Any

from django.apps import apps as installed
from django.core.validators import RegexValidator
from django.urls import get_resolver

import apps
import registry
import tools.worked_portfolios

CHECKOUT = Path(apps.__file__).resolve().parent.parent
_NOT_IMPORTED = (".migrations",)
_MOST_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class UsedPattern:
    pattern: "re.Pattern[Any]"
    where: str

    def __str__(self) -> str:
        return f"{self.where} {self.pattern.pattern!r}"


# --- finding them ---------------------------------------------------------------------------------


def product_patterns() -> list[UsedPattern]:
    """Every pattern once: in modules, classes, containers, functions, validators of models, and
    addresses."""
    found: dict[tuple[Any, int], UsedPattern] = {}
    seen: set[int] = set()

    def keep(pattern: "re.Pattern[Any]", where: str) -> None:
        found.setdefault((pattern.pattern, pattern.flags), UsedPattern(pattern, where))

    for module in product_modules():
        for name, value in list(vars(module).items()):
            for pattern in _patterns_in(value, module.__name__, seen):
                keep(pattern, f"{module.__name__}.{name}")
    for path in source_files():
        for call in pattern_calls(path):
            if call.pattern is not None:
                keep(call.pattern, f"{path.relative_to(CHECKOUT)}:{call.line}")
    for model in installed.get_models():
        if model.__module__.startswith(("apps.", "registry.")):
            for field in model._meta.get_fields():
                for validator in getattr(field, "validators", ()):
                    if isinstance(validator, RegexValidator):
                        keep(
                            re.compile(validator.regex.pattern, validator.flags),
                            f"{model.__name__}.{field.name}",
                        )
    shapes: set[str] = set()
    for pattern in _address_patterns(get_resolver()):
        # addresses differ in their words; of each shape one
        shape = re.sub(r"\?P<\w+>|[a-z]{2,}", "", pattern.pattern)
        if shape not in shapes:
            keep(pattern, f"address {pattern.pattern}")
        shapes.add(shape)
    return list(found.values())


def product_modules() -> list[ModuleType]:
    return [
        import_module(info.name)
        # worked portfolios are files from outside
        for package in (apps, registry, tools.worked_portfolios)
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not any(part in info.name for part in _NOT_IMPORTED)
    ]


def source_files() -> list[Path]:
    folders = ("apps", "registry", "tools/worked_portfolios")
    paths = [path for folder in folders for path in sorted((CHECKOUT / folder).rglob("*.py"))]
    return [path for path in paths if "migrations" not in path.parts]


def _patterns_in(value: Any, module: str, seen: set[int]) -> "Iterator[re.Pattern[Any]]":
    if isinstance(value, re.Pattern):
        yield value
        return
    if isinstance(value, str | bytes | int | float | ModuleType | None) or id(value) in seen:
        return
    seen.add(id(value))
    for inner in _parts_of(value, module):
        yield from _patterns_in(inner, module, seen)


def _parts_of(value: Any, module: str) -> list[Any]:
    match value:
        case Mapping():
            return [*value.keys(), *value.values()]
        case tuple() | list() | set() | frozenset():
            return list(value)
        case RegexValidator():
            return [re.compile(value.regex.pattern, value.flags)]
        case partial():
            return [value.func, *value.args, *value.keywords.values()]
        case FunctionType() if value.__module__ == module:
            cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
            return [*cells, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        case type() if value.__module__ == module:
            return list(vars(value).values())
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in fields(value)]
    if type(value).__module__.startswith(("apps.", "registry.")):
        return list(getattr(value, "__dict__", {}).values())
    return []


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _address_patterns(resolver: Any) -> "Iterator[re.Pattern[Any]]":
    """Of the product's own pages; what libraries add is theirs."""
    for one in resolver.url_patterns:
        if hasattr(one, "url_patterns"):
            yield from _address_patterns(one)
        elif one.callback.__module__.startswith(("apps.", "registry.")):
            yield one.pattern.regex


@dataclass(frozen=True, slots=True)
class PatternCall:
    """A call such as `re.sub(...)` in the source. `pattern` is None where its text is made when the
    call runs."""

    line: int
    function: str
    pattern: "re.Pattern[Any] | None"
    is_inside_function: bool


_OF_RE = frozenset(
    {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
)


def pattern_calls(path: Path) -> list[PatternCall]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls: list[PatternCall] = []

    def look(node: ast.AST, *, inside: bool) -> None:
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise AssertionError(
                f"{path}:{node.lineno} imports out of re: write re.compile, so that it is seen "
                "here."
            )
        if isinstance(node, ast.Call) and (function := _function_of_re(node.func)):
            calls.append(
                PatternCall(node.lineno, function, _literal(node.args[0], _flags(node)), inside)
            )
        inner = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            look(child, inside=inner)

    look(tree, inside=False)
    return calls


def _function_of_re(node: ast.expr) -> str:
    is_of_re = (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "re"
    )
    return node.attr if is_of_re and isinstance(node, ast.Attribute) and node.attr in _OF_RE else ""


def _flags(call: ast.Call) -> int:
    places = {
        "compile": 1,
        "search": 2,
        "match": 2,
        "fullmatch": 2,
        "findall": 2,
        "finditer": 2,
        "split": 3,
    }
    assert isinstance(call.func, ast.Attribute)
    place = places.get(call.func.attr, 4)
    given = [word.value for word in call.keywords if word.arg == "flags"] + call.args[
        place : place + 1
    ]
    return int(eval(ast.unparse(given[0]), {"re": re})) if given else 0


def _literal(node: ast.expr, flags: int) -> "re.Pattern[Any] | None":
    try:
        text = ast.literal_eval(node)
    except ValueError:
        return None
    return re.compile(text, flags)


# --- texts to keep them busy ----------------------------------------------------------------------

_USUAL_UNITS = (
    " ",
    "\t",
    "\n",
    "a",
    "1",
    "(",
    "[",
    '"',
    "'",
    "-",
    ".",
    ",",
    "/",
    "<a ",
    "a ",
    "1 ",
    "a-",
    "1.",
    "a1",
)
_TAILS = ("", "!", "\n")


def hostile_units(pattern: "re.Pattern[Any]") -> list[tuple[str, str]]:
    """(what stands in front once, what is repeated)."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    tops = list(tree)
    units: dict[tuple[str, str], None] = {}
    prefix = ""
    for node in tops:
        for sample in _samples(node):
            units["", prefix + sample] = None
        for unit in _repeated(node):
            units[prefix, unit] = None
            units["", prefix + unit] = None
            units["", unit] = None
        prefix += next(iter(_samples(node)), "")
    for unit in [unit for _, unit in units]:
        # signs that a neighbour may take as well
        if len(unit) == 1:
            units["", f"{unit} "] = None
    for unit in _USUAL_UNITS:
        units["", unit] = None
    return [(front, unit) for front, unit in units if unit]


def hostile_texts(pattern: "re.Pattern[Any]", n_bytes: int, front: str, unit: str) -> list[Any]:
    """`front`, then `unit` up to this size, with ends that the pattern may not expect."""
    body = (front + unit * (n_bytes // len(unit) + 1))[:n_bytes]
    texts = [body + tail for tail in _TAILS]
    if isinstance(pattern.pattern, bytes):
        return [text.encode("latin-1", "replace") for text in texts]
    return texts


def _samples(node: Any) -> list[str]:
    """Texts that this part of a pattern takes, the shortest first; empty ones left out."""
    code, value = node
    match str(code):
        case "LITERAL":
            return [chr(value)]
        case "NOT_LITERAL":
            return [sign for sign in "a 1" if ord(sign) != value][:1]
        case "ANY":
            return ["a"]
        case "IN":
            return _members(value)[:2]
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, _, inner = value
            return [sample * max(low, 1) for sample in _sequence(inner)]
        case "SUBPATTERN":
            return _sequence(value[-1])
        case "ATOMIC_GROUP":
            return _sequence(value)
        case "BRANCH":
            return [sample for branch in value[1] for sample in _sequence(branch)[:1]][
                :_MOST_SAMPLES
            ]
    return []


def _sequence(nodes: Any) -> list[str]:
    samples = [""]
    for node in nodes:
        options = _samples(node) or [""]
        samples = [sample + option for sample in samples for option in options][:_MOST_SAMPLES]
    return [sample for sample in dict.fromkeys(samples) if sample]


def _members(value: Any) -> list[str]:
    """Signs of a class: of each range its first, of each category one."""
    signs = "a1 .-_'\",(<\n\tA:/=+%é"
    matching = [sign for sign in signs if any(_is_member(part, sign) for part in value)]
    if value and str(value[0][0]) == "NEGATE":
        return [sign for sign in signs if sign not in matching]
    ranges = [
        chr(part[1] if str(part[0]) == "LITERAL" else part[1][0])
        for part in value
        if str(part[0]) in {"LITERAL", "RANGE"}
    ]
    return list(dict.fromkeys([*matching, *ranges]))


def _members_of(node: Any) -> list[str]:
    code, value = node
    match str(code):
        case "IN":
            return _members(value)[:5]
        case "NOT_LITERAL":
            return [sign for sign in 'a 1-"' if ord(sign) != value]
        case "ANY":
            return list('a 1-"')
    return []


def _is_member(part: Any, sign: str) -> bool:
    code, value = part
    match str(code):
        case "LITERAL":
            return bool(value == ord(sign))
        case "RANGE":
            return bool(value[0] <= ord(sign) <= value[1])
        case "CATEGORY":
            classes = {
                "CATEGORY_DIGIT": r"\d",
                "CATEGORY_NOT_DIGIT": r"\D",
                "CATEGORY_SPACE": r"\s",
                "CATEGORY_NOT_SPACE": r"\S",
                "CATEGORY_WORD": r"\w",
                "CATEGORY_NOT_WORD": r"\W",
            }
            return re.match(classes[str(value)], sign) is not None
    return False


def _repeated(node: Any) -> Iterator[str]:
    """What stands under a quantifier, at any depth; a few members of each class."""
    code, value = node
    match str(code):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            inner = value[2]
            if value[1] > 1:
                yield from _sequence(inner)
                for part in inner:
                    yield from _members_of(part)
            for part in inner:
                yield from _repeated(part)
        case "SUBPATTERN":
            yield from _repeated_in(value[-1])
        case "ATOMIC_GROUP":
            yield from _repeated_in(value)
        case "BRANCH":
            for branch in value[1]:
                yield from _repeated_in(branch)
        case "ASSERT" | "ASSERT_NOT":
            yield from _repeated_in(value[1])


def _repeated_in(nodes: Any) -> Iterator[str]:
    prefix = ""
    for node in nodes:
        for unit in _repeated(node):
            yield unit
            if prefix:
                yield prefix + unit
        prefix += next(iter(_samples(node)), "")
