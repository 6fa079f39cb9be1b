"""How well a list of raised events agrees with the truth of a history.

    python -m tests.histories.score TRUTH EVENTS

TRUTH: JSON lines as `truth_lines` writes them; EVENTS: JSON lines as `manage.py replay` prints
them.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tests.histories.truth import Wanted

type Event = Mapping[str, Any]

# Kinds that say nothing anybody is asked to act on; raised or not, they count for nothing.
_SILENT = frozenset({"released"})
_DATED = frozenset({"announced", "moved_earlier", "moved_later"})


@dataclass(slots=True)
class Score:
    """What became of the wanted events and of the raised ones."""

    found: list[tuple[Wanted, Event]] = field(default_factory=list)
    late: list[tuple[Wanted, Event]] = field(default_factory=list)
    early: list[tuple[Wanted, Event]] = field(default_factory=list)
    missed: list[Wanted] = field(default_factory=list)
    neutral: list[Event] = field(default_factory=list)
    false: list[Event] = field(default_factory=list)
    duplicates: list[Event] = field(default_factory=list)

    @property
    def n_wanted(self) -> int:
        return len(self.found) + len(self.late) + len(self.early) + len(self.missed)

    @property
    def found_share(self) -> float:
        return len(self.found) / self.n_wanted if self.n_wanted else 1.0

    @property
    def false_share(self) -> float:
        told = (
            len(self.found)
            + len(self.late)
            + len(self.early)
            + len(self.false)
            + len(self.duplicates)
        )
        return len(self.false) / told if told else 0.0

    @property
    def is_perfect(self) -> bool:
        return not (self.late or self.early or self.missed or self.false or self.duplicates)

    def __str__(self) -> str:
        rows: dict[str, Counter[str]] = {}
        for column in ("found", "late", "early"):
            for wanted, _ in getattr(self, column):
                rows.setdefault(wanted.kind, Counter())[column] += 1
        for wanted in self.missed:
            rows.setdefault(wanted.kind, Counter())["missed"] += 1
        for column in ("neutral", "false", "duplicates"):
            for event in getattr(self, column):
                rows.setdefault(event["kind"], Counter())[column] += 1
        columns = ("found", "late", "early", "missed", "false", "duplicates", "neutral")
        text = [f"{'kind':<14} wanted " + " ".join(f"{column:>10}" for column in columns)]
        for kind, counts in sorted(rows.items()):
            wanted = sum(counts[column] for column in columns[:4])
            text.append(
                f"{kind:<14} {wanted:>6} " + " ".join(f"{counts[column]:>10}" for column in columns)
            )
        text.append(
            f"found {self.found_share:.1%} of {self.n_wanted}; false {self.false_share:.1%} of "
            "what was told"
        )
        for title in ("late", "early"):
            text += [
                f"{title}: {_plain(wanted)} told {event['detected_at']}"
                for wanted, event in getattr(self, title)
            ]
        text += [f"missed: {_plain(wanted)}" for wanted in self.missed]
        text += [f"false: {_line(event)}" for event in self.false]
        text += [f"duplicate: {_line(event)}" for event in self.duplicates]
        return "\n".join(text)


def score(truth: Sequence[Wanted], events: Iterable[Event]) -> Score:
    """Match each raised event with at most one of the truth: same row, kind and new value, nearest
    in time."""
    result = Score()
    open_wanted = list(truth)
    spent: list[Wanted] = []
    pairs: list[tuple[Wanted, Event]] = []
    for event in sorted(events, key=lambda event: event["detected_at"]):
        fits = [wanted for wanted in open_wanted if _fits(wanted, event)]
        if fits:
            best = min(fits, key=lambda wanted: (_distance(wanted, event), wanted.neutral))
            if not best.many:
                open_wanted.remove(best)
            spent.append(best)
            pairs.append((best, event))
        elif any(_fits(wanted, event) for wanted in spent):
            result.duplicates.append(event)
        elif event["kind"] in _SILENT:
            result.neutral.append(event)
        else:
            result.false.append(event)
    for wanted, event in pairs:
        when = _moment(event["detected_at"])
        if wanted.neutral:
            result.neutral.append(event)
        elif when < wanted.earliest:
            result.early.append((wanted, event))
        elif when > wanted.latest:
            result.late.append((wanted, event))
        else:
            result.found.append((wanted, event))
    result.missed = [wanted for wanted in open_wanted if not wanted.neutral]
    return result


def _fits(wanted: Wanted, event: Event) -> bool:
    if event["kind"] != wanted.kind or event["external_id"] not in wanted.external_ids:
        return False
    if wanted.many:
        return wanted.earliest <= _moment(event["detected_at"]) <= wanted.latest
    if wanted.kind == "repriced":
        return _same_prices(wanted.new, event["new"])
    if wanted.kind in _DATED or wanted.kind == "alias_moved":
        return bool(event["new"] == wanted.new)
    if wanted.kind == "retired":
        # two retirements of one row are two days
        return _moment(event["detected_at"]).date() == wanted.earliest.date() or wanted.neutral
    return True


def _same_prices(wanted: Mapping[str, Any], raised: object) -> bool:
    """The units of the truth, no plain unit beyond; lines of other context tiers may stand beside
    them."""
    if not isinstance(raised, Mapping):
        return False
    try:
        plain = {
            unit: Decimal(str(amount))
            for unit, amount in raised.items()
            if str(unit).isidentifier()
        }
    except InvalidOperation:
        return False
    return all(
        unit in plain and abs(plain[unit] - Decimal(str(amount))) <= abs(plain[unit]) / 10**6
        for unit, amount in wanted.items()
    ) and set(plain) <= set(wanted)


def _distance(wanted: Wanted, event: Event) -> float:
    when = _moment(event["detected_at"])
    if when < wanted.earliest:
        return (wanted.earliest - when).total_seconds()
    return max(0.0, (when - wanted.latest).total_seconds())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _plain(wanted: Wanted) -> str:
    new = (
        {unit: str(amount) for unit, amount in wanted.new.items()}
        if isinstance(wanted.new, Mapping)
        else wanted.new
    )
    span = f"{wanted.earliest:%m-%d %H:%M} .. {wanted.latest:%m-%d %H:%M}"
    external_ids = "|".join(sorted(wanted.external_ids))
    return f"{wanted.kind} {external_ids} {wanted.old} -> {new} {span} {wanted.why}".strip()


def _line(event: Event) -> str:
    return (
        f"{event['kind']} {event['external_id']} {event.get('old')} -> {event['new']} "
        f"told {event['detected_at']}"
    )


# --- as files -------------------------------------------------------------------------------------


def truth_lines(truth: Iterable[Wanted]) -> str:
    """The truth as JSON lines."""
    lines = [
        json.dumps(
            {
                "kind": event.kind,
                "external_ids": sorted(event.external_ids),
                "old": event.old,
                "new": event.new,
                "earliest": event.earliest.isoformat(),
                "latest": event.latest.isoformat(),
                "neutral": event.neutral,
                "why": event.why,
                "many": event.many,
            },
            default=str,
        )
        for event in truth
    ]
    return "".join(line + "\n" for line in lines)


def read_truth(text: str) -> list[Wanted]:
    found = []
    for line in text.splitlines():
        entry = json.loads(line)
        found.append(
            Wanted(
                entry["kind"],
                frozenset(entry["external_ids"]),
                entry["new"],
                _moment(entry["earliest"]),
                _moment(entry["latest"]),
                entry["neutral"],
                entry["why"],
                entry["old"],
                entry["many"],
            )
        )
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Compare raised events with the truth of a history."
    )
    parser.add_argument("truth", type=Path)
    parser.add_argument("events", type=Path)
    arguments = parser.parse_args(argv)
    events = [
        json.loads(line) for line in arguments.events.read_text().splitlines() if line.strip()
    ]
    print(score(read_truth(arguments.truth.read_text()), events))


if __name__ == "__main__":
    main()
