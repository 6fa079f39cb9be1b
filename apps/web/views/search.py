"""Search: one box over actions, filtered lists, pages, people and all records that have a page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Case, IntegerField, Model, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.accounts.people.queries import search_people, visible_people
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Version
from apps.common.text import pluralize
from apps.exposure.models import Campaign
from apps.exposure.queries.portfolio import used_nodes
from apps.inventory.models import Application, Contract
from apps.risks.models import RiskTemplate
from apps.web.pages.page import Headline, render_page
from apps.web.pages.search_targets import ACTIONS, LISTS, find_pages, find_targets

MAX_RESULTS_PER_KIND = 8
MIN_LETTERS = 2


@dataclass(frozen=True, slots=True)
class SearchHit:
    name: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """Group of results. `all_url` leads to the list filtered by the same text; empty if all results
    are shown."""

    name: str
    hits: list[SearchHit]
    all_url: str


class SearchQuery:
    """Search text and the user who searches."""

    def __init__(self, text: str, user: Any) -> None:
        self.text = text
        self.user = user

    @cached_property
    def own(self) -> list[int]:
        """Return the foundations that the user's applications depend on; one statement."""
        return used_nodes(kind=NodeKind.FOUNDATION, user=self.user)


def _search_actions(query: SearchQuery) -> Iterable[SearchHit]:
    return (
        SearchHit(action.name, "", action.url)
        for action in find_targets(ACTIONS, query.text, user=query.user)
    )


def _search_lists(query: SearchQuery) -> Iterable[SearchHit]:
    return (
        SearchHit(target.name, "", target.url)
        for target in find_targets(LISTS, query.text, user=query.user)
    )


def _search_pages(query: SearchQuery) -> Iterable[SearchHit]:
    return (
        SearchHit(page.heading or page.name, group.name, reverse(page.route))
        for group, page in find_pages(query.text, user=query.user)
    )


def _search_people(query: SearchQuery) -> Iterable[SearchHit]:
    """Yield persons whose name begins with the text; for organisation roles also by address."""
    people = search_people(
        visible_people(query.user), query.text, by_address=query.user.can_read_all
    )
    work_url = reverse("issues:list")
    for person in people.order_by("username")[:MAX_RESULTS_PER_KIND]:
        address: str = getattr(person, "visible_email", "")
        yield SearchHit(str(person), address, f"{work_url}?person={person.pk}")


def _search_applications(query: SearchQuery) -> Iterable[SearchHit]:
    applications = (
        Application.objects.visible_to(query.user)
        .filter(name__icontains=query.text)
        .select_related("team")
    )
    return (
        SearchHit(row.name, row.team.name, reverse("applications:detail", args=[row.slug]))
        for row in applications[:MAX_RESULTS_PER_KIND]
    )


def _search_foundations(query: SearchQuery) -> Iterable[SearchHit]:
    foundations = Foundation.objects.visible_to(query.user).filter(
        Q(name__icontains=query.text) | Q(line__icontains=query.text)
    )
    return (
        SearchHit(row.name, row.developer.name, reverse("foundations:detail", args=[row.slug]))
        for row in _order_own_first(
            foundations, "pk", query, secondary_order="name"
        ).select_related("developer")[:MAX_RESULTS_PER_KIND]
    )


def _search_versions(query: SearchQuery) -> Iterable[SearchHit]:
    versions = (
        Version.objects.visible_to(query.user)
        .filter(identifier__icontains=query.text)
        .select_related("foundation")
    )
    return (
        SearchHit(row.identifier, row.foundation.name, reverse("versions:detail", args=[row.pk]))
        for row in _order_own_first(versions, "foundation", query, secondary_order="identifier")[
            :MAX_RESULTS_PER_KIND
        ]
    )


def _search_offerings(query: SearchQuery) -> Iterable[SearchHit]:
    offerings = (
        Offering.objects.visible_to(query.user)
        .filter(api_id__icontains=query.text)
        .select_related("host")
    )
    return (
        SearchHit(
            row.api_id,
            f"{row.host.name}, {row.get_kind_display().lower()}"
            if row.is_feature
            else row.host.name,
            reverse("offerings:detail", args=[row.pk]),
        )
        for row in _order_own_first(offerings, "version__foundation", query, secondary_order="pk")[
            :MAX_RESULTS_PER_KIND
        ]
    )


def _order_own_first[M: Model](
    queryset: "QuerySet[M]", foundation: str, query: SearchQuery, *, secondary_order: str
) -> "QuerySet[M]":
    """Order results so that those of foundations the user's applications depend on come first."""
    rank = Case(
        When(**{f"{foundation}__in": query.own}, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return queryset.order_by(rank, secondary_order, "pk")


def _search_providers(query: SearchQuery) -> Iterable[SearchHit]:
    providers = Provider.objects.visible_to(query.user).filter(
        Q(name__icontains=query.text) | Q(slug__icontains=query.text)
    )
    return (
        SearchHit(row.name, ", ".join(row.roles), reverse("providers:detail", args=[row.slug]))
        for row in providers[:MAX_RESULTS_PER_KIND]
    )


def _search_risks(query: SearchQuery) -> Iterable[SearchHit]:
    risks = RiskTemplate.objects.filter(
        Q(title__icontains=query.text) | Q(code__iexact=query.text)
    ).order_by("code")
    return (
        SearchHit(row.title, row.code, reverse("risk-templates:detail", args=[row.code]))
        for row in risks[:MAX_RESULTS_PER_KIND]
    )


def _search_campaigns(query: SearchQuery) -> Iterable[SearchHit]:
    campaigns = Campaign.objects.visible_to(query.user).filter(title__icontains=query.text)
    return (
        SearchHit(row.title, row.get_state_display(), reverse("campaigns:detail", args=[row.pk]))
        for row in campaigns[:MAX_RESULTS_PER_KIND]
    )


def _search_contracts(query: SearchQuery) -> Iterable[SearchHit]:
    contracts = (
        Contract.objects.visible_to(query.user)
        .filter(ref__icontains=query.text)
        .select_related("party")
    )
    return (
        SearchHit(row.ref, row.party.name, reverse("contracts:detail", args=[row.pk]))
        for row in contracts[:MAX_RESULTS_PER_KIND]
    )


def _search_teams(query: SearchQuery) -> Iterable[SearchHit]:
    teams = Team.objects.visible_to(query.user).filter(name__icontains=query.text)
    return (
        SearchHit(row.name, row.email, reverse("teams:detail", args=[row.slug]))
        for row in teams[:MAX_RESULTS_PER_KIND]
    )


# (heading, search function, route of the list that takes ?q=)
_KINDS: tuple[tuple[Any, Callable[[SearchQuery], Iterable[SearchHit]], str], ...] = (
    ("Actions", _search_actions, ""),
    ("Filtered lists", _search_lists, ""),
    ("Pages", _search_pages, ""),
    ("People", _search_people, ""),
    ("Applications", _search_applications, "applications:list"),
    ("Foundations", _search_foundations, "foundations:list"),
    ("Versions", _search_versions, "versions:list"),
    ("Offerings", _search_offerings, "offerings:list"),
    ("Providers", _search_providers, "providers:list"),
    ("Risks", _search_risks, ""),
    ("Migrations", _search_campaigns, "campaigns:list"),
    ("Contracts", _search_contracts, ""),
    ("Teams", _search_teams, ""),
)


def search_groups(text: str, *, user: Any) -> list[SearchGroup]:
    """Return at most MAX_RESULTS_PER_KIND results of each kind: one statement per kind, each on a
    trigram index or a small table, and one for the order."""
    query = SearchQuery(text, user)
    results = [(name, list(hits(query)), route) for name, hits, route in _KINDS]
    return [
        SearchGroup(
            str(name), hits, reverse(route) if route and len(hits) == MAX_RESULTS_PER_KIND else ""
        )
        for name, hits, route in results
        if hits
    ]


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Show the records and pages that match the text."""
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    is_long_enough = len(text) >= MIN_LETTERS
    groups = search_groups(text, user=request.user) if is_long_enough else []
    n = sum(len(group.hits) for group in groups)
    if not is_long_enough:
        sentence = Headline("Search finds records, people, pages and actions.")
    elif n == 0:
        sentence = Headline(f"No results for “{text}”.")
    else:
        count = pluralize(n, "{n} result for “{words}”.", "{n} results for “{words}”.")
        has_more = any(group.all_url for group in groups)
        sentence = Headline(count.format(n=f"{n} or more" if has_more else n, words=text))
    return render_page(
        request,
        "search.html",
        fragment="hits",
        title="Search",
        counts="The first results of each kind",
        sentence=sentence,
        words=text,
        asked=is_long_enough,
        groups=groups,
    )
