"""Mapping of a lifecycle page, as stored (a small JSON object) and as used."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from typing import Any, cast

from apps.catalog.claims.feed_rows import ROW_KINDS, STAGES
from apps.catalog.ingestion.change_detection.records import Absence
from apps.feeds.mapping.definition import ABSENCE_MEANINGS, InvalidMappingError
from apps.feeds.pages.globs import MAX_STARS
from apps.feeds.parsers.payload import is_storable

# The kind of a source that is read by a page mapping.
KIND = "page"

# Columns of a lifecycle table: name in the mapping, and its label on pages.
COLUMNS: dict[str, str] = {
    "id": "Model ID",
    "version": "Version",
    "name": "Name",
    "announced": "Announcement date",
    "legacy": "Legacy date",
    "closed_to_new": "Closed to new customers",
    "extended_access": "Extended access from",
    "training_ends": "End of training (fine-tuned models)",
    "retires": "Retirement date",
    "replacement": "Replacement",
    "stage": "Stage",
    "regions": "Regions",
    "lab": "Lab",
    "released": "Release date",
    "parameter": "Parameter",
    "price": "Price",
    "date": "Date (of a timeline)",
    "update": "Update (of a timeline)",
    "ignored": "Not read",
}
DATE_ORDERS = ("", "month_first", "day_first")
# Places of the day of the announcement, in the order in which they are tried.
ANNOUNCEMENT_PLACES = ("heading", "sentence")

MAX_TABLES = 40
MAX_TEXTS = 60
MAX_TEXT_LENGTH = 200
MAX_STAGES = 40


@dataclass(frozen=True, slots=True)
class TableRule:
    """Which tables are read: those below a heading that fits `heading`, and that have all
    `headers`, and no heading that fits `exclude`.

    `heading` and `exclude` are compared with each heading above the table and with their path
    (joined by " > "). `header_row` gives the names of all columns, in order, where the page's own
    header row lacks one; it is used only if each row has exactly that many cells. `kind` and
    `stage` hold for the rows of these tables unless a cell says otherwise.
    """

    heading: str = ""
    headers: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    header_row: tuple[str, ...] = ()
    kind: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True)
class DateRules:
    """How dates are read. `order` is of numeric dates such as 4/5/2026; without it only dates that
    can be read in one way are. `none` and `not_before` are words in addition to the usual ones.
    With `future_is_earliest` each date that has not come is an earliest one."""

    order: str = ""
    none: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()
    future_is_earliest: bool = False


@dataclass(frozen=True, slots=True)
class PageMapping:
    """Tables, columns and words of one provider's lifecycle page.

    `columns` is {name of `COLUMNS`: headers in the order of preference}; a name that is missing
    has the usual headers (`headers.COMMON`). An empty `tables` reads every table with a model ID
    and a retirement date. `accept` and `drop` limit the IDs, by patterns with stars. `kinds` is
    {kind of a row: patterns of IDs}, `stages` {pattern of a heading: stage}. With
    `dates_from_sentences` a table without dates takes the day from the sentence that names its
    models or stands directly above it.
    """

    tables: tuple[TableRule, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dates: DateRules = DateRules()
    accept: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    announced_from: tuple[str, ...] = ANNOUNCEMENT_PLACES
    dates_from_sentences: bool = False
    absence: Absence = "notices"


_KEYS = (
    "tables",
    "columns",
    "dates",
    "ids",
    "kinds",
    "stages",
    "announced_from",
    "dates_from_sentences",
    "absence",
)
_TABLE_KEYS = ("heading", "headers", "exclude", "header_row", "kind", "stage")
_DATE_KEYS = ("order", "none", "not_before", "future_is_earliest")


def read_page_mapping(definition: object) -> PageMapping:
    """Parse a mapping from its stored form; InvalidMappingError names every field that is wrong."""
    if not isinstance(definition, dict):
        raise InvalidMappingError(
            {"mapping": "A mapping of a page must be a JSON object with tables and columns."}
        )
    errors: dict[str, str] = {}
    for name in definition:
        if name not in _KEYS:
            errors[str(name)[:60]] = (
                f'"{str(name)[:60]}" is not a valid part of a page mapping. Use: '
                f"{', '.join(_KEYS)}."
            )
    mapping = PageMapping(
        tables=_read_tables(definition.get("tables"), errors),
        columns=_read_columns(definition.get("columns"), errors),
        dates=_read_dates(definition.get("dates"), errors),
        accept=_read_ids(definition, "accept", errors),
        drop=_read_ids(definition, "drop", errors),
        kinds=_read_kinds(definition.get("kinds"), errors),
        stages=_read_stages(definition.get("stages"), errors),
        announced_from=_read_places(definition.get("announced_from"), errors),
        dates_from_sentences=_read_flag(definition, "dates_from_sentences", errors),
        absence=_read_absence(definition.get("absence"), errors),
    )
    if errors:
        raise InvalidMappingError(errors)
    return mapping


def normalise_page_mapping(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the stored form without empty settings, so that equal mappings are equal."""
    return cast(dict[str, Any], _without_empty(definition))


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = {name: _without_empty(part) for name, part in value.items()}
        # An empty list of places means that no announcement is taken from the text.
        return {
            name: part
            for name, part in pairs.items()
            if part not in (None, "", [], {}, False) or name == "announced_from"
        }
    if isinstance(value, list):
        return [_without_empty(part) for part in value]
    return value


def _read_tables(value: object, errors: dict[str, str]) -> tuple[TableRule, ...]:
    if value in (None, []):
        return ()
    if not isinstance(value, list) or len(value) > MAX_TABLES:
        errors["tables"] = (
            f"Tables must be a list of at most {MAX_TABLES} objects with heading, headers and "
            "exclude."
        )
        return ()
    rules = []
    for number, entry in enumerate(value, start=1):
        if not isinstance(entry, dict) or not set(entry) <= set(_TABLE_KEYS):
            errors.setdefault("tables", f"Table {number}: use only {', '.join(_TABLE_KEYS)}.")
            continue
        texts: dict[str, str] = {}
        for name in ("heading", "kind", "stage"):
            text = entry.get(name) or ""
            if text and not _is_pattern(text):
                errors.setdefault("tables", f'Table {number}: "{name}" must be {_A_PATTERN}.')
                text = ""
            texts[name] = text
        lists: dict[str, tuple[str, ...]] = {}
        for name in ("headers", "exclude", "header_row"):
            found = _texts_of(entry.get(name))
            if found is None:
                errors.setdefault("tables", f'Table {number}: "{name}" must be {_PATTERNS}.')
            lists[name] = found or ()
        if texts["kind"] and texts["kind"] not in ROW_KINDS:
            errors.setdefault("tables", f"Table {number}: {_bad_kind(texts['kind'])}")
        if texts["stage"] and texts["stage"] not in STAGES:
            errors.setdefault("tables", f"Table {number}: {_bad_stage(texts['stage'])}")
        rules.append(
            TableRule(
                heading=texts["heading"],
                headers=lists["headers"],
                exclude=lists["exclude"],
                header_row=lists["header_row"],
                kind=texts["kind"],
                stage=texts["stage"],
            )
        )
    return tuple(rules)


def _read_columns(value: object, errors: dict[str, str]) -> dict[str, tuple[str, ...]]:
    if value in (None, {}):
        return {}
    if not isinstance(value, dict):
        errors["columns"] = "Columns must be an object with lists of headers, such as id: [Model]."
        return {}
    columns: dict[str, tuple[str, ...]] = {}
    for name, headers in value.items():
        found = _texts_of(headers)
        if name not in COLUMNS:
            errors["columns"] = (
                f'"{str(name)[:60]}" is not a column of a page mapping. Use: {", ".join(COLUMNS)}.'
            )
        elif found is None:
            errors["columns"] = f'The headers of "{name}" must be {_PATTERNS}.'
        elif found:
            columns[str(name)] = found
    return columns


def _read_dates(value: object, errors: dict[str, str]) -> DateRules:
    if value in (None, {}):
        return DateRules()
    if not isinstance(value, dict) or not set(value) <= set(_DATE_KEYS):
        errors["dates"] = f"Dates must be an object with {', '.join(_DATE_KEYS)}."
        return DateRules()
    order = value.get("order") or ""
    if order not in DATE_ORDERS:
        errors["dates"] = "The order of a date must be month_first or day_first."
        order = ""
    words = {}
    for name in ("none", "not_before"):
        found = _texts_of(value.get(name))
        if found is None:
            errors["dates"] = f'"{name}" must be {_PATTERNS}.'
        words[name] = found or ()
    future = value.get("future_is_earliest", False)
    if not isinstance(future, bool):
        errors["dates"] = "future_is_earliest must be true or false."
    return DateRules(str(order), words["none"], words["not_before"], future is True)


def _read_ids(
    definition: Dictionary[str, Any], name: str, errors: dict[str, str]
) -> tuple[str, ...]:
    value = definition.get("ids")
    if value in (None, {}):
        return ()
    if not isinstance(value, dict) or not set(value) <= {"accept", "drop"}:
        errors["ids"] = "IDs must be an object with accept and drop, lists of patterns."
        return ()
    found = _texts_of(value.get(name))
    if found is None:
        errors["ids"] = f'"{name}" must be {_PATTERNS}.'
    return found or ()


def _read_kinds(value: object, errors: dict[str, str]) -> dict[str, tuple[str, ...]]:
    if value in (None, {}):
        return {}
    if not isinstance(value, dict):
        errors["kinds"] = "Kinds must be an object such as endpoint: [/v1/*]."
        return {}
    kinds: dict[str, tuple[str, ...]] = {}
    for kind, patterns in value.items():
        found = _texts_of(patterns)
        if kind not in ROW_KINDS:
            errors["kinds"] = _bad_kind(kind)
        elif found is None:
            errors["kinds"] = f'The patterns of "{kind}" must be {_PATTERNS}.'
        elif found:
            kinds[str(kind)] = found
    return kinds


def _read_stages(value: object, errors: dict[str, str]) -> dict[str, str]:
    if value in (None, {}):
        return {}
    if not isinstance(value, dict) or len(value) > MAX_STAGES or not all(map(_is_pattern, value)):
        errors["stages"] = (
            f"Stages must be an object of at most {MAX_STAGES} headings or words, each with a "
            "stage."
        )
        return {}
    stages: dict[str, str] = {}
    for heading, stage in value.items():
        if stage not in STAGES:
            errors["stages"] = _bad_stage(stage)
        else:
            stages[str(heading)] = str(stage)
    return stages


def _read_places(value: object, errors: dict[str, str]) -> tuple[str, ...]:
    if value is None:
        return ANNOUNCEMENT_PLACES
    if not isinstance(value, list) or not all(place in ANNOUNCEMENT_PLACES for place in value):
        errors["announced_from"] = (
            "announced_from must be a list of: heading, sentence. It may be empty."
        )
        return ()
    return tuple(dict.fromkeys(value))


def _read_flag(definition: Dictionary[str, Any], name: str, errors: dict[str, str]) -> bool:
    value = definition.get(name, False)
    if not isinstance(value, bool):
        errors[name] = f"{name} must be true or false."
    return value is True


def _read_absence(value: object, errors: dict[str, str]) -> Absence:
    for meaning in ABSENCE_MEANINGS:
        if meaning == (value or "notices"):
            return meaning
    errors["absence"] = f"absence must be one of: {', '.join(ABSENCE_MEANINGS)}."
    return "notices"


_A_PATTERN = f"a text of at most {MAX_TEXT_LENGTH} characters with at most {MAX_STARS} stars"
_PATTERNS = f"a list of at most {MAX_TEXTS} texts, each with at most {MAX_STARS} stars"


def _texts_of(value: object) -> tuple[str, ...] | None:
    """Return the texts of a list of patterns; empty for None, None for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_TEXTS or not all(map(_is_pattern, value)):
        return None
    return tuple(text for text in value if text.strip())


def _is_pattern(value: object) -> bool:
    return (
        isinstance(value, str)
        and is_storable(value)
        and len(value) <= MAX_TEXT_LENGTH
        and value.count("*") <= MAX_STARS
    )


def _bad_kind(kind: object) -> str:
    return f'"{str(kind)[:60]}" is not a kind of a row. Use one of: {", ".join(ROW_KINDS)}.'


def _bad_stage(stage: object) -> str:
    return f'"{str(stage)[:60]}" is not a stage. Use one of: {", ".join(STAGES)}.'
