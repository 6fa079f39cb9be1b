"""Freshness of each source, by its last success."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from apps.catalog.models import Source
from apps.common.time import day_of
from apps.feeds.models import Health, PollState, source_health
from apps.web.wording import ago, count_of


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """Freshness of a source; `health` is as of `at`."""

    source: Source
    state: PollState | None
    health: Health
    at: datetime

    @property
    def is_fresh(self) -> bool:
        return self.health == Health.FRESH

    @property
    def is_late(self) -> bool:
        return self.health in {Health.LATE, Health.FAILING}

    @property
    def needs_a_look(self) -> bool:
        """Return whether it is meant to be polled, has been, and its data may not be the latest."""
        return self.source.enabled and self.health not in {Health.FRESH, Health.NEVER}

    @property
    def last_success_at(self) -> datetime | None:
        return self.state.last_success_at if self.state else None

    @property
    def words(self) -> str:
        """Return its health as a clause whose subject is the feed: `answers, but has not changed
        since 25 July`."""
        if not self.source.enabled:
            return "is disabled and not polled"
        if self.state is None or self.health == Health.NEVER:
            return "has never been polled"
        if self.health == Health.FROZEN:
            return self._describe_frozen(self.state)
        if self.health == Health.SUSPECT:
            return "has suspicious changes on hold"
        if self.health == Health.FAILING:
            return (
                f"has failed {count_of(self.state.failures, 'time')} in a row"
                if self.state.failures > 1
                else "failed when it was last polled"
            )
        if self.health == Health.LATE and self.last_success_at is not None:
            return f"is late: it last succeeded {ago(self.last_success_at, at=self.at)}"
        return "is up to date"

    def _describe_frozen(self, state: PollState) -> str:
        since = _format_day(day_of(state.told_until), today=day_of(self.at))
        if state.as_of is not None:
            return f"responds, but its data is from {since}"
        return f"responds, but its data has not changed since {since}"


def _format_day(value: date, *, today: date) -> str:
    """Format as `25 July`, with the year if it is not that of `today`; with non-breaking spaces."""
    text = f"{value.day}\u00a0{value:%B}"
    return text if value.year == today.year else f"{text}\u00a0{value.year}"


def source_freshness(sources: "QuerySet[Source]", *, at: datetime) -> tuple[SourceFreshness, ...]:
    """Return the freshness; one statement. A source that was never due has no poll state yet and
    counts as never polled."""
    rows = []
    for source in sources.select_related("poll_state"):
        state: PollState | None = getattr(source, "poll_state", None)
        rows.append(SourceFreshness(source, state, source_health(source, at=at), at))
    return tuple(rows)
