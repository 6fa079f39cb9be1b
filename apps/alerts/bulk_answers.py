"""One answer to many alerts at once, with a word on each that could not be given it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.alerts.answering import (
    Answer,
    BadAnswer,
    NotYourAlert,
    acknowledge_alert,
    assign_alert,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.models import Alert
from apps.alerts.undoing import undo_answer

# one transaction, and one report
MOST_ANSWERED = 500


@dataclass(frozen=True, slots=True)
class RefusedAlert:
    alert_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """Every id that was asked about stands in one of the three; `unchanged` were answered so
    already."""

    answered: Sequence[int]
    unchanged: Sequence[int]
    refused: Sequence[RefusedAlert]


@transaction.atomic
def answer_alerts(
    *,
    alert_ids: Sequence[int],
    answer: str,
    by: User,
    at: datetime,
    until: date | None = None,
    to: User | None = None,
    reason: str = "",
) -> BulkAnswer:
    """Give `answer` to each alert that `by` may answer; the others are refused row by row. All that
    is given is stored together, or (where something breaks) nothing of it.

    `until` is for snooze, `to` for assign (None takes it back), `reason` for resolve and, if there
    is one, acknowledge. Costs a few statements a row.
    """
    if len(alert_ids) > MOST_ANSWERED:
        raise BadAnswer(f"Answer at most {MOST_ANSWERED} alerts at once.")
    answered: list[int] = []
    unchanged: list[int] = []
    refused: list[RefusedAlert] = []
    # always in the same order, so that two that meet do not wait for each other
    rows = {
        row.pk: row for row in Alert.objects.visible_to(by).filter(pk__in=alert_ids).order_by("pk")
    }
    for pk in sorted(set(alert_ids)):
        if pk not in rows:
            refused.append(RefusedAlert(pk, "There is no such alert that you may see."))
            continue
        before = _standing(rows[pk])
        try:
            _give(answer, rows[pk], by=by, at=at, until=until, to=to, reason=reason)
        except (BadAnswer, NotYourAlert) as refusal:
            refused.append(RefusedAlert(pk, str(refusal)))
        else:
            (unchanged if _standing(rows[pk]) == before else answered).append(pk)
    return BulkAnswer(answered, unchanged, refused)


def _give(
    answer: str,
    alert: Alert,
    *,
    by: User,
    at: datetime,
    until: date | None,
    to: User | None,
    reason: str,
) -> None:
    match answer:
        case Answer.ACKNOWLEDGE:
            acknowledge_alert(alert=alert, by=by, at=at, reason=reason)
        case Answer.SNOOZE:
            if until is None:
                raise BadAnswer("Say until which day it is snoozed.")
            snooze_alert(alert=alert, until=until, by=by, at=at)
        case Answer.ASSIGN:
            assign_alert(alert=alert, to=to, by=by, at=at)
        case Answer.RESOLVE:
            resolve_alert(alert=alert, why=reason, by=by, at=at)
        case Answer.REOPEN:
            reopen_alert(alert=alert, by=by, at=at)
        case Answer.UNDO:
            undo_answer(alert=alert, by=by, at=at)
        case _:
            raise BadAnswer(
                f"There is no answer '{answer}'. Choose from {', '.join(Answer.values)}."
            )


def _standing(alert: Alert) -> tuple[object, ...]:
    return (alert.state, alert.snoozed_until, alert.assigned_to_id)


__all__ = ["MOST_ANSWERED", "Answer", "BulkAnswer", "RefusedAlert", "answer_alerts"]
