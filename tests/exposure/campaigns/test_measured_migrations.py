"""What past migrations took is measured by kind, once per dependency, of what a user can view."""

from datetime import timedelta

import pytest

from apps.common.time import now
from apps.exposure.campaigns.measured_migrations import measured_migrations
from apps.exposure.models import CampaignTask
from apps.web.presenters.measured_migrations import measured_effort
from tests.builders import (
    make_adaptation,
    make_application,
    make_campaign,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_task,
    make_user,
    make_version,
)
from tests.http import signed_in_client, visible_text

pytestmark = pytest.mark.django_db


class Models:
    def __init__(self):
        maker = make_provider("maker", roles=("developer",))
        version = make_version(
            "maker/one", foundation=make_foundation("maker/one", developer=maker)
        )
        self.old = make_offering("one", version=version)
        self.other_host = make_offering("one", version=version)
        self.same_developer = make_offering(
            "two",
            version=make_version(
                "maker/two", foundation=make_foundation("maker/two", developer=maker)
            ),
        )
        self.other_developer = make_offering("three", version=make_version("rival/three"))


@pytest.fixture
def models():
    return Models()


def test_exit_tests_are_measured_by_what_changes(models):
    application = make_application()
    for role, target, days, quality in (
        ("primary", models.other_developer, 10, -0.02),
        ("judge", models.other_developer, 30, None),
        ("embedding", models.same_developer, 3, 0.01),
        ("fallback", models.other_host, 1, None),
    ):
        dependency = make_dependency(application, models.old, role)
        make_exit_test(dependency, target, effort_days=days, quality_delta=quality)

    found = measured_migrations(make_user(role="governance"))

    assert {kind: (row.n, row.median_days) for kind, row in found.items()} == {
        "other_developer": (2, 20),
        "same_developer": (1, 3),
        "host": (1, 1),
    }
    other = found["other_developer"]
    assert (other.least_days, other.most_days, other.n_quality) == (10, 30, 1)
    assert other.median_quality == pytest.approx(-0.02)


def test_a_dependency_counts_once_by_its_signed_off_task(models):
    dependency = make_dependency(make_application(), models.old)
    make_adaptation(dependency, "prompt")
    make_adaptation(dependency, "prompt")
    make_exit_test(dependency, models.other_developer, effort_days=99)
    task = make_task(
        make_campaign(models.old),
        dependency,
        state="in_progress",
        target=models.same_developer,
        before={"accuracy": 0.9},
        after={"accuracy": 0.85},
    )
    signed_off_at = now() + timedelta(days=12)
    CampaignTask.objects.filter(pk=task.pk).update(
        state="done", signed_off_at=signed_off_at, signed_off_by=make_user()
    )

    found = measured_migrations(make_user(role="governance"))

    assert set(found) == {"same_developer", "prompt"}
    assert found["same_developer"].median_days == pytest.approx(12, abs=1)
    assert found["same_developer"].median_quality == pytest.approx(-0.05)
    assert (found["prompt"].n, found["prompt"].n_days) == (1, 1)


def test_failed_tests_and_tests_without_figures_do_not_count(models):
    dependency = make_dependency(make_application(), models.old)
    make_exit_test(dependency, models.other_host, effort_days=5, result="failed")
    make_exit_test(dependency, models.other_host)

    assert measured_migrations(make_user(role="governance")) == {}


def test_others_see_the_migrations_of_their_teams(models):
    dependency = make_dependency(make_application(), models.old)
    make_exit_test(dependency, models.other_host, effort_days=5)

    assert measured_migrations(make_user()) == {}
    assert measured_migrations(make_member(dependency.application.team))["host"].n == 1
    assert measured_migrations(make_user(role="auditor"))["host"].n == 1


def test_the_exit_plan_shows_what_was_measured(models):
    dependency = make_dependency(make_application(), models.old)
    make_adaptation(dependency, "fine_tune")
    make_exit_plan(dependency)
    make_exit_test(dependency, models.other_developer, effort_days=12, quality_delta="-0.012")
    member = make_member(dependency.application.team)

    effort = measured_effort(member, {"fine_tune"})
    assert effort.scope == "your teams"
    assert effort.has_any
    texts = {line.name: line.text for line in effort.lines}
    assert texts["to another developer"] == (
        "median 12 days, 1 migration; quality −0.012 in own metrics (median, n = 1)"
    )
    assert texts["to another host"] == "no measured migration yet"
    page = visible_text(signed_in_client(member).get(f"/dependencies/{dependency.pk}/plan/"))
    assert "median 12 days, 1 migration" in page
    assert "With fine-tune" in page
