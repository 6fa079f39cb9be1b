"""Outages of hosts as their status sources recorded them, with the time of observation."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Min, OuterRef, QuerySet, Subquery
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
from apps.feeds.models import FeedRun


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

    A source that has never stated an impact is not counted by impact, so its host has no record. Of
    several sources of a host the one with the most months counts, then the one with the higher
    priority: two sources can tell of the same outage.
    """
    incidents = Incident.objects.filter(source=OuterRef("pk"))
    runs = FeedRun.objects.succeeded().filter(source=OuterRef("pk"))
    sources = (
        Source.objects.filter(
            Exists(incidents.exclude(highest_impact=IncidentImpact.NONE)),
            kind=Source.STATUS,
            host__isnull=False,
            poll_state__last_observed_at__isnull=False,
        )
        .annotate(
            observed_from=Least(_earliest(incidents, "started_at"), _earliest(runs, "observed_at"))
        )
        .select_related("poll_state")
        .order_by("trust_rank", "pk")
    )
    if hosts is not None:
        sources = sources.filter(host__in=list(hosts))
    best_sources: dict[int, Source] = {}
    for source in sources:
        assert source.host_id is not None
        best = best_sources.get(source.host_id)
        if best is None or _months(source) > _months(best):
            best_sources[source.host_id] = source
    if not best_sources:
        return {}
    outages_by_source = _load_outages(best_sources.values())
    return {
        host_id: OutageRecord(
            host_id,
            source,
            source.observed_from,  # type: ignore[attr-defined]
            source.poll_state.last_observed_at,
            tuple(outages_by_source[source.pk]),
        )
        for host_id, source in best_sources.items()
    }


def _earliest(rows: "QuerySet[Any]", column: str) -> Subquery:
    """Return the earliest time in a column of the rows of a source."""
    by_source = rows.order_by().values("source").annotate(earliest=Min(column))
    return Subquery(by_source.values("earliest"))


def _months(source: Source) -> int:
    return len(full_months(source.observed_from, source.poll_state.last_observed_at))  # type: ignore[attr-defined]


def _load_outages(sources: Iterable[Source]) -> dict[int, list[Outage]]:
    """Return {source ID: its outages}; an open incident that was forgotten was known to be open at
    its last update."""
    sources_by_id = {source.pk: source for source in sources}
    outages: dict[int, list[Outage]] = defaultdict(list)
    rows = (
        Incident.objects.counted()
        .filter(source__in=sources_by_id)
        .exclude(impact=IncidentImpact.NONE)
        .order_by("started_at", "pk")
        .values_list("source_id", "started_at", "ended_at", "impact", "last_update_at")
    )
    for source_id, started_at, ended_at, impact, last_update_at in rows:
        last_observed_at = sources_by_id[source_id].poll_state.last_observed_at
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
