"""Pending changes that guards put on hold, prepared for the pages: grouped by provider, with
affected applications and a sentence."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.claims.pending_changes import PendingChange, pending_changes
from apps.catalog.models import Source
from apps.feeds.models import FeedRun
from apps.web.views.feeds.presenters import (
    ChangeCounts,
    Consequence,
    count_changes,
    describe_consequence,
    group_name,
)
from apps.web.views.feeds.queries import PendingReach, last_suspect_runs, pending_reach


@dataclass(frozen=True, slots=True)
class PendingRow:
    """Pending change with its consequence and how many of the user's applications it would
    affect."""

    change: PendingChange
    consequence: Consequence
    n_applications: int


@dataclass(frozen=True, slots=True)
class PendingGroup:
    """Pending changes of one provider, those that affect most applications first. `key` identifies
    the group."""

    key: str
    name: str
    rows: tuple[PendingRow, ...]
    tally: ChangeCounts
    n_applications: int

    @property
    def effect(self) -> str:
        return self.tally.yours(self.n_applications)


@dataclass(frozen=True, slots=True)
class PendingBanner:
    """Banner of a source with changes on hold: for the list, the source's page and the suspect
    run's page."""

    source: Source
    changes: tuple[PendingChange, ...]
    tally: ChangeCounts
    n_applications: int
    run: FeedRun | None

    @property
    def effect(self) -> str:
        return self.tally.yours(self.n_applications)


def pending_banners(sources: Iterable[Source], *, user: Any, on: date) -> dict[int, PendingBanner]:
    """Return {source id: banner} of the sources with changes on hold, by their `n_held`.

    No statement if there are none, otherwise two and one per source with changes on hold."""
    sources_on_hold = [source for source in sources if getattr(source, "n_held", 0)]
    changes_by_source = {source.pk: tuple(pending_changes(source)) for source in sources_on_hold}
    all_changes = [change for changes in changes_by_source.values() for change in changes]
    if not all_changes:
        return {}
    reach = pending_reach(all_changes, user=user, on=on)
    runs = last_suspect_runs(list(changes_by_source))
    return {
        source.pk: PendingBanner(
            source=source,
            changes=changes_by_source[source.pk],
            tally=count_changes(changes_by_source[source.pk], reach=reach.by_claim, today=on),
            n_applications=reach.by_source.get(source.pk, 0),
            run=runs.get(source.pk),
        )
        for source in sources_on_hold
        if changes_by_source[source.pk]
    }


def group_pending_changes(
    changes: Collection[PendingChange], *, reach: PendingReach, today: date
) -> list[PendingGroup]:
    """Group changes by provider; the group that affects most applications first, then the one with
    most changes."""
    by_group: dict[str, list[PendingChange]] = defaultdict(list)
    for change in changes:
        by_group[change.assertion.group].append(change)
    groups = [
        _build_group(key, group_changes, reach, today) for key, group_changes in by_group.items()
    ]
    return sorted(groups, key=lambda group: (-group.n_applications, -len(group.rows), group.name))


def build_pending_rows(
    changes: Iterable[PendingChange], reach: PendingReach, today: date
) -> list[PendingRow]:
    return [
        PendingRow(
            change,
            describe_consequence(change, today=today),
            reach.by_claim.get(change.assertion.pk, 0),
        )
        for change in changes
    ]


def _build_group(
    key: str, changes: Sequence[PendingChange], reach: PendingReach, today: date
) -> PendingGroup:
    """Return the changes of one provider as rows; `key` is the group."""
    rows = build_pending_rows(changes, reach, today)
    rows.sort(
        key=lambda row: (-row.n_applications, row.change.assertion.external_id, row.change.what)
    )
    names = [group_name(change) for change in changes]
    return PendingGroup(
        key=key,
        # rows without an offering have the group key as name
        name=next((name for name in names if name != key), names[0]),
        rows=tuple(rows),
        tally=count_changes(changes, reach=reach.by_claim, today=today),
        n_applications=reach.by_group.get((changes[0].assertion.source_id, key), 0),
    )


def fingerprint(changes: Iterable[PendingChange]) -> str:
    """Return a fingerprint of the changes, to detect whether they still are those that the user
    viewed."""
    encoded_changes = sorted(
        json.dumps([change.assertion.pk, change.what, change.old, change.new], sort_keys=True)
        for change in changes
    )
    return hashlib.sha256("\n".join(encoded_changes).encode()).hexdigest()[:20]
