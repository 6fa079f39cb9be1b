"""Deadlines of the organisation: reviews, exit tests, acceptances, treatments, deferrals,
contracts and API tokens."""

from apps.accounts.roles import TeamRole
from apps.exposure.models import ExposureSettings
from apps.issues.kinds.base import SUBJECT_ID, IssueKind, resolve_in_scope
from apps.issues.models.causes import CauseKind

# a deadline becomes an issue so many days before its date
NOTICE_DAYS = 30
_TEST_VALIDITY_DAYS = ExposureSettings().test_validity_days

_DEPENDENCY_IN_USE = """
JOIN inventory_dependency d ON d.id = {dependency}
    AND (d.until IS NULL OR d.until > %(day)s::date)
JOIN inventory_application a ON a.id = d.application_id AND a.status = ANY (%(in_scope)s)
    AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
"""

_APPLICATION_REVIEW = """
SELECT 'application:' || a.id || '/review' AS subject, a.id AS application_id,
       a.next_review_on AS due_on, a.next_review_on AS act_by, a.next_review_on::text AS fact_key,
       '{}'::jsonb AS details
FROM inventory_application a
WHERE a.next_review_on <= %(day)s::date + %(notice)s::int AND a.status = ANY (%(in_scope)s)
  AND (%(application_ids)s::bigint[] IS NULL OR a.id = ANY (%(application_ids)s::bigint[]))
"""

_SELECTION_REVIEW = """
SELECT 'selection:' || s.id || '/review' AS subject, NULL::bigint AS application_id,
       s.decided_by_id AS owner_id, s.review_on AS due_on, s.review_on AS act_by,
       s.review_on::text AS fact_key, jsonb_build_object('name', s.title) AS details
FROM inventory_selection s
WHERE s.review_on <= %(day)s::date + %(notice)s::int AND s.state = 'decided'
"""

# the last passed test of each dependency, while it is valid or has expired
_EXIT_TEST = f"""
SELECT * FROM (
    SELECT DISTINCT ON (e.dependency_id)
           'dependency:' || e.dependency_id || '/exit-test' AS subject,
           d.application_id,
           coalesce(e.expires_on, e.tested_on + coalesce(
               (SELECT test_validity_days FROM exposure_exposuresettings), {_TEST_VALIDITY_DAYS}
           )) AS due_on,
           jsonb_build_object('dependency', e.dependency_id, 'exit_test', e.id,
                              'target', e.target_id) AS details
    FROM inventory_exittest e {_DEPENDENCY_IN_USE.format(dependency="e.dependency_id")}
    WHERE e.result = 'passed' AND e.tested_on <= %(day)s::date
    ORDER BY e.dependency_id, 3 DESC, e.id DESC
) last_test
CROSS JOIN LATERAL (SELECT due_on AS act_by, due_on::text AS fact_key) dates
WHERE due_on <= %(day)s::date + %(notice)s::int
"""

_TREATMENT = f"""
SELECT 'assessment:' || s.id || '/treatment' AS subject, d.application_id, s.owner_id,
       s.due_on, s.due_on AS act_by, s.due_on::text AS fact_key,
       jsonb_build_object('name', coalesce(t.code || ', ', '')
                              || coalesce(nullif(r.title, ''), t.title),
                          'dependency', d.id, 'treatment', s.treatment) AS details
FROM risks_assessment s {_DEPENDENCY_IN_USE.format(dependency="s.dependency_id")}
JOIN risks_foundationrisk r ON r.id = s.risk_id AND r.closed_at IS NULL
LEFT JOIN risks_risktemplate t ON t.id = r.template_id
WHERE s.due_on <= %(day)s::date + %(notice)s::int AND s.state <> 'not_applicable'
  AND s.treatment IN ('avoid', 'reduce', 'share')
"""

# once it has expired, the assessment is stale, which is a fact of its own
_RISK_ACCEPTANCE = f"""
SELECT 'assessment:' || s.id || '/acceptance' AS subject, d.application_id,
       coalesce(s.owner_id, s.accepted_by_id) AS owner_id, s.accepted_until AS due_on,
       s.accepted_until AS act_by, s.accepted_until::text AS fact_key,
       jsonb_build_object('name', coalesce(t.code || ', ', '')
                              || coalesce(nullif(r.title, ''), t.title),
                          'dependency', d.id) AS details
FROM risks_assessment s {_DEPENDENCY_IN_USE.format(dependency="s.dependency_id")}
JOIN risks_foundationrisk r ON r.id = s.risk_id AND r.closed_at IS NULL
LEFT JOIN risks_risktemplate t ON t.id = r.template_id
WHERE s.treatment = 'accept' AND s.revoked_at IS NULL AND s.accepted_until > %(day)s::date
  AND s.accepted_until <= %(day)s::date + %(notice)s::int
"""

_CONTRACT = """
SELECT 'contract:' || c.id AS subject, NULL::bigint AS application_id,
       c.ends_on - coalesce(c.notice_days_ours, 0)::int AS due_on,
       c.ends_on - coalesce(c.notice_days_ours, 0)::int AS act_by, c.ends_on::text AS fact_key,
       jsonb_build_object('name', coalesce(nullif(c.name, ''), c.ref), 'party', p.name,
                          'ends_on', c.ends_on, 'notice_days', c.notice_days_ours) AS details
FROM inventory_contract c JOIN catalog_provider p ON p.id = c.party_id
WHERE c.ends_on >= %(day)s::date
  AND c.ends_on - coalesce(c.notice_days_ours, 0)::int <= %(day)s::date + %(notice)s::int
"""

# A service account's token belongs to the nearest owners of its team, a user's token to the user.
_TOKEN = f"""
SELECT 'token:' || k.id AS subject, NULL::bigint AS application_id,
       CASE WHEN NOT u.is_service THEN u.id ELSE (
           SELECT m.user_id FROM team_ancestor above
           JOIN accounts_membership m ON m.team_id = above.ancestor_id
               AND m.role = {TeamRole.OWNER.rank}
           JOIN accounts_user o ON o.id = m.user_id AND o.is_active AND NOT o.is_service
           WHERE above.team_id = u.service_team_id ORDER BY above.depth, m.id LIMIT 1) END
           AS owner_id,
       (k.expires_at AT TIME ZONE 'UTC')::date AS due_on,
       (k.expires_at AT TIME ZONE 'UTC')::date AS act_by,
       (k.expires_at AT TIME ZONE 'UTC')::date::text AS fact_key,
       jsonb_build_object('name', k.name, 'user', u.id) AS details
FROM accounts_apitoken k JOIN accounts_user u ON u.id = k.user_id AND u.is_active
WHERE k.revoked_at IS NULL AND k.expires_at - k.created_at > interval '14 days'
  AND (k.expires_at AT TIME ZONE 'UTC')::date BETWEEN %(day)s::date - 7
      AND %(day)s::date + %(notice)s::int
"""

_PARAMETERS = {"notice": NOTICE_DAYS}
_DEPENDENCY_ENDED = """EXISTS (
    SELECT 1 FROM inventory_dependency d
    WHERE d.id = (i.details ->> 'dependency')::bigint AND d.until <= %(day)s::date)"""


def _deadline(
    subtype: str,
    statement: str,
    *,
    has_applications: bool = True,
    resolution: str = "'completed'",
) -> IssueKind:
    return IssueKind(
        kind=CauseKind.DEADLINE,
        subtype=subtype,
        statement=statement,
        has_applications=has_applications,
        resolution=resolve_in_scope(resolution) if has_applications else resolution,
        parameters=_PARAMETERS,
    )


def _resolve_with_dependency(resolution: str = "'completed'") -> str:
    return f"CASE WHEN {_DEPENDENCY_ENDED} THEN 'no_longer_used' ELSE {resolution} END"


# what passed unused is not completed: an acceptance, a contract or a token that expired
_ACCEPTANCE_RESOLUTION = f"""CASE WHEN EXISTS (
    SELECT 1 FROM risks_assessment s
    WHERE s.id = {SUBJECT_ID} AND s.treatment = 'accept' AND s.revoked_at IS NULL
      AND s.accepted_until <= %(day)s::date
) THEN 'cause_ended' ELSE 'completed' END"""
_CONTRACT_RESOLUTION = f"""CASE WHEN EXISTS (
    SELECT 1 FROM inventory_contract k WHERE k.id = {SUBJECT_ID} AND k.ends_on < %(day)s::date
) THEN 'cause_ended' ELSE 'completed' END"""
_TOKEN_RESOLUTION = f"""CASE WHEN EXISTS (
    SELECT 1 FROM accounts_apitoken k WHERE k.id = {SUBJECT_ID} AND k.revoked_at IS NULL
      AND k.expires_at <= %(at)s
) THEN 'cause_ended' ELSE 'completed' END"""

DEADLINES = (
    _deadline("application_review", _APPLICATION_REVIEW),
    _deadline("selection_review", _SELECTION_REVIEW, has_applications=False),
    _deadline("exit_test", _EXIT_TEST, resolution=_resolve_with_dependency()),
    _deadline("treatment", _TREATMENT, resolution=_resolve_with_dependency()),
    _deadline(
        "risk_acceptance",
        _RISK_ACCEPTANCE,
        resolution=_resolve_with_dependency(_ACCEPTANCE_RESOLUTION),
    ),
    _deadline("contract", _CONTRACT, has_applications=False, resolution=_CONTRACT_RESOLUTION),
)
TOKEN_EXPIRY = IssueKind(
    kind=CauseKind.TOKEN_EXPIRY,
    statement=_TOKEN,
    has_applications=False,
    resolution=_TOKEN_RESOLUTION,
    parameters=_PARAMETERS,
)
