"""Where sources contradict each other about when an offering ends: the rule, the list, and the event.

The rule (`contradict`) is plain Python. The list (`disagreements`) shows a contradiction from its first moment. It
becomes an event only once it has stood for `HOLD`: sources follow each other's moves within days, and a difference
over time is a move, no disagreement. docs/feeds.md tells users about it.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Literal

from django.db import connection, transaction

from apps.catalog.claims import FIRM, NOT_BEFORE
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from apps.catalog.observing import LIFECYCLE, Fact
from apps.catalog.settlement import BUILT_IN, catalogue_lock, voices_on
from apps.catalog.settling import MANUAL, UNMARKED, Voice, precedence, strongest
from apps.catalog.values import retires_on
from apps.common.time import day_of, now

# Two days this close are one day told in two time zones; no measured pair differed by one.
TOLERANCE = timedelta(days=1)
# How long a contradiction stands before it is news.
HOLD = timedelta(days=7)
# Days that passed this long ago no longer need a decision.
BYGONE = timedelta(days=365)

KIND = "disagreement"
type State = Literal["open", "decided", "past"]


# --- the rule -----------------------------------------------------------------------------------------------------


def contradict(a: Voice, b: Voice) -> bool:
    """Whether two claims about one offering cannot both be true.

    Two firm days that differ do; a firm day does with a "not before" day that it comes before. A firm day after a
    "not before" day does not, nor do two soft days: each is a lower bound. A claim without a day, or one in doubt at
    its own source, contradicts nobody. Where a source cannot mark soft days, call `understood` first.
    """
    first, second = retires_on(a.value), retires_on(b.value)
    if a.source == b.source or a.in_doubt or b.in_doubt or first is None or second is None:
        return False
    if abs(first - second) <= TOLERANCE:
        return False
    if is_soft(a):
        return not is_soft(b) and second < first
    return not is_soft(b) or first < second


def is_soft(voice: Voice) -> bool:
    return bool(voice.value.get("date_kind") == NOT_BEFORE)


def understood(voices: Iterable[Voice]) -> list[Voice]:
    """The claims with their true kind of day: one of a source that cannot mark soft days is soft where another
    source gives that very day as soft, for this offering or for the same model elsewhere."""
    voices = list(voices)
    soft = {voice.value.get("retires_on") for voice in voices if is_soft(voice)} - {None}
    return [
        replace(voice, value={**voice.value, "date_kind": NOT_BEFORE})
        if voice.source in UNMARKED and (voice.soft_elsewhere or voice.value.get("retires_on") in soft)
        else voice
        for voice in voices
    ]


def why(winner: Voice, other: Voice, name: str, other_name: str) -> str:
    """Why `winner` counts and `other` does not, in a clause; the names are of their sources."""
    if winner.source == MANUAL:
        return "a person's word outranks every feed"
    if winner.trust_rank > other.trust_rank and is_soft(other) and not is_soft(winner):
        return f"a firm date that respects the 'not before' of {other_name}"
    if winner.trust_rank != other.trust_rank:
        return f"{name} (rank {winner.trust_rank}) is trusted more than {other_name} (rank {other.trust_rank})"
    if (winner.value.get("date_kind") == FIRM) != (other.value.get("date_kind") == FIRM):
        return "both are trusted alike; a firm date counts before a 'not before' date"
    if winner.first_party != other.first_party:
        return "both are trusted alike; the host's own word counts before a router's"
    if winner.changed_at != other.changed_at:
        return f"both are trusted alike; what {name} says is newer"
    return f"both are trusted alike; {name} was on record first"


# --- the list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says about the offering: its strongest claim. `speaker` is the slug of the source, of the feed
    itself where the built-in catalogue stands in for it; `voice.value` has the true kind of day. `since` is the
    moment from which it has said this day: a new successor or notice text does not make the day a new one."""

    speaker: str
    name: str
    claim: Assertion
    voice: Voice
    since: datetime

    @property
    def day(self) -> date | None:
        return retires_on(self.voice.value)

    @property
    def is_soft(self) -> bool:
        return self.day is not None and is_soft(self.voice)

    @property
    def is_built_in(self) -> bool:
        return self.claim.source.slug == BUILT_IN

    @property
    def full_name(self) -> str:
        return f"{self.name} as the built-in catalogue has it" if self.is_built_in else self.name

    @property
    def says(self) -> tuple[str, str]:
        """(speaker, ISO day or empty)."""
        return self.speaker, self.voice.value.get("retires_on", "")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One offering about whose end sources contradict each other, or a person contradicts a source.

    `sides` are all sources with a claim on its lifecycle, strongest first, without the person; `by_hand` is the
    person's word. `pairs` are those that contradict each other. `accepted` is the side the settled day rests on (None
    while none of them counts), `reason` says why it does. `since` is the moment from which they contradict.
    """

    offering: Offering
    sides: tuple[Side, ...]
    pairs: tuple[tuple[Side, Side], ...]
    by_hand: Side | None
    accepted: Side | None
    reason: str
    since: datetime
    at: datetime

    @property
    def n_days(self) -> int:
        """Days between the two that lie furthest apart."""
        return max(abs((a.day - b.day).days) for a, b in self.pairs if a.day and b.day)

    @property
    def is_new(self) -> bool:
        """So young that one source may only be late to follow the other."""
        return self.at - self.since < HOLD

    @property
    def state(self) -> State:
        if self.by_hand is not None:
            return "decided"
        days = [side.day for pair in self.pairs for side in pair if side.day]
        return "past" if max(days) < day_of(self.at) - BYGONE else "open"

    @property
    def speakers(self) -> tuple[str, ...]:
        """The slugs of all sources that contradict another."""
        return tuple(dict.fromkeys(side.speaker for pair in self.pairs for side in pair))

    def stands_against(self, side: Side) -> bool:
        """Whether `side` contradicts the one accepted; any other where nothing is."""
        others = [self.accepted] if self.accepted else list(self.sides)
        return any(contradict(side.voice, other.voice) for other in others)


def disagreements(
    offering_ids: Collection[int] | None = None, *, open_only: bool = True, at: datetime | None = None
) -> list[Disagreement]:
    """Where sources disagree, by offering id: among these offerings, or all; seven statements, whatever their number.

    `open_only` leaves out what a person has decided, and what lies more than a year back on every side. Offerings
    have their host loaded, claims their source and author.
    """
    moment = at or now()
    candidates = _with_different_days(offering_ids)
    if not candidates:
        return []
    voices, _ = voices_on(candidates, LIFECYCLE)
    spoken = [voice.claim_id for found in voices.values() for voice in found]
    claims = Assertion.objects.select_related("source", "asserted_by").in_bulk(spoken)
    names = dict(Source.objects.order_by().values_list("slug", "name"))
    began = _said_since(spoken)
    offerings = Offering.objects.select_related("host").in_bulk(candidates)
    found = (_about(offerings[pk], voices.get(pk, []), claims, began, names, moment) for pk in sorted(candidates))
    return [row for row in found if row is not None and (row.state == "open" or not open_only)]


def latest_disagreements(
    offering_ids: Collection[int] | None = None, *, limit: int = 6, at: datetime | None = None
) -> list[Disagreement]:
    """The open ones that began last, newest first."""
    found = disagreements(offering_ids, at=at)
    return sorted(found, key=lambda row: (row.since, row.offering.pk), reverse=True)[:limit]


def count_by_source(
    offering_ids: Collection[int] | None = None,
    *,
    found: Iterable[Disagreement] | None = None,
    at: datetime | None = None,
) -> dict[str, int]:
    """{source slug: open disagreements it takes part in}; pass `found` where they are at hand already."""
    rows = disagreements(offering_ids, at=at) if found is None else [row for row in found if row.state == "open"]
    counts = Counter(speaker for row in rows for speaker in row.speakers)
    del counts[MANUAL]
    return dict(counts)


def _with_different_days(offering_ids: Collection[int] | None) -> list[int]:
    """Offerings about which standing claims name days further apart than the tolerance: a superset."""
    among = None if offering_ids is None else list(offering_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT offering_id FROM catalog_assertion
            WHERE topic = 'lifecycle' AND withdrawn_at IS NULL AND offering_id IS NOT NULL
              AND value ->> 'retires_on' IS NOT NULL
              AND (%(among)s::bigint[] IS NULL OR offering_id = ANY (%(among)s::bigint[]))
            GROUP BY offering_id
            HAVING max(value ->> 'retires_on')::date - min(value ->> 'retires_on')::date > %(tolerance)s
            """,
            {"among": among, "tolerance": TOLERANCE.days},
        )
        return [row[0] for row in cursor.fetchall()]


# The moment from which the claim {0} has named the day and kind it names now, by its history.
_SINCE = """(
    SELECT min(h.changed_at) FROM catalog_assertionhistory h
    WHERE h.pgh_obj_id = {0}.id AND h.changed_at > coalesce((
        SELECT max(o.changed_at) FROM catalog_assertionhistory o WHERE o.pgh_obj_id = {0}.id
          AND (o.value ->> 'retires_on', o.value ->> 'date_kind')
              IS DISTINCT FROM ({0}.value ->> 'retires_on', {0}.value ->> 'date_kind')), '-infinity'))"""


def _said_since(claim_ids: Collection[int]) -> dict[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.id, coalesce({_SINCE.format('a')}, a.changed_at) FROM catalog_assertion a WHERE a.id = ANY (%s)",
            [list(claim_ids)],
        )
        return dict(cursor.fetchall())


def _about(
    offering: Offering,
    voices: Sequence[Voice],
    claims: Mapping[int, Assertion],
    began: Mapping[int, datetime],
    names: Mapping[str, str],
    at: datetime,
) -> Disagreement | None:
    """The disagreement about one offering, or None."""
    by_speaker: dict[str, list[Voice]] = defaultdict(list)
    for voice in understood(replace(each, source=_speaker(each, claims)) for each in voices):
        by_speaker[voice.source].append(voice)
    counting = [best for found in by_speaker.values() if (best := strongest(found)) is not None]
    sides = [
        Side(voice.source, names.get(voice.source, voice.source), claims[voice.claim_id], voice, began[voice.claim_id])
        for voice in sorted(counting, key=precedence)
    ]
    pairs = tuple((a, b) for a, b in combinations(sides, 2) if contradict(a.voice, b.voice))
    if not pairs:
        return None
    accepted = next((side for side in sides if side.claim.pk == offering.lifecycle_claim_id), None)
    return Disagreement(
        offering=offering,
        sides=tuple(side for side in sides if side.speaker != MANUAL),
        pairs=pairs,
        by_hand=next((side for side in sides if side.speaker == MANUAL), None),
        accepted=accepted,
        reason=_reason(accepted, sides, pairs),
        since=min(max(a.since, b.since) for a, b in pairs),
        at=at,
    )


def _speaker(voice: Voice, claims: Mapping[int, Assertion]) -> str:
    """The feed whose word it is: the built-in catalogue says what a feed said that has not been polled yet."""
    return claims[voice.claim_id].external_id.partition(":")[0] if voice.source == BUILT_IN else voice.source


def _reason(accepted: Side | None, sides: Sequence[Side], pairs: Sequence[tuple[Side, Side]]) -> str:
    if accepted is None:
        return "no source's claim counts at the moment"
    if accepted.speaker == MANUAL:
        return f"decided by {accepted.claim.asserted_by or 'a person'}: {accepted.claim.reason}"
    other = next(side for side in sides if side != accepted and any(side in pair for pair in pairs))
    return why(accepted.voice, other.voice, accepted.name, other.full_name)


# --- the event ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A contradiction that has stood long enough to be told. `claim_ids` holds both claims, that of `source` first."""

    source: Source
    fact: Fact
    offering_id: int
    claim_ids: tuple[int, int]
    key: str


def disagreement_key(offering_id: int, one: tuple[str, str], other: tuple[str, str]) -> str:
    """The event's key, from (source slug, ISO day) of both sides; the same whichever side is named first."""
    parts = [KIND, offering_id, *sorted([list(one), list(other)])]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def due_disagreements(*, at: datetime, read_at: Mapping[int, datetime]) -> list[Due]:
    """The contradictions that have become news by `at`; one statement when there are none.

    `read_at` is {source id: observation time of its last good poll}. A pair is due once both days have stood
    unchanged for `HOLD` and both sources have been read after that: a feed that nobody reads proves nothing. The
    source is the one whose day changed last, the moment that at which the pair became old enough.

    No news: what a person has decided, what the first observation of a source brought, days that had both come by
    then, and two days of one offering that were told before, whoever names them now.
    """
    found = _ripe(at, read_at)
    if not found:
        return []
    due: dict[tuple[int, str, str], Due] = {}
    for row in disagreements({offering_id for offering_id, _, _ in found}, at=at):
        ripe = {frozenset(pair) for offering_id, *pair in found if offering_id == row.offering.pk}
        for a, b in row.pairs:
            if frozenset((a.claim.pk, b.claim.pk)) in ripe:
                told = _due(row, a, b)
                old, new = sorted((told.fact.old, told.fact.new))
                due.setdefault((row.offering.pk, old, new), told)
    return sorted(due.values(), key=lambda each: (each.fact.detected_at, each.offering_id))


@transaction.atomic
def raise_disagreements(*, at: datetime, read_at: Mapping[int, datetime]) -> list[ProviderEvent]:
    """Insert the events that are due, with both claims as evidence. Safe to repeat, and to run twice at once."""
    if not due_disagreements(at=at, read_at=read_at):
        return []
    catalogue_lock()
    due = {each.key: each for each in due_disagreements(at=at, read_at=read_at)}
    for key in ProviderEvent.objects.filter(key__in=due).values_list("key", flat=True):
        del due[key]
    events = ProviderEvent.objects.bulk_create(
        [
            ProviderEvent(
                key=key,
                kind=each.fact.kind,
                source=each.source,
                external_id=each.fact.external_id,
                offering_id=each.offering_id,
                old=each.fact.old,
                new=each.fact.new,
                effective_on=each.fact.effective_on,
                detected_at=each.fact.detected_at,
            )
            for key, each in due.items()
        ]
    )
    evidence = ProviderEvent.evidence.through
    evidence.objects.bulk_create(
        evidence(providerevent_id=event.pk, assertion_id=claim_id)
        for event, each in zip(events, due.values(), strict=True)
        for claim_id in each.claim_ids
    )
    return events


def _due(row: Disagreement, a: Side, b: Side) -> Due:
    other, later = sorted((a, b), key=lambda side: (side.since, side.claim.pk))
    fact = Fact(
        kind=KIND,
        external_id=later.claim.external_id,
        topic=LIFECYCLE,
        old=other.says[1],
        new=later.says[1],
        effective_on=row.offering.retires_on,
        detected_at=later.since + HOLD,
    )
    return Due(
        source=later.claim.source,
        fact=fact,
        offering_id=row.offering.pk,
        claim_ids=(later.claim.pk, other.claim.pk),
        key=disagreement_key(row.offering.pk, other.says, later.says),
    )


def _ripe(at: datetime, read_at: Mapping[int, datetime]) -> list[tuple[int, int, int]]:
    """(offering, claim, claim) of pairs that are old enough, read since and not told yet; `contradict` and the
    precedence within each source are still to be asked."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH said AS MATERIALIZED (
                SELECT a.id, a.offering_id, a.source_id, a.external_id, a.changed_at, a.value, r.read_at,
                       a.value ->> 'retires_on' AS day, a.value ->> 'date_kind' = 'firm' AS firm
                FROM catalog_assertion a
                JOIN unnest(%(sources)s::bigint[], %(moments)s::timestamptz[]) AS r(source_id, read_at)
                  ON r.source_id = a.source_id
                WHERE a.topic = 'lifecycle' AND a.withdrawn_at IS NULL AND a.offering_id IS NOT NULL
                  AND a.pending_since IS NULL AND a.value ->> 'retires_on' IS NOT NULL
            ),
            pair AS (
                SELECT x.offering_id, x.id AS x_id, y.id AS y_id, x.day AS x_day, y.day AS y_day,
                       x.source_id AS x_source, y.source_id AS y_source, x.external_id AS x_row, y.external_id AS y_row,
                       {_SINCE.format("x")} AS x_since, {_SINCE.format("y")} AS y_since,
                       least(x.read_at, y.read_at) AS read_at
                FROM said x JOIN said y ON y.offering_id = x.offering_id AND y.source_id <> x.source_id
                -- the earlier day is firm, so that the later one, of whichever kind, contradicts it
                WHERE x.firm AND x.day::date + %(tolerance)s < y.day::date
            ),
            met AS (
                SELECT pair.*, greatest(x_since, y_since) AS since,
                       greatest(x_since, y_since) + make_interval(days => %(hold_days)s) AS due_at,
                       CASE WHEN x_since > y_since THEN x_source ELSE y_source END AS later_source
                FROM pair
            )
            SELECT offering_id, x_id, y_id FROM met
            WHERE due_at <= least(%(at)s, read_at) AND y_day::date > due_at::date
              AND NOT EXISTS (
                SELECT 1 FROM catalog_providerevent e
                WHERE e.offering_id = met.offering_id AND e.kind = 'disagreement'
                  AND (e.old #>> '{{}}', e.new #>> '{{}}') IN ((x_day, y_day), (y_day, x_day)))
              AND NOT EXISTS (
                -- a row that left before its own day may have been taken back
                SELECT 1 FROM catalog_assertion i
                WHERE i.topic = 'identity' AND i.missing_since IS NOT NULL
                  AND ((i.source_id, i.external_id) = (x_source, x_row) AND x_day::date > i.missing_since::date
                    OR (i.source_id, i.external_id) = (y_source, y_row) AND y_day::date > i.missing_since::date))
              AND NOT EXISTS (
                SELECT 1 FROM catalog_assertion m JOIN catalog_source s ON s.id = m.source_id
                WHERE m.offering_id = met.offering_id AND m.topic = 'lifecycle' AND m.withdrawn_at IS NULL
                  AND s.slug = 'manual')
              AND since > (SELECT min(f.first_seen) FROM catalog_assertion f WHERE f.source_id = later_source)
            """,
            {
                "sources": list(read_at),
                "moments": list(read_at.values()),
                "tolerance": TOLERANCE.days,
                "hold_days": HOLD.days,
                "at": at,
            },
        )
        return [(offering_id, one, other) for offering_id, one, other in cursor.fetchall()]
