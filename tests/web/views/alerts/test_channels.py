"""Pages and REST of channels: entered by forms, secrets only written, changed by owners alone."""

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.alerts.models import Channel, Delivery
from tests.builders import make_member, make_team, make_user

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Claims in Slack",
    "destination": "C0123456789",
    "bot_token": "xoxb-1234567890-abcdefgh",
    "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5",
    "min_severity": "3",
    "enabled": "on",
}


def test_an_owner_adds_tests_and_disables_a_channel_by_its_page(client):
    team = make_team("Claims")
    client.force_login(make_member(team, TeamRole.OWNER))

    assert client.get(reverse("channels:choose")).status_code == 200
    for service in ("slack", "teams", "pagerduty"):
        assert client.get(reverse("channels:create", args=[service])).status_code == 200
    wrong = client.post(
        reverse("channels:create", args=["slack"]),
        FORM | {"owner": f"team:{team.slug}", "destination": "#claims"},
    )
    made = client.post(
        reverse("channels:create", args=["slack"]), FORM | {"owner": f"team:{team.slug}"}
    )

    channel = Channel.objects.get()
    assert (wrong.status_code, made.status_code) == (422, 302)
    page = client.get(reverse("channels:detail", args=[channel.pk]))
    assert "/integrations/slack/" in page.text
    assert FORM["bot_token"] not in page.text + wrong.text
    client.post(reverse("channels:test", args=[channel.pk]))
    client.post(reverse("channels:toggle", args=[channel.pk]))
    channel.refresh_from_db()
    assert (channel.enabled, Delivery.objects.get().webhook_id) == (False, channel.pk)
    listed = client.get(reverse("alert-settings:detail"))
    assert "Claims in Slack" in listed.text


def test_members_view_a_channel_and_strangers_do_not(client):
    team = make_team("Claims")
    client.force_login(make_member(team, TeamRole.OWNER))
    client.post(reverse("channels:create", args=["slack"]), FORM | {"owner": f"team:{team.slug}"})
    url = reverse("channels:detail", args=[Channel.objects.get().pk])

    client.force_login(make_member(team, TeamRole.VIEWER))
    assert (client.get(url).status_code, client.post(url, FORM).status_code) == (200, 403)
    client.force_login(make_user("stranger"))
    assert client.get(url).status_code == 404


def test_rest_writes_secrets_and_never_returns_them(api):
    gus = make_user("gus", role="governance")
    client = api(gus, "read", "write")
    body = {
        "name": "On-call staff",
        "service": "pagerduty",
        "destination": "eu",
        "role": "governance",
        "secrets": {"routing_key": "R" * 32},
    }

    made = client.post("/api/v1/channels/", body)
    one = f"/api/v1/channels/{made.json()['id']}/"
    changed = client.patch(one, {"min_severity": 5})
    refused = client.patch(one, {"service": "slack"})
    tried = client.post(f"{one}test/")

    assert [made.status_code, changed.status_code, refused.status_code, tried.status_code] == [
        201,
        200,
        400,
        202,
    ]
    assert "R" * 32 not in made.content.decode() + client.get(one).content.decode()
    assert made.json()["credentials_set_at"] is not None
