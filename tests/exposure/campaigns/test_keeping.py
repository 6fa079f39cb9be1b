"""What the clock and the inventory do to tasks, how far a campaign is, and who sees it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.exposure.campaigns.keeping import follow_dependencies, keep_campaigns, refresh_states, reopen_expired_waivers
from apps.exposure.campaigns.opening import close_campaign
from apps.exposure.campaigns.progress import overdue_tasks, progress, tasks_of_dependencies, waivers_ending
from apps.exposure.campaigns.signing import sign_off, waive_task
from apps.exposure.campaigns.working import choose_target, switch_task
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.actions import declare_dependency, end_dependency, replace_offering, retire_application
from tests.builders import NOW, TODAY, make_member, make_offering, make_team, make_user
from tests.exposure.campaigns.world import END, World, do_everything, make_evidence

pytestmark = pytest.mark.django_db

SOON = TODAY + timedelta(days=30)
THEN = NOW + timedelta(days=30)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def task(world):
    return world.task()


def state(task):
    return CampaignTask.objects.get(pk=task.pk).state


class TestExpiredWaivers:
    def test_it_reopens_on_its_day_and_not_before(self, world, task):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.owner)

        assert reopen_expired_waivers(at=THEN - timedelta(days=1)) == 0
        assert reopen_expired_waivers(at=THEN) == 1
        assert state(task) == "open"
        assert reopen_expired_waivers(at=THEN) == 0

    def test_begun_work_is_still_begun(self, world, task):
        choose_target(task=task, target=make_offering(), at=NOW, by=world.editor)
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.owner)

        reopen_expired_waivers(at=THEN)

        assert state(task) == "in_progress"

    def test_a_signature_under_the_waiver_lapses_with_it(self, world, task):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.governance)
        sign_off(task=task, at=NOW, by=world.owner)

        assert reopen_expired_waivers(at=THEN) == 1
        task.refresh_from_db()
        assert (task.state, task.signed_off_by) == ("open", None)

    def test_a_signature_on_evidence_stays(self, world, task):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.governance)
        do_everything(CampaignTask.objects.get(pk=task.pk))
        sign_off(task=task, at=NOW, by=world.owner)

        assert reopen_expired_waivers(at=THEN) == 0

    def test_in_a_closed_campaign_nothing_reopens(self, world, task):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.owner)
        close_campaign(campaign=task.campaign, at=NOW, by=world.governance, closing_note="over")

        assert reopen_expired_waivers(at=THEN) == 0

    def test_the_job_stands_in_the_history(self, world, task):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.owner)
        reopen_expired_waivers(at=THEN)

        latest = CampaignTask.history.rel.related_model.objects.order_by("pgh_id").last()
        assert latest.pgh_context.metadata["job"] == "exposure.keep_campaigns"

    @pytest.mark.parametrize(("days", "warned"), [(10, False), (16, True), (29, True), (30, False)])
    def test_it_is_announced_two_weeks_before(self, world, task, days, warned):
        waive_task(task=task, until=SOON, why="because", at=NOW, by=world.owner)

        ending = waivers_ending(user=world.editor, on=TODAY + timedelta(days=days))

        assert list(ending) == ([task] if warned else [])


class TestFollowing:
    def test_a_dependency_that_ended_leaves_nothing_to_move(self, world, task):
        end_dependency(dependency=world.dependency, on=SOON, by=world.editor)

        assert follow_dependencies(at=NOW) == (0, 0)
        assert follow_dependencies(at=THEN) == (0, 1)
        assert state(task) == "obsolete"
        assert follow_dependencies(at=THEN) == (0, 0)

    def test_so_does_a_retired_application(self, world, task):
        retire_application(application=world.dependency.application, on=TODAY, by=world.editor)

        assert follow_dependencies(at=NOW) == (0, 1)

    def test_one_replaced_in_the_inventory_goes_on_with_what_replaced_it(self, world, task):
        begun = replace_offering(dependency=world.dependency, successor=world.target, on=TODAY, by=world.editor)

        assert follow_dependencies(at=NOW) == (1, 0)
        task.refresh_from_db()
        assert (task.state, task.successor) == ("in_progress", begun)
        assert task.steps.get(kind="switch").done_on == TODAY

    def test_which_of_two_new_ones_replaced_it_is_not_guessed(self, world, task):
        end_dependency(dependency=world.dependency, on=TODAY, by=world.editor)
        for _ in range(2):
            declare_dependency(
                application=world.dependency.application, offering=make_offering(), since=TODAY, by=world.editor
            )

        assert follow_dependencies(at=NOW) == (0, 1)

    def test_a_switched_task_waits_for_its_signature(self, world, task):
        switch_task(task=task, on=TODAY, at=NOW, by=world.editor)

        assert follow_dependencies(at=THEN) == (0, 0)

    def test_a_signed_task_stays_signed(self, world, task):
        do_everything(task)
        sign_off(task=task, at=NOW, by=world.owner)
        end_dependency(dependency=world.dependency, on=TODAY, by=world.editor)

        assert follow_dependencies(at=NOW) == (0, 0)


class TestStates:
    def test_evidence_recorded_elsewhere_makes_it_ready(self, world, task):
        do_everything(task)

        assert refresh_states(at=NOW) == 1
        assert state(task) == "ready"
        assert refresh_states(at=NOW) == 0

    def test_evidence_that_expires_takes_it_back(self, world, task):
        do_everything(task)
        task.dependency.application.evidence.update(expires_on=SOON)
        refresh_states(at=NOW)

        assert refresh_states(at=THEN) == 1
        assert state(task) == "in_progress"

    def test_the_statements_do_not_grow_with_the_tasks(self, world):
        world.open()

        def statements():
            with CaptureQueriesContext(connection) as counted:
                refresh_states(at=NOW)
            return len(counted)

        one = statements()
        for number in range(20):
            world.stand(f"More {number}")
        world.open(offering=world.ending)

        assert statements() == one

    def test_nothing_is_written_where_nothing_is_due(self, world, task):
        before = list(CampaignTask.objects.values_list("updated_at", flat=True))

        assert keep_campaigns(at=NOW) == {"reopened": 0, "moved": 0, "obsolete": 0, "restated": 0}
        assert list(CampaignTask.objects.values_list("updated_at", flat=True)) == before


class TestProgress:
    def test_it_counts_states_overdue_days_and_steps(self, world):
        campaign = world.open()
        second = world.stand("Second")
        campaign = world.open(offering=world.ending)
        done = campaign.tasks.select_related("campaign__target", "target", "dependency__application").get(
            dependency=second
        )
        do_everything(done)
        sign_off(task=done, at=NOW, by=world.owner)
        CampaignTask.objects.filter(dependency=world.dependency).update(due_on=TODAY - timedelta(days=1), owner=None)

        found = progress(campaigns=[campaign.pk], user=world.governance, on=TODAY)[campaign.pk]

        assert (found.n_tasks, found.n_settled, found.by_state["done"], found.by_state["open"]) == (2, 1, 1, 1)
        assert (found.n_overdue, found.n_unowned, found.days_left) == (1, 1, (END - TODAY).days)
        assert found.next_due_on == TODAY - timedelta(days=1)
        assert (found.n_steps, found.n_steps_done, found.step_share) == (10, 5, 0.5)
        assert found.whole_campaign

    def test_obsolete_tasks_have_no_steps_left_and_waived_ones_are_not_settled(self, world, task):
        CampaignTask.objects.update(state="obsolete")

        found = progress(campaigns=[task.campaign_id], user=world.governance, on=TODAY)[task.campaign_id]

        assert (found.n_steps, found.step_share, found.n_settled) == (0, None, 1)

    def test_a_team_sees_how_far_it_is_itself(self, world):
        other = make_team("Other")
        viewer = make_member(other, TeamRole.VIEWER)
        world.stand("Theirs", team=other)
        campaign = world.open()

        found = progress(campaigns=[campaign.pk], user=viewer, on=TODAY)[campaign.pk]

        assert (found.n_tasks, found.whole_campaign) == (1, False)

    def test_a_stranger_sees_nothing(self, world, task):
        stranger = make_member(make_team())

        assert progress(campaigns=[task.campaign_id], user=stranger, on=TODAY) == {}
        assert not Campaign.objects.visible_to(stranger).exists()
        assert tasks_of_dependencies(dependencies=[world.dependency.pk], user=stranger) == {}

    def test_it_costs_three_statements_for_one_and_for_many(self, world, django_assert_num_queries):
        governance = make_user(role="governance")
        one = [world.open().pk]
        for number in range(3):
            world.stand(f"More {number}")
        many = [*one, world.open(offering=world.ending).pk, World().open().pk]

        for campaigns in (one, many):
            with django_assert_num_queries(3):
                assert len(progress(campaigns=campaigns, user=governance, on=TODAY)) == len(campaigns)

    def test_overdue_tasks_are_listed_with_all_a_page_shows_in_one_statement(self, world, django_assert_num_queries):
        world.stand("Second")
        campaign = world.open()
        CampaignTask.objects.update(due_on=TODAY - timedelta(days=1))
        make_evidence(campaign.tasks.select_related("campaign__target", "target", "dependency__application").first())

        with django_assert_num_queries(1):
            rows = list(overdue_tasks(user=world.governance, on=TODAY))
            assert {row.dependency.offering.host.name for row in rows} == {"First Host"}
            assert {row.campaign.target.host.name for row in rows} == {"Second Host"}
        assert not overdue_tasks(user=world.governance, on=TODAY - timedelta(days=1)).exists()
