"""When people are told: lines that all may read and governance changes; and webhooks."""

import json

import pytest

from apps.alerts.delivery.webhooks import webhook_secret
from apps.alerts.models import AlertPolicy, AlertSettings, Delivery, Webhook
from apps.common.time import now
from tests.builders import make_user
from tests.http import text_of

PAGE = "/alerts/settings/"
POLICY = {
    "milestones": "30, 90,90 7",
    "soft_milestones": "",
    "escalate_team_hours": "12",
    "escalate_governance_hours": "",
}
LINES = {
    "price_percent": "10",
    "price_monthly_usd": "2500",
    "expiry_milestones": "21, 0",
    "review_milestones": "7",
    "escalate_from_severity": "4",
}


@pytest.fixture
def hook(world):
    return Webhook.objects.create(
        name="Tickets", url="https://example.org/hook", created_by=world.governance
    )


@pytest.mark.parametrize("reader", ["governance", "editor", "viewer", "outsider"])
def test_everybody_reads_when_people_are_told(reader, world, as_user):
    page = text_of(as_user(getattr(world, reader)).get(PAGE))

    assert (
        "Owners of critical applications are notified 180, 90, 60, 30, 14, 7, 1 and 0 days before "
        "a model retires." in page
    )
    assert "Alerts without a response are escalated after 24 hours." in page
    assert ('type="submit">Save rules<' in page) is (reader == "governance")


def test_governance_changes_days_and_hours_of_one_criticality(world, as_user):
    as_user(world.governance).post(f"{PAGE}of/1/", POLICY)

    policy = AlertPolicy.objects.get(criticality=1)
    assert (policy.milestones, policy.soft_milestones) == ([90, 30, 7], [])
    assert (policy.escalate_team_hours, policy.escalate_governance_hours) == (12, None)
    assert AlertPolicy.objects.get(criticality=0).milestones == [180, 90, 60, 30, 14, 7, 1, 0]


def test_governance_changes_the_lines_for_all(world, as_user):
    as_user(world.governance).post(f"{PAGE}lines/", LINES)

    row = AlertSettings.objects.get()
    assert (row.price_percent, row.price_monthly_usd, row.escalate_from_severity) == (10, 2500, 4)
    assert (row.expiry_milestones, row.review_milestones) == ([21, 0], [7])


@pytest.mark.parametrize("reader", ["editor", "viewer", "outsider"])
@pytest.mark.parametrize("path", ["of/1/", "lines/"])
def test_nobody_else_changes_them(reader, path, world, as_user):
    response = as_user(getattr(world, reader)).post(PAGE + path, {**POLICY, **LINES})

    assert response.status_code == 403
    assert "You need the governance or administrator role to change alert rules." in text_of(
        response
    )
    assert AlertPolicy.objects.get(criticality=1).milestones[0] == 180
    assert AlertSettings.objects.get().price_percent == 5


@pytest.mark.parametrize(
    ("path", "change", "words"),
    [
        (
            "of/0/",
            {"milestones": "30, soon"},
            "&#x27;soon&#x27; is not a number of days between 0 and 3,650.",
        ),
        ("of/0/", {"milestones": "-1"}, "&#x27;-1&#x27; is not a number of days"),
        ("of/0/", {"milestones": "99999"}, "is not a number of days"),
        (
            "of/0/",
            {"milestones": ",".join(map(str, range(30)))},
            "Enter at most 20 reminders.",
        ),
        (
            "of/0/",
            {"escalate_team_hours": "0"},
            "Enter at least one hour, or leave the field empty for never.",
        ),
        (
            "of/0/",
            {"escalate_team_hours": "a day"},
            "Enter a number of hours, or leave the field empty for never.",
        ),
        ("lines/", {"price_percent": "-5"}, "greater than or equal to 0"),
        ("lines/", {"expiry_milestones": "½"}, "is not a number of days"),
        ("lines/", {"escalate_from_severity": "9"}, "Select a valid choice."),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_with_a_sentence(path, change, words, world, as_user):
    response = as_user(world.governance).post(PAGE + path, {**POLICY, **LINES, **change})

    assert response.status_code == 422
    assert words in text_of(response)
    assert AlertPolicy.objects.get(criticality=0).escalate_team_hours == 24
    assert AlertSettings.objects.get().price_percent == 5


def test_a_criticality_that_does_not_exist_is_not_found(world, as_user):
    assert as_user(world.governance).post(f"{PAGE}of/9/", POLICY).status_code == 404


# --- webhooks -------------------------------------------------------------------------------------

HOOK = {
    "name": "Tickets",
    "url": "https://tickets.example.org/in",
    "min_severity": "3",
    "enabled": "on",
}


def test_governance_adds_a_webhook_and_is_shown_its_secret(world, as_user):
    client = as_user(world.governance)

    page = text_of(
        client.post(
            f"{PAGE}webhooks/new/",
            {**HOOK, "team": world.team.slug, "kinds": ["opened", "late"]},
            follow=True,
        )
    )

    hook = Webhook.objects.get()
    assert (hook.name, hook.url, hook.team, hook.min_severity) == (
        "Tickets",
        HOOK["url"],
        world.team,
        3,
    )
    assert (hook.kinds, hook.enabled, hook.created_by) == (
        ["opened", "late"],
        True,
        world.governance,
    )
    assert webhook_secret(hook).replace("+", "&#x2B;") in page or webhook_secret(hook) in page
    assert "Tickets" in text_of(client.get(PAGE))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Enter a name. It appears in the delivery log."),
        ({"url": ""}, "Enter the URL to which alerts are sent."),
        ({"url": "ftp://example.org/"}, "http"),
        ({"url": "http://user:secret@example.org/"}, "Remove the part before the @."),
        ({"kinds": ["burnt"]}, "burnt is not one of the available choices"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused_with_a_sentence(change, words, world, as_user):
    response = as_user(world.governance).post(f"{PAGE}webhooks/new/", {**HOOK, **change})

    assert response.status_code == 422
    assert words in text_of(response)
    assert not Webhook.objects.exists()


def test_two_webhooks_have_two_names(world, hook, as_user):
    response = as_user(world.governance).post(f"{PAGE}webhooks/new/", HOOK)

    assert response.status_code == 422
    assert "Another webhook has this name." in text_of(response)


def test_a_webhook_is_changed_and_switched_off_and_gets_a_new_secret(world, hook, as_user):
    client, before = as_user(world.governance), webhook_secret(hook)

    client.post(f"{PAGE}webhooks/{hook.pk}/", {**HOOK, "name": "Chat"})
    client.post(f"{PAGE}webhooks/{hook.pk}/secret/")
    client.post(f"{PAGE}webhooks/{hook.pk}/switch/")

    hook.refresh_from_db()
    assert (hook.name, hook.url, hook.enabled) == ("Chat", HOOK["url"], False)
    assert webhook_secret(hook) != before
    assert hook.old_nonce
    assert hook.old_until is not None
    client.post(f"{PAGE}webhooks/{hook.pk}/secret/", {"leaked": "on"})
    hook.refresh_from_db()
    assert hook.old_nonce == ""
    assert "Chat is disabled: no alerts are posted to it." in text_of(
        client.get(f"{PAGE}webhooks/{hook.pk}/")
    )


def test_a_test_is_a_signed_request_about_nothing(world, hook, as_user):
    as_user(world.governance).post(f"{PAGE}webhooks/{hook.pk}/test/")

    sent = Delivery.objects.get(webhook=hook)
    body = json.loads(sent.body_text)
    assert (sent.kind, sent.state, sent.address) == ("webhook", "queued", hook.url)
    assert (body["type"], body["alerts"]) == ("alerts", [])
    assert sent.due_at <= now()
    assert "Test sent by maren" in text_of(
        as_user(world.governance).get(f"{PAGE}webhooks/{hook.pk}/")
    )


def test_every_test_is_a_request_of_its_own(world, hook, as_user):
    client = as_user(world.governance)

    client.post(f"{PAGE}webhooks/{hook.pk}/test/")
    client.post(f"{PAGE}webhooks/{hook.pk}/test/")

    assert Delivery.objects.filter(webhook=hook).values("message_id").distinct().count() == 2


def test_an_auditor_reads_a_webhook_without_its_secret_and_changes_nothing(world, hook, as_user):
    client = as_user(make_user(role="auditor"))

    page = text_of(client.get(f"{PAGE}webhooks/{hook.pk}/"))
    codes = [
        client.post(f"{PAGE}webhooks/{hook.pk}/{what}", HOOK).status_code
        for what in ("", "secret/", "switch/", "test/")
    ]

    assert hook.url in page
    assert webhook_secret(hook) not in page
    assert codes == [403] * 4
    assert client.get(f"{PAGE}webhooks/new/").status_code == 403
    hook.refresh_from_db()
    assert (hook.enabled, Delivery.objects.filter(webhook=hook).exists()) == (True, False)


@pytest.mark.parametrize("reader", ["editor", "viewer", "outsider"])
def test_to_others_there_is_no_webhook(reader, world, hook, as_user):
    client = as_user(getattr(world, reader))

    assert client.get(f"{PAGE}webhooks/{hook.pk}/").status_code == 404
    assert client.post(f"{PAGE}webhooks/{hook.pk}/test/").status_code == 404
    assert hook.url not in text_of(client.get(PAGE))
