"""Results of an evaluation tool as plain values, independent of the tool.

A reader is `(body: bytes) -> EvaluationRun`. It returns figures and names, never questions, answers
or attacks, and raises `UnreadableError` if the file is not from its tool.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.intake.documents.records import SkippedPart, UnreadableError, clean
from apps.intake.readers.json_text import check_size

MAX_RESULTS = 2_000


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
            self.results.append(result)


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
            "The file is not a JSON object. Send results of promptfoo, inspect_ai or lm-eval."
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


def as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


__all__ = [
    "MAX_RESULTS",
    "EvaluationResult",
    "EvaluationRun",
    "SkippedPart",
    "UnreadableError",
    "as_list",
    "as_mapping",
    "clean",
    "load_object",
    "parse_count",
    "parse_number",
    "parse_time",
]
