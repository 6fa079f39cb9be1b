"""Urgency of an issue; the same rule as `issue_urgency` of the database
(sql/definitions/issue_urgency.sql), for rows that are loaded."""

from datetime import date, timedelta

from apps.inventory.models import Criticality
from apps.issues.models import Issue, Urgency

_MONTH, _QUARTER = timedelta(days=30), timedelta(days=90)


def issue_urgency(*, act_by: date, criticality: int | None, state: str, today: date) -> Urgency:
    """Return the urgency on `today`. `act_by` is the date from which the issue is Now.

    Critical and important applications get the next higher urgency twice as early. An accepted
    issue can wait until its acceptance expires.
    """
    if act_by <= today:
        return Urgency.NOW
    if state in {Issue.State.ACCEPTED, Issue.State.RESOLVED}:
        return Urgency.LATER
    factor = 2 if criticality is not None and criticality <= Criticality.IMPORTANT else 1
    if act_by <= today + factor * _MONTH:
        return Urgency.THIS_MONTH
    return Urgency.THIS_QUARTER if act_by <= today + factor * _QUARTER else Urgency.LATER
