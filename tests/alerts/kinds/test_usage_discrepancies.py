"""What was seen in use and does not agree with what is declared is owed to the owning team, once,
until it is over."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.alerts.actions import raise_due_alerts
from apps.alerts.kinds.usage_discrepancies import ALERT_KINDS
from apps.alerts.kinds.usage_discrepancy_text import kind_clause
from apps.alerts.models import Alert, Notice, Subscription
from apps.intake.models import Confidence, Discrepancy, Observation
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.discrepancy_responses import (
    declare_discrepancies,
    dismiss_discrepancies,
)
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.web.views.alerts.presenters import present_alerts
from tests.alerts.simulation import last_text, mail_out, morning
from tests.builders import (
    NOW,
    TODAY,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.http import signed_in_client
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db


def see(world: SmallWorld, *api_ids: str) -> None:
    acme = make_provider("acme")
    for api_id in api_ids:
        make_offering(api_id, host=acme, version=make_version(f"acme/{api_id}"))
        Observation.objects.create(
            key=uuid4(),
            stream="otlp",
            application=world.application,
            provider="acme",
            requested=api_id,
            confidence=Confidence.SERVED,
            first_seen_at=NOW,
            last_seen_at=NOW,
        )
    reconcile_waiting(at=NOW)
    find_discrepancies(at=NOW)


def seen_alerts():
    return Alert.objects.filter(kind="shadow_dependency")


def test_several_of_one_application_are_one_alert_and_told_once(world):
    see(world, "talker-1", "talker-2")
    raise_due_alerts(at=NOW)
    raise_due_alerts(at=NOW + timedelta(minutes=10))

    alert = seen_alerts().get()
    assert (alert.kind, alert.severity, alert.team) == (
        "shadow_dependency",
        4,
        world.application.team,
    )
    assert alert.details["n"] == 2
    assert Notice.objects.filter(alert=alert).exists()
    [row] = present_alerts([alert], make_user(role="governance"), on=TODAY)
    assert (
        row.heading
        == f"{world.application.name} calls talker-1 on Acme and talker-2 on Acme, which are "
        "not declared"
    )
    assert row.url == f"/intake/discrepancies/?application={world.application.slug}"
    client = signed_in_client(make_member(world.application.team))
    assert "which are not declared" in client.get(f"/alerts/{alert.pk}/").content.decode()

    # what is found later is told beside it, alone
    see(world, "talker-3")
    raise_due_alerts(at=NOW)
    assert [alert.details["n"] for alert in seen_alerts().order_by("pk")] == [2, 1]


def test_it_settles_when_all_of_it_is_answered(world):
    see(world, "talker-1", "talker-2")
    raise_due_alerts(at=NOW)
    editor = make_member(world.application.team)
    first, second = Discrepancy.objects.filter(kind="shadow").order_by("pk")
    declare_discrepancies(discrepancies=[first], by=editor, at=NOW)
    raise_due_alerts(at=NOW)
    assert seen_alerts().get().state == Alert.State.OPEN

    dismiss_discrepancies(
        discrepancies=[second], until=TODAY + timedelta(days=5), reason="trial", by=editor, at=NOW
    )
    raise_due_alerts(at=NOW)
    alert = seen_alerts().get()
    assert (alert.state, alert.resolution_sentence) == (
        Alert.State.RESOLVED,
        "A user dismissed the discrepancy.",
    )


def test_the_digest_says_it_in_words(world):
    see(world, "talker-1")
    raise_due_alerts(at=NOW)
    mail_out(morning(1))
    text = last_text()
    assert "calls talker-1 on Acme, which is not declared." in text
    assert "Declare the models that the application needs" in text
    assert f"/intake/discrepancies/?application={world.application.slug}" in text


def test_who_subscribed_to_the_kind_is_told_too(world):
    user = make_user(role="auditor")
    Subscription.objects.create(user=user, kinds=["shadow_dependency"])
    see(world, "talker-1")
    raise_due_alerts(at=NOW)
    assert Notice.objects.filter(user=user, why=Notice.Why.SUBSCRIPTION).exists()


@pytest.mark.parametrize(
    ("kind", "said", "sentence"),
    [
        (
            "unseen",
            {"api_id": "a", "host": "Acme", "days": 30},
            "declares a on Acme, not observed for 30 days",
        ),
        (
            "drift",
            {"asked": "chat", "was": "acme/a-1", "now": "acme/a-2", "first_on": "2026-11-23"},
            "requests 'chat' and is served acme/a-2 since 23 November 2026, before acme/a-1",
        ),
        ("other_served", {"asked": "a", "now": "acme/b"}, "requests a and is served acme/b"),
        (
            "out_of_use",
            {"called": "a", "last_on": "2026-11-24"},
            "is retired and still calls a, last on 24 November 2026",
        ),
    ],
)
def test_each_kind_has_its_sentence(kind, said, sentence):
    assert kind_clause(ALERT_KINDS[kind], [said], 1) == sentence
    # one application is retired once
    assert kind == "out_of_use" or kind_clause(ALERT_KINDS[kind], [said, said], 2) != sentence
