"""Filters of SCIM (RFC 7644, section 3.4.2.2): read into a tree, and matched against a value. Plain
Python."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.accounts.provisioning.errors import ScimError, ScimType, invalid

MAX_FILTER_LENGTH = 2_000
MAX_DEPTH = 20
COMPARISONS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_PRESENT = "pr"
_TOKEN = re.compile(r'\s{0,100}(?:([()\[\]])|("(?:[^"\\]|\\.){0,1000}")|([^\s()\[\]"]{1,400}))')


@dataclass(frozen=True, slots=True)
class Comparison:
    """`attribute operator value`; the attribute is in lower case and without a schema. The operator
    `pr` has no value."""

    attribute: str
    operator: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Combination:
    """All (`and`), any (`or`), or the negation (`not`) of `parts`."""

    operator: str
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """`attribute[filter]`: some value of a multi-valued attribute matches."""

    attribute: str
    condition: "Filter"


type Filter = Comparison | Combination | ValueFilter


def read_filter(text: str) -> Filter:
    """Return the tree of a filter. Raises ScimError with `invalidFilter`."""
    if len(text) > MAX_FILTER_LENGTH:
        raise _wrong(f"A filter can have at most {MAX_FILTER_LENGTH} characters.")
    parser = _Parser(list(_tokens(text)))
    tree = parser.read_or(0)
    if parser.current is not None:
        raise _wrong(f"The filter has an unexpected “{parser.current[:40]}”.")
    return tree


def attribute_name(text: str) -> str:
    """Return an attribute in lower case, without the schema that qualifies it:
    `urn:ietf:params:scim:schemas:core:2.0:User:userName` is `username`."""
    name = text.lower()
    # the version in a schema contains a dot, and an attribute no colon
    return name.rpartition(":")[2] if name.startswith("urn:") else name


def matches(condition: Filter, value: Mapping[str, Any]) -> bool:
    """Return whether one value of a multi-valued attribute matches a filter. Texts are compared
    without case."""
    match condition:
        case Combination("not", (part,)):
            return not matches(part, value)
        case Combination("and", parts):
            return all(matches(part, value) for part in parts)
        case Combination(_, parts):
            return any(matches(part, value) for part in parts)
        case Comparison():
            return _compares(condition, value)
    raise _wrong("A filter of values cannot contain another one in brackets.")


def _compares(comparison: Comparison, value: Mapping[str, Any]) -> bool:
    found = next(
        (each for name, each in value.items() if name.lower() == comparison.attribute), None
    )
    if comparison.operator == _PRESENT:
        return found not in (None, "", [])
    wanted, found = _folded(comparison.value), _folded(found)
    if comparison.operator in {"eq", "ne"}:
        return bool(found == wanted) is (comparison.operator == "eq")
    if not isinstance(wanted, str) or not isinstance(found, str):
        return False
    return _TEXT_COMPARISONS[comparison.operator](found, wanted)


_TEXT_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "co": lambda found, wanted: wanted in found,
    "sw": lambda found, wanted: found.startswith(wanted),
    "ew": lambda found, wanted: found.endswith(wanted),
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _tokens(text: str) -> Iterator[str]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise _wrong("The filter has a text without an end.")
        yield found[1] or found[2] or found[3]
        position = found.end()


class _Parser:
    """Descends by precedence: `or`, `and`, `not` and parentheses."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._position = tokens, 0

    @property
    def current(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> str:
        token = self.current
        if token is None:
            raise _wrong("The filter is incomplete.")
        self._position += 1
        return token

    def _expect(self, text: str) -> None:
        if self._next() != text:
            raise _wrong(f"The filter lacks a “{text}”.")

    def _is_word(self, word: str) -> bool:
        return self.current is not None and self.current.lower() == word

    def read_or(self, depth: int) -> Filter:
        parts = [self._read_and(depth)]
        while self._is_word("or"):
            self._next()
            parts.append(self._read_and(depth))
        return parts[0] if len(parts) == 1 else Combination("or", tuple(parts))

    def _read_and(self, depth: int) -> Filter:
        parts = [self._read_part(depth)]
        while self._is_word("and"):
            self._next()
            parts.append(self._read_part(depth))
        return parts[0] if len(parts) == 1 else Combination("and", tuple(parts))

    def _read_part(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise _wrong("The filter has too many parentheses.")
        if self._is_word("not"):
            self._next()
            return Combination("not", (self._read_group("(", ")", depth),))
        if self.current == "(":
            return self._read_group("(", ")", depth)
        name = attribute_name(self._next())
        if not name.replace(".", "").replace("$", "").replace("_", "").replace("-", "").isalnum():
            raise _wrong(f"“{name[:40]}” is not an attribute.")
        if self.current == "[":
            return ValueFilter(name, self._read_group("[", "]", depth))
        operator = self._next().lower()
        if operator == _PRESENT:
            return Comparison(name, operator)
        if operator not in COMPARISONS:
            raise _wrong(f"“{operator[:40]}” is not an operator of a filter.")
        return Comparison(name, operator, self._read_value())

    def _read_group(self, opening: str, closing: str, depth: int) -> Filter:
        self._expect(opening)
        tree = self.read_or(depth + 1)
        self._expect(closing)
        return tree

    def _read_value(self) -> Any:
        token = self._next()
        try:
            # as in JSON; some providers write True and False
            return orjson.loads(token if token.startswith('"') else token.lower())
        except orjson.JSONDecodeError:
            raise _wrong(f"“{token[:40]}” is not a value. Write texts in quotes.") from None


def _wrong(sentence: str) -> ScimError:
    return invalid(sentence, ScimType.INVALID_FILTER)
