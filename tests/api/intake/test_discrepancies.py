"""Discrepancies are answered and senders claimed over REST, by the same rules as on their pages."""

from datetime import timedelta

import pytest

from apps.accounts.actions import issue_token
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.intake.models import Discrepancy, Observation, Service, ServiceToken
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
    dependency = make_dependency(application, make_offering("talker"), origin="observed")
    return Discrepancy.objects.create(
        key=f"shadow:{dependency.pk}",
        kind="shadow",
        application=application,
        dependency=dependency,
        details={"api_id": "talker"},
        opened_at=now(),
    )


def test_a_shadow_is_declared(editor, shadow):
    answer = editor.post(f"/api/v1/discrepancies/{shadow.pk}/declare/", {})

    assert (answer.status_code, answer.json()["closed_as"]) == (200, "declared")
    shadow.dependency.refresh_from_db()
    assert shadow.dependency.origin == "declared"
    assert editor.get("/api/v1/discrepancies/?state=open").json()["results"] == []


def test_it_is_left_until_a_day_with_a_reason_only(editor, shadow):
    until = (day_of(now()) + timedelta(days=30)).isoformat()

    assert (
        editor.post(f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": until}).status_code
        == 400
    )
    late = editor.post(
        f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": "2099-01-01", "reason": "x"}
    )
    assert late.status_code in {400, 409}
    done = editor.post(
        f"/api/v1/discrepancies/{shadow.pk}/dismiss/", {"until": until, "reason": "a trial"}
    )
    assert (done.status_code, done.json()["quiet_until"], done.json()["reason"]) == (
        200,
        until,
        "a trial",
    )


def test_a_viewer_answers_nothing_and_a_stranger_finds_nothing(api, application, shadow):
    viewer = api(make_member(application.team, TeamRole.VIEWER), "read", "write")
    stranger = api(make_member(make_application().team, TeamRole.OWNER), "read", "write")

    assert viewer.post(f"/api/v1/discrepancies/{shadow.pk}/end/", {}).status_code == 403
    assert stranger.post(f"/api/v1/discrepancies/{shadow.pk}/end/", {}).status_code == 404


def test_a_sender_is_claimed_with_all_it_did_so_far(api, application):
    offering = make_offering("talker")
    sender = Service.objects.create(name="shop/claims", first_seen_at=now(), last_seen_at=now())
    seen = Observation.objects.create(
        key="0" * 32,
        stream="otlp",
        service=sender,
        requested="talker",
        provider=offering.host.slug,
        confidence=7,
        state="unclaimed",
        first_seen_at=now(),
        last_seen_at=now(),
    )
    governance = api(make_user(role="governance"), "read", "write")

    answer = governance.post(
        f"/api/v1/reported-services/{sender.pk}/link/", {"application": application.slug}
    )

    assert (answer.status_code, answer.json()["application"]) == (200, application.slug)
    seen.refresh_from_db()
    assert seen.dependency.offering == offering
    assert governance.post(f"/api/v1/reported-services/{sender.pk}/ignore/", {}).status_code == 409
    taken_back = api(make_member(application.team), "write").post(
        f"/api/v1/reported-services/{sender.pk}/unlink/", {}
    )
    assert (taken_back.status_code, taken_back.json()["application"]) == (200, None)


def test_a_sender_tells_how_many_calls_were_dropped_and_which_tokens_may_write(api, application):
    sender = Service.objects.create(
        name="shop/claims", application=application, first_seen_at=now(), last_seen_at=now()
    )
    stranger, editor = make_user("bert"), make_member(application.team)
    for user, n_dropped in ((stranger, 12), (editor, 0)):
        token = issue_token(user=user, name="gateway", scopes=["intake"], at=now(), by=None)[0]
        moment = now() if n_dropped else None
        ServiceToken.objects.create(
            service=sender,
            token=token,
            last_sent_at=now(),
            n_dropped=n_dropped,
            first_dropped_at=moment,
            last_dropped_at=moment,
        )
    reader = api(editor, "read")
    address = f"/api/v1/reported-services/{sender.pk}/"

    told = reader.get(address).json()
    listed = reader.get("/api/v1/reported-services/").json()["results"]
    tokens = {row["user"]: row for row in reader.get(f"{address}tokens/").json()}

    assert (told["dropped_calls"], told["last_dropped_at"] is None) == (12, False)
    assert listed == [told]
    assert (tokens["bert"]["may_write"], tokens["bert"]["dropped_calls"]) == (False, 12)
    assert tokens[editor.username]["may_write"] is True
    other = make_application(team=application.team)
    assert len(reader.get(f"{address}tokens/?application={other.slug}").json()) == 2
    assert reader.get(f"{address}tokens/?application={make_application().slug}").status_code == 404
    assert reader.get(f"{address}tokens/?app={other.slug}").status_code == 400
    assert (
        api(make_member(make_application().team), "read").get(f"{address}tokens/").status_code
        == 404
    )
