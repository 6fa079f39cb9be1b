"""Geometry of the drawings, by numbers."""

from datetime import date, timedelta

import pytest

from apps.web.drawings.base.text_layout import text_width
from apps.web.drawings.diagrams.stack_section import (
    Column,
    cut_section,
    draw_narrow_section,
    draw_wide_section,
    in_order,
)
from apps.web.drawings.timelines.lifecycle import Claim, Track, draw_lifecycle
from apps.web.drawings.timelines.retirements import Retirement, draw_timeline

TODAY = date(2026, 11, 24)


def column(label, developer="Anthropic", foundation="Sonnet", host="Bedrock", **fields):
    given = {"height": 1.0, "solid": True, "late": False, "version": foundation, **fields}
    return Column(label=label, host=host, foundation=foundation, developer=developer, **given)


def test_applications_that_share_stand_together_and_the_unresolved_stand_last():
    columns = [
        column("a", developer="", foundation="", host="Azure"),
        column("b", developer="OpenAI", foundation="GPT"),
        column("c"),
        column("d", foundation="Haiku"),
        column("e"),
    ]

    assert [each.label for each in in_order(columns)] == ["c", "e", "d", "b", "a"]


def test_equal_neighbours_are_one_cell_per_layer():
    section = draw_wide_section(
        [column("a"), column("b"), column("c", foundation="Haiku")], over=frozenset(), details={}
    )

    cells = [(cell.layer, cell.full) for cell in section.cells]
    assert cells.count(("developer", "Anthropic")) == 1
    assert cells.count(("foundation", "Sonnet")) == 1
    assert cells.count(("foundation", "Haiku")) == 1
    assert len(section.buildings) == 3


@pytest.mark.parametrize("draw", [draw_wide_section, draw_narrow_section])
def test_nothing_is_drawn_beyond_the_sheet(draw):
    columns = [column(f"a{n}", developer=f"d{n % 9}", foundation=f"f{n % 13}") for n in range(60)]

    section = draw(columns, over=frozenset(), details={})

    for box in [
        *(each.box for each in section.buildings),
        *(each.box for each in section.cells),
        section.ground,
    ]:
        assert 0 <= box.x <= box.x + box.width <= section.width + 0.5
        assert 0 <= box.y <= box.y + box.height <= section.height + 0.5
        assert box.width > 0
        assert box.height > 0


def test_the_narrow_sheet_is_the_wide_one_turned_and_fits_a_phone():
    section = draw_narrow_section(
        [column("a"), column("b", developer="OpenAI")], over=frozenset(), details={}
    )

    assert section.width <= 380
    assert {cell.layer for cell in section.cells} == {"host", "version", "foundation", "developer"}


def test_a_developer_over_tolerance_is_marked_and_says_its_reach_where_it_fits():
    details = {"Anthropic": ("17 applications, 8 of 13 critical (62 %)", "17, 8 crit.")}

    section = draw_wide_section(
        [column(str(n)) for n in range(10)], over=frozenset({"Anthropic"}), details=details
    )

    cell = next(cell for cell in section.cells if cell.layer == "developer")
    assert cell.over
    assert cell.detail == "17 applications, 8 of 13 critical (62 %)"


@pytest.mark.parametrize(
    ("text", "letters", "shown"),
    [
        ("Claude Sonnet 4.5", 20, "Claude Sonnet 4.5"),
        ("Claude Sonnet 4.5", 12, "Sonnet 4.5"),
        ("GPT-4.1 Mini", 6, "GPT-4…"),
        ("Amazon Bedrock", 8, "Bedrock"),
        ("OpenAI", 2, ""),
        # not "notes (own fine-tune)", which names nothing
        ("Home claims photo notes (own fine-tune)", 26, "Home claims photo notes…"),
        ("Home claims photo notes (own fine-tune)", 12, "Home claims…"),
        ("Claude Sonnet 4.5 (own fine-tune)", 26, "Claude Sonnet 4.5…"),
        ("Claude Sonnet 4.5 (own fine-tune)", 12, "Sonnet 4.5…"),
        ("Claude Sonnet 4.5 (own fine-tune)", 3, "Cl…"),
    ],
)
def test_names_are_cut_to_what_tells_them_apart(text, letters, shown):
    assert cut_section(text, letters) == shown


def ending(days, **fields):
    given = {"soft": False, "urgent": False, "when": "", "note": "", "url": "", **fields}
    return Retirement(label="GPT-4.1", place="Azure", ends_on=TODAY + timedelta(days), **given)


def test_the_timeline_keeps_order_and_scale():
    drawn = draw_timeline(
        [ending(-400), ending(0), ending(90), ending(180), ending(900)], today=TODAY, days=180
    )

    ends = [line.x_to for line in drawn.lines]
    assert ends == sorted(ends)
    assert ends[0] == drawn.left
    assert ends[1] == drawn.today_x
    assert ends[3] == ends[4] == drawn.right
    assert drawn.months[0].label == "Nov 2026"
    assert [line.x_bar for line in drawn.lines[:2]] == [drawn.left, drawn.today_x]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("days", [1, 30, 180, 1095])
def test_words_of_the_timeline_lie_neither_on_their_bar_nor_beyond_the_sheet(narrow, days):
    ends = [
        ending(after, soft=soft, urgent=urgent, when="28 November 2027", note="12,345 applications")
        for after in (-400, -1, 0, 1, days // 2, days - 1, days, days + 400)
        for soft in (False, True)
        for urgent in (False, True)
    ]

    drawn = draw_timeline(ends, today=TODAY, days=days, narrow=narrow)

    for line in drawn.lines:
        assert line.x_text >= max(line.x_to, line.x_bar + line.length) + 6
        assert line.x_text + text_width(line.words, bold=line.ending.urgent) <= drawn.width
    assert drawn.right > drawn.left + 100


def test_the_lifecycle_puts_every_claim_under_what_is_accepted():
    track = Track(
        "Anthropic",
        "claude",
        date(2025, 9, 29),
        date(2027, 4, 8),
        soft=False,
        urgent=False,
        claims=(
            Claim("LiteLLM", date(2027, 4, 8), soft=False, missing=False),
            Claim("Other", None, soft=False, missing=True),
        ),
    )

    drawn = draw_lifecycle([track], today=TODAY).tracks[0]

    assert drawn.accepted.text == "8 Apr 2027"
    assert [line.text for line in drawn.lines] == ["8 Apr 2027", "no date, delisted"]
    assert drawn.lines[0].x == drawn.accepted.x
