"""A provider's record: what counts as a notice, when there is a statistic, what is kept, moved and
gone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.catalog.actions import set_manual_fact
from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import NoticePolicy, Offering
from apps.catalog.providers.earliest_retirement import PublishedMinimum
from apps.catalog.providers.track_record import ModelRetirement, measure_track_record
from apps.catalog.providers.track_record_queries import provider_track_record
from tests.builders import (
    NOW,
    make_claim,
    make_event,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_user,
    make_version,
)

FIRST = date(2025, 1, 1)


def end(notice, *, announcement=0, model="", **facts):
    """The end of one model, announced on the day of that number, `notice` days ahead."""
    announced_on = FIRST + timedelta(30 * announcement)
    return ModelRetirement(
        model=model or f"m-{announcement}-{notice}",
        offering_id=1,
        api_id=model or "m",
        announced_on=announced_on,
        ends_on=announced_on + timedelta(notice),
        **facts,
    )


class TestNotices:
    def test_five_announcements_make_a_statistic(self):
        found = measure_track_record(
            [end(60 + number, announcement=number) for number in range(5)], []
        ).notices

        assert (found.n_models, found.n_announcements, found.median_days) == (5, 5, 62)
        assert (found.shortest.notice_days, found.longest.notice_days, found.is_bound) == (
            60,
            64,
            False,
        )

    def test_many_models_of_one_day_are_one_announcement_and_no_statistic(self):
        record = measure_track_record([end(60, model=f"m{number}") for number in range(14)], [])

        assert (len(record.told), record.n_announcements, record.notices) == (14, 1, None)

    def test_an_announcement_on_the_last_day_is_no_notice(self):
        record = measure_track_record([end(0), end(-3), end(60)], [])

        assert [one.notice_days for one in record.told] == [60]
        assert record.n_without == 2

    def test_short_notices_are_counted_by_model_and_by_announcement(self):
        ends = [
            end(20, model="a"),
            end(29, model="b"),
            *(end(30, announcement=number) for number in range(1, 6)),
        ]

        found = measure_track_record(ends, []).notices

        assert (found.n_short, found.n_short_announcements) == (2, 1)

    def test_a_date_first_seen_late_says_nothing_against_the_provider(self):
        ends = [
            *(end(60, announcement=number) for number in range(5)),
            end(3, announcement=6, is_seen=True),
        ]

        record = measure_track_record(ends, [PublishedMinimum("all", notice_days=60)])

        assert (record.n_seen, record.notices.n_models, record.notices.is_bound) == (1, 6, True)
        assert (record.notices.shortest.notice_days, record.notices.n_short) == (60, 0)
        [kept] = record.kept
        assert (kept.n_kept, kept.n, kept.n_open) == (5, 5, 1)


class TestHalves:
    def test_ten_announcements_are_compared_in_halves(self):
        ends = [end(30 if number < 5 else 91, announcement=number) for number in range(10)]

        record = measure_track_record(ends, [])

        assert [half.median_days for half in record.halves] == [30, 91]
        assert [half.n_announcements for half in record.halves] == [5, 5]
        assert record.has_changed

    def test_nine_are_not(self):
        assert (
            measure_track_record([end(60, announcement=number) for number in range(9)], []).halves
            is None
        )

    def test_a_small_difference_is_no_change(self):
        ends = [end(70 if number < 5 else 62, announcement=number) for number in range(10)]

        assert not measure_track_record(ends, []).has_changed

    def test_days_first_seen_are_left_out_of_the_comparison(self):
        ends = [
            *(end(90, announcement=number) for number in range(10)),
            end(3, announcement=11, is_seen=True),
        ]

        assert [half.n_models for half in measure_track_record(ends, []).halves] == [5, 5]


class TestPromises:
    def test_each_kind_is_judged_by_its_own_minimum(self):
        ends = [
            end(182, scope="general"),
            end(179, scope="general", announcement=3),
            end(92, scope="specialised"),
            end(14, scope="preview"),
            end(3, scope="general", is_partners=True),
        ]
        policies = [
            PublishedMinimum("general", notice_days=180),
            PublishedMinimum("specialised", notice_days=90),
            PublishedMinimum("preview", notice_days=14),
        ]

        kept = {one.policy.scope: one for one in measure_track_record(ends, policies).kept}

        assert {scope: (one.n_kept, one.n) for scope, one in kept.items()} == {
            "general": (1, 2),
            "specialised": (1, 1),
            "preview": (1, 1),
        }
        assert kept["general"].last_miss_on == FIRST + timedelta(90)

    def test_life_is_judged_of_own_models_with_a_known_release(self):
        ends = [
            end(60, released_on=FIRST - timedelta(400)),
            end(60, released_on=FIRST - timedelta(100), model="young"),
            end(60),
            end(60, released_on=FIRST - timedelta(100), is_partners=True),
        ]

        [kept] = measure_track_record(ends, [PublishedMinimum("all", life_days=365)]).kept

        assert (kept.what, kept.n_kept, kept.n) == ("life", 1, 2)
        assert [miss.model for miss in kept.misses] == ["young"]

    def test_a_promise_nothing_can_be_judged_by_is_not_listed(self):
        assert (
            measure_track_record([end(60)], [PublishedMinimum("preview", notice_days=14)]).kept
            == ()
        )


@pytest.fixture
def host(db):
    return make_provider("maker", roles=("developer", "host"))


def claimed(host, api_id, source="feed", *, retires_on="2026-12-31", settle=True, **value):
    """An offering with one more claim about its end, and what follows from all its claims."""
    offering = Offering.objects.filter(host=host, api_id=api_id).first() or make_offering(
        api_id, host=host
    )
    make_claim(
        make_source(source),
        api_id,
        offering=offering,
        source_url=f"https://{source}.example/{api_id}",
        value={"retires_on": retires_on, "date_kind": "firm", **value},
    )
    if settle:
        reconcile_offerings([offering.pk], at=NOW)
    offering.refresh_from_db()
    return offering


class TestFromTheCatalogue:
    def told(self, host):
        return provider_track_record(host).measured.told

    def test_a_notice_is_the_settled_end_less_its_announcement_with_its_source(self, host):
        claimed(host, "one", announced_on="2026-10-01")

        [one] = self.told(host)

        assert (one.notice_days, one.is_seen) == (91, False)
        assert (one.told_by, one.source_url) == ("feed", "https://feed.example/one")

    def test_two_sources_about_one_offering_count_once(self, host):
        claimed(host, "one", announced_on="2026-10-01")
        claimed(host, "one", "second", announced_on="2026-10-03")

        assert [one.notice_days for one in self.told(host)] == [91]

    def test_a_second_source_lends_its_announcement_to_the_same_end_only(self, host):
        make_source("feed", trust_rank=1)
        claimed(host, "same")
        claimed(host, "same", "second", announced_on="2026-10-01")
        claimed(host, "other")
        claimed(host, "other", "second", announced_on="2026-10-01", retires_on="2027-02-01")

        [one] = self.told(host)

        assert (one.api_id, one.told_by) == ("same", "second")

    def test_names_of_one_release_with_one_end_are_one_model(self, host):
        version = make_version(
            "maker/one", foundation=make_foundation("maker/one-line", developer=host)
        )
        for api_id, told in (("one-latest", {}), ("one-20250101", {"announced_on": "2026-10-01"})):
            make_offering(api_id, host=host, version=version)
            claimed(host, api_id, **told)

        [one] = self.told(host)

        assert (one.model, one.n_offerings, one.notice_days) == ("maker/one", 2, 91)

    def test_a_soft_date_is_no_end(self, host):
        claimed(host, "one", date_kind="not_before", announced_on="2026-10-01")

        record = provider_track_record(host).measured

        assert (record.told, record.n_without) == ((), 0)

    def test_ends_at_another_host_are_not_its_own(self, host):
        claimed(make_provider("elsewhere"), "one", announced_on="2026-10-01")

        assert self.told(host) == ()

    def test_where_no_source_names_the_day_the_first_one_seen_here_counts(self, host):
        offering = claimed(host, "one", retires_on="2027-03-01")
        make_event(offering, new="2027-01-15", detected_at=datetime(2026, 11, 1, tzinfo=UTC))
        make_event(
            offering,
            "moved_later",
            old="2027-01-15",
            new="2027-03-01",
            detected_at=datetime(2026, 11, 20, tzinfo=UTC),
        )

        [one] = self.told(host)

        assert (one.is_seen, one.announced_on, one.notice_days) == (True, date(2026, 11, 1), 120)

    def test_a_withdrawn_end_that_comes_again_is_announced_anew(self, host):
        offering = claimed(host, "one", retires_on="2027-03-01")
        for kind, new, day in (
            ("announced", "2027-01-15", 1),
            ("withdrawn", None, 9),
            ("announced", "2027-03-01", 20),
        ):
            make_event(offering, kind, new=new, detected_at=datetime(2026, 11, day, tzinfo=UTC))

        [one] = self.told(host)

        assert one.announced_on == date(2026, 11, 20)

    def test_a_value_set_by_hand_corrects_the_record(self, host):
        offering = claimed(host, "one", announced_on="2026-12-30")
        set_manual_fact(
            offering=offering,
            by=make_user(role="governance"),
            reason="Their mail of 1 October.",
            value={
                "retires_on": date(2026, 12, 31),
                "date_kind": "firm",
                "announced_on": date(2026, 10, 1),
            },
        )

        [one] = self.told(host)

        assert one.notice_days == 91

    def test_moves_withdrawals_and_departures_are_counted_by_offering_since_the_first_observation(
        self, host
    ):
        dated = [claimed(host, f"m{number}") for number in range(4)]
        gone = make_offering("gone", host=host)
        for _ in range(2):
            make_event(dated[0], "moved_later", old="2026-12-01", new="2026-12-31")
        make_event(dated[1], "moved_earlier", old="2027-02-01", new="2026-12-31")
        make_event(dated[2], "withdrawn", old="2026-12-31", new=None)
        make_event(dated[3], "retired")
        make_event(gone, "delisted", old=None, new=None)
        make_event(make_offering("left", host=host), "delisted", old="2027-01-01", new=None)
        make_event(make_offering("elsewhere"), "delisted", old=None, new=None)

        moves = provider_track_record(host).moves

        assert (moves.since, moves.n_dated) == (NOW.date(), 5)
        assert (moves.n_later, moves.n_earlier, moves.n_withdrawn) == (1, 1, 1)
        assert (moves.n_retired, moves.n_delisted_dated, moves.n_delisted) == (1, 1, 1)

    def test_the_built_in_catalogue_observes_nothing(self, host):
        claimed(host, "one", "built-in")

        assert provider_track_record(host).moves.since is None

    def test_price_changes_are_single_events_apart(self, host):
        offering = make_offering(host=host)
        make_event(offering, "repriced", old={"input": "1"}, new={"input": "2"})
        moved = make_event(offering, "moved_later", old="2026-12-01", new="2026-12-31")

        record = provider_track_record(host)

        assert ([event.kind for event in record.price_events], record.n_price_events) == (
            ["repriced"],
            1,
        )
        assert (list(record.events), record.n_events) == ([moved], 1)

    def test_it_costs_the_same_however_many_ends(self, host, django_assert_max_num_queries):
        NoticePolicy.objects.create(
            provider=host, notice_days=60, source_url="https://maker.example/policy"
        )
        for number in range(12):
            offering = claimed(host, f"m{number}", announced_on="2026-10-01")
            make_event(offering, "moved_later", old="2026-12-01", new="2026-12-31")

        with django_assert_max_num_queries(12):
            provider_track_record(host)
