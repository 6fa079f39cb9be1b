"""The demo portfolio: complete, repeatable, and only where nothing is at stake."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from apps.accounts.models import Membership, Team, User
from apps.catalog.builtin import load_catalogue
from apps.catalog.footing import footing_differences
from apps.catalog.models import Assertion, Offering
from apps.inventory.demo import PASSWORD, load_demo
from apps.inventory.models import Application, Criticality, Dependency

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def _portfolio(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        load_catalogue(at=AT)
        load_demo()
        # what waits for the end of a transaction is checked once here, not again at the end of every test
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


def test_it_holds_41_applications_of_all_weights_in_a_tree_of_teams(portfolio: None) -> None:
    assert Application.objects.count() == 41
    assert {app.criticality for app in Application.objects.all()} == set(Criticality)
    assert Team.objects.filter(parent__isnull=False).exists()
    assert not Team.objects.filter(email="").exists()


def test_one_developer_carries_more_than_half_of_the_critical_applications(portfolio: None) -> None:
    critical = [use for use in primaries() if use.application.criticality == Criticality.CRITICAL]
    of_anthropic = {
        use.application_id for use in critical if use.offering.version.foundation.developer.slug == "anthropic"
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


def test_the_private_fine_tune_stands_on_its_base_and_its_end_was_entered_by_a_person(portfolio: None) -> None:
    offering = Offering.objects.get(api_id__startswith="ft:gpt-4.1-mini-2025-04-14:calder-mutual")
    parents = offering.version.derived_from.values_list("parent__identifier", flat=True)

    assert list(parents) == ["openai/gpt-4.1-mini-2025-04-14"]
    assert str(offering.retires_on) == "2027-01-14"
    claim = Assertion.objects.get(source__slug="manual", offering=offering)
    assert claim.asserted_by.username == "maren"


def test_the_weights_on_own_hardware_have_an_own_host(portfolio: None) -> None:
    offering = Offering.objects.get(host__slug="calder-gpu-cluster")

    assert offering.version.identifier == "meta/llama-3.3-70b-instruct"
    assert offering.retires_on is None


def test_costs_on_record_agree_with_list_prices(portfolio: None) -> None:
    use = Dependency.objects.get(application__slug="claims-triage", role="primary")
    prices = {price.unit: price.amount for price in use.offering.prices.at(AT).filter(above_tokens=0)}

    expected = (use.monthly_input_tokens * prices["input"] + use.monthly_output_tokens * prices["output"]) / 1_000_000

    assert use.monthly_spend == pytest.approx(expected)


def test_its_footing_is_complete(portfolio: None) -> None:
    assert footing_differences(today=TODAY) == []


def test_the_logins_work_and_cover_every_role(portfolio: None) -> None:
    logins = load_demo()

    assert {login.role for login in logins} == {"admin", "governance", "auditor", "owner", "editor", "viewer"}
    for login in logins:
        assert authenticate(username=login.user, password=login.password) is not None
    assert Membership.objects.values("user").distinct().count() == len(logins)


def test_loading_again_adds_nothing_and_changes_nothing(portfolio: None) -> None:
    Application.objects.filter(slug="claims-triage").update(purpose="Our own words.")
    before = [model.objects.count() for model in (Application, Dependency, Team, User, Offering, Assertion)]

    load_demo()

    assert [model.objects.count() for model in (Application, Dependency, Team, User, Offering, Assertion)] == before
    assert Application.objects.get(slug="claims-triage").purpose == "Our own words."


def test_a_password_somebody_changed_stays(portfolio: None) -> None:
    user = User.objects.get(username="hana")
    user.set_password("another")
    user.save()

    load_demo()

    assert authenticate(username="hana", password=PASSWORD) is None


def test_the_command_prints_one_array_of_logins(portfolio: None) -> None:
    out = StringIO()

    call_command("load_demo", stdout=out)

    logins = json.loads(out.getvalue())
    assert {"user": "maren", "password": PASSWORD, "role": "governance"} in logins
