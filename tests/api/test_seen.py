"""Discrepancies are answered and senders claimed over REST, by the same rules as on their pages."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.intake.models import Discrepancy, Observation, Service
from tests.builders import make_application, make_dependency, make_member, make_offering, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def application():
    return make_application("Claims")


@pytest.fixture
def editor(api, application):
    return api(make_member(application.team), "read", "write")


@pytest.fixture
def shadow(application):
    dependency = make_dependency(application, make_offering("talker"), known="observed")
    return Discrepancy.objects.create(
        key=f"shadow:{dependency.pk}", kind="shadow", application=application, dependency=dependency,
        details={"api_id": "talker"}, opened_at=now(),
    )  # fmt: skip


def test_a_shadow_is_declared(editor, shadow):
    answer = editor.post(f"/api/v1/discrepancies/{shadow.pk}/declare/", {})

    assert (answer.status_code, answer.json()["closed_as"]) == (200, "declared")
    shadow.dependency.refresh_from_db()
    assert shadow.dependency.known == "declared"
    assert editor.get("/api/v1/discrepancies/?state=open").json()["results"] == []


def test_it_is_left_until_a_day_with_a_reason_only(editor, shadow):
    until = (day_of(now()) + timedelta(days=30)).isoformat()

    assert editor.post(f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": until}).status_code == 400
    late = editor.post(f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": "2099-01-01", "reason": "x"})
    assert late.status_code in {400, 409}
    done = editor.post(f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": until, "reason": "a trial"})
    assert (done.status_code, done.json()["quiet_until"], done.json()["reason"]) == (200, until, "a trial")


def test_a_viewer_answers_nothing_and_a_stranger_finds_nothing(api, application, shadow):
    viewer = api(make_member(application.team, TeamRole.VIEWER), "read", "write")
    stranger = api(make_member(make_application().team, TeamRole.OWNER), "read", "write")

    assert viewer.post(f"/api/v1/discrepancies/{shadow.pk}/end/", {}).status_code == 403
    assert stranger.post(f"/api/v1/discrepancies/{shadow.pk}/end/", {}).status_code == 404


def test_a_sender_is_claimed_with_all_it_did_so_far(api, application):
    offering = make_offering("talker")
    sender = Service.objects.create(name="shop/claims", first_seen_at=now(), last_seen_at=now())
    seen = Observation.objects.create(
        key="0" * 32, stream="otlp", service=sender, requested="talker", provider=offering.host.slug, confidence=7,
        state="unclaimed", first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    governance = api(make_user(role="governance"), "read", "write")

    answer = governance.post(f"/api/v1/senders/{sender.pk}/claim/", {"application": application.slug})

    assert (answer.status_code, answer.json()["application"]) == (200, application.slug)
    seen.refresh_from_db()
    assert seen.dependency.offering == offering
    assert governance.post(f"/api/v1/senders/{sender.pk}/ignore/", {}).status_code == 409
    taken_back = api(make_member(application.team), "write").post(f"/api/v1/senders/{sender.pk}/unclaim/", {})
    assert (taken_back.status_code, taken_back.json()["application"]) == (200, None)
