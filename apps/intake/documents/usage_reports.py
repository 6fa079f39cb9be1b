"""Usage reports by application, model and day: stored as observations with daily counts, like calls
from telemetry.

The newest report of a day is used: a repeated or corrected report replaces the counts for the same
names on that day, and does not add to them."""

from collections import defaultdict
from collections.abc import Sequence
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

# later days come from a wrong clock or a plan
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
    """Store the reported usage, and return the keys of its observations. Rows that cannot be
    imported are added to `document.rejected`."""
    if not document.usage:
        return []
    lookup = ApplicationLookup(document.usage, document.rejected, stream, application, import_, at)
    attributed_sightings: list[AttributedSighting] = []
    accepted_reports: list[ReportedUsage] = []
    for report in document.usage:
        usage_by_day = {
            day: usage for day, usage in report.days.items() if day <= (at + _MAX_DAYS_AHEAD).date()
        }
        if len(usage_by_day) < len(report.days):
            document.rejected.append(
                SkippedPart(
                    _describe_report(report),
                    f"{_describe_report(report)}: dates in the future are not imported.",
                )
            )
        owner = lookup.of(report) if usage_by_day else None
        if owner is not None:
            first_day, last_day = min(usage_by_day), max(usage_by_day)
            attributed_sightings.append(
                AttributedSighting(
                    report.names,
                    *owner,
                    datetime.combine(first_day, time(), UTC),
                    min(datetime.combine(last_day, _DAY_ENDS), at),
                )
            )
            accepted_reports.append(ReportedUsage(report.names, usage_by_day))
    keys = store_observations(stream, attributed_sightings, seen_in=import_)
    _store_days(keys, accepted_reports)
    return keys


def delete_usage(*, seen_in: Import) -> int:
    """Delete the daily counts that an undone report stated last, and return their number."""
    return UsageDay.objects.filter(observation__seen_in=seen_in).delete()[0]


class ApplicationLookup:
    """Lookup of the application of a report: the one it was sent for, one with the reported name,
    or a reported service that is not linked yet."""

    def __init__(
        self,
        reports: Sequence[ReportedUsage],
        rejected: list[SkippedPart],
        stream: str,
        application: Application | None,
        import_: Import,
        at: datetime,
    ) -> None:
        """Look up all application names of the reports at once and lock the applications. Names
        that match none become reported services of the stream, unless the whole document is about
        `application`. Reports that the sender may not send are added to `rejected`."""
        self._rejected = rejected
        self._about = application
        self._sender = import_.sender
        names = {report.names.service for report in reports} - {""}
        self._by_name: dict[str, dict[int, Application]] = defaultdict(dict)
        lowered = {name.lower() for name in names}
        for named_application in (
            Application.objects.annotate(low=Lower("name"))
            .filter(low__in=lowered)
            .union(Application.objects.annotate(low=Lower("name")).filter(slug__in=lowered))
        ):
            for name in (named_application.name.lower(), named_application.slug):
                self._by_name[name][named_application.pk] = named_application
        unknown_names = {
            name for name in names if application is None and self._find_by_name(name) is None
        }
        self._services = (
            ensure_services(unknown_names, scope=stream, token=import_.token, at=at)
            if unknown_names
            else {}
        )
        linked_ids = {
            service.application_id
            for service in self._services.values()
            if service.application_id is not None
        }
        # locked, so that no application moves to a team that the sender cannot edit before its
        # counts are stored
        lock_teams_of({*linked_ids, *self._list_editable()})
        self._claimed = Application.objects.in_bulk(linked_ids)
        for by_id in self._by_name.values():
            by_id.update(Application.objects.in_bulk(list(by_id)))

    def _list_editable(self) -> set[int]:
        """Return the ids of applications with a reported name that the sender can edit."""
        applications = (
            application for by_id in self._by_name.values() for application in by_id.values()
        )
        return {
            application.pk for application in applications if _can_edit(self._sender, application)
        }

    def of(self, report: ReportedUsage) -> tuple[int | None, int | None] | None:
        """Return (application id, service id) for an observation; None if the row is rejected or
        its service is ignored."""
        name = report.names.service
        named_application = self._find_by_name(name)
        if self._about is not None:
            if name and (named_application is None or named_application.pk != self._about.pk):
                self._reject(report, f"the report was sent for {self._about.name}.")
                return None
            return self._about.pk, None
        if named_application is not None:
            return named_application.pk, None
        if not name:
            self._reject(
                report, f"no application is given. Send the report with {APPLICATION_PARAMETER}."
            )
            return None
        service, linked_application, is_ignored = self._services[clean(name)]
        if linked_application is not None and not _can_edit(
            self._sender, self._claimed[linked_application]
        ):
            self._reject(report, "it is linked to an application that you cannot edit.")
            return None
        return None if is_ignored else (linked_application, service)

    def _find_by_name(self, name: str) -> Application | None:
        """Return the application with this name or slug, if the sender can edit exactly one."""
        applications = [
            application
            for application in self._by_name.get(name.lower(), {}).values()
            if _can_edit(self._sender, application)
        ]
        return applications[0] if len(applications) == 1 else None

    def _reject(self, report: ReportedUsage, reason: str) -> None:
        self._rejected.append(
            SkippedPart(_describe_report(report), f"{_describe_report(report)}: {reason}")
        )


def _can_edit(sender: User | None, application: Application) -> bool:
    return sender is None or sender.may(TeamRole.EDITOR, application.team_id)


def _describe_report(report: ReportedUsage) -> str:
    return f"{report.names.service or 'no application'}, {report.names.requested}"


def _store_days(keys: list[UUID], reports: list[ReportedUsage]) -> None:
    """Write the daily counts of the reports, whose observations have the same position in `keys`.
    The counts of a reported day replace the stored ones, because a report states the total of the
    day."""
    rows: dict[tuple[UUID, Any], list[Any]] = {}
    for key, report in zip(keys, reports, strict=True):
        for day, usage in report.days.items():
            n_without_tokens = (
                usage.n_calls if usage.input_tokens is None and usage.output_tokens is None else 0
            )
            rows[key, day] = [
                key,
                day,
                usage.n_calls,
                n_without_tokens,
                usage.input_tokens,
                usage.output_tokens,
                usage.cost_usd,
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
            -- a report states the total of the day, so a later one replaces it; a report knows no
            -- failed calls and has no trace
            ON CONFLICT (observation_id, day) DO UPDATE SET
                n_calls = excluded.n_calls, n_without_usage = excluded.n_without_usage,
                input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
                cost_usd = excluded.cost_usd
            """,
            columns,
        )
