"""The walk that the accessibility tests share: every page once, all complaints told together at the
end."""

from collections.abc import Iterable

from playwright.sync_api import Page

from tests.browsing import PHONE, WIDE, axe, complaints, sideways
from tests.web.routes import Stop

# where the side menu stands and lists have the least room beside it
LAPTOP = (1100, 800)


def expect_accessible(page: Page, stops: Iterable[Stop]) -> None:
    """Opens each page once and looks at it wide, on a small laptop and on a phone. Every second
    page is light where it is wide and dark on the phone, the others the other way round: what
    stands on one stands on many.

    A page is wrong where axe finds a violation of WCAG 2.2 AA, where it scrolls sideways, where a
    table is broader than its block, and where the console complains. Fails with all that is wrong
    anywhere: page, element and mend. A second a page.
    """
    wrong: list[str] = []
    for place, stop in enumerate(stops):
        found = _complaints_of(page, stop, ("light", "dark") if place % 2 else ("dark", "light"))
        if found:
            wrong.append("\n".join([f"== {stop.name} {stop.path}", *found]))
    if wrong:
        raise AssertionError("\n\n".join(wrong))


def _complaints_of(page: Page, stop: Stop, schemes: tuple[str, str]) -> list[str]:
    wide, narrow = schemes
    _show(page, WIDE, wide)
    answer = page.goto(stop.path)
    found = [f"answered {answer.status}"] if answer and answer.status >= 400 else []
    found += [str(violation) for violation in axe(page)]
    for size in (WIDE, LAPTOP):
        _show(page, size, wide)
        if excess := sideways(page):
            found.append(f"{size[0]} pixels: {excess} pixels too wide, because of {widest(page)}")
        found += [
            f"{size[0]} pixels: {table} lies on what stands beside it" for table in too_broad(page)
        ]
    _show(page, PHONE, narrow)
    found += [
        f"phone, {narrow}: {violation}" for violation in axe(page) if str(violation) not in found
    ]
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


def too_broad(page: Page) -> list[str]:
    """Tables that reach beyond the block or column they stand in, and over what stands beside
    it."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("main table")]
            .filter(t => t.offsetWidth
                && !t.closest(".pan, [popover], .vh, dialog, details:not([open])"))
            .filter(t => t.getBoundingClientRect().right
                > (t.closest(".block, .cols > *") ?? t).getBoundingClientRect().right + 2)
            .map(t => `table ${t.className} of `
                + `“${t.closest(".block")?.querySelector("h2")?.innerText}”`)"""
    )
    return found


def widest(page: Page) -> str:
    """The innermost elements that reach beyond the window."""
    return str(
        page.evaluate(
            """() => [...document.querySelectorAll("main *, header *, nav *")]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
                !e.closest("[popover], svg, .scroll"))
                .filter(e => ![...e.children].some(
                    c => c.getBoundingClientRect().right > innerWidth + 1))
                .slice(0, 3).map(e => e.tagName.toLowerCase() + "." + e.className).join(", ")"""
        )
    )
