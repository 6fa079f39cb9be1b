"""Feeds: can I trust this? Freshness by last success, runs with what they brought, what is held,
what was set aside."""

from apps.web.views.feeds.held import held, held_csv
from apps.web.views.feeds.notices import notice_csv, notice_list, reopen, settle, tell
from apps.web.views.feeds.quarantine import quarantine, quarantine_csv
from apps.web.views.feeds.runs import feed_csv, feed_run, feed_runs, payload, poll, progress
from apps.web.views.feeds.setting_up import edit_source, new_source, switch, undo
from apps.web.views.feeds.sources import feed, feed_list

__all__ = [
    "edit_source",
    "feed",
    "feed_csv",
    "feed_list",
    "feed_run",
    "feed_runs",
    "held",
    "held_csv",
    "new_source",
    "notice_csv",
    "notice_list",
    "payload",
    "poll",
    "progress",
    "quarantine",
    "quarantine_csv",
    "reopen",
    "settle",
    "switch",
    "tell",
    "undo",
]
