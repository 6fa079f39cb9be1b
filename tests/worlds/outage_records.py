"""Recorded incidents of a host, by months before today."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.catalog.models import Incident, Provider, Source
from apps.catalog.models.incidents import IncidentEnd
from apps.feeds.models import PollState
from tests.builders import NOW, make_source


def add_status_source(host: Provider, *, read_at: datetime = NOW, **fields: Any) -> Source:
    slug = fields.pop("slug", f"status-{host.slug}")
    source = make_source(slug, kind=Source.STATUS, host=host, name=f"{host.name} status", **fields)
    PollState.objects.create(source=source, last_success_at=read_at, last_observed_at=read_at)
    return source


def add_incident(
    source: Source,
    started_at: datetime,
    hours: float | None = 5,
    impact: str = "critical",
    **fields: Any,
) -> Incident:
    ended_at = None if hours is None else started_at + timedelta(hours=hours)
    return Incident.objects.create(
        source=source,
        host=source.host,
        external_id=fields.pop("external_id", f"{started_at:%Y%m%d%H%M}-{impact}"),
        title="Errors",
        started_at=started_at,
        ended_at=ended_at,
        end_reason=fields.pop("end_reason", IncidentEnd.RESOLVED if ended_at else ""),
        impact=impact,
        highest_impact=impact,
        first_seen=started_at,
        changed_at=started_at,
        last_update_at=fields.pop("last_update_at", ended_at or NOW),
        **fields,
    )


def months_ago(n: int, day: int = 10, *, at: datetime = NOW) -> datetime:
    month = at.year * 12 + at.month - 1 - n
    return datetime(month // 12, month % 12 + 1, day, 12, tzinfo=UTC)


def add_outage_record(source: Source, months: int, n_critical: int) -> None:
    """Add a record of so many full months before the last poll, with so many counted outages."""
    at = source.poll_state.last_observed_at
    add_incident(source, months_ago(months + 1, at=at), 0.5, "minor")
    for index in range(n_critical):
        add_incident(source, months_ago(1 + index % months, day=3 + index // months, at=at))
