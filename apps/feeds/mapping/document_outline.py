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
    lists = sorted(_find_lists(document, ()), key=lambda entry: -entry[1])[:_MAX_LISTS]
    if rows is None and lists:
        outlines = [_outline_rows(document, path, lists) for path, _ in lists]
        return max(outlines, key=lambda outline: len(propose_mapping(outline)))
    return _outline_rows(document, rows, lists)


def _outline_rows(
    document: Any, path: Path | None, lists: Sequence[tuple[Path, int]]
) -> DocumentOutline:
    """Return the outline of the rows at `path`, from a sample of them, with all `lists` of the
    document that could hold rows. Without a path it has no fields."""
    places: list[RowContext] = []
    if path is not None:
        for place in rows_at(document, path):
            places.append(place)
            if len(places) == _MAX_ROWS_SAMPLED:
                break
    return DocumentOutline(
        lists=tuple(RowList(str(list_path), n) for list_path, n in lists),
        rows=str(path) if path is not None else "",
        n=len(places),
        parts=tuple(_list_fields(places)),
    )


def _find_lists(value: Any, steps: tuple[KeyStep | EachStep, ...]) -> Iterator[tuple[Path, int]]:
    """Yield (path, number of rows) of every list or map of objects, including those nested in all
    rows of another list."""
    if len(steps) > _MAX_DEPTH:
        return
    if isinstance(value, list):
        rows = [element for element in value[:_MAX_ROWS_SAMPLED] if isinstance(element, dict)]
        if rows:
            yield from _find_row_paths((*steps, EachStep(of_map=False)), rows, len(value))
        return
    if not isinstance(value, dict):
        return
    map_values = list(value.values())[:_MAX_ROWS_SAMPLED]
    if len(map_values) > 1 and all(isinstance(element, dict) for element in map_values):
        yield from _find_row_paths((*steps, EachStep(of_map=True)), map_values, len(value))
        return
    for key, element in list(value.items())[:_MAX_ROWS_SAMPLED]:
        yield from _find_lists(element, (*steps, KeyStep(key)))


def _find_row_paths(
    steps: tuple[KeyStep | EachStep, ...], rows: list[Any], n: int
) -> Iterator[tuple[Path, int]]:
    """Yield (path, estimated number of rows) of the list at `steps`, and of lists or maps of
    objects directly in its rows. `rows` is a sample of the list, `n` its number of rows."""
    yield Path(steps), n
    if sum(isinstance(step, EachStep) for step in steps) > 1:
        return
    for key in list(rows[0])[:40]:
        containers = [
            row[key]
            for row in rows
            if isinstance(row, dict) and isinstance(row.get(key), list | dict)
        ]
        kind = list if containers and isinstance(containers[0], list) else dict
        containers = [container for container in containers if isinstance(container, kind)]
        objects = [
            element
            for container in containers
            for element in (container if isinstance(container, list) else container.values())
        ]
        of_map = bool(containers) and isinstance(containers[0], dict)
        are_rows = bool(objects) and all(isinstance(element, dict) for element in objects)
        # The fields of one object can be objects too, but with few different names.
        if are_rows and (
            not of_map or len({name for container in containers for name in container}) > 12
        ):
            n_nested_rows = sum(len(container) for container in containers) * n // max(len(rows), 1)
            yield Path((*steps, KeyStep(key), EachStep(of_map=of_map))), n_nested_rows


def _list_fields(places: Sequence[RowContext]) -> Iterator[OutlineField]:
    """Yield the fields of the sampled rows, with the number of rows that have them and an example:
    first the keys and fields of enclosing objects, then those of the rows, at most _MAX_FIELDS."""
    values_by_path: dict[str, tuple[int, str]] = {}
    for place in places:
        for path, value in _list_scalar_values(place.value, ()):
            n, example = values_by_path.get(path, (0, ""))
            values_by_path[path] = (n + 1, example or text_of(as_text(value), 60))
    if places and isinstance(places[0].keys[-1], str):
        yield OutlineField("@key", len(places), str(places[0].keys[-1])[:60])
    if places and len(places[0].keys) > 1:
        if isinstance(places[0].keys[0], str):
            yield OutlineField("@key1", len(places), str(places[0].keys[0])[:60])
        outer = places[0].around[0]
        for key, value in list(outer.items())[:20] if isinstance(outer, dict) else ():
            if text := text_of(as_text(value), 60):
                yield OutlineField(f"@1.{KeyStep(key)}", len(places), text)
    for path, (n, example) in list(values_by_path.items())[:_MAX_FIELDS]:
        yield OutlineField(path, n, example)


def _list_scalar_values(
    value: Any, steps: tuple[KeyStep | EachStep | IndexStep, ...]
) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of each scalar value of a row; of a list only its first element."""
    if isinstance(value, dict) and len(steps) < _MAX_DEPTH:
        for key, inner in list(value.items())[:_MAX_FIELDS]:
            yield from _list_scalar_values(inner, (*steps, KeyStep(key)))
    elif isinstance(value, list) and len(steps) < _MAX_DEPTH:
        if value:
            yield from _list_scalar_values(value[0], (*steps, EachStep(of_map=False)))
    elif steps and isinstance(value, str | int | bool | Decimal | None):
        yield str(Path(steps)), value


# --- proposed mapping -----------------------------------------------------------------------------

# Names under which feeds publish these facts, the most likely first.
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


def propose_mapping(outline: DocumentOutline) -> dict[str, Any]:
    """Propose a mapping by field names that are common in feeds. It must be reviewed and corrected,
    not trusted."""
    available_paths = {outline_field.path for outline_field in outline.parts}
    mapping: dict[str, Any] = {"rows": outline.rows} if outline.rows else {}
    for name, usual_paths in _USUAL_NAMES.items():
        if path := next((path for path in usual_paths if path in available_paths), ""):
            mapping[name] = path
    if "api_id" in mapping:
        mapping["external_id"] = (
            f"{mapping['host']} + '/' + {mapping['api_id']}"
            if "host" in mapping
            else mapping["api_id"]
        )
    prices = []
    for unit, options in _USUAL_PRICES.items():
        if option := next((option for option in options if option[0] in available_paths), None):
            prices.append({"unit": unit, "path": option[0], "per": option[1]})
    if prices:
        mapping["prices"] = prices
    return mapping


__all__ = ["DocumentOutline", "OutlineField", "RowList", "outline_document", "propose_mapping"]
