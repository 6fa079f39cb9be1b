"""Dashboard: what needs attention now, for the overview and the board summary; few rows, few
statements.

Runways come from the stored ones (inventory/read_models.py), flags and layers from the engine,
assessments from the counts of the risks: each states as of when it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import batched

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.exposure.models import ExposureFlag, Policy
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import LayerRow, LayerTable, visible_team_ids
from apps.intake.models import Discrepancy
from apps.intake.queries import open_by_kind
from apps.inventory.models import Application, CachedRunway
from apps.risks.queries.counts import CountBasis, count_basis, team_standings
from apps.risks.queries.reach import RiskReach
from apps.web.wording import bounded_number, number, share

# counting stops here, so that a page costs the same in a large portfolio
MAX_COUNTED_RUNWAYS = 10_000
MAX_COUNTED_DISCREPANCIES = 1_000


@dataclass(frozen=True, slots=True)
class ShortestRunway:
    """Runway of an application's most urgent primary model: days left minus days needed, None if
    either is unknown."""

    application: Application
    offering: Offering
    retires_on: date | None
    at_least: bool
    days_left: int | None
    effort_days: Decimal | None
    basis: str
    runway: Decimal | None
    start_by: date | None

    @property
    def is_late(self) -> bool:
        """Return whether the runway is negative, or the model is retired."""
        return (self.runway if self.runway is not None else self.days_left or 0) < 0


def _cached_runways(user: User) -> QuerySet[CachedRunway]:
    teams = visible_team_ids(user)
    runways = CachedRunway.objects.filter(is_first=True)
    return runways if teams is None else runways.filter(team_id__in=teams)


def _load_runways(rows: Sequence[CachedRunway], on: date) -> list[ShortestRunway]:
    """Return the runways with application and offering; those of deleted rows are left out. Two
    statements."""
    applications = Application.objects.select_related("team").in_bulk(
        [row.application_id for row in rows]
    )
    offerings = Offering.objects.select_related(
        "host", "version__foundation", "replacement"
    ).in_bulk([row.offering_id for row in rows])
    shortest = []
    for row in rows:
        if row.application_id in applications and row.offering_id in offerings:
            # stored rows may be of yesterday: days are counted from today
            days_left = row.days_left
            if row.retires_on is not None:
                days_left = (row.retires_on - on).days
                days_left = max(days_left, 0) if row.at_least else days_left
            runway = (
                None
                if days_left is None or row.effort_days is None
                else days_left - row.effort_days
            )
            shortest.append(
                ShortestRunway(
                    applications[row.application_id],
                    offerings[row.offering_id],
                    row.retires_on,
                    row.at_least,
                    days_left,
                    row.effort_days,
                    row.basis,
                    runway,
                    row.start_by,
                )
            )
    return shortest


def shortest_runways(*, user: User, on: date, limit: int) -> list[ShortestRunway]:
    """Return one row per application, the one that must start its migration first in front: three
    statements."""
    rows = list(
        _cached_runways(user)
        .filter(start_by__isnull=False)
        .order_by("start_by", "criticality", "dependency_id")[:limit]
    )
    return _load_runways(rows, on)


def iterate_shortest_runways(*, user: User, on: date) -> Iterator[ShortestRunway]:
    """Yield all of them in that order, a thousand at a time."""
    rows = (
        _cached_runways(user)
        .order_by("start_by", "criticality", "dependency_id")
        .iterator(chunk_size=1000)
    )
    for portion in batched(rows, 1000):
        yield from _load_runways(portion, on)


def late_runway_rows(*, user: User, on: date) -> QuerySet[CachedRunway]:
    """Select the negative runways, at most MAX_COUNTED_RUNWAYS + 1."""
    return _cached_runways(user).filter(start_by__lt=on).order_by()[: MAX_COUNTED_RUNWAYS + 1]


def count_negative_runways(*, user: User, on: date) -> int:
    """Count applications whose migration should have begun already, up to MAX_COUNTED_RUNWAYS + 1;
    one statement."""
    return late_runway_rows(user=user, on=on).count()


def format_negative_runways(n: int) -> str:
    """Format a number of negative runways, which are counted up to MAX_COUNTED_RUNWAYS."""
    return bounded_number(n, MAX_COUNTED_RUNWAYS)


@dataclass(frozen=True, slots=True)
class FlagRow:
    """Exposure flag: `what` is the node with its kind, or what the policy counts; value and limit
    are written in the policy's unit; `until` the last day of an acceptance."""

    pk: int
    what: str
    policy: str
    state: str
    until: date | None
    opened_at: datetime
    value: str
    limit: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class OpenFlags:
    rows: tuple[FlagRow, ...]
    n_open: int
    n_live: int


def open_flags(*, user: User, limit: int) -> OpenFlags:
    """Return open flags, those without a response first: three statements."""
    live_flags = ExposureFlag.objects.visible_to(user).filter(state__in=ExposureFlag.LIVE)
    counts = live_flags.order_by().aggregate(
        n=Count("pk"), n_open=Count("pk", filter=Q(state=ExposureFlag.State.OPEN))
    )
    # "open" is the last of the states by the alphabet
    flags = list(
        live_flags.select_related("policy", "node").order_by("-state", "-opened_at", "pk")[:limit]
    )
    names = node_names([flag.node_id for flag in flags if flag.node_id])
    rows = []
    for flag in flags:
        name = names.get(flag.node_id or 0)
        rows.append(
            FlagRow(
                pk=flag.pk,
                what=f"{name.kind.label.capitalize()}: {name.label}" if name else flag.policy.name,
                policy=flag.policy.name if name else "",
                state=flag.get_state_display(),
                until=flag.accepted_until if flag.state == ExposureFlag.State.ACCEPTED else None,
                opened_at=flag.opened_at,
                value=_format_measure(flag.policy, flag.value),
                limit=_format_measure(flag.policy, flag.limit),
                is_open=flag.state == ExposureFlag.State.OPEN,
            )
        )
    return OpenFlags(tuple(rows), counts["n_open"], counts["n"])


def _format_measure(policy: Policy, value: Decimal) -> str:
    shares = {Policy.Measure.WEIGHT_SHARE, Policy.Measure.CRITICAL_SHARE}
    return share(value) if policy.measure in shares else number(round(value))


@dataclass(frozen=True, slots=True)
class OpenDiscrepancies:
    """Open discrepancies of one kind between declared and observed usage; counted up to
    MAX_COUNTED_DISCREPANCIES."""

    kind: str
    n: int

    @property
    def shown(self) -> str:
        return bounded_number(self.n, MAX_COUNTED_DISCREPANCIES)


def open_discrepancies(*, user: User) -> list[OpenDiscrepancies]:
    """Return the kinds of which any is open: one statement."""
    counts = open_by_kind(user, max_count=MAX_COUNTED_DISCREPANCIES)
    return [
        OpenDiscrepancies(kind, counts[kind])
        for kind in Discrepancy.Kind.values
        if counts.get(kind)
    ]


@dataclass(frozen=True, slots=True)
class FoundationRow:
    """Foundation with the applications that have a primary model on it; `length` is the bar's, of
    100 for the largest."""

    row: LayerRow
    length: float


def foundation_rows(table: LayerTable) -> list[FoundationRow]:
    """Return the foundations by blast radius: applications that stop if it does."""
    rows = sorted(table.rows, key=lambda row: (-row.n_applications, row.name))
    largest = rows[0].n_applications if rows else 0
    return [
        FoundationRow(row, round(100 * row.n_applications / largest, 1) if largest else 0)
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class UnassessedTeamRow:
    slug: str
    name: str
    reach: RiskReach
    length: float


@dataclass(frozen=True, slots=True)
class UnassessedRisks:
    """Unassessed inherited risks by team; `n_more` counts the teams that are not shown."""

    total: RiskReach
    rows: tuple[UnassessedTeamRow, ...]
    n_more: int
    basis: CountBasis

    @property
    def as_of(self) -> datetime | None:
        """Return when it was counted; None if it was counted just now, or never was."""
        return self.basis.counted_at


def unassessed_by_team(*, user: User, on: date, limit: int) -> UnassessedRisks:
    """Return unassessed risks by team; at most three statements."""
    basis = count_basis(user, by_team=True)
    teams = team_standings(user=user, on=on, stored=basis.stored)
    total = RiskReach.total(team.reach for team in teams)
    teams_with_open_risks = [
        team for team in teams if team.reach.n_unassessed or team.reach.n_stale
    ]
    largest = max((team.reach.n_unassessed for team in teams_with_open_risks), default=0)
    rows = tuple(
        UnassessedTeamRow(
            team.team,
            team.name,
            team.reach,
            round(100 * team.reach.n_unassessed / largest, 1) if largest else 0,
        )
        for team in teams_with_open_risks[:limit]
    )
    return UnassessedRisks(total, rows, max(0, len(teams_with_open_risks) - limit), basis)
