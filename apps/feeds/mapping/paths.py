"""Path language (a JSONPath-like query syntax) in which a mapping refers to values in a JSON
document. Nothing is evaluated.

    model.id                     names, one inside the other
    ["model.id"]                 a name with dots, spaces or signs in it
    models[*]   providers.*      every element of a list, every value of a map
    models[0]                    one element of a list
    replacements[recommended=true].model      the elements of a list with that value
    @key   @key1                 the key of the row in its map; of the first `*` or `[*]` on the way
    to the rows
    @1.name                      a name in the value of the first `*` or `[*]` of the rows' path
    'openai'                     literal text
    provider + '/' + model       concatenation; nothing if one of the parts is missing
    shutdown_on | end.date       the first that is present

docs/feeds.md is the guide for users. A library for JSON queries would neither know the keys of the
maps around a row nor report which part of a path finds nothing, and users need that message
most."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from apps.feeds.parsers.payload import is_storable

MAX_PATH_LENGTH = 300
MAX_PATH_STEPS = 12
# Maximum number of values of one path in one row.
MAX_VALUES = 1000
# Maximum number of values visited by all paths in all rows, including values that lead nowhere:
# 100,000 rows with thirty facts, each visited three times. A path that walks the whole document
# again for each row has quadratic cost.
MAX_VISITED_VALUES = 30_000_000

_TOKEN = re.compile(
    r"""
    (?P<each>\[\s*\*\s*\])
    |(?P<index>\[\s*(?P<number>[0-9]{1,6})\s*\])
    |\[\s*(?P<quoted>"[^"]*"|'[^']*')\s*\]
    |(?P<where>\[\s*(?P<key>[^\s"'=\[\]]+)\s*=\s*(?P<word>[^\[\]]*)\])
    |(?P<text>"[^"]*"|'[^']*')
    |@(?P<at>key[0-9]?|[1-9])(?![\w-])
    |(?P<star>\*)
    |(?P<sign>[.|+])
    |(?P<name>[^\s.\[\]|+'"@*=]+)
    """,
    re.VERBOSE,
)


class InvalidPathError(ValueError):
    """A path with a syntax error; `str()` is a message with the correction."""


class TooManyStepsError(ValueError):
    """A path that visits too many values of the document; `str()` says which and what to
    correct."""


class StepCount:
    """The number of values visited so far in one document."""

    __slots__ = ("n_steps",)

    def __init__(self) -> None:
        self.n_steps = 0


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


def _add_quotes(text: str, quote: str = '"') -> str:
    """Return `text` in quotes, in the other kind of quotes if it contains this kind."""
    if quote in text:
        quote = "'" if quote == '"' else '"'
    return f"{quote}{text}{quote}"


@dataclass(frozen=True, slots=True)
class KeyStep:
    key: str

    def __str__(self) -> str:
        return (
            self.key
            if re.fullmatch(r"[^\s.\[\]|+'\"@*=]+", self.key)
            else f"[{_add_quotes(self.key)}]"
        )


@dataclass(frozen=True, slots=True)
class IndexStep:
    number: int

    def __str__(self) -> str:
        return f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class EachStep:
    """A step to every element of a list (`[*]`) or value of a map (`*`); each matches only its own
    type."""

    of_map: bool

    def __str__(self) -> str:
        return "*" if self.of_map else "[*]"


@dataclass(frozen=True, slots=True)
class FilterStep:
    key: str
    word: str

    def __str__(self) -> str:
        return f"[{self.key}={self.word}]"


@dataclass(frozen=True, slots=True)
class EnclosingStep:
    """A step to the value of the `number`th `*` or `[*]` of the rows' path, or to its key; 0: the
    last."""

    number: int
    is_key: bool

    def __str__(self) -> str:
        return f"@key{self.number or ''}" if self.is_key else f"@{self.number}"


type Step = KeyStep | IndexStep | EachStep | FilterStep | EnclosingStep


@dataclass(frozen=True, slots=True)
class RowContext:
    """A row and its context: the keys and values of each `*` or `[*]` on the way, outermost first.

    Rows of one document share their `count`."""

    value: Any
    keys: tuple[str | int, ...] = ()
    around: tuple[Any, ...] = ()
    count: StepCount = field(default_factory=StepCount, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Path:
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        text = ""
        for step in self.steps:
            step_text = str(step)
            text += step_text if step_text.startswith("[") or not text else f".{step_text}"
        return text

    @property
    def n_each(self) -> int:
        return sum(isinstance(step, EachStep) for step in self.steps)

    def values(self, place: RowContext) -> Iterator[Any]:
        """Yield the values at the path, including null, in the document's order, at most
        MAX_VALUES; none if a step leads nowhere. TooManyStepsError if the rows of the document were
        visited too often."""
        yield from islice(self._walk(place.value, self.steps, place), MAX_VALUES)

    def _walk(self, value: Any, steps: tuple[Step, ...], place: RowContext) -> Iterator[Any]:
        if not steps:
            yield value
            return
        for inner in take_step(value, steps[0], place):
            place.count.n_steps += 1
            if place.count.n_steps > MAX_VISITED_VALUES:
                raise TooManyStepsError(
                    f"The path '{self}' visits more than {MAX_VISITED_VALUES:,} values of the "
                    "document. Start the path at the row instead of at an outer element."
                )
            yield from self._walk(inner, steps[1:], place)

    def first(self, place: RowContext) -> Any:
        """Return the first value that is neither null nor an empty text; otherwise null if the name
        is present; otherwise MISSING."""
        fallback: Any = MISSING
        for value in self.values(place):
            if value not in (None, ""):
                return value
            fallback = value if fallback is MISSING else fallback
        return fallback


@dataclass(frozen=True, slots=True)
class Literal:
    text: str

    def __str__(self) -> str:
        return _add_quotes(self.text, "'")


type Term = Path | Literal


@dataclass(frozen=True, slots=True)
class Expression:
    """A list of options in order; each is a concatenation of terms."""

    options: tuple[tuple[Term, ...], ...]

    def __str__(self) -> str:
        return " | ".join(" + ".join(str(term) for term in option) for option in self.options)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(term for option in self.options for term in option if isinstance(term, Path))

    def value(self, place: RowContext) -> Any:
        """Return the first option that is present, unchanged, or as text if several terms are
        concatenated; null if only null is found, MISSING if nothing is."""
        fallback: Any = MISSING
        for option in self.options:
            value = _evaluate_option(option, place)
            if value not in (None, "") and value is not MISSING:
                return value
            if value is not MISSING and fallback is MISSING:
                fallback = value
        return fallback


def _evaluate_option(option: tuple[Term, ...], place: RowContext) -> Any:
    if len(option) == 1:
        term = option[0]
        return term.text if isinstance(term, Literal) else term.first(place)
    texts = []
    for term in option:
        value = term.text if isinstance(term, Literal) else term.first(place)
        text = as_text(value)
        if not text:
            return MISSING
        texts.append(text)
    return "".join(texts)


def as_text(value: Any) -> str | None:
    """Return a text, number or boolean as text; "" for null or missing; None for a list or map,
    which is not text."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return None


def take_step(value: Any, step: Step, place: RowContext) -> Iterator[Any]:
    """Yield the values to which one step leads."""
    match step:
        case KeyStep(key):
            if isinstance(value, dict) and key in value:
                yield value[key]
        case EachStep(of_map):
            if of_map and isinstance(value, dict):
                yield from value.values()
            elif not of_map and isinstance(value, list):
                yield from value
        case IndexStep(number):
            if isinstance(value, list) and number < len(value):
                yield value[number]
        case FilterStep(key, text):
            if isinstance(value, list):
                place.count.n_steps += len(value)
                yield from (
                    element
                    for element in value
                    if isinstance(element, dict) and as_text(element.get(key)) == text
                )
        case EnclosingStep(number, is_key):
            enclosing = place.keys if is_key else place.around
            if 0 <= number - 1 < len(enclosing) or (number == 0 and enclosing):
                yield enclosing[number - 1]


def rows_at(document: Any, path: Path) -> Iterator[RowContext]:
    """Yield every row to which `path` leads, with its context."""
    yield from _walk_rows(RowContext(document), path.steps)


def _walk_rows(place: RowContext, steps: tuple[Step, ...]) -> Iterator[RowContext]:
    """Yield every place that the steps lead to from `place`, in document order. An each step adds
    the element's key and the element to the context; it finds nothing in a value of the other kind
    (list or map)."""
    if not steps:
        yield place
        return
    step = steps[0]
    if isinstance(step, EachStep):
        value = place.value
        if step.of_map and isinstance(value, dict):
            entries: Any = value.items()
        else:
            entries = enumerate(value) if not step.of_map and isinstance(value, list) else ()
        for key, inner in entries:
            yield from _walk_rows(
                RowContext(inner, (*place.keys, key), (*place.around, inner), place.count),
                steps[1:],
            )
        return
    for inner in take_step(place.value, step, place):
        yield from _walk_rows(RowContext(inner, place.keys, place.around, place.count), steps[1:])


# --- reading a path -------------------------------------------------------------------------------


def read_path(text: str, *, of_rows: bool = False) -> Path:
    """Parse a single path. InvalidPathError for a syntax error; with `of_rows` also if it leads to
    one value instead of many."""
    expression = read_expression(text)
    path = expression.options[0][0]
    if (
        len(expression.options) != 1
        or len(expression.options[0]) != 1
        or not isinstance(path, Path)
    ):
        raise InvalidPathError(
            f"'{text}' must be a single path such as data.models[*], without texts, + or |."
        )
    if of_rows and not path.n_each:
        raise InvalidPathError(
            f"'{text}' finds one value. Use [*] for every element of a list or * for every value "
            f"of a map: {text}[*] or {text}.*"
        )
    if of_rows and any(isinstance(step, EnclosingStep) for step in path.steps):
        raise InvalidPathError(
            f"'{text}' starts at the document, which has no outer element. Remove the @."
        )
    return path


def read_expression(text: str) -> Expression:
    """Parse a path, a text, or several of them joined by + and |. InvalidPathError says what is
    wrong."""
    if len(text) > MAX_PATH_LENGTH:
        raise InvalidPathError(
            f"The path is longer than {MAX_PATH_LENGTH} characters. Enter a shorter path."
        )
    if not text.strip():
        raise InvalidPathError("The path is empty. Enter a path.")
    if not is_storable(text):
        raise InvalidPathError("The path contains unprintable characters. Enter the path again.")
    options: list[tuple[Term, ...]] = []
    terms: list[Term] = []
    steps: list[Step] = []
    position, is_after_dot, expects_term = 0, False, True

    def close(sign: str) -> None:
        if steps:
            terms.append(_build_path(tuple(steps), text))
            steps.clear()
        if is_after_dot or expects_term:
            raise InvalidPathError(f"'{text}' has no value before {sign}. Add one.")

    stripped_text = text.rstrip()
    while position < len(stripped_text):
        if stripped_text[position].isspace():
            position += 1
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            raise InvalidPathError(
                f"'{text}' cannot be read from '{text[position : position + 20].strip()}' "
                "onwards. Check the path."
            )
        position = token.end()
        sign = token["sign"]
        if sign in {"|", "+"}:
            close(f"'{sign}'")
            expects_term = True
            if sign == "|":
                options.append(tuple(terms))
                terms.clear()
        elif sign == ".":
            if is_after_dot or not steps:
                raise InvalidPathError(f"'{text}' has a dot in place of a name. Check the path.")
            is_after_dot = True
        elif token["text"] is not None and not is_after_dot:
            if steps or not expects_term:
                raise InvalidPathError(
                    f"'{text}' has the text {token['text']} next to another part. Put a + "
                    "between them."
                )
            terms.append(Literal(token["text"][1:-1]))
            expects_term = False
        else:
            step = _read_step(token)
            is_bracketed = token.group().lstrip().startswith("[")
            if is_after_dot and isinstance(step, EnclosingStep):
                raise InvalidPathError(f"'{text}' has an @ in the middle. Move it to the start.")
            if not is_after_dot and not is_bracketed and not expects_term:
                raise InvalidPathError(
                    f"'{text}' cannot be read from '{token.group().strip()}' onwards. Add a dot, "
                    "+ or |."
                )
            if not steps and not expects_term:
                raise InvalidPathError(
                    f"'{text}' cannot be read from '{token.group().strip()}' onwards. Check the "
                    "path."
                )
            steps.append(step)
            is_after_dot = expects_term = False
    close("its end")
    options.append(tuple(terms))
    return Expression(tuple(options))


def _read_step(token: re.Match[str]) -> Step:
    """Return the step that a token of a path stands for; the token's groups tell its kind."""
    if token["each"]:
        return EachStep(of_map=False)
    if token["star"]:
        return EachStep(of_map=True)
    if token["index"]:
        return IndexStep(int(token["number"]))
    if token["where"]:
        text = token["word"].rstrip()
        is_quoted = text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1
        return FilterStep(token["key"], text[1:-1] if is_quoted else text)
    if token["at"]:
        name = token["at"]
        return EnclosingStep(int(name.removeprefix("key") or 0), name.startswith("key"))
    quoted = token["quoted"] or token["text"]
    return KeyStep(quoted[1:-1] if quoted else token["name"])


def _build_path(steps: tuple[Step, ...], text: str) -> Path:
    if len(steps) > MAX_PATH_STEPS:
        raise InvalidPathError(
            f"'{text}' has more than {MAX_PATH_STEPS} steps. Enter a shorter path."
        )
    return Path(steps)
