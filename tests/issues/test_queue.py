"""The queue of changed applications: which records fill it, what empties it, and that nothing is
lost when a transaction ends early or another evaluation runs."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering, Price, Provider
from apps.common.time import now
from apps.exposure.models import Campaign, CampaignTask
from apps.intake.models import Discrepancy
from apps.inventory.models import Application, CachedFinding, Dependency
from apps.issues import evaluation
from apps.issues.evaluation import (
    EVALUATION_LOCK,
    evaluate_changed_applications,
    evaluate_due_issues,
    evaluate_everything,
    evaluate_issues,
    queue_applications,
)
from apps.issues.models import ChangedApplication, EvaluationState, Issue
from apps.issues.responses import accept_issue, assign_issue
from apps.risks.models import Assessment, FoundationRisk
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_approval,
    make_assessment,
    make_campaign,
    make_dependency,
    make_event,
    make_exit_plan,
    make_exit_test,
    make_flag,
    make_issue,
    make_member,
    make_node,
    make_offering,
    make_price,
    make_provider,
    make_risk,
    make_task,
    make_team,
)
from tests.http import signed_in_client

ONE_MINUTE = timedelta(minutes=1)


def queued():
    """Return the applications of the queue; None stands for all."""
    return set(ChangedApplication.objects.values_list("application_id", flat=True))


@pytest.fixture
def application(world):
    """The world's application, with an empty queue."""
    ChangedApplication.objects.all().delete()
    return world.application


@pytest.fixture
def dependency(application):
    return application.dependencies.get()


def discrepancy_of(application):
    return Discrepancy.objects.create(key="a", kind="drift", application=application, opened_at=NOW)


def finding_of(application):
    return CachedFinding.objects.create(
        application_id=application.pk,
        team_id=application.team_id,
        criticality=application.criticality,
        code="no_primary",
        rank=1,
    )


# what a change of each record does, given the dependency; the queue then has its application
CHANGES = {
    "application": lambda d: Application.objects.filter(pk=d.application_id).update(
        next_review_on=TODAY
    ),
    "dependency": lambda d: Dependency.objects.filter(pk=d.pk).update(until=TODAY),
    "new dependency": lambda d: make_dependency(d.application, d.offering, "judge"),
    "deleted dependency": lambda d: d.delete(),
    "exit plan": lambda d: make_exit_plan(d, estimated_days=5),
    "exit test": lambda d: make_exit_test(d, d.offering),
    "date of the offering": lambda d: Offering.objects.filter(pk=d.offering_id).update(
        retires_on=TODAY
    ),
    "event": lambda d: make_event(d.offering, "repriced", new={"input": "9"}),
    "discrepancy": lambda d: discrepancy_of(d.application),
    "finding": lambda d: finding_of(d.application),
    "task": lambda d: make_task(make_campaign(d.offering), d),
    "assessment": lambda d: make_assessment(make_risk(make_node(5, d.offering)), d),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_queues_its_application(dependency, change):
    CHANGES[change](dependency)

    assert queued() == {dependency.application_id}


# {record: (what makes it, what changes or deletes it later)}
LATER_CHANGES = {
    "closed discrepancy": (
        lambda d: discrepancy_of(d.application),
        lambda: Discrepancy.objects.update(closed_at=NOW, closed_as="ended"),
    ),
    "deleted discrepancy": (
        lambda d: discrepancy_of(d.application),
        lambda: Discrepancy.objects.all().delete(),
    ),
    "changed finding": (
        lambda d: finding_of(d.application),
        lambda: CachedFinding.objects.update(facts={"n": 1}),
    ),
    "deleted finding": (
        lambda d: finding_of(d.application),
        lambda: CachedFinding.objects.all().delete(),
    ),
    "changed task": (
        lambda d: make_task(make_campaign(d.offering), d),
        lambda: CampaignTask.objects.update(state="ready"),
    ),
    "deleted task": (
        lambda d: make_task(make_campaign(d.offering), d),
        lambda: CampaignTask.objects.all().delete(),
    ),
    "closed campaign": (
        lambda d: make_task(make_campaign(d.offering), d),
        lambda: Campaign.objects.update(state="closed"),
    ),
    "stale assessment": (
        lambda d: make_assessment(make_risk(make_node(5, d.offering)), d),
        lambda: Assessment.objects.update(state="stale", stale_cause="event"),
    ),
    "deleted assessment": (
        lambda d: make_assessment(make_risk(make_node(5, d.offering)), d),
        lambda: Assessment.objects.all().delete(),
    ),
    "closed risk": (
        lambda d: make_assessment(make_risk(make_node(5, d.offering)), d),
        lambda: FoundationRisk.objects.update(closed_at=NOW),
    ),
}


@pytest.mark.parametrize("change", LATER_CHANGES)
def test_a_later_change_queues_its_application(dependency, change):
    make, alter = LATER_CHANGES[change]
    make(dependency)
    ChangedApplication.objects.all().delete()

    alter()

    assert queued() == {dependency.application_id}


def test_a_date_queues_the_other_model_ids_of_the_version_at_the_host(world, application):
    undated = make_offering(
        "gemini-2.5-pro-eu", host=world.offering.host, version=world.offering.version
    )
    elsewhere = make_offering(host=make_provider("azure"), version=world.offering.version)
    other, unconcerned = make_application(), make_application()
    make_dependency(other, undated)
    make_dependency(unconcerned, elsewhere)
    ChangedApplication.objects.all().delete()

    Offering.objects.filter(pk=world.offering.pk).update(retires_on=TODAY)

    assert queued() == {application.pk, other.pk}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: make_approval("blocked", offering=d.offering),
        lambda d: Provider.objects.filter(pk=d.offering.host_id).update(parent=make_provider("p")),
    ],
)
def test_a_decision_or_a_corporate_parent_queues_all_applications(dependency, change):
    change(dependency)

    assert None in queued()


def test_what_concerns_no_application_queues_none(application):
    make_price(make_offering())
    Price.objects.all().delete()

    assert queued() == set()


class TestEmptying:
    def test_the_queued_applications_are_evaluated_and_no_others(self, world, application):
        other = make_application(team=world.team)
        make_dependency(other, world.offering)
        ChangedApplication.objects.all().delete()
        queue_applications([application.pk])

        counts = evaluate_changed_applications(at=NOW)

        assert counts.opened == 1
        assert Issue.objects.get().application == application
        assert queued() == set()

    def test_an_empty_queue_costs_one_statement(self, application, django_assert_num_queries):
        with django_assert_num_queries(1):
            evaluate_changed_applications(at=NOW)

    def test_a_long_queue_is_left_to_the_worker(self, application, monkeypatch):
        monkeypatch.setattr(evaluation, "MAX_APPLICATIONS_IN_REQUEST", 2)
        queue_applications([application.pk, 10**9, 10**9 + 1])

        assert evaluate_changed_applications(at=NOW).opened == 0
        assert application.pk in queued()

        EvaluationState.objects.create(pk=1, evaluated_at=NOW)
        assert evaluate_due_issues(at=NOW + ONE_MINUTE).opened == 1
        assert queued() == set()

    def test_a_long_queue_is_emptied_in_portions(self, application, monkeypatch):
        monkeypatch.setattr(evaluation, "QUEUE_BATCH_SIZE", 1)
        EvaluationState.objects.create(pk=1, evaluated_at=NOW)
        queue_applications([10**9, application.pk, 10**9 + 1])

        evaluate_due_issues(at=NOW + ONE_MINUTE)

        assert queued() == set()
        assert Issue.objects.get().application == application

    def test_what_concerns_all_is_left_to_the_worker(self, world, application):
        make_approval("blocked", offering=world.offering)

        evaluate_changed_applications(at=NOW)
        assert queued() == {None}

        EvaluationState.objects.create(pk=1, evaluated_at=NOW)
        evaluate_due_issues(at=NOW + ONE_MINUTE)
        assert queued() == set()
        assert Issue.objects.filter(cause__kind="approval_violation").exists()

    def test_issues_of_the_organisation_are_evaluated_every_minute(self, application):
        EvaluationState.objects.create(pk=1, evaluated_at=NOW)
        make_flag()

        counts = evaluate_due_issues(at=NOW + ONE_MINUTE)

        # the retirement of the application is no part of it
        assert counts.opened == 1
        assert Issue.objects.get().cause.kind == "exposure_flag"

    @pytest.mark.parametrize(
        ("evaluated_at", "n"),
        [
            (None, 1),
            (NOW - timedelta(minutes=10), 1),
            (NOW - timedelta(minutes=9), 0),
            (NOW - timedelta(hours=13), 1),
        ],
    )
    def test_everything_is_due_every_ten_minutes_and_on_a_new_day(
        self, application, evaluated_at, n
    ):
        if evaluated_at is not None:
            EvaluationState.objects.create(pk=1, evaluated_at=evaluated_at)

        assert evaluate_due_issues(at=NOW).opened == n
        if n:
            assert EvaluationState.objects.get(pk=1).evaluated_at == NOW

    def test_what_is_queued_while_everything_is_evaluated_stays(self, application, monkeypatch):
        queue_applications([application.pk])
        evaluate = evaluation.evaluate_issues

        def change_meanwhile(**options):
            counts = evaluate(**options)
            queue_applications([10**9])
            return counts

        monkeypatch.setattr(evaluation, "evaluate_issues", change_meanwhile)
        evaluate_everything(at=NOW)

        assert queued() == {10**9}

    def test_a_transaction_that_is_rolled_back_leaves_the_queue(self, application):
        queue_applications([application.pk])

        with transaction.atomic():
            evaluate_changed_applications(at=NOW)
            transaction.set_rollback(True)

        assert queued() == {application.pk}
        assert not Issue.objects.exists()
        assert evaluate_changed_applications(at=NOW).opened == 1


class TestTwoAtOnce:
    @pytest.fixture
    def running(self):
        """Another connection that evaluates."""
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EVALUATION_LOCK])
            yield cursor
        other.close()

    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch):
        monkeypatch.setattr(evaluation, "LOCK_INTERVAL_SECONDS", 0)

    def test_a_request_leaves_its_applications_in_the_queue(self, application, running):
        queue_applications([application.pk])

        assert evaluate_changed_applications(at=NOW).opened == 0
        assert queued() == {application.pk}

    def test_an_evaluation_of_some_applications_queues_them(self, application, running):
        assert evaluate_issues(at=NOW, application_ids=[application.pk]).opened == 0

        assert queued() == {application.pk}

    def test_the_next_one_evaluates_them(self, application, running):
        evaluate_issues(at=NOW, application_ids=[application.pk])
        running.execute("ROLLBACK")

        assert evaluate_changed_applications(at=NOW).opened == 1


class TestResponseMeanwhile:
    """A user responds between the comparison and the update of an issue."""

    def test_the_response_is_kept_and_the_application_is_queued(self, world, monkeypatch):
        evaluate_everything(at=NOW)
        user = make_member(world.team)
        respond = (
            f"UPDATE issues_issue SET owner_id = {user.pk}, assigned_by_id = {user.pk},"
            " updated_at = clock_timestamp();"
        )
        with monkeypatch.context() as patch:
            patch.setattr(evaluation, "_LOCK_CHANGES", respond + evaluation._LOCK_CHANGES)
            Offering.objects.update(retires_on=TODAY + timedelta(days=9))
            ChangedApplication.objects.all().delete()
            assert evaluate_issues(at=NOW).updated == 0

        issue = Issue.objects.get()
        assert (issue.owner, issue.due_on) == (user, date(2027, 1, 15))
        assert queued() == {world.application.pk}

        evaluate_changed_applications(at=NOW)

        issue.refresh_from_db()
        assert (issue.owner, issue.due_on) == (user, TODAY + timedelta(days=9))


class TestRequests:
    @pytest.fixture
    def client(self, world):
        return signed_in_client(make_member(world.team))

    def test_the_page_after_a_change_shows_what_follows(self, world, client):
        evaluate_everything(at=now())
        issue = Issue.objects.get(cause__kind="retirement")
        dependency = world.application.dependencies.get()
        address = f"/dependencies/{dependency.pk}/end/"

        answer = client.post(address, {"on": now().date().isoformat()})

        assert answer.status_code == 302
        issue.refresh_from_db()
        assert (issue.state, issue.resolution) == ("resolved", "no_longer_used")

    @pytest.mark.parametrize("action", ["revoke", "reopen", "assign"])
    def test_a_response_that_returns_to_the_fact_is_followed_by_it(self, world, action):
        owner = make_member(world.team, TeamRole.OWNER)
        Application.objects.filter(pk=world.application.pk).update(business_owner=owner.email)
        make_exit_plan(world.application.dependencies.get(), estimated_days=5)
        evaluate_everything(at=now())
        issue = Issue.objects.get(cause__kind="retirement")
        act_by = issue.act_by
        until = now().date() + timedelta(days=30)
        accept_issue(issue=issue, until=until, reason="Budget", by=owner, at=now())
        if action == "assign":
            assign_issue(issue=issue, to=make_member(world.team), by=owner, at=now())

        signed_in_client(owner).post(f"/issues/{issue.pk}/{action}/", {"owner": ""})

        issue.refresh_from_db()
        assert issue.owner == owner
        assert issue.act_by == (until if action == "assign" else act_by)

    def test_the_history_names_the_user_of_the_change_and_the_registry_for_its_issues(
        self, world, application
    ):
        owner = make_member(world.team, TeamRole.OWNER)
        dependency = world.application.dependencies.get()

        signed_in_client(owner).post(
            f"/dependencies/{dependency.pk}/end/",
            {"on": now().date().isoformat(), "reason": "Replaced by hand."},
        )

        change = dependency.history.order_by("pgh_id").last().pgh_context
        assert "job" not in change.metadata
        assert change.metadata["actor"] == owner.username
        issue = Issue.objects.get(cause__kind="missing_data")
        evaluated = issue.history.order_by("pgh_id").last().pgh_context
        assert evaluated.pk != change.pk
        assert evaluated.metadata["actor"] == "issues"

    def test_reading_evaluates_nothing(self, application, client):
        queue_applications([application.pk])

        client.get("/work/")

        assert queued() == {application.pk}

    def test_an_error_leaves_the_change_saved_and_the_application_queued(
        self, world, client, monkeypatch
    ):
        def fail(**options):
            raise DatabaseError

        monkeypatch.setattr("registry.middleware.evaluate_changed_applications", fail)
        dependency = world.application.dependencies.get()

        answer = client.post(
            f"/dependencies/{dependency.pk}/end/", {"on": now().date().isoformat()}
        )

        assert answer.status_code == 302
        dependency.refresh_from_db()
        assert dependency.until is not None
        assert world.application.pk in queued()


class TestTeam:
    """An issue belongs to the team of its application, in whatever state."""

    def test_it_follows_the_application_in_the_same_statement(self, world):
        member, assigner = make_member(world.team), make_member(world.team)
        issue = make_issue(
            world.application,
            state="resolved",
            resolved_at=NOW,
            resolution="migrated",
            owner=member,
            assigned_by=assigner,
        )
        team = make_team()

        Application.objects.filter(pk=world.application.pk).update(team=team)

        issue.refresh_from_db()
        assert (issue.team, issue.assigned_by) == (team, None)
        assert not Issue.objects.visible_to(member).exists()

    def test_another_change_of_the_application_writes_no_issue(self, world):
        issue = make_issue(world.application)
        history = Issue.history.rel.related_model.objects
        before = history.count()

        Application.objects.filter(pk=world.application.pk).update(name="Renamed")

        assert history.count() == before
        issue.refresh_from_db()
        assert issue.team == world.team
