"""How long it is kept who was told what: long, of nothing that is open, and never what people
wrote."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.test import Client

from apps.alerts.actions import acknowledge_alert, reopen_alert, resolve_alert
from apps.alerts.models import Alert, Delivery, Notice
from apps.alerts.retention import PurgedMessages, purge_old_messages
from apps.alerts.tasks import purge_old_messages as task
from apps.common.time import now
from tests.alerts.simulation import last_text, look, mail_out, morning
from tests.builders import NOW, make_flag, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

YEARS = timedelta(days=731)
KEEP = 730


def settled_mails(world: SmallWorld, *kinds: str) -> list[Alert]:
    """Each kind of news, mailed and resolved by a person on the same day."""
    governor = make_user(role="governance")
    found = []
    for n, kind in enumerate(kinds):
        world.event(kind, new={"input": str(n)}, detected_at=morning(n))
        look(morning(n))
        mail_out(morning(n))
        Delivery.objects.update(sent_at=F("created_at"))
        alert = Alert.objects.filter(event__isnull=False).latest("pk")
        resolve_alert(alert=alert, reason="seen", by=governor, at=morning(n, 9))
        found.append(alert)
    return found


def left() -> tuple[int, int]:
    return Notice.objects.count(), Delivery.objects.count()


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    made = make_small_world()
    made.offering.retires_on, made.offering.date_kind = None, ""
    made.offering.save()
    return made


@pytest.mark.proof
def test_what_was_over_two_years_ago_is_forgotten_but_for_the_last_message_of_each_recipient(
    world: SmallWorld,
) -> None:
    first, second = settled_mails(world, "repriced", "repriced")
    before = {alert.pk: str(alert.resolution_sentence) for alert in Alert.objects.all()}
    assert left() == (2, 2)

    assert purge_old_messages(at=morning(0) + YEARS, keep_days=KEEP) == PurgedMessages(1, 1)
    assert not Notice.objects.filter(alert=first).exists()
    assert Notice.objects.get().alert == second
    assert purge_old_messages(at=morning(1) + YEARS, keep_days=KEEP) == PurgedMessages(1, 0)

    assert left() == (0, 1)
    assert {alert.pk: alert.resolution_sentence for alert in Alert.objects.all()} == before, (
        "what people wrote stays"
    )


@pytest.mark.proof
def test_the_address_that_was_mailed_long_ago_gets_no_first_summary_again(
    world: SmallWorld,
) -> None:
    settled_mails(world, "repriced")
    purge_old_messages(at=morning(0) + 2 * YEARS, keep_days=KEEP)

    for n in range(12):
        world.event("repriced", new={"input": str(100 + n)}, detected_at=NOW + 2 * YEARS)
    look(NOW + 2 * YEARS)
    mail_out(NOW + 2 * YEARS)

    assert "This is your first digest" not in last_text()
    assert not Delivery.objects.filter(kind="summary").exists()


@pytest.mark.parametrize("how", ["open", "acknowledged", "opened again", "resolved lately"])
def test_what_is_not_over_or_only_lately_keeps_its_proof(world: SmallWorld, how: str) -> None:
    [alert] = settled_mails(world, "repriced")
    governor = make_user(role="admin")
    reopen_alert(alert=alert, by=governor, at=morning(0, 10))
    match how:
        case "acknowledged":
            acknowledge_alert(alert=alert, by=governor, at=morning(0, 11))
        case "resolved lately":
            resolve_alert(alert=alert, reason="now", by=governor, at=morning(700))
    was = left()

    assert purge_old_messages(at=morning(0) + YEARS, keep_days=KEEP) == PurgedMessages()

    assert left() == was


@pytest.mark.parametrize(
    ("state", "kept"), [("open", True), ("acknowledged", True), ("resolved", False)]
)
def test_what_proves_that_governance_was_told_of_a_flag_stays_until_the_flag_is_over(
    world: SmallWorld, state: str, kept: bool
) -> None:
    governor = make_user(role="governance", email="gus@example.org")
    flag = make_flag()
    look(NOW)
    mail_out(NOW)
    for alert in Alert.objects.filter(flag=flag):
        resolve_alert(alert=alert, reason="known", by=governor, at=NOW)
    assert Notice.objects.filter(alert__flag=flag, delivery__state="sent").count() == 1
    flag.state, flag.resolved_at = state, NOW if state == "resolved" else None
    flag.save()

    purge_old_messages(at=NOW + YEARS, keep_days=KEEP)

    assert Notice.objects.filter(alert__flag=flag).exists() is kept


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_what_is_owed_or_on_its_way_is_not_forgotten(world: SmallWorld, state: str) -> None:
    [alert] = settled_mails(world, "repriced")
    Delivery.objects.update(state=state, sent_at=None)
    Notice.objects.create(alert=alert, user=make_user(), why="own", owed_at=NOW)

    assert purge_old_messages(at=NOW + YEARS, keep_days=KEEP) == PurgedMessages()


def test_what_was_skipped_goes_with_its_row_of_the_ledger(world: SmallWorld) -> None:
    [alert] = settled_mails(world, "repriced")
    Delivery.objects.update(state="skipped", sent_at=None, skip_reason="no_email_wanted")
    Notice.objects.create(
        alert=alert, user=make_user(), why="own", owed_at=NOW, skip_reason="passed"
    )

    assert purge_old_messages(at=NOW + YEARS, keep_days=KEEP) == PurgedMessages(2, 1)
    assert left() == (0, 0)


@pytest.mark.proof
def test_a_night_is_bounded_and_the_next_one_goes_on(world: SmallWorld) -> None:
    settled_mails(world, *["repriced"] * 4)

    gone = [purge_old_messages(at=NOW + 2 * YEARS, keep_days=KEEP, limit=3) for _ in range(3)]

    assert gone == [PurgedMessages(3, 3), PurgedMessages(1, 0), PurgedMessages()]


@pytest.mark.proof
def test_the_setting_says_how_long_and_zero_keeps_all(world: SmallWorld, settings: Any) -> None:
    settled_mails(world, "repriced", "repriced")
    long_ago: datetime = now() - timedelta(days=100)
    Alert.objects.update(resolved_at=long_ago, raised_at=long_ago)
    Notice.objects.update(owed_at=long_ago)
    Delivery.objects.update(created_at=long_ago, sent_at=long_ago)

    settings.LEDGER_DAYS = 0
    assert task() == 0
    settings.LEDGER_DAYS = 101
    assert task() == 0
    settings.LEDGER_DAYS = 99
    assert task() == 3


def test_the_pages_say_that_it_is_not_kept_and_not_that_nobody_was_told(
    world: SmallWorld, client: Client
) -> None:
    [alert] = settled_mails(world, "repriced")
    Alert.objects.update(resolved_at=now() - YEARS, raised_at=now() - YEARS)
    Notice.objects.all().delete()
    client.force_login(make_user(role="auditor"))

    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    rows = client.get("/alerts/?state=resolved").content.decode()

    assert "so long ago that its recipients are no longer stored" in page
    assert "Recipients are no longer stored." in rows
    assert "No recipient is notified" not in page + rows


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_two_that_forget_at_once_forget_each_row_once() -> None:
    made = make_small_world()
    made.offering.retires_on, made.offering.date_kind = None, ""
    made.offering.save()
    settled_mails(made, *["repriced"] * 3)
    found: list[PurgedMessages] = []

    def forget() -> None:
        try:
            found.append(purge_old_messages(at=NOW + 2 * YEARS, keep_days=KEEP))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=forget) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # either may pass by what the other has at the moment
    assert sum(each.n_notices for each in found) == 3
    assert left()[0] == 0
