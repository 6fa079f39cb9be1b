"""Search: one box over everything that has a page of its own, and over the pages themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.exposure.models import Campaign
from apps.inventory.models import Application, Contract
from apps.risks.models import RiskTemplate
from apps.web.navigation import pages_for
from apps.web.page import Sentence, page

EACH = 8
FEWEST_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Hit:
    name: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """`all_url` leads to the list narrowed by the same words; empty where there are no more than shown."""

    name: str
    hits: list[Hit]
    all_url: str


def _pages(words: str, user: Any) -> Iterable[Hit]:
    return (
        Hit(item.name, heading, item.url)
        for heading, items in pages_for(user)
        for item in items
        if words.lower() in item.name.lower()
    )


def _applications(words: str, user: Any) -> Iterable[Hit]:
    found = Application.objects.visible_to(user).filter(name__icontains=words).select_related("team")
    return (Hit(row.name, row.team.name, reverse("application", args=[row.slug])) for row in found[:EACH])


def _foundations(words: str, user: Any) -> Iterable[Hit]:
    found = Foundation.objects.visible_to(user).filter(Q(name__icontains=words) | Q(line__icontains=words))
    return (
        Hit(row.name, row.developer.name, reverse("foundation", args=[row.slug]))
        for row in found.select_related("developer")[:EACH]
    )


def _versions(words: str, user: Any) -> Iterable[Hit]:
    found = Version.objects.visible_to(user).filter(identifier__icontains=words).select_related("foundation")
    return (
        Hit(row.identifier, row.foundation.name, reverse("version", args=[row.pk]))
        for row in found.order_by("identifier")[:EACH]
    )


def _offerings(words: str, user: Any) -> Iterable[Hit]:
    found = Offering.objects.visible_to(user).filter(api_id__icontains=words).select_related("host").order_by("pk")
    return (Hit(row.api_id, row.host.name, reverse("offering", args=[row.pk])) for row in found[:EACH])


def _providers(words: str, user: Any) -> Iterable[Hit]:
    found = Provider.objects.visible_to(user).filter(Q(name__icontains=words) | Q(slug__icontains=words))
    return (Hit(row.name, ", ".join(row.roles), reverse("provider", args=[row.slug])) for row in found[:EACH])


def _risks(words: str, user: Any) -> Iterable[Hit]:
    found = RiskTemplate.objects.filter(Q(title__icontains=words) | Q(code__iexact=words)).order_by("code")
    return (Hit(row.title, row.code, reverse("risk-template", args=[row.code])) for row in found[:EACH])


def _campaigns(words: str, user: Any) -> Iterable[Hit]:
    found = Campaign.objects.visible_to(user).filter(title__icontains=words)
    return (Hit(row.title, row.get_state_display(), reverse("campaign", args=[row.pk])) for row in found[:EACH])


def _contracts(words: str, user: Any) -> Iterable[Hit]:
    found = Contract.objects.visible_to(user).filter(ref__icontains=words).select_related("party")
    return (Hit(row.ref, row.party.name, reverse("contract", args=[row.pk])) for row in found[:EACH])


def _teams(words: str, user: Any) -> Iterable[Hit]:
    found = Team.objects.visible_to(user).filter(name__icontains=words)
    return (Hit(row.name, row.email, reverse("team", args=[row.slug])) for row in found[:EACH])


# (heading, hits, route of the list that takes ?q=)
_KINDS: tuple[tuple[Any, Callable[[str, Any], Iterable[Hit]], str], ...] = (
    (gettext_lazy("Pages"), _pages, ""),
    (gettext_lazy("Applications"), _applications, "applications"),
    (gettext_lazy("Foundations"), _foundations, "foundations"),
    (gettext_lazy("Versions"), _versions, ""),
    (gettext_lazy("Offerings"), _offerings, "offerings"),
    (gettext_lazy("Providers"), _providers, "providers"),
    (gettext_lazy("Risks"), _risks, ""),
    (gettext_lazy("Campaigns"), _campaigns, "campaigns"),
    (gettext_lazy("Contracts"), _contracts, ""),
    (gettext_lazy("Teams"), _teams, ""),
)


def groups(words: str, *, user: Any) -> list[Group]:
    """At most EACH hits of each kind: one statement a kind, each on a trigram index or a small table."""
    found = [(name, list(hits(words, user)), route) for name, hits, route in _KINDS]
    return [
        Group(str(name), hits, reverse(route) if route and len(hits) == EACH else "")
        for name, hits, route in found
        if hits
    ]


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    asked = len(words) >= FEWEST_LETTERS
    found = groups(words, user=request.user) if asked else []
    n = sum(len(group.hits) for group in found)
    if not asked:
        sentence = Sentence(_("What are you looking for?"))
    elif n == 0:
        sentence = Sentence(_("Nothing is called “%(words)s”.") % {"words": words})
    else:
        count = ngettext("%(n)s hit for “%(words)s”.", "%(n)s hits for “%(words)s”.", n)
        more = any(group.all_url for group in found)
        sentence = Sentence(count % {"n": _("%(n)s or more") % {"n": n} if more else n, "words": words})
    return page(
        request,
        "search.html",
        fragment="hits",
        title=_("Search"),
        counts=_("The first hits of each kind"),
        sentence=sentence,
        words=words,
        asked=asked,
        groups=found,
    )
