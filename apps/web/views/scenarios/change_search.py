"""Search for the subject of a scenario: nodes and applications by a few letters, each with the
possible changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.models import (
    Footing,
    Foundation,
    Node,
    NodeKind,
    Offering,
    Provider,
    Region,
    Version,
)
from apps.common.time import day_of, now
from apps.exposure.models import ActiveDependency, NodeReach
from apps.exposure.queries.concentration import visible_team_ids
from apps.inventory.models import Application, Dependency
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.views.exposure.parameters import KIND_WORDS
from apps.web.views.scenarios.query_parameters import hidden

MAX_RESULTS_PER_KIND = 6
MIN_LETTERS = 2
_PARTS = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)


@dataclass(frozen=True, slots=True)
class ChangeAction:
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ChangeHit:
    name: str
    note: str
    acts: list[ChangeAction]


@dataclass(frozen=True, slots=True)
class ChangeHits:
    """Search results; `step` is what is selected now: anything, or the target offering of a
    replacement or a migration."""

    words: str
    step: str
    hits: list[ChangeHit]
    was_asked: bool


def search_changes(request: HttpRequest, user: User) -> ChangeHits:
    words = " ".join(request.GET.get("pick", "").replace("\x00", "").split())[:100]
    asked = len(words) >= MIN_LETTERS
    replacing, moving = request.GET.get("replacing", ""), request.GET.get("moving", "")
    so_far = hidden(request.GET)
    if replacing.isdecimal() or moving.isdecimal():
        field, of = ("replace", replacing) if replacing.isdecimal() else ("move", moving)
        step = "Which offering takes over?"
        return ChangeHits(
            words, step, _targets(words, field, of, so_far, user) if asked else [], asked
        )
    hits = [*_nodes(words, so_far, user), *_applications(words, user, so_far)] if asked else []
    return ChangeHits(words, "", hits, asked)


@require_safe
def change_search_fragment(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    return render_page(
        request,
        "what-ifs/picks.html",
        fragment="picks",
        title="What if",
        picks=search_changes(request, user),
        pick_fields=hidden(request.GET),
    )


def _to(so_far: Sequence[tuple[str, str]], *more: tuple[str, str]) -> str:
    return f"{reverse('scenarios:preview')}?{urlencode([*so_far, *more], safe=':*/')}"


def _targets(
    words: str, field: str, of: str, so_far: Sequence[tuple[str, str]], user: User
) -> list[ChangeHit]:
    return [
        ChangeHit(
            row.api_id,
            row.host.name,
            [ChangeAction("This one", _to(so_far, (field, f"{of}:{row.pk}")))],
        )
        for row in _offerings(words, 2 * MAX_RESULTS_PER_KIND, user)
        if str(row.pk) != of or field == "move"
    ]


def _offerings(words: str, most: int, user: User) -> list[Offering]:
    found = (
        Offering.objects.filter(api_id__icontains=words)
        .select_related("host")
        .order_by("api_id", "pk")
    )
    return _used_first(found, NodeKind.OFFERING, most, user)


def _used_first[M: Model](found: "QuerySet[M]", kind: NodeKind, most: int, user: User) -> list[M]:
    """Those that something the reader sees stands or leans on, then others; one or two
    statements."""
    teams = visible_team_ids(user)
    used: QuerySet[Any, Any] = NodeReach.objects.values("node_id")
    if teams is not None:
        # what others use is not to be told by the order
        own = (
            ActiveDependency.objects.filter(team_id__in=list(teams))
            .order_by()
            .values("offering_id")
        )
        used = Footing.objects.filter(offering__in=own).order_by().values("node_id")
    first = list(
        found.filter(pk__in=Node.objects.filter(kind=kind, pk__in=used).values("ref"))[:most]
    )
    if len(first) < most:
        first += list(found.exclude(pk__in=[row.pk for row in first])[: most - len(first)])
    return first


def _nodes(words: str, so_far: Sequence[tuple[str, str]], user: User) -> list[ChangeHit]:
    """Five small statements, each on a trigram index or a small table."""

    def acts(name: str, *further: ChangeAction) -> list[ChangeAction]:
        return [
            ChangeAction("fails", _to(so_far, ("remove", name))),
            ChangeAction("costs more", _to(so_far, ("repricing", name))),
            *further,
        ]

    hits = []
    providers = list(
        Provider.objects.filter(Q(name__icontains=words) | Q(slug__icontains=words))[
            :MAX_RESULTS_PER_KIND
        ]
    )
    parts: dict[int, list[NodeKind]] = {}
    for kind, ref in Node.objects.filter(
        kind__in=_PARTS, ref__in=[row.pk for row in providers]
    ).values_list("kind", "ref"):
        parts.setdefault(ref, []).append(NodeKind(kind))
    for provider in providers:
        hits += [
            ChangeHit(provider.name, KIND_WORDS[kind], acts(f"{kind.label}:{provider.slug}"))
            for kind in sorted(parts.get(provider.pk, []))
        ]
    foundations = Foundation.objects.filter(Q(name__icontains=words) | Q(line__icontains=words))
    hits += [
        ChangeHit(row.name, KIND_WORDS[NodeKind.FOUNDATION], acts(f"foundation:{row.slug}"))
        for row in _used_first(foundations, NodeKind.FOUNDATION, MAX_RESULTS_PER_KIND, user)
    ]
    hits += [
        ChangeHit(row.identifier, KIND_WORDS[NodeKind.VERSION], acts(f"version:{row.identifier}"))
        for row in _used_first(
            Version.objects.filter(identifier__icontains=words).order_by("identifier"),
            NodeKind.VERSION,
            MAX_RESULTS_PER_KIND,
            user,
        )
    ]
    hits += [
        ChangeHit(
            row.api_id,
            f"offering at {row.host.name}",
            acts(
                f"offering:{row.pk}",
                ChangeAction("is replaced", _to(so_far, ("replacing", str(row.pk)))),
            ),
        )
        for row in _offerings(words, MAX_RESULTS_PER_KIND, user)
    ]
    hits += [
        ChangeHit(
            row.name, f"region of {row.host.name}", acts(f"region:{row.host.slug}/{row.name}")
        )
        for row in Region.objects.filter(name__icontains=words)
        .select_related("host")
        .order_by("name", "pk")[:MAX_RESULTS_PER_KIND]
    ]
    return hits


def _applications(words: str, user: User, so_far: Sequence[tuple[str, str]]) -> list[ChangeHit]:
    """With a move for each of their live primaries: two statements."""
    today = day_of(now())
    found = list(
        Application.objects.visible_to(user)
        .filter(name__icontains=words)
        .select_related("team")
        .order_by("pk")[:MAX_RESULTS_PER_KIND]
    )
    uses: dict[int, list[Dependency]] = {}
    for use in (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=today),
            application__in=found,
            role="primary",
            since__lte=today,
        )
        .select_related("offering__host")
        .order_by("pk")
    ):
        uses.setdefault(use.application_id, []).append(use)
    return [
        ChangeHit(
            row.name,
            f"application of {row.team.name}",
            [
                ChangeAction("is retired", _to(so_far, ("retire", row.slug))),
                *(
                    ChangeAction(
                        f"moves off {use.offering.api_id} at {use.offering.host.name}",
                        _to(so_far, ("moving", str(use.pk))),
                    )
                    for use in uses.get(row.pk, [])[:3]
                ),
            ],
        )
        for row in found
    ]


def repricing(request: HttpRequest) -> tuple[str, Any]:
    """(node, its factor) of the form that asks by how much; ("", None) where none is open."""
    return request.GET.get("repricing", "")[:200], request.GET.get("factor", "")[
        :20
    ].strip().replace(",", ".")
