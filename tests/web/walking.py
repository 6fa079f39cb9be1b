"""The walk that the accessibility tests share: every page once, all complaints told together at the end."""

from collections.abc import Iterable

from playwright.sync_api import Page

from tests.browsing import COLOURS, PHONE, WIDE, axe, complaints, sideways
from tests.web.routes import Stop


def expect_accessible(page: Page, stops: Iterable[Stop]) -> None:
    """Opens each page once and looks at it wide and light, wide and dark, and light on a phone.

    A page is wrong where axe finds a violation of WCAG 2.2 AA, where it scrolls sideways on a phone, and where the
    console complains. Fails with all that is wrong anywhere: page, element and mend. A second a page.
    """
    wrong: list[str] = []
    for stop in stops:
        found = _complaints_of(page, stop)
        if found:
            wrong.append("\n".join([f"== {stop.name} {stop.path}", *found]))
    if wrong:
        raise AssertionError("\n\n".join(wrong))


def _complaints_of(page: Page, stop: Stop) -> list[str]:
    _show(page, WIDE, "light")
    answer = page.goto(stop.path)
    found = [f"answered {answer.status}"] if answer and answer.status >= 400 else []
    found += [str(violation) for violation in axe(page)]
    _show(page, WIDE, "dark")
    # another colour scheme breaks nothing else
    found += [f"dark: {violation}" for violation in axe(page, rules=COLOURS)]
    _show(page, PHONE, "light")
    found += [f"phone: {violation}" for violation in axe(page) if str(violation) not in found]
    if excess := sideways(page):
        found.append(f"phone: {excess} pixels too wide, because of {widest(page)}")
    found += complaints(page)
    complaints(page).clear()
    return found


def _show(page: Page, size: tuple[int, int], scheme: str) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    # buttons fade from one colour to another, and axe would read a colour on the way
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")


def widest(page: Page) -> str:
    """The innermost elements that reach beyond the window."""
    return str(
        page.evaluate(
            """() => [...document.querySelectorAll("main *, header *, nav *")]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("[popover], svg, .scroll"))
                .filter(e => ![...e.children].some(c => c.getBoundingClientRect().right > innerWidth + 1))
                .slice(0, 3).map(e => e.tagName.toLowerCase() + "." + e.className).join(", ")"""
        )
    )
