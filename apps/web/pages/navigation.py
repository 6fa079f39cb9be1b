"""Navigation menu: only pages that exist, with a few counts."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.alerts.models import Alert
from apps.catalog.models import Source
from apps.common.time import now
from apps.web.pages.form_fields import can_import
from apps.web.presenters.source_freshness import SourceFreshness, source_freshness


@dataclass(frozen=True, slots=True)
class NavigationItem:
    name: str
    url: str
    figure: str = ""
    bad: bool = False
    current: bool = False


@dataclass(frozen=True, slots=True)
class Navigation:
    groups: tuple[tuple[str, tuple[NavigationItem, ...]], ...]
    sources: tuple[SourceFreshness, ...]

    @property
    def n_fresh(self) -> int:
        return sum(source.is_fresh for source in self.sources)


MAX_COUNTED = 1000

_PAGES = (
    (
        "Now",
        (
            ("Overview", "home:overview"),
            ("Issues", "issues:list"),
            ("Alerts", "alerts:list"),
            ("Calendar", "calendar:list"),
            ("Events", "events:list"),
        ),
    ),
    (
        "Register",
        (
            ("Applications", "applications:list"),
            ("Findings", "findings:list"),
            ("Import", "imports:list"),
            ("Seen in use", "connections:list"),
            ("Foundations", "foundations:list"),
            ("Offerings", "offerings:list"),
            ("Providers", "providers:list"),
            ("Identity", "unresolved-models:list"),
        ),
    ),
    (
        "Exposure",
        (
            ("Exposure", "exposure:concentration"),
            ("What if", "scenarios:preview"),
            ("Risks", "inherited-risks:list"),
            ("Retirements", "retirements:list"),
            ("Campaigns", "campaigns:list"),
        ),
    ),
    (
        "Deciding",
        (
            ("Choosing", "selections:compare"),
            ("Approvals", "approvals:list"),
            ("Gate", "gate-runs:list"),
            ("Selections", "selections:list"),
            ("Contracts", "contracts:list"),
        ),
    ),
    (
        "Evidence",
        (
            ("Reports", "reports:home"),
            ("Feeds", "feeds:list"),
            ("Deliveries", "deliveries:list"),
            ("Audit", "audit:list"),
            ("Settings", "settings:home"),
        ),
    ),
)


def pages_for(user: Any) -> list[tuple[str, tuple[NavigationItem, ...]]]:
    """Return the menu's groups with their pages, for a search of pages by name."""
    return [
        (
            str(heading),
            tuple(
                NavigationItem(str(name), reverse(route))
                for name, route in pages
                if _can_open(route, user)
            ),
        )
        for heading, pages in _PAGES
    ]


def navigation_for(user: Any, path: str) -> Navigation:
    """Return the menu; two statements. The count of alerts is those that need a response and are
    visible to `user`.

    The price list of an installed package is not counted as a feed."""
    sources = source_freshness(Source.objects.polled().from_outside().visible_to(user), at=now())
    n_open = Alert.objects.visible_to(user).waiting().order_by()[: MAX_COUNTED + 1].count()
    n_fresh = sum(source.is_fresh for source in sources)
    figures = {
        "alerts:list": (
            f"{MAX_COUNTED:,}+" if n_open > MAX_COUNTED else str(n_open) if n_open else "",
            False,
        ),
        "feeds:list": (f"{n_fresh}/{len(sources)}" if sources else "", n_fresh < len(sources)),
    }
    return Navigation(
        groups=tuple(
            (
                str(heading),
                tuple(
                    _build_item(str(name), route, path, *figures.get(route, ("", False)))
                    for name, route in pages
                    if _can_open(route, user)
                ),
            )
            for heading, pages in _PAGES
        ),
        sources=sources,
    )


def _can_open(route: str, user: Any) -> bool:
    return route != "imports:list" or can_import(user)


def _build_item(name: str, route: str, path: str, figure: str, is_bad: bool) -> NavigationItem:
    url = reverse(route)
    is_current = path == url if url == "/" else path.startswith(url)
    return NavigationItem(name, url, figure, is_bad, is_current)
