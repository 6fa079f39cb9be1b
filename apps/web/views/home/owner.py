"""Home of an owner: the own issues first, then the own applications, and what has no owner."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.catalog.identity.agreed_models import AgreedModel, agreed_models
from apps.catalog.models import Offering, OfferingKind
from apps.common.database.statements import count_each
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.refresh_state import refresh_state
from apps.inventory.models import Application, ApplicationQuerySet, CachedRunway, Dependency
from apps.issues.models import Issue, Urgency
from apps.issues.urgent_causes import pending_issues
from apps.web.pages.page import Headline, render_page
from apps.web.views.home.changes import recent_changes
from apps.web.views.home.decisions import decisions_today
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.views.start import setup_steps
from apps.web.wording import bounded_number, join_names, number

MAX_URGENT = 5
MAX_LATER = 10
MAX_APPLICATIONS = 10
MAX_UNOWNED = 5
MAX_DEVELOPERS = 5
# own issues are counted up to here
MAX_COUNTED_ISSUES = 1_000


@dataclass(frozen=True, slots=True)
class OwnedApplication:
    """An application with its first retirement; `start_by` is None while the effort is unknown.
    `is_earliest_passed`: the model can retire on any day from now on."""

    application: Application
    retires_on: date | None
    is_earliest: bool
    is_earliest_passed: bool
    start_by: date | None
    is_late: bool


def owner_home(request: HttpRequest, user: User) -> HttpResponse:
    """Show the work of the user, over their applications and without the tolerance of the
    organisation."""
    at = now()
    today = day_of(at)
    mine = pending_issues(user, today=today).filter(owner=user)
    # as Work counts them, where accepted issues come last
    assigned = Issue.objects.visible_to(user).in_work(on=today).filter(owner=user)
    decisions = decisions_today(mine, user=user, today=today, limit=MAX_URGENT)
    shown = [row.issue.cause_id for row in decisions.rows]
    later = present_issues(
        mine.exclude(cause__in=shown)
        .select_related(*RELATIONS)
        .order_by("act_by", "criticality", "pk")[: MAX_LATER + 1],
        today=today,
    )
    teams = Application.objects.visible_to(user).in_scope()
    owned = teams.filter(Q(business_owner_person=user) | Q(technical_owner_person=user))
    limit = MAX_COUNTED_ISSUES + 1
    n_mine, n_now, n_owned, n_visible = count_each(
        assigned.order_by().values("pk")[:limit],
        mine.filter(act_by__lte=today).order_by().values("pk")[:limit],
        owned.order_by().values("pk"),
        teams.order_by().values("pk")[:1],
    )
    applications = _load_applications(owned, today)
    unowned = list(
        teams.without_owner()
        .select_related("team")
        .order_by("criticality", "name")[: MAX_UNOWNED + 1]
    )
    pressing = [row.issue.application for row in decisions.rows if row.is_now]
    return render_page(
        request,
        "home/owner.html",
        title="Home",
        counts="Applications that you own, in pilot or production",
        as_of=at,
        sentence=_headline(n_mine, n_now, pressing),
        changes=recent_changes(
            Issue.objects.visible_to(user).assigned_to(user, on=today), user=user, today=today
        ),
        decisions=decisions,
        later=later[:MAX_LATER],
        later_is_cut=len(later) > MAX_LATER,
        urgencies=_count_urgencies([*(row.row for row in decisions.rows), *later]),
        n_mine=n_mine,
        n_mine_shown=bounded_number(n_mine, MAX_COUNTED_ISSUES),
        n_owned=n_owned,
        applications=applications,
        developers=_count_developers(owned, today),
        unowned=unowned[:MAX_UNOWNED],
        unowned_is_cut=len(unowned) > MAX_UNOWNED,
        state=refresh_state(),
        steps=setup_steps(user) if not n_visible else (),
    )


def _headline(n: int, n_now: int, applications: Sequence[Application | None]) -> Headline:
    """State how many of the own issues need work now, and of which applications."""
    if not n:
        return Headline("No issue is assigned to you.")
    assigned = pluralize(n, "1 issue is assigned to you", f"{number(n)} issues are assigned to you")
    if not n_now:
        return Headline(f"{assigned}. None needs work now.")
    names = list(
        dict.fromkeys(application.name for application in applications if application is not None)
    )
    urgent = pluralize(
        n_now, "1 of your issues needs work now", f"{number(n_now)} of your issues need work now"
    )
    first = f": {join_names(names, max_names=2)}" if names else ""
    return Headline("", urgent, f"{first}. {assigned}.")


def _count_urgencies(rows: Sequence[IssueRow]) -> list[tuple[str, int]]:
    counts = Counter(row.urgency for row in rows)
    return [(urgency.label.lower(), counts[urgency]) for urgency in Urgency if counts[urgency]]


def _load_applications(owned: ApplicationQuerySet, today: date) -> list[OwnedApplication]:
    """Return the own applications, first retirement first; two statements."""
    rows = list(owned.order_by("pk")[:500])
    runways = {
        row.application_id: row
        for row in CachedRunway.objects.filter(
            application_id__in=[row.pk for row in rows], is_first=True
        )
    }
    # without a retirement last, then by criticality
    applications = sorted(
        rows,
        key=lambda row: (
            row.pk not in runways,
            # what retires for certain comes first
            row.pk in runways and runways[row.pk].at_least,
            (runways[row.pk].retires_on or today) if row.pk in runways else date.max,
            row.criticality,
            row.name,
        ),
    )
    return [_build_application(row, runways.get(row.pk), today) for row in applications][
        :MAX_APPLICATIONS
    ]


def _build_application(
    application: Application, runway: CachedRunway | None, today: date
) -> OwnedApplication:
    if runway is None:
        return OwnedApplication(application, None, False, False, None, False)
    is_late = runway.start_by is not None and runway.start_by < today
    start_by = runway.start_by if runway.effort_days is not None else None
    retires_on = runway.retires_on
    is_earliest_passed = runway.at_least and retires_on is not None and retires_on <= today
    return OwnedApplication(
        application, retires_on, runway.at_least, is_earliest_passed, start_by, is_late
    )


def _count_developers(owned: ApplicationQuerySet, today: date) -> list[tuple[str, int]]:
    """Return the developers of the primary models of the own applications, most applications
    first; two statements, and at most three for names of several versions."""
    primaries = Dependency.objects.live_on(today).filter(role=Dependency.Role.PRIMARY)
    counts: Counter[str] = Counter()
    found: Any = owned.prefetch_related(
        Prefetch(
            "dependencies",
            primaries.select_related("offering__version__foundation__developer"),
            to_attr="primaries",
        )
    )[:500]
    rows = list(found)
    agreed = agreed_models(
        {
            row.offering_id
            for application in rows
            for row in application.primaries
            if row.offering.version is None
        }
    )
    for application in rows:
        counts.update({_developer_name(row.offering, agreed) for row in application.primaries})
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_DEVELOPERS]


def _developer_name(offering: Offering, agreed: Mapping[int, AgreedModel]) -> str:
    """Return the developer of the offering; of a name the one of all its candidates."""
    if offering.version is not None:
        return offering.version.foundation.developer.name
    common = agreed.get(offering.pk)
    if common is not None and common.developer is not None:
        return common.developer.name
    return "Unresolved" if offering.kind == OfferingKind.MODEL_ID else "Not known"
