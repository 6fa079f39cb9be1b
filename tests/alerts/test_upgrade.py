"""From a register whose alerts pointed at their mail to one that keeps notices, and back: nobody is
mailed twice.

Rolling three migrations back and forth takes minutes, as every state of all models is drawn; so
what moves the data runs here by itself, over the tables as they are between the migrations that
change them.
"""

from datetime import date, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from apps.alerts.actions import queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.models import (
    Alert,
    AlertPolicy,
    AlertSettings,
    Delivery,
    HandledEvent,
    Notice,
    Webhook,
)
from apps.catalog.models import Offering
from apps.common.history.context import audit_context
from tests.builders import NOW, make_flag, make_user
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MOVING = import_module("apps.alerts.migrations.0006_notices_of_old_alerts")
CODES = import_module("apps.alerts.migrations.0013_reasons_are_codes")

# the columns that held sentences where codes stand now
SENTENCES = """
ALTER TABLE alerts_notice ADD COLUMN skipped varchar(300) NOT NULL DEFAULT '',
    ALTER COLUMN skip_reason SET DEFAULT '', ALTER COLUMN skip_details SET DEFAULT '{}';
ALTER TABLE alerts_alert ADD COLUMN resolved_why varchar(300) NOT NULL DEFAULT '';
ALTER TABLE alerts_alerthistory ADD COLUMN resolved_why varchar(300) NOT NULL DEFAULT '';
"""
# what the release before demanded of its rows, and what the migration before this one puts back
OLD_RULES = """
ALTER TABLE alerts_alert ADD CHECK (num_nonnulls(event_id, flag_id, run_id, source_id) = 1);
ALTER TABLE alerts_alert ADD CHECK ((team_id IS NULL) <> (user_id IS NULL));
ALTER TABLE alerts_delivery ADD CHECK ((team_id IS NULL) <> (user_id IS NULL));
ALTER TABLE alerts_alert ADD CHECK (state IN ('open', 'acknowledged', 'resolved'));
ALTER TABLE alerts_delivery ALTER COLUMN address TYPE varchar(254);
"""


def run(statements: str) -> None:
    with connection.cursor() as cursor:
        # foreign keys are looked at now, so that the tables may change afterwards
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(statements)


def convert() -> None:
    """Sentences become codes."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        CODES.convert(cursor)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def forwards() -> None:
    for operation in MOVING.Migration.operations:
        run(operation.sql)
    convert()


def backwards() -> None:
    for operation in reversed(MOVING.Migration.operations):
        run(operation.reverse_sql)


@pytest.fixture
def world(db: None) -> SmallWorld:
    """The tables before the data is moved: with the mail of each alert, without lines."""
    run("ALTER TABLE alerts_alert ADD COLUMN delivery_id bigint REFERENCES alerts_delivery")
    run(SENTENCES)
    AlertPolicy.objects.all().delete()
    AlertSettings.objects.all().delete()
    made = make_small_world()
    Offering.objects.update(retires_on=date(2027, 1, 15), date_kind="firm")
    return made


def make_old_alerts(world: SmallWorld) -> dict[str, int]:
    """{name: id} of alerts as the release before wrote them; those of some names with a mail of
    that subject."""
    governor, flag = make_user("amara", role="governance"), make_flag(events=())
    taken_back = {"old": "2027-03-01", "new": None, "effective_on": None}
    events = {
        "announced": world.event("announced"),
        "delisted": world.event("delisted", **taken_back),
        "withdrawn": world.event("withdrawn", **taken_back),
        "repriced": world.event(
            "repriced", old={"input": "1"}, new={"input": "2"}, effective_on=None
        ),
    }
    HandledEvent.objects.bulk_create(
        HandledEvent(event=event, handled_at=NOW) for event in events.values()
    )
    rows: dict[str, dict[str, Any]] = {
        "told": {"kind": "announced", "mail": "sent"},
        "queued": {"kind": "repriced", "mail": "queued"},
        "owed": {"kind": "delisted"},
        "withdrawn": {"kind": "withdrawn"},
        "acknowledged": {"kind": "opened", "state": "acknowledged", "mail": "sent"},
        "passed": {"kind": "opened", "state": "resolved"},
        "good news": {"kind": "resolved", "state": "resolved"},
    }
    ids = {}
    for name, row in rows.items():
        event = events.get(row["kind"])
        party: dict[str, Any] = {"team": world.team} if event else {"user": governor}
        alert = Alert.objects.create(
            key=name,
            kind=row["kind"],
            state=row.get("state", "open"),
            severity=3,
            raised_at=NOW - DAY,
            event=event,
            flag=None if event else flag,
            application_ids=[world.application.pk] if event else [],
            **party,
        )
        ids[name] = alert.pk
        if "mail" in row:
            mail = Delivery.objects.create(
                address=f"{name}@example.org",
                message_id=f"<{name}@example.org>",
                subject=name,
                body_text=name,
                state=row["mail"],
                due_at=NOW,
                sent_at=NOW if row["mail"] == "sent" else None,
                **party,
            )
            run(f"UPDATE alerts_alert SET delivery_id = {mail.pk} WHERE id = {alert.pk}")
    return ids


def outcome(notice: Notice) -> str:
    return "skipped" if notice.skip_reason else notice.delivery.state if notice.delivery else "owed"


def test_old_alerts_get_their_notices_and_are_not_mailed_again(world: SmallWorld) -> None:
    ids = make_old_alerts(world)

    forwards()

    notices = {notice.alert_id: notice for notice in Notice.objects.select_related("delivery")}
    assert {name: outcome(notices[pk]) for name, pk in ids.items()} == {
        "told": "sent",
        "queued": "queued",
        "owed": "owed",
        "withdrawn": "owed",
        "acknowledged": "sent",
        "passed": "skipped",
        "good news": "owed",
    }
    alerts = Alert.objects.in_bulk()
    days = {name: alerts[ids[name]].due_on for name in ("told", "owed", "withdrawn", "queued")}
    assert days == {
        "told": date(2027, 1, 15),
        "owed": date(2027, 3, 1),
        "withdrawn": None,
        "queued": None,
    }
    assert all(alerts[ids[name]].offering_id == world.offering.pk for name in days)
    assert [policy.first_hours for policy in AlertPolicy.objects.all()] == [24, 72, 168, None]
    assert AlertSettings.objects.get().price_percent == 5

    raise_alerts(at=NOW)
    raise_due_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))

    assert not Alert.objects.filter(kind="milestone").exists(), "its news has told it"
    fresh = Delivery.objects.exclude(subject__in=ids)
    assert set(fresh.values_list("notices__alert__key", flat=True)) == {
        "owed",
        "withdrawn",
        "good news",
    }


def test_going_back_gives_alerts_their_mail_and_drops_what_has_no_place_there(
    world: SmallWorld,
) -> None:
    ids = make_old_alerts(world)
    forwards()
    governor = make_user("bo", role="governance")
    Alert.objects.filter(pk=ids["told"]).update(
        state="snoozed", snoozed_until=NOW.date() + DAY, user=governor
    )
    Webhook.objects.create(
        name="chat", url="https://chat.example.org/" + "x" * 400, created_by=governor
    )
    Offering.objects.update(retires_on=NOW.date(), date_kind="firm")
    raise_due_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    assert Alert.objects.filter(kind="milestone").exists()
    assert Delivery.objects.filter(webhook__isnull=False).exists()

    backwards()

    run(OLD_RULES)
    assert set(Alert.objects.values_list("pk", flat=True)) == set(ids.values())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, subject FROM alerts_alert a LEFT JOIN alerts_delivery d ON d.id = "
            "a.delivery_id"
        )
        mails = dict(cursor.fetchall())
    assert {name: mails[name] for name in ("told", "queued", "acknowledged")} == {
        "told": "told",
        "queued": "queued",
        "acknowledged": "acknowledged",
    }
    assert mails["owed"] is not None
    assert not Notice.objects.exists()


def test_there_and_back_and_there_again_says_the_same(world: SmallWorld) -> None:
    make_old_alerts(world)
    forwards()
    first = sorted(Notice.objects.values_list("alert", "user", "team", "delivery"))

    backwards()
    forwards()

    assert sorted(
        Notice.objects.values_list("alert", "user", "team", "delivery"), key=str
    ) == sorted(first, key=str)


# --- sentences become codes -----------------------------------------------------------------------


def make_told(world: SmallWorld) -> dict[str, int]:
    """{sentence: id} of notices that were skipped for it."""
    ids = {}
    sentences = [
        *CODES.SKIP_CODES,
        "Muted until 2027-01-09.",
        "Muted for ever.",
        "A sentence of long ago.",
    ]
    for n, sentence in enumerate(sentences):
        notice = Notice.objects.create(
            alert=Alert.objects.get(key="told"),
            user=make_user(f"u{n}"),
            why="own",
            owed_at=NOW,
            occasion=f"asked {n}",
        )
        run(f"UPDATE alerts_notice SET skipped = '{sentence}' WHERE id = {notice.pk}")
        ids[sentence] = notice.pk
    return ids


def test_a_skipped_notice_keeps_its_sentence_as_a_code_or_as_text(world: SmallWorld) -> None:
    make_old_alerts(world)
    ids = make_told(world)

    convert()

    notices = Notice.objects.in_bulk(ids.values())
    said = {sentence: notices[pk].skip_sentence for sentence, pk in ids.items()}
    texts = ("Muted until 2027-01-09.", "Muted for ever.", "A sentence of long ago.")
    assert {text: said[text] for text in texts} == {text: text for text in texts}
    codes = {sentence: notices[pk].skip_reason for sentence, pk in ids.items()}
    assert codes == CODES.SKIP_CODES | {
        "Muted until 2027-01-09.": "muted",
        "Muted for ever.": "other",
        "A sentence of long ago.": "other",
    }
    assert not Notice.objects.owed().filter(pk__in=ids.values()).exists()


def test_a_skipped_message_keeps_its_sentence_and_a_failed_one_its_text(world: SmallWorld) -> None:
    governor = make_user("amara")
    said = {
        "The webhook is switched off.": "skipped",
        "Somebody was odd.": "skipped",
        "550 No such box": "failed",
    }
    for reason, state in said.items():
        Delivery.objects.create(
            user=governor,
            address="a@example.org",
            message_id=reason,
            subject="x",
            body_text="x",
            state=state,
            due_at=NOW,
            reason=reason,
        )

    convert()

    assert set(Delivery.objects.values_list("state", "skip_reason", "reason")) == {
        ("skipped", "webhook_disabled", ""),
        ("skipped", "other", "Somebody was odd."),
        ("failed", "", "550 No such box"),
    }


def test_a_resolved_alert_keeps_its_sentence_and_what_a_user_wrote(world: SmallWorld) -> None:
    make_old_alerts(world)
    alert = Alert.objects.get(key="told")
    by_registry = {**CODES.RESOLUTION_CODES, "A sentence of long ago.": "other"}
    stored = {}
    for sentence, code in by_registry.items():
        run(f"UPDATE alerts_alert SET resolved_why = '{sentence}' WHERE id = {alert.pk}")
        convert()
        alert.refresh_from_db()
        stored[sentence] = alert.resolution
        assert alert.resolution == code
    assert stored == by_registry
    assert alert.resolution_sentence == "A sentence of long ago."

    governor = make_user("bo")
    Alert.objects.filter(pk=alert.pk).update(resolved_by=governor)
    run(f"UPDATE alerts_alert SET resolved_why = 'Its day has come.' WHERE id = {alert.pk}")
    convert()
    alert.refresh_from_db()
    assert (alert.resolution, alert.resolution_text) == ("by_user", "Its day has come.")


def test_going_back_gives_every_code_its_sentence(world: SmallWorld) -> None:
    make_old_alerts(world)
    ids = make_told(world)
    governor = make_user("bo")
    Alert.objects.filter(key="told").update(resolved_by=governor)
    run("UPDATE alerts_alert SET resolved_why = 'Moved' WHERE key = 'told'")
    run("UPDATE alerts_alert SET resolved_why = 'Its day has come.' WHERE key = 'owed'")

    convert()
    run("UPDATE alerts_notice SET skipped = ''; UPDATE alerts_alert SET resolved_why = ''")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        CODES.convert_back(cursor)
        cursor.execute("SELECT id, skipped FROM alerts_notice")
        skipped = dict(cursor.fetchall())
        cursor.execute("SELECT key, resolved_why FROM alerts_alert WHERE resolved_why <> ''")
        assert dict(cursor.fetchall()) == {"told": "Moved", "owed": "Its day has come."}

    passed = ids.pop("It had passed before a mail was due.")
    assert skipped[passed] == "It had passed before a message was due."
    assert {sentence: skipped[pk] for sentence, pk in ids.items()} == {
        sentence: sentence for sentence in ids
    }


def test_answers_of_the_history_are_told_apart_by_a_code(world: SmallWorld) -> None:
    make_old_alerts(world)
    alert, henrik = Alert.objects.get(key="told"), make_user("henrik", role="governance")
    for state, reason in (
        ("acknowledged", "alert acknowledged"),
        ("open", "answer taken back"),
        ("acknowledged", "I look at it"),
    ):
        with audit_context(user=henrik, reason=reason):
            alert.state = state
            alert.save()

    convert()

    history = Alert.history.rel.related_model.objects  # type: ignore[attr-defined]
    rows = history.filter(
        pgh_obj_id=alert.pk, pgh_label="update", pgh_context__isnull=False
    ).order_by("pgh_id")
    assert [row.pgh_context.metadata.get("code") for row in rows] == ["acknowledge", "undo", None]
    assert [(turn.what, turn.reason) for turn in alert_activity(alert)][:2] == [
        ("acknowledged the alert", "I look at it"),
        ("reopened the alert", ""),
    ]
