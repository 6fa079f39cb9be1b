"""Lists of the API: one statement, keyset pages, chosen fields, filters, orders, ETags."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Offering, Price, Region
from apps.exposure.engine.table_refresh import refresh
from apps.feeds.models import PollState
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_version,
)
from tests.http import listed_rows

pytestmark = pytest.mark.django_db

RESOURCES = [
    "alerts",
    "applications",
    "assertions",
    "deliveries",
    "dependencies",
    "exposure-flags",
    "feed-runs",
    "foundations",
    "offerings",
    "exposure-policies",
    "prices",
    "provider-events",
    "providers",
    "sources",
    "teams",
    "versions",
]


class TestStatements:
    @pytest.mark.parametrize("resource", RESOURCES)
    def test_a_list_costs_the_token_and_one_more_however_many_rows(self, reader, resource):
        for _ in range(3):
            application, offering = make_application(), make_offering()
            make_dependency(application, offering)
            make_event(offering)

        with CaptureQueriesContext(connection) as queries:
            assert reader.get(f"/api/v1/{resource}/").status_code == 200

        assert len(queries) == 2

    def test_a_member_costs_no_more_since_the_token_brings_the_own_teams(self, api):
        team = make_team()
        client = api(make_member(team))
        client.get("/api/v1/teams/")
        make_dependency(make_application(team=team), make_offering())

        with CaptureQueriesContext(connection) as queries:
            assert len(listed_rows(client.get("/api/v1/dependencies/"))) == 1

        assert len(queries) == 2

    def test_one_thing_costs_the_token_and_one_more(self, reader):
        offering = make_offering()

        with CaptureQueriesContext(connection) as queries:
            assert reader.get(f"/api/v1/offerings/{offering.pk}/").status_code == 200

        assert len(queries) == 2

    @pytest.mark.parametrize("n", [1, 5])
    def test_concentration_costs_the_same_whatever_the_portfolio(self, reader, n):
        for _ in range(n):
            make_dependency(make_application(), make_offering())
        refresh(on=TODAY)

        with CaptureQueriesContext(connection) as queries:
            assert len(reader.get("/api/v1/concentration/?layer=host").json()["shares"]) == n

        # token, masses, what they leave out, the layer's table, the nodes' names, whether a job
        # measures the open-weight posture, and the posture
        assert len(queries) == 7

    @pytest.mark.parametrize("n", [1, 5])
    def test_single_points_cost_the_same_whatever_the_portfolio(self, reader, n):
        for _ in range(n):
            make_dependency(make_application(), make_offering())
        refresh(on=TODAY)

        with CaptureQueriesContext(connection) as queries:
            assert (
                len(reader.get("/api/v1/single-points-of-failure/?kind=host").json()["results"])
                == n
            )

        # token, points, sets, names, day
        assert len(queries) == 5

    @pytest.mark.parametrize("n", [1, 5])
    def test_a_blast_radius_costs_the_same_however_much_it_reaches(self, reader, n):
        offering = make_offering()
        for _ in range(n):
            make_dependency(make_application(), offering)
        refresh(on=TODAY)

        with CaptureQueriesContext(connection) as queries:
            assert (
                len(reader.get(f"/api/v1/offerings/{offering.pk}/blast-radius/").json()["results"])
                == n
            )

        # token, offering, node; settings, question, reach, states; the known reach and the scope,
        # which decide how the page is read, the page with its roles; name, day, teams by reach,
        # teams, states of the page, applications
        assert len(queries) == 16

    def test_the_last_use_of_a_token_is_written_once_a_minute(self, reader):
        with CaptureQueriesContext(connection) as queries:
            reader.get("/api/v1/teams/")

        assert [query["sql"] for query in queries if query["sql"].startswith("UPDATE")] == []


class TestPages:
    def walk(self, client, address):
        pages = []
        while address:
            body = client.get(address).json()
            pages.append([row["id"] for row in body["results"]])
            address = body["next"]
        return pages

    @pytest.mark.parametrize(
        ("resource", "ordering"),
        [
            ("offerings", "id"),
            ("offerings", "-id"),
            ("offerings", "retires_on"),
            ("offerings", "-retires_on"),
            ("provider-events", "-detected_at"),
            ("provider-events", "detected_at"),
            ("applications", "criticality"),
            ("applications", "-criticality"),
            ("applications", "slug"),
            ("versions", "-identifier"),
        ],
    )
    def test_pages_together_are_the_whole_list_once_and_in_order(self, reader, resource, ordering):
        for number in range(7):
            # equal values in the first column, so that the second one decides
            offering = make_offering(
                retires_on=TODAY.replace(day=1 + number // 3), date_kind="firm"
            )
            make_event(offering)
            make_application(criticality=number % 2)

        whole = [
            row["id"] for row in listed_rows(reader.get(f"/api/v1/{resource}/?ordering={ordering}"))
        ]
        pages = self.walk(reader, f"/api/v1/{resource}/?ordering={ordering}&page_size=3")

        assert len(whole) == 7
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [key for page in pages for key in page] == whole

    def test_the_way_back_shows_the_same_pages(self, reader):
        for _ in range(5):
            make_team()
        first = reader.get("/api/v1/teams/?page_size=2").json()
        second = reader.get(first["next"]).json()
        third = reader.get(second["next"]).json()

        assert (first["previous"], third["next"]) == (None, None)
        again = reader.get(third["previous"]).json()
        assert again["results"] == second["results"]
        back = reader.get(again["previous"]).json()
        assert back["results"] == first["results"]
        assert (back["previous"], reader.get(back["next"]).json()["results"]) == (
            None,
            second["results"],
        )

    def test_a_row_added_before_the_cursor_shifts_nothing(self, reader):
        for name in ("b", "d", "f"):
            make_team(name.upper()).__class__.objects.filter(name=name.upper()).update(slug=name)
        first = reader.get("/api/v1/teams/?page_size=2&ordering=slug").json()
        make_team("A").__class__.objects.filter(name="A").update(slug="a")

        assert [row["slug"] for row in listed_rows(reader.get(first["next"]))] == ["f"]

    def test_filters_stay_in_the_links(self, reader):
        host = make_provider("here")
        for _ in range(3):
            make_offering(host=host)
        make_offering()

        pages = self.walk(reader, "/api/v1/offerings/?host=here&page_size=2")

        assert [len(page) for page in pages] == [2, 1]

    def test_a_page_holds_fifty_rows_and_at_most_two_hundred(self, reader):
        make_team()
        team = make_team()
        team.__class__.objects.bulk_create(
            team.__class__(name=f"T{n}", slug=f"t{n}") for n in range(210)
        )

        assert len(listed_rows(reader.get("/api/v1/teams/"))) == 50
        assert len(listed_rows(reader.get("/api/v1/teams/?page_size=1000"))) == 200

    @pytest.mark.parametrize(
        "cursor", ["x", "!!", "WyIrIl0", "bnVsbA", "é", "W1tbW1tb", "MQ" * 500]
    )
    def test_a_made_up_cursor_is_refused_with_a_sentence(self, reader, cursor):
        answer = reader.get("/api/v1/teams/", {"cursor": cursor})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "cursor"

    def test_a_cursor_of_another_order_is_refused(self, reader):
        for _ in range(2):
            make_team()
        first = reader.get("/api/v1/teams/?page_size=1&ordering=slug").json()

        assert reader.get(first["next"].replace("ordering=slug", "ordering=id")).status_code == 400

    @pytest.mark.parametrize("size", ["0", "-1", "x", "", "1.5", "²", "9" * 30])
    def test_a_page_size_that_is_no_number_is_refused(self, reader, size):
        assert reader.get("/api/v1/teams/", {"page_size": size}).status_code == 400

    def test_an_order_that_no_index_serves_is_refused_and_the_others_are_named(self, reader):
        answer = reader.get("/api/v1/offerings/?ordering=name")

        assert answer.status_code == 400
        assert "retires_on" in answer.json()["detail"]

    def test_ordered_by_the_end_only_offerings_with_one_are_listed(self, reader):
        make_offering()
        late = make_offering(retires_on=TODAY, date_kind="firm")

        assert [
            row["id"] for row in listed_rows(reader.get("/api/v1/offerings/?ordering=retires_on"))
        ] == [late.pk]


class TestFields:
    def test_only_the_asked_fields_are_answered_and_read(self, reader):
        make_offering("model-1")

        with CaptureQueriesContext(connection) as queries:
            [row] = listed_rows(reader.get("/api/v1/offerings/?fields=api_id,host"))

        assert set(row) == {"api_id", "host"}
        assert "identity_explanation" not in queries[-1]["sql"]

    def test_also_on_a_single_thing(self, reader):
        offering = make_offering("model-1")

        assert reader.get(f"/api/v1/offerings/{offering.pk}/?fields=api_id").json() == {
            "api_id": "model-1"
        }

    def test_also_repeated_as_generated_clients_write_it(self, reader):
        offering = make_offering("model-1")

        row = reader.get(f"/api/v1/offerings/{offering.pk}/?fields=api_id&fields=id").json()

        assert row == {"api_id": "model-1", "id": offering.pk}

    def test_an_unknown_field_is_refused(self, reader):
        answer = reader.get("/api/v1/offerings/?fields=api_id,secret")

        assert answer.status_code == 400
        assert "secret" in answer.json()["detail"]

    @pytest.mark.parametrize("resource", RESOURCES)
    def test_list_and_single_answers_have_every_field_of_the_serializer(self, reader, resource):
        from apps.api.urls import router

        [viewset] = [viewset for name, viewset, _ in router.registry if name == resource]
        view = viewset()

        assert view.reader.names == [
            name
            for name, field in viewset.serializer_class().fields.items()
            if not field.write_only
        ]


class TestValues:
    def test_an_offering_names_what_it_stands_on_and_counts_its_days(self, reader):
        host = make_provider("here")
        offering = make_offering("model-1", host=host, retires_on=TODAY, date_kind="firm")
        for name in ("eu", "us"):
            offering.regions.add(Region.objects.create(host=host, name=name))

        [row] = listed_rows(reader.get("/api/v1/offerings/?host=here&api_id=model-1"))

        assert row["version"] == offering.version.identifier
        assert row["foundation"] == offering.version.foundation.slug
        assert row["developer"] == offering.version.foundation.developer.slug
        assert row["regions"] == ["eu", "us"]
        assert row["retires_on"] == TODAY.isoformat()
        assert isinstance(row["days_left"], int)

    def test_an_unresolved_offering_has_nulls(self, reader):
        make_offering("mystery", resolved=False)

        [row] = listed_rows(reader.get("/api/v1/offerings/?resolved=false"))

        assert (row["version"], row["foundation"], row["developer"], row["days_left"]) == (
            None,
            None,
            None,
            None,
        )

    def test_a_version_is_found_by_its_identifier(self, reader):
        make_version("maker/one-20250101")
        make_version("maker/two-20250101")

        found = listed_rows(reader.get("/api/v1/versions/?identifier=maker/one-20250101"))

        assert [row["identifier"] for row in found] == ["maker/one-20250101"]

    def test_a_price_is_text_so_that_no_reader_rounds_it_and_ends_openly(self, reader):
        Price.objects.create(
            offering=make_offering(), unit="input", amount="0.1", valid=(NOW, None)
        )

        [row] = listed_rows(reader.get("/api/v1/prices/"))

        assert (row["amount"], row["valid_from"], row["valid_until"]) == (
            "0.10000000",
            "2026-11-24T12:00:00Z",
            None,
        )

    def test_a_source_tells_its_health(self, reader):
        make_source("never-polled")
        PollState.objects.create(source=make_source("failing"), failures=3)

        health = {row["slug"]: row["health"] for row in listed_rows(reader.get("/api/v1/sources/"))}

        assert (health["never-polled"], health["failing"]) == ("never", "failing")

    def test_criticality_is_a_word_in_answers_and_in_filters(self, reader):
        make_application("Grave", criticality=0)
        make_application("Light", criticality=3)

        [row] = listed_rows(reader.get("/api/v1/applications/?criticality=critical"))

        assert (row["name"], row["criticality"]) == ("Grave", "critical")

    def test_an_event_names_its_evidence(self, reader):
        offering = make_offering()
        event = make_event(offering)
        claim = make_source().assertions.create(
            external_id="x", topic="lifecycle", offering=offering, first_seen=NOW, changed_at=NOW
        )
        event.evidence.add(claim)

        [row] = listed_rows(reader.get("/api/v1/provider-events/"))

        assert (row["evidence"], row["old"], row["new"]) == ([claim.pk], None, "2027-01-15")

    def test_an_affected_application_tells_whether_a_primary_is_hit(self, reader):
        offering = make_offering()
        application = make_application()
        make_dependency(application, offering, "judge")
        event = make_event(offering)

        [row] = listed_rows(reader.get(f"/api/v1/provider-events/{event.pk}/affected/"))

        assert (row["slug"], row["affected_primary"]) == (application.slug, False)

    def test_a_stack_names_every_layer(self, reader):
        offering = make_offering("model-1", retires_on=TODAY, date_kind="firm")
        application = make_application()
        make_dependency(application, offering)

        [row] = reader.get(f"/api/v1/applications/{application.slug}/stack/").json()

        assert (row["api_id"], row["host"], row["answering"]) == (
            "model-1",
            offering.host.slug,
            offering.pk,
        )
        assert row["developer"] == offering.version.foundation.developer.slug


class TestFilters:
    def test_unknown_slugs_find_nothing(self, reader):
        make_offering()

        assert listed_rows(reader.get("/api/v1/offerings/?host=nowhere")) == []

    def test_applications_without_an_owner_are_found(self, reader):
        make_application(business_owner="Vera")
        orphan = make_application(business_owner="", technical_owner="")

        [row] = listed_rows(reader.get("/api/v1/applications/?owner=unassigned"))

        assert row["slug"] == orphan.slug

    def test_words_outside_an_enumeration_are_refused(self, reader):
        answer = reader.get("/api/v1/offerings/?lifecycle=dead")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "lifecycle"

    @pytest.mark.parametrize("value", ["9" * 40, "1e400", "NaN", "1.5", "-1", "x"])
    def test_numbers_beyond_reason_break_nothing(self, reader, value):
        assert reader.get("/api/v1/prices/", {"offering": value}).status_code in {200, 400}

    def test_applications_by_what_they_use_today(self, reader):
        offering = make_offering(host=make_provider("here"))
        using, ended = make_application(), make_application()
        make_dependency(using, offering, "judge")
        make_dependency(ended, offering, until=TODAY.replace(year=2025, month=6))

        found = listed_rows(reader.get("/api/v1/applications/?host=here"))

        assert [row["slug"] for row in found] == [using.slug]

    def test_applications_of_a_team_and_those_below_it(self, reader):
        above = make_team("Above")
        below = make_application(team=make_team("Below", parent=above))
        make_application()

        found = listed_rows(reader.get(f"/api/v1/applications/?team={above.slug}"))

        assert [row["slug"] for row in found] == [below.slug]


class TestEtags:
    def test_an_unchanged_answer_is_304_without_a_body(self, reader):
        make_offering()
        first = reader.get("/api/v1/offerings/")

        again = reader.get("/api/v1/offerings/", HTTP_IF_NONE_MATCH=first["ETag"])
        weak = reader.get("/api/v1/offerings/", HTTP_IF_NONE_MATCH=f'"other", W/{first["ETag"]}')

        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert weak.status_code == 304
        assert "private" in again["Cache-Control"]

    def test_a_changed_answer_comes_whole(self, reader):
        offering = make_offering()
        first = reader.get(f"/api/v1/offerings/{offering.pk}/")
        Offering.objects.filter(pk=offering.pk).update(name="New")

        again = reader.get(f"/api/v1/offerings/{offering.pk}/", HTTP_IF_NONE_MATCH=first["ETag"])

        assert (again.status_code, again.json()["name"]) == (200, "New")

    def test_head_answers_like_get_without_the_body(self, reader):
        answer = reader.head("/api/v1/teams/")

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer["ETag"]
