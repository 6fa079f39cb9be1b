"""What a row says about its end, and when that is news; no database."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, FeedRow
from apps.catalog.ingestion.change_detection.records import IDENTITY, LIFECYCLE
from tests.catalog.ingestion.histories import DAY, START, History, filler, row

SOFT = NOT_BEFORE
ANNOUNCED_ON = date(2026, 1, 2)
TODAY = START.date()


def model(ends: str | None = None, **fields: Any) -> FeedRow:
    return row("acme/a", ends, **fields)


def seen(*rows: FeedRow) -> History:
    """A history that shows one row, day after day."""
    history = History()
    for number, one in enumerate(rows):
        history.see([one], START + number * DAY)
    return history


class TestSoftDays:
    def test_how_long_a_living_model_is_promised_to_last_is_recorded_and_no_news(self) -> None:
        history = seen(model(), model("2026-06-01", kind=SOFT))

        assert history.facts == []
        assert history.value("acme/a", LIFECYCLE) == {"retires_on": "2026-06-01", "date_kind": SOFT}

    def test_so_is_a_promise_on_a_new_row_and_one_with_the_word_active(self) -> None:
        history = seen(model(), model("2026-06-01", kind=SOFT, status="active"))
        history.see(
            [
                model("2026-06-01", kind=SOFT, status="active"),
                row("acme/b", "2026-07-01", kind=SOFT),
            ],
            START + DAY,
        )

        assert history.facts == []

    @pytest.mark.parametrize(
        "fields",
        [{"announced_on": ANNOUNCED_ON}, {"status": "deprecated"}, {"status": "legacy"}],
        ids=["with the day of the announcement", "deprecated", "legacy"],
    )
    def test_a_soft_day_of_a_model_whose_end_is_announced_is_told(
        self, fields: dict[str, Any]
    ) -> None:
        history = seen(model(), model("2026-06-01", kind=SOFT, **fields))

        assert history.steps() == [("announced", None, "2026-06-01")]

    def test_a_promise_that_becomes_firm_on_its_day_is_announced(self) -> None:
        history = seen(model("2026-06-01", kind=SOFT), model("2026-06-01"))

        assert history.steps() == [("announced", "2026-06-01", "2026-06-01")]

    def test_a_promise_that_becomes_an_announcement_on_its_day_is_announced_once_and_as_new(
        self,
    ) -> None:
        announced = model("2026-06-01", kind=SOFT, announced_on=ANNOUNCED_ON)
        history = seen(model("2026-06-01", kind=SOFT), announced, announced)

        # the promise was told to nobody
        assert history.steps() == [("announced", None, "2026-06-01")]

    @pytest.mark.parametrize(
        ("day", "kind"), [("2026-12-01", "moved_later"), ("2026-04-01", "moved_earlier")]
    )
    def test_a_soft_day_that_becomes_firm_on_another_day_is_a_move(
        self, day: str, kind: str
    ) -> None:
        history = seen(model("2026-06-01", kind=SOFT), model(day))

        assert history.steps() == [(kind, "2026-06-01", day)]

    def test_a_soft_day_that_has_passed_and_becomes_firm_on_a_later_day_is_a_move(self) -> None:
        history = seen(
            model("2026-01-11", kind=SOFT),
            *[model("2026-01-11", kind=SOFT)] * 5,
            model("2026-12-01"),
        )

        assert history.steps() == [("moved_later", "2026-01-11", "2026-12-01")]

    def test_a_soft_day_that_comes_retires_nothing(self) -> None:
        history = seen(*[model("2026-01-12", kind=SOFT, announced_on=ANNOUNCED_ON)] * 8)

        assert history.facts == []

    def test_a_promise_that_is_dropped_is_no_withdrawal(self) -> None:
        history = seen(model("2026-06-01", kind=SOFT), *[model()] * 12)

        assert history.facts == []

    def test_an_announced_soft_day_that_is_dropped_is_withdrawn_after_the_hold(self) -> None:
        history = seen(model("2026-06-01", kind=SOFT, announced_on=ANNOUNCED_ON), *[model()] * 12)

        assert history.steps() == [("withdrawn", "2026-06-01", None)]
        assert history.facts[0].detected_at == START + 8 * DAY


class TestTodayAndThePast:
    def test_a_day_that_is_today_is_announced_and_retired(self) -> None:
        today = (START + DAY).date().isoformat()
        history = seen(model(), model(today))

        assert history.steps() == [("announced", None, today), ("retired", today, today)]

    def test_a_soft_day_that_is_today_retires_nothing(self) -> None:
        history = seen(
            model(), model((START + DAY).date().isoformat(), kind=SOFT, status="deprecated")
        )

        assert history.kinds() == ["announced"]

    def test_yesterday_is_back_fill_and_listed_by_row_and_day(self) -> None:
        history = History()
        history.see([model()], START)

        history.see([model(TODAY.isoformat()), row("acme/new", "2025-06-01")], START + DAY)

        assert history.facts == []
        assert sorted(history.last.backfilled) == [
            ["acme/a", TODAY.isoformat()],
            ["acme/new", "2025-06-01"],
        ]

    def test_a_past_day_corrected_to_another_past_day_is_back_fill_and_no_move(self) -> None:
        history = seen(model("2025-09-26"), model("2025-12-26"))

        assert history.facts == []
        assert history.last.backfilled == [["acme/a", "2025-12-26"]]
        assert history.value("acme/a", LIFECYCLE)["retires_on"] == "2025-12-26"

    def test_a_past_day_corrected_to_one_that_lies_ahead_is_a_move(self) -> None:
        history = seen(model("2025-09-26"), model("2026-10-23"))

        assert history.steps() == [("moved_later", "2025-09-26", "2026-10-23")]

    def test_a_day_ahead_corrected_to_a_past_soft_day_retires_nothing(self) -> None:
        history = seen(
            model("2026-06-01"), model("2026-01-02", kind=SOFT, announced_on=ANNOUNCED_ON)
        )

        assert history.kinds() == ["moved_earlier"]


class TestBetweenTwoObservations:
    """The clock of a replay stands still between two observations; what they say decides what
    came."""

    def test_a_day_that_came_and_moved_ahead_is_a_move_and_no_end(self) -> None:
        history = History()
        history.see([model("2026-01-15")], START)

        history.see([model("2026-03-15")], START + 10 * DAY)

        assert history.steps() == [("moved_later", "2026-01-15", "2026-03-15")]

    def test_a_day_that_came_and_was_set_a_little_later_still_came(self) -> None:
        history = History()
        history.see([model("2026-01-15")], START)

        history.see([model("2026-01-18")], START + 10 * DAY)

        assert [(fact.kind, fact.new) for fact in history.facts] == [("retired", "2026-01-18")]

    def test_a_day_that_came_and_was_cleared_is_withdrawn_after_its_hold(self) -> None:
        history = History()
        history.see([model("2026-01-15")], START)

        for day in range(10, 20):
            history.see([model()], START + day * DAY)

        assert history.steps() == [("withdrawn", "2026-01-15", None)]
        assert history.facts[0].detected_at == START + 17 * DAY


class TestDaysInDoubt:
    def test_a_day_that_passed_while_it_was_in_doubt_and_stands_again_is_told_for_its_day(
        self,
    ) -> None:
        history = History()
        history.see([model("2026-01-14")], START)
        for day in (1, 2, 3, 4, 5):
            history.see([model()], START + day * DAY)
        assert history.facts == []

        history.see([model("2026-01-14")], START + 6 * DAY)

        (fact,) = history.facts
        assert (fact.kind, fact.new) == ("retired", "2026-01-14")
        assert fact.detected_at == datetime(2026, 1, 14, tzinfo=UTC)

    def test_a_day_in_doubt_that_still_lies_ahead_when_it_returns_is_nothing(self) -> None:
        history = seen(
            model("2026-06-01"), model(), model(), model("2026-06-01"), *[model("2026-06-01")] * 10
        )

        assert history.facts == []
        assert history.known["acme/a", LIFECYCLE].pending is None

    def test_a_day_cleared_and_set_anew_to_another_is_one_move(self) -> None:
        history = seen(
            model("2026-06-01"), model(), model("2026-08-01"), *[model("2026-08-01")] * 10
        )

        assert history.steps() == [("moved_later", "2026-06-01", "2026-08-01")]

    def test_the_hold_of_a_withdrawal_begins_anew_each_time_the_day_returns(self) -> None:
        history = seen(model("2026-06-01"), *[model()] * 5, model("2026-06-01"), *[model()] * 7)
        assert history.facts == []

        history.see([model()], START + 14 * DAY)

        assert history.kinds() == ["withdrawn"]

    def test_a_row_set_aside_for_a_poll_neither_proves_nor_disproves_that_its_day_is_gone(
        self,
    ) -> None:
        history = seen(model("2026-06-01"), model())
        history.see([], START + 2 * DAY, set_aside={"acme/a"})

        assert history.known["acme/a", IDENTITY].missing_since is None
        history.see([model("2026-06-01")], START + 20 * DAY)

        assert history.facts == []

    def test_a_withdrawn_day_may_be_announced_again(self) -> None:
        history = seen(model("2026-06-01"), *[model()] * 9, model("2026-06-01"))

        assert history.kinds() == ["withdrawn", "announced"]


class TestOtherWords:
    @pytest.mark.parametrize(
        "fields",
        [{"successor": "b"}, {"announced_on": ANNOUNCED_ON}, {"status": "deprecated"}],
        ids=["successor", "day of the announcement", "status"],
    )
    def test_what_is_said_beside_a_firm_day_is_taken_over_and_no_news(
        self, fields: dict[str, Any]
    ) -> None:
        history = seen(model("2026-06-01"), model("2026-06-01", **fields))

        assert history.facts == []
        assert len(history.value("acme/a", LIFECYCLE)) == 3

    def test_a_status_without_a_day_is_no_date(self) -> None:
        history = seen(model(), model(status="deprecated"), *[model()] * 10)

        assert history.facts == []


class TestWhatItMeansThatARowLeaves:
    """`news`: what is served. `notices`: what is announced. `nothing`: what something costs."""

    @pytest.mark.parametrize(
        ("absence", "row_before", "kinds"),
        [
            ("news", row("acme/a"), ["delisted"]),
            ("news", row("acme/a", "2026-06-01"), ["delisted"]),
            ("news", row("acme/a", "2026-06-01", kind=SOFT), ["delisted"]),
            ("notices", row("acme/a"), []),
            ("notices", row("acme/a", "2026-06-01"), ["delisted"]),
            ("notices", row("acme/a", "2026-06-01", kind=SOFT), []),
            ("notices", row("acme/a", "2025-06-01"), []),
            ("nothing", row("acme/a"), []),
            ("nothing", row("acme/a", "2026-06-01"), []),
        ],
        ids=[
            "served, no day",
            "served, firm day",
            "served, soft day",
            "notice without a day",
            "notice, firm day ahead",
            "notice, soft day",
            "notice of the past",
            "price",
            "price with a day",
        ],
    )
    def test_a_row_that_stays_away(
        self, absence: Any, row_before: FeedRow, kinds: list[str]
    ) -> None:
        history = History(absence=absence)
        history.see([row_before, row("acme/z")], START)

        for day in range(1, 12):
            history.see([row("acme/z")], START + day * DAY)

        assert history.kinds() == kinds
        assert history.known["acme/a", IDENTITY].withdrawn_at is not None

    @pytest.mark.parametrize("absence", ["news", "notices"])
    def test_a_row_that_leaves_on_its_own_day_has_retired_and_is_not_missed(
        self, absence: Any
    ) -> None:
        history = History(absence=absence)
        history.see([row("acme/a", "2026-01-12"), row("acme/z")], START)

        for day in range(2, 14):
            history.see([row("acme/z")], START + day * DAY)

        # the clock tells of the end itself, for its day
        assert history.facts == []

    def test_a_day_that_comes_while_its_row_is_away_is_the_end_and_no_delisting(self) -> None:
        history = History()
        history.see([row("acme/a", "2026-01-15"), row("acme/z")], START)

        for day in range(1, 14):
            history.see([row("acme/z")], START + day * DAY)

        assert history.facts == []

    def test_rows_that_leave_on_their_own_day_do_not_make_a_payload_suspect(self) -> None:
        history = History()
        history.see([*filler(10, ends="2026-01-12"), *[row(f"acme/b{n}") for n in range(5)]], START)

        history.see([row(f"acme/b{n}") for n in range(5)], START + 2 * DAY)

        assert history.last.held == {}

    def test_a_row_that_returns_after_it_was_delisted_is_there_again_and_its_known_day_no_news(
        self,
    ) -> None:
        history = History()
        history.see([row("acme/a", "2026-06-01"), row("acme/z")], START)
        for day in range(1, 10):
            history.see([row("acme/z")], START + day * DAY)
        assert history.kinds() == ["delisted"]

        history.see([row("acme/a", "2026-06-01"), row("acme/z")], START + 12 * DAY)

        identity = history.known["acme/a", IDENTITY]
        assert (identity.missing_since, identity.withdrawn_at) == (None, None)
        assert history.kinds() == ["delisted"]


class TestARefusedDate:
    def refused(self, value: dict[str, str]) -> History:
        """Thirty days moved at once, were held, and a person refused them."""
        history = History()
        history.see(filler(30, ends="2026-06-01"), START)
        history.see(filler(30, ends="2026-07-01"), START + DAY)
        for claim in history.known.values():
            if claim.topic == LIFECYCLE:
                assert (claim.pending, claim.held) == (value, True)
                claim.refused, claim.pending, claim.pending_since, claim.held = (
                    {"value": value},
                    None,
                    None,
                    False,
                )
        return history

    VALUE = {"retires_on": "2026-07-01", "date_kind": FIRM}

    def test_it_is_ignored_while_the_feed_repeats_it_and_doubts_nobody_else(self) -> None:
        history = self.refused(self.VALUE)

        for day in range(2, 20):
            history.see([*filler(30, ends="2026-07-01"), row("acme/b")], START + day * DAY)

        assert history.facts == []
        assert history.last.held == {}
        assert history.value("acme/filler-3", LIFECYCLE)["retires_on"] == "2026-06-01"

    def test_it_is_forgotten_when_the_feed_goes_back(self) -> None:
        history = self.refused(self.VALUE)

        history.see(filler(30, ends="2026-06-01"), START + 2 * DAY)

        assert all(claim.refused is None for claim in history.known.values())
        assert history.facts == []

    def test_it_is_forgotten_when_the_feed_says_something_else(self) -> None:
        history = self.refused(self.VALUE)
        third = [row("acme/filler-0", "2026-09-01"), *filler(30, ends="2026-07-01")[1:]]

        history.see(third, START + 2 * DAY)
        assert history.steps() == [("moved_later", "2026-06-01", "2026-09-01")]
        history.see(filler(30, ends="2026-07-01"), START + 3 * DAY)

        assert history.steps()[1:] == [("moved_earlier", "2026-09-01", "2026-07-01")]

    def test_it_is_forgotten_when_the_feed_meanwhile_names_no_day(self) -> None:
        history = self.refused(self.VALUE)
        one_cleared = [row("acme/filler-0"), *filler(30, ends="2026-07-01")[1:]]

        history.see(one_cleared, START + 2 * DAY)
        history.see(filler(30, ends="2026-07-01"), START + 3 * DAY)

        assert history.steps() == [("moved_later", "2026-06-01", "2026-07-01")]


def test_a_promise_that_left_with_its_row_is_no_day_to_move_from() -> None:
    history = History()
    promised = row("acme/a", "2026-06-01", kind=NOT_BEFORE, status="active")
    history.see([promised, *filler(5)], START)
    history.see(filler(5), START + DAY)
    history.see(filler(5), START + 9 * DAY)

    history.see(
        [row("acme/a", "2026-08-01", announced_on=date(2026, 3, 1)), *filler(5)], START + 60 * DAY
    )

    assert history.steps()[-1] == ("announced", None, "2026-08-01")
