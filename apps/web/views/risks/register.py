"""The register of inherited risk: what is inherited, from where, and what nobody has looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.common.time import day_of, now
from apps.risks.filters import CRITICALITIES
from apps.risks.levels import Level
from apps.risks.models import Layer, Taxonomy, Treatment
from apps.risks.queries.conditions import (
    INHERENT,
    InheritedRiskConditions,
    InheritedRiskQuery,
    build_conditions,
)
from apps.risks.queries.counts import CountBasis, RiskStanding, count_basis, risk_standings
from apps.risks.queries.inherited import (
    ORDERS,
    InheritedRisk,
    count_gathered_risks,
    dated_inherited_risks,
    inherited_risks,
    sorted_inherited_risks,
)
from apps.risks.queries.reach import RiskReach
from apps.web.filtering import Control, filters
from apps.web.forms import signed_in
from apps.web.listing import COUNTED, PRINTED, SIZE, Column, csv_answer, query_with
from apps.web.page import page
from apps.web.views.risks import words
from apps.web.views.risks.figures import asked_of, figures_of
from apps.web.wording import day, number

MOST_IN_CSV = 10_000
BATCH = 500
# what the register cannot be sorted by beyond few applications
_DATED = {"due", "until"}
HEADS = {
    "risk": "Risk",
    "application": "Application",
    "state": "State",
    "gravest": "Inherent",
    "current": "Current",
    "residual": "Residual",
    "treatment": "Treatment",
    "owner": "Owner",
    "due": "Due",
    "until": "Accepted until",
}
_NO_FILTERS = {"page", "sort", "print", "after", "heat"}
# what comes first when a head is chosen for the first time
_FALLS_FIRST = {"gravest", "current", "residual"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of the register. By cursor, `first` is 0: how many rows lie before it is not
    known."""

    rows: Sequence[InheritedRisk]
    count: str
    first: int
    previous: str
    next: str
    is_filtered: bool

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def order_of(request: HttpRequest, *, few: bool) -> tuple[str, bool]:
    """(word of ORDERS, whether its first direction is turned around); the usual one where it is not
    offered here."""
    usual = (
        "due"
        if request.GET.get("due_before")
        else "until"
        if request.GET.get("accepted_before")
        else ""
    )
    word = request.GET.get("sort", usual)
    bare = word.removeprefix("-")
    if bare not in ORDERS or not (few or bare in _DATED | {"gravest"}):
        return "gravest", False
    return bare, word.startswith("-") and (few or bare in _DATED)


def sheet_of(
    request: HttpRequest,
    narrowed: InheritedRiskQuery,
    asked: InheritedRiskConditions,
    standings: Sequence[RiskStanding],
    today: date,
) -> Sheet:
    """The sheet the address asks for: by number where the rows can be gathered, otherwise by
    cursor."""
    user = signed_in(request)
    printing = request.GET.get("print") == "all"
    size = PRINTED if printing else SIZE
    filtered = any(
        value
        for name, value in request.GET.items()
        if name not in {"page", "sort", "print", "after", "heat"}
    )
    order, turned = order_of(request, few=asked.gathered)
    falling = turned != (order in _FALLS_FIRST) if order != "gravest" else turned
    if asked.gathered or order in _DATED:
        numbered = request.GET.get("page", "1")
        wanted = max(int(numbered), 1) if numbered.isdecimal() and len(numbered) < 5 else 1
        offset = min((wanted - 1) * size, COUNTED)
        read = sorted_inherited_risks if asked.gathered else dated_inherited_risks
        rows = read(asked, on=today, order=order, falling=falling, size=size + 1, offset=offset)
        more, rows = len(rows) > size, rows[:size]
        n = count_gathered_risks(asked, limit=COUNTED + 1) if asked.gathered else None
        return Sheet(
            rows=rows,
            count=_count(n),
            first=offset + 1,
            previous=query_with(request, page=wanted - 1) if wanted > 1 else "",
            next=query_with(request, page=wanted + 1) if more and offset + size < COUNTED else "",
            is_filtered=filtered,
        )
    try:
        found = inherited_risks(
            user=user, on=today, query=narrowed, size=size, cursor=request.GET.get("after", "")
        )
    except InvalidCursorError:
        found = inherited_risks(user=user, on=today, query=narrowed, size=size)
    return Sheet(
        rows=found.rows,
        count=_count(_known_count(narrowed, standings)),
        first=0,
        previous=query_with(request, after=found.previous, page=None) if found.previous else "",
        next=query_with(request, after=found.next, page=None) if found.next else "",
        is_filtered=filtered,
    )


def _count(n: int | None) -> str:
    if n is None:
        return ""
    return f"{COUNTED:,}+" if n > COUNTED else number(n)


# filters whose rows the standings of the risks can count
_COUNTABLE = {"state", "risk", "min_inherent", "severity", "likelihood", "impact", "node", "level"}


def _known_count(narrowed: InheritedRiskQuery, standings: Sequence[RiskStanding]) -> int | None:
    """How many rows the filters leave, where that follows from the counts of the risks."""
    set_ = {
        name
        for name in InheritedRiskQuery.__slots__
        if getattr(narrowed, name) not in (None, "", False)
    }
    if set_ - _COUNTABLE or narrowed.level not in ("", INHERENT):
        return None
    n = 0
    for standing in standings:
        level = Level(standing.likelihood, standing.impact)
        if (
            narrowed.risk in (None, standing.risk_id)
            and narrowed.node in (None, standing.node_id)
            and narrowed.likelihood in (None, level.likelihood)
            and narrowed.impact in (None, level.impact)
            and narrowed.severity in (None, level.severity)
            and level.score >= (narrowed.min_inherent or 1)
        ):
            n += _in_state(standing.reach, narrowed.state)
    return n


def _in_state(reach: RiskReach, state: str) -> int:
    return {
        "": reach.n_inherited,
        "unassessed": reach.n_unassessed,
        "assessed": reach.n_assessed,
        "stale": reach.n_stale,
        "not_applicable": reach.n_not_applicable,
    }[state]


def columns_of(request: HttpRequest, *, few: bool) -> dict[str, Column]:
    """Heads of the columns; without an address where the list cannot be sorted by them."""
    order, turned = order_of(request, few=few)
    heads = {}
    for name, title in HEADS.items():
        sortable = few or name in _DATED
        current = name == order
        query = query_with(
            request, sort=f"-{name}" if current and not turned else name, page=None, after=None
        )
        down = turned != (name in _FALLS_FIRST)
        aria = ("descending" if down else "ascending") if current else ""
        heads[name] = Column(str(title), query if sortable else "", aria)
    return heads


@require_safe
def risk_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in(request), now()
    today = day_of(at)
    found = asked_of(request)
    narrowed = found.narrowed
    asked = build_conditions(user=user, on=today, query=narrowed, count_all=True)
    whole = not getattr(request, "htmx", False)
    basis = CountBasis() if narrowed.application else count_basis(user)
    standings: Sequence[RiskStanding] = ()
    if whole or not asked.gathered:
        standings = risk_standings(
            user=user, on=today, stored=basis.stored, application=narrowed.application
        )
    listing = sheet_of(request, narrowed, asked, standings, today)
    return page(
        request,
        "risks/register.html",
        fragment="listing",
        title="Risks",
        counts="Foundation risk × live dependency",
        as_of=at,
        filters=filters(request, found, controls(user)),
        columns=columns_of(request, few=asked.gathered),
        few=asked.gathered,
        listing=listing,
        rows=[row_of(row, user, today) for row in listing.rows],
        assesses=any(user.may(TeamRole.EDITOR, row.team_id) for row in listing.rows),
        **(figures_of(request, user, today, narrowed, standings, basis) if whole else {}),
    )


def controls(user: User) -> list[Control]:
    """Two statements."""
    teams = Team.objects.visible_to(user).order_by("name").values_list("slug", "name")[:300]
    taxonomies = Taxonomy.objects.values_list("slug", "name")
    return [
        Control("q", "Risk contains", "search"),
        Control(
            "state", "State", choices=[(state, str(word)) for state, word in words.STATES.items()]
        ),
        Control(
            "severity", "Inherent", choices=[(n, str(word)) for n, word in words.SEVERITIES.items()]
        ),
        Control("criticality", "Criticality", choices=CRITICALITIES),
        Control("layer", "Layer", choices=Layer.choices),
        Control("treatment", "Treatment", choices=Treatment.choices),
        Control("team", "Team", choices=list(teams)),
        Control("due_before", "Due before", "date"),
        Control("accepted_before", "Acceptance ends before", "date"),
        Control("taxonomy", "Crosswalk", choices=list(taxonomies)),
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the register with what the page says of it."""

    risk: InheritedRisk
    pick: str
    may: bool
    label: str
    mark: str
    state: str
    note: str
    inherent: str
    here: str
    residual: str
    is_late: bool


def row_of(risk: InheritedRisk, user: User, today: date) -> Row:
    accepted = risk.accepted_until is not None
    note = ""
    if risk.state == "stale":
        note = risk.stale_because
    elif risk.accepted_until is not None:
        note = f"until {day(risk.accepted_until, today=today)}"
    return Row(
        risk=risk,
        pick=f"{risk.risk_id}-{risk.dependency_id}-{risk.assessment_version}",
        may=user.may(TeamRole.EDITOR, risk.team_id),
        label=f"Select {risk.title} for {risk.application_name}",
        mark="part" if accepted else words.MARKS[risk.state],
        state="Accepted" if accepted else str(words.STATES[risk.state]),
        note=note,
        inherent=words.severity_words(risk.inherent),
        here=f"{risk.adjusted.score} of 25 here" if risk.adjusted != risk.inherent else "",
        residual=words.severity_words(risk.residual),
        is_late=risk.due_on is not None and risk.due_on < today and risk.state != "not_applicable",
    )


# --- the same as tables ---------------------------------------------------------------------------

CSV_HEADS = [
    "risk",
    "template",
    "title",
    "layer",
    "node kind",
    "node",
    "via",
    "application",
    "team",
    "criticality",
    "role",
    "offering",
    "host",
    "state",
    "inherent likelihood",
    "inherent impact",
    "inherent",
    "with adaptations",
    "current likelihood",
    "current impact",
    "residual likelihood",
    "residual impact",
    "treatment",
    "owner",
    "due",
    "accepted until",
    "stale because",
    "address",
]


def all_that_match(
    user: User, narrowed: InheritedRiskQuery, on: date, *, most: int
) -> Iterator[InheritedRisk]:
    """Every row that the filters leave, gravest first, up to `most`."""
    cursor, n = "", 0
    while n < most:
        found = inherited_risks(
            user=user, on=on, query=narrowed, size=min(BATCH, most - n), cursor=cursor
        )
        yield from found.rows
        n += len(found.rows)
        if not found.next:
            return
        cursor = found.next


@require_safe
def register_csv(request: HttpRequest) -> StreamingHttpResponse:
    """What the page lists with these filters: in its order where it can be sorted, otherwise
    gravest first."""
    user, today = signed_in(request), day_of(now())
    narrowed = asked_of(request).narrowed
    asked = build_conditions(user=user, on=today, query=narrowed, count_all=True)
    order, turned = order_of(request, few=asked.gathered)
    if order == "gravest" and not turned:
        rows: Any = all_that_match(user, narrowed, today, most=MOST_IN_CSV)
    else:
        falling = turned != (order in _FALLS_FIRST) if order != "gravest" else turned
        read = sorted_inherited_risks if asked.gathered else dated_inherited_risks
        rows = read(asked, on=today, order=order, falling=falling, size=MOST_IN_CSV)
    return csv_answer("inherited-risks", CSV_HEADS, rows, _cells)


def _cells(row: InheritedRisk) -> list[Any]:
    current, residual = row.current, row.residual
    return [
        row.risk_id,
        row.template,
        row.title,
        row.layer,
        row.node_kind,
        row.node_name,
        row.via or "",
        row.application,
        row.team,
        CRITICALITIES[row.criticality][0],
        row.role,
        row.api_id,
        row.host,
        row.state,
        row.inherent.likelihood,
        row.inherent.impact,
        row.inherent.score,
        row.adjusted.score,
        current.likelihood if current else "",
        current.impact if current else "",
        residual.likelihood if residual else "",
        residual.impact if residual else "",
        row.treatment,
        row.owner or "",
        row.due_on or "",
        row.accepted_until or "",
        row.stale_because,
        reverse("inherited-risks:detail", args=[row.risk_id, row.dependency_id]),
    ]
