"""Rules for capabilities: a changed value applies at once, and silence changes no value.

No hold is needed: a mistake of a source is outvoted or corrected by its next payload, and the event
of a withdrawn capability needs two sources or the provider (ingestion/capability_events.py)."""

from apps.catalog.capabilities.fields import CAPABILITY
from apps.catalog.capabilities.stated import merge_statements
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.change_detection.records import KnownClaim, NewClaim
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder


def compare_capabilities(
    builder: ResultBuilder, row: FeedRow, claim: KnownClaim | None, previous: KnownClaim | None
) -> None:
    """Compare what a row states with its claim, or with that under its earlier key, and record a
    new claim if it has none. A row without any statement gets no claim."""
    known = claim or previous
    value = merge_statements(
        known.value if known else {}, row.capabilities or {}, builder.today.isoformat()
    )
    if claim is None:
        if row.capabilities:
            builder.result.new.append(NewClaim(row, CAPABILITY, value))
    elif value != claim.value:
        builder.update(
            claim, {"value": value, "changed_at": builder.at, "source_url": row.source_url}
        )
