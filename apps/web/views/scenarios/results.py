"""Scenario results: the same for one computed in the request, one from a worker, and nodes that
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
    n_changed: int
    changes: list[Mapping[str, Any]]
    n_states_changed: int
    lists: Mapping[str, Sequence[int]] | None
    whole: bool

    @property
    def leaves_figures(self) -> bool:
        """Neither costs nor concentration nor single points change: what only fails stays
        declared."""
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
    """(outcome, what is asked) of nodes that fail together: three statements."""
    asked = node_failures(list(find_nodes(names).values()), settings=settings)
    teams = team_state_counts(asked, team_ids=team_ids) if asked else {}
    counts = [
        StateCount(
            state,
            STATE_WORDS[state],
            STATE_HELP[state],
            n := sum(found.get(state, (0, 0))[0] for found in teams.values()),
            n,
            sum(found.get(state, (0, 0))[1] for found in teams.values()),
        )
        for state in _STATES
    ]
    outcome = ScenarioResult(
        states=counts,
        teams=teams,
        has_removal=True,
        costs=[],
        cost_unknown=0,
        hhi=[],
        n_points=None,
        flags=[],
        n_changed=0,
        changes=[],
        n_states_changed=0,
        lists=None,
        whole=team_ids is None,
    )
    return outcome, asked


def result_of_run(
    result: Mapping[str, Any], details: Mapping[str, Any], ops: Sequence[Mapping[str, Any]]
) -> ScenarioResult:
    """Of an answer as it is kept: at most two statements, for the names of flags."""
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
        flags=_flags(details.get("flags", [])),
        n_changed=result["n_applications_changed"],
        changes=[
            {**row, "before": _in_words(row["before"]), "after": _in_words(row["after"])}
            for row in result["changes"]
        ],
        n_states_changed=result["n_states_changed"],
        lists=details.get("applications", {}),
        whole=result["whole_organisation"],
    )


def _in_words(state: str) -> str:
    return STATE_WORDS.get(state, "Not struck")


def _flags(found: Sequence[Mapping[str, Any]]) -> list[FlagToOpen]:
    if not found:
        return []
    policies = Policy.objects.in_bulk({row["policy"] for row in found})
    names = node_names({row["node"] for row in found if row["node"] is not None})
    rows = []
    for row in found:
        if (policy := policies.get(row["policy"])) is None:
            continue
        name = names.get(row["node"]) if row["node"] is not None else None
        rows.append(
            FlagToOpen(
                policy,
                name.label if name else "The portfolio",
                name_url(name) if name else "",
                format_value(policy, row["value"]),
                format_value(policy, policy.tolerance),
            )
        )
    return rows


def result_headline(outcome: ScenarioResult, name: str) -> Headline:
    """What happens, the exposed in red."""
    exposed = outcome.count(StandingState.EXPOSED)
    if outcome.has_removal:
        if not outcome.n_struck:
            return Headline(f"If {name}, nothing of yours is struck.")
        stands = pluralize(
            outcome.n_struck, "{n} application is struck", "{n} applications are struck"
        )
        before = f"If {name}, " + stands.format(n=number(outcome.n_struck))
        if not exposed:
            return Headline(f"{before}; none is exposed.")
        return Headline(
            f"{before}; ",
            pluralize(
                exposed, f"{number(exposed)} has no way out", f"{number(exposed)} have no way out"
            ),
            ".",
        )
    parts = []
    if outcome.n_changed:
        changed = pluralize(outcome.n_changed, "{n} application changes", "{n} applications change")
        parts.append(changed.format(n=number(outcome.n_changed)))
    for cost in outcome.costs:
        if abs(cost.change) >= 0.5:
            amount = f"{number(round(abs(cost.change)))} {cost.currency}"
            more = (
                "the bill grows by {amount} a month"
                if cost.change > 0
                else "it saves {amount} a month"
            )
            parts.append(more.format(amount=amount))
    says = f"If {name}, " + ("; ".join(parts) or "nothing of yours changes")
    if outcome.flags:
        n = len(outcome.flags)
        return Headline(
            f"{says}; ",
            pluralize(n, f"{number(n)} flag would open", f"{number(n)} flags would open"),
            ".",
        )
    return Headline(f"{says}.")


def result_picture(outcome: ScenarioResult) -> Any:
    """Draw before and after if they differ, else one bar."""
    after = {row.state: row.after for row in outcome.states}
    before = {row.state: row.before for row in outcome.states}
    rows = (
        [StateBar("", after)]
        if before == after
        else [StateBar("before", before), StateBar("after", after)]
    )
    return responsive_picture(draw_states, rows)


def costs_picture(outcome: ScenarioResult) -> Any:
    """Draw the monthly cost before and after, if that differs."""
    changed = [cost for cost in outcome.costs if abs(cost.change) >= 0.5]
    return responsive_picture(
        draw_comparison,
        [ComparisonRow(cost.currency, cost.before, cost.after) for cost in changed],
        names=("before", "after"),
        unit=Unit("a month", compact),
    )


# --- lists ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AffectedRow:
    application: Application
    criticality: str
    state: str
    state_words: str


def page_of(
    outcome: ScenarioResult,
    asked: Any,
    state: str,
    *,
    team_ids: Collection[int] | None,
    after: str,
    user: User,
) -> tuple[list[AffectedRow], str]:
    """(a sheet of the applications in the state, where the next begins or empty). `after` is what
    was given before."""
    if outcome.lists is None:
        place = _place(after)
        found = application_states(
            asked,
            states=[state] if state else None,
            team_ids=team_ids,
            after=place,
            limit=PAGE_SIZE + 1,
        )
        pairs = [(row.application_id, row.state) for row in found[:PAGE_SIZE]]
        rows = _struck(pairs, user)
        more = len(found) > PAGE_SIZE and rows
        return rows, f"{rows[-1].application.criticality}-{rows[-1].application.pk}" if more else ""
    pairs = listed_pairs(outcome, state)
    start = int(after) if after.isdecimal() and len(after) < 7 else 0
    rows = _struck(pairs[start : start + PAGE_SIZE], user)
    return rows, str(start + PAGE_SIZE) if len(pairs) > start + PAGE_SIZE else ""


def listed_pairs(outcome: ScenarioResult, state: str) -> list[tuple[int, str]]:
    lists = outcome.lists or {}
    return [
        (pk, each) for each in _STATES if not state or each == state for pk in lists.get(each, [])
    ]


def _place(after: str) -> tuple[int, int] | None:
    grave, _dash, last = after.partition("-")
    return (
        (int(grave), int(last))
        if grave.isdecimal() and last.isdecimal() and len(last) < 19
        else None
    )


def _struck(pairs: Sequence[tuple[int, str]], user: User) -> list[AffectedRow]:
    found = applications_by_id([pk for pk, _state in pairs], user)
    return [
        AffectedRow(found[pk], Criticality(found[pk].criticality).label, state, STATE_WORDS[state])
        for pk, state in pairs
        if pk in found
    ]


def all_affected_rows(
    outcome: ScenarioResult, asked: Any, *, team_ids: Collection[int] | None, user: User
) -> list[AffectedRow]:
    """All that are struck, for a file; of a kept answer those it lists."""
    if outcome.lists is None:
        pairs = [
            (row.application_id, row.state) for row in application_states(asked, team_ids=team_ids)
        ]
    else:
        pairs = listed_pairs(outcome, "")
    rows: list[AffectedRow] = []
    for start in range(0, len(pairs), 5_000):
        rows += _struck(pairs[start : start + 5_000], user)
    return rows


# --- whom to call ---------------------------------------------------------------------------------


def teams_to_contact(
    outcome: ScenarioResult, user: User, *, most: int | None = 25
) -> list[TeamToContact]:
    """Return the teams of exposed, cushioned or partially affected applications, those with most
    exposed first; two statements."""
    teams = Team.objects.visible_to(user).in_bulk(list(outcome.teams))
    ordered = sorted(
        (pk for pk in outcome.teams if pk in teams),
        key=lambda pk: ([-_n(outcome.teams[pk], state) for state in _STATES], teams[pk].name),
    )
    shown = [pk for pk in ordered if _n(outcome.teams[pk], "") > 0][:most]
    owners: dict[int, list[User]] = {}
    for row in Membership.objects.filter(team__in=shown, role=TeamRole.OWNER.rank).select_related(
        "user"
    ):
        if row.user.is_active:
            owners.setdefault(row.team_id, []).append(row.user)
    return [
        TeamToContact(
            teams[pk],
            [teams[pk].email]
            if teams[pk].email
            else [person.email for person in owners.get(pk, []) if person.email],
            [str(person) for person in owners.get(pk, [])],
            [(STATE_WORDS[state], _n(outcome.teams[pk], state)) for state in _STATES],
            _n(outcome.teams[pk], ""),
            sum(counts[1] for counts in outcome.teams[pk].values()),
        )
        for pk in shown
    ]


def _n(counts: Mapping[str, Sequence[int]], state: str) -> int:
    if state:
        return int(counts.get(state, (0, 0))[0])
    return sum(int(found[0]) for found in counts.values())
