"""Cells that hold several things: tags, and references into other registers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.intake.sheets.values import BadCell, plain

_MOST_TAG = 60
_MOST_TAGS = 50


def tags(text: str) -> list[str]:
    """`a, b; c` or a JSON list; in their order, each once."""
    found: list[Any]
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise BadCell(f"'{text[:60]}' is no list. Separate the tags by commas.") from None
    else:
        found = text.replace(";", ",").replace("\n", ",").split(",")
    cleaned = list(dict.fromkeys(str(tag).strip() for tag in found if str(tag).strip()))
    if len(cleaned) > _MOST_TAGS:
        raise BadCell(f"More than {_MOST_TAGS} tags. Keep those that matter.")
    for tag in cleaned:
        if len(tag) > _MOST_TAG:
            raise BadCell(f"The tag '{tag[:20]}...' is longer than {_MOST_TAG} characters. Shorten it.")
    return cleaned


def tags_text(values: Sequence[str]) -> str:
    text = ", ".join(values)
    # only what reads back as the same list
    return text if not text.startswith("[") and _safely(plain(text)) == list(values) else _json(list(values))


def references(text: str) -> dict[str, Any]:
    """`cmdb=APM-12; jira=RISK-7` or a JSON object."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise BadCell(f"'{text[:60]}' is no list of references. Write cmdb=APM-12; jira=RISK-7.") from None
        if not isinstance(found, dict) or _depth(found) > 5:
            raise BadCell("References are names with values. Write cmdb=APM-12; jira=RISK-7.")
        return found
    pairs: dict[str, Any] = {}
    for part in text.replace("\n", ";").split(";"):
        if not part.strip():
            continue
        name, mark, value = part.partition("=")
        if not mark or not name.strip():
            raise BadCell(f"'{part.strip()[:60]}' is no reference. Write cmdb=APM-12; jira=RISK-7.")
        pairs[name.strip()] = value.strip()
    return pairs


def refs_text(values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    text = "; ".join(f"{name}={value}" for name, value in values.items())
    if not text.startswith("{"):
        try:
            if references(plain(text)) == dict(values):
                return text
        except BadCell:
            pass
    return _json(dict(values))


def _json(value: Any) -> str:
    """Readable where that survives being read back."""
    text = json.dumps(value, ensure_ascii=False)
    # DEL is the one control character that JSON leaves as it is
    return text if plain(text) == text else json.dumps(value).replace("\x7f", "\\u007f")


def _safely(text: str) -> list[str]:
    try:
        return tags(text)
    except BadCell:
        return []


def _depth(value: Any, level: int = 1) -> int:
    if level > 6:
        return level
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(child, level + 1) for child in children), default=level)
