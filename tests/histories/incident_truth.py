"""What an ideal reader of a status page knows after each look at it: each incident once, with its
start, end, impact and components."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.histories.status_pages import NEWEST, StatusForm, Trouble

DUPLICATE_WITHIN = timedelta(hours=1)
_ORDER = ("", "none", "minor", "major", "critical")


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """One incident as known; times in the precision of the form that told of it first."""

    started_at: datetime
    ended_at: datetime | None
    impact: str
    highest_impact: str
    components: frozenset[str]
    backfilled: bool
    first_seen: datetime
    is_duplicate: bool = False


@dataclass(slots=True)
class KnownIncidents:
    """Follows a status page through the looks at it. `known` is {number: incident}."""

    troubles: Sequence[Trouble]
    known: dict[int, KnownIncident] = field(default_factory=dict)
    forms: dict[int, StatusForm] = field(default_factory=dict)

    def look(self, form: StatusForm, at: datetime) -> None:
        """Take in what the page shows at that moment."""
        shown = [trouble for trouble in self.troubles if trouble.is_shown(at)]
        listed = sorted(shown, key=lambda trouble: trouble.created_at, reverse=True)[:NEWEST]
        for trouble in listed:
            if not trouble.is_maintenance:
                self._take(trouble, form, at)
        for trouble in self.troubles:
            incident = self.known.get(trouble.number)
            if incident is None or incident.ended_at is not None or trouble.is_shown(at):
                continue
            # removed: soon as a duplicate, otherwise it is not listed any more
            soon = at - incident.first_seen <= DUPLICATE_WITHIN
            self.known[trouble.number] = replace(incident, ended_at=at, is_duplicate=soon)

    def _take(self, trouble: Trouble, form: StatusForm, at: datetime) -> None:
        before = self.known.get(trouble.number)
        first_form = self.forms.setdefault(trouble.number, form)
        if first_form.name != form.name:
            # under another ID since the page moved to another operator: the first one stays
            return
        ended_at = trouble.ended_at(at)
        impact = trouble.impact_at(at) if form.states_impact else ""
        highest = max((before.highest_impact if before else "", impact), key=_ORDER.index)
        self.known[trouble.number] = KnownIncident(
            started_at=_rounded(trouble.started_at, form),
            ended_at=None if ended_at is None else _rounded(ended_at, form),
            impact=impact,
            highest_impact=highest,
            components=frozenset(trouble.components if form.states_components else ()),
            backfilled=before.backfilled if before else ended_at is not None,
            first_seen=before.first_seen if before else at,
            is_duplicate=trouble.says_duplicate and ended_at is not None,
        )


def _rounded(moment: datetime, form: StatusForm) -> datetime:
    over = timedelta(
        seconds=moment.second if form.precision >= timedelta(minutes=1) else 0,
        microseconds=moment.microsecond % int(form.precision / timedelta(microseconds=1))
        if form.precision < timedelta(seconds=1)
        else moment.microsecond,
    )
    return moment - over
