"""Synthetic histories of each way a feed moves, errs or lies; no database."""

from datetime import date

import pytest

from apps.catalog.claims.feed_rows import NOT_BEFORE, FeedRow
from apps.catalog.ingestion.change_detection.comparison import detect_changes
from apps.catalog.ingestion.change_detection.records import IDENTITY
from tests.catalog.ingestion.histories import DAY, START, History, filler, row


def test_the_first_payload_of_a_source_is_news_to_nobody() -> None:
    history = History()

    history.see([row("acme/a", "2026-06-01"), row("acme/b", "2025-06-01")], START)

    assert history.facts == []
    assert len(history.last.new) == 4


def test_the_same_payload_again_changes_nothing() -> None:
    history = History()
    rows = [row("acme/a", "2026-06-01", price="3"), row("acme/b")]
    history.see(rows, START)

    again = history.see(rows, START + DAY)

    assert again.updates == again.new == again.facts == []


def test_a_date_that_appears_is_announced_at_once() -> None:
    history = History()
    history.see([row("acme/a")], START)

    history.see([row("acme/a", "2026-03-01")], START + DAY)

    (fact,) = history.facts
    assert (fact.kind, fact.old, fact.new, fact.effective_on) == (
        "announced",
        None,
        "2026-03-01",
        date(2026, 3, 1),
    )
    assert fact.detected_at == START + DAY


def test_a_date_already_past_when_first_seen_is_back_fill_and_no_news() -> None:
    history = History()
    history.see([row("acme/a")], START)

    history.see([row("acme/a", "2025-03-01"), row("acme/new", "2024-01-01")], START + DAY)

    assert history.facts == []
    assert history.last.n_backfilled == 2


@pytest.mark.parametrize(
    ("moved_to", "kind"), [("2026-08-01", "moved_later"), ("2026-04-01", "moved_earlier")]
)
def test_a_date_that_moves_says_from_where_to_where(moved_to: str, kind: str) -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01")], START)

    history.see([row("acme/a", moved_to)], START + DAY)

    assert [(fact.kind, fact.old, fact.new) for fact in history.facts] == [
        (kind, "2026-06-01", moved_to)
    ]


def test_a_date_moved_into_the_past_is_a_move_and_a_retirement() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01")], START)

    history.see([row("acme/a", "2026-01-02")], START + DAY)

    assert history.kinds() == ["moved_earlier", "retired"]


def test_a_soft_date_that_becomes_firm_on_the_same_day_is_announced() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01", kind=NOT_BEFORE)], START)

    history.see([row("acme/a", "2026-06-01")], START + DAY)

    assert [(fact.kind, fact.old, fact.new) for fact in history.facts] == [
        ("announced", "2026-06-01", "2026-06-01")
    ]


def test_a_changed_successor_is_recorded_and_no_news() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01", successor="b")], START)

    history.see([row("acme/a", "2026-06-01", successor="c")], START + DAY)

    assert history.facts == []
    assert history.known["acme/a", "lifecycle"].value["successor"] == "c"


def test_a_date_that_disappears_is_withdrawn_only_after_the_hold() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01")], START)
    history.see([row("acme/a")], START + DAY)
    assert history.facts == []

    history.see([row("acme/a")], START + 9 * DAY)

    assert [(fact.kind, fact.old, fact.new) for fact in history.facts] == [
        ("withdrawn", "2026-06-01", None)
    ]


def test_a_date_that_flaps_is_never_news() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01")], START)
    for day in range(1, 20):
        history.see([row("acme/a", "2026-06-01" if day % 2 else None)], START + day * DAY)

    assert history.facts == []


def test_a_row_that_vanishes_and_returns_within_the_hold_is_never_news() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01"), row("acme/b")], START)
    history.see([row("acme/b")], START + DAY)
    assert history.known["acme/a", IDENTITY].missing_since == START + DAY

    history.see([row("acme/a", "2026-06-01"), row("acme/b")], START + 6 * DAY)

    assert history.facts == []
    assert history.known["acme/a", IDENTITY].missing_since is None


def test_a_row_absent_for_seven_days_is_delisted_once() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01"), row("acme/b")], START)
    for day in range(1, 14):
        history.see([row("acme/b")], START + day * DAY)

    (fact,) = history.facts
    assert (fact.kind, fact.old, fact.new) == ("delisted", "2026-06-01", None)
    assert fact.detected_at == START + 8 * DAY


def test_an_absence_also_ends_its_hold_when_the_feed_only_says_unchanged() -> None:
    history = History()
    history.see([row("acme/a"), row("acme/b")], START)
    history.see([row("acme/b")], START + DAY)

    history.see_unchanged(START + 5 * DAY)
    history.see_unchanged(START + 9 * DAY)
    history.see_unchanged(START + 10 * DAY)

    assert history.kinds() == ["delisted"]


def test_a_row_that_leaves_after_its_own_day_is_no_delisting() -> None:
    history = History()
    history.see([row("acme/a", "2026-01-12"), row("acme/b")], START)
    for day in range(3, 14):
        history.see([row("acme/b")], START + day * DAY)

    assert history.facts == []


def test_a_provider_that_vanishes_as_a_whole_is_doubted_and_others_are_not() -> None:
    history = History()
    others = filler(20, "other")
    history.see([*filler(13), *others], START)

    history.see(others, START + DAY)

    assert list(history.last.held) == ["acme"]
    assert "13 of 13" in history.last.held["acme"]
    assert history.known["acme/filler-0", IDENTITY].held


def test_a_doubted_payload_still_brings_its_dated_additions() -> None:
    history = History()
    history.see([*filler(13), row("acme/a")], START)

    history.see([row("acme/a", "2026-03-01")], START + DAY)

    assert history.last.held
    assert history.kinds() == ["announced"]


def test_many_dates_of_one_provider_changing_at_once_are_held_until_they_have_stood() -> None:
    history = History()
    history.see(filler(30, ends="2026-06-01"), START)
    moved = filler(30, ends="2026-07-01")

    history.see(moved, START + DAY)
    assert history.facts == []
    assert history.last.held

    history.see(moved, START + 9 * DAY)
    assert history.kinds() == ["moved_later"] * 30


def test_after_a_long_silence_many_changed_dates_are_believed() -> None:
    history = History()
    history.see(filler(30, ends="2026-06-01"), START)

    history.see(filler(30, ends="2026-07-01"), START + 60 * DAY)

    assert history.last.held == {}
    assert history.kinds() == ["moved_later"] * 30


def test_many_dates_that_go_back_within_the_hold_are_never_news() -> None:
    history = History()
    history.see(filler(30, ends="2026-06-01"), START)
    history.see(filler(30, ends="2027-06-01"), START + DAY)

    history.see(filler(30, ends="2026-06-01"), START + 2 * DAY)
    history.see(filler(30, ends="2026-06-01"), START + 20 * DAY)

    assert history.facts == []


def test_a_row_under_a_new_key_with_the_same_day_is_the_same_row() -> None:
    history = History()
    history.see(
        [row("bedrock/anthropic.claude-x-v1:0", "2026-06-01"), *filler(10, "bedrock")], START
    )

    history.see([row("bedrock/Claude X", "2026-06-01"), *filler(10, "bedrock")], START + DAY)
    history.see([row("bedrock/Claude X", "2026-06-01"), *filler(10, "bedrock")], START + 20 * DAY)

    assert history.facts == []


def test_a_renamed_provider_is_no_removal_and_no_announcement() -> None:
    history = History()
    history.see([row(f"zai/model-{i}", "2026-06-01") for i in range(10)], START)

    history.see([row(f"z-ai/model-{i}", "2026-06-01") for i in range(10)], START + DAY)
    history.see([row(f"z-ai/model-{i}", "2026-06-01") for i in range(10)], START + 20 * DAY)

    assert history.facts == []
    assert history.last.held == {}


def test_a_price_is_news_once_it_has_stood_for_three_days() -> None:
    history = History()
    history.see([row("acme/a", price="3")], START)
    history.see([row("acme/a", price="2.5")], START + DAY)
    history.see([row("acme/a", price="2.5")], START + 2 * DAY)
    assert history.facts == []

    history.see([row("acme/a", price="2.5")], START + 4 * DAY)

    assert [(fact.kind, fact.old, fact.new) for fact in history.facts] == [
        ("repriced", {"input": "3"}, {"input": "2.5"})
    ]


def test_a_price_that_comes_back_within_three_days_is_never_news() -> None:
    history = History()
    history.see([row("acme/a", price="3")], START)
    history.see([row("acme/a", price="2.5")], START + DAY)

    history.see([row("acme/a", price="3")], START + 2 * DAY)
    history.see([row("acme/a", price="3")], START + 9 * DAY)

    assert history.facts == []


def test_a_price_that_is_four_hundred_times_another_is_set_aside() -> None:
    history = History()
    history.see([row("acme/a", price="0.2")], START)

    history.see([row("acme/a", price="200000")], START + DAY)
    history.see([row("acme/a", price="200000")], START + 9 * DAY)

    assert history.facts == []
    assert "The unit might be wrong" in history.last.doubtful[0][1]
    assert history.known["acme/a", "price"].value == {"input": "0.2"}


def test_a_price_that_is_no_longer_named_is_unknown_and_not_free() -> None:
    history = History()
    history.see([row("acme/a", price="3")], START)

    history.see([row("acme/a")], START + DAY)
    history.see([row("acme/a")], START + 20 * DAY)

    assert history.facts == []
    assert history.known["acme/a", "price"].value == {"input": "3"}


def test_a_pointer_that_moves_is_told_with_both_targets() -> None:
    def pointer(target: str) -> FeedRow:
        return FeedRow("acme/latest", "acme", "acme", "latest", alias_of=target)

    history = History()
    history.see([pointer("acme/one")], START)

    history.see([pointer("acme/two")], START + DAY)

    assert [(fact.kind, fact.old, fact.new) for fact in history.facts] == [
        ("alias_moved", "acme/one", "acme/two")
    ]


def test_a_row_that_nobody_can_read_any_more_is_not_gone() -> None:
    history = History()
    history.see([row("acme/a", "2026-06-01"), row("acme/b")], START)

    seen = detect_changes(
        history.known, [row("acme/b")], START + DAY, baseline=False, set_aside={"acme/a"}
    )

    assert (seen.n_vanished, seen.updates) == (0, [])
