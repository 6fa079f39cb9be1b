"""Opening a campaign: what it takes in, who is to do it, by when, and that doing it twice changes nothing."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.exposure.campaigns.opening import (
    change_campaign,
    close_campaign,
    extend_campaign,
    open_campaign,
    reopen_campaign,
    reschedule_campaign,
)
from apps.exposure.campaigns.reach import dependencies_on, dues
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.actions import RefusedChange, retire_application
from apps.inventory.models import ExitPlan, ExitTest
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_team,
)
from tests.exposure.campaigns.world import END, World, adapt, make_ending

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def kinds(task):
    return list(task.steps.order_by("place", "pk").values_list("kind", flat=True))


class TestWhatItTakesIn:
    def test_one_task_for_every_affected_dependency_in_whatever_role(self, world):
        fallback = world.stand("Search", role="fallback", fallback_order=1)
        elsewhere = world.stand("Elsewhere", on=make_offering())
        over = world.stand("Over", until=TODAY)

        campaign = world.open()

        assert set(campaign.tasks.values_list("dependency", flat=True)) == {world.dependency.pk, fallback.pk}
        assert not {elsewhere.pk, over.pk} & set(campaign.tasks.values_list("dependency", flat=True))

    def test_by_hand_it_takes_in_all_that_goes_down_with_the_offering(self, world):
        sibling = make_offering("old-latest", host=world.ending.host, version=world.ending.version)
        elsewhere = make_offering("old-elsewhere", host=make_provider("other-host"), version=world.ending.version)
        beside = world.stand("Beside", on=sibling)
        world.stand("Safe", on=elsewhere)

        campaign = world.open(offering=world.ending)

        assert set(campaign.tasks.values_list("dependency", flat=True)) == {world.dependency.pk, beside.pk}

    def test_the_end_of_a_moving_name_does_not_take_the_release_with_it(self, world):
        moving = make_offering("latest", host=world.ending.host, version=world.ending.version, binding="alias")

        assert not dependencies_on(offering=moving, on=TODAY).exists()

    def test_what_already_is_on_the_target_has_nothing_to_move(self, world):
        target = make_offering("sibling", host=world.ending.host, version=world.ending.version)
        world.stand("Moved", on=target)

        campaign = world.open(target=target)

        assert [task.dependency_id for task in campaign.tasks.all()] == [world.dependency.pk]

    def test_without_a_target_it_is_what_the_host_names_as_replacement(self, world):
        world.ending.replacement = world.target
        world.ending.save()

        assert world.open(target=None).target == world.target

    @pytest.mark.parametrize("given", [{}, {"event": True, "offering": True}])
    def test_it_begins_with_an_event_or_an_offering(self, world, given):
        given = {"event": world.event, "offering": world.ending} if given else {}

        with pytest.raises(RefusedChange, match="give one of them"):
            open_campaign(by=world.governance, at=NOW, **given)

    def test_where_nothing_stands_it_is_refused_and_nothing_stays(self, world):
        with pytest.raises(RefusedChange, match="nothing to move"):
            world.open(event=make_event(make_ending("unused", host=make_provider("third-host"))))

        assert Campaign.objects.count() == 0

    def test_it_does_not_move_to_where_it_moves_from(self, world):
        with pytest.raises(RefusedChange, match="moves away from"):
            world.open(target=world.ending)


class TestTwice:
    def test_opening_twice_gives_the_same_and_changes_nothing(self, world):
        first = world.open()
        before = list(CampaignTask.objects.values_list("pk", "updated_at"))

        assert world.open(title="another") == first
        assert list(CampaignTask.objects.values_list("pk", "updated_at")) == before

    def test_the_same_holds_for_one_opened_by_offering(self, world):
        assert world.open(offering=world.ending) == world.open(offering=world.ending)

    def test_newly_affected_ones_join_and_only_those(self, world):
        campaign = world.open()
        late = world.stand("Late")

        assert extend_campaign(campaign=campaign, at=NOW, job="test") == 1
        assert extend_campaign(campaign=campaign, at=NOW, job="test") == 0
        assert kinds(campaign.tasks.get(dependency=late))

    def test_an_adaptation_recorded_later_brings_its_step_once(self, world):
        task = world.task()
        adapt(world.dependency, "prompt", "triage")

        for _ in range(2):
            extend_campaign(campaign=task.campaign, at=NOW, by=world.governance)

        assert kinds(task).count("retest_prompt") == 1

    def test_a_closed_one_takes_nothing_in(self, world):
        campaign = close_campaign(campaign=world.open(), at=NOW, by=world.governance, closing_note="given up")

        with pytest.raises(RefusedChange, match="closed"):
            extend_campaign(campaign=campaign, at=NOW, by=world.governance)

    def test_an_obsolete_task_is_taken_up_again_when_the_dependency_is_back(self, world):
        task = world.task()
        CampaignTask.objects.update(state="obsolete")

        assert extend_campaign(campaign=task.campaign, at=NOW, by=world.governance) == 1
        task.refresh_from_db()
        assert task.state == "open"


class TestSteps:
    def test_five_things_are_always_to_be_done(self, world):
        adapt(world.dependency, "prompt")

        always = {"choose_target", "own_evaluation", "update_exit", "switch", "watch"}

        assert set(kinds(world.task())) == always | {"retest_prompt"}

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
    def test_every_adaptation_brings_its_own(self, world, adaptation, steps):
        made = adapt(world.dependency, adaptation, "the thing")

        found = world.task().steps.filter(adaptation=made)

        assert [step.kind for step in found] == steps
        assert all(step.title.endswith(": the thing") for step in found)

    def test_each_of_two_prompts_has_its_own_step(self, world):
        adapt(world.dependency, "prompt", "one")
        adapt(world.dependency, "prompt", "two")

        assert kinds(world.task()).count("retest_prompt") == 2

    def test_where_no_adaptation_is_on_record_somebody_is_asked_to_write_them_down(self, world):
        step = world.task().steps.get(kind="record_adaptations")

        assert not step.required

    def test_an_embedding_role_has_its_vectors_built_anew(self, world):
        embedding = world.stand("Search", role="embedding")

        campaign = world.open()

        assert "rebuild_vectors" in kinds(campaign.tasks.get(dependency=embedding))
        assert "rebuild_vectors" not in kinds(campaign.tasks.get(dependency=world.dependency))

    def test_where_the_subject_only_changes_nobody_has_to_leave(self, world):
        event = make_event(world.ending, "alias_moved", new="x", effective_on=None)

        steps = {step.kind: step.required for step in world.task(event=event, target=None).steps.all()}

        assert (steps["own_evaluation"], steps["choose_target"], steps["switch"]) == (True, False, False)


class TestOwner:
    def test_the_owner_of_the_team_owns_the_task(self, world):
        assert world.task().owner == world.owner

    def test_where_the_team_has_none_it_is_the_nearest_above(self, world):
        division = make_team("Division")
        boss = make_member(division, TeamRole.OWNER)
        below = make_team("Below", parent=division)
        make_member(below, TeamRole.EDITOR)
        dependency = world.stand("Under", team=below)

        assert world.open().tasks.get(dependency=dependency).owner == boss

    def test_nobody_owns_it_where_there_is_no_owner(self, world):
        gone = make_member(team := make_team("Lone"), TeamRole.OWNER)
        gone.is_active = False
        gone.save()
        dependency = world.stand("Alone", team=team)

        assert world.open().tasks.get(dependency=dependency).owner is None


class TestDue:
    def due(self, world, **given):
        return world.task(**given).due_on

    def test_an_unknown_effort_is_taken_as_thirty_days_and_said_to_be_assumed(self, world):
        task = world.task()

        assert task.due_on == END - timedelta(days=30 + 14)
        assert (dues(tasks=[task.pk])[task.pk].basis, dues(tasks=[task.pk])[task.pk].ends_on) == ("assumed", END)

    def test_an_estimate_counts_before_the_usual(self, world):
        ExitPlan.objects.create(dependency=world.dependency, estimated_days="10.5")

        assert self.due(world) == END - timedelta(days=11 + 14)

    def test_what_a_test_measured_counts_before_an_estimate(self, world):
        ExitPlan.objects.create(dependency=world.dependency, estimated_days="10")
        for target, days in ((world.target, "40"), (make_offering(), "5")):
            ExitTest.objects.create(
                dependency=world.dependency, target=target, tested_on=TODAY, result="passed", effort_days=days
            )

        task = world.task()

        assert task.due_on == END - timedelta(days=40 + 14)
        assert dues(tasks=[task.pk])[task.pk].effort_days == Decimal(40)

    def test_a_failed_test_measured_nothing(self, world):
        ExitTest.objects.create(
            dependency=world.dependency, target=world.target, tested_on=TODAY, result="failed", effort_days="1"
        )

        assert self.due(world) == END - timedelta(days=30 + 14)

    def test_a_day_in_the_past_stays_in_the_past(self, world):
        world.ending.retires_on = TODAY + timedelta(days=5)
        world.ending.save()

        assert self.due(world) == TODAY + timedelta(days=5 - 44)

    def test_the_campaign_s_own_day_is_the_latest(self, world):
        assert self.due(world, due_on=date(2027, 1, 1)) == date(2027, 1, 1)

    def test_without_any_end_there_is_no_day(self, world):
        type(world.ending).objects.update(retires_on=None, date_kind="")

        assert self.due(world, offering=world.ending) is None

    def test_dates_follow_a_moved_end_when_somebody_says_so(self, world):
        task = world.task()
        type(world.ending).objects.filter(pk=world.ending.pk).update(retires_on=date(2027, 3, 31))

        assert reschedule_campaign(campaign=task.campaign, at=NOW, by=world.governance) == 1
        task.refresh_from_db()
        assert task.due_on == date(2027, 3, 31) - timedelta(days=44)
        assert reschedule_campaign(campaign=task.campaign, at=NOW, by=world.governance) == 0


class TestClosing:
    def test_with_work_left_it_wants_to_know_why(self, world):
        campaign = world.open()

        with pytest.raises(RefusedChange, match="1 task is neither signed off nor obsolete"):
            close_campaign(campaign=campaign, at=NOW, by=world.governance)

    def test_closed_and_opened_again_it_is_as_before(self, world):
        campaign = close_campaign(campaign=world.open(), at=NOW, by=world.governance, closing_note="paused")

        campaign = reopen_campaign(campaign=campaign, by=world.governance, reason="it goes on")

        assert (campaign.state, campaign.closed_at, campaign.tasks.count()) == ("open", None, 1)

    def test_it_is_not_opened_again_beside_another_one(self, world):
        closed = close_campaign(campaign=world.open(), at=NOW, by=world.governance, closing_note="paused")
        world.open()

        with pytest.raises(RefusedChange, match="Another campaign"):
            reopen_campaign(campaign=closed, by=world.governance, reason="again")

    def test_a_change_is_in_the_history_with_who_and_why(self, world):
        change_campaign(campaign=world.open(), by=world.governance, title="Spring", reason="a better name")

        latest = Campaign.history.rel.related_model.objects.order_by("pgh_id").last()

        assert latest.title == "Spring"
        assert latest.pgh_context.metadata["reason"] == "a better name"
        assert latest.pgh_context.metadata["actor"] == world.governance.username


def test_opening_costs_the_same_statements_for_one_and_for_many(world):
    def statements(world):
        with CaptureQueriesContext(connection) as counted:
            world.open()
        return len(counted)

    crowded = World()
    for number in range(30):
        adapt(crowded.stand(f"More {number}"), "fine_tune")

    assert statements(world) == statements(crowded)
    assert CampaignTask.objects.count() == 32


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_open_it_at_once_both_get_the_same():
    world = World()
    barrier, found = Barrier(2), []

    def run():
        barrier.wait()
        try:
            found.append(world.open().pk)
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == Campaign.objects.count() == CampaignTask.objects.count() == 1


def test_a_retired_application_is_not_taken_in(world):
    retire_application(application=world.stand("Gone").application, on=TODAY, by=world.governance)

    assert world.open().tasks.count() == 1


def test_the_dependency_of_a_proposed_application_is_not_taken_in(world):
    make_dependency(make_application(team=world.team, status="proposed"), world.ending)

    assert world.open().tasks.count() == 1
