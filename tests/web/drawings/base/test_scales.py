"""Scales and lettering, for all numbers, days and words."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.web.drawings.base.scales import (
    compact,
    day_scale,
    days,
    linear,
    logarithmic,
    nice_step,
    number,
    price,
    share,
)
from apps.web.drawings.base.text_layout import (
    Label,
    drop_overlapping,
    overlap,
    shorten_to_width,
    spread,
    text_width,
    wrap_lines,
)

quick = settings(max_examples=60, deadline=None)
amounts = st.floats(min_value=-1e9, max_value=1e12, allow_nan=False)
some_days = st.dates(min_value=date(2019, 1, 1), max_value=date(2039, 1, 1))
words = st.text(st.characters(categories=("L", "N", "Zs", "Pd")), max_size=60)


@quick
@given(span=st.floats(min_value=1e-9, max_value=1e15), n=st.integers(1, 12))
def test_a_step_is_one_two_or_five_and_the_smallest_that_leaves_room(span, n):
    step = nice_step(span, n)

    assert f"{step:e}"[0] in "125"
    assert span / step <= n * (1 + 1e-6)
    smaller = step / 2.5 if f"{step:e}"[0] == "5" else step / 2
    assert span / smaller > n * (1 - 1e-6)


@quick
@given(values=st.lists(amounts, min_size=1, max_size=9), n=st.integers(2, 9))
def test_a_linear_scale_holds_zero_and_all_values_and_is_proportional(values, n):
    scale = linear(values, start=10, end=510, n_ticks=n)

    assert scale.low <= 0 <= scale.high
    hair = (scale.high - scale.low) * 1e-8  # far less than a line is thick
    assert scale.low <= min(values) + hair
    assert scale.high >= max(values) - hair
    assert 0 in scale.ticks
    assert len(scale.ticks) <= n + 3
    per_unit = 500 / (scale.high - scale.low)
    for value in values:
        assert scale.at(value) - scale.at(0) == pytest.approx(value * per_unit, abs=0.02)


@quick
@given(values=st.lists(st.floats(min_value=1e-3, max_value=1e12), min_size=1, max_size=9))
def test_a_logarithmic_scale_gives_equal_ratios_equal_lengths(values):
    scale = logarithmic(values, start=0, end=500)

    assert scale.low <= min(values) * (1 + 1e-9)
    assert scale.high >= max(values) * (1 - 1e-9)
    assert list(scale.ticks) == sorted(scale.ticks)
    middle = (scale.low * scale.high) ** 0.5
    assert scale.at(middle) == pytest.approx(250, abs=0.1)


@quick
@given(begin=some_days, n_days=st.integers(0, 5000), width=st.floats(min_value=150, max_value=1200))
def test_days_are_proportional_and_their_names_never_touch(begin, n_days, width):
    scale = day_scale(begin, begin + timedelta(n_days), start=0, end=width)

    per_day = width / max(n_days, 1)
    assert scale.at(begin + timedelta(n_days // 2)) == pytest.approx(
        n_days // 2 * per_day, abs=0.02
    )
    assert scale.at(begin - timedelta(400)) == 0
    assert not scale.shows(begin - timedelta(1))
    for before, after in pairwise(scale.ticks):
        assert before.x + text_width(before.label) < after.x
    if n_days > 400:
        assert scale.ticks


def test_months_name_the_year_at_first_and_in_january():
    scale = day_scale(date(2026, 10, 15), date(2027, 3, 20), start=0, end=1000)

    assert [tick.label for tick in scale.ticks] == ["Nov 2026", "Dec", "Jan 2027", "Feb", "Mar"]
    assert scale.ticks[0].x == pytest.approx(1000 * 17 / 156, abs=0.01)


def test_a_short_time_is_named_by_its_days_and_a_long_one_by_its_years():
    weeks = day_scale(date(2026, 12, 20), date(2027, 1, 20), start=0, end=400)
    years = day_scale(date(2018, 3, 1), date(2027, 3, 1), start=0, end=330)

    assert weeks.ticks[0].label == "20 Dec 2026"
    assert all(tick.label.isdigit() for tick in years.ticks)


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (number, 12_500, "12,500"),
        (number, -3, "−3"),
        (number, 0.075, "0.075"),
        (share, 0.618, "62%"),
        (compact, 8_930_000, "8.93 M"),
        (compact, 999_950, "1 M"),
        (compact, 35_000, "35 k"),
        (compact, -1_500, "−1.5 k"),
        (compact, 0, "0"),
        (price, 15, "15.00"),
        (price, 0.0755, "0.0755"),
        (days, -33.4, "−33 d"),
    ],
)
def test_numbers_are_written_as_people_read_them(write, value, text):
    assert write(value) == text


@quick
@given(text=words, room=st.floats(min_value=0, max_value=300), bold=st.booleans())
def test_a_shortened_name_fits_its_room(text, room, bold):
    shown = shorten_to_width(text, room, bold=bold)

    assert text_width(shown, bold=bold) <= room or not shown
    assert shown == text or text_width(text, bold=bold) > room
    assert all(text_width(line) <= room or not line for line in wrap_lines(text, room))


def test_a_name_keeps_its_number_and_another_its_beginning():
    assert shorten_to_width("Claude Sonnet 4.5", 80) == "Sonnet 4.5"
    assert shorten_to_width("Reinsurance wording assistant", 110).startswith("Reinsurance")
    assert wrap_lines("Reinsurance wording assistant", 130) == ["Reinsurance", "wording assistant"]


@quick
@given(places=st.lists(st.floats(min_value=0, max_value=400), max_size=12))
def test_names_pushed_apart_stay_in_order_and_inside_and_move_no_further_than_needed(places):
    moved = spread(places, gap=14, low=0, high=400)

    ordered = [moved[i] for i in sorted(range(len(places)), key=lambda i: places[i])]
    assert all(after - before >= 14 - 0.03 for before, after in pairwise(ordered))
    assert all(-0.01 <= place <= 400.01 for place in moved)
    apart = sorted(places)
    if all(after - before >= 14 for before, after in pairwise(apart)):
        assert moved == pytest.approx(places, abs=0.01)


@quick
@given(places=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=20))
def test_of_names_that_would_lie_on_each_other_the_first_stays(places):
    labels = [Label(x, y, "Anthropic", anchor="middle") for x, y in places]

    kept = drop_overlapping(labels)

    assert not any(overlap(one.box, other.box) for i, one in enumerate(kept) for other in kept[:i])
    assert kept[:1] == tuple(labels[:1])
