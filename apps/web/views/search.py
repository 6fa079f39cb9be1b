"""Search: one box over all records that have a page, and over the pages themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Case, IntegerField, Model, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Version
from apps.common.text import pluralize
from apps.exposure.models import Campaign
from apps.exposure.queries.portfolio import used_nodes
from apps.inventory.models import Application, Contract
from apps.risks.models import RiskTemplate
from apps.web.pages.navigation import pages_for
from apps.web.pages.page import Headline, render_page

MAX_RESULTS_PER_KIND = 8
MIN_LETTERS = 2


@dataclass(frozen=True, slots=True)
class SearchHit:
    name: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """Group of results; `all_url` leads to the list filtered by the same words, empty if all are
    shown."""

    name: str
    hits: list[SearchHit]
    all_url: str


class SearchQuery:
    """Search terms and the user who searches."""

    def __init__(self, words: str, user: Any) -> None:
        self.words = words
        self.user = user

    @cached_property
    def own(self) -> list[int]:
        """The foundations that their applications stand on: one statement."""
        return used_nodes(kind=NodeKind.FOUNDATION, user=self.user)


def _pages(asked: SearchQuery) -> Iterable[SearchHit]:
    return (
        SearchHit(item.name, heading, item.url)
        for heading, items in pages_for(asked.user)
        for item in items
        if asked.words.lower() in item.name.lower()
    )


def _applications(asked: SearchQuery) -> Iterable[SearchHit]:
    found = (
        Application.objects.visible_to(asked.user)
        .filter(name__icontains=asked.words)
        .select_related("team")
    )
    return (
        SearchHit(row.name, row.team.name, reverse("applications:detail", args=[row.slug]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


def _foundations(asked: SearchQuery) -> Iterable[SearchHit]:
    found = Foundation.objects.visible_to(asked.user).filter(
        Q(name__icontains=asked.words) | Q(line__icontains=asked.words)
    )
    return (
        SearchHit(row.name, row.developer.name, reverse("foundations:detail", args=[row.slug]))
        for row in _own_first(found, "pk", asked, then="name").select_related("developer")[
            :MAX_RESULTS_PER_KIND
        ]
    )


def _versions(asked: SearchQuery) -> Iterable[SearchHit]:
    found = (
        Version.objects.visible_to(asked.user)
        .filter(identifier__icontains=asked.words)
        .select_related("foundation")
    )
    return (
        SearchHit(row.identifier, row.foundation.name, reverse("versions:detail", args=[row.pk]))
        for row in _own_first(found, "foundation", asked, then="identifier")[:MAX_RESULTS_PER_KIND]
    )


def _offerings(asked: SearchQuery) -> Iterable[SearchHit]:
    found = (
        Offering.objects.visible_to(asked.user)
        .filter(api_id__icontains=asked.words)
        .select_related("host")
    )
    return (
        SearchHit(row.api_id, row.host.name, reverse("offerings:detail", args=[row.pk]))
        for row in _own_first(found, "version__foundation", asked, then="pk")[:MAX_RESULTS_PER_KIND]
    )


def _own_first[M: Model](
    found: "QuerySet[M]", foundation: str, asked: SearchQuery, *, then: str
) -> "QuerySet[M]":
    """Of a long catalogue, what lies on foundations that applications of theirs stand on comes
    before all else."""
    rank = Case(
        When(**{f"{foundation}__in": asked.own}, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return found.order_by(rank, then, "pk")


def _providers(asked: SearchQuery) -> Iterable[SearchHit]:
    found = Provider.objects.visible_to(asked.user).filter(
        Q(name__icontains=asked.words) | Q(slug__icontains=asked.words)
    )
    return (
        SearchHit(row.name, ", ".join(row.roles), reverse("providers:detail", args=[row.slug]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


def _risks(asked: SearchQuery) -> Iterable[SearchHit]:
    found = RiskTemplate.objects.filter(
        Q(title__icontains=asked.words) | Q(code__iexact=asked.words)
    ).order_by("code")
    return (
        SearchHit(row.title, row.code, reverse("risk-templates:detail", args=[row.code]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


def _campaigns(asked: SearchQuery) -> Iterable[SearchHit]:
    found = Campaign.objects.visible_to(asked.user).filter(title__icontains=asked.words)
    return (
        SearchHit(row.title, row.get_state_display(), reverse("campaigns:detail", args=[row.pk]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


def _contracts(asked: SearchQuery) -> Iterable[SearchHit]:
    found = (
        Contract.objects.visible_to(asked.user)
        .filter(ref__icontains=asked.words)
        .select_related("party")
    )
    return (
        SearchHit(row.ref, row.party.name, reverse("contracts:detail", args=[row.pk]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


def _teams(asked: SearchQuery) -> Iterable[SearchHit]:
    found = Team.objects.visible_to(asked.user).filter(name__icontains=asked.words)
    return (
        SearchHit(row.name, row.email, reverse("teams:detail", args=[row.slug]))
        for row in found[:MAX_RESULTS_PER_KIND]
    )


# (heading, hits, route of the list that takes ?q=)
_KINDS: tuple[tuple[Any, Callable[[SearchQuery], Iterable[SearchHit]], str], ...] = (
    ("Pages", _pages, ""),
    ("Applications", _applications, "applications:list"),
    ("Foundations", _foundations, "foundations:list"),
    ("Versions", _versions, "versions:list"),
    ("Offerings", _offerings, "offerings:list"),
    ("Providers", _providers, "providers:list"),
    ("Risks", _risks, ""),
    ("Campaigns", _campaigns, "campaigns:list"),
    ("Contracts", _contracts, ""),
    ("Teams", _teams, ""),
)


def search_groups(words: str, *, user: Any) -> list[SearchGroup]:
    """Return at most MAX_RESULTS_PER_KIND results of each kind: one statement per kind, each on a
    trigram index or a small table, and one for what comes first."""
    asked = SearchQuery(words, user)
    found = [(name, list(hits(asked)), route) for name, hits, route in _KINDS]
    return [
        SearchGroup(
            str(name), hits, reverse(route) if route and len(hits) == MAX_RESULTS_PER_KIND else ""
        )
        for name, hits, route in found
        if hits
    ]


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    asked = len(words) >= MIN_LETTERS
    found = search_groups(words, user=request.user) if asked else []
    n = sum(len(group.hits) for group in found)
    if not asked:
        sentence = Headline("What are you looking for?")
    elif n == 0:
        sentence = Headline(f"Nothing is called “{words}”.")
    else:
        count = pluralize(n, "{n} hit for “{words}”.", "{n} hits for “{words}”.")
        more = any(group.all_url for group in found)
        sentence = Headline(count.format(n=f"{n} or more" if more else n, words=words))
    return render_page(
        request,
        "search.html",
        fragment="hits",
        title="Search",
        counts="The first hits of each kind",
        sentence=sentence,
        words=words,
        asked=asked,
        groups=found,
    )
