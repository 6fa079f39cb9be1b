"""Flags with their life: opening, holding, releasing, worsening; what is written of it and what is
not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import NodeKind
from apps.exposure.actions.decisions import accept_flag, acknowledge_flag
from apps.exposure.actions.flags import FlagChanges, evaluate_flags
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import ExposureFlag, FlagEvent, NodeSummary, Policy, ScopedApplication
from apps.inventory.models import Application
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.exposure.portfolio import critical_on, evaluate, node_of, only

ONE_DAY = timedelta(days=1)


@pytest.fixture
def line(db):
    """The only policy: at most half of the critical applications on one host."""
    return only()


@pytest.fixture
def here(line):
    return make_offering(host=make_provider("here"))


@pytest.fixture
def there(line):
    return make_offering(host=make_provider("there"))


def shift(applications, offering):
    """Put these applications on another offering."""
    for application in applications:
        application.dependencies.update(offering=offering)


def events():
    return list(FlagEvent.objects.order_by("pk").values_list("kind", flat=True))


class TestOpening:
    def test_one_opens_above_the_line_and_names_the_critical_applications(self, here, there):
        ours = critical_on(here, 2)
        critical_on(there)
        make_dependency(make_application(criticality=1), here)

        assert evaluate() == FlagChanges(opened=1)

        flag = ExposureFlag.objects.get()
        assert (flag.node, flag.value, flag.limit) == (
            node_of(here),
            Decimal("0.666666666666667"),
            Decimal("0.5"),
        )
        assert flag.application_ids == [application.pk for application in ours]
        assert (flag.n_applications, events()) == (2, ["opened"])

    def test_the_line_itself_is_tolerated(self, here, there):
        critical_on(here)
        critical_on(there)

        assert evaluate() == FlagChanges()

    def test_a_third_is_not_more_than_a_third_however_many_places_are_kept(self, line, here, there):
        Policy.objects.filter(pk=line.pk).update(tolerance="0.333333333333333")
        for offering in (here, there, make_offering(host=make_provider("third"))):
            critical_on(offering)

        assert evaluate() == FlagChanges()

    def test_nothing_opens_before_the_tables_are_built(self, here):
        critical_on(here)

        assert evaluate_flags(at=NOW) == FlagChanges()

    def test_the_names_are_capped_and_the_number_is_not(self, here, monkeypatch):
        monkeypatch.setattr(ExposureFlag, "NAMED", 2)
        ours = critical_on(here, 3)

        evaluate()

        flag = ExposureFlag.objects.get()
        assert (flag.n_applications, flag.application_ids) == (3, [ours[0].pk, ours[1].pk])

    def test_the_database_holds_one_live_flag_per_policy_and_node(self, here):
        critical_on(here)
        evaluate()
        flag = ExposureFlag.objects.get()
        flag.pk = None

        with pytest.raises(IntegrityError), transaction.atomic():
            flag.save(force_insert=True)

    def test_and_one_of_the_portfolio_for_a_policy_without_a_node(self, db):
        only(predicate="unresolved_primary", measure="n_applications", tolerance="0")
        make_dependency(make_application(), make_offering(resolved=False))
        evaluate()
        flag = ExposureFlag.objects.get()
        flag.pk = None

        with pytest.raises(IntegrityError), transaction.atomic():
            flag.save(force_insert=True)


class TestHolding:
    def test_a_second_evaluation_writes_nothing(self, here, there):
        critical_on(here, 2)
        critical_on(there)
        evaluate()

        with CaptureQueriesContext(connection) as queries:
            assert evaluate_flags(at=NOW + timedelta(minutes=5)) == FlagChanges()

        verbs = {query["sql"].split()[0].upper() for query in queries}
        assert verbs <= {"SELECT", "WITH", "SAVEPOINT", "RELEASE"}

    def test_its_cost_is_a_statement_a_policy_and_one_a_flag_whatever_the_portfolio(
        self, here, there
    ):
        critical_on(here, 2)
        critical_on(there)
        evaluate()

        def cost():
            with CaptureQueriesContext(connection) as queries:
                evaluate_flags(at=NOW)
            return len(queries)

        before = cost()
        critical_on(here, 10)
        refresh(on=TODAY)
        evaluate_flags(at=NOW)

        assert cost() == before

    def test_a_changed_value_is_kept_up_to_date(self, here, there):
        critical_on(here)
        evaluate()
        critical_on(there)
        critical_on(here)

        assert evaluate() == FlagChanges()

        flag = ExposureFlag.objects.get()
        assert (flag.value, len(flag.application_ids), flag.state) == (
            Decimal("0.666666666666667"),
            2,
            "open",
        )

    def test_a_drawn_line_that_moves_is_the_one_that_counts(self, line, here, there):
        critical_on(here, 2)
        critical_on(there)
        evaluate()
        Policy.objects.filter(pk=line.pk).update(tolerance="0.6")

        evaluate()

        assert ExposureFlag.objects.get().limit == Decimal("0.6")

    def test_an_acknowledged_flag_is_not_opened_a_second_time(self, here):
        critical_on(here)
        evaluate()
        acknowledge_flag(flag=ExposureFlag.objects.get(), at=NOW, by=make_user(role="governance"))

        assert evaluate() == FlagChanges()

        assert ExposureFlag.objects.get().state == "acknowledged"


class TestReleasing:
    def test_it_resolves_after_two_days_well_below_the_line(self, here, there):
        moved = critical_on(here, 3)
        critical_on(there)
        evaluate()
        shift(moved[:2], there)

        states = []
        for days in (0, 1, 2):
            evaluate(NOW + days * ONE_DAY)
            states.append(ExposureFlag.objects.get(node=node_of(here)).state)

        assert states == ["open", "open", "resolved"]
        resolved = FlagEvent.objects.get(kind="resolved", flag__node=node_of(here))
        assert (resolved.value, resolved.at) == (Decimal("0.25"), NOW + 2 * ONE_DAY)

    def test_days_on_which_nothing_was_evaluated_count_too(self, here, there):
        moved = critical_on(here, 2)
        evaluate()
        shift(moved, there)
        evaluate()

        evaluate(NOW + 9 * ONE_DAY)

        assert ExposureFlag.objects.get(node=node_of(here)).state == "resolved"

    def test_just_below_the_line_it_stays_open_for_ever(self, line, here, there):
        # 19 of 40 = 0.475 lies between the line and nine tenths of it
        ours = critical_on(here, 21)
        critical_on(there, 19)
        Policy.objects.filter(pk=line.pk).update(tolerance=Decimal("0.52"))
        evaluate()
        shift(ours[:2], make_offering(host=make_provider("third")))

        for days in range(5):
            evaluate(NOW + days * ONE_DAY)

        flag = ExposureFlag.objects.get()
        assert (flag.state, flag.below_since, flag.value) == ("open", None, Decimal("0.475"))

    def test_a_relapse_starts_the_two_days_anew(self, line, here, there):
        ours = critical_on(here, 2)
        evaluate()
        shift(ours, there)
        Policy.objects.filter(pk=line.pk).update(tolerance=Decimal("0.9"))
        evaluate()
        assert ExposureFlag.objects.get(node=node_of(here)).below_since == TODAY

        shift(ours, here)
        evaluate(NOW + ONE_DAY)

        assert ExposureFlag.objects.get(node=node_of(here)).below_since is None

    def test_a_node_that_nobody_stands_on_any_more_has_value_nought(self, here):
        ours = critical_on(here)
        evaluate()
        Application.objects.filter(pk__in=[application.pk for application in ours]).update(
            status="retired"
        )

        evaluate()

        flag = ExposureFlag.objects.get()
        assert (flag.value, flag.n_applications, flag.application_ids, flag.below_since) == (
            0,
            0,
            [],
            TODAY,
        )

    def test_a_new_breach_after_resolution_is_a_new_flag(self, here):
        ours = critical_on(here)
        evaluate()
        Application.objects.filter(pk=ours[0].pk).update(status="retired")
        for days in (0, 2):
            evaluate(NOW + days * ONE_DAY)
        Application.objects.filter(pk=ours[0].pk).update(status="production")

        assert evaluate(NOW + 3 * ONE_DAY) == FlagChanges(opened=1)
        assert sorted(ExposureFlag.objects.values_list("state", flat=True)) == ["open", "resolved"]
        assert events() == ["opened", "resolved", "opened"]

    def test_a_policy_that_is_switched_off_resolves_its_flags_at_once(self, here):
        critical_on(here)
        evaluate()
        Policy.objects.update(enabled=False)

        assert evaluate() == FlagChanges(resolved=1)

        flag = ExposureFlag.objects.get()
        assert (flag.state, flag.resolved_at, flag.value) == ("resolved", NOW, 1)


class TestAcceptance:
    @pytest.fixture
    def accepted(self, here, there):
        """Two of three, accepted for thirty days up to 11/15."""
        critical_on(here, 2)
        critical_on(there)
        evaluate()
        return accept_flag(
            flag=ExposureFlag.objects.get(),
            until=TODAY + 30 * ONE_DAY,
            reason="no other host serves it",
            at=NOW,
            by=make_user(role="governance"),
        )

    def test_up_to_its_ceiling_a_higher_value_is_covered(self, accepted, here, there):
        # 11 of 15 is exactly the ceiling
        critical_on(here, 9)
        critical_on(there, 3)

        assert evaluate() == FlagChanges()

        accepted.refresh_from_db()
        assert (accepted.state, accepted.value, accepted.ceiling) == (
            "accepted",
            Decimal("0.733333333333333"),
            Decimal("0.733333333333333"),
        )

    def test_above_it_the_flag_is_open_again_and_nobody_stands_for_it(self, accepted, here):
        critical_on(here, 2)

        assert evaluate() == FlagChanges(worsened=1)

        accepted.refresh_from_db()
        assert (
            accepted.state,
            accepted.accepted_by,
            accepted.accepted_until,
            accepted.ceiling,
        ) == (
            "open",
            None,
            None,
            None,
        )
        assert events() == ["opened", "accepted", "worsened"]

    def test_on_its_day_it_runs_out(self, accepted):
        assert evaluate(NOW + 29 * ONE_DAY) == FlagChanges()
        assert evaluate(NOW + 30 * ONE_DAY) == FlagChanges(acceptance_expired=1)

        accepted.refresh_from_db()
        assert (accepted.state, accepted.accepted_reason) == ("open", "")


class TestMeasures:
    """Three applications in scope: A critical on here, B standard on here, C critical on there."""

    @pytest.fixture
    def portfolio(self, db):
        here, there = (
            make_offering(host=make_provider("here")),
            make_offering(host=make_provider("there")),
        )
        make_dependency(
            make_application(criticality=0, users_affected=10, monthly_spend="100"), here
        )
        make_dependency(
            make_application(criticality=2, users_affected=None, monthly_spend="50.50"), here
        )
        make_dependency(
            make_application(criticality=0, users_affected=30, monthly_spend=None), there
        )
        return here

    @pytest.mark.parametrize(
        ("fields", "value", "n"),
        [
            ({"measure": "n_applications", "tolerance": "1"}, Decimal(2), 2),
            ({"measure": "n_critical", "tolerance": "0"}, Decimal(1), 1),
            ({"measure": "critical_share", "tolerance": "0.4"}, Decimal("0.5"), 1),
            ({"measure": "weight_share", "tolerance": "0.6"}, Decimal("0.666666666666667"), 2),
            # critical 8 points, standard 2: 10 of 18
            (
                {"measure": "weight_share", "basis": "criticality", "tolerance": "0.5"},
                Decimal("0.555555555555556"),
                2,
            ),
            ({"measure": "weight_share", "basis": "users", "tolerance": "0.2"}, Decimal("0.25"), 2),
            ({"measure": "weight_share", "basis": "spend", "tolerance": "0.9"}, Decimal(1), 2),
        ],
    )
    def test_each_measures_what_it_says_of_everything_in_scope(self, portfolio, fields, value, n):
        only(**fields)

        evaluate()

        flag = ExposureFlag.objects.get(node=node_of(portfolio))
        assert (flag.value, flag.n_applications) == (value, n)

    def test_only_the_states_named_are_counted(self, portfolio):
        only(measure="n_applications", tolerance="0", states=["portable", "partial"])

        assert evaluate() == FlagChanges()

    def test_a_fallback_takes_an_application_out_of_the_exposed(self, portfolio):
        only(measure="n_applications", tolerance="0", states=["exposed"])
        safe = make_application(criticality=0)
        version = make_version()
        make_dependency(safe, make_offering(host=make_provider("fourth"), version=version))
        make_dependency(
            safe,
            make_offering(host=make_provider("fifth"), version=version),
            "fallback",
            fallback_order=1,
        )

        evaluate()

        assert not ExposureFlag.objects.filter(node__ref=make_provider("fourth").pk).exists()
        assert ExposureFlag.objects.count() == 2

    def test_kinds_of_one_policy_are_each_asked_under_their_usual_threat(self, db):
        foundation = make_foundation("maker/base")
        offering = make_offering(
            host=make_provider("here"), version=make_version(foundation=foundation)
        )
        critical_on(offering)
        only(kinds=["host", "foundation"], measure="n_critical", tolerance="0", states=["exposed"])

        evaluate()

        assert {flag.node.kind for flag in ExposureFlag.objects.select_related("node")} == {
            NodeKind.HOST,
            NodeKind.FOUNDATION,
        }

    def test_a_share_of_nothing_is_no_breach(self, db):
        only(measure="weight_share", basis="spend", tolerance="0")
        make_dependency(make_application(monthly_spend=None), make_offering())

        assert evaluate() == FlagChanges()


class TestPredicates:
    @pytest.mark.parametrize(
        ("predicate", "n"),
        [("unresolved_primary", 1), ("judge_shares_lineage", 1), ("no_independent_fallback", 3)],
    )
    def test_each_counts_the_applications_of_which_it_holds(self, db, predicate, n):
        only(predicate=predicate, measure="n_applications", tolerance="0")
        make_dependency(make_application(), make_offering(resolved=False))
        judged = make_application()
        version = make_version()
        make_dependency(judged, make_offering(version=version))
        make_dependency(judged, make_offering(version=version), "judge")
        make_dependency(make_application(criticality=0), make_offering())

        evaluate()

        flag = ExposureFlag.objects.get()
        assert (flag.node, flag.value, flag.n_applications, len(flag.application_ids)) == (
            None,
            n,
            n,
            n,
        )

    def test_one_that_counts_critical_applications_leaves_the_others_out(self, db):
        only(predicate="no_independent_fallback", measure="n_critical", tolerance="0")
        critical = critical_on(make_offering())
        make_dependency(make_application(criticality=3), make_offering())

        evaluate()

        flag = ExposureFlag.objects.get()
        assert (flag.value, flag.application_ids) == (1, [critical[0].pk])

    def test_what_stands_nowhere_is_not_asked_for_a_fallback(self, db):
        only(predicate="no_independent_fallback", measure="n_applications", tolerance="0")
        make_application(criticality=0)

        assert evaluate() == FlagChanges()
        assert ScopedApplication.objects.count() == 1


def test_the_history_names_the_job(here):
    critical_on(here)
    evaluate()

    assert (
        ExposureFlag.objects.get().history.get().pgh_context.metadata["job"]
        == "exposure.refresh_exposure"
    )


def test_a_new_organisation_has_its_lines(db):
    assert dict(Policy.objects.filter(enabled=True).values_list("slug", "tolerance")) == {
        "critical-on-one-developer": Decimal("0.5"),
        "critical-on-one-host": Decimal("0.6"),
        "critical-on-one-foundation": Decimal("0.4"),
        "stopped-by-one-party": Decimal("0.5"),
    }


def test_flags_rest_on_the_tables_alone(here):
    """Whoever fills them: the refresh of another process that died right after, say."""
    critical_on(here)
    refresh(on=TODAY)
    assert NodeSummary.objects.exists()

    assert evaluate_flags(at=NOW + ONE_DAY) == FlagChanges(opened=1)


class TestOwners:
    """A company and its owner that the same applications depend on."""

    def test_a_host_and_its_owner_are_one_breach(self, line, there):
        owner = make_provider("owner", roles=("host",))
        company = make_provider("company", roles=("host",), parent=owner)
        offering = make_offering(host=company)
        critical_on(offering, 2)
        critical_on(there)

        evaluate()

        assert [flag.node for flag in ExposureFlag.objects.all()] == [node_of(offering)]

    def test_a_gateway_and_its_owner_are_one_breach(self, db, there):
        only(slug="gateways", kinds=["gateway"])
        owner = make_provider("owner")
        gateway = make_provider("gateway", roles=("gateway",), parent=owner)
        offering = make_offering()
        for _ in range(2):
            application = make_application(criticality=0)
            make_dependency(application, offering, via_party=gateway, reached="gateway")

        evaluate()

        assert [flag.node.ref for flag in ExposureFlag.objects.all()] == [gateway.pk]

    def test_an_owner_of_two_companies_is_a_breach_of_its_own(self, line, there):
        owner = make_provider("owner", roles=("host",))
        for name in ("one", "two"):
            company = make_provider(name, roles=("host",), parent=owner)
            critical_on(make_offering(host=company))
        critical_on(there)

        evaluate()

        (flag,) = ExposureFlag.objects.all()
        assert (flag.node.ref, flag.n_applications) == (owner.pk, 2)
