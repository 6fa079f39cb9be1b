"""Counts: by risk, by team, by level; live and as stored agree with the list, pair by pair."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from kombu.exceptions import OperationalError

from apps.accounts.roles import OrganisationRole
from apps.catalog.models import NodeKind
from apps.risks.actions import counts as keeping
from apps.risks.actions.assessments import assess_risk
from apps.risks.actions.counts import count_changed_risk, count_inherited_risk
from apps.risks.levels import Level, score_range, severity
from apps.risks.models import CountState, RiskCount
from apps.risks.queries import counts
from apps.risks.queries.conditions import InheritedRiskQuery, build_conditions
from apps.risks.queries.counts import (
    CountBasis,
    count_basis,
    counted_at,
    level_counts,
    risk_standings,
    team_standings,
)
from apps.risks.queries.inherited import (
    count_gathered_risks,
    dated_inherited_risks,
    inherited_pairs,
    inherited_risks,
    sorted_inherited_risks,
)
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_assessment,
    make_dependency,
    make_foundation,
    make_member,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_team,
    make_template,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def counted():
    """Two teams, one below the other; conditional and plain risks; every state."""

    class CountedRisks:
        auditor = make_user(role=OrganisationRole.AUDITOR)
        top = make_team("Claims")
        below = make_team("Motor", parent=top)
        host = make_provider("host-a")
        version = make_version("maker/one-1", foundation=make_foundation("maker/one"))
        pinned = make_offering("one-1", host=host, version=version)
        alias = make_offering("one-latest", host=host, version=version, binding="alias")
        applications = [
            make_application(f"App {n}", team=team, criticality=n % 3)
            for n, team in enumerate([top, top, below, below, below])
        ]

    rows = CountedRisks()
    rows.dependencies = [
        make_dependency(application, rows.alias if n % 2 else rows.pinned)
        for n, application in enumerate(rows.applications)
    ]
    make_dependency(rows.applications[0], rows.alias, "judge")
    rows.on_host = make_risk(
        make_node(NodeKind.HOST, rows.host), make_template("T-1"), likelihood=5, impact=5
    )
    rows.moving = make_risk(
        make_node(NodeKind.VERSION, rows.version),
        make_template("T-2", applies_when="calls_moving_name"),
    )
    rows.judging = make_risk(
        make_node(NodeKind.VERSION, rows.version),
        make_template("T-3", applies_when="judge_shares_base"),
        likelihood=1,
        impact=2,
    )
    person = make_user("ines", role="governance")
    make_assessment(
        rows.on_host,
        rows.dependencies[0],
        current_likelihood=3,
        current_impact=4,
        residual_likelihood=1,
        residual_impact=2,
        treatment="reduce",
        owner=person,
        due_on=TODAY - timedelta(3),
    )
    make_assessment(
        rows.on_host,
        rows.dependencies[1],
        state="stale",
        stale_cause="event",
        stale_reason="Alias moved.",
        current_likelihood=3,
        current_impact=4,
        due_on=TODAY + timedelta(9),
    )
    make_assessment(
        rows.moving,
        rows.dependencies[1],
        treatment="accept",
        accepted_by=person,
        accepted_at=NOW,
        accept_reason="small",
        accepted_until=TODAY + timedelta(20),
    )
    make_assessment(
        rows.on_host,
        rows.dependencies[2],
        state="not_applicable",
        not_applicable_reason="no people",
    )
    return rows


def pairs(user, **narrowed):
    return inherited_risks(user=user, on=TODAY, query=InheritedRiskQuery(**narrowed), size=500).rows


class TestCounts:
    def test_by_risk_team_and_level_they_agree_with_the_list(self, counted):
        rows = pairs(counted.auditor)

        by_risk = {
            row.risk_id: row.reach
            for row in risk_standings(user=counted.auditor, on=TODAY, stored=False)
        }
        for risk in (counted.on_host, counted.moving, counted.judging):
            mine = [row for row in rows if row.risk_id == risk.pk]
            reach = by_risk[risk.pk]
            assert reach.n_inherited == len(mine)
            assert reach.n_unassessed == sum(row.state == "unassessed" for row in mine)
            assert reach.n_critical == sum(row.criticality == 0 for row in mine)
            assert reach.n_critical_unassessed == sum(
                row.criticality == 0 and row.state == "unassessed" for row in mine
            )
        for team in team_standings(user=counted.auditor, on=TODAY, stored=False):
            mine = [row for row in rows if row.team == team.team]
            assert team.reach.n_inherited == len(mine)
            assert team.reach.n_unassessed == sum(row.state == "unassessed" for row in mine)
            assert len(pairs(counted.auditor, team=team.team, alone=True)) == len(mine)
        levels = level_counts(user=counted.auditor, on=TODAY, stored=False)
        assert levels == {"current": {(3, 4): 2}, "residual": {(1, 2): 1}}

    def test_a_job_stores_them_and_writes_only_what_differs(
        self, counted, monkeypatch, django_assert_max_num_queries
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 3)
        assert counted_at(counted.auditor) is None
        count_inherited_risk(NOW)

        assert counted_at(counted.auditor) == NOW
        for read in (risk_standings, team_standings, level_counts):
            stored = read(user=counted.auditor, on=TODAY, stored=True)
            live = read(user=counted.auditor, on=TODAY, stored=False)
            assert stored == live
        with django_assert_max_num_queries(16):
            count_inherited_risk(NOW)
        counted.on_host.closed_at = NOW
        counted.on_host.save()
        count_inherited_risk(NOW)
        assert set(RiskCount.objects.values_list("risk_id", flat=True)) == {
            counted.moving.pk,
            counted.judging.pk,
        }
        assert CountState.objects.count() == 1

    def test_only_those_who_read_everything_get_what_is_stored(self, counted, monkeypatch):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 3)
        count_inherited_risk(NOW)
        member = make_member(counted.below)

        assert counted_at(member) is None
        assert [team.name for team in team_standings(user=member, on=TODAY, stored=False)] == [
            "Motor"
        ]

    def test_a_small_organisation_is_counted_live(self, counted):
        count_inherited_risk(NOW)

        assert counted_at(counted.auditor) is None

    def test_an_import_of_many_after_the_last_count_does_not_lead_to_live_counts(
        self, counted, monkeypatch
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", len(counted.applications))
        count_inherited_risk(NOW)
        assert not count_basis(counted.auditor).stored

        make_dependency(make_application("One too many", team=counted.below), counted.pinned)

        assert count_basis(counted.auditor) == CountBasis(stored=True, counted_at=NOW)

    def test_a_reader_of_many_applications_gets_the_stored_counts_of_the_own_teams(
        self, counted, monkeypatch
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 2)
        count_inherited_risk(NOW)
        of_top, of_below = make_member(counted.top), make_member(counted.below)
        for member in (of_top, of_below):
            assert count_basis(member, by_team=True) == CountBasis(stored=True, counted_at=NOW)
            assert not count_basis(member).stored
            assert team_standings(user=member, on=TODAY, stored=True) == team_standings(
                user=member, on=TODAY, stored=False
            )
        assert [team.name for team in team_standings(user=of_below, on=TODAY, stored=True)] == [
            "Motor"
        ]

    def test_whether_counts_are_stored_costs_one_statement(
        self, counted, django_assert_num_queries
    ):
        with django_assert_num_queries(1):
            count_basis(counted.auditor)


class TestWhenItIsCounted:
    """`count_changed_risk` is the job of every minute."""

    def test_nothing_is_counted_while_nothing_changes(self, counted, django_assert_max_num_queries):
        count_changed_risk(NOW)

        # the state, whether numbers of dependencies are to be added up, the latest change
        with django_assert_max_num_queries(3):
            assert not count_changed_risk(NOW + timedelta(minutes=1))
        assert CountState.objects.get().counted_at == NOW

    @pytest.mark.parametrize(
        "change",
        [
            lambda rows: make_dependency(rows.applications[4], rows.alias, "fallback"),
            lambda rows: make_dependency(make_application("New", team=rows.top), rows.pinned),
            lambda rows: rows.dependencies[0].delete(),
            lambda rows: make_risk(make_node(NodeKind.HOST, rows.host), make_template("T-9")),
            lambda rows: make_assessment(rows.moving, rows.dependencies[3]),
            lambda rows: (
                type(rows.applications[0])
                .objects.filter(pk=rows.applications[0].pk)
                .update(criticality=3)
            ),
            lambda rows: type(rows.pinned).objects.filter(pk=rows.pinned.pk).update(version=None),
            lambda rows: type(rows.version).objects.filter(pk=rows.version.pk).update(moving=True),
        ],
        ids=[
            "dependency",
            "application",
            "deletion",
            "risk",
            "assessment",
            "criticality",
            "place",
            "version",
        ],
    )
    def test_whatever_changes_the_counts_is_counted_within_a_minute(self, counted, change):
        count_changed_risk(NOW)
        change(counted)

        assert count_changed_risk(NOW + timedelta(minutes=1))
        assert CountState.objects.get().counted_at == NOW + timedelta(minutes=1)

    def test_a_new_day_and_five_minutes_are_counted_too(self, counted):
        count_changed_risk(NOW)

        assert count_changed_risk(NOW + keeping.MAX_COUNT_AGE)
        assert count_changed_risk(NOW + timedelta(days=1))

    def test_what_people_decide_asks_a_worker_to_count(
        self, counted, monkeypatch, django_capture_on_commit_callbacks
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 3)
        count_inherited_risk(NOW)
        sent = []
        monkeypatch.setattr(keeping.cache, "add", lambda *_, **__: True)
        monkeypatch.setattr(
            keeping,
            "signature",
            lambda name, **_: SimpleNamespace(apply_async=lambda **_: sent.append(name)),
        )

        with django_capture_on_commit_callbacks(execute=True):
            assess_risk(
                risk=counted.on_host,
                dependency=counted.dependencies[3],
                facts={},
                expected_version=0,
                by=make_user("lea", role="governance"),
                at=NOW,
            )

        assert sent == ["risks.count_inherited_risk"]

    def test_a_broker_that_is_away_refuses_no_decision(
        self, counted, monkeypatch, django_capture_on_commit_callbacks
    ):
        monkeypatch.setattr(counts, "MAX_LIVE_APPLICATIONS", 3)
        count_inherited_risk(NOW)

        def refuse(**_):
            raise OperationalError("gone")

        monkeypatch.setattr(keeping.cache, "add", lambda *_, **__: True)
        monkeypatch.setattr(
            keeping, "signature", lambda *_, **__: SimpleNamespace(apply_async=refuse)
        )

        with django_capture_on_commit_callbacks(execute=True):
            keeping.request_count()


class TestNarrowing:
    @pytest.mark.proof
    @pytest.mark.parametrize(
        ("asked", "test"),
        [
            ({"state": "unassessed"}, lambda row: row.state == "unassessed"),
            ({"severity": 5}, lambda row: row.inherent.score > 16),
            (
                {"likelihood": 4, "impact": 4},
                lambda row: (row.inherent.likelihood, row.inherent.impact) == (4, 4),
            ),
            (
                {"level": "current", "likelihood": 3, "impact": 4},
                lambda row: row.current == Level(3, 4),
            ),
            ({"criticality": 0}, lambda row: row.criticality == 0),
            ({"treatment": "reduce"}, lambda row: row.treatment == "reduce"),
            ({"owner": "ines"}, lambda row: row.owner == "ines"),
            ({"due_before": TODAY}, lambda row: row.due_on is not None and row.due_on < TODAY),
            ({"accepted_before": TODAY + timedelta(30)}, lambda row: row.treatment == "accept"),
            ({"provider": "host-a"}, lambda row: row.node_kind == "host"),
            ({"foundation": "maker-one"}, lambda row: row.node_kind == "version"),
            ({"q": "t-2"}, lambda row: row.template == "T-2"),
            ({"treatment": "share", "state": "unassessed"}, lambda row: False),
        ],
    )
    def test_pages_of_few_and_of_many_leave_the_same_rows(self, counted, asked, test):
        everything = pairs(counted.auditor)
        wanted = [row.key for row in everything if test(row)]

        assert [row.key for row in pairs(counted.auditor, **asked)] == wanted
        few = build_conditions(
            user=counted.auditor, on=TODAY, query=InheritedRiskQuery(**asked), count_all=True
        )
        assert few.is_small
        assert [row.key for row in sorted_inherited_risks(few, on=TODAY)] == wanted
        assert count_gathered_risks(few, limit=100) == len(wanted)

    def test_rows_of_few_are_sorted_by_any_column_and_cut_into_sheets(self, counted):
        few = build_conditions(
            user=counted.auditor, on=TODAY, query=InheritedRiskQuery(), count_all=True
        )

        by_name = sorted_inherited_risks(few, on=TODAY, order="application", size=100)
        second = sorted_inherited_risks(few, on=TODAY, order="application", size=2, offset=2)
        by_due = sorted_inherited_risks(few, on=TODAY, order="due")

        names = [row.application_name for row in by_name]
        assert names == sorted(names)
        assert second == by_name[2:4]
        assert [row.due_on for row in by_due][:2] == [TODAY - timedelta(3), TODAY + timedelta(9)]

    def test_by_the_days_of_assessments_any_portfolio_is_sorted(self, counted):
        asked = build_conditions(user=counted.auditor, on=TODAY, query=InheritedRiskQuery())

        due = dated_inherited_risks(asked, on=TODAY, order="due")
        until = dated_inherited_risks(asked, on=TODAY, order="until")

        assert [row.due_on for row in due] == [TODAY - timedelta(3), TODAY + timedelta(9)]
        assert [row.risk_id for row in until] == [counted.moving.pk]

    def test_pairs_asked_for_are_those_that_are_inherited_and_seen(self, counted):
        key = (counted.on_host.pk, counted.dependencies[0].pk)
        asked = [key, (counted.judging.pk, counted.dependencies[3].pk), (10**9, 1)]

        assert [
            (row.risk_id, row.dependency_id)
            for row in inherited_pairs(user=counted.auditor, on=TODAY, pairs=asked)
        ] == [key]
        assert inherited_pairs(user=make_member(make_team()), on=TODAY, pairs=asked) == []


def test_severities_divide_the_scores_without_gaps():
    assert [severity(score) for score in (1, 3, 4, 6, 8, 10, 12, 16, 20, 25)] == [
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
    ]
    assert [score_range(step) for step in range(1, 6)] == [
        (1, 3),
        (4, 6),
        (7, 10),
        (11, 16),
        (17, 25),
    ]
