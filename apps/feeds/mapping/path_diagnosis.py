"""Why a path finds nothing, in words: which part of it leads nowhere, and what lies there
instead."""

from decimal import Decimal
from itertools import islice
from typing import Any

from apps.feeds.mapping.paths import EachStep, EnclosingStep, Path, RowContext, Step, take_step

_MAX_KEYS_NAMED = 12
# as many as a document may have rows; from each of these a path can lead to as many again
_MAX_VALUES = 100_000


def explain_missing(path: Path, places: list[RowContext]) -> str:
    """Where `path` ends in all of `places`, as a sentence with what lies there. Equal for equal
    kinds of rows."""
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
            return f"The path '{path}' finds nothing: {_describe_values(at, values, step)}."
        at = str(Path(path.steps[: number + 1]))
        values = further
        places = [RowContext(value) for value in further]
    return f"What the path '{path}' finds is empty everywhere."


def _describe_values(at: str, values: list[Any], step: Step) -> str:
    where = f"at '{at}'" if at else "there"
    if isinstance(step, EnclosingStep):
        return "the path of the rows has no such * or [*]"
    keys = sorted({key for value in values[:500] if isinstance(value, dict) for key in value})
    if keys:
        named = ", ".join(f"'{key[:40]}'" for key in keys[:_MAX_KEYS_NAMED])
        more = f" and {len(keys) - _MAX_KEYS_NAMED} more" if len(keys) > _MAX_KEYS_NAMED else ""
        hint = (
            " (a map: say * instead of [*])"
            if isinstance(step, EachStep) and not step.of_map
            else ""
        )
        return f"{where} {'lies' if len(keys) == 1 else 'lie'} {named}{more}{hint}"
    if any(isinstance(value, list) for value in values):
        empty = not any(value for value in values if isinstance(value, list))
        return f"{where} lies {'an empty list' if empty else 'a list (say [*] for its elements)'}"
    if any(isinstance(value, dict) for value in values):
        return f"{where} lies an empty map"
    return (
        f"{where} lies {_kind(values[0])}, which has no parts" if values else f"{where} is nothing"
    )


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
