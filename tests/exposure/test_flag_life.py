"""The life of a flag, rule by rule; and on random lives it does what one plain loop over the days
does."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.exposure.flag_life import FlagDecision, FlagLife, Tolerance, advance_flag, replay_flag
from tests.exposure.brute_answers import life as brute_life
from tools.worked_portfolios.records import LifecycleRecord

DAY = date(2026, 11, 24)
# tolerated up to 10, released at 9, resolved after two days there
LINE = Tolerance(Fraction(10))


def day(n: int) -> date:
    return DAY + timedelta(days=n)


def states(
    *steps: tuple[int, object] | tuple[int, object, FlagDecision], line: Tolerance = LINE
) -> list[tuple[str, ...]]:
    """[(state, events...)] after steps of (day number, value, decision)."""
    given_steps = [
        (
            day(each[0]),
            None if each[1] is None else Fraction(str(each[1])),
            each[2] if len(each) == 3 else FlagDecision(),
        )
        for each in steps
    ]
    return [(life.state, *events) for life, events in replay_flag(line, given_steps)]


def test_the_line_itself_is_tolerated() -> None:
    assert states((0, 10)) == [("none",)]


def test_a_value_above_the_line_opens_at_once() -> None:
    assert states((0, "10001/1000")) == [("open", "opened")]


def test_between_release_and_line_nothing_happens_however_long() -> None:
    assert states((0, 11), (1, 10), (9, "91/10"), (30, 10))[1:] == [("open",), ("open",), ("open",)]


def test_it_resolves_once_the_release_line_has_held_for_the_days() -> None:
    assert states((0, 11), (1, 9), (2, 8), (3, 9)) == [
        ("open", "opened"),
        ("open",),
        ("open",),
        ("none", "resolved"),
    ]


def test_one_value_above_the_release_line_starts_the_days_anew() -> None:
    assert states((0, 11), (1, 9), (2, 10), (3, 9), (4, 9))[-1] == ("open",)
    assert states((0, 11), (1, 9), (2, 10), (3, 9), (5, 9))[-1] == ("none", "resolved")


def test_several_evaluations_a_day_do_not_hurry_it() -> None:
    assert states((0, 11), (1, 9), (1, 9), (1, 9), (2, 9))[-1] == ("open",)


def test_missed_evaluations_do_not_delay_it() -> None:
    assert states((0, 11), (1, 9), (40, 9))[-1] == ("none", "resolved")


def test_with_no_days_to_clear_it_resolves_on_the_day() -> None:
    assert states((0, 11), (1, 9), line=Tolerance(Fraction(10), clear_days=0))[-1] == (
        "none",
        "resolved",
    )


def test_a_node_that_is_gone_counts_as_nothing_and_resolves_by_the_rule() -> None:
    assert states((0, 11), (1, 0), (3, 0))[-1] == ("none", "resolved")


def test_a_breach_after_a_resolution_is_a_new_episode() -> None:
    assert states((0, 11), (1, 0), (3, 0), (4, 11))[-1] == ("open", "opened")


def test_acknowledged_stays_quiet_and_still_resolves() -> None:
    acknowledge = FlagDecision(acknowledge=True)
    assert states((0, 11, acknowledge), (1, 99), (2, 9), (4, 9)) == [
        ("acknowledged", "opened", "acknowledged"),
        ("acknowledged",),
        ("acknowledged",),
        ("none", "resolved"),
    ]


def test_only_an_open_flag_is_acknowledged() -> None:
    acknowledge = FlagDecision(acknowledge=True)
    assert states((0, 9, acknowledge)) == [("none",)]
    assert states((0, 11, acknowledge), (0, None, acknowledge))[-1] == ("acknowledged",)


def test_accepted_is_open_again_on_the_day_the_acceptance_ends() -> None:
    until = FlagDecision(accept_until=day(5))
    assert states((0, 11, until), (4, 11), (5, 11)) == [
        ("accepted", "opened", "accepted"),
        ("accepted",),
        ("open", "acceptance_expired"),
    ]


def test_an_acceptance_runs_out_also_when_nothing_is_measured() -> None:
    assert states((0, 11, FlagDecision(accept_until=day(5))), (6, None))[-1] == (
        "open",
        "acceptance_expired",
    )


def test_an_acceptance_that_ends_today_or_earlier_is_none() -> None:
    assert states((3, 11, FlagDecision(accept_until=day(3)))) == [("open", "opened")]


def test_accepted_covers_a_tenth_more_than_the_value_and_not_a_bit_beyond() -> None:
    accept = FlagDecision(accept_until=day(50))
    assert states((0, 20, accept), (1, 22), (2, "2200001/100000"))[1:] == [
        ("accepted",),
        ("open", "worsened"),
    ]


def test_the_ceiling_is_never_under_the_line_with_its_tenth() -> None:
    accept = FlagDecision(accept_until=day(50))
    assert states((0, 11), (1, 5, accept), (2, 11), (3, 12))[2:] == [
        ("accepted",),
        ("open", "worsened"),
    ]


def test_an_accepted_flag_resolves_by_the_rule() -> None:
    assert states((0, 11, FlagDecision(accept_until=day(50))), (1, 9), (3, 9))[-1] == (
        "none",
        "resolved",
    )


def test_an_acceptance_can_be_renewed_with_a_new_ceiling() -> None:
    accept = FlagDecision(accept_until=day(50))
    assert states((0, 11, accept), (1, 12, accept), (2, 13))[-1] == ("accepted",)


def test_a_disabled_policy_resolves_what_is_live_and_nothing_else() -> None:
    disable = FlagDecision(disable=True)
    assert states((0, 11, disable)) == [("none", "opened", "resolved")]
    assert states((0, 9, disable)) == [("none",)]


def test_the_days_under_the_release_line_do_not_outlive_the_flag() -> None:
    line = Tolerance(Fraction(10), clear_days=3)
    lived = replay_flag(
        line,
        [(day(0), Fraction(11), FlagDecision()), (day(1), Fraction(9), FlagDecision(disable=True))],
    )
    assert lived[-1][0] == FlagLife(last=Fraction(9))


def test_without_a_measurement_or_decision_nothing_changes() -> None:
    life = FlagLife("open", last=Fraction(11), below_since=day(1))
    assert advance_flag(life, LINE, on=day(9)) == (life, ())


@pytest.mark.parametrize("value", [Fraction(10), Fraction(1, 3) * 30])
def test_thirds_that_meet_the_line_are_tolerated(value: Fraction) -> None:
    assert advance_flag(FlagLife(), LINE, on=DAY, value=value)[0].state == "none"


_VALUES = st.one_of(
    st.none(),
    st.sampled_from([Fraction(n, 2) for n in range(12)]),
    st.fractions(0, 6, max_denominator=12),
)
_LINES = st.builds(
    Tolerance,
    st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(3), Fraction(7, 2)]),
    st.sampled_from([Fraction(0), Fraction(1, 10), Fraction(1, 3), Fraction(9, 10)]),
    st.integers(0, 4),
)


@st.composite
def _steps(draw: st.DrawFn) -> tuple[tuple[date, Fraction | None, FlagDecision], ...]:
    on, steps = DAY, []
    for _ in range(draw(st.integers(1, 14))):
        on += timedelta(days=draw(st.integers(0, 4)))
        ends = draw(st.none() | st.integers(-1, 6))
        decision = FlagDecision(
            acknowledge=draw(st.booleans()),
            accept_until=None if ends is None else on + timedelta(days=ends),
            disable=draw(st.integers(0, 9)) == 0,
        )
        steps.append((on, draw(_VALUES), decision if draw(st.booleans()) else FlagDecision()))
    return tuple(steps)


@given(_LINES, _steps())
def test_any_life_is_what_a_plain_loop_over_the_days_says(
    line: Tolerance, steps: tuple[tuple[date, Fraction | None, FlagDecision], ...]
) -> None:
    told = [
        {"day": on.isoformat(), "state": life.state, "events": list(events)}
        for (on, _, _), (life, events) in zip(steps, replay_flag(line, steps), strict=True)
    ]
    assert told == brute_life(LifecycleRecord("any", line, steps))


@pytest.mark.proof
@given(_LINES, _steps())
def test_a_live_flag_always_says_what_it_needs(
    line: Tolerance, steps: tuple[tuple[date, Fraction | None, FlagDecision], ...]
) -> None:
    for life, events in replay_flag(line, steps):
        assert life.live == (life.state != "none")
        assert (
            (life.state == "accepted")
            == (life.accepted_until is not None)
            == (life.ceiling is not None)
        )
        assert "opened" not in events or life.last is not None
