"""Adaptations, exit plans and exit tests: what is stored, what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from apps.common.errors import ConflictError
from apps.inventory.actions.exits import (
    add_adaptation,
    change_adaptation,
    correct_exit_test,
    record_exit_test,
    remove_adaptation,
    remove_exit_plan,
    set_exit_plan,
)
from apps.inventory.models import Adaptation, ExitPlan
from tests.builders import TODAY, make_application, make_dependency, make_offering, make_user
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return make_user("eve", role="governance")


@pytest.fixture
@kept_world
def dependency():
    return make_dependency(make_application(), make_offering())


def history_of(model):
    return model.history.rel.related_model.objects.order_by("pgh_id")


class TestAdaptations:
    def test_added_changed_and_removed_with_person_and_reason(self, by, dependency):
        adaptation = add_adaptation(
            dependency=dependency, kind="prompt", by=by, facts={"moves": "portable"}
        )
        change_adaptation(
            adaptation=adaptation, facts={"invested_days": 3}, by=by, reason="counted"
        )
        remove_adaptation(adaptation=adaptation, by=by, reason="gone")

        told = [
            (row.pgh_label, row.pgh_context.metadata["reason"]) for row in history_of(Adaptation)
        ]
        assert told == [("insert", "adaptation added"), ("update", "counted"), ("delete", "gone")]

    def test_nothing_is_written_where_nothing_differs(self, by, dependency):
        adaptation = add_adaptation(dependency=dependency, kind="prompt", by=by)

        change_adaptation(adaptation=adaptation, facts={"kind": "prompt"}, by=by)

        assert history_of(Adaptation).count() == 1

    @pytest.mark.parametrize(
        "wrong", [{"invested_days": -1}, {"invested_cost": -1}, {"moves": "flies"}]
    )
    def test_what_cannot_be_is_refused(self, by, dependency, wrong):
        with pytest.raises(ValidationError):
            add_adaptation(dependency=dependency, kind="prompt", facts=wrong, by=by)


class TestPlans:
    def test_there_is_one_and_it_is_changed(self, by, dependency):
        set_exit_plan(dependency=dependency, facts={"estimated_days": 5}, by=by)
        set_exit_plan(dependency=dependency, facts={"blockers": "none"}, by=by)
        set_exit_plan(dependency=dependency, facts={"blockers": "none"}, by=by)

        plan = ExitPlan.objects.get()
        assert (plan.estimated_days, plan.blockers, history_of(ExitPlan).count()) == (5, "none", 2)

    def test_to_where_it_is_already_is_no_plan(self, by, dependency):
        with pytest.raises(ConflictError, match="offering in use today"):
            set_exit_plan(dependency=dependency, facts={"target": dependency.offering}, by=by)

    def test_why_it_is_hard_has_to_be_said(self, by, dependency):
        with pytest.raises(ValidationError, match="why it is hard"):
            set_exit_plan(dependency=dependency, facts={"substitutability": "not"}, by=by)

    def test_one_that_no_longer_holds_is_removed(self, by, dependency):
        remove_exit_plan(plan=set_exit_plan(dependency=dependency, facts={}, by=by), by=by)

        assert not ExitPlan.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [{"estimated_days": -1}, {"next_test_on": date(9999, 12, 31)}]
    )
    def test_what_cannot_be_is_refused(self, by, dependency, wrong):
        with pytest.raises(ValidationError):
            set_exit_plan(dependency=dependency, facts=wrong, by=by)


class TestTests:
    def record(self, dependency, by, **facts):
        target = facts.pop("target", None) or make_offering()
        return record_exit_test(
            dependency=dependency,
            target=target,
            tested_on=facts.pop("tested_on", TODAY),
            result="passed",
            facts=facts,
            by=by,
        )

    def test_who_recorded_it_and_which_version_answered_are_kept(self, by, dependency):
        target = make_offering()

        test = self.record(dependency, by, target=target, effort_days=Decimal("3.5"))

        assert (test.recorded_by, test.tested_version, test.effort_days) == (
            by,
            target.version,
            Decimal("3.5"),
        )

    def test_of_a_moving_name_nobody_guesses_the_version(self, by, dependency):
        assert (
            self.record(dependency, by, target=make_offering(binding="alias")).tested_version
            is None
        )

    def test_one_is_corrected(self, by, dependency):
        test = self.record(dependency, by)

        corrected = correct_exit_test(
            exit_test=test, facts={"result": "failed"}, by=by, reason="wrong log"
        )

        assert corrected.result == "failed"

    def test_leaving_to_where_it_is_already_tests_nothing(self, by, dependency):
        with pytest.raises(ConflictError, match="offering in use today"):
            self.record(dependency, by, target=dependency.offering)
        with pytest.raises(ConflictError, match="offering in use today"):
            correct_exit_test(
                exit_test=self.record(dependency, by), facts={"target": dependency.offering}, by=by
            )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"effort_days": -1},
            {"cost": -1},
            {"expires_on": TODAY},
            {"expires_on": date(9999, 12, 31)},
            {"tested_on": TODAY + timedelta(days=10**6)},
        ],
    )
    def test_what_cannot_be_is_refused(self, by, dependency, wrong):
        with pytest.raises(ValidationError):
            self.record(dependency, by, **wrong)
