"""The demo portfolio: complete, repeatable, and with everything to see that the inventory can
show."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from apps.accounts.models import Membership, Team, User
from apps.catalog.footing import footing_differences
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Assertion, Offering, ProviderEvent
from apps.demo.fixtures import PASSWORD, LoadingDay
from apps.demo.inventory import load_contracts, load_exits
from apps.demo.loader import load_portfolio
from apps.demo.organisation import Login
from apps.inventory.costs import UnknownCost, monthly_costs
from apps.inventory.findings import findings_of
from apps.inventory.governance.annex_documents import overdue_documents
from apps.inventory.governance.approvals import expiring_decisions
from apps.inventory.governance.violations import approval_violations
from apps.inventory.models import (
    Adaptation,
    AnnexItem,
    Application,
    Approval,
    Contract,
    Criticality,
    Dependency,
    ExitPlan,
    ExitTest,
)
from apps.inventory.runway import PrimaryRunway, runways
from tests.table_sizes import table_sizes

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
DAY = LoadingDay(AT)


def load() -> list[Login]:
    logins = load_portfolio(day=DAY)
    load_exits(day=DAY)
    load_contracts(day=DAY)
    return logins


@pytest.fixture(scope="module")
def _portfolio(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue(at=AT)
        load()
        # what waits for the end of a transaction is checked once here, not again at the end of
        # every test
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def portfolio(_portfolio: None, db: None) -> None:
    return None


def primaries() -> list[Dependency]:
    return list(
        Dependency.objects.live_on(TODAY)
        .primary()
        .select_related("application", "offering__version__foundation__developer")
    )


def test_it_holds_53_applications_of_all_weights_in_a_tree_of_teams(portfolio: None) -> None:
    assert Application.objects.count() == 53
    assert {app.criticality for app in Application.objects.all()} == set(Criticality)
    assert Team.objects.filter(parent__isnull=False).exists()
    assert not Team.objects.filter(email="").exists()


def test_one_developer_carries_more_than_half_of_the_critical_applications(portfolio: None) -> None:
    critical = [use for use in primaries() if use.application.criticality == Criticality.CRITICAL]
    of_anthropic = {
        use.application_id
        for use in critical
        if use.offering.version.foundation.developer.slug == "anthropic"
    }

    assert len(of_anthropic) / len({use.application_id for use in critical}) > 0.5


def test_some_end_within_180_days_and_some_have_ended(portfolio: None) -> None:
    ends = [use.offering.retires_on for use in primaries() if use.offering.date_kind == "firm"]

    assert sum(TODAY < end <= TODAY + timedelta(days=180) for end in ends) >= 10
    assert sum(end <= TODAY for end in ends) >= 2


def test_every_role_and_way_of_reaching_occurs(portfolio: None) -> None:
    assert set(Dependency.objects.values_list("role", flat=True)) == set(Dependency.Role)
    assert set(Dependency.objects.values_list("reached", flat=True)) == set(Dependency.Reached)
    assert Dependency.objects.filter(until__isnull=False).exists()
    assert not Dependency.objects.filter(role="fallback", fallback_order=0).exists()


def test_a_judge_shares_its_base_with_what_it_judges(portfolio: None) -> None:
    judged = Application.objects.filter(
        dependencies__role="judge", dependencies__offering__version__foundation__isnull=False
    ).distinct()

    assert any(
        judge.offering.version_id == primary.offering.version_id
        for app in judged
        for judge in app.dependencies.filter(role="judge")
        for primary in app.dependencies.filter(role="primary")
    )


def test_two_primaries_name_no_known_model(portfolio: None) -> None:
    assert sum(use.offering.version_id is None for use in primaries()) == 2


def test_the_private_fine_tune_stands_on_its_base_and_its_end_was_entered_by_a_person(
    portfolio: None,
) -> None:
    offering = Offering.objects.get(api_id__startswith="ft:gpt-4.1-mini-2025-04-14:calder-mutual")
    parents = offering.version.derived_from.values_list("parent__identifier", flat=True)

    assert list(parents) == ["openai/gpt-4.1-mini-2025-04-14"]
    assert str(offering.retires_on) == "2027-01-14"
    claim = Assertion.objects.get(source__slug="manual", offering=offering)
    assert claim.asserted_by.username == "maren"


def test_the_weights_on_own_hardware_have_an_own_host(portfolio: None) -> None:
    offering = Offering.objects.get(host__slug="calder-gpu-cluster", api_id__contains="70B")

    assert offering.version.identifier == "meta/llama-3.3-70b-instruct"
    assert offering.retires_on is None


def test_costs_on_record_agree_with_list_prices(portfolio: None) -> None:
    use = Dependency.objects.get(application__slug="claims-triage", role="primary")
    prices = {
        price.unit: price.amount for price in use.offering.prices.at(AT).filter(above_tokens=0)
    }

    expected = (
        use.monthly_input_tokens * prices["input"] + use.monthly_output_tokens * prices["output"]
    ) / 1_000_000

    assert use.monthly_spend == pytest.approx(expected)


def test_its_footing_is_complete(portfolio: None) -> None:
    assert footing_differences(today=TODAY) == []


def test_the_logins_work_and_cover_every_role(portfolio: None) -> None:
    logins = load_portfolio(day=DAY)

    assert {login.role for login in logins} == {
        "admin",
        "governance",
        "auditor",
        "owner",
        "editor",
        "viewer",
    }
    for login in logins:
        assert authenticate(username=login.user, password=login.password) is not None
    assert Membership.objects.values("user").distinct().count() == len(logins)


def test_loading_again_adds_nothing_and_changes_nothing(portfolio: None) -> None:
    Application.objects.filter(slug="claims-triage").update(purpose="Our own words.")
    before = table_sizes()

    load()

    assert table_sizes() == before
    assert Application.objects.get(slug="claims-triage").purpose == "Our own words."


def test_what_people_have_taken_away_does_not_come_back(portfolio: None) -> None:
    ExitTest.objects.all().delete()
    Adaptation.objects.all().delete()
    Contract.objects.filter(overarching__isnull=False).delete()
    Contract.objects.all().delete()

    load()

    assert not ExitTest.objects.exists()
    assert not Adaptation.objects.exists()
    assert not Contract.objects.exists()


def test_a_password_somebody_changed_stays(portfolio: None) -> None:
    user = User.objects.get(username="hana")
    user.set_password("another")
    user.save()

    load_portfolio(day=DAY)

    assert authenticate(username="hana", password=PASSWORD) is None


# --- what is to be seen in it ---------------------------------------------------------------------


def test_declared_reality_that_does_not_hold_together_is_found(portfolio: None) -> None:
    found = findings_of(
        application_ids=list(Application.objects.values_list("pk", flat=True)), on=TODAY
    )

    assert {finding.code for finding in found} >= {
        "shares_do_not_sum",
        "fallback_is_primary",
        "retired_with_live",
        "unresolved",
        "redirected",
        "retired_offering",
        "blocked",
        "restricted",
        "approval_expired",
        "test_lapsed",
        "exit_untested",
        "review_overdue",
        "tokens_missing",
        "observed_only",
    }


def test_tests_of_leaving_have_every_result_and_lapse_in_every_way(portfolio: None) -> None:
    found = findings_of(
        application_ids=list(Application.objects.values_list("pk", flat=True)), on=TODAY
    )
    lapsed = " ".join(finding.sentence for finding in found if finding.code == "test_lapsed")

    assert set(ExitTest.objects.values_list("result", flat=True)) == set(ExitTest.Result)
    for why in ("failed", "passed only partly", "expired", "used another version"):
        assert why in lapsed
    measured = ExitTest.objects.filter(
        effort_days__isnull=False, cost__isnull=False, quality_delta__isnull=False
    )
    assert measured.count() >= 5
    assert ExitTest.objects.filter(
        expires_on__gt=TODAY, expires_on__lte=TODAY + timedelta(days=14)
    ).exists()


def test_every_kind_of_adaptation_is_there_with_what_it_cost_and_whether_it_moves(
    portfolio: None,
) -> None:
    assert set(Adaptation.objects.values_list("kind", flat=True)) == set(Adaptation.Kind)
    assert set(Adaptation.objects.values_list("moves", flat=True)) == {*Adaptation.Moves, ""}
    assert Adaptation.objects.filter(invested_cost__gt=0).count() >= 10


def test_exit_plans_use_all_of_doras_values(portfolio: None) -> None:
    plans = ExitPlan.objects.all()

    assert {plan.substitutability for plan in plans} == set(ExitPlan.Substitutability)
    assert {plan.reason for plan in plans} == {*ExitPlan.Reason, ""}
    assert {plan.reintegration for plan in plans} == {*ExitPlan.Reintegration, ""}
    assert {plan.alternatives_identified for plan in plans} >= {"yes", "no"}


def runway_of(slug: str) -> PrimaryRunway:
    [application_id] = Application.objects.filter(slug=slug).values_list("pk", flat=True)
    return runways(on=TODAY, application_ids=[application_id])[0]


def test_one_ends_before_the_last_test_of_leaving_would_be_done(portfolio: None) -> None:
    found = runway_of("payment-anomaly-reviewer")

    assert (found.days_left, found.effort_days, found.basis, found.runway) == (77, 90, "test", -13)


def test_runways_are_measured_estimated_unknown_and_without_a_day(portfolio: None) -> None:
    assert (runway_of("claims-triage").basis, runway_of("claims-triage").runway) == ("estimate", 75)
    assert runway_of("call-summariser").basis is None
    assert runway_of("log-explainer").why == "announced_without_date"
    assert runway_of("code-review-assistant").at_least


def primary_of(slug: str) -> Dependency:
    return (
        Dependency.objects.live_on(TODAY).primary().filter(application__slug=slug).order_by("pk")[0]
    )


def test_a_price_announced_for_later_changes_what_an_application_will_cost(portfolio: None) -> None:
    use = primary_of("onboarding-guide")

    today = monthly_costs(on=TODAY).per_dependency[use.pk]
    later = monthly_costs(on=TODAY, prices_on=date(2027, 1, 15)).per_dependency[use.pk]

    assert later.amount == 2 * today.amount


def test_cached_tokens_and_long_requests_are_priced_and_what_is_not_known_stays_unknown(
    portfolio: None,
) -> None:
    costs = monthly_costs(on=TODAY)
    use = primary_of("motor-damage-estimator")

    assert use.typical_request_tokens > 200_000
    assert costs.per_dependency[use.pk].amount == 2900 * 2.5 + 640 * 15
    assert primary_of("agent-assist").pk in costs.per_dependency
    assert primary_of("agent-assist").monthly_cache_read_tokens > 0
    assert {unknown.code for unknown in costs.unknown.values()} >= {
        UnknownCost.NO_TOKENS,
        UnknownCost.NO_PRICE,
    }


def test_contracts_with_several_parties_have_clauses_on_file_missing_and_not_looked_for(
    portfolio: None,
) -> None:
    assert Contract.objects.values("party").distinct().count() >= 5
    assert set(Contract.objects.values_list("exit_clause", flat=True)) == {"yes", "no", ""}
    assert Contract.objects.filter(overarching__isnull=False).exists()
    assert Contract.objects.filter(
        ends_on__lte=TODAY + timedelta(days=60), ends_on__gt=TODAY
    ).exists()


def test_annex_xii_items_are_in_every_status_and_one_answer_is_overdue(portfolio: None) -> None:
    assert set(AnnexItem.objects.values_list("status", flat=True)) == set(AnnexItem.Status)
    assert overdue_documents(user=User.objects.get(username="maren"), on=TODAY).exists()


def test_decisions_of_every_kind_stand_one_ends_soon_and_several_are_not_kept(
    portfolio: None,
) -> None:
    found = approval_violations(user=User.objects.get(username="maren"), on=TODAY)

    assert set(Approval.objects.standing_on(TODAY).values_list("decision", flat=True)) == set(
        Approval.Decision
    )
    assert [approval.target.slug for approval in expiring_decisions(on=TODAY)] == ["mistral"]
    assert {row.dependency.application.slug for row in found.rows} >= {
        "market-watch",
        "call-summariser",
    }


def test_a_fallback_shares_the_base_with_the_fine_tune_it_stands_in_for(portfolio: None) -> None:
    tuned = primary_of("doctor-letter-coder").offering
    fallback = Dependency.objects.get(
        application__slug="doctor-letter-coder", role="fallback"
    ).offering

    assert tuned.version.derived_from.get().parent == fallback.version
    assert tuned.retires_on is not None


def test_news_of_the_last_weeks_are_an_announced_end_and_an_alias_that_moved(
    portfolio: None,
) -> None:
    assert set(ProviderEvent.objects.values_list("kind", flat=True)) == {"announced", "alias_moved"}
    announced = ProviderEvent.objects.get(
        offering__api_id="eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    )
    assert (announced.new, announced.evidence.count()) == (
        announced.offering.retires_on.isoformat(),
        1,
    )
    assert ProviderEvent.objects.get(kind="alias_moved").offering.dependencies.exists()


def test_a_retired_name_is_answered_by_another_model(portfolio: None) -> None:
    called = primary_of("market-watch").offering

    assert (called.api_id, called.end_behaviour, called.replacement.api_id) == (
        "grok-3",
        "redirect",
        "grok-4.3",
    )


def test_a_primary_stands_by_without_traffic(portfolio: None) -> None:
    shares = [use.traffic_share for use in primaries() if use.application.slug == "dispatch-router"]

    assert sorted(map(float, shares)) == [0, 0.5, 0.7]


def test_days_are_counted_from_the_day_of_loading(portfolio: None) -> None:
    assert LoadingDay(datetime(2027, 3, 1, 9, tzinfo=UTC)).on(-1) == date(2027, 2, 28)
    assert Application.objects.get(slug="claims-triage").next_review_on == TODAY + timedelta(
        days=18
    )
