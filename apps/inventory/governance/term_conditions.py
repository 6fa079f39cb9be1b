"""Conditions of a restricted approval on the data terms of an offering. Plain Python; the statement
behind violations (sql/judged_uses.sql) decides by the same rules. An unknown term meets none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from apps.inventory.models import Approval


class ApprovalLimits(TypedDict, total=False):
    """What a restricted approval is restricted to; empty values permit everything."""

    data_classes: Sequence[str]
    regions: Sequence[str]
    criticalities: Sequence[int]
    requires_no_training: bool
    max_retention_days: int | None
    requires_zero_retention: bool
    residencies: Sequence[str]
    terms_data_classes: Sequence[str]


TERM_CONDITIONS = (
    "requires_no_training",
    "max_retention_days",
    "requires_zero_retention",
    "residencies",
)


def has_term_conditions(limits: Mapping[str, Any]) -> bool:
    """Return whether the limits of an approval have a condition on data terms; a retention of 0
    days is one."""
    return any(limits.get(name) not in (None, False, (), []) for name in TERM_CONDITIONS)


def conditions_of(approval: Approval) -> dict[str, Any]:
    return {name: getattr(approval, name) for name in TERM_CONDITIONS}


def describe_conditions(approval: Approval) -> list[str]:
    """Return the conditions as phrases, such as `retention of at most 30 days`."""
    phrases = []
    if approval.requires_no_training:
        phrases.append("no training on inputs")
    if approval.max_retention_days is not None:
        phrases.append(f"retention of at most {_days(approval.max_retention_days)}")
    if approval.requires_zero_retention:
        phrases.append("zero retention on request")
    if approval.residencies:
        phrases.append(f"data residency in {', '.join(approval.residencies)}")
    return phrases


def accepted_values(settled: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Return {field: accepted value} of stored settled claims, {field: {"value", ...}}, or of their
    JSON text as a statement returns it."""
    facts = json.loads(settled) if isinstance(settled, str) else settled or {}
    return {field: fact.get("value") for field, fact in facts.items()}


def unmet_conditions(
    target: object, conditions: Mapping[str, Any], terms: Mapping[str, Any]
) -> list[tuple[str, bool]]:
    """Return (sentence, whether the term is known) of each condition of the approval of `target`
    that `terms`, the accepted values by field, do not meet."""
    unmet = []
    if conditions["requires_no_training"] and terms.get("training_use") is not False:
        unmet.append(
            (
                f"Inputs are used for training, and the approval of {target} requires that they "
                "are not.",
                True,
            )
            if terms.get("training_use")
            else (
                "It is unknown whether inputs are used for training, and the approval of "
                f"{target} requires that they are not.",
                False,
            )
        )
    days, most = terms.get("retention_days"), conditions["max_retention_days"]
    if most is not None and days is None:
        unmet.append(
            (
                f"It is unknown how long data is kept, and the approval of {target} allows at "
                f"most {_days(most)}.",
                False,
            )
        )
    elif most is not None and days is not None and days > most:
        unmet.append(
            (
                f"Data is kept for {_days(days)}, and the approval of {target} allows at most "
                f"{_days(most)}.",
                True,
            )
        )
    can_be_zero = terms.get("zero_retention")
    if conditions["requires_zero_retention"] and not can_be_zero and days != 0:
        unmet.append(
            (f"Zero retention is not offered, and the approval of {target} requires it.", True)
            if can_be_zero is False
            else (
                f"It is unknown whether zero retention is offered, and the approval of {target} "
                "requires it.",
                False,
            )
        )
    if conditions["residencies"]:
        allowed = {name.strip().lower() for name in conditions["residencies"]}
        regions, required = terms.get("residency"), ", ".join(conditions["residencies"])
        if not regions:
            unmet.append(
                (
                    f"It is unknown where data is kept, and the approval of {target} requires "
                    f"{required}.",
                    False,
                )
            )
        elif not {name.strip().lower() for name in regions} <= allowed:
            unmet.append(
                (
                    f"Data is kept in {', '.join(regions)}, and the approval of {target} requires "
                    f"{required}.",
                    True,
                )
            )
    return unmet


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"
