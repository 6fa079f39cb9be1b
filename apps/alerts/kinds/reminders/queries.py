"""Deadlines of the organisation that need reminders, and their recipients.

Each reminder type is one statement. `%(day)s` is today; the rows are current deadlines without an
alert at the milestone that is due. A date that passed during an outage still counts for a week, a
review or treatment without limit.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple, cast

from apps.accounts.roles import TeamRole
from apps.alerts.kinds.reminders.retirement_queries import fetch_rows_on
from apps.alerts.kinds.reminders.types import (
    PERSON_NAME,
    ReminderType,
    registered_reminder_types,
)
from apps.alerts.models import DayKind, SubjectKind
from apps.common.database.statements import compose_statement, fetch_rows, load_statement
from apps.exposure.models import ExposureSettings

OFFERING_NAME = "o.api_id || ' on ' || h.name"
# Current and future dependencies of applications in scope.
_IN_USE = """(
            SELECT d.id, d.application_id FROM inventory_dependency d
            JOIN inventory_application a ON a.id = d.application_id
            WHERE a.status = ANY (%(in_scope)s) AND (d.until IS NULL OR d.until > %(day)s::date)
        )"""
# The default, for as long as the row of the settings does not exist.
_TEST_VALIDITY_DAYS = ExposureSettings().test_validity_days

REMINDER_TYPES: tuple[ReminderType, ...] = (
    ReminderType(
        DayKind.ACCEPTANCE_EXPIRING,
        SubjectKind.ASSESSMENT,
        f"""
        SELECT s.id, s.accepted_until AS on, (s.accepted_at AT TIME ZONE 'UTC')::date AS made_on,
            d.application_id,
               ARRAY[s.accepted_by_id, s.owner_id] AS people,
               jsonb_build_object('what', coalesce(t.code || ', ', '') || coalesce(nullif(r.title,
               ''), t.title),
                                  'who', {PERSON_NAME})
                   AS words
        FROM risks_assessment s JOIN {_IN_USE} d ON d.id = s.dependency_id
        JOIN risks_foundationrisk r ON r.id = s.risk_id LEFT
        JOIN risks_risktemplate t ON t.id = r.template_id
        JOIN accounts_user u ON u.id = s.accepted_by_id
        WHERE s.treatment = 'accept' AND s.revoked_at IS NULL AND s.accepted_until > %(day)s::date
        """,
        expires=True,
    ),
    ReminderType(
        DayKind.ACCEPTANCE_EXPIRING,
        SubjectKind.FLAG,
        f"""
        SELECT f.id, f.accepted_until AS on,
               (SELECT (max(e.at) AT TIME ZONE 'UTC')::date FROM exposure_flagevent e
                WHERE e.flag_id = f.id AND e.kind = 'accepted') AS made_on,
               NULL::bigint AS application_id, ARRAY[f.accepted_by_id] AS people,
               jsonb_build_object('what', p.name, 'node', f.node_id,
                                  'who', {PERSON_NAME})
                   AS words
        FROM exposure_exposureflag f JOIN exposure_policy p ON p.id = f.policy_id
        JOIN accounts_user u ON u.id = f.accepted_by_id
        WHERE f.state = 'accepted' AND f.accepted_until > %(day)s::date
        """,
        expires=True,
    ),
    ReminderType(
        DayKind.EXIT_TEST_EXPIRING,
        SubjectKind.EXIT_TEST,
        f"""
        SELECT DISTINCT ON (e.dependency_id) e.id,
               coalesce(e.expires_on, e.tested_on + coalesce(
                   (SELECT test_validity_days FROM exposure_exposuresettings),
                       {_TEST_VALIDITY_DAYS})) AS on,
               e.tested_on AS made_on, d.application_id, ARRAY[]::bigint[] AS people,
               jsonb_build_object('what', {OFFERING_NAME}) AS words
        FROM inventory_exittest e JOIN {_IN_USE} d ON d.id = e.dependency_id
        JOIN catalog_offering o ON o.id = e.target_id JOIN catalog_provider h ON h.id = o.host_id
        WHERE e.result = 'passed' AND e.tested_on <= %(day)s::date
        ORDER BY e.dependency_id, 2 DESC, e.id DESC
        """,
    ),
    ReminderType(
        DayKind.WAIVER_EXPIRING,
        SubjectKind.TASK,
        # Includes tasks that were signed off under the deferral, and expired deferrals with an open
        # alert.
        f"""
        SELECT k.id, k.waived_until AS on, d.application_id,
            ARRAY[k.waived_by_id, k.owner_id] AS people,
               jsonb_build_object('what', c.title,
                                  'who', {PERSON_NAME})
                   AS words
        FROM exposure_campaigntask k JOIN exposure_campaign c ON c.id = k.campaign_id
            AND c.state = 'open'
        JOIN {_IN_USE} d ON d.id = k.dependency_id JOIN accounts_user u ON u.id = k.waived_by_id
        WHERE k.waived_until IS NOT NULL AND (k.state IN ('waived', 'done') OR (
            k.state IN ('open', 'in_progress', 'ready') AND k.waived_until <= %(day)s::date
            AND EXISTS (
                SELECT 1 FROM alerts_alert t WHERE t.kind = 'waiver_expiring'
                    AND t.subject_kind = 'task'
                AND t.subject_id = k.id AND t.due_on = k.waived_until AND t.state <> 'resolved')))
        """,
        has_created_on=False,
    ),
    ReminderType(
        DayKind.APPROVAL_EXPIRING,
        SubjectKind.APPROVAL,
        f"""
        SELECT p.id, p.expires_on AS on, p.decided_on AS made_on, NULL::bigint AS application_id,
               ARRAY[p.approver_id] AS people,
               jsonb_build_object('what', coalesce(v.name, n.name,
                                      nullif(w.name, ''), w.identifier, {OFFERING_NAME}),
                                  'decision', p.decision,
                                  'who', {PERSON_NAME})
                   AS words
        FROM inventory_approval p JOIN accounts_user u ON u.id = p.approver_id
        LEFT JOIN catalog_provider v ON v.id = p.provider_id LEFT
        JOIN catalog_foundation n ON n.id = p.foundation_id
        LEFT JOIN catalog_version w ON w.id = p.version_id LEFT
        JOIN catalog_offering o ON o.id = p.offering_id
        LEFT JOIN catalog_provider h ON h.id = o.host_id
        WHERE p.revoked_at IS NULL AND p.expires_on IS NOT NULL
        """,
    ),
    ReminderType(
        DayKind.REVIEW_DUE,
        SubjectKind.APPLICATION,
        """
        SELECT a.id, a.next_review_on AS on, a.id AS application_id, ARRAY[]::bigint[] AS people,
               jsonb_build_object('what', a.name) AS words
        FROM inventory_application a
        WHERE a.next_review_on IS NOT NULL AND a.status = ANY (%(in_scope)s)
        """,
        milestones_field="review_milestones",
        keeps_overdue=True,
        has_created_on=False,
    ),
    ReminderType(
        DayKind.REVIEW_DUE,
        SubjectKind.SELECTION,
        """
        SELECT s.id, s.review_on AS on, s.decided_on AS made_on, NULL::bigint AS application_id,
               ARRAY[s.decided_by_id] AS people,
               jsonb_build_object('what', s.title) AS words
        FROM inventory_selection s WHERE s.review_on IS NOT NULL AND s.state = 'decided'
        """,
        milestones_field="review_milestones",
        keeps_overdue=True,
    ),
    ReminderType(
        DayKind.TREATMENT_DUE,
        SubjectKind.ASSESSMENT,
        f"""
        SELECT s.id, s.due_on AS on, (s.assessed_at AT TIME ZONE 'UTC')::date AS made_on,
            d.application_id,
               ARRAY[s.owner_id] AS people,
               jsonb_build_object('what', coalesce(t.code || ', ', '') || coalesce(nullif(r.title,
               ''), t.title),
                                  'treatment', s.treatment) AS words
        FROM risks_assessment s JOIN {_IN_USE} d ON d.id = s.dependency_id
        JOIN risks_foundationrisk r ON r.id = s.risk_id LEFT
        JOIN risks_risktemplate t ON t.id = r.template_id
        WHERE s.due_on IS NOT NULL AND s.treatment IN ('avoid', 'reduce', 'share')
            AND s.state <> 'not_applicable'
          AND r.closed_at IS NULL
        """,
        milestones_field="review_milestones",
        keeps_overdue=True,
    ),
    # Of several stages of one model that begin on one day, the most serious.
    ReminderType(
        DayKind.STAGE_BEGINS,
        SubjectKind.DEPENDENCY,
        f"""
        SELECT DISTINCT ON (d.id, s.starts_on) d.id, s.starts_on AS on, d.application_id,
               ARRAY[]::bigint[] AS people,
               jsonb_build_object('what', {OFFERING_NAME} || ' (' || CASE s.stage
                   WHEN 'extended_access' THEN 'extended access, where the price can change'
                   WHEN 'training_ended' THEN 'end of training of fine-tuned models'
                   WHEN 'closed_to_new' THEN 'closed to new customers'
                   ELSE s.stage END || ')') AS words
        FROM catalog_offeringstage s
        JOIN catalog_offering o ON o.id = s.offering_id AND o.lifecycle <> 'retired'
        JOIN catalog_provider h ON h.id = o.host_id
        JOIN inventory_dependency e ON e.offering_id = o.id JOIN {_IN_USE} d ON d.id = e.id
        WHERE s.stage IN ('extended_access', 'training_ended', 'closed_to_new', 'legacy')
          AND s.date_kind = 'firm' AND s.starts_on >= %(day)s::date - %(grace)s
          -- the retirement itself is told of otherwise
          AND s.starts_on IS DISTINCT FROM o.retires_on
        ORDER BY d.id, s.starts_on, array_position(
            ARRAY['extended_access', 'training_ended', 'closed_to_new', 'legacy'], s.stage::text)
        """,
        has_created_on=False,
        expires=True,
    ),
    ReminderType(
        DayKind.MUTE_EXPIRING,
        SubjectKind.MUTE,
        """
        SELECT m.id, m.until AS on, (m.created_at AT TIME ZONE 'UTC')::date AS made_on,
            NULL::bigint AS application_id,
               ARRAY[coalesce(m.user_id, m.created_by_id)] AS people, jsonb_build_object('reason',
               m.reason) AS words
        FROM alerts_mute m
        -- a mute of a few days needs no reminder in these days
        WHERE m.lifted_at IS NULL AND m.until > %(day)s::date
          AND m.until - (m.created_at AT TIME ZONE 'UTC')::date > 14
        """,
        personal=True,
        expires=True,
    ),
    ReminderType(
        DayKind.KEY_EXPIRING,
        SubjectKind.KEY,
        # The recipients of a service account's token are the nearest owners of its team, without
        # any the operators of the registry (as `OrganisationRoles.operators`); also for some days
        # after it has expired.
        compose_statement(
            load_statement("alerts", "keys_expiring"), owner_rank=str(TeamRole.OWNER.rank)
        ),
        personal=True,
        expires=True,
        handled_sql="EXISTS (SELECT 1 FROM accounts_apitoken k WHERE k.id = t.subject_id AND "
        "k.revoked_at IS NOT NULL)",
    ),
)


def all_reminder_types() -> tuple[ReminderType, ...]:
    """Return the reminder types of this module and those that other apps have registered."""
    return (*REMINDER_TYPES, *registered_reminder_types())


_DUE = """
WITH cause AS ({sql}),
due AS (
    SELECT c.*, (SELECT min(m) FROM alerts_alertsettings s, unnest(s.{lead}) m
    WHERE m >= c.on - %(day)s::date)
               AS milestone
    FROM cause c WHERE c.on IS NOT NULL AND {window}
)
SELECT d.id AS subject_id, d.on, d.milestone, d.application_id,
       array_remove(d.people, NULL) AS people, d.words, a.team_id, a.criticality
FROM due d LEFT JOIN inventory_application a ON a.id = d.application_id
WHERE d.milestone IS NOT NULL AND {news}
  AND NOT EXISTS (
      SELECT 1 FROM alerts_alert t WHERE t.subject_kind = %(subject)s AND t.subject_id = d.id
          AND t.kind = %(kind)s
        AND t.due_on = d.on AND t.milestone <= d.milestone)
ORDER BY d.on, a.criticality, d.id
"""


# The author of a deadline knows its date: no reminder shortly after its creation, but at least one
# before the date.
_NEWS = """(
    d.made_on IS NULL OR d.on - d.made_on > d.milestone
    OR d.milestone <= (SELECT min(m) FROM alerts_alertsettings s, unnest(s.{lead}) m
    WHERE m > 0))"""


class DueReminder(NamedTuple):
    """A milestone before a deadline that is due."""

    subject_id: int
    on: date
    milestone: int
    application_id: int | None
    people: list[int]
    words: dict[str, Any]
    team_id: int | None
    criticality: int | None


def due_reminders(reminder_type: ReminderType, *, on: date) -> list[DueReminder]:
    """Return the due milestones of this type without an alert; one statement."""
    window = "TRUE" if reminder_type.keeps_overdue else "c.on >= %(day)s::date - %(grace)s"
    news = (
        _NEWS.format(lead=reminder_type.milestones_field)
        if reminder_type.has_created_on
        else "TRUE"
    )
    statement = _DUE.format(
        sql=reminder_type.sql, lead=reminder_type.milestones_field, window=window, news=news
    )
    rows = fetch_rows_on(
        DueReminder, statement, on, subject=str(reminder_type.subject), kind=str(reminder_type.kind)
    )
    # The cursor returns JSON as text.
    return [row._replace(words=json.loads(cast(str, row.words))) for row in rows]


_OUTDATED = """
WITH cause AS ({sql})
SELECT t.id AS alert_id, {runs_out} AND t.due_on <= %(day)s::date AND NOT {taken_up}
   AND NOT EXISTS (SELECT 1 FROM cause c WHERE c.id = t.subject_id) AS ran_out
FROM alerts_alert t
WHERE t.kind = %(kind)s AND t.subject_kind = %(subject)s AND t.state <> 'resolved'
  AND NOT EXISTS (SELECT 1 FROM cause c WHERE c.id = t.subject_id AND c.on = t.due_on)
"""


class OutdatedReminder(NamedTuple):
    """A live alert whose deadline no longer exists. `ran_out`: the date was reached, without an
    action of a user."""

    alert_id: int
    ran_out: bool


def outdated_reminders(reminder_type: ReminderType, *, on: date) -> list[OutdatedReminder]:
    """Return the live alerts of this type whose deadline was renewed, completed or revoked, or was
    reached."""
    statement = _OUTDATED.format(
        sql=reminder_type.sql, runs_out=reminder_type.expires, taken_up=reminder_type.handled_sql
    )
    return fetch_rows_on(
        OutdatedReminder,
        statement,
        on,
        subject=str(reminder_type.subject),
        kind=str(reminder_type.kind),
    )


_EARLIER = """
SELECT o.id AS alert_id, n.id AS later_id,
       CASE WHEN o.team_id IS NOT DISTINCT FROM n.team_id THEN o.assigned_to_id END
           AS assigned_to_id
FROM alerts_alert n JOIN alerts_alert o
  ON o.subject_kind = n.subject_kind AND o.subject_id = n.subject_id AND o.kind = n.kind
      AND o.due_on = n.due_on
 AND o.milestone > n.milestone
WHERE n.id = ANY (%(ids)s) AND o.state <> 'resolved' AND (o.application_ids = '[]' OR EXISTS (
    SELECT 1 FROM jsonb_array_elements(o.application_ids) app WHERE n.application_ids @> app.value))
ORDER BY o.id, n.id
"""


class EarlierMilestone(NamedTuple):
    """A live alert about the same date at an earlier milestone, and its assignee if the team is the
    same."""

    alert_id: int
    later_id: int
    assigned_to_id: int | None


def earlier_milestones(alert_ids: Sequence[int]) -> list[EarlierMilestone]:
    """Return the live alerts at earlier milestones of the dates of these alerts; one statement."""
    if not alert_ids:
        return []
    return fetch_rows(EarlierMilestone, _EARLIER, {"ids": list(alert_ids)})
