"""Each rule finds what it is for, and nothing else."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from apps.catalog.models import (
    Alias,
    Assertion,
    Offering,
    OfferingStage,
    SettledClaims,
    Source,
)
from apps.common.errors import ConflictError
from apps.common.time import now
from apps.feeds.models import PollState
from apps.gate.actions import HorizonDays, change_gate_policy
from apps.gate.matching import RequestedModel
from apps.gate.models import GatePolicy
from apps.gate.rules.evaluation import evaluate_models
from apps.intake.models import Confidence, NameDecision, Observation
from apps.inventory.governance.approvals import record_decision
from apps.inventory.models import Application, Criticality, Dependency
from apps.risks.models import Evidence
from tests.builders import make_claim, make_dependency, make_offering, make_source
from tests.gate.support_desk import SupportDesk, rules_of
from tests.worlds.fit import require, settle

OPENAI = "openai"


def judge(
    desk: SupportDesk, *names: str | RequestedModel, environment: str = "production", **question
):
    asked = [
        name if isinstance(name, RequestedModel) else RequestedModel(name, OPENAI) for name in names
    ]
    return evaluate_models(
        application=desk.application, requested=asked, environment=environment, at=now(), **question
    )


def say(desk: SupportDesk, **levels: str):
    change_gate_policy(by=desk.governance, levels=levels)


@pytest.fixture(autouse=True)
def _only_what_is_asked_for(desk):
    """Evidence is asked for in its own test."""
    say(desk, FR006="off")


def test_a_model_that_holds_passes(desk):
    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert (outcome.decision, outcome.exit_code, outcome.findings) == ("pass", 0, ())
    assert outcome.evaluated == [
        {
            "model": "gpt-4o-2024-11-20",
            "resolved_id": "openai/gpt-4o-2024-11-20",
            "match": "exact",
            "location": None,
        }
    ]


def test_fr001_blocks_what_the_organisation_blocked(desk):
    record_decision(
        target=desk.good.version, decision="blocked", reason="Leaks.", at=now(), by=desk.governance
    )

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert rules_of(outcome.findings) == [("FR001", "error", "gpt-4o-2024-11-20")]
    assert "Leaks." in outcome.findings[0].message
    assert (outcome.decision, outcome.exit_code) == ("block", 1)


def test_fr001_asks_for_an_approval_where_the_policy_does(desk):
    change_gate_policy(by=desk.governance, fields={"requires_approval": True})
    record_decision(
        target=desk.good,
        decision="approved",
        reason="Tried.",
        at=now(),
        by=desk.governance,
        expires_on=desk.today + timedelta(90),
    )

    outcome = judge(desk, "gpt-4o-2024-11-20", "gpt-3.5-turbo-0125")

    assert ("FR001", "error", "gpt-3.5-turbo-0125") in rules_of(outcome.findings)
    assert ("FR001", "error", "gpt-4o-2024-11-20") not in rules_of(outcome.findings)


def test_fr002_blocks_what_is_retired_and_names_what_to_move_to(desk):
    outcome = judge(desk, "gpt-3.5-turbo-0125")

    (finding,) = outcome.findings
    assert rules_of(outcome.findings) == [("FR002", "error", "gpt-3.5-turbo-0125")]
    assert (finding.replacement, finding.by_date) == ("gpt-5.6-terra", desk.today - timedelta(33))
    assert (outcome.decision, outcome.exit_code) == ("block", 1)


@pytest.mark.parametrize(
    ("days", "criticality", "environment", "expected"),
    [
        (50, Criticality.CRITICAL, "production", "warning"),
        (181, Criticality.CRITICAL, "production", None),
        (30, Criticality.CRITICAL, "production", "error"),
        (30, Criticality.CRITICAL, "staging", "warning"),
        (50, Criticality.LOW, "staging", None),
        (8, Criticality.STANDARD, "production", "warning"),
        (7, Criticality.STANDARD, "production", "error"),
    ],
)
def test_fr003_speaks_by_environment_and_criticality(
    desk, days, criticality, environment, expected
):
    Application.objects.filter(pk=desk.application.pk).update(criticality=criticality)
    desk.application.refresh_from_db()
    desk.ending.retires_on = desk.today + timedelta(days)
    desk.ending.save()

    outcome = judge(desk, "gpt-4o-2024-08-06", environment=environment)

    assert [level for _, level, _ in rules_of(outcome.findings)] == ([expected] if expected else [])
    if expected:
        assert outcome.findings[0].replacement == "gpt-4o-2024-11-20"


def test_fr003_never_blocks_for_a_day_the_host_has_not_set(desk):
    desk.ending.retires_on, desk.ending.date_kind = desk.today + timedelta(3), "not_before"
    desk.ending.save()

    assert rules_of(judge(desk, "gpt-4o-2024-08-06").findings) == [
        ("FR003", "warning", "gpt-4o-2024-08-06")
    ]


def test_fr004_tells_a_deployment_that_does_not_say_its_model(desk):
    outcome = judge(
        desk,
        RequestedModel("contact-centre-prod", "azure"),
        RequestedModel("judge-eu", "azure"),
        RequestedModel("fast", alias=True),
    )

    assert rules_of(outcome.findings) == [
        ("FR004", "warning", "contact-centre-prod"),
        ("FR004", "warning", "judge-eu"),
        ("FR004", "warning", "fast"),
    ]
    assert [row["match"] for row in outcome.evaluated] == ["unresolved"] * 3


def test_fr004_tells_a_family_that_stands_for_several_releases(desk):
    family = Alias.objects.create(
        identifier="openai/gpt-4o-family", foundation=desk.good.version.foundation, kind="family"
    )
    make_offering("gpt-4o-family", host=desk.openai, resolved=False, alias=family)

    outcome = judge(desk, "gpt-4o-family")

    assert rules_of(outcome.findings) == [("FR004", "warning", "gpt-4o-family")]
    assert outcome.evaluated[0]["match"] == "family"


def test_a_moving_alias_is_told_as_one_and_judged_by_what_answers(desk):
    alias = Alias.objects.create(
        identifier="openai/gpt-4o",
        foundation=desk.good.version.foundation,
        kind="alias",
        version=desk.good.version,
    )
    make_offering(
        "gpt-4o", host=desk.openai, version=desk.good.version, alias=alias, lifecycle="active"
    )

    outcome = judge(desk, "gpt-4o")

    assert outcome.findings == ()
    assert (outcome.evaluated[0]["match"], outcome.evaluated[0]["resolved_id"]) == (
        "alias",
        "openai/gpt-4o-2024-11-20",
    )


def test_a_gateways_alias_is_what_the_applications_own_gateway_passes_on(desk):
    Observation.objects.create(
        key="00000000-0000-0000-0000-000000000001",
        stream="litellm-config:main",
        application=desk.application,
        alias="chat-default",
        requested="gpt-3.5-turbo-0125",
        confidence=Confidence.GATEWAY_CONFIG,
        state="matched",
        offering=desk.retired,
        first_seen_at=now(),
        last_seen_at=now(),
    )

    outcome = judge(desk, RequestedModel("chat-default", "litellm", alias=True))

    assert rules_of(outcome.findings) == [("FR002", "error", "chat-default")]


def test_fr005_tells_a_name_that_nobody_knows_and_never_guesses_a_neighbour(desk):
    outcome = judge(desk, "gpt-4o-2024-08", "gpt-3.5-turbo-012", "process.env.MODEL")

    assert rules_of(outcome.findings) == [
        ("FR005", "warning", "gpt-4o-2024-08"),
        ("FR005", "warning", "gpt-3.5-turbo-012"),
        ("FR005", "warning", "process.env.MODEL"),
    ]
    assert {row["match"] for row in outcome.evaluated} == {"unresolved"}


def test_a_known_model_is_not_judged_by_another_hosts_dates(desk):
    """It ended at OpenAI; that says nothing of a host of which nobody knows that it offers it."""
    outcome = judge(desk, RequestedModel("gpt-3.5-turbo-0125", "azure"))

    assert rules_of(outcome.findings) == [("FR005", "warning", "gpt-3.5-turbo-0125")]
    assert outcome.evaluated[0]["resolved_id"] == "openai/gpt-3.5-turbo-0125"


def test_what_a_person_decided_about_a_name_counts_first(desk):
    NameDecision.objects.create(
        name="contact-centre-prod", offering=desk.retired, decided_by=desk.governance
    )
    NameDecision.objects.create(name="google", not_a_model=True, decided_by=desk.governance)

    outcome = judge(
        desk, RequestedModel("contact-centre-prod", "azure"), RequestedModel("google", "")
    )

    assert rules_of(outcome.findings) == [("FR002", "error", "contact-centre-prod")]


def test_fr006_asks_critical_applications_for_an_evaluation_that_still_counts(desk):
    say(desk, FR006="error")
    name = "gpt-4o-2024-11-20"
    assert rules_of(judge(desk, name).findings) == [("FR006", "error", name)]

    evidence = Evidence.objects.create(
        kind="own_evaluation",
        application=desk.application,
        version=desk.good.version,
        passed=True,
        run_on=desk.today - timedelta(30),
        recorded_at=now(),
    )
    assert judge(desk, name).findings == ()

    evidence.run_on = desk.today - timedelta(400)
    evidence.save()
    assert "has expired" in judge(desk, name).findings[0].message

    Evidence.objects.create(
        kind="red_team",
        application=desk.application,
        offering=desk.good,
        passed=False,
        run_on=desk.today,
        recorded_at=now(),
    )
    assert "failed" in judge(desk, name).findings[0].message

    Application.objects.filter(pk=desk.application.pk).update(criticality=Criticality.LOW)
    desk.application.refresh_from_db()
    assert judge(desk, name).findings == ()


def test_fr007_and_fr008_hold_restrictions_against_the_application(desk):
    record_decision(
        target=desk.good,
        decision="restricted",
        reason="Only public data in the US.",
        at=now(),
        by=desk.governance,
        expires_on=desk.today + timedelta(90),
        data_classes=["public"],
        regions=["US"],
    )

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert {(rule, level) for rule, level, _ in rules_of(outcome.findings)} == {
        ("FR007", "error"),
        ("FR008", "error"),
    }


def test_what_is_only_not_on_record_warns(desk):
    Application.objects.filter(pk=desk.application.pk).update(
        data_classification="", geography="US"
    )
    desk.application.refresh_from_db()
    record_decision(
        target=desk.good,
        decision="restricted",
        reason="Public data.",
        at=now(),
        by=desk.governance,
        expires_on=desk.today + timedelta(90),
        data_classes=["public"],
    )

    assert rules_of(judge(desk, "gpt-4o-2024-11-20").findings) == [
        ("FR007", "warning", "gpt-4o-2024-11-20")
    ]


def test_fr009_tells_a_route_that_lets_any_model_through(desk):
    assert rules_of(judge(desk, "openai/*").findings) == [("FR009", "warning", "openai/*")]


def test_fr010_tells_an_application_without_an_owner(desk):
    Application.objects.filter(pk=desk.application.pk).update(
        business_owner="", technical_owner=" "
    )
    desk.application.refresh_from_db()

    assert rules_of(judge(desk, "gpt-4o-2024-11-20").findings) == [("FR010", "warning", "")]


def test_a_rule_that_is_off_finds_nothing_and_a_note_does_not_warn(desk):
    say(desk, FR002="off", FR003="note")

    outcome = judge(desk, "gpt-3.5-turbo-0125", "gpt-4o-2024-08-06")

    assert rules_of(outcome.findings) == [("FR003", "note", "gpt-4o-2024-08-06")]
    assert outcome.decision == "pass"


def test_without_a_host_the_developers_own_counts(desk):
    outcome = judge(desk, RequestedModel("gpt-3.5-turbo-0125"))

    assert rules_of(outcome.findings) == [("FR002", "error", "gpt-3.5-turbo-0125")]


def test_a_stale_or_empty_catalogue_cannot_decide(desk):
    PollState.objects.update(
        last_observed_at=now() - timedelta(8), last_success_at=now() - timedelta(8)
    )

    outcome = judge(desk, "gpt-4o-2024-11-20")
    blocked = judge(desk, "gpt-3.5-turbo-0125")

    assert (outcome.decision, outcome.exit_code) == ("unknown", 3)
    assert "was polled within 7 days, so the gate cannot decide" in outcome.summary
    assert (blocked.decision, blocked.exit_code) == ("unknown", 3)

    # a source that only knows prices keeps nothing fresh
    prices = make_source("genai-prices", enabled=True)
    PollState.objects.create(source=prices, last_success_at=now(), last_observed_at=now())
    assert judge(desk, "gpt-4o-2024-11-20").decision == "unknown"

    # whoever only wants a report is not stopped, and is told all the same
    reported = judge(desk, "gpt-4o-2024-11-20", mode="report")
    assert (reported.decision, reported.exit_code) == ("unknown", 0)

    # what was read and is doubted is no ground either, and says so
    PollState.objects.update(last_observed_at=now(), last_success_at=now(), suspect=True)
    doubted = judge(desk, "gpt-4o-2024-11-20")
    assert (doubted.decision, "LiteLLM price map: on hold, needs review" in doubted.summary) == (
        "unknown",
        True,
    )
    PollState.objects.update(suspect=False, last_change_at=now() - timedelta(90))
    assert judge(desk, "gpt-4o-2024-11-20").decision == "pass"
    # a feed that answers and that nobody keeps any more
    Source.objects.update(frozen_after_days=60)
    assert judge(desk, "gpt-4o-2024-11-20").decision == "unknown"

    PollState.objects.all().delete()
    assert judge(desk, "gpt-4o-2024-11-20").decision == "unknown"
    # the built-in catalogue was never read from outside, however new it is
    make_claim(
        make_source("built-in", kind="built-in"),
        "litellm:x",
        offering=desk.good,
        first_seen=now(),
        changed_at=now(),
        value={"retires_on": "2030-01-01"},
    )
    assert judge(desk, "gpt-4o-2024-11-20").decision == "unknown"


def test_an_empty_catalogue_cannot_decide(desk):
    Dependency.objects.all().delete()
    Assertion.objects.all().delete()
    desk.ending.delete()
    Offering.objects.all().delete()

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert (outcome.decision, outcome.exit_code, "is empty" in outcome.summary) == (
        "unknown",
        3,
        True,
    )


def test_the_policy_grows_by_one_version_a_change_and_says_who_changed_it(desk):
    before = GatePolicy.objects.get(pk=1).version

    changed = change_gate_policy(
        by=desk.governance,
        levels={"FR009": "error"},
        days=[HorizonDays("prod", 3, 400, 200)],
        reason="Routes are named.",
    )
    same = change_gate_policy(
        by=desk.governance, levels={"FR009": "error"}, days=[HorizonDays("production", 3, 400, 200)]
    )

    assert (changed.version, same.version) == (before + 1, before + 1)
    entry = changed.history.order_by("-pgh_id").first()
    assert entry.levels["FR009"] == "error"
    assert entry.pgh_context.metadata["actor"] == "maren"
    with pytest.raises(ConflictError, match="Another user changed the policy at the same time"):
        change_gate_policy(by=desk.governance, levels={"FR009": "off"}, expected_version=before)
    with pytest.raises(ValidationError, match="not a valid level"):
        change_gate_policy(by=desk.governance, levels={"FR009": "loud"})
    with pytest.raises(ValidationError, match="fewer"):
        change_gate_policy(by=desk.governance, days=[HorizonDays("staging", 0, 10, 20)])


def close_to_new(desk, offering, starts_on):
    OfferingStage.objects.create(
        offering=offering,
        stage="closed_to_new",
        starts_on=starts_on,
        date_kind="firm" if starts_on else "",
        claim=make_claim(make_source("page"), "closed", offering=offering),
    )


def test_fr011_warns_of_a_new_use_of_what_is_closed_to_new_customers(desk):
    close_to_new(desk, desk.good, desk.today - timedelta(5))

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert rules_of(outcome.findings) == [("FR011", "warning", "gpt-4o-2024-11-20")]
    assert outcome.decision == "warn"


@pytest.mark.parametrize(
    ("since", "n_findings"),
    [(6, 0), (5, 1), (4, 1)],
    ids=["before it closed", "on the day", "afterwards"],
)
def test_fr011_passes_a_use_from_before_it_closed(desk, since, n_findings):
    close_to_new(desk, desk.good, desk.today - timedelta(5))
    make_dependency(desk.application, desk.good, since=desk.today - timedelta(since))

    assert len(judge(desk, "gpt-4o-2024-11-20").findings) == n_findings


def test_fr011_says_nothing_before_the_day(desk):
    close_to_new(desk, desk.good, desk.today + timedelta(5))

    assert judge(desk, "gpt-4o-2024-11-20").findings == ()


def test_fr012_says_what_a_new_model_lacks_of_what_is_used(desk):
    used = make_dependency(desk.application, desk.ending)
    require(used, vision=True, context_window=100_000)
    settle(desk.good, vision=False, context_window=128_000)

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert rules_of(outcome.findings) == [("FR012", "warning", "gpt-4o-2024-11-20")]
    assert outcome.findings[0].message == (
        "gpt-4o-2024-11-20 at OpenAI has no image input, but Support assistant is recorded to use "
        "that. Select another model, or correct the requirements in the registry."
    )
    change_gate_policy(by=desk.governance, levels={"FR012": "error"})
    assert judge(desk, "gpt-4o-2024-11-20").decision == "block"
    change_gate_policy(by=desk.governance, levels={"FR012": "off"})
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()


def test_fr012_never_takes_unknown_for_yes_and_never_blocks_by_it(desk):
    require(make_dependency(desk.application, desk.ending), vision=True)
    change_gate_policy(by=desk.governance, levels={"FR012": "error"})

    outcome = judge(desk, "gpt-4o-2024-11-20")

    assert rules_of(outcome.findings) == [("FR012", "warning", "gpt-4o-2024-11-20")]
    assert outcome.decision == "warn"
    assert outcome.findings[0].message.startswith(
        "No source states whether gpt-4o-2024-11-20 at OpenAI has image input"
    )


def test_fr012_passes_what_is_kept_what_could_replace_another_and_what_is_not_recorded(desk):
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()  # nothing is recorded
    require(make_dependency(desk.application, desk.ending), vision=True)
    settle(desk.good, vision=True, pdf=False)
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()
    # it fits one of two dependencies
    require(make_dependency(desk.application, make_offering(), "tool"), pdf=True)
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()
    # an embedding model replaces no other model
    Offering.objects.filter(pk=desk.good.pk).update(category="embedding")
    SettledClaims.objects.update(values={"vision": {"value": False}})
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()


def test_fr012_compares_a_model_in_use_with_its_own_dependency(desk):
    own = make_dependency(desk.application, desk.good)
    require(make_dependency(desk.application, desk.ending), vision=True)
    settle(desk.good, vision=False, pdf=False)
    assert judge(desk, "gpt-4o-2024-11-20").findings == ()
    require(own, pdf=True)
    (finding,) = judge(desk, "gpt-4o-2024-11-20").findings
    assert (finding.rule, "has no PDF input" in finding.message) == ("FR012", True)
