"""Results of an evaluation tool as plain values, independent of the tool.

A reader is `(body: bytes) -> EvaluationRun`. It returns figures, names and scores of items, never
questions, answers or attacks, and raises `UnreadableError` if the file is not from its tool. Of an
item its ID, its score and a digest of a short answer are kept, so that two runs can be compared.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.intake.documents.records import SkippedPart, UnreadableError, clean
from apps.intake.readers.json_text import check_size

MAX_RESULTS = 2_000
# results of single items in a file, over all its figures
MAX_ITEMS = 50_000
# longer answers are texts: that two of them differ says nothing
MAX_ANSWER_LENGTH = 64
MAX_OPTIONS = 1_000
# an ID, not a question that was used as one
_ITEM_ID = re.compile(r"[\w.:/-]{1,40}")


@dataclass(slots=True)
class ItemResults:
    """Results of single items, as columns of equal length in the order of the file.

    `ids` identify the items in every run of the suite, `labels` say where the file has them. A
    score is None if the item has no result; `answers` are digests, empty if not comparable;
    `options` are numbers of possible answers, 0 if unknown.
    """

    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    options: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Item:
    label: str
    scores: list[float]
    answers: set[str]
    n_options: int


class ItemCollector:
    """Items of one figure. An item that was run several times has the mean of its scores."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}

    def add(
        self,
        item_id: str,
        label: str,
        score: float | None,
        *,
        answer: str = "",
        n_options: int = 0,
    ) -> None:
        """Add the result of an item: its ID from `item_id` or `digest_of`, its score, a digest of
        its answer from `digest_of_answer`."""
        item = self._items.setdefault(item_id, _Item(label, [], set(), 0))
        if score is not None and math.isfinite(score) and abs(score) < 10**8:
            item.scores.append(score)
            item.answers.add(answer)
        if 2 <= n_options <= MAX_OPTIONS:
            item.n_options = max(item.n_options, n_options)

    def as_results(self) -> ItemResults | None:
        """Return the items as columns; None without a scored item."""
        results = ItemResults()
        for item_id, item in self._items.items():
            scores = item.scores
            results.ids.append(item_id)
            results.labels.append(item.label)
            results.scores.append(sum(scores) / len(scores) if scores else None)
            results.answers.append(item.answers.pop() if len(item.answers) == 1 else "")
            results.options.append(item.n_options)
        return results if any(score is not None for score in results.scores) else None


def item_id(value: Any) -> str:
    """Return the ID of an item as the tool states it; a digest if it could be the question
    itself."""
    text = str(value)
    return text if _ITEM_ID.fullmatch(text) else digest_of(text)


def digest_of(value: Any) -> str:
    """Return a digest of an item that has no ID, such as its question or its variables."""
    text = value if isinstance(value, str) else _sorted_json(value)
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def digest_of_answer(value: Any) -> str:
    """Return a digest of a short answer without regard to case and spaces; empty for a long one,
    and for none."""
    if not isinstance(value, str | int | float):
        return ""
    text = str(value)
    if len(text) > 4 * MAX_ANSWER_LENGTH:
        return ""
    words = " ".join(text.split()).casefold()
    if not words or len(words) > MAX_ANSWER_LENGTH:
        return ""
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _sorted_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """One figure about one model: `value` of `metric` on `dataset` over `n` cases. `passed` is None
    without a verdict."""

    model: str
    provider: str
    dataset: str
    metric: str
    value: float
    n: int | None = None
    passed: bool | None = None
    higher_is_better: bool = True
    note: str = ""
    where: str = ""
    items: ItemResults | None = field(default=None, compare=False)


@dataclass(slots=True)
class EvaluationRun:
    """One run of a tool. `run` is the tool's own name of it, possibly empty."""

    tool: str
    tool_version: str = ""
    run: str = ""
    kind: str = "own_evaluation"
    made_at: datetime | None = None
    note: str = ""
    results: list[EvaluationResult] = field(default_factory=list)
    rejected: list[SkippedPart] = field(default_factory=list)
    n_items: int = 0

    def add(self, result: EvaluationResult) -> None:
        if not math.isfinite(result.value) or abs(result.value) >= 10**8:
            self.rejected.append(
                SkippedPart(
                    result.where,
                    f"{result.metric} of {result.dataset} is not a number that can be saved.",
                )
            )
        elif len(self.results) >= MAX_RESULTS:
            raise UnreadableError(
                f"The run has more than {MAX_RESULTS:,} figures. Send it in parts."
            )
        else:
            self.results.append(self._limit_items(result))

    def _limit_items(self, result: EvaluationResult) -> EvaluationResult:
        """Return the figure; without its items if the file has too many."""
        if result.items is None:
            return result
        if self.n_items + len(result.items.ids) > MAX_ITEMS:
            self.rejected.append(
                SkippedPart(
                    result.where,
                    f"The file has more than {MAX_ITEMS:,} results of single items, so "
                    f"{result.metric} of {result.dataset} was recorded without them. To compare "
                    "item by item, send the suite in parts.",
                )
            )
            return replace(result, items=None)
        self.n_items += len(result.items.ids)
        return result


def load_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of the file; NaN and Infinity, which Python tools write, become
    null."""
    check_size(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            document = orjson.loads(_replace_nan(body))
        except orjson.JSONDecodeError:
            raise UnreadableError(f"The file is not valid JSON: {error}.") from None
    if not isinstance(document, dict):
        raise UnreadableError(
            "The file is not a JSON object. Send results of promptfoo, inspect_ai, lm-eval or "
            "MLflow."
        )
    return document


def _replace_nan(body: bytes) -> bytes:
    """Return the JSON text with NaN and Infinity outside of strings replaced by null."""
    chunks = body.split(b'"')
    is_inside_string = False
    for position, chunk in enumerate(chunks):
        if not is_inside_string:
            for literal in (b"-Infinity", b"Infinity", b"NaN"):
                chunk = chunk.replace(literal, b"null")
            chunks[position] = chunk
        # a quotation mark after an odd number of backslashes is part of the string
        n_backslashes = len(chunk) - len(chunk.rstrip(b"\\"))
        if not (is_inside_string and n_backslashes % 2):
            is_inside_string = not is_inside_string
    return b'"'.join(chunks)


def parse_time(text: Any) -> datetime | None:
    """Return an ISO time or seconds since 1970 as a datetime, UTC if without a zone; None if it is
    not a time."""
    try:
        if isinstance(text, int | float):
            return datetime.fromtimestamp(text, tz=UTC)
        moment = datetime.fromisoformat(str(text))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_number(value: Any) -> float | None:
    """Return a JSON number as a float; None for any other value."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def parse_count(value: Any) -> int | None:
    number = parse_number(value)
    return int(number) if number is not None and 0 <= number < 2**31 else None


_SCORES_OF_WORDS = {
    **dict.fromkeys(("c", "true", "yes", "pass", "passed", "correct"), 1.0),
    **dict.fromkeys(("i", "n", "false", "no", "fail", "failed", "incorrect"), 0.0),
    "p": 0.5,
}


def parse_score(value: Any) -> float | None:
    """Return the score of an item: a number, a truth value, or a word such as C, I or yes; None for
    anything else."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        word = value[:40].strip().casefold()
        if word in _SCORES_OF_WORDS:
            return _SCORES_OF_WORDS[word]
        try:
            number = float(word)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return parse_number(value)


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


__all__ = [
    "MAX_ITEMS",
    "MAX_RESULTS",
    "EvaluationResult",
    "EvaluationRun",
    "ItemCollector",
    "ItemResults",
    "SkippedPart",
    "UnreadableError",
    "as_list",
    "as_mapping",
    "clean",
    "digest_of",
    "digest_of_answer",
    "item_id",
    "load_object",
    "parse_count",
    "parse_number",
    "parse_score",
    "parse_time",
]
