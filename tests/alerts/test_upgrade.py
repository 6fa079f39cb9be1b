"""From a register whose alerts pointed at their mail to one that keeps notices, and back: nobody is mailed twice."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.alerts.actions import queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.models import Alert, AlertPolicy, AlertSettings, Delivery, Notice
from apps.catalog.models import Offering
from tests.alerts.world import make_flag, make_world
from tests.builders import NOW, make_user

BEFORE = [("alerts", "0004_old_turns_are_told")]
DAY = timedelta(days=1)


def migrate(to: list[tuple[str, str]]) -> Any:
    """The models as they were then."""
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


def head() -> list[tuple[str, str]]:
    return [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "alerts"]


@pytest.fixture
def then(transactional_db: None) -> Iterator[Any]:
    """The database of the release before; whatever happens the tables are today's afterwards."""
    try:
        yield migrate(BEFORE)
    finally:
        migrate(head())


def make_old_alerts(then: Any) -> dict[str, int]:
    """{name: id} of alerts as the release before wrote them."""
    alerts, deliveries = then.get_model("alerts", "Alert"), then.get_model("alerts", "Delivery")
    world, governor, flag = make_world(), make_user("amara", role="governance"), make_flag(events=())
    Offering.objects.update(retires_on=date(2027, 1, 15), date_kind="firm")
    handled = then.get_model("alerts", "HandledEvent")

    def sent(name: str, state: str = "sent", **recipient: int) -> dict[str, Any]:
        made = deliveries.objects.create(
            address=f"{name}@example.org", message_id=f"<{name}@example.org>", subject=name, body_text=name,
            state=state, due_at=NOW, sent_at=NOW if state == "sent" else None, **recipient,
        )  # fmt: skip
        return {"delivery": made}

    def alert(name: str, kind: str, **fields: Any) -> int:
        made: int = alerts.objects.create(key=name, kind=kind, severity=3, raised_at=NOW - DAY, **fields).pk
        return made

    events = {}
    for kind, fields in {
        "announced": {}, "delisted": {"old": "2027-03-01", "new": None, "effective_on": None},
        "withdrawn": {"old": "2027-03-01", "new": None, "effective_on": None},
        "repriced": {"old": {"input": "1"}, "new": {"input": "2"}, "effective_on": None},
    }.items():  # fmt: skip
        events[kind] = world.event(kind, **fields).pk
        handled.objects.create(event_id=events[kind], handled_at=NOW)
    team = {"team_id": world.team.pk, "application_ids": [world.application.pk]}
    user = {"user_id": governor.pk, "flag_id": flag.pk}
    to_team, to_user = {"team_id": world.team.pk}, {"user_id": governor.pk}
    return {
        "told": alert("told", "announced", event_id=events["announced"], **sent("told", **to_team), **team),
        "queued": alert(
            "queued", "repriced", event_id=events["repriced"], **sent("queued", "queued", **to_team), **team
        ),
        "owed": alert("owed", "delisted", event_id=events["delisted"], **team),
        "withdrawn": alert("withdrawn", "withdrawn", event_id=events["withdrawn"], **team),
        "acknowledged": alert("acknowledged", "opened", state="acknowledged", **sent("flag", **to_user), **user),
        "passed": alert("passed", "opened", state="resolved", **user),
        "good news": alert("good news", "resolved", state="resolved", **user),
    }


def test_old_alerts_get_their_notices_and_are_not_mailed_again(then: Any) -> None:
    ids = make_old_alerts(then)
    migrate(head())

    notices = {notice.alert_id: notice for notice in Notice.objects.select_related("delivery")}
    assert notices.keys() == set(ids.values())
    outcome = {
        name: "skipped" if notices[pk].skipped else notices[pk].delivery.state if notices[pk].delivery else "owed"  # type: ignore[union-attr]
        for name, pk in ids.items()
    }
    assert outcome == {
        "told": "sent", "queued": "queued", "owed": "owed", "withdrawn": "owed", "acknowledged": "sent",
        "passed": "skipped", "good news": "owed",
    }  # fmt: skip
    alerts = Alert.objects.in_bulk()
    days = {name: alerts[ids[name]].due_on for name in ("told", "owed", "withdrawn", "queued")}
    assert days == {"told": date(2027, 1, 15), "owed": date(2027, 3, 1), "withdrawn": None, "queued": None}
    assert all(alerts[ids[name]].offering_id for name in days)
    assert [policy.first_hours for policy in AlertPolicy.objects.all()] == [24, 72, 168, None]
    assert AlertSettings.objects.get().price_percent == 5

    # what was told by its news is told by no milestone that had passed then
    raise_alerts(at=NOW)
    raise_due_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))

    assert not Alert.objects.filter(kind="milestone").exists()
    fresh = Delivery.objects.exclude(subject__in=["told", "queued", "flag"])
    carried = {notice.alert.key for delivery in fresh for notice in delivery.notices.select_related("alert")}
    assert carried == {"owed", "withdrawn", "good news"}


def test_going_back_gives_alerts_their_mail_and_drops_what_has_no_place_there(then: Any) -> None:
    ids = make_old_alerts(then)
    migrate(head())
    governor = make_user("bo", role="governance")
    old = Alert.objects.get(pk=ids["told"])
    Alert.objects.filter(pk=old.pk).update(state="snoozed", snoozed_until=NOW.date() + DAY, user=governor)
    Offering.objects.update(retires_on=NOW.date(), date_kind="firm")
    raise_due_alerts(at=NOW)
    assert Alert.objects.filter(kind="milestone").exists()
    queue_digests(at=NOW, gather=timedelta(0))

    back = migrate(BEFORE)

    alerts = back.get_model("alerts", "Alert").objects
    assert set(alerts.values_list("pk", flat=True)) == set(ids.values())
    mails = dict(alerts.values_list("key", "delivery__subject"))
    assert (mails["told"], mails["queued"], mails["acknowledged"]) == ("told", "queued", "flag")
    assert mails["owed"] is not None
    told = alerts.get(key="told")
    assert (told.state, told.user_id, told.team_id) == ("open", None, old.team_id)

    migrate(head())

    assert Notice.objects.filter(alert=ids["told"], delivery__subject="told").count() == 1
