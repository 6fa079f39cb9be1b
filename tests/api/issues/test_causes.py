"""Causes over REST, with their issues."""

from datetime import timedelta

import pytest

from apps.issues.models import Cause
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_issue,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.http import csv_rows, listed_rows

LIST = "/api/v1/causes/"


@pytest.fixture
def team(db):
    return make_team("Claims")


@pytest.fixture
def viewer(team):
    return make_member(team)


@pytest.fixture
def cause(team):
    """A retirement with an issue of the team and one of another team."""
    issue = make_issue(make_application(team=team), subject="version:7", due_on=TODAY)
    make_issue(make_application(), cause=issue.cause, due_on=TODAY)
    issue.cause.offerings.set([make_offering(), make_offering()])
    return issue.cause


def ids(response):
    return [row["id"] for row in listed_rows(response)]


def test_the_fields_of_a_cause(api, viewer, cause):
    row = api(viewer).get(f"{LIST}{cause.pk}/").json()

    assert row == {
        "id": cause.pk,
        "kind": "retirement",
        "subtype": "",
        "subject": "version:7",
        "due_on": TODAY.isoformat(),
        "is_earliest": False,
        "offerings": sorted(cause.offerings.values_list("pk", flat=True)),
        "opened_at": "2026-11-24T12:00:00Z",
        "closed_at": None,
    }


def test_issues_of_a_cause_are_those_that_the_caller_can_view(api, viewer, team, cause):
    rows = listed_rows(api(viewer).get(f"{LIST}{cause.pk}/issues/"))
    everything = listed_rows(api(make_user(role="auditor")).get(f"{LIST}{cause.pk}/issues/"))

    assert [row["team"] for row in rows] == [team.slug]
    assert rows[0]["urgency"] == "now"
    assert len(everything) == 2


def test_issues_of_a_cause_come_in_pages(api, cause):
    client = api(make_user(role="auditor"))

    first = client.get(f"{LIST}{cause.pk}/issues/?page_size=1&fields=id").json()
    second = client.get(first["next"]).json()

    assert second["next"] is None
    found = {row["id"] for row in (*first["results"], *second["results"])}
    assert found == set(cause.issues.values_list("pk", flat=True))


def test_a_stranger_finds_nothing(api, cause):
    client = api(make_member(make_team()))

    assert ids(client.get(LIST)) == []
    assert client.get(f"{LIST}{cause.pk}/").status_code == 404
    assert client.get(f"{LIST}{cause.pk}/issues/").status_code == 404


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("open=true", 1),
        ("open=false", 0),
        ("kind=retirement", 1),
        ("kind=deadline", 0),
        (f"due_before={TODAY + timedelta(days=1)}", 1),
        (f"due_before={TODAY}", 0),
    ],
)
def test_filters(api, viewer, cause, query, n):
    assert len(ids(api(viewer).get(f"{LIST}?{query}"))) == n


def test_filters_by_host_and_developer(api, viewer, cause):
    offering = cause.offerings.first()
    client = api(viewer)

    assert ids(client.get(f"{LIST}?provider={offering.host.slug}")) == [cause.pk]
    developer = offering.version.foundation.developer
    assert ids(client.get(f"{LIST}?provider={developer.slug}")) == [cause.pk]
    assert ids(client.get(f"{LIST}?provider=other")) == []


def test_a_closed_cause_stays_in_the_list(api, viewer, cause):
    Cause.objects.update(closed_at=NOW)

    assert ids(api(viewer).get(f"{LIST}?open=false")) == [cause.pk]


def test_the_list_as_csv(api, viewer, cause):
    (row,) = csv_rows(api(viewer).get(f"{LIST}?format=csv&fields=id,kind,subject"))

    assert row == {"id": str(cause.pk), "kind": "retirement", "subject": "version:7"}
