"""Outline of a JSON document, as help for writing a mapping: the lists of rows, the fields of a
row, and a first proposal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.feeds.mapping.paths import (
    EachStep,
    IndexStep,
    KeyStep,
    Path,
    RowContext,
    as_text,
    rows_at,
)
from apps.feeds.parsers.payload import text_of

_MAX_DEPTH = 4
_MAX_ROWS_SAMPLED = 200
_MAX_LISTS = 8
_MAX_FIELDS = 80


@dataclass(frozen=True, slots=True)
class RowList:
    """A list of rows: the path that leads to them, and their number."""

    path: str
    n: int


@dataclass(frozen=True, slots=True)
class OutlineField:
    """A field of the rows: its path from the row, the number of inspected rows that have it, and
    its first value."""

    path: str
    n: int
    example: str


@dataclass(frozen=True, slots=True)
class DocumentOutline:
    """The outline of a document. `parts` are the fields of the rows at `rows`; `n` rows were
    inspected."""

    lists: tuple[RowList, ...]
    rows: str = ""
    n: int = 0
    parts: tuple[OutlineField, ...] = ()


def outline_document(document: Any, rows: Path | None = None) -> DocumentOutline:
    """Outline `document`; without `rows`, the fields are those of the list that most resembles a
    list of models."""
    lists = sorted(_lists(document, ()), key=lambda found: -found[1])[:_MAX_LISTS]
    if rows is None and lists:
        each = [_outline(document, path, lists) for path, _ in lists]
        return max(each, key=lambda found: len(propose_mapping(found)))
    return _outline(document, rows, lists)


def _outline(
    document: Any, path: Path | None, lists: Sequence[tuple[Path, int]]
) -> DocumentOutline:
    places: list[RowContext] = []
    if path is not None:
        for place in rows_at(document, path):
            places.append(place)
            if len(places) == _MAX_ROWS_SAMPLED:
                break
    return DocumentOutline(
        lists=tuple(RowList(str(found), n) for found, n in lists),
        rows=str(path) if path is not None else "",
        n=len(places),
        parts=tuple(_parts(places)),
    )


def _lists(value: Any, steps: tuple[KeyStep | EachStep, ...]) -> Iterator[tuple[Path, int]]:
    """Return (path, number of rows) of every list or map of objects, including those that are
    inside all rows of another."""
    if len(steps) > _MAX_DEPTH:
        return
    if isinstance(value, list):
        rows = [one for one in value[:_MAX_ROWS_SAMPLED] if isinstance(one, dict)]
        if rows:
            yield from _paths_of_rows((*steps, EachStep(of_map=False)), rows, len(value))
        return
    if not isinstance(value, dict):
        return
    inside = list(value.values())[:_MAX_ROWS_SAMPLED]
    if len(inside) > 1 and all(isinstance(one, dict) for one in inside):
        yield from _paths_of_rows((*steps, EachStep(of_map=True)), inside, len(value))
        return
    for key, one in list(value.items())[:_MAX_ROWS_SAMPLED]:
        yield from _lists(one, (*steps, KeyStep(key)))


def _paths_of_rows(
    steps: tuple[KeyStep | EachStep, ...], rows: list[Any], n: int
) -> Iterator[tuple[Path, int]]:
    yield Path(steps), n
    if sum(isinstance(step, EachStep) for step in steps) > 1:
        return
    for key in list(rows[0])[:40]:
        inner = [
            row[key]
            for row in rows
            if isinstance(row, dict) and isinstance(row.get(key), list | dict)
        ]
        kind = list if inner and isinstance(inner[0], list) else dict
        inner = [each for each in inner if isinstance(each, kind)]
        objects = [
            one for each in inner for one in (each if isinstance(each, list) else each.values())
        ]
        of_map = bool(inner) and isinstance(inner[0], dict)
        are_rows = bool(objects) and all(isinstance(one, dict) for one in objects)
        # parts of a row are objects too, but each of its own name
        if are_rows and (not of_map or len({name for each in inner for name in each}) > 12):
            whole = sum(len(each) for each in inner) * n // max(len(rows), 1)
            yield Path((*steps, KeyStep(key), EachStep(of_map=of_map))), whole


def _parts(places: Sequence[RowContext]) -> Iterator[OutlineField]:
    found: dict[str, tuple[int, str]] = {}
    for place in places:
        for path, value in _scalar_values(place.value, ()):
            n, example = found.get(path, (0, ""))
            found[path] = (n + 1, example or text_of(as_text(value), 60))
    if places and isinstance(places[0].keys[-1], str):
        yield OutlineField("@key", len(places), str(places[0].keys[-1])[:60])
    if places and len(places[0].keys) > 1:
        if isinstance(places[0].keys[0], str):
            yield OutlineField("@key1", len(places), str(places[0].keys[0])[:60])
        outer = places[0].around[0]
        for key, value in list(outer.items())[:20] if isinstance(outer, dict) else ():
            if text := text_of(as_text(value), 60):
                yield OutlineField(f"@1.{KeyStep(key)}", len(places), text)
    for path, (n, example) in list(found.items())[:_MAX_FIELDS]:
        yield OutlineField(path, n, example)


def _scalar_values(
    value: Any, steps: tuple[KeyStep | EachStep | IndexStep, ...]
) -> Iterator[tuple[str, Any]]:
    """Return (path, value) of the scalar values of a row; of a list those of its first element."""
    if isinstance(value, dict) and len(steps) < _MAX_DEPTH:
        for key, one in list(value.items())[:_MAX_FIELDS]:
            yield from _scalar_values(one, (*steps, KeyStep(key)))
    elif isinstance(value, list) and len(steps) < _MAX_DEPTH:
        if value:
            yield from _scalar_values(value[0], (*steps, EachStep(of_map=False)))
    elif steps and isinstance(value, str | int | bool | Decimal | None):
        yield str(Path(steps)), value


# --- a first proposal -----------------------------------------------------------------------------

# names under which feeds publish these facts, the likeliest first
_USUAL_NAMES = {
    "api_id": ("model_id", "api_id", "modelId", "model", "id", "slug", "@key"),
    "host": (
        "provider",
        "host",
        "vendor",
        "provider_id",
        "providerId",
        "litellm_provider",
        "@1.id",
        "@key1",
    ),
    "name": ("model_name", "display_name", "displayName", "name", "title"),
    "retires_on": (
        "shutdown_date",
        "shutdown_on",
        "retires_on",
        "retirement_date",
        "retirementDate",
        "end_of_life",
        "eol",
        "eol_date",
        "expiration_date",
        "deprecation_date",
        "sunset_date",
        "shutdown",
    ),
    "not_before": ("earliest_shutdown_on", "not_before", "earliest_retirement_date"),
    "announced_on": (
        "announcement_date",
        "announced_on",
        "deprecated_on",
        "deprecationDate",
        "announced",
    ),
    "successor": (
        "replacement_model",
        "replacement",
        "successor",
        "successor_model",
        "replacements[*].model",
    ),
    "status": ("status", "lifecycle", "state", "lifecycle_status"),
    "source_url": ("url", "source_url", "sources[*].url", "link", "docs_url", "@1.doc"),
}
_USUAL_PRICES = {
    "input": (
        ("input_cost_per_token", "one"),
        ("pricing.prompt", "one"),
        ("cost.input", "million"),
        ("input_mtok", "million"),
        ("input_price_per_million", "million"),
        ("input_per_1k", "thousand"),
        ("prices.input", "million"),
        ("prices.input_mtok", "million"),
    ),
    "output": (
        ("output_cost_per_token", "one"),
        ("pricing.completion", "one"),
        ("cost.output", "million"),
        ("output_mtok", "million"),
        ("output_price_per_million", "million"),
        ("output_per_1k", "thousand"),
        ("prices.output", "million"),
        ("prices.output_mtok", "million"),
    ),
    "cache_read": (
        ("cache_read_input_token_cost", "one"),
        ("pricing.input_cache_read", "one"),
        ("cost.cache_read", "million"),
    ),
    "cache_write": (
        ("cache_creation_input_token_cost", "one"),
        ("pricing.input_cache_write", "one"),
        ("cost.cache_write", "million"),
    ),
}


def propose_mapping(found: DocumentOutline) -> dict[str, Any]:
    """Propose a mapping by field names that are common in feeds. It must be reviewed and corrected,
    not trusted."""
    there = {part.path for part in found.parts}
    said: dict[str, Any] = {"rows": found.rows} if found.rows else {}
    for name, usual in _USUAL_NAMES.items():
        if path := next((path for path in usual if path in there), ""):
            said[name] = path
    if "api_id" in said:
        said["external_id"] = (
            f"{said['host']} + '/' + {said['api_id']}" if "host" in said else said["api_id"]
        )
    prices = []
    for unit, options in _USUAL_PRICES.items():
        if option := next((option for option in options if option[0] in there), None):
            prices.append({"unit": unit, "path": option[0], "per": option[1]})
    if prices:
        said["prices"] = prices
    return said


__all__ = ["DocumentOutline", "OutlineField", "RowList", "outline_document", "propose_mapping"]
