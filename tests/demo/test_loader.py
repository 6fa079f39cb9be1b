"""The whole demo: every state, flag, treatment, campaign and scenario is there, made by people
through the actions.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from apps.accounts.models import User
from apps.alerts.actions import raise_alerts, raise_due_alerts
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import NodeKind, ProviderEvent
from apps.demo.exposure import LOSS_YEARS, load_scenarios
from apps.demo.fixtures import PASSWORD, LoadingDay
from apps.demo.loader import load_register
from apps.exposure.campaigns.maintenance import update_campaigns
from apps.exposure.campaigns.sign_off_requirements import sign_off_requirements
from apps.exposure.engine.reach import supporting_roles, unresolved_applications
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.models import (
    Campaign,
    CampaignTask,
    Candidate,
    ExposureFlag,
    FlagEvent,
    LossRun,
    PairGrade,
    Path,
    Scenario,
    ScenarioRun,
)
from apps.exposure.node_names import find_nodes
from apps.exposure.snapshots.daily import is_snapshot_taken
from apps.inventory.models import Application, Dependency, Selection
from apps.inventory.queries import changes_of_application
from apps.inventory.read_models import refresh_stale_applications
from apps.issues.evaluation import evaluate_issues
from apps.risks.models import Assessment, Evidence, FoundationRisk, StaleCause, Treatment
from apps.risks.queries.reach import expiring_acceptances, total_reach
from tests.notified_facts import (
    applications_in_order,
    find_facts,
    told_applications,
    unnotified_facts,
    unresolved_records,
)
from tests.table_sizes import table_sizes

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = LoadingDay(AT)
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def _demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue(at=AT)
        load_register(day=DAY)
        load_scenarios(day=DAY)
        # what waits for the end of a transaction is checked once here, not again at the end of
        # every test
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(_demo: None, db: None) -> None:
    return None


def maren() -> User:
    return User.objects.get(username="maren")


# --- what is never silent -------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 30, 90, 200])
def test_what_is_retired_not_approved_or_late_has_a_notification_and_the_rest_has_none(
    demo: None, days: int
) -> None:
    at = AT + timedelta(days=days)
    today = TODAY + timedelta(days=days)
    refresh_stale_applications(on=today)
    update_campaigns(at=at)

    evaluate_issues(at=at)
    raise_alerts(at=at)
    raise_due_alerts(at=at)

    facts = set(find_facts(today))
    assert {fact for fact, _ in facts} >= {"retired", "violation", "expired approval"}
    assert unnotified_facts(today) == set()
    assert told_applications(applications_in_order(today)) == set()


def test_each_issue_that_must_be_told_has_a_notification(demo: None) -> None:
    evaluate_issues(at=AT)
    raise_alerts(at=AT)
    raise_due_alerts(at=AT)

    for row in unresolved_records(TODAY):
        is_late = row["start_by"] is not None and date.fromisoformat(row["start_by"]) < TODAY
        if row["retired_in_use"] or is_late:
            assert row["notified"] is not None, row


# --- loading --------------------------------------------------------------------------------------


def test_loading_again_writes_nothing(demo: None) -> None:
    before = table_sizes()

    load_register(day=LoadingDay(AT + timedelta(hours=5)))
    load_scenarios(day=LoadingDay(AT + timedelta(hours=5)))

    assert table_sizes() == before


def test_what_people_have_made_of_it_since_stays(demo: None) -> None:
    Campaign.objects.filter(state="open").update(title="Ours")
    Scenario.objects.all().delete()
    ExposureFlag.objects.filter(state="open").update(state="acknowledged", acknowledged_by=maren())

    load_register(day=DAY)
    load_scenarios(day=DAY)

    assert Campaign.objects.filter(title="Ours").exists()
    assert not Scenario.objects.exists()
    assert not ExposureFlag.objects.filter(state="open").exists()


def test_the_command_prints_one_array_of_logins(demo: None) -> None:
    out = StringIO()

    call_command("load_demo", stdout=out)

    assert {"user": "maren", "password": PASSWORD, "role": "governance"} in json.loads(
        out.getvalue()
    )


def test_the_command_says_why_production_refuses_it(db: None, settings: LazySettings) -> None:
    settings.REGISTRY_ENV = "production"

    with pytest.raises(CommandError, match="not available in production"):
        call_command("load_demo", stdout=StringIO())


# --- states ---------------------------------------------------------------------------------------


def states_when(name: str) -> dict[str, tuple[str, float]]:
    """{application: (state, hit share)} when the node of that name fails."""
    asked = node_failures(list(find_nodes([name]).values()), settings=engine_settings())
    slugs = dict(Application.objects.values_list("pk", "slug"))
    return {
        slugs[found.application_id]: (found.state, float(found.hit_share))
        for found in application_states(asked)
    }


def test_one_node_shows_every_state(demo: None) -> None:
    found = states_when("host:amazon-bedrock")

    assert found["claims-triage"][0] == "exposed"  # its fallback is at the same host
    assert found["underwriting-copilot"][0] == "cushioned"  # its test has expired
    assert found["first-notice-of-loss-assistant"][0] == "cushioned"  # its test passed only in part
    assert found["agent-assist"][0] == "cushioned"  # nobody tested its fallback
    assert found["complaint-classifier"][0] == "portable"
    assert found["medical-report-summariser"] == ("partial", 0.85)


def test_a_failed_test_takes_the_fallback_away(demo: None) -> None:
    assert states_when("host:amazon-bedrock")["investment-memo-drafter"][0] == "exposed"
    fallback = Dependency.objects.get(application__slug="investment-memo-drafter", role="fallback")
    assert not Candidate.objects.filter(
        application_id=fallback.application_id, offering_id=fallback.offering_id
    )


def test_the_same_version_at_another_host_helps_in_an_outage_and_not_when_the_developer_fails(
    demo: None,
) -> None:
    assert states_when("host:anthropic")["claims-letter-writer"][0] == "portable"
    assert states_when("developer:anthropic")["claims-letter-writer"][0] == "exposed"


def test_the_base_of_a_fine_tune_does_not_rescue_it_from_its_developer(demo: None) -> None:
    assert states_when("host:openai")["doctor-letter-coder"][0] == "portable"
    assert states_when("developer:openai").get("doctor-letter-coder", ("exposed",))[0] == "exposed"


def test_roles_lean_and_what_nobody_has_placed_may_stand(demo: None) -> None:
    [node] = find_nodes(["developer:cohere"]).values()
    slugs = dict(Application.objects.values_list("pk", "slug"))

    assert {"embedding", "reranker"} <= {
        role for roles in supporting_roles(node, NodeKind.DEVELOPER).values() for role in roles
    }
    assert {slugs[pk] for pk in unresolved_applications(NodeKind.DEVELOPER)} == {
        "meeting-notes",
        "image-captions",
    }


def test_fallbacks_of_every_grade_are_declared(demo: None) -> None:
    grades = {(pair.primary_id, pair.candidate_id): pair.grade for pair in PairGrade.objects.all()}
    found = set()
    for path in Path.objects.all():
        # a declared fallback is for all primaries of its application
        for candidate in Candidate.objects.filter(
            application_id=path.application_id, dependency_id__isnull=False
        ):
            grade = grades[path.effective_id, candidate.effective_id]
            found.add(5 if grade == 4 and not set(path.parties) & set(candidate.parties) else grade)

    assert found == {0, 1, 2, 3, 4, 5}


# --- risks ----------------------------------------------------------------------------------------


def test_risks_stand_on_every_kind_of_node(demo: None) -> None:
    by_people = FoundationRisk.objects.filter(rule="")

    assert {NodeKind(kind) for kind in by_people.values_list("node__kind", flat=True)} == set(
        NodeKind
    )
    assert by_people.filter(template__isnull=True).exists()
    assert by_people.filter(inherits=False).exists()
    assert by_people.filter(closed_at__isnull=False).exists()


def test_built_in_rules_have_spoken_and_one_was_dismissed_by_a_person(demo: None) -> None:
    raised = FoundationRisk.objects.exclude(rule="")

    assert set(raised.values_list("rule", flat=True)) >= {
        "retirement",
        "redirect",
        "moving_name",
        "short_notice",
    }
    assert raised.get(dismissed_at__isnull=False).dismissed_by.username == "jonas"


def test_inherited_risks_are_in_every_state_and_treatment(demo: None) -> None:
    reach = total_reach(user=maren(), on=TODAY)

    assert set(Assessment.objects.values_list("state", flat=True)) == set(Assessment.State)
    assert set(Assessment.objects.values_list("treatment", flat=True)) == {*Treatment, ""}
    assert reach.n_unassessed > 0
    assert reach.n_accepted >= 1


def test_assessments_are_stale_for_every_reason_a_portfolio_knows(demo: None) -> None:
    stale = Assessment.objects.filter(state="stale")

    assert set(stale.values_list("stale_cause", flat=True)) >= {
        StaleCause.EVENT,
        StaleCause.EXIT_TEST_EXPIRED,
        StaleCause.EVIDENCE_FAILED,
        StaleCause.EVIDENCE_EXPIRED,
        StaleCause.ACCEPTANCE_EXPIRED,
        StaleCause.ACCEPTANCE_REVOKED,
    }
    moved = stale.get(dependency__application__slug="broker-letter-drafter")
    assert moved.stale_event.kind == "alias_moved"
    assert "mistral/mistral-medium-2604" in moved.stale_reason


def test_an_acceptance_ends_soon(demo: None) -> None:
    [ending] = expiring_acceptances(on=TODAY, within=timedelta(days=14))

    assert ending.dependency.application.slug == "first-notice-of-loss-assistant"


def test_evidence_passes_fails_has_expired_and_lies_on_file(demo: None) -> None:
    assert {evidence.state(TODAY) for evidence in Evidence.objects.all()} == set(Evidence.State)


# --- flags ----------------------------------------------------------------------------------------


def test_flags_are_open_acknowledged_accepted_and_resolved(demo: None) -> None:
    assert set(ExposureFlag.objects.values_list("state", flat=True)) == set(ExposureFlag.State)
    for accepted in ExposureFlag.objects.filter(state="accepted"):
        assert accepted.accepted_until > TODAY
        assert accepted.ceiling >= accepted.value


def test_the_life_of_flags_names_people_and_one_acceptance_ran_out(demo: None) -> None:
    events = FlagEvent.objects.filter(by__isnull=False)

    assert set(events.values_list("by__username", flat=True)) == {"maren", "jonas"}
    assert FlagEvent.objects.filter(kind="acceptance_expired").exists()
    assert actors_of(ExposureFlag) >= {"maren", "jonas", "exposure.refresh_exposure"}


def test_the_creation_of_applications_has_a_reason_of_its_own(demo: None) -> None:
    changes = [
        change
        for application in Application.objects.all()
        for change in changes_of_application(application=application)
    ]

    created = {change.reason for change in changes if change.actor == "load_demo"}
    assert created == {"Loaded with the demo."}


def actors_of(model: Any) -> set[str]:
    history = model.history.rel.related_model
    return {
        metadata["actor"]
        for metadata in history.objects.values_list("pgh_context__metadata", flat=True)
    }


# --- campaigns ------------------------------------------------------------------------------------


def test_a_running_campaign_has_a_task_in_every_state(demo: None) -> None:
    campaign = Campaign.objects.get(state="open")

    assert campaign.event.kind == "announced"
    assert set(campaign.tasks.values_list("state", flat=True)) == set(CampaignTask.State)
    assert campaign.tasks.get(state="waived").waived_until > TODAY


def test_what_is_ready_or_signed_has_an_open_gate_with_before_and_after(demo: None) -> None:
    tasks = CampaignTask.objects.filter(state__in=["ready", "done"], campaign__state="open")

    for gate in sign_off_requirements(tasks=[task.pk for task in tasks], on=TODAY).values():
        assert gate.is_open
        assert gate.evidence
        assert any(
            measure.before is not None and measure.after is not None for measure in gate.measures
        )
    assert {task.signed_off_by.username for task in tasks.filter(state="done")} == {"ilse"}


def test_a_closed_campaign_is_all_done(demo: None) -> None:
    campaign = Campaign.objects.get(state="closed")

    assert set(campaign.tasks.values_list("state", flat=True)) == {"done"}
    assert campaign.closed_at < AT
    assert campaign.tasks.first().successor.offering.api_id == "gpt-5.6-luna"


# --- choosing and what-ifs ------------------------------------------------------------------------


def test_one_platform_bet_is_decided_with_scorecards_and_one_is_a_draft(demo: None) -> None:
    decided, draft = Selection.objects.get(state="decided"), Selection.objects.get(state="draft")

    for candidate in decided.candidates.all():
        assert candidate.scorecard["foundation"]["facts"]
        assert candidate.scores
    assert decided.candidates.filter(chosen=True).count() == 1
    assert draft.candidates.count() == 3


def test_scenarios_of_every_operation_are_saved_and_answered(demo: None) -> None:
    operations = {
        operation["op"] for scenario in Scenario.objects.all() for operation in scenario.ops
    }

    assert operations == {"remove", "replace", "move", "reprice", "add", "retire"}
    assert not Scenario.objects.filter(runs__isnull=True).exists()
    assert {(run.state, run.as_of) for run in ScenarioRun.objects.all()} == {("done", TODAY)}
    assert ScenarioRun.objects.filter(whole_organisation=False).exists()


def test_the_loss_of_the_year_is_simulated_once(demo: None) -> None:
    run = LossRun.objects.get()

    assert (run.state, run.years) == ("done", LOSS_YEARS)
    assert (
        run.result["shared"]["one_in_100"]["var"] > run.result["independent"]["one_in_100"]["var"]
    )


def test_exposure_is_built_and_kept_for_the_day_of_loading(demo: None) -> None:
    assert is_snapshot_taken(TODAY)


def test_no_event_was_detected_before_its_evidence_was_first_seen(demo):
    events = ProviderEvent.objects.filter(offering__isnull=False).prefetch_related("evidence")

    assert events.exists()
    assert [
        event.pk
        for event in events
        for assertion in event.evidence.all()
        if assertion.first_seen > event.detected_at
    ] == []
