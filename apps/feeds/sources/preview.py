"""Preview of a poll (dry run): the changes that it would make to the claims of a source."""

from collections.abc import Collection
from datetime import datetime

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.catalog.ingestion.change_detection.comparison import detect_changes
from apps.catalog.ingestion.change_detection.records import (
    DetectionRules,
    Observation,
    PayloadDoubt,
)
from apps.catalog.ingestion.ingest import known_claims, row_identities
from apps.catalog.models import Source
from apps.feeds.models import PollState


def preview_observation(
    source: Source,
    parsed_feed: ParsedFeed,
    *,
    at: datetime,
    rules: DetectionRules,
    doubts: Collection[PayloadDoubt] = (),
) -> Observation:
    """Return the observation of `parsed_feed` without storing it: new claims, changed claims,
    resulting events, and changes that the checks would put on hold."""
    state = PollState.objects.filter(source=source).first()
    last_seen = state.last_observed_at if state else None
    return detect_changes(
        known_claims(source),
        parsed_feed.rows,
        at,
        baseline=last_seen is None,
        set_aside={reject.external_id for reject in parsed_feed.rejects},
        last_seen=last_seen,
        identify=row_identities,
        rules=rules,
        doubts=doubts,
    )
