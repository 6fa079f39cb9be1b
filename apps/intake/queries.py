"""Queries of imports, import rows, observations and discrepancies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, Count, F, Max, Min, QuerySet, When

from apps.accounts.models import User
from apps.intake.models import Discrepancy, Import, ImportRow, Observation
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.telemetry.volumes import days_of_application


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Rejected row: its position, the reason, and its cells as they were."""

    sheet: int
    number: int
    where: str
    reason: str
    cells: list[str]


def rejected_rows(import_: Import, *, sheet: int | None = None) -> Iterator[RejectedRow]:
    """Yield rejected rows in the order of the file, or those of one spreadsheet page; streams,
    whatever their number."""
    mapping = BookMapping.from_json(import_.mapping)
    several = sum(sheet.read for sheet in mapping.sheets) > 1
    found = ImportRow.objects.filter(import_record=import_, outcome=ImportRow.Outcome.REFUSED)
    rows = (
        (found if sheet is None else found.filter(sheet=sheet))
        .order_by("sheet", "number")
        .values_list("sheet", "number", "column", "reason", "cells")
    )
    for place, number, column, reason, cells in rows.iterator(chunk_size=2_000):
        parts = [mapping.sheets[place].name if several else "", f"row {number}", column]
        yield RejectedRow(place, number, ", ".join(part for part in parts if part), reason, cells)


# --- what was seen --------------------------------------------------------------------------------

# what is sent to the provider, or what answered, where that is all there is
MODEL_NAME = Case(
    When(requested="", then=F("served")), default=F("requested"), output_field=CharField()
)


def unresolved_names(user: User) -> QuerySet[Any]:
    """Return unrecognised names, one row per name and provider, those that most applications call
    first: {name, provider, n, n_applications, streams, confidence, seen, since, said}."""
    return (
        Observation.objects.visible_to(user)
        .filter(state=Observation.State.UNRESOLVED)
        .annotate(name=MODEL_NAME)
        .values("name", "provider")
        .annotate(
            n=Count("pk"),
            n_applications=Count("application", distinct=True),
            streams=ArrayAgg("stream", distinct=True),
            confidence=Max("confidence"),
            seen=Max("last_seen_at"),
            since=Min("first_seen_at"),
            said=Max("explanation"),
        )
        .order_by("-n_applications", "-n", "name", "provider")
    )


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """Calls of one day over all requested applications, and how many of them failed."""

    day: date
    n_calls: int
    n_errors: int
    cost_usd: Any


def calls_by_day(*, application_id: int, today: date, days: int) -> list[DailyCalls]:
    """Return the application's calls, oldest day first; days without any are left out.

    If several senders report the same calls, those of one count (apps/intake/telemetry/volumes.py).
    One statement."""
    since = today - timedelta(days=days - 1)
    rows = days_of_application(application_id, since=since, until=today + timedelta(days=1))
    return [DailyCalls(*row) for row in rows]


def open_by_kind(user: User, *, most: int) -> dict[str, int]:
    """Return {kind: open discrepancies that `user` can view}, each counted up to `most` + 1: one
    statement."""
    visible = Discrepancy.objects.visible_to(user).open()
    asked = [
        visible.filter(kind=kind).order_by().values("kind")[: most + 1]
        for kind in Discrepancy.Kind.values
    ]
    counts: dict[str, int] = {}
    union: Any = asked[0].union(*asked[1:], all=True).order_by()
    for row in union:
        counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    return counts
