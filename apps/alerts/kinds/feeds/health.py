"""Number of feeds that are up to date, for the footer of every email and for empty digests."""

from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError
from psycopg_pool import PoolTimeout

from apps.catalog.models import Source
from apps.common.requests.health import NotReadyError, failed_probe
from apps.common.time import now
from apps.feeds.models import Health, source_health


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """The health of all polled feeds; `stale` are names of those that are not up to date, including
    feeds never polled. The price list of an installed package is not counted."""

    n: int
    n_fresh: int
    stale: tuple[str, ...]

    def __str__(self) -> str:
        """Format as `6 of 7 feeds up to date`."""
        return f"{self.n_fresh} of {self.n} feeds up to date" if self.n else "No feeds configured"


def load_feed_health(*, at: datetime) -> FeedHealth:
    """Load the health of all polled feeds; one statement."""
    sources = list(Source.objects.polled().from_outside().select_related("poll_state"))
    stale = [source.name for source in sources if source_health(source, at=at) != Health.FRESH]
    return FeedHealth(len(sources), len(sources) - len(stale), tuple(stale))


def check_feeds() -> str:
    """Check that every feed is up to date, as a readiness probe. NotReadyError with the number of
    feeds that are not; their names are on the page Feeds."""
    try:
        health = load_feed_health(at=now())
    except (DatabaseError, PoolTimeout) as error:
        raise failed_probe("The feeds cannot be read.", error) from error
    if health.stale:
        raise NotReadyError(f"Only {health}. The page Feeds shows the reasons.")
    return str(health)
