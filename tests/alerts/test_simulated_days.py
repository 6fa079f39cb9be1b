"""Days pass, things happen, and every evening what was told is held against a small model of what
should have been."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest

from apps.alerts.actions import (
    maintain_alerts,
    queue_digests,
    raise_alerts,
    raise_due_alerts,
    send_due_deliveries,
)
from apps.alerts.models import Alert, AlertPolicy, Delivery, Notice
from apps.catalog.models import Offering
from apps.inventory.models import Application, Criticality, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

START = date(2026, 11, 24)
MILESTONES = (180, 90, 60, 30, 14, 7, 1, 0)


def at(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


def a_day_passes(day: date) -> None:
    """What beat does in the course of a day, in one go."""
    moment = at(day)
    raise_alerts(at=moment)
    raise_due_alerts(at=moment)
    maintain_alerts(at=moment)
    queue_digests(at=moment, gather=timedelta(0))
    send_due_deliveries(at=moment)


def milestones_told(application: Application) -> list[tuple[date, int]]:
    """(day, milestone) of every milestone that some message carried for the application."""
    notices = Notice.objects.filter(
        alert__kind="milestone",
        alert__application_ids__contains=[application.pk],
        occasion="raised",
        delivery__state="sent",
    ).select_related("alert")
    return sorted({(notice.alert.raised_at.date(), notice.alert.milestone) for notice in notices})


def test_in_two_hundred_days_every_milestone_is_told_once_on_its_day() -> None:
    ends_on = START + timedelta(days=195)
    team = make_team(email="team@example.org")
    applications = [
        make_application(team=team, criticality=level)
        for level in (Criticality.CRITICAL, Criticality.LOW)
    ]
    for application in applications:
        make_dependency(application, make_offering(retires_on=ends_on, date_kind="firm"))

    for n in range(200):
        a_day_passes(START + timedelta(days=n))

    for application in applications:
        assert milestones_told(application) == [
            (ends_on - timedelta(days=n), n) for n in MILESTONES
        ]
    assert not Notice.objects.owed().exists()
    assert Alert.objects.waiting().count() == len(applications), (
        "each milestone takes the place of the one before"
    )


def test_each_criticality_has_days_of_its_own() -> None:
    AlertPolicy.objects.filter(criticality=Criticality.LOW).update(milestones=[20, 3])
    team = make_team(email="team@example.org")
    offering = make_offering(retires_on=START + timedelta(days=25), date_kind="firm")
    low = make_application(team=team, criticality=Criticality.LOW)
    high = make_application(team=team, criticality=Criticality.CRITICAL)
    for application in (low, high):
        make_dependency(application, offering)

    for n in range(28):
        a_day_passes(START + timedelta(days=n))

    assert [n for _, n in milestones_told(low)] == [20, 3]
    assert [n for _, n in milestones_told(high)] == [30, 14, 7, 1, 0]


@dataclass
class Model:
    """What should be told of, worked out by nothing but the rules in docs/alerts.md."""

    told: dict[tuple[int, int, date], int] = field(default_factory=dict)
    days: dict[tuple[int, int, date], list[tuple[date, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def a_day_passes(
        self, day: date, uses: set[tuple[int, int]], ends: dict[int, date | None]
    ) -> None:
        """`uses` are (application, offering) of today, `ends` {offering: its firm day}."""
        for application, offering in uses:
            on = ends[offering]
            if on is None or (left := (on - day).days) < -7:
                continue
            due = min((n for n in MILESTONES if n >= left), default=None)
            key = (application, offering, on)
            if due is not None and due < self.told.get(key, 10_000):
                self.told[key] = due
                self.days[key].append((day, due))


@pytest.mark.parametrize("seed", range(3))
def test_random_portfolios_are_told_what_the_model_tells(seed: int) -> None:
    """Ends are set, moved, taken back and set again; applications come and go and change their team
    and their model."""
    rng = random.Random(seed)
    teams = [make_team(email=f"team{n}@example.org") for n in range(3)]
    host = make_provider()
    offerings = [make_offering(f"model-{seed}-{n}", host=host) for n in range(5)]
    ends: dict[int, date | None] = {offering.pk: None for offering in offerings}
    applications = [
        make_application(team=rng.choice(teams), criticality=rng.choice(list(Criticality)))
        for _ in range(6)
    ]
    model = Model()

    for n in range(45):
        day = START + timedelta(days=n)
        for _ in range(rng.choice([0, 0, 1, 2])):
            offering = rng.choice(offerings)
            ends[offering.pk] = on = rng.choice([None, day + timedelta(days=rng.randint(0, 100))])
            Offering.objects.filter(pk=offering.pk).update(
                retires_on=on, date_kind="firm" if on else ""
            )
        if rng.random() < 0.3:
            application = rng.choice(applications)
            Dependency.objects.filter(application=application, until=None).update(until=day)
            make_dependency(application, rng.choice(offerings), since=day)
        if rng.random() < 0.05:
            Application.objects.filter(pk=rng.choice(applications).pk).update(
                team=rng.choice(teams)
            )
        live = Dependency.objects.live_on(day).values_list("application_id", "offering_id")
        model.a_day_passes(day, set(live), ends)
        a_day_passes(day)

    told: dict[tuple[int, int, date], list[tuple[date, int]]] = defaultdict(list)
    for alert in Alert.objects.filter(kind="milestone").exclude(resolution="rerouted"):
        for pk in alert.application_ids:
            told[pk, alert.offering_id or 0, alert.due_on or START].append(
                (alert.raised_at.date(), alert.milestone or 0)
            )
    assert {key: sorted(days) for key, days in told.items()} == dict(model.days)
    # nothing is owed, and everything carried has its message
    assert not Notice.objects.owed().exists()
    assert not Delivery.objects.exclude(state__in=["sent", "skipped"]).exists()
    windows = Delivery.objects.filter(kind__in=["digest", "summary"], state="sent").values_list(
        "address", "created_at"
    )
    days = [(address, moment.date()) for address, moment in windows]
    assert len(days) == len(set(days)), "one digest a recipient and window"


def test_the_owner_is_told_by_name_and_the_team_beside_them() -> None:
    team = make_team(email="team@example.org")
    owner = make_user("lena", first_name="Lena", last_name="Marchetti", role="auditor")
    application = make_application(team=team, business_owner="lena marchetti ")
    make_dependency(
        application, make_offering(retires_on=START + timedelta(days=30), date_kind="firm")
    )

    a_day_passes(START)

    alert = Alert.objects.get(kind="milestone")
    assert (alert.team, alert.user) == (team, owner)
    assert set(Delivery.objects.values_list("address", "state")) == {
        ("lena@example.org", "sent"),
        ("team@example.org", "sent"),
    }
