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
# with more dependents than this, a state is searched batch by batch
_MAX_UNBATCHED = 5_000
_BATCH_SIZE = 1_000
TREND_DAYS = 400
MAX_TEAMS = 200
SUPPORTING = "leaning"
_ROLES = dict(Dependency.Role.choices)
_PARTY_KINDS = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)
_KINDS_OF_UNRESOLVED = frozenset({NodeKind.VERSION, NodeKind.FOUNDATION, NodeKind.DEVELOPER})


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
    name, url = _load_name_and_url(node_kind, ref)
    node_id = Node.objects.filter(kind=node_kind, ref=ref).values_list("pk", flat=True).first()
    return NodeSubject(node_kind, ref, name, url, node_id)


def _load_name_and_url(kind: NodeKind, ref: int) -> tuple[str, str]:
    """Return the name and the page of a node; 404 if it does not exist."""
    match kind:
        case NodeKind.OFFERING:
            if offering := Offering.objects.select_related("host").filter(pk=ref).first():
                return f"{offering.api_id} on {offering.host.name}", reverse(
                    "offerings:detail", args=[offering.pk]
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
                return f"{region.name} on {region.host.name}", reverse(
                    "providers:detail", args=[region.host.slug]
                )
        case _:
            if provider := Provider.objects.filter(pk=ref).first():
                return provider.name, reverse("providers:detail", args=[provider.slug])
    raise Http404


@require_safe
def node_detail(request: HttpRequest, kind: str, ref: int) -> HttpResponse:
    """Show the exposure of a node: the applications that depend on it and their state if it
    fails."""
    user, at = signed_in_user(request), now()
    subject = load_subject(kind, ref)
    threat, state = _parse_threat_and_state(request, subject)
    team_ids, settings = visible_team_ids(user), engine_settings()
    failures = node_failures([subject.node_id or 0], settings=settings, threat=threat)
    n, formatted_n = _count_dependents(subject, team_ids)
    failed_nodes = node_states(
        kind=subject.kind,
        threat=threat,
        settings=settings,
        team_ids=team_ids,
        node_ids=[subject.node_id or 0],
    )
    counts = failed_nodes[0].counts if failed_nodes else {}
    reached_rows, next_cursor = _load_page(request, subject, failures, state, team_ids, n)
    verb = THREAT_VERBS[threat]
    exposed, exposed_critical = counts.get(StandingState.EXPOSED, (0, 0))
    scenario_name = node_names([subject.node_id])[subject.node_id].name if subject.node_id else ""
    return render_page(
        request,
        "exposure/node.html",
        fragment="listing",
        title=subject.name,
        crumbs=(("Concentration", reverse("exposure:concentration")),),
        counts="Applications in pilot or production, each counted once, in any role",
        as_of=at,
        sentence=headlines.node_headline(
            subject.name, verb, formatted_n, n, exposed, exposed_critical
        ),
        subject=subject,
        kind_name=KIND_WORDS[subject.kind],
        n=n,
        counted=formatted_n,
        threat=threat,
        threat_name=THREAT_WORDS[threat],
        threat_verb=verb,
        threats=threat_options(request, threat),
        states=parameter_options(request, "state", {"": "All", **STATE_WORDS}, state),
        state=state,
        state_counts=[
            (
                STATE_WORDS[standing_state],
                STATE_HELP[standing_state],
                *counts.get(standing_state, (0, 0)),
                changed_query(request, state=standing_state, after=None),
            )
            for standing_state in StandingState
        ],
        n_standing=sum(n for n, _critical in counts.values()),
        n_may_stand=_count_unresolved(team_ids) if subject.kind in _KINDS_OF_UNRESOLVED else 0,
        drawn=responsive_picture(
            state_drawing.draw_states,
            [
                state_drawing.StateBar(
                    "", {standing_state: n for standing_state, (n, _critical) in counts.items()}
                )
            ],
        ),
        rows=_build_rows(reached_rows, failures, user),
        following=changed_query(request, after=next_cursor) if next_cursor else "",
        is_first=not request.GET.get("after"),
        first=changed_query(request, after=None),
        wide=n > MAX_COUNTED_ROWS,
        teams=None if n > MAX_COUNTED_ROWS else team_rows(subject, team_ids),
        teams_url=reverse("exposure:blast-radius-teams", args=[kind, ref]),
        csv_url=(
            f"{reverse('exposure:blast-radius-csv', args=[kind, ref])}"
            f"{changed_query(request, after=None)}"
        ),
        as_other=_list_other_roles(subject),
        what_if=scenario_url(remove=[scenario_name]) if scenario_name else "",
        trend=_draw_node_trend(subject, threat, settings) if team_ids is None else None,
        as_of_day=EngineState.objects.values_list("as_of", flat=True).first(),
        whole=team_ids is None,
    )


def _parse_threat_and_state(request: HttpRequest, subject: NodeSubject) -> tuple[str, str]:
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[subject.kind])
    return threat, chosen_option(request, "state", STATE_WORDS, "")


def _count_dependents(subject: NodeSubject, team_ids: Collection[int] | None) -> tuple[int, str]:
    """Return the number of applications that depend on the node, and its text: stored by the
    refresh, or counted for teams."""
    if subject.node_id is None:
        return 0, "0"
    if team_ids is None:
        n = (
            NodeReach.objects.filter(node_id=subject.node_id).values_list("n", flat=True).first()
            or 0
        )
    else:
        n = count_reached(subject.node_id, subject.kind, team_ids=team_ids)[0]
    return n, number(n)


def _count_unresolved(team_ids: Collection[int] | None) -> int:
    applications = ScopedApplication.objects.filter(unresolved=True)
    return (applications if team_ids is None else applications.filter(team_id__in=team_ids)).count()


# --- the list -------------------------------------------------------------------------------------

type _Cursor = tuple[int, int]


def _parse_cursor(request: HttpRequest) -> _Cursor | None:
    """Parse `criticality-id` of the last application on the previous page; None if invalid."""
    criticality, _dash, application_id = request.GET.get("after", "").partition("-")
    if (
        criticality.isdecimal()
        and application_id.isdecimal()
        and len(criticality) == 1
        and len(application_id) < 19
    ):
        return int(criticality), int(application_id)
    return None


def _load_page(
    request: HttpRequest,
    subject: NodeSubject,
    failures: Any,
    state: str,
    team_ids: Collection[int] | None,
    n: int,
) -> tuple[list[ReachedApplication], str]:
    """Return (applications of the page, cursor of the next page or empty)."""
    if subject.node_id is None:
        return [], ""
    reached_rows: list[ReachedApplication] = []
    for row in _iterate_dependents(
        subject,
        failures,
        state,
        team_ids,
        n,
        after=_parse_cursor(request),
        batch_size=PAGE_SIZE + 1,
    ):
        reached_rows.append(row)
        if len(reached_rows) > PAGE_SIZE:
            break
    has_more, reached_rows = len(reached_rows) > PAGE_SIZE, reached_rows[:PAGE_SIZE]
    return (
        reached_rows,
        f"{reached_rows[-1].criticality}-{reached_rows[-1].application_id}" if has_more else "",
    )


def _iterate_dependents(
    subject: NodeSubject,
    failures: Any,
    state: str,
    team_ids: Collection[int] | None,
    n: int,
    *,
    after: _Cursor | None = None,
    batch_size: int = _BATCH_SIZE,
) -> Iterator[ReachedApplication]:
    """Yield the applications that depend on the node, most critical first, only those in `state`
    if it is set. Up to _MAX_UNBATCHED are matched by one query, more in batches."""
    assert subject.node_id is not None
    if state in StandingState.values and n <= _MAX_UNBATCHED:
        matching_ids = {
            row.application_id
            for row in application_states(failures, states=[state], team_ids=team_ids)
        }
        batch_size = _BATCH_SIZE
    else:
        matching_ids = None
        batch_size = batch_size if not state else _BATCH_SIZE
    while True:
        rows = reached_applications(
            subject.node_id, subject.kind, team_ids=team_ids, after=after, limit=batch_size
        )
        yield from _filter_by_state(rows, failures, state, matching_ids)
        if len(rows) < batch_size:
            return
        after = (rows[-1].criticality, rows[-1].application_id)


def _filter_by_state(
    rows: Sequence[ReachedApplication], failures: Any, state: str, matching_ids: set[int] | None
) -> list[ReachedApplication]:
    if not state:
        return list(rows)
    if matching_ids is not None:
        return [row for row in rows if row.application_id in matching_ids]
    impacts = _load_impacts(rows, failures)
    if state == SUPPORTING:
        return [row for row in rows if row.application_id not in impacts]
    return [
        row
        for row in rows
        if row.application_id in impacts and impacts[row.application_id].state == state
    ]


def _load_impacts(
    rows: Sequence[ReachedApplication], failures: Any
) -> dict[int, ApplicationImpact]:
    if not rows or not failures:
        return {}
    ids = [row.application_id for row in rows]
    return {row.application_id: row for row in application_states(failures, application_ids=ids)}


def _build_rows(
    reached_rows: Sequence[ReachedApplication], failures: Any, user: User
) -> list[DependentRow]:
    """Build rows with the exposure state of each application: two statements."""
    impacts = _load_impacts(reached_rows, failures)
    applications = applications_by_id([row.application_id for row in reached_rows], user)
    rows = []
    for row in reached_rows:
        # applications deleted since the last refresh are left out
        if (application := applications.get(row.application_id)) is None:
            continue
        impact = impacts.get(row.application_id)
        state = impact.state if impact else SUPPORTING
        rows.append(
            DependentRow(
                application,
                Criticality(row.criticality).label,
                ", ".join(_ROLES[role].lower() for role in row.roles),
                state,
                STATE_WORDS[state],
                impact.hit_share if impact else None,
            )
        )
    return rows


@require_safe
def node_csv(request: HttpRequest, kind: str, ref: int) -> StreamingHttpResponse:
    """Send every application of the list, in the chosen state."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    threat, state = _parse_threat_and_state(request, subject)
    team_ids, settings = visible_team_ids(user), engine_settings()
    failures = node_failures([subject.node_id or 0], settings=settings, threat=threat)
    n = _count_dependents(subject, team_ids)[0]

    def rows() -> Iterator[DependentRow]:
        if subject.node_id is None:
            return
        batch: list[ReachedApplication] = []
        for row in _iterate_dependents(subject, failures, state, team_ids, n):
            batch.append(row)
            if len(batch) == _BATCH_SIZE:
                yield from _build_rows(batch, failures, user)
                batch = []
        yield from _build_rows(batch, failures, user)

    heads = [
        "application",
        "team",
        "criticality",
        "roles",
        "state",
        "affected share of traffic",
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
            row.application.business_owner_name,
            row.application.technical_owner_name,
            subject.name,
            threat,
        ],
    )


# --- by team --------------------------------------------------------------------------------------


def team_rows(subject: NodeSubject, team_ids: Collection[int] | None) -> list[NodeTeamRow]:
    if subject.node_id is None:
        return []
    reached_teams = reached_by_team(subject.node_id, subject.kind, team_ids=team_ids)
    teams = teams_by_id(row.team_id for row in reached_teams)
    return [
        NodeTeamRow(teams[row.team_id], row.n, row.n_critical)
        for row in reached_teams
        if row.team_id in teams
    ]


@require_safe
def node_teams(request: HttpRequest, kind: str, ref: int) -> HttpResponse:
    """Show the teams of the applications, as a page, and as a fragment for nodes that are slow to
    count."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    rows = team_rows(subject, visible_team_ids(user))
    return render_page(
        request,
        "exposure/node-teams.html",
        fragment="teams",
        title=f"Teams that depend on {subject.name}",
        crumbs=(
            ("Concentration", reverse("exposure:concentration")),
            (subject.name, reverse("exposure:blast-radius", args=[kind, ref])),
        ),
        counts="Applications in pilot or production, each counted once, in any role",
        subject=subject,
        n_teams=len(rows),
        teams=rows[:MAX_TEAMS],
    )


# --- other roles and trend ------------------------------------------------------------------------


def _list_other_roles(subject: NodeSubject) -> list[tuple[Any, str]]:
    """Return (kind, URL) of the other roles of the same provider that applications depend on."""
    if subject.kind not in _PARTY_KINDS:
        return []
    other_nodes = (
        Node.objects.filter(kind__in=_PARTY_KINDS, ref=subject.ref)
        .exclude(kind=subject.kind)
        .order_by("kind")
    )
    used_nodes = other_nodes.filter(
        pk__in=NodeReach.objects.filter(node_id__in=other_nodes.values("pk")).values("node_id")
    )
    return [
        (
            KIND_WORDS[NodeKind(node.kind)],
            reverse("exposure:blast-radius", args=[NodeKind(node.kind).label, node.ref]),
        )
        for node in used_nodes
    ]


def _draw_node_trend(subject: NodeSubject, threat: str, settings: EngineSettings) -> Any:
    if subject.node_id is None or (subject.kind, threat) not in settings.threats:
        return None
    points = node_trend(subject.node_id, threat=threat, since=day_of(now()) - timedelta(TREND_DAYS))
    if len(points) < 2:
        return None
    return responsive_picture(
        draw_trend,
        [(point.day, point.exposed + point.cushioned) for point in points],
        unit=Unit("applications exposed or cushioned", written),
    )


@require_safe
def node_trend_csv(request: HttpRequest, kind: str, ref: int) -> StreamingHttpResponse:
    """Send the daily snapshots of the node; of the whole organisation, so for organisation
    roles."""
    user = signed_in_user(request)
    subject = load_subject(kind, ref)
    threat, _state = _parse_threat_and_state(request, subject)
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
            "critical applications exposed or cushioned",
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
