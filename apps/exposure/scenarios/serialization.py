"""The engine's answer of a scenario as JSON, with the keys of docs/exposure.md."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from apps.exposure.engine.scenarios import ScenarioAnswer, ScenarioSide
from apps.exposure.engine.states import STATE_OF_CODE
from apps.inventory.models import Application, Criticality

# applications listed by name; further ones are only counted
MAX_NAMED_APPLICATIONS = 500
NOT_STANDING = "not_standing"


def serialize_answer(answer: ScenarioAnswer) -> dict[str, Any]:
    """Return both sides by state, HHI, single points and cost; and the applications whose state
    changes, most critical first.

    Added applications have no slug; they are named by their negative ID.
    """
    state_pairs = {
        pk: (answer.before.states.get(pk, NOT_STANDING), answer.after.states.get(pk, NOT_STANDING))
        for pk in answer.before.states.keys() | answer.after.states.keys()
    }
    changed_states = {pk: pair for pk, pair in state_pairs.items() if pair[0] != pair[1]}
    # not all can be listed, so the database selects the most critical
    application_rows = list(
        Application.objects.filter(pk__in=changed_states)
        .order_by("criticality", "pk")
        .values("pk", "slug", "name")[:MAX_NAMED_APPLICATIONS]
    )
    rows: list[dict[str, str | None]] = [
        {
            "application": row["slug"],
            "name": row["name"],
            "before": changed_states[row["pk"]][0],
            "after": changed_states[row["pk"]][1],
        }
        for row in application_rows
    ]
    rows += [
        {"application": None, "name": f"added {-pk}", "before": pair[0], "after": pair[1]}
        for pk, pair in sorted(changed_states.items(), reverse=True)
        if pk < 0
    ]
    return {
        "as_of": answer.as_of.isoformat(),
        "before": _serialize_side(answer.before),
        "after": _serialize_side(answer.after),
        "n_applications_changed": answer.n_changed,
        "n_states_changed": len(changed_states),
        "transitions": [
            {"before": before, "after": after, "n": n}
            for (before, after), n in sorted(Counter(state_pairs.values()).items())
        ],
        "changes": rows,
    }


# applications listed by ID, for paginated pages
MAX_LISTED_APPLICATIONS = 10_000


def rebuild_lists(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lists for an answer stored before lists were stored: from the applications it
    names, without flags."""
    states: Mapping[str, str] = result["after"]["states"]
    rows = Application.objects.filter(slug__in=states).values_list("pk", "slug")
    return _list_by_state({pk: states[slug] for pk, slug in rows}) | {"flags": []}


def serialize_lists(answer: ScenarioAnswer) -> dict[str, Any]:
    """Return the lists that pages show in addition to `serialize_answer`: application IDs by state
    after the scenario, most critical first; counts of teams; new flags.

    `teams` is {team: {state: [applications, critical ones]}} of all applications, not only of those
    listed.
    """
    return _list_by_state(answer.after.states) | {
        "flags": [
            {"policy": policy, "node": node, "value": float(value.value), "n": value.n_applications}
            for (policy, node), value in answer.after.breaches.items()
            if (policy, node) not in answer.before.breaches
        ],
        "policy_values": [
            {
                "policy": policy,
                "node": node,
                "before": _float_value(answer.before, (policy, node)),
                "after": float(measured.value.value),
                "is_breach": measured.is_breach,
            }
            for (policy, node), measured in answer.after.policy_values.items()
        ],
    }


def _float_value(side: ScenarioSide, key: tuple[int, int | None]) -> float | None:
    """Return the value on one side; None if it was within tolerance and not measured."""
    measured = side.policy_values.get(key)
    return None if measured is None else float(measured.value.value)


def _list_by_state(after: Mapping[int, str]) -> dict[str, Any]:
    """Return the affected applications by state: the most critical ones by ID, and counts by team.
    `after` is {application: state}."""
    by_state: dict[str, list[int]] = {state: [] for state in STATE_OF_CODE}
    teams: dict[int, dict[str, list[int]]] = {}
    rows = Application.objects.filter(pk__in=after).order_by("criticality", "pk")
    for pk, team_id, criticality in rows.values_list("pk", "team_id", "criticality"):
        state = after[pk]
        counts = teams.setdefault(team_id, {}).setdefault(state, [0, 0])
        counts[0] += 1
        counts[1] += criticality == Criticality.CRITICAL
        if len(by_state[state]) < MAX_LISTED_APPLICATIONS:
            by_state[state].append(pk)
    return {
        "applications": by_state,
        "teams": {str(team_id): counts for team_id, counts in teams.items()},
        "n_critical": {
            state: sum(counts.get(state, [0, 0])[1] for counts in teams.values())
            for state in STATE_OF_CODE
        },
    }


def _serialize_side(side: ScenarioSide) -> dict[str, Any]:
    """Return one side of a scenario as JSON; applications are named up to
    MAX_NAMED_APPLICATIONS."""
    counts = Counter(side.states.values())
    slugs = dict(
        Application.objects.filter(pk__in=side.states)
        .order_by("criticality", "pk")
        .values_list("pk", "slug")[:MAX_NAMED_APPLICATIONS]
    )
    return {
        "n_states": {state: counts.get(state, 0) for state in STATE_OF_CODE},
        "states": {slug: side.states[pk] for pk, slug in slugs.items()},
        "hhi": {str(layer): value for layer, value in side.hhi.items()},
        "n_spof_nodes": side.n_single_points,
        "cost": format_amounts(side.cost.totals),
        "cost_unknown": {str(reason): n for reason, n in sorted(side.cost.n_unknown.items())},
    }


def format_amounts(totals: Mapping[str, Fraction]) -> dict[str, str]:
    """Return amounts by currency as texts with two decimal places."""
    return {currency: f"{float(amount):.2f}" for currency, amount in sorted(totals.items())}
