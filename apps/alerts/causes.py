"""What a cause of days looks like, and those that floors above add: an alert about a day is raised
here, whoever owns the row that has the day. Plain Python, so that a floor may add its cause while
the apps are loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One kind of day of the organisation's own. `sql` gives (id, day, application or null, people,
    words) of all that stands today; `lead` names the column of the settings with the days before
    it; `for_ever`: what is overdue stays worth telling. `made`: `sql` also gives since when it has
    that day, as `made_on`. `personal`: nobody's business but the people's. `runs_out`: some time
    from its day on `sql` leaves it out, and nobody need be told that; but where `taken_up` (a
    condition on the alert `t`) holds, somebody did something about it. `history` is the table of
    the subject's history, for a subject of a floor above."""

    kind: str
    subject: str
    sql: str
    lead: str = "expiry_milestones"
    for_ever: bool = False
    made: bool = True
    personal: bool = False
    runs_out: bool = False
    taken_up: str = "FALSE"
    history: str = ""


_added: dict[tuple[str, str], Cause] = {}


def add_cause(cause: Cause) -> None:
    """For a floor above, from `AppConfig.ready`: the rows are its own, and only it can say which
    days they have."""
    _added[cause.kind, cause.subject] = cause


def added_causes() -> tuple[Cause, ...]:
    return tuple(_added.values())
