"""What holds for every picture: it says its finding, fits, and no word lies on another."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string

from apps.web.drawings.base.picture import NARROW, ResponsivePicture, responsive_picture
from apps.web.drawings.base.text_layout import overlap
from tests.web.drawings.samples import SAMPLES

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
EVERY = [
    pytest.param(draw, {"narrow": narrow}, id=f"{name}-{rank}-{'narrow' if narrow else 'wide'}")
    for name, drawn in SAMPLES.items()
    for rank, draw in enumerate(drawn)
    for narrow in (False, True)
]


@pytest.mark.parametrize(("draw", "shape"), EVERY)
def test_words_never_lie_on_each_other(draw, shape):
    picture = draw(**shape)

    lying = [
        (one.text, other.text)
        for one, other in combinations([label for label in picture.labels if label.text], 2)
        if overlap(one.box, other.box)
    ]
    assert lying == []


@pytest.mark.parametrize(("draw", "shape"), EVERY)
def test_nothing_lies_outside_the_sheet(draw, shape):
    picture = draw(**shape)

    for label in picture.labels:
        box = label.box
        assert box.x >= -0.5, label
        assert box.x + box.width <= picture.width + 0.5, label
        assert box.y >= -0.5, label
        assert box.y + box.height <= picture.height + 0.5, label
    for patch in picture.patches:
        assert patch.box.x >= -0.5, patch
        assert patch.box.x + patch.box.width <= picture.width + 0.5, patch
        assert patch.box.y + patch.box.height <= picture.height + 0.5, patch
    for dot in picture.dots:
        assert 0 <= dot.x <= picture.width, dot
        assert 0 <= dot.y <= picture.height, dot
    for stroke in (*picture.grid, *picture.areas, *picture.strokes):
        assert all(
            float(found) <= max(picture.width, picture.height) + 1
            for found in NUMBER.findall(stroke.d)
        ), stroke


@pytest.mark.parametrize(("draw", "shape"), EVERY)
def test_a_drawing_is_an_image_with_its_finding_and_holds_no_style(draw, shape):
    picture = draw(**shape)

    text = render_to_string("components/drawings/picture.svg", {"p": picture, "id": "x"})

    svg = ElementTree.fromstring(text)
    assert svg.get("role") == "img"
    titles = {child.get("id"): child.text for child in svg if child.tag in {"title", "desc"}}
    assert titles[svg.get("aria-labelledby")] == picture.title
    assert titles[svg.get("aria-describedby")] == picture.desc
    assert [child.get("aria-hidden") for child in svg if child.tag == "g"] == ["true"]
    assert "style=" not in text
    assert "<script" not in text
    # what is hidden from those who do not see it must not take the keyboard's focus
    assert not list(svg.iter("a"))


@pytest.mark.parametrize("name", SAMPLES)
def test_another_portfolio_is_another_drawing_with_another_finding(name):
    first, second = (draw() for draw in SAMPLES[name][:2])

    assert first.title != second.title
    shapes = [(p.patches, p.strokes, p.dots, p.areas) for p in (first, second)]
    assert shapes[0] != shapes[1]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_phone_gets_a_drawing_of_its_own(name):
    for draw in SAMPLES[name]:
        drawn = responsive_picture(draw)

        assert isinstance(drawn, ResponsivePicture)
        assert drawn.narrow.width == NARROW
        assert "narrow-only" in drawn.narrow.shape
        assert "wide-only" in drawn.wide.shape
        assert drawn.narrow.title == drawn.wide.title == drawn.title

    page = render_to_string("components/drawings/both.svg", {"drawing": drawn, "id": "x"})
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 4
