"""Inherited risk over REST: who reads and writes what, and what the ones who may not are told."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.time import day_of, now
from apps.risks.catalogue import load_risk_catalogue
from apps.risks.models import Assessment, Evidence, FoundationRisk
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_evidence,
    make_member,
    make_node,
    make_offering,
    make_risk,
    make_team,
    make_template,
    make_user,
)
from tests.http import problem_detail

pytestmark = pytest.mark.django_db
ROOT = "/api/v1"


@pytest.fixture
def inherited():
    return InheritedRisk()


class InheritedRisk:
    def __init__(self):
        self.team = make_team()
        self.offering = make_offering()
        self.dependency = make_dependency(make_application(team=self.team), self.offering)
        self.risk = make_risk(make_node(NodeKind.OFFERING, self.offering), make_template("OWN-1"))
        self.editor = make_member(self.team, TeamRole.EDITOR)
        self.owner = make_member(self.team, TeamRole.OWNER)
        self.viewer = make_member(self.team, TeamRole.VIEWER)
        self.stranger = make_user()
        self.pair = {"risk": self.risk.pk, "dependency": self.dependency.pk}


class TestTemplates:
    def test_a_template_comes_with_its_modifiers_and_mappings_in_one_statement(self, api):
        load_risk_catalogue()
        client = api(make_user())

        with CaptureQueriesContext(connection) as statements:
            answer = client.get(f"{ROOT}/risk-templates/?code=FR-05").json()

        (template,) = answer["results"]
        assert {"adaptation", "likelihood", "impact", "why"} == set(template["modifiers"][0])
        nist = next(row for row in template["mappings"] if row["taxonomy"] == "nist-ai-600-1")
        assert (nist["entry"], nist["predicate"]) == ("confabulation", "exactMatch")
        assert len([row for row in statements if "risks_risktemplate" in row["sql"]]) == 1

    def test_they_are_narrowed_by_taxonomy(self, api):
        load_risk_catalogue()

        found = (
            api(make_user())
            .get(f"{ROOT}/risk-templates/?taxonomy=dora&page_size=200")
            .json()["results"]
        )

        assert [row["code"] for row in found] == ["FR-25", "FR-29", "FR-32"]


class TestFoundationRisks:
    def test_governance_attaches_changes_closes_and_reopens(self, api):
        offering, template = make_offering("model-x"), make_template("OWN-1")
        client = api(make_user(role="governance"), "read", "write")

        made = client.post(
            f"{ROOT}/foundation-risks/",
            {
                "template": "OWN-1",
                "node_kind": "offering",
                "node_ref": offering.pk,
                "likelihood": 5,
                "reason": "seen",
            },
        )
        address = f"{ROOT}/foundation-risks/{made.json()['id']}/"
        changed = client.patch(address, {"impact": 1})
        closed = client.post(f"{address}close/", {"because": "over"})
        reopened = client.post(f"{address}reopen/", {})

        assert made.status_code == 201, made.json()
        assert (made.json()["name"], made.json()["node_name"], made.json()["inherent"]) == (
            template.title,
            "model-x",
            15,
        )
        assert changed.json()["inherent"] == 5
        assert (closed.json()["closed_reason"], reopened.json()["closed_at"]) == ("over", None)

    def test_others_read_and_are_told_whom_to_ask(self, api, inherited):
        client = api(inherited.owner, "read", "write")
        address = f"{ROOT}/foundation-risks/{inherited.risk.pk}/"

        assert client.get(address).json()["template"] == "OWN-1"
        for refused in (
            client.patch(address, {"impact": 1}),
            client.post(f"{ROOT}/foundation-risks/", {}),
            client.post(f"{address}close/", {"because": "x"}),
            client.post(f"{address}dismiss/", {"because": "x"}),
        ):
            assert refused.status_code == 403
            assert "governance" in refused.json()["detail"]

    @pytest.mark.parametrize(
        ("body", "status", "sentence"),
        [
            (
                {"node_kind": "offering", "node_ref": 999999, "template": "OWN-1"},
                409,
                "No offering has the ID 999999",
            ),
            ({"node_kind": "planet", "node_ref": 1, "template": "OWN-1"}, 400, "node_kind"),
            ({"node_kind": "offering", "node_ref": 1, "template": "NONE"}, 400, "template"),
            (
                {"node_kind": "offering", "node_ref": 1, "template": "OWN-1", "likelihood": 6},
                400,
                "likelihood",
            ),
        ],
    )
    def test_what_does_not_hold_together_is_refused_with_a_sentence(
        self, api, body, status, sentence
    ):
        make_template("OWN-1")

        answer = api(make_user(role="governance"), "write").post(f"{ROOT}/foundation-risks/", body)

        assert answer.status_code == status
        assert sentence in answer.json()["detail"]

    def test_the_reach_counts_what_the_caller_sees(self, api, inherited):
        make_dependency(make_application(), inherited.offering)
        make_assessment(inherited.risk, inherited.dependency)
        address = f"{ROOT}/foundation-risks/{inherited.risk.pk}/reach/"

        assert api(make_user(role="auditor")).get(address).json() == {
            "n_inherited": 2,
            "n_unassessed": 1,
            "n_assessed": 1,
            "n_stale": 0,
            "n_not_applicable": 0,
            "n_accepted": 0,
            "n_applications": 2,
        }
        assert api(inherited.viewer).get(address).json()["n_inherited"] == 1
        assert api(inherited.stranger).get(address).json()["n_inherited"] == 0

    def test_they_are_narrowed(self, api, inherited):
        make_risk(inherited.risk.node, likelihood=1, impact=1, closed_at=now())
        client = api(make_user())

        for query in (
            "open=true",
            "template=OWN-1",
            "min_inherent=2",
            f"node_kind=offering&node_ref={inherited.offering.pk}&open=true",
        ):
            found = client.get(f"{ROOT}/foundation-risks/?{query}").json()["results"]
            assert [row["id"] for row in found] == [inherited.risk.pk], query


class TestInheritedRisks:
    def test_the_list_and_one_pair_say_the_same_and_strangers_get_nothing(self, api, inherited):
        row = api(inherited.viewer).get(f"{ROOT}/inherited-risks/").json()["results"][0]

        assert row["id"] == f"{inherited.risk.pk}-{inherited.dependency.pk}"
        assert (row["state"], row["version"], row["inherent"]["score"]) == ("unassessed", 0, 16)
        assert api(inherited.viewer).get(f"{ROOT}/inherited-risks/{row['id']}/").json() == row
        assert api(inherited.stranger).get(f"{ROOT}/inherited-risks/").json()["results"] == []
        assert (
            api(inherited.stranger).get(f"{ROOT}/inherited-risks/{row['id']}/").status_code == 404
        )
        assert api().get(f"{ROOT}/inherited-risks/").status_code == 401

    def test_pages_follow_each_other(self, api, inherited):
        for _ in range(4):
            make_dependency(make_application(team=inherited.team), inherited.offering)
        client = api(inherited.viewer)

        first = client.get(f"{ROOT}/inherited-risks/?page_size=3").json()
        second = client.get(first["next"]).json()
        back = client.get(second["previous"]).json()

        assert (len(first["results"]), len(second["results"]), second["next"]) == (3, 2, None)
        assert back["results"] == first["results"]

    @pytest.mark.parametrize(
        "query",
        [
            "state=x",
            "layer=x",
            "cursor=abc",
            "page_size=0",
            "risk=-1",
            "min_inherent=26",
            "ordering=id",
        ],
    )
    def test_bad_questions_are_refused_by_name(self, api, query):
        answer = api(make_user()).get(f"{ROOT}/inherited-risks/?{query}")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == query.split("=")[0]

    def test_totals_over_all_and_over_one_application(self, api, inherited):
        make_dependency(make_application(), inherited.offering)
        address = f"{ROOT}/inherited-risks/totals/"

        assert api(make_user(role="auditor")).get(address).json()["n_inherited"] == 2
        assert (
            api(inherited.viewer)
            .get(f"{address}?application={inherited.dependency.application.slug}")
            .json()["n_unassessed"]
            == 1
        )
        assert (
            api(inherited.stranger)
            .get(f"{address}?application={inherited.dependency.application.slug}")
            .status_code
            == 404
        )


class TestAssessments:
    def test_an_editor_assesses_and_the_second_is_told_who_was_faster(self, api, inherited):
        body = {
            **inherited.pair,
            "residual_likelihood": 2,
            "residual_impact": 2,
            "treatment": "reduce",
        }

        made = api(inherited.editor, "read", "write").post(f"{ROOT}/assessments/", body)
        again = api(inherited.owner, "read", "write").post(f"{ROOT}/assessments/", body)
        informed = api(inherited.owner, "read", "write").post(
            f"{ROOT}/assessments/", {**body, "version": 1}
        )

        assert (made.status_code, made.json()["version"], made.json()["residual"]) == (201, 1, 4)
        assert again.status_code == 409
        assert f"{inherited.editor} assessed this" in again.json()["detail"]
        assert (informed.status_code, informed.json()["version"]) == (200, 2)

    def test_viewers_are_told_whom_to_ask_and_strangers_know_of_nothing(self, api, inherited):
        assessment = make_assessment(inherited.risk, inherited.dependency)

        assert (
            api(inherited.viewer, "write").post(f"{ROOT}/assessments/", inherited.pair).status_code
            == 403
        )
        refused = api(inherited.stranger, "write").post(f"{ROOT}/assessments/", inherited.pair)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "dependency")
        assert (
            api(inherited.stranger).get(f"{ROOT}/assessments/{assessment.pk}/").status_code == 404
        )
        assert api(inherited.stranger).get(f"{ROOT}/assessments/").json()["results"] == []
        assert (
            api(inherited.viewer).get(f"{ROOT}/assessments/").json()["results"][0]["id"]
            == assessment.pk
        )

    def test_only_owners_accept_and_revoke(self, api, inherited):
        until = str(day_of(now()) + timedelta(days=30))
        body = {**inherited.pair, "until": until, "because": "small audience"}

        refused = api(inherited.editor, "read", "write").post(f"{ROOT}/assessments/accept/", body)
        accepted = api(inherited.owner, "read", "write").post(f"{ROOT}/assessments/accept/", body)
        address = f"{ROOT}/assessments/{accepted.json()['id']}/"
        by_editor = api(inherited.editor, "read", "write").post(f"{address}undo/", {"version": 1})
        revoked = api(inherited.owner, "read", "write").post(
            f"{address}revoke/", {"version": 1, "because": "grew"}
        )

        assert (refused.status_code, by_editor.status_code) == (403, 403)
        assert (accepted.json()["treatment"], accepted.json()["acceptance_in_force"]) == (
            "accept",
            True,
        )
        assert (revoked.json()["state"], revoked.json()["acceptance_in_force"]) == ("stale", False)

    def test_an_editor_does_not_bring_back_an_acceptance_that_the_owner_has_replaced(
        self, api, inherited
    ):
        until = str(day_of(now()) + timedelta(days=30))
        owner = api(inherited.owner, "read", "write")
        owner.post(
            f"{ROOT}/assessments/accept/",
            {**inherited.pair, "until": until, "because": "small audience"},
        )
        replaced = owner.post(
            f"{ROOT}/assessments/", {**inherited.pair, "version": 1, "treatment": "reduce"}
        )
        address = f"{ROOT}/assessments/{replaced.json()['id']}/"

        by_editor = api(inherited.editor, "read", "write").post(f"{address}undo/", {"version": 2})

        assert by_editor.status_code == 403, by_editor.content
        assert owner.post(f"{address}undo/", {"version": 2}).json()["acceptance_in_force"] is True

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"until": "2020-01-01"}, 409),
            ({"until": "9999-12-31"}, 409),
            ({"until": None}, 400),
            ({"because": ""}, 400),
        ],
    )
    def test_an_acceptance_without_a_sensible_end_or_reason_is_refused(
        self, api, inherited, wrong, status
    ):
        body = {**inherited.pair, "until": str(date(2027, 1, 1)), "because": "small", **wrong}

        assert (
            api(inherited.owner, "write").post(f"{ROOT}/assessments/accept/", body).status_code
            == status
        )
        assert not Assessment.objects.exists()

    def test_not_applicable_and_undoing_it(self, api, inherited):
        client = api(inherited.editor, "read", "write")

        marked = client.post(
            f"{ROOT}/assessments/not-applicable/",
            {**inherited.pair, "because": "no people concerned"},
        )
        undone = client.post(f"{ROOT}/assessments/{marked.json()['id']}/undo/", {"version": 1})

        assert marked.json()["state"] == "not_applicable"
        assert undone.status_code == 204
        assert not Assessment.objects.exists()

    def test_many_at_once_name_what_was_left_alone(self, api, inherited):
        others = make_dependency(make_application(), inherited.offering)
        mine = make_dependency(make_application(team=inherited.team), inherited.offering)
        make_assessment(inherited.risk, inherited.dependency)
        asked = [{"dependency": each.pk} for each in (inherited.dependency, others, mine)]

        answer = api(inherited.editor, "write").post(
            f"{ROOT}/assessments/bulk/",
            {"risk": inherited.risk.pk, "dependencies": asked, "treatment": "reduce"},
        )

        assert answer.status_code == 200, answer.json()
        assert answer.json()["assessed"] == [mine.pk]
        reasons = {row["dependency"]: row["reason"] for row in answer.json()["rejected"]}
        assert "assessed this" in reasons[inherited.dependency.pk]
        assert "Check the ID." in reasons[others.pk]


class TestAttaching:
    def test_an_assessment_rests_on_evidence_that_its_editor_may_see(self, api, inherited):
        assessment = make_assessment(inherited.risk, inherited.dependency)
        evidence = make_evidence(application=inherited.dependency.application)
        address = f"{ROOT}/assessments/{assessment.pk}/"
        editor = api(inherited.editor, "read", "write")
        assert editor.get(address).json()["evidence"] == []

        answer = editor.post(f"{address}attach/", {"evidence": evidence.pk})
        again = editor.post(f"{address}attach/", {"evidence": evidence.pk})

        assert (answer.status_code, answer.json()["evidence"]) == (200, [evidence.pk])
        assert again.json()["evidence"] == editor.get(address).json()["evidence"] == [evidence.pk]

    def test_evidence_of_others_is_unknown_and_of_another_application_refused(self, api, inherited):
        assessment = make_assessment(inherited.risk, inherited.dependency)
        address = f"{ROOT}/assessments/{assessment.pk}/attach/"
        editor = api(inherited.editor, "read", "write")
        foreign = make_evidence(application=make_application())
        other = make_evidence(application=make_application(team=inherited.team))

        unknown = editor.post(address, {"evidence": foreign.pk})
        refused = editor.post(address, {"evidence": other.pk})

        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "evidence")
        assert "about another application" in problem_detail(refused, 409)
        assert not assessment.evidence.exists()

    def test_viewers_attach_nothing(self, api, inherited):
        assessment = make_assessment(inherited.risk, inherited.dependency)
        evidence = make_evidence(application=inherited.dependency.application)

        answer = api(inherited.viewer, "read", "write").post(
            f"{ROOT}/assessments/{assessment.pk}/attach/", {"evidence": evidence.pk}
        )

        assert answer.status_code == 403

    def test_a_foundation_risk_rests_on_evidence_that_is_everyones(self, api, inherited):
        client = api(make_user(role="governance"), "read", "write")
        address = f"{ROOT}/foundation-risks/{inherited.risk.pk}/"
        of_model, of_one = (
            make_evidence(offering=inherited.offering),
            make_evidence(application=make_application()),
        )

        attached = client.post(f"{address}attach/", {"evidence": of_model.pk})
        refused = client.post(f"{address}attach/", {"evidence": of_one.pk})

        assert (
            attached.json()["evidence"] == client.get(address).json()["evidence"] == [of_model.pk]
        )
        assert "about one application" in problem_detail(refused, 409)
        denied = api(inherited.owner, "read", "write").post(
            f"{address}attach/", {"evidence": of_model.pk}
        )
        assert denied.status_code == 403


class TestEvidence:
    def test_an_editor_records_a_run_and_whether_it_passed_follows_from_the_numbers(
        self, api, inherited
    ):
        body = {
            "kind": "own_evaluation",
            "tool": "promptfoo",
            "application": inherited.dependency.application.slug,
            "metric": "accuracy",
            "value": "0.71",
            "threshold": "0.8",
            "n": 400,
            "run_on": "2026-11-01",
        }

        made = api(inherited.editor, "read", "write").post(f"{ROOT}/evidence/", body)

        assert (made.status_code, made.json()["passed"], made.json()["state"]) == (
            201,
            False,
            "failing",
        )

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"passed": True, "value": "0.7", "threshold": "0.8"}, 409),
            ({"run_on": "2150-01-01"}, 409),
            ({"run_on": "2026-11-01", "expires_on": "2026-10-01"}, 400),
            ({"digest": "abc"}, 400),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, api, inherited, wrong, status):
        body = {
            "kind": "own_evaluation",
            "application": inherited.dependency.application.slug,
            "run_on": "2026-11-01",
        }

        answer = api(inherited.editor, "write").post(f"{ROOT}/evidence/", {**body, **wrong})

        assert answer.status_code == status, answer.json()
        assert not Evidence.objects.exists()

    def test_about_a_version_it_is_everyones_and_only_governance_records_it(self, api, inherited):
        body = {
            "kind": "benchmark",
            "version": inherited.offering.version.identifier,
            "run_on": "2026-11-01",
        }

        assert api(inherited.owner, "write").post(f"{ROOT}/evidence/", body).status_code == 403
        made = api(make_user(role="governance"), "read", "write").post(f"{ROOT}/evidence/", body)
        assert made.status_code == 201
        assert (
            api(inherited.stranger).get(f"{ROOT}/evidence/{made.json()['id']}/").status_code == 200
        )

    def test_about_an_application_strangers_know_of_nothing(self, api, inherited):
        evidence = make_evidence(application=inherited.dependency.application, passed=False)

        assert api(inherited.stranger).get(f"{ROOT}/evidence/{evidence.pk}/").status_code == 404
        found = (
            api(inherited.viewer).get(f"{ROOT}/evidence/?failing_or_expired=true").json()["results"]
        )
        assert [row["id"] for row in found] == [evidence.pk]


def test_lists_cost_one_statement_for_the_rows(api, inherited):
    make_assessment(inherited.risk, inherited.dependency)
    make_evidence(application=inherited.dependency.application)
    client = api(make_user(role="auditor"))

    for resource, table in (
        ("foundation-risks", "risks_foundationrisk"),
        ("assessments", "risks_assessment"),
        ("evidence", "risks_evidence"),
    ):
        with CaptureQueriesContext(connection) as statements:
            assert len(client.get(f"{ROOT}/{resource}/").json()["results"]) == 1
        assert len([row for row in statements if f'FROM "{table}"' in row["sql"]]) == 1, resource


def test_nothing_is_written_by_a_read_only_token(api, inherited):
    answer = api(inherited.owner, "read").post(f"{ROOT}/assessments/", inherited.pair)

    assert answer.status_code == 403
    assert FoundationRisk.objects.count() == 1
    assert not Assessment.objects.exists()
