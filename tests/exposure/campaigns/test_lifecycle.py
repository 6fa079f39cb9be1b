"""Opening a campaign: what it takes in, who is to do it, by when, and that doing it twice changes
nothing."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.exposure.campaigns.lifecycle import (
    change_campaign,
    close_campaign,
    extend_campaign,
    open_campaign,
    reopen_campaign,
    reschedule_campaign,
)
from apps.exposure.campaigns.reach import task_dates
from apps.exposure.models import Campaign, CampaignTask, TaskTiming, TaskTimingKind
from apps.exposure.queries.dependents import retiring_dependencies
from apps.inventory.actions.applications import retire_application
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_offering,
    make_provider,
    make_team,
)
from tests.exposure.campaigns.payments_team import END, PaymentsTeam, adapt, make_ending

pytestmark = pytest.mark.django_db


def kinds(task):
    return list(task.steps.order_by("place", "pk").values_list("kind", flat=True))


class TestWhatItTakesIn:
    def test_one_task_for_every_affected_dependency_in_whatever_role(self, payments):
        fallback = payments.stand("Search", role="fallback", fallback_order=1)
        elsewhere = payments.stand("Elsewhere", on=make_offering())
        over = payments.stand("Over", until=TODAY)

        campaign = payments.open()

        assert set(campaign.tasks.values_list("dependency", flat=True)) == {
            payments.dependency.pk,
            fallback.pk,
        }
        assert not {elsewhere.pk, over.pk} & set(
            campaign.tasks.values_list("dependency", flat=True)
        )

    def test_by_hand_it_takes_in_all_that_goes_down_with_the_offering(self, payments):
        sibling = make_offering(
            "old-latest", host=payments.ending.host, version=payments.ending.version
        )
        elsewhere = make_offering(
            "old-elsewhere", host=make_provider("other-host"), version=payments.ending.version
        )
        beside = payments.stand("Beside", on=sibling)
        payments.stand("Safe", on=elsewhere)

        campaign = payments.open(offering=payments.ending)

        assert set(campaign.tasks.values_list("dependency", flat=True)) == {
            payments.dependency.pk,
            beside.pk,
        }

    def test_the_end_of_a_moving_name_does_not_take_the_release_with_it(self, payments):
        moving = make_offering(
            "latest", host=payments.ending.host, version=payments.ending.version, binding="alias"
        )

        assert not retiring_dependencies(offering_ids=[moving.pk], on=TODAY).exists()

    def test_what_already_is_on_the_target_has_nothing_to_move(self, payments):
        target = make_offering(
            "sibling", host=payments.ending.host, version=payments.ending.version
        )
        payments.stand("Moved", on=target)

        campaign = payments.open(target=target)

        assert [task.dependency_id for task in campaign.tasks.all()] == [payments.dependency.pk]

    def test_without_a_target_it_is_what_the_host_names_as_replacement(self, payments):
        payments.ending.replacement = payments.target
        payments.ending.save()

        assert payments.open(target=None).target == payments.target

    @pytest.mark.parametrize("given", [{}, {"event": True, "offering": True}])
    def test_it_begins_with_an_event_or_an_offering(self, payments, given):
        given = {"event": payments.event, "offering": payments.ending} if given else {}

        with pytest.raises(ConflictError, match="either an event, an offering or an announced"):
            open_campaign(by=payments.governance, at=NOW, **given)

    def test_where_nothing_stands_it_is_refused_and_nothing_stays(self, payments):
        with pytest.raises(ConflictError, match="nothing to migrate"):
            payments.open(event=make_event(make_ending("unused", host=make_provider("third-host"))))

        assert Campaign.objects.count() == 0

    def test_it_does_not_move_to_where_it_moves_from(self, payments):
        with pytest.raises(ConflictError, match="offering to migrate from"):
            payments.open(target=payments.ending)


class TestTwice:
    def test_opening_twice_gives_the_same_and_changes_nothing(self, payments):
        first = payments.open()
        before = list(CampaignTask.objects.values_list("pk", "updated_at"))

        assert payments.open(title="another") == first
        assert list(CampaignTask.objects.values_list("pk", "updated_at")) == before

    def test_the_same_holds_for_one_opened_by_offering(self, payments):
        assert payments.open(offering=payments.ending) == payments.open(offering=payments.ending)

    def test_newly_affected_ones_join_and_only_those(self, payments):
        campaign = payments.open()
        late = payments.stand("Late")

        assert extend_campaign(campaign=campaign, at=NOW, job="test") == 1
        assert extend_campaign(campaign=campaign, at=NOW, job="test") == 0
        assert kinds(campaign.tasks.get(dependency=late))

    def test_an_adaptation_recorded_later_brings_its_step_once(self, payments):
        task = payments.task()
        adapt(payments.dependency, "prompt", "triage")

        for _ in range(2):
            extend_campaign(campaign=task.campaign, at=NOW, by=payments.governance)

        assert kinds(task).count("retest_prompt") == 1

    def test_a_closed_one_takes_nothing_in(self, payments):
        campaign = close_campaign(
            campaign=payments.open(), at=NOW, by=payments.governance, closing_note="given up"
        )

        with pytest.raises(ConflictError, match="closed"):
            extend_campaign(campaign=campaign, at=NOW, by=payments.governance)

    def test_an_obsolete_task_is_taken_up_again_when_the_dependency_is_back(self, payments):
        task = payments.task()
        CampaignTask.objects.update(state="obsolete")

        assert extend_campaign(campaign=task.campaign, at=NOW, by=payments.governance) == 1
        task.refresh_from_db()
        assert task.state == "open"


class TestSteps:
    def test_five_things_are_always_to_be_done(self, payments):
        adapt(payments.dependency, "prompt")

        always = {"choose_target", "own_evaluation", "update_exit", "switch", "watch"}

        assert set(kinds(payments.task())) == always | {"retest_prompt"}

    @pytest.mark.parametrize(
        ("adaptation", "steps"),
        [
            ("prompt", ["retest_prompt"]),
            ("few_shot", ["recheck_few_shot"]),
            ("fine_tune", ["rerun_fine_tune", "evaluate_fine_tune"]),
            ("retrieval", ["rebuild_retrieval"]),
            ("agentic_tools", ["retest_tools"]),
        ],
    )
    def test_every_adaptation_brings_its_own(self, payments, adaptation, steps):
        made = adapt(payments.dependency, adaptation, "the thing")

        found = payments.task().steps.filter(adaptation=made)

        assert [step.kind for step in found] == steps
        assert all(step.title.endswith(": the thing") for step in found)

    def test_each_of_two_prompts_has_its_own_step(self, payments):
        adapt(payments.dependency, "prompt", "one")
        adapt(payments.dependency, "prompt", "two")

        assert kinds(payments.task()).count("retest_prompt") == 2

    def test_where_no_adaptation_is_on_record_somebody_is_asked_to_write_them_down(self, payments):
        step = payments.task().steps.get(kind="record_adaptations")

        assert not step.required

    def test_an_embedding_role_has_its_vectors_built_anew(self, payments):
        embedding = payments.stand("Search", role="embedding")

        campaign = payments.open()

        assert "rebuild_vectors" in kinds(campaign.tasks.get(dependency=embedding))
        assert "rebuild_vectors" not in kinds(campaign.tasks.get(dependency=payments.dependency))

    def test_where_the_subject_only_changes_nobody_has_to_leave(self, payments):
        event = make_event(payments.ending, "alias_moved", new="x", effective_on=None)

        steps = {
            step.kind: step.required for step in payments.task(event=event, target=None).steps.all()
        }

        assert (steps["own_evaluation"], steps["choose_target"], steps["switch"]) == (
            True,
            False,
            False,
        )


class TestOwner:
    def test_the_owner_of_the_team_owns_the_task(self, payments):
        assert payments.task().owner == payments.owner

    def test_where_the_team_has_none_it_is_the_nearest_above(self, payments):
        division = make_team("Division")
        boss = make_member(division, TeamRole.OWNER)
        below = make_team("Below", parent=division)
        make_member(below, TeamRole.EDITOR)
        dependency = payments.stand("Under", team=below)

        assert payments.open().tasks.get(dependency=dependency).owner == boss

    def test_nobody_owns_it_where_there_is_no_owner(self, payments):
        gone = make_member(team := make_team("Lone"), TeamRole.OWNER)
        gone.is_active = False
        gone.save()
        dependency = payments.stand("Alone", team=team)

        assert payments.open().tasks.get(dependency=dependency).owner is None


class TestDates:
    def dates(self, payments, **given):
        task = payments.task(**given)
        return task.start_by, task.finish_by

    def test_a_task_finishes_before_the_margin_and_starts_before_its_effort(self, payments):
        task = payments.task()

        finish_by = END - timedelta(days=14)
        assert (task.start_by, task.finish_by) == (finish_by - timedelta(days=30), finish_by)
        assert task.scheduled_on == TODAY
        assert (
            task_dates(tasks=[task.pk])[task.pk].basis,
            task_dates(tasks=[task.pk])[task.pk].ends_on,
        ) == (
            "assumed",
            END,
        )

    def test_an_estimate_counts_before_the_usual(self, payments):
        make_exit_plan(payments.dependency, estimated_days="10.5")

        start_by, finish_by = self.dates(payments)
        assert finish_by == END - timedelta(days=14)
        assert start_by == finish_by - timedelta(days=11)

    def test_what_a_test_measured_counts_before_an_estimate(self, payments):
        make_exit_plan(payments.dependency, estimated_days="10")
        for target, days in ((payments.target, "40"), (make_offering(), "5")):
            make_exit_test(payments.dependency, target, effort_days=days)

        task = payments.task()

        assert task.start_by == END - timedelta(days=40 + 14)
        assert task_dates(tasks=[task.pk])[task.pk].effort_days == Decimal(40)

    def test_a_failed_test_measured_nothing(self, payments):
        make_exit_test(payments.dependency, payments.target, result="failed", effort_days="1")

        assert self.dates(payments)[0] == END - timedelta(days=30 + 14)

    def test_a_task_is_never_overdue_when_it_is_made(self, payments):
        payments.ending.retires_on = TODAY + timedelta(days=5)
        payments.ending.save()

        task = payments.task()

        assert task.finish_by == TODAY - timedelta(days=9)
        assert task.timing(TODAY) == TaskTiming(TaskTimingKind.TOO_LATE, 39)
        assert not CampaignTask.objects.overdue(TODAY).exists()
        assert list(CampaignTask.objects.too_late(TODAY)) == [task]

    def test_the_campaign_s_own_day_is_the_latest_finish(self, payments):
        day = date(2027, 1, 1)
        assert self.dates(payments, due_on=day) == (day - timedelta(days=30), day)

    def test_without_any_end_there_is_no_day(self, payments):
        type(payments.ending).objects.update(retires_on=None, date_kind="")

        assert self.dates(payments, offering=payments.ending) == (None, None)

    def test_dates_follow_a_moved_end_when_somebody_says_so(self, payments):
        task = payments.task()
        type(payments.ending).objects.filter(pk=payments.ending.pk).update(
            retires_on=date(2027, 3, 31)
        )

        assert reschedule_campaign(campaign=task.campaign, at=NOW, by=payments.governance) == 1
        task.refresh_from_db()
        assert task.finish_by == date(2027, 3, 31) - timedelta(days=14)
        assert task.start_by == date(2027, 3, 31) - timedelta(days=44)
        assert reschedule_campaign(campaign=task.campaign, at=NOW, by=payments.governance) == 0


class TestTiming:
    """Start on day 10, finish on day 20; made on day 0, or on day 30."""

    DAY = date(2027, 3, 1)

    @pytest.mark.parametrize(
        ("state", "today", "made", "kind", "days"),
        [
            ("open", 10, 0, "on_time", 0),
            ("open", 11, 0, "too_late", 1),
            ("in_progress", 15, 0, "on_time", 0),
            ("in_progress", 20, 0, "on_time", 0),
            ("ready", 23, 0, "overdue", 3),
            ("open", 23, 0, "overdue", 3),
            ("open", 30, 30, "too_late", 20),
            ("in_progress", 35, 30, "too_late", 25),
            ("waived", 35, 0, None, 0),
        ],
    )
    def test_python_and_the_database_agree(self, payments, state, today, made, kind, days):
        task = payments.task()
        CampaignTask.objects.filter(pk=task.pk).update(
            state=state,
            start_by=self.DAY + timedelta(days=10),
            finish_by=self.DAY + timedelta(days=20),
            scheduled_on=self.DAY + timedelta(days=made),
            waived_by=payments.owner,
            waived_until=END,
            waived_reason="later",
        )
        task.refresh_from_db()
        on = self.DAY + timedelta(days=today)

        timing = task.timing(on)

        assert timing == (None if kind is None else TaskTiming(TaskTimingKind(kind), days))
        assert CampaignTask.objects.overdue(on).exists() == (kind == "overdue")
        assert CampaignTask.objects.too_late(on).exists() == (kind == "too_late")


class TestClosing:
    def test_with_work_left_it_wants_to_know_why(self, payments):
        campaign = payments.open()

        with pytest.raises(ConflictError, match="1 task is unfinished or deferred"):
            close_campaign(campaign=campaign, at=NOW, by=payments.governance)

    def test_closed_and_opened_again_it_is_as_before(self, payments):
        campaign = close_campaign(
            campaign=payments.open(), at=NOW, by=payments.governance, closing_note="paused"
        )

        campaign = reopen_campaign(campaign=campaign, by=payments.governance, reason="it goes on")

        assert (campaign.state, campaign.closed_at, campaign.tasks.count()) == ("open", None, 1)

    def test_it_is_not_opened_again_beside_another_one(self, payments):
        closed = close_campaign(
            campaign=payments.open(), at=NOW, by=payments.governance, closing_note="paused"
        )
        payments.open()

        with pytest.raises(ConflictError, match="Another campaign"):
            reopen_campaign(campaign=closed, by=payments.governance, reason="again")

    def test_a_change_is_in_the_history_with_who_and_why(self, payments):
        change_campaign(
            campaign=payments.open(), by=payments.governance, title="Spring", reason="a better name"
        )

        latest = Campaign.history.rel.related_model.objects.order_by("pgh_id").last()

        assert latest.title == "Spring"
        assert latest.pgh_context.metadata["reason"] == "a better name"
        assert latest.pgh_context.metadata["actor"] == payments.governance.username


def test_opening_costs_the_same_statements_for_one_and_for_many(payments):
    def statements(payments):
        with CaptureQueriesContext(connection) as counted:
            payments.open()
        return len(counted)

    crowded = PaymentsTeam()
    for number in range(30):
        adapt(crowded.stand(f"More {number}"), "fine_tune")

    assert statements(payments) == statements(crowded)
    assert CampaignTask.objects.count() == 32


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_open_it_at_once_both_get_the_same():
    payments = PaymentsTeam()
    barrier, found = Barrier(2), []

    def run():
        barrier.wait()
        try:
            found.append(payments.open().pk)
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == Campaign.objects.count() == CampaignTask.objects.count() == 1


def test_a_retired_application_is_not_taken_in(payments):
    retire_application(
        application=payments.stand("Gone").application, on=TODAY, by=payments.governance
    )

    assert payments.open().tasks.count() == 1


def test_the_dependency_of_a_proposed_application_is_not_taken_in(payments):
    make_dependency(make_application(team=payments.team, status="proposed"), payments.ending)

    assert payments.open().tasks.count() == 1
