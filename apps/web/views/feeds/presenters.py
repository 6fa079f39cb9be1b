"""Sentences of the feed pages. Plain Python: rows and counts in, text out."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from apps.catalog.claims.pending_changes import PendingChange
from apps.common.text import pluralize
from apps.feeds.models import FeedRun, Health
from apps.feeds.sources.adapters import absence_of
from apps.feeds.sources.page_form import form_doubts
from apps.web.pages.page import Headline
from apps.web.presenters.source_freshness import SourceFreshness
from apps.web.wording import ago, iso_day, join_names, number, price, quantity_of, unit_name


def describe_interval(minutes: int) -> str:
    """Describe an interval: `hourly`, `daily`, `every 30 min`, `every 6 h`, `every 2 d`."""
    if minutes == 60:
        return "hourly"
    if minutes == 24 * 60:
        return "daily"
    if minutes % (24 * 60) == 0:
        return f"every {minutes // (24 * 60)} d"
    return f"every {minutes // 60} h" if minutes % 60 == 0 else f"every {minutes} min"


def format_span(value: timedelta) -> str:
    """Format a time span as `48 hours`, `14 days`, `90 minutes`: in the largest unit that leaves no
    remainder."""
    minutes = int(value.total_seconds()) // 60
    if minutes >= 3 * 24 * 60 and minutes % (24 * 60) == 0:
        return f"{number(minutes // (24 * 60))} days"
    if minutes >= 120 and minutes % 60 == 0:
        return f"{number(minutes // 60)} hours"
    return f"{number(minutes)} minute{'' if minutes == 1 else 's'}"


# --- all feeds ------------------------------------------------------------------------------------


def feeds_headline(
    feeds: Sequence[SourceFreshness],
    changes_by_source: Mapping[int, Sequence[PendingChange]],
    suspect_runs: Mapping[int, FeedRun],
) -> Headline:
    """State how many feeds are up to date, and the problem of the worst of the others.

    `changes_by_source` are the pending changes and `suspect_runs` the last suspect run, each by
    source ID."""
    if not feeds:
        return Headline("No feeds are polled, so the catalogue receives no updates.")
    stale_feeds = [row for row in feeds if not row.is_fresh]
    if not stale_feeds:
        return Headline(
            f"All {number(len(feeds))} feeds are up to date."
            if len(feeds) > 1
            else "The only feed is up to date."
        )
    if all(row.health == Health.NEVER for row in feeds):
        return Headline("No feed has been polled yet.")
    n_fresh = len(feeds) - len(stale_feeds)
    opening = f"{number(n_fresh)} of {number(len(feeds))} feeds"
    worst_feed = min(stale_feeds, key=lambda row: _HEALTH_WORST_FIRST.index(row.health))
    problem, consequence = _describe_problem(
        worst_feed,
        changes_by_source.get(worst_feed.source.pk, ()),
        suspect_runs.get(worst_feed.source.pk),
    )
    other_names = [row.source.name for row in stale_feeds if row is not worst_feed]
    others_text = (
        f"; {join_names(other_names, max_names=2)} "
        f"{'is' if len(other_names) == 1 else 'are'} not up to date."
        if other_names
        else "."
    )
    return Headline(
        f"{opening} {'is' if n_fresh == 1 else 'are'} up to date. ",
        problem,
        f"{consequence}{others_text}",
    )


_HEALTH_WORST_FIRST = (
    Health.SUSPECT,
    Health.FAILING,
    Health.LATE,
    Health.FROZEN,
    Health.NEVER,
    Health.FRESH,
)


def _describe_problem(
    freshness: SourceFreshness, changes: Sequence[PendingChange], suspect_run: FeedRun | None
) -> tuple[str, str]:
    """Return (problem of the feed, its consequence); the page underlines the problem."""
    name = freshness.source.name
    if freshness.health != Health.SUSPECT:
        return f"{name} {freshness.words}", ""
    n_removals = sum(change.what == "removal" for change in changes)
    n_rows_before = getattr(suspect_run, "rows_before", None)
    if (
        suspect_run is not None
        and n_removals
        and n_rows_before
        and (suspect_run.rows_vanished or 0) >= n_removals
    ):
        return (
            f"{name} lost {number(suspect_run.rows_vanished)} of {number(n_rows_before)} rows",
            f" in one run, so {number(n_removals)} old row{'' if n_removals == 1 else 's'} "
            f"{'stays' if n_removals == 1 else 'stay'} for now",
        )
    state = freshness.state
    if state is not None and form_doubts(state.page_form):
        return f"{name} changed its form", ", so the old values stay until governance decides"
    if changes:
        return (
            f"{name} reported {quantity_of(len(changes), 'change')}",
            " that need review, so the old values stay for now",
        )
    return f"{name} reported changes that need review", ""


# --- one source -----------------------------------------------------------------------------------


def source_headline(
    freshness: SourceFreshness, changes: Sequence[PendingChange], suspect_run: FeedRun | None
) -> Headline:
    """Return the headline of a source: failing, late, not updating, on hold, or up to date."""
    name, state = freshness.source.name, freshness.state
    if not freshness.source.enabled or freshness.health == Health.NEVER or state is None:
        return Headline(f"{name} {freshness.words}.")
    if state.last_success_at is None:
        return Headline(
            f"{name} ", f"has failed {quantity_of(state.failures, 'time')}", " and never succeeded."
        )
    if freshness.health == Health.SUSPECT:
        problem, consequence = _describe_problem(freshness, changes, suspect_run)
        return Headline("", problem, f"{consequence}.")
    success_text = f"{name} last succeeded {ago(state.last_success_at, at=freshness.at)}"
    if freshness.health == Health.FROZEN:
        return Headline(f"{name} ", freshness.words, ".")
    if freshness.health == Health.LATE:
        return Headline("", success_text, ", which is late.")
    if freshness.health == Health.FAILING:
        return Headline(
            f"{success_text}, but ", f"{quantity_of(state.failures, 'poll')} since failed", "."
        )
    return Headline(f"{success_text} and is up to date.")


def form_headline(name: str) -> Headline:
    """Return the headline of a lifecycle page whose form alone is on hold."""
    return Headline(f"{name} ", "changed its form", ". The old values stay until you decide.")


# --- one run --------------------------------------------------------------------------------------


def run_headline(run: FeedRun) -> Headline:
    name = run.source.name
    if run.status in FeedRun.OPEN:
        return Headline(f"{name} is being polled.")
    if run.status == FeedRun.Status.FAILED:
        return Headline(
            f"Polling {name} ", "failed", f": {run.error.rstrip('.') or 'no reason was given'}."
        )
    if run.status == FeedRun.Status.UNCHANGED:
        return Headline(f"{name} has not changed.")
    events = (
        f"{quantity_of(run.n_events or 0, 'event')} {'was' if run.n_events == 1 else 'were'} raised"
    )
    if run.status == FeedRun.Status.SUSPECT:
        return Headline(
            f"{name} reported ", "changes that need review", f". They are on hold; {events}."
        )
    return Headline(f"{name} changed {quantity_of(run.rows_changed or 0, 'row')}; {events}.")


def describe_duration(run: FeedRun) -> str:
    """Describe the duration of a run: `1.9 s` or `3 min`; a dash if it has not finished."""
    if run.finished_at is None:
        return "–"
    seconds = (run.finished_at - (run.started_at or run.queued_at)).total_seconds()
    return f"{max(seconds, 0):.1f} s" if seconds < 100 else f"{number(round(seconds / 60))} min"


# --- changes on hold ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Consequence:
    """Consequence of a change: `verb` for a removal, else the parts that change as (name, old,
    new)."""

    verb: str
    parts: tuple[tuple[str, str, str], ...] = ()
    note: str = ""

    def __str__(self) -> str:
        parts_text = "; ".join(
            f"{name} {old_value} → {new_value}".strip() for name, old_value, new_value in self.parts
        )
        return ", ".join(filter(None, [self.verb, parts_text, self.note]))


def describe_consequence(change: PendingChange, *, today: date) -> Consequence:
    if change.what == "removal":
        return _describe_removal(change, today)
    if change.what == "date":
        verb = "" if change.new else "date withdrawn"
        return Consequence(verb, (("", iso_day(change.old), iso_day(change.new)),))
    return Consequence("", _pair_prices(change.old, change.new), "USD per million")


def describe_move(old_prices: Any, new_prices: Any) -> str:
    """Describe a price change as one clause: `input tokens 0.54 → 0.95`. Both arguments are {unit:
    decimal text}."""
    return "; ".join(
        f"{name} {old_amount} → {new_amount}"
        for name, old_amount, new_amount in _pair_prices(old_prices, new_prices)
    )


def _pair_prices(old_value: Any, new_value: Any) -> tuple[tuple[str, str, str], ...]:
    old_prices, new_prices = (
        value if isinstance(value, dict) else {} for value in (old_value, new_value)
    )
    return tuple(
        (
            unit_name(unit),
            _format_amount(old_prices.get(unit)),
            _format_amount(new_prices.get(unit)),
        )
        for unit in {**old_prices, **new_prices}
    )


def _describe_removal(change: PendingChange, today: date) -> Consequence:
    absence = absence_of(change.assertion.source)
    if not change.old:
        return Consequence("delisted" if absence == "news" else "leaves the feed")
    day_text = iso_day(change.old)
    # a row whose retirement date has passed is over, and a price list without a row says nothing
    # about the model
    if absence == "nothing" or str(change.old) <= today.isoformat():
        return Consequence("leaves the feed", note=f"its date was {day_text}")
    return Consequence("delisted", note=f"its date, {day_text}, would be removed")


def _format_amount(value: Any) -> str:
    return "–" if value is None else price(value)


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """Counts of changes on hold: by consequence, and again those that affect the user's
    applications."""

    n: int = 0
    n_removals: int = 0
    n_dates: int = 0
    n_prices: int = 0
    n_relied: int = 0
    n_dates_going: int = 0
    n_dates_moving: int = 0
    n_prices_moving: int = 0
    by_group: Mapping[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> str:
        """List the counts by consequence: `38 removals, three dates and one price`."""
        return join_names(
            [
                quantity_of(n, noun)
                for n, noun in (
                    (self.n_removals, "removal"),
                    (self.n_dates, "date"),
                    (self.n_prices, "price"),
                )
                if n
            ]
        )

    @property
    def where(self) -> str:
        """Name the provider with most changes: `38 of 41 are of Azure.`; empty for a single one."""
        if len(self.by_group) < 2:
            return ""
        name, n = max(self.by_group.items(), key=lambda pair: pair[1])
        return f"{number(n)} of {number(self.n)} are of {name}."

    def yours(self, n_applications: int) -> str:
        """Describe the effect on `n_applications` of the user's applications."""
        if not n_applications:
            return "None of your applications depends on them."
        possible_clauses = [
            quantity_of(self.n_dates_going, "retirement date") + " you depend on would be removed"
            if self.n_dates_going
            else "",
            quantity_of(self.n_dates_moving, "retirement date") + " would move"
            if self.n_dates_moving
            else "",
            quantity_of(self.n_prices_moving, "price") + " would change"
            if self.n_prices_moving
            else "",
        ]
        applications = pluralize(
            n_applications,
            "1 of your applications depends",
            f"{number(n_applications)} of your applications depend",
        )
        opening = f"{applications} on {number(self.n_relied)} of them"
        clauses = [clause for clause in possible_clauses if clause]
        return f"{opening}: {join_names(clauses)}." if clauses else f"{opening}."


def count_changes(
    changes: Collection[PendingChange], *, reach: Mapping[int, int], today: date
) -> ChangeCounts:
    """Count changes; `reach` is {claim id: applications of the user}."""
    changes_in_use = [change for change in changes if reach.get(change.assertion.pk)]
    today_iso = today.isoformat()
    return ChangeCounts(
        n=len(changes),
        n_removals=sum(change.what == "removal" for change in changes),
        n_dates=sum(change.what == "date" for change in changes),
        n_prices=sum(change.what == "price" for change in changes),
        n_relied=len(changes_in_use),
        n_dates_going=sum(
            change.what != "price" and change.new is None and str(change.old or "") > today_iso
            for change in changes_in_use
        ),
        n_dates_moving=sum(
            change.what == "date" and change.new is not None for change in changes_in_use
        ),
        n_prices_moving=sum(change.what == "price" for change in changes_in_use),
        by_group=Counter(group_name(change) for change in changes),
    )


def group_name(change: PendingChange) -> str:
    """Return the provider that a change counts under: its name if the offering is known, otherwise
    the group key."""
    group, offering = change.assertion.group, change.offering
    if offering is not None and offering.host.slug == group:
        return offering.host.name
    return group or "no provider"


def names_of(changes: Collection[PendingChange]) -> str:
    """List the providers of the changes, those with most changes first."""
    return join_names(
        [name for name, _ in Counter(group_name(change) for change in changes).most_common()]
    )


def pending_headline(name: str, tally: ChangeCounts) -> Headline:
    """Build the headline of the page of changes on hold."""
    if not tally.n:
        return Headline(f"No changes of {name} are on hold.")
    return Headline(
        "",
        f"{quantity_of(tally.n, 'change')} of {name}",
        f" {'is' if tally.n == 1 else 'are'} on hold: {tally.parts}.",
    )


__all__ = [
    "ChangeCounts",
    "Consequence",
    "count_changes",
    "describe_consequence",
    "describe_duration",
    "describe_interval",
    "describe_move",
    "feeds_headline",
    "format_span",
    "group_name",
    "names_of",
    "pending_headline",
    "run_headline",
    "source_headline",
]
