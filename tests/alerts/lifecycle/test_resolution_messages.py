"""An alert ends when its cause does; whom a mail had told is told that too, once, and nobody
else."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.alerts.actions import (
    maintain_alerts,
    queue_digests,
    raise_alerts,
    raise_due_alerts,
    send_due_deliveries,
)
from apps.alerts.models import Alert, Delivery, Notice
from apps.catalog.models import NodeKind, Offering
from apps.inventory.models import ExitPlan
from apps.risks.models import Assessment
from tests.builders import (
    NOW,
    TODAY,
    make_exit_test,
    make_node,
    make_offering,
    make_risk,
    make_user,
)
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def a_day(n: int) -> datetime:
    moment = NOW + n * DAY
    raise_alerts(at=moment)
    raise_due_alerts(at=moment)
    maintain_alerts(at=moment)
    queue_digests(at=moment, gather=timedelta(0))
    send_due_deliveries(at=moment)
    return moment


def mails() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("body_text", flat=True))


def runway(world: SmallWorld, needs: int) -> None:
    dependency = world.application.dependencies.get()
    ExitPlan.objects.update_or_create(
        dependency=dependency, defaults={"estimated_days": Decimal(needs)}
    )


@pytest.mark.proof
def test_a_runway_that_turns_negative_is_told_at_once_and_that_it_is_over_once(
    world: SmallWorld,
) -> None:
    runway(world, 60)  # 52 days are left
    a_day(0)

    alert = Alert.objects.get(kind="runway_negative")
    assert (alert.severity, alert.urgent, alert.due_on) == (5, True, date(2027, 1, 15))
    assert "−8 days" in mails()[0]
    runway(world, 20)
    a_day(1)
    a_day(2)

    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert len(mails()) == 2
    assert "RESOLVED" in mails()[1]
    assert "The runway is positive again" in mails()[1]


@pytest.mark.proof
def test_a_runway_that_turns_negative_again_for_another_reason_is_told_again(
    world: SmallWorld,
) -> None:
    runway(world, 60)
    a_day(0)
    runway(world, 40)
    a_day(1)
    assert Alert.objects.filter(kind="runway_negative").live().count() == 0

    for n in range(2, 16):
        a_day(n)

    live = Alert.objects.filter(kind="runway_negative").live().get()
    assert live.raised_at.date() == date(2027, 1, 15) - timedelta(days=39)


def test_what_passed_before_a_mail_was_due_is_never_mailed(world: SmallWorld) -> None:
    runway(world, 60)
    raise_due_alerts(at=NOW)
    runway(world, 20)
    Offering.objects.update(retires_on=None, date_kind="")
    raise_due_alerts(at=NOW)

    queue_digests(at=NOW, gather=timedelta(0))

    assert mails() == []
    reasons = {notice.skip_sentence for notice in Notice.objects.all()}
    assert reasons == {"The cause was resolved before a message was due."}


def test_a_date_that_moves_away_ends_its_milestones(world: SmallWorld) -> None:
    a_day(0)
    old = Alert.objects.get(kind="milestone")
    Offering.objects.filter(pk=world.offering.pk).update(retires_on=date(2027, 12, 31))

    a_day(1)

    old.refresh_from_db()
    assert old.state == "resolved"
    assert Alert.objects.live().count() == 0
    assert "Gemini 2.5 Pro on Google Vertex AI, 15 January 2027" in mails()[1]


def test_a_date_that_comes_back_tells_no_milestone_twice(world: SmallWorld) -> None:
    a_day(0)
    for n, on in enumerate(
        [date(2027, 12, 31), date(2027, 1, 15), date(2027, 12, 31), date(2027, 1, 15)], 1
    ):
        Offering.objects.filter(pk=world.offering.pk).update(retires_on=on)
        a_day(n)

    assert (
        Alert.objects.filter(kind="milestone", milestone=60, due_on=date(2027, 1, 15)).count() == 1
    )


def test_an_exit_test_that_expires_is_said_beforehand_and_over_when_repeated(
    world: SmallWorld,
) -> None:
    dependency = world.application.dependencies.get()
    target = make_offering()
    Offering.objects.update(retires_on=None, date_kind="")
    make_exit_test(dependency, target, tested_on=TODAY - 300 * DAY, expires_on=TODAY + 31 * DAY)
    a_day(0)
    assert not Alert.objects.exists()
    a_day(1)
    alert = Alert.objects.get()
    assert (alert.kind, alert.milestone, alert.due_on) == (
        "exit_test_expiring",
        30,
        TODAY + 31 * DAY,
    )
    make_exit_test(dependency, target, tested_on=TODAY + DAY)

    a_day(2)
    a_day(3)

    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert len(mails()) == 2


def test_an_acceptance_that_expires_is_told_to_who_accepted_it(world: SmallWorld) -> None:
    Offering.objects.update(retires_on=None, date_kind="")
    risk = make_risk(make_node(NodeKind.OFFERING, world.offering))
    amara = make_user("amara", role="governance")
    Assessment.objects.create(
        risk=risk,
        dependency=world.application.dependencies.get(),
        inherent_likelihood=4,
        inherent_impact=4,
        treatment="accept",
        accepted_by=amara,
        accepted_at=NOW,
        accepted_until=TODAY + 7 * DAY,
        accept_reason="known",
        assessed_by=amara,
        assessed_at=NOW,
    )

    a_day(0)

    assert set(Delivery.objects.values_list("address", flat=True)) == {
        "claims@example.org",
        "amara@example.org",
    }
    assert all(
        "expires in 7 days, on 1 December 2026." in " ".join(body.split()) for body in mails()
    )


def test_a_review_overdue_since_long_ago_is_told_once(world: SmallWorld) -> None:
    Offering.objects.update(retires_on=None, date_kind="")
    world.application.next_review_on = TODAY - 400 * DAY
    world.application.save()

    for n in range(3):
        a_day(n)

    alert = Alert.objects.get()
    assert (alert.kind, alert.milestone, alert.severity) == ("review_due", 0, 3)
    assert len(mails()) == 1
    world.application.next_review_on = TODAY + 300 * DAY
    world.application.save()
    a_day(4)
    alert.refresh_from_db()
    assert alert.state == "resolved"
