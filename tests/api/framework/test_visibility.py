"""Who gets what at which address: every route of the API as every kind of caller.

`nothing` means that the list is empty and the single thing is not there, which is what a stranger
sees.
"""

import re
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, reverse

from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.alerts.models import Alert, Mute
from apps.alerts.preferences import create_calendar_feed
from apps.api import urls
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from tests.access.everything import OTHER_KEYS, make_one_of_everything
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

CALLERS = ["admin", "governance", "auditor", "owner", "editor", "viewer", "from above", "outsider"]
EVERYBODY = set(CALLERS)
OFFICES = {"admin", "governance", "auditor"}
ITS_OWNER = {"owner"}
TEAM = EVERYBODY - {"outsider"}


@pytest.fixture
@kept_world
def everything():
    return make_one_of_everything()


PUBLIC = {
    "aliases",
    "notice-policies",
    "offering-regions",
    "regions",
    "risk-mappings",
    "risk-modifiers",
    "alert-policies",
    "approvals",
    "assertions",
    "derivations",
    "disagreements",
    "exchange-rates",
    "feed-runs",
    "foundation-risks",
    "foundations",
    "offerings",
    "prices",
    "product-models",
    "products",
    "incidents",
    "provider-events",
    "providers",
    "retirement-announcements",
    "risk-templates",
    "selections",
    "sources",
    "versions",
}
SEEN_BY = {
    **dict.fromkeys(PUBLIC, EVERYBODY),
    **dict.fromkeys(
        [
            "adaptations",
            "alerts",
            "applications",
            "assessments",
            "billed-costs",
            "campaign-steps",
            "campaign-tasks",
            "campaigns",
            "causes",
            "channels",
            "deliveries",
            "dependencies",
            "discrepancies",
            "evidence",
            "exit-plans",
            "exit-tests",
            "imports",
            "issues",
            "memberships",
            "mutes",
            "notifications",
            "observations",
            "reported-services",
            "teams",
            "tickets",
        ],
        TEAM,
    ),
    **dict.fromkeys(
        [
            "annex-items",
            "base-losses",
            "contracts",
            "event-rates",
            "exposure-flags",
            "loss-runs",
            "proposed-use-cases",
            "exposure-policies",
            "scenario-runs",
            "scenarios",
            "snapshots",
            "users",
            "webhooks",
        ],
        OFFICES,
    ),
    "people": EVERYBODY,
    "delegations": OFFICES | ITS_OWNER,
    # acceptances of a team; here a tolerance
    "decision-proposals": OFFICES,
    "account-deployments": {"admin", "governance"},
    "cloud-accounts": {"admin", "governance"},
    "cloud-pulls": {"admin", "governance"},
    # editors of its team, who can use it
    "ticket-connections": OFFICES | {"owner", "editor"},
    # those who may announce retirements
    "received-notices": {"admin", "governance"},
    "service-accounts": OFFICES | ITS_OWNER,
    # who watches over the keys of others
    "tokens": ITS_OWNER | {"admin", "auditor"},
    # a person's own, and nobody's business, not even of the offices
    **dict.fromkeys(["calendar-feeds", "subscriptions"], ITS_OWNER),
}


@pytest.mark.proof
@pytest.mark.parametrize("caller", CALLERS)
def test_every_resource_shows_itself_to_whom_it_concerns_and_to_nobody_else(
    everything, api, caller
):
    people, addresses = everything
    client = api(people[caller])
    for resource, key in addresses.items():
        seen = caller in SEEN_BY[resource]
        listed = client.get(f"/api/v1/{resource}/").json()["results"]
        one = client.get(f"/api/v1/{resource}/{key}/")

        # an outsider has a team of the own, so the list of teams is not empty: what matters is that
        # ours is missing
        assert any(str(key) in {str(row.get("slug")), str(row["id"])} for row in listed) is seen, (
            resource,
            "list",
        )
        assert one.status_code == (200 if seen else 404), (resource, "one")


@pytest.mark.parametrize("caller", CALLERS)
def test_the_applications_of_an_event_and_of_a_stack_are_those_the_caller_may_see(
    everything, api, caller
):
    people, addresses = everything
    client = api(people[caller])

    affected = client.get(
        f"/api/v1/provider-events/{addresses['provider-events']}/affected/"
    ).json()["results"]
    stack = client.get(f"/api/v1/applications/{addresses['applications']}/stack/")

    assert [row["slug"] for row in affected] == (
        [addresses["applications"]] if caller in TEAM else []
    )
    assert stack.status_code == (200 if caller in TEAM else 404)


@pytest.mark.parametrize("caller", CALLERS)
def test_concentration_is_of_the_organisation_for_its_offices_and_of_the_own_teams_for_others(
    everything, api, caller
):
    people, _ = everything
    make_dependency(make_application("Foreign"), make_offering("foreign"))
    refresh(on=day_of(now()))

    answer = api(people[caller]).get("/api/v1/concentration/?layer=host").json()

    n = 2 if caller in OFFICES else 1 if caller in TEAM else 0
    assert answer["whole_organisation"] is (caller in OFFICES)
    assert (answer["n_applications"], answer["total_weight"], len(answer["shares"])) == (n, n, n)


@pytest.mark.parametrize("caller", CALLERS)
def test_single_points_and_blast_radius_name_only_what_the_caller_may_see(everything, api, caller):
    people, addresses = everything
    foreign = make_application("Foreign")
    make_dependency(foreign, Offering.objects.get(pk=addresses["offerings"]))
    refresh(on=day_of(now()))
    client = api(people[caller])

    points = client.get("/api/v1/single-points-of-failure/?kind=host").json()
    radius = client.get(f"/api/v1/offerings/{addresses['offerings']}/blast-radius/").json()

    n = 2 if caller in OFFICES else 1 if caller in TEAM else 0
    assert points["whole_organisation"] is radius["whole_organisation"] is (caller in OFFICES)
    assert [point["exposed"] for point in points["results"]] == ([n] if n else [])
    assert (
        radius["n_applications"],
        len(radius["results"]),
        sum(team["n"] for team in radius["teams"]),
    ) == (n, n, n)
    assert (foreign.slug in {row["application"] for row in radius["results"]}) is (
        caller in OFFICES
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_only_governance_decides_about_flags_and_draws_lines(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    flag, policy = addresses["exposure-flags"], addresses["exposure-policies"]
    line = {
        "slug": "new",
        "name": "New",
        "kinds": ["host"],
        "states": ["exposed"],
        "measure": "n_critical",
    }

    answers = [
        client.post(f"/api/v1/exposure-flags/{flag}/acknowledge/", {}).status_code,
        client.post(
            f"/api/v1/exposure-flags/{flag}/accept/", {"until": "2099-01-01", "reason": "none else"}
        ).status_code,
        client.post(f"/api/v1/exposure-flags/{flag}/revoke/", {"reason": "found one"}).status_code,
        client.patch(f"/api/v1/exposure-policies/{policy}/", {"tolerance": "0.7"}).status_code,
        client.patch("/api/v1/exposure-settings/", {"horizon_days": 90}).status_code,
        client.post("/api/v1/exposure-policies/", {**line, "tolerance": "3"}).status_code,
    ]

    governs = caller in {"admin", "governance"}
    assert answers == (
        [200] * 5 + [201] if governs else [403] * 6 if caller == "auditor" else [404] * 5 + [403]
    )


WRITERS = {"admin", "governance", "owner", "editor"}


def refusal(caller):
    """What a caller without the right gets: no secret for who sees the thing, nothing at all for a
    stranger."""
    return 404 if caller == "outsider" else 403


GOVERNS = {"admin", "governance"}


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_the_team_and_governance_answer_its_alerts(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    alert = addresses["alerts"]
    until = (day_of(now()) + timedelta(days=3)).isoformat()

    answers = {
        verb: client.post(f"/api/v1/alerts/{alert}/{verb}/", body).status_code
        for verb, body in {
            "acknowledge": {},
            "snooze": {"until": until},
            "assign": {"username": people["viewer"].username},
            "resolve": {"reason": "moved"},
            "reopen": {},
        }.items()
    }
    report = client.post("/api/v1/alerts/bulk-respond/", {"ids": [alert], "action": "acknowledge"})

    may = caller in WRITERS
    assert answers == dict.fromkeys(answers, 200 if may else refusal(caller))
    assert report.status_code == 200
    assert report.json()["updated"] == ([alert] if may else [])
    assert [row["id"] for row in report.json()["rejected"]] == ([] if may else [alert])


@pytest.mark.parametrize("caller", CALLERS)
def test_whom_an_alert_was_given_to_answers_it_while_it_is_visible(everything, api, caller):
    people, addresses = everything
    Alert.objects.filter(pk=addresses["alerts"]).update(assigned_to=people[caller])

    answer = api(people[caller], "write").post(
        f"/api/v1/alerts/{addresses['alerts']}/acknowledge/", {}
    )

    # the auditor reads everything and changes nothing, whoever wrote the name there
    assert answer.status_code == {"auditor": 403, "outsider": 404}.get(caller, 200)


@pytest.mark.parametrize("caller", CALLERS)
def test_everybody_mutes_the_own_mail_and_editors_that_of_the_team(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    until = (day_of(now()) + timedelta(days=3)).isoformat()
    alert, team, of_team = addresses["alerts"], addresses["teams"], addresses["mutes"]

    own = client.post("/api/v1/mutes/", {"until": until, "kind": "repriced"})
    from_alert = client.post(f"/api/v1/alerts/{alert}/mute/", {"until": until})
    for_team = client.post("/api/v1/mutes/", {"until": until, "kind": "repriced", "team": team})
    lifted = client.post(f"/api/v1/mutes/{of_team}/unmute/")

    assert (own.status_code, own.json()["user"], own.json()["team"]) == (
        201,
        people[caller].username,
        None,
    )
    assert from_alert.status_code == (404 if caller == "outsider" else 201)
    # a team that the caller does not see is an unknown slug
    assert for_team.status_code == (
        201 if caller in WRITERS else 400 if caller == "outsider" else 403
    )
    assert lifted.status_code == (200 if caller in WRITERS else refusal(caller))


@pytest.mark.parametrize("caller", CALLERS)
def test_only_whom_a_mute_is_for_and_governance_lift_it(everything, api, caller):
    people, _ = everything
    someone = Mute.objects.create(
        user=people["viewer"],
        kind="retired",
        until=day_of(now()) + timedelta(days=3),
        created_by=people["viewer"],
    )

    answer = api(people[caller], "read", "write").post(f"/api/v1/mutes/{someone.pk}/unmute/")

    # the auditor reads it; to other members of the team it does not exist
    assert (
        answer.status_code
        == {
            **dict.fromkeys(CALLERS, 404),
            **dict.fromkeys(["viewer", *GOVERNS], 200),
            "auditor": 403,
        }[caller]
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_everybody_has_subscriptions_and_calendar_addresses_of_the_own_and_touches_nobody_elses(
    everything, api, caller
):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    theirs, feed = addresses["subscriptions"], addresses["calendar-feeds"]

    made = client.post("/api/v1/subscriptions/", {"kinds": ["retired"]})
    mine = f"/api/v1/subscriptions/{made.json()['id']}/"
    own = [
        made.status_code,
        client.get(f"{mine}preview/").status_code,
        client.post("/api/v1/subscriptions/preview/", {}).status_code,
        client.patch(mine, {"enabled": False}).status_code,
        client.delete(mine).status_code,
        client.post("/api/v1/calendar-feeds/", {}).status_code,
    ]
    foreign = [
        client.get(f"/api/v1/subscriptions/{theirs}/preview/").status_code,
        client.patch(f"/api/v1/subscriptions/{theirs}/", {"enabled": False}).status_code,
        client.post(f"/api/v1/calendar-feeds/{feed}/revoke/").status_code,
        client.delete(f"/api/v1/subscriptions/{theirs}/").status_code,
    ]

    assert own == [201, 200, 200, 200, 204, 201]
    assert foreign == ([200, 200, 200, 204] if caller == "owner" else [404] * 4)


@pytest.mark.parametrize("caller", CALLERS)
def test_notification_preferences_are_each_persons_own_and_a_teams_are_its_owners(
    everything, api, caller
):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    team = f"/api/v1/notification-preferences/teams/{addresses['teams']}/"

    own = client.patch("/api/v1/notification-preferences/me/", {"frequency": "weekly"})
    read = client.get(team)
    changed = client.patch(team, {"frequency": "weekly"})
    replaced = client.put(team, {})
    asked = client.post("/api/v1/notification-preferences/me/send-summary/")

    owns = caller in GOVERNS | {"owner"}
    assert (own.status_code, own.json()["user"], own.json()["frequency"]) == (
        200,
        people[caller].username,
        "weekly",
    )
    assert read.status_code == (200 if caller in TEAM else 404)
    assert changed.status_code == (200 if owns else refusal(caller))
    assert asked.status_code == 202
    # who may not is told so before the body is looked at
    assert replaced.status_code == (400 if owns else refusal(caller))


@pytest.mark.parametrize("caller", CALLERS)
def test_everybody_reads_by_which_lines_people_are_told_and_governance_moves_them(
    everything, api, caller
):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    policy = f"/api/v1/alert-policies/{addresses['alert-policies']}/"

    read = [client.get(address).status_code for address in (policy, "/api/v1/alert-settings/")]
    moved = [
        client.patch(policy, {"milestones": [30, 7, 0]}).status_code,
        client.patch("/api/v1/alert-settings/", {"price_percent": 8}).status_code,
    ]

    assert read == [200, 200]
    assert moved == ([200, 200] if caller in GOVERNS else [403, 403])


@pytest.mark.parametrize("caller", CALLERS)
def test_only_governance_makes_changes_and_tries_webhooks(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    webhook = f"/api/v1/webhooks/{addresses['webhooks']}/"

    made = client.post("/api/v1/webhooks/", {"name": "New", "url": "https://hooks.example.org/b"})
    others = [
        client.patch(webhook, {"min_severity": 4}).status_code,
        client.post(f"{webhook}rotate-secret/", {}).status_code,
        client.post(f"{webhook}test/").status_code,
        client.post(f"{webhook}disable/", {}).status_code,
    ]

    assert made.status_code == (201 if caller in GOVERNS else 403)
    assert others == (
        [200, 200, 202, 200]
        if caller in GOVERNS
        else [403] * 4
        if caller == "auditor"
        else [404] * 4
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_only_governance_sends_a_failed_message_again(everything, api, caller):
    people, addresses = everything

    answer = api(people[caller], "read", "write").post(
        f"/api/v1/deliveries/{addresses['deliveries']}/resend/"
    )

    assert answer.status_code == (200 if caller in GOVERNS else refusal(caller))


@pytest.mark.parametrize("caller", CALLERS)
def test_a_calendar_holds_what_its_reader_may_see_and_no_other_application(everything, api, caller):
    people, addresses = everything
    offering = Offering.objects.get(pk=addresses["offerings"])
    offering.retires_on, offering.date_kind = day_of(now()) + timedelta(days=40), "firm"
    offering.save()
    make_dependency(make_application("Foreign"), offering)
    _, secret = create_calendar_feed(user=people[caller])

    signed_in = api(people[caller]).get("/api/v1/calendar.ics")
    by_secret = api().get(f"/calendar/{secret}.ics")

    assert signed_in.status_code == by_secret.status_code == 200
    assert signed_in.content == by_secret.content
    assert (b"Claims" in signed_in.content) is (caller in TEAM)
    assert (b"Foreign" in signed_in.content) is (caller in OFFICES)


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_the_team_and_governance_change_an_application(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    slug = addresses["applications"]

    changed = client.patch(f"/api/v1/applications/{slug}/", {"purpose": "new"})
    retired = client.post(f"/api/v1/applications/{slug}/retire/", {})

    expected = 200 if caller in WRITERS else refusal(caller)
    assert (changed.status_code, retired.status_code) == (expected, expected)


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_the_team_and_governance_change_dependencies(everything, api, caller):
    people, addresses = everything
    client = api(people[caller], "read", "write")
    successor = make_offering("model-2")
    body = {"application": addresses["applications"], "offering": successor.pk, "role": "fallback"}
    dependency = addresses["dependencies"]

    answers = [
        client.post("/api/v1/dependencies/", body).status_code,
        client.patch(f"/api/v1/dependencies/{dependency}/", {"tags": ["a"]}).status_code,
        client.post(
            f"/api/v1/dependencies/{dependency}/replace/", {"offering": successor.pk}
        ).status_code,
        client.post(f"/api/v1/dependencies/{dependency}/end/", {}).status_code,
    ]

    if caller in WRITERS:
        assert answers == [201, 200, 201, 200]
    else:
        # an application that the caller does not see is an unknown slug in a body, and no address
        assert answers == [400 if caller == "outsider" else 403, *[refusal(caller)] * 3]


@pytest.mark.parametrize("caller", CALLERS)
def test_only_editors_of_a_team_register_applications_for_it(everything, api, caller):
    people, addresses = everything

    answer = api(people[caller], "read", "write").post(
        "/api/v1/applications/", {"name": "New", "team": addresses["teams"]}
    )

    assert answer.status_code == (
        201 if caller in WRITERS else 400 if caller == "outsider" else 403
    )


def test_an_application_moves_only_to_a_team_the_caller_edits_too(everything, api):
    people, addresses = everything
    other = make_team("Other")
    make_member(other, TeamRole.VIEWER, people["editor"])

    answer = api(people["editor"], "write").patch(
        f"/api/v1/applications/{addresses['applications']}/", {"team": other.slug}
    )

    assert answer.status_code == 403


def routes(patterns=urls.v1_routes, prefix=""):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            assert isinstance(pattern, URLPattern)
            yield prefix + str(pattern.pattern), pattern


def methods_of(pattern):
    """What the address answers to: the actions of a viewset, the handlers of a plain view."""
    callback = pattern.callback
    actions = getattr(callback, "actions", None)
    return (
        set(actions)
        if actions
        else {name for name in callback.cls.http_method_names if hasattr(callback.cls, name)}
    )


def scope_of(pattern):
    return getattr(getattr(pattern.callback, "cls", None), "required_scope", None)


def an_address(route, addresses):
    """The route with the key of something that exists, where the world has one: who may ask at all
    is decided before anything is looked up. None for the catch-all and the schema."""
    if route in {"schema/", r"^(?:.*/|bom/token/[^/]+)?$"}:
        return None
    resource = re.match(r"\^?([a-z-]+)(?:[/.]|$)", route)[1]
    path = re.sub(
        r"\(\?P<\w+>[^)]*\)|<\w+:\w+>",
        str(addresses.get(resource, OTHER_KEYS.get(resource, "1"))),
        route,
    )
    return "/api/v1/" + path.replace("^", "").replace("$", "").replace("\\Z", "").removesuffix(
        "\\.?"
    )


class TestEveryRoute:
    """Found by walking the routes themselves, so that a new one cannot be forgotten."""

    def check(self, everything, client, expected, *, but_of_scope=None):
        _, addresses = everything
        seen = 0
        for route, pattern in routes():
            address = an_address(route, addresses)
            if address is None or (but_of_scope and scope_of(pattern) == but_of_scope):
                continue
            for method in methods_of(pattern) - {"head", "options"}:
                answer = getattr(client, method)(address, {} if method != "get" else None)
                assert answer.status_code == expected[method == "get"], (method, address)
                assert answer["Content-Type"] == "application/problem+json", (method, address)
                seen += 1
        assert seen >= 35

    def test_refuses_anonymous_callers(self, everything, api):
        self.check(everything, api(), (401, 401))

    def test_refuses_a_token_past_its_day(self, everything, api):
        self.check(
            everything,
            api(everything[0]["admin"], "read", "write", lifetime=timedelta(days=-1)),
            (401, 401),
        )

    def test_refuses_a_revoked_token(self, everything, api):
        client = api(everything[0]["admin"], "read", "write")
        ApiToken.objects.update(revoked_at=now())
        self.check(everything, client, (401, 401))

    @pytest.mark.proof
    def test_refuses_the_token_of_a_closed_account(self, everything, api):
        admin = everything[0]["admin"]
        client = api(admin, "read", "write")
        admin.is_active = False
        admin.save()
        self.check(everything, client, (401, 401))

    def test_refuses_a_made_up_token(self, everything, api):
        client = api()
        client.credentials(HTTP_AUTHORIZATION="Bearer fr_00000000_" + "0" * 64)
        self.check(everything, client, (401, 401))

    @pytest.mark.parametrize("scope", ["intake", "gate"])
    def test_refuses_everything_to_tokens_of_other_scopes(self, everything, api, scope):
        self.check(everything, api(everything[0]["admin"], scope), (403, 403), but_of_scope=scope)

    def test_refuses_changes_to_a_token_that_only_reads(self, everything, api):
        client = api(everything[0]["admin"], "read")
        _, addresses = everything
        for route, pattern in routes():
            address = an_address(route, addresses)
            if address is None:
                continue
            for method in methods_of(pattern) - {"get", "head", "options"}:
                assert getattr(client, method)(address, {}).status_code == 403, (method, address)

    def test_refuses_reads_to_a_token_that_only_writes(self, everything, api):
        _, addresses = everything
        client = api(everything[0]["admin"], "write")
        for route, pattern in routes():
            address = an_address(route, addresses)
            if address is not None and "get" in methods_of(pattern):
                assert client.get(address).status_code == 403, address


def test_a_session_reads_what_its_user_may_read(everything, client):
    people, addresses = everything
    client.force_login(people["viewer"])

    answer = client.get(reverse("api:application-detail", args=[addresses["applications"]]))

    assert answer.status_code == 200


def test_a_session_changes_nothing_without_the_csrf_token(everything):
    from rest_framework.test import APIClient

    people, addresses = everything
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(people["editor"])

    answer = client.patch(f"/api/v1/applications/{addresses['applications']}/", {"purpose": "x"})

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
