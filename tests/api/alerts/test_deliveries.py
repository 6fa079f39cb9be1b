"""The ledger over REST: messages, what they carry, and the account of who is owed word of what."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, raise_alerts, resolve_alert
from apps.alerts.models import Alert, Delivery, Notice, Webhook
from tests.builders import NOW, make_member, make_team, make_user
from tests.http import listed_rows
from tests.worlds.small import make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def told():
    """Claims was told of an announcement at its mailbox, and a webhook was; a second announcement
    is owed still."""
    Webhook.objects.create(
        name="Chat", url="https://hooks.example.org/a", created_by=make_user(role="governance")
    )
    world = make_small_world()
    world.event()
    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    raise_alerts(at=NOW)
    return world


@pytest.fixture
def auditor(api):
    return api(make_user(role="auditor"))


class TestDeliveries:
    def test_say_what_they_are_and_to_whom_they_go(self, told, auditor):
        found = {row["kind"]: row for row in listed_rows(auditor.get("/api/v1/deliveries/"))}

        mail = found["digest"]
        assert (mail["team"], mail["user"], mail["webhook"], mail["address"]) == (
            told.team.slug,
            None,
            None,
            "claims@example.org",
        )
        assert mail["thread"].startswith("<")
        assert (found["webhook"]["webhook"], found["webhook"]["team"]) == ("Chat", None)

    def test_the_body_stands_in_one_and_in_lists_where_it_is_asked_for(self, told, auditor):
        mail = Delivery.objects.get(team=told.team)

        one = auditor.get(f"/api/v1/deliveries/{mail.pk}/").json()
        listed = listed_rows(auditor.get("/api/v1/deliveries/"))
        asked = listed_rows(auditor.get("/api/v1/deliveries/?fields=id,body_text"))

        assert "Motor damage estimator" in one["body_text"]
        assert all("body_text" not in row for row in listed)
        assert {row["id"]: row["body_text"] for row in asked}[mail.pk] == one["body_text"]

    def test_the_body_holds_no_address_to_answer_by(self, told, auditor):
        one = auditor.get(f"/api/v1/deliveries/{Delivery.objects.get(team=told.team).pk}/").json()

        assert "/unsubscribe/-/" in one["body_text"]

    @pytest.mark.parametrize(
        ("query", "kinds"),
        [("kind=webhook", {"webhook"}), ("kind=digest", {"digest"}), ("kind=heartbeat", set())],
    )
    def test_are_found_by_kind(self, told, auditor, query, kinds):
        assert {
            row["kind"] for row in listed_rows(auditor.get(f"/api/v1/deliveries/?{query}"))
        } == kinds

    def test_a_failed_one_is_sent_again_under_its_old_id_and_another_is_not(self, told, api):
        mail = Delivery.objects.get(team=told.team)
        client = api(make_user("gus", role="governance"), "read", "write")
        early = client.post(f"/api/v1/deliveries/{mail.pk}/resend/")
        Delivery.objects.filter(pk=mail.pk).update(
            state="failed", reason="550 no such user", attempts=3
        )

        again = client.post(f"/api/v1/deliveries/{mail.pk}/resend/").json()

        assert early.status_code == 409
        assert (
            early.json()["detail"] == "Only a failed delivery can be sent again. Check its state."
        )
        assert (again["state"], again["attempts"], again["message_id"]) == (
            "queued",
            0,
            mail.message_id,
        )
        assert again["reason"] == "Retried by gus."


class TestNotices:
    def test_say_in_which_state_they_are(self, told, auditor):
        carried = {
            (row["team"], row["state"], row["delivery_state"])
            for row in listed_rows(auditor.get("/api/v1/notifications/"))
        }

        assert carried == {
            (told.team.slug, "carried", "queued"),
            (told.team.slug, "owed", None),
            (None, "carried", "queued"),
            (None, "owed", None),
        }

    def test_a_skipped_one_says_why(self, told, auditor):
        owed = Notice.objects.owed().filter(team=told.team).get()
        resolve_alert(alert=owed.alert, reason="known", by=make_user(role="admin"), at=NOW)

        row = auditor.get(f"/api/v1/notifications/{owed.pk}/").json()

        assert (row["state"], row["delivery"]) == ("skipped", None)
        assert row["skip_reason"] == "The alert was resolved before a message was due."

    @pytest.mark.parametrize(
        ("query", "n"),
        [
            ("state=owed", 2),
            ("state=carried", 2),
            ("state=skipped", 0),
            ("route=webhook", 2),
            ("route=owner", 0),
            ("webhook=Chat", 2),
            ("webhook=Other", 0),
            ("user=nobody", 0),
            ("team=elsewhere", 0),
            ("alert=0", 0),
        ],
    )
    def test_are_found_by_state_reason_and_recipient(self, told, auditor, query, n):
        assert len(listed_rows(auditor.get(f"/api/v1/notifications/?{query}"))) == n

    def test_are_found_by_alert_and_by_the_message_that_carries_them(self, told, auditor):
        mail = Delivery.objects.get(team=told.team)
        first = Alert.objects.get(kind="announced")

        of_alert = listed_rows(auditor.get(f"/api/v1/notifications/?alert={first.pk}"))
        of_mail = listed_rows(auditor.get(f"/api/v1/notifications/?delivery={mail.pk}"))

        assert {row["alert"] for row in of_alert} == {first.pk}
        assert [(row["alert"], row["team"]) for row in of_mail] == [(first.pk, told.team.slug)]

    @pytest.mark.parametrize("query", ["state=lost", "why=because", "alert=x"])
    def test_refuse_what_is_no_filter(self, told, auditor, query):
        assert auditor.get(f"/api/v1/notifications/?{query}").status_code == 400

    def test_members_read_those_of_their_team_and_open_no_mail_of_others(self, api):
        world = make_small_world(email="")
        first, second = (make_member(world.team, TeamRole.OWNER) for _ in range(2))
        world.event()
        raise_alerts(at=NOW)
        queue_digests(at=NOW, gather=timedelta(0))
        outsider = make_member(make_team())

        mine = {row["user"]: row for row in listed_rows(api(first).get("/api/v1/notifications/"))}

        assert mine[first.username]["delivery"] == Delivery.objects.get(user=first).pk
        assert (mine[second.username]["delivery"], mine[second.username]["delivery_state"]) == (
            None,
            "queued",
        )
        assert listed_rows(api(outsider).get("/api/v1/notifications/")) == []

    def test_are_only_read(self, told, api):
        client = api(make_user(role="admin"), "read", "write")
        notice = Notice.objects.first()

        assert client.post("/api/v1/notifications/", {}).status_code == 405
        assert client.patch(f"/api/v1/notifications/{notice.pk}/", {}).status_code == 405
        assert client.delete(f"/api/v1/notifications/{notice.pk}/").status_code == 405


class TestTheAccount:
    def test_its_parts_add_up_to_what_was_owed(self, told, auditor):
        Delivery.objects.filter(team=told.team).update(state="sent", sent_at=NOW)
        Delivery.objects.filter(webhook__isnull=False).update(state="failed", reason="410")

        body = auditor.get("/api/v1/notifications/summary/").json()

        assert body == {"n_owed": 4, "n_sent": 1, "n_failed": 1, "n_skipped": 0, "n_waiting": 2}

    def test_a_member_gets_the_account_of_what_the_member_sees(self, told, api):
        assert (
            api(make_member(make_team())).get("/api/v1/notifications/summary/").json()["n_owed"]
            == 0
        )
        # with the webhook's notices about the team's alerts
        assert (
            api(make_member(told.team)).get("/api/v1/notifications/summary/").json()["n_owed"] == 4
        )
