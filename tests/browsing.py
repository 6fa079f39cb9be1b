"""Fixtures and helpers of the browser tests: one Chromium a run, pages that are checked when they
close, axe.

A test gets its pages from `page` (a stranger's), `signed_in(user)` or `browse(...)`. Each page has
cookies of its own, knows the address of the server under test (`page.goto("/alerts/")`), and fails
its test at teardown for every error in its console, refused inline scripts and styles among them.

Where the rows come from is the test's choice:
- a test that writes asks for `transactional_db` (or carries django_db(transaction=True)); all
  tables are emptied after it, which takes the better part of a second;
- tests that only read share one committed world a module: a module-scoped fixture inside
  `committed()`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from apps.accounts.models import User
from tests import chromium
from tests.emptying import empty_tables
from tests.http import session_of
from tests.worlds.organisation import organisation_copy

Scheme = Literal["light", "dark"]

WIDE = (1440, 900)
PHONE = (360, 740)

# a machine with two cores and eight test runs is slow at times; nothing waits this long when it
# works
PATIENCE_MS = 15_000


# ---------------------------------------------------------------- the browser


@dataclass(frozen=True, slots=True)
class Driven:
    """A browser and the event loop that Playwright keeps running between its calls."""

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Shows the loop to Playwright inside the block and hides it outside.

        A loop that is seen as running makes Django refuse the database and asyncio.run() refuse to
        start, in this test and in every later one of the same process, browser or not. Inside the
        block Django keeps connections apart from those outside; they are closed with it.
        """
        asyncio._set_running_loop(self.loop)
        try:
            yield
        finally:
            connections.close_all()
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def driven() -> Iterator[Driven]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium.driven() as browser:
        driven = Driven(browser, asyncio.get_running_loop())
        asyncio._set_running_loop(None)
        yield driven
        asyncio._set_running_loop(driven.loop)


# ---------------------------------------------------------------- the server and its rows


@pytest.fixture(scope="session")
def site(django_db_setup: None) -> Iterator[LiveServer]:
    """The project behind a port of its own; unlike `live_server` it leaves the rows to the test."""
    server = LiveServer("localhost")
    yield server
    server.stop()


Committed = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Committed:
    """A block whose rows are really committed and are gone after it. For module-scoped worlds:

    @pytest.fixture(scope="module")
    def world(committed):
        with committed():
            yield make_world()

    Tests on such a world carry no django_db mark, read only, and keep away from `transactional_db`.
    """

    @contextmanager
    def block() -> Iterator[None]:
        with django_db_blocker.unblock():
            try:
                yield
            finally:
                empty_tables()

    return block


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The built-in catalogue and the whole demo in a database of the module's own; its tests may
    write, and carry no django_db mark. A second, and twenty for the first of a run."""
    with django_db_blocker.unblock(), organisation_copy():
        yield


# ---------------------------------------------------------------- pages


class Browse(Protocol):
    def __call__(
        self,
        user: User | None = None,
        *,
        size: tuple[int, int] = WIDE,
        scheme: Scheme = "light",
        reduced_motion: bool = False,
        java_script: bool = True,
    ) -> Page: ...


@pytest.fixture
def browse(driven: Driven, site: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browse]:
    """Opens pages, each in a context of its own; at teardown none of them may have complained."""
    # Playwright's loop counts as running while this test uses it, and Django would refuse the
    # test's own statements. They do run in a thread that waits, never inside the loop.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
    contexts: list[BrowserContext] = []
    pages: list[Page] = []

    def browse(
        user: User | None = None,
        *,
        size: tuple[int, int] = WIDE,
        scheme: Scheme = "light",
        reduced_motion: bool = False,
        java_script: bool = True,
    ) -> Page:
        context = driven.browser.new_context(
            base_url=site.url,
            viewport={"width": size[0], "height": size[1]},
            is_mobile=size[0] < 500,
            color_scheme=scheme,
            reduced_motion="reduce" if reduced_motion else "no-preference",
            java_script_enabled=java_script,
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE_MS)
        if user is not None:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": site.url}])
        page = context.new_page()
        listen(page)
        contexts.append(context)
        pages.append(page)
        return page

    with driven.in_use():
        try:
            yield browse
            for page in pages:
                expect_no_console_errors(page)
        finally:
            for context in contexts:
                context.close()


@pytest.fixture
def page(browse: Browse) -> Page:
    """The page of somebody who has not signed in, 1440 wide and light."""
    return browse()


@pytest.fixture
def signed_in(browse: Browse) -> Browse:
    """`browse` for tests that read better so: `signed_in(world.editor, size=PHONE)`."""
    return browse


_NOTED: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()


def listen(page: Page) -> None:
    """Begins to note what the page complains about; `complaints` tells."""
    noted = _NOTED[page] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location
            noted.append(f"{message.text} ({where['url']}:{where['lineNumber']})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: noted.append(f"uncaught: {error}"))


def complaints(page: Page) -> list[str]:
    """Errors in the console so far, what the content security policy refused and 4xx and 5xx
    answers among them."""
    return _NOTED[page]


def expect_no_console_errors(page: Page) -> None:
    """Holds for every page at the end of its test; to be called earlier where the page's address
    should be told."""
    assert complaints(page) == [], f"the console of {page.url} complains"


def forgive(page: Page, part: str) -> None:
    """Drops the one complaint that the test provoked; fails where there is none."""
    noted = complaints(page)
    wanted = [line for line in noted if part in line]
    assert wanted, f"nothing with {part!r} in {noted}"
    noted.remove(wanted[0])


# ---------------------------------------------------------------- what can be asked of any page


def sideways(page: Page) -> int:
    """How many pixels the page is wider than its window; 0 when it does not scroll sideways."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@dataclass(frozen=True, slots=True)
class Violation:
    """One element that breaks one rule of WCAG 2.2 AA."""

    rule: str
    help: str
    selector: str
    fix: str
    html: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.help}\n    {self.selector}\n    {self.html}\n    {self.fix}"


@cache
def _axe_script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


# Rules about colours take axe four times as long as all others together, most of it for the
# hundredth cell of a table.
COLOURS = ("color-contrast", "link-in-text-block")

# One element for each look that text has on the page: its colour, size and weight, what its parent
# looks like, and every background, opacity and filter behind it. What is drawn or lies out of the
# flow may be covered: always taken.
_LOOKS = """() => {
    const behind = new Map(), looks = new Map(), taken = [];
    const chain = element => {
        if (element === null) return "";
        if (!behind.has(element)) {
            const style = getComputedStyle(element);
            const own = [
                style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
                style.mixBlendMode,
            ];
            const plain = own.join() === "rgba(0, 0, 0, 0),none,1,none,normal";
            behind.set(element, chain(element.parentElement) + (plain ? "" : "/" + own.join(" ")));
        }
        return behind.get(element);
    };
    const loose = element => element !== null && element !== document.body && (
        element instanceof SVGElement ||
        !["static", "relative"].includes(getComputedStyle(element).position)
        || loose(element.parentElement));
    for (const element of document.body.querySelectorAll("*")) {
        const says = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!(says || element.matches("input, select, textarea"))
            || !element.checkVisibility()) continue;
        const style = getComputedStyle(element), above = getComputedStyle(element.parentElement);
        const look = [
            element.tagName, element.disabled, style.color, style.fontSize, style.fontWeight,
            style.textShadow,
            style.textDecorationLine, element.parentElement.tagName, above.color, above.fontWeight,
            above.textDecorationLine, chain(element),
        ].join();
        if (looks.has(look) && !loose(element)) continue;
        looks.set(look, element);
        taken.push(element);
    }
    return taken;
}"""


def axe(page: Page, *, rules: tuple[str, ...] = ()) -> list[Violation]:
    """What breaks WCAG 2.2 A and AA on the page as it stands now, by axe-core; `rules` asks for
    these only.

    Every rule looks at every element, but those of COLOURS at one element of each look.
    """
    # set up by the debugger, which the content security policy does not bind
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_axe_script())
    colours = [rule for rule in COLOURS if not rules or rule in rules]
    others = [rule for rule in rules if rule not in COLOURS]
    found: list[dict[str, Any]] = []
    if not rules or others:
        run_only = (
            {"type": "rule", "values": others} if others else {"type": "tag", "values": list(WCAG)}
        )
        left = {} if others else {rule: {"enabled": False} for rule in COLOURS}
        found += page.evaluate(
            """async ([runOnly, rules]) =>
                (await axe.run({runOnly, rules, resultTypes: ["violations"]})).violations""",
            [run_only, left],
        )
    if colours:
        found += page.evaluate(
            f"""async values => {{
                const include = ({_LOOKS})();
                if (include.length === 0) return [];
                const options = {{runOnly: {{type: "rule", values}}, resultTypes: ["violations"]}};
                return (await axe.run({{include}}, options)).violations;
            }}""",
            colours,
        )
    return [
        Violation(
            rule=rule["id"],
            help=rule["help"],
            selector=" ".join(str(step) for step in node["target"]),
            fix=" ".join((node.get("failureSummary") or "").split()),
            html=node["html"][:200],
        )
        for rule in found
        for node in rule["nodes"]
    ]


def expect_no_violations(page: Page) -> None:
    """Fails with rule, element and mend of everything axe finds."""
    found = axe(page)
    assert not found, f"{len(found)} on {page.url}:\n" + "\n".join(map(str, found))
