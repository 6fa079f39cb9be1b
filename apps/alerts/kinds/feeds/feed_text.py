"""Texts of alerts about feeds, for emails and pages; no queries.

The shapes of `Alert.details`, by kind:

    backfilled   {"n": number of models, "offerings": the first MAX_OFFERINGS of them, as
                 [{"api_id", "host", "region", "ended_on": ISO day, "applications": [ids]}]}
    suspect      {"groups": {provider group: {"name", "says": reason of the hold}}}
    late         {"since": ISO day of the last success, "failures": number of failed polls since,
                 "error": error of the last one}
    frozen       {"since": ISO day, "says_itself": whether the feed states that day itself}
    fresh        {"was": "late" or "frozen"}
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.alerts.models import Alert, FeedKind
from apps.alerts.text import as_day, counted, day, one_line

# Models that one alert about backfill names; the others are counted.
MAX_OFFERINGS = 12

# {kind: (heading, what to do)}
GUIDANCE = {
    FeedKind.BACKFILLED: (
        "Had already ended",
        "The source has told only now. Calls may fail or be answered by another model: check these "
        "applications and "
        "move them.",
    ),
    FeedKind.SUSPECT: (
        "Held for a decision",
        "Look and accept or refuse. What nobody decides takes effect once it has stood for seven "
        "days, and is "
        "forgotten when the feed goes back.",
    ),
    FeedKind.LATE: (
        "Not read for too long",
        "What the source says meanwhile reaches nobody. Look at the last error, then poll by hand.",
    ),
    FeedKind.FROZEN: (
        "Read, but standing still",
        "A feed that brings nothing new for so long may have moved to another address. Find out, "
        "or stop relying on "
        "it.",
    ),
    FeedKind.FRESH: ("Fresh again", "Nothing to do."),
}


@dataclass(frozen=True, slots=True)
class RetiredModel:
    """A model that had retired before its source published the date."""

    api_id: str
    host: str
    region: str
    ended_on: date | None

    def __str__(self) -> str:
        """Format as `gpt-4-0314 at OpenAI ended 26 Mar 2026`."""
        region_text = f" in {one_line(self.region)}" if self.region else ""
        date_text = f" {day(self.ended_on)}" if self.ended_on else ""
        return f"{one_line(self.api_id)} at {one_line(self.host)}{region_text} ended{date_text}"


def source_name(alert: Alert) -> str:
    """Return the name of the feed of an alert about a run or a source; `run__source` and `source`
    must be loaded."""
    source = alert.run.source if alert.run is not None else alert.source
    return one_line(source.name) if source is not None else ""


def feed_path(alert: Alert) -> str:
    """Return the path of the page about the run or the source of an alert."""
    if alert.kind == FeedKind.BACKFILLED:
        return f"/feeds/runs/{alert.run_id}/"
    slug = (
        alert.run.source.slug
        if alert.run is not None
        else alert.source.slug
        if alert.source is not None
        else ""
    )
    return f"/feeds/{slug}/held/" if alert.kind == FeedKind.SUSPECT else f"/feeds/{slug}/"


def retired_models(alert: Alert, applications: Collection[int]) -> list[RetiredModel]:
    """Return the models named by an alert about backfill that these applications use, latest
    retirement first."""
    return [
        RetiredModel(
            offering["api_id"], offering["host"], offering["region"], as_day(offering["ended_on"])
        )
        for offering in alert.details.get("offerings", [])
        if not set(offering["applications"]).isdisjoint(applications)
    ]


def n_unnamed(alert: Alert) -> int:
    """Return the number of models that an alert about backfill counts without naming them."""
    return max(0, int(alert.details.get("n", 0)) - len(alert.details.get("offerings", [])))


def clause(alert: Alert, *, applications: Collection[int] = ()) -> str:
    """Return the predicate of an alert about a feed: `is late: last read on 20 Nov 2026`.

    `applications` are the affected ones that the reader can view: models that only other
    applications use are not named."""
    return _HEADS.get(alert.kind, "") + feed_details(alert, applications=applications)


def feed_details(alert: Alert, *, applications: Collection[int] = ()) -> str:
    """Return `clause` without its start, for places whose heading already has the kind."""
    details = alert.details
    if alert.kind == FeedKind.BACKFILLED:
        return _describe_backfill(retired_models(alert, applications), n_unnamed(alert))
    if alert.kind == FeedKind.SUSPECT:
        return _describe_held_groups(details.get("groups", {}))
    since = as_day(details.get("since"))
    since_text = f" {day(since)}" if since else ""
    if alert.kind == FeedKind.LATE:
        return f"last read on{since_text}{_describe_failures(details)}"
    if alert.kind == FeedKind.FROZEN:
        state_text = (
            "says itself that it was made on"
            if details.get("says_itself")
            else "has not changed since"
        )
        return f"answers, but {state_text}{since_text}"
    return "is fresh again"


# Providers that a heading names; the page names all.
MAX_GROUPS = 3
_HEADS: dict[str, str] = {
    FeedKind.SUSPECT: "brought something suspect. ",
    FeedKind.LATE: "is late: ",
}


def _describe_backfill(models: Collection[RetiredModel], n_more: int) -> str:
    n = len(models) + n_more
    head = f"now gives {'a past day' if n == 1 else 'past days'} for {counted(n, 'model')} you call"
    if not models:
        return head
    more_text = f"; and {n_more} more" if n_more else ""
    return f"{head}: {'; '.join(map(str, models))}{more_text}"


def _describe_held_groups(groups: dict[str, Any]) -> str:
    """Describe the groups on hold, such as `Anthropic: 13 of 13 rows disappeared together. Removals
    are on hold`; groups after the first MAX_GROUPS are counted."""
    group_texts = [
        f"{one_line(group['name'], max_length=60)}: {one_line(group['says']).rstrip('.')}"
        for group in groups.values()
    ]
    n_more = len(group_texts) - MAX_GROUPS
    more_texts = [f"So it is with {counted(n_more, 'further provider')}"] if n_more > 0 else []
    return ". ".join([*group_texts[:MAX_GROUPS], *more_texts])


def _describe_failures(details: dict[str, Any]) -> str:
    failures = int(details.get("failures", 0))
    if not failures:
        return ", and not polled since"
    error = one_line(details.get("error", ""), max_length=160).rstrip(".")
    return f"; {counted(failures, 'poll')} since failed" + (
        f", the last one because: {error}" if error else ""
    )


__all__ = [
    "GUIDANCE",
    "MAX_OFFERINGS",
    "RetiredModel",
    "clause",
    "feed_details",
    "feed_path",
    "n_unnamed",
    "retired_models",
    "source_name",
]
