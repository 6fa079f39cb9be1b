"""Numbers of dependencies kept by triggers: after any write they are those of the inventory, and
counts from them are those of the dependencies themselves."""

import random
from datetime import timedelta

import pytest
from django.db import connection

from apps.catalog.models import NodeKind
from apps.common.time import day_of, now
from apps.inventory.models import Application, Dependency
from apps.risks.actions.counts import count_changed_risk
from apps.risks.actions.dependency_counts import (
    correct_dependency_counts,
    dependency_counts,
    total_dependency_counts,
)
from apps.risks.models import DependencyCount
from apps.risks.queries import counts_sql
from apps.risks.queries.reach import RiskReach, reach_per_risk, total_reach
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_node,
    make_offering,
    make_provider,
    make_risk,
    make_team,
    make_template,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def today():
    return day_of(now())


@pytest.fixture
def portfolio(today):
    """Applications of two teams with every kind of dependency, and risks of every condition."""

    class Portfolio:
        auditor = make_user(role="auditor")
        teams = (make_team("Claims"), make_team("Motor"))
        group = make_provider("group")
        gateway = make_provider("router", parent=group)
        host = make_provider("host-a")
        version = make_version("maker/one-1", foundation=make_foundation("maker/one"))
        offerings = (
            make_offering("one-1", host=host, version=version),
            make_offering("one-latest", host=host, version=version, binding="alias"),
            make_offering("one-2", host=host, version=version, gateway=gateway),
        )

    rows = Portfolio()
    statuses = ("production", "pilot", "production", "proposed", "production", "retired")
    rows.applications = [
        make_application(
            f"App {n}",
            team=rows.teams[n % 2],
            criticality=n % 3,
            status=status,
            data_classification=("secret", "internal")[n // 2 % 2],
        )
        for n, status in enumerate(statuses)
    ]
    rng = random.Random(5)
    for application in rows.applications:
        for role in ("primary", "judge", "fallback"):
            offering = rng.choice(rows.offerings)
            make_dependency(application, offering, role, **drawn_use(rng, rows, today))
    nodes = (
        make_node(NodeKind.HOST, rows.host),
        make_node(NodeKind.VERSION, rows.version),
        make_node(NodeKind.GATEWAY, rows.gateway),
        make_node(NodeKind.GATEWAY, rows.group),
    )
    conditions = ("", "calls_moving_name", "judge_shares_base", "unplanned_retirement")
    for n, condition in enumerate(conditions):
        template = make_template(f"T-{n}", applies_when=condition)
        for node in nodes:
            make_risk(node, template)
    return rows


def drawn_use(rng, rows, today):
    """How a dependency is reached, and when it is used: begun, ended, and both still to come."""
    reached = rng.choice(("direct", "gateway"))
    return {
        "reached": reached,
        "via_party": rows.gateway if reached == "gateway" else None,
        "binding": rng.choice(("unknown", "alias", "pinned")),
        "since": today + rng.choice((-400, -1, 0, 1, 30)) * DAY,
        "until": rng.choice((None, None, today + 60 * DAY, today + 31 * DAY)),
    }


def assert_exact(rows, today):
    """The stored numbers are those of the inventory, and give the counts of a count of
    dependencies, on each of the days between which something begins or ends."""
    stored, counted = dependency_counts()
    assert stored == counted
    compose = counts_sql.totals_sql
    for day in (today, today + DAY, today + 30 * DAY, today + 45 * DAY, today + 90 * DAY):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                counts_sql, "totals_sql", lambda **given: compose(**{**given, "stored": False})
            )
            live = reach_per_risk(user=rows.auditor, on=day)
        assert reach_per_risk(user=rows.auditor, on=day) == live


def test_every_write_keeps_them_exact(portfolio, today):
    assert_exact(portfolio, today)
    rng = random.Random(7)
    for _ in range(12):
        dependency = rng.choice(list(Dependency.objects.all()))
        application = rng.choice(portfolio.applications)
        match rng.randrange(5):
            case 0:
                use = drawn_use(rng, portfolio, today)
                make_dependency(application, rng.choice(portfolio.offerings), "tool", **use)
            case 1:
                dependency.delete()
            case 2:
                use = drawn_use(rng, portfolio, today)
                Dependency.objects.filter(pk=dependency.pk).update(
                    application=application, offering=rng.choice(portfolio.offerings), **use
                )
            case 3:
                Application.objects.filter(pk__lte=application.pk).update(
                    status=rng.choice(("production", "pilot", "proposed", "retired")),
                    criticality=rng.randrange(3),
                    data_classification=rng.choice(("secret", "internal")),
                )
            case 4:
                total_dependency_counts()
        stored, counted = dependency_counts()
        assert stored == counted
    assert_exact(portfolio, today)

    portfolio.applications[0].delete()
    total_dependency_counts()
    assert_exact(portfolio, today)


def test_adding_up_leaves_one_row_of_the_same_dependencies_and_the_same_sums(portfolio, today):
    before = dependency_counts()
    n_rows = DependencyCount.objects.count()
    offering = portfolio.offerings[0]
    make_dependency(make_application("One"), offering)
    make_dependency(make_application("Two"), offering)
    after, _ = dependency_counts()

    total_dependency_counts()

    assert before[0] != after == dependency_counts()[0]
    assert DependencyCount.objects.count() < n_rows + 2
    assert not DependencyCount.objects.filter(is_total=False).exists()
    assert total_dependency_counts() == 0


def test_a_write_of_other_columns_adds_no_row(portfolio, today):
    total_dependency_counts()

    Dependency.objects.update(last_observed_on=today, monthly_requests=5)
    Application.objects.update(purpose="Answers customers.")

    assert not DependencyCount.objects.filter(is_total=False).exists()


def test_what_is_wrong_is_corrected_on_the_next_day(portfolio, today):
    count_changed_risk(now())
    first = DependencyCount.objects.order_by("pk")[0]
    DependencyCount.objects.filter(pk=first.pk).update(n=first.n + 3, n_secret=0)
    DependencyCount.objects.exclude(pk=first.pk).order_by("pk")[0].delete()

    count_changed_risk(now() + timedelta(minutes=1))
    stored, counted = dependency_counts()
    assert stored != counted
    count_changed_risk(now() + DAY)

    assert_exact(portfolio, today)
    assert correct_dependency_counts() == 0


def test_members_are_counted_what_they_see(portfolio, today):
    members = [make_member(team) for team in portfolio.teams]

    everything = total_reach(user=portfolio.auditor, on=today)
    parts = [total_reach(user=member, on=today) for member in members]

    assert RiskReach.total(parts) == everything
    assert all(0 < part.n_inherited < everything.n_inherited for part in parts)
    assert total_reach(user=make_member(make_team("Other")), on=today) == RiskReach()


def test_a_past_day_is_counted_from_the_dependencies(portfolio, today):
    began = today - 400 * DAY
    past = Dependency.objects.filter(since__lte=began)
    assert past.exists()

    with connection.execute_wrapper(_refuse_stored):
        reach = total_reach(user=portfolio.auditor, on=today - 200 * DAY)

    assert 0 < reach.n_inherited < total_reach(user=portfolio.auditor, on=today).n_inherited


def _refuse_stored(execute, sql, *arguments):
    assert "risks_dependencycount" not in sql
    return execute(sql, *arguments)
