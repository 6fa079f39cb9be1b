"""Actions on applications and dependencies through the API: what they answer, whom they tell, and
undoing them."""

from uuid import uuid4

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

APPLICATIONS = "/api/v1/applications/"
DEPENDENCIES = "/api/v1/dependencies/"
CHANGES = "/api/v1/changes/"


@pytest.fixture
def team():
    return make_team("Payments")


@pytest.fixture
def editor(team):
    return make_member(team, TeamRole.EDITOR, make_user("eve"))


@pytest.fixture
def client(api, editor):
    return api(editor, "read", "write")


@pytest.fixture
def application(team):
    return make_application("Claims", team=team)


class TestFindingsInAnswers:
    def test_what_was_just_entered_is_warned_about_and_kept(self, client, application):
        offering = make_offering()
        make_dependency(application, offering, monthly_input_tokens=1)

        body = client.post(
            DEPENDENCIES,
            {
                "application": application.slug,
                "offering": offering.pk,
                "role": "fallback",
                "fallback_order": 1,
            },
        ).json()

        assert [(row["code"], row["dependency"]) for row in body["findings"]] == [
            ("fallback_is_primary", body["id"]),
            ("tokens_missing", body["id"]),
        ]
        assert Dependency.objects.count() == 2

    def test_a_share_is_kept_as_declared_with_the_warning(self, client, application):
        dependency = make_dependency(application, make_offering(), monthly_input_tokens=1)

        body = client.patch(f"{DEPENDENCIES}{dependency.pk}/", {"traffic_share": "1.25"}).json()

        assert float(body["traffic_share"]) == 1.25
        assert body["findings"][0]["detail"] == (
            "The traffic shares of the primary models add up to 1.25, not 1, and are scaled "
            "to 1. Correct the shares."
        )


class TestDependencies:
    def test_an_observed_one_is_confirmed(self, client, application):
        dependency = make_dependency(application, make_offering(), origin="observed")

        body = client.post(f"{DEPENDENCIES}{dependency.pk}/confirm/").json()

        assert (body["known"], body["confirmed_on"]) == ("declared", str(day_of(now())))

    def test_an_end_is_taken_back(self, client, application):
        dependency = make_dependency(application, make_offering(), until="2026-01-01")

        assert client.post(f"{DEPENDENCIES}{dependency.pk}/reopen/").json()["until"] is None
        assert client.post(f"{DEPENDENCIES}{dependency.pk}/reopen/").status_code == 409

    def test_whoever_replaces_what_somebody_changed_since_is_told_who(
        self, client, application, api
    ):
        dependency = make_dependency(application, make_offering())
        read = client.get(f"{DEPENDENCIES}{dependency.pk}/").json()
        other = api(make_user("gov", role="governance"), "read", "write")
        other.patch(
            f"{DEPENDENCIES}{dependency.pk}/", {"monthly_input_tokens": 7, "reason": "meter"}
        )

        answer = client.post(
            f"{DEPENDENCIES}{dependency.pk}/replace/",
            {"offering": make_offering().pk, "expected_updated_at": read["updated_at"]},
        )

        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("gov changed it on ")
        assert "(meter)" in answer.json()["detail"]

    def test_as_it_was_read_it_is_replaced(self, client, application):
        dependency = make_dependency(application, make_offering())
        read = client.get(f"{DEPENDENCIES}{dependency.pk}/").json()

        answer = client.post(
            f"{DEPENDENCIES}{dependency.pk}/replace/",
            {"offering": make_offering().pk, "expected_updated_at": read["updated_at"]},
        )

        assert answer.status_code == 201

    @pytest.mark.parametrize("act", ["confirm", "end", "replace", "retire"])
    def test_year_9999_is_no_day(self, client, application, act):
        dependency = make_dependency(application, make_offering())
        address = (
            f"{APPLICATIONS}{application.slug}"
            if act == "retire"
            else f"{DEPENDENCIES}{dependency.pk}"
        )

        answer = client.post(
            f"{address}/{act}/", {"on": "9999-12-31", "offering": make_offering().pk}
        )

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "on")

    @pytest.mark.parametrize("act", ["confirm", "end", "reopen", "replace"])
    def test_a_viewer_may_not_and_a_stranger_sees_nothing(self, api, team, application, act):
        dependency = make_dependency(application, make_offering())
        viewer, stranger = make_member(team, TeamRole.VIEWER), make_user()

        refused = [
            api(who, "read", "write").post(f"{DEPENDENCIES}{dependency.pk}/{act}/").status_code
            for who in (viewer, stranger)
        ]

        assert refused == [403, 404]


class TestMerging:
    def test_the_slug_of_the_duplicate_leads_to_the_kept_one(self, client, team, application):
        duplicate = make_application("Claims again", team=team)
        make_dependency(duplicate, make_offering())

        body = client.post(
            f"{APPLICATIONS}{application.slug}/merge/", {"duplicate": duplicate.slug}
        ).json()

        assert body["slug"] == application.slug
        assert application.dependencies.count() == 1
        answer = client.get(f"{APPLICATIONS}{duplicate.slug}/")
        assert answer.status_code == 301
        assert answer["Location"].endswith(f"{APPLICATIONS}{application.slug}/")
        listed = {
            row["slug"]: row["merged_into"] for row in client.get(APPLICATIONS).json()["results"]
        }
        assert listed == {application.slug: None, duplicate.slug: application.slug}

    def test_who_does_not_see_the_kept_one_sees_the_duplicate(
        self, api, client, team, application, editor
    ):
        theirs = make_team()
        make_member(theirs, TeamRole.EDITOR, editor)
        viewer = make_member(theirs, TeamRole.VIEWER)
        duplicate = make_application("Claims again", team=theirs)
        client.post(f"{APPLICATIONS}{application.slug}/merge/", {"duplicate": duplicate.slug})

        assert api(viewer).get(f"{APPLICATIONS}{duplicate.slug}/").status_code == 200

    def test_both_have_to_be_ones_own_to_change(self, client, application, editor):
        theirs = make_team()
        make_member(theirs, TeamRole.VIEWER, editor)
        read_only, hidden = make_application(team=theirs), make_application()

        answers = [
            client.post(
                f"{APPLICATIONS}{application.slug}/merge/", {"duplicate": row.slug}
            ).status_code
            for row in (read_only, hidden)
        ]

        assert answers == [403, 400]

    def test_it_is_undone(self, client, team, application):
        duplicate = make_application("Claims again", team=team)
        dependency = make_dependency(duplicate, make_offering())
        body = client.post(
            f"{APPLICATIONS}{application.slug}/merge/", {"duplicate": duplicate.slug}
        ).json()

        undone = client.post(f"{CHANGES}{body['change']}/undo/", {"reason": "were two"})

        assert undone.status_code == 200
        assert undone.json()["applications"] == sorted([application.slug, duplicate.slug])
        dependency.refresh_from_db()
        assert (dependency.application, dependency.until) == (duplicate, None)
        assert client.get(f"{APPLICATIONS}{duplicate.slug}/").json()["status"] == "production"


class TestUndoing:
    def test_the_changes_of_an_application_are_listed_and_the_last_one_taken_back(
        self, client, application
    ):
        body = client.patch(
            f"{APPLICATIONS}{application.slug}/", {"purpose": "new", "reason": "try"}
        ).json()

        [listed] = [
            row
            for row in client.get(f"{APPLICATIONS}{application.slug}/changes/").json()
            if row["id"] == body["change"]
        ]
        undone = client.post(f"{CHANGES}{listed['id']}/undo/")

        assert (listed["actor"], listed["reason"], listed["n_rows"]) == ("eve", "try", 1)
        assert (undone.status_code, undone.json()["n_rows"]) == (200, 1)
        application.refresh_from_db()
        assert application.purpose == ""

    def test_not_over_somebody_elses_change(self, client, application, api):
        other = api(make_user("gov", role="governance"), "write")
        body = client.patch(f"{APPLICATIONS}{application.slug}/", {"purpose": "new"}).json()
        other.patch(f"{APPLICATIONS}{application.slug}/", {"geography": "EU"})

        answer = client.post(f"{CHANGES}{body['change']}/undo/")

        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("gov has changed the application on ")

    def test_not_for_viewers_and_not_for_strangers(self, client, api, team, application):
        body = client.patch(f"{APPLICATIONS}{application.slug}/", {"purpose": "new"}).json()
        viewer, stranger = make_member(team, TeamRole.VIEWER), make_user()

        answers = [
            api(who, "write").post(f"{CHANGES}{body['change']}/undo/").status_code
            for who in (viewer, stranger)
        ]

        assert answers == [403, 404]
        assert client.post(f"{CHANGES}{uuid4()}/undo/").status_code == 404


class TestApplications:
    def test_one_that_was_retired_is_brought_back_with_what_it_used(self, client, application):
        dependency = make_dependency(application, make_offering())
        client.post(f"{APPLICATIONS}{application.slug}/retire/")

        body = client.post(
            f"{APPLICATIONS}{application.slug}/reactivate/", {"status": "pilot"}
        ).json()

        dependency.refresh_from_db()
        assert (body["status"], dependency.until) == ("pilot", None)

    def test_many_are_changed_at_once_and_the_others_named(self, client, team, application):
        done = make_application(team=team, geography="EU")
        hidden = make_application()

        body = client.post(
            f"{APPLICATIONS}bulk-update/",
            {
                "applications": [application.slug, done.slug, hidden.slug, "none"],
                "facts": {"geography": "EU"},
            },
        ).json()

        assert "changed" in body, body
        assert (body["changed"], body["unchanged"]) == ([application.slug], [done.slug])
        assert {row["application"] for row in body["rejected"]} == {hidden.slug, "none"}
        assert client.post(f"{CHANGES}{body['change']}/undo/").status_code == 200
        assert Application.objects.get(pk=application.pk).geography == ""

    @pytest.mark.parametrize(
        "body",
        [
            {"applications": [], "facts": {}},
            {"applications": ["a"] * 5001, "facts": {}},
            {"applications": ["a"]},
            {"applications": ["a"], "facts": {"next_review_on": "9999-12-31"}},
            {"applications": ["a"], "facts": {"users_affected": -1}},
        ],
    )
    def test_a_bulk_change_that_cannot_be_meant_is_refused(self, client, body):
        assert client.post(f"{APPLICATIONS}bulk-update/", body).status_code == 400

    def test_whoever_changes_what_somebody_changed_since_is_told_who(
        self, client, application, api
    ):
        read = client.get(f"{APPLICATIONS}{application.slug}/").json()
        api(make_user("gov", role="governance"), "write").patch(
            f"{APPLICATIONS}{application.slug}/", {"geography": "EU"}
        )

        answer = client.patch(
            f"{APPLICATIONS}{application.slug}/",
            {"purpose": "x", "expected_updated_at": read["updated_at"]},
        )

        assert (answer.status_code, answer.json()["detail"].split()[0]) == (409, "gov")
