"""The strip of polls: where a mark stands, which of several counts, what it says in words."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.web.drawings.timelines.poll_strip import Outcome, PollResult, draw_poll_strip, finding

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def poll(outcome, **ago):
    return PollResult(AT - timedelta(**ago), outcome)


def test_a_poll_of_now_stands_at_the_right_edge_and_one_of_yesterday_at_the_left():
    drawn = draw_poll_strip(
        [poll(Outcome.CHANGED, minutes=0), poll(Outcome.UNCHANGED, hours=23, minutes=59)], at=AT
    )

    assert [(mark.x, mark.outcome) for mark in drawn.marks] == [
        (0.0, "unchanged"),
        (235.0, "changed"),
    ]
    assert drawn.minutes == 30


def test_the_narrow_strip_has_half_as_many_marks_on_the_same_breadth():
    polls = [poll(Outcome.CHANGED, minutes=30 * n) for n in range(48)]

    wide, narrow = draw_poll_strip(polls, at=AT), draw_poll_strip(polls, at=AT, narrow=True)

    assert (len(wide.marks), len(narrow.marks)) == (48, 24)
    assert wide.width == narrow.width
    assert narrow.minutes == 60


@pytest.mark.parametrize("ago", [{"hours": 24}, {"hours": 30}, {"minutes": -1}])
def test_polls_outside_of_the_day_do_not_count(ago):
    drawn = draw_poll_strip([poll(Outcome.FAILED, **ago)], at=AT)

    assert (drawn.marks, drawn.n_polls) == ((), 0)


def test_of_several_polls_in_one_stretch_the_gravest_is_drawn_and_all_are_counted():
    polls = [
        poll(outcome, minutes=5) for outcome in (Outcome.SUSPECT, Outcome.UNCHANGED, Outcome.FAILED)
    ]

    drawn = draw_poll_strip(polls, at=AT)

    assert [mark.outcome for mark in drawn.marks] == ["suspect"]
    assert drawn.n_polls == 3


def test_the_words_count_what_the_marks_show():
    drawn = draw_poll_strip(
        [
            poll(Outcome.FAILED, hours=1),
            poll(Outcome.CHANGED, hours=2),
            poll(Outcome.CHANGED, hours=3),
        ],
        at=AT,
    )

    assert (
        finding("LiteLLM", drawn, enabled=True)
        == "LiteLLM: 3 polls in the last 24 hours, 1 failed and 2 changed."
    )


def test_a_day_without_a_poll_says_whether_that_is_meant():
    nothing = draw_poll_strip([], at=AT)

    assert finding("LiteLLM", nothing, enabled=True) == "LiteLLM: no poll in the last 24 hours."
    assert finding("LiteLLM", nothing, enabled=False).endswith("; polling is disabled.")
