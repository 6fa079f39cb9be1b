"""What lists are sorted and narrowed by is what the rules say, kept row by row."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.findings import findings_of
from apps.inventory.models import (
    Application,
    Approval,
    CachedFinding,
    CachedRunway,
    Dependency,
    ExitPlan,
    ReadModelState,
    StaleApplication,
)
from apps.inventory.read_models import refresh_applications, refresh_stale_applications
from apps.inventory.runway import runways
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_exit_plan,
    make_offering,
    make_user,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
@kept_world
def application():
    application = make_application()
    ending = make_offering(retires_on=TODAY + 10 * ONE_DAY, date_kind="firm")
    dependency = make_dependency(application, ending, traffic_share="0.4")
    make_dependency(application, make_offering(lifecycle="retired"))
    make_exit_plan(dependency, estimated_days="30.5")
    refresh(on=TODAY)
    refresh_stale_applications(on=TODAY)
    return application


def cached_findings():
    return sorted(
        CachedFinding.objects.values_list("application_id", "code", "dependency_id", "rank"),
        key=str,
    )


def agree():
    """What is kept is what the rules say of everything."""
    ids = list(Application.objects.values_list("pk", flat=True))
    said = findings_of(application_ids=ids, on=TODAY)
    ranks = ("error", "warning", "note")
    assert cached_findings() == sorted(
        (
            (row.application_id, row.code, row.dependency_id, ranks.index(row.severity))
            for row in said
        ),
        key=str,
    )
    found = runways(on=TODAY)
    assert {row.dependency_id: (row.days_left, row.effort_days) for row in found} == {
        row.dependency_id: (row.days_left, row.effort_days) for row in CachedRunway.objects.all()
    }


def test_it_is_what_the_rules_say(application):
    agree()
    first = CachedRunway.objects.get(is_first=True)
    # 10 days are left, and 30.5 days of work take 31
    assert (first.start_by, first.effort_days) == (TODAY - 21 * ONE_DAY, 30.5)


def test_what_is_the_same_is_not_written(application, django_assert_num_queries):
    before = list(CachedFinding.objects.values_list("pk", flat=True).order_by("pk"))

    assert refresh_stale_applications(on=TODAY) == 0
    refresh_applications(application_ids=[application.pk], on=TODAY)

    assert list(CachedFinding.objects.values_list("pk", flat=True).order_by("pk")) == before


def test_what_changed_comes_by_the_queue(application):
    Dependency.objects.filter(application=application).update(traffic_share=None, until=TODAY)
    refresh(on=TODAY)

    assert refresh_stale_applications(on=TODAY) == 1
    agree()
    assert not StaleApplication.objects.exists()


def test_a_plan_and_a_decision_are_seen_as_well(application):
    ExitPlan.objects.update(estimated_days=5)
    refresh(on=TODAY)
    refresh_stale_applications(on=TODAY)
    assert CachedRunway.objects.filter(effort_days=5).exists()

    host = application.dependencies.first().offering.host
    Approval.objects.create(
        decision="blocked", reason="no", approver=make_user(), decided_on=TODAY, provider=host
    )
    refresh_stale_applications(on=TODAY)
    agree()
    assert CachedFinding.objects.filter(code="blocked").exists()


def test_a_new_day_looks_at_everything_and_forgets_what_vanished(application):
    Dependency.objects.filter(application=application).delete()
    Application.objects.filter(pk=application.pk).delete()

    refresh_stale_applications(on=TODAY + ONE_DAY)

    assert not CachedFinding.objects.exists()
    assert not CachedRunway.objects.exists()


def test_a_sweep_keeps_them_as_the_worker_does(db):
    make_application()
    out = StringIO()

    call_command("sweep", stdout=out)

    assert json.loads(out.getvalue())["findings_kept"] == 1
    assert ReadModelState.objects.get().as_of == day_of(now())
