"""Diagnosis of a path that finds nothing: the step without a value, and the values in its place."""

from decimal import Decimal
from itertools import islice
from typing import Any

from apps.feeds.mapping.paths import EachStep, EnclosingStep, Path, RowContext, Step, take_step

_MAX_KEYS_NAMED = 12
# The maximum number of rows of a document; without it each step could multiply the values.
_MAX_VALUES = 100_000


def explain_missing(path: Path, places: list[RowContext]) -> str:
    """Explain in a sentence which step of `path` finds nothing in all of `places`, and which values
    are there instead. Rows of the same shape result in the same sentence."""
    values = [place.value for place in places]
    parent_path = ""
    for number, step in enumerate(path.steps):
        inner_values = (
            inner
            for place, value in zip(places, values, strict=True)
            for inner in take_step(value, step, place)
        )
        next_values = list(islice(inner_values, _MAX_VALUES))
        if not next_values:
            return _explain_step(path, parent_path, values, step)
        parent_path = str(Path(path.steps[: number + 1]))
        values = next_values
        places = [RowContext(value) for value in next_values]
    return f"The path '{path}' finds only empty values."


def _explain_step(path: Path, parent_path: str, values: list[Any], step: Step) -> str:
    """Explain why `step` of `path` finds nothing in `values`, the values at `parent_path`."""
    if isinstance(step, EnclosingStep):
        return f"The path '{path}' finds nothing: the path of the rows has no such * or [*]."
    keys = sorted({key for value in values[:500] if isinstance(value, dict) for key in value})
    if keys:
        names = ", ".join(f"'{key[:40]}'" for key in keys[:_MAX_KEYS_NAMED])
        if len(keys) > _MAX_KEYS_NAMED:
            names = f"{names} and {len(keys) - _MAX_KEYS_NAMED} more"
        place = f" at '{parent_path}'" if parent_path else ""
        hint = (
            " Use * instead of [*] for a map."
            if isinstance(step, EachStep) and not step.of_map
            else ""
        )
        return f"The path '{path}' finds nothing. Available keys{place}: {names}.{hint}"
    place = f"the value at '{parent_path}'" if parent_path else "the value"
    if any(isinstance(value, list) and value for value in values):
        return f"The path '{path}' finds nothing: {place} is a list. Use [*] for its elements."
    if any(isinstance(value, list) for value in values):
        return f"The path '{path}' finds nothing: {place} is an empty list."
    if any(isinstance(value, dict) for value in values):
        return f"The path '{path}' finds nothing: {place} is an empty map."
    if not values:
        return f"The path '{path}' finds nothing: {place} is missing."
    kind = _describe_type(values[0])
    return f"The path '{path}' finds nothing: {place} is {kind}, which has no parts."


def _describe_type(value: Any) -> str:
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
