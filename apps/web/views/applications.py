"""Applications: what each stands on, and until when."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.catalog.models import NodeKind, Offering
from apps.common.time import day_of, now
from apps.exposure.queries import StackRow, end_of, stack
from apps.inventory.filters import ApplicationFilter
from apps.inventory.models import Application, Criticality, Dependency
from apps.web import sentences
from apps.web.audience import alerts_go_to
from apps.web.filtering import Control, filters
from apps.web.listing import Listing, Sorting, csv_answer
from apps.web.page import page
from apps.web.queries import events_of_application, reach_by_ref, with_stacks

ORDERS = Sorting(
    {"criticality": ("Criticality", ("criticality", "name", "pk")), "name": ("Application", ("name", "pk"))}
)

LEVELS = [(level.name.lower(), level.label) for level in Criticality]


def _filtered(request: HttpRequest) -> ApplicationFilter:
    return ApplicationFilter(request.GET, Application.objects.visible_to(request.user), request=request)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the list says of one application: its main offering, and the primary that ends first."""

    application: Application
    primary: Offering | None
    ends_on: date | None
    days_left: int | None
    at_least: bool

    @property
    def is_over(self) -> bool:
        return self.days_left is not None and self.days_left < 0 and not self.at_least


def standing_of(application: Any, today: date) -> Standing:
    primaries: list[Offering] = [row.offering for row in application.primaries]
    main = primaries[0] if primaries else None
    ends = [(end_of(offering, today), offering) for offering in primaries]
    dated = [(end, offering) for end, offering in ends if end.days_left is not None]
    if not dated:
        return Standing(application, main, None, None, at_least=False)
    end, offering = min(dated, key=lambda pair: pair[0].days_left or 0)
    return Standing(application, main, offering.retires_on, end.days_left, end.at_least)


@require_safe
def application_list(request: HttpRequest) -> HttpResponse:
    today = day_of(now())
    found = _filtered(request)
    teams = Team.objects.visible_to(request.user).values_list("slug", "name")
    listing = Listing(request, with_stacks(ORDERS.apply(request, found.qs), on=today))
    return page(
        request,
        "applications/list.html",
        fragment="listing",
        title="Applications",
        counts="Applications you may see",
        sentence=sentences.of_list(
            listing.count, "application", "applications", filtered=listing.is_filtered,
            rest="" if listing.is_filtered else " in the register",
        ),
        filters=filters(
            request,
            found,
            [
                Control("q", "Search", "search"),
                Control("team", "Team", choices=list(teams)),
                Control("criticality", "Criticality", choices=LEVELS),
                Control("status", "Status", choices=Application.Status.choices),
            ],
        ),
        listing=listing,
        columns=ORDERS.columns(request),
        standings=[standing_of(application, today) for application in listing.rows],
    )  # fmt: skip


@require_safe
def application_csv(request: HttpRequest) -> StreamingHttpResponse:
    today = day_of(now())
    rows = with_stacks(ORDERS.apply(request, _filtered(request).qs), on=today).iterator(chunk_size=1000)

    def cells(application: Application) -> list[Any]:
        standing = standing_of(application, today)
        offering = standing.primary
        foundation = offering.version.foundation if offering and offering.version else None
        return [
            application.name,
            application.slug,
            application.team.name,
            application.get_criticality_display(),
            application.get_status_display(),
            application.business_owner,
            application.technical_owner,
            offering.api_id if offering else "",
            offering.host.name if offering else "",
            foundation.name if foundation else "",
            foundation.developer.name if foundation else "",
            standing.ends_on,
            standing.days_left,
            "at least" if standing.at_least else "",
            application.monthly_spend,
        ]

    heads = ["application", "slug", "team", "criticality", "status", "business owner", "technical owner", "api id",
             "host", "foundation", "developer", "ends", "days left", "bound", "monthly spend, USD"]  # fmt: skip
    return csv_answer("applications", heads, rows, cells)


@dataclass(frozen=True, slots=True)
class Block:
    """A cell of the stack section: what `span` neighbouring dependencies have in common."""

    span: int
    name: str
    note: str
    url: str
    shared: bool
    known: bool = True
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    name: str
    css: str
    blocks: tuple[Block, ...]
    more: str


def neighbourly(rows: list[StackRow]) -> list[StackRow]:
    """Primary first, then always the dependency that has most in common with the one before it."""
    left = list(rows)
    ordered: list[StackRow] = []
    while left:
        last = ordered[-1] if ordered else None
        best = max(range(len(left)), key=lambda i: (_in_common(last, left[i]) if last else 0, -i))
        ordered.append(left.pop(best))
    return ordered


def _in_common(one: StackRow, other: StackRow) -> int:
    pairs = (
        (one.host, other.host),
        (one.developer, other.developer),
        (one.foundation, other.foundation),
        (one.version, other.version),
    )
    return sum(a is not None and a == b for a, b in pairs)


def layers_of(rows: list[StackRow], today: date, more: dict[str, str]) -> list[Layer]:
    """The rows of the section below ground; equal neighbours of a layer are one block.

    A block is `shared` where a primary and another role rest on it together: one failure takes both.
    """
    parts: tuple[tuple[str, str, Any], ...] = (
        ("Offering", "offering", lambda row: row.offering),
        ("Version", "version", lambda row: row.version),
        ("Foundation", "foundation", lambda row: row.foundation),
        ("Developer", "developer", lambda row: row.developer),
        ("Host", "host", lambda row: row.host),
    )
    layers = []
    for name, css, part in parts:
        blocks = []
        for key, group in groupby(rows, key=lambda row: part(row).pk if part(row) else None):
            members = list(group)
            roles = {row.dependency.role for row in members}
            shared = key is not None and len(members) > 1 and Dependency.Role.PRIMARY in roles and len(roles) > 1
            blocks.append(_block(css, members, part(members[0]), today, shared=shared))
        layers.append(Layer(name, css, tuple(blocks), more.get(css, "")))
    return layers


def _block(css: str, members: list[StackRow], thing: Any, today: date, *, shared: bool) -> Block:
    first = members[0]
    if thing is None:
        return Block(len(members), "unresolved", "nobody knows yet what this id is", "", shared=False, known=False)
    if css == "offering":
        note = _end_note(first)
        if first.answering != first.offering:
            note = f"redirected to {first.answering.api_id}; {note}"
        return Block(len(members), thing.api_id, note, reverse("offering", args=[thing.pk]), shared, is_id=True)
    if css == "version":
        note = f"released {thing.released_on:%b %Y}" if thing.released_on else ""
        return Block(len(members), thing.name, note, "", shared)
    if css == "foundation":
        return Block(len(members), thing.name, thing.family, reverse("foundation", args=[thing.slug]), shared)
    note = (
        f"{_roles_of(members)} stop together"
        if shared and css == "host"
        else f"{_roles_of(members)} share it"
        if shared
        else ""
    )
    return Block(len(members), thing.name, note, reverse("provider", args=[thing.slug]), shared)


def _roles_of(members: list[StackRow]) -> str:
    roles = list(dict.fromkeys(row.dependency.get_role_display().lower() for row in members))
    return " and ".join(filter(None, [", ".join(roles[:-1]), roles[-1]]))


def _end_note(row: StackRow) -> str:
    end = row.answering.retires_on
    if end is None:
        return "retired" if row.days_left == 0 else "no end announced"
    if row.at_least:
        return f"not before {end.day} {end:%b %Y}"
    days = row.days_left or 0
    return f"ended {end.day} {end:%b %Y}" if days < 0 else f"ends {end.day} {end:%b %Y}, in {days} days"


@require_safe
def application(request: HttpRequest, slug: str) -> HttpResponse:
    app = get_object_or_404(Application.objects.visible_to(request.user).select_related("team"), slug=slug)
    at = now()
    today = day_of(at)
    rows = stack(application=app, on=today)
    return page(
        request,
        "applications/detail.html",
        title=app.name,
        crumbs=(
            ("Applications", reverse("applications")),
            (app.team.name, f"{reverse('applications')}?team={app.team.slug}"),
        ),
        counts="Live dependencies of this application",
        as_of=at,
        application=app,
        sentence=sentences.of_application(app.name, rows, today),
        rows=rows,
        ordered=neighbourly(rows),
        layers=layers_of(neighbourly(rows), today, _others(rows, request.user, today)),
        events=events_of_application(application=app, on=today, most=20),
        alerts_go_to=alerts_go_to(app),
        ended=app.dependencies.filter(until__lte=today).select_related("offering__host").order_by("-until")[:10],
    )


def _others(rows: list[StackRow], user: Any, today: date) -> dict[str, str]:
    """For each layer under the first primary: how many visible applications stand on the same node."""
    primary = next((row for row in rows if row.dependency.role == Dependency.Role.PRIMARY), None)
    if primary is None:
        return {}
    parts = {
        "offering": (NodeKind.OFFERING, primary.answering),
        "version": (NodeKind.VERSION, primary.version),
        "foundation": (NodeKind.FOUNDATION, primary.foundation),
        "developer": (NodeKind.DEVELOPER, primary.developer),
        "host": (NodeKind.HOST, primary.host),
    }
    said = {}
    for css, (kind, thing) in parts.items():
        if thing is not None:
            reach = reach_by_ref(kind=kind, refs=[thing.pk], user=user, on=today).get(thing.pk)
            if reach:
                said[css] = f"{reach.n} here, {reach.n_critical} critical"
    return said


@require_safe
def stack_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    app = get_object_or_404(Application.objects.visible_to(request.user), slug=slug)

    def cells(row: StackRow) -> list[Any]:
        return [
            app.name,
            row.dependency.get_role_display(),
            row.dependency.traffic_share,
            row.offering.api_id,
            row.version.identifier if row.version else "",
            row.foundation.name if row.foundation else "",
            row.developer.name if row.developer else "",
            row.host.name,
            row.dependency.via_party.name if row.dependency.via_party else "",
            row.answering.retires_on,
            row.days_left,
            "at least" if row.at_least else "",
        ]

    heads = [
        "application",
        "role",
        "traffic share",
        "api id",
        "version",
        "foundation",
        "developer",
        "host",
        "reached via",
        "ends",
        "days left",
        "bound",
    ]
    return csv_answer(f"stack-{app.slug}", heads, stack(application=app, on=day_of(now())), cells)
