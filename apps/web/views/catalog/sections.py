"""Shared sections of the foundation, version, offering and provider pages: dependent applications,
risks, the lifecycle."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.catalog.identity.name_summaries import NameSummary, name_summaries
from apps.catalog.models import NAMED_KINDS, Assertion, Node, NodeKind, Offering
from apps.catalog.models.claims import Topic
from apps.common.time import day_of, now
from apps.exposure.engine.reach import reached_applications
from apps.exposure.models import ActiveDependency
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.inventory.models import Application, Dependency
from apps.risks.models import FoundationRisk
from apps.web.drawings.timelines.lifecycle import Claim, Lifecycle, Track, draw_lifecycle
from apps.web.presenters.retirement_dates import OfferingSummary
from apps.web.queries import with_primary_stacks
from apps.web.views.applications.summaries import application_summaries

MAX_APPLICATIONS = 25
# what the counts of the pages of models are about
DEPENDENTS_COUNTED = "Applications that you can view, in any role"
MAX_TRACKS = 8
MAX_RISKS = 8
MAX_NAMES = 50


@dataclass(frozen=True, slots=True)
class DependentApplications:
    """Most critical applications that depend on a node; `kind` and `ref` identify the node in URLs
    of exposure."""

    kind: str
    ref: int
    count: DependentCount
    rows: tuple[Any, ...]

    @property
    def n_further(self) -> int:
        return max(self.count.n - len(self.rows), 0)


def count_dependents(kind: NodeKind, ref: int, *, user: User) -> DependentCount:
    """Return how many applications depend on the node; one statement."""
    return dependent_counts(kind=kind, refs=[ref], user=user).get(ref, DependentCount())


def dependent_applications(
    kind: NodeKind, ref: int, *, user: User, today: date, count: DependentCount
) -> DependentApplications:
    """Return the most critical MAX_APPLICATIONS of the `count` applications that depend on the
    node: seven statements at most, as of the last refresh."""
    node = (
        Node.objects.filter(kind=kind, ref=ref).values_list("pk", flat=True).first()
        if count.n
        else None
    )
    if node is None:
        return DependentApplications(kind.label, ref, DependentCount(), ())
    reached_rows = reached_applications(
        node, kind, team_ids=visible_team_ids(user), limit=MAX_APPLICATIONS
    )
    application_ids = [row.application_id for row in reached_rows]
    applications_by_id = {
        row.pk: row
        for row in with_primary_stacks(
            Application.objects.visible_to(user).filter(pk__in=application_ids), on=today
        )
    }
    return DependentApplications(
        kind.label,
        ref,
        count,
        tuple(
            application_summaries(applications_by_id[pk], today)
            for pk in application_ids
            if pk in applications_by_id
        ),
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
    """Return (up to MAX_RISKS severest open risks attached to the nodes, number of all such risks):
    two statements at most."""
    attached_to_nodes = Q()
    for kind, ref in nodes:
        attached_to_nodes |= Q(node__kind=kind, node__ref=ref)
    if not nodes:
        return [], 0
    open_risks = FoundationRisk.objects.open().filter(attached_to_nodes).visible_to(user)
    severest_risks = list(
        open_risks.select_related("template", "node", "owner").order_by("-inherent", "pk")[
            : MAX_RISKS + 1
        ]
    )
    if len(severest_risks) <= MAX_RISKS:
        return severest_risks, len(severest_risks)
    return severest_risks[:MAX_RISKS], open_risks.count()


def offering_summaries(
    offerings: QuerySet[Offering], *, user: User
) -> tuple[list[OfferingSummary], dict[int, DependentCount]]:
    """Return all offerings, those in use first, then by date; and {offering ID: dependents} of
    those in use. Two statements."""
    rows = summarise_offerings(offerings)
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


def summarise_offerings(offerings: QuerySet[Offering]) -> list[OfferingSummary]:
    """Return the offerings in no order; one statement."""
    return [
        OfferingSummary(*row)
        for row in offerings.order_by().values_list(
            "pk",
            "version_id",
            "retires_on",
            "date_kind",
            "host__name",
            "api_id",
            "lifecycle",
            "region_scope",
            "binding",
            "service_tier",
            "retires_month",
            "due_status",
        )
    ]


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name or product in use whose model ID is not known, on the page of what it may be."""

    summary: NameSummary
    count: DependentCount


def names_in_use(node_kind: NodeKind, ref: int, *, user: User, today: date) -> list[NameRow]:
    """Return the names and products that may be the model and that applications use, those with
    most dependents first; three statements, one where there are none."""
    ids = list(
        Offering.objects.filter(kind__in=NAMED_KINDS)
        .filter(footings__node__kind=node_kind, footings__node__ref=ref, resolved_to=None)
        # most products are in the catalogue only
        .filter(pk__in=Dependency.objects.values("offering"))
        .order_by("pk")
        .values_list("pk", flat=True)[:MAX_NAMES]
    )
    if not ids:
        return []
    counts = dependent_counts(kind=NodeKind.OFFERING, refs=ids, user=user)
    summaries = name_summaries([pk for pk in ids if pk in counts], on=today)
    rows = [NameRow(summary, counts[pk]) for pk, summary in summaries.items()]
    return sorted(rows, key=lambda row: (-row.count.n_critical, -row.count.n, row.summary.text))


def hosts_of_names(rows: Sequence[NameRow]) -> set[str]:
    """Return the hosts at which applications use one of the names."""
    return {row.summary.host for row in rows if row.summary.is_host_stated}


def load_offerings(summaries: Sequence[OfferingSummary]) -> list[Offering]:
    """Load the offerings with the relations that tables and drawings show, in the given order: one
    statement."""
    offerings_by_id = Offering.objects.select_related(
        "host", "version__foundation", "alias", "replacement", "lifecycle_claim"
    ).in_bulk([row.pk for row in summaries])
    return [offerings_by_id[row.pk] for row in summaries if row.pk in offerings_by_id]


def lifecycle_picture(offerings: Sequence[Offering], used_ids: Collection[int]) -> Lifecycle | None:
    """Draw the offerings that are in use or have a date, each with the claims of all sources.

    Host and version must be loaded. One statement."""
    drawn_offerings = lifecycle_tracks(offerings, used_ids)
    if not drawn_offerings:
        return None
    today = day_of(now())
    claims: dict[int, list[Claim]] = {}
    for assertion in load_claims(drawn_offerings):
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
                and row.pk in used_ids,
                claims=tuple(claims.get(row.pk, ())[:6]),
            )
            for row in drawn_offerings
        ],
        today=today,
    )


def lifecycle_tracks(offerings: Sequence[Offering], used_ids: Collection[int]) -> list[Offering]:
    """Return the offerings to draw: those in use, then others with a retirement date."""
    offerings_in_use = [row for row in offerings if row.pk in used_ids]
    return [
        *offerings_in_use,
        *(row for row in offerings if row.retires_on and row.pk not in used_ids),
    ][:MAX_TRACKS]


def load_claims(offerings: Collection[Offering]) -> list[Assertion]:
    """Load the lifecycle claims of all sources, highest priority first."""
    return list(
        Assertion.objects.standing()
        .filter(offering__in=offerings, topic=Topic.LIFECYCLE)
        .select_related("source")
        .order_by("source__trust_rank", "source__name", "pk")
    )


CLAIM_HEADS = (
    "host",
    "model ID",
    "accepted retirement",
    "kind",
    "source",
    "says",
    "retires",
    "kind of date",
    "in its feed",
    "URL",
)


def claim_lines(offerings: Sequence[Offering]) -> list[list[Any]]:
    """Return the lifecycle timeline as rows: the accepted value beside each source value."""
    claims_by_offering: dict[int, list[Assertion]] = {}
    for assertion in load_claims(offerings):
        claims_by_offering.setdefault(assertion.offering_id or 0, []).append(assertion)
    lines = []
    for row in offerings:
        accepted_cells = [row.host.name, row.api_id, row.retires_on, row.get_date_kind_display()]
        for assertion in claims_by_offering.get(row.pk, []):
            claim = Claim.of(assertion)
            kind = "" if claim.ends_on is None else "earliest" if claim.soft else "announced"
            statement = "no date" if claim.ends_on is None else "retires"
            lines.append(
                [
                    *accepted_cells,
                    claim.source,
                    statement,
                    claim.ends_on,
                    kind,
                    "no" if claim.missing else "yes",
                    assertion.source_url,
                ]
            )
        if row.pk not in claims_by_offering:
            lines.append([*accepted_cells, "", "no source value", "", "", "", ""])
    return lines
