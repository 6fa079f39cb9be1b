"""Who gets what at which address: every route of the API as every kind of caller.

`nothing` means that the list is empty and the single thing is not there, which is what a stranger sees.
"""

import re
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, reverse

from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.alerts.models import Alert, Delivery
from apps.api import urls
from apps.catalog.models import Price
from apps.common.time import now
from apps.exposure.models import ExposureFlag, Tolerance
from apps.feeds.models import FeedRun
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_source,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

CALLERS = ["admin", "governance", "auditor", "owner", "editor", "viewer", "from above", "outsider"]
EVERYBODY = set(CALLERS)
OFFICES = {"admin", "governance", "auditor"}
TEAM = EVERYBODY - {"outsider"}


@pytest.fixture
def world():
    """One of everything, and one person of every kind around the team that owns it."""
    division = make_team("Division")
    team = make_team("Payments", parent=division)
    offering = make_offering("model-1")
    application = make_application("Claims", team=team)
    dependency = make_dependency(application, offering)
    event = make_event(offering)
    price = Price.objects.create(offering=offering, unit="input", amount="3", valid=(NOW, None))
    run = FeedRun.objects.create(source=make_source(), status="changed", queued_at=NOW)
    assertion = make_source().assertions.create(
        external_id="x", topic="lifecycle", offering=offering, first_seen=NOW, changed_at=NOW
    )
    disputed = make_offering("disputed")
    for slug, day in (("litellm", "2099-01-01"), ("modeldeprecations", "2099-06-01")):
        make_source(slug).assertions.create(
            external_id="disputed",
            topic="lifecycle",
            offering=disputed,
            value={"retires_on": day, "date_kind": "firm"},
            first_seen=NOW,
            changed_at=NOW,
        )
    host_node = offering.footings.get(node__kind=5, depth=0).node
    flag = ExposureFlag.objects.create(
        tolerance=Tolerance.objects.get(layer="host"), node=host_node, value="0.7", limit="0.6", opened_at=NOW
    )
    delivery = Delivery.objects.create(
        team=team, address="payments@example.org", message_id="<1@example.org>", subject="s", body_text="t", due_at=NOW
    )
    alert = Alert.objects.create(
        key="k", kind="announced", severity=4, event=event, team=team, raised_at=NOW, delivery=delivery
    )
    people = {
        "admin": make_user("ada", role="admin"),
        "governance": make_user("gus", role="governance"),
        "auditor": make_user("aud", role="auditor"),
        "owner": make_member(team, TeamRole.OWNER),
        "editor": make_member(team, TeamRole.EDITOR),
        "viewer": make_member(team, TeamRole.VIEWER),
        "from above": make_member(division, TeamRole.VIEWER),
        "outsider": make_member(make_team("Elsewhere"), TeamRole.OWNER),
    }
    addresses = {
        "alerts": alert.pk,
        "applications": application.slug,
        "assertions": assertion.pk,
        "deliveries": delivery.pk,
        "dependencies": dependency.pk,
        "disagreements": disputed.pk,
        "exposure-flags": flag.pk,
        "feed-runs": run.pk,
        "foundations": offering.version.foundation.slug,
        "offerings": offering.pk,
        "prices": price.pk,
        "provider-events": event.pk,
        "providers": offering.host.slug,
        "sources": assertion.source_id,
        "teams": team.slug,
        "versions": offering.version_id,
    }
    return people, addresses


PUBLIC = {
    "assertions", "disagreements", "feed-runs", "foundations", "offerings", "prices", "provider-events", "providers",
    "sources", "versions",
}  # fmt: skip
SEEN_BY = {
    **dict.fromkeys(PUBLIC, EVERYBODY),
    **dict.fromkeys(["alerts", "applications", "deliveries", "dependencies", "teams"], TEAM),
    "exposure-flags": OFFICES,
}


@pytest.mark.parametrize("caller", CALLERS)
def test_every_resource_shows_itself_to_whom_it_concerns_and_to_nobody_else(world, api, caller):
    people, addresses = world
    client = api(people[caller])
    for resource, key in addresses.items():
        seen = caller in SEEN_BY[resource]
        listed = client.get(f"/api/v1/{resource}/").json()["results"]
        one = client.get(f"/api/v1/{resource}/{key}/")

        # an outsider has a team of the own, so the list of teams is not empty: what matters is that ours is missing
        assert any(str(key) in {str(row.get("slug")), str(row["id"])} for row in listed) is seen, (resource, "list")
        assert one.status_code == (200 if seen else 404), (resource, "one")


@pytest.mark.parametrize("caller", CALLERS)
def test_the_applications_of_an_event_and_of_a_stack_are_those_the_caller_may_see(world, api, caller):
    people, addresses = world
    client = api(people[caller])

    affected = client.get(f"/api/v1/provider-events/{addresses['provider-events']}/affected/").json()["results"]
    stack = client.get(f"/api/v1/applications/{addresses['applications']}/stack/")

    assert [row["slug"] for row in affected] == ([addresses["applications"]] if caller in TEAM else [])
    assert stack.status_code == (200 if caller in TEAM else 404)


@pytest.mark.parametrize("caller", CALLERS)
def test_concentration_is_of_the_organisation_for_its_offices_and_of_the_own_teams_for_others(world, api, caller):
    people, _ = world
    make_dependency(make_application("Foreign"), make_offering("foreign"))

    answer = api(people[caller]).get("/api/v1/concentration/?layer=host").json()

    assert answer["whole_organisation"] is (caller in OFFICES)
    assert answer["n_applications"] == (2 if caller in OFFICES else 1 if caller in TEAM else 0)


WRITERS = {"admin", "governance", "owner", "editor"}


def refusal(caller):
    """What a caller without the right gets: no secret for who sees the thing, nothing at all for a stranger."""
    return 404 if caller == "outsider" else 403


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_the_team_and_governance_change_an_application(world, api, caller):
    people, addresses = world
    client = api(people[caller], "read", "write")
    slug = addresses["applications"]

    changed = client.patch(f"/api/v1/applications/{slug}/", {"purpose": "new"})
    retired = client.post(f"/api/v1/applications/{slug}/retire/", {})

    expected = 200 if caller in WRITERS else refusal(caller)
    assert (changed.status_code, retired.status_code) == (expected, expected)


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_the_team_and_governance_change_dependencies(world, api, caller):
    people, addresses = world
    client = api(people[caller], "read", "write")
    successor = make_offering("model-2")
    body = {"application": addresses["applications"], "offering": successor.pk, "role": "fallback"}
    dependency = addresses["dependencies"]

    answers = [
        client.post("/api/v1/dependencies/", body).status_code,
        client.patch(f"/api/v1/dependencies/{dependency}/", {"tags": ["a"]}).status_code,
        client.post(f"/api/v1/dependencies/{dependency}/replace/", {"offering": successor.pk}).status_code,
        client.post(f"/api/v1/dependencies/{dependency}/end/", {}).status_code,
    ]

    if caller in WRITERS:
        assert answers == [201, 200, 201, 200]
    else:
        # an application that the caller does not see is an unknown slug in a body, and no address
        assert answers == [400 if caller == "outsider" else 403, *[refusal(caller)] * 3]


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_a_team_register_applications_for_it(world, api, caller):
    people, addresses = world

    answer = api(people[caller], "read", "write").post(
        "/api/v1/applications/", {"name": "New", "team": addresses["teams"]}
    )

    assert answer.status_code == (201 if caller in WRITERS else 400 if caller == "outsider" else 403)


def test_an_application_moves_only_to_a_team_the_caller_edits_too(world, api):
    people, addresses = world
    other = make_team("Other")
    make_member(other, TeamRole.VIEWER, people["editor"])

    answer = api(people["editor"], "write").patch(
        f"/api/v1/applications/{addresses['applications']}/", {"team": other.slug}
    )

    assert answer.status_code == 403


def routes(patterns=urls.urlpatterns, prefix=""):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix + str(pattern.pattern), pattern


def an_address(route, addresses):
    """The route with the key of something that exists; None for the catch-all and the schema."""
    if route in {"schema/", "^(?:.*/)?$"}:
        return None
    resource = re.match(r"\^?([a-z-]+)/", route)[1]
    path = re.sub(r"\(\?P<\w+>[^)]*\)|<\w+:\w+>", str(addresses.get(resource, "")), route)
    return "/api/v1/" + path.replace("^", "").replace("$", "").replace("\\Z", "").removesuffix("\\.?")


class TestEveryRoute:
    """Found by walking the routes themselves, so that a new one cannot be forgotten."""

    def check(self, world, client, expected):
        _, addresses = world
        seen = 0
        for route, pattern in routes():
            address = an_address(route, addresses)
            if address is None:
                continue
            methods = getattr(pattern.callback, "actions", None) or {"get": "get"}
            for method in [name for name in methods if name != "head"]:
                answer = getattr(client, method)(address, {} if method != "get" else None)
                assert answer.status_code == expected[method == "get"], (method, address)
                assert answer["Content-Type"] == "application/problem+json", (method, address)
                seen += 1
        assert seen >= 35

    def test_refuses_anonymous_callers(self, world, api):
        self.check(world, api(), (401, 401))

    def test_refuses_a_token_past_its_day(self, world, api):
        self.check(world, api(world[0]["admin"], "read", "write", lifetime=timedelta(days=-1)), (401, 401))

    def test_refuses_a_revoked_token(self, world, api):
        client = api(world[0]["admin"], "read", "write")
        ApiToken.objects.update(revoked_at=now())
        self.check(world, client, (401, 401))

    def test_refuses_the_token_of_a_closed_account(self, world, api):
        admin = world[0]["admin"]
        client = api(admin, "read", "write")
        admin.is_active = False
        admin.save()
        self.check(world, client, (401, 401))

    def test_refuses_a_made_up_token(self, world, api):
        client = api()
        client.credentials(HTTP_AUTHORIZATION="Bearer fr_00000000_" + "0" * 64)
        self.check(world, client, (401, 401))

    @pytest.mark.parametrize("scope", ["intake", "gate"])
    def test_refuses_everything_to_tokens_of_other_scopes(self, world, api, scope):
        self.check(world, api(world[0]["admin"], scope), (403, 403))

    def test_refuses_changes_to_a_token_that_only_reads(self, world, api):
        client = api(world[0]["admin"], "read")
        _, addresses = world
        for route, pattern in routes():
            address = an_address(route, addresses)
            for method in getattr(pattern.callback, "actions", None) or ():
                if address is not None and method not in {"get", "head"}:
                    assert getattr(client, method)(address, {}).status_code == 403, (method, address)

    def test_refuses_reads_to_a_token_that_only_writes(self, world, api):
        _, addresses = world
        client = api(world[0]["admin"], "write")
        for route, pattern in routes():
            address = an_address(route, addresses)
            if address is not None and "get" in (getattr(pattern.callback, "actions", None) or {"get": ""}):
                assert client.get(address).status_code == 403, address


def test_a_session_reads_what_its_user_may_read(world, client):
    people, addresses = world
    client.force_login(people["viewer"])

    answer = client.get(reverse("api-applications-detail", args=[addresses["applications"]]))

    assert answer.status_code == 200


def test_a_session_changes_nothing_without_the_csrf_token(world):
    from rest_framework.test import APIClient

    people, addresses = world
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(people["editor"])

    answer = client.patch(f"/api/v1/applications/{addresses['applications']}/", {"purpose": "x"})

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
