"""Invented histories of a status page with every known fault, their true incidents, and the bodies
that a page shows at each poll: as Statuspage lists them, as incident.io does, and as Atom.

Everything follows from a seed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COMPONENTS = ("API", "Embeddings", "Batch", "Console")
IMPACTS = ("none", "minor", "major", "critical")
PAGE_URL = "https://status.acme.example"
# Fewer than the fifty of a real page, so that short histories outgrow it.
NEWEST = 12


@dataclass
class Post:
    """One post on the page. `updates` are (time, status, text); `names` and `impacts` are (from
    when, value); it is shown from `posted_at` until `removed_at`. `is_incident`: false for a
    duplicate and a maintenance."""

    key: str
    started_at: datetime
    posted_at: datetime
    components: tuple[str, ...]
    updates: list[tuple[datetime, str, str]]
    names: list[tuple[datetime, str]]
    impacts: list[tuple[datetime, str]]
    removed_at: datetime | None = None
    is_incident: bool = True
    is_maintenance: bool = False

    def changes(self) -> set[datetime]:
        moments = {self.posted_at, *(row[0] for row in (*self.updates, *self.names, *self.impacts))}
        return moments | ({self.removed_at} if self.removed_at else set())

    def shown(self, at: datetime) -> bool:
        return self.posted_at <= at and (self.removed_at is None or at < self.removed_at)

    def updates_at(self, at: datetime) -> list[tuple[datetime, str, str]]:
        return [row for row in self.updates if row[0] <= at or row[0] <= self.posted_at]


@dataclass
class History:
    """The posts of a page, and the true incidents: {ID: (start, end, impact, components)}."""

    posts: list[Post] = field(default_factory=list)

    def truth(self) -> dict[str, tuple[datetime, datetime | None, str, tuple[str, ...]]]:
        return {
            post.key: (post.started_at, _end(post.updates), post.impacts[-1][1], post.components)
            for post in self.posts
            if post.is_incident
        }

    def polls(self) -> list[datetime]:
        """The first poll after each change, every five minutes."""
        moments = {moment for post in self.posts for moment in post.changes()}
        return sorted({START - MINUTE * 5, *(_next_poll(moment) for moment in moments)})


def _next_poll(moment: datetime) -> datetime:
    minutes = (moment - START) // (5 * MINUTE) + 1
    return START + minutes * 5 * MINUTE


def _end(updates: list[tuple[datetime, str, str]]) -> datetime | None:
    end = None
    for at, status, _ in sorted(updates):
        if status == "resolved":
            end = end or at
        elif status != "postmortem":
            end = None
    return end


def invent(seed: int, n: int = 20) -> History:
    """Invent `n` incidents with edits, reopenings, postmortems, duplicates, back-fills, and some
    maintenances between them."""
    rng = random.Random(seed)
    history, at = History(), START
    for number in range(n):
        at += timedelta(minutes=rng.randint(200, 1500))
        history.posts += _invent_posts(rng, f"inc{seed:03}{number:04}", at, number)
    return history


def _invent_posts(rng: random.Random, key: str, at: datetime, number: int) -> Iterator[Post]:
    minutes = rng.randint(10, 180)
    end = at + minutes * MINUTE
    name, impact = f"Trouble {number}", rng.choice(IMPACTS)
    updates = [(at, "investigating", "Looking."), (end, "resolved", "Done.")]
    if minutes > 30:
        updates.insert(1, (at + 20 * MINUTE, "monitoring", "A fix is out."))
    post = Post(
        key,
        at,
        at,
        tuple(rng.sample(COMPONENTS, rng.randint(1, 3))),
        updates,
        [(at, name)],
        [(at, impact)],
    )
    kind = rng.choice(
        ["plain", "edited", "reopened", "postmortem", "says", "vanishes", "late", "planned", "open"]
    )
    if kind == "edited":
        post.names.append((at + 7 * MINUTE, f"{name} of the API"))
        post.impacts.append((at + 8 * MINUTE, rng.choice(IMPACTS)))
    elif kind == "reopened":
        updates += [
            (end + 12 * MINUTE, "investigating", "It is back."),
            (end + 42 * MINUTE, "resolved", "Done again."),
        ]
    elif kind == "postmortem":
        updates.append((end + timedelta(days=9), "postmortem", "What happened."))
    elif kind == "late":
        post.posted_at = end + timedelta(hours=rng.randint(5, 60))
    elif kind in {"says", "vanishes"}:
        again = at + 6 * MINUTE
        text = "This is a duplicate of another incident." if kind == "says" else "Looking."
        yield Post(
            f"{key}x",
            again,
            again,
            post.components,
            [(again, "investigating", text)],
            [(again, f"{name}, again")],
            [(again, impact)],
            removed_at=again + 30 * MINUTE if kind == "vanishes" else None,
            is_incident=False,
        )
    elif kind == "planned":
        yield Post(
            f"{key}m",
            at,
            at,
            ("API",),
            [(at, "scheduled", "Work.")],
            [(at, "Planned work")],
            [(at, "maintenance")],
            is_incident=False,
            is_maintenance=True,
        )
    yield post


def _last(rows: list[tuple[datetime, str]], at: datetime) -> str:
    known = [value for moment, value in rows if moment <= at]
    return known[-1] if known else rows[0][1]


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _shown(history: History, at: datetime) -> list[Post]:
    shown = [post for post in history.posts if post.shown(at)]
    return sorted(shown, key=lambda post: post.posted_at, reverse=True)[:NEWEST]


def as_json(history: History, at: datetime, *, incident_io: bool = False) -> bytes:
    """Return incidents.json at this moment, as Statuspage or incident.io serve it."""
    rows = [_as_row(post, at, incident_io=incident_io) for post in _shown(history, at)]
    page = {"id": "p", "name": "Acme", "url": PAGE_URL, "updated_at": _iso(at)}
    return json.dumps({"page": page, "incidents": rows}).encode()


def _as_row(post: Post, at: datetime, *, incident_io: bool) -> dict[str, Any]:
    updates = sorted(post.updates_at(at), reverse=True)
    row: dict[str, Any] = {
        "id": post.key,
        "name": _last(post.names, at),
        "status": updates[0][1],
        "impact": _last(post.impacts, at),
        "created_at": _iso(post.posted_at),
        "updated_at": _iso(updates[0][0]),
        "incident_updates": [
            {"id": f"u{n}", "status": status, "body": text, "created_at": _iso(moment)}
            for n, (moment, status, text) in enumerate(updates)
        ],
    }
    if incident_io:
        return row
    resolved = [moment for moment, status, _ in updates if status == "resolved"]
    return row | {
        "started_at": _iso(post.started_at),
        # of a reopened incident the page keeps it
        "resolved_at": _iso(max(resolved)) if resolved else None,
        "components": [{"id": name, "name": name} for name in post.components],
    }


def as_atom(history: History, at: datetime) -> bytes:
    """Return history.atom at this moment."""
    entries = []
    for post in _shown(history, at):
        updates = sorted(post.updates_at(at), reverse=True)
        content = "".join(
            f"&lt;p&gt;&lt;small&gt;{moment:%b} {moment.day}, {moment:%H:%M} UTC&lt;/small&gt;"
            f"&lt;br&gt;&lt;strong&gt;{status.capitalize()}&lt;/strong&gt; - {text}&lt;/p&gt;"
            for moment, status, text in updates
        )
        stamp = _iso(updates[0][0])
        entries.append(
            f"<entry><id>tag:acme,2005:Incident/{post.key}</id><published>{stamp}</published>"
            f'<updated>{stamp}</updated><link rel="alternate" '
            f'href="{PAGE_URL}/incidents/{post.key}"/><title>{_last(post.names, at)}</title>'
            f'<content type="html">{content}</content></entry>'
        )
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Acme</title>{"".join(entries)}</feed>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{feed}'.encode()
