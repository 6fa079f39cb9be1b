"""Actions and filtered lists that the search finds by their words, and what `+ New` offers.

Records and persons are found by their names, in `apps/web/views/search.py`; pages are those of
`apps/web/pages/navigation.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.common.time import day_of, now
from apps.web.pages.form_fields import can_import
from apps.web.pages.navigation import Group, Page, pages_for

# value of a filter that is the day of the search
TODAY = "today"


def _everyone(user: Any) -> bool:
    return True


def _governs(user: Any) -> bool:
    return bool(user.is_governance)


def _administers(user: Any) -> bool:
    return bool(user.is_administrator)


def _reads_organisation(user: Any) -> bool:
    return bool(user.can_read_all)


@dataclass(frozen=True, slots=True)
class SearchTarget:
    """Form or filtered list. `words` find it beside its name; `short_name` is its name in the menu
    of new records, empty for what is not in it."""

    name: str
    route: str
    words: str = ""
    query: tuple[tuple[str, str], ...] = ()
    is_available_to: Callable[[Any], bool] = _everyone
    short_name: str = ""

    @property
    def url(self) -> str:
        query = urlencode(
            [
                (name, day_of(now()).isoformat() if value == TODAY else value)
                for name, value in self.query
            ]
        )
        return f"{reverse(self.route)}?{query}" if query else reverse(self.route)


ACTIONS: tuple[SearchTarget, ...] = (
    SearchTarget(
        "New application",
        "applications:create",
        "add register create application",
        is_available_to=can_import,
        short_name="Application",
    ),
    SearchTarget(
        "Announce retirement",
        "retirements:announce",
        "announced new retirement retire deprecate model end notice",
        is_available_to=_governs,
        short_name="Announced retirement",
    ),
    SearchTarget(
        "New approval",
        "approvals:create",
        "approve block restrict decide decision allow",
        is_available_to=_governs,
        short_name="Approval",
    ),
    SearchTarget(
        "Start migration",
        "campaigns:create",
        "new migration migrate campaign open",
        is_available_to=_governs,
        short_name="Migration",
    ),
    SearchTarget(
        "New risk",
        "foundation-risks:create",
        "add raise foundation risk",
        is_available_to=_governs,
        short_name="Risk",
    ),
    SearchTarget(
        "Import inventory",
        "imports:list",
        "upload spreadsheet excel csv bom file",
        is_available_to=can_import,
    ),
    SearchTarget("Compare candidates", "selections:compare", "choose choosing alternatives"),
    SearchTarget(
        "New selection record",
        "selections:create",
        "select document choice",
        is_available_to=_governs,
    ),
    SearchTarget(
        "Request waiver", "waivers:create", "exception gate ask", is_available_to=can_import
    ),
    SearchTarget("Run what-if scenario", "scenarios:preview", "simulate replace reprice fail"),
    SearchTarget(
        "New exposure policy",
        "exposure-policies:create",
        "add set tolerance limit",
        is_available_to=_governs,
    ),
    SearchTarget(
        "Register contract", "contracts:create", "new add contract", is_available_to=_governs
    ),
    SearchTarget("Add feed", "feeds:create", "new source connect", is_available_to=_governs),
    SearchTarget("Create evidence pack", "evidence-packs:list", "new download audit zip"),
    SearchTarget("Print board summary", "reports:board-summary", "board report one page"),
    SearchTarget("Create API token", "tokens:list", "new key secret rotate"),
    SearchTarget(
        "Change notification preferences",
        "subscriptions:list",
        "subscribe email frequency digest unsubscribe",
    ),
    SearchTarget("Name a deputy", "delegations:list", "delegate absence holiday cover"),
    SearchTarget("Invite user", "users:invite", "new add person", is_available_to=_administers),
    SearchTarget("Sign out", "account_logout", "log out leave"),
)

LISTS: tuple[SearchTarget, ...] = (
    SearchTarget(
        "Retired models", "offerings:list", "ended gone past", (("lifecycle", "retired"),)
    ),
    SearchTarget(
        "Deprecated models", "offerings:list", "announced", (("lifecycle", "deprecated"),)
    ),
    SearchTarget("Preview models", "offerings:list", "beta", (("lifecycle", "preview"),)),
    SearchTarget(
        "Retired models still in use",
        "issues:list",
        "ended called late",
        (("kind", "retirement"), ("due_before", TODAY)),
    ),
    SearchTarget("Retired applications", "applications:list", "ended", (("status", "retired"),)),
    SearchTarget("Proposed applications", "applications:list", "new", (("status", "proposed"),)),
    SearchTarget(
        "Critical applications", "applications:list", "criticality", (("criticality", "critical"),)
    ),
    SearchTarget(
        "Unassigned issues",
        "issues:list",
        "without owner missing none",
        (("owner", "unassigned"),),
    ),
    SearchTarget("Issues assigned to you", "issues:list", "mine my own me", (("owner", "me"),)),
    SearchTarget("Urgent issues", "issues:list", "now today critical", (("urgency", "now"),)),
    SearchTarget("Late issues", "issues:list", "overdue past due", (("due_before", TODAY),)),
    SearchTarget("Snoozed issues", "issues:list", "postponed later", (("state", "snoozed"),)),
    SearchTarget("Accepted issues", "issues:list", "acceptance", (("state", "accepted"),)),
    SearchTarget("Resolved issues", "issues:list", "closed done", (("state", "resolved"),)),
    SearchTarget("Overdue migration tasks", "campaign-tasks:list", "late", (("overdue", "true"),)),
    SearchTarget(
        "Migration tasks that start too late",
        "campaign-tasks:list",
        "negative runway",
        (("too_late", "true"),),
    ),
    SearchTarget(
        "Unassigned migration tasks",
        "campaign-tasks:list",
        "without owner",
        (("unowned", "true"),),
    ),
    SearchTarget("Blocked approvals", "approvals:list", "forbidden", (("decision", "blocked"),)),
    SearchTarget(
        "Restricted approvals", "approvals:list", "limited", (("decision", "restricted"),)
    ),
    SearchTarget(
        "Unassessed risks", "inherited-risks:list", "not assessed", (("state", "unassessed"),)
    ),
    SearchTarget("Stale risks", "inherited-risks:list", "reassess", (("state", "stale"),)),
    SearchTarget(
        "Open exposure flags",
        "exposure-flags:list",
        "above tolerance breach",
        (("state", "open"),),
        is_available_to=_reads_organisation,
    ),
    SearchTarget("Unresolved models", "unresolved-models:list", "unknown unidentified"),
    SearchTarget("Notifications not sent", "deliveries:not-sent", "pending failed undelivered"),
)


def new_records(user: Any) -> list[SearchTarget]:
    """Return what the user can create with `+ New`."""
    return [action for action in ACTIONS if action.short_name and action.is_available_to(user)]


def find_targets(
    targets: tuple[SearchTarget, ...], text: str, *, user: Any
) -> Iterator[SearchTarget]:
    """Yield the targets that the user can open and whose name or words match the text."""
    for target in targets:
        if matches(text, target.name, target.words) and target.is_available_to(user):
            yield target


def find_pages(text: str, *, user: Any) -> Iterator[tuple[Group, Page]]:
    """Yield the pages with their groups whose name, group or former name matches the text."""
    for group, page in pages_for(user):
        if matches(text, page.name, page.heading, page.tab_name, *page.former_names):
            yield group, page


def matches(text: str, *texts: str) -> bool:
    """Return whether each word of `text` begins a word of the texts."""
    words = " ".join(texts).lower().replace("-", " ").split()
    return all(
        any(word.startswith(part) for word in words)
        for part in text.lower().replace("-", " ").split()
    )
