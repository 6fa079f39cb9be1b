"""Disagreements: sources that contradict each other about the retirement of an offering.

The rule (`is_contradiction`) is plain Python. The list (`disagreements`) shows a contradiction from
its first moment; claims/disagreement_events.py decides when it is reported. docs/feeds.md describes
it for users.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Literal

from django.db import connection

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.catalog.claims.precedence import (
    MANUAL,
    UNMARKED,
    SourceClaim,
    precedence,
    strongest_claim,
)
from apps.catalog.claims.reconciliation import BUILT_IN, standing_claims
from apps.catalog.claims.values import retires_on
from apps.catalog.ingestion.change_detection.records import LIFECYCLE
from apps.catalog.models import Assertion, Offering, Source
from apps.common.time import day_of, now

# Two dates this close are one date in two time zones; no measured pair differed by one day.
DATE_TOLERANCE = timedelta(days=1)
# How long a contradiction lasts before it is reported.
NEWS_HOLD = timedelta(days=7)
# Days that passed this long ago no longer need a decision.
PAST_AFTER = timedelta(days=365)

DISAGREEMENT_KIND = "disagreement"
type State = Literal["open", "decided", "past"]


# --- the rule -------------------------------------------------------------------------------------


def is_contradiction(a: SourceClaim, b: SourceClaim) -> bool:
    """Return whether two claims about one offering cannot both be true.

    Two announced dates that differ contradict each other; an announced date contradicts an earliest
    date that it comes before. An announced date after an earliest date does not, nor do two
    earliest dates: each is a lower bound. A claim without a date, or with a newer value on hold,
    contradicts no other. If a source cannot mark earliest dates, call `with_true_date_kinds` first.
    """
    first, second = retires_on(a.value), retires_on(b.value)
    if a.source == b.source or a.in_doubt or b.in_doubt or first is None or second is None:
        return False
    if abs(first - second) <= DATE_TOLERANCE:
        return False
    if is_soft(a):
        return not is_soft(b) and second < first
    return not is_soft(b) or first < second


def is_soft(source_claim: SourceClaim) -> bool:
    return bool(source_claim.value.get("date_kind") == NOT_BEFORE)


def with_true_date_kinds(source_claims: Iterable[SourceClaim]) -> list[SourceClaim]:
    """Return the claims with their true kind of date: that of a source that cannot mark earliest
    dates becomes an earliest date if another source gives the same date as the earliest, for this
    offering or for the same model elsewhere."""
    source_claims = list(source_claims)
    earliest_dates = {
        source_claim.value.get("retires_on")
        for source_claim in source_claims
        if is_soft(source_claim)
    } - {None}
    return [
        replace(source_claim, value={**source_claim.value, "date_kind": NOT_BEFORE})
        if source_claim.source in UNMARKED
        and (source_claim.soft_elsewhere or source_claim.value.get("retires_on") in earliest_dates)
        else source_claim
        for source_claim in source_claims
    ]


def precedence_reason(winner: SourceClaim, loser: SourceClaim, name: str, other_name: str) -> str:
    """Return in a clause why `winner` applies and `loser` does not; the names are those of their
    sources."""
    if winner.source == MANUAL:
        return "a manual override outranks every feed"
    if winner.own_page != loser.own_page:
        return f"{name} is the host's own page, which outranks other sources about that host"
    if winner.trust_rank > loser.trust_rank and is_soft(loser) and not is_soft(winner):
        return f"an announced date that respects the earliest retirement of {other_name}"
    if winner.trust_rank != loser.trust_rank:
        return (
            f"{name} (priority {winner.trust_rank}) has a higher priority than {other_name} "
            f"(priority {loser.trust_rank})"
        )
    if (winner.value.get("date_kind") == FIRM) != (loser.value.get("date_kind") == FIRM):
        return "both have the same priority, and an announced date outranks an earliest date"
    if winner.first_party != loser.first_party:
        return "both have the same priority, and the host outranks a gateway"
    if winner.changed_at != loser.changed_at:
        return f"both have the same priority, and the value of {name} is newer"
    return f"both have the same priority, and {name} was recorded first"


# --- the list -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DisagreementSide:
    """The strongest claim of one source about the offering. `speaker` is the slug of the source, or
    of the feed that the built-in catalogue replaces; `source_claim.value` has the true kind of
    date. `since` is the time since which the source has had this date: a new successor or notice
    text does not make the date a new one."""

    speaker: str
    name: str
    claim: Assertion
    source_claim: SourceClaim
    since: datetime

    @property
    def day(self) -> date | None:
        return retires_on(self.source_claim.value)

    @property
    def is_soft(self) -> bool:
        return self.day is not None and is_soft(self.source_claim)

    @property
    def is_built_in(self) -> bool:
        return self.claim.source.slug == BUILT_IN

    @property
    def full_name(self) -> str:
        return f"{self.name} as in the built-in catalogue" if self.is_built_in else self.name

    @property
    def says(self) -> tuple[str, str]:
        """The speaker and the ISO day of the retirement, which is empty without a date."""
        return self.speaker, self.source_claim.value.get("retires_on", "")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An offering whose retirement is disputed between sources, or by a manual override.

    `sides` are all sources with a claim on its lifecycle, strongest first, without the override,
    which is `by_hand`. `pairs` are the sides that contradict each other. `accepted` is the side
    whose date applies (None if none of them does), and `reason` says why. `since` is the time since
    which they contradict each other.
    """

    offering: Offering
    sides: tuple[DisagreementSide, ...]
    pairs: tuple[tuple[DisagreementSide, DisagreementSide], ...]
    by_hand: DisagreementSide | None
    accepted: DisagreementSide | None
    reason: str
    since: datetime
    at: datetime

    @property
    def n_days(self) -> int:
        """Number of days between the two dates that differ most."""
        return max(abs((a.day - b.day).days) for a, b in self.pairs if a.day and b.day)

    @property
    def is_new(self) -> bool:
        """Whether the contradiction is so recent that one source might only be late to follow the
        other."""
        return self.at - self.since < NEWS_HOLD

    @property
    def state(self) -> State:
        if self.by_hand is not None:
            return "decided"
        days = [side.day for pair in self.pairs for side in pair if side.day]
        return "past" if max(days) < day_of(self.at) - PAST_AFTER else "open"

    @property
    def speakers(self) -> tuple[str, ...]:
        """Slugs of all sources that contradict another one."""
        return tuple(dict.fromkeys(side.speaker for pair in self.pairs for side in pair))

    def stands_against(self, side: DisagreementSide) -> bool:
        """Return whether `side` contradicts the accepted side, or any side if none is accepted."""
        opposing_sides = [self.accepted] if self.accepted else list(self.sides)
        return any(
            is_contradiction(side.source_claim, opposing_side.source_claim)
            for opposing_side in opposing_sides
        )


def disagreements(
    offering_ids: Collection[int] | None = None,
    *,
    open_only: bool = True,
    at: datetime | None = None,
) -> list[Disagreement]:
    """Return source disagreements by offering ID: among these offerings, or all; seven statements.

    `open_only` leaves out decisions of users, and dates more than a year ago on every side.
    Offerings have their host loaded, claims their source and author.
    """
    moment = at or now()
    candidates = _offerings_with_different_dates(offering_ids)
    if not candidates:
        return []
    source_claims, _ = standing_claims(candidates, LIFECYCLE)
    claim_ids = [
        source_claim.claim_id for group in source_claims.values() for source_claim in group
    ]
    claims = Assertion.objects.select_related("source", "asserted_by").in_bulk(claim_ids)
    names = dict(Source.objects.order_by().values_list("slug", "name"))
    claimed_since = _dates_claimed_since(claim_ids)
    offerings = Offering.objects.select_related("host").in_bulk(candidates)
    results = (
        _build_disagreement(
            offerings[pk], source_claims.get(pk, []), claims, claimed_since, names, moment
        )
        for pk in sorted(candidates)
    )
    return [row for row in results if row is not None and (row.state == "open" or not open_only)]


def latest_disagreements(
    offering_ids: Collection[int] | None = None, *, limit: int = 6, at: datetime | None = None
) -> list[Disagreement]:
    """Return the open disagreements that began last, newest first."""
    open_disagreements = disagreements(offering_ids, at=at)
    return sorted(open_disagreements, key=lambda row: (row.since, row.offering.pk), reverse=True)[
        :limit
    ]


def count_by_source(
    offering_ids: Collection[int] | None = None,
    *,
    open_disagreements: Iterable[Disagreement] | None = None,
    at: datetime | None = None,
) -> dict[str, int]:
    """Return {source slug: number of open disagreements in which it takes part}; pass
    `open_disagreements` if they are already loaded."""
    rows = (
        disagreements(offering_ids, at=at)
        if open_disagreements is None
        else [row for row in open_disagreements if row.state == "open"]
    )
    counts = Counter(speaker for row in rows for speaker in row.speakers)
    del counts[MANUAL]
    return dict(counts)


def _offerings_with_different_dates(offering_ids: Collection[int] | None) -> list[int]:
    """Return IDs of offerings whose active claims have dates that differ by more than the
    tolerance: a superset of the disagreements."""
    ids = None if offering_ids is None else list(offering_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT offering_id FROM catalog_assertion
            WHERE topic = 'lifecycle' AND withdrawn_at IS NULL AND offering_id IS NOT NULL
              AND value ->> 'retires_on' IS NOT NULL
              AND (%(among)s::bigint[] IS NULL OR offering_id = ANY (%(among)s::bigint[]))
            GROUP BY offering_id
            -- ISO dates sort as texts; the difference is in days
            HAVING max(value ->> 'retires_on')::date - min(value ->> 'retires_on')::date
                   > %(tolerance)s
            """,
            {"among": ids, "tolerance": DATE_TOLERANCE.days},
        )
        return [row[0] for row in cursor.fetchall()]


# Time since which the claim {0} has had its current date and kind, from its history.
SINCE_SQL = """(
    SELECT min(h.changed_at) FROM catalog_assertionhistory h
    WHERE h.pgh_obj_id = {0}.id AND h.changed_at > coalesce((
        SELECT max(o.changed_at) FROM catalog_assertionhistory o WHERE o.pgh_obj_id = {0}.id
          AND (o.value ->> 'retires_on', o.value ->> 'date_kind')
              IS DISTINCT FROM ({0}.value ->> 'retires_on', {0}.value ->> 'date_kind')),
              '-infinity'))"""


def _dates_claimed_since(claim_ids: Collection[int]) -> dict[int, datetime]:
    with connection.cursor() as cursor:
        since = f"coalesce({SINCE_SQL.format('a')}, a.changed_at)"
        cursor.execute(
            f"SELECT a.id, {since} FROM catalog_assertion a WHERE a.id = ANY (%s)",
            [list(claim_ids)],
        )
        return dict(cursor.fetchall())


def _build_disagreement(
    offering: Offering,
    source_claims: Sequence[SourceClaim],
    claims: Mapping[int, Assertion],
    claimed_since: Mapping[int, datetime],
    names: Mapping[str, str],
    at: datetime,
) -> Disagreement | None:
    """Return the disagreement about one offering; None if no sides contradict each other."""
    by_speaker: dict[str, list[SourceClaim]] = defaultdict(list)
    for source_claim in with_true_date_kinds(
        replace(source_claim, source=_speaker(source_claim, claims))
        for source_claim in source_claims
    ):
        by_speaker[source_claim.source].append(source_claim)
    strongest_claims = [
        best for group in by_speaker.values() if (best := strongest_claim(group)) is not None
    ]
    sides = [
        DisagreementSide(
            source_claim.source,
            names.get(source_claim.source, source_claim.source),
            claims[source_claim.claim_id],
            source_claim,
            claimed_since[source_claim.claim_id],
        )
        for source_claim in sorted(strongest_claims, key=precedence)
    ]
    pairs = tuple(
        (a, b)
        for a, b in combinations(sides, 2)
        if is_contradiction(a.source_claim, b.source_claim)
    )
    if not pairs:
        return None
    accepted = next((side for side in sides if side.claim.pk == offering.lifecycle_claim_id), None)
    return Disagreement(
        offering=offering,
        sides=tuple(side for side in sides if side.speaker != MANUAL),
        pairs=pairs,
        by_hand=next((side for side in sides if side.speaker == MANUAL), None),
        accepted=accepted,
        reason=_explain_reason(accepted, sides, pairs),
        since=min(max(a.since, b.since) for a, b in pairs),
        at=at,
    )


def _speaker(source_claim: SourceClaim, claims: Mapping[int, Assertion]) -> str:
    """Return the slug of the feed that made the claim; the built-in catalogue holds claims of feeds
    that have not been polled yet."""
    return (
        claims[source_claim.claim_id].external_id.partition(":")[0]
        if source_claim.source == BUILT_IN
        else source_claim.source
    )


def _explain_reason(
    accepted: DisagreementSide | None,
    sides: Sequence[DisagreementSide],
    pairs: Sequence[tuple[DisagreementSide, DisagreementSide]],
) -> str:
    """Return why the `accepted` claim applies, as a sentence without a full stop: a user's
    decision, or the rule of precedence by which it beat its strongest opponent. None means that no
    source value applies."""
    if accepted is None:
        return "no source value applies at the moment"
    if accepted.speaker == MANUAL:
        return f"decided by {accepted.claim.asserted_by or 'a user'}: {accepted.claim.reason}"
    opponent = next(
        side for side in sides if side != accepted and any(side in pair for pair in pairs)
    )
    return precedence_reason(
        accepted.source_claim, opponent.source_claim, accepted.name, opponent.full_name
    )
