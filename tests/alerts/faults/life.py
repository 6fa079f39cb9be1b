"""Days that go by in a test: the tasks that beat calls, under a clock that the test sets, with a
real mail server."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from apps.accounts.models import Team, User
from apps.alerts import tasks
from apps.alerts.delivery import outbox
from apps.alerts.models import Cadence, Preference
from apps.catalog.models import Offering, ProviderEvent
from tests.alerts.delivery.smtp import Peer
from tests.alerts.faults.crowd import join
from tests.builders import make_event, make_offering, make_user

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@dataclass
class Life:
    """`mails` are (when by the clock of the test, to whom) in the order in which the server took
    them."""

    peer: Peer
    patch: pytest.MonkeyPatch
    at: datetime
    mails: list[tuple[datetime, str]] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)

    def beat(self, at: datetime, *, days_too: bool = False) -> None:
        """What beat calls every minute, and with `days_too` what it calls every ten."""
        self.at = at
        self.patch.setattr(tasks, "now", lambda: self.at)
        tasks.raise_alerts()
        if days_too:
            tasks.raise_due_alerts()
            tasks.maintain_alerts()
        try:
            tasks.send_due_digests()
        finally:
            for message in self.peer.taken[len(self.messages) :]:
                self.messages.append(message)
                self.mails.append((at, str(message["To"])))

    def beat_seldom(self) -> None:
        """In this test beats are hours apart to save time, which is to be no standstill."""
        self.patch.setattr(outbox, "MAX_PAUSE", 100 * DAY)

    def live(self, until: datetime, *, step: timedelta = HOUR, days_too: bool = False) -> None:
        """Beat every `step` from the last beat on, `until` inclusive."""
        while self.at + step <= until:
            self.beat(self.at + step, days_too=days_too)

    def moments(self, who: Team | User) -> list[datetime]:
        """When somebody was mailed."""
        return [at for at, address in self.mails if address == who.email]


def news(offering: Offering, at: datetime) -> ProviderEvent:
    """Nothing urgent, and each time the same: no news overtakes another."""
    return make_event(
        offering,
        "repriced",
        detected_at=at,
        old={"input": "1"},
        new={"input": "2"},
        effective_on=at.date(),
    )


def make_readers(
    offering: Offering, wishes: Iterable[tuple[str, int, str]], *, weekday: int = 0
) -> list[Team]:
    """A team's mailbox for each (time zone, hour, rhythm)."""
    teams = []
    for zone, hour, cadence in wishes:
        name = f"{zone.rpartition('/')[2]} {hour} {cadence}".replace("_", " ")
        team = join(offering, name)
        Team.objects.filter(pk=team.pk).update(time_zone=zone, digest_hour=hour)
        team.refresh_from_db()
        Preference.objects.create(team=team, cadence=cadence, weekday=weekday)
        teams.append(team)
    return teams


def make_listener(at: datetime, **fields: object) -> User:
    """Somebody who wants a sign of life every day, and is owed nothing."""
    user = make_user("listener", **fields)
    Preference.objects.create(user=user, cadence=Cadence.DAILY, heartbeat=True, served_at=at)
    return user


def make_model() -> Offering:
    return make_offering("gemini-2.5-pro")
