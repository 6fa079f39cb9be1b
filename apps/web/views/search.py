"""Search: one box over applications, foundations, offerings and providers."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.catalog.models import Foundation, Offering, Provider
from apps.inventory.models import Application
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
    name: str
    hits: list[Hit]
    all_url: str


def groups(words: str, *, user: Any) -> list[Group]:
    """At most EACH hits of each kind: four statements, each on a trigram index or a small table."""
    applications = Application.objects.visible_to(user).filter(name__icontains=words).select_related("team")[:EACH]
    foundations = (
        Foundation.objects.visible_to(user)
        .filter(Q(name__icontains=words) | Q(line__icontains=words))
        .select_related("developer")[:EACH]
    )
    offerings = (
        Offering.objects.visible_to(user).filter(api_id__icontains=words).select_related("host").order_by("pk")[:EACH]
    )
    providers = Provider.objects.visible_to(user).filter(Q(name__icontains=words) | Q(slug__icontains=words))[:EACH]
    found = [
        (
            "Applications",
            "applications",
            [Hit(row.name, row.team.name, reverse("application", args=[row.slug])) for row in applications],
        ),
        (
            "Foundations",
            "foundations",
            [Hit(row.name, row.developer.name, reverse("foundation", args=[row.slug])) for row in foundations],
        ),
        (
            "Offerings",
            "offerings",
            [Hit(row.api_id, row.host.name, reverse("offering", args=[row.pk])) for row in offerings],
        ),
        (
            "Providers",
            "providers",
            [Hit(row.name, ", ".join(row.roles), reverse("provider", args=[row.slug])) for row in providers],
        ),
    ]
    return [Group(name, hits, reverse(route)) for name, route, hits in found if hits]


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:100]
    asked = len(words) >= FEWEST_LETTERS
    found = groups(words, user=request.user) if asked else []
    n = sum(len(group.hits) for group in found)
    if not asked:
        sentence = Sentence("What are you looking for?")
    else:
        sentence = Sentence(
            f"Nothing is called “{words}”." if n == 0 else f"{n}{' or more' if n >= EACH else ''} hits for “{words}”."
        )
    return page(
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
