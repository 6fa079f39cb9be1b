"""Collects the result of an observation from the rules."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.values import Value
from apps.catalog.ingestion.change_detection.records import (
    CatalogueFact,
    ClaimUpdate,
    DetectionRules,
    KnownClaim,
    Observation,
)
from apps.common.time import day_of


class ResultBuilder:
    """The result of one observation under construction, with its time and rows.

    `baseline` marks the first observation of the source, which reports nothing. `last_seen` is the
    time of the previous observation, None if there is none or it is unknown."""

    def __init__(
        self,
        rows: Mapping[str, FeedRow],
        at: datetime,
        rules: DetectionRules,
        *,
        baseline: bool,
        last_seen: datetime | None,
    ) -> None:
        self.rows, self.at, self.rules = rows, at, rules
        self.baseline, self.last_seen = baseline, last_seen
        self.today = day_of(at)
        self.result = Observation(n_rows=len(rows))
        self.changed_rows: set[str] = set()

    def update(self, claim: KnownClaim, columns: dict[str, Any], *, accepted: bool = True) -> None:
        """Record changed columns of a claim; `accepted` is false if they change neither its value
        nor its validity."""
        self.result.updates.append(ClaimUpdate(claim.id, columns, accepted))
        self.changed_rows.add(claim.external_id)

    def accept(self, claim: KnownClaim, value: Value, **columns: Any) -> None:
        """Set the claim to `value`; values on hold are cleared, unless `columns` set them."""
        new_columns: dict[str, Any] = {
            "value": value,
            "changed_at": self.at,
            "pending": None,
            "pending_since": None,
            "held": False,
        }
        row = self.rows.get(claim.external_id)
        if row is not None:
            new_columns |= {"excerpt": row.excerpt, "source_url": row.source_url}
        self.update(claim, new_columns | columns)

    def add_fact(
        self,
        kind: str,
        external_id: str,
        topic: str,
        old: Any,
        new: Any,
        effective_on: date | None,
        *,
        detected_at: datetime | None = None,
    ) -> None:
        self.result.facts.append(
            CatalogueFact(kind, external_id, topic, old, new, effective_on, detected_at or self.at)
        )

    def add_backfill(self, external_id: str, day: date) -> None:
        self.result.backfilled.append([external_id, day.isoformat()])
