"""Risk tier and suggested AI Act class of a proposed use case, from a table of rules.

`docs/use-cases.md` has the same table. A changed rule is a new version: a proposal keeps the tier
and the version by which it was assessed. An unknown answer is never the low tier, and suggests no
class that it could contradict.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.inventory.governance.use_cases.fields import USE_CASE_FIELDS
from apps.inventory.models import Application, ProposedUseCase

VERSION = 1
MANY_PEOPLE = 10_000

Tier = ProposedUseCase.Tier
_Decisions = ProposedUseCase.Decisions
_Area = ProposedUseCase.Area
_DataClass = Application.DataClass
_Autonomy = Application.Autonomy
_Class = Application.AiActClass


@dataclass(frozen=True, slots=True)
class TierRule:
    """A rule that gives at least `tier` where `applies`; `sentence` is its reason."""

    code: str
    tier: Tier
    sentence: str
    applies: Callable[[ProposedUseCase], bool]


@dataclass(frozen=True, slots=True)
class TierAssessment:
    """Tier with the codes of the rules that gave it, and the suggested AI Act class, empty if
    unknown."""

    tier: Tier
    codes: tuple[str, ...]
    suggested_class: str


def _is_in_listed_area(row: ProposedUseCase) -> bool:
    return row.ai_act_area not in {"", _Area.NONE}


def _unknown_rule(name: str) -> TierRule:
    label = USE_CASE_FIELDS.label(name)
    return TierRule(
        f"unknown:{name}",
        Tier.MEDIUM,
        f"Unknown: {label[:1].lower()}{label[1:]}.",
        lambda row: getattr(row, name) in (None, ""),
    )


# answers without which a use case is not of the low tier
REQUIRED_FOR_LOW = (
    "users_affected",
    "affects_public",
    "decisions_about_people",
    "ai_act_area",
    "prohibited_practice",
    "autonomy",
    "data_classification",
    "personal_data",
)

RULES: tuple[TierRule, ...] = (
    TierRule(
        "prohibited_practice",
        Tier.HIGH,
        "It might be a prohibited practice (AI Act, Article 5).",
        lambda row: row.prohibited_practice is True,
    ),
    TierRule(
        "listed_area",
        Tier.HIGH,
        "It is used in an area of Annex III of the AI Act.",
        _is_in_listed_area,
    ),
    TierRule(
        "decides",
        Tier.HIGH,
        "The application decides about people.",
        lambda row: row.decisions_about_people == _Decisions.DECIDES,
    ),
    TierRule(
        "secret_data",
        Tier.HIGH,
        "It processes strictly confidential data.",
        lambda row: row.data_classification == _DataClass.SECRET,
    ),
    TierRule(
        "autonomous_public",
        Tier.HIGH,
        "It acts without oversight, and members of the public are affected.",
        lambda row: row.autonomy == _Autonomy.AUTONOMOUS and row.affects_public is True,
    ),
    TierRule(
        "supports",
        Tier.MEDIUM,
        "A person decides about people with its output.",
        lambda row: row.decisions_about_people == _Decisions.SUPPORTS,
    ),
    TierRule(
        "public",
        Tier.MEDIUM,
        "Members of the public are affected.",
        lambda row: row.affects_public is True,
    ),
    TierRule(
        "personal_data",
        Tier.MEDIUM,
        "It processes personal data.",
        lambda row: row.personal_data is True,
    ),
    TierRule(
        "confidential_data",
        Tier.MEDIUM,
        "It processes confidential data.",
        lambda row: row.data_classification == _DataClass.CONFIDENTIAL,
    ),
    TierRule(
        "autonomous",
        Tier.MEDIUM,
        "It acts without oversight.",
        lambda row: row.autonomy == _Autonomy.AUTONOMOUS,
    ),
    TierRule(
        "many_people",
        Tier.MEDIUM,
        f"It affects {MANY_PEOPLE:,} people or more.",
        lambda row: row.users_affected is not None and row.users_affected >= MANY_PEOPLE,
    ),
    *(_unknown_rule(name) for name in REQUIRED_FOR_LOW),
)
_SENTENCES = {rule.code: rule.sentence for rule in RULES}
LOW_REASON = "No rule gives a higher tier."


def assess_tier(use_case: ProposedUseCase) -> TierAssessment:
    """Return the tier of the answers: the highest that a rule gives, with all rules that apply."""
    rules = [rule for rule in RULES if rule.applies(use_case)]
    tiers = {rule.tier for rule in rules}
    tier = next((tier for tier in (Tier.HIGH, Tier.MEDIUM) if tier in tiers), Tier.LOW)
    return TierAssessment(tier, tuple(rule.code for rule in rules), suggest_class(use_case))


def suggest_class(use_case: ProposedUseCase) -> str:
    """Return the AI Act class that the answers suggest; empty if an unknown answer could change
    it."""
    if use_case.prohibited_practice is True:
        return _Class.PROHIBITED
    if use_case.prohibited_practice is None:
        return ""
    if _is_in_listed_area(use_case):
        return _Class.HIGH
    if use_case.ai_act_area == "":
        return ""
    if use_case.interacts_with_people is None:
        return ""
    return _Class.LIMITED if use_case.interacts_with_people else _Class.MINIMAL


def tier_reasons(codes: Iterable[str]) -> list[str]:
    """Return the reasons of a stored tier as sentences, the gravest first."""
    reasons = [_SENTENCES[code] for code in codes if code in _SENTENCES]
    return reasons or [LOW_REASON]
