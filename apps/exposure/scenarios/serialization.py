"""The engine's answer to a what-if as JSON, with the key names of docs/exposure.md."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from apps.exposure.engine.scenarios import ScenarioAnswer, ScenarioSide
from apps.exposure.engine.states import STATE_OF_CODE
from apps.inventory.models import Application, Criticality

# applications named one by one; what lies beyond is only counted
MAX_NAMED_APPLICATIONS = 500
NOT_STANDING = "not_standing"


def serialize_answer(answer: ScenarioAnswer) -> dict[str, Any]:
    """Return sides by state, HHI, single points and cost; and the applications that change their
    state, most critical first.

    Added applications have no slug; they are named by their negative number.
    """
    state_pairs = {
        pk: (answer.before.states.get(pk, NOT_STANDING), answer.after.states.get(pk, NOT_STANDING))
        for pk in answer.before.states.keys() | answer.after.states.keys()
    }
    changed = {pk: pair for pk, pair in state_pairs.items() if pair[0] != pair[1]}
    # most cannot be named, so the gravest are chosen in the database
    application_rows = list(
        Application.objects.filter(pk__in=changed)
        .order_by("criticality", "pk")
        .values("pk", "slug", "name")[:MAX_NAMED_APPLICATIONS]
    )
    rows: list[dict[str, str | None]] = [
        {
            "application": row["slug"],
            "name": row["name"],
            "before": changed[row["pk"]][0],
            "after": changed[row["pk"]][1],
        }
        for row in application_rows
    ]
    rows += [
        {"application": None, "name": f"added {-pk}", "before": pair[0], "after": pair[1]}
        for pk, pair in sorted(changed.items(), reverse=True)
        if pk < 0
    ]
    return {
        "as_of": answer.as_of.isoformat(),
        "before": _side(answer.before),
        "after": _side(answer.after),
        "n_applications_changed": answer.n_changed,
        "n_states_changed": len(changed),
        "transitions": [
            {"before": before, "after": after, "n": n}
            for (before, after), n in sorted(Counter(state_pairs.values()).items())
        ],
        "changes": rows,
    }


# applications listed by their ids, for pages that leaf through them
MAX_LISTED_APPLICATIONS = 10_000


def rebuild_lists(result: Mapping[str, Any]) -> dict[str, Any]:
    """The same of an answer that was kept before answers were listed: of the applications it names,
    and no flags."""
    states: Mapping[str, str] = result["after"]["states"]
    rows = Application.objects.filter(slug__in=states).values_list("pk", "slug")
    return _by_state({pk: states[slug] for pk, slug in rows}) | {"flags": []}


def serialize_lists(answer: ScenarioAnswer) -> dict[str, Any]:
    """Return the lists for pages beside `serialize_answer`: IDs by state after it, most critical
    first; counts of teams; new flags.

    `teams` is {team: {state: [applications, critical ones]}} of all, not only of those listed.
    """
    return _by_state(answer.after.states) | {
        "flags": [
            {"policy": policy, "node": node, "value": float(value.value), "n": value.n_applications}
            for (policy, node), value in answer.after.breaches.items()
            if (policy, node) not in answer.before.breaches
        ],
    }


def _by_state(after: Mapping[int, str]) -> dict[str, Any]:
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


def _side(side: ScenarioSide) -> dict[str, Any]:
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
    """Amounts by currency, to the cent."""
    return {currency: f"{float(amount):.2f}" for currency, amount in sorted(totals.items())}
