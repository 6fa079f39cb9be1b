"""Shared sections of the foundation, version, offering and provider pages: dependent applications,
risks, the lifecycle."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.catalog.models import Assertion, Node, NodeKind, Offering
from apps.catalog.models.claims import Topic
from apps.common.time import day_of, now
from apps.exposure.engine.reach import reached_applications
from apps.exposure.models import ActiveDependency
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.models import Application
from apps.risks.models import FoundationRisk
from apps.web.drawings.timelines.lifecycle import Claim, Lifecycle, Track, draw_lifecycle
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries

MAX_APPLICATIONS = 25
MAX_TRACKS = 8
MAX_RISKS = 8


@dataclass(frozen=True, slots=True)
class DependentApplications:
    """Dependent applications of a node, the most critical ones; `kind` and `ref` name it in URLs of
    exposure."""

    kind: str
    ref: int
    count: DependentCount
    rows: tuple[Any, ...]

    @property
    def n_further(self) -> int:
        return max(self.count.n - len(self.rows), 0)


def dependent_applications(
    kind: NodeKind, ref: int, *, user: User, today: date
) -> DependentApplications:
    """Return applications that depend on the node, the most critical MAX_APPLICATIONS of them:
    eight statements at most, as of the last refresh."""
    count = dependent_counts(kind=kind, refs=[ref], user=user).get(ref, DependentCount())
    node = (
        Node.objects.filter(kind=kind, ref=ref).values_list("pk", flat=True).first()
        if count.n
        else None
    )
    if node is None:
        return DependentApplications(kind.label, ref, DependentCount(), ())
    found = reached_applications(
        node, kind, team_ids=visible_team_ids(user), limit=MAX_APPLICATIONS
    )
    ids = [row.application_id for row in found]
    seen = {
        row.pk: row
        for row in with_primary_stacks(
            Application.objects.visible_to(user).filter(pk__in=ids), on=today
        )
    }
    return DependentApplications(
        kind.label,
        ref,
        count,
        tuple(application_summaries(seen[pk], today) for pk in ids if pk in seen),
    )


def used_offerings(user: User, offering: str = "pk") -> Exists:
    """Return the condition that a live application of the user calls the offering, as of the last
    refresh; `offering` is the column that holds it."""
    teams = visible_team_ids(user)
    uses = ActiveDependency.objects.filter(offering_id=OuterRef(offering))
    return Exists(uses if teams is None else uses.filter(team_id__in=list(teams)))


def attached_risks(
    nodes: Collection[tuple[NodeKind, int]], *, user: Any
) -> tuple[list[FoundationRisk], int]:
    """Return (the severest open risks attached to one of the nodes, how many there are): two
    statements at most."""
    there = Q()
    for kind, ref in nodes:
        there |= Q(node__kind=kind, node__ref=ref)
    if not nodes:
        return [], 0
    here = FoundationRisk.objects.open().filter(there).visible_to(user)
    found = list(
        here.select_related("template", "node", "owner").order_by("-inherent", "pk")[
            : MAX_RISKS + 1
        ]
    )
    if len(found) <= MAX_RISKS:
        return found, len(found)
    return found[:MAX_RISKS], here.count()


@dataclass(frozen=True, slots=True)
class OfferingSummary:
    """Offering, limited to what ordering and the sentence need: foundations have thousands."""

    pk: int
    version_id: int | None
    retires_on: date | None
    date_kind: str
    host: str
    api_id: str


def offering_summaries(
    offerings: QuerySet[Offering], *, user: User
) -> tuple[list[OfferingSummary], dict[int, DependentCount]]:
    """Return all offerings, those in use first, then by date; and how much depends on each. Two
    statements."""
    rows = [
        OfferingSummary(*row)
        for row in offerings.order_by().values_list(
            "pk", "version_id", "retires_on", "date_kind", "host__name", "api_id"
        )
    ]
    counts = dependent_counts(kind=NodeKind.OFFERING, refs=[row.pk for row in rows], user=user)
    rows.sort(
        key=lambda row: (
            -counts[row.pk].n if row.pk in counts else 0,
            row.retires_on or date.max,
            row.host,
            row.api_id,
            row.pk,
        )
    )
    return rows, counts


def load_offerings(briefs: Sequence[OfferingSummary]) -> list[Offering]:
    """Load the offerings themselves, in that order, with what tables and drawings show: one
    statement."""
    found = Offering.objects.select_related(
        "host", "version__foundation", "alias", "replacement", "lifecycle_claim"
    ).in_bulk([row.pk for row in briefs])
    return [found[row.pk] for row in briefs if row.pk in found]


def retirement_dates(
    briefs: Sequence[OfferingSummary], counts: Collection[int]
) -> list[tuple[date, str, str]]:
    """Return (day, host, kind of date) of those in use, or of all if none is."""
    called = [row for row in briefs if row.pk in counts]
    return [(row.retires_on, row.host, row.date_kind) for row in called or briefs if row.retires_on]


def lifecycle_picture(offerings: Sequence[Offering], called: Collection[int]) -> Lifecycle | None:
    """Draw offerings in use or with a date, each with what every source states.

    Offerings have host and version loaded. One statement."""
    told = lifecycle_tracks(offerings, called)
    if not told:
        return None
    today = day_of(now())
    claims: dict[int, list[Claim]] = {}
    for assertion in load_claims(told):
        claims.setdefault(assertion.offering_id or 0, []).append(Claim.of(assertion))
    return draw_lifecycle(
        [
            Track(
                host=row.host.name,
                api_id=row.api_id,
                released_on=row.version.released_on if row.version else None,
                ends_on=row.retires_on,
                soft=row.date_kind == "not_before",
                urgent=row.retires_on is not None
                and (row.retires_on - today).days <= 30
                and row.pk in called,
                claims=tuple(claims.get(row.pk, ())[:6]),
            )
            for row in told
        ],
        today=today,
    )


def lifecycle_tracks(offerings: Sequence[Offering], called: Collection[int]) -> list[Offering]:
    """Return those that are drawn: in use, then with a date."""
    used = [row for row in offerings if row.pk in called]
    return [*used, *(row for row in offerings if row.retires_on and row.pk not in called)][
        :MAX_TRACKS
    ]


def load_claims(offerings: Collection[Offering]) -> list[Assertion]:
    """Load what each source states about their retirement, highest priority first."""
    return list(
        Assertion.objects.standing()
        .filter(offering__in=offerings, topic=Topic.LIFECYCLE)
        .select_related("source")
        .order_by("source__trust_rank", "source__name", "pk")
    )


CLAIM_HEADS = (
    "host",
    "api id",
    "accepted end",
    "kind",
    "source",
    "says",
    "ends",
    "kind of its date",
    "in its feed",
    "address",
)


def claim_lines(offerings: Sequence[Offering]) -> list[list[Any]]:
    """Return the lifecycle timeline as rows: the accepted value beside each source value."""
    heard: dict[int, list[Assertion]] = {}
    for assertion in load_claims(offerings):
        heard.setdefault(assertion.offering_id or 0, []).append(assertion)
    lines = []
    for row in offerings:
        accepted = [row.host.name, row.api_id, row.retires_on, row.get_date_kind_display()]
        for assertion in heard.get(row.pk, []):
            said = Claim.of(assertion)
            kind = "" if said.ends_on is None else "not before" if said.soft else "firm"
            words = "no date" if said.ends_on is None else "ends"
            lines.append(
                [
                    *accepted,
                    said.source,
                    words,
                    said.ends_on,
                    kind,
                    "gone" if said.missing else "there",
                    assertion.source_url,
                ]
            )
        if row.pk not in heard:
            lines.append([*accepted, "", "nobody says anything", "", "", "", ""])
    return lines
