"""Many decisions at once, taken back at once: as far as nobody has changed them since."""

from datetime import timedelta
from uuid import UUID

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.history.context import audit_context, current_change_id
from apps.risks.actions import assessments
from apps.risks.actions import evidence as actions_evidence
from apps.risks.actions import undo as actions_undo
from apps.risks.errors import RiskChangeError
from apps.risks.models import Assessment
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_evidence,
    make_node,
    make_offering,
    make_risk,
    make_user,
)

pytestmark = pytest.mark.django_db
LEVELS = {"current_likelihood": 3, "current_impact": 4}


class InheritedRisk:
    def __init__(self, n=3):
        self.offering = make_offering()
        self.dependencies = [make_dependency(make_application(), self.offering) for _ in range(n)]
        self.risk = make_risk(make_node(NodeKind.OFFERING, self.offering))
        self.person = make_user(role="governance")

    def assess_all(self, version=0, **facts) -> UUID:
        with audit_context(user=self.person):
            change = current_change_id()
            assessments.assess_many(
                risk=self.risk,
                expected_versions={dependency.pk: version for dependency in self.dependencies},
                facts=facts or LEVELS,
                by=self.person,
                at=NOW,
            )
        return change

    def assess_one(self, version, **facts):
        return assessments.assess_risk(
            risk=self.risk,
            dependency=self.dependencies[0],
            facts=facts,
            expected_version=version,
            by=self.person,
            at=NOW,
        )

    def undo(self, change):
        return actions_undo.undo_assessments(change=change, by=self.person)


@pytest.fixture
def inherited():
    return InheritedRisk()


def test_what_was_assessed_for_the_first_time_is_unassessed_again_and_the_history_keeps_both(
    inherited,
):
    change = inherited.assess_all()
    history = Assessment.history.rel.related_model.objects

    undone = inherited.undo(change)

    assert (undone.n_taken_back, undone.refused) == (3, {})
    assert not Assessment.objects.exists()
    assert sorted(history.values_list("pgh_label", flat=True)) == ["delete"] * 3 + ["insert"] * 3


def test_what_stood_before_stands_again(inherited):
    inherited.assess_all(**LEVELS, treatment="reduce", plan="second reader", due_on=TODAY)
    change = inherited.assess_all(
        version=1, current_likelihood=1, current_impact=1, treatment="share", plan="insured"
    )

    undone = inherited.undo(change)

    assert undone.n_taken_back == 3
    for row in Assessment.objects.all():
        assert (row.current_likelihood, row.current_impact, row.treatment, row.plan) == (
            3,
            4,
            "reduce",
            "second reader",
        )
        assert (row.due_on, row.version) == (TODAY, 3)


def test_what_somebody_has_changed_since_is_left_alone_and_named(inherited):
    change = inherited.assess_all()
    inherited.assess_one(1, plan="looked at twice")

    undone = inherited.undo(change)

    kept = Assessment.objects.get()
    assert undone.n_taken_back == 2
    assert list(undone.refused) == [kept.pk]
    assert f"{inherited.person} assessed this on" in undone.refused[kept.pk]
    assert kept.plan == "looked at twice"


def test_a_second_undo_takes_nothing_back(inherited):
    change = inherited.assess_all()
    inherited.undo(change)

    undone = inherited.undo(change)

    assert undone.n_taken_back == 0
    assert set(undone.refused.values()) == {"Another user undid this assessment. Reload it."}


def test_evidence_that_the_change_attached_is_detached_again(inherited):
    evidence = make_evidence(offering=inherited.offering)
    inherited.assess_all()
    with audit_context(user=inherited.person):
        change = current_change_id()
        row = inherited.assess_one(1, plan="measured")
        actions_evidence.attach_evidence(evidence=evidence, assessment=row, by=inherited.person)

    inherited.undo(change)

    assert not Assessment.objects.get(pk=row.pk).evidence.exists()
    assert evidence.pk


def test_many_are_marked_as_not_applicable_for_one_reason_and_back(inherited):
    with audit_context(user=inherited.person):
        change = current_change_id()
        outcome = assessments.mark_many_not_applicable(
            risk=inherited.risk,
            expected_versions={row.pk: 0 for row in inherited.dependencies},
            reason="no people",
            by=inherited.person,
            at=NOW,
        )
    assert {row.not_applicable_reason for row in outcome.assessed} == {"no people"}

    assert inherited.undo(change).n_taken_back == 3


def test_a_change_that_decided_nothing_is_refused(inherited):
    with pytest.raises(RiskChangeError, match="did not assess a risk"):
        inherited.undo(UUID(int=1))
    assert actions_undo.teams_decided_in(change=UUID(int=1)) == {}


def test_taking_an_acceptance_back_needs_an_owner(inherited):
    change = inherited.assess_all()
    teams = {dependency.application.team_id for dependency in inherited.dependencies}
    assert actions_undo.teams_decided_in(change=change) == dict.fromkeys(teams, TeamRole.EDITOR)

    with audit_context(user=inherited.person):
        change = current_change_id()
        assessments.accept_risk(
            risk=inherited.risk,
            dependency=inherited.dependencies[0],
            until=TODAY.replace(year=2027),
            reason="small audience",
            expected_version=1,
            by=inherited.person,
            at=NOW,
        )
    assert actions_undo.teams_decided_in(change=change) == {
        inherited.dependencies[0].application.team_id: TeamRole.OWNER
    }


def test_undoing_costs_the_same_statements_for_any_number(django_assert_max_num_queries):
    inherited = InheritedRisk(n=12)
    change = inherited.assess_all()

    with django_assert_max_num_queries(22):
        inherited.undo(change)


def test_taking_back_what_replaced_an_acceptance_is_for_owners_as_it_would_hold_again(inherited):
    (team_id,) = {row.application.team_id for row in inherited.dependencies[:1]}
    assessments.accept_risk(
        risk=inherited.risk,
        dependency=inherited.dependencies[0],
        until=TODAY + timedelta(30),
        reason="small",
        expected_version=0,
        by=inherited.person,
        at=NOW,
    )
    with audit_context(user=inherited.person):
        change = current_change_id()
        inherited.assess_one(1, treatment="reduce")

    assert actions_undo.teams_decided_in(change=change) == {team_id: TeamRole.OWNER}
