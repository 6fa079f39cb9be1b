"""Scorecard facts as pages show them, today's and those stored with a decision, and where the two
differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.exposure.diligence.scorecard_facts import Scorecard
from apps.web.wording import number, share

# which facts stand together, by their keys; what is in none of them comes last
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("offer", ("independent_hosts", "open_weights", "licence")),
    ("notice", ("promised_notice", "observed_notice", "shortest_notice", "notice_kept")),
    ("moves", ("price_moves", "retired", "ending")),
    (
        "terms",
        (
            "contract",
            "terms",
            "notice_days_theirs",
            "deprecation_notice_days",
            "price_protection",
            "exit_clause",
            "termination_assistance",
            "audit_right",
            "ip_indemnity",
            "training_use",
        ),
    ),
    ("standing", ("annex_items", "status_page", "critical_third_party")),
    ("ours", ("applications", "tested_exits")),
)


@dataclass(frozen=True, slots=True)
class PresentedFact:
    """Fact in words. `text` is empty in a gap, where `why` is the reason; `hidden` if only
    organisation roles can view it; `dormant` if the question does not apply."""

    text: str
    unit: str = ""
    detail: str = ""
    source: str = ""
    url: str = ""
    as_of: date | None = None
    gap: bool = False
    why: str = ""
    hidden: bool = False

    @property
    def is_address(self) -> bool:
        return self.text.startswith(("https://", "http://"))

    @property
    def dormant(self) -> bool:
        return not self.text and not self.gap


@dataclass(frozen=True, slots=True)
class FactRow:
    """Fact of all candidates; `differs` if they do not all agree."""

    key: str
    label: str
    names: tuple[str, ...]
    cells: tuple[PresentedFact, ...]
    differs: bool

    @property
    def named(self) -> list[tuple[str, PresentedFact]]:
        """Return (candidate, what is known of it)."""
        return list(zip(self.names, self.cells, strict=True))


@dataclass(frozen=True, slots=True)
class FactGroup:
    name: str
    rows: tuple[FactRow, ...]


@dataclass(frozen=True, slots=True)
class ThenAndNow:
    """Stored fact beside the same fact of today. `moved` if its value differs, or whether it is
    known."""

    label: str
    then: PresentedFact
    now: PresentedFact | None
    moved: bool


def present_fact(fact: Mapping[str, Any]) -> PresentedFact:
    """Present a fact as `Scorecard.as_json` writes it; `value` in words."""
    as_of = fact.get("as_of")
    why = str(fact.get("why_gap") or "")
    unit = str(fact.get("unit") or "")
    return PresentedFact(
        text="" if fact.get("gap") or fact.get("value") is None else _text(fact["value"], unit),
        unit="" if unit == "share" else unit,
        detail=str(fact.get("detail") or ""),
        source=str(fact.get("source") or ""),
        url=_address(fact),
        as_of=date.fromisoformat(as_of) if isinstance(as_of, str) and as_of else as_of or None,
        gap=bool(fact.get("gap")),
        why=why,
        hidden=bool(fact.get("hidden")),
    )


def side_by_side(cards: Sequence[Mapping[str, Any]]) -> list[FactGroup]:
    """Return cards of one kind as groups of rows, in the order of the candidates."""
    if not cards:
        return []
    facts = [{fact["key"]: fact for fact in card["facts"]} for card in cards]
    rows = {
        key: FactRow(
            key,
            fact["label"],
            tuple(card["name"] for card in cards),
            tuple(present_fact(each[key]) for each in facts),
            differs=len(
                {(_plain(each[key].get("value")), bool(each[key].get("gap"))) for each in facts}
            )
            > 1,
        )
        for key, fact in facts[0].items()
        if all(key in each for each in facts)
    }
    names = group_names()
    grouped = [
        FactGroup(names[group], tuple(rows.pop(key) for key in keys if key in rows))
        for group, keys in _GROUPS
    ]
    return [
        group for group in [*grouped, FactGroup(names["more"], tuple(rows.values()))] if group.rows
    ]


def group_names() -> dict[str, str]:
    return {
        "offer": "Where it is offered",
        "notice": "How long they say so before",
        "moves": "How it moves",
        "terms": "Our terms",
        "standing": "Documents and standing",
        "ours": "What we have on it",
        "more": "Further facts",
    }


def then_and_now(kept: Mapping[str, Any], today: Mapping[str, Any] | None) -> list[ThenAndNow]:
    """Return the stored facts in their order, each with today's; None if today's card does not have
    it any more."""
    current = {fact["key"]: fact for fact in today["facts"]} if today else {}
    found = []
    for fact in kept.get("facts", ()):
        then, other = present_fact(fact), current.get(fact["key"])
        is_now = present_fact(other) if other is not None else None
        moved = (
            other is not None
            and not then.hidden
            and (_plain(fact.get("value")), bool(fact.get("gap")))
            != (_plain(other.get("value")), bool(other.get("gap")))
        )
        found.append(ThenAndNow(fact["label"], then, is_now, moved))
    return found


def n_moved(rows: Iterable[ThenAndNow]) -> int:
    return sum(row.moved for row in rows)


def n_gaps(cards: Iterable[Scorecard]) -> tuple[int, int]:
    """Return (unknown facts, all facts) of several cards; facts that only organisation roles can
    view count as neither."""
    facts = [fact for card in cards for fact in card.facts if not fact.hidden]
    return sum(fact.gap for fact in facts), len(facts)


def _plain(value: Any) -> str:
    """For comparing: a stored number may come back as another type."""
    if isinstance(value, bool) or value is None:
        return str(value)
    return f"{float(value):.6g}" if isinstance(value, int | float) else str(value)


def _text(value: Any, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "none"
    if unit == "share":
        return share(value)
    if isinstance(value, float):
        return number(round(value, 1) if value % 1 else int(value))
    return number(value) if isinstance(value, int) else str(value)


def _address(fact: Mapping[str, Any]) -> str:
    """Where it is said, if that is a page."""
    text = str(fact.get("source_url") or "")
    return text if text.startswith(("https://", "http://")) else ""
