"""The synthetic portfolio: as large as asked, the same for the same seed, true, and apart from what
is real.
"""

import json
from collections import Counter
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count

from apps.accounts.models import Team
from apps.catalog.footing import footing_differences
from apps.catalog.models import Offering, Provider
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import EngineState, NodeSummary, ScopedApplication
from apps.inventory.models import Application, Dependency, ExitPlan, ExitTest, Requirement
from apps.risks.models import FoundationRisk
from tests.builders import (
    make_application,
    make_dependency,
    make_exit_test,
    make_offering,
    make_user,
)
from tools.seeding.removal import remove_portfolio
from tools.seeding.seed import SeedError, seed_portfolio
from tools.seeding.sizes import scale_sizes

pytestmark = pytest.mark.django_db
TODAY = day_of(now())
N = 60


def said():
    """Everything about the dependencies but their ids."""
    columns = (
        "application__slug",
        "offering__api_id",
        "role",
        "traffic_share",
        "since",
        "until",
        "monthly_spend",
    )
    ordered = Dependency.objects.order_by(
        "application__slug", "role", "fallback_order", "offering__api_id", "since"
    )
    return list(ordered.values_list(*columns))


@pytest.fixture
def seeded():
    return seed_portfolio(n_applications=N, seed=3, on=TODAY)


def test_has_the_number_of_applications_asked_for_and_about_five_dependencies_each(seeded):
    assert (seeded.applications, Application.objects.count()) == (N, N)
    assert seeded.dependencies == Dependency.objects.count()
    assert 4 * N < seeded.dependencies < 6.5 * N


def test_is_marked_as_synthetic_everywhere(seeded):
    assert not Application.objects.exclude(slug__startswith="synthetic-").exists()
    assert not Provider.objects.exclude(slug__startswith="synthetic-").exists()
    assert not Team.objects.exclude(slug__startswith="synthetic").exists()


def test_its_footing_is_what_the_catalogue_says(seeded):
    assert footing_differences(today=TODAY) == []


def test_passes_every_constraint_of_the_database(seeded):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert Offering.objects.filter(version__isnull=True).exists()


def test_exposure_is_worked_out_and_nothing_is_left_to_refresh(seeded):
    assert EngineState.objects.get().as_of == TODAY
    assert ScopedApplication.objects.count() == Application.objects.in_scope().count()
    assert NodeSummary.objects.exists()
    assert refresh(on=TODAY).n_applications == 0


def test_has_what_real_portfolios_have():
    seed_portfolio(n_applications=400, seed=1, on=TODAY)

    roles = Counter(Dependency.objects.values_list("role", flat=True))
    assert set(roles) == set(Dependency.Role.values)
    assert set(ExitTest.objects.values_list("result", flat=True)) == set(ExitTest.Result.values)
    assert Dependency.objects.filter(until__lte=TODAY).exists()
    assert Dependency.objects.filter(role="primary", traffic_share=0).exists()
    assert Dependency.objects.filter(reached="gateway").exists()
    assert Dependency.objects.filter(monthly_spend__isnull=True).exists()
    assert ExitPlan.objects.exists()
    assert Requirement.objects.filter(origin="declared", value=False).exists()
    assert Requirement.objects.filter(origin="observed", field="context_window").exists()
    assert FoundationRisk.objects.count() == pytest.approx(scale_sizes(400).risks, abs=3)


def test_few_offerings_carry_most_of_it():
    seed_portfolio(n_applications=400, seed=1, on=TODAY)

    used = sorted(
        Dependency.objects.values("offering").annotate(n=Count("pk")).values_list("n", flat=True),
        reverse=True,
    )
    assert sum(used[:20]) > sum(used) / 3


@pytest.mark.proof
def test_the_same_seed_gives_the_same_portfolio_and_another_seed_another(seeded):
    first = said()
    seed_portfolio(n_applications=N, seed=4, on=TODAY)
    other = said()
    seed_portfolio(n_applications=N, seed=3, on=TODAY)

    assert said() == first
    assert other != first


def test_a_second_time_writes_nothing(seeded):
    ids = set(Dependency.objects.values_list("pk", flat=True))

    again = seed_portfolio(n_applications=N, seed=3, on=TODAY)

    assert (again.is_new, again.dependencies) == (False, seeded.dependencies)
    assert set(Dependency.objects.values_list("pk", flat=True)) == ids


def test_other_numbers_replace_it(seeded):
    seed_portfolio(n_applications=20, seed=3, on=TODAY)

    assert Application.objects.count() == 20
    assert ScopedApplication.objects.count() == Application.objects.in_scope().count()


def test_real_rows_stay_beside_it(seeded):
    make_dependency(make_application("Real"), make_offering("real"))

    seed_portfolio(n_applications=20, seed=5, on=TODAY)
    remove_portfolio()

    assert list(Application.objects.values_list("name", flat=True)) == ["Real"]
    assert list(Offering.objects.values_list("api_id", flat=True)) == ["real"]


def test_what_somebody_recorded_on_it_is_not_deleted(seeded):
    dependency = Dependency.objects.filter(role="primary").first()
    make_exit_test(
        dependency, dependency.offering, tested_on=date(2026, 1, 1), recorded_by=make_user()
    )

    with pytest.raises(SeedError, match="refer to the synthetic portfolio"):
        seed_portfolio(n_applications=20, seed=3, on=TODAY)

    assert Application.objects.count() == N


def test_is_refused_in_production(settings):
    settings.REGISTRY_ENV = "production"

    with pytest.raises(SeedError, match="not for production"):
        seed_portfolio(n_applications=N, seed=1, on=TODAY)


@pytest.mark.parametrize("n", [0, -1, 6_000_000])
def test_a_number_out_of_range_is_refused(n):
    with pytest.raises(SeedError, match="Ask for 1 to"):
        seed_portfolio(n_applications=n, seed=1, on=TODAY)


def test_the_command_says_what_it_created(capsys):
    call_command("seed_portfolio", applications=20)

    answer = json.loads(capsys.readouterr().out)
    assert (answer["applications"], set(answer)) == (
        20,
        {"applications", "dependencies", "seconds"},
    )


def test_the_command_refuses_with_the_sentence():
    with pytest.raises(CommandError, match="Ask for 1 to"):
        call_command("seed_portfolio", applications=0)


def test_the_scale_of_reference_goes_with_a_hundred_thousand_applications():
    sizes = scale_sizes(100_000)

    assert (sizes.offerings, sizes.versions, sizes.foundations, sizes.risks) == (
        20_000,
        4_000,
        600,
        2_000,
    )
    assert sizes.developers + sizes.hosts + sizes.gateways + sizes.vendors == 80
    assert scale_sizes(1_000_000).offerings == 20_000
    assert scale_sizes(1).offerings >= 400
