"""Confirming, reopening, replacing with what goes along, bringing back; and what is never
accepted."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from apps.common.errors import ConflictError
from apps.inventory.actions.applications import (
    change_application,
    reactivate_application,
    register_application,
    retire_application,
)
from apps.inventory.actions.dependencies import (
    change_dependency,
    confirm_dependency,
    declare_dependency,
    end_dependency,
    reopen_dependency,
    replace_offering,
)
from apps.inventory.actions.exits import set_exit_plan
from apps.inventory.models import Application, Dependency, ExitPlan
from tests.builders import (
    TODAY,
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)
NEVER = date(9999, 12, 31)


@pytest.fixture
def by():
    return make_user("eve", role="governance")


class TestConfirming:
    def test_what_was_observed_is_declared_from_then_on(self, by):
        dependency = make_dependency(make_application(), make_offering(), origin="observed")

        confirmed = confirm_dependency(dependency=dependency, on=TODAY, by=by)

        assert (confirmed.origin, confirmed.confirmed_on) == ("declared", TODAY)

    def test_twice_the_same_day_is_once(self, by):
        dependency = make_dependency(make_application(), make_offering(), origin="observed")
        confirm_dependency(dependency=dependency, on=TODAY, by=by)
        before = dependency.history.count()

        confirm_dependency(dependency=dependency, on=TODAY, by=by)

        assert dependency.history.count() == before

    def test_what_has_ended_or_not_begun_is_refused(self, by):
        ended = make_dependency(make_application(), make_offering(), until=TODAY)
        coming = make_dependency(make_application(), make_offering(), since=TODAY + ONE_DAY)

        with pytest.raises(ConflictError, match="ended on"):
            confirm_dependency(dependency=ended, on=TODAY, by=by)
        with pytest.raises(ConflictError, match="In use since"):
            confirm_dependency(dependency=coming, on=TODAY, by=by)


class TestReopening:
    def test_the_end_is_taken_back_or_moved_later(self, by):
        dependency = make_dependency(make_application(), make_offering(), until=TODAY)

        assert (
            reopen_dependency(dependency=dependency, until=TODAY + ONE_DAY, by=by).until
            == TODAY + ONE_DAY
        )
        assert reopen_dependency(dependency=dependency, by=by).until is None

    def test_not_without_an_end_nor_to_an_earlier_day(self, by):
        with pytest.raises(ConflictError, match="does not have an end date"):
            reopen_dependency(
                dependency=make_dependency(make_application(), make_offering()), by=by
            )
        with pytest.raises(ConflictError, match="later date"):
            reopen_dependency(
                dependency=make_dependency(make_application(), make_offering(), until=TODAY),
                until=TODAY,
                by=by,
            )

    def test_not_where_it_was_declared_anew_nor_where_the_application_is_retired(self, by):
        application, offering = make_application(), make_offering()
        old = make_dependency(application, offering, until=TODAY)
        make_dependency(application, offering, since=TODAY)
        retired = make_dependency(make_application(status="retired"), make_offering(), until=TODAY)

        with pytest.raises(ConflictError, match="declared again later"):
            reopen_dependency(dependency=old, by=by)
        with pytest.raises(ConflictError, match="retired"):
            reopen_dependency(dependency=retired, by=by)


class TestReplacing:
    def test_adaptations_go_along_as_far_as_they_move(self, by):
        old = make_dependency(make_application(), make_offering("old-model"))
        make_adaptation(old, "prompt", name="p", moves="portable", invested_days=3)
        make_adaptation(old, "fine_tune", name="f", moves="re_run", invested_cost=900)
        make_adaptation(old, "retrieval", name="r", note="mind the index")

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        prompt, tuned, retrieval = new.adaptations.order_by("pk")
        assert (prompt.name, prompt.invested_days, prompt.note) == ("p", 3, "")
        assert (tuned.moves, tuned.invested_cost) == ("re_run", None)
        assert tuned.note == "Must be re-run: made for old-model, used until 2026-11-24."
        assert retrieval.note.startswith("mind the index\nReuse unknown")
        assert old.adaptations.count() == 3

    def test_the_exit_plan_goes_along_unless_it_has_been_carried_out(self, by):
        successor = make_offering()
        carried_out, other = (
            make_dependency(make_application(), make_offering()) for _ in range(2)
        )
        make_exit_plan(carried_out, target=successor, estimated_days=9)
        make_exit_plan(other, target=make_offering(), estimated_days=9)

        first = replace_offering(dependency=carried_out, successor=successor, on=TODAY, by=by)
        second = replace_offering(dependency=other, successor=successor, on=TODAY, by=by)

        assert not ExitPlan.objects.filter(dependency=first).exists()
        assert second.exit_plan.estimated_days == 9

    def test_exit_tests_stay_with_what_they_were_made_from(self, by):
        old = make_dependency(make_application(), make_offering())
        make_exit_test(old, make_offering())

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        assert (old.exit_tests.count(), new.exit_tests.count()) == (1, 0)

    def test_tokens_of_every_kind_go_along_and_what_was_observed_does_not(self, by):
        old = make_dependency(
            make_application(),
            make_offering(),
            monthly_cache_read_tokens=7,
            monthly_requests=8,
            typical_request_tokens=9,
            confirmed_on=TODAY,
            last_observed_on=TODAY,
        )

        new = replace_offering(dependency=old, successor=make_offering(), on=TODAY, by=by)

        assert (
            new.monthly_cache_read_tokens,
            new.monthly_requests,
            new.typical_request_tokens,
        ) == (7, 8, 9)
        assert (new.confirmed_on, new.last_observed_on) == (None, None)

    def test_the_second_of_two_is_told_what_the_first_did(self, by):
        read_by_both = make_dependency(make_application(), make_offering())
        bob = make_user("bob", role="governance")
        stale = Dependency.objects.get(pk=read_by_both.pk)
        replace_offering(
            dependency=read_by_both,
            successor=make_offering("newest"),
            on=TODAY,
            by=bob,
            reason="cheaper",
        )

        with pytest.raises(ConflictError) as refusal:
            replace_offering(dependency=stale, successor=make_offering(), on=TODAY, by=by)

        assert str(refusal.value).startswith("bob changed it on ")
        assert "(cheaper). It was replaced by newest on " in str(refusal.value)
        assert Dependency.objects.count() == 2

    def test_the_second_is_also_told_of_a_change_that_leaves_offering_and_end_as_they_were(
        self, by
    ):
        read = make_dependency(make_application(), make_offering())
        moment = read.updated_at
        change_dependency(
            dependency=read,
            facts={"monthly_input_tokens": 5},
            by=make_user("bob", role="governance"),
        )

        for refused in (
            lambda: replace_offering(
                dependency=read,
                successor=make_offering(),
                on=TODAY,
                by=by,
                expected_updated_at=moment,
            ),
            lambda: end_dependency(dependency=read, on=TODAY, by=by, expected_updated_at=moment),
            lambda: change_dependency(dependency=read, facts={}, by=by, expected_updated_at=moment),
        ):
            with pytest.raises(ConflictError, match="bob changed it"):
                refused()


class TestBringingBack:
    def test_what_had_ended_begins_anew_and_the_gap_stays(self, by):
        application = make_application()
        used = make_dependency(application, make_offering())
        make_adaptation(used, "prompt", moves="rebuild", invested_days=4)
        planned = make_dependency(application, make_offering(), until=TODAY - ONE_DAY)
        retire_application(application=application, on=TODAY, by=by)

        reactivate_application(application=application, on=TODAY + 9 * ONE_DAY, by=by)

        rows = list(
            application.dependencies.order_by("pk").values_list("offering_id", "since", "until")
        )
        assert rows == [
            (used.offering_id, used.since, TODAY),
            (planned.offering_id, planned.since, TODAY - ONE_DAY),
            (used.offering_id, TODAY + 9 * ONE_DAY, None),
        ]
        # the same offering: what was built on it is still there
        assert application.dependencies.last().adaptations.get().invested_days == 4

    def test_what_was_entered_about_the_offering_and_the_way_to_leave_it_goes_on_after_the_gap(
        self, by
    ):
        application = make_application()
        used = make_dependency(
            application, make_offering(), binding="pinned", monthly_spend=Decimal(9)
        )
        set_exit_plan(dependency=used, facts={"reliance": "material"}, by=by)
        retire_application(application=application, on=TODAY, by=by)

        reactivate_application(application=application, on=TODAY + 9 * ONE_DAY, by=by)

        goes_on = application.dependencies.get(until=None)
        assert (goes_on.binding, goes_on.monthly_spend) == ("pinned", Decimal(9))
        assert goes_on.exit_plan.reliance == "material"

    def test_before_it_had_ended_the_same_row_goes_on(self, by):
        application = make_application()
        used = make_dependency(application, make_offering())
        retire_application(application=application, on=TODAY, by=by)

        reactivate_application(application=application, on=TODAY, status="pilot", by=by)

        application.refresh_from_db()
        used.refresh_from_db()
        assert (application.status, used.until, application.dependencies.count()) == (
            "pilot",
            None,
            1,
        )

    def test_without_its_dependencies_and_not_where_it_is_in_use(self, by):
        application = make_application()
        make_dependency(application, make_offering())
        with pytest.raises(ConflictError, match="not retired"):
            reactivate_application(application=application, on=TODAY, by=by)
        retire_application(application=application, on=TODAY, by=by)

        reactivate_application(application=application, on=TODAY, with_dependencies=False, by=by)

        assert application.dependencies.get().until == TODAY


class TestNeverAccepted:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"monthly_spend": Decimal(-1)},
            {"users_affected": -1},
            {"rto_hours": -1},
            {"rpo_hours": -1},
            {"next_review_on": NEVER},
            {"criticality": 9},
        ],
    )
    def test_of_an_application(self, by, wrong):
        with pytest.raises(ValidationError):
            register_application(name="X", team=make_team(), facts=wrong, by=by)
        with pytest.raises(ValidationError):
            change_application(application=make_application(), facts=wrong, by=by)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"monthly_input_tokens": -1},
            {"monthly_output_tokens": -1},
            {"monthly_cache_read_tokens": -1},
            {"monthly_cache_write_tokens": -1},
            {"monthly_requests": -1},
            {"typical_request_tokens": -1},
            {"monthly_spend": Decimal(-1)},
            {"traffic_share": Decimal(-1)},
            {"fallback_order": -1},
            {"binding": "glue"},
            {"reached": "gateway"},
        ],
    )
    def test_of_a_dependency(self, by, wrong):
        with pytest.raises(ValidationError):
            declare_dependency(
                application=make_application(),
                offering=make_offering(),
                since=TODAY,
                facts=wrong,
                by=by,
            )
        with pytest.raises(ValidationError):
            change_dependency(
                dependency=make_dependency(make_application(), make_offering()), facts=wrong, by=by
            )

    def test_a_day_that_is_none(self, by):
        application, offering = make_application(), make_offering()
        dependency = make_dependency(application, offering)

        for refused in (
            lambda: declare_dependency(
                application=application, offering=make_offering(), since=NEVER, by=by
            ),
            lambda: declare_dependency(
                application=application, offering=make_offering(), since=TODAY, until=NEVER, by=by
            ),
            lambda: end_dependency(dependency=dependency, on=NEVER, by=by),
            lambda: confirm_dependency(dependency=dependency, on=NEVER, by=by),
            lambda: replace_offering(
                dependency=dependency, successor=make_offering(), on=NEVER, by=by
            ),
            lambda: retire_application(application=application, on=NEVER, by=by),
        ):
            with pytest.raises(ValidationError, match="out of range"):
                refused()
        assert Dependency.objects.count() == 1
        assert Application.objects.get().status == "production"

    def test_the_way_it_is_reached_does_not_make_two_rows_the_same(self, by):
        application, offering = make_application(), make_offering()
        gateway = make_provider("proxy", roles=("gateway",))
        make_dependency(application, offering)
        proxied = make_dependency(application, offering, reached="gateway", via_party=gateway)

        with pytest.raises(ConflictError, match="declared for the same use"):
            change_dependency(
                dependency=proxied, facts={"reached": "direct", "via_party": None}, by=by
            )
