"""API tokens: how they are made, kept, used and ended."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from apps.accounts.actions import issue_token, revoke_token
from apps.accounts.api_tokens.authentication import ApiTokenAuthentication
from apps.accounts.api_tokens.secrets import digest_of
from apps.accounts.models import ApiToken
from apps.common.time import now
from tests.builders import make_member, make_team, make_user

pytestmark = pytest.mark.django_db


def token_command(*arguments):
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    return json.loads(out.getvalue())


def authenticate(text):
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {text}")
    return ApiTokenAuthentication().authenticate(request)


class TestCommand:
    def test_it_prints_the_token_once_and_its_end_in_ninety_days(self):
        user = make_user("ada")

        answer = token_command("ada")

        assert set(answer) == {"token", "expires"}
        end = datetime.fromisoformat(answer["expires"])
        assert timedelta(days=89, hours=23) < end - now() < timedelta(days=90, seconds=1)
        assert authenticate(answer["token"])[0] == user

    def test_without_a_scope_it_only_reads(self):
        make_user("ada")

        token_command("ada")

        assert ApiToken.objects.get().scopes == ["read"]

    def test_it_is_bound_to_a_team_that_its_user_sees(self):
        team = make_team()
        make_member(team, user=make_user("ada"))

        token_command("ada", "--team", team.slug)

        assert ApiToken.objects.get().team == team
        with pytest.raises(CommandError, match="would have no access"):
            token_command("ada", "--team", make_team().slug)
        with pytest.raises(CommandError, match="No team"):
            token_command("ada", "--team", "nowhere")

    @pytest.mark.parametrize(
        "scopes",
        [
            ["--scope", "write", "read"],
            ["--scope", "write", "--scope", "read"],
            ["--scope", "read", "write", "read"],
        ],
    )
    def test_scopes_are_named_in_any_way_and_kept_once(self, scopes):
        make_user("ada")

        token_command("ada", *scopes)

        assert ApiToken.objects.get().scopes == ["read", "write"]

    def test_a_user_is_also_known_by_the_address(self):
        make_user("ada", email="Ada@example.org")

        assert token_command("ada@example.org")["token"]

    def test_an_unknown_user_is_an_error_in_words(self):
        with pytest.raises(CommandError, match=r'No user "nobody" found\.') as refusal:
            token_command("nobody")

        assert refusal.value.returncode == 2

    def test_a_closed_account_gets_none(self):
        make_user("ada", is_active=False)

        with pytest.raises(CommandError, match="closed"):
            token_command("ada")

    def test_an_unknown_scope_is_refused(self):
        make_user("ada")

        with pytest.raises(CommandError, match="invalid choice"):
            token_command("ada", "--scope", "everything")


class TestKeeping:
    def test_only_a_digest_is_kept_and_the_prefix_to_tell_it_by(self):
        token, text = issue_token(user=make_user(), name="x", scopes=["read"], at=now(), by=None)

        assert text.startswith(f"fr_{token.prefix}_")
        assert len(text.split("_")[2]) == 64
        assert token.digest == digest_of(text)
        stored = [str(value) for value in ApiToken.objects.values().get().values()]
        assert not any(text.split("_")[2] in value for value in stored)

    def test_the_history_has_no_secret_either(self):
        token, text = issue_token(user=make_user(), name="x", scopes=["read"], at=now(), by=None)

        [entry] = token.history.values()

        assert text.split("_")[2] not in str(entry)


class TestUse:
    @pytest.fixture
    def issued(self):
        return issue_token(user=make_user(), name="x", scopes=["read"], at=now(), by=None)

    def test_each_use_within_a_minute_leaves_the_first_time_stamp(self, issued):
        token, text = issued
        authenticate(text)
        token.refresh_from_db()
        first = token.last_used_at

        authenticate(text)

        token.refresh_from_db()
        assert first is not None
        assert token.last_used_at == first

    def test_a_use_after_a_minute_moves_it(self, issued):
        token, text = issued
        long_ago = now() - timedelta(minutes=1, seconds=1)
        ApiToken.objects.update(last_used_at=long_ago)

        authenticate(text)

        token.refresh_from_db()
        assert token.last_used_at > long_ago

    def test_the_last_use_is_no_news_for_the_history(self, issued):
        token, text = issued

        authenticate(text)

        assert token.history.count() == 1

    def test_a_token_with_another_secret_is_refused(self, issued):
        _, text = issued
        other = text[:-1] + ("0" if text[-1] != "0" else "1")

        with pytest.raises(AuthenticationFailed, match="Unknown API token"):
            authenticate(other)

    def test_a_revoked_one_is_refused_and_revoking_twice_is_one_change(self, issued):
        token, text = issued
        by = make_user(role="admin")

        assert [
            revoke_token(token=token, at=now(), by=by),
            revoke_token(token=token, at=now(), by=by),
        ] == [True, False]
        with pytest.raises(AuthenticationFailed, match="revoked"):
            authenticate(text)

    def test_another_scheme_is_left_to_others(self):
        request = APIRequestFactory().get("/", HTTP_AUTHORIZATION="Digest username=x")

        assert ApiTokenAuthentication().authenticate(request) is None
