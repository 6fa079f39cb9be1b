"""Scorecard facts as pages show them, today's and those stored with a decision, and where the two
differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, DATA_TERM_FIELDS
from apps.exposure.diligence.offering_facts import PRICE_LABELS, TERM_PREFIX
from apps.exposure.diligence.scorecard_facts import Scorecard
from apps.web.wording import number, share

# prices keep their digits, however small they are
_PRICE_KEYS = tuple(f"price_{unit}" for unit in PRICE_LABELS)
# groups of facts by key; facts without a group come last
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("offer", ("independent_hosts", "open_weights", "licence", "regions")),
    ("price", _PRICE_KEYS),
    ("capabilities", tuple(CAPABILITY_FIELDS)),
    ("data", tuple(f"{TERM_PREFIX}{name}" for name in DATA_TERM_FIELDS)),
    (
        "notice",
        ("promised_notice", "observed_notice", "shortest_notice", "notice_kept", "outages"),
    ),
    ("moves", ("retirement", "price_moves", "retired", "ending")),
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
    """Fact as text. `text` is empty in a gap, with the reason in `why`; `hidden` if only
    organisation roles can view it; `dormant` if it does not apply."""

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
    """Row of one fact for all candidates; `differs` if the values are not all equal."""

    key: str
    label: str
    names: tuple[str, ...]
    cells: tuple[PresentedFact, ...]
    differs: bool

    @property
    def named(self) -> list[tuple[str, PresentedFact]]:
        """Return [(candidate name, fact)]."""
        return list(zip(self.names, self.cells, strict=True))


@dataclass(frozen=True, slots=True)
class FactGroup:
    name: str
    rows: tuple[FactRow, ...]


@dataclass(frozen=True, slots=True)
class FactComparison:
    """Stored fact beside today's. `moved` if the value changed, or whether it is known."""

    label: str
    then: PresentedFact
    now: PresentedFact | None
    moved: bool


def present_fact(fact: Mapping[str, Any]) -> PresentedFact:
    """Present a fact of `Scorecard.as_json`, with its value as text."""
    as_of = fact.get("as_of")
    reason = str(fact.get("why_gap") or "")
    unit = str(fact.get("unit") or "")
    return PresentedFact(
        text=""
        if fact.get("gap") or fact.get("value") is None
        else f"{fact['value']:.6g}"
        if fact.get("key") in _PRICE_KEYS
        else _format_value(fact["value"], unit),
        unit="" if unit == "share" else unit,
        detail=str(fact.get("detail") or ""),
        source=str(fact.get("source") or ""),
        url=_source_address(fact),
        as_of=date.fromisoformat(as_of) if isinstance(as_of, str) and as_of else as_of or None,
        gap=bool(fact.get("gap")),
        why=reason,
        hidden=bool(fact.get("hidden")),
    )


def build_fact_groups(cards: Sequence[Mapping[str, Any]]) -> list[FactGroup]:
    """Return the facts of several scorecards of one kind in groups of rows, with one cell per
    card."""
    if not cards:
        return []
    facts_by_card = [{fact["key"]: fact for fact in card["facts"]} for card in cards]
    rows = {
        key: FactRow(
            key,
            fact["label"],
            tuple(card["name"] for card in cards),
            tuple(present_fact(card_facts[key]) for card_facts in facts_by_card),
            differs=len(
                {
                    (
                        _normalise_value(card_facts[key].get("value")),
                        bool(card_facts[key].get("gap")),
                    )
                    for card_facts in facts_by_card
                }
            )
            > 1,
        )
        for key, fact in facts_by_card[0].items()
        if all(key in card_facts for card_facts in facts_by_card)
    }
    names = group_names()
    groups = [
        FactGroup(names[group], tuple(rows.pop(key) for key in keys if key in rows))
        for group, keys in _GROUPS
    ]
    return [
        group for group in [*groups, FactGroup(names["more"], tuple(rows.values()))] if group.rows
    ]


def group_names() -> dict[str, str]:
    return {
        "offer": "Availability",
        "price": "Prices",
        "capabilities": "Capabilities",
        "data": "Data terms",
        "notice": "Notice periods and outages",
        "moves": "Retirement record",
        "terms": "Contract terms",
        "standing": "Documents and approvals",
        "ours": "Own usage and evidence",
        "more": "Other facts",
    }


def compare_with_today(
    stored_card: Mapping[str, Any], current_card: Mapping[str, Any] | None
) -> list[FactComparison]:
    """Compare the stored facts with today's, in the stored order; `now` is None if today's
    scorecard lacks the fact."""
    current_facts = (
        {stored_json["key"]: stored_json for stored_json in current_card["facts"]}
        if current_card
        else {}
    )
    comparisons = []
    for stored_json in stored_card.get("facts", ()):
        stored_fact, current_json = present_fact(stored_json), current_facts.get(stored_json["key"])
        current_fact = present_fact(current_json) if current_json is not None else None
        has_changed = (
            current_json is not None
            and not stored_fact.hidden
            and (_normalise_value(stored_json.get("value")), bool(stored_json.get("gap")))
            != (_normalise_value(current_json.get("value")), bool(current_json.get("gap")))
        )
        comparisons.append(
            FactComparison(stored_json["label"], stored_fact, current_fact, has_changed)
        )
    return comparisons


def n_moved(rows: Iterable[FactComparison]) -> int:
    return sum(row.moved for row in rows)


def n_gaps(cards: Iterable[Scorecard]) -> tuple[int, int]:
    """Return (unknown facts, all facts) of several scorecards, without the facts that only
    organisation roles can view."""
    facts = [fact for card in cards for fact in card.facts if not fact.hidden]
    return sum(fact.gap for fact in facts), len(facts)


def _normalise_value(value: Any) -> str:
    """Return a comparable text, because a stored number might be loaded as another type."""
    if isinstance(value, bool) or value is None:
        return str(value)
    return f"{float(value):.6g}" if isinstance(value, int | float) else str(value)


def _format_value(value: Any, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    if unit == "share":
        return share(value)
    if isinstance(value, float):
        return number(round(value, 1) if value % 1 else int(value))
    return number(value) if isinstance(value, int) else str(value)


def _source_address(fact: Mapping[str, Any]) -> str:
    """Return the URL of the fact's source, or an empty text if the source is not a web page."""
    text = str(fact.get("source_url") or "")
    return text if text.startswith(("https://", "http://")) else ""
