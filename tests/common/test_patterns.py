"""No regular expression of the product costs more than its share of a hostile text.

Python holds its lock while a pattern runs: one that looks at every sign again for each sign stops a
whole process.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from apps.accounts.provisioning.filters import MAX_FILTER_LENGTH
from apps.catalog.identity.names.phrases import MAX_LENGTH, MAX_READ
from apps.catalog.models import Offering
from apps.feeds.models.received_notices import MAX_DOMAIN_LENGTH
from apps.intake.spreadsheets.columns.legends import MAX_LEGEND_LENGTH
from apps.intake.spreadsheets.limits import (
    MAX_GUESSED_LENGTH,
    MAX_HEADER_LENGTH,
    MAX_NUMBER_LENGTH,
)
from tests.catalog import name_labels
from tests.hostile_patterns import (
    CHECKOUT,
    UsedPattern,
    hostile_texts,
    hostile_units,
    pattern_calls,
    product_patterns,
    source_files,
)

pytestmark = pytest.mark.proof

KIB = 1024
SIZES = (8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB)
# at the largest size: whatever needs less is no danger, and too short to be measured; work that
# grows with the square of 64 KiB takes a hundred times as long
INSTANT_SECONDS = 0.03
# the longest text that patterns read, by the start of their names, the first that fits: what is
# longer is cut before, as tests prove
LONGEST = {
    "apps.accounts.provisioning.filters._TOKEN": MAX_FILTER_LENGTH,
    # the product's own routes, no text of others
    "apps.common.requests.segment_resolver._CONSTANT_SEGMENT": 1_000,
    # these clean the text before it is cut to its final length
    "apps.catalog.identity.names.phrases._": MAX_READ,
    "apps.catalog.identity.names.": MAX_LENGTH,
    "apps.intake.phantom_offerings.": Offering._meta.get_field("api_id").max_length,
    "apps.feeds.models.received_notices._DOMAIN": MAX_DOMAIN_LENGTH,
    # a header or a legend
    "apps.intake.spreadsheets.columns.content": MAX_LEGEND_LENGTH,
    "apps.intake.spreadsheets.columns.legends._STATED": MAX_LEGEND_LENGTH,
    "apps.intake.spreadsheets.columns.legends._REVERSED": MAX_LEGEND_LENGTH,
    "apps.intake.spreadsheets.columns.legends._ADJACENT": MAX_LEGEND_LENGTH,
    "apps.intake.spreadsheets.columns.headers.": MAX_HEADER_LENGTH,
    "apps.intake.spreadsheets.columns.notes.": MAX_GUESSED_LENGTH,
    "apps.intake.spreadsheets.plan.model_references.": MAX_READ,
    # of an answer yes or no
    "apps.intake.spreadsheets.values.form_guesses._PARTLY": MAX_GUESSED_LENGTH,
    "apps.intake.spreadsheets.values.form_guesses._BUT": MAX_GUESSED_LENGTH,
    # of a number or a day
    "apps.intake.spreadsheets.values.form_guesses._": MAX_NUMBER_LENGTH,
    "apps.intake.spreadsheets.values.": MAX_GUESSED_LENGTH,
}
MOST_SECONDS = 1.0
MOST_GROWTH = 3.0
# up to which one measurement is enough
CLEAR_GROWTH = 2.5
REPEATS = 4

# what the product had: each stopped a web worker for minutes
QUADRATIC = [
    rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"',
    rb'"version"\s*:\s*(\d{1,9})\s*[,}]|<(?:\w+:)?bom\b[^>]*?\sversion="(\d{1,9})"',
    r"([-+−]?)\s*([\d.,'’\s]*\d[\d.,'’\s]*?)\s*(%|[A-Za-z]{1,4}\.?)?",
    r"\s*[(\[].*?[)\]]\s*",
    r"\s*[(\[,]?\s*\b(?:model\s+)?version\s*[:= ]\s*([^)\]]+?)[)\]]?\s*$",
    r"Tool:\s*(.+?)(?:-(\d[\w.]*))?$",
    r"(a+)+$",
]


class _TooLong(Exception):
    pass


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End it after this much processor time; `re` looks for signals while it works."""

    def end(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _seconds(call: Callable[[Any], object], text: Any, most: float = MOST_SECONDS) -> float:
    start = time.thread_time()
    try:
        with _at_most(most):
            call(text)
    except _TooLong:
        return most
    return min(most, time.thread_time() - start)


def _calls(pattern: "re.Pattern[Any]") -> dict[str, Callable[[Any], object]]:
    nothing: Any = b"" if isinstance(pattern.pattern, bytes) else ""
    return {
        "search": pattern.search,
        "fullmatch": pattern.fullmatch,
        # the way of finditer, findall and split too: on from where the last match ended
        "sub": lambda text: pattern.sub(nothing, text),
    }


def excess(pattern: "re.Pattern[Any]", sizes: Sequence[int] = SIZES) -> str:
    """Which text makes the pattern work more than three times as long when it is twice as long;
    empty for none."""
    for front, unit in hostile_units(pattern):
        texts = [hostile_texts(pattern, size, front, unit) for size in sizes]
        for name, call in _calls(pattern).items():
            for place, largest in enumerate(texts[-1]):
                if _seconds(call, largest, INSTANT_SECONDS) < INSTANT_SECONDS:
                    continue
                growth = _growth(call, [of_size[place] for of_size in texts], sizes)
                if growth:
                    return (
                        f"{name} of {front!r} + {unit!r} again and again, "
                        f"ending in {largest[-1:]!r}: {growth}"
                    )
    return ""


def _growth(call: Callable[[Any], object], texts: list[Any], sizes: Sequence[int]) -> str:
    """The first doubling that costs too much, in words.

    One look at each size tells a twofold from a fourfold time; only where it is neither are both
    sizes measured again, in turn, so that a busy machine slows down both or neither."""
    before = 0.0
    for size, text in zip(sizes, texts, strict=True):
        took = _seconds(call, text)
        if _is_too_much(took, before, CLEAR_GROWTH):
            if took >= MOST_SECONDS and _seconds(call, text) >= MOST_SECONDS:
                return f"{MOST_SECONDS:.0f} s and more at {size} bytes, twice"
            halves, wholes = [], []
            for _ in range(REPEATS):
                halves.append(_seconds(call, text[: len(text) // 2] + text[-1:]))
                wholes.append(_seconds(call, text))
            if _is_too_much(min(wholes), min(halves), MOST_GROWTH):
                return f"{min(wholes):.3f} s at {size} bytes, {min(halves):.3f} s at half of it"
        before = took
    return ""


def _is_too_much(took: float, before: float, most_growth: float) -> bool:
    return took >= MOST_SECONDS or (
        took >= INSTANT_SECONDS and before > 0 and took > most_growth * before
    )


def sizes_of(used: UsedPattern) -> tuple[int, ...]:
    """Return the sizes of texts with which the pattern is measured."""
    place = used.where.replace("/", ".")
    longest = next((most for start, most in LONGEST.items() if place.startswith(start)), None)
    return SIZES if longest is None else tuple(longest // part for part in (8, 4, 2, 1))


PATTERNS = product_patterns()


def test_the_patterns_of_the_product_are_found() -> None:
    there = {pattern.where for pattern in PATTERNS}

    assert {
        "apps.intake.spreadsheets.columns.values._NUMBER",
        "apps.intake.spreadsheets.files.xlsx_tables._MERGED_RANGE",
        "apps.intake.readers.litellm_config._PROVIDER_BY_MODEL",
        "apps.intake.observations.name_resolution._BEDROCK_ID",
    } <= there
    assert len(PATTERNS) > 150


@pytest.mark.parametrize("used", PATTERNS, ids=lambda used: used.where)
def test_a_pattern_works_no_more_than_three_times_as_long_on_twice_the_text(
    used: UsedPattern,
) -> None:
    assert not (found := excess(used.pattern, sizes_of(used))), f"{used}: {found}"


@pytest.mark.parametrize(
    "unit", ["a", " ", "1 ", "- ", "gpt-4 / ", "claude ", "(", "→", "ﷺ", "\u0301"]
)
def test_a_name_as_long_as_a_book_is_cut_before_a_pattern_reads_it(unit: str) -> None:
    reader = name_labels.reader()
    text = unit * (SIZES[-1] // len(unit))
    start = time.thread_time()

    with _at_most(2 * MOST_SECONDS):
        reader.read_name(text, text)

    assert time.thread_time() - start < MOST_SECONDS


@pytest.mark.parametrize("text", QUADRATIC)
def test_a_pattern_that_looks_at_every_sign_again_is_noticed(text: str | bytes) -> None:
    assert excess(re.compile(text))


def test_no_pattern_is_made_while_a_function_runs() -> None:
    made = [
        f"{path.relative_to(CHECKOUT)}:{call.line} re.{call.function}"
        for path in source_files()
        for call in pattern_calls(path)
        if call.is_inside_function and call.pattern is None
    ]

    assert made == [], "Make it a constant of the module, so that the test above sees it."
