"""Values in the answers of clouds, brought into one form."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apps.intake.readers.json_text import as_mapping, as_moment, as_text

_MAX_TAGS = 50
_MODEL_IN_PATH = re.compile(r"(?:^|/)models/([^/@]+)(?:@([^/]+))?\Z")
_FOUNDATION_MODEL = re.compile(
    r"^arn:aws[a-z-]{0,12}:bedrock:[^/]{0,40}:foundation-model/([^/]+)\Z"
)


def day_text(value: Any) -> str:
    """Return the day (ISO, UTC) of a time as text or in seconds since 1970; empty if there is
    none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return ""
    moment = as_moment(value)
    return moment.astimezone(UTC).date().isoformat() if moment else ""


def lifecycle(**facts: str) -> dict[str, str]:
    """Return the facts of a lifecycle that are stated."""
    return {name: text for name, text in facts.items() if text}


def whole_number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 10**15 else None


def text_map(value: Any) -> dict[str, str]:
    """Return the tags or labels of a resource."""
    entries = list(as_mapping(value).items())[:_MAX_TAGS]
    return {as_text(key, 100): as_text(text, 256) for key, text in entries if as_text(key)}


def stated(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that have a value."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


def bedrock_model(arn: str) -> str:
    """Return the model ID in the ARN of a foundation model; empty for any other ARN."""
    match = _FOUNDATION_MODEL.match(arn)
    return match[1].lower() if match else ""


def publisher_model(path: str) -> tuple[str, str]:
    """Return (model, version) of `publishers/google/models/gemma@001`; empty for a model of the
    project itself."""
    match = _MODEL_IN_PATH.search(path) if path.startswith("publishers/") else None
    return (match[1], match[2] or "") if match else ("", "")
