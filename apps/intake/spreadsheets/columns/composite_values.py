"""Cells with several values: tags, and references to other systems of record."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from apps.common.database.fields import small_text_map
from apps.intake.spreadsheets.columns.values import InvalidCellError, normalise_text
from apps.inventory.models.dependencies import MAX_FEATURES, MAX_TAGS

_MAX_TAG_LENGTH = 60
_MAX_FEATURE_LENGTH = 300


def parse_tags(text: str) -> list[str]:
    """Parse `a, b; c` or a JSON list into tags in their order, without duplicates."""
    return _parse_list(text, ("tag", "tags"), max_items=MAX_TAGS, max_length=_MAX_TAG_LENGTH)


def parse_features(text: str) -> list[str]:
    """Parse `a, b; c` or a JSON list into names of features in their order, without duplicates."""
    return _parse_list(
        text, ("feature", "features"), max_items=MAX_FEATURES, max_length=_MAX_FEATURE_LENGTH
    )


def _parse_list(text: str, nouns: tuple[str, str], *, max_items: int, max_length: int) -> list[str]:
    singular, plural = nouns
    raw_items: list[Any]
    if text.startswith("["):
        try:
            raw_items = json.loads(text)
        except ValueError:
            raise InvalidCellError(
                f"'{text[:60]}' is not a list of {plural}. Separate the {plural} by commas."
            ) from None
    else:
        raw_items = text.replace(";", ",").replace("\n", ",").split(",")
    cleaned = list(dict.fromkeys(str(item).strip() for item in raw_items if str(item).strip()))
    if len(cleaned) > max_items:
        raise InvalidCellError(f"The row has more than {max_items} {plural}. Remove some of them.")
    for item in cleaned:
        if len(item) > max_length:
            raise InvalidCellError(
                f"The {singular} '{item[:20]}...' is longer than {max_length} characters. "
                "Shorten it."
            )
    return cleaned


def format_tags(values: Sequence[str]) -> str:
    """Return tags as `a, b`, or as JSON if that form would not be read back unchanged."""
    text = ", ".join(values)
    # the readable form is used only if it is read back as the same list
    return (
        text
        if not text.startswith("[") and _parse_or_none(normalise_text(text)) == list(values)
        else _dump_json(list(values))
    )


def parse_references(text: str) -> dict[str, Any]:
    """Parse `cmdb=APM-12; jira=RISK-7` or a JSON object."""
    if text.startswith("{"):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidCellError(
                f"'{text[:60]}' is not a list of references. Write cmdb=APM-12; jira=RISK-7."
            ) from None
        if not isinstance(data, dict):
            raise InvalidCellError(
                "References must be names with values. Write cmdb=APM-12; jira=RISK-7."
            )
        return _check_references(
            {name: str(item) if type(item) in (int, float) else item for name, item in data.items()}
        )
    references: dict[str, Any] = {}
    for entry in text.replace("\n", ";").split(";"):
        if not entry.strip():
            continue
        name, mark, value = entry.partition("=")
        if not mark or not name.strip():
            raise InvalidCellError(
                f"'{entry.strip()[:60]}' is not a reference. Write cmdb=APM-12; jira=RISK-7."
            )
        references[name.strip()] = value.strip()
    return _check_references(references)


def _check_references(references: dict[str, Any]) -> dict[str, str]:
    try:
        small_text_map(references)
    except ValidationError as error:
        raise InvalidCellError(error.messages[0]) from None
    return references


def format_references(values: Mapping[str, Any]) -> str:
    """Return references as `cmdb=APM-12; jira=RISK-7`, or as JSON if that form would not be read
    back unchanged."""
    if not values:
        return ""
    text = "; ".join(f"{name}={value}" for name, value in values.items())
    if not text.startswith("{"):
        try:
            if parse_references(normalise_text(text)) == dict(values):
                return text
        except InvalidCellError:
            pass
    return _dump_json(dict(values))


def _dump_json(value: Any) -> str:
    """Return JSON that is read back unchanged."""
    text = json.dumps(value, ensure_ascii=False)
    # DEL is the only control character that JSON does not escape
    return text if normalise_text(text) == text else json.dumps(value).replace("\x7f", "\\u007f")


def _parse_or_none(text: str) -> list[str]:
    try:
        return parse_tags(text)
    except InvalidCellError:
        return []
