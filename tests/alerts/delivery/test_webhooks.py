"""The signed channel: what a receiver gets, checked as the standard says, and what becomes of
refusals."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts.actions import queue_digests, requeue_delivery
from apps.alerts.delivery.dispatch import send_webhooks
from apps.alerts.delivery.webhooks import queue_test_request, webhook_secret
from apps.alerts.lifecycle.resolution import resolve_alerts
from apps.alerts.models import Alert, Delivery, Notice, Resolution, Webhook
from apps.alerts.preferences import InvalidPreferenceError, PreferencePermissionError, save_webhook
from apps.catalog.models import Offering
from apps.common.time import now
from tests.alerts.simulation import day_in, look
from tests.builders import NOW, make_application, make_dependency, make_member, make_team, make_user
from tests.feeds.loopback import Loopback, Seen, hang, plain, redirect, reset, status, throttled
from tests.worlds.small import SmallWorld

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def server(settings: Any) -> Iterator[Loopback]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with Loopback() as running:
        yield running


@pytest.fixture
def amara(db: None) -> User:
    return make_user("amara", role="governance")


@pytest.fixture
def hook(server: Loopback, amara: User) -> Webhook:
    return save_webhook(
        webhook=Webhook(name="chat", url=f"{server.url}/hook", created_by=amara), by=amara
    )


def tell(world: SmallWorld) -> Delivery:
    """The end of the model is announced, and the request is written."""
    world.event()
    look(NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    return Delivery.objects.get(webhook__isnull=False)


def verified(secret: str, seen: Seen) -> dict[str, Any]:
    """The payload, as a receiver by Standard Webhooks 1.0 reads it; written from the specification
    alone."""
    assert secret.startswith("whsec_")
    signed = b".".join(
        [seen.headers["webhook-id"].encode(), seen.headers["webhook-timestamp"].encode(), seen.body]
    )
    expected = base64.b64encode(
        hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()
    ).decode()
    given = [part.split(",", 1) for part in seen.headers["webhook-signature"].split(" ")]
    assert any(version == "v1" and hmac.compare_digest(said, expected) for version, said in given)
    assert abs(time.time() - int(seen.headers["webhook-timestamp"])) < 300
    payload: dict[str, Any] = json.loads(seen.body)
    return payload


# --- what is sent ---------------------------------------------------------------------------------


def test_the_receiver_gets_signed_json_of_what_the_mail_says(
    world: SmallWorld, hook: Webhook, server: Loopback
) -> None:
    server.route("/hook", status(204))
    delivery = tell(world)

    assert send_webhooks(at=NOW) == 1
    assert send_webhooks(at=NOW + HOUR) == 0

    [seen] = server.requests
    assert (seen.method, seen.headers["content-type"]) == ("POST", "application/json")
    assert seen.headers["webhook-id"] == delivery.message_id.strip("<>")
    payload = verified(webhook_secret(hook), seen)
    assert (payload["type"], payload["version"]) == ("alerts", 1)
    alert = Alert.objects.get(event__isnull=False)
    said = {row["id"]: row for row in payload["alerts"]}[alert.pk]
    expected = {
        "kind": "announced",
        "trigger": "raised",
        "severity": 4,
        "state": "open",
        "due_on": "2027-01-15",
        "title": "Gemini 2.5 Pro on Google Vertex AI",
        "replacement": "gemini-3-pro",
    }
    assert said | expected == said
    assert said["what"] == "The retirement was announced for 15 January 2027."
    assert said["applications"] == [
        {
            "slug": world.application.slug,
            "name": "Motor damage estimator",
            "criticality": "critical",
        }
    ]
    delivery.refresh_from_db()
    hook.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 1)
    assert hook.last_sent_at is not None


def test_each_alert_says_for_itself_what_a_mail_would_say_once(
    world: SmallWorld, hook: Webhook, server: Loopback
) -> None:
    server.route("/hook", plain(b"{}"))
    other = make_team("Underwriting")
    make_dependency(make_application(team=other), world.offering)
    Offering.objects.update(retires_on=day_in(7), date_kind="firm")
    tell(world)

    send_webhooks(at=NOW)

    said = verified(webhook_secret(hook), server.requests[0])["alerts"]
    assert sorted((row["kind"], row["team"]) for row in said) == sorted(
        (kind, team.pk) for kind in ("announced", "milestone") for team in (world.team, other)
    )
    assert all(row["title"] and row["what"] and row["todo"] for row in said)


def test_that_it_is_over_is_posted_too(world: SmallWorld, hook: Webhook, server: Loopback) -> None:
    server.route("/hook", plain(b""))
    tell(world)
    send_webhooks(at=NOW)
    resolve_alerts(
        [Alert.objects.get(event__isnull=False).pk],
        resolution=Resolution.NOT_CONCERNED,
        at=NOW + HOUR,
    )
    queue_digests(at=NOW + HOUR, gather=timedelta(0))

    send_webhooks(at=NOW + HOUR)

    [row] = [
        row
        for row in verified(webhook_secret(hook), server.requests[1])["alerts"]
        if row["kind"] == "announced"
    ]
    assert (row["trigger"], row["state"], row["what"]) == (
        "resolved",
        "resolved",
        "None of the applications depends on it any more.",
    )


def test_a_hostile_name_stays_a_string_of_the_json(
    world: SmallWorld, hook: Webhook, server: Loopback
) -> None:
    server.route("/hook", plain(b""))
    world.application.name = 'a"},\r\n{"id": 1, "x": "\u202e'
    world.application.save()
    tell(world)

    send_webhooks(at=NOW)

    said = verified(webhook_secret(hook), server.requests[0])["alerts"]
    assert {row["applications"][0]["name"] for row in said} == {world.application.name}


# --- what becomes of it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour", [status(500), status(503), throttled("5"), status(408), status(425), reset()]
)
def test_what_may_pass_is_tried_again_under_the_same_id_until_it_is_taken(
    world: SmallWorld, hook: Webhook, server: Loopback, behaviour: Any
) -> None:
    server.route("/hook", behaviour, behaviour, plain(b"ok"))
    delivery = tell(world)

    for minutes in (0, 2, 10):
        send_webhooks(at=NOW + timedelta(minutes=minutes))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.reason) == ("sent", 3, "")
    posts = [seen for seen in server.requests if seen.headers]
    assert len({seen.headers["webhook-id"] for seen in posts}) == 1
    assert len({seen.body for seen in posts}) == 1
    for seen in posts:
        verified(webhook_secret(hook), seen)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 422])
def test_what_the_receiver_refuses_for_good_fails_with_the_reason(
    world: SmallWorld, hook: Webhook, server: Loopback, code: int
) -> None:
    server.route("/hook", status(code))
    delivery = tell(world)

    for hours in range(3):
        send_webhooks(at=NOW + hours * HOUR)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert delivery.reason == f"The webhook responded with {code}."
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed(world: SmallWorld, hook: Webhook, server: Loopback) -> None:
    server.route("/hook", redirect("/elsewhere", 308))
    server.route("/elsewhere", plain(b""))
    delivery = tell(world)

    send_webhooks(at=NOW)

    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert [seen.path for seen in server.requests] == ["/hook"]


def test_a_failed_one_is_sent_again_under_its_old_id(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User
) -> None:
    server.route("/hook", status(400), plain(b""))
    delivery = tell(world)
    send_webhooks(at=NOW)
    delivery.refresh_from_db()

    assert requeue_delivery(delivery=delivery, at=NOW + HOUR, by=amara)
    send_webhooks(at=NOW + HOUR)

    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert server.requests[0].headers["webhook-id"] == server.requests[1].headers["webhook-id"]


def test_an_address_that_hangs_costs_the_others_nothing(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.route("/hook", hang())
    server.route("/second", plain(b""))
    save_webhook(
        webhook=Webhook(name="second", url=f"{server.url}/second", created_by=amara), by=amara
    )
    world.event()
    look(NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    # the patience of production is fifteen seconds
    from apps.alerts.delivery import webhooks

    policy = webhooks.installation_policy
    monkeypatch.setattr(
        webhooks,
        "installation_policy",
        lambda **limits: policy(**{**limits, "read_timeout": 0.3, "deadline": 0.5}),
    )

    assert send_webhooks(at=NOW) == 1

    assert {
        row.webhook.name: row.state for row in Delivery.objects.filter(webhook__isnull=False)
    } == {  # type: ignore[union-attr]
        "chat": "queued",
        "second": "sent",
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://10.0.0.7/",
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "http://0/",
    ],
)
def test_a_private_address_that_the_operator_did_not_open_is_refused_for_good(
    world: SmallWorld, amara: User, settings: Any, url: str
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    save_webhook(webhook=Webhook(name="inside", url=url, created_by=amara), by=amara)
    delivery = tell(world)

    send_webhooks(at=NOW)

    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert delivery.reason


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "https://user:pass@example.org/", "https://"],
)
def test_an_address_that_is_none_is_refused_when_it_is_typed(amara: User, url: str) -> None:
    with pytest.raises(InvalidPreferenceError):
        save_webhook(webhook=Webhook(name="x", url=url, created_by=amara), by=amara)


# --- secrets and switches -------------------------------------------------------------------------


def test_a_new_secret_makes_the_old_one_worthless_at_once(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User
) -> None:
    server.route("/hook", plain(b""))
    tell(world)
    old = webhook_secret(hook)
    save_webhook(webhook=hook, by=amara, new_secret=True)

    send_webhooks(at=NOW)

    assert webhook_secret(hook) != old
    verified(webhook_secret(hook), server.requests[0])
    with pytest.raises(AssertionError):
        verified(old, server.requests[0])


def test_until_its_receiver_has_the_new_secret_the_old_one_signs_too_and_then_no_more(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User
) -> None:
    server.route("/hook", plain(b""))
    first = webhook_secret(hook)
    # the clock of a signature is the machine's
    save_webhook(webhook=hook, by=amara, new_secret=True, old_until=now() + timedelta(days=1))
    tell(world)
    send_webhooks(at=NOW)
    for secret in (first, webhook_secret(hook)):
        verified(secret, server.requests[0])

    Webhook.objects.update(old_until=now() - timedelta(seconds=1))
    queue_test_request(webhook=hook, by=amara, at=NOW)
    send_webhooks(at=NOW)

    verified(webhook_secret(hook), server.requests[1])
    with pytest.raises(AssertionError):
        verified(first, server.requests[1])
    save_webhook(webhook=hook, by=amara, new_secret=True)
    assert (hook.old_nonce, hook.old_until) == ("", None), "one that leaked signs nothing more"


def test_secrets_differ_by_webhook_and_by_installation(
    hook: Webhook, amara: User, settings: Any
) -> None:
    second = save_webhook(
        webhook=Webhook(name="second", url="https://x.example.org/", created_by=amara), by=amara
    )
    first = webhook_secret(hook)
    assert len({first, webhook_secret(second)}) == 2
    assert webhook_secret(Webhook.objects.get(pk=hook.pk)) == first

    settings.SECRET_KEY = "of-another-installation"

    assert webhook_secret(hook) != first


def test_a_webhook_that_is_switched_off_is_sent_nothing_that_still_waits(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User
) -> None:
    server.route("/hook", status(503), plain(b""))
    delivery = tell(world)
    send_webhooks(at=NOW)
    hook.enabled = False
    save_webhook(webhook=hook, by=amara)

    for hours in range(1, 4):
        send_webhooks(at=NOW + hours * HOUR)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason_sentence) == ("skipped", "The webhook is disabled.")
    assert len(server.requests) == 1


def test_what_was_owed_when_it_was_switched_off_stands_in_the_ledger(
    world: SmallWorld, hook: Webhook, server: Loopback, amara: User
) -> None:
    world.event()
    look(NOW)
    hook.enabled = False
    save_webhook(webhook=hook, by=amara)

    queue_digests(at=NOW, gather=timedelta(0))

    delivery = Delivery.objects.get(webhook=hook)
    assert (delivery.state, delivery.reason_sentence) == ("skipped", "The webhook is disabled.")
    assert not Notice.objects.owed().filter(webhook=hook).exists()


def test_a_test_says_nothing_and_is_signed_like_any_other(
    hook: Webhook, server: Loopback, amara: User
) -> None:
    server.route("/hook", plain(b""))
    queue_test_request(webhook=hook, by=amara, at=NOW)

    assert send_webhooks(at=NOW) == 1

    assert verified(webhook_secret(hook), server.requests[0])["alerts"] == []


def test_only_who_governs_makes_webhooks(world: SmallWorld) -> None:
    for user in (make_member(world.team, TeamRole.OWNER), make_user(role="auditor")):
        with pytest.raises(PreferencePermissionError):
            save_webhook(
                webhook=Webhook(name="x", url="https://x.example.org/", created_by=user), by=user
            )
        assert not Webhook.objects.visible_to(make_member(world.team, TeamRole.OWNER)).exists()
