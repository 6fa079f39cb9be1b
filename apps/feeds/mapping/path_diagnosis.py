"""Diagnosis of a path that finds nothing: which step has no value, and what is there instead."""

from decimal import Decimal
from itertools import islice
from typing import Any

from apps.feeds.mapping.paths import EachStep, EnclosingStep, Path, RowContext, Step, take_step

_MAX_KEYS_NAMED = 12
# as many as a document may have rows; from each of these a path can lead to as many again
_MAX_VALUES = 100_000


def explain_missing(path: Path, places: list[RowContext]) -> str:
    """Explain as a sentence where `path` fails in all of `places`, and what is there. Equal for
    equal kinds of rows."""
    values = [place.value for place in places]
    at = ""
    for number, step in enumerate(path.steps):
        every = (
            inner
            for place, value in zip(places, values, strict=True)
            for inner in take_step(value, step, place)
        )
        further = list(islice(every, _MAX_VALUES))
        if not further:
            return _explain_step(path, at, values, step)
        at = str(Path(path.steps[: number + 1]))
        values = further
        places = [RowContext(value) for value in further]
    return f"The path '{path}' finds only empty values."


def _explain_step(path: Path, at: str, values: list[Any], step: Step) -> str:
    """Explain why `step` of `path` finds nothing in `values`, which are at `at`."""
    if isinstance(step, EnclosingStep):
        return f"The path '{path}' finds nothing: the path of the rows has no such * or [*]."
    keys = sorted({key for value in values[:500] if isinstance(value, dict) for key in value})
    if keys:
        names = ", ".join(f"'{key[:40]}'" for key in keys[:_MAX_KEYS_NAMED])
        if len(keys) > _MAX_KEYS_NAMED:
            names = f"{names} and {len(keys) - _MAX_KEYS_NAMED} more"
        place = f" at '{at}'" if at else ""
        hint = (
            " Use * instead of [*] for a map."
            if isinstance(step, EachStep) and not step.of_map
            else ""
        )
        return f"The path '{path}' finds nothing. Available keys{place}: {names}.{hint}"
    place = f"the value at '{at}'" if at else "the value"
    if any(isinstance(value, list) and value for value in values):
        return f"The path '{path}' finds nothing: {place} is a list. Use [*] for its elements."
    if any(isinstance(value, list) for value in values):
        return f"The path '{path}' finds nothing: {place} is an empty list."
    if any(isinstance(value, dict) for value in values):
        return f"The path '{path}' finds nothing: {place} is an empty map."
    if not values:
        return f"The path '{path}' finds nothing: {place} is missing."
    return f"The path '{path}' finds nothing: {place} is {_kind(values[0])}, which has no parts."


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case str():
            return "a text"
    return "something"
