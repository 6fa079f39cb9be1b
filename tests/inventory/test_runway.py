"""How much time is left, whether it is enough, and what is most urgent."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.footing import refresh_footing
from apps.inventory.runway import runways
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_offering,
    make_team,
)
from tests.inventory.portfolios import load_portfolio, worked_portfolios

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


def ending(days=71, kind="firm", **fields):
    return make_offering(retires_on=TODAY + days * ONE_DAY, date_kind=kind, **fields)


def primary(offering, **fields):
    return make_dependency(
        fields.pop("application", None) or make_application(), offering, **fields
    )


def record_test(dependency, days_ago=10, effort="90", result="passed"):
    return make_exit_test(
        dependency,
        make_offering(),
        tested_on=TODAY - days_ago * ONE_DAY,
        result=result,
        effort_days=Decimal(effort) if effort else None,
    )


def only():
    [row] = runways(on=TODAY)
    return row


class TestOnePrimary:
    def test_days_left_minus_what_the_last_test_took(self):
        record_test(primary(ending(71)))

        row = only()

        assert (row.days_left, row.effort_days, row.basis, row.runway, row.at_least) == (
            71,
            90,
            "test",
            -19,
            False,
        )

    def test_a_failed_test_one_without_effort_and_one_to_come_say_nothing(self):
        dependency = primary(ending())
        record_test(dependency, 30, "40")
        record_test(dependency, 20, "10", "failed")
        record_test(dependency, 10, None)
        record_test(dependency, -1, "20")

        assert only().effort_days == 40

    def test_of_two_on_one_day_the_later_recorded_counts_also_where_it_is_partial(self):
        dependency = primary(ending())
        record_test(dependency, 5, "10")
        record_test(dependency, 5, "12", "partial")

        assert only().effort_days == 12

    def test_the_plan_counts_only_without_a_test(self):
        dependency = primary(ending())
        make_exit_plan(dependency, estimated_days=60)
        assert (only().basis, only().runway) == ("estimate", 11)

        record_test(dependency)

        assert (only().basis, only().runway) == ("test", -19)

    def test_without_effort_the_days_stay_visible(self):
        primary(ending())

        assert (only().days_left, only().effort_days, only().basis, only().runway) == (
            71,
            None,
            None,
            None,
        )

    def test_a_soft_date_is_at_least_and_a_passed_one_leaves_nothing(self):
        primary(ending(-5, "not_before"))

        assert (only().days_left, only().at_least) == (0, True)

    def test_a_passed_firm_date_is_negative(self):
        primary(ending(-5))

        assert only().days_left == -5

    def test_retired_without_a_date_is_no_day_and_deprecated_without_one_says_why(self):
        gone, going = (
            primary(make_offering(lifecycle="retired")),
            primary(make_offering(lifecycle="deprecated")),
        )

        by_dependency = {row.dependency_id: row for row in runways(on=TODAY)}

        assert (by_dependency[gone.pk].days_left, by_dependency[gone.pk].why) == (0, None)
        assert (by_dependency[going.pk].days_left, by_dependency[going.pk].why) == (
            None,
            "announced_without_date",
        )

    def test_the_offering_that_answers_decides(self):
        successor = ending(100)
        old = ending(-1, end_behaviour="redirect", replacement=successor)
        refresh_footing([old.pk], today=TODAY)
        primary(old)

        assert (only().offering_id, only().days_left) == (successor.pk, 100)

    def test_other_roles_ended_rows_and_applications_out_of_scope_do_not_count(self):
        make_dependency(make_application(), ending(), "fallback")
        primary(ending(), until=TODAY)
        primary(ending(), application=make_application(status="retired"))

        assert runways(on=TODAY) == []


class TestStandby:
    @pytest.mark.parametrize(
        ("shares", "n_counted"),
        [
            (("0", "1"), 1),
            (("0", "0"), 2),
            (("0", None), 1),
            (("1", None), 1),
            (("0.9", None), 2),
            (("0.333333333333333", "0.333333333333333", "0.333333333333333", None), 3),
            ((None, None), 2),
        ],
    )
    def test_a_primary_whose_share_comes_out_as_nothing_has_none(self, shares, n_counted):
        application = make_application()
        for share in shares:
            primary(ending(), application=application, traffic_share=share)

        assert len(runways(on=TODAY)) == n_counted


class TestOrder:
    def test_most_urgent_first_page_by_page(self):
        rows = {
            "late": primary(ending(200)),
            "tight": record_test(primary(ending(100)), effort="99").dependency,
            "past": primary(ending(-3)),
            "grave": primary(ending(200), application=make_application(criticality=0)),
            "undated": primary(make_offering(lifecycle="deprecated")),
        }
        names = {row.pk: name for name, row in rows.items()}

        found, place = [], None
        while page := runways(on=TODAY, limit=2, after=place):
            found += [names[row.dependency_id] for row in page]
            place = page[-1].position

        assert found == ["past", "tight", "grave", "late", "undated"]
        assert [names[row.dependency_id] for row in runways(on=TODAY)] == found

    def test_narrowed_to_applications_and_teams_in_one_statement(self):
        team = make_team()
        own = primary(ending(), application=make_application(team=team))
        primary(ending())

        with CaptureQueriesContext(connection) as asked:
            by_team = runways(on=TODAY, team_ids=[team.pk])
        by_application = runways(on=TODAY, application_ids=[own.application_id])

        assert [row.dependency_id for row in by_team] == [own.pk]
        assert by_team == by_application
        assert len(asked) == 1


@pytest.mark.shared
def test_the_worked_portfolios_have_the_runway_they_should(shared):
    n_checked = 0
    for raw in worked_portfolios(shared):
        world = load_portfolio(raw)
        names = {row.pk: name for name, row in world.dependencies.items()}
        found = runways(
            on=world.as_of,
            application_ids=[row.application_id for row in world.dependencies.values()],
        )
        assert {
            names[row.dependency_id]: {
                "days_left": row.days_left,
                "effort_days": row.effort_days,
                "basis": row.basis,
                "runway": row.runway,
                "at_least": row.at_least,
                "why": row.why,
            }
            for row in found
        } == raw["expected"]["runway"], raw["name"]
        n_checked += len(found)
    assert n_checked == 9
