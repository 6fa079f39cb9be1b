"""Outages of hosts as their status sources recorded them, with the time of observation."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Least

from apps.catalog.models import Incident, IncidentImpact, Source
from apps.catalog.models.incidents import FORGOTTEN_AFTER
from apps.catalog.providers.outages import (
    Outage,
    OutageCounts,
    OutageThreshold,
    count_outages,
    full_months,
)
from apps.feeds.incidents import azure
from apps.feeds.models import FeedRun

# Azure's feed states no impact: its reader takes all of its incidents as major.
_STATES_IMPACT = Q(impact__in=IncidentImpact.values) & ~Q(url=azure.PAGE)


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """The outages of a host by one of its status sources, in order of their start.

    It is observed from the first incident that the source lists, or from its first successful poll
    if that is earlier, to its last successful poll.
    """

    host_id: int
    source: Source
    observed_from: datetime
    observed_until: datetime
    outages: tuple[Outage, ...]

    def count(self, threshold: OutageThreshold) -> OutageCounts:
        return count_outages(
            self.outages,
            threshold,
            observed_from=self.observed_from,
            observed_until=self.observed_until,
        )


def outage_records(hosts: Iterable[int] | None = None) -> dict[int, OutageRecord]:
    """Return {host ID: its record}, of these hosts or of all. Two statements.

    A source that states no impact is not counted by impact, so its host has no record. Of
    several sources of a host the one with the most months counts, then the one with the higher
    priority: two sources can tell of the same outage.
    """
    incidents = Incident.objects.filter(source=OuterRef("pk"))
    runs = FeedRun.objects.succeeded().filter(source=OuterRef("pk"))
    sources = (
        Source.objects.filter(
            Exists(incidents.filter(_STATES_IMPACT)),
            kind=Source.STATUS,
            host__isnull=False,
            poll_state__last_observed_at__isnull=False,
        )
        .annotate(
            observed_from=Least(_earliest(incidents, "started_at"), _earliest(runs, "observed_at")),
            observed_until=F("poll_state__last_observed_at"),
        )
        .order_by("trust_rank", "pk")
    )
    if hosts is not None:
        sources = sources.filter(host__in=list(hosts))
    best: dict[int, _ObservedSource] = {}
    for source in sources:
        assert source.host_id is not None
        row = _ObservedSource(source, source.observed_from, source.observed_until)  # type: ignore[attr-defined]
        if source.host_id not in best or row.n_months > best[source.host_id].n_months:
            best[source.host_id] = row
    if not best:
        return {}
    outages_by_source = _load_outages(best.values())
    return {
        host_id: OutageRecord(
            host_id,
            row.source,
            row.observed_from,
            row.observed_until,
            tuple(outages_by_source[row.source.pk]),
        )
        for host_id, row in best.items()
    }


@dataclass(frozen=True, slots=True)
class _ObservedSource:
    source: Source
    observed_from: datetime
    observed_until: datetime

    @property
    def n_months(self) -> int:
        return len(full_months(self.observed_from, self.observed_until))


def _earliest(rows: "QuerySet[Any]", column: str) -> Subquery:
    """Return the earliest time in a column of the rows of a source."""
    by_source = rows.order_by().values("source").annotate(earliest=Min(column))
    return Subquery(by_source.values("earliest"))


def _load_outages(sources: Iterable[_ObservedSource]) -> dict[int, list[Outage]]:
    """Return {source ID: its outages}; an open incident that was forgotten was known to be open at
    its last update."""
    observed_until = {row.source.pk: row.observed_until for row in sources}
    outages: dict[int, list[Outage]] = defaultdict(list)
    rows = (
        Incident.objects.counted()
        .filter(_STATES_IMPACT, source__in=observed_until)
        .exclude(impact=IncidentImpact.NONE)
        .order_by("started_at", "pk")
        .values_list("source_id", "started_at", "ended_at", "impact", "last_update_at")
    )
    for source_id, started_at, ended_at, impact, last_update_at in rows:
        last_observed_at = observed_until[source_id]
        is_forgotten = last_observed_at - last_update_at > FORGOTTEN_AFTER
        outages[source_id].append(
            Outage(
                started_at,
                ended_at or (last_update_at if is_forgotten else last_observed_at),
                impact,
                is_open=ended_at is None,
            )
        )
    return outages
