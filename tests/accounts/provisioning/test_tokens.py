"""Who creates and rotates tokens for provisioning."""

import pytest
from django.urls import reverse

from apps.accounts.actions import AccountChangeError, issue_token, rotate_token
from apps.accounts.models import ApiToken
from apps.accounts.service_accounts import add_service
from apps.common.errors import ForbiddenError
from apps.common.time import now
from tests.builders import make_team, make_user
from tests.http import bearer_client, signed_in_client, text_of, token_client

pytestmark = pytest.mark.django_db


def scim_token(user, by, **changed):
    return issue_token(user=user, name="idp", at=now(), by=by, **{"scopes": ["scim"], **changed})


def test_an_administrator_creates_one_on_the_page_and_it_is_shown_once():
    admin = make_user(role="admin")
    client = signed_in_client(admin)

    response = client.post(
        reverse("settings:create-provisioning-token"), {"name": "Entra", "days": "365"}
    )

    secret = response.context["secret"]
    assert secret in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    token = ApiToken.objects.get()
    assert (token.user.username, token.scopes, token.user.is_service) == ("scim", ["scim"], True)
    assert bearer_client(secret).get("/scim/v2/Users").status_code == 200
    page = text_of(client.get(reverse("settings:provisioning")))
    assert "Entra" in page
    assert secret not in page
    # the second one is of the same account
    client.post(reverse("settings:create-provisioning-token"), {"name": "Okta", "days": "90"})
    assert ApiToken.objects.filter(user=token.user).count() == 2


@pytest.mark.parametrize("role", ["governance", "auditor"])
def test_others_see_the_page_and_create_none(role):
    user = make_user(role=role)
    client = signed_in_client(user)

    assert "Create API token" not in text_of(client.get(reverse("settings:provisioning")))
    answer = client.post(reverse("settings:create-provisioning-token"), {"name": "x", "days": "90"})
    assert answer.status_code == 403
    assert signed_in_client(make_user()).get(reverse("settings:provisioning")).status_code == 403


def test_nor_by_their_own_page_or_rest_or_by_rotation():
    admin, governance = make_user(role="admin"), make_user(role="governance")
    service = add_service(username="robot", about="", team=None, by=admin)
    with pytest.raises(ForbiddenError):
        scim_token(service, governance)
    form = {"name": "x", "scopes": ["scim"], "days": "90"}
    assert signed_in_client(governance).post(reverse("tokens:create"), form).status_code == 403
    body = {"name": "x", "scopes": ["scim"]}
    rest = signed_in_client(governance).post("/api/v1/tokens/", body, "application/json")
    assert rest.status_code == 403
    token, _ = scim_token(service, admin)
    with pytest.raises(ForbiddenError):
        rotate_token(token=token, at=now(), by=governance)
    rotate_token(token=token, at=now(), by=admin)


def test_it_has_no_other_scope_no_team_and_a_user_who_may():
    admin = make_user(role="admin")
    team = make_team()
    service = add_service(username="robot", about="", team=team, by=admin)
    for user, changed in (
        (admin, {"scopes": ["scim", "read"]}),
        (admin, {"team": team}),
        (service, {}),
        (make_user(role="governance"), {}),
    ):
        with pytest.raises(AccountChangeError):
            scim_token(user, admin, **changed)
    assert token_client(admin, "read").get("/scim/v2/Users").status_code == 403
