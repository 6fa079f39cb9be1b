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
from apps.alerts.text import as_day, counted, long_day, one_line, with_full_stop

# Models that one alert about backfill names; the others are counted.
MAX_OFFERINGS = 12

# Providers with changes on hold that one text names; the others are counted.
MAX_GROUPS = 3

# {kind: (heading, what to do)}
GUIDANCE = {
    FeedKind.BACKFILLED: ("Already retired", "The source published past dates. Check these."),
    FeedKind.SUSPECT: (
        "Changes on hold",
        "Accept or reject. Undecided changes apply after 7 days.",
    ),
    FeedKind.LATE: (
        "Feed late",
        "New data of this source is missing. Check the last error, then poll again.",
    ),
    FeedKind.FROZEN: (
        "Feed not updating",
        "The source might have moved. Check its URL, or disable the feed.",
    ),
    FeedKind.FRESH: ("Feed up to date again", "No action needed."),
}


@dataclass(frozen=True, slots=True)
class RetiredModel:
    """A model that had retired before its source published the date."""

    api_id: str
    host: str
    region: str
    ended_on: date | None

    def __str__(self) -> str:
        """Format as `gpt-4-0314 on OpenAI retired on 26 March 2026`."""
        region_text = f" in {one_line(self.region)}" if self.region else ""
        name = f"{one_line(self.api_id)} on {one_line(self.host)}{region_text}"
        return (
            f"{name} retired on {long_day(self.ended_on)}" if self.ended_on else f"{name} retired"
        )


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


def feed_headline(alert: Alert) -> str:
    """Return an alert about a feed as one sentence, without the full stop: `LiteLLM is late: its
    last success was on 20 November 2026`."""
    name, since = source_name(alert), as_day(alert.details.get("since"))
    match alert.kind:
        case FeedKind.SUSPECT:
            return f"Changes from {name} are on hold"
        case FeedKind.LATE:
            last_success = f": its last success was on {long_day(since)}" if since else ""
            return f"{name} is late{last_success}"
        case FeedKind.FROZEN if alert.details.get("says_itself") and since:
            return f"{name} responds, but states that its data is of {long_day(since)}"
        case FeedKind.FROZEN:
            since_text = f" since {long_day(since)}" if since else ""
            return f"{name} responds, but has not changed{since_text}"
        case FeedKind.BACKFILLED:
            n = len(alert.details.get("offerings", [])) + n_unnamed(alert)
            return f"{name} published past retirement dates of {counted(n, 'model')}"
    return f"{name} is up to date again"


def feed_sentences(alert: Alert, *, applications: Collection[int] = ()) -> str:
    """Return an alert about a feed as whole sentences, with its details.

    `applications` are the affected ones that the reader can view: models that only other
    applications use are not named."""
    match alert.kind:
        case FeedKind.BACKFILLED:
            models = retired_models(alert, applications)
            return _describe_backfill(source_name(alert), models, n_unnamed(alert))
        case FeedKind.SUSPECT:
            return f"{feed_headline(alert)}. {held_sentences(alert)}"
        case FeedKind.LATE:
            return f"{feed_headline(alert)}. {_describe_failures(alert.details)}"
    return f"{feed_headline(alert)}."


def held_sentences(alert: Alert) -> str:
    """Describe the changes on hold, such as `Anthropic: 13 of 13 rows disappeared together.
    Removals are on hold.`; providers after the first MAX_GROUPS are counted."""
    groups: dict[str, Any] = alert.details.get("groups", {})
    sentences = [
        f"{one_line(group['name'], max_length=60)}: {with_full_stop(one_line(group['says']))}"
        for group in groups.values()
    ]
    n_more = len(sentences) - MAX_GROUPS
    more = [f"This also applies to {counted(n_more, 'further provider')}."] if n_more > 0 else []
    return " ".join([*sentences[:MAX_GROUPS], *more])


def _describe_backfill(name: str, models: Collection[RetiredModel], n_more: int) -> str:
    n = len(models) + n_more
    sentences = [f"{name} published past retirement dates of {counted(n, 'model')}."]
    sentences += [f"{model}." for model in models]
    if models and n_more:
        sentences.append(f"{counted(n_more, 'further model')} retired too.")
    return " ".join(sentences)


def _describe_failures(details: dict[str, Any]) -> str:
    failures = int(details.get("failures", 0))
    if not failures:
        return "No poll has run since."
    error = one_line(details.get("error", ""), max_length=160)
    last_error = f" The last error: {with_full_stop(error)}" if error else ""
    return f"{counted(failures, 'poll')} since then failed.{last_error}"


__all__ = [
    "GUIDANCE",
    "MAX_OFFERINGS",
    "RetiredModel",
    "feed_headline",
    "feed_path",
    "feed_sentences",
    "held_sentences",
    "n_unnamed",
    "retired_models",
    "source_name",
]
