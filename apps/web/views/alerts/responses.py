"""Outcome of responses to alerts, in words, and what can be undone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.http import HttpRequest

from apps.accounts.models import User
from apps.alerts.lifecycle.bulk_responses import respond_to_alerts
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import Alert
from apps.web.wording import count_of, long_day

# where the page keeps what was just done, so that it can be taken back
_KEY = "answered"
# one sheet of the inbox, and some
MAX_ALERTS_AT_A_TIME = 100
# said of what stands again as it stood before the answer
UNDO_SENTENCES = "restored"
_UNDOABLE = frozenset(
    {AlertResponse.ACKNOWLEDGE, AlertResponse.SNOOZE, AlertResponse.ASSIGN, AlertResponse.RESOLVE}
)


@dataclass(slots=True)
class ResponseOutcome:
    """Outcome of a response: `said` is a clause without a full stop; the alerts it changed, and the
    reasons for the others.

    `answer` is None for what is not a response, such as a mute."""

    said: str
    changed: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    answer: AlertResponse | None = None

    @property
    def can_be_undone(self) -> bool:
        return bool(self.changed) and self.answer in _UNDOABLE

    @property
    def n(self) -> int:
        return len(self.changed)


def respond(
    alerts: Iterable[Alert],
    answer: AlertResponse,
    *,
    said: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    reason: str = "",
) -> ResponseOutcome:
    """Respond to each alert; `said` is a participle, `acknowledged`. A refusal of one does not
    affect the others."""
    found = respond_to_alerts(
        alert_ids=[alert.pk for alert in alerts],
        response=answer,
        by=by,
        at=at,
        until=until,
        to=to,
        reason=reason,
    )
    refusals = list(dict.fromkeys(each.sentence for each in found.refused))
    return ResponseOutcome(said, list(found.answered), refusals, answer)


def describe_snooze(until: date) -> str:
    return f"snoozed until {long_day(until)}"


def describe_outcome(done: ResponseOutcome) -> str:
    """Describe the outcome: `Three alerts acknowledged.`; empty if nothing was changed."""
    return f"{count_of(done.n, 'alert').capitalize()} {done.said}." if done.changed else ""


# --- to be taken back -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UndoOffer:
    said: str
    ids: Sequence[int]


def store_undo(request: HttpRequest, done: ResponseOutcome) -> None:
    """Offer an undo on the next page."""
    if done.changed:
        request.session[_KEY] = {"said": describe_outcome(done), "ids": done.changed}


def load_undo(request: HttpRequest) -> UndoOffer | None:
    """Return the last response, once."""
    kept = request.session.pop(_KEY, None)
    return UndoOffer(kept["said"], kept["ids"]) if isinstance(kept, dict) else None
