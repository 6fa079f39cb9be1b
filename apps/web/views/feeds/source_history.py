"""Change history of a source's settings: who, when and why."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.catalog.models import Source
from apps.feeds.models import SourceMapping

MAX_CHANGES = 20
_MAX_VALUE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class SourceChange:
    """Change of a source: `changes` are (field, before, after). `can_undo`: no later change of the
    source exists."""

    id: UUID | None
    at: datetime
    who: str
    why: str
    changes: tuple[tuple[str, str, str], ...]
    can_undo: bool = False


def source_changes(source: Source) -> list[SourceChange]:
    """What people and jobs set, newest first; rows of source and mapping that were written together
    are one change. Two statements."""
    entries = [*_steps(source, Source), *_steps(source, SourceMapping)]
    together: dict[Any, list[tuple[Any, list[tuple[str, str, str]], bool, bool]]] = {}
    for entry, said, is_last, is_first in entries:
        if said or is_first:
            together.setdefault(entry.pgh_context_id or entry.pgh_id, []).append(
                (entry, said, is_last, is_first)
            )
    found = []
    for steps in together.values():
        first = steps[0][0]
        words = first.pgh_context.metadata if first.pgh_context else {}
        came = any(
            is_first
            for entry, _said, _last, is_first in steps
            if isinstance(entry, _history(Source))
        )
        found.append(
            SourceChange(
                id=first.pgh_context_id,
                at=first.pgh_created_at,
                who=words.get("actor") or "the product",
                why=words.get("reason", ""),
                changes=tuple(change for _entry, said, _last, _first in steps for change in said),
                can_undo=not came and all(is_last for _entry, _said, is_last, _first in steps),
            )
        )
    return sorted(found, key=lambda change: change.at, reverse=True)[:MAX_CHANGES]


def _history(model: Any) -> Any:
    return model.history.rel.related_model


def _steps(source: Source, model: Any) -> list[tuple[Any, list[tuple[str, str, str]], bool, bool]]:
    """(entry, what it changed, whether it is the newest, whether the row came to be by it)."""
    entries = list(
        _history(model)
        ._default_manager.filter(pgh_obj_id=source.pk)
        .select_related("pgh_context")
        .order_by("-pgh_id")[: MAX_CHANGES + 1]
    )
    steps = []
    for number, entry in enumerate(entries[:MAX_CHANGES]):
        before = entries[number + 1] if number + 1 < len(entries) else None
        first = entry.pgh_label == "insert"
        steps.append(
            (entry, [] if before is None else _differences(before, entry), number == 0, first)
        )
    return steps


_LABELS = {
    "name": "Name",
    "url": "URL",
    "interval_minutes": "Minutes between polls",
    "stale_after_minutes": "Late after minutes",
    "frozen_after_days": "Not updating after days",
    "trust_rank": "Priority",
    "enabled": "Enabled",
    "licence_note": "Licence",
    "trusted_address": "URL allowed by the operator",
}


def _differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    if hasattr(after, "settings"):
        was, is_now = before.settings, after.settings
        return [
            (f"Mapping: {part}", _told(was.get(part)), _told(is_now.get(part)))
            for part in sorted({*was, *is_now})
            if was.get(part) != is_now.get(part)
        ]
    return [
        (str(label), _told(getattr(before, name)), _told(getattr(after, name)))
        for name, label in _LABELS.items()
        if getattr(before, name) != getattr(after, name)
    ]


def _told(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 1]}…"
