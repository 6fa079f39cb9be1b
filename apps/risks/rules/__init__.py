"""Rules that raise foundation risks by themselves from facts of the catalogue, and close them when
the facts go."""

from apps.risks.rules.applying import RuleChanges, apply_rules
from apps.risks.rules.stated import HORIZON_DAYS, RULES, SHORT_NOTICE_DAYS, Rule

__all__ = ["HORIZON_DAYS", "RULES", "SHORT_NOTICE_DAYS", "Rule", "RuleChanges", "apply_rules"]
