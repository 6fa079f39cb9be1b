"""A platform team sets itself up by program: a service account, a token for one application, the
first document."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope, TeamRole
from apps.intake.models import TokenBinding
from tests.api.retailer import bom
from tests.builders import make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team("Claims")


@pytest.fixture
def owner(api, team):
    scopes = set(Scope.values) - {Scope.SCIM}
    return api(make_member(team, TeamRole.OWNER), *scopes, lifetime=timedelta(days=30))


def test_from_a_program_to_its_first_document(api, owner, team):
    application = make_application(team=team)

    program = owner.post(
        "/api/v1/service-accounts/",
        {"username": "pipeline", "team": team.slug, "role": "editor"},
        format="json",
    )
    made = owner.post(
        "/api/v1/tokens/",
        {"name": "ci", "scopes": ["intake"], "service": "pipeline", "days": 1},
        format="json",
    )
    bound = owner.post(
        "/api/v1/tokens/",
        {
            "name": "ci",
            "scopes": ["intake"],
            "days": 1,
            "application": application.slug,
            "environment": "production",
        },
        format="json",
    )

    assert (program.status_code, made.status_code, bound.status_code) == (201, 201, 201), (
        program.content
    )
    assert (program.json()["team"], made.json()["user"]) == (team.slug, "pipeline")
    assert bound.json()["application"] == application.slug
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bound.json()['token']}")
    answer = client.post(
        "/api/v1/intake/cyclonedx/", json.dumps(bom("gpt-4o")), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["application"], answer.json()["environment"]) == (
        202,
        application.slug,
        "production",
    )


def test_programs_are_added_by_owners_for_their_team_and_offices_by_nobody_here(api, owner, team):
    make = "/api/v1/service-accounts/"
    editor = api(make_member(team, TeamRole.EDITOR), "read", "write")

    assert editor.post(make, {"username": "a", "team": team.slug}, format="json").status_code == 403
    assert owner.post(make, {"username": "a"}, format="json").status_code == 403
    assert (
        owner.post(make, {"username": "a", "team": make_team().slug}, format="json").status_code
        == 400
    )
    unknown = owner.post(
        make, {"username": "a", "team": team.slug, "organisation_role": "admin"}, format="json"
    )
    taken = owner.post(
        make, {"username": make_user("ada").username, "team": team.slug}, format="json"
    )
    assert (unknown.status_code, taken.status_code) == (400, 400)
    assert not User.objects.filter(is_service=True).exists()


def test_a_token_is_bound_to_what_its_maker_edits_and_else_not_made(owner, team):
    body = {"name": "x", "scopes": ["intake"], "days": 1}
    before = ApiToken.objects.count()

    foreign = owner.post(
        "/api/v1/tokens/", {**body, "application": make_application().slug}, format="json"
    )
    reading = owner.post(
        "/api/v1/tokens/",
        {**body, "scopes": ["read"], "application": make_application(team=team).slug},
        format="json",
    )

    assert "Check the value." in foreign.json()["detail"]
    assert 'lacks the scope "intake"' in reading.json()["detail"]
    assert ApiToken.objects.count() == before


class TestCommand:
    def test_it_binds_a_token_and_sets_its_end(self, team):
        application = make_application(team=team)
        user = make_member(team, TeamRole.EDITOR)
        out = StringIO()

        call_command(
            "token",
            user.username,
            "--scope",
            "intake",
            "--application",
            application.slug,
            "--environment",
            "staging",
            "--days",
            "7",
            stdout=out,
        )

        binding = TokenBinding.objects.get()
        assert (binding.application, binding.environment) == (application, "staging")
        assert (binding.token.expires_at - binding.token.created_at).days in (6, 7)
        assert json.loads(out.getvalue())["token"].startswith("fr_")

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["nobody"], 2, 'No user "nobody" found.'),
            (["ada", "--team", "nowhere"], 2, 'No team "nowhere" found.'),
            (["ada", "--application", "nothing"], 2, 'No application "nothing" found.'),
            (["ada", "--days", "0"], 2, "Enter a validity of 1 to"),
            (["ada", "--scope", "intake", "--application", "APPLICATION"], 1, "editor"),
        ],
    )
    def test_what_cannot_be_is_told_by_code_and_sentence(self, arguments, code, sentence):
        make_user("ada")
        application = make_application()

        with pytest.raises(CommandError, match=sentence) as refused:
            call_command(
                "token",
                *[application.slug if word == "APPLICATION" else word for word in arguments],
            )

        assert refused.value.returncode == code
        assert not ApiToken.objects.exists()
