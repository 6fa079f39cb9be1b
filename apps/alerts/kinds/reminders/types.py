"""Reminder types, and the registration of those of other apps. Without models, so that an app can
register its types while the apps are loaded."""

from dataclasses import dataclass

# The name of the user `u`. Without a name it is the email address, never the username alone.
PERSON_NAME = "person_name(u.first_name, u.last_name, coalesce(nullif(u.email, ''), u.username))"


@dataclass(frozen=True, slots=True)
class ReminderType:
    """One type of deadline of the organisation.

    `sql` selects (id, on, application_id or null, people, words) of all current deadlines, and
    `made_on` if `has_created_on`. `milestones_field` is the field of the alert settings with the
    days before the date; with `keeps_overdue`, overdue deadlines still create reminders. `personal`
    deadlines concern only their people. If a deadline `expires`, `sql` omits it from some time on,
    which is not reported unless `handled_sql` (a condition on the alert `t`) shows that a user
    handled it. `history` is the history table of a subject of another app."""

    kind: str
    subject: str
    sql: str
    milestones_field: str = "expiry_milestones"
    keeps_overdue: bool = False
    has_created_on: bool = True
    personal: bool = False
    expires: bool = False
    handled_sql: str = "FALSE"
    history: str = ""


_registered: dict[tuple[str, str], ReminderType] = {}


def register_reminder_type(reminder_type: ReminderType) -> None:
    """Register a reminder type of another app, which owns its rows; call it in
    `AppConfig.ready`."""
    _registered[reminder_type.kind, reminder_type.subject] = reminder_type


def registered_reminder_types() -> tuple[ReminderType, ...]:
    return tuple(_registered.values())
