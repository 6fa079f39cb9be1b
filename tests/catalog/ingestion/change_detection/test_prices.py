"""When another price is news: unit by unit, once it has stood, and never when it is a mistake; no
database."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.change_detection.comparison import confirm_unchanged
from apps.catalog.ingestion.change_detection.records import PRICE
from tests.catalog.ingestion.histories import DAY, HOUR, START, History, row


def priced(**units: str) -> FeedRow:
    return row("acme/a", prices=units)


def dated(prices: dict[str, str]) -> FeedRow:
    return row("acme/a", prices=prices)


def seen(prices: Sequence[FeedRow], *, every: Any = DAY) -> History:
    """A history that shows these rows one after another."""
    history = History()
    for number, one in enumerate(prices):
        history.see([one], START + number * every)
    return history


def repricings(history: History) -> list[tuple[Any, Any]]:
    assert set(history.kinds()) <= {"repriced"}
    return [(fact.old, fact.new) for fact in history.facts]


class TestEachUnitWaitsForItself:
    def test_two_units_that_change_a_day_apart_are_one_event_when_both_have_stood(self) -> None:
        history = History()
        history.see([priced(input="3", output="15")], START)
        history.see([priced(input="2", output="15")], START + DAY)
        history.see([priced(input="2", output="10")], START + 2 * DAY)
        last = priced(input="2", output="10")

        history.see([last], START + 4 * DAY - HOUR)
        assert history.facts == []
        history.see([last], START + 4 * DAY)
        history.see([last], START + 5 * DAY - HOUR)
        assert history.facts == []
        assert history.value("acme/a") == {"input": "3", "output": "15"}
        history.see([last], START + 5 * DAY)

        assert repricings(history) == [
            ({"input": "3", "output": "15"}, {"input": "2", "output": "10"})
        ]

    def test_a_unit_waits_for_another_that_never_rests_at_most_three_days_more(self) -> None:
        restless = [priced(input="2", output=str(20 + 2 * day)) for day in range(12)]

        history = seen([priced(input="3", output="15"), *restless])

        assert repricings(history)[0] == ({"input": "3"}, {"input": "2"})
        assert history.facts[0].detected_at == START + 7 * DAY

    def test_units_that_change_together_are_one_event(self) -> None:
        changed = priced(input="2", output="10", cache_read="0.2")
        history = seen([priced(input="3", output="15", cache_read="0.3"), *[changed] * 4])

        assert repricings(history) == [
            (
                {"input": "3", "output": "15", "cache_read": "0.3"},
                {"input": "2", "output": "10", "cache_read": "0.2"},
            )
        ]

    def test_a_unit_that_flaps_does_not_starve_the_others(self) -> None:
        flapping = [priced(input="3" if day % 2 else "2", output="10") for day in range(8)]

        history = seen([priced(input="3", output="15"), *flapping])

        assert repricings(history) == [({"output": "15"}, {"output": "10"})]
        assert history.facts[0].detected_at == START + 4 * DAY
        assert history.value("acme/a") == {"input": "3", "output": "10"}

    def test_a_value_that_changes_again_while_it_waits_waits_from_then_on(self) -> None:
        history = History()
        history.see([priced(input="3")], START)
        history.see([priced(input="2")], START + DAY)
        history.see([priced(input="2.5")], START + 3 * DAY)

        history.see([priced(input="2.5")], START + 5 * DAY)
        assert history.facts == []
        history.see([priced(input="2.5")], START + 6 * DAY)

        assert repricings(history) == [({"input": "3"}, {"input": "2.5"})]

    def test_a_change_that_reverts_within_three_days_is_nothing_and_leaves_nothing_waiting(
        self,
    ) -> None:
        history = seen(
            [priced(input="3"), priced(input="2"), priced(input="2"), *[priced(input="3")] * 8]
        )

        assert history.facts == []
        claim = history.known["acme/a", PRICE]
        assert (claim.value, claim.pending, claim.pending_since) == ({"input": "3"}, None, None)

    def test_a_new_unit_is_taken_at_once_and_is_no_event(self) -> None:
        history = seen([priced(input="3"), priced(input="3", cache_read="0.3")])

        assert history.facts == []
        assert history.value("acme/a") == {"input": "3", "cache_read": "0.3"}

    def test_a_new_unit_does_not_wait_for_another_that_does(self) -> None:
        history = seen([priced(input="3"), priced(input="2", cache_read="0.3")])

        assert history.value("acme/a") == {"input": "3", "cache_read": "0.3"}
        assert history.known["acme/a", PRICE].pending is not None

    def test_a_feed_that_only_says_unchanged_ends_the_wait_too_and_once(self) -> None:
        history = History()
        history.see([priced(input="3")], START)
        history.see([priced(input="2")], START + DAY)

        history.see_unchanged(START + 4 * DAY - HOUR)
        assert history.facts == []
        history.see_unchanged(START + 4 * DAY)
        history.see_unchanged(START + 5 * DAY)
        history.see([priced(input="2")], START + 6 * DAY)

        assert repricings(history) == [({"input": "3"}, {"input": "2"})]

    def test_what_was_seen_once_does_not_become_true_between_two_polls(self) -> None:
        history = History()
        history.see([priced(input="3")], START)
        history.see([priced(input="2")], START + DAY)

        between = confirm_unchanged(history.known, START + 5 * DAY, seen_again_by=START + DAY)

        assert (between.facts, between.updates) == ([], [])

    def test_between_two_polls_a_unit_seen_once_waits_though_another_was_seen_twice(self) -> None:
        history = History()
        history.see([priced(input="3", output="15")], START)
        history.see([priced(input="2", output="15")], START + DAY)
        history.see([priced(input="2", output="10")], START + 3 * DAY)

        between = confirm_unchanged(history.known, START + 6 * DAY, seen_again_by=START + 3 * DAY)

        assert between.facts == []
        history.see([priced(input="2", output="10")], START + 6 * DAY)
        assert [fact.new for fact in history.facts] == [{"input": "2", "output": "10"}]

    def test_a_change_below_one_percent_is_followed_and_no_event(self) -> None:
        history = seen([priced(input="3"), *[priced(input="2.999")] * 4])

        assert history.facts == []
        assert history.value("acme/a") == {"input": "2.999"}

    @pytest.mark.parametrize(
        ("amount", "events"), [("3.0299", 0), ("3.03", 1), ("2.9703", 0), ("2.97", 1)]
    )
    def test_one_percent_is_a_change(self, amount: str, events: int) -> None:
        history = seen([priced(input="3"), *[priced(input=amount)] * 4])

        assert len(history.facts) == events

    def test_small_changes_that_add_up_are_told_against_the_last_reported_price(self) -> None:
        history = seen(
            [
                priced(input="3", output="15"),
                *[priced(input="3.02", output="15")] * 4,
                *[priced(input="3.04", output="15")] * 4,
            ]
        )

        assert repricings(history) == [({"input": "3"}, {"input": "3.04"})]
        assert history.known["acme/a", PRICE].drifted_from == {}

    def test_a_small_change_that_goes_back_leaves_nothing_to_add_up(self) -> None:
        history = seen(
            [
                priced(input="3"),
                *[priced(input="3.02")] * 4,
                *[priced(input="3")] * 4,
                *[priced(input="2.98")] * 4,
            ]
        )

        assert history.facts == []
        assert history.known["acme/a", PRICE].drifted_from == {"input": "3"}

    def test_a_rounded_unit_waits_for_none_and_none_waits_for_it(self) -> None:
        history = History()
        history.see([priced(input="3", output="15")], START)
        history.see([priced(input="2", output="15")], START + DAY)
        history.see([priced(input="2", output="15.01")], START + 2 * DAY)

        history.see([priced(input="2", output="15.01")], START + 4 * DAY)

        assert repricings(history) == [({"input": "3"}, {"input": "2"})]

    def test_rounded_amounts_do_not_make_a_price_float(self) -> None:
        flicker = [priced(input="3" if n % 2 else "3.01") for n in range(60)]
        history = seen([priced(input="3"), *flicker, *[priced(input="2")] * 4])

        assert repricings(history) == [({"input": "3"}, {"input": "2"})]

    def test_the_same_amount_written_otherwise_is_no_change(self) -> None:
        history = seen([priced(input="3"), priced(input="3.000")])

        assert (history.facts, history.last.updates) == ([], [])


class TestAbsentAndZero:
    def test_a_unit_away_for_one_poll_and_back_as_it_was_is_nothing(self) -> None:
        history = seen(
            [
                priced(input="3", output="15"),
                priced(input="3"),
                *[priced(input="3", output="15")] * 8,
            ]
        )

        assert history.facts == []
        assert history.known["acme/a", PRICE].pending is None

    def test_a_unit_away_for_one_poll_and_back_with_another_price_is_one_change(self) -> None:
        history = seen(
            [
                priced(input="3", output="15"),
                priced(input="3"),
                *[priced(input="3", output="10")] * 6,
            ]
        )

        assert repricings(history) == [({"output": "15"}, {"output": "10"})]
        assert history.facts[0].detected_at == START + 5 * DAY

    def test_a_unit_that_stays_away_is_dropped_after_three_days_and_never_a_move(self) -> None:
        history = seen([priced(input="3", output="15"), *[priced(input="3")] * 3])
        assert history.value("acme/a") == {"input": "3", "output": "15"}

        history.see([priced(input="3")], START + 4 * DAY)

        assert history.facts == []
        assert history.value("acme/a") == {"input": "3"}

    @pytest.mark.parametrize(
        ("before", "after"), [("3", "0"), ("0", "3")], ids=["paid to zero", "zero to paid"]
    )
    def test_zero_is_free_or_unknown_and_no_move_in_either_direction(
        self, before: str, after: str
    ) -> None:
        history = seen([priced(input=before), *[priced(input=after)] * 10])

        assert history.facts == []
        assert history.value("acme/a") == {"input": after}

    def test_a_zero_for_a_day_leaves_the_known_price_in_place(self) -> None:
        history = seen([priced(input="3"), priced(input="0")])
        assert history.value("acme/a") == {"input": "3"}

        history.see([priced(input="3")], START + 2 * DAY)

        assert (history.facts, history.value("acme/a")) == ([], {"input": "3"})

    @pytest.mark.parametrize("then", ["no price", "set aside"])
    def test_a_price_seen_once_and_not_named_since_is_not_believed(self, then: str) -> None:
        history = History()
        history.see([priced(input="3")], START)
        history.see([priced(input="2")], START + DAY)

        if then == "no price":
            history.see([priced()], START + 2 * DAY)
        else:
            history.see([], START + 2 * DAY, set_aside={"acme/a"})
        history.see_unchanged(START + 5 * DAY)
        assert history.facts == []
        history.see([priced(input="2")], START + 6 * DAY)

        assert history.facts == []

    def test_a_price_waits_on_while_its_row_is_away_and_is_not_believed_before_it_is_back(
        self,
    ) -> None:
        other = row("acme/b")
        history = History()
        history.see([priced(input="3"), other], START)
        history.see([priced(input="2"), other], START + DAY)

        history.see([other], START + 2 * DAY)
        history.see_unchanged(START + 5 * DAY)
        assert history.facts == []
        history.see([priced(input="2"), other], START + 6 * DAY)

        assert repricings(history) == [({"input": "3"}, {"input": "2"})]

    def test_a_price_that_is_back_as_it_was_when_its_row_is_back_is_nothing(self) -> None:
        other = row("acme/b")
        history = History()
        for number, rows in enumerate(
            [[priced(input="3")], [priced(input="2")], [], *[[priced(input="3")]] * 6]
        ):
            history.see([*rows, other], START + number * DAY)

        assert history.facts == []


class TestOnePriceWrittenInTwoWays:
    def test_an_overwritten_price_rewritten_as_dated_history_is_one_change(self) -> None:
        day = (START + DAY).date().isoformat()
        as_history = dated({"input": "1", f"input@{day}": "0.2"})
        history = seen([dated({"input": "1"}), dated({"input": "0.2"}), *[as_history] * 8])

        assert repricings(history) == [({"input": "1"}, {"input": "0.2"})]
        assert history.facts[0].detected_at == START + 4 * DAY

    def test_a_believed_price_rewritten_as_dated_history_is_nothing(self) -> None:
        overwritten = [dated({"input": "0.2"})] * 5
        as_history = [dated({"input": "1", "input@2026-01-11": "0.2"})] * 5
        history = seen([dated({"input": "1"}), *overwritten, *as_history])

        assert len(history.facts) == 1
        assert history.value("acme/a") == {"input": "1", "input@2026-01-11": "0.2"}

    def test_a_tier_is_a_unit_of_its_own(self) -> None:
        history = seen(
            [
                dated({"input": "1", "input>200000": "2"}),
                *[dated({"input": "1", "input>200000": "3"})] * 4,
            ]
        )

        assert repricings(history) == [({"input>200000": "2"}, {"input>200000": "3"})]

    def test_a_tier_that_comes_up_is_taken_at_once(self) -> None:
        history = seen([dated({"input": "1"}), dated({"input": "1", "input>200000": "2"})])

        assert history.facts == []
        assert history.value("acme/a") == {"input": "1", "input>200000": "2"}


class TestPricesPublishedInAdvance:
    AHEAD = dated({"input": "3", "input@2026-01-20": "2"})

    def test_a_price_published_in_advance_is_no_news_until_it_begins(self) -> None:
        history = seen([dated({"input": "3"}), *[self.AHEAD] * 5])

        assert history.facts == []
        assert history.known["acme/a", PRICE].next_start_on == date(2026, 1, 20)

    def test_it_is_told_for_its_own_day_at_the_first_observation_after_it(self) -> None:
        history = seen([self.AHEAD])

        history.see([self.AHEAD], datetime(2026, 1, 23, 6, tzinfo=UTC))
        history.see([self.AHEAD], datetime(2026, 1, 24, 6, tzinfo=UTC))

        (fact,) = history.facts
        assert (fact.kind, fact.old, fact.new) == ("repriced", {"input": "3"}, {"input": "2"})
        assert (fact.effective_on, fact.detected_at) == (
            date(2026, 1, 20),
            datetime(2026, 1, 20, tzinfo=UTC),
        )
        assert history.known["acme/a", PRICE].next_start_on is None

    def test_it_is_told_once_where_the_feed_rewrites_it_on_the_day(self) -> None:
        history = seen([self.AHEAD])

        for day in range(20, 30):
            history.see([dated({"input": "2"})], datetime(2026, 1, day, 6, tzinfo=UTC))

        assert [(fact.old, fact.detected_at.day) for fact in history.facts] == [
            ({"input": "3"}, 20)
        ]
        assert history.value("acme/a") == {"input": "2"}

    def test_one_that_is_postponed_before_its_day_is_told_on_the_later_day_only(self) -> None:
        later = dated({"input": "3", "input@2026-02-20": "2"})
        history = seen([self.AHEAD, later])
        assert history.known["acme/a", PRICE].next_start_on == date(2026, 2, 20)

        for day in (datetime(2026, 1, 21, tzinfo=UTC), datetime(2026, 1, 28, tzinfo=UTC)):
            history.see([later], day)
        assert history.facts == []
        history.see([later], datetime(2026, 2, 25, tzinfo=UTC))

        assert [fact.detected_at for fact in history.facts] == [datetime(2026, 2, 20, tzinfo=UTC)]

    def test_one_that_is_postponed_between_two_observations_never_began(self) -> None:
        later = dated({"input": "3", "input@2026-02-20": "2"})
        history = seen([self.AHEAD])

        for day in (21, 25, 28):
            history.see([later], datetime(2026, 1, day, 6, tzinfo=UTC))

        assert history.facts == []
        assert history.value("acme/a") == {"input": "3", "input@2026-02-20": "2"}

    def test_two_steps_that_began_between_two_observations_are_not_lost(self) -> None:
        steps = dated({"input": "3", "input@2026-01-20": "2", "input@2026-01-25": "1"})
        history = seen([steps])

        history.see([steps], datetime(2026, 2, 1, tzinfo=UTC))

        assert history.facts[0].old == {"input": "3"}
        assert history.facts[-1].new == {"input": "1"}


class TestMistakesOfUnits:
    def test_a_fall_to_a_fourhundredth_is_taken_over_without_a_word_after_seven_days(self) -> None:
        history = History()
        history.see([priced(input="540000")], START)
        mended = priced(input="0.54")
        history.see([mended], START + DAY)
        assert "The unit might be wrong" in history.last.doubtful[0][1]
        assert not history.known["acme/a", PRICE].held

        history.see([mended], START + 8 * DAY - HOUR)
        assert history.value("acme/a") == {"input": "540000"}
        history.see([mended], START + 8 * DAY)

        assert history.facts == []
        assert history.value("acme/a") == {"input": "0.54"}
        assert history.last.doubtful == []

    def test_a_rise_by_fourhundred_is_held_for_a_person_however_long_it_stands(self) -> None:
        history = History()
        history.see([priced(input="0.2", output="15")], START)
        wrong = priced(input="80", output="15")
        for day in range(1, 60):
            history.see([wrong], START + day * DAY)

        assert history.facts == []
        assert [external_id for external_id, _ in history.last.doubtful] == ["acme/a"]
        assert "input 0.2 to 80" in history.last.doubtful[0][1]
        assert history.known["acme/a", PRICE].held
        assert history.value("acme/a") == {"input": "0.2", "output": "15"}

    def test_a_rise_by_less_than_fourhundred_is_news(self) -> None:
        history = seen([priced(input="0.2"), *[priced(input="79.9")] * 4])

        assert repricings(history) == [({"input": "0.2"}, {"input": "79.9"})]

    def test_a_rise_that_is_corrected_is_nothing(self) -> None:
        history = seen(
            [priced(input="0.2"), *[priced(input="200")] * 3, *[priced(input="0.2")] * 10]
        )

        assert history.facts == []
        claim = history.known["acme/a", PRICE]
        assert (claim.held, claim.pending, history.last.doubtful) == (False, None, [])

    def test_a_doubted_unit_does_not_hold_up_the_others(self) -> None:
        history = seen([priced(input="0.2", output="15"), *[priced(input="200", output="10")] * 4])

        assert repricings(history) == [({"output": "15"}, {"output": "10"})]

    def test_a_rise_that_a_person_believes_is_true_and_still_no_news(self) -> None:
        history = seen([priced(input="0.2"), priced(input="200")])

        history.accept(START + 2 * DAY)
        history.see([priced(input="200")], START + 9 * DAY)

        assert history.facts == []
        claim = history.known["acme/a", PRICE]
        assert (claim.value, claim.held, history.last.doubtful) == ({"input": "200"}, False, [])

    def test_a_refused_rise_is_ignored_while_the_feed_repeats_it_and_forgotten_when_it_goes_back(
        self,
    ) -> None:
        history = seen([priced(input="0.2"), priced(input="200")])
        history.refuse_price("acme/a", input="200")

        history.see([priced(input="200")], START + 2 * DAY)
        assert (history.last.doubtful, history.known["acme/a", PRICE].held) == ([], False)
        history.see([priced(input="0.2")], START + 3 * DAY)
        assert history.known["acme/a", PRICE].refused is None
        history.see([priced(input="200")], START + 4 * DAY)

        assert history.known["acme/a", PRICE].held
        assert history.facts == []

    def test_a_refused_unit_does_not_silence_the_others(self) -> None:
        history = seen([priced(input="0.2", output="15"), priced(input="200", output="15")])
        history.refuse_price("acme/a", input="200")

        for day in range(2, 7):
            history.see([priced(input="200", output="10")], START + day * DAY)

        assert repricings(history) == [({"output": "15"}, {"output": "10"})]
        assert history.value("acme/a") == {"input": "0.2", "output": "10"}

    def test_a_refused_price_that_stands_still_does_not_move(self) -> None:
        history = seen([priced(input="0.2"), priced(input="200")])
        history.refuse_price("acme/a", input="200")

        for day in range(2, 14):
            history.see([priced(input="200")], START + day * DAY)

        assert history.last.updates == []
        assert history.known["acme/a", PRICE].floating_since is None


class TestFloating:
    """Prices that change every four days stand long enough to be believed, and often enough to be a
    nuisance."""

    @staticmethod
    def moving(
        n: int, *, offer: bool = False, history: History | None = None, every: int = 4
    ) -> History:
        """`n` moves, each seen on its day and believed three days later."""
        history = history or History()
        begin = history.seen_at + DAY if history.seen_at else START
        history.see([row("acme/a", price="1", offer=offer)], begin)
        for move in range(1, n + 1):
            changed = row("acme/a", price=f"1.{2 * move:02}", offer=offer)
            history.see([changed], begin + every * move * DAY)
            history.see([changed], begin + (every * move + 3) * DAY)
        return history

    def test_eight_moves_in_ninety_days_are_eight_events(self) -> None:
        assert self.moving(8).kinds() == ["repriced"] * 8

    def test_from_the_ninth_move_on_they_are_listed_and_not_told_and_still_followed(self) -> None:
        history = self.moving(9)

        assert history.kinds() == ["repriced"] * 8
        assert history.last.floated == [["acme/a", {"input": "1.16"}, {"input": "1.18"}]]
        assert history.known["acme/a", PRICE].floating_since == (START + 36 * DAY).date()
        assert history.value("acme/a") == {"input": "1.18"}

    def test_flaps_count_as_moves_even_though_none_of_them_is_told(self) -> None:
        flaps = [priced(input="2" if day % 2 else "3") for day in range(9)]
        history = seen([*flaps, *[priced(input="2")] * 4])

        assert len(history.known["acme/a", PRICE].price_moves) == 9
        assert history.facts == []
        assert history.last.floated == [["acme/a", {"input": "3"}, {"input": "2"}]]

    @pytest.mark.parametrize(
        ("offer", "n_told"), [(True, 5), (False, 6)], ids=["offer", "list price"]
    )
    def test_the_cheapest_offer_of_the_moment_floats_from_the_sixth_move_in_thirty_days(
        self, offer: bool, n_told: int
    ) -> None:
        history = self.moving(6, offer=offer)

        assert history.kinds() == ["repriced"] * n_told
        assert (history.known["acme/a", PRICE].floating_since is not None) is offer

    def test_offers_that_move_seldom_do_not_float(self) -> None:
        history = self.moving(6, offer=True, every=8)

        assert history.kinds() == ["repriced"] * 6

    def test_a_price_that_has_calmed_down_is_told_again(self) -> None:
        history = self.moving(10)
        n_told = len(history.facts)
        still = row("acme/a", price="1.10")
        later = START + 140 * DAY
        history.see([still], later)

        for day in (1, 2, 3, 4):
            history.see([row("acme/a", price="5")], later + day * DAY)

        assert [fact.new for fact in history.facts[n_told:]] == [{"input": "5"}]
        assert history.known["acme/a", PRICE].floating_since is None

    def test_what_floats_ripens_silently_also_when_the_feed_only_says_unchanged(self) -> None:
        history = self.moving(10)
        n_told = len(history.facts)
        assert history.seen_at is not None
        moved_at = history.seen_at + DAY
        history.see([row("acme/a", price="7")], moved_at)

        history.see_unchanged(moved_at + 3 * DAY)

        assert len(history.facts) == n_told
        assert history.last.floated == [["acme/a", {"input": "1.2"}, {"input": "7"}]]

    def test_a_price_published_in_advance_that_begins_is_no_move(self) -> None:
        history = seen([dated({"input": "3", "input@2026-01-12": "2"})] * 6)

        assert history.known["acme/a", PRICE].price_moves == []
