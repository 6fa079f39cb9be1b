"""The scorer says found, late, early, missed, false and double as a person would."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.histories.score import read_truth, score, truth_lines
from tests.histories.truth import Wanted

pytestmark = pytest.mark.proof

AT = datetime(2026, 6, 10, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def wanted(
    kind: str = "announced", new: Any = "2026-12-01", *, days: int = 0, **fields: Any
) -> Wanted:
    return Wanted(kind, frozenset({"openai/a"}), new, AT, AT + days * DAY, **fields)


def event(
    kind: str = "announced", new: Any = "2026-12-01", *, day: int = 0, row: str = "openai/a"
) -> dict[str, Any]:
    at = (AT + day * DAY).isoformat().replace("+00:00", "Z")
    return {"kind": kind, "external_id": row, "old": None, "new": new, "detected_at": at}


def counts(truth: list[Wanted], events: list[dict[str, Any]]) -> dict[str, int]:
    result = score(truth, events)
    columns = ("found", "late", "early", "missed", "false", "duplicates", "neutral")
    return {column: len(getattr(result, column)) for column in columns if getattr(result, column)}


def test_an_event_on_its_day_is_found() -> None:
    assert counts([wanted()], [event()]) == {"found": 1}
    assert counts([wanted("withdrawn", None, days=8)], [event("withdrawn", None, day=7)]) == {
        "found": 1
    }


def test_an_event_on_another_day_is_late_or_early() -> None:
    assert counts([wanted()], [event(day=1)]) == {"late": 1}
    assert counts([wanted()], [event(day=-1)]) == {"early": 1}


def test_a_wrong_value_is_a_miss_and_a_false_word() -> None:
    assert counts([wanted()], [event(new="2027-01-01")]) == {"missed": 1, "false": 1}
    assert counts([wanted()], [event(row="openai/b")]) == {"missed": 1, "false": 1}


def test_a_second_telling_is_a_duplicate_unless_it_was_wanted_twice() -> None:
    assert counts([wanted()], [event(), event(day=3)]) == {"found": 1, "duplicates": 1}
    again = Wanted("announced", frozenset({"openai/a"}), "2026-12-01", AT + 3 * DAY, AT + 3 * DAY)
    assert counts([wanted(), again], [event(), event(day=3)]) == {"found": 2}


def test_a_retirement_on_another_day_is_another_retirement() -> None:
    assert counts([wanted("retired", None)], [event("retired", "2026-06-11", day=1)]) == {
        "missed": 1,
        "false": 1,
    }


def test_prices_are_compared_as_numbers_and_unit_by_unit() -> None:
    truth = [wanted("repriced", {"input": Decimal("0.20"), "output": Decimal(1)}, days=4)]

    assert counts(truth, [event("repriced", {"input": "0.2", "output": "1.0"}, day=3)]) == {
        "found": 1
    }
    assert counts(truth, [event("repriced", {"input": "0.2"}, day=3)]) == {"missed": 1, "false": 1}
    more = {"input": "0.2", "output": "1", "cache_read": "3"}
    assert counts(truth, [event("repriced", more, day=3)]) == {"missed": 1, "false": 1}


def test_neutral_events_may_be_told_and_need_not_be() -> None:
    assert counts([wanted(neutral=True)], []) == {}
    assert counts([wanted(neutral=True)], [event()]) == {"neutral": 1}
    many = wanted("repriced", None, days=9, neutral=True, many=True)
    told = [event("repriced", {"input": "1"}, day=1), event("repriced", {"input": "2"}, day=5)]
    assert counts([many], told) == {"neutral": 2}
    assert counts([many], [event("repriced", {"input": "1"}, day=10)]) == {"false": 1}


def test_a_released_model_counts_for_nothing() -> None:
    assert counts([], [event("released", None)]) == {"neutral": 1}


def test_shares_are_of_the_wanted_and_of_the_told() -> None:
    result = score([wanted(), wanted("withdrawn", None)], [event(), event("delisted", None)])

    assert (result.found_share, result.false_share) == (0.5, 0.5)


def test_a_truth_written_down_is_the_truth_read_again() -> None:
    truth = [
        wanted(),
        wanted("repriced", {"input": Decimal("0.2")}, days=4, neutral=True, why="because"),
    ]

    again = read_truth(truth_lines(truth))

    assert again[0] == truth[0]
    assert counts(again, [event(), event("repriced", {"input": "0.2"})]) == {
        "found": 1,
        "neutral": 1,
    }
