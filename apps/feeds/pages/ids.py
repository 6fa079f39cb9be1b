"""Model IDs, versions and kinds in the cells of a lifecycle table."""

import re
from dataclasses import dataclass

from apps.feeds.pages.cells import code_spans, one_line, outside_code
from apps.feeds.pages.definition import PageMapping
from apps.feeds.pages.globs import matches_any

MAX_ID_LENGTH = 200
_MAX_WORDS = 9

_VERSION_SPAN = re.compile(r"\bversions?\s?:?\s?`([^`\n]{1,60})`", re.IGNORECASE)
_VERSION_TEXT = re.compile(
    r"[ ,(]{1,3}versions?\s?[:=]\s?([\w.-]{1,60})\)?$", re.IGNORECASE | re.ASCII
)
_ID = re.compile(r"[\w@][\w./:@+=~-]{0,199}")
_VERSION_NUMBER = re.compile(r"v?\d[\d.]{0,20}(?:-[a-z]{1,12})?", re.IGNORECASE)
# What stands only in IDs: a digit and a joint, or small letters with a joint.
_JOINT = re.compile(r"[-./:_@]")
_PATH = re.compile(r"(?:(?:GET|POST|PUT|PATCH|DELETE) )?/[\w.{}/:*-]{1,150}|https?://\S{1,180}")
_HEADER_LINE = re.compile(r"[A-Z][\w-]{1,40}: ?[\w.=-]{1,80}", re.ASCII)
_HARD_JOINTS = re.compile(r"\n|;|\u3001| \| |\|")
_SOFT_JOINTS = re.compile(r" or | and | & | / ")
_FINE_TUNE = re.compile(r"fine[- ]?tun", re.IGNORECASE)
_FINE_TUNED_ID = re.compile(r"ft[-:]\S{2,190}", re.IGNORECASE)
_FEATURE_WORDS = frozenset(
    {
        *("api", "apis", "platform", "dashboard", "builder", "sdk", "integration", "integrations"),
        *("playground", "prompts", "console", "plugin", "plugins", "ui", "webhooks", "cli", "app"),
        *("studio", "feature", "functionality", "library", "connectors", "beta"),
    }
)
_ENDPOINT_WORDS = frozenset({"endpoint", "endpoints"})
_NONE_IDS = frozenset({"", "-", "--", "---", "\u2014", "\u2013", "n/a", "na", "none", "all", "tbd"})


@dataclass(frozen=True, slots=True)
class FoundId:
    """An ID of a cell, with the version that stands beside it, if any."""

    id: str
    version: str = ""


def read_ids(cell: str, mapping: PageMapping) -> list[FoundId]:
    """Return the IDs of a cell, in order and once each; empty if the cell names none."""
    text = cell
    version = ""
    if stated := _VERSION_SPAN.search(text):
        version = stated[1].strip()
        text = text[: stated.start()] + text[stated.end() :]
    names = _names_in_code(text) or _bare_names(text)
    found: dict[FoundId, None] = {}
    for name in names:
        own_version = version
        if not own_version and (stated := _VERSION_TEXT.search(name[-80:])):
            own_version = stated[1]
            name = name[: len(name) - len(stated[0])].strip()
        if _is_accepted(name, mapping):
            found[FoundId(name, own_version)] = None
    return list(found)


def is_strong_id(text: str) -> bool:
    """Return whether a text can hardly be anything but an ID: one word with a digit and a joint."""
    return (
        _ID.fullmatch(text) is not None
        and _VERSION_NUMBER.fullmatch(text) is None
        and any(sign.isdigit() for sign in text)
        and any(sign.isalpha() for sign in text)
        and (_JOINT.search(text) is not None or text.islower())
    )


def kind_of(name: str, cell: str, heading: str, mapping: PageMapping, default: str = "") -> str:
    """Return the kind of a row (a key of `ROW_KINDS`) from its ID, the words beside it and the
    heading of its table."""
    for kind, patterns in mapping.kinds.items():
        if matches_any(patterns, name):
            return kind
    if default:
        return default
    words = set(re.split(r"[^a-z]", one_line(cell)[:300].lower()))
    if _PATH.fullmatch(name) or _is_header_line(name) or (" " in name and words & _ENDPOINT_WORDS):
        return "endpoint"
    beside = outside_code(cell) if "`" in cell else ""
    if _FINE_TUNED_ID.fullmatch(name) or _FINE_TUNE.search(beside) or _FINE_TUNE.search(heading):
        return "fine_tune"
    if not is_strong_id(name) and " " in name and words & _FEATURE_WORDS:
        return "feature"
    return "model"


def is_training_only(cell: str) -> bool:
    """Return whether the row is about the training of fine-tuned models, not about their use."""
    text = outside_code(cell)[:300].lower()
    return "training" in text and _FINE_TUNE.search(text) is not None


def _names_in_code(text: str) -> list[str]:
    """Return the code spans that can be IDs. Settings, such as `reasoning.mode: pro`, are none."""
    return [
        span
        for span in code_spans(text)
        if ": " not in span or _is_header_line(span)
        if not span.startswith(("{", "<", "-"))
    ]


def _bare_names(text: str) -> list[str]:
    plain = text.replace("`", "")
    names: list[str] = []
    for part in _HARD_JOINTS.split(plain):
        names += _split_at_commas(part)
    names = [name for part in names for name in _split_softly(part)]
    # A cell with a display name and an ID in two lines is about the ID.
    strong = [name for name in names if is_strong_id(name)]
    if strong and len(strong) < len(names) and any(" " in name for name in names):
        return strong
    return names


def _split_at_commas(text: str) -> list[str]:
    """Split at the commas that are not within brackets."""
    parts, start, depth = [], 0, 0
    for position, sign in enumerate(text):
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth = max(0, depth - 1)
        elif sign in ",\uff0c" and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _split_softly(text: str) -> list[str]:
    """Split at "or", "and" and blanks only where every part is an ID."""
    parts = [part.strip() for part in _SOFT_JOINTS.split(text) if part.strip()]
    if len(parts) > 1 and all(is_strong_id(part) for part in parts):
        return parts
    words = text.split()
    if len(words) > 1 and all(is_strong_id(word) for word in words):
        return words
    return [text.strip()]


def _is_accepted(name: str, mapping: PageMapping) -> bool:
    plain = name.strip()
    if plain.casefold() in _NONE_IDS or len(plain) > MAX_ID_LENGTH:
        return False
    if not any(sign.isalnum() for sign in plain) or len(plain.split()) > _MAX_WORDS:
        return False
    if mapping.drop and matches_any(mapping.drop, plain):
        return False
    return not mapping.accept or matches_any(mapping.accept, plain)


def _is_header_line(text: str) -> bool:
    return _HEADER_LINE.fullmatch(text) is not None and ("=" in text or "-" in text.split(":")[0])


def is_fine_tuned_id(name: str) -> bool:
    """Return whether an ID names fine-tuned models of a base model, such as ft-gpt-4."""
    return _FINE_TUNED_ID.fullmatch(name) is not None
