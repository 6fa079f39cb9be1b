"""Change history of a source's settings, with user, time and reason."""

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
    """Return the changes by users and jobs, newest first; history entries of source and mapping
    with the same context are one change. Two statements."""
    entries = [*_list_steps(source, Source), *_list_steps(source, SourceMapping)]
    steps_by_change: dict[Any, list[tuple[Any, list[tuple[str, str, str]], bool, bool]]] = {}
    for entry, differences, is_last, is_first in entries:
        if differences or is_first:
            steps_by_change.setdefault(entry.pgh_context_id or entry.pgh_id, []).append(
                (entry, differences, is_last, is_first)
            )
    changes = []
    for steps in steps_by_change.values():
        first_entry = steps[0][0]
        metadata = first_entry.pgh_context.metadata if first_entry.pgh_context else {}
        is_creation = any(
            is_first
            for entry, _changes, _last, is_first in steps
            if isinstance(entry, _get_history_model(Source))
        )
        changes.append(
            SourceChange(
                id=first_entry.pgh_context_id,
                at=first_entry.pgh_created_at,
                who=metadata.get("actor") or "the product",
                why=metadata.get("reason", ""),
                changes=tuple(
                    change for _entry, differences, _last, _first in steps for change in differences
                ),
                can_undo=not is_creation
                and all(is_last for _entry, _changes, is_last, _first in steps),
            )
        )
    return sorted(changes, key=lambda change: change.at, reverse=True)[:MAX_CHANGES]


def _get_history_model(model: Any) -> Any:
    return model.history.rel.related_model


def _list_steps(
    source: Source, model: Any
) -> list[tuple[Any, list[tuple[str, str, str]], bool, bool]]:
    """Return [(history entry, changed fields, whether it is the newest, whether it created the
    row)]."""
    entries = list(
        _get_history_model(model)
        ._default_manager.filter(pgh_obj_id=source.pk)
        .select_related("pgh_context")
        .order_by("-pgh_id")[: MAX_CHANGES + 1]
    )
    steps = []
    for number, entry in enumerate(entries[:MAX_CHANGES]):
        previous_entry = entries[number + 1] if number + 1 < len(entries) else None
        is_insert = entry.pgh_label == "insert"
        steps.append(
            (
                entry,
                [] if previous_entry is None else _compare_entries(previous_entry, entry),
                number == 0,
                is_insert,
            )
        )
    return steps


_LABELS = {
    "name": "Name",
    "url": "URL",
    "host": "Host",
    "interval_minutes": "Minutes between polls",
    "stale_after_minutes": "Late after minutes",
    "frozen_after_days": "Not updating after days",
    "trust_rank": "Priority",
    "enabled": "Enabled",
    "licence_note": "Licence",
    "trusted_address": "URL allowed by the operator",
}


def _compare_entries(old_entry: Any, new_entry: Any) -> list[tuple[str, str, str]]:
    """Return (field, old value, new value) of the fields that differ between two versions."""
    if hasattr(new_entry, "settings"):
        old_settings, new_settings = old_entry.settings, new_entry.settings
        return [
            (
                f"Mapping: {key}",
                _format_value(old_settings.get(key)),
                _format_value(new_settings.get(key)),
            )
            for key in sorted({*old_settings, *new_settings})
            if old_settings.get(key) != new_settings.get(key)
        ]
    return [
        (
            str(label),
            _format_value(getattr(old_entry, name)),
            _format_value(getattr(new_entry, name)),
        )
        for name, label in _LABELS.items()
        if getattr(old_entry, name) != getattr(new_entry, name)
    ]


def _format_value(value: Any) -> str:
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 1]}…"
