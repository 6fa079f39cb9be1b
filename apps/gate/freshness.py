"""How old what the register knows is: a gate that does not know cannot let through."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef

from apps.catalog.models import Assertion, Offering, Source
from apps.catalog.models.claims import Topic
from apps.catalog.settlement import BUILT_IN
from apps.feeds.models import PollState


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`as_of` is the newest moment at which a source that says when models end was read; until one was, the day of the
    built-in catalogue, which speaks for feeds that were never read. None: nothing can be relied on."""

    as_of: datetime | None
    is_empty: bool
    is_stale: bool

    @property
    def refusal(self) -> str:
        """Why nothing can be decided, as a sentence; empty where it can."""
        if self.is_empty:
            return "The register's catalogue is empty, so nothing can be decided. Load it, or poll a source."
        if self.as_of is None:
            return (
                "No source that says when models end can be relied on at the moment, so nothing can be decided. Ask"
                " whoever runs the register to look at its feeds."
            )
        if self.is_stale:
            return (
                f"The register's catalogue is as of {self.as_of:%Y-%m-%d}: no source was read since, so nothing can be"
                " decided. Ask whoever runs the register to look at its feeds."
            )
        return ""


def catalogue_state(*, at: datetime, stale_after_days: int) -> Catalogue:
    """Three statements at most. A source counts that is switched on, not suspect, not frozen, and says when models end:
    prices alone, such as those that come with the product, keep nothing fresh."""
    speaks_of_ends = Assertion.objects.filter(source=OuterRef("source"), topic=Topic.LIFECYCLE)
    states = list(PollState.objects.filter(Exists(speaks_of_ends)).select_related("source"))
    read = [(state, moment) for state in states if (moment := state.last_observed_at or state.last_success_at)]
    as_of = max((moment for state, moment in read if _is_reliable(state, at)), default=None)
    if not read:
        made = Assertion.objects.filter(source__slug=BUILT_IN, topic=Topic.LIFECYCLE)
        as_of = made.aggregate(newest=Max("changed_at"))["newest"]
    if as_of is not None:
        # a feed read with a wrong clock is not fresher than now
        as_of = min(as_of, at)
    is_stale = as_of is None or at - as_of > timedelta(days=stale_after_days)
    return Catalogue(as_of, not Offering.objects.exists(), is_stale)


def _is_reliable(state: PollState, at: datetime) -> bool:
    source = state.source
    if not source.enabled or source.kind in Source.UNPOLLED or state.suspect:
        return False
    # it answers, and nobody keeps it any more
    return source.frozen_after_days is None or at - state.told_until <= timedelta(days=source.frozen_after_days)
