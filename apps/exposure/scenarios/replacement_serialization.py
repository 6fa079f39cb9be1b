"""The effects of a replacement of nodes as JSON: the answer for clients, and the applications that
pages and files list."""

from collections.abc import Sequence
from typing import Any

from apps.exposure.engine.operations import ReplaceNode
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import LayerRow
from apps.exposure.scenarios.replacement_effects import (
    ApplicationEffect,
    MappedRow,
    ReplacementEffects,
    ShareChange,
    count_blockers,
    total_cost_changes,
)
from apps.exposure.scenarios.serialization import MAX_NAMED_APPLICATIONS, format_amounts
from apps.inventory.models import Application

# applications that a stored run lists, those with blockers first; further ones are only counted
MAX_STORED_EFFECTS = 5_000


def serialize_effects(effects: ReplacementEffects) -> dict[str, Any]:
    """Return the effects with the first MAX_NAMED_APPLICATIONS applications by slug; two
    statements."""
    names = node_names(
        {pk for operation, _ in effects.mappings for pk in (operation.node_id, operation.by_id)}
    )
    listed = effects.applications[:MAX_NAMED_APPLICATIONS]
    slugs = dict(
        Application.objects.filter(pk__in=[effect.application_id for effect in listed]).values_list(
            "pk", "slug"
        )
    )
    return {
        "mappings": [
            {
                "node": names[operation.node_id].name,
                "by": names[operation.by_id].name,
                "rows": [_serialize_row(row) for row in rows],
            }
            for operation, rows in effects.mappings
        ],
        "shares": [_serialize_share(change) for change in effects.shares],
        "n_applications": len(effects.applications),
        "n_with_blockers": sum(bool(effect.blockers) for effect in effects.applications),
        "n_by_blocker": count_blockers(effects.applications),
        "n_fits": sum(effect.n_fits for effect in effects.applications),
        "n_breaks": sum(effect.n_breaks for effect in effects.applications),
        "n_unknown": sum(effect.n_unknown for effect in effects.applications),
        "cost_change": format_amounts(total_cost_changes(effects.applications)),
        "n_cost_unknown": sum(effect.n_cost_unknown for effect in effects.applications),
        "applications": [
            {"application": slugs[effect.application_id], **_serialize_effect(effect)}
            for effect in listed
            if effect.application_id in slugs
        ],
    }


def list_effects(effects: ReplacementEffects) -> list[dict[str, Any]]:
    """Return the first MAX_STORED_EFFECTS applications by ID, for pages and files."""
    return [
        {"application": effect.application_id, **_serialize_effect(effect)}
        for effect in effects.applications[:MAX_STORED_EFFECTS]
    ]


def stored_mapping(operation: ReplaceNode) -> list[dict[str, int | None]]:
    """Return a mapping in the form of a stored operation."""
    return [{"old": old, "new": new} for old, new in (operation.mapping or {}).items()]


def _serialize_row(row: MappedRow) -> dict[str, Any]:
    return {
        "old": row.old_id,
        "new": row.target_id,
        "n_dependencies": row.n_dependencies,
        "n_fits": row.counts.n_fits,
        "n_breaks": row.counts.n_breaks,
        "n_unknown": row.counts.n_unknown,
        "is_unmapped": row.is_unmapped,
    }


def _serialize_share(change: ShareChange) -> dict[str, Any]:
    row = change.after or change.before
    assert row is not None
    return {
        "layer": str(change.layer),
        "slug": row.slug,
        "name": row.name,
        "before": _serialize_layer_row(change.before),
        "after": _serialize_layer_row(change.after),
        "tolerance": None if row.tolerance is None else float(row.tolerance),
    }


def _serialize_layer_row(row: LayerRow | None) -> dict[str, Any]:
    if row is None:
        return {"n": 0, "share": 0.0, "critical_share": 0.0, "over": False}
    return {
        "n": row.n_applications,
        "share": float(row.share),
        "critical_share": float(row.critical_share),
        "over": row.over,
    }


def _serialize_effect(effect: ApplicationEffect) -> dict[str, Any]:
    return {
        "n_moved": effect.n_moved,
        "n_fits": effect.n_fits,
        "n_breaks": effect.n_breaks,
        "n_unknown": effect.n_unknown,
        "cost_change": format_amounts(effect.cost_changes),
        "n_cost_unknown": effect.n_cost_unknown,
        "blockers": _serialize_blockers(effect),
    }


def _serialize_blockers(effect: ApplicationEffect) -> Sequence[dict[str, Any]]:
    return [
        {
            "kind": str(blocker.kind),
            "dependency": blocker.dependency_id,
            "sentence": blocker.sentence,
        }
        for blocker in effect.blockers
    ]
