"""Outcome of responses to alerts, in words, and its undo."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.http import QueryDict
from django.urls import reverse

from apps.accounts.models import User
from apps.alerts.lifecycle.bulk_responses import respond_to_alerts
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import Alert
from apps.web.pages.action_view import Confirmation
from apps.web.wording import count_of, long_day

# more than one page of the inbox
MAX_ALERTS_AT_A_TIME = 100
_UNDOABLE = frozenset(
    {AlertResponse.ACKNOWLEDGE, AlertResponse.SNOOZE, AlertResponse.ASSIGN, AlertResponse.RESOLVE}
)


@dataclass(slots=True)
class ResponseOutcome:
    """Outcome of a response: the ids of changed alerts, and the reasons for refusals.

    `description` is a clause without a full stop, such as `acknowledged`. `response` is None for
    other actions, such as a mute."""

    description: str
    changed: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    response: AlertResponse | None = None

    @property
    def can_be_undone(self) -> bool:
        return bool(self.changed) and self.response in _UNDOABLE

    @property
    def n(self) -> int:
        return len(self.changed)


def respond(
    alerts: Iterable[Alert],
    response: AlertResponse,
    *,
    description: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    reason: str = "",
) -> ResponseOutcome:
    """Respond to each alert; `description` is a participle, such as `acknowledged`. A refusal for
    one alert does not affect the others."""
    result = respond_to_alerts(
        alert_ids=[alert.pk for alert in alerts],
        response=response,
        by=by,
        at=at,
        until=until,
        to=to,
        reason=reason,
    )
    refusals = list(dict.fromkeys(refusal.sentence for refusal in result.refused))
    return ResponseOutcome(description, list(result.answered), refusals, response)


def describe_snooze(until: date) -> str:
    return f"snoozed until {long_day(until)}"


def describe_outcome(outcome: ResponseOutcome) -> str:
    """Describe the outcome: `Three alerts acknowledged.`; empty if nothing was changed."""
    return (
        f"{count_of(outcome.n, 'alert').capitalize()} {outcome.description}."
        if outcome.changed
        else ""
    )


def confirm(outcome: ResponseOutcome) -> Confirmation:
    """Return the confirmation of the outcome, with its undo."""
    if not outcome.changed and not outcome.refusals:
        return Confirmation("This response was given already. Nothing was changed.")
    undo = None
    if outcome.can_be_undone:
        query = QueryDict(mutable=True)
        query["action"] = AlertResponse.UNDO
        query.setlist("pick", [str(pk) for pk in outcome.changed])
        undo = f"{reverse('alerts:bulk-respond')}?{query.urlencode()}"
    return Confirmation(describe_outcome(outcome), undo, refusals=outcome.refusals)
