"""JSON Lines files of a pack for nested records, one object per line: provider events with the
source values, and the history."""

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from apps.reports.packs.scope import PackScope
from apps.reports.packs.sections import FETCH_BATCH_SIZE, events_of


def json_line(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def event_lines(scope: PackScope) -> Iterator[str]:
    """Yield each event with every claim on which it is based: source, URL and raw excerpt."""
    events = (
        events_of(scope)
        .select_related("source", "offering__host")
        .prefetch_related("evidence__source")
        .order_by("detected_at", "pk")
    )
    for event in events.iterator(chunk_size=FETCH_BATCH_SIZE):
        yield json_line(
            {
                "event": event.pk,
                "key": event.key,
                **event.as_line(),
                "evidence": [
                    {
                        "source": claim.source.slug,
                        "external_id": claim.external_id,
                        "topic": claim.topic,
                        "source_url": claim.source_url,
                        "first_seen": claim.first_seen,
                        "changed_at": claim.changed_at,
                        "value": claim.value,
                        "excerpt": claim.excerpt,
                    }
                    for claim in sorted(event.evidence.all(), key=lambda claim: claim.pk)
                ],
            }
        )


# (app, model, the column that links its history to the pack)
_HISTORIES: tuple[tuple[str, str, str], ...] = (
    ("inventory", "Application", "id"),
    ("inventory", "Dependency", "application_id"),
    ("inventory", "Adaptation", "dependency_id"),
    ("inventory", "ExitPlan", "dependency_id"),
    ("inventory", "ExitTest", "dependency_id"),
    ("inventory", "Requirement", "dependency_id"),
    ("risks", "Assessment", "dependency_id"),
    ("risks", "Evidence", "application_id"),
)


def history_lines(scope: PackScope) -> Iterator[str]:
    """Yield every change of the period with user, time, reason and the row after it (of a deletion:
    before it)."""
    applications = scope.applications.order_by().values("pk")
    dependencies = scope.all_dependencies.order_by().values("pk")
    for app, name, column in _HISTORIES:
        model: Any = apps.get_model(app, f"{name}History")
        fields = [f.attname for f in model._meta.concrete_fields if not f.name.startswith("pgh_")]
        ids = dependencies if column == "dependency_id" else applications
        rows: QuerySet[Any] = model.objects.filter(
            scope.during("pgh_created_at"), **{f"{column}__in": ids}
        )
        columns = ["pgh_id", "pgh_created_at", "pgh_label", "pgh_context__metadata", *fields]
        for number, at, change, metadata, *values in (
            rows.order_by("pgh_id").values_list(*columns).iterator(chunk_size=FETCH_BATCH_SIZE)
        ):
            yield json_line(
                {
                    "table": name,
                    "number": number,
                    "at": at,
                    "change": change,
                    "actor": (metadata or {}).get("actor", ""),
                    "reason": (metadata or {}).get("reason", ""),
                    "row": dict(zip(fields, values, strict=True)),
                }
            )
