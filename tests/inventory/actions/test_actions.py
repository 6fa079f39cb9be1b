"""Changes to applications and dependencies: what is stored, kept, refused, and said in the
history."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.inventory.actions.applications import (
    change_application,
    register_application,
    retire_application,
)
from apps.inventory.actions.dependencies import (
    change_dependency,
    declare_dependency,
    end_dependency,
    replace_offering,
)
from apps.inventory.actions.exits import set_exit_plan
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import dependency_history, editable_teams, visible_applications
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
def by():
    return make_user("eve", role="governance")


def reasons(row):
    return [
        (entry.pgh_label, entry.pgh_context.metadata["actor"], entry.pgh_context.metadata["reason"])
        for entry in row.history.order_by("pgh_id")
        if entry.pgh_context
    ]


class TestRegistering:
    def test_slugs_come_from_the_name_and_stay_apart(self, by):
        team = make_team()

        slugs = [
            register_application(name="Claims Triage", team=team, by=by).slug for _ in range(3)
        ]

        assert slugs == ["claims-triage", "claims-triage-2", "claims-triage-3"]

    def test_a_name_without_letters_gets_one_too(self, by):
        assert register_application(name="受付", team=make_team(), by=by).slug == "application"

    def test_a_retired_one_is_refused(self, by):
        with pytest.raises(ConflictError, match="cannot be retired"):
            register_application(name="X", team=make_team(), facts={"status": "retired"}, by=by)

    def test_what_the_model_refuses_names_its_field(self, by):
        with pytest.raises(ValidationError) as refusal:
            register_application(
                name="X", team=make_team(), facts={"monthly_spend": Decimal(-1)}, by=by
            )

        assert "Monthly spend must be 0 or more." in refusal.value.messages

    def test_a_fact_that_nobody_may_set_is_a_mistake_of_the_caller(self, by):
        with pytest.raises(TypeError, match="created_at"):
            register_application(name="X", team=make_team(), facts={"created_at": None}, by=by)


class TestChanging:
    def test_the_history_names_person_and_reason(self, by):
        application = make_application()

        change_application(
            application=application, facts={"geography": "EU"}, by=by, reason="asked by audit"
        )

        assert reasons(application) == [("update", "eve", "asked by audit")]

    def test_nothing_is_written_where_nothing_differs(self, by):
        application = make_application(geography="EU")
        before = application.history.count()

        change_application(application=application, facts={"geography": "EU"}, by=by)

        assert application.history.count() == before

    def test_a_change_on_top_of_stale_facts_keeps_what_others_wrote(self, by):
        stale = make_application()
        Application.objects.filter(pk=stale.pk).update(purpose="theirs")

        change_application(application=stale, facts={"geography": "EU"}, by=by)

        stale.refresh_from_db()
        assert (stale.purpose, stale.geography) == ("theirs", "EU")

    def test_a_retired_one_comes_back_without_its_dependencies(self, by):
        application = make_application()
        dependency = make_dependency(application, make_offering())
        retire_application(application=application, on=TODAY, by=by)

        change_application(application=application, facts={"status": "pilot"}, by=by)

        dependency.refresh_from_db()
        application.refresh_from_db()
        assert (application.status, dependency.until) == ("pilot", TODAY)


class TestRetiring:
    def test_what_is_in_use_ends_that_day_and_history_stays(self, by):
        application = make_application()
        used = make_dependency(application, make_offering())
        ended = make_dependency(application, make_offering(), until=TODAY - ONE_DAY)
        begun_today = make_dependency(application, make_offering(), since=TODAY)

        retire_application(application=application, on=TODAY, by=by)

        for row in (used, ended, begun_today):
            row.refresh_from_db()
        assert (used.until, ended.until, begun_today.until) == (
            TODAY,
            TODAY - ONE_DAY,
            TODAY + ONE_DAY,
        )

    def test_twice_is_once(self, by):
        application = make_application()
        retire_application(application=application, on=TODAY, by=by)
        before = application.history.count()

        retire_application(application=application, on=TODAY + ONE_DAY, by=by)

        assert application.history.count() == before


class TestDeclaring:
    def declare(self, application, offering, by, **fields):
        fields.setdefault("since", TODAY)
        return declare_dependency(application=application, offering=offering, by=by, **fields)

    def test_the_same_for_an_overlapping_time_is_refused_and_for_another_time_not(self, by):
        application, offering = make_application(), make_offering()
        self.declare(application, offering, by, since=TODAY, until=TODAY + 5 * ONE_DAY)

        with pytest.raises(ConflictError, match="already declared"):
            self.declare(application, offering, by, since=TODAY + 4 * ONE_DAY)
        self.declare(application, offering, by, since=TODAY + 5 * ONE_DAY)
        self.declare(application, offering, by, since=TODAY - ONE_DAY, until=TODAY)

        assert Dependency.objects.count() == 3

    def test_another_role_or_way_is_another_dependency(self, by):
        application, offering = make_application(), make_offering()
        gateway = make_provider("proxy", roles=("gateway",))
        self.declare(application, offering, by)

        self.declare(application, offering, by, role="judge")
        self.declare(application, offering, by, facts={"reached": "gateway", "via_party": gateway})

        assert Dependency.objects.count() == 3

    def test_a_retired_application_uses_nothing(self, by):
        with pytest.raises(ConflictError, match="retired"):
            self.declare(make_application(status="retired"), make_offering(), by)


class TestCorrecting:
    def test_amounts_change_and_are_in_the_history(self, by):
        dependency = make_dependency(make_application(), make_offering())

        change_dependency(
            dependency=dependency, facts={"monthly_input_tokens": 5}, by=by, reason="meter"
        )

        assert reasons(dependency) == [("update", "eve", "meter")]

    def test_a_share_above_one_is_kept_as_declared_and_a_negative_one_refused(self, by):
        dependency = make_dependency(make_application(), make_offering())
        change_dependency(dependency=dependency, facts={"traffic_share": Decimal("1.1")}, by=by)

        with pytest.raises(ValidationError, match="0 or more"):
            change_dependency(
                dependency=dependency, facts={"traffic_share": Decimal("-0.1")}, by=by
            )

        dependency.refresh_from_db()
        assert dependency.traffic_share == Decimal("1.1")


class TestEnding:
    def test_the_end_may_move_earlier_and_not_later(self, by):
        dependency = make_dependency(make_application(), make_offering())
        end_dependency(dependency=dependency, on=TODAY, by=by)
        end_dependency(dependency=dependency, on=TODAY - ONE_DAY, by=by)

        with pytest.raises(ConflictError, match="ended"):
            end_dependency(dependency=dependency, on=TODAY, by=by)

        dependency.refresh_from_db()
        assert dependency.until == TODAY - ONE_DAY

    def test_the_same_end_twice_is_written_once(self, by):
        dependency = make_dependency(make_application(), make_offering())
        end_dependency(dependency=dependency, on=TODAY, by=by)
        before = dependency.history.count()

        end_dependency(dependency=dependency, on=TODAY, by=by)

        assert dependency.history.count() == before

    def test_not_before_it_began(self, by):
        dependency = make_dependency(make_application(), make_offering(), since=TODAY)

        with pytest.raises(ConflictError, match="In use since"):
            end_dependency(dependency=dependency, on=TODAY, by=by)


class TestReplacing:
    def test_one_ends_and_another_begins_the_same_day(self, by):
        old = make_dependency(
            make_application(),
            make_offering(),
            "fallback",
            fallback_order=2,
            monthly_spend=Decimal(9),
            tags=["a"],
        )
        successor = make_offering()

        new = replace_offering(dependency=old, successor=successor, on=TODAY, by=by)

        old.refresh_from_db()
        assert (old.until, new.since, new.until) == (TODAY, TODAY, None)
        assert (new.role, new.fallback_order, new.tags, new.offering) == (
            "fallback",
            2,
            ["a"],
            successor,
        )
        # measured on the old offering
        assert new.monthly_spend is None

    def test_the_reliance_that_was_entered_goes_along_with_the_exit_plan(self, by):
        old = make_dependency(make_application(), make_offering())
        set_exit_plan(dependency=old, facts={"reliance": "full", "target": make_offering()}, by=by)

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        assert new.exit_plan.reliance == "full"

    def test_how_the_old_offering_was_called_stays_with_it(self, by):
        old = make_dependency(make_application(), make_offering(), binding="pinned")

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        assert (old.binding, new.binding) == ("pinned", "unknown")

    def test_by_itself_it_is_refused(self, by):
        old = make_dependency(make_application(), make_offering())

        with pytest.raises(ConflictError, match="already uses this offering"):
            replace_offering(dependency=old, successor=old.offering, on=TODAY, by=by)

    def test_by_what_the_application_uses_already_it_is_refused_and_nothing_changes(self, by):
        application, successor = make_application(), make_offering()
        old = make_dependency(application, make_offering())
        make_dependency(application, successor)

        with pytest.raises(ConflictError, match="already uses"):
            replace_offering(dependency=old, successor=successor, on=TODAY, by=by)

        old.refresh_from_db()
        assert old.until is None

    def test_an_end_that_was_planned_goes_along(self, by):
        old = make_dependency(make_application(), make_offering(), until=TODAY + 9 * ONE_DAY)

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        assert new.until == TODAY + 9 * ONE_DAY


class TestReading:
    def test_a_person_sees_the_own_teams_gravest_first(self):
        team = make_team()
        low, grave = (
            make_application(team=team, criticality=3),
            make_application(team=team, criticality=0),
        )
        make_application()

        assert list(visible_applications(user=make_member(team, TeamRole.VIEWER))) == [grave, low]

    def test_editable_teams_need_an_editor(self):
        team = make_team()

        assert list(editable_teams(user=make_member(team, TeamRole.EDITOR))) == [team]
        assert list(editable_teams(user=make_member(team, TeamRole.VIEWER))) == []
        assert list(editable_teams(user=make_user(role="auditor"))) == []
        assert list(editable_teams(user=make_user(role="governance"))) == [team]

    def test_the_history_of_an_application_has_ended_rows_too(self):
        application = make_application()
        old = make_dependency(application, make_offering(), until=TODAY)
        new = make_dependency(application, make_offering(), since=TODAY)

        assert list(dependency_history(application=application)) == [new, old]


@pytest.mark.parametrize(
    "wrong",
    [{"until": TODAY, "since": TODAY}, {"traffic_share": "-0.01"}, {"reached": "gateway"}],
)
def test_the_database_refuses_what_cannot_be(wrong):
    application, offering = make_application(), make_offering()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_dependency(application, offering, **wrong)


def test_the_database_refuses_a_party_on_a_direct_call():
    application, offering, party = make_application(), make_offering(), make_provider()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_dependency(application, offering, via_party=party)
