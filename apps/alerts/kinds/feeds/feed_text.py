"""How alerts about feeds put things, in mails and on pages alike. Plain Python: an alert in, words
out.

The shapes of `Alert.details`, by kind:

    backfilled   {"n": models concerned, "offerings": the first MAX_OFFERINGS of them, as
                 [{"api_id", "host", "region", "ended_on": ISO day, "applications": [ids]}]}
    suspect      {"groups": {provider group: {"name", "says": what the guards said of it}}}
    late         {"since": ISO day of the last success, "failures": polls failed since, "error": why
    the last did}
    frozen       {"since": ISO day, "says_itself": whether the feed gives that day itself}
    fresh        {"was": "late" or "frozen"}
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.alerts.models import Alert, FeedKind
from apps.alerts.text import as_day, counted, day, one_line

# what one alert about back-fill names; the rest is counted
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
    """A model that had ended before its source told."""

    api_id: str
    host: str
    region: str
    ended_on: date | None

    def __str__(self) -> str:
        """`gpt-4-0314 at OpenAI ended 26 Mar 2026`"""
        where = f" in {one_line(self.region)}" if self.region else ""
        when = f" {day(self.ended_on)}" if self.ended_on else ""
        return f"{one_line(self.api_id)} at {one_line(self.host)}{where} ended{when}"


def source_name(alert: Alert) -> str:
    """The feed that an alert about a run or a source speaks of; `run__source` and `source` must be
    loaded."""
    source = alert.run.source if alert.run is not None else alert.source
    return one_line(source.name) if source is not None else ""


def feed_path(alert: Alert) -> str:
    """Where an alert about a run or a source is looked into: the page, from the root of the
    site."""
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
    """The models named by an alert about back-fill that these applications stand on, the latest to
    end first."""
    return [
        RetiredModel(found["api_id"], found["host"], found["region"], as_day(found["ended_on"]))
        for found in alert.details.get("offerings", [])
        if not set(found["applications"]).isdisjoint(applications)
    ]


def n_unnamed(alert: Alert) -> int:
    """How many further models an alert about back-fill counts without naming them."""
    return max(0, int(alert.details.get("n", 0)) - len(alert.details.get("offerings", [])))


def clause(alert: Alert, *, applications: Collection[int] = ()) -> str:
    """What an alert about a feed says, as a clause whose subject is the feed: `is late: last read
    on 20 Nov 2026`.

    `applications` are those concerned that the reader may see: models that only others stand on are
    not named.
    """
    return _HEADS.get(alert.kind, "") + feed_details(alert, applications=applications)


def feed_details(alert: Alert, *, applications: Collection[int] = ()) -> str:
    """`clause` for a place whose heading says already that the feed is late, or held."""
    details = alert.details
    if alert.kind == FeedKind.BACKFILLED:
        return _backfilled(retired_models(alert, applications), n_unnamed(alert))
    if alert.kind == FeedKind.SUSPECT:
        return _held(details.get("groups", {}))
    since = as_day(details.get("since"))
    last = f" {day(since)}" if since else ""
    if alert.kind == FeedKind.LATE:
        return f"last read on{last}{_failed(details)}"
    if alert.kind == FeedKind.FROZEN:
        stands = (
            "says itself that it was made on"
            if details.get("says_itself")
            else "has not changed since"
        )
        return f"answers, but {stands}{last}"
    return "is fresh again"


# providers a heading names; the page names all
MAX_GROUPS = 3
_HEADS: dict[str, str] = {
    FeedKind.SUSPECT: "brought something suspect. ",
    FeedKind.LATE: "is late: ",
}


def _backfilled(named: Collection[RetiredModel], n_more: int) -> str:
    n = len(named) + n_more
    head = f"now gives {'a past day' if n == 1 else 'past days'} for {counted(n, 'model')} you call"
    if not named:
        return head
    rest = f"; and {n_more} more" if n_more else ""
    return f"{head}: {'; '.join(map(str, named))}{rest}"


def _held(groups: dict[str, Any]) -> str:
    """`Anthropic: 13 of 13 rows disappeared together. Removals are on hold`, one after the other;
    the rest is counted."""
    said = [
        f"{one_line(group['name'], most=60)}: {one_line(group['says']).rstrip('.')}"
        for group in groups.values()
    ]
    more = len(said) - MAX_GROUPS
    rest = [f"So it is with {counted(more, 'further provider')}"] if more > 0 else []
    return ". ".join([*said[:MAX_GROUPS], *rest])


def _failed(details: dict[str, Any]) -> str:
    failures = int(details.get("failures", 0))
    if not failures:
        return ", and not polled since"
    error = one_line(details.get("error", ""), most=160).rstrip(".")
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
