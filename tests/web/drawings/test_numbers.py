"""The pictures by their numbers: lengths, places and areas are proportional to what they stand
for."""

import math
import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, compact, price, share
from apps.web.drawings.charts.bars import Bar, draw_bars
from apps.web.drawings.charts.comparison_bars import ComparisonRow, draw_comparison
from apps.web.drawings.charts.exposure_states import LOOKS, StateBar, draw_states
from apps.web.drawings.charts.heat_map import build_heat_map
from apps.web.drawings.charts.loss_curve import Level, draw_loss_curve
from apps.web.drawings.charts.price_steps import Series, draw_price_steps
from apps.web.drawings.charts.runways import Runway, draw_runways
from apps.web.drawings.charts.trend import draw_sparkline, draw_trend
from apps.web.drawings.diagrams.flow import Path, draw_flow
from apps.web.drawings.diagrams.lineage import LineageLink, LineageVersion, draw_lineage
from apps.web.drawings.diagrams.network import crossings, layout_network
from apps.web.drawings.timelines.calendar import CalendarRetirement, draw_calendar

TODAY = date(2026, 11, 24)
SHARES, MONEY, PRICES = Unit("share", share), Unit("USD a year", compact), Unit("USD", price)
COUNTS = Unit("applications")
quick = settings(max_examples=30, deadline=None)


def named(parts, name):
    return [part for part in parts if part.name == name]


def the(parts, name):
    [part] = named(parts, name)
    return part


def numbers(path):
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", path)]


def words(picture):
    return [label.text for label in picture.labels]


# ---- bars


@quick
@given(
    values=st.lists(st.floats(min_value=0, max_value=1e9), min_size=2, max_size=12),
    narrow=st.booleans(),
)
def test_bars_begin_at_zero_and_are_as_long_as_their_values(values, narrow):
    picture = draw_bars(
        [Bar(f"b{n}", value) for n, value in enumerate(values)], unit=COUNTS, narrow=narrow
    )

    boxes = [patch.box for patch in picture.patches]
    assert len({box.x for box in boxes}) == 1
    longest, most = max(box.width for box in boxes), max(values)
    for box, value in zip(boxes, values, strict=True):
        assert box.width == pytest.approx(longest * value / most if most else 0, abs=0.05)


def test_only_bars_over_the_line_are_red_and_the_sentence_counts_them():
    rows = [Bar("Anthropic", 0.62, 0.46, 0.71), Bar("OpenAI", 0.5), Bar("Nobody", 0.1, unsure=True)]

    picture = draw_bars(rows, unit=SHARES, limit=0.5, top=1)

    assert [patch.hatch for patch in picture.patches] == ["red", "", "dots"]
    line = numbers(the(picture.strokes, "limit").d)[0]
    # what lies on the line is tolerated
    assert the(picture.patches, "OpenAI").box.x + the(
        picture.patches, "OpenAI"
    ).box.width == pytest.approx(line)
    zero, end = picture.patches[0].box.x, numbers(picture.grid[-1].d)[0]
    low, _high = numbers(the(picture.strokes, "Anthropic whisker").d)[0::2][:2]
    assert (low - zero) / (end - zero) == pytest.approx(0.46, abs=0.001)
    assert picture.title == "Share: Anthropic has the largest value, 62%. 1 is above its tolerance."
    assert "tolerance 50%" in words(picture)


def test_a_bar_may_have_its_own_line():
    picture = draw_bars(
        [Bar("Developer", 0.4, limit=0.5), Bar("Host", 0.4, limit=0.3)], unit=SHARES
    )

    assert [patch.hatch for patch in picture.patches] == ["", "red"]
    assert len(named(picture.strokes, "limit")) == 2


def test_negative_amounts_go_to_the_left_of_zero():
    picture = draw_bars([Bar("saves", -50), Bar("costs", 100)], unit=COUNTS)

    saves, costs = (patch.box for patch in picture.patches)
    assert saves.x + saves.width == pytest.approx(costs.x)
    assert costs.width == pytest.approx(2 * saves.width, abs=0.05)


@pytest.mark.parametrize(
    "drawn",
    [
        draw_bars([], unit=COUNTS),
        draw_price_steps([], unit=PRICES, today=TODAY),
        draw_price_steps([Series("a", ((TODAY, None),))], unit=PRICES, today=TODAY),
        draw_trend([], unit=SHARES),
        draw_trend([(TODAY, None)], unit=SHARES),
        draw_sparkline([None], unit=SHARES),
        draw_loss_curve([], unit=MONEY),
        draw_loss_curve([(0, 0.0)], unit=MONEY),
        draw_states([StateBar("a", {"exposed": 0})]),
        draw_comparison([ComparisonRow("a", None, None)], names=("a", "b"), unit=COUNTS),
        draw_runways([Runway("a", None, None)]),
        draw_calendar([CalendarRetirement("long gone", date(2020, 1, 1))], today=TODAY),
        draw_flow([], layers=("a", "b"), unit=COUNTS),
        draw_lineage([], []),
        build_heat_map({(1, 1): 0}, severity=lambda *_: 1, url=lambda *_: ""),
        responsive_picture(draw_bars, [], unit=COUNTS),
    ],
)
def test_with_nothing_to_show_there_is_no_picture(drawn):
    assert drawn is None


# ---- steps


def test_a_price_is_level_until_its_day_and_dashed_from_an_announced_one():
    points = ((date(2026, 5, 25), 10.0), (date(2026, 8, 24), 15.0), (date(2027, 2, 24), 20.0))

    picture = draw_price_steps(
        [Series("Sonnet", points)], unit=PRICES, today=TODAY, finish=date(2027, 5, 25)
    )

    lines = named(picture.strokes, "Sonnet")
    assert [stroke.css for stroke in lines] == ["l2", "l2", "l2", "l2 dash", "l2 dash"]
    zero = max(numbers(rule.d)[1] for rule in named(picture.grid, "tick"))
    heights = [zero - dot.y for dot in picture.dots]
    assert heights == pytest.approx([heights[2] * 0.5, heights[2] * 0.75, heights[2]], abs=0.05)
    xs, today = [dot.x for dot in picture.dots], numbers(the(picture.strokes, "today").d)[0]
    per_day = (xs[1] - xs[0]) / 91
    assert today - xs[1] == pytest.approx(92 * per_day, abs=0.05)
    assert xs[2] - today == pytest.approx(92 * per_day, abs=0.05)
    assert picture.title == "USD: Sonnet 15.00, 20.00 from 24 Feb 2027."
    assert "Sonnet: 15.00, then 20.00" in words(picture)


def test_an_unknown_time_is_a_gap_and_an_end_a_mark():
    known = ((date(2026, 1, 1), 5.0), (date(2026, 3, 1), None), (date(2026, 6, 1), 5.0))

    picture = draw_price_steps(
        [Series("Haiku", known, until=date(2026, 9, 1))], unit=PRICES, today=TODAY
    )

    first, second = (numbers(stroke.d) for stroke in named(picture.strokes, "Haiku"))
    assert first[-1] < second[0]
    assert numbers(the(picture.strokes, "Haiku ends").d)[0] == second[-1]
    assert "Haiku: unknown" in words(picture)


# ---- trend, sparkline


def days(values):
    return [(TODAY - timedelta(len(values) - 1 - n), value) for n, value in enumerate(values)]


def test_a_trend_breaks_where_days_are_missing_and_is_red_where_it_is_over():
    points = [*days([0.2, 0.4, 0.6, None, 0.6, 0.4]), (TODAY - timedelta(20), 0.3)]

    picture = draw_trend(points, unit=SHARES, limit=0.5, top=1)

    assert len(named(picture.strokes, "line")) == 2
    assert len(named(picture.dots, "alone")) == 1
    limit = numbers(the(picture.grid, "limit").d)[1]
    over = [numbers(stroke.d) for stroke in named(picture.strokes, "over")]
    # each red part begins or ends exactly on the line
    assert [min(part[1::2]) < limit == max(part[1::2]) for part in over] == [True, True]
    assert "2 days are above the tolerance of 50%." in picture.title
    assert picture.title.startswith("Share: from 30% on 4 Nov 2026 to 40% on 24 Nov 2026.")


def test_a_trend_without_anything_over_says_so_and_has_no_red_line():
    picture = draw_trend(days([0.2, 0.5]), unit=SHARES, limit=0.5)

    assert named(picture.strokes, "over") == []
    assert picture.title.endswith("No day is above the tolerance of 50%.")


@quick
@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(min_value=0, max_value=1)), min_size=1, max_size=40
    )
)
def test_a_sparkline_has_a_piece_per_run_of_known_values(values):
    drawn = draw_sparkline(values, unit=SHARES, limit=0.5, top=1, name="Anthropic")

    known = [value for value in values if value is not None]
    if not known:
        assert drawn is None
        return
    runs = sum(
        value is not None and before is None
        for before, value in zip([None, *values], values, strict=False)
    )
    assert drawn.d.count("M") == runs
    assert drawn.over == (known[-1] > 0.5)
    assert drawn.y == pytest.approx(18 - 16 * known[-1], abs=0.06)
    assert all(0 <= x <= drawn.width for x in numbers(drawn.d)[0::2])
    text = render_to_string("components/drawings/sparkline.svg", {"s": drawn})
    assert f'aria-label="{drawn.title}"' in text
    assert f"{share(known[-1])}" in drawn.title


# ---- loss curve


def test_the_curve_lies_at_its_chances_and_the_twin_beside_it():
    curve = [(step * 1e5, math.exp(-step / 20)) for step in range(200)]
    twin = [(step * 1e5, math.exp(-step / 8)) for step in range(200)]
    levels = [Level(20, 6e6, 2.4e6, 5.5e6, 6.6e6), Level(100, 9.2e6, 3.7e6)]

    picture = draw_loss_curve(curve, unit=MONEY, twin=twin, levels=levels, expected=2e6)

    # exponential chances are a straight line on a logarithmic scale of chances
    at = numbers(the(picture.strokes, "curve").d)
    points = list(zip(at[0::2], at[1::2], strict=True))
    slopes = [
        (y - other_y) / (x - other_x) for (other_x, other_y), (x, y) in pairwise(points[:100])
    ]
    assert slopes == pytest.approx([slopes[0]] * len(slopes), rel=0.05)
    one, other = the(picture.dots, "1 in 20"), the(picture.dots, "1 in 20 twin")
    zero = numbers(the(picture.grid, "probability 500").d)[0]
    assert one.y == other.y == numbers(the(picture.grid, "probability 20").d)[1]
    assert one.x - zero == pytest.approx((other.x - zero) * 2.5, abs=0.05)
    assert numbers(the(picture.strokes, "expected").d)[0] - zero == pytest.approx(
        (one.x - zero) / 3, abs=0.05
    )
    assert picture.title == (
        "USD a year: an average year costs 2 M, 1 in 20 years costs 6 M or more, 1 in 100 years "
        "costs 9.2 "
        "M or more. "
        "If failures were independent, 1 in 100 years would cost 3.7 M or more."
    )
    assert {"6 M", "2.4 M", "9.2 M", "expected 2 M", "correlated causes", "independent"} <= set(
        words(picture)
    )


def test_a_curve_of_few_possible_losses_is_drawn_in_steps():
    picture = draw_loss_curve([(0, 0.4), (100, 0.1), (900, 0.0)], unit=MONEY)

    at = numbers(the(picture.strokes, "curve").d)
    corners = list(zip(at[0::2], at[1::2], strict=True))
    assert all(
        before[0] == after[0] or before[1] == after[1] for before, after in pairwise(corners)
    )


# ---- states, compare


@quick
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(list(LOOKS)), st.integers(0, 5000), min_size=1),
        min_size=1,
        max_size=5,
    ).filter(lambda rows: any(sum(row.values()) for row in rows)),
    narrow=st.booleans(),
)
def test_the_pieces_of_a_bar_touch_and_add_up_to_its_applications(rows, narrow):
    picture = draw_states(
        [StateBar(f"r{n}", counts) for n, counts in enumerate(rows)], narrow=narrow
    )

    pieces = [patch for patch in picture.patches if patch.name != "key"]
    zero = min(patch.box.x for patch in pieces)
    most = max(sum(row.values()) for row in rows)
    for row in (row for row in rows if sum(row.values())):
        drawn = [pieces.pop(0) for state in LOOKS if row.get(state)]
        assert [patch.name for patch in drawn] == [state for state in LOOKS if row.get(state)]
        for before, after in pairwise(drawn):
            assert before.box.x + before.box.width == pytest.approx(after.box.x, abs=0.05)
        length = drawn[-1].box.x + drawn[-1].box.width - zero
        assert length / sum(row.values()) == pytest.approx((picture.width - zero) / most, rel=0.25)


def test_every_state_has_its_own_look_and_the_sentence_its_counts():
    picture = draw_states(
        [StateBar("", {"exposed": 7, "cushioned": 4, "portable": 3, "partial": 2, "may_stand": 5})]
    )

    looks = [(patch.hatch, patch.edge) for patch in picture.patches if patch.name != "key"]
    assert len(set(looks)) == 5
    assert (
        picture.title
        == "Of 21 applications: 7 exposed, 4 cushioned, 3 portable, 2 partial, 5 might depend on "
        "it."
    )
    assert {"7", "4", "3", "2", "5", "21", "exposed 7"} <= set(words(picture))


def test_two_answers_share_one_zero_and_one_scale():
    lines = [ComparisonRow("exposed", 8, 2), ComparisonRow("portable", None, 4)]

    picture = draw_comparison(lines, names=("Anthropic stops", "Bedrock kept"), unit=COUNTS)

    first, second, third = (patch.box for patch in picture.patches if patch.name != "key")
    assert first.x == second.x == third.x
    assert [box.width for box in (first, second, third)] == pytest.approx(
        [first.width, first.width / 4, first.width / 2], abs=0.05
    )
    assert "not counted" in words(picture)
    assert picture.title == (
        "Applications with Anthropic stops and with Bedrock kept: exposed 8 and 2; portable not "
        "counted and 4."
    )


# ---- runways


def test_what_is_missing_is_red_and_as_long_as_the_days_short():
    rows = [
        Runway("Triage", 10, 40, tested=True),
        Runway("Assist", 80, 40),
        Runway("Gone", -10, 20, tested=True),
    ]

    picture = draw_runways(rows)

    left, need, short = (
        the(picture.patches, f"Triage {part}").box for part in ("left", "need", "short")
    )
    per_day = left.width / 10
    assert need.width == pytest.approx(10 * per_day, abs=0.05)
    assert short.width == pytest.approx(30 * per_day, abs=0.05)
    assert short.x == pytest.approx(left.x + left.width, abs=0.05)
    assert named(picture.patches, "Assist short") == []
    gone = the(picture.patches, "Gone left")
    assert gone.hatch == "red"
    assert gone.box.x + gone.box.width == pytest.approx(left.x, abs=0.05)
    assert "10 d left, migration 40 d (exit test): 30 d short" in words(picture)
    assert picture.title.startswith("2 of 3 cannot be migrated in time. Latest: ")


def test_applications_with_time_have_nothing_red():
    picture = draw_runways([Runway("Assist", 80, 40), Runway("Copilot", 200, None)])

    assert not [patch for patch in picture.patches if "r" in patch.edge and patch.name != "key"]
    assert picture.title == "1 has time to migrate. 1 has unknown effort."


def test_a_bar_longer_than_the_drawing_is_cut_and_says_its_number():
    picture = draw_runways([Runway("Later", 4000, 20, at_least=True)])

    assert named(picture.strokes, "cut")
    assert "≥ 4,000 d left, migration 20 d (exit plan)" in words(picture)


# ---- calendar


@quick
@given(offsets=st.lists(st.integers(0, 530), min_size=1, max_size=60), narrow=st.booleans())
def test_every_end_has_a_mark_in_order_and_every_month_its_count(offsets, narrow):
    ends = [
        CalendarRetirement(f"end {n}", TODAY + timedelta(offset))
        for n, offset in enumerate(offsets)
    ]

    picture = draw_calendar(
        [*ends, CalendarRetirement("today", TODAY)], today=TODAY, months=18, narrow=narrow
    )

    begin, finish = date(2026, 11, 1), date(2028, 5, 1)
    per_day = (picture.width - 2) / (finish - begin).days
    n_drawn = 0
    for end in ends:
        marks = named(picture.strokes, end.label)
        n_drawn += len(marks)
        if marks:
            # a mark stands in its column, which is as broad as a mark
            x = numbers(marks[0].d)[0]
            assert x == pytest.approx(
                min(max(1 + (end.ends_on - begin).days * per_day, 6), picture.width - 6), abs=6
            )
    assert n_drawn == sum(end.ends_on < finish for end in ends)
    counts = [
        int(label.text) for label in picture.labels if label.css == "b" and label.text.isdigit()
    ]
    assert sum(counts) == n_drawn + 1


def test_firm_soft_and_urgent_ends_look_different_and_the_urgent_one_is_named():
    ends = [
        CalendarRetirement("GPT-4.1", date(2027, 1, 5), urgent=True),
        CalendarRetirement("o3", date(2027, 1, 6), weight=9),
        CalendarRetirement("Sonnet", date(2027, 8, 1), soft=True),
        CalendarRetirement("before", date(2026, 9, 1)),
    ]

    picture = draw_calendar(ends, today=TODAY)

    assert [the(picture.strokes, name).css for name in ("GPT-4.1", "o3", "Sonnet")] == [
        "red",
        "ink",
        "box",
    ]
    assert "GPT-4.1 and 1 more" in words(picture)
    assert (
        picture.title
        == "3 retirements within 18 months, 2 of them within 90 days; next GPT-4.1 on 5 Jan 2027."
    )


# ---- flow

LAYERS = ("Team", "Foundation", "Developer", "Host")
PATHS = [
    Path(("Claims", "Sonnet", "Anthropic", "Bedrock"), 9),
    Path(("Fraud", "Haiku", "Anthropic", "Vertex AI"), 4),
    Path(("Fraud", "GPT", "OpenAI", "Azure"), 5),
    Path(("Claims", "", "", "Azure"), 2),
]


def test_a_node_is_as_long_as_what_it_carries_and_its_ribbons_fill_it():
    picture = draw_flow(
        PATHS, layers=LAYERS, unit=COUNTS, over=frozenset({("Developer", "Anthropic")})
    )

    heights = {patch.name: patch.box.height for patch in picture.patches}
    assert heights["Anthropic"] / heights["OpenAI"] == pytest.approx(13 / 5, abs=0.01)
    carried = sum(float(area.name) for area in picture.areas)
    assert carried == 3 * 20  # three gaps between layers, each crossed by all applications
    hot = [area for area in picture.areas if "hot" in area.css]
    assert sum(float(area.name) for area in hot) == 3 * 13
    assert picture.title == "Over tolerance: Anthropic (developer) has 13 of 20 applications."
    assert the(picture.patches, "Anthropic").hatch == "red"
    assert "unresolved: 2" in words(picture)


def test_without_a_breach_nothing_is_red_and_the_heaviest_is_named():
    picture = draw_flow(PATHS, layers=LAYERS, unit=COUNTS)

    assert not [area for area in picture.areas if "hot" in area.css]
    assert picture.title == "Anthropic (developer) has the largest share: 13 of 20 applications."


def test_small_nodes_are_folded_into_others_and_nothing_is_lost():
    paths = [Path(("Claims", f"Model {n}", "Anthropic"), 100 - n) for n in range(40)]

    net = layout_network(paths, over=frozenset({(1, "Model 39")}), max_nodes=5)

    assert len(net.layers[1]) == 6
    assert "Model 39" in net.layers[1]  # what is over its tolerance is never folded
    assert net.n_folded[1] == 35
    assert sum(weight for (layer, _name), weight in net.weights.items() if layer == 1) == net.total
    picture = draw_flow(paths, layers=LAYERS[:3], unit=COUNTS, max_nodes=5)
    assert f"35 others: {sum(range(61, 96)):,}" in words(picture)


@quick
@given(
    ends=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6), st.integers(1, 9)),
        min_size=2,
        max_size=30,
    )
)
def test_the_order_of_nodes_never_crosses_more_than_the_plain_one(ends):
    paths = [Path((f"a{a}", f"b{b}", f"c{c}"), weight) for a, b, c, weight in ends]

    net = layout_network(paths, over=frozenset(), max_nodes=12)

    plain = [sorted(names) for names in net.layers]
    assert crossings(net.layers, net.ribbons) <= max(crossings(plain, net.ribbons), 1) * 1.5


def test_two_bundles_that_need_not_cross_do_not():
    net = layout_network([Path(("a", "y")), Path(("b", "x"))] * 3, over=frozenset(), max_nodes=12)

    assert crossings(net.layers, net.ribbons) == 0


# ---- lineage


def test_a_parent_stands_left_of_its_children_and_between_them_and_each_kind_has_its_line():
    kin = [
        LineageVersion("l", "Llama", own=True),
        LineageVersion("a", "A"),
        LineageVersion("b", "B"),
        LineageVersion("c", "C"),
    ]
    kinds = {"a": "fine_tune", "b": "quantisation", "c": "distillation"}

    picture = draw_lineage(kin, [LineageLink("l", child, kind) for child, kind in kinds.items()])

    boxes = {patch.name: patch.box for patch in picture.patches}
    assert boxes["l"].x < boxes["a"].x == boxes["b"].x == boxes["c"].x
    assert boxes["l"].y == pytest.approx(boxes["b"].y)
    assert boxes["a"].y < boxes["b"].y < boxes["c"].y
    assert [the(picture.grid, f"l>{child}").css for child in kinds] == ["l", "l dot", "l dash"]
    assert {"fine-tune", "quantised", "distilled"} <= set(words(picture))
    assert picture.title == "Llama has no known parent. 3 were made from it or follow it."


def test_a_merge_has_both_its_parents():
    kin = [LineageVersion("a", "A"), LineageVersion("b", "B"), LineageVersion("m", "M", own=True)]

    for narrow in (False, True):
        picture = draw_lineage(
            kin, [LineageLink("a", "m", "merge"), LineageLink("b", "m", "merge")], narrow=narrow
        )

        assert picture.title == "M is merged from A, merged from B. No descendants known."
        assert named(picture.grid, "b>m") or "merged, merged from B" in words(picture)


def test_of_a_large_family_the_nearest_are_shown_and_the_rest_is_counted():
    kin = [LineageVersion(str(n), f"Model {n}", own=n == 30) for n in range(60)]
    descents = [LineageLink(str(n), str(n + 1), "next_generation") for n in range(59)]

    picture = draw_lineage(kin, descents, max_versions=11)

    assert {patch.name for patch in picture.patches} == {str(n) for n in range(25, 36)}
    assert "49 further are in the table." in picture.desc


def test_a_circle_of_descents_is_drawn_all_the_same():
    picture = draw_lineage(
        [LineageVersion("a", "A"), LineageVersion("b", "B")],
        [LineageLink("a", "b", "merge"), LineageLink("b", "a", "merge")],
    )

    assert len(picture.patches) == 2


# ---- heat map


def test_every_cell_of_the_heat_map_has_its_count_its_severity_and_its_list():
    counts = {(5, 5): 3, (4, 5): 8, (1, 1): 14}

    drawn = build_heat_map(
        counts,
        severity=lambda likelihood, impact: min(5, 1 + likelihood * impact // 5),
        url=lambda likelihood, impact: f"?likelihood={likelihood}&impact={impact}",
        selected_cell=(4, 5),
    )
    text = render_to_string("components/drawings/heat.html", {"h": drawn})

    assert drawn.n == 25
    assert drawn.title == "11 of 25 assessed risks are of the highest severity."
    links = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"', text)
    assert links == [
        ("?likelihood=5&amp;impact=5", "Likelihood 5, impact 5: 3 risks"),
        ("?likelihood=4&amp;impact=5", "Likelihood 4, impact 5: 8 risks"),
        ("?likelihood=1&amp;impact=1", "Likelihood 1, impact 1: 14 risks"),
    ]
    assert text.count('aria-current="true"') == 1
    assert len(re.findall(r'<td class="s[1-5]"', text)) == 25
    other = build_heat_map({(2, 2): 1}, severity=lambda *_: 2, url=lambda *_: "?")
    assert other.title == "0 of 1 assessed risk is of the highest severity."
