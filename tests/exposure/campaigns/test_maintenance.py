"""What the clock and the inventory do to tasks, how far a campaign is, and who sees it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.exposure.campaigns.lifecycle import close_campaign
from apps.exposure.campaigns.maintenance import (
    follow_dependencies,
    refresh_states,
    reopen_expired_waivers,
    update_campaigns,
)
from apps.exposure.campaigns.progress import (
    campaign_progress,
    expiring_waivers,
    overdue_tasks,
    tasks_of_dependencies,
)
from apps.exposure.campaigns.signatures import sign_off, waive_task
from apps.exposure.campaigns.task_actions import choose_target, switch_task
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.actions.applications import retire_application
from apps.inventory.actions.dependencies import declare_dependency, end_dependency, replace_offering
from tests.builders import NOW, TODAY, make_member, make_offering, make_team, make_user
from tests.exposure.campaigns.payments_team import (
    END,
    PaymentsTeam,
    do_everything,
    make_passed_evaluation,
)

pytestmark = pytest.mark.django_db

SOON = TODAY + timedelta(days=30)
THEN = NOW + timedelta(days=30)


def state(task):
    return CampaignTask.objects.get(pk=task.pk).state


class TestExpiredWaivers:
    def test_it_reopens_on_its_day_and_not_before(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)

        assert reopen_expired_waivers(at=THEN - timedelta(days=1)) == 0
        assert reopen_expired_waivers(at=THEN) == 1
        assert state(task) == "open"
        assert reopen_expired_waivers(at=THEN) == 0

    def test_begun_work_is_still_begun(self, payments, task):
        choose_target(task=task, target=make_offering(), at=NOW, by=payments.editor)
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)

        reopen_expired_waivers(at=THEN)

        assert state(task) == "in_progress"

    def test_a_signature_under_the_waiver_lapses_with_it(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.governance)
        sign_off(task=task, at=NOW, by=payments.owner)

        assert reopen_expired_waivers(at=THEN) == 1
        task.refresh_from_db()
        assert (task.state, task.signed_off_by) == ("open", None)

    def test_a_signature_on_evidence_stays(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.governance)
        do_everything(CampaignTask.objects.get(pk=task.pk))
        sign_off(task=task, at=NOW, by=payments.owner)

        assert reopen_expired_waivers(at=THEN) == 0

    def test_in_a_closed_campaign_nothing_reopens(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)
        close_campaign(campaign=task.campaign, at=NOW, by=payments.governance, closing_note="over")

        assert reopen_expired_waivers(at=THEN) == 0

    def test_the_job_stands_in_the_history(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)
        reopen_expired_waivers(at=THEN)

        latest = CampaignTask.history.rel.related_model.objects.order_by("pgh_id").last()
        assert latest.pgh_context.metadata["job"] == "exposure.keep_campaigns"

    @pytest.mark.parametrize(("days", "warned"), [(10, False), (16, True), (29, True), (30, False)])
    def test_it_is_announced_two_weeks_before(self, payments, task, days, warned):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)

        ending = expiring_waivers(user=payments.editor, on=TODAY + timedelta(days=days))

        assert list(ending) == ([task] if warned else [])


class TestFollowing:
    def test_a_dependency_that_ended_leaves_nothing_to_move(self, payments, task):
        end_dependency(dependency=payments.dependency, on=SOON, by=payments.editor)

        assert follow_dependencies(at=NOW) == (0, 0)
        assert follow_dependencies(at=THEN) == (0, 1)
        assert state(task) == "obsolete"
        assert follow_dependencies(at=THEN) == (0, 0)

    def test_so_does_a_retired_application(self, payments, task):
        retire_application(
            application=payments.dependency.application, on=TODAY, by=payments.editor
        )

        assert follow_dependencies(at=NOW) == (0, 1)

    def test_one_replaced_in_the_inventory_goes_on_with_what_replaced_it(self, payments, task):
        begun = replace_offering(
            dependency=payments.dependency, successor=payments.target, on=TODAY, by=payments.editor
        )

        assert follow_dependencies(at=NOW) == (1, 0)
        task.refresh_from_db()
        assert (task.state, task.successor) == ("in_progress", begun)
        assert task.steps.get(kind="switch").done_on == TODAY

    def test_which_of_two_new_ones_replaced_it_is_not_guessed(self, payments, task):
        end_dependency(dependency=payments.dependency, on=TODAY, by=payments.editor)
        for _ in range(2):
            declare_dependency(
                application=payments.dependency.application,
                offering=make_offering(),
                since=TODAY,
                by=payments.editor,
            )

        assert follow_dependencies(at=NOW) == (0, 1)

    def test_a_switched_task_waits_for_its_signature(self, payments, task):
        switch_task(task=task, on=TODAY, at=NOW, by=payments.editor)

        assert follow_dependencies(at=THEN) == (0, 0)

    def test_a_signed_task_stays_signed(self, payments, task):
        do_everything(task)
        sign_off(task=task, at=NOW, by=payments.owner)
        end_dependency(dependency=payments.dependency, on=TODAY, by=payments.editor)

        assert follow_dependencies(at=NOW) == (0, 0)


class TestStates:
    def test_evidence_recorded_elsewhere_makes_it_ready(self, payments, task):
        do_everything(task)

        assert refresh_states(at=NOW) == 1
        assert state(task) == "ready"
        assert refresh_states(at=NOW) == 0

    def test_evidence_that_expires_takes_it_back(self, payments, task):
        do_everything(task)
        task.dependency.application.evidence.update(expires_on=SOON)
        refresh_states(at=NOW)

        assert refresh_states(at=THEN) == 1
        assert state(task) == "in_progress"

    def test_the_statements_do_not_grow_with_the_tasks(self, payments):
        payments.open()

        def statements():
            with CaptureQueriesContext(connection) as counted:
                refresh_states(at=NOW)
            return len(counted)

        one = statements()
        for number in range(20):
            payments.stand(f"More {number}")
        payments.open(offering=payments.ending)

        assert statements() == one

    def test_nothing_is_written_where_nothing_is_due(self, payments, task):
        before = list(CampaignTask.objects.values_list("updated_at", flat=True))

        assert update_campaigns(at=NOW) == {"reopened": 0, "moved": 0, "obsolete": 0, "restated": 0}
        assert list(CampaignTask.objects.values_list("updated_at", flat=True)) == before


class TestProgress:
    def test_it_counts_states_overdue_days_and_steps(self, payments):
        campaign = payments.open()
        second = payments.stand("Second")
        campaign = payments.open(offering=payments.ending)
        done = campaign.tasks.select_related(
            "campaign__target", "target", "dependency__application"
        ).get(dependency=second)
        do_everything(done)
        sign_off(task=done, at=NOW, by=payments.owner)
        CampaignTask.objects.filter(dependency=payments.dependency).update(
            finish_by=TODAY - timedelta(days=1), scheduled_on=TODAY - timedelta(days=9), owner=None
        )

        found = campaign_progress(campaigns=[campaign.pk], user=payments.governance, on=TODAY)[
            campaign.pk
        ]

        assert (found.n_tasks, found.n_settled, found.by_state["done"], found.by_state["open"]) == (
            2,
            1,
            1,
            1,
        )
        assert (found.n_overdue, found.n_unowned, found.days_left) == (1, 1, (END - TODAY).days)
        assert found.next_finish_by == TODAY - timedelta(days=1)
        assert (found.n_steps, found.n_steps_done, found.step_share) == (10, 5, 0.5)
        assert found.whole_campaign

    def test_obsolete_tasks_have_no_steps_left_and_waived_ones_are_not_settled(
        self, payments, task
    ):
        CampaignTask.objects.update(state="obsolete")

        found = campaign_progress(campaigns=[task.campaign_id], user=payments.governance, on=TODAY)[
            task.campaign_id
        ]

        assert (found.n_steps, found.step_share, found.n_settled) == (0, None, 1)

    def test_a_team_sees_how_far_it_is_itself(self, payments):
        other = make_team("Other")
        viewer = make_member(other, TeamRole.VIEWER)
        payments.stand("Theirs", team=other)
        campaign = payments.open()

        found = campaign_progress(campaigns=[campaign.pk], user=viewer, on=TODAY)[campaign.pk]

        assert (found.n_tasks, found.whole_campaign) == (1, False)

    def test_a_stranger_sees_nothing(self, payments, task):
        stranger = make_member(make_team())

        assert campaign_progress(campaigns=[task.campaign_id], user=stranger, on=TODAY) == {}
        assert not Campaign.objects.visible_to(stranger).exists()
        assert tasks_of_dependencies(dependencies=[payments.dependency.pk], user=stranger) == {}

    def test_it_costs_three_statements_for_one_and_for_many(
        self, payments, django_assert_num_queries
    ):
        governance = make_user(role="governance")
        one = [payments.open().pk]
        for number in range(3):
            payments.stand(f"More {number}")
        many = [*one, payments.open(offering=payments.ending).pk, PaymentsTeam().open().pk]

        for campaigns in (one, many):
            with django_assert_num_queries(3):
                assert len(
                    campaign_progress(campaigns=campaigns, user=governance, on=TODAY)
                ) == len(campaigns)

    def test_overdue_tasks_are_listed_with_all_a_page_shows_in_one_statement(
        self, payments, django_assert_num_queries
    ):
        payments.stand("Second")
        campaign = payments.open()
        CampaignTask.objects.update(
            finish_by=TODAY - timedelta(days=1), scheduled_on=TODAY - timedelta(days=9)
        )
        make_passed_evaluation(
            campaign.tasks.select_related(
                "campaign__target", "target", "dependency__application"
            ).first()
        )

        with django_assert_num_queries(1):
            rows = list(overdue_tasks(user=payments.governance, on=TODAY))
            assert {row.dependency.offering.host.name for row in rows} == {"First Host"}
            assert {row.campaign.target.host.name for row in rows} == {"Second Host"}
        assert not overdue_tasks(user=payments.governance, on=TODAY - timedelta(days=1)).exists()
