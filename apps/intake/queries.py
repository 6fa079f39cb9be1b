"""Queries of imports, import rows, observations and discrepancies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, Count, F, Max, Min, Model, QuerySet, Sum, When

from apps.accounts.models import PersonState, User
from apps.intake.models import Discrepancy, Import, ImportRow, Observation, UsageDay
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.telemetry.volumes import days_of_application
from apps.inventory.models import Application, Dependency


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Rejected row: its position in the file, the reason of the rejection, and its cells as
    text."""

    sheet: int
    number: int
    where: str
    reason: str
    cells: list[str]


def rejected_rows(import_: Import, *, sheet: int | None = None) -> Iterator[RejectedRow]:
    """Yield rejected rows in the order of the file, or only those of one spreadsheet page.

    Rows are streamed, so that memory use does not depend on their number."""
    mapping = BookMapping.from_json(import_.mapping)
    import_rows = ImportRow.objects.filter(import_record=import_, outcome=ImportRow.Outcome.REFUSED)
    rows = (
        (import_rows if sheet is None else import_rows.filter(sheet=sheet))
        .order_by("sheet", "number")
        .values_list("sheet", "number", "column", "reason", "cells")
    )
    for sheet_index, row_number, column, reason, cells in rows.iterator(chunk_size=2_000):
        where = mapping.place_of(sheet_index, row_number, column)
        yield RejectedRow(sheet_index, row_number, where, reason, cells)


def left_out_cells(import_: Import) -> Iterator[tuple[str, str]]:
    """Yield (place, reason) of what is left out of rows that are imported, in the order of the
    file; streamed."""
    mapping = BookMapping.from_json(import_.mapping)
    rows = (
        ImportRow.objects.filter(import_record=import_)
        .exclude(outcome=ImportRow.Outcome.REFUSED)
        .exclude(reasons=[])
        .order_by("sheet", "number")
        .values_list("sheet", "number", "reasons")
    )
    for sheet, number, reasons in rows.iterator(chunk_size=2_000):
        for reason in reasons:
            yield mapping.place_of(sheet, number, reason["column"]), reason["sentence"]


# --- observed usage -------------------------------------------------------------------------------

# the model that was requested, or the served one if no other is reported
MODEL_NAME = Case(
    When(requested="", then=F("served")), default=F("requested"), output_field=CharField()
)


def unresolved_names(user: User) -> QuerySet[Any]:
    """Return unrecognised names, one row per name and provider, names with most applications first.

    Rows are {name, provider, n, n_applications, streams, confidence, seen, since, said}; `seen` and
    `since` are the last and first time, `said` is the explanation."""
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
    """Numbers of calls, failed calls and those of them that a gateway refused by the lifecycle of
    their model, of one day; and their cost if reported."""

    day: date
    n_calls: int
    n_errors: int
    n_refused: int
    cost_usd: Any


def calls_by_day(*, application_id: int, today: date, days: int) -> list[DailyCalls]:
    """Return the application's calls, oldest day first; days without any are left out.

    If several senders report the same calls, those of one count (apps/intake/telemetry/volumes.py).
    One statement."""
    since = today - timedelta(days=days - 1)
    rows = days_of_application(application_id, since=since, until=today + timedelta(days=1))
    return [DailyCalls(*row) for row in rows]


def refused_calls(observations: Sequence[int], *, since: date) -> dict[int, int]:
    """Return {observation: calls that a gateway refused by the lifecycle of their model} from
    `since` on; observations without any are left out. One statement."""
    rows = (
        UsageDay.objects.filter(observation__in=observations, day__gte=since, n_refused__gt=0)
        .order_by()
        .values_list("observation")
        .annotate(n=Sum("n_refused"))
    )
    return dict(rows)


def open_by_kind(user: User, *, max_count: int) -> dict[str, int]:
    """Return {kind: number of open discrepancies that `user` can view}, counted up to `max_count`
    + 1 each. One statement."""
    visible = Discrepancy.objects.visible_to(user).open()
    querysets = [
        visible.filter(kind=kind).order_by().values("kind")[: max_count + 1]
        for kind in Discrepancy.Kind.values
    ]
    counts: dict[str, int] = {}
    union: Any = querysets[0].union(*querysets[1:], all=True).order_by()
    for row in union:
        counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    return counts


def applications_of_import(import_: Import) -> "QuerySet[Any]":
    """Return the IDs of the applications that an import wrote, or whose dependencies it wrote, for
    a subquery."""
    applications = _written_rows(Application, import_).values("pgh_obj_id")
    dependencies = _written_rows(Dependency, import_).values("application_id")
    return applications.union(dependencies)


def people_of_import(import_: Import) -> "QuerySet[User]":
    """Return the persons that an import added, and who have not been invited since."""
    return (
        User.objects.people()
        .filter(
            pk__in=import_.created.get("people", ()), state=PersonState.CONTACT, merged_into=None
        )
        .exclude(email="")
    )


def _written_rows(model: type[Model], import_: Import) -> "QuerySet[Any]":
    history = model.history.rel.related_model._default_manager  # type: ignore[attr-defined]
    return history.filter(pgh_context_id=import_.change) if import_.change else history.none()  # type: ignore[no-any-return]
