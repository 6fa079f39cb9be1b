"""Mails as a browser shows them: at three widths, light and dark, nothing is cut off and everything
can be read."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.alerts.actions import queue_digests, raise_alerts, raise_due_alerts
from apps.alerts.models import Delivery
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Criticality
from tests.browsing import Browse
from tests.builders import NOW, make_application, make_dependency, make_exit_plan, make_offering
from tests.worlds.small import make_small_world

pytestmark = [pytest.mark.django_db, pytest.mark.browser]

LONG = (
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    "-with-a-name-that-goes-on-and-on-and-on-and-never-breaks"
)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """A runway that is negative, an end far off, a price, and an id without a place to break it."""
    world = make_small_world()
    dependency = world.application.dependencies.get()
    make_exit_plan(dependency, estimated_days=Decimal(90))
    other = make_offering(
        LONG, host=world.offering.host, retires_on=date(2027, 3, 1), date_kind="firm"
    )
    make_dependency(
        make_application("Subrogation finder", team=world.team, criticality=Criticality.STANDARD),
        other,
    )
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    refresh(on=date(2026, 11, 24))
    raise_alerts(at=NOW)
    raise_due_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    page = tmp_path / "mail.html"
    page.write_text(Delivery.objects.get().body_html, encoding="utf-8")
    return page


SHOWN = """() => {
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    const boxes = [...document.querySelectorAll('td, th, a, p, h1, h2')]
        .map((each) => each.getBoundingClientRect()).filter((box) => box.width > 0);
    return {
        sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        beyond: boxes.filter((box) => box.right > window.innerWidth + 1).length,
        paper: style('body').backgroundColor, ink: style('h1').color,
        button: style('td.btn').backgroundColor,
        text: document.body.innerText,
    };
}"""


def brightness(colour: str) -> float:
    """Of `rgb(r, g, b)`, from 0 to 255."""
    red, green, blue = (
        int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3]
    )
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.proof
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 600, 1000])
def test_a_digest_fits_the_window_and_can_be_read(
    mail: Path, browse: Browse, width: int, scheme: str
) -> None:
    window = browse(size=(width, 1200), scheme=scheme)
    window.goto(mail.as_uri())

    found: dict[str, Any] = window.evaluate(SHOWN)

    assert (found["sideways"], found["beyond"]) == (0, 0)
    for words in (
        "Negative runway",
        "−38 days",
        "Upcoming retirements",
        LONG,
        "Price increases",
        "Unsubscribe",
    ):
        assert words in found["text"]
    paper, ink = brightness(found["paper"]), brightness(found["ink"])
    assert (paper > 200 > 100 > ink) if scheme == "light" else (ink > 200 > 100 > paper)
    assert abs(brightness(found["button"]) - paper) > 100
