"""Queries for alerts about feeds: backfilled retirements, changes on hold, sources that are late or
not updating."""

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

# Facts that are not events replace the table of events, so that the rules of
# apps/exposure/queries/dependents.py also determine the applications that they affect. `live` is as
# in apps/alerts/queries.py.
_OVER_LIVE = """
WITH catalog_providerevent(id, offering_id, source_id, kind) AS ({facts}),
reached AS MATERIALIZED ({reached}),
live(offering_id, application_id, role, team_id, criticality) AS ({live})
"""


def _fetch_reached(
    facts: str, params: Sequence[Any], query: str, *, on: date
) -> list[tuple[Any, ...]]:
    """Fetch the rows of `query` over (reached, live), with `facts` in place of the events; empty
    without live dependencies."""
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
            + query,
            [*params, *live_params],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# --- back-fill ------------------------------------------------------------------------------------

# Retirement dates that were in the past when first seen, and that are announced, still stated by
# the source and used by the catalogue. Dates that another source stated before, and offerings
# already known as retired, are excluded.
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
  -- no other source stated the date before
  AND NOT EXISTS (
      SELECT 1 FROM catalog_assertion b
      WHERE b.offering_id = o.id AND b.topic = 'lifecycle' AND b.id <> a.id
          AND b.withdrawn_at IS NULL
        AND b.value ->> 'retires_on' = pair ->> 1 AND b.value ->> 'date_kind' = 'firm'
            AND b.changed_at < a.changed_at)
  -- the last event about the date is not the retirement itself
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
    """The backfilled retirements of one run that affect one team.

    `offerings` are as in `Alert.details`, latest retirement first; `gravest_primary` and
    `gravest_leaning` are as in `provider_events.AffectedParty`."""

    run_id: int
    team_id: int
    offerings: list[dict[str, Any]] = field(default_factory=list)
    application_ids: list[int] = field(default_factory=list)
    gravest_primary: int | None = None
    gravest_leaning: int | None = None


def backfilled_teams(*, run_ids: Sequence[int], on: date) -> list[BackfilledTeam]:
    """Return the affected teams of each run, with offerings that had already retired when their
    source first published the date; two statements."""
    if not run_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BACKFILLED, [list(run_ids)])
        facts = cursor.fetchall()
    if not facts:
        return []
    facts_sql = "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
    columns = [
        list(range(len(facts))),
        [fact[2] for fact in facts],
        [fact[1] for fact in facts],
        ["retired"] * len(facts),
    ]
    applications_by_fact: dict[tuple[int, int], list[tuple[int, int, bool]]] = defaultdict(list)
    for number, team_id, application_id, criticality, is_primary in _fetch_reached(
        facts_sql, columns, _BY_FACT, on=on
    ):
        applications_by_fact[number, team_id].append((application_id, criticality, is_primary))
    teams: dict[tuple[int, int], BackfilledTeam] = {}
    for (number, team_id), applications in sorted(applications_by_fact.items()):
        run_id, _, _, api_id, host, region, ended_on = facts[number]
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
        team.gravest_primary = _find_gravest(
            team.gravest_primary, [level for _, level, is_primary in applications if is_primary]
        )
        team.gravest_leaning = _find_gravest(
            team.gravest_leaning, [level for _, level, is_primary in applications if not is_primary]
        )
    return list(teams.values())


def _find_gravest(current: int | None, levels: Iterable[int]) -> int | None:
    return min([*levels, *([] if current is None else [current])], default=None)


# --- changes on hold ------------------------------------------------------------------------------

# The events that would result if all changes on hold were accepted.
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
    """Return (source, provider group) of all changes on hold, and of pages whose form is on
    hold."""
    held_assertions = Assertion.objects.standing().filter(held=True, source__in=source_ids)
    held_forms = PollState.objects.filter(source__in=source_ids, page_form__has_key="doubts")
    return {
        *held_assertions.order_by().values_list("source_id", "group").distinct(),
        *held_forms.values_list("source_id", "page_form__group"),
    }


def applications_on_hold(
    source_ids: Sequence[int], *, on: date
) -> dict[tuple[int, str], dict[int, int]]:
    """Return {(source, provider group): {application: criticality}} of the applications that
    changes on hold would affect, most critical first."""
    applications: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for source_id, group, application_id, criticality in _fetch_reached(
        _GROUPS_ON_HOLD, [list(source_ids)], _BY_GROUP, on=on
    ):
        applications[source_id, group][application_id] = criticality
    return applications


def provider_names(groups: Collection[str]) -> Mapping[str, str]:
    """Return {slug: name} of the provider groups that are providers of the catalogue."""
    return dict(Provider.objects.filter(slug__in=groups).values_list("slug", "name"))


# --- sources that are late or not updating --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """The polling state and health of a source, ignoring changes on hold, which have their own
    alerts."""

    state: PollState
    health: Health


def source_conditions(*, at: datetime) -> dict[int, SourceCondition]:
    """Return {source: condition} of the polled sources; one statement. A source without a
    successful poll is never late, since it has no data that could be outdated."""
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
