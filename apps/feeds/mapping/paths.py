"""The small language in which a mapping says where something lies in a JSON document. Nothing is
evaluated.

    model.id                     names, one inside the other
    ["model.id"]                 a name with dots, spaces or signs in it
    models[*]   providers.*      every element of a list, every value of a map
    models[0]                    one element of a list
    replacements[recommended=true].model      the elements of a list that say so
    @key   @key1                 the key of the row in its map; of the first `*` or `[*]` on the way
    to the rows
    @1.name                      a name in what the first `*` or `[*]` of the rows' path stands for
    'openai'                     that very text
    provider + '/' + model       texts put together; nothing where one of them is missing
    shutdown_on | end.date       the first that is there

docs/feeds.md explains it to people. A library for JSON queries would neither know the keys of the
maps around a row nor say which part of a path finds nothing, and that sentence is what people need
most.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from apps.feeds.parsers.payload import is_storable

LONGEST = 300
MOST_STEPS = 12
# of one path in one row
MOST_VALUES = 1000
# of all paths in all rows, values that lead nowhere counted: 100,000 rows of thirty facts, looked
# at three times. A path that looks through the whole document again for each row would cost its
# square
MAX_STEPS = 30_000_000

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


class BadPath(ValueError):
    """A path that cannot be read; `str()` says what to correct."""


class TooManySteps(ValueError):
    """A path looks at too much of the document; `str()` says which and what to correct."""


class StepCount:
    """What was looked at so far in one document."""

    __slots__ = ("n_steps",)

    def __init__(self) -> None:
        self.n_steps = 0


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING = _Nothing()


def _quoted(text: str, quote: str = '"') -> str:
    """`text` in quotes, in the other kind where it holds these."""
    if quote in text:
        quote = "'" if quote == '"' else '"'
    return f"{quote}{text}{quote}"


@dataclass(frozen=True, slots=True)
class Name:
    key: str

    def __str__(self) -> str:
        return (
            self.key if re.fullmatch(r"[^\s.\[\]|+'\"@*=]+", self.key) else f"[{_quoted(self.key)}]"
        )


@dataclass(frozen=True, slots=True)
class Index:
    number: int

    def __str__(self) -> str:
        return f"[{self.number}]"


@dataclass(frozen=True, slots=True)
class Each:
    """Every element of a list (`[*]`) or value of a map (`*`); each takes only its own kind."""

    of_map: bool

    def __str__(self) -> str:
        return "*" if self.of_map else "[*]"


@dataclass(frozen=True, slots=True)
class Where:
    key: str
    word: str

    def __str__(self) -> str:
        return f"[{self.key}={self.word}]"


@dataclass(frozen=True, slots=True)
class Around:
    """What the `number`th `*` or `[*]` of the rows' path stands for, or its key; 0: the last."""

    number: int
    is_key: bool

    def __str__(self) -> str:
        return f"@key{self.number or ''}" if self.is_key else f"@{self.number}"


type Step = Name | Index | Each | Where | Around


@dataclass(frozen=True, slots=True)
class Place:
    """A row and what lies around it: the keys and values of each `*` or `[*]` on the way, outermost
    first.

    Rows of one document share their `count`.
    """

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
            bare = str(step)
            text += bare if bare.startswith("[") or not text else f".{bare}"
        return text

    @property
    def n_each(self) -> int:
        return sum(isinstance(step, Each) for step in self.steps)

    def values(self, place: Place) -> Iterator[Any]:
        """What lies there, null included, in the document's order, MOST_VALUES at most; nothing
        where a step leads nowhere. TooManySteps where the rows of the document were looked at too
        often."""
        yield from islice(self._walk(place.value, self.steps, place), MOST_VALUES)

    def _walk(self, value: Any, steps: tuple[Step, ...], place: Place) -> Iterator[Any]:
        if not steps:
            yield value
            return
        for inner in inside(value, steps[0], place):
            place.count.n_steps += 1
            if place.count.n_steps > MAX_STEPS:
                raise TooManySteps(
                    f"The path '{self}' looks through too much of the document for each row: more "
                    f"than {MAX_STEPS:,}"
                    " values in all. Begin at the row instead of at what lies around it."
                )
            yield from self._walk(inner, steps[1:], place)

    def first(self, place: Place) -> Any:
        """The first value that is neither null nor an empty text; else null where the name is
        there; else NOTHING."""
        found: Any = NOTHING
        for value in self.values(place):
            if value not in (None, ""):
                return value
            found = value if found is NOTHING else found
        return found


@dataclass(frozen=True, slots=True)
class Text:
    text: str

    def __str__(self) -> str:
        return _quoted(self.text, "'")


type Term = Path | Text


@dataclass(frozen=True, slots=True)
class Expression:
    """Options in order; each is terms put together."""

    options: tuple[tuple[Term, ...], ...]

    def __str__(self) -> str:
        return " | ".join(" + ".join(str(term) for term in option) for option in self.options)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(term for option in self.options for term in option if isinstance(term, Path))

    def value(self, place: Place) -> Any:
        """The first option that is there, as it lies there, or as text where several terms are put
        together; null where only null is found, NOTHING where nothing is."""
        found: Any = NOTHING
        for option in self.options:
            value = _option(option, place)
            if value not in (None, "") and value is not NOTHING:
                return value
            if value is not NOTHING and found is NOTHING:
                found = value
        return found


def _option(option: tuple[Term, ...], place: Place) -> Any:
    if len(option) == 1:
        term = option[0]
        return term.text if isinstance(term, Text) else term.first(place)
    parts = []
    for term in option:
        value = term.text if isinstance(term, Text) else term.first(place)
        text = as_text(value)
        if not text:
            return NOTHING
        parts.append(text)
    return "".join(parts)


def as_text(value: Any) -> str | None:
    """A text, number, true or false as text; "" for null or nothing; None for a list or map, which
    is no text."""
    if value is None or value is NOTHING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return None


def inside(value: Any, step: Step, place: Place) -> Iterator[Any]:
    """What one step leads to."""
    match step:
        case Name(key):
            if isinstance(value, dict) and key in value:
                yield value[key]
        case Each(of_map):
            if of_map and isinstance(value, dict):
                yield from value.values()
            elif not of_map and isinstance(value, list):
                yield from value
        case Index(number):
            if isinstance(value, list) and number < len(value):
                yield value[number]
        case Where(key, word):
            if isinstance(value, list):
                place.count.n_steps += len(value)
                yield from (
                    one for one in value if isinstance(one, dict) and as_text(one.get(key)) == word
                )
        case Around(number, is_key):
            which = place.keys if is_key else place.around
            if 0 <= number - 1 < len(which) or (number == 0 and which):
                yield which[number - 1]


def rows_at(document: Any, path: Path) -> Iterator[Place]:
    """Every row that `path` leads to, with what lies around it."""
    yield from _rows(Place(document), path.steps)


def _rows(place: Place, steps: tuple[Step, ...]) -> Iterator[Place]:
    if not steps:
        yield place
        return
    step = steps[0]
    if isinstance(step, Each):
        value = place.value
        if step.of_map and isinstance(value, dict):
            pairs: Any = value.items()
        else:
            pairs = enumerate(value) if not step.of_map and isinstance(value, list) else ()
        for key, inner in pairs:
            yield from _rows(
                Place(inner, (*place.keys, key), (*place.around, inner), place.count), steps[1:]
            )
        return
    for inner in inside(place.value, step, place):
        yield from _rows(Place(inner, place.keys, place.around, place.count), steps[1:])


# --- reading a path -------------------------------------------------------------------------------


def read_path(text: str, *, of_rows: bool = False) -> Path:
    """A single path. BadPath where it is none; with `of_rows` also where it leads to one thing
    instead of many."""
    expression = read_expression(text)
    only = expression.options[0][0]
    if (
        len(expression.options) != 1
        or len(expression.options[0]) != 1
        or not isinstance(only, Path)
    ):
        raise BadPath(f"'{text}' must be one path such as data.models[*], without texts, + or |.")
    if of_rows and not only.n_each:
        raise BadPath(
            f"'{text}' leads to one thing. Say [*] for every element of a list or * for every "
            "value of a map: "
            f"{text}[*], or {text}.*"
        )
    if of_rows and any(isinstance(step, Around) for step in only.steps):
        raise BadPath(
            f"'{text}' begins at the document, around which nothing lies. Leave the @ out."
        )
    return only


def read_expression(text: str) -> Expression:
    """A path, a text, or several of them by + and |. BadPath says what cannot be read."""
    if len(text) > LONGEST:
        raise BadPath(f"The path is longer than {LONGEST} characters.")
    if not text.strip():
        raise BadPath("The path is empty.")
    if not is_storable(text):
        raise BadPath("The path holds unprintable characters. Type it anew.")
    options: list[tuple[Term, ...]] = []
    terms: list[Term] = []
    steps: list[Step] = []
    position, dotted, wants = 0, False, True

    def close(sign: str) -> None:
        if steps:
            terms.append(_path(tuple(steps), text))
            steps.clear()
        if dotted or wants:
            raise BadPath(f"'{text}' lacks something before {sign}.")

    written = text.rstrip()
    while position < len(written):
        if written[position].isspace():
            position += 1
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            raise BadPath(
                f"'{text}' cannot be read from '{text[position : position + 20].strip()}' on."
            )
        position = token.end()
        sign = token["sign"]
        if sign in {"|", "+"}:
            close(f"'{sign}'")
            wants = True
            if sign == "|":
                options.append(tuple(terms))
                terms.clear()
        elif sign == ".":
            if dotted or not steps:
                raise BadPath(f"'{text}' has a dot where a name belongs.")
            dotted = True
        elif token["text"] is not None and not dotted:
            if steps or not wants:
                raise BadPath(
                    f"'{text}' has the text {token['text']} beside something else. Put a + between "
                    "them."
                )
            terms.append(Text(token["text"][1:-1]))
            wants = False
        else:
            step = _readinside(token)
            bracketed = token.group().lstrip().startswith("[")
            if dotted and isinstance(step, Around):
                raise BadPath(f"'{text}' has an @ inside. It belongs at the beginning.")
            if not dotted and not bracketed and not wants:
                raise BadPath(
                    f"'{text}' cannot be read from '{token.group().strip()}' on: a dot, + or | is "
                    "missing."
                )
            if not steps and not wants:
                raise BadPath(f"'{text}' cannot be read from '{token.group().strip()}' on.")
            steps.append(step)
            dotted = wants = False
    close("its end")
    options.append(tuple(terms))
    return Expression(tuple(options))


def _readinside(token: re.Match[str]) -> Step:
    if token["each"]:
        return Each(of_map=False)
    if token["star"]:
        return Each(of_map=True)
    if token["index"]:
        return Index(int(token["number"]))
    if token["where"]:
        word = token["word"].rstrip()
        return Where(
            token["key"],
            word[1:-1] if word[:1] in "'\"" and word[-1:] == word[:1] and len(word) > 1 else word,
        )
    if token["at"]:
        word = token["at"]
        return Around(int(word.removeprefix("key") or 0), word.startswith("key"))
    quoted = token["quoted"] or token["text"]
    return Name(quoted[1:-1] if quoted else token["name"])


def _path(steps: tuple[Step, ...], text: str) -> Path:
    if len(steps) > MOST_STEPS:
        raise BadPath(f"'{text}' has more than {MOST_STEPS} steps.")
    return Path(steps)
