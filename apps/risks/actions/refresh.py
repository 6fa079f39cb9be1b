"""Refresh of the risks app: rules first, since their changes make assessments stale. Safe to
repeat."""

from dataclasses import dataclass
from datetime import datetime

from apps.common.history.context import audit_context
from apps.risks.rules.evaluation import apply_rules
from apps.risks.staleness import mark_stale_assessments

JOB = "risks.refresh_risks"


@dataclass(frozen=True, slots=True)
class RiskChanges:
    raised: int
    changed: int
    closed: int
    acceptances_ended: int
    made_stale: int
    events_handled: int


def refresh_risks(at: datetime) -> RiskChanges:
    """Apply the built-in rules, expire acceptances, and mark assessments as stale that events and
    dates affect.

    Writes nothing if nothing changed. The number of statements does not depend on the size of the
    portfolio.
    """
    with audit_context(job=JOB):
        rules = apply_rules(at=at)
    # a separate change, since the reason given for the rules does not apply here
    with audit_context(job=JOB, reason="affected by an event, a date or evidence"):
        stale = mark_stale_assessments(at=at)
    return RiskChanges(
        raised=rules.raised,
        changed=rules.changed,
        closed=rules.closed,
        acceptances_ended=stale.acceptances_ended,
        made_stale=stale.marked,
        events_handled=stale.events_handled,
    )
