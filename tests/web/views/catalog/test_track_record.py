"""The provider's record and the earliest end on the pages: what a reader finds, and what is never
said."""

from datetime import date, timedelta

import pytest

from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import Assertion, NoticePolicy, Offering
from apps.common.time import now
from apps.web.drawings.charts.notice_periods import (
    NoticePeriod,
    NoticeStrip,
    PublishedNotice,
    draw_notice_periods,
)
from tests.builders import make_claim, make_event, make_offering, make_provider, make_source
from tests.http import csv_rows, outline_of, text_of

POLICY = "https://maker.example/policy"


@pytest.fixture
def maker(world):
    provider = make_provider("maker", roles=("developer", "host"), name="Maker")
    NoticePolicy.objects.create(
        provider=provider, notice_days=60, source_url=POLICY, source_on=date(2026, 8, 22)
    )
    return provider


def announced(host, n, *, notice=60):
    """`n` models, each announced on a day of its own."""
    pks = []
    for number in range(n):
        offering = make_offering(f"model-{number}", host=host)
        pks.append(offering.pk)
        day = date(2025, 1, 1) + timedelta(7 * number)
        make_claim(
            make_source("pages", name="Provider pages"),
            f"model-{number}",
            offering=offering,
            first_seen=now(),
            changed_at=now(),
            source_url="https://pages.example/ends",
            value={
                "announced_on": day.isoformat(),
                "retires_on": (day + timedelta(notice + number)).isoformat(),
                "date_kind": "firm",
            },
        )
    reconcile_offerings(pks, at=now())
    return list(Offering.objects.filter(pk__in=pks).order_by("pk"))


def test_the_record_says_its_median_and_from_how_many_it_comes(maker, world, as_user):
    announced(maker, 9)

    page = text_of(as_user(world.viewer).get("/providers/maker/?tab=record"))

    assert "Median notice 64 days (9 models, 9 announcements, 60 to 68)." in page
    assert "60 days of notice: kept for 9 of 9" in page
    assert f'href="{POLICY}"' in page
    assert 'href="https://pages.example/ends"' in page
    assert 'id="notices-title"' in page
    assert 'id="notices-title-narrow"' in page


def test_fewer_than_five_announcements_are_a_list_and_no_statistic(maker, world, as_user):
    announced(maker, 4)

    page = text_of(as_user(world.viewer).get("/providers/maker/?tab=record"))

    assert "4 announcements with a known date: too few for a statistic." in page
    assert "Median" not in page
    assert "notices-title" not in page
    assert '<details class="more" open>' in page


def test_halves_that_differ_are_named_changed(maker, world, as_user):
    announced(maker, 10, notice=10)

    page = text_of(as_user(world.viewer).get("/providers/maker/?tab=record"))

    assert "12, then 17 days: changed" in page
    assert "missed by 10 models, at worst 10 days (model-0)" in page
    assert "Earlier half" in page


def test_a_notice_counted_from_the_first_sight_is_a_lower_bound(maker, world, as_user):
    offerings = announced(maker, 5)
    seen = make_offering(
        "quiet", host=maker, retires_on=date(2027, 1, 15), date_kind="firm", lifecycle="deprecated"
    )
    make_event(seen, new="2027-01-15")

    page = text_of(as_user(world.viewer).get("/providers/maker/?tab=record"))

    assert "Median notice at least" in page
    assert "5 by a published date, 1 by the date first seen" in page
    assert "1 cannot be judged" in page
    assert offerings[0].api_id in page


def test_moves_and_prices_are_single_events_with_link_and_source(maker, world, as_user):
    [offering, *_] = announced(maker, 5)
    claim = Assertion.objects.filter(offering=offering).get()
    moved = make_event(offering, "moved_later", old="2027-01-01", new="2027-03-01")
    moved.evidence.add(claim)
    priced = make_event(offering, "repriced", old={"input": "1"}, new={"input": "2"})

    page = text_of(as_user(world.viewer).get("/providers/maker/?tab=record"))

    assert f'href="/events/{moved.pk}/"' in page
    assert f'href="/events/{priced.pk}/"' in page
    assert "1 later, 0 earlier" in page
    assert "no rate is calculated" in page


def test_a_host_without_an_end_teaches_how_a_record_comes_about(world, as_user):
    make_offering(host=make_provider("quiet", name="Quiet"))

    page = text_of(as_user(world.viewer).get("/providers/quiet/?tab=record"))

    assert "No retirements recorded on this host." in page
    assert 'href="/offerings/?host=quiet"' in page


def test_a_developer_without_a_host_has_no_record_of_its_own(world, as_user):
    make_provider("lab", roles=("developer",), name="Lab")

    page = text_of(as_user(world.viewer).get("/providers/lab/?tab=record"))

    assert "Lab hosts no models, so it has no track record." in page
    assert 'id="record"' not in page


def test_the_reader_is_told_how_a_wrong_fact_is_corrected(maker, world, as_user):
    announced(maker, 5)

    assert "To correct a date, open its offering and set a manual override." in text_of(
        as_user(world.governance).get("/providers/maker/?tab=record")
    )
    assert "contact a governance user" in text_of(
        as_user(world.viewer).get("/providers/maker/?tab=record")
    )


def test_the_page_has_no_inline_style_and_every_id_once(maker, world, as_user):
    announced(maker, 12)

    found = outline_of(as_user(world.governance).get("/providers/maker/?tab=record"))

    assert (found.styled, found.inline) == ([], [])
    assert sorted(found.ids) == sorted(set(found.ids))


def test_the_csv_has_each_notice_and_runs_no_formula(maker, world, as_user, client):
    announced(maker, 3)
    Offering.objects.filter(api_id="model-0").update(api_id="=cmd()", version=None)

    answer = as_user(world.viewer).get("/providers/maker/record.csv")
    rows = csv_rows(answer)

    assert [row["model ID"] for row in rows] == ["model-2", "model-1", "'=cmd()"]
    assert [(row["notice period in days"], row["announced on"]) for row in rows][-1] == (
        "60",
        "published",
    )
    assert rows[0]["promised days today"] == "60"
    assert client.get("/providers/maker/record.csv").status_code == 302
    assert as_user(world.viewer).get("/providers/nobody/record.csv").status_code == 404


class TestTheEarliestEnd:
    def test_an_offering_without_an_announced_end_says_when_it_may_end_at_the_earliest(
        self, maker, world, as_user
    ):
        offering = make_offering("calm", host=maker, lifecycle="active")

        page = text_of(as_user(world.viewer).get(f"/offerings/{offering.pk}/"))

        assert (
            "No retirement date has been announced. Earliest possible under Maker's published "
            "policy:" in page
        )
        assert "At least 60 days of notice, counted from today." in page
        assert (
            f'<a href="{POLICY}" rel="noreferrer noopener">Published policy</a>, 22 Aug 2026'
            in page
        )

    def test_an_announced_end_leaves_no_room_for_it(self, maker, world, as_user):
        offering = make_offering(
            "ending",
            host=maker,
            lifecycle="deprecated",
            retires_on=world.today + timedelta(9),
            date_kind="firm",
        )

        assert "Earliest possible" not in text_of(
            as_user(world.viewer).get(f"/offerings/{offering.pk}/")
        )

    def test_a_router_is_not_bound_by_what_the_developer_published(self, maker, world, as_user):
        own = make_offering("calm", host=maker, lifecycle="active")
        routed = make_offering(
            "maker/calm", host=make_provider("router"), version=own.version, lifecycle="active"
        )

        assert "Earliest possible" not in text_of(
            as_user(world.viewer).get(f"/offerings/{routed.pk}/")
        )

    def test_a_foundation_tells_it_per_host(self, maker, world, as_user):
        offering = make_offering("calm", host=maker, lifecycle="active")

        page = text_of(
            as_user(world.viewer).get(
                f"/foundations/{offering.version.foundation.slug}/?tab=offerings"
            )
        )

        assert "earliest under Maker's policy" in page


class TestPicture:
    def drawn(self, marks, **given):
        facts = {"promises": [], "short_days": 30}
        return draw_notice_periods(
            [NoticeStrip("All", "2025", tuple(marks), 60)], **{**facts, **given}
        )

    @pytest.mark.parametrize("narrow", [False, True])
    def test_nothing_is_drawn_beyond_the_sheet(self, narrow):
        marks = [NoticePeriod(days) for days in [0, 3, 458, *[182] * 60]]

        picture = self.drawn(marks, promises=[PublishedNotice(730, "promised 730")], narrow=narrow)

        [row] = picture.rows
        assert len(row.dots) == len(marks)
        for dot in row.dots:
            assert picture.left <= dot.x <= picture.right
            assert picture.top <= dot.y <= row.y
        assert picture.left <= picture.promises[0].x <= picture.right
        assert picture.height > picture.bottom

    def test_equal_notices_stand_on_each_other(self):
        [row] = self.drawn([NoticePeriod(60), NoticePeriod(60), NoticePeriod(90)]).rows

        heights = sorted((dot.x, dot.y) for dot in row.dots)
        assert heights[0][0] == heights[1][0] < heights[2][0]
        assert heights[0][1] < heights[1][1] == heights[2][1]

    def test_marks_tell_short_published_and_first_seen_apart(self):
        [row] = self.drawn(
            [NoticePeriod(10, short=True), NoticePeriod(100, seen=True), NoticePeriod(200)]
        ).rows

        assert [dot.css for dot in sorted(row.dots, key=lambda dot: dot.x)] == ["red", "box", "ink"]

    def test_words_at_the_right_edge_stand_before_their_line(self):
        assert (
            self.drawn(
                [NoticePeriod(365)], promises=[PublishedNotice(365, "promised 365, general models")]
            )
            .promises[0]
            .flip
        )
