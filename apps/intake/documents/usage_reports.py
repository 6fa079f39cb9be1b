"""Usage reports by application, model and day: observations with daily counts, in the shape that
calls have.

The newest report counts for a day: sent again, or corrected, it replaces what an earlier one
reported for the same names on that day, and adds nothing."""

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Lower

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.intake.documents.records import (
    APPLICATION_PARAMETER,
    Document,
    ReportedUsage,
    SkippedPart,
    clean,
)
from apps.intake.models import Import, UsageDay
from apps.intake.observations.storage import AttributedSighting, ensure_services, store_observations
from apps.inventory.actions.locks import lock_teams_of
from apps.inventory.models import Application

# of a wrong clock or a plan
_MAX_DAYS_AHEAD = timedelta(days=1)
_DAY_ENDS = time(23, 59, 59, tzinfo=UTC)


def store_usage(
    document: Document,
    *,
    stream: str,
    application: Application | None,
    import_: Import,
    at: datetime,
) -> list[UUID]:
    """Store what the document reports, and return the keys of its observations. Rows that may not
    be imported go to its `rejected`."""
    if not document.usage:
        return []
    whose = _ApplicationLookup(document, stream, application, import_, at)
    placed: list[AttributedSighting] = []
    days: list[ReportedUsage] = []
    for said in document.usage:
        told = {
            day: counted
            for day, counted in said.days.items()
            if day <= (at + _MAX_DAYS_AHEAD).date()
        }
        if len(told) < len(said.days):
            document.rejected.append(
                SkippedPart(
                    _row_label(said),
                    f"{_row_label(said)}: dates in the future are not imported.",
                )
            )
        owner = whose.of(said) if told else None
        if owner is not None:
            first, last = min(told), max(told)
            placed.append(
                AttributedSighting(
                    said.names,
                    *owner,
                    datetime.combine(first, time(), UTC),
                    min(datetime.combine(last, _DAY_ENDS), at),
                )
            )
            days.append(ReportedUsage(said.names, told))
    keys = store_observations(stream, placed, seen_in=import_)
    _store_days(keys, days)
    return keys


def delete_usage(*, seen_in: Import) -> int:
    """Delete the days that an undone report stated last, and return their number."""
    return UsageDay.objects.filter(observation__seen_in=seen_in).delete()[0]


class _ApplicationLookup:
    """Lookup of the application that a report names: the one it was sent for, one of that name, or
    a reported service that waits for its link."""

    def __init__(
        self,
        document: Document,
        stream: str,
        application: Application | None,
        import_: Import,
        at: datetime,
    ) -> None:
        self._rejected = document.rejected
        self._about = application
        self._sender = import_.sender
        names = {said.names.service for said in document.usage} - {""}
        self._by_name: dict[str, dict[int, Application]] = defaultdict(dict)
        lowered = {name.lower() for name in names}
        for found in (
            Application.objects.annotate(low=Lower("name"))
            .filter(low__in=lowered)
            .union(Application.objects.annotate(low=Lower("name")).filter(slug__in=lowered))
        ):
            for name in (found.name.lower(), found.slug):
                self._by_name[name][found.pk] = found
        waiting = {name for name in names if application is None and self._named(name) is None}
        self._services = (
            ensure_services(waiting, scope=stream, token=import_.token, at=at) if waiting else {}
        )
        claimed = {pk for _, pk, _ in self._services.values() if pk is not None}
        # locked, so that none moves to a team the sender may not edit until its figures are kept
        lock_teams_of({*claimed, *self._editable_by_name()})
        self._claimed = Application.objects.in_bulk(claimed)
        for by_id in self._by_name.values():
            by_id.update(Application.objects.in_bulk(list(by_id)))

    def _editable_by_name(self) -> set[int]:
        """Return applications that a name may mean; those the user cannot edit are read and not
        locked."""
        found = (each for by_id in self._by_name.values() for each in by_id.values())
        return {each.pk for each in found if _can_edit(self._sender, each)}

    def of(self, said: ReportedUsage) -> tuple[int | None, int | None] | None:
        """Return (application, service) as an observation has them; None if the row is rejected."""
        name = said.names.service
        found = self._named(name)
        if self._about is not None:
            if name and (found is None or found.pk != self._about.pk):
                self._refuse(said, f"the report was sent for {self._about.name}.")
                return None
            return self._about.pk, None
        if found is not None:
            return found.pk, None
        if not name:
            self._refuse(
                said, f"no application is given. Send the report with {APPLICATION_PARAMETER}."
            )
            return None
        service, claimed, is_ignored = self._services[clean(name)]
        if claimed is not None and not _can_edit(self._sender, self._claimed[claimed]):
            self._refuse(said, "it is linked to an application that you cannot edit.")
            return None
        return None if is_ignored else (claimed, service)

    def _named(self, name: str) -> Application | None:
        found = [
            each
            for each in self._by_name.get(name.lower(), {}).values()
            if _can_edit(self._sender, each)
        ]
        return found[0] if len(found) == 1 else None

    def _refuse(self, said: ReportedUsage, because: str) -> None:
        self._rejected.append(SkippedPart(_row_label(said), f"{_row_label(said)}: {because}"))


def _can_edit(sender: User | None, application: Application) -> bool:
    return sender is None or sender.may(TeamRole.EDITOR, application.team_id)


def _row_label(said: ReportedUsage) -> str:
    return f"{said.names.service or 'no application'}, {said.names.requested}"


def _store_days(keys: list[UUID], said: list[ReportedUsage]) -> None:
    rows: dict[tuple[UUID, Any], list[Any]] = {}
    for key, each in zip(keys, said, strict=True):
        for day, counted in each.days.items():
            unsaid = (
                counted.n_calls
                if counted.input_tokens is None and counted.output_tokens is None
                else 0
            )
            rows[key, day] = [
                key,
                day,
                counted.n_calls,
                unsaid,
                counted.input_tokens,
                counted.output_tokens,
                counted.cost_usd,
                datetime.combine(day, time(), UTC),
                datetime.combine(day, _DAY_ENDS),
            ]
    columns = [
        list(column) for column in zip(*(rows[place] for place in sorted(rows)), strict=True)
    ]
    if not columns:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_usageday (
                observation_id, day, n_calls, n_errors, n_without_usage, input_tokens,
                output_tokens, cost_usd,
                first_seen_at, last_seen_at, sample_trace
            )
            SELECT o.id, d.day, d.calls, 0, d.without_usage, d.input, d.output, d.cost, d.first,
                d.last, ''
            FROM unnest(
                %s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                %s::numeric[],
                %s::timestamptz[], %s::timestamptz[]
            ) AS d(key, day, calls, without_usage, input, output, cost, first, last)
            JOIN intake_observation o ON o.key = d.key
            ON CONFLICT (observation_id, day) DO UPDATE SET
                n_calls = excluded.n_calls, n_without_usage = excluded.n_without_usage,
                input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
                cost_usd = excluded.cost_usd
            """,
            columns,
        )
