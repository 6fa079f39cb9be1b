"""Channels beside email: what each service gets, and what becomes of its refusals."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from slack_sdk.models.blocks import Block

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, requeue_delivery
from apps.alerts.channels.changes import queue_test_message, save_channel
from apps.alerts.delivery import dispatch
from apps.alerts.delivery.dispatch import send_webhooks
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.lifecycle.responses import acknowledge_alert, reopen_alert, resolve_alert
from apps.alerts.models import (
    Alert,
    ChannelCredential,
    Delivery,
    Notice,
    Resolution,
    Webhook,
)
from apps.common.errors import DomainError, ForbiddenError
from apps.inventory.models import Application
from tests.alerts.channels.service_server import BOT_TOKEN, ROUTING_KEY, ServiceServer
from tests.alerts.simulation import look
from tests.builders import NOW, make_application, make_dependency, make_member, make_team, make_user
from tests.feeds.loopback import reset, status, throttled
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SERVICES = ["slack", "teams", "pagerduty"]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_throttle", lambda *_: None)


def tell(world: SmallWorld) -> None:
    """The end of the model is announced, and the messages are written."""
    world.event()
    look(NOW)
    queue_digests(at=NOW, gather=timedelta(0))


def of_channel(channel: Webhook) -> Delivery:
    return Delivery.objects.get(webhook=channel)


# --- what is sent ---------------------------------------------------------------------------------


def test_slack_gets_blocks_that_its_own_library_accepts(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    make_member(world.team, TeamRole.EDITOR, make_user("tomasz", first_name="Tomasz"))
    channel = make_channel("slack")
    tell(world)

    assert send_webhooks(at=NOW) == 1
    assert send_webhooks(at=NOW + HOUR) == 0

    [message] = server.slack_messages
    for block in Block.parse_all(message["blocks"]):
        block.validate_json()
    [section] = [block for block in message["blocks"] if block["type"] == "section"]
    [actions] = [block for block in message["blocks"] if block["type"] == "actions"]
    text = section["text"]["text"]
    assert "*Gemini 2.5 Pro on Google Vertex AI* · High" in text
    assert "The retirement was announced for 15 January 2027." in text
    assert "Motor damage estimator (critical)" in text
    assert "|Open in the registry>" in text
    assert [element["action_id"] for element in actions["elements"]] == [
        "acknowledge",
        "take",
        "assign",
    ]
    channel.refresh_from_db()
    assert channel.last_sent_at is not None
    assert of_channel(channel).state == "sent"


def test_teams_gets_a_card_with_links_only(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    make_channel("teams")
    tell(world)

    assert send_webhooks(at=NOW) == 1

    [card] = server.cards
    text = json.dumps(card, ensure_ascii=False)
    assert "Motor damage estimator (critical)" in text
    assert {piece.split('"')[0] for piece in text.split('"type": "Action.')[1:]} == {"OpenUrl"}
    assert '"TextBlock"' not in text


def test_names_are_text_and_neither_mention_nor_link(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    world.application.name = "<!channel> & [a](https://evil.example) *b* {{DATE(2027-01-01)}}"
    world.application.save()
    make_channel("slack")
    make_channel("teams")
    tell(world)

    send_webhooks(at=NOW)

    sent = json.dumps(server.slack_messages[0]["blocks"])
    assert "<!channel>" not in sent
    assert "&lt;!channel&gt; &amp; [a](https://evil.example)" in sent
    assert all(
        block["text"]["verbatim"]
        for block in server.slack_messages[0]["blocks"]
        if block["type"] == "section"
    )
    runs = json.dumps(server.cards[0])
    assert "[a](https://evil.example)" in runs
    assert '"TextBlock"' not in runs
    assert "{{" not in runs.replace('": {', "")


def test_many_alerts_fit_into_one_message_and_the_rest_is_counted(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    from apps.alerts.channels import teams
    from apps.alerts.channels.message_items import MessageItem
    from apps.alerts.channels.slack import messages
    from tests.alerts.channels.service_server import TEAMS_LIMIT, block_error

    items = [
        MessageItem(
            title=f"{n} " + "名" * 150,
            url="https://registry.example.org/offerings/1/",
            severity="High",
            lines=("& " * 290,) * 5,
            alert_ids=tuple(range(10_000_000, 10_000_100)),
        )
        for n in range(40)
    ]

    message = json.loads(
        messages.build_message(
            items,
            destination="C1",
            message_id="a" * 40,
            heading="40 alerts",
            more_url="https://registry.example.org/",
            offers_members=True,
        )
    )
    card = teams.build_card(items, heading="40 alerts", more_url="https://registry.example.org/")

    assert not block_error(message["blocks"])
    assert "more alerts" in json.dumps(message["blocks"][-1])
    assert len(card.encode("utf-16-le")) < TEAMS_LIMIT
    assert "more alerts" in card


def test_pagerduty_opens_acknowledges_reopens_and_resolves_one_incident(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer, amara: User
) -> None:
    make_channel("pagerduty", kinds=["announced"])
    tell(world)
    send_webhooks(at=NOW)
    alert = Alert.objects.get(event__isnull=False)
    [key] = server.incidents
    steps: list[str] = [server.incidents[key]]

    def pass_on(minutes: int) -> None:
        queue_digests(at=NOW + minutes * MINUTE, gather=timedelta(0))
        send_webhooks(at=NOW + minutes * MINUTE)
        steps.append(server.incidents[key])

    acknowledge_alert(alert=alert, by=amara, at=NOW + MINUTE)
    pass_on(2)
    reopen_alert(alert=alert, by=amara, at=NOW + 3 * MINUTE)
    pass_on(4)
    resolve_alert(alert=alert, reason="Migrated.", by=amara, at=NOW + 5 * MINUTE)
    pass_on(6)
    pass_on(7)

    # a trigger of an open incident leaves it acknowledged there, as PagerDuty documents
    assert steps == ["triggered", "acknowledged", "acknowledged", "resolved", "resolved"]
    assert [event["event_action"] for event in server.events] == [
        "trigger",
        "acknowledge",
        "trigger",
        "resolve",
    ]
    assert {event["dedup_key"] for event in server.events} == {key}
    assert server.events[0]["payload"]["severity"] == "error"
    assert "Gemini 2.5 Pro" in server.events[0]["payload"]["summary"]


def test_a_cause_that_ends_resolves_the_incident(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    make_channel("pagerduty", kinds=["announced"])
    tell(world)
    send_webhooks(at=NOW)
    resolve_alerts(
        [Alert.objects.get(event__isnull=False).pk],
        resolution=Resolution.NOT_CONCERNED,
        at=NOW + HOUR,
    )
    queue_digests(at=NOW + HOUR, gather=timedelta(0))
    send_webhooks(at=NOW + HOUR)

    assert list(server.incidents.values()) == ["resolved"]
    assert [event["event_action"] for event in server.events] == ["trigger", "resolve"]


def test_a_channel_of_a_team_names_nothing_of_other_teams(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    other = make_team("Underwriting")
    make_dependency(make_application("Secret rating", team=other), world.offering)
    make_channel("slack")
    tell(world)

    send_webhooks(at=NOW)

    assert "Secret rating" not in json.dumps(server.slack_messages)
    assert not Notice.objects.filter(webhook__isnull=False, alert__team=other).exists()


def test_an_application_that_left_the_team_is_no_longer_named(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    channel = make_channel("slack")
    world.event()
    look(NOW)
    world.application.team = make_team("Underwriting")
    world.application.save()
    queue_digests(at=NOW, gather=timedelta(0))

    send_webhooks(at=NOW)

    assert server.slack_messages == []
    assert set(Notice.objects.filter(webhook=channel).values_list("skip_reason", flat=True)) == {
        "not_concerned"
    }


def test_the_own_channel_of_a_user_follows_the_notifications_of_that_user(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    ilse = make_user("ilse", email="ilse@example.org")
    make_member(world.team, TeamRole.OWNER, ilse)
    hana = make_user("hana", email="hana@example.org")
    make_member(world.team, TeamRole.VIEWER, hana)
    Application.objects.filter(pk=world.application.pk).update(business_owner_person=ilse)
    own = make_channel("slack", by=ilse, person=ilse, name="Ilse")
    viewers = make_channel("teams", by=hana, person=hana, name="Hana")
    # a channel follows what became due after it was made; the world's clock is behind
    Webhook.objects.update(created_at=NOW - HOUR)
    tell(world)

    send_webhooks(at=NOW)

    theirs = set(Notice.objects.filter(user=ilse).values_list("alert", "occasion"))
    assert theirs
    assert set(Notice.objects.filter(webhook=own).values_list("alert", "occasion")) == theirs
    assert not Notice.objects.filter(webhook=viewers).exists()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "fault", [status(500), status(503), throttled("5"), reset()], ids=["500", "503", "429", "reset"]
)
def test_what_may_pass_is_tried_again_until_it_is_taken(
    world: SmallWorld,
    make_channel: Callable[..., Webhook],
    server: ServiceServer,
    service: str,
    fault: Any,
) -> None:
    channel = make_channel(service, kinds=["announced"])
    server.fail_next(service, fault, fault)
    tell(world)

    for minutes in (0, 2, 10):
        send_webhooks(at=NOW + timedelta(minutes=minutes))

    delivery = of_channel(channel)
    assert (delivery.state, delivery.attempts, delivery.reason) == ("sent", 3, "")
    assert len(server.slack_messages) + len(server.cards) + len(server.events) == 1


def test_a_service_that_asks_to_wait_is_given_that_time(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    channel = make_channel("slack")
    server.fail_next("slack", throttled("1800"))
    tell(world)

    for minutes in (0, 5, 29):
        send_webhooks(at=NOW + timedelta(minutes=minutes))

    assert (of_channel(channel).state, of_channel(channel).attempts) == ("queued", 1)
    send_webhooks(at=NOW + timedelta(minutes=31))
    assert of_channel(channel).state == "sent"


def test_a_channel_that_is_refused_three_times_is_disabled_and_its_owners_are_told(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer, amara: User
) -> None:
    ilse = make_user("ilse", email="ilse@example.org")
    make_member(world.team, TeamRole.OWNER, ilse)
    channel = make_channel("slack")
    server.archived = {channel.destination}
    tell(world)

    for minutes in (0, 2, 10, 30):
        send_webhooks(at=NOW + timedelta(minutes=minutes))

    channel.refresh_from_db()
    delivery = of_channel(channel)
    assert (channel.enabled, delivery.state, delivery.attempts) == (False, "failed", 3)
    assert "archived" in channel.disabled_reason
    mail = Delivery.objects.get(kind="disabled")
    assert mail.user == ilse
    assert "archived" in mail.body_text
    # restored, enabled and sent again: nothing is lost
    server.archived = set()
    channel.enabled = True
    save_channel(channel=channel, by=ilse, at=NOW + HOUR)
    assert requeue_delivery(delivery=delivery, at=NOW + HOUR, by=amara)
    send_webhooks(at=NOW + HOUR)
    channel.refresh_from_db()
    assert (of_channel(channel).state, channel.n_refusals, channel.disabled_reason) == (
        "sent",
        0,
        "",
    )
    assert len(server.slack_messages) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_message_that_is_refused_for_good_fails_and_the_next_one_is_sent(
    world: SmallWorld,
    make_channel: Callable[..., Webhook],
    server: ServiceServer,
    amara: User,
    service: str,
) -> None:
    channel = make_channel(service)
    first = queue_test_message(channel=channel, by=amara, at=NOW)
    second = queue_test_message(channel=channel, by=amara, at=NOW)
    Delivery.objects.filter(pk=first.pk).update(
        body_text=json.dumps(
            {
                "slack": {"channel": channel.destination, "text": "x" * 50_000},
                "teams": {"type": "message", "attachments": [], "x": "y"},
                "pagerduty": {"event_action": "shout", "dedup_key": "a"},
            }[service]
        )
    )

    assert send_webhooks(at=NOW) == 1

    states = dict(Delivery.objects.values_list("pk", "state"))
    assert (states[first.pk], states[second.pk]) == ("failed", "sent")
    channel.refresh_from_db()
    assert (channel.enabled, channel.n_refusals) == (True, 0)


def test_a_card_that_teams_refuses_behind_a_success_fails(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer, amara: User
) -> None:
    channel = make_channel("teams")
    delivery = queue_test_message(channel=channel, by=amara, at=NOW)
    body = json.loads(delivery.body_text)
    body["padding"] = "x" * 20_000
    Delivery.objects.filter(pk=delivery.pk).update(body_text=json.dumps(body))

    send_webhooks(at=NOW)

    assert (of_channel(channel).state, of_channel(channel).reason) == (
        "failed",
        "The workflow responded with 413.",
    )


def test_a_worker_that_was_killed_after_its_claim_loses_nothing(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer
) -> None:
    channel = make_channel("pagerduty", kinds=["announced"])
    tell(world)
    Delivery.objects.filter(webhook=channel).update(state="sending", claimed_at=NOW, attempts=1)

    assert send_webhooks(at=NOW + MINUTE) == 0
    assert send_webhooks(at=NOW + timedelta(minutes=11)) == 1

    assert (of_channel(channel).state, of_channel(channel).attempts) == ("sent", 2)
    assert len(server.incidents) == 1


def test_a_disabled_channel_gets_nothing_and_the_log_says_so(
    world: SmallWorld, make_channel: Callable[..., Webhook], server: ServiceServer, amara: User
) -> None:
    channel = make_channel("teams")
    tell(world)
    channel.enabled = False
    save_channel(channel=channel, by=amara, at=NOW)

    send_webhooks(at=NOW)

    delivery = of_channel(channel)
    assert (delivery.state, delivery.skip_reason) == ("skipped", "channel_disabled")
    assert server.cards == []
    assert not requeue_delivery(delivery=delivery, at=NOW, by=amara)
    channel.enabled = True
    save_channel(channel=channel, by=amara, at=NOW)
    assert requeue_delivery(delivery=delivery, at=NOW, by=amara)
    send_webhooks(at=NOW)
    assert len(server.cards) == 1


# --- settings and secrets -------------------------------------------------------------------------


def test_secrets_are_in_no_column_log_or_history(
    world: SmallWorld,
    make_channel: Callable[..., Webhook],
    server: ServiceServer,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
) -> None:
    from django.db import connection

    channels = [make_channel(service) for service in SERVICES]
    server.fail_next("teams", reset())
    server.workflow_exists = False
    tell(world)
    send_webhooks(at=NOW)
    send_webhooks(at=NOW + HOUR)
    needles = [BOT_TOKEN, ROUTING_KEY, "/workflows/abc"]

    with connection.cursor() as cursor:
        for table in (
            "alerts_webhook",
            "alerts_webhookhistory",
            "alerts_channelcredential",
            "alerts_channelcredentialhistory",
            "alerts_delivery",
            "alerts_slackrequest",
        ):
            cursor.execute(f"SELECT t::text FROM {table} t")
            for (row,) in cursor.fetchall():
                assert not any(needle in row for needle in needles), table
    assert not any(needle in caplog.text for needle in needles)
    # a new key opens and renews them
    settings.CREDENTIAL_KEYS = ["n" * 40]
    call_command("rotate_credentials")
    settings.SECRET_KEY = "other-" * 10
    server.workflow_exists = True
    for channel in channels:
        queue_test_message(
            channel=channel, by=User.objects.get(username="amara"), at=NOW + 2 * HOUR
        )
    send_webhooks(at=NOW + 2 * HOUR)
    assert Delivery.objects.filter(subject__startswith="Test sent", state="sent").count() == len(
        channels
    )


@pytest.mark.parametrize(
    ("service", "field", "value"),
    [
        ("slack", "bot_token", "https://hooks.slack.com/services/T/B/x"),
        ("slack", "signing_secret", "short"),
        ("teams", "workflow_url", "ftp://example.org/aaaaaaaaa"),
        ("pagerduty", "routing_key", "x" * 31),
    ],
)
def test_a_wrong_secret_is_refused_and_not_repeated(
    world: SmallWorld,
    make_channel: Callable[..., Webhook],
    amara: User,
    service: str,
    field: str,
    value: str,
) -> None:
    channel = make_channel(service)

    with pytest.raises(DomainError) as refusal:
        save_channel(channel=channel, by=amara, at=NOW, secret_values={field: value})

    assert refusal.value.field == field
    assert value not in str(refusal.value)
    assert ChannelCredential.objects.count() == 1


def test_owners_change_the_channels_of_their_team_and_no_others(
    world: SmallWorld, make_channel: Callable[..., Webhook], amara: User
) -> None:
    ilse = make_user("ilse", email="ilse@example.org")
    make_member(world.team, TeamRole.OWNER, ilse)
    tomasz = make_user("tomasz", email="tomasz@example.org")
    make_member(world.team, TeamRole.EDITOR, tomasz)
    of_team = make_channel("slack", by=ilse)
    of_role = make_channel("teams", role="governance")
    of_ilse = make_channel("pagerduty", by=ilse, person=ilse, name="Ilse")

    save_channel(channel=of_team, by=ilse, at=NOW)
    for channel, by in (
        (of_team, tomasz),
        (of_role, ilse),
        (of_ilse, tomasz),
        (of_ilse, amara),
    ):
        with pytest.raises(ForbiddenError):
            save_channel(channel=channel, by=by, at=NOW)
    # a channel of another owner cannot be taken over by naming oneself
    of_role.role, of_role.person = "", ilse
    with pytest.raises(ForbiddenError):
        save_channel(channel=of_role, by=ilse, at=NOW)
