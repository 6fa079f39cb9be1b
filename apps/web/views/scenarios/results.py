"""Scenario results in one shape: computed in the request, computed by a worker, or of nodes that
only fail."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.exposure.engine.settings import EngineSettings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.models import Layer, Policy, StandingState
from apps.exposure.node_names import find_nodes, node_names
from apps.exposure.scenarios.removals import team_state_counts
from apps.inventory.models import Application, Criticality
from apps.web.drawings.base.picture import responsive_picture
from apps.web.drawings.base.scales import Unit, compact
from apps.web.drawings.charts.comparison_bars import ComparisonRow, draw_comparison
from apps.web.drawings.charts.exposure_states import StateBar, draw_states
from apps.web.pages.page import Headline
from apps.web.views.exposure.flag_presenters import format_value
from apps.web.views.exposure.parameters import STATE_HELP, STATE_WORDS, applications_by_id, name_url
from apps.web.wording import number

PAGE_SIZE = 50
_STATES: tuple[str, ...] = tuple(StandingState.values)


@dataclass(frozen=True, slots=True)
class StateCount:
    state: str
    words: str
    help: Any
    before: int
    after: int
    n_critical: int


@dataclass(frozen=True, slots=True)
class TeamToContact:
    """Contact of a team: its mailbox, else its owners."""

    team: Team
    mails: list[str]
    owners: list[str]
    counts: list[tuple[Any, int]]
    n: int
    n_critical: int


@dataclass(frozen=True, slots=True)
class CostChange:
    currency: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """Value of a policy before and after, with its tolerance; `effect` says what becomes of the
    flag."""

    policy: Policy
    name: str
    url: str
    before: str
    after: str
    limit: str
    effect: str
    is_still_open: bool


@dataclass(frozen=True, slots=True)
class FlagToOpen:
    policy: Policy
    name: str
    url: str
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """Result of a scenario; `lists` are ids by state, the most severe first, None if they are
    queried page by page."""

    states: list[StateCount]
    teams: Mapping[int, Mapping[str, Sequence[int]]]
    has_removal: bool
    costs: list[CostChange]
    cost_unknown: int
    hhi: list[tuple[str, float | None, float | None]]
    n_points: tuple[int, int] | None
    flags: list[FlagToOpen]
    policies: list[PolicyComparison]
    n_changed: int
    changes: list[Mapping[str, Any]]
    n_states_changed: int
    lists: Mapping[str, Sequence[int]] | None
    whole: bool

    @property
    def leaves_figures(self) -> bool:
        """Return whether costs, concentration and single points stay the same, as they do if nodes
        only fail."""
        figures: list[tuple[float | None, float | None]] = [
            (cost.before, cost.after) for cost in self.costs
        ]
        figures += [(before, after) for _layer, before, after in self.hhi]
        figures += [self.n_points] if self.n_points else []
        return all(before == after for before, after in figures)

    @property
    def n_struck(self) -> int:
        return sum(row.after for row in self.states)

    def count(self, state: str) -> int:
        return next(row.after for row in self.states if row.state == state)


def result_of_removal(
    names: Sequence[str], *, settings: EngineSettings, team_ids: Collection[int] | None
) -> tuple[ScenarioResult, Any]:
    """Return (result, failures) of nodes that fail together: three statements."""
    failures = node_failures(list(find_nodes(names).values()), settings=settings)
    teams = team_state_counts(failures, team_ids=team_ids) if failures else {}
    counts = [
        StateCount(
            state,
            STATE_WORDS[state],
            STATE_HELP[state],
            n := sum(state_counts.get(state, (0, 0))[0] for state_counts in teams.values()),
            n,
            sum(state_counts.get(state, (0, 0))[1] for state_counts in teams.values()),
        )
        for state in _STATES
    ]
    result = ScenarioResult(
        states=counts,
        teams=teams,
        has_removal=True,
        costs=[],
        cost_unknown=0,
        hhi=[],
        n_points=None,
        flags=[],
        policies=[],
        n_changed=0,
        changes=[],
        n_states_changed=0,
        lists=None,
        whole=team_ids is None,
    )
    return result, failures


def result_of_run(
    result: Mapping[str, Any], details: Mapping[str, Any], ops: Sequence[Mapping[str, Any]]
) -> ScenarioResult:
    """Build the result of a stored run: at most two statements, for the names of flags."""
    before, after = result["before"], result["after"]
    n_critical = details.get("n_critical", {})
    currencies = sorted({*before["cost"], *after["cost"]})
    return ScenarioResult(
        states=[
            StateCount(
                state,
                STATE_WORDS[state],
                STATE_HELP[state],
                before["n_states"].get(state, 0),
                after["n_states"].get(state, 0),
                n_critical.get(state, 0),
            )
            for state in _STATES
        ],
        teams={int(pk): counts for pk, counts in details.get("teams", {}).items()},
        has_removal=any(op.get("op") == "remove" for op in ops),
        costs=[
            CostChange(
                currency,
                float(before["cost"].get(currency, 0)),
                float(after["cost"].get(currency, 0)),
            )
            for currency in currencies
        ],
        cost_unknown=sum(after["cost_unknown"].values()),
        hhi=[
            (str(Layer(layer).label), before["hhi"].get(layer), value)
            for layer, value in after["hhi"].items()
        ],
        n_points=(before["n_spof_nodes"], after["n_spof_nodes"]),
        flags=_build_flags(details.get("flags", [])),
        policies=_compare_policies(details.get("policy_values", [])),
        n_changed=result["n_applications_changed"],
        changes=[
            {**row, "before": _state_label(row["before"]), "after": _state_label(row["after"])}
            for row in result["changes"]
        ],
        n_states_changed=result["n_states_changed"],
        lists=details.get("applications", {}),
        whole=result["whole_organisation"],
    )


def _state_label(state: str) -> str:
    return STATE_WORDS.get(state, "Not affected")


def _compare_policies(stored_values: Sequence[Mapping[str, Any]]) -> list[PolicyComparison]:
    """Return the policies above tolerance before or after, opened and closed flags first; deleted
    policies are omitted. Two statements."""
    if not stored_values:
        return []
    policies = Policy.objects.in_bulk({stored["policy"] for stored in stored_values})
    names = node_names({stored["node"] for stored in stored_values if stored["node"] is not None})
    rows = []
    for stored in stored_values:
        if (policy := policies.get(stored["policy"])) is None:
            continue
        name = names.get(stored["node"]) if stored["node"] is not None else None
        before = stored["before"]
        rows.append(
            PolicyComparison(
                policy,
                name.label if name else "Portfolio",
                name_url(name) if name else "",
                "within tolerance" if before is None else format_value(policy, before),
                format_value(policy, stored["after"]),
                format_value(policy, policy.tolerance),
                "Opens"
                if before is None
                else "Stays open"
                if stored["is_breach"]
                else "Within tolerance",
                before is not None and stored["is_breach"],
            )
        )
    return sorted(rows, key=lambda row: (row.is_still_open, row.policy.name, row.name))


def _build_flags(stored_flags: Sequence[Mapping[str, Any]]) -> list[FlagToOpen]:
    """Return the flags that the scenario would open, by name; deleted policies are omitted."""
    if not stored_flags:
        return []
    policies = Policy.objects.in_bulk({stored_flag["policy"] for stored_flag in stored_flags})
    names = node_names(
        {stored_flag["node"] for stored_flag in stored_flags if stored_flag["node"] is not None}
    )
    rows = []
    for stored_flag in stored_flags:
        if (policy := policies.get(stored_flag["policy"])) is None:
            continue
        name = names.get(stored_flag["node"]) if stored_flag["node"] is not None else None
        rows.append(
            FlagToOpen(
                policy,
                name.label if name else "The portfolio",
                name_url(name) if name else "",
                format_value(policy, stored_flag["value"]),
                format_value(policy, policy.tolerance),
            )
        )
    return rows


def result_headline(result: ScenarioResult, name: str) -> Headline:
    """State the effect of the scenario; exposed applications and new flags are marked."""
    exposed = result.count(StandingState.EXPOSED)
    if result.has_removal:
        if not result.n_struck:
            return Headline(f"If {name}, none of your applications is affected.")
        affected_clause = pluralize(
            result.n_struck, "{n} application is affected", "{n} applications are affected"
        )
        opening = f"If {name}, " + affected_clause.format(n=number(result.n_struck))
        if not exposed:
            return Headline(f"{opening}; none is exposed.")
        return Headline(
            f"{opening}; ",
            pluralize(
                exposed,
                f"{number(exposed)} has no alternative",
                f"{number(exposed)} have no alternative",
            ),
            ".",
        )
    clauses = []
    if result.n_changed:
        change_clause = pluralize(
            result.n_changed, "{n} application changes", "{n} applications change"
        )
        clauses.append(change_clause.format(n=number(result.n_changed)))
    for cost in result.costs:
        if abs(cost.change) >= 0.5:
            amount = f"{number(round(abs(cost.change)))} {cost.currency}"
            cost_clause = (
                "costs increase by {amount} per month"
                if cost.change > 0
                else "costs decrease by {amount} per month"
            )
            clauses.append(cost_clause.format(amount=amount))
    sentence = f"If {name}, " + ("; ".join(clauses) or "nothing changes for your applications")
    if result.flags:
        n = len(result.flags)
        return Headline(
            f"{sentence}; ",
            pluralize(n, f"{number(n)} flag would open", f"{number(n)} flags would open"),
            ".",
        )
    return Headline(f"{sentence}.")


def result_picture(result: ScenarioResult) -> Any:
    """Draw before and after if they differ, else one bar."""
    after = {row.state: row.after for row in result.states}
    before = {row.state: row.before for row in result.states}
    rows = (
        [StateBar("", after)]
        if before == after
        else [StateBar("before", before), StateBar("after", after)]
    )
    return responsive_picture(draw_states, rows)


def costs_picture(result: ScenarioResult) -> Any:
    """Draw the monthly cost before and after, if that differs."""
    cost_changes = [cost for cost in result.costs if abs(cost.change) >= 0.5]
    return responsive_picture(
        draw_comparison,
        [ComparisonRow(cost.currency, cost.before, cost.after) for cost in cost_changes],
        names=("before", "after"),
        unit=Unit("per month", compact),
    )


# --- lists ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AffectedRow:
    application: Application
    criticality: str
    state: str
    state_words: str


def page_of(
    result: ScenarioResult,
    failures: Any,
    state: str,
    *,
    team_ids: Collection[int] | None,
    after: str,
    user: User,
) -> tuple[list[AffectedRow], str]:
    """Return (affected applications in the state, cursor of the next page or empty); `after` is
    the cursor of this page."""
    if result.lists is None:
        cursor = _parse_cursor(after)
        impacts = application_states(
            failures,
            states=[state] if state else None,
            team_ids=team_ids,
            after=cursor,
            limit=PAGE_SIZE + 1,
        )
        id_states = [(row.application_id, row.state) for row in impacts[:PAGE_SIZE]]
        rows = _load_affected_rows(id_states, user)
        has_more = len(impacts) > PAGE_SIZE and rows
        return (
            rows,
            f"{rows[-1].application.criticality}-{rows[-1].application.pk}" if has_more else "",
        )
    id_states = listed_pairs(result, state)
    start = int(after) if after.isdecimal() and len(after) < 7 else 0
    rows = _load_affected_rows(id_states[start : start + PAGE_SIZE], user)
    return rows, str(start + PAGE_SIZE) if len(id_states) > start + PAGE_SIZE else ""


def listed_pairs(result: ScenarioResult, state: str) -> list[tuple[int, str]]:
    lists = result.lists or {}
    return [
        (pk, listed_state)
        for listed_state in _STATES
        if not state or listed_state == state
        for pk in lists.get(listed_state, [])
    ]


def _parse_cursor(after: str) -> tuple[int, int] | None:
    criticality, _dash, application_id = after.partition("-")
    return (
        (int(criticality), int(application_id))
        if criticality.isdecimal() and application_id.isdecimal() and len(application_id) < 19
        else None
    )


def _load_affected_rows(id_states: Sequence[tuple[int, str]], user: User) -> list[AffectedRow]:
    applications = applications_by_id([pk for pk, _state in id_states], user)
    return [
        AffectedRow(
            applications[pk],
            Criticality(applications[pk].criticality).label,
            state,
            STATE_WORDS[state],
        )
        for pk, state in id_states
        if pk in applications
    ]


def all_affected_rows(
    result: ScenarioResult, failures: Any, *, team_ids: Collection[int] | None, user: User
) -> list[AffectedRow]:
    """Return all affected applications, for a file; of a stored run those that it lists."""
    if result.lists is None:
        id_states = [
            (row.application_id, row.state)
            for row in application_states(failures, team_ids=team_ids)
        ]
    else:
        id_states = listed_pairs(result, "")
    rows: list[AffectedRow] = []
    for start in range(0, len(id_states), 5_000):
        rows += _load_affected_rows(id_states[start : start + 5_000], user)
    return rows


# --- teams to contact -----------------------------------------------------------------------------


def teams_to_contact(
    result: ScenarioResult, user: User, *, limit: int | None = 25
) -> list[TeamToContact]:
    """Return the teams of exposed, cushioned or partially affected applications, those with most
    exposed first; two statements."""
    teams = Team.objects.visible_to(user).in_bulk(list(result.teams))
    sorted_ids = sorted(
        (pk for pk in result.teams if pk in teams),
        key=lambda pk: (
            [-_count_applications(result.teams[pk], state) for state in _STATES],
            teams[pk].name,
        ),
    )
    team_ids = [pk for pk in sorted_ids if _count_applications(result.teams[pk], "") > 0][:limit]
    owners: dict[int, list[User]] = {}
    for membership in Membership.objects.filter(
        team__in=team_ids, role=TeamRole.OWNER.rank
    ).select_related("user"):
        if membership.user.is_active:
            owners.setdefault(membership.team_id, []).append(membership.user)
    return [
        TeamToContact(
            teams[pk],
            [teams[pk].email]
            if teams[pk].email
            else [person.email for person in owners.get(pk, []) if person.email],
            [str(person) for person in owners.get(pk, [])],
            [
                (STATE_WORDS[state], _count_applications(result.teams[pk], state))
                for state in _STATES
            ],
            _count_applications(result.teams[pk], ""),
            sum(counts[1] for counts in result.teams[pk].values()),
        )
        for pk in team_ids
    ]


def _count_applications(counts: Mapping[str, Sequence[int]], state: str) -> int:
    if state:
        return int(counts.get(state, (0, 0))[0])
    return sum(int(state_count[0]) for state_count in counts.values())
