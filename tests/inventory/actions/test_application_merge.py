"""Two records of one application become one, and can be parted again."""

from datetime import timedelta

import pytest

from apps.common.errors import ConflictError
from apps.inventory.actions.application_merge import merge_applications
from apps.inventory.actions.applications import change_application, reactivate_application
from apps.inventory.models import Application, Dependency
from tests.builders import (
    TODAY,
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_offering,
    make_user,
)

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
def by():
    return make_user("eve", role="governance")


def rows_of(application):
    return list(
        application.dependencies.order_by("pk").values_list("offering_id", "since", "until")
    )


class TestMerging:
    def test_what_the_duplicate_uses_moves_and_it_is_retired(self, by):
        kept, duplicate = make_application(), make_application()
        own = make_dependency(kept, make_offering())
        theirs = make_dependency(duplicate, make_offering())
        ended = make_dependency(duplicate, make_offering(), until=TODAY - ONE_DAY)

        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        duplicate.refresh_from_db()
        assert (duplicate.status, duplicate.merged_into) == ("retired", kept)
        assert {row.pk for row in kept.dependencies.all()} == {own.pk, theirs.pk, ended.pk}
        assert Dependency.objects.get(pk=theirs.pk).until is None

    def test_the_same_use_is_not_doubled_and_what_hangs_on_it_moves(self, by):
        kept, duplicate, offering = make_application(), make_application(), make_offering()
        own = make_dependency(kept, offering, monthly_input_tokens=5)
        theirs = make_dependency(
            duplicate, offering, monthly_input_tokens=7, monthly_output_tokens=8
        )
        make_exit_plan(theirs, estimated_days=3)
        make_exit_test(theirs, make_offering())
        make_adaptation(own, "prompt", name="same")
        make_adaptation(theirs, "prompt", name="same")
        make_adaptation(theirs, "prompt", name="other")

        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        own.refresh_from_db()
        assert rows_of(kept) == [(offering.pk, own.since, None)]
        assert rows_of(duplicate) == [(offering.pk, theirs.since, TODAY)]
        assert (own.monthly_input_tokens, own.monthly_output_tokens) == (5, 8)
        assert (own.exit_plan.estimated_days, own.exit_tests.count()) == (3, 1)
        assert list(own.adaptations.order_by("name").values_list("name", flat=True)) == [
            "other",
            "same",
        ]

    def test_the_kept_row_learns_tags_and_binding_that_it_did_not_know(self, by):
        kept, duplicate, offering = make_application(), make_application(), make_offering()
        own = make_dependency(kept, offering)
        make_dependency(duplicate, offering, tags=["letters"], binding="pinned")

        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        own.refresh_from_db()
        assert (own.tags, own.binding) == (["letters"], "pinned")

    def test_a_plan_that_is_there_stays(self, by):
        kept, duplicate, offering = make_application(), make_application(), make_offering()
        for application, days in ((kept, 1), (duplicate, 2)):
            make_exit_plan(make_dependency(application, offering), estimated_days=days)

        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        assert kept.dependencies.get().exit_plan.estimated_days == 1

    def test_a_use_that_goes_on_after_the_kept_row_ended_is_not_lost(self, by):
        kept, duplicate, offering = make_application(), make_application(), make_offering()
        own = make_dependency(kept, offering, until=TODAY - 30 * ONE_DAY)
        make_dependency(duplicate, offering)

        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        assert rows_of(kept) == [
            (offering.pk, own.since, own.until),
            (offering.pk, own.until, None),
        ]

    def test_not_with_itself_a_retired_one_or_twice(self, by):
        kept, duplicate, retired = (
            make_application(),
            make_application(),
            make_application(status="retired"),
        )
        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        for kept_one, duplicate_one, why in (
            (kept, kept, "merged with itself"),
            (retired, kept, "is retired"),
            (kept, duplicate, "already merged"),
            (duplicate, kept, "is retired"),
        ):
            with pytest.raises(ConflictError, match=why):
                merge_applications(survivor=kept_one, duplicate=duplicate_one, on=TODAY, by=by)

    def test_the_merged_one_comes_back_only_by_undoing(self, by):
        kept, duplicate = make_application(), make_application()
        merge_applications(survivor=kept, duplicate=duplicate, on=TODAY, by=by)

        with pytest.raises(ConflictError, match="Undo the merge"):
            reactivate_application(application=duplicate, on=TODAY, by=by)
        with pytest.raises(ConflictError, match="Undo the merge"):
            change_application(application=duplicate, facts={"status": "production"}, by=by)

    def test_all_of_it_is_one_change_of_the_history(self, by):
        kept, duplicate, offering = make_application(), make_application(), make_offering()
        make_dependency(kept, offering)
        make_dependency(duplicate, offering)
        make_dependency(duplicate, make_offering())

        merge_applications(
            survivor=kept, duplicate=duplicate, on=TODAY, by=by, reason="found twice"
        )

        contexts = {
            entry.pgh_context_id
            for model in (Application, Dependency)
            for entry in model.history.rel.related_model.objects.filter(pgh_label="update")
        }
        assert len(contexts) == 1
