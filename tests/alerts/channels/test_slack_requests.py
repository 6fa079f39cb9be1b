"""Responses by buttons in Slack messages: whose they are, what they may, and what Slack shows."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from slack_sdk.signature import SignatureVerifier

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests
from apps.alerts.channels.slack.requests import (
    RejectedRequestError,
    answer_requests,
    check_request,
    receive_request,
    suggest_members,
)
from apps.alerts.delivery.dispatch import send_webhooks
from apps.alerts.lifecycle.activity import alert_activity
from apps.alerts.models import Alert, Notice, SlackRequest, Webhook
from tests.alerts.channels.service_server import SIGNING_SECRET, SLACK_CHANNEL, ServiceServer
from tests.alerts.simulation import look
from tests.builders import NOW, make_member, make_team, make_user
from tests.feeds.loopback import status, throttled
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
PATH = "/integrations/slack/"


@pytest.fixture
def tomasz(world: SmallWorld, server: ServiceServer) -> User:
    user = make_user("tomasz", email="Tomasz@Example.org", first_name="Tomasz")
    make_member(world.team, TeamRole.EDITOR, user)
    server.add_slack_user("U1", "tomasz@example.org")
    return user


@pytest.fixture
def channel(tomasz: User, make_channel: Callable[..., Webhook]) -> Webhook:
    return make_channel("slack", kinds=["announced"])


@pytest.fixture
def message(channel: Webhook, world: SmallWorld, server: ServiceServer) -> dict[str, Any]:
    """The message about the announced retirement, as Slack has it."""
    world.event()
    look(NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    send_webhooks(at=NOW)
    [sent] = server.slack_messages
    return sent


@pytest.fixture
def alert(message: dict[str, Any]) -> Alert:
    return Alert.objects.get(event__isnull=False)


type Press = Callable[..., bytes]


@pytest.fixture
def press(message: dict[str, Any], server: ServiceServer) -> Press:
    """The body of the request that Slack posts when a user uses a button or a choice."""

    def build(name: str, *, user: str = "U1", option: str = "", **changes: Any) -> bytes:
        [block] = [row for row in message["blocks"] if row["type"] == "actions"]
        action: dict[str, Any] = {
            "action_id": name,
            "block_id": block["block_id"],
            "type": "button",
            "action_ts": "1764400000.1",
        }
        if option:
            action["selected_option"] = {"value": option}
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": "T1"},
            "channel": {"id": SLACK_CHANNEL},
            "response_url": server.response_url,
            "actions": [action],
            **changes,
        }
        return urlencode({"payload": json.dumps(payload)}).encode()

    return build


def sign(body: bytes, *, at: datetime, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers of Slack, by its own library."""
    timestamp = str(int(at.timestamp()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert signature is not None
    return {"timestamp": timestamp, "signature": signature}


def receive_signed(body: bytes, *, at: datetime, **headers: str) -> int | None:
    return receive_request(check_request(body=body, at=at, **headers), at=at)


def receive(body: bytes, at: datetime = NOW) -> None:
    receive_signed(body, at=at, **sign(body, at=at))


def test_the_endpoint_answers_at_once_and_the_task_acknowledges(
    press: Press,
    alert: Alert,
    tomasz: User,
    server: ServiceServer,
    client: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    body = press("acknowledge")
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=timestamp, body=body)

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(
            PATH,
            body,
            content_type="application/x-www-form-urlencoded",
            headers={"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature},
        )

    assert (response.status_code, response.content) == (200, b"")
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", tomasz)
    [entry] = [row for row in alert_activity(alert) if row.what == "acknowledged the alert"]
    assert (entry.how, entry.reason) == ("via Slack", "")
    [answer] = server.slack_answers
    assert answer["replace_original"] is True
    shown = json.dumps(answer["blocks"])
    assert "Tomasz acknowledged it via Slack on" in shown
    assert '"acknowledge"' not in shown
    assert '"take"' in shown


def test_assign_to_me_and_to_a_member_of_the_team(
    press: Press, alert: Alert, tomasz: User, server: ServiceServer, world: SmallWorld
) -> None:
    hana = make_user("hana", email="hana@example.org", first_name="Hana")
    make_member(world.team, TeamRole.VIEWER, hana)
    receive(press("take"))
    assert answer_requests(at=NOW) == 1
    alert.refresh_from_db()
    assert alert.assigned_to == tomasz

    receive(press("assign", option=str(hana.pk)), at=NOW + MINUTE)
    assert answer_requests(at=NOW + MINUTE) == 1

    alert.refresh_from_db()
    assert alert.assigned_to == hana
    assert Notice.objects.filter(alert=alert, user=hana, why="assigned").exists()
    shown = json.dumps(server.slack_answers[-1]["blocks"])
    assert "Tomasz took it via Slack" in shown
    assert "Tomasz assigned it to Hana via Slack" in shown


def test_the_choice_offers_the_members_of_the_team(
    press: Press, message: dict[str, Any], world: SmallWorld
) -> None:
    make_member(world.team, TeamRole.VIEWER, make_user("hana", first_name="Hana"))
    make_user("stranger", first_name="Hannah")
    [block] = [row for row in message["blocks"] if row["type"] == "actions"]

    def options(typed: str) -> list[str]:
        body = press(
            "assign",
            type="block_suggestion",
            actions=None,
            action_id="assign",
            block_id=block["block_id"],
            value=typed,
        )
        found = suggest_members(check_request(body=body, at=NOW, **sign(body, at=NOW)))
        assert found is not None
        return [row["text"]["text"] for row in found]

    assert options("") == ["Hana", "Tomasz"]
    assert options("TOM") == ["Tomasz"]
    assert options("x") == []


def test_nobody_is_assigned_who_cannot_view_the_alert(
    press: Press, alert: Alert, server: ServiceServer
) -> None:
    stranger = make_user("stranger", email="stranger@example.org")
    receive(press("assign", option=str(stranger.pk)))

    answer_requests(at=NOW)

    alert.refresh_from_db()
    assert alert.assigned_to is None
    [answer] = server.slack_answers
    assert answer["response_type"] == "ephemeral"
    assert "cannot view this alert" in answer["text"]


@pytest.mark.parametrize(
    ("email", "facts", "sentence"),
    [
        ("nobody@example.org", {}, "is not that of a user of the registry"),
        ("viewer@example.org", {}, "You need the editor role on Claims"),
        ("other@example.org", {}, "you cannot view them in the registry"),
        ("gone@example.org", {}, "is not that of a user of the registry"),
        ("tomasz@example.org", {"is_restricted": True}, "Guests of the workspace"),
        ("tomasz@example.org", {"is_stranger": True}, "Guests of the workspace"),
        ("tomasz@example.org", {"is_bot": True}, "not that of an active person"),
        ("tomasz@example.org", {"is_email_confirmed": False}, "Confirm your email address"),
        ("", {}, "users:read.email"),
    ],
)
def test_who_may_not_is_refused_with_the_reason_that_only_they_see(
    press: Press,
    alert: Alert,
    world: SmallWorld,
    server: ServiceServer,
    email: str,
    facts: dict[str, Any],
    sentence: str,
) -> None:
    make_member(world.team, TeamRole.VIEWER, make_user("viewer", email="viewer@example.org"))
    make_member(make_team("Other"), TeamRole.OWNER, make_user("other", email="other@example.org"))
    gone = make_user("gone", email="gone@example.org")
    User.objects.filter(pk=gone.pk).update(is_active=False, state="closed")
    server.add_slack_user("U2", email, **facts)
    receive(press("acknowledge", user="U2"))

    answer_requests(at=NOW)

    alert.refresh_from_db()
    assert alert.state == "open"
    [answer] = server.slack_answers
    assert (answer["response_type"], answer["replace_original"]) == ("ephemeral", False)
    assert sentence in answer["text"]


def test_a_request_that_is_not_signed_old_or_used_is_rejected(press: Press) -> None:
    body = press("acknowledge")
    signed = sign(body, at=NOW)
    rejected = [
        (body, {**signed, "signature": "v0=" + "0" * 64}, NOW),
        (body, {**signed, "signature": ""}, NOW),
        (body, {**signed, "signature": "é" * 67}, NOW),
        (body, sign(body, at=NOW, secret="another-secret-1234"), NOW),
        (body + b"&x=1", signed, NOW),
        (body, {**signed, "timestamp": str(int(signed["timestamp"]) + 1)}, NOW),
        (body, {**signed, "timestamp": "٣"}, NOW),
        (body, {**signed, "timestamp": ""}, NOW),
        (body, signed, NOW + timedelta(seconds=301)),
        (body, signed, NOW - timedelta(seconds=301)),
        (b"", sign(b"", at=NOW), NOW),
        (b"payload=[]", sign(b"payload=[]", at=NOW), NOW),
        (b"payload=" + b"[" * 5000, sign(b"payload=" + b"[" * 5000, at=NOW), NOW),
    ]
    for candidate, headers, at in rejected:
        with pytest.raises(RejectedRequestError):
            receive_signed(candidate, at=at, **headers)
    assert not SlackRequest.objects.exists()

    assert receive_signed(body, at=NOW, **signed) is not None
    with pytest.raises(RejectedRequestError):
        receive_signed(body, at=NOW + MINUTE, **signed)
    assert SlackRequest.objects.count() == 1


def test_a_disabled_channel_and_a_foreign_answer_address_accept_nothing(
    press: Press, channel: Webhook
) -> None:
    body = press("acknowledge", response_url="https://evil.example/x")
    assert receive_signed(body, at=NOW, **sign(body, at=NOW)) is None
    Webhook.objects.filter(pk=channel.pk).update(enabled=False)
    body = press("acknowledge")
    with pytest.raises(RejectedRequestError):
        receive_signed(body, at=NOW, **sign(body, at=NOW))


def test_the_app_of_one_channel_cannot_respond_to_alerts_of_another(
    press: Press,
    alert: Alert,
    message: dict[str, Any],
    make_channel: Callable[..., Webhook],
    server: Any,
) -> None:
    other = make_channel("slack", team=make_team("Other"), name="Other", destination="C0OTHER001")
    server.slack_channels.add(other.destination)
    receive(press("acknowledge", channel={"id": other.destination}))

    answer_requests(at=NOW)

    alert.refresh_from_db()
    assert alert.state == "open"
    assert SlackRequest.objects.get().state == "refused"


def test_a_fault_of_slack_delays_the_response_and_loses_nothing(
    press: Press, alert: Alert, server: ServiceServer
) -> None:
    server.fail_next("users", status(503), throttled("5"))
    server.fail_next("answers", status(500))
    receive(press("acknowledge"))

    assert answer_requests(at=NOW) == 0
    assert answer_requests(at=NOW + MINUTE) == 0
    alert.refresh_from_db()
    assert alert.state == "open"
    # carried out, but the answer is lost; the next run repeats only the answer
    assert answer_requests(at=NOW + 2 * MINUTE) == 0
    alert.refresh_from_db()
    assert alert.state == "acknowledged"
    assert answer_requests(at=NOW + 3 * MINUTE) == 1
    assert answer_requests(at=NOW + 4 * MINUTE) == 0
    assert len(server.slack_answers) == 1


def test_after_half_an_hour_a_response_is_not_carried_out(
    press: Press, alert: Alert, server: ServiceServer
) -> None:
    receive(press("acknowledge"))

    assert answer_requests(at=NOW + 31 * MINUTE) == 0

    alert.refresh_from_db()
    assert alert.state == "open"
    assert SlackRequest.objects.get().state == "refused"
