"""Rotation with overlap, the three ways to send a token, and tokens by REST."""

import base64
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from apps.accounts.actions import AccountChangeError, issue_token, revoke_token, rotate_token
from apps.accounts.api_tokens.authentication import ApiTokenAuthentication
from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.common.time import now
from tests.builders import make_member, make_team, make_user
from tests.http import bearer_client, signed_in_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued():
    return issue_token(user=make_user(), name="x", scopes=["read", "write"], at=now(), by=None)


def authenticate(**headers):
    return ApiTokenAuthentication().authenticate(APIRequestFactory().get("/", **headers))


def by_bearer(text):
    return authenticate(HTTP_AUTHORIZATION=f"Bearer {text}")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TestWaysToSendIt:
    def test_as_bearer_as_api_key_and_as_password_of_basic(self, issued):
        token, text = issued

        for headers in (
            {"HTTP_AUTHORIZATION": f"Bearer {text}"},
            {"HTTP_X_API_KEY": text},
            {"HTTP_AUTHORIZATION": basic("pk-lf-1", text)},
            {"HTTP_AUTHORIZATION": basic("", text)},
        ):
            assert authenticate(**headers) == (token.user, token)

    @pytest.mark.parametrize(
        "header", ["Basic", "Basic ???", basic("name", ""), "Basic " + "A" * 5000]
    )
    def test_a_basic_header_without_a_token_is_refused_with_a_sentence(self, header):
        with pytest.raises(AuthenticationFailed):
            authenticate(HTTP_AUTHORIZATION=header)

    def test_a_wrong_key_is_refused_in_each_way(self):
        for headers in ({"HTTP_X_API_KEY": "fr_x_y"}, {"HTTP_AUTHORIZATION": basic("u", "fr_x_y")}):
            with pytest.raises(AuthenticationFailed, match="Unknown API token"):
                authenticate(**headers)

    def test_an_empty_key_is_none(self):
        assert authenticate(HTTP_X_API_KEY=" ") is None


class TestRotation:
    def test_the_secret_before_works_until_the_chosen_moment_and_the_new_one_beside_it(
        self, issued
    ):
        token, old = issued
        by_bearer(old)
        rotated, new = rotate_token(
            token=token, at=now(), by=token.user, old_until=now() + timedelta(hours=1)
        )

        assert rotated.pk == token.pk
        assert new.startswith(f"fr_{token.prefix}_")
        assert [by_bearer(text)[1] for text in (old, new)] == [token, token]

        ApiToken.objects.update(old_until=now() - timedelta(seconds=1))
        with pytest.raises(AuthenticationFailed, match="was rotated"):
            by_bearer(old)
        assert by_bearer(new)

    def test_it_tells_whether_the_secret_before_is_still_used(self, issued):
        token, old = issued
        _, new = rotate_token(
            token=token, at=now(), by=token.user, old_until=now() + timedelta(hours=1)
        )
        by_bearer(new)
        token.refresh_from_db()
        assert (token.last_used_at is not None, token.old_last_used_at) == (True, None)

        by_bearer(old)

        token.refresh_from_db()
        assert token.old_last_used_at is not None

    def test_without_an_overlap_the_secret_before_ends_at_once(self, issued):
        token, old = issued
        rotate_token(token=token, at=now(), by=token.user)

        with pytest.raises(AuthenticationFailed, match="Unknown API token"):
            by_bearer(old)

    def test_a_second_rotation_ends_the_first_secret(self, issued):
        token, first = issued
        later = now() + timedelta(hours=1)
        _, second = rotate_token(token=token, at=now(), by=token.user, old_until=later)
        rotate_token(token=token, at=now(), by=token.user, old_until=later)

        assert by_bearer(second)
        with pytest.raises(AuthenticationFailed, match="Unknown API token"):
            by_bearer(first)

    def test_revoking_ends_both(self, issued):
        token, old = issued
        _, new = rotate_token(
            token=token, at=now(), by=token.user, old_until=now() + timedelta(hours=1)
        )
        revoke_token(token=token, at=now(), by=token.user)

        for text in (old, new):
            with pytest.raises(AuthenticationFailed, match="revoked"):
                by_bearer(text)
        with pytest.raises(AccountChangeError, match="has expired or was revoked"):
            rotate_token(token=token, at=now(), by=token.user)

    @pytest.mark.parametrize("hours", [-1, 24 * 31])
    def test_an_overlap_lies_ahead_and_ends_within_a_month(self, issued, hours):
        with pytest.raises(AccountChangeError, match="30 days"):
            rotate_token(
                token=issued[0],
                at=now(),
                by=issued[0].user,
                old_until=now() + timedelta(hours=hours),
            )

    def test_the_secrets_are_in_no_history(self, issued):
        token, old = issued
        _, new = rotate_token(
            token=token, at=now(), by=token.user, old_until=now() + timedelta(hours=1)
        )

        said = str(list(token.history.values()))
        assert [text.split("_")[2] in said for text in (old, new)] == [False, False]


class TestByRest:
    @pytest.fixture
    def client(self, issued):
        return bearer_client(issued[1])

    def test_a_token_is_made_listed_rotated_and_revoked_and_its_secret_shown_once(
        self, client, issued
    ):
        made = client.post(
            "/api/v1/tokens/", {"name": "ci", "scopes": ["read"], "days": 30}, format="json"
        )

        assert made.status_code == 201, made.json()
        assert made["Cache-Control"] == "no-store"
        assert bearer_client(made.json()["token"]).get("/api/v1/teams/").status_code == 200
        listed = client.get("/api/v1/tokens/").json()["results"]
        assert {row["name"] for row in listed} == {"ci", "x"}
        assert "token" not in listed[0]
        address = f"/api/v1/tokens/{made.json()['id']}/"

        rotated = client.post(f"{address}rotate/", {"overlap_hours": 2}, format="json").json()
        assert rotated["token"] != made.json()["token"]
        assert rotated["old_until"] is not None
        for text in (made.json()["token"], rotated["token"]):
            assert bearer_client(text).get("/api/v1/teams/").status_code == 200

        assert client.post(f"{address}revoke/").json()["revoked_at"] is not None
        assert bearer_client(rotated["token"]).get("/api/v1/teams/").status_code == 401
        assert client.post(f"{address}rotate/", {}, format="json").status_code == 409

    def test_a_token_hands_on_no_more_than_it_has(self, client, issued):
        further = client.post(
            "/api/v1/tokens/", {"name": "a", "scopes": ["gate"], "days": 30}, format="json"
        )
        longer = client.post(
            "/api/v1/tokens/", {"name": "a", "scopes": ["read"], "days": 365}, format="json"
        )
        other, _ = issue_token(
            user=issued[0].user, name="y", scopes=["read", "gate"], at=now(), by=None
        )
        rotated = client.post(f"/api/v1/tokens/{other.pk}/rotate/", {}, format="json")

        assert [answer.status_code for answer in (further, longer, rotated)] == [403, 403, 403]
        assert "lacks gate" in further.json()["detail"]
        assert "expires later" in longer.json()["detail"]

    def test_an_administrator_revokes_another_person_s_token_and_does_not_read_a_new_secret_of_it(
        self,
    ):
        """Whoever reads the secret acts as the person, and where that is a superuser, as one."""
        person, admin = make_user(), make_user(role="admin")
        token, old = issue_token(user=person, name="x", scopes=["read"], at=now(), by=None)
        _, text = issue_token(user=admin, name="y", scopes=["read", "write"], at=now(), by=None)
        by_rest, by_page = bearer_client(text), signed_in_client(admin)

        refused = by_rest.post(f"/api/v1/tokens/{token.pk}/rotate/", {}, format="json")
        page = by_page.post(reverse("tokens:rotate", args=[token.pk]), {"overlap": "24"})
        with pytest.raises(AccountChangeError, match="Revoke the token instead"):
            rotate_token(token=token, at=now(), by=admin)

        assert (refused.status_code, page.status_code) == (403, 403)
        assert by_bearer(old)
        assert by_rest.post(f"/api/v1/tokens/{token.pk}/revoke/").status_code == 200

    def test_another_persons_token_is_not_there(self, client):
        other, _ = issue_token(user=make_user(), name="x", scopes=["read"], at=now(), by=None)

        assert client.get(f"/api/v1/tokens/{other.pk}/").status_code == 404
        assert client.post(f"/api/v1/tokens/{other.pk}/revoke/").status_code == 404

    def test_an_owner_gives_tokens_to_the_programs_of_the_team_and_a_stranger_does_not(self):
        team = make_team()
        owner, stranger = (
            make_member(team, TeamRole.OWNER),
            make_member(make_team(), TeamRole.OWNER),
        )
        add_service(username="gateway", about="", team=team, role=TeamRole.EDITOR, by=owner)
        body = {"name": "prod", "scopes": ["write"], "service": "gateway", "days": 5}

        def caller(user):
            return bearer_client(
                issue_token(user=user, name="x", scopes=["read", "write"], at=now(), by=None)[1]
            )

        made = caller(owner).post("/api/v1/tokens/", body, format="json")
        assert made.status_code == 201
        assert made.json()["user"] == "gateway"
        refused = caller(stranger).post("/api/v1/tokens/", body, format="json")
        assert refused.status_code == 400
        assert caller(stranger).get("/api/v1/service-accounts/").json()["results"] == []
        assert [
            row["username"]
            for row in caller(owner).get("/api/v1/service-accounts/").json()["results"]
        ] == ["gateway"]

    def test_a_rate_of_its_own_holds_for_that_token_alone(self, issued):
        cache.clear()
        user = issued[0].user
        _, slow = issue_token(
            user=user, name="slow", scopes=["read"], at=now(), by=None, per_minute=2
        )

        answers = [bearer_client(slow).get("/api/v1/teams/").status_code for _ in range(5)]

        # the minute may turn in between
        assert answers.count(429) >= 1
        assert answers.count(200) >= 2
        assert bearer_client(issued[1]).get("/api/v1/teams/").status_code == 200
