"""Disagreements over REST: all sides of each, filtered and paged, to whoever is signed in."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from apps.catalog.actions import set_manual_fact
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.common.time import day_of, now
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_member,
    make_offering,
    make_source,
    make_team,
    make_user,
)
from tests.http import listed_rows

pytestmark = pytest.mark.django_db

PATH = "/api/v1/disagreements/"
MOMENT = now() - timedelta(20)
EARLY, LATE = day_of(now()) + timedelta(30), day_of(now()) + timedelta(60)


def dispute(api_id=""):
    offering = make_offering(api_id)
    for slug, ends, rank in (("alpha", EARLY, 10), ("beta", LATE, 20)):
        make_claim(
            make_source(slug, trust_rank=rank),
            f"{slug}/{offering.api_id}",
            offering=offering,
            value={"retires_on": ends.isoformat(), "date_kind": "firm"},
            excerpt={"day": str(ends)},
            source_url="https://example.org/",
            first_seen=MOMENT,
            changed_at=MOMENT,
        )
    reconcile_offerings([offering.pk], at=MOMENT)
    return offering


@pytest.fixture
def reader(api):
    return api(make_user(role="auditor"))


def test_each_has_all_its_sides_and_what_is_accepted(reader):
    offering = dispute("gpt-4o-realtime-preview")

    (row,) = listed_rows(reader.get(PATH))

    assert (row["id"], row["host"], row["api_id"]) == (
        offering.pk,
        offering.host.slug,
        "gpt-4o-realtime-preview",
    )
    assert (row["state"], row["days_apart"], row["retires_on"]) == ("open", 30, EARLY.isoformat())
    assert row["why"] == "alpha (priority 10) has a higher priority than beta (priority 20)"
    assert row["decided_by"] is None
    said = [
        (side["source"], side["retires_on"], side["accepted"], side["contradicts"])
        for side in row["sides"]
    ]
    assert said == [
        ("alpha", EARLY.isoformat(), True, False),
        ("beta", LATE.isoformat(), False, True),
    ]
    assert row["sides"][1]["excerpt"] == {"day": str(LATE)}
    assert reader.get(f"{PATH}{offering.pk}/").json() == row


def test_a_decision_is_a_side_with_its_author(reader):
    offering = dispute()
    set_manual_fact(
        offering=offering,
        value={"retires_on": LATE, "date_kind": "firm"},
        by=make_user("maren"),
        reason="their mail",
    )

    (row,) = listed_rows(reader.get(f"{PATH}?state=decided"))

    assert (row["decided_by"], row["why"]) == ("maren", "decided by maren: their mail")
    assert [side["source"] for side in row["sides"]] == ["manual", "alpha", "beta"]
    assert listed_rows(reader.get(f"{PATH}?state=open")) == []


@pytest.mark.proof
@pytest.mark.parametrize(
    ("query", "n"),
    [("", 2), ("?q=flash", 1), ("?source=beta", 2), ("?source=gamma", 0), ("?host=nobody", 0)],
)
def test_filters_are_those_of_the_page(query, n, reader):
    dispute("gemini-1.5-flash")
    dispute("codex-mini-latest")

    assert len(listed_rows(reader.get(PATH + query))) == n


def test_in_use_asks_for_what_applications_the_caller_may_see_stand_on(api):
    seen, other = dispute(), dispute()
    team = make_team()
    make_dependency(make_application(team=team), seen)
    make_dependency(make_application(), other)

    assert [
        row["id"] for row in listed_rows(api(make_member(team)).get(f"{PATH}?in_use=true"))
    ] == [seen.pk]


def test_it_is_paged_by_keyset(reader):
    offerings = [dispute() for _ in range(3)]

    first = reader.get(f"{PATH}?page_size=2").json()
    second = reader.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == [
        offering.pk for offering in offerings
    ]
    assert second["next"] is None


def test_a_list_costs_the_same_however_long_it_is(reader):
    for _ in range(4):
        dispute()
    reader.get(PATH)

    with CaptureQueriesContext(connection) as queries:
        assert len(listed_rows(reader.get(PATH))) == 4

    assert len(queries) == 9


def test_an_offering_without_one_is_not_there(reader):
    assert reader.get(f"{PATH}{make_offering().pk}/").status_code == 404


@pytest.mark.parametrize("query", ["?state=nonsense", "?cursor=x", "?ordering=api_id"])
def test_what_cannot_be_read_is_refused_with_a_sentence(query, reader):
    answer = reader.get(PATH + query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"]


def test_it_is_closed_without_a_token_and_cannot_be_written(api, reader):
    assert api().get(PATH).status_code == 401
    assert reader.post(PATH, {}, format="json").status_code in {403, 405}


@pytest.mark.proof
def test_the_document_describes_it():
    document = SchemaGenerator().get_schema(request=None, public=True)

    operation = document["paths"][PATH]["get"]
    assert {"source", "state", "host", "q", "in_use", "cursor"} <= {
        each["name"] for each in operation["parameters"]
    }
    assert "sides" in document["components"]["schemas"]["Disagreement"]["properties"]
