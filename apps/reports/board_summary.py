"""Board summary on one page: tested exits, activity of the quarter, and pending decisions.

For organisation roles it covers the organisation, for other users the portfolio of their teams;
pages say which."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.common.database.statements import count_each
from apps.common.time import start_of
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import Campaign, ExposureFlag
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portability import count_portable
from apps.inventory.models import (
    AnnexItem,
    Application,
    Approval,
    CachedRunway,
    Criticality,
    DecisionProposal,
    Dependency,
    ExitTest,
)
from apps.risks.models import Assessment

QUARTER_LENGTH = timedelta(days=91)
# tolerances loosened during a breach are shown for so long
LOOSENED_PERIOD = timedelta(days=365)
LOOK_AHEAD = timedelta(days=60)
# records listed for each kind of decision
MAX_LISTED = 3


@dataclass(frozen=True, slots=True)
class TestedExits:
    """Critical applications with a primary model, and those whose every primary model has a valid
    tested exit; the figures of the exposure page."""

    n_critical: int
    n_tested: int

    @property
    def share(self) -> float | None:
        return self.n_tested / self.n_critical if self.n_critical else None


@dataclass(frozen=True, slots=True)
class QuarterActivity:
    """The activity of users from `since` on."""

    since: date
    n_tests: int
    n_tests_passed: int
    n_assessed: int
    n_accepted: int
    n_decided: int
    n_flags_opened: int
    n_flags_resolved: int
    n_campaigns_closed: int
    n_moved: int


@dataclass(frozen=True, slots=True)
class OpenFlag:
    policy: str
    node: str
    value: Decimal
    limit: Decimal
    n_applications: int


@dataclass(frozen=True, slots=True)
class LateExit:
    """A critical or important application whose migration should have started by `start_by`,
    according to the recorded data; its model retires on `retires_on`, or not before it if
    `is_earliest`."""

    application: Application
    start_by: date
    retires_on: date | None
    has_ended: bool
    is_earliest: bool


@dataclass(frozen=True, slots=True)
class PendingDecisions:
    """Pending decisions. `flags` and `late` list the first of `n_flags` flags and of the late
    exits; `late_is_cut` is True if there are more."""

    flags: list[OpenFlag]
    n_flags: int
    late: list[LateExit]
    late_is_cut: bool
    n_acceptances: int
    n_approvals: int
    n_requests: int

    @property
    def is_empty(self) -> bool:
        return not (
            self.n_flags or self.late or self.n_acceptances or self.n_approvals or self.n_requests
        )


def tested_exits(*, user: User) -> TestedExits:
    """Count tested exits as the exposure page counts them."""
    n, n_tested = count_portable(settings=engine_settings(), team_ids=visible_team_ids(user))
    return TestedExits(n, n_tested)


def activity_between(*, user: User, since: date, until: date) -> QuarterActivity:
    """Return the activity in [since, until); four statements, flags and decisions for organisation
    roles only."""
    begin, end = start_of(since), start_of(until)
    tests = _single_row(
        ExitTest.objects.visible_to(user).filter(tested_on__gte=since, tested_on__lt=until),
        n=Count("pk"),
        passed=Count("pk", filter=Q(result=ExitTest.Result.PASSED)),
    )
    assessed = _single_row(
        Assessment.objects.visible_to(user),
        n=Count("pk", filter=Q(assessed_at__gte=begin, assessed_at__lt=end)),
        accepted=Count("pk", filter=Q(accepted_at__gte=begin, accepted_at__lt=end)),
    )
    decided = Approval.objects.visible_to(user).filter(decided_on__gte=since, decided_on__lt=until)
    flags = _single_row(
        ExposureFlag.objects.visible_to(user),
        opened=Count("pk", filter=Q(opened_at__gte=begin, opened_at__lt=end)),
        resolved=Count("pk", filter=Q(resolved_at__gte=begin, resolved_at__lt=end)),
    )
    campaigns = Campaign.objects.visible_to(user).filter(closed_at__gte=begin, closed_at__lt=end)
    # applications that ended a primary in the quarter and have had another one since
    migrated = (
        Dependency.objects.visible_to(user)
        .filter(role=Dependency.Role.PRIMARY, until__gte=since, until__lt=until)
        .filter(
            application__dependencies__role=Dependency.Role.PRIMARY,
            application__dependencies__since__gte=since,
        )
        .order_by()
        .values("application")
        .distinct()
    )
    n_decided, n_closed, n_migrated = count_each(
        decided.order_by().values("pk"), campaigns.order_by().values("pk"), migrated
    )
    return QuarterActivity(
        since,
        tests["n"],
        tests["passed"],
        assessed["n"],
        assessed["accepted"],
        n_decided,
        flags["opened"],
        flags["resolved"],
        n_closed,
        n_migrated,
    )


def pending_decisions(*, user: User, on: date) -> PendingDecisions:
    """Return the pending decisions; five statements."""
    open_flags = ExposureFlag.objects.visible_to(user).filter(
        state__in=[ExposureFlag.State.OPEN, ExposureFlag.State.ACKNOWLEDGED]
    )
    listed_flags = list(
        open_flags.select_related("policy").order_by("-n_applications", "pk")[:MAX_LISTED]
    )
    names = node_names([flag.node_id for flag in listed_flags if flag.node_id is not None])
    teams = visible_team_ids(user)
    late = CachedRunway.objects.filter(
        is_first=True, start_by__lt=on, criticality__lte=Criticality.IMPORTANT
    )
    if teams is not None:
        late = late.filter(team_id__in=teams)
    late_runways = list(late.order_by("criticality", "start_by", "dependency_id")[: MAX_LISTED + 1])
    applications = Application.objects.visible_to(user).in_bulk(
        [row.application_id for row in late_runways]
    )
    acceptances = Assessment.objects.visible_to(user).accepted_on(on)
    approvals = Approval.objects.standing_on(on).visible_to(user)
    requests = AnnexItem.objects.visible_to(user).filter(status=AnnexItem.Status.REQUESTED)
    n_flags, n_acceptances, n_approvals, n_requests = count_each(
        open_flags.values("pk"),
        acceptances.filter(accepted_until__lte=on + LOOK_AHEAD).values("pk"),
        approvals.filter(expires_on__lte=on + LOOK_AHEAD).values("pk"),
        requests.filter(due_on__lt=on).values("pk"),
    )
    return PendingDecisions(
        flags=[
            OpenFlag(
                flag.policy.name,
                names[flag.node_id].label if flag.node_id in names else "",
                flag.value,
                flag.limit,
                flag.n_applications,
            )
            for flag in listed_flags
        ],
        n_flags=n_flags,
        late=[
            LateExit(
                applications[row.application_id],
                row.start_by,
                row.retires_on,
                row.retires_on is not None and row.retires_on <= on and not row.at_least,
                row.at_least,
            )
            for row in late_runways[:MAX_LISTED]
            if row.application_id in applications and row.start_by is not None
        ],
        late_is_cut=len(late_runways) > MAX_LISTED,
        n_acceptances=n_acceptances,
        n_approvals=n_approvals,
        n_requests=n_requests,
    )


def loosened_tolerances(*, user: User, on: date) -> list[DecisionProposal]:
    """Return the tolerances that were loosened during a breach in the last year, latest first: by
    two persons, or by one where none was required to confirm. For organisation roles."""
    since = start_of(on - LOOSENED_PERIOD)
    applied = Q(state=DecisionProposal.State.CONFIRMED, decided_at__gte=since) | Q(
        state=DecisionProposal.State.APPLIED, proposed_at__gte=since
    )
    proposals = DecisionProposal.objects.visible_to(user).filter(
        applied, kind=DecisionProposal.Kind.TOLERANCE
    )
    ordered = proposals.order_by(Coalesce("decided_at", "proposed_at").desc(), "-pk")
    return list(ordered.select_related("proposed_by", "decided_by"))


def _single_row(rows: Any, **counts: Any) -> dict[str, int]:
    row: dict[str, int] = rows.order_by().aggregate(**counts)
    return row
