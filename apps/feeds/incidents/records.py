"""What a status page states, in one form for all operators of status pages."""

from dataclasses import dataclass
from datetime import datetime

from apps.catalog.claims.feed_rows import RejectedRow

# Impacts in ascending order; "" is an impact that the status page does not state.
IMPACTS = ("", "none", "minor", "major", "critical")
MAX_TITLE_LENGTH = 300
MAX_UPDATE_LENGTH = 4000
MAX_UPDATES = 100
MAX_COMPONENTS = 500


@dataclass(frozen=True, slots=True)
class ReportedUpdate:
    """One update of an incident as plain text; `at` is None where its time cannot be read."""

    at: datetime | None
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportedIncident:
    """One incident as a body states it.

    `impact` is the last one published, `highest_impact` the highest that the body tells of; both
    are of IMPACTS. `has_ended` with `ended_at` None: it is over, and the body does not say since
    when. `updates` are newest first. `posted_at` is the time of its first publication, None if
    unknown. `says_duplicate`: title or updates say that it is a duplicate of another incident.
    """

    external_id: str
    title: str
    impact: str
    highest_impact: str
    started_at: datetime
    ended_at: datetime | None
    has_ended: bool
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    url: str = ""
    status: str = ""
    updates: tuple[ReportedUpdate, ...] = ()
    posted_at: datetime | None = None
    says_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """All incidents of a body, each ID once.

    `form` names the operator's form. `lists_history`: whether incidents that are over stay in such
    a body. True: the absence of an open incident does not end it. False: the body lists open
    incidents only, so an absent one is over. None: this body does not tell, because it lists no
    incident that is over. `is_precise`: times have seconds, where news have minutes.
    """

    form: str
    lists_history: bool | None
    incidents: tuple[ReportedIncident, ...] = ()
    rejects: tuple[RejectedRow, ...] = ()
    is_precise: bool = True


def highest_of(*impacts: str) -> str:
    """Return the highest of these impacts."""
    return max(impacts, key=IMPACTS.index, default="")
