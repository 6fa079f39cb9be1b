"""From many claims to one truth per offering, with the reason. Plain Python.

Precedence for a topic: a person's manual value; then the source trusted most; then a firm date over
a soft one; then the claim of the host's own list; then the newer claim. Where that leads to a "not
before" day, the first firm day in this order that respects it counts: a lower bound does not
contradict it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.catalog.claims.values import Value, retires_on

MANUAL = "manual"
# Sources that write "not sooner than" days down like any other (measured: 5 of 19 soft days in
# November 2026).
UNMARKED = frozenset({"litellm"})


@dataclass(frozen=True, slots=True)
class SourceClaim:
    """One current claim about one offering.

    `first_party` is True if the source is the host's own list; `in_doubt` if the source has a newer
    value that is on hold; `soft_elsewhere` if its announced date is, for the same model on any
    host, another claim's earliest date.
    """

    claim_id: int
    source: str
    trust_rank: int
    value: Value
    changed_at: datetime
    first_party: bool = True
    in_doubt: bool = False
    soft_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class SettledLifecycle:
    """The lifecycle columns of an offering, and the claim they come from (None without claims)."""

    claim_id: int | None
    lifecycle: str
    announced_on: date | None
    retires_on: date | None
    date_kind: str
    replacement_text: str


def precedence(voice: SourceClaim) -> tuple[Any, ...]:
    """Sort key, strongest first."""
    return (
        voice.source != MANUAL,
        voice.trust_rank,
        voice.value.get("date_kind") != FIRM,
        not voice.first_party,
        -voice.changed_at.timestamp(),
        voice.claim_id,
    )


def strongest_claim(voices: Iterable[SourceClaim]) -> SourceClaim | None:
    """Return the claim that applies: the strongest with a retirement date, otherwise the strongest.
    A source without a date does not outrank one with a date, but a manual override does."""
    ranked = sorted((voice for voice in voices if voice.value), key=precedence)
    for place, voice in enumerate(ranked):
        if voice.source == MANUAL:
            return voice
        day = retires_on(voice.value)
        if day is not None and voice.value.get("date_kind") == NOT_BEFORE:
            return _first_firm(ranked[place + 1 :], ranked, day) or voice
        if day is not None:
            return voice
    return ranked[0] if ranked else None


def _first_firm(
    weaker: Iterable[SourceClaim], everybody: Iterable[SourceClaim], bound: date
) -> SourceClaim | None:
    """The strongest of `weaker` that names a firm day not before `bound`."""
    everybody = list(everybody)
    for voice in weaker:
        day = retires_on(voice.value)
        firm = voice.value.get("date_kind") == FIRM and not is_soft_by_others(voice, everybody)
        if firm and day is not None and day >= bound:
            return voice
    return None


def is_soft_by_others(voice: SourceClaim, voices: Iterable[SourceClaim]) -> bool:
    """Return whether a date from a source that cannot mark earliest dates is one: another source
    gives that very date as the earliest."""
    return voice.source in UNMARKED and (
        voice.soft_elsewhere
        or any(
            other.value.get("date_kind") == NOT_BEFORE
            and retires_on(other.value) == retires_on(voice.value)
            for other in voices
        )
    )


def choose_lifecycle(
    voices: Iterable[SourceClaim], today: date, *, listed: bool
) -> SettledLifecycle:
    """The lifecycle on `today`. `listed` says whether any source still carries the offering."""
    voices = list(voices)
    voice = strongest_claim(voices)
    if voice is None:
        return SettledLifecycle(None, "active" if listed else "unknown", None, None, "", "")
    value = voice.value
    end = retires_on(value)
    announced = value.get("announced_on")
    kind = value.get("date_kind", "") if end else ""
    if kind == FIRM and is_soft_by_others(voice, voices):
        kind = NOT_BEFORE
    if end is not None and kind == FIRM:
        # a day that its own source no longer stands by does not retire anything
        lifecycle = "retired" if end <= today and not voice.in_doubt else "deprecated"
    elif value.get("status") in {"preview", "active", "legacy", "deprecated"}:
        lifecycle = value["status"]
    elif value.get("status") == "retired" and end is None:
        lifecycle = "retired"
    else:
        lifecycle = "active" if listed else "unknown"
    return SettledLifecycle(
        claim_id=voice.claim_id,
        lifecycle=lifecycle,
        announced_on=date.fromisoformat(announced) if announced else None,
        retires_on=end,
        date_kind=kind,
        replacement_text=str(value.get("successor", ""))[:300],
    )
