"""`manage.py issues`: one JSON line for each issue, as contracts name its keys."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.models import Lifecycle, Offering
from apps.common.time import now
from apps.inventory.models import Application
from apps.issues.models import Issue
from tests.builders import make_application, make_flag, make_issue, make_member


def printed(*arguments):
    """Return the records that the command prints."""
    out = StringIO()
    call_command("issues", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def today(db):
    return now().date()


@pytest.fixture
def retirement(world, evaluate, today):
    """The retirement of the world's model in 20 days."""
    Offering.objects.filter(pk=world.offering.pk).update(retires_on=today + timedelta(days=20))
    evaluate(at=now())
    return Issue.objects.select_related("cause").get(cause__kind="retirement")


def test_an_issue_is_one_line_with_these_keys(world, retirement, today):
    (record,) = printed()

    assert record == {
        "cause": retirement.cause_id,
        "kind": "retirement",
        "subject": "version:google/gemini-2.5-pro-001",
        "application": world.application.slug,
        "owner": None,
        "urgency": "this_month",
        "state": "open",
        "start_by": (today + timedelta(days=6)).isoformat(),
        "finish_by": (today + timedelta(days=6)).isoformat(),
        "retired_in_use": False,
        "notified": None,
    }


def test_a_retired_model_that_is_still_used_says_so(world, evaluate, today):
    Offering.objects.filter(pk=world.offering.pk).update(
        retires_on=today - timedelta(days=3), lifecycle=Lifecycle.RETIRED
    )
    evaluate(at=now())

    (record,) = printed("--kind", "retirement")

    assert (record["retired_in_use"], record["urgency"]) == (True, "now")


def test_the_owner_is_an_email_address(world, evaluate, retirement):
    owner = make_member(world.team)
    Application.objects.filter(pk=world.application.pk).update(business_owner=owner.username)
    evaluate(at=now())

    assert printed()[0]["owner"] == owner.email


def test_an_issue_of_the_organisation_has_no_application(evaluate):
    flag = make_flag()
    evaluate(at=now())

    (record,) = printed("--kind", "exposure_flag")

    assert (record["application"], record["subject"]) == (None, f"flag:{flag.pk}")


def test_the_most_urgent_is_first_and_every_state_is_printed(world, retirement, today):
    make_issue(world.application, act_by=today - timedelta(days=1), state="planned")
    make_issue(
        world.application,
        act_by=today - timedelta(days=9),
        state="resolved",
        resolved_at=now(),
        resolution="migrated",
    )

    assert [record["state"] for record in printed()] == ["resolved", "planned", "open"]
    assert printed()[0]["retired_in_use"] is False


def test_filters_by_state_and_kind(world, retirement, today):
    make_issue(world.application, "deadline", subject="application:1/review", state="planned")

    assert [record["kind"] for record in printed("--state", "planned")] == ["deadline"]
    assert [record["state"] for record in printed("--kind", "retirement")] == ["open"]
    assert printed("--kind", "retirement", "--state", "planned") == []


@pytest.mark.parametrize("arguments", [("--state", "waiting"), ("--kind", "end")])
def test_an_unknown_state_or_kind_is_an_error(db, arguments):
    with pytest.raises(CommandError, match="invalid choice"):
        printed(*arguments)


def test_the_number_of_statements_does_not_depend_on_the_number_of_issues(
    world, django_assert_num_queries
):
    for _ in range(20):
        make_issue(make_application(team=world.team))
    printed()

    with django_assert_num_queries(4):
        assert len(printed()) == 20
