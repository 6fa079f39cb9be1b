"""The record of a provider and the earliest end of an offering, over the API."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import NoticePolicy
from apps.common.time import day_of, now
from tests.builders import (
    NOW,
    make_claim,
    make_event,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_version,
)
from tests.worlds.outage_records import add_outage_record, add_status_source

pytestmark = pytest.mark.django_db

POLICY = "https://maker.example/policy"


@pytest.fixture
def maker():
    provider = make_provider("maker", roles=("developer", "host"))
    NoticePolicy.objects.create(
        provider=provider, notice_days=60, source_url=POLICY, source_on=date(2026, 8, 22)
    )
    return provider


def announced(host, n):
    for number in range(n):
        offering = make_offering(f"model-{number}", host=host)
        day = date(2025, 1, 1) + timedelta(7 * number)
        make_claim(
            make_source("pages", name="Provider pages"),
            f"model-{number}",
            offering=offering,
            source_url="https://pages.example/ends",
            value={
                "announced_on": day.isoformat(),
                "retires_on": (day + timedelta(60)).isoformat(),
                "date_kind": "firm",
            },
        )
        reconcile_offerings([offering.pk], at=NOW)


class TestRecord:
    def test_it_has_the_statistic_the_promise_and_every_notice_with_its_source(self, reader, maker):
        announced(maker, 5)

        record = reader.get("/api/v1/providers/maker/track-record/").json()

        assert record["provider"] == "maker"
        assert record["statistic"] == {
            "n_models": 5,
            "n_announcements": 5,
            "median_days": 60.0,
            "is_lower_bound": False,
            "shortest_days": 60,
            "longest_days": 60,
            "n_under_30_days": 0,
            "n_under_30_days_announcements": 0,
        }
        assert (record["halves"], record["changed"], record["n_first_seen_here"]) == (
            None,
            False,
            0,
        )
        [promise] = record["promises"]
        assert (promise["scope"], promise["what"], promise["n_kept"], promise["n"]) == (
            "all",
            "notice",
            5,
            5,
        )
        assert (promise["source_url"], promise["source_on"]) == (POLICY, "2026-08-22")
        assert [notice["api_id"] for notice in record["notices"]] == [
            f"model-{number}" for number in range(5)
        ]
        assert record["notices"][0]["source"] == "Provider pages"
        assert record["notices"][0]["first_seen_here"] is False

    def test_below_five_announcements_there_is_no_statistic(self, reader, maker):
        announced(maker, 4)

        record = reader.get("/api/v1/providers/maker/track-record/").json()

        assert (record["statistic"], record["n_announcements"], len(record["notices"])) == (
            None,
            4,
            4,
        )

    def test_ten_announcements_come_with_their_halves(self, reader, maker):
        announced(maker, 10)

        halves = reader.get("/api/v1/providers/maker/track-record/").json()["halves"]

        assert [half["n_announcements"] for half in halves] == [5, 5]

    def test_what_the_registry_saw_itself_is_counted(self, reader, maker):
        announced(maker, 1)
        offering = make_offering("gone", host=maker)
        make_event(offering, "delisted", old=None, new=None)

        moves = reader.get("/api/v1/providers/maker/track-record/").json()["moves"]

        assert (moves["since"], moves["n_left_without_notice"], moves["n_later"]) == (
            "2026-11-24",
            1,
            0,
        )

    def test_it_is_for_those_signed_in_and_of_providers_that_exist(self, reader, api, maker):
        assert reader.get("/api/v1/providers/nobody/track-record/").status_code == 404
        assert api().get("/api/v1/providers/maker/track-record/").status_code == 401

    def test_an_unchanged_record_is_304(self, reader, maker):
        first = reader.get("/api/v1/providers/maker/track-record/")

        again = reader.get(
            "/api/v1/providers/maker/track-record/", HTTP_IF_NONE_MATCH=first["ETag"]
        )

        assert (first.status_code, again.status_code) == (200, 304)


class TestEarliestEnd:
    def of(self, reader, offering, query=""):
        answer = reader.get(f"/api/v1/offerings/{offering.pk}/{query}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def test_one_offering_names_it_with_reasons_and_source_in_the_same_statement(
        self, reader, maker
    ):
        offering = make_offering("calm", host=maker, lifecycle="active")

        with CaptureQueriesContext(connection) as queries:
            found = self.of(reader, offering)["earliest_end"]

        assert found == {
            "day": (day_of(now()) + timedelta(60)).isoformat(),
            "why": ["At least 60 days of notice, counted from today."],
            "source_url": POLICY,
            "source_on": "2026-08-22",
        }
        assert len(queries) == 2

    def test_a_list_neither_has_nor_reads_it(self, reader, maker):
        make_offering("calm", host=maker, lifecycle="active")

        with CaptureQueriesContext(connection) as queries:
            [row] = reader.get("/api/v1/offerings/?host=maker").json()["results"]

        assert "earliest_end" not in row
        assert "noticepolicy" not in queries[-1]["sql"]
        assert reader.get("/api/v1/offerings/?fields=earliest_end").status_code == 400

    def test_it_can_be_asked_for_alone(self, reader, maker):
        offering = make_offering("calm", host=maker, lifecycle="active")

        assert set(self.of(reader, offering, "?fields=earliest_end")) == {"earliest_end"}

    def test_it_is_null_where_an_end_is_announced_or_no_policy_is_known(self, reader, maker):
        ending = make_offering(
            "ending",
            host=maker,
            retires_on=day_of(now()) + timedelta(9),
            date_kind="firm",
            lifecycle="deprecated",
        )
        elsewhere = make_offering("calm", lifecycle="active")
        tool = make_offering(
            "tool", host=maker, resolved=False, not_a_model=True, lifecycle="active"
        )

        assert [self.of(reader, one)["earliest_end"] for one in (ending, elsewhere, tool)] == [
            None,
            None,
            None,
        ]

    def test_it_counts_the_life_of_the_release_and_a_published_day(self, reader, maker):
        NoticePolicy.objects.update(life_days=3650)
        version = make_version(
            "maker/one",
            foundation=make_foundation("maker/one-line", developer=maker),
            released_on=date(2026, 10, 1),
        )
        young = make_offering("one", host=maker, version=version, lifecycle="active")
        soft = make_offering(
            "two",
            host=maker,
            lifecycle="active",
            retires_on=day_of(now()) + timedelta(5000),
            date_kind="not_before",
        )

        assert (
            self.of(reader, young)["earliest_end"]["day"]
            == (date(2026, 10, 1) + timedelta(3650)).isoformat()
        )
        assert (
            self.of(reader, soft)["earliest_end"]["day"]
            == (day_of(now()) + timedelta(5000)).isoformat()
        )


class TestOutagesAndReleases:
    def test_outages_are_counted_by_threshold(self, reader, maker):
        source = add_status_source(maker, read_at=now())
        add_outage_record(source, months=12, n_critical=3)

        outages = reader.get("/api/v1/providers/maker/track-record/").json()["outages"]

        assert (outages["source"], outages["n_months"]) == ("status:maker", 12)
        assert [(row["impact"], row["hours"], row["n"]) for row in outages["counts"]] == [
            ("minor", 0, 3),
            ("major", 0, 3),
            ("major", 4, 3),
            ("critical", 4, 3),
        ]
        assert outages["counts"][0]["per_year"] == 3.0

    def test_without_a_status_page_there_is_no_count(self, reader, maker):
        record = reader.get("/api/v1/providers/maker/track-record/").json()

        assert record["outages"] is None
        assert record["releases"]["n_versions"] == 0

    def test_days_between_releases_have_their_numbers(self, reader, maker):
        foundation = make_foundation("maker/one", developer=maker)
        today = day_of(now())
        for number in range(5):
            make_version(
                f"maker/one-{number}",
                foundation=foundation,
                released_on=today - timedelta(30 * number),
            )
        make_version("maker/month", foundation=foundation, released_on=None)

        releases = reader.get("/api/v1/providers/maker/track-record/").json()["releases"]

        assert (releases["n_versions"], releases["n_days"], releases["n_undated"]) == (5, 5, 1)
        assert releases["median_days"] == 30

    def test_moves_have_their_lengths(self, reader, maker):
        offering = make_offering(host=maker)
        make_event(offering, "moved_later", old="2026-12-01", new="2026-12-31")

        moves = reader.get("/api/v1/providers/maker/track-record/").json()["moves"]

        assert moves["later"] == {"n": 1, "median_days": 30.0, "longest_days": 30}
        assert moves["earlier"] is None
        assert moves["n_kept"] == 0
