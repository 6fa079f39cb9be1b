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
    Price,
    Provider,
    Region,
    Version,
)
from apps.common.time import day_of, now
from apps.exposure.models import ActiveDependency, NodeReach
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.scenarios.replacement_targets import REPLACEABLE_KINDS
from apps.inventory.models import Application, Dependency
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import render_page
from apps.web.views.exposure.parameters import KIND_WORDS
from apps.web.views.scenarios.query_parameters import hidden_fields
from apps.web.wording import retirement_day

MAX_RESULTS_PER_KIND = 6
MIN_LETTERS = 2
_PARTY_KINDS = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)


@dataclass(frozen=True, slots=True)
class ChangeAction:
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ChangeHit:
    name: str
    note: str
    acts: list[ChangeAction]


def _describe_offerings(offerings: Sequence[Offering]) -> dict[int, str]:
    """Return {offering: host, region, tier and list price}, so that equal model IDs can be told
    apart; one statement."""
    prices: dict[int, dict[str, str]] = {}
    rows = Price.objects.at(now()).filter(
        offering__in=[offering.pk for offering in offerings],
        unit__in=("input", "output"),
        above_tokens=0,
    )
    for price in rows.order_by("pk"):
        text = f"{price.amount.normalize():f} {price.currency}"
        prices.setdefault(price.offering_id, {})[price.unit] = text
    notes = {}
    for offering in offerings:
        listed = prices.get(offering.pk, {})
        notes[offering.pk] = ", ".join(
            part
            for part in (
                f"offering on {offering.host.name}",
                f"region {offering.region_scope}" if offering.region_scope else "",
                f"tier {offering.service_tier}" if offering.service_tier else "",
                f"{listed['input']} in, {listed.get('output', 'no price')} out"
                if "input" in listed
                else "no list price",
                f"retires {retirement_day(offering.retires_on, offering.retires_month)}"
                if offering.retires_on
                else "",
            )
            if part
        )
    return notes


@dataclass(frozen=True, slots=True)
class ChangeHits:
    """Search results; `step` is what is selected now: anything, or the target offering of a
    replacement or a migration."""

    words: str
    step: str
    hits: list[ChangeHit]
    was_asked: bool


def search_changes(request: HttpRequest, user: User) -> ChangeHits:
    """Return the changes that match the text, of nodes and of applications. If the URL names a
    dependency to replace or an offering to move from, return the possible targets instead."""
    text = " ".join(request.GET.get("pick", "").replace("\x00", "").split())[:100]
    has_text = len(text) >= MIN_LETTERS
    replacing, moving = request.GET.get("replacing", ""), request.GET.get("moving", "")
    change_fields = hidden_fields(request.GET)
    if replacing.isdecimal() or moving.isdecimal():
        field, subject_id = ("replace", replacing) if replacing.isdecimal() else ("move", moving)
        step = "Replacement"
        return ChangeHits(
            text,
            step,
            _search_target_offerings(text, field, subject_id, change_fields, user)
            if has_text
            else [],
            has_text,
        )
    hits = (
        [
            *_search_nodes(text, change_fields, user),
            *_search_applications(text, user, change_fields),
        ]
        if has_text
        else []
    )
    return ChangeHits(text, "", hits, has_text)


@require_safe
def change_search_fragment(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    return render_page(
        request,
        "what-ifs/picks.html",
        fragment="picks",
        title="What if",
        picks=search_changes(request, user),
        pick_fields=hidden_fields(request.GET),
    )


def _build_url(change_fields: Sequence[tuple[str, str]], *added_fields: tuple[str, str]) -> str:
    return (
        f"{reverse('scenarios:preview')}?{urlencode([*change_fields, *added_fields], safe=':*/')}"
    )


def _search_target_offerings(
    text: str, field: str, subject_id: str, change_fields: Sequence[tuple[str, str]], user: User
) -> list[ChangeHit]:
    offerings = _search_offerings(text, 2 * MAX_RESULTS_PER_KIND, user)
    notes = _describe_offerings(offerings)
    return [
        ChangeHit(
            offering.api_id,
            notes[offering.pk],
            [
                ChangeAction(
                    "Select", _build_url(change_fields, (field, f"{subject_id}:{offering.pk}"))
                )
            ],
        )
        for offering in offerings
        if str(offering.pk) != subject_id or field == "move"
    ]


def _search_offerings(text: str, limit: int, user: User) -> list[Offering]:
    offerings = (
        Offering.objects.model_ids()
        .filter(api_id__icontains=text)
        .select_related("host")
        .order_by("api_id", "pk")
    )
    return _select_used_first(offerings, NodeKind.OFFERING, limit, user)


def _select_used_first[M: Model](
    candidates: "QuerySet[M]", kind: NodeKind, limit: int, user: User
) -> list[M]:
    """Return at most `limit` candidates, first those that visible applications depend on: one or
    two statements."""
    team_ids = visible_team_ids(user)
    used_nodes: QuerySet[Any, Any] = NodeReach.objects.values("node_id")
    if team_ids is not None:
        # the order must not reveal what other teams use
        own_offerings = (
            ActiveDependency.objects.filter(team_id__in=list(team_ids))
            .order_by()
            .values("offering_id")
        )
        used_nodes = Footing.objects.filter(offering__in=own_offerings).order_by().values("node_id")
    rows = list(
        candidates.filter(pk__in=Node.objects.filter(kind=kind, pk__in=used_nodes).values("ref"))[
            :limit
        ]
    )
    if len(rows) < limit:
        rows += list(candidates.exclude(pk__in=[row.pk for row in rows])[: limit - len(rows)])
    return rows


def _search_nodes(
    text: str, change_fields: Sequence[tuple[str, str]], user: User
) -> list[ChangeHit]:
    """Return nodes whose name contains `text`; each statement uses a trigram index or a small
    table."""

    def replace_action(name: str) -> ChangeAction:
        return ChangeAction(
            "is replaced",
            f"{reverse('scenarios:replacement')}?"
            f"{urlencode([*change_fields, ('node', name)], safe=':*/')}",
        )

    def build_actions(name: str, *extra_actions: ChangeAction) -> list[ChangeAction]:
        return [
            ChangeAction("fails", _build_url(change_fields, ("remove", name))),
            ChangeAction("costs more", _build_url(change_fields, ("repricing", name))),
            *extra_actions,
        ]

    hits = []
    providers = list(
        Provider.objects.filter(Q(name__icontains=text) | Q(slug__icontains=text))[
            :MAX_RESULTS_PER_KIND
        ]
    )
    kinds_by_provider: dict[int, list[NodeKind]] = {}
    for kind, ref in Node.objects.filter(
        kind__in=_PARTY_KINDS, ref__in=[row.pk for row in providers]
    ).values_list("kind", "ref"):
        kinds_by_provider.setdefault(ref, []).append(NodeKind(kind))
    for provider in providers:
        hits += [
            ChangeHit(
                provider.name,
                KIND_WORDS[kind],
                build_actions(
                    f"{kind.label}:{provider.slug}",
                    *(
                        [replace_action(f"{kind.label}:{provider.slug}")]
                        if kind in REPLACEABLE_KINDS
                        else []
                    ),
                ),
            )
            for kind in sorted(kinds_by_provider.get(provider.pk, []))
        ]
    foundations = Foundation.objects.filter(Q(name__icontains=text) | Q(line__icontains=text))
    hits += [
        ChangeHit(
            row.name,
            KIND_WORDS[NodeKind.FOUNDATION],
            build_actions(f"foundation:{row.slug}", replace_action(f"foundation:{row.slug}")),
        )
        for row in _select_used_first(foundations, NodeKind.FOUNDATION, MAX_RESULTS_PER_KIND, user)
    ]
    hits += [
        ChangeHit(
            row.identifier,
            KIND_WORDS[NodeKind.VERSION],
            build_actions(f"version:{row.identifier}", replace_action(f"version:{row.identifier}")),
        )
        for row in _select_used_first(
            Version.objects.filter(identifier__icontains=text).order_by("identifier"),
            NodeKind.VERSION,
            MAX_RESULTS_PER_KIND,
            user,
        )
    ]
    offerings = _search_offerings(text, MAX_RESULTS_PER_KIND, user)
    notes = _describe_offerings(offerings)
    hits += [
        ChangeHit(
            row.api_id,
            notes[row.pk],
            build_actions(
                f"offering:{row.pk}",
                ChangeAction("is replaced", _build_url(change_fields, ("replacing", str(row.pk)))),
            ),
        )
        for row in offerings
    ]
    hits += [
        ChangeHit(
            row.name,
            f"region of {row.host.name}",
            build_actions(f"region:{row.host.slug}/{row.name}"),
        )
        for row in Region.objects.filter(name__icontains=text)
        .select_related("host")
        .order_by("name", "pk")[:MAX_RESULTS_PER_KIND]
    ]
    return hits


def _search_applications(
    text: str, user: User, change_fields: Sequence[tuple[str, str]]
) -> list[ChangeHit]:
    """Return applications whose name contains `text`, with a migration of up to three primary
    models each: two statements."""
    today = day_of(now())
    applications = list(
        Application.objects.visible_to(user)
        .filter(name__icontains=text)
        .select_related("team")
        .order_by("pk")[:MAX_RESULTS_PER_KIND]
    )
    dependencies_by_application: dict[int, list[Dependency]] = {}
    for dependency in (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=today),
            application__in=applications,
            role="primary",
            since__lte=today,
        )
        .select_related("offering__host")
        .order_by("pk")
    ):
        dependencies_by_application.setdefault(dependency.application_id, []).append(dependency)
    return [
        ChangeHit(
            application.name,
            f"application of {application.team.name}",
            [
                ChangeAction("is retired", _build_url(change_fields, ("retire", application.slug))),
                *(
                    ChangeAction(
                        f"migrates off {dependency.offering.api_id}"
                        f" on {dependency.offering.host.name}",
                        _build_url(change_fields, ("moving", str(dependency.pk))),
                    )
                    for dependency in dependencies_by_application.get(application.pk, [])[:3]
                ),
            ],
        )
        for application in applications
    ]


def repricing(request: HttpRequest) -> tuple[str, Any]:
    """Return (node, price factor) of the repricing form; empty strings if it is not open."""
    return request.GET.get("repricing", "")[:200], request.GET.get("factor", "")[
        :20
    ].strip().replace(",", ".")
