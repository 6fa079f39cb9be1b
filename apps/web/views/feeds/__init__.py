"""Feeds: can I trust this? Freshness by last success, runs with what they brought, what is held, what was set aside."""

from apps.web.views.feeds.held import held, held_csv
from apps.web.views.feeds.quarantine import quarantine, quarantine_csv
from apps.web.views.feeds.runs import feed_csv, feed_run, feed_runs, payload, poll, progress
from apps.web.views.feeds.sources import feed, feed_list

__all__ = [
    "feed",
    "feed_csv",
    "feed_list",
    "feed_run",
    "feed_runs",
    "held",
    "held_csv",
    "payload",
    "poll",
    "progress",
    "quarantine",
    "quarantine_csv",
]
