"""By which lines people are told, and webhooks, over REST."""

import pytest

from apps.alerts.delivery.webhooks import webhook_secret
from apps.alerts.models import AlertPolicy, AlertSettings, Delivery, Webhook
from tests.builders import make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def governor(api):
    return api(make_user("gus", role="governance"), "read", "write")


def reason_of(row):
    return row.history.order_by("-pgh_id").first().pgh_context.metadata["reason"]


class TestPolicies:
    def test_there_is_one_for_each_criticality(self, governor):
        found = governor.get("/api/v1/alert-policies/").json()["results"]

        assert [row["criticality"] for row in found] == ["critical", "important", "standard", "low"]
        assert found[0]["milestones"] == [180, 90, 60, 30, 14, 7, 1, 0]

    def test_days_are_kept_falling_and_each_once_and_the_rest_stays(self, governor):
        policy = AlertPolicy.objects.get(criticality=0)

        row = governor.patch(
            f"/api/v1/alert-policies/{policy.pk}/",
            {"milestones": [7, 365, 7, 0], "reason": "a year ahead"},
        ).json()

        assert row["milestones"] == [365, 7, 0]
        assert (row["soft_milestones"], row["escalate_team_hours"]) == (
            policy.soft_milestones,
            policy.escalate_team_hours,
        )
        assert reason_of(policy) == "a year ahead"

    def test_silence_is_passed_on_never_where_that_is_said(self, governor):
        address = f"/api/v1/alert-policies/{AlertPolicy.objects.get(criticality=0).pk}/"

        assert (
            governor.patch(address, {"escalate_team_hours": None}).json()["escalate_team_hours"]
            is None
        )
        assert (
            governor.patch(address, {"escalate_team_hours": 12}).json()["escalate_team_hours"] == 12
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"milestones": [-1]},
            {"milestones": [4000]},
            {"milestones": "soon"},
            {"milestones": [None]},
            {"milestones": [*range(30)]},
            {"escalate_team_hours": 0},
            {"escalate_governance_hours": 9000},
            {"escalate_team_hours": "soon"},
        ],
    )
    def test_what_is_no_line_is_refused(self, governor, change):
        policy = AlertPolicy.objects.get(criticality=0)

        before = AlertPolicy.objects.values().get(pk=policy.pk)

        assert governor.patch(f"/api/v1/alert-policies/{policy.pk}/", change).status_code == 400
        assert AlertPolicy.objects.values().get(pk=policy.pk) == before

    def test_none_is_added_or_taken_away(self, governor):
        policy = AlertPolicy.objects.first()

        assert governor.post("/api/v1/alert-policies/", {}).status_code == 405
        assert governor.delete(f"/api/v1/alert-policies/{policy.pk}/").status_code == 405


class TestSettings:
    def test_are_changed_in_part_with_a_reason(self, governor):
        before = governor.get("/api/v1/alert-settings/").json()

        after = governor.patch(
            "/api/v1/alert-settings/",
            {"price_percent": 8, "expiry_milestones": [0, 60], "reason": "too many mails"},
        ).json()

        assert after == {**before, "price_percent": 8, "expiry_milestones": [60, 0]}
        assert reason_of(AlertSettings.objects.get()) == "too many mails"

    @pytest.mark.parametrize(
        "change",
        [
            {"price_percent": -1},
            {"price_percent": 100_000},
            {"price_monthly_usd": -1},
            {"escalate_from_severity": 6},
            {"escalate_from_severity": 0},
            {"review_milestones": [-1]},
        ],
    )
    def test_what_is_no_line_is_refused(self, governor, change):
        before = governor.get("/api/v1/alert-settings/").json()

        assert governor.patch("/api/v1/alert-settings/", change).status_code == 400
        assert governor.get("/api/v1/alert-settings/").json() == before


HOOK = {
    "name": "Chat",
    "url": "https://hooks.example.org/a",
    "kinds": ["retired"],
    "min_severity": 4,
}


class TestWebhooks:
    def test_the_secret_is_shown_when_it_is_made_and_never_again(self, governor):
        made = governor.post("/api/v1/webhooks/", {**HOOK, "reason": "for the chat room"})
        row = governor.get(f"/api/v1/webhooks/{made.json()['id']}/")

        webhook = Webhook.objects.get()
        assert (made.status_code, made.json()["secret"]) == (201, webhook_secret(webhook))
        assert "no-store" in made["Cache-Control"]
        assert "secret" not in row.json()
        assert webhook_secret(webhook).encode() not in governor.get("/api/v1/webhooks/").content
        assert {name: row.json()[name] for name in HOOK} == HOOK
        assert (row.json()["created_by"], row.json()["enabled"], row.json()["team"]) == (
            "gus",
            True,
            None,
        )
        assert reason_of(webhook) == "for the chat room"

    def test_a_new_secret_makes_the_old_one_worthless(self, governor):
        made = governor.post("/api/v1/webhooks/", HOOK).json()

        new = governor.post(f"/api/v1/webhooks/{made['id']}/rotate-secret/", {}).json()

        assert new["secret"] == webhook_secret(Webhook.objects.get()) != made["secret"]
        assert Webhook.objects.get().old_until is not None
        governor.post(f"/api/v1/webhooks/{made['id']}/rotate-secret/", {"leaked": True})
        assert Webhook.objects.get().old_nonce == ""

    def test_a_change_keeps_the_secret(self, governor):
        team = make_team()
        made = governor.post("/api/v1/webhooks/", HOOK).json()

        row = governor.patch(
            f"/api/v1/webhooks/{made['id']}/", {"team": team.slug, "kinds": []}
        ).json()

        assert (row["team"], row["kinds"], row["url"]) == (team.slug, [], HOOK["url"])
        assert webhook_secret(Webhook.objects.get()) == made["secret"]

    def test_is_switched_off_and_on_and_never_deleted(self, governor):
        address = f"/api/v1/webhooks/{governor.post('/api/v1/webhooks/', HOOK).json()['id']}/"

        off = governor.post(f"{address}disable/", {"reason": "receiver is gone"}).json()
        on = governor.patch(address, {"enabled": True}).json()

        assert (off["enabled"], on["enabled"]) == (False, True)
        assert governor.delete(address).status_code == 405

    def test_is_tried_out_with_a_request_that_tells_of_nothing(self, governor):
        address = f"/api/v1/webhooks/{governor.post('/api/v1/webhooks/', HOOK).json()['id']}/"

        answer = governor.post(f"{address}test/")

        assert (answer.status_code, answer.json()["state"], answer.json()["webhook"]) == (
            202,
            "queued",
            "Chat",
        )
        assert Delivery.objects.get(webhook__isnull=False).address == HOOK["url"]

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"url": "hooks"},
            {"url": "file:///etc/passwd"},
            {"url": "https://user:word@hooks.example.org/"},
            {"kinds": ["weather"]},
            {"min_severity": 0},
            {"min_severity": 6},
            {"team": "nowhere"},
            {"enabled": "perhaps"},
        ],
    )
    def test_what_makes_no_webhook_is_refused(self, governor, change):
        answer = governor.post("/api/v1/webhooks/", {**HOOK, **change})

        assert answer.status_code == 400, answer.json()
        assert not Webhook.objects.exists()

    def test_a_name_is_there_once(self, governor):
        governor.post("/api/v1/webhooks/", HOOK)

        assert governor.post("/api/v1/webhooks/", HOOK).status_code == 400
