"""Chooses from all claims the values that apply to an offering, with the reason. Plain Python.

Precedence for a topic: the manual override of a user; then the lifecycle page of the host itself;
then the source with the highest priority; then an announced date over an earliest one; then the
claim of the host's own list; then the newer claim. If that leads to an earliest date, the first
announced date in this order that is not before it applies: a lower bound does not contradict it.
The earliest date of the host's own page is not replaced in that way: a feed that gives a date as
announced without the host has only lost the word "earliest".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, STAGES
from apps.catalog.claims.values import Value, retires_on

MANUAL = "manual"
# Values that no poll can confirm: what users entered, and the built-in catalogue.
UNPOLLED = frozenset({MANUAL, "built-in"})
# How long an announced date that has come waits for a poll of its source that confirms it. An
# outage over a weekend is shorter; nobody waits longer for the word "retired" than until then.
CONFIRMATION_LIMIT = timedelta(days=3)
# Kind of the sources that are a host's own lifecycle page. All rows of such a source are about its
# host.
OWN_PAGE = "page"
# Sources that do not mark earliest dates as such (measured: 5 of 19 earliest dates in November
# 2026).
UNMARKED = frozenset({"litellm"})
_STAGE_ORDER = {stage: place for place, stage in enumerate(STAGES)}
# Stages beside the lifecycle, which a source can give as the status of an offering.
_STAGES_BESIDE = frozenset({"closed_to_new", "training_ended", "extended_access"})
_LIFECYCLE_OF = {
    "preview": "preview",
    "active": "active",
    "legacy": "legacy",
    "deprecated": "deprecated",
    "closed_to_new": "legacy",
    "extended_access": "legacy",
}


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """One current claim about one offering.

    `first_party` is True if the source is the host's own list; `own_page` if it is the page on
    which the host itself announces retirements; `in_doubt` if the source has a newer value that is
    on hold; `soft_elsewhere` if another claim gives its announced date as an earliest date for the
    same model on any host.
    """

    claim_id: int
    source: str
    trust_rank: int
    value: Value
    changed_at: datetime
    first_party: bool = True
    in_doubt: bool = False
    soft_elsewhere: bool = False
    own_page: bool = False


@dataclass(frozen=True, slots=True)
class SettledStage:
    """A stage of an offering with the claim that it comes from; `starts_on` is None if its first
    day is not stated."""

    stage: str
    starts_on: date | None
    date_kind: str
    claim_id: int

    def has_begun(self, today: date) -> bool:
        return self.starts_on is None or (self.date_kind == FIRM and self.starts_on <= today)


@dataclass(frozen=True, slots=True)
class SettledRegion:
    """The retirement of an offering in one region, with the claim that it comes from."""

    region: str
    retires_on: date | None
    date_kind: str
    claim_id: int


@dataclass(frozen=True, slots=True)
class SettledLifecycle:
    """The lifecycle columns of an offering, and the claim they come from (None without claims).

    `successor_id` is the offering that a manual value names as the successor; `due_status` is a
    `DueStatus`, or empty. `stages` and `regions` can come from other claims, since most sources
    state neither."""

    claim_id: int | None
    lifecycle: str
    announced_on: date | None
    retires_on: date | None
    date_kind: str
    replacement_text: str
    successor_id: int | None = None
    due_status: str = ""
    retires_month: str = ""
    stages: tuple[SettledStage, ...] = ()
    regions: tuple[SettledRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownRetirement:
    """What an offering was known as before: lifecycle, retirement date and `DueStatus`."""

    lifecycle: str
    retires_on: date | None
    due_status: str


def source_rank(trust_rank: int, *, own_page: bool) -> tuple[bool, int]:
    """Return the rank of a source about one host, lowest first: the host's own page, then by
    priority."""
    return not own_page, trust_rank


def precedence(source_claim: SourceClaim) -> tuple[Any, ...]:
    """Return the sort key of a claim, strongest first."""
    return (
        source_claim.source != MANUAL,
        *source_rank(source_claim.trust_rank, own_page=source_claim.own_page),
        source_claim.value.get("date_kind") != FIRM,
        not source_claim.first_party,
        -source_claim.changed_at.timestamp(),
        source_claim.claim_id,
    )


def strongest_claim(source_claims: Iterable[SourceClaim]) -> SourceClaim | None:
    """Return the claim that applies: the strongest with a retirement date, otherwise the strongest.
    A source without a date does not outrank one with a date, but a manual override does, unless it
    states nothing but stages."""
    ranked_claims = sorted(
        (claim for claim in source_claims if claim.value and not _states_only_stages(claim)),
        key=precedence,
    )
    for rank, source_claim in enumerate(ranked_claims):
        if source_claim.source == MANUAL:
            return source_claim
        day = retires_on(source_claim.value)
        is_earliest = source_claim.value.get("date_kind") == NOT_BEFORE
        if day is not None and is_earliest and not source_claim.own_page:
            return _first_firm(ranked_claims[rank + 1 :], ranked_claims, day) or source_claim
        if day is not None:
            return source_claim
    return ranked_claims[0] if ranked_claims else None


def _states_only_stages(source_claim: SourceClaim) -> bool:
    return source_claim.source == MANUAL and set(source_claim.value) == {"stages"}


def applicable_price_claims(source_claims: Iterable[SourceClaim]) -> list[SourceClaim]:
    """Return the price claims that apply together: the manual one for the prices that it states,
    then the strongest of the other sources for the rest."""
    source_claims = [source_claim for source_claim in source_claims if source_claim.value]
    manual = [claim for claim in source_claims if claim.source == MANUAL]
    winner = strongest_claim(claim for claim in source_claims if claim.source != MANUAL)
    return [*manual, *([winner] if winner is not None else [])]


def _first_firm(
    weaker_claims: Iterable[SourceClaim], all_claims: Iterable[SourceClaim], bound: date
) -> SourceClaim | None:
    """Return the strongest of `weaker_claims` that has an announced date not before `bound`."""
    all_claims = list(all_claims)
    for source_claim in weaker_claims:
        day = retires_on(source_claim.value)
        firm = source_claim.value.get("date_kind") == FIRM and not is_soft_by_others(
            source_claim, all_claims
        )
        if firm and day is not None and day >= bound:
            return source_claim
    return None


def is_soft_by_others(source_claim: SourceClaim, source_claims: Iterable[SourceClaim]) -> bool:
    """Return whether an announced date from a source that cannot mark earliest dates is an earliest
    date: another source gives the same date as the earliest."""
    return source_claim.source in UNMARKED and (
        source_claim.soft_elsewhere
        or any(
            other_claim.value.get("date_kind") == NOT_BEFORE
            and retires_on(other_claim.value) == retires_on(source_claim.value)
            for other_claim in source_claims
        )
    )


def choose_lifecycle(
    source_claims: Iterable[SourceClaim],
    today: date,
    *,
    is_listed: bool,
    before: KnownRetirement | None = None,
) -> SettledLifecycle:
    """Return the lifecycle on `today`. `is_listed` says whether any source still lists the
    offering. `before` is the known state of the offering; without one, a date that has come counts
    as confirmed."""
    source_claims = list(source_claims)
    source_claim = strongest_claim(source_claims)
    if source_claim is None:
        stages = choose_stages(source_claims)
        lifecycle = _lifecycle_stage("", stages, today) or ("active" if is_listed else "unknown")
        return SettledLifecycle(None, lifecycle, None, None, "", "", stages=stages)
    value = source_claim.value
    stages = choose_stages(source_claims)
    end = retires_on(value)
    announced_on = value.get("announced_on")
    kind = value.get("date_kind", "") if end else ""
    if kind == FIRM and is_soft_by_others(source_claim, source_claims):
        kind = NOT_BEFORE
    due_status = ""
    if end is not None and kind == FIRM:
        lifecycle, due_status = _state_of_date(source_claim, end, today, before)
    elif stage := _lifecycle_stage(value.get("status", ""), stages, today):
        lifecycle = stage
    elif value.get("status") == "retired" and end is None:
        lifecycle = "retired"
    else:
        lifecycle = "active" if is_listed else "unknown"
    return SettledLifecycle(
        claim_id=source_claim.claim_id,
        lifecycle=lifecycle,
        announced_on=date.fromisoformat(announced_on) if announced_on else None,
        retires_on=end,
        date_kind=kind,
        replacement_text=str(value.get("successor", ""))[:300],
        successor_id=value.get("successor_id") if source_claim.source == MANUAL else None,
        due_status=due_status,
        retires_month=value.get("retires_month", "") if kind == NOT_BEFORE else "",
        stages=stages,
        regions=_choose_regions(source_claims),
    )


def _state_of_date(
    source_claim: SourceClaim, end: date, today: date, before: KnownRetirement | None
) -> tuple[str, str]:
    """Return (lifecycle, `DueStatus`) of an offering with the announced date `end`.

    Only a poll confirms a date that has come (ingestion/due_changes.py): until then it is due. What
    was called retired for this date stays so."""
    # a date for which its own source has a newer value on hold does not retire the offering
    if end > today or source_claim.in_doubt:
        return "deprecated", ""
    if before is None or source_claim.source in UNPOLLED:
        return "retired", ""
    known_status = before.due_status if before.retires_on == end else ""
    was_retired = before.lifecycle == "retired" and before.retires_on == end
    if was_retired or source_claim.value.get("status") == "retired":
        return "retired", known_status
    if end + CONFIRMATION_LIMIT <= today:
        return "retired", known_status
    return "deprecated", known_status or "unconfirmed"


def choose_stages(source_claims: Iterable[SourceClaim]) -> tuple[SettledStage, ...]:
    """Return the stages that any claim states, each as the strongest claim with it does, and with a
    first day rather than without. The retirement has columns of its own."""
    settled: dict[str, SettledStage] = {}
    for source_claim in sorted(source_claims, key=precedence):
        value = source_claim.value
        lines = [*value.get("stages", ())]
        if value.get("status") in _STAGES_BESIDE and all(
            line[0] != value["status"] for line in lines
        ):
            lines.append([value["status"], None, ""])
        for stage, day, date_kind in lines:
            known = settled.get(stage)
            if stage != "retired" and (known is None or (known.starts_on is None and day)):
                starts_on = date.fromisoformat(day) if day else None
                settled[stage] = SettledStage(stage, starts_on, date_kind, source_claim.claim_id)
    return tuple(sorted(settled.values(), key=lambda row: _STAGE_ORDER[row.stage]))


def _lifecycle_stage(status: str, stages: Iterable[SettledStage], today: date) -> str:
    """Return the lifecycle of an offering without an announced date: the last of the status and of
    the stages with a first day that has come; empty if none is stated. An offering that is closed
    to new customers, or in extended access, is legacy."""
    reached = [_LIFECYCLE_OF.get(status, "")]
    reached += [
        _LIFECYCLE_OF.get(row.stage, "")
        for row in stages
        if row.starts_on is not None and row.has_begun(today)
    ]
    return max(filter(None, reached), key=lambda stage: _STAGE_ORDER[stage], default="")


def _choose_regions(source_claims: Iterable[SourceClaim]) -> tuple[SettledRegion, ...]:
    """Return the retirements by region of the strongest claim that states them."""
    for source_claim in sorted(source_claims, key=precedence):
        if regions := source_claim.value.get("regions"):
            return tuple(
                SettledRegion(
                    region, date.fromisoformat(day) if day else None, kind, source_claim.claim_id
                )
                for region, (day, kind) in sorted(regions.items())
            )
    return ()
