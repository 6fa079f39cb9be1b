"""Invented incidents and the status pages that tell of them: Statuspage, incident.io behind the
same paths, and Statuspage's Atom.

A `Trouble` is what truly happened and when it was posted; a renderer writes the newest of them as
its operator does. Nothing here says how anybody reads them.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

START = datetime(2026, 11, 9, tzinfo=UTC)
# Statuspage's lists hold the newest 50.
NEWEST = 50
COMPONENTS = ("API", "Embeddings", "Fine-tuning", "Batch", "Console")
TITLES = (
    "Elevated error rates",
    "Increased latency for some requests",
    "Requests fail with status 529",
    "Degraded performance of embeddings",
    "Batches are delayed",
)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Update:
    at: datetime
    status: str
    text: str


@dataclass(slots=True)
class Trouble:
    """One incident. `impacts` are (since, impact); `created_at` is the moment of its first post:
    of one that was posted afterwards, later than its updates say. `removed_at`: the post was taken
    away."""

    number: int
    title: str
    components: tuple[str, ...]
    updates: list[Update]
    impacts: list[tuple[datetime, str]]
    created_at: datetime
    removed_at: datetime | None = None
    is_maintenance: bool = False
    says_duplicate: bool = False

    @property
    def started_at(self) -> datetime:
        return self.updates[0].at

    def is_shown(self, at: datetime) -> bool:
        return self.created_at <= at and (self.removed_at is None or at < self.removed_at)

    def updates_at(self, at: datetime) -> list[Update]:
        """The updates posted by then, oldest first."""
        return [update for update in self.updates if max(update.at, self.created_at) <= at]

    def status_at(self, at: datetime) -> str:
        return self.updates_at(at)[-1].status

    def impact_at(self, at: datetime) -> str:
        return [impact for since, impact in self.impacts if since <= max(at, self.created_at)][-1]

    def ended_at(self, at: datetime) -> datetime | None:
        """The end as posted by then; a postmortem is none, and what follows an end undoes it."""
        end = None
        for update in self.updates_at(at):
            if update.status == "resolved":
                end = end or update.at
            elif update.status != "postmortem":
                end = None
        return end

    def moments(self) -> list[datetime]:
        """The moments at which the page changes for it."""
        moments = [max(update.at, self.created_at) for update in self.updates]
        moments += [since for since, _ in self.impacts if since > self.created_at]
        return moments + ([self.removed_at] if self.removed_at else [])


# --- how each writes ------------------------------------------------------------------------------


def statuspage_id(trouble: Trouble) -> str:
    return f"{trouble.number + 7:x}k{trouble.number * 7919 % 46656:04x}qzv"


def incident_io_id(trouble: Trouble) -> str:
    return f"01K{trouble.number:05d}ABCDEFGHJKMNPQRST"


def _newest(troubles: Sequence[Trouble], at: datetime) -> list[Trouble]:
    shown = [trouble for trouble in troubles if trouble.is_shown(at)]
    return sorted(shown, key=lambda trouble: trouble.created_at, reverse=True)[:NEWEST]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def statuspage(troubles: Sequence[Trouble], at: datetime) -> bytes:
    incidents: list[dict[str, Any]] = []
    for trouble in _newest(troubles, at):
        updates = trouble.updates_at(at)
        status, end = trouble.status_at(at), trouble.ended_at(at)
        components = [
            {"id": f"c{COMPONENTS.index(name)}", "name": name, "status": "operational"}
            for name in trouble.components
        ]
        incident = {
            "id": statuspage_id(trouble),
            "name": trouble.title,
            "status": status,
            "created_at": _iso(trouble.created_at),
            "updated_at": _iso(max(updates[-1].at, trouble.created_at)),
            "monitoring_at": None,
            "resolved_at": _iso(end),
            "impact": "maintenance" if trouble.is_maintenance else trouble.impact_at(at),
            "shortlink": f"https://stspg.example/{statuspage_id(trouble)}",
            "started_at": _iso(trouble.started_at),
            "page_id": "acme",
            "incident_updates": [
                {
                    "id": f"{statuspage_id(trouble)}-{number}",
                    "status": update.status,
                    "body": update.text,
                    "created_at": _iso(max(update.at, trouble.created_at)),
                    "display_at": _iso(update.at),
                    "affected_components": components or None,
                }
                for number, update in reversed(list(enumerate(updates)))
            ],
            "components": components,
        }
        if trouble.is_maintenance:
            incident |= {"scheduled_for": _iso(trouble.started_at), "scheduled_until": None}
        incidents.append(incident)
    page = {"id": "acme", "name": "Acme", "url": "https://status.acme.example"}
    page |= {"time_zone": "Etc/UTC", "updated_at": str(_iso(at))}
    return json.dumps({"page": page, "incidents": incidents}).encode()


def incident_io(troubles: Sequence[Trouble], at: datetime) -> bytes:
    incidents = [
        {
            "id": incident_io_id(trouble),
            "name": trouble.title,
            "status": trouble.status_at(at),
            "created_at": _iso(trouble.created_at),
            "updated_at": _iso(trouble.updates_at(at)[-1].at),
            "impact": trouble.impact_at(at),
            "incident_updates": [
                {
                    "id": f"{incident_io_id(trouble)}-{number}",
                    "status": update.status,
                    "body": update.text,
                    "created_at": _iso(update.at),
                    "display_at": _iso(update.at),
                }
                for number, update in reversed(list(enumerate(trouble.updates_at(at))))
            ],
        }
        for trouble in _newest(troubles, at)
        if not trouble.is_maintenance
    ]
    page = {"id": "01KACME", "name": "Acme", "url": "https://status.acme.example"}
    return json.dumps({"page": page | {"updated_at": _iso(at)}, "incidents": incidents}).encode()


def atom(troubles: Sequence[Trouble], at: datetime) -> bytes:
    entries = []
    for trouble in _newest(troubles, at):
        updates = trouble.updates_at(at)
        lines = [
            f"<p><small>{update.at:%b} <var data-var='date'>{update.at.day:2d}</var>, "
            f"<var data-var='time'>{update.at:%H:%M}</var> UTC</small><br>"
            f"<strong>{update.status.replace('_', ' ').capitalize()}</strong> - {update.text}</p>"
            for update in reversed(updates)
        ]
        if trouble.is_maintenance:
            lines.insert(0, "<p><strong>THIS IS A SCHEDULED EVENT</strong></p>")
        link = f"https://status.acme.example/incidents/{statuspage_id(trouble)}"
        entries.append(
            f"<entry><id>tag:status.acme.example,2005:Incident/{trouble.number}</id>"
            f"<published>{trouble.created_at.isoformat()}</published>"
            f"<updated>{max(updates[-1].at, trouble.created_at).isoformat()}</updated>"
            f'<link rel="alternate" type="text/html" href="{link}"/>'
            f"<title>{escape(trouble.title)}</title>"
            f'<content type="html">{escape("".join(lines))}</content></entry>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xml:lang="en-US" '
        'xmlns="http://www.w3.org/2005/Atom"><id>tag:status.acme.example,2005:/history</id>'
        f"<title>Acme Status</title><updated>{at.isoformat()}</updated>{''.join(entries)}</feed>"
    ).encode()


@dataclass(frozen=True, slots=True)
class StatusForm:
    """`states_components`, `states_impact`: what the form says of an incident. `precision`: of its
    times."""

    name: str
    render: Callable[[Sequence[Trouble], datetime], bytes]
    id_of: Callable[[Trouble], str]
    states_components: bool = True
    states_impact: bool = True
    precision: timedelta = timedelta(milliseconds=1)


STATUS_FORMS: dict[str, StatusForm] = {
    form.name: form
    for form in (
        StatusForm("statuspage", statuspage, statuspage_id),
        StatusForm("incident.io", incident_io, incident_io_id, states_components=False),
        StatusForm(
            "atom",
            atom,
            statuspage_id,
            states_components=False,
            states_impact=False,
            precision=MINUTE,
        ),
    )
}


# --- a season of incidents ------------------------------------------------------------------------


@dataclass(slots=True)
class InventedTroubles:
    """Incidents of `days` days drawn from `seed`, with everything that happens to their posts."""

    seed: int
    days: int = 100
    n: int = 90
    start: datetime = START
    troubles: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        gap = self.days * 24 * 60 / self.n
        at = self.start - timedelta(days=6)
        while len(self.troubles) < self.n:
            at += timedelta(minutes=rng.uniform(0.3 * gap, 1.7 * gap), seconds=rng.randint(0, 59))
            self._add(rng, at)
            if rng.random() < 0.06:
                # posted again by a colleague within minutes: it says so, or vanishes
                self._add_duplicate(rng, self.troubles[-1])

    def _add(self, rng: random.Random, at: datetime) -> None:
        number = len(self.troubles)
        length = timedelta(minutes=max(8.0, rng.lognormvariate(4.2, 1.2)))
        steps = [
            ("investigating", 0.0),
            ("identified", rng.uniform(0.1, 0.5)),
            ("monitoring", rng.uniform(0.6, 0.9)),
            ("resolved", 1.0),
        ]
        if rng.random() < 0.4:
            steps = [steps[0], steps[3]]
        updates = [
            Update(at + length * part, status, f"We are {status}: part {place} of {number}.")
            for place, (status, part) in enumerate(steps)
        ]
        end = updates[-1].at
        fate = rng.random()
        created_at = at + timedelta(seconds=rng.choice((0, 0, 3)))
        created_at = max(created_at, at)
        if fate < 0.08:
            again = end + timedelta(minutes=rng.uniform(20, 300))
            updates.append(Update(again, "investigating", "The errors are back."))
            updates.append(Update(again + length, "resolved", "This is over again."))
        elif fate < 0.16:
            created_at = end + timedelta(hours=rng.uniform(1, 30))
        if rng.random() < 0.08:
            later = max(updates[-1].at, created_at) + timedelta(days=rng.uniform(3, 25))
            updates.append(Update(later, "postmortem", "What happened, and what we change."))
        impacts = [(at, rng.choice(("none", "minor", "minor", "major", "critical")))]
        if rng.random() < 0.3 and created_at < end:
            impacts.append((at + length * rng.uniform(0.2, 0.8), rng.choice(("minor", "major"))))
        components = tuple(rng.sample(COMPONENTS, rng.choice((1, 1, 2))))
        is_maintenance = rng.random() < 0.07
        if is_maintenance:
            updates = [
                Update(at, "scheduled", "We will upgrade the database."),
                Update(at + length, "completed", "The maintenance is completed."),
            ]
            created_at = at
        self.troubles.append(
            Trouble(
                number,
                rng.choice(TITLES),
                components,
                updates,
                impacts,
                created_at,
                is_maintenance=is_maintenance,
            )
        )

    def _add_duplicate(self, rng: random.Random, original: Trouble) -> None:
        if original.is_maintenance or original.created_at > original.updates[-1].at:
            return
        at = original.created_at + timedelta(minutes=rng.uniform(2, 6))
        says_so = rng.random() < 0.5
        updates = [Update(at, "investigating", "We are looking into errors.")]
        if says_so:
            text = "This is a duplicate of another incident."
            updates.append(Update(at + timedelta(minutes=9), "resolved", text))
        self.troubles.append(
            Trouble(
                len(self.troubles),
                f"{original.title} of requests",
                original.components,
                updates,
                [(at, "minor")],
                at,
                removed_at=None if says_so else at + timedelta(minutes=rng.uniform(15, 40)),
                says_duplicate=says_so,
            )
        )

    def quiet_moment(self, after: datetime) -> datetime:
        """A moment at which nothing is open, and was not for a while."""
        at = after
        while any(_is_open(trouble, at) for trouble in self.troubles):
            at += timedelta(minutes=20)
        return at


def _is_open(trouble: Trouble, at: datetime) -> bool:
    """Whether the incident is open at that moment, or about to be, or was just now."""
    first = min(trouble.started_at, trouble.created_at)
    last = max(u.at for u in trouble.updates if u.status != "postmortem")
    margin = timedelta(minutes=90)
    return first - margin <= at <= max(last, trouble.created_at) + margin


__all__ = ["STATUS_FORMS", "InventedTroubles", "StatusForm", "Trouble", "Update"]
