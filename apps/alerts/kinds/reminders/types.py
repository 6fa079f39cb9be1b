"""What a cause of days looks like, and those that floors above add: an alert about a day is raised
here, whoever owns the row that has the day. Plain Python, so that a floor may add its cause while
the apps are loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReminderType:
    """One kind of day of the organisation's own. `sql` gives (id, day, application or null, people,
    words) of all that stands today; `lead` names the column of the settings with the days before
    it; `keeps_overdue`: what is overdue stays worth telling. `made`: `sql` also gives since when it
    has that day, as `made_on`. `personal`: nobody's business but the people's. `expires`: some time
    from its day on `sql` leaves it out, and nobody need be told that; but where `handled_sql` (a
    condition on the alert `t`) holds, somebody did something about it. `history` is the table of
    the subject's history, for a subject of a floor above."""

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
    """For a floor above, from `AppConfig.ready`: the rows are its own, and only it can say which
    days they have."""
    _registered[reminder_type.kind, reminder_type.subject] = reminder_type


def registered_reminder_types() -> tuple[ReminderType, ...]:
    return tuple(_registered.values())
