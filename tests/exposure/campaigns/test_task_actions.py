"""The work in a task, the gate before its signature, signatures and waivers."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.exposure.campaigns.lifecycle import close_campaign
from apps.exposure.campaigns.sign_off_requirements import sign_off_requirements, task_requirements
from apps.exposure.campaigns.signatures import (
    SignOffRequirementsError,
    cancel_waiver,
    reopen_task,
    sign_off,
    waive_task,
)
from apps.exposure.campaigns.task_actions import (
    add_step,
    assign_task,
    choose_target,
    complete_step,
    record_measurements,
    reopen_step,
    set_task_dates,
    switch_task,
)
from apps.exposure.models import CampaignTask
from apps.inventory.actions.locks import HiddenApplicationError
from apps.inventory.governance.approvals import record_decision
from apps.inventory.models import Dependency
from tests.builders import NOW, TODAY, make_event, make_member, make_offering, make_team, make_user
from tests.exposure.campaigns.payments_team import (
    END,
    LATER,
    PaymentsTeam,
    do_all_steps_but_deeds,
    do_everything,
    make_passed_evaluation,
)

pytestmark = pytest.mark.django_db

SOON = TODAY + timedelta(days=30)


def state(task):
    return CampaignTask.objects.get(pk=task.pk).state


class TestWork:
    def test_a_chosen_target_does_its_step_and_begins_the_task(self, payments, task):
        task = choose_target(task=task, target=make_offering("other"), at=NOW, by=payments.editor)

        step = task.steps.get(kind="choose_target")
        assert (task.state, step.done_on, step.done_by) == ("in_progress", TODAY, payments.editor)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"retires_on": END, "date_kind": "firm"}, "retires on 2027-06-30, no later"),
            ({"lifecycle": "retired"}, "is retired"),
            ({"retires_on": TODAY, "date_kind": "firm"}, "is retired"),
        ],
    )
    def test_what_ends_as_early_is_no_target(self, payments, task, fields, words):
        with pytest.raises(ConflictError, match=words):
            choose_target(
                task=task, target=make_offering("other", **fields), at=NOW, by=payments.editor
            )

    def test_a_campaign_does_not_lead_onto_what_is_blocked(self, payments, task):
        other = make_offering("other")
        for target in (other, payments.target):
            record_decision(
                target=target,
                decision="blocked",
                reason="no contract",
                at=NOW,
                by=payments.governance,
            )

        with pytest.raises(ConflictError, match=r"other .* is blocked: no contract"):
            choose_target(task=task, target=other, at=NOW, by=payments.editor)
        with pytest.raises(ConflictError, match="is blocked: no contract"):
            switch_task(task=task, on=SOON, at=NOW, by=payments.editor)

    def test_what_is_called_today_is_no_target(self, payments, task):
        with pytest.raises(ConflictError, match="already uses this offering"):
            choose_target(task=task, target=payments.ending, at=NOW, by=payments.editor)

    @pytest.mark.parametrize("kind", ["own_evaluation", "switch"])
    def test_what_is_done_by_a_deed_is_not_ticked(self, payments, task, kind):
        with pytest.raises(ConflictError, match="cannot be completed by hand"):
            complete_step(step=task.steps.get(kind=kind), at=NOW, by=payments.editor)

    def test_ticking_is_kept_with_its_day_and_person_and_can_be_taken_back(self, payments, task):
        step = complete_step(
            step=task.steps.get(kind="watch"), at=NOW, by=payments.editor, note="two quiet weeks"
        )
        assert (step.done_on, step.done_by, step.note) == (
            TODAY,
            payments.editor,
            "two quiet weeks",
        )

        step = reopen_step(step=step, at=NOW, by=payments.editor)
        assert (step.done_on, step.done_by, step.note) == (None, None, "two quiet weeks")

    def test_a_team_adds_a_step_of_its_own(self, payments, task):
        add_step(task=task, title="Ask the works council", at=NOW, by=payments.editor)

        assert (
            "Step not done: Ask the works council." in task_requirements(task=task, at=NOW).missing
        )

    @pytest.mark.parametrize("value", ["much", float("nan"), float("inf"), None, True])
    def test_a_measurement_is_a_number(self, payments, task, value):
        with pytest.raises(ConflictError, match="accuracy"):
            record_measurements(task=task, at=NOW, by=payments.editor, before={"accuracy": value})

    def test_a_task_is_given_only_to_who_may_work_on_it(self, payments, task):
        with pytest.raises(ConflictError, match="cannot change this application"):
            assign_task(task=task, owner=make_member(make_team()), by=payments.owner)

        assert (
            assign_task(task=task, owner=payments.editor, by=payments.owner).owner
            == payments.editor
        )

    def test_it_does_not_finish_after_the_retirement(self, payments, task):
        changed = set_task_dates(task=task, finish_by=END, at=LATER, by=payments.editor)
        assert (changed.start_by, changed.finish_by) == (END - timedelta(days=30), END)
        assert changed.scheduled_on == LATER.date()
        with pytest.raises(ConflictError, match="2027-06-30"):
            set_task_dates(
                task=task, finish_by=END + timedelta(days=1), at=LATER, by=payments.editor
            )

    def test_it_does_not_start_after_its_finish(self, payments, task):
        with pytest.raises(ConflictError, match="The start date is after the finish date"):
            set_task_dates(
                task=task,
                start_by=END,
                finish_by=END - timedelta(days=1),
                at=LATER,
                by=payments.editor,
            )

    def test_nothing_is_done_in_a_closed_campaign(self, payments, task):
        close_campaign(campaign=task.campaign, at=NOW, by=payments.governance, closing_note="over")

        with pytest.raises(ConflictError, match="closed"):
            choose_target(task=task, target=make_offering(), at=NOW, by=payments.editor)


class TestSwitching:
    def test_it_replaces_the_offering_in_the_inventory_and_keeps_what_came_of_it(
        self, payments, task
    ):
        task = switch_task(task=task, on=SOON, at=NOW, by=payments.editor)

        payments.dependency.refresh_from_db()
        begun = Dependency.objects.exclude(pk=payments.dependency.pk).get()
        assert (payments.dependency.until, begun.since, begun.offering) == (
            SOON,
            SOON,
            payments.target,
        )
        assert task.successor == begun
        assert task.steps.get(kind="switch").done_on == TODAY

    def test_without_a_target_it_is_refused(self, payments):
        with pytest.raises(ConflictError, match="Choose a target"):
            switch_task(task=payments.task(target=None), on=SOON, at=NOW, by=payments.editor)

    def test_a_refusal_of_the_inventory_leaves_the_task_as_it_was(self, payments, task):
        with pytest.raises(ConflictError, match="In use since"):
            switch_task(task=task, on=payments.dependency.since, at=NOW, by=payments.editor)

        assert CampaignTask.objects.get(pk=task.pk).successor is None

    def test_the_inventory_s_history_names_the_campaign(self, payments, task):
        switch_task(task=task, on=SOON, at=NOW, by=payments.editor)

        latest = Dependency.history.rel.related_model.objects.order_by("pgh_id").last()
        assert task.campaign.title in latest.pgh_context.metadata["reason"]


class TestGate:
    def missing(self, task, at=NOW):
        return " ".join(task_requirements(task=task, at=at).missing)

    def test_with_everything_it_is_open(self, task):
        do_everything(task)

        assert task_requirements(task=task, at=NOW).is_open

    def test_every_open_step_is_named(self, task):
        do_everything(task)
        task.steps.filter(kind="watch").update(done_on=None)

        assert task_requirements(task=task, at=NOW).missing == (
            "Step not done: Monitor in production.",
        )

    def test_evidence_on_file_serves_as_the_measurement(self, payments, task):
        task.steps.update(done_on=TODAY)
        make_passed_evaluation(
            task, offering=payments.ending, value="0.88", run_on=date(2026, 1, 5), passed=None
        )
        make_passed_evaluation(task, value="0.9")

        gate = task_requirements(task=task, at=NOW)

        assert gate.is_open
        assert [(m.metric, float(m.before), float(m.after)) for m in gate.measures] == [
            ("accuracy", 0.88, 0.9)
        ]

    @pytest.mark.parametrize(
        "fields",
        [
            {"run_on": TODAY - timedelta(days=1)},
            {"run_on": TODAY + timedelta(days=1)},
            {"expires_on": TODAY, "run_on": TODAY - timedelta(days=1)},
            {"passed": None},
            {"kind": "benchmark"},
        ],
        ids=[
            "before the campaign",
            "not yet",
            "expired",
            "filed, not measured",
            "not the own workload",
        ],
    )
    def test_this_is_no_evidence(self, task, fields):
        do_everything(task)
        task.dependency.application.evidence.update(**fields)

        assert "No passed evaluation of" in self.missing(task)

    def test_evidence_of_another_application_or_offering_is_none(self, payments, task):
        do_everything(task)
        task.dependency.application.evidence.all().delete()
        make_passed_evaluation(task, application=payments.stand("Other").application)
        make_passed_evaluation(task, offering=make_offering(version=payments.target.version))

        assert "No passed evaluation" in self.missing(task)

    def test_evidence_on_the_version_counts_where_no_offering_is_named(self, payments, task):
        do_everything(task)
        task.dependency.application.evidence.update(offering=None, version=payments.target.version)

        assert task_requirements(task=task, at=NOW).is_open

    def test_a_later_failure_shuts_it(self, task):
        do_everything(task)
        make_passed_evaluation(task, passed=False, run_on=TODAY)

        assert "fails: accuracy" in self.missing(task)

    def test_a_failure_put_right_does_not(self, task):
        make_passed_evaluation(task, passed=False)
        do_everything(task)

        assert task_requirements(task=task, at=NOW).is_open

    def test_a_failure_of_another_metric_does(self, task):
        do_everything(task)
        make_passed_evaluation(task, metric="toxicity", passed=False)

        assert "fails: toxicity" in self.missing(task)

    def test_it_wants_one_metric_before_and_after(self, task):
        do_everything(task)
        CampaignTask.objects.update(before={"speed": "1"})

        assert "before and after" in self.missing(task)

    def test_without_a_target_it_asks_for_one(self, payments):
        assert (
            "Choose a target." in task_requirements(task=payments.task(target=None), at=NOW).missing
        )

    def test_where_the_subject_only_changes_the_evidence_is_of_what_is_called_today(self, payments):
        task = payments.task(
            event=make_event(payments.ending, "alias_moved", new="x", effective_on=None),
            target=None,
        )
        do_all_steps_but_deeds(task)
        make_passed_evaluation(task, offering=payments.ending)

        assert task_requirements(task=task, at=NOW).is_open

    def test_many_gates_cost_as_many_statements_as_one(self, payments):
        campaign = payments.open()
        for number in range(20):
            payments.stand(f"More {number}")
        crowded = payments.open(offering=payments.ending)

        def statements(tasks):
            with CaptureQueriesContext(connection) as counted:
                sign_off_requirements(tasks=[task.pk for task in tasks], on=TODAY)
            return len(counted)

        assert statements(campaign.tasks.all()) == statements(crowded.tasks.all()) == 1 + 3
        # the first statement is the list of ids that is handed over


class TestSigning:
    def test_with_an_open_gate_it_is_done(self, payments, task):
        do_everything(task)

        task = sign_off(task=task, at=NOW, by=payments.owner)

        assert (task.state, task.signed_off_by, task.signed_off_at) == ("done", payments.owner, NOW)

    def test_governance_may_sign_too(self, payments, task):
        do_everything(task)

        assert sign_off(task=task, at=NOW, by=payments.governance).state == "done"

    @pytest.mark.parametrize("who", ["editor", "auditor"])
    def test_nobody_else_may(self, payments, task, who):
        do_everything(task)
        person = {"editor": payments.editor, "auditor": make_user(role="auditor")}[who]

        with pytest.raises(PermissionDenied, match="You need the owner role on"):
            sign_off(task=task, at=NOW, by=person)

    def test_to_an_owner_of_another_team_the_application_does_not_exist(self, payments, task):
        do_everything(task)

        with pytest.raises(HiddenApplicationError):
            sign_off(task=task, at=NOW, by=make_member(make_team(), TeamRole.OWNER))

        assert state(task) != "done"

    def test_without_evidence_it_is_refused_and_says_what_is_missing(self, payments, task):
        with pytest.raises(SignOffRequirementsError, match="No passed evaluation"):
            sign_off(task=task, at=NOW, by=payments.governance)

        assert state(task) == "open"

    def test_the_history_keeps_which_evidence_was_relied_on(self, payments, task):
        do_everything(task)
        sign_off(task=task, at=NOW, by=payments.owner)

        latest = CampaignTask.history.rel.related_model.objects.order_by("pgh_id").last()
        [evidence] = task.dependency.application.evidence.all()
        assert latest.pgh_context.metadata["reason"] == f"signed off with evidence {evidence.pk}"

    def test_the_second_is_told_who_was_first(self, payments, task):
        do_everything(task)
        sign_off(task=task, at=NOW, by=payments.owner)

        with pytest.raises(
            ConflictError, match=f"{payments.owner} signed off the task on 2026-11-24"
        ):
            sign_off(task=task, at=NOW, by=payments.governance)

    def test_a_signature_is_taken_back_for_a_reason(self, payments, task):
        do_everything(task)
        sign_off(task=task, at=NOW, by=payments.owner)

        with pytest.raises(ConflictError, match="Enter a reason"):
            reopen_task(task=task, at=NOW, by=payments.owner, reason=" ")
        task = reopen_task(task=task, at=NOW, by=payments.owner, reason="it fails in production")

        assert (task.state, task.signed_off_by) == ("in_progress", None)


class TestWaivers:
    def test_a_waiver_says_until_when_and_why(self, payments, task):
        task = waive_task(
            task=task, until=SOON, reason="the service ends anyway", at=NOW, by=payments.owner
        )

        assert (task.state, task.waived_by, task.waived_until) == ("waived", payments.owner, SOON)

    @pytest.mark.parametrize(
        "until", [TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=367)]
    )
    def test_it_has_an_end_within_a_year(self, payments, task, until):
        with pytest.raises(ConflictError, match="at most one year from now"):
            waive_task(task=task, until=until, reason="because", at=NOW, by=payments.owner)

    def test_it_has_a_reason(self, payments, task):
        with pytest.raises(ConflictError, match="Enter a reason"):
            waive_task(task=task, until=SOON, reason="  ", at=NOW, by=payments.owner)

    def test_an_editor_gives_none(self, payments, task):
        with pytest.raises(PermissionDenied):
            waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.editor)

    def test_while_it_holds_somebody_else_may_sign_without_evidence(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.governance)

        task = sign_off(task=task, at=LATER, by=payments.owner)

        assert (task.state, task.waived_until) == ("done", SOON)

    def test_nobody_signs_under_the_own_waiver(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)

        with pytest.raises(SignOffRequirementsError, match="another user must sign off"):
            sign_off(task=task, at=LATER, by=payments.owner)

    def test_once_it_has_ended_evidence_is_wanted_again(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.governance)

        with pytest.raises(SignOffRequirementsError):
            sign_off(task=task, at=NOW + timedelta(days=30), by=payments.owner)

    def test_with_evidence_the_waiver_is_no_longer_needed(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)
        do_everything(CampaignTask.objects.get(pk=task.pk))

        task = sign_off(task=task, at=LATER, by=payments.owner)

        assert (task.state, task.waived_until, task.waived_reason) == ("done", None, "")

    def test_it_is_lifted_before_its_end(self, payments, task):
        waive_task(task=task, until=SOON, reason="because", at=NOW, by=payments.owner)

        assert cancel_waiver(task=task, at=NOW, by=payments.governance).state == "in_progress"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["sign", "switch"])
def test_of_two_people_at_once_one_does_it_and_the_other_is_told(deed):
    payments = PaymentsTeam()
    task = payments.task()
    if deed == "sign":
        do_everything(task)
    barrier, outcomes = Barrier(2), []

    def run(person):
        barrier.wait()
        try:
            if deed == "sign":
                sign_off(task=task, at=NOW, by=person)
            else:
                switch_task(task=task, on=SOON, at=NOW, by=person)
            outcomes.append("did it")
        except ConflictError as refusal:
            outcomes.append(str(refusal))
        finally:
            connections.close_all()

    people = [payments.owner, payments.governance]
    threads = [Thread(target=run, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("did it") == 1
    [told] = [words for words in outcomes if words != "did it"]
    assert told.startswith("This task already migrated") or any(
        f"{person} signed off the task" in told for person in people
    )
    assert Dependency.objects.count() == (2 if deed == "switch" else 1)
