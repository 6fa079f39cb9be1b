"""Freshness of the catalogue: when its retirement dates were last read, and from which sources.

A gate without current data must not pass a build. Only a source with retirement dates that is read
from outside counts: the built-in catalogue, manual entries and the price list of an installed
package never do, whatever they contain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.catalog.claims.precedence import OWN_PAGE
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.models import Assertion, Offering, ProviderRole, Source
from apps.catalog.models.claims import Topic
from apps.feeds.models import PollState
from apps.feeds.polls.pipeline import MAX_CLOCK_DIFFERENCE

# sources that a refusal names; a longer list would not help its readers
_MAX_NAMED = 4


@dataclass(frozen=True, slots=True)
class SourceReading:
    """The last successful reading of a reliable source of retirement dates."""

    slug: str
    name: str
    read_at: datetime
    valid_until: datetime

    def as_json(self) -> dict[str, str]:
        return {
            "slug": self.slug,
            "name": self.name,
            "read_at": self.read_at.isoformat().replace("+00:00", "Z"),
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The state of the catalogue at a time. `readings` are newest first, including those too old to
    decide by. `refusal` says as sentences why no decision is possible and what to do; it is empty
    if the gate can decide."""

    readings: tuple[SourceReading, ...] = ()
    refusal: str = ""

    @property
    def as_of(self) -> datetime | None:
        """Return the newest time at which retirement dates were read; None without a reliable
        reading."""
        return self.readings[0].read_at if self.readings else None

    @property
    def valid_until(self) -> datetime | None:
        """Return the last time at which these readings permit a decision; None if they permit none
        now."""
        if self.refusal:
            return None
        return max((reading.valid_until for reading in self.readings), default=None)

    @property
    def source_names(self) -> str:
        return ", ".join(reading.name for reading in self.readings)

    @property
    def sources(self) -> list[dict[str, str]]:
        """Return the readings as the response and a stored run name them: slug, name, read_at."""
        return [reading.as_json() for reading in self.readings]


def catalogue_state(*, at: datetime, stale_after_days: int) -> Catalogue:
    """Read how old the retirement dates are: two statements, and one more where nothing can be
    decided."""
    limit = timedelta(days=stale_after_days)
    sources = Source.objects.from_outside().filter(_has_dates("pk")).select_related("poll_state")
    unsorted = [
        reading
        for source in sources
        if (reading := _load_reading(source, at=at, limit=limit)) is not None
    ]
    readings = tuple(
        sorted(unsorted, key=lambda reading: (reading.read_at, reading.slug), reverse=True)
    )
    if not Offering.objects.exists():
        return Catalogue(readings, _EMPTY)
    if any(at <= reading.valid_until for reading in readings):
        return Catalogue(readings)
    return Catalogue(readings, _explain_refusal(at=at, stale_after_days=stale_after_days))


_EMPTY = (
    "The catalogue is empty, so the gate cannot decide. Ask an administrator to run `manage.py "
    "load_catalogue` and to poll a source of retirement dates on the page Feeds."
)


def _select_retirement_dates() -> QuerySet[Assertion]:
    """Select current claims of a date. A gateway's list says when the gateway stops relaying calls,
    and a host's own page speaks of that host: neither says anything about the models of other
    hosts."""
    return (
        Assertion.objects.standing()
        .filter(topic=Topic.LIFECYCLE, value__has_key="retires_on")
        .exclude(offering__host__roles__contains=[ProviderRole.GATEWAY])
        .exclude(source__kind=OWN_PAGE)
    )


def _has_dates(source: str) -> Exists:
    return Exists(_select_retirement_dates().filter(source=OuterRef(source)))


def _load_reading(source: Source, *, at: datetime, limit: timedelta) -> SourceReading | None:
    """Return the reading; None if the source was not read, or what was read is not reliable."""
    state = _poll_state_of(source)
    if state is None or _explain_doubt(source, state, at=at):
        return None
    moment = _last_read_at(state)
    if moment is None:
        return None
    valid_until = moment + limit
    if source.frozen_after_days is not None:
        valid_until = min(valid_until, state.told_until + timedelta(days=source.frozen_after_days))
    # a clock that is minutes fast must not date a reading in the future
    return SourceReading(source.slug, source.name, min(moment, at), valid_until)


def _poll_state_of(source: Source) -> PollState | None:
    state: PollState | None = getattr(source, "poll_state", None)
    return state


def _last_read_at(state: PollState) -> datetime | None:
    return state.last_observed_at or state.last_success_at


def _explain_doubt(source: Source, state: PollState, *, at: datetime) -> str:
    """Return why the last reading does not count whatever its age, as a clause; empty if it
    does."""
    moment = _last_read_at(state)
    if not source.enabled:
        return "disabled"
    if moment is None or state.url.startswith(Source.PACKAGE_SCHEME):
        return "never polled"
    if state.suspect:
        return "on hold, needs review"
    if moment - at > MAX_CLOCK_DIFFERENCE:
        return f"polled with a wrong clock, on {moment:%Y-%m-%d}"
    frozen_after = source.frozen_after_days
    # the source still responds, but its content is no longer updated
    if frozen_after is not None and at - state.told_until > timedelta(days=frozen_after):
        return f"not updating since {state.told_until:%Y-%m-%d}"
    return ""


# --- the refusal ----------------------------------------------------------------------------------


def _explain_refusal(*, at: datetime, stale_after_days: int) -> str:
    """Return why no decision is possible, the state of each source, and how an administrator can
    correct it."""
    days = f"{stale_after_days} {'day' if stale_after_days == 1 else 'days'}"
    head = (
        f"No reliable source of retirement dates was polled within {days}, so the gate cannot "
        "decide"
    )
    sources = list(_select_pollable_sources())
    if not sources:
        return (
            f"{head}. No such source is configured: ask an administrator to run `manage.py "
            "load_catalogue`, which adds them, and then to poll one on the page Feeds."
        )
    source_list = "; ".join(
        f"{source.name}: {_describe_condition(source, at=at)}" for source in sources[:_MAX_NAMED]
    )
    enabled = [source for source in sources if source.enabled]
    slug = (enabled or sources)[0].slug
    enable = "" if enabled else " enable one and"
    return (
        f"{head}. {source_list}. Ask an administrator to{enable} poll one of them, on the page "
        f"Feeds or by `manage.py poll {slug}`."
    )


def _select_pollable_sources() -> Iterable[Source]:
    """Select external sources that have retirement dates, or of which the built-in catalogue has
    some."""
    built_in_claims = _select_retirement_dates().filter(source__slug=BUILT_IN)
    source_slugs = {
        external_id.partition(":")[0]
        for external_id in built_in_claims.values_list("external_id", flat=True)
    }
    return (
        Source.objects.from_outside()
        .filter(Q(_has_dates("pk")) | Q(slug__in=source_slugs))
        .select_related("poll_state")
        .order_by("trust_rank", "name")
    )


def _describe_condition(source: Source, *, at: datetime) -> str:
    state = _poll_state_of(source)
    if state is None:
        return "never polled" if source.enabled else "disabled"
    doubt = _explain_doubt(source, state, at=at)
    moment = _last_read_at(state)
    return doubt or (f"last polled on {moment:%Y-%m-%d}" if moment else "never polled")


__all__ = ["Catalogue", "SourceReading", "catalogue_state"]
