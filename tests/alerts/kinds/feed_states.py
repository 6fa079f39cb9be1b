"""Feeds as the alerts see them: runs that brought something, claims that wait, sources that fell
silent."""

from datetime import date, datetime, timedelta
from typing import Any

from apps.catalog.models import Assertion, Offering, Source
from apps.feeds.models import FeedRun, PollState
from tests.builders import NOW, make_claim, make_source

DAY = timedelta(days=1)
ENDED = date(2026, 3, 26)


def make_ending_claim(
    offering: Offering | None, source: Source, external_id: str = "", **fields: Any
) -> Assertion:
    """What `source` says of the offering's end: by default that it came on ENDED, for good."""
    assert offering is not None or external_id
    fields.setdefault("value", {"retires_on": ENDED.isoformat(), "date_kind": "firm"})
    return make_claim(
        source, external_id or (offering.api_id if offering else ""), offering=offering, **fields
    )


def make_run(
    source: Source, *, at: datetime = NOW, status: str = "changed", **fields: Any
) -> FeedRun:
    fields.setdefault("rows_backfilled", len(fields.get("backfilled", [])))
    return FeedRun.objects.create(
        source=source,
        status=status,
        trigger="schedule",
        queued_at=at,
        finished_at=at,
        observed_at=at,
        **fields,
    )


def backfill(
    *offerings: Offering, source: Source | None = None, ended: date = ENDED, at: datetime = NOW
) -> FeedRun:
    """A run in which `source` first gives `ended`, a day already past, for these offerings, and is
    believed."""
    source = source or make_source(name="LiteLLM price map")
    value = {"retires_on": ended.isoformat(), "date_kind": "firm"}
    for offering in offerings:
        make_ending_claim(offering, source, value=value, first_seen=at, changed_at=at)
        Offering.objects.filter(pk=offering.pk).update(retires_on=ended, date_kind="firm")
    return make_run(
        source, at=at, backfilled=[[offering.api_id, ended.isoformat()] for offering in offerings]
    )


def suspect(
    source: Source,
    *offerings: Offering,
    group: str = "google-vertex-ai",
    at: datetime = NOW,
    **held: str,
) -> FeedRun:
    """A run in which most rows of a provider vanished; those of these offerings, and one more, are
    held."""
    for row in offerings or [None]:
        api_id = row.api_id if row else f"{group}-row"
        if not Assertion.objects.filter(
            source=source, external_id=api_id, topic="identity"
        ).exists():
            make_ending_claim(
                row,
                source,
                api_id,
                topic="identity",
                value={"host": group, "api_id": api_id},
                group=group,
                missing_since=at,
                held=True,
            )
    return make_run(
        source,
        at=at,
        status="suspect",
        held=held or {group: "41 of 153 rows disappeared together. Removals are on hold."},
    )


def polled(source: Source, *, success: datetime | None, **fields: Any) -> PollState:
    """Where polling of the source stands: the last success, and the last change at the same
    moment."""
    fields.setdefault("last_change_at", success)
    state, _ = PollState.objects.update_or_create(
        source=source, defaults={"last_success_at": success, **fields}
    )
    return state
