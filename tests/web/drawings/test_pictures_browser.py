"""What only a browser can tell of the pictures: how broad the words really are, and the captions of
the hover."""

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import expect

from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, share
from apps.web.drawings.charts.heat_map import build_heat_map
from apps.web.drawings.charts.trend import draw_sparkline
from tests.browsing import PHONE, WIDE, expect_no_violations, sideways
from tests.builders import make_user
from tests.web.drawings.samples import SAMPLES

pytestmark = [pytest.mark.proof, pytest.mark.browser]

# pairs of words of one visible drawing that lie on each other by more than a hair, and words beyond
# its edge
MISPLACED = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("main svg.draw[viewBox]")) {
    const sheet = svg.viewBox.baseVal;
    const words = [...svg.querySelectorAll("text")].map((text) =>
    [text.textContent, text.getBBox()]);
    if (!words.length || !svg.getBoundingClientRect().width) continue;
    words.forEach(([text, box], i) => {
      if (box.x < -2 || box.x + box.width > sheet.width + 2) found.push(`${text} leaves the sheet`);
      for (const [other, by] of words.slice(0, i)) {
        const across = Math.min(box.x + box.width, by.x + by.width) - Math.max(box.x, by.x);
        const down = Math.min(box.y + box.height, by.y + by.height) - Math.max(box.y, by.y);
        if (across > 1 && down > 4) found.push(`${text} lies on ${other}`);
      }
    });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def reader(committed):
    with committed():
        yield make_user("reader")


@pytest.fixture(scope="module")
def gallery():
    """All samples of all pictures as the body of a page."""
    figures = []
    for name, drawn in SAMPLES.items():
        for rank, draw in enumerate(drawn):
            svg = render_to_string(
                "components/drawings/both.svg",
                {"drawing": responsive_picture(draw), "id": f"{name}-{rank}"},
            )
            figures.append(
                f'<figure class="block"><header><h2>{name} {rank}</h2></header>{svg}</figure>'
            )
    cells = build_heat_map(
        {
            (likelihood, impact): likelihood * impact
            for likelihood in range(1, 6)
            for impact in range(1, 6)
        },
        severity=lambda likelihood, impact: min(5, 1 + likelihood * impact // 5),
        url=lambda likelihood, impact: f"?l={likelihood}&i={impact}",
    )
    line = draw_sparkline([0.4, None, 0.6], unit=Unit("share", share), limit=0.5, name="Anthropic")
    figures.append(render_to_string("components/drawings/heat.html", {"h": cells}))
    figures.append(render_to_string("components/drawings/sparkline.svg", {"s": line}))
    return f"<h1>Pictures</h1>{''.join(figures)}"


@pytest.fixture
def hung(signed_in, reader, gallery):
    """The pictures on a page of the product, under its stylesheet and its content security
    policy."""

    def hang(**shape):
        page = signed_in(reader, **shape)
        page.goto("/events/")
        page.evaluate(
            "pictures => { document.getElementById('main').innerHTML = pictures; }", gallery
        )
        return page

    return hang


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_every_picture_stands_on_a_page_without_overlaps(hung, size, scheme):
    page = hung(size=size, scheme=scheme)

    n_samples = sum(map(len, SAMPLES.values()))
    shape = "wide-only" if size == WIDE else "narrow-only"
    assert page.locator(f"main svg.draw.{shape}:visible").count() == n_samples
    assert page.evaluate(MISPLACED) == []
    assert sideways(page) == 0
    expect_no_violations(page)


def test_a_part_tells_what_it_is_to_pointer_and_keyboard(hung):
    page = hung()
    caption = page.locator(".tip")
    expect(caption).to_be_hidden()

    page.locator("[data-tip^='Anthropic: 62%']:visible").first.hover()
    expect(caption).to_be_visible()
    expect(caption).to_contain_text("Anthropic: 62%, 8 of 13")
    # the pointer may go onto the caption, and away from both
    caption.hover()
    expect(caption).to_be_visible()
    page.locator("h1").hover()
    expect(caption).to_be_hidden()

    page.locator(".heat a").first.focus()
    page.keyboard.press("Tab")
    expect(caption).to_have_text("Likelihood 5, impact 2: 10 risks")
    page.keyboard.press("Escape")
    expect(caption).to_be_hidden()
