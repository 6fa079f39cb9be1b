"""A scorecard as plain values: facts with their sources, and explicit gaps."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Literal

# readers of a fact: all signed-in users; organisation roles; or all, with counts of what each can
# view
PUBLIC: Final = "public"
ORGANISATION_ROLE: Final = "office"
OWN: Final = "own"
type Scope = Literal["public", "office", "own"]

NOT_SHOWN = "Visible to governance, auditors and administrators only."
# the source of a recorded fact without a URL
REGISTRY = "This registry"


@dataclass(frozen=True, slots=True)
class ScorecardFact:
    """One fact. `value` is a number, text, boolean or list of texts, and None if `gap` marks it as
    unknown (with `why_gap`) or if the fact does not apply (with `detail`). `as_of` is the date of
    the source. `hidden` means that the reader cannot view it."""

    key: str
    label: str
    value: Any
    unit: str = ""
    detail: str = ""
    source: str = ""
    source_url: str = ""
    as_of: date | None = None
    gap: bool = False
    why_gap: str = ""
    scope: Scope = PUBLIC
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The facts of one provider, foundation or offering on a day; every card of a kind has the same
    keys in the same order."""

    kind: Literal["provider", "foundation", "offering"]
    pk: int
    slug: str
    name: str
    on: date
    whole_organisation: bool
    facts: tuple[ScorecardFact, ...]

    @property
    def n_gaps(self) -> int:
        return sum(fact.gap for fact in self.facts)

    def fact(self, key: str) -> ScorecardFact:
        return next(fact for fact in self.facts if fact.key == key)

    def as_json(self) -> dict[str, Any]:
        """Return the scorecard for a JSON column, with days as ISO texts."""
        card = asdict(self)
        card["on"] = self.on.isoformat()
        card["facts"] = [
            {**fact, "as_of": fact["as_of"].isoformat() if fact["as_of"] else None}
            for fact in card["facts"]
        ]
        return card


def unknown_fact(
    key: str, label: str, reason: str, *, scope: Scope = PUBLIC, **extra: Any
) -> ScorecardFact:
    return ScorecardFact(
        key=key, label=label, value=None, gap=True, why_gap=reason, scope=scope, **extra
    )


def hidden_fact(key: str, label: str) -> ScorecardFact:
    """Return the placeholder of a fact for readers without an organisation role."""
    return unknown_fact(key, label, NOT_SHOWN, scope=ORGANISATION_ROLE, hidden=True)


def inapplicable_fact(key: str, label: str, reason: str, *, scope: Scope = PUBLIC) -> ScorecardFact:
    """Return a fact that does not apply."""
    return ScorecardFact(key=key, label=label, value=None, detail=reason, scope=scope)


def visible_scorecard(card: Mapping[str, Any], user: Any) -> dict[str, Any]:
    """Return a stored scorecard as `user` can view it: counts over the organisation and contract
    facts need an organisation role. Empty for an empty one."""
    if not card or user.can_read_all:
        return dict(card)
    return {
        **card,
        "facts": [
            fact if fact.get("scope") == PUBLIC else _hide_fact(fact)
            for fact in card.get("facts", [])
        ],
    }


def _hide_fact(fact: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **fact,
        **dict.fromkeys(("unit", "detail", "source", "source_url"), ""),
        "value": None,
        "as_of": None,
        "gap": True,
        "why_gap": NOT_SHOWN,
        "hidden": True,
    }


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One fact of all candidates, in the order of the columns."""

    key: str
    label: str
    cells: tuple[ScorecardFact, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidates side by side. No fact is summed, weighted or ranked."""

    columns: tuple[Scorecard, ...]
    rows: tuple[ComparisonRow, ...]


def compare_scorecards(cards: Iterable[Scorecard]) -> Comparison:
    """Return scorecards of one kind as rows of facts."""
    columns = tuple(cards)
    facts = [card.facts for card in columns]
    rows = tuple(
        ComparisonRow(key=cells[0].key, label=cells[0].label, cells=tuple(cells))
        for cells in zip(*facts, strict=True)
    )
    return Comparison(columns=columns, rows=rows)
