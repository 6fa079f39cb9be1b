"""Every page of apps/web/urls.py with an address that shows something: what screenshots and
accessibility tests walk.

A new page without arguments is found by itself; one with arguments needs a line in
tests/web/finders.py. What answers GET and is no page stands in FRAGMENTS; addresses with a dot in
their last part are files.
"""

import inspect
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, reverse

from apps.accounts.models import User
from apps.web.urls import named_routes
from tests.web.finders import FINDERS, NothingFound


@dataclass(frozen=True, slots=True)
class Stop:
    """One page to look at."""

    name: str
    path: str


# further states of a page that look different, by what follows its path
STATES: dict[str, dict[str, str]] = {
    "alerts:list": {"all": "?state="},
    "feeds:on-hold": {"accepting": "?decide=accept"},
    "home:search": {"found": "?q=claude"},
    "applications:list": {"none": "?q=nothingiscalledso"},
    "applications:detail": {
        **{
            tab: f"?tab={tab}"
            for tab in ("dependencies", "exit-readiness", "risks", "cost", "history")
        },
        "all": "?print=all",
    },
    "foundations:detail": {tab: f"?tab={tab}" for tab in ("offerings", "capabilities", "risks")},
    "versions:detail": {tab: f"?tab={tab}" for tab in ("offerings", "capabilities", "risks")},
    "offerings:detail": {
        tab: f"?tab={tab}" for tab in ("capabilities", "sources", "prices", "data-terms", "risks")
    },
    "providers:detail": {tab: f"?tab={tab}" for tab in ("models", "record", "contracts")},
}

# pages for administrators alone; everybody else is walked past them
ADMINISTRATION = frozenset({"users:invite"})

# parts of pages, fetched by script into them
FRAGMENTS = frozenset(
    {
        "alerts:responses",
        "feed-runs:progress",
        "files:progress",
        "imports:progress",
        "loss-runs:progress",
        "campaigns:create-progress",
        "cloud-accounts:progress",
        "evidence-packs:progress",
        "subscriptions:foundations",
        "subscriptions:preview",
        "scenarios:search",
        "scenario-runs:progress",
    }
)

# addresses of former pages, which redirect for one release
REDIRECTS = frozenset({"providers:edit", "providers:history"})

# pages of the login and the profile, which are allauth's with templates of ours
PROFILE = ("account_change_password", "account_email", "account_logout", "mfa_index")
ENTRANCE = ("account_login", "account_reset_password", "account_reset_password_done")


# ---------------------------------------------------------------- the walk


def stops(
    user: User, only: Container[str] | None = None, *, empty: list[str] | None = None
) -> Iterator[Stop]:
    """Every page for governance, in the order of the routes, or those of the routes in `only`. One
    without an object that `user` may see raises NothingFound, or adds its name to `empty`. Pages
    that `forgotten` names are not among them."""
    for name, route in pages():
        if name not in only if only is not None else name in ADMINISTRATION:
            continue
        if route.pattern.converters and name not in FINDERS:
            continue
        try:
            path = reverse(name, kwargs=FINDERS[name](user) if route.pattern.converters else {})
        except NothingFound:
            if empty is None:
                raise
            empty.append(name)
            continue
        # a file name, too
        label = name.replace(":", "-")
        yield Stop(label, path)
        for state, query in STATES.get(name, {}).items():
            yield Stop(f"{label}-{state}", path + query)
    for name in PROFILE:
        if only is None or name in only:
            yield Stop(name.replace("_", "-"), reverse(name))


def forgotten() -> list[str]:
    """Pages with arguments that have no finder yet, and finders of pages that are no more."""
    with_arguments = {name for name, route in pages() if route.pattern.converters}
    return sorted(with_arguments ^ FINDERS.keys())


def entrance_stops() -> Iterator[Stop]:
    """What somebody sees who has not signed in."""
    for name in ENTRANCE:
        yield Stop(name.replace("_", "-"), reverse(name))


def pages() -> list[tuple[str, URLPattern]]:
    """The routes that answer GET with a whole page, with their names."""
    return [
        (name, route)
        for name, route in named_routes()
        if "GET" in _methods(route.callback)
        and name not in FRAGMENTS | REDIRECTS
        and not _is_file(name, route)
    ]


def _is_file(name: str, route: URLPattern) -> bool:
    return "." in str(route.pattern).rstrip("/").rsplit("/", 1)[-1] or name in FILES


# files whose address does not say so
FILES = frozenset(
    {"feed-runs:payload", "gate:client", "gate:lifecycle-callback", "evidence-packs:download"}
)


def _methods(view: Callable[..., Any]) -> frozenset[str]:
    """What a view answers, as its decorator require_http_methods says; GET where it says
    nothing."""
    while True:
        said = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if said is not None:
            return frozenset(said)
        if not hasattr(view, "__wrapped__"):
            return frozenset({"GET"})
        view = view.__wrapped__
