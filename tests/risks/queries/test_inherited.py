"""What is inherited: derived from the footing, seen by who may see it, in pages that neither repeat
nor skip."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.catalog.models import NodeKind
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.risks.levels import Level
from apps.risks.queries import conditions as narrowing_module
from apps.risks.queries import inheritance_sql
from apps.risks.queries.conditions import InheritedRiskQuery
from apps.risks.queries.inherited import inherited_risk, inherited_risks
from apps.risks.queries.reach import (
    RiskReach,
    count_inheriting_applications,
    reach_per_risk,
    total_reach,
)
from tests.builders import (
    TODAY,
    make_adaptation,
    make_application,
    make_assessment,
    make_dependency,
    make_derivation,
    make_member,
    make_modifier,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_team,
    make_template,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)


@pytest.fixture
def auditor():
    return make_user(role="auditor")


@pytest.fixture(params=["gathering", "walking"])
def either_way(request, monkeypatch):
    """The same answers whether the few standing on a node are gathered or the applications are
    walked."""
    if request.param == "walking":
        monkeypatch.setattr(inheritance_sql, "WIDE", 0)


def keys(page):
    return [(row.risk_id, row.dependency_id) for row in page.rows]


def all_of(user, **narrowed):
    return keys(
        inherited_risks(user=user, on=TODAY, query=InheritedRiskQuery(**narrowed), size=200)
    )


@pytest.mark.usefixtures("either_way")
class TestWhatIsInherited:
    def test_a_risk_on_any_node_reaches_what_stands_on_it(self, auditor):
        offering = make_offering()
        dependency = make_dependency(make_application(), offering)
        make_dependency(
            make_application(), make_offering(version=make_version("elsewhere/model-1"))
        )
        version = offering.version
        nodes = [
            make_node(NodeKind.OFFERING, offering),
            make_node(NodeKind.VERSION, version),
            make_node(NodeKind.FOUNDATION, version.foundation),
            make_node(NodeKind.DEVELOPER, version.foundation.developer),
            make_node(NodeKind.HOST, offering.host),
        ]
        risks = [make_risk(each) for each in nodes]

        assert all_of(auditor) == [(risk.pk, dependency.pk) for risk in risks]

    def test_a_parent_of_the_host_and_an_ancestor_of_the_version_count_as_well(self, auditor):
        parent = make_provider("group")
        host = make_provider("branch", parent=parent)
        ancestor, child = make_version(), make_version()
        make_derivation(child, ancestor, kind="distillation")
        dependency = make_dependency(make_application(), make_offering(host=host, version=child))
        by_parent = make_risk(make_node(NodeKind.HOST, parent))
        by_descent = make_risk(make_node(NodeKind.VERSION, ancestor))

        rows = inherited_risks(user=auditor, on=TODAY).rows

        assert [(row.risk_id, row.via, row.depth) for row in rows] == [
            (by_parent.pk, "direct", 1),
            (by_descent.pk, "behaviour", 1),
        ]
        assert {row.dependency_id for row in rows} == {dependency.pk}

    @pytest.mark.parametrize(
        ("reached", "kind"), [("gateway", NodeKind.GATEWAY), ("embedded", NodeKind.VENDOR)]
    )
    def test_a_gateway_or_vendor_and_its_parents_come_from_the_dependency(
        self, auditor, reached, kind
    ):
        parent = make_provider("holding")
        party = make_provider("party", parent=parent)
        dependency = make_dependency(
            make_application(), make_offering(), reached=reached, via_party=party
        )
        make_dependency(make_application(), make_offering())
        here, above = make_risk(make_node(kind, party)), make_risk(make_node(kind, parent))
        make_risk(
            make_node(NodeKind.VENDOR if kind == NodeKind.GATEWAY else NodeKind.GATEWAY, party)
        )

        assert all_of(auditor) == [(here.pk, dependency.pk), (above.pk, dependency.pk)]
        assert inherited_risks(user=auditor, on=TODAY).rows[0].via is None

    def test_a_gateway_of_the_offering_and_of_the_dependency_is_one_inheritance(self, auditor):
        party = make_provider("gateway", roles=("gateway",))
        offering = make_offering(gateway=party)
        make_dependency(make_application(), offering, reached="gateway", via_party=party)
        make_risk(make_node(NodeKind.GATEWAY, party))

        assert len(all_of(auditor)) == 1
        assert total_reach(user=auditor, on=TODAY).n_inherited == 1

    def test_only_live_dependencies_and_open_risks_that_are_handed_on_count(self, auditor):
        offering = make_offering()
        here = make_node(NodeKind.OFFERING, offering)
        make_dependency(make_application(), offering, until=TODAY)
        make_dependency(make_application(), offering, since=TODAY + ONE_DAY)
        make_dependency(make_application(status="proposed"), offering)
        live = make_dependency(make_application(), offering, until=TODAY + ONE_DAY)
        risk = make_risk(here)
        make_risk(here, closed_at=risk.opened_at)
        make_risk(
            here, dismissed_at=risk.opened_at, dismissed_reason="no matter", rule="retirement"
        )
        make_risk(here, inherits=False)

        assert all_of(auditor) == [(risk.pk, live.pk)]

    def test_a_judge_inherits_only_where_it_shares_lineage_with_a_primary(self, auditor):
        foundation_version = make_version()
        shared, apart = make_offering(version=foundation_version), make_offering()
        template = make_template("FR-31", applies_when="judge_shares_base")
        application, other = make_application(), make_application()
        make_dependency(application, make_offering(version=foundation_version))
        judge = make_dependency(application, shared, role="judge")
        make_dependency(other, apart)
        make_dependency(other, shared, role="guardrail")
        risk = make_risk(make_node(NodeKind.VERSION, foundation_version), template)

        assert all_of(auditor) == [(risk.pk, judge.pk)]
        assert reach_per_risk(user=auditor, on=TODAY) == {risk.pk: RiskReach(n_inherited=1)}
        assert count_inheriting_applications(risk_id=risk.pk, user=auditor, on=TODAY) == 1

    def test_a_moving_name_inherits_what_a_pinned_one_does_not(self, auditor):
        version, host = make_version(), make_provider("here")
        moving = make_dependency(
            make_application(), make_offering("latest", host=host, version=version, binding="alias")
        )
        make_dependency(
            make_application(), make_offering("dated", host=host, version=version, binding="pinned")
        )
        risk = make_risk(
            make_node(NodeKind.VERSION, version), make_template(applies_when="calls_moving_name")
        )

        assert all_of(auditor) == [(risk.pk, moving.pk)]
        assert total_reach(user=auditor, on=TODAY).n_inherited == 1


@pytest.mark.usefixtures("either_way")
class TestOrderAndPages:
    def some(self):
        offerings = [make_offering() for _ in range(2)]
        for criticality in (3, 0, 2, 0, 1):
            application = make_application(criticality=criticality)
            for offering in offerings:
                make_dependency(application, offering)
        low = make_risk(
            make_node(NodeKind.OFFERING, offerings[0]), make_template(), likelihood=1, impact=2
        )
        high = make_risk(make_node(NodeKind.OFFERING, offerings[1]), likelihood=5, impact=5)
        also_high = make_risk(make_node(NodeKind.OFFERING, offerings[0]), likelihood=5, impact=5)
        return [high, also_high, low]

    def test_the_gravest_risk_comes_first_and_of_it_the_gravest_application(self, auditor):
        risks = self.some()

        rows = inherited_risks(user=auditor, on=TODAY).rows

        assert [row.risk_id for row in rows] == [risk.pk for risk in risks for _ in range(5)]
        assert [row.criticality for row in rows] == [0, 0, 1, 2, 3] * 3

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 15])
    def test_pages_neither_repeat_nor_skip_in_either_direction(self, auditor, size):
        self.some()
        everything = all_of(auditor)

        page, forwards, cursors = inherited_risks(user=auditor, on=TODAY, size=size), [], []
        forwards.append(keys(page))
        while page.next:
            cursors.append(page.next)
            page = inherited_risks(user=auditor, on=TODAY, size=size, cursor=page.next)
            forwards.append(keys(page))
        backwards = [keys(page)]
        while page.previous:
            page = inherited_risks(user=auditor, on=TODAY, size=size, cursor=page.previous)
            backwards.insert(0, keys(page))

        assert [pair for page in forwards for pair in page] == everything
        assert backwards == forwards
        assert len(set(cursors)) == len(cursors)

    def test_a_reader_of_few_gets_the_same_order_and_pages(self, auditor):
        self.some()
        team = make_team()
        for application in {
            row.application for row in inherited_risks(user=auditor, on=TODAY).rows
        }:
            type(team).objects.filter(applications__slug=application).update(parent=team)
        member = make_member(team, TeamRole.VIEWER)

        first = inherited_risks(user=member, on=TODAY, size=4)
        second = inherited_risks(user=member, on=TODAY, size=4, cursor=first.next)
        back = inherited_risks(user=member, on=TODAY, size=4, cursor=second.previous)

        assert all_of(member) == all_of(auditor)
        assert keys(first) + keys(second) == all_of(auditor)[:8]
        assert keys(back) == keys(first)

    def test_the_number_of_statements_does_not_grow(self, auditor):
        self.some()
        with CaptureQueriesContext(connection) as few:
            inherited_risks(user=auditor, on=TODAY)
        for _ in range(3):
            self.some()
        with CaptureQueriesContext(connection) as many:
            inherited_risks(user=auditor, on=TODAY)

        assert len(few) == len(many) == 2

    @pytest.mark.parametrize("cursor", ["x", "!!", "WyIrIiwgImlkIiwgWzFdXQ", "W10", "MQ"])
    def test_a_cursor_of_another_list_is_refused(self, auditor, cursor):
        with pytest.raises(InvalidCursorError, match="Start again"):
            inherited_risks(user=auditor, on=TODAY, cursor=cursor)


class TestWhoSeesIt:
    def test_members_see_their_teams_and_nobody_else_anything(self, auditor):
        offering = make_offering()
        team = make_team()
        mine = make_dependency(make_application(team=team), offering)
        other = make_dependency(make_application(), offering)
        risk = make_risk(make_node(NodeKind.OFFERING, offering))
        member, stranger = make_member(team, TeamRole.VIEWER), make_user()

        assert all_of(auditor) == [(risk.pk, mine.pk), (risk.pk, other.pk)]
        assert all_of(member) == [(risk.pk, mine.pk)]
        assert all_of(stranger) == []
        assert total_reach(user=member, on=TODAY).n_inherited == 1
        assert total_reach(user=stranger, on=TODAY) == RiskReach()
        assert (
            inherited_risk(user=member, risk_id=risk.pk, dependency_id=other.pk, on=TODAY) is None
        )
        assert (
            inherited_risk(user=member, risk_id=risk.pk, dependency_id=mine.pk, on=TODAY).key
            == f"{risk.pk}-{mine.pk}"
        )

    def test_someone_with_many_teams_is_served_from_the_risks_and_sees_the_same(self, monkeypatch):
        offering, team = make_offering(), make_team()
        for _ in range(3):
            make_dependency(make_application(team=team), offering)
        make_dependency(make_application(), offering)
        make_risk(make_node(NodeKind.OFFERING, offering))
        member = make_member(team, TeamRole.VIEWER)

        by_applications = all_of(member)
        monkeypatch.setattr(narrowing_module, "MAX_GATHERED_APPLICATIONS", 1)

        assert all_of(member) == by_applications
        assert len(by_applications) == 3

    def test_a_team_asked_for_never_widens_what_is_seen(self, auditor):
        offering, team = make_offering(), make_team()
        below = make_team(parent=team)
        mine = make_dependency(make_application(team=below), offering)
        make_dependency(make_application(), offering)
        risk = make_risk(make_node(NodeKind.OFFERING, offering))

        assert all_of(auditor, team=team.slug) == [(risk.pk, mine.pk)]
        assert all_of(make_user(), team=team.slug) == []
        assert all_of(auditor, team="no-such-team") == []


class TestStatesAndLevels:
    def test_adaptations_change_the_level_and_say_why(self, auditor):
        offering = make_offering()
        dependency = make_dependency(make_application(), offering)
        template = make_template(layer="weights")
        make_modifier(template, "retrieval", -1, 0)
        make_modifier(template, "fine_tune", 2, 2)
        make_adaptation(dependency, "retrieval")
        make_adaptation(dependency, "retrieval")
        make_risk(make_node(NodeKind.OFFERING, offering), template)

        (row,) = inherited_risks(user=auditor, on=TODAY).rows

        assert (row.inherent, row.adjusted) == (Level(4, 4), Level(3, 4))
        assert [(step.adaptation, step.why) for step in row.steps] == [
            ("retrieval", "retrieval does that")
        ]

    def test_each_state_is_listed_and_counted(self, auditor):
        offering = make_offering()
        risk = make_risk(make_node(NodeKind.OFFERING, offering))
        dependencies = [
            make_dependency(make_application(criticality=n % 4), offering) for n in range(4)
        ]
        make_assessment(risk, dependencies[0])
        make_assessment(
            risk, dependencies[1], state="stale", stale_cause="event", stale_reason="Alias moved."
        )
        make_assessment(
            risk, dependencies[2], state="not_applicable", not_applicable_reason="no people"
        )

        for state, dependency in zip(
            ("assessed", "stale", "not_applicable", "unassessed"), dependencies, strict=True
        ):
            assert all_of(auditor, state=state) == [(risk.pk, dependency.pk)]
        reach = total_reach(user=auditor, on=TODAY)
        assert reach == RiskReach(4, 1, 1, 1, n_critical=1, n_critical_decided=1)
        assert reach.n_unassessed == 1

    def test_an_assessment_of_what_is_no_longer_inherited_is_not_counted(self, auditor):
        offering = make_offering()
        dependency = make_dependency(make_application(), offering)
        make_assessment(make_risk(make_node(NodeKind.OFFERING, make_offering())), dependency)

        assert total_reach(user=auditor, on=TODAY) == RiskReach()
        assert all_of(auditor, state="assessed") == []

    def test_a_list_is_narrowed_by_application_template_layer_and_level(self, auditor):
        offering = make_offering()
        here = make_node(NodeKind.OFFERING, offering)
        one, other = (make_dependency(make_application(), offering) for _ in range(2))
        template = make_template("OWN-A", layer="legal")
        legal = make_risk(here, template, likelihood=1, impact=1)
        grave = make_risk(here, likelihood=5, impact=5)

        assert all_of(auditor, application=one.application.slug) == [
            (grave.pk, one.pk),
            (legal.pk, one.pk),
        ]
        assert all_of(auditor, template="OWN-A") == [(legal.pk, one.pk), (legal.pk, other.pk)]
        assert all_of(auditor, layer="legal", application=other.application.slug) == [
            (legal.pk, other.pk)
        ]
        assert all_of(auditor, min_inherent=2) == [(grave.pk, one.pk), (grave.pk, other.pk)]
        assert (
            total_reach(user=auditor, on=TODAY, application=one.application.slug).n_inherited == 2
        )

    def test_totals_cost_the_same_statements_for_any_number(self, auditor):
        def cost():
            with CaptureQueriesContext(connection) as statements:
                total_reach(user=auditor, on=TODAY)
            return len(statements)

        offering = make_offering()
        make_dependency(make_application(), offering)
        make_risk(make_node(NodeKind.OFFERING, offering))
        before = cost()
        for _ in range(5):
            make_dependency(make_application(), offering)
            make_risk(make_node(NodeKind.OFFERING, make_offering()))

        assert before == cost() == 2


def test_pairs_are_unique(auditor):
    offering = make_offering()
    for _ in range(3):
        make_dependency(make_application(), offering)
    make_risk(make_node(NodeKind.HOST, offering.host))

    found = all_of(auditor)

    assert all(one != other for one, other in pairwise(found))
    assert len(set(found)) == len(found) == 3
