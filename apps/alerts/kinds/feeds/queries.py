"""Reads over feeds for those who are owed word of them: back-fill, what is held, sources that fell
silent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from apps.catalog.models import Assertion, Provider, Source
from apps.exposure.queries.dependents import reached_offerings_sql
from apps.feeds.models import Health, PollState
from apps.inventory.models import Dependency

# Facts that are no events stand in for the table of events, so that whom they reach is worked out
# by the rules of apps/exposure/queries/dependents.py and by no others. `live` is as in queries.py.
_OVER_LIVE = """
WITH catalog_providerevent(id, offering_id, source_id, kind) AS ({facts}),
reached AS MATERIALIZED ({reached}),
live(offering_id, application_id, role, team_id, criticality) AS ({live})
"""


def _reached_by(
    facts: str, params: Sequence[Any], answer: str, *, on: date
) -> list[tuple[Any, ...]]:
    """The rows of `answer` over (reached, live) with `facts` in place of the events; nothing where
    nobody is live."""
    live = (
        Dependency.objects.live_on(on)
        .order_by()
        .values_list(
            "offering_id",
            "application_id",
            "role",
            "application__team_id",
            "application__criticality",
        )
    )
    try:
        live_sql, live_params = live.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _OVER_LIVE.format(facts=facts, reached=reached_offerings_sql("TRUE"), live=live_sql)
            + answer,
            [*params, *live_params],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# --- back-fill ------------------------------------------------------------------------------------

# Days that were past when first seen, and that count: firm, still said, and what the catalogue goes
# by. Told before, and hence no news, is what another source already said, and the end of an
# offering known to be retired.
_BACKFILLED = """
SELECT DISTINCT r.id, r.source_id, o.id, o.api_id, h.name, o.region_scope, o.retires_on
FROM feeds_feedrun r
CROSS JOIN LATERAL jsonb_array_elements(r.backfilled) AS listed(pair)
JOIN catalog_assertion a ON a.source_id = r.source_id AND a.external_id = pair ->> 0
    AND a.topic = 'lifecycle' AND a.withdrawn_at IS NULL
JOIN catalog_offering o ON o.id = a.offering_id
JOIN catalog_provider h ON h.id = o.host_id
WHERE r.id = ANY (%s)
  AND a.value ->> 'retires_on' = pair ->> 1 AND a.value ->> 'date_kind' = 'firm'
  AND to_char(o.retires_on, 'YYYY-MM-DD') = pair ->> 1 AND o.date_kind = 'firm'
  AND NOT EXISTS (
      SELECT 1 FROM catalog_assertion b
      WHERE b.offering_id = o.id AND b.topic = 'lifecycle' AND b.id <> a.id
          AND b.withdrawn_at IS NULL
        AND b.value ->> 'retires_on' = pair ->> 1 AND b.value ->> 'date_kind' = 'firm'
            AND b.changed_at < a.changed_at)
  AND (SELECT e.kind FROM catalog_providerevent e
       WHERE e.offering_id = o.id AND e.kind IN ('announced', 'moved_earlier', 'moved_later',
           'withdrawn', 'retired')
       ORDER BY e.detected_at DESC, e.id DESC LIMIT 1) IS DISTINCT FROM 'retired'
ORDER BY o.retires_on DESC, o.api_id, o.id
"""

_BY_FACT = """
SELECT r.event_id, l.team_id, l.application_id, l.criticality, bool_or(l.role = 'primary')
FROM reached r JOIN live l ON l.offering_id = r.offering_id
GROUP BY r.event_id, l.team_id, l.application_id, l.criticality
ORDER BY l.criticality, l.application_id
"""


@dataclass(slots=True)
class BackfilledTeam:
    """What the back-fill of one run means for one team.

    `offerings` are as in `Alert.details`, the latest to end first; `gravest_primary` and
    `gravest_leaning` are as in `queries.AffectedApplication`.
    """

    run_id: int
    team_id: int
    offerings: list[dict[str, Any]] = field(default_factory=list)
    application_ids: list[int] = field(default_factory=list)
    gravest_primary: int | None = None
    gravest_leaning: int | None = None


def backfilled_teams(*, run_ids: Sequence[int], on: date) -> list[BackfilledTeam]:
    """Per run and team what had already ended when it was first told; two statements for any number
    of each."""
    if not run_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BACKFILLED, [list(run_ids)])
        context = cursor.fetchall()
    if not context:
        return []
    numbered = "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
    columns = [
        list(range(len(context))),
        [fact[2] for fact in context],
        [fact[1] for fact in context],
        ["retired"] * len(context),
    ]
    concerned: dict[tuple[int, int], list[tuple[int, int, bool]]] = defaultdict(list)
    for number, team_id, application_id, criticality, is_primary in _reached_by(
        numbered, columns, _BY_FACT, on=on
    ):
        concerned[number, team_id].append((application_id, criticality, is_primary))
    teams: dict[tuple[int, int], BackfilledTeam] = {}
    for (number, team_id), applications in sorted(concerned.items()):
        run_id, _, _, api_id, host, region, ended_on = context[number]
        team = teams.setdefault((run_id, team_id), BackfilledTeam(run_id, team_id))
        ids = [application_id for application_id, _, _ in applications]
        team.offerings.append(
            {
                "api_id": api_id,
                "host": host,
                "region": region,
                "ended_on": ended_on.isoformat(),
                "applications": ids,
            }
        )
        team.application_ids += [pk for pk in ids if pk not in team.application_ids]
        team.gravest_primary = _gravest(
            team.gravest_primary, [teams for _, teams, primary in applications if primary]
        )
        team.gravest_leaning = _gravest(
            team.gravest_leaning, [teams for _, teams, primary in applications if not primary]
        )
    return list(teams.values())


def _gravest(known: int | None, further: Iterable[int]) -> int | None:
    return min([*further, *([] if known is None else [known])], default=None)


# --- what is held ---------------------------------------------------------------------------------

# What people would be told of if everything held were accepted.
_GROUPS_ON_HOLD = """
SELECT a.id, a.offering_id, a.source_id,
       CASE a.topic WHEN 'price' THEN 'repriced' WHEN 'identity' THEN 'delisted'
           ELSE 'withdrawn' END
FROM catalog_assertion a
WHERE a.held AND a.withdrawn_at IS NULL AND a.offering_id IS NOT NULL AND a.source_id = ANY (%s)
"""

_BY_GROUP = """
SELECT e.source_id, a."group", l.application_id, min(l.criticality)
FROM reached r
JOIN catalog_providerevent e ON e.id = r.event_id
JOIN catalog_assertion a ON a.id = e.id
JOIN live l ON l.offering_id = r.offering_id
GROUP BY e.source_id, a."group", l.application_id
ORDER BY min(l.criticality), l.application_id
"""


def groups_on_hold(source_ids: Collection[int]) -> set[tuple[int, str]]:
    """(source, provider group) of which something waits for a decision."""
    waiting = Assertion.objects.standing().filter(held=True, source__in=source_ids)
    return set(waiting.order_by().values_list("source_id", "group").distinct())


def applications_on_hold(
    source_ids: Sequence[int], *, on: date
) -> dict[tuple[int, str], dict[int, int]]:
    """{(source, provider group): {application: criticality}} of live applications that held changes
    would reach, gravest first."""
    applications: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for source_id, group, application_id, criticality in _reached_by(
        _GROUPS_ON_HOLD, [list(source_ids)], _BY_GROUP, on=on
    ):
        applications[source_id, group][application_id] = criticality
    return applications


def provider_names(groups: Collection[str]) -> Mapping[str, str]:
    """{slug: name} of the provider groups that are providers of the catalogue."""
    return dict(Provider.objects.filter(slug__in=groups).values_list("slug", "name"))


# --- sources that fell silent ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """Where reading a source stands, doubt about what it says left aside: that is told by run."""

    state: PollState
    health: Health


def source_conditions(*, at: datetime) -> dict[int, SourceCondition]:
    """{source: condition} of the sources that are polled; one statement. A source that never
    succeeded is never late: there is nothing yet that could get old."""
    states = PollState.objects.filter(source__in=Source.objects.polled()).select_related("source")
    conditions = {}
    for state in states:
        frozen_after = state.source.frozen_after_days
        state.suspect = False
        conditions[state.source_id] = SourceCondition(
            state,
            state.health(
                at,
                timedelta(minutes=state.source.stale_after_minutes),
                timedelta(days=frozen_after) if frozen_after else None,
            ),
        )
    return conditions


__all__ = [
    "BackfilledTeam",
    "SourceCondition",
    "applications_on_hold",
    "backfilled_teams",
    "groups_on_hold",
    "provider_names",
    "source_conditions",
]
