"""Node page of any kind: what depends on it or uses it in a supporting role, how much, by team, by
state, and which applications."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.catalog.models import Foundation, Node, NodeKind, Offering, Provider, Region, Version
from apps.common.time import day_of, now
from apps.exposure.engine.reach import (
    ReachedApplication,
    count_reached,
    reached_applications,
    reached_by_team,
)
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.states import ApplicationImpact, application_states, node_failures
from apps.exposure.models import EngineState, NodeReach, ScopedApplication, StandingState
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.node_states import node_states
from apps.exposure.snapshots.trends import node_trend
from apps.exposure.threats import DEFAULT_THREAT, THREATS
from apps.inventory.models import Application, Criticality, Dependency
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit
from apps.web.drawings.base.scales import number as written
from apps.web.drawings.charts import exposure_states as state_drawing
from apps.web.drawings.charts.trend import draw_trend
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, changed_query, csv_response
from apps.web.pages.page import render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.parameters import (
    KIND_WORDS,
    KINDS,
    STATE_HELP,
    STATE_WORDS,
    THREAT_VERBS,
    THREAT_WORDS,
    applications_by_id,
    chosen_option,
    parameter_options,
    teams_by_id,
    threat_options,
)
from apps.web.views.scenarios.links import scenario_url
from apps.web.wording import number

PAGE_SIZE = 50
# a state of a node that more stand on than this is looked for batch by batch
_WALKED = 5_000
_BATCH = 1_000
TREND_DAYS = 400
MAX_TEAMS = 200
SUPPORTING = "leaning"
_ROLES = dict(Dependency.Role.choices)
_PARTIES = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)
_UNRESOLVED_MAY_BE = frozenset({NodeKind.VERSION, NodeKind.FOUNDATION, NodeKind.DEVELOPER})


@dataclass(frozen=True, slots=True)
class NodeSubject:
    """Subject of the page; `url` is its own page in the registry, `node_id` None if nothing has
    ever depended on it."""

    kind: NodeKind
    ref: int
    name: str
    url: str
    node_id: int | None


@dataclass(frozen=True, slots=True)
class DependentRow:
    application: Application
    criticality: str
    roles: str
    state: str
    state_words: str
    hit_share: float | None


@dataclass(frozen=True, slots=True)
class NodeTeamRow:
    team: Team
    n: int
    n_critical: int


def load_subject(kind: str, ref: int) -> NodeSubject:
    """Load the subject; Http404 if there is none."""
    if kind not in KINDS:
        raise Http404
    node_kind = KINDS[kind]
    name, url = _named(node_kind, ref)
    node_id = Node.objects.filter(kind=node_kind, ref=ref).values_list("pk", flat=True).first()
    return NodeSubject(node_kind, ref, name, url, node_id)


def _named(kind: NodeKind, ref: int) -> tuple[str, str]:
    match kind:
        case NodeKind.OFFERING:
            if row := Offering.objects.select_related("host").filter(pk=ref).first():
                return f"{row.api_id} at {row.host.name}", reverse(
                    "offerings:detail", args=[row.pk]
                )
        case NodeKind.VERSION:
            if version := Version.objects.select_related("foundation").filter(pk=ref).first():
                return version.name or version.identifier, reverse(
                    "foundations:detail", args=[version.foundation.slug]
                )
        case NodeKind.FOUNDATION:
            if foundation := Foundation.objects.filter(pk=ref).first():
                return foundation.name, reverse("foundations:detail", args=[foundation.slug])
        case NodeKind.REGION:
            if region := Region.objects.select_related("host").filter(pk=ref).first():
                return f"{region.name} at {region.host.name}", reverse(
                    "providers:detail", args=[region.host.slug]
                )
        case _:
            if provider := Provider.objects.filter(pk=ref).first():
                return provider.name, reverse("providers:detail", args=[provider.slug])
    raise Http404


@require_safe
def node_detail(request: HttpRequest, kind: str, ref: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    subject = load_subject(kind, ref)
    threat, state = _asked(request, subject)
    teams, settings = visible_team_ids(user), engine_settings()
    asked = node_failures([subject.node_id or 0], settings=settings, threat=threat)
    n, counted = _n_reached(subject, teams)
    summed = node_states(
        kind=subject.kind,
        threat=threat,
        settings=settings,
        team_ids=teams,
        node_ids=[subject.node_id or 0],
    )
    counts = summed[0].counts if summed else {}
    found, following = _page(request, subject, asked, state, teams, n)
    verb = THREAT_VERBS[threat]
    exposed, exposed_critical = counts.get(StandingState.EXPOSED, (0, 0))
    name = node_names([subject.node_id])[subject.node_id].name if subject.node_id else ""
    return render_page(
        request,
        "exposure/node.html",
        fragment="listing",
        title=subject.name,
        crumbs=(("Exposure", reverse("exposure:concentration")),),
        counts="Applications in pilot or production, each once, in any role and by any tie",
        as_of=at,
        sentence=headlines.node_headline(subject.name, verb, counted, n, exposed, exposed_critical),
        subject=subject,
        kind_name=KIND_WORDS[subject.kind],
        n=n,
        counted=counted,
        threat=threat,
        threat_name=THREAT_WORDS[threat],
        threat_verb=verb,
        threats=threat_options(request, threat),
        states=parameter_options(request, "state", {"": "All", **STATE_WORDS}, state),
        state=state,
        state_counts=[
            (
                STATE_WORDS[each],
                STATE_HELP[each],
                *counts.get(each, (0, 0)),
                changed_query(request, state=each, after=None),
            )
            for each in StandingState
        ],
        n_standing=sum(n for n, _critical in counts.values()),
        n_may_stand=_n_may_stand(teams) if subject.kind in _UNRESOLVED_MAY_BE else 0,
        drawn=responsive_picture(
            state_drawing.draw_states,
            [state_drawing.StateBar("", {each: n for each, (n, _critical) in counts.items()})],
        ),
        rows=_rows(found, asked, user),
        following=changed_query(request, after=following) if following else "",
        is_first=not request.GET.get("after"),
        first=changed_query(request, after=None),
        wide=n > MAX_COUNTED_ROWS,
        teams=None if n > MAX_COUNTED_ROWS else team_rows(subject, teams),
        teams_url=reverse("exposure:blast-radius-teams", args=[kind, ref]),
        csv_url=(
            f"{reverse('exposure:blast-radius-csv', args=[kind, ref])}"
            f"{changed_query(request, after=None)}"
        ),
        as_other=_other_parts(subject),
        what_if=scenario_url(remove=[name]) if name else "",
        trend=_trend(subject, threat, settings) if teams is None else None,
        as_of_day=EngineState.objects.values_list("as_of", flat=True).first(),
        whole=teams is None,
    )


def _asked(request: HttpRequest, subject: NodeSubject) -> tuple[str, str]:
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[subject.kind])
    return threat, chosen_option(request, "state", STATE_WORDS, "")


def _n_reached(subject: NodeSubject, teams: Collection[int] | None) -> tuple[int, str]:
    """How many stand or lean there, exactly: read where the refresh keeps it, counted for teams."""
    if subject.node_id is None:
        return 0, "0"
    if teams is None:
        n = (
            NodeReach.objects.filter(node_id=subject.node_id).values_list("n", flat=True).first()
            or 0
        )
    else:
        n = count_reached(subject.node_id, subject.kind, team_ids=teams)[0]
    return n, number(n)


def _n_may_stand(teams: Collection[int] | None) -> int:
    unresolved = ScopedApplication.objects.filter(unresolved=True)
    return (unresolved if teams is None else unresolved.filter(team_id__in=teams)).count()


# --- the list -------------------------------------------------------------------------------------

type _Place = tuple[int, int]


def _after(request: HttpRequest) -> _Place | None:
    """`criticality-id` of the last application of the sheet before."""
    grave, _dash, last = request.GET.get("after", "").partition("-")
    if grave.isdecimal() and last.isdecimal() and len(grave) == 1 and len(last) < 19:
        return int(grave), int(last)
    return None


def _page(
    request: HttpRequest,
    subject: NodeSubject,
    asked: Any,
    state: str,
    teams: Collection[int] | None,
    n: int,
) -> tuple[list[ReachedApplication], str]:
    """(a sheet, where the next one begins or empty)."""
    if subject.node_id is None:
        return [], ""
    found: list[ReachedApplication] = []
    for row in _walk(subject, asked, state, teams, n, after=_after(request), batch=PAGE_SIZE + 1):
        found.append(row)
        if len(found) > PAGE_SIZE:
            break
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    return found, f"{found[-1].criticality}-{found[-1].application_id}" if more else ""


def _walk(
    subject: NodeSubject,
    asked: Any,
    state: str,
    teams: Collection[int] | None,
    n: int,
    *,
    after: _Place | None = None,
    batch: int = _BATCH,
) -> Iterator[ReachedApplication]:
    """The applications there, gravest first, in that state. Few are gathered at once; many are
    walked in batches."""
    assert subject.node_id is not None
    if state in StandingState.values and n <= _WALKED:
        standing = {
            row.application_id for row in application_states(asked, states=[state], team_ids=teams)
        }
        batch = _BATCH
    else:
        standing = None
        batch = batch if not state else _BATCH
    while True:
        rows = reached_applications(
            subject.node_id, subject.kind, team_ids=teams, after=after, limit=batch
        )
        yield from _kept(rows, asked, state, standing)
        if len(rows) < batch:
            return
        after = (rows[-1].criticality, rows[-1].application_id)


def _kept(
    rows: Sequence[ReachedApplication], asked: Any, state: str, standing: set[int] | None
) -> list[ReachedApplication]:
    if not state:
        return list(rows)
    if standing is not None:
        return [row for row in rows if row.application_id in standing]
    found = _standing(rows, asked)
    if state == SUPPORTING:
        return [row for row in rows if row.application_id not in found]
    return [
        row
        for row in rows
        if row.application_id in found and found[row.application_id].state == state
    ]


def _standing(rows: Sequence[ReachedApplication], asked: Any) -> dict[int, ApplicationImpact]:
    if not rows or not asked:
        return {}
    ids = [row.application_id for row in rows]
    return {row.application_id: row for row in application_states(asked, application_ids=ids)}


def _rows(found: Sequence[ReachedApplication], asked: Any, user: User) -> list[DependentRow]:
    """Two statements."""
    standing = _standing(found, asked)
    applications = applications_by_id([row.application_id for row in found], user)
    rows = []
    for row in found:
        # one that was deleted since the last refresh is left out
        if (application := applications.get(row.application_id)) is None:
            continue
        stands = standing.get(row.application_id)
        state = stands.state if stands else SUPPORTING
        rows.append(
            DependentRow(
                application,
                Criticality(row.criticality).label,
                ", ".join(_ROLES[role].lower() for role in row.roles),
                state,
                STATE_WORDS[state],
                stands.hit_share if stands else None,
            )
        )
    return rows


@require_safe
def node_csv(request: HttpRequest, kind: str, ref: int) -> StreamingHttpResponse:
    """Send every application of the list, in the chosen state."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    threat, state = _asked(request, subject)
    teams, settings = visible_team_ids(user), engine_settings()
    asked = node_failures([subject.node_id or 0], settings=settings, threat=threat)
    n = _n_reached(subject, teams)[0]

    def rows() -> Iterator[DependentRow]:
        if subject.node_id is None:
            return
        waiting: list[ReachedApplication] = []
        for row in _walk(subject, asked, state, teams, n):
            waiting.append(row)
            if len(waiting) == _BATCH:
                yield from _rows(waiting, asked, user)
                waiting = []
        yield from _rows(waiting, asked, user)

    heads = [
        "application",
        "team",
        "criticality",
        "roles",
        "state",
        "struck share of traffic",
        "business owner",
        "technical owner",
        "node",
        "threat",
    ]
    return csv_response(
        f"{kind}-{ref}-{threat}",
        heads,
        rows(),
        lambda row: [
            row.application.name,
            row.application.team.name,
            row.criticality,
            row.roles,
            row.state,
            row.hit_share,
            row.application.business_owner,
            row.application.technical_owner,
            subject.name,
            threat,
        ],
    )


# --- by team --------------------------------------------------------------------------------------


def team_rows(subject: NodeSubject, teams: Collection[int] | None) -> list[NodeTeamRow]:
    if subject.node_id is None:
        return []
    found = reached_by_team(subject.node_id, subject.kind, team_ids=teams)
    named = teams_by_id(row.team_id for row in found)
    return [
        NodeTeamRow(named[row.team_id], row.n, row.n_critical)
        for row in found
        if row.team_id in named
    ]


@require_safe
def node_teams(request: HttpRequest, kind: str, ref: int) -> HttpResponse:
    """Show the teams of the applications; a page of its own, and a fragment if counting takes its
    time."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    rows = team_rows(subject, visible_team_ids(user))
    return render_page(
        request,
        "exposure/node-teams.html",
        fragment="teams",
        title=f"Teams on {subject.name}",
        crumbs=(
            ("Exposure", reverse("exposure:concentration")),
            (subject.name, reverse("exposure:blast-radius", args=[kind, ref])),
        ),
        counts="Applications in pilot or production, each once, in any role and by any tie",
        subject=subject,
        n_teams=len(rows),
        teams=rows[:MAX_TEAMS],
    )


# --- beside it ------------------------------------------------------------------------------------


def _other_parts(subject: NodeSubject) -> list[tuple[Any, str]]:
    """The other parts that the same party plays."""
    if subject.kind not in _PARTIES:
        return []
    others = (
        Node.objects.filter(kind__in=_PARTIES, ref=subject.ref)
        .exclude(kind=subject.kind)
        .order_by("kind")
    )
    used = others.filter(
        pk__in=NodeReach.objects.filter(node_id__in=others.values("pk")).values("node_id")
    )
    return [
        (
            KIND_WORDS[NodeKind(each.kind)],
            reverse("exposure:blast-radius", args=[NodeKind(each.kind).label, each.ref]),
        )
        for each in used
    ]


def _trend(subject: NodeSubject, threat: str, settings: EngineSettings) -> Any:
    if subject.node_id is None or (subject.kind, threat) not in settings.threats:
        return None
    points = node_trend(subject.node_id, threat=threat, since=day_of(now()) - timedelta(TREND_DAYS))
    if len(points) < 2:
        return None
    return responsive_picture(
        draw_trend,
        [(point.day, point.exposed + point.cushioned) for point in points],
        unit=Unit("applications it can stop: exposed or cushioned", written),
    )


@require_safe
def node_trend_csv(request: HttpRequest, kind: str, ref: int) -> StreamingHttpResponse:
    """Send the daily snapshots of the node; of the whole organisation, so for organisation
    roles."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    threat, _state = _asked(request, subject)
    since = day_of(now()) - timedelta(TREND_DAYS)
    rows = []
    if user.can_read_all and subject.node_id is not None:
        rows = node_trend(subject.node_id, threat=threat, since=since)
    return csv_response(
        f"{kind}-{ref}-trend",
        [
            "day",
            "exposed",
            "cushioned",
            "portable",
            "partial",
            "critical it can stop",
            "users",
            "spend",
        ],
        rows,
        lambda row: [
            row.day,
            row.exposed,
            row.cushioned,
            row.portable,
            row.partial,
            row.n_critical,
            row.users,
            row.spend,
        ],
    )
