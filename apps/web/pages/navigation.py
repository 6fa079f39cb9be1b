"""Navigation: the groups of the side menu, their pages, and the page to which each route belongs.

Every page is declared once, in GROUPS. The menu, the tabs above lists, and the search for pages
read the same declaration.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.catalog.models import Source
from apps.common.time import day_of, now
from apps.issues.models import Issue
from apps.web.pages.form_fields import can_import
from apps.web.presenters.source_freshness import SourceFreshness, source_freshness
from apps.web.wording import bounded_number

MAX_COUNTED = 99


def _everyone(user: Any) -> bool:
    return True


def _reads_organisation(user: Any) -> bool:
    return bool(user.can_read_all)


def _governs(user: Any) -> bool:
    return bool(user.is_governance)


@dataclass(frozen=True, slots=True)
class Page:
    """Page of the menu.

    `routes` are the names and namespaces of the routes that belong to it, such as its details and
    forms; the name of a route has precedence over its namespace. `tabs` are shown above the page
    instead of in the menu; the page itself is the first of them, as `tab_name`. `heading` is the
    heading of the page if it is not the name. `former_names` are found by the search.
    """

    name: str
    route: str
    routes: tuple[str, ...] = ()
    tabs: tuple["Page", ...] = ()
    tab_name: str = ""
    heading: str = ""
    former_names: tuple[str, ...] = ()
    can_open: Callable[[Any], bool] = _everyone

    def __iter__(self) -> Iterator["Page"]:
        yield self
        yield from self.tabs


@dataclass(frozen=True, slots=True)
class Group:
    """Group of the menu. Users without an organisation role see those with `is_of_teams`, and the
    group of the page that is open. `has_count`: with the number of the user's issues."""

    name: str
    pages: tuple[Page, ...]
    is_of_teams: bool = True
    has_count: bool = False

    def is_shown_to(self, user: Any) -> bool:
        return self.is_of_teams or bool(user.can_read_all)


GROUPS: tuple[Group, ...] = (
    Group(
        "Home",
        (Page("Home", "home:overview", ("home",), former_names=("overview", "dashboard")),),
    ),
    Group(
        "Work",
        (
            Page(
                "Inbox",
                "issues:list",
                ("issues",),
                heading="Work",
                former_names=("issues", "to do"),
            ),
            Page("Alerts", "alerts:list", ("alerts",), former_names=("notifications",)),
            Page("Tickets", "tickets:list", ("tickets",), former_names=("jira",)),
            Page("Calendar", "calendar:list", ("calendar",)),
        ),
        has_count=True,
    ),
    Group(
        "Applications",
        (
            Page(
                "All applications",
                "applications:list",
                (
                    "applications",
                    "dependencies",
                    "adaptations",
                    "exit-plans",
                    "exit-tests",
                    "files",
                ),
                heading="Applications",
                former_names=("register", "registry", "inventory"),
            ),
            Page(
                "Import",
                "imports:list",
                ("imports",),
                (
                    Page(
                        "Exchange rates",
                        "exchange-rates:list",
                        ("exchange-rates",),
                        former_names=("currencies",),
                    ),
                ),
                tab_name="Files",
                can_open=can_import,
            ),
            Page(
                "Observed usage",
                "connections:list",
                ("connections",),
                (
                    Page("Discrepancies", "discrepancies:list", ("discrepancies",)),
                    Page("Observations", "observations:list", ("observations",)),
                    Page(
                        "Reported services",
                        "reported-services:list",
                        ("reported-services",),
                        former_names=("senders",),
                    ),
                    Page(
                        "Unrecognised names",
                        "unrecognised-names:list",
                        ("unrecognised-names",),
                        former_names=("unknown names",),
                    ),
                    Page(
                        "Cloud accounts",
                        "cloud-accounts:list",
                        ("cloud-accounts", "account-deployments"),
                        former_names=("azure", "aws", "bedrock", "vertex", "deployments"),
                        can_open=_governs,
                    ),
                ),
                tab_name="Connections",
                former_names=("seen in use", "seen and declared", "connections", "intake"),
            ),
            Page(
                "Costs as billed",
                "billed-costs:list",
                ("billed-costs",),
                former_names=("bills", "spend", "FOCUS"),
            ),
            Page("Data quality", "findings:list", ("findings",), former_names=("findings",)),
        ),
    ),
    Group(
        "Models",
        (
            Page(
                "Foundations",
                "foundations:list",
                ("foundations", "records"),
                former_names=("models",),
            ),
            Page("Versions", "versions:list", ("versions",)),
            Page("Offerings", "offerings:list", ("offerings",), former_names=("prices",)),
            Page(
                "Features",
                "features:list",
                ("features",),
                former_names=("endpoints", "parameters"),
            ),
            Page("Products", "products:list", ("products",), former_names=("copilots",)),
            Page(
                "Providers",
                "providers:list",
                ("providers", "data-terms"),
                former_names=("hosts", "vendors"),
            ),
            Page("Provider events", "events:list", ("events",), former_names=("changes",)),
            Page("Incidents", "incidents:list", ("incidents",), former_names=("outages",)),
            Page(
                "Announced retirements",
                "retirements:list",
                ("retirements", "received-notices"),
                former_names=("received notices", "ends"),
            ),
            Page(
                "Unresolved models",
                "unresolved-models:list",
                ("unresolved-models",),
                former_names=("identity",),
            ),
            Page(
                "Feeds",
                "feeds:list",
                ("feeds", "feed-runs", "provider-notices"),
                former_names=("sources", "quarantine", "provider notices"),
            ),
            Page(
                "Source disagreements",
                "disagreements:list",
                ("disagreements",),
                (
                    Page(
                        "Prices",
                        "price-gaps:list",
                        ("price-gaps",),
                        heading="Source disagreements",
                    ),
                    Page(
                        "Capabilities",
                        "capability-contradictions:list",
                        ("capability-contradictions",),
                        heading="Source disagreements",
                    ),
                ),
                tab_name="Retirement dates",
                former_names=("where sources disagree",),
            ),
        ),
    ),
    Group(
        "Exposure",
        (
            Page("Concentration", "exposure:concentration", ("exposure",)),
            Page("Portfolio", "exposure:portfolio", former_names=("portfolio stack",)),
            Page(
                "Exit readiness",
                "exposure:exit-readiness",
                former_names=("portability",),
            ),
            Page("Single points of failure", "exposure:single-points"),
            Page("Open weights", "exposure:open-weights", former_names=("open-weight posture",)),
            Page(
                "Exposure flags",
                "exposure-flags:list",
                ("exposure-flags",),
                can_open=_reads_organisation,
            ),
            Page(
                "Exposure policies",
                "exposure-policies:list",
                ("exposure-policies",),
                former_names=("tolerances", "lines"),
                can_open=_reads_organisation,
            ),
            Page(
                "What-if scenarios",
                "scenarios:preview",
                ("scenarios", "scenario-runs"),
                former_names=("what if", "simulation"),
            ),
            Page(
                "Simulated loss",
                "loss-runs:latest",
                ("loss-runs", "loss-assumptions"),
                former_names=("what a bad year costs", "loss"),
                can_open=_reads_organisation,
            ),
        ),
        is_of_teams=False,
    ),
    Group(
        "Migrations",
        (
            Page(
                "All migrations",
                "campaigns:list",
                ("campaigns",),
                heading="Migrations",
                former_names=("campaigns",),
            ),
            Page(
                "Migration tasks",
                "campaign-tasks:list",
                ("campaign-tasks", "campaign-steps"),
                former_names=("campaign tasks",),
            ),
        ),
    ),
    Group(
        "Policy",
        (
            Page(
                "Approvals",
                "approvals:list",
                ("approvals", "decision-proposals"),
                (
                    Page(
                        "Approval violations",
                        "approvals:violations",
                        former_names=("against decisions",),
                    ),
                ),
                tab_name="Approvals",
                former_names=("decisions",),
            ),
            Page(
                "Proposed use cases",
                "use-cases:list",
                ("use-cases", "use-case-form"),
                (
                    Page(
                        "Links",
                        "use-case-links:list",
                        ("use-case-links",),
                        heading="Links to the form",
                    ),
                ),
                tab_name="Proposals",
                former_names=("intake form", "ideas"),
                can_open=_reads_organisation,
            ),
            Page("Comparisons", "selections:compare", former_names=("choosing", "compare")),
            Page("Selection records", "selections:list", ("selections",)),
            Page(
                "Inherited risks",
                "inherited-risks:list",
                ("inherited-risks",),
                (
                    Page(
                        "Heat map",
                        "inherited-risks:heat-map",
                        ("inherited-risks:heat-map-csv",),
                        heading="Heat map of inherited risks",
                    ),
                    Page("Foundation risks", "foundation-risks:list", ("foundation-risks",)),
                    Page(
                        "Templates and crosswalk",
                        "risk-templates:crosswalk",
                        ("risk-templates",),
                        former_names=("risk templates", "taxonomies"),
                    ),
                    Page("Evidence", "evidence:list", ("evidence",), former_names=("evaluations",)),
                ),
                tab_name="Inherited risks",
                former_names=("risk register",),
            ),
            Page(
                "Release gate",
                "gate-runs:list",
                ("gate-runs", "gate"),
                (
                    Page("Waivers", "waivers:list", ("waivers",)),
                    Page("Gate policy", "gate:policy"),
                    Page("Gate setup", "gate:setup", former_names=("set up the gate",)),
                ),
                tab_name="Runs",
                former_names=("gate runs",),
            ),
            Page(
                "Contracts",
                "contracts:list",
                ("contracts",),
                (
                    Page(
                        "Documents",
                        "documents:list",
                        ("documents",),
                        former_names=("documents owed",),
                    ),
                ),
                tab_name="Contracts",
            ),
        ),
        is_of_teams=False,
    ),
    Group(
        "Evidence",
        (
            Page(
                "Reports",
                "reports:home",
                ("reports", "component-files"),
                former_names=("DORA register", "AI Act component files", "board summary"),
            ),
            Page("Evidence packs", "evidence-packs:list", ("evidence-packs",)),
            Page(
                "Delivery log",
                "deliveries:list",
                ("deliveries",),
                (
                    Page(
                        "Not sent",
                        "deliveries:not-sent",
                        former_names=("not carried by any message",),
                    ),
                ),
                tab_name="Messages",
                former_names=("deliveries", "delivery ledger"),
            ),
            Page("Audit log", "audit:list", ("audit",), former_names=("history",)),
            Page("Account events", "account-events:list", ("account-events",)),
        ),
    ),
)

ACCOUNT = Group(
    "Account and settings",
    (
        Page(
            "Account",
            "account:detail",
            (
                "account",
                "account_change_password",
                "account_email",
                "account_logout",
                "account_reauthenticate",
                "account_set_password",
                "mfa_activate_totp",
                "mfa_add_webauthn",
                "mfa_deactivate_totp",
                "mfa_edit_webauthn",
                "mfa_generate_recovery_codes",
                "mfa_index",
                "mfa_list_webauthn",
                "mfa_reauthenticate",
                "mfa_reauthenticate_webauthn",
                "mfa_remove_webauthn",
                "mfa_view_recovery_codes",
                "socialaccount_connections",
            ),
            former_names=("profile", "password", "two-factor authentication"),
        ),
        Page(
            "Notification preferences",
            "subscriptions:list",
            ("subscriptions", "notification-preferences", "calendar-feeds"),
            former_names=("what you get", "subscriptions", "email"),
        ),
        Page("API tokens", "tokens:list", ("tokens",), former_names=("keys",)),
        Page("Delegations", "delegations:list", ("delegations",), former_names=("deputies",)),
        Page("Setup steps", "home:start", former_names=("first steps", "get started")),
        Page(
            "Settings",
            "settings:home",
            (
                "settings",
                "teams",
                "users",
                "service-accounts",
                "confirmation-settings",
                "alert-settings",
                "webhooks",
                "channels",
                "ticket-connections",
                "saved-filters",
            ),
            former_names=(
                "teams",
                "roles",
                "people",
                "users",
                "service accounts",
                "programs",
                "single sign-on",
                "alert rules",
                "webhooks",
                "channels",
                "slack",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a route in the navigation. `tab` is the page itself, or one of its tabs."""

    group: Group
    page: Page
    tab: Page


def _index_routes(groups: Iterable[Group]) -> dict[str, Place]:
    """Return {name or namespace of routes: place}; each belongs to one place."""
    places: dict[str, Place] = {}
    for group in groups:
        for page in group.pages:
            for tab in page:
                for route in (tab.route, *tab.routes):
                    if route in places:
                        raise ValueError(f"{route} belongs to two pages.")
                    places[route] = Place(group, page, tab)
    return places


_PLACES = _index_routes((*GROUPS, ACCOUNT))


def find_place(route: str) -> Place | None:
    """Return the place of a route by its name, or by its namespace; None outside the menu."""
    return _PLACES.get(route) or _PLACES.get(route.partition(":")[0])


@dataclass(frozen=True, slots=True)
class NavigationItem:
    name: str
    url: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class NavigationGroup:
    """Group of the menu with the address of its first page. `items` are its pages if it is open and
    has several."""

    name: str
    url: str
    is_open: bool = False
    figure: str = ""
    items: tuple[NavigationItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Navigation:
    groups: tuple[NavigationGroup, ...]
    account: NavigationGroup
    tabs: tuple[NavigationItem, ...]
    tabs_name: str
    sources: tuple[SourceFreshness, ...]

    @property
    def n_fresh(self) -> int:
        return sum(source.is_fresh for source in self.sources)


def navigation_for(user: Any, route: str) -> Navigation:
    """Return the navigation of the page that `route` names, for its reader; two statements.

    The price list of an installed package is not counted as a feed.
    """
    place = find_place(route)
    open_group = place.group if place else None
    return Navigation(
        groups=tuple(
            _present_group(group, place, user)
            for group in GROUPS
            if group.is_shown_to(user) or group is open_group
        ),
        account=_present_group(ACCOUNT, place, user),
        tabs=_present_tabs(place, user) if place else (),
        tabs_name=place.page.name if place else "",
        sources=source_freshness(Source.objects.polled().from_outside().visible_to(user), at=now()),
    )


def _present_group(group: Group, place: Place | None, user: Any) -> NavigationGroup:
    pages = [page for page in group.pages if page.can_open(user)]
    is_open = place is not None and place.group is group
    items = tuple(
        NavigationItem(page.name, reverse(page.route), place is not None and page is place.page)
        for page in pages
    )
    return NavigationGroup(
        group.name,
        items[0].url,
        is_open,
        count_own_issues(user) if group.has_count else "",
        items if group is ACCOUNT or (is_open and len(items) > 1) else (),
    )


def _present_tabs(place: Place, user: Any) -> tuple[NavigationItem, ...]:
    page = place.page
    if not page.tabs:
        return ()
    return tuple(
        NavigationItem(
            page.tab_name if tab is page else tab.name, reverse(tab.route), tab is place.tab
        )
        for tab in page
        if tab.can_open(user)
    )


def count_own_issues(user: Any) -> str:
    """Return the number of issues that the user must act on, empty for none; one statement."""
    today = day_of(now())
    issues = Issue.objects.visible_to(user).assigned_to(user, on=today).in_work(on=today)
    n = issues.order_by()[: MAX_COUNTED + 1].count()
    return bounded_number(n, MAX_COUNTED) if n else ""


def pages_for(user: Any) -> Iterator[tuple[Group, Page]]:
    """Yield every page that the user can open, tabs included, with its group."""
    for group in (*GROUPS, ACCOUNT):
        for page in group.pages:
            for tab in page:
                if page.can_open(user) and tab.can_open(user):
                    yield group, tab
