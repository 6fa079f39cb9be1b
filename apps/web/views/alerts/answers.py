"""What came of answers to alerts, in words, and what can be taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.http import HttpRequest

from apps.accounts.models import User
from apps.alerts.answering import Answer
from apps.alerts.bulk_answers import answer_alerts
from apps.alerts.models import Alert
from apps.web.wording import counted, long_day

# where the page keeps what was just done, so that it can be taken back
_KEY = "answered"
# one sheet of the inbox, and some
MOST_AT_ONCE = 100
# said of what stands again as it stood before the answer
TAKEN_BACK = "put back as it stood"
_UNDOABLE = frozenset({Answer.ACKNOWLEDGE, Answer.SNOOZE, Answer.ASSIGN, Answer.RESOLVE})


@dataclass(slots=True)
class Done:
    """What came of an answer: `said` without a stop; the alerts it changed, and why not others.

    `answer` is None for what is no answer, such as a mute.
    """

    said: str
    changed: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    answer: Answer | None = None

    @property
    def can_be_undone(self) -> bool:
        return bool(self.changed) and self.answer in _UNDOABLE

    @property
    def n(self) -> int:
        return len(self.changed)


def give(
    alerts: Iterable[Alert],
    answer: Answer,
    *,
    said: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    reason: str = "",
) -> Done:
    """Answer each; `said` is a participle, `acknowledged`. A refusal of one does not keep the
    others back."""
    found = answer_alerts(
        alert_ids=[alert.pk for alert in alerts],
        answer=answer,
        by=by,
        at=at,
        until=until,
        to=to,
        reason=reason,
    )
    refusals = list(dict.fromkeys(each.sentence for each in found.refused))
    return Done(said, list(found.answered), refusals, answer)


def snoozed_words(until: date) -> str:
    return f"snoozed until {long_day(until)}"


def sentence_of(done: Done) -> str:
    """`Three alerts acknowledged.`; empty where nothing was changed."""
    return f"{counted(done.n, 'alert').capitalize()} {done.said}." if done.changed else ""


# --- to be taken back -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Undo:
    said: str
    ids: Sequence[int]


def remember(request: HttpRequest, done: Done) -> None:
    """Offer to take it back on the next page."""
    if done.changed:
        request.session[_KEY] = {"said": sentence_of(done), "ids": done.changed}


def to_undo(request: HttpRequest) -> Undo | None:
    """What was done a moment ago; asked for once."""
    kept = request.session.pop(_KEY, None)
    return Undo(kept["said"], kept["ids"]) if isinstance(kept, dict) else None
