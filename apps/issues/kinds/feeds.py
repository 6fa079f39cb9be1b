"""Feeds that need a review: changes on hold, late, failing or not updating."""

from datetime import datetime
from typing import Any

from apps.catalog.models import Source
from apps.feeds.models import Health, source_health
from apps.issues.kinds.base import IssueKind
from apps.issues.models.causes import CauseKind

# Days until a state of a feed becomes Now. A feed that fails is late sooner or later if it has ever
# succeeded, so that one failed poll is no issue.
_ALLOWANCE_DAYS = {Health.SUSPECT: 0, Health.LATE: 7, Health.FAILING: 7, Health.FROZEN: 14}

_REVIEWS = """
SELECT 'source:' || f.source_id AS subject, NULL::bigint AS application_id,
       f.allowance_days, f.health AS fact_key,
       jsonb_build_object('health', f.health) AS details
FROM unnest(%(sources)s::bigint[], %(states)s::text[], %(allowances)s::int[])
    AS f(source_id, health, allowance_days)
"""


def load_feed_states(at: datetime) -> dict[str, Any]:
    """Return the parameters of the kind: sources that need a review, with their states."""
    states = [
        (source, source_health(source, at=at))
        for source in Source.objects.polled().select_related("poll_state")
    ]
    reviews = {
        source.pk: health
        for source, health in states
        if health in _ALLOWANCE_DAYS
        and (health != Health.FAILING or source.poll_state.last_success_at is None)
    }
    return {
        "sources": list(reviews),
        "states": [str(health) for health in reviews.values()],
        "allowances": [_ALLOWANCE_DAYS[health] for health in reviews.values()],
    }


FEED_REVIEW = IssueKind(
    kind=CauseKind.FEED_REVIEW,
    statement=_REVIEWS,
    has_applications=False,
    load_parameters=load_feed_states,
)
