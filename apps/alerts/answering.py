"""What people say to an alert: that somebody is on it, not now, who is, that it is settled, that
they know."""

from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.escalating import replan
from apps.alerts.models import Alert, Mute, Notice, Resolution, SkipReason
from apps.alerts.routing import teams_seen_by
from apps.alerts.subscribing import sees
from apps.common.history.context import audit_context
from apps.common.time import day_of

LONGEST_SNOOZE_DAYS = 90
LONGEST_MUTE_DAYS = 366


class Answer(models.TextChoices):
    """What a user does to an alert; the history keeps it with each version that an answer makes."""

    ACKNOWLEDGE = "acknowledge", "Acknowledge"
    SNOOZE = "snooze", "Snooze"
    ASSIGN = "assign", "Assign"
    RESOLVE = "resolve", "Resolve"
    REOPEN = "reopen", "Reopen"
    UNDO = "undo", "Take back the last answer"


class NotYourAlert(PermissionDenied):
    """Someone answered an alert that is neither theirs nor their team's to work on."""


class BadAnswer(ValueError):
    """An answer that cannot be meant; the text says what to correct."""


class AlreadyResolved(BadAnswer):
    """An answer to what is settled; reopen it first."""


def may_answer(user: User, alert: Alert) -> bool:
    """Whoever governs, whom it fell to or was given, editors of its team: as far as they may still
    see it."""
    if not user.is_active:
        return False
    if user.is_governance:
        return True
    if alert.team_id is None:
        return alert.user_id == user.pk
    own = user.pk in {alert.user_id, alert.assigned_to_id}
    return user.may(TeamRole.EDITOR, alert.team_id) or (own and alert.team_id in user.team_roles())


def claimed(alert: Alert, by: User) -> Alert:
    """The alert, locked, if `by` may answer it as it is now; raises NotYourAlert."""
    stored = Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)
    if not may_answer(by, stored):
        raise NotYourAlert("Only an editor of the team may answer its alerts. Ask one of them.")
    return stored


_ANSWERED = (
    "state",
    "acknowledged_by_id",
    "acknowledged_at",
    "assigned_to_id",
    "snoozed_until",
    "snoozed_by_id",
    "resolved_at",
    "resolved_by_id",
    "resolution",
    "resolution_text",
    "escalation",
    "escalate_at",
    "details",
)


def copy_answer(alert: Alert, stored: Alert) -> Alert:
    """What was stored, onto the row the caller holds."""
    for name in _ANSWERED:
        setattr(alert, name, getattr(stored, name))
    return alert


@transaction.atomic
def acknowledge_alert(*, alert: Alert, by: User, at: datetime, reason: str = "") -> Alert:
    """Acknowledge it, and say why if there is a `reason`. Twice changes nothing: the first name
    stays."""
    stored = claimed(alert, by)
    if stored.state in {Alert.State.OPEN, Alert.State.SNOOZED}:
        stored.state = Alert.State.ACKNOWLEDGED
        stored.acknowledged_by, stored.acknowledged_at = by, at
        stored.snoozed_until, stored.escalate_at = None, None
        save_answer(stored, by, Answer.ACKNOWLEDGE, reason or "alert acknowledged", note=reason)
        _call_off(stored)
    return copy_answer(alert, stored)


@transaction.atomic
def snooze_alert(*, alert: Alert, until: date, by: User, at: datetime) -> Alert:
    """Let it wait until a day, on which it is open again and `by` is told."""
    days = (until - day_of(at)).days
    if days < 1:
        raise BadAnswer("Snooze until a day that is still to come.")
    if days > LONGEST_SNOOZE_DAYS:
        raise BadAnswer(
            f"Snooze for at most {LONGEST_SNOOZE_DAYS} days; for longer, resolve it with a reason."
        )
    stored = claimed(alert, by)
    if stored.state == Alert.State.RESOLVED:
        raise AlreadyResolved("It is resolved already; there is nothing to snooze.")
    stored.state, stored.snoozed_until, stored.snoozed_by = Alert.State.SNOOZED, until, by
    stored.escalate_at = None
    save_answer(stored, by, Answer.SNOOZE, f"alert snoozed until {until}")
    _call_off(stored)
    return copy_answer(alert, stored)


@transaction.atomic
def assign_alert(*, alert: Alert, to: User | None, by: User, at: datetime) -> Alert:
    """Give it to somebody who may see it, who is told; None takes it back. Who has it already is
    not told again."""
    stored = claimed(alert, by)
    if stored.state == Alert.State.RESOLVED:
        raise AlreadyResolved("It is resolved already; nobody need work on it.")
    if to is not None and not (to.is_active and sees(to.pk, stored, teams_seen_by([to])[to.pk])):
        raise BadAnswer(
            f"{to} may not see this alert. Choose somebody of the team, or of governance."
        )
    if to is not None and stored.assigned_to_id == to.pk:
        return copy_answer(alert, stored)
    stored.assigned_to = to
    stored.escalate_at = None
    if to is None:
        replan([stored], at=at)
    reason = f"alert assigned to {to.get_username()}" if to else "assignment taken back"
    save_answer(stored, by, Answer.ASSIGN, reason)
    if to is not None:
        _call_off(stored)
    if to is not None and to.pk != by.pk:
        notice = Notice(
            alert=stored,
            user=to,
            why=Notice.Why.ASSIGNED,
            urgent=stored.urgent,
            owed_at=at,
            occasion=f"{Notice.Occasion.ASSIGNED} {at:%Y-%m-%d %H:%M}",
        )
        Notice.objects.bulk_create([notice], ignore_conflicts=True)
    return copy_answer(alert, stored)


@transaction.atomic
def resolve_alert(*, alert: Alert, why: str, by: User, at: datetime) -> Alert:
    """Say that it is settled, and how. What still stands behind it raises it anew only when
    something changes."""
    why = " ".join(why.split())
    if not why:
        raise BadAnswer("Say in a few words how it was settled.")
    stored = claimed(alert, by)
    if stored.state != Alert.State.RESOLVED:
        stored.state = Alert.State.RESOLVED
        stored.resolved_by, stored.resolved_at = by, at
        stored.resolution, stored.resolution_text = Resolution.BY_USER, why[:300]
        stored.snoozed_until, stored.escalate_at = None, None
        save_answer(stored, by, Answer.RESOLVE, why[:200])
        # a mail on its way says it still; one that is not written yet need not
        Notice.objects.owed().filter(alert=stored).update(skip_reason=SkipReason.RESOLVED)
    return copy_answer(alert, stored)


@transaction.atomic
def reopen_alert(*, alert: Alert, by: User, at: datetime) -> Alert:
    """Whatever was answered, by whomever: it waits again, as if it had been raised now."""
    stored = claimed(alert, by)
    if stored.state != Alert.State.OPEN:
        stored.state = Alert.State.OPEN
        stored.acknowledged_by = stored.acknowledged_at = stored.snoozed_until = None
        stored.resolved_by = stored.resolved_at = None
        stored.resolution = stored.resolution_text = ""
        replan([stored], at=at)
        save_answer(stored, by, Answer.REOPEN, "answer taken back")
        # what nobody was told because of that answer is owed again
        kept_back = Notice.objects.filter(alert=stored, delivery=None)
        kept_back.filter(skip_reason=SkipReason.RESOLVED).update(skip_reason="")
    return copy_answer(alert, stored)


def _call_off(alert: Alert) -> None:
    """Nobody need hear any more that nobody answered."""
    escalations = Notice.objects.owed().filter(alert=alert, why=Notice.Why.ESCALATION)
    escalations.update(skip_reason=SkipReason.ANSWERED)


def save_answer(alert: Alert, by: User, answer: Answer, reason: str, *, note: str = "") -> None:
    """Store all that an answer may change, with who gave it and the `note` that the user wrote."""
    with audit_context(user=by, reason=reason, code=answer, note=note):
        alert.save(update_fields=[name.removesuffix("_id") for name in _ANSWERED])


# --- mutes ----------------------------------------------------------------------------------------


@transaction.atomic
def mute(
    *, by: User, until: date, at: datetime, team: Team | None = None, reason: str = "", **what: Any
) -> Mute:
    """Keep mails about something back until a day: one's own, or those to the mailbox of a team one
    edits.

    `what` is at least one of kind, provider, offering, application, subject.
    """
    days = (until - day_of(at)).days
    if days < 1:
        raise BadAnswer("Mute until a day that is still to come.")
    if days > LONGEST_MUTE_DAYS:
        raise BadAnswer("Mute for a year at most: a mute without an end is forgotten.")
    if not any(what.values()):
        raise BadAnswer(
            "Say what to mute: a kind, a provider, a model, an application or a subject."
        )
    if team is not None and not by.may(TeamRole.EDITOR, team):
        raise NotYourAlert("Only an editor of the team may mute its mailbox. Ask one of them.")
    with audit_context(user=by, reason=reason or "muted"):
        return Mute.objects.create(
            user=None if team else by,
            team=team,
            until=until,
            reason=reason[:300],
            created_by=by,
            created_at=at,
            **what,
        )


@transaction.atomic
def unmute_now(*, row: Mute, by: User, at: datetime) -> bool:
    """Lift a mute; False where it has ended already."""
    own = row.user_id == by.pk or (row.team_id is not None and by.may(TeamRole.EDITOR, row.team_id))
    if not own and not by.is_governance:
        raise NotYourAlert("Only who is muted, or an editor of the team, may lift this.")
    with audit_context(user=by, reason="mute lifted"):
        return bool(Mute.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=at))
