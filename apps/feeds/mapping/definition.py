"""Mapping definition, as stored (a small JSON object) and as used."""

import re
from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from typing import Any, cast

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.ingestion.change_detection.records import Absence
from apps.feeds.mapping.paths import Expression, InvalidPathError, Path, read_expression, read_path
from apps.feeds.parsers.amounts import Per
from apps.feeds.parsers.payload import is_storable

# The kind of a source that is read by a mapping.
KIND = "json-mapping"

REQUIRED = ("external_id", "host", "api_id")
LIFECYCLE_FIELDS = ("retires_on", "not_before", "announced_on", "successor", "status")
OTHER_FIELDS = ("name", "region", "tier", "group", "alias_of", "currency", "source_url")
EXPRESSIONS = (*REQUIRED, *LIFECYCLE_FIELDS, *OTHER_FIELDS)
DOCUMENT_PATHS = ("as_of", "count", "next")

STATUSES = ("active", "preview", "deprecated", "retired")
# The meaning of a source value that says nothing about the retirement.
IGNORED = "ignore"
PRICE_QUANTITIES = ("million", "thousand", "one")
# Units that are not tokens.
COUNTED_UNITS = frozenset(
    {
        "image",
        "second",
        "character",
        "page",
        "query",
        "request",
        "web_search",
        "web_search_low",
        "web_search_high",
        "map_search",
        "code_session",
        "pixel",
        "video_second",
    }
)
_PER_OF_TOKENS: dict[str, Per] = {
    "million": "million",
    "thousand": "thousand_tokens",
    "one": "token",
}
_PER_OF_OTHERS: dict[str, Per] = {"million": "million_units", "thousand": "thousand", "one": "unit"}
ABSENCE_MEANINGS: tuple[Absence, ...] = ("news", "notices", "nothing")
ZERO_MEANINGS = ("unknown", "free")

MAX_PRICES = 40
MAX_TRANSLATIONS = 100
MAX_SKIPPED_ROWS = 100
_MAX_TRANSLATION_LENGTH = 100
_MAX_REQUEST_TOKENS = 100_000_000


class InvalidMappingError(ValueError):
    """A mapping that is not valid; `errors` is {field: sentence}."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return " ".join(self.errors.values())


@dataclass(frozen=True, slots=True)
class PriceField:
    """The path of one price. With `each` the price is in every element of that list, and `path` and
    `above` start there.

    `above` is the request size in tokens from which it applies: a number, or a path to one. `per`
    is the quantity for which the number is published: one, a thousand or a million of the unit."""

    unit: str
    path: Path
    per: str = "million"
    each: Path | None = None
    above: int | Path = 0

    @property
    def counted(self) -> Per:
        return (_PER_OF_OTHERS if self.unit in COUNTED_UNITS else _PER_OF_TOKENS)[self.per]

    @property
    def where(self) -> str:
        return f"{self.each}.{self.path}" if self.each else str(self.path)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The paths of the fields in a document, and the meaning of its values."""

    rows: Path
    fields: dict[str, Expression]
    prices: tuple[PriceField, ...] = ()
    hosts: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    zero: str = "unknown"
    no_price: tuple[str, ...] = ()
    skip: frozenset[str] = frozenset()
    far_days_are_none: bool = False
    absence: Absence = "notices"
    document: dict[str, Path] = field(default_factory=dict)

    @property
    def topics(self) -> frozenset[str]:
        lifecycle = (
            {"lifecycle"} if any(name in self.fields for name in LIFECYCLE_FIELDS) else set()
        )
        return frozenset(lifecycle | ({"price"} if self.prices else set()))


def read_mapping(definition: object) -> Mapping:
    """Parse a mapping from its stored form; InvalidMappingError names every field that is wrong."""
    if not isinstance(definition, dict):
        raise InvalidMappingError(
            {"mapping": "A mapping must be a JSON object with rows, external_id, host and api_id."}
        )
    errors: dict[str, str] = {}
    allowed_keys = {
        "rows",
        *EXPRESSIONS,
        *DOCUMENT_PATHS,
        "prices",
        "hosts",
        "statuses",
        "zero",
        "no_price",
        "skip",
        "far_days_are_none",
        "absence",
    }
    for name in definition:
        if name not in allowed_keys:
            errors[str(name)[:60]] = (
                f'"{str(name)[:60]}" is not a valid part of a mapping. Use: '
                f"{', '.join(sorted(allowed_keys))}."
            )
    rows = _read_setting(
        definition, "rows", errors, lambda text: read_path(text, of_rows=True), required=True
    )
    fields: dict[str, Expression] = {}
    for name in EXPRESSIONS:
        expression = _read_setting(
            definition, name, errors, read_expression, required=name in REQUIRED
        )
        if expression is not None:
            fields[name] = expression
    document: dict[str, Path] = {}
    for name in DOCUMENT_PATHS:
        path = _read_setting(definition, name, errors, read_path)
        if path is not None:
            document[name] = path
    prices = _read_prices(definition.get("prices"), errors)
    hosts = _read_translations(definition.get("hosts"), "hosts", errors)
    statuses = _read_translations(definition.get("statuses"), "statuses", errors)
    for source_value, meaning in statuses.items():
        if meaning not in (*STATUSES, IGNORED):
            errors["statuses"] = (
                f'"{meaning}" is not a valid meaning of "{source_value}". Use one of: '
                f"{', '.join((*STATUSES, IGNORED))}."
            )
    choices = {
        "zero": _read_choice(definition, "zero", ZERO_MEANINGS, "unknown", errors),
        "absence": _read_choice(definition, "absence", ABSENCE_MEANINGS, "notices", errors),
    }
    far_days_are_none = definition.get("far_days_are_none", False)
    if not isinstance(far_days_are_none, bool):
        errors["far_days_are_none"] = "far_days_are_none must be true or false."
    no_price = _read_texts(definition.get("no_price"), "no_price", errors)
    skip = _read_texts(definition.get("skip"), "skip", errors)
    if not errors and not prices and not any(name in fields for name in LIFECYCLE_FIELDS):
        errors["retires_on"] = (
            "Enter a path for at least one fact: a retirement date, a status or a price."
        )
    if errors or rows is None:
        raise InvalidMappingError(errors)
    return Mapping(
        rows=rows,
        fields=fields,
        prices=prices,
        hosts={source_value.casefold(): meaning for source_value, meaning in hosts.items()},
        statuses={source_value.casefold(): meaning for source_value, meaning in statuses.items()},
        zero=choices["zero"],
        no_price=no_price,
        skip=frozenset(skip),
        far_days_are_none=far_days_are_none is True,
        absence=cast(Absence, choices["absence"]),
        document=document,
    )


def normalise_mapping(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the stored form without empty settings, so that equal mappings are equal."""
    return {
        name: value for name, value in definition.items() if value not in (None, "", [], {}, False)
    }


def _read_setting[T](
    definition: Dictionary[str, Any],
    name: str,
    errors: dict[str, str],
    parse: Callable[[str], T],
    *,
    required: bool = False,
) -> T | None:
    """Return the parsed setting `name` of the definition; None if it is empty or invalid. A fault,
    or an empty setting that is `required`, is added to `errors` as {name: sentence}."""
    text = definition.get(name)
    if text in (None, ""):
        if required:
            errors[name] = f"Enter the path of {FIELD_LABELS[name]}."
        return None
    if not isinstance(text, str):
        errors[name] = f"The path of {FIELD_LABELS[name]} must be a text."
        return None
    try:
        return parse(text)
    except InvalidPathError as error:
        errors[name] = str(error)
        return None


FIELD_LABELS = {
    "rows": "the list of rows",
    "external_id": "the row ID",
    "host": "the host",
    "api_id": "the model ID",
    "name": "the name",
    "region": "the region",
    "tier": "the service tier",
    "group": "the row group",
    "alias_of": "the referenced row",
    "retires_on": "the retirement date",
    "not_before": "the earliest retirement date",
    "announced_on": "the announcement date",
    "successor": "the successor",
    "status": "the lifecycle status",
    "currency": "the currency",
    "source_url": "the source URL",
    "as_of": "the creation time of the feed",
    "count": "the number of rows",
    "next": "the URL of the next page",
}


def _read_prices(value: object, errors: dict[str, str]) -> tuple[PriceField, ...]:
    """Return the price fields of the definition. Invalid entries are left out, and the first of
    them is added to `errors`."""
    if value in (None, []):
        return ()
    if not isinstance(value, list) or len(value) > MAX_PRICES:
        errors["prices"] = (
            f"Prices must be a list of at most {MAX_PRICES} objects with unit, path and per."
        )
        return ()
    prices = []
    for number, entry in enumerate(value, start=1):
        try:
            prices.append(_read_price(entry))
        except (InvalidPathError, ValueError) as error:
            errors.setdefault("prices", f"Price {number}: {error}")
    return tuple(prices)


def _read_price(value: object) -> PriceField:
    """Return one price field. ValueError or InvalidPathError, with a sentence about the entry, if
    it is invalid. `above` may be a number of tokens or a path to one."""
    if not isinstance(value, dict) or not set(value) <= {"unit", "path", "per", "each", "above"}:
        raise ValueError(
            "use unit, path and per and, where the price depends on the request size, each and "
            "above."
        )
    unit, per, above = value.get("unit"), value.get("per", "million"), value.get("above") or 0
    if unit not in PRICE_UNITS:
        raise ValueError(f'"{unit}" is not a valid unit. Use one of: {", ".join(PRICE_UNITS)}.')
    if per not in PRICE_QUANTITIES:
        raise ValueError(
            f'"{per}" is not a valid quantity. Use one of: {", ".join(PRICE_QUANTITIES)}.'
        )
    texts = {name: value.get(name) or "" for name in ("path", "each")}
    if not all(isinstance(text, str) for text in texts.values()) or not texts["path"]:
        raise ValueError("enter the path of the price.")
    size: int | Path
    if isinstance(above, str) and not above.strip().isdecimal():
        size = read_path(above)
    elif (
        isinstance(above, int | str)
        and not isinstance(above, bool)
        and 0 <= int(above) <= _MAX_REQUEST_TOKENS
    ):
        size = int(above)
    else:
        raise ValueError(
            f'"above" must be a number of tokens up to {_MAX_REQUEST_TOKENS:,}, or a path to one.'
        )
    list_path = read_path(texts["each"]) if texts["each"] else None
    return PriceField(str(unit), read_path(texts["path"]), per, list_path, size)


def _read_translations(value: object, name: str, errors: dict[str, str]) -> dict[str, str]:
    if value in (None, {}):
        return {}
    is_small_object = isinstance(value, dict) and len(value) <= MAX_TRANSLATIONS
    if not is_small_object or not all(
        _is_short_text(key) and _is_short_text(meaning)
        for key, meaning in cast(dict[Any, Any], value).items()
    ):
        errors[name] = (
            f"{name.capitalize()} must be an object of at most {MAX_TRANSLATIONS} words, each "
            "with its meaning."
        )
        return {}
    return dict(cast(dict[str, str], value))


def _read_texts(value: object, name: str, errors: dict[str, str]) -> tuple[str, ...]:
    if value in (None, []):
        return ()
    if (
        not isinstance(value, list)
        or len(value) > MAX_SKIPPED_ROWS
        or not all(_is_short_text(text, 400) for text in value)
    ):
        errors[name] = f'"{name}" must be a list of at most {MAX_SKIPPED_ROWS} texts.'
        return ()
    return tuple(value)


def _is_short_text(value: object, max_length: int = _MAX_TRANSLATION_LENGTH) -> bool:
    return isinstance(value, str) and is_storable(value) and len(value) <= max_length


def _read_choice(
    definition: Dictionary[str, Any],
    name: str,
    choices: tuple[str, ...],
    default: str,
    errors: dict[str, str],
) -> str:
    value = definition.get(name) or default
    if value not in choices:
        errors[name] = f'"{name}" must be one of: {", ".join(choices)}.'
        return default
    return str(value)


_CURRENCY = re.compile(r"[A-Z]{3}")


def is_currency(text: str) -> bool:
    return _CURRENCY.fullmatch(text) is not None
