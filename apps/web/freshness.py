"""How fresh each source is, by its last success."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.catalog.models import Source
from apps.feeds.models import Health, PollState


@dataclass(frozen=True, slots=True)
class Freshness:
    source: Source
    state: PollState | None
    health: Health

    @property
    def is_fresh(self) -> bool:
        return self.health == Health.FRESH

    @property
    def is_late(self) -> bool:
        return self.health in {Health.LATE, Health.FAILING}

    @property
    def last_success_at(self) -> datetime | None:
        return self.state.last_success_at if self.state else None


def freshness_of(sources: "QuerySet[Source]", *, at: datetime) -> tuple[Freshness, ...]:
    """One statement; a source that was never due has no poll state yet and counts as never polled."""
    found = []
    for source in sources.select_related("poll_state"):
        state: PollState | None = getattr(source, "poll_state", None)
        health = state.health(at, timedelta(minutes=source.stale_after_minutes)) if state else Health.NEVER
        found.append(Freshness(source, state, health))
    return tuple(found)
