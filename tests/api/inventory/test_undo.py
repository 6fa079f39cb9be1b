"""Changes through the API: what is stored, what is refused, and what the history says of it."""

from datetime import date

import pytest

from apps.accounts.roles import TeamRole
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

APPLICATIONS = "/api/v1/applications/"
DEPENDENCIES = "/api/v1/dependencies/"


@pytest.fixture
def team():
    return make_team("Payments")


@pytest.fixture
def editor(team):
    return make_member(team, TeamRole.EDITOR, make_user("eve"))


@pytest.fixture
def client(api, editor):
    return api(editor, "read", "write")


class TestApplications:
    def test_a_new_one_is_answered_with_its_address_made_from_the_name(self, client, team):
        answer = client.post(
            APPLICATIONS,
            {
                "name": "Claims Triage",
                "team": team.slug,
                "criticality": "critical",
                "monthly_spend": "12.50",
            },
        )

        assert answer.status_code == 201
        body = answer.json()
        assert (body["slug"], body["criticality"], body["monthly_spend"]) == (
            "claims-triage",
            "critical",
            "12.50",
        )
        assert [finding["code"] for finding in body.pop("findings")] == ["no_primary"]
        assert body.pop("change") is not None
        assert client.get(f"{APPLICATIONS}claims-triage/").json() == body

    def test_the_history_names_the_person_and_the_reason(self, client, team):
        client.post(
            APPLICATIONS, {"name": "Claims", "team": team.slug, "reason": "new in our care"}
        )

        [entry] = Application.history.rel.related_model.objects.all()

        assert entry.pgh_context.metadata["actor"] == "eve"
        assert entry.pgh_context.metadata["reason"] == "new in our care"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("team", "nowhere"),
            ("criticality", "deadly"),
            ("criticality", 0),
            ("status", "gone"),
            ("users_affected", -1),
            ("rpo_hours", -1),
            ("next_review_on", "9999-12-31"),
            ("autonomy", "total"),
            ("users_affected", 10**12),
            ("monthly_spend", "-1"),
            ("next_review_on", "soon"),
            ("external_refs", []),
            ("slug", "no spaces"),
            ("name", "a" * 201),
        ],
    )
    def test_a_wrong_value_is_refused_by_its_field(self, client, team, field, value):
        answer = client.post(APPLICATIONS, {"name": "Claims", "team": team.slug, field: value})

        assert answer.status_code == 400
        assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]

    def test_a_null_character_anywhere_is_refused_before_the_fields_are_read(self, client, team):
        answer = client.post(APPLICATIONS, {"name": "nul\x00", "team": team.slug})

        assert answer.status_code == 400
        assert "null character, which cannot be stored" in answer.json()["detail"]
        assert Application.objects.count() == 0

    def test_a_taken_slug_is_refused(self, client, team):
        taken = make_application()

        answer = client.post(
            APPLICATIONS, {"name": "Claims", "team": team.slug, "slug": taken.slug}
        )

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "slug"

    def test_only_the_sent_facts_change(self, client, team):
        application = make_application("Claims", team=team, purpose="old", geography="EU")

        body = client.patch(f"{APPLICATIONS}{application.slug}/", {"purpose": "new"}).json()

        assert (body["purpose"], body["geography"], body["name"]) == ("new", "EU", "Claims")

    def test_the_slug_stays(self, client, team):
        application = make_application(team=team)

        answer = client.patch(f"{APPLICATIONS}{application.slug}/", {"slug": "other"})

        assert answer.status_code == 400

    def test_retiring_by_a_change_is_refused_with_the_way_to_do_it(self, client, team):
        application = make_application(team=team)

        answer = client.patch(f"{APPLICATIONS}{application.slug}/", {"status": "retired"})

        assert answer.status_code == 409
        assert "Use the retire action" in answer.json()["detail"]

    def test_retiring_ends_what_it_uses(self, client, team):
        application = make_application(team=team)
        dependency = make_dependency(application, make_offering())

        body = client.post(f"{APPLICATIONS}{application.slug}/retire/", {"on": "2026-12-01"}).json()

        dependency.refresh_from_db()
        assert (body["status"], dependency.until) == ("retired", date(2026, 12, 1))

    @pytest.mark.parametrize("method", ["put", "delete"])
    def test_there_is_no_other_way_to_change_one(self, client, team, method):
        application = make_application(team=team)

        answer = getattr(client, method)(f"{APPLICATIONS}{application.slug}/", {})

        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


class TestDependencies:
    def test_a_declared_one_begins_today_unless_said_otherwise(self, client, team):
        application, offering = make_application(team=team), make_offering()

        answer = client.post(
            DEPENDENCIES, {"application": application.slug, "offering": offering.pk}
        )

        assert answer.status_code == 201
        body = answer.json()
        assert (body["role"], body["known"], body["api_id"]) == (
            "primary",
            "declared",
            offering.api_id,
        )
        assert body["since"] is not None
        assert body["until"] is None

    def test_the_same_for_the_same_time_is_refused(self, client, team):
        application, offering = make_application(team=team), make_offering()
        make_dependency(application, offering)

        answer = client.post(
            DEPENDENCIES, {"application": application.slug, "offering": offering.pk}
        )

        assert answer.status_code == 409
        assert Dependency.objects.count() == 1

    def test_a_gateway_is_named_by_its_slug(self, client, team):
        gateway = make_provider("proxy", roles=("gateway",))

        body = client.post(
            DEPENDENCIES,
            {
                "application": make_application(team=team).slug,
                "offering": make_offering().pk,
                "reached": "gateway",
                "via_party": gateway.slug,
            },
        ).json()

        assert body["via_party"] == "proxy"

    def test_a_gateway_without_a_name_is_refused(self, client, team):
        answer = client.post(
            DEPENDENCIES,
            {
                "application": make_application(team=team).slug,
                "offering": make_offering().pk,
                "reached": "gateway",
            },
        )

        assert answer.status_code == 400
        assert "gateway or vendor that relays" in answer.json()["detail"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"offering": 10**30},
            {"offering": 0},
            {"offering": "x"},
            {"application": "nowhere"},
            {"role": "king"},
            {"traffic_share": "-0.1"},
            {"traffic_share": "NaN"},
            {"since": "2026-11-24", "until": "2026-11-24"},
            {"monthly_input_tokens": 10**30},
            {"tags": "a"},
            {"until": "0001-01-01"},
            {"since": "9999-12-31"},
            {"until": "9999-12-31"},
            {"monthly_output_tokens": -1},
            {"monthly_cache_read_tokens": -1},
            {"monthly_requests": -1},
            {"typical_request_tokens": -1},
            {"monthly_spend": "-1"},
            {"binding": "glue"},
        ],
    )
    def test_a_wrong_value_is_refused(self, client, team, wrong):
        body = {
            "application": make_application(team=team).slug,
            "offering": make_offering().pk,
            **wrong,
        }

        assert client.post(DEPENDENCIES, body).status_code == 400

    def test_replacing_keeps_the_old_one_as_history(self, client, team):
        successor = make_offering("next")
        old = make_dependency(
            make_application(team=team), make_offering(), monthly_input_tokens=5, tags=["a"]
        )

        answer = client.post(
            f"{DEPENDENCIES}{old.pk}/replace/", {"offering": successor.pk, "on": "2026-12-01"}
        )

        assert answer.status_code == 201
        body = answer.json()
        old.refresh_from_db()
        assert (old.until, body["since"]) == (date(2026, 12, 1), "2026-12-01")
        assert (body["api_id"], body["monthly_input_tokens"], body["tags"]) == ("next", 5, ["a"])

    def test_ending_before_it_began_is_refused(self, client, team):
        dependency = make_dependency(make_application(team=team), make_offering())

        answer = client.post(f"{DEPENDENCIES}{dependency.pk}/end/", {"on": "2025-01-01"})

        assert answer.status_code == 409

    def test_amounts_are_corrected_and_the_offering_is_not(self, client, team):
        dependency = make_dependency(make_application(team=team), make_offering())

        body = client.patch(
            f"{DEPENDENCIES}{dependency.pk}/",
            {"monthly_output_tokens": 7, "offering": make_offering().pk},
        ).json()

        assert (body["monthly_output_tokens"], body["offering"]) == (7, dependency.offering_id)

    def test_what_the_model_refuses_names_its_sentence(self, client, team):
        dependency = make_dependency(make_application(team=team), make_offering())

        answer = client.patch(f"{DEPENDENCIES}{dependency.pk}/", {"traffic_share": "-1"})

        assert answer.status_code == 400


def test_a_change_too_early_for_a_retired_application_says_what_to_do(client, team):
    application = make_application(team=team, status="retired")

    answer = client.post(
        DEPENDENCIES, {"application": application.slug, "offering": make_offering().pk}
    )

    assert answer.status_code == 409
    assert "Reactivate it as production or pilot first" in answer.json()["detail"]
