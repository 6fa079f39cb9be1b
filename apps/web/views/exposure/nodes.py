"""Node page of any kind: what depends on it or uses it in a supporting role, how much, by team, by
state, and which applications."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from operator import attrgetter
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
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
from apps.exposure.models import NodeReach, ScopedApplication, StandingState
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
from apps.web.lists.columns import Column, FileColumn, format_share
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import (
    MAX_COUNTED_ROWS,
    PRINT_PAGE_SIZE,
    KeysetList,
    QuerySource,
    changed_query,
    csv_response,
)
from apps.web.pages.background_files import MAX_ROWS_PER_REQUEST
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
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
    hit_share: float | None
    node: str
    threat: str


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


def _count_dependents(subject: NodeSubject, team_ids: Collection[int] | None) -> int:
    """Return the number of applications that depend on the node: stored by the refresh, or counted
    for teams."""
    if subject.node_id is None:
        return 0
    if team_ids is not None:
        return count_reached(subject.node_id, subject.kind, team_ids=team_ids)[0]
    reach = NodeReach.objects.filter(node_id=subject.node_id)
    return reach.values_list("n", flat=True).first() or 0


def _count_unresolved(team_ids: Collection[int] | None) -> int:
    applications = ScopedApplication.objects.filter(unresolved=True)
    return (applications if team_ids is None else applications.filter(team_id__in=team_ids)).count()


# --- the list -------------------------------------------------------------------------------------

type _Cursor = tuple[int, int]


def _parse_cursor(request: QuerySource) -> _Cursor | None:
    """Parse `criticality-id` of the last application on the previous page; None if invalid."""
    criticality, _dash, application_id = request.GET.get("cursor", "").partition("-")
    if (
        criticality.isdecimal()
        and application_id.isdecimal()
        and len(criticality) == 1
        and len(application_id) < 19
    ):
        return int(criticality), int(application_id)
    return None


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


@dataclass(frozen=True, slots=True)
class Dependents:
    """Applications that depend on a node, most critical first, only those in `state` if it is set;
    what a file reads of a queryset."""

    subject: NodeSubject
    failures: Any
    state: str
    team_ids: Collection[int] | None
    n: int

    def iterator(self, chunk_size: int) -> Iterator[ReachedApplication]:
        return self.after(None)

    def after(
        self, cursor: _Cursor | None, *, batch_size: int = _BATCH_SIZE
    ) -> Iterator[ReachedApplication]:
        """Yield the applications after the cursor. Up to _MAX_UNBATCHED are matched by one query,
        more in batches."""
        node_id = self.subject.node_id
        if node_id is None:
            return
        if self.state in StandingState.values and self.n <= _MAX_UNBATCHED:
            matching_ids = {
                row.application_id
                for row in application_states(
                    self.failures, states=[self.state], team_ids=self.team_ids
                )
            }
            batch_size = _BATCH_SIZE
        else:
            matching_ids = None
            batch_size = batch_size if not self.state else _BATCH_SIZE
        while True:
            rows = reached_applications(
                node_id, self.subject.kind, team_ids=self.team_ids, after=cursor, limit=batch_size
            )
            yield from _filter_by_state(rows, self.failures, self.state, matching_ids)
            if len(rows) < batch_size:
                return
            cursor = (rows[-1].criticality, rows[-1].application_id)


def _describe_technical_owner(row: DependentRow) -> str:
    application = row.application
    technical_owner = application.technical_owner_name
    return "" if technical_owner == application.business_owner_name else technical_owner


class DependentList(ListPage[Any, DependentRow]):
    """Exposure of a node: the applications that depend on it and their state if it fails."""

    namespace = "exposure"
    route = "blast-radius"
    title = "Blast radius"
    nouns = ("application", "applications")
    crumbs = (("Concentration", "exposure:concentration"),)
    counts = "Applications in pilot or production, each counted once, in any role"
    columns = (
        Column[DependentRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("applications:detail", args=[row.application.slug]),
        ),
        Column[DependentRow](
            "criticality",
            "Criticality",
            attrgetter("criticality"),
            css=lambda row: f"crit crit-{row.criticality.lower()}",
        ),
        Column[DependentRow]("role", "Role", attrgetter("roles")),
        Column[DependentRow](
            "state",
            "State",
            lambda row: STATE_WORDS[row.state],
            css=lambda row: "late" if row.state == StandingState.EXPOSED else "",
        ),
        Column[DependentRow](
            "traffic",
            "Affected traffic",
            attrgetter("hit_share"),
            format=format_share,
            is_numeric=True,
        ),
        Column[DependentRow](
            "owners",
            "Owners",
            attrgetter("application.business_owner_name"),
            note=_describe_technical_owner,
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[DependentRow]("Team", attrgetter("application.team.name")),
        FileColumn[DependentRow]("Business owner", attrgetter("application.business_owner_name")),
        FileColumn[DependentRow]("Technical owner", attrgetter("application.technical_owner_name")),
        FileColumn[DependentRow]("Node", attrgetter("node")),
        FileColumn[DependentRow]("Failure mode", attrgetter("threat")),
    )
    template = "exposure/node.html"
    listing_template = "exposure/node-applications.html"

    def check_access(self) -> None:
        self.subject = load_subject(self.kwargs["kind"], self.kwargs["ref"])
        self.node_id = self.subject.node_id or 0
        self.threat = chosen_option(
            self.request, "threat", THREATS, DEFAULT_THREAT[self.subject.kind]
        )
        self.state = chosen_option(self.request, "state", STATE_WORDS, "")

    def get_queryset(self) -> Any:
        # without filters of its own: page and files read the dependents onwards
        return ScopedApplication.objects.none()

    @property
    def file_name(self) -> str:
        return f"{self.subject.kind.label}-{self.subject.ref}-{self.threat}"

    @cached_property
    def is_filtered(self) -> bool:
        return bool(self.state)

    @cached_property
    def team_ids(self) -> Collection[int] | None:
        return visible_team_ids(self.user)

    @cached_property
    def settings(self) -> EngineSettings:
        return engine_settings()

    @cached_property
    def failures(self) -> Any:
        return node_failures([self.node_id], settings=self.settings, threat=self.threat)

    @cached_property
    def dependents(self) -> Dependents:
        n = _count_dependents(self.subject, self.team_ids)
        return Dependents(self.subject, self.failures, self.state, self.team_ids, n)

    @cached_property
    def counts_by_state(self) -> Mapping[str, tuple[int, int]]:
        """Applications, and critical ones, in each state if the node fails."""
        failed_nodes = node_states(
            kind=self.subject.kind,
            threat=self.threat,
            settings=self.settings,
            team_ids=self.team_ids,
            node_ids=[self.node_id],
        )
        return failed_nodes[0].counts if failed_nodes else {}

    @cached_property
    def listing(self) -> KeysetList[ReachedApplication]:
        size = PRINT_PAGE_SIZE if self.request.GET.get("print") == "all" else self.page_size
        cursor = _parse_cursor(self.request)
        rows = list(islice(self.dependents.after(cursor, batch_size=size + 1), size + 1))
        following = ""
        if len(rows) > size:
            last = rows[size - 1]
            next_cursor = f"{last.criticality}-{last.application_id}"
            following = changed_query(self.request, cursor=next_cursor)
        return KeysetList(rows[:size], "", following, self.is_filtered)

    def get_file_queryset(self) -> Any:
        return self.dependents

    def build_rows(self, records: Sequence[ReachedApplication]) -> Sequence[DependentRow]:
        """Build rows with the exposure state of each application: two statements."""
        impacts = _load_impacts(records, self.failures)
        applications = applications_by_id([row.application_id for row in records], self.user)
        rows = []
        for row in records:
            # applications deleted since the last refresh are left out
            if (application := applications.get(row.application_id)) is None:
                continue
            impact = impacts.get(row.application_id)
            rows.append(
                DependentRow(
                    application,
                    Criticality(row.criticality).label,
                    ", ".join(_ROLES[role].lower() for role in row.roles),
                    impact.state if impact else SUPPORTING,
                    impact.hit_share if impact else None,
                    self.subject.name,
                    THREAT_WORDS[self.threat],
                )
            )
        return rows

    def is_long(self) -> bool:
        return self.dependents.n > MAX_ROWS_PER_REQUEST

    @classmethod
    def as_xlsx(cls) -> Callable[..., HttpResponseBase]:
        """Return the view of the workbook; that of a node with many applications leads to the CSV,
        which is streamed."""
        write_workbook = super().as_xlsx()

        @require_safe
        def xlsx_view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            page = cls.of_request(request, **kwargs)
            if page.is_long():
                return redirect(page.get_file_url("csv"))
            return write_workbook(request, **kwargs)

        return xlsx_view

    def get_title(self) -> str:
        return self.subject.name

    def get_lead(self) -> Headline:
        n, (exposed, exposed_critical) = (
            self.dependents.n,
            self.counts_by_state.get(StandingState.EXPOSED, (0, 0)),
        )
        return headlines.node_headline(
            self.subject.name, THREAT_VERBS[self.threat], number(n), n, exposed, exposed_critical
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No applications depend on it.",
            "No application in pilot or production calls a model that depends on it.",
            "View applications",
            reverse("applications:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        subject, team_ids, n = self.subject, self.team_ids, self.dependents.n
        states = {"": "All", **STATE_WORDS}
        name = node_names([subject.node_id])[subject.node_id].name if subject.node_id else ""
        route_arguments = [self.kwargs["kind"], subject.ref]
        return {
            "xlsx_url": "" if self.is_long() else self.get_file_url("xlsx"),
            "subject": subject,
            "kind_name": KIND_WORDS[subject.kind],
            "counted": number(n),
            "threat": self.threat,
            "threat_verb": THREAT_VERBS[self.threat],
            "threats": threat_options(self.request, self.threat),
            "states": parameter_options(self.request, "state", states, self.state),
            "state_counts": self._describe_states(),
            "n_standing": sum(n for n, _critical in self.counts_by_state.values()),
            "n_may_stand": _count_unresolved(team_ids)
            if subject.kind in _KINDS_OF_UNRESOLVED
            else 0,
            "drawn": self._draw_states(),
            "first_page": changed_query(self.request, cursor=None)
            if self.request.GET.get("cursor")
            else "",
            "teams": None if n > MAX_COUNTED_ROWS else team_rows(subject, team_ids),
            "teams_url": reverse("exposure:blast-radius-teams", args=route_arguments),
            "as_other": _list_other_roles(subject),
            "what_if": scenario_url(remove=[name]) if name else "",
            "trend": _draw_node_trend(subject, self.threat, self.settings)
            if team_ids is None
            else None,
        }

    def _describe_states(self) -> list[tuple[str, str, int, int, str]]:
        """Return (name, meaning, applications, critical ones, query of their list)."""
        return [
            (
                STATE_WORDS[state],
                STATE_HELP[state],
                *self.counts_by_state.get(state, (0, 0)),
                changed_query(self.request, state=state, cursor=None),
            )
            for state in StandingState
        ]

    def _draw_states(self) -> Any:
        counts = {state: n for state, (n, _critical) in self.counts_by_state.items()}
        return responsive_picture(state_drawing.draw_states, [state_drawing.StateBar("", counts)])


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
    threat = chosen_option(request, "threat", THREATS, DEFAULT_THREAT[subject.kind])
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
