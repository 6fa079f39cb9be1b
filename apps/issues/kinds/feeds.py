"""Feeds that need a review: changes on hold, late, failing or not updating."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min

from apps.catalog.models import Source
from apps.feeds.models import FeedRun, Health, source_health
from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# Days until a state of a feed becomes Now. A feed that fails is late sooner or later if it has ever
# succeeded, so that one failed poll is no issue. One that has never been read becomes an issue
# after the same time: a new installation without network starts without an issue for each feed.
_ALLOWANCE_DAYS = {Health.SUSPECT: 0, Health.LATE: 7, Health.FAILING: 7, Health.FROZEN: 14}

MAX_ERROR_LENGTH = 300

_REVIEWS = """
SELECT 'source:' || f.source_id AS subject, NULL::bigint AS application_id,
       f.allowance_days, f.health AS fact_key,
       jsonb_strip_nulls(jsonb_build_object('health', f.health, 'error', nullif(f.error, '')))
           AS details
FROM unnest(%(sources)s::bigint[], %(states)s::text[], %(allowances)s::int[], %(errors)s::text[])
    AS f(source_id, health, allowance_days, error)
"""


def load_feed_states(at: datetime) -> dict[str, Any]:
    """Return the parameters of the kind: sources that need a review, with their states, and the
    error of those that have never been read."""
    sources = Source.objects.polled().select_related("poll_state")
    reviews = [
        (source, health)
        for source in sources
        if (health := source_health(source, at=at)) in _ALLOWANCE_DAYS
        and (health != Health.FAILING or _is_unread(source, at=at))
    ]
    return {
        "sources": [source.pk for source, _ in reviews],
        "states": [str(health) for _, health in reviews],
        "allowances": [_ALLOWANCE_DAYS[health] for _, health in reviews],
        "errors": [
            source.poll_state.error[:MAX_ERROR_LENGTH] if health == Health.FAILING else ""
            for source, health in reviews
        ],
    }


def _is_unread(source: Source, *, at: datetime) -> bool:
    """Return whether the source has never been read, for as long as makes other sources late."""
    if source.poll_state.last_success_at is not None:
        return False
    first_poll_at = FeedRun.objects.filter(source=source).aggregate(at=Min("queued_at"))["at"]
    stale_after = timedelta(minutes=source.stale_after_minutes)
    return first_poll_at is None or at - first_poll_at > stale_after


FEED_REVIEW = IssueKind(
    kind=CauseKind.FEED_REVIEW,
    statement=_REVIEWS,
    has_applications=False,
    load_parameters=load_feed_states,
)
