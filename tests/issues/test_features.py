"""Features of a host: their retirement is an issue of the applications that use them."""

from datetime import timedelta

import pytest

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Offering
from apps.inventory.models import Dependency
from apps.issues.models import ChangedApplication, Issue
from apps.issues.sentences import is_about_feature
from tests.builders import TODAY, make_dependency, make_offering

SOON = TODAY + timedelta(40)


def make_feature(world, name="Assistants API", kind="feature", **fields):
    return make_offering(
        name, host=world.offering.host, kind=kind, not_a_model=True, resolved=False, **fields
    )


@pytest.fixture
def feature(world):
    return make_feature(world, retires_on=SOON, date_kind="firm", lifecycle="deprecated")


def open_issues(feature):
    return Issue.objects.unresolved().filter(
        cause__kind="retirement", cause__cause_offerings__offering=feature
    )


def use(world, *features):
    """Let the only dependency use the features."""
    Dependency.objects.filter(application=world.application).update(features=list(features))


def test_a_feature_that_is_used_and_retires_is_an_issue(world, feature, evaluate):
    use(world, "Assistants API")

    evaluate()

    issue = open_issues(feature).get()
    assert (issue.application, issue.due_on) == (world.application, SOON)
    assert is_about_feature(issue)


def test_a_feature_that_nobody_uses_is_no_issue(world, feature, evaluate):
    evaluate()

    assert not open_issues(feature).exists()


def test_the_same_name_at_another_host_is_another_feature(world, evaluate):
    elsewhere = make_offering(
        "Assistants API",
        resolved=False,
        kind="feature",
        not_a_model=True,
        retires_on=SOON,
        date_kind="firm",
        lifecycle="deprecated",
    )
    use(world, "Assistants API")

    evaluate()

    assert not open_issues(elsewhere).exists()


def test_the_issue_is_resolved_when_the_feature_is_used_no_longer(world, feature, evaluate):
    use(world, "Assistants API")
    evaluate()
    use(world)

    evaluate()

    assert not open_issues(feature).exists()


def test_the_issue_is_resolved_when_the_date_is_withdrawn(world, feature, evaluate):
    use(world, "Assistants API")
    evaluate()
    Offering.objects.filter(pk=feature.pk).update(retires_on=None, date_kind="", lifecycle="active")

    evaluate()

    issue = Issue.objects.get(cause__cause_offerings__offering=feature)
    assert issue.resolution == "date_withdrawn"


def test_a_changed_feature_queues_the_applications_that_use_it(world, feature):
    use(world, "Assistants API")
    ChangedApplication.objects.all().delete()

    refresh_footing([feature.pk])
    Offering.objects.filter(pk=feature.pk).update(retires_on=SOON + timedelta(5))

    queued = set(ChangedApplication.objects.values_list("application_id", flat=True))
    assert world.application.pk in queued


def test_the_end_of_a_fine_tuned_model_is_not_that_of_its_base_model(world, evaluate):
    base = make_offering("gpt-4o-2024-08-06", resolved=False)
    tuned = make_offering(
        "gpt-4o-2024-08-06",
        host=base.host,
        resolved=False,
        service_tier="fine-tuned",
        retires_on=SOON,
        date_kind="firm",
        lifecycle="deprecated",
    )
    make_dependency(world.application, base)

    evaluate()

    assert not open_issues(tuned).exists()
