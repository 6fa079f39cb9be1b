"""Filtered lists whose statement is compiled once: the same rows as by the filter set, and no
statement built again for another value."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from apps.api.framework import views
from apps.api.framework.filter_readings import read_filters
from apps.inventory.filters import ApplicationFilter, DependencyFilter
from apps.inventory.models import Application, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
)
from tests.http import listed_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def compiled(monkeypatch):
    """The statements that are compiled, while a test runs."""
    found = []
    original = views.PreparedStatement

    def compiling(*args, **kwargs):
        found.append(args)
        return original(*args, **kwargs)

    monkeypatch.setattr(views, "PreparedStatement", compiling)
    return found


def built(filterset, model, query):
    reading = read_filters(filterset, model, QueryDict(query))
    return None if reading is None else (reading.key, list(reading.values))


class TestStatements:
    def test_a_search_costs_the_token_and_one_more_and_is_compiled_once(self, reader, compiled):
        make_application("Claims 17", criticality=0)
        make_application("Letters", criticality=0)
        found = []

        with CaptureQueriesContext(connection) as queries:
            for words in ("CLAIMS", "etter", "%", "_", "\\", "17", "o'clock"):
                answer = reader.get(
                    "/api/v1/applications/", {"q": words, "criticality": "critical"}
                )
                found.append([row["name"] for row in listed_rows(answer)])

        assert found == [["Claims 17"], ["Letters"], [], [], [], ["Claims 17"], []]
        assert len(queries) == 2 * 7
        assert len(compiled) == 1

    def test_pages_of_a_filtered_list_keep_the_filter(self, reader, compiled):
        for number in range(5):
            make_application(f"Claims {number}", criticality=1)
        make_application("Letters")
        names, address = [], "/api/v1/applications/?q=claims&page_size=2&ordering=id"

        while address:
            body = reader.get(address).json()
            names += [row["name"] for row in body["results"]]
            address = body["next"]

        assert names == [f"Claims {number}" for number in range(5)]
        # the first page, and every page after it
        assert len(compiled) == 2

    def test_a_member_finds_only_what_the_own_teams_have(self, api, reader):
        team = make_team()
        make_application("Claims mine", team=team)
        make_application("Claims theirs")
        member = api(make_member(team))

        for client, names in ((reader, 2), (member, 1), (reader, 2)):
            assert len(listed_rows(client.get("/api/v1/applications/?q=claims"))) == names

    def test_values_of_every_kind_are_those_of_the_request(self, reader):
        here = make_dependency(make_application(), make_offering(host=make_provider("here")))
        make_dependency(make_application(), make_offering(host=make_provider("there")), "judge")
        later = TODAY + timedelta(days=400)
        pk = here.offering_id

        for query, count in {
            f"offering={pk}": 1,
            f"offering={pk}.0": 1,
            "offering=": 2,
            "host=here": 1,
            "host=there": 1,
            "host=": 2,
            "role=judge": 1,
            "role=judge&role=primary": 2,
            f"live_on={TODAY.isoformat()}": 2,
            "live_on=1990-01-01": 0,
            f"live_on={later.isoformat()}&host=here": 1,
        }.items():
            answer = reader.get(f"/api/v1/dependencies/?{query}")
            assert (query, len(listed_rows(answer))) == (query, count)

    def test_features_are_found_only_if_asked_for(self, reader):
        make_offering("model-1", host=make_provider("here"))
        make_offering("feature-1", host=make_provider("here-2"), kind="feature")

        assert len(listed_rows(reader.get("/api/v1/offerings/?host=here-2"))) == 0
        assert len(listed_rows(reader.get("/api/v1/offerings/?host=here-2&kind=feature"))) == 1
        assert len(listed_rows(reader.get("/api/v1/offerings/?host=here&kind="))) == 1


class TestReadings:
    def test_texts_days_and_numbers_are_parameters_and_choices_are_not(self):
        one = built(ApplicationFilter, Application, "q=a&status=pilot&host=x")
        other = built(ApplicationFilter, Application, "q=b&status=pilot&host=y")
        third = built(ApplicationFilter, Application, "q=a&status=production&host=x")

        assert one is not None
        assert other is not None
        assert third is not None
        assert (one[0] == other[0], one[0] == third[0]) == (True, False)
        assert (one[1], other[1]) == (["a", "x"], ["b", "y"])

    @pytest.mark.parametrize(
        "query",
        # a method that asks the database, and values that are not valid or too long for a column
        ["team=x", "status=dead", "review_before=x", "personal_data=true&team=x"],
    )
    def test_everything_else_is_left_to_the_filter_set(self, query):
        assert built(ApplicationFilter, Application, query) is None

    @pytest.mark.parametrize("number", ["9" * 40, "1.5", "x", str(2**31)])
    def test_numbers_that_a_column_cannot_hold_are_left_to_the_filter_set(self, number):
        assert built(DependencyFilter, Dependency, f"offering={number}") is None
