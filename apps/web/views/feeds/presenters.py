"""Sentences of the feed pages. Plain Python: rows and counts in, text out."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from apps.catalog.claims.pending_changes import PendingChange
from apps.feeds.models import FeedRun, Health
from apps.feeds.sources.adapters import absence_of
from apps.web.pages.page import Headline
from apps.web.presenters.source_freshness import SourceFreshness
from apps.web.wording import ago, as_word, count_of, iso_day, join_names, number, price, unit_name


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
    polled: Sequence[SourceFreshness],
    held: Mapping[int, Sequence[PendingChange]],
    doubted: Mapping[int, FeedRun],
) -> Headline:
    """State how many feeds are up to date, and the problem of the worst of the others.

    `held` are the pending changes and `doubted` the last suspect run, each by source id."""
    if not polled:
        return Headline("No feed is polled, so nothing new about models reaches the register.")
    tired = [row for row in polled if not row.is_fresh]
    if not tired:
        return Headline(
            f"All {as_word(len(polled))} feeds are fresh."
            if len(polled) > 1
            else "The only feed is fresh."
        )
    if all(row.health == Health.NEVER for row in polled):
        return Headline("No feed has been polled yet.")
    n_fresh = len(polled) - len(tired)
    head = f"{as_word(n_fresh).capitalize() if n_fresh else 'None'} of {as_word(len(polled))} feeds"
    worst = min(tired, key=lambda row: _GRAVEST.index(row.health))
    mark, after = _trouble(worst, held.get(worst.source.pk, ()), doubted.get(worst.source.pk))
    others = [row.source.name for row in tired if row is not worst]
    rest = (
        f"; {join_names(others, max_names=2)} "
        f"{'is' if len(others) == 1 else 'are'} not fresh either."
        if others
        else "."
    )
    return Headline(f"{head} {'is' if n_fresh == 1 else 'are'} fresh. ", mark, f"{after}{rest}")


_GRAVEST = (Health.SUSPECT, Health.FAILING, Health.LATE, Health.FROZEN, Health.NEVER, Health.FRESH)


def _trouble(
    row: SourceFreshness, held: Sequence[PendingChange], doubted: FeedRun | None
) -> tuple[str, str]:
    """What is the matter with one feed: the part the pencil underlines, and the part behind it."""
    name = row.source.name
    if row.health != Health.SUSPECT:
        return f"{name} {row.words}", ""
    n_gone = sum(change.what == "removal" for change in held)
    before = getattr(doubted, "rows_before", None)
    if doubted is not None and n_gone and before and (doubted.rows_vanished or 0) >= n_gone:
        return (
            f"{name} lost {number(doubted.rows_vanished)} of {number(before)} rows",
            f" in one run, so {count_of(n_gone, 'old row')} {'stands' if n_gone == 1 else 'stand'} "
            "for now",
        )
    if held:
        return (
            f"{name} brought {count_of(len(held), 'change')}",
            " that looked wrong, so the old values stand for now",
        )
    return f"{name} brought something suspect", ", which is held"


# --- one source -----------------------------------------------------------------------------------


def source_headline(
    fresh: SourceFreshness, held: Sequence[PendingChange], doubted: FeedRun | None
) -> Headline:
    name, state = fresh.source.name, fresh.state
    if not fresh.source.enabled or fresh.health == Health.NEVER or state is None:
        return Headline(f"{name} {fresh.words}.")
    if state.last_success_at is None:
        return Headline(
            f"{name} ", f"has failed {count_of(state.failures, 'time')}", " and never succeeded."
        )
    if fresh.health == Health.SUSPECT:
        mark, after = _trouble(fresh, held, doubted)
        return Headline("", mark, f"{after}.")
    last = f"{name} last succeeded {ago(state.last_success_at, at=fresh.at)}"
    if fresh.health == Health.FROZEN:
        return Headline(f"{name} ", fresh.words, ".")
    if fresh.health == Health.LATE:
        return Headline("", last, ", later than it should have.")
    if fresh.health == Health.FAILING:
        return Headline(f"{last}, but ", f"{count_of(state.failures, 'poll')} since failed", ".")
    return Headline(f"{last}, as it should.")


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
        return Headline(f"{name} had nothing new.")
    events = (
        f"{count_of(run.n_events or 0, 'event')} {'was' if run.n_events == 1 else 'were'} raised"
    )
    if run.status == FeedRun.Status.SUSPECT:
        return Headline(f"{name} brought ", "something suspect", f", which was held; {events}.")
    return Headline(f"{name} changed {count_of(run.rows_changed or 0, 'row')}; {events}.")


def describe_duration(run: FeedRun) -> str:
    """`1.9 s`, `3 min`; a dash while it is under way."""
    if run.finished_at is None:
        return "–"
    seconds = (run.finished_at - (run.started_at or run.queued_at)).total_seconds()
    return f"{max(seconds, 0):.1f} s" if seconds < 100 else f"{number(round(seconds / 60))} min"


# --- what is held ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Consequence:
    """Consequence of a change: `verb` for a removal, else the parts that change as (name, old,
    new)."""

    verb: str
    parts: tuple[tuple[str, str, str], ...] = ()
    note: str = ""

    def __str__(self) -> str:
        parts = "; ".join(f"{name} {old} → {new}".strip() for name, old, new in self.parts)
        return ", ".join(filter(None, [self.verb, parts, self.note]))


def describe_consequence(change: PendingChange, *, today: date) -> Consequence:
    if change.what == "removal":
        return _removal(change, today)
    if change.what == "date":
        verb = "" if change.new else "date withdrawn"
        return Consequence(verb, (("", iso_day(change.old), iso_day(change.new)),))
    return Consequence("", _prices(change.old, change.new), "USD per million")


def describe_move(old: Any, new: Any) -> str:
    """Two lists of prices, {unit: decimal text}, as one clause: `input tokens 0.54 → 0.95`."""
    return "; ".join(f"{name} {before} → {after}" for name, before, after in _prices(old, new))


def _prices(old: Any, new: Any) -> tuple[tuple[str, str, str], ...]:
    before, after = (value if isinstance(value, dict) else {} for value in (old, new))
    return tuple(
        (unit_name(unit), _amount(before.get(unit)), _amount(after.get(unit)))
        for unit in {**before, **after}
    )


def _removal(change: PendingChange, today: date) -> Consequence:
    absence = absence_of(change.assertion.source)
    if not change.old:
        return Consequence("delisted" if absence == "news" else "leaves the feed")
    words = iso_day(change.old)
    # a row whose own day has come has ended, and a price list that drops a row says nothing of the
    # model
    if absence == "nothing" or str(change.old) <= today.isoformat():
        return Consequence("leaves the feed", note=f"its date was {words}")
    return Consequence("delisted", note=f"its date, {words}, would be removed")


def _amount(value: Any) -> str:
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
        """`38 removals, three dates and one price`."""
        return join_names(
            [
                count_of(n, one)
                for n, one in (
                    (self.n_removals, "removal"),
                    (self.n_dates, "date"),
                    (self.n_prices, "price"),
                )
                if n
            ]
        )

    @property
    def where(self) -> str:
        """`38 of 41 are of Azure`; empty where there is no more than one provider."""
        if len(self.by_group) < 2:
            return ""
        name, n = max(self.by_group.items(), key=lambda pair: pair[1])
        return f"{number(n)} of {number(self.n)} are of {name}."

    def yours(self, n_applications: int) -> str:
        """What the reader's own applications would feel."""
        if not n_applications:
            return "No application of yours stands on any of it."
        parts = [
            count_of(self.n_dates_going, "retirement date") + " you rely on would go"
            if self.n_dates_going
            else "",
            count_of(self.n_dates_moving, "retirement date") + " would move"
            if self.n_dates_moving
            else "",
            count_of(self.n_prices_moving, "price") + " would change"
            if self.n_prices_moving
            else "",
        ]
        applications = count_of(n_applications, "application")
        head = (
            f"{applications.capitalize()} of yours {'stands' if n_applications == 1 else 'stand'} "
            f"on {as_word(self.n_relied)} of {'these' if self.n > 1 else 'them'}"
        )
        said = [part for part in parts if part]
        return f"{head}: {join_names(said)}." if said else f"{head}."


def count_changes(
    changes: Collection[PendingChange], *, reach: Mapping[int, int], today: date
) -> ChangeCounts:
    """Count changes; `reach` is {claim id: applications of the user}."""
    relied = [change for change in changes if reach.get(change.assertion.pk)]
    iso = today.isoformat()
    return ChangeCounts(
        n=len(changes),
        n_removals=sum(change.what == "removal" for change in changes),
        n_dates=sum(change.what == "date" for change in changes),
        n_prices=sum(change.what == "price" for change in changes),
        n_relied=len(relied),
        n_dates_going=sum(
            change.what != "price" and change.new is None and str(change.old or "") > iso
            for change in relied
        ),
        n_dates_moving=sum(change.what == "date" and change.new is not None for change in relied),
        n_prices_moving=sum(change.what == "price" for change in relied),
        by_group=Counter(group_name(change) for change in changes),
    )


def group_name(change: PendingChange) -> str:
    """The provider a change is counted under, by its name where an offering of its tells it."""
    group, offering = change.assertion.group, change.offering
    if offering is not None and offering.host.slug == group:
        return offering.host.name
    return group or "no provider"


def names_of(changes: Collection[PendingChange]) -> str:
    """The providers concerned, those with most changes first."""
    return join_names(
        [name for name, _ in Counter(group_name(change) for change in changes).most_common()]
    )


def pending_headline(name: str, found: ChangeCounts) -> Headline:
    """The head of the page about what is held."""
    if not found.n:
        return Headline(f"Nothing of {name} waits for a decision.")
    return Headline(
        "",
        f"{count_of(found.n, 'change').capitalize()} of {name}",
        f" {'waits' if found.n == 1 else 'wait'} for a decision: {found.parts}.",
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
