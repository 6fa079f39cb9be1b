"""The SQL of findings.py: every rule over a set of applications in one statement.

Each rule returns (code, application, dependency or null, facts for the sentence as JSON).
"""

from apps.catalog.capabilities.fields import LIMIT_TOLERANCE
from apps.inventory.governance.approval_sql import DECIDING_APPROVALS, JUDGED_USES

# Rows in use on the day, whatever the application's status, with the effective offering and its
# lifecycle.
_BASE = """
app AS (SELECT * FROM inventory_application WHERE id = ANY (%(application_ids)s::bigint[])),
dep AS (
    SELECT d.*, a.status, a.criticality, a.data_classification, a.geography, a.personal_data,
        a.status = ANY (%(statuses)s) AS in_scope,
           c.api_id AS called, t.id AS answering_id, t.api_id AS answering, t.host_id, t.version_id,
           t.not_a_model, c.kind = 'model_id' AS has_model_id,
           -- the date of an announced retirement has passed
           t.lifecycle = 'retired' OR (t.date_kind = 'firm'
           AND t.retires_on <= %(on)s::date) AS is_retired,
           t.retires_on, v.foundation_id, f.developer_id
    FROM app a
    JOIN inventory_dependency d ON d.application_id = a.id
    JOIN catalog_offering c ON c.id = d.offering_id
    LEFT JOIN redirected_offering() e ON e.offering_id = d.offering_id
    JOIN catalog_offering t ON t.id = coalesce(e.effective_id, d.offering_id)
    LEFT JOIN catalog_version v ON v.id = t.version_id
    LEFT JOIN catalog_foundation f ON f.id = v.foundation_id
    WHERE is_live(d.since, d.until, %(on)s::date)
),
-- recorded traffic shares of the primary models; given is their sum
shares AS (
    SELECT application_id, count(*) AS n, count(traffic_share) AS n_given,
        coalesce(sum(traffic_share), 0) AS given
    FROM dep WHERE role = 'primary' AND in_scope GROUP BY application_id
),
-- order numbers of the fallbacks, which should be 1, 2, 3 without gaps
fallbacks AS (
    SELECT application_id, count(*) AS n, array_agg(fallback_order::int
    ORDER BY fallback_order) AS numbers,
           count(DISTINCT fallback_order) AS n_numbers, max(fallback_order) AS last
    FROM dep WHERE role = 'fallback' AND in_scope GROUP BY application_id
),
"""

# Uses of applications with confidential or personal data, and what applies of the terms of the
# offering that serves their requests.
_SENSITIVE = """
sensitive AS (
    SELECT d.id, d.application_id, d.called, d.answering_id, d.has_model_id AND NOT d.not_a_model
        AS is_model_id,
        CASE WHEN d.data_classification IN ('confidential', 'secret') THEN d.data_classification
        END AS data_class,
        t.values -> 'training_use' AS training_use
    FROM dep d LEFT JOIN catalog_settledclaims t ON t.offering_id = d.answering_id
        AND t.topic = 'data_terms'
    WHERE d.in_scope AND (d.data_classification IN ('confidential', 'secret') OR d.personal_data)
),
"""

# Current uses in the form that the rule about approvals expects; then expired approvals, by how
# narrow they were: offering (4), version (3), foundation (2), developer or host (1).
_DECISIONS = f"""
used AS (SELECT id, application_id, offering_id, via_party_id FROM dep WHERE in_scope),
{DECIDING_APPROVALS},
{JUDGED_USES},
narrowness AS (
    SELECT *, CASE WHEN offering_id IS NOT NULL THEN 4 WHEN version_id IS NOT NULL THEN 3
                   WHEN foundation_id IS NOT NULL THEN 2 ELSE 1 END AS narrow
    FROM inventory_approval WHERE revoked_at IS NULL AND decided_on <= %(on)s::date
),
"""

# The last exit test per target, and whether any of them is valid today.
_TESTS = """
test AS (
    SELECT DISTINCT ON (t.dependency_id, t.target_id) t.dependency_id, t.target_id, t.tested_on,
        t.id, t.result,
           -- why an exit test is not valid today; null if it is
           coalesce(t.expires_on, t.tested_on + %(validity)s::int) AS ends_on, t.tested_version_id,
           a.version_id AS answering_version_id
    FROM inventory_exittest t
    JOIN dep d ON d.id = t.dependency_id
    LEFT JOIN redirected_offering() e ON e.offering_id = t.target_id
    JOIN catalog_offering a ON a.id = coalesce(e.effective_id, t.target_id)
    WHERE t.tested_on <= %(on)s::date
    ORDER BY t.dependency_id, t.target_id, t.tested_on DESC, t.id DESC
),
lapse AS (
    SELECT *, CASE WHEN result <> 'passed' THEN result WHEN ends_on <= %(on)s::date THEN 'expired'
                   -- the target of the test now serves another version than the tested one
                   WHEN tested_version_id IS NOT NULL AND tested_version_id IS DISTINCT
                   FROM answering_version_id
                   THEN 'moved' END AS why
    FROM test
),
-- the latest test of dependencies none of whose tests is valid
last_lapse AS (
    SELECT DISTINCT ON (l.dependency_id) l.* FROM lapse l
    WHERE NOT EXISTS (SELECT 1 FROM lapse o WHERE o.dependency_id = l.dependency_id
        AND o.why IS NULL)
    ORDER BY l.dependency_id, l.tested_on DESC, l.id DESC
)
"""

RULES: dict[str, str] = {
    "shares_do_not_sum": """
        SELECT application_id, NULL::bigint, jsonb_build_object('given', given::text) FROM shares
        WHERE n_given = n AND abs(given - 1) > 1e-9""",
    "shares_leave_nothing": """
        SELECT application_id, NULL::bigint, jsonb_build_object('given', given::text, 'n',
            n - n_given) FROM shares
        WHERE n_given < n AND given >= 1 - 1e-9""",
    "fallback_is_primary": """
        SELECT f.application_id, f.id, jsonb_build_object('called', f.called, 'primary',
            min(p.called))
        FROM dep f JOIN dep p ON p.application_id = f.application_id AND p.role = 'primary'
             AND p.answering_id = f.answering_id
        WHERE f.role = 'fallback' AND f.in_scope GROUP BY f.application_id, f.id, f.called""",
    "fallback_same_version": """
        SELECT f.application_id, f.id, jsonb_build_object('called', f.called, 'primary',
            min(p.called))
        FROM dep f JOIN dep p ON p.application_id = f.application_id AND p.role = 'primary'
             AND p.answering_id <> f.answering_id AND p.version_id = f.version_id
                 AND p.host_id = f.host_id
        WHERE f.role = 'fallback' AND f.in_scope GROUP BY f.application_id, f.id, f.called""",
    # what a primary model is recorded to use and the model that serves the fallback is stated to
    # lack: unknown is no loss; as `judge_item` of apps/catalog/capabilities/fit.py
    "fallback_lacks": f"""
        SELECT f.application_id, f.id, jsonb_build_object('called', f.called, 'primary',
            min(p.called), 'lost', jsonb_agg(jsonb_build_object('field', r.field,
            'needed', r.value, 'new', v.value) ORDER BY p.id, r.field, r.origin))
        FROM dep f
        JOIN catalog_settledclaims s ON s.offering_id = f.answering_id AND s.topic = 'capability'
        JOIN dep p ON p.application_id = f.application_id AND p.role = 'primary'
        JOIN inventory_requirement r ON r.dependency_id = p.id
        CROSS JOIN LATERAL (SELECT s."values" -> r.field -> 'value' AS value) v
        WHERE f.role = 'fallback' AND f.in_scope AND CASE jsonb_typeof(v.value)
            WHEN 'boolean' THEN r.value = 'true' AND v.value = 'false'
            WHEN 'number' THEN jsonb_typeof(r.value) = 'number'
                AND v.value::numeric < r.value::numeric * {1 - LIMIT_TOLERANCE}
            WHEN 'array' THEN jsonb_typeof(r.value) = 'array' AND NOT v.value @> r.value
            WHEN 'string' THEN jsonb_typeof(r.value) = 'string'
                AND v.value #>> '{{}}' < r.value #>> '{{}}'
            ELSE false END
        GROUP BY f.application_id, f.id, f.called""",
    "fallback_order": """
        SELECT application_id, NULL::bigint, jsonb_build_object('numbers', numbers) FROM fallbacks
        WHERE NOT (n = 1 AND last = 0) AND (n_numbers < n OR last <> n)""",
    "retired_with_live": """
        SELECT application_id, id, jsonb_build_object('called', called) FROM dep
        WHERE status = 'retired'""",
    "no_primary": """
        SELECT a.id, NULL::bigint, jsonb_strip_nulls(jsonb_build_object('called', min(d.called)))
        FROM app a LEFT JOIN dep d ON d.application_id = a.id
        WHERE a.status = ANY (%(statuses)s) GROUP BY a.id
        HAVING count(*) FILTER (WHERE d.role = 'primary') = 0""",
    "unresolved": """
        SELECT application_id, id, jsonb_build_object('called', called) FROM dep
        WHERE in_scope AND version_id IS NULL AND NOT not_a_model AND has_model_id""",
    "tokens_missing": """
        SELECT application_id, id, jsonb_build_object('called', called) FROM dep
        WHERE in_scope AND coalesce(monthly_input_tokens, monthly_output_tokens,
            monthly_cache_read_tokens,
                                    monthly_cache_write_tokens, monthly_requests) IS NULL""",
    "observed_only": """
        SELECT application_id, id, jsonb_build_object('called', called) FROM dep
        WHERE in_scope AND origin = 'observed'""",
    "requirement_contradicted": """
        SELECT d.application_id, d.id, jsonb_build_object('called', d.called, 'fields',
            jsonb_agg(r.field ORDER BY r.field), 'seen_on', max(o.last_seen_on))
        FROM dep d
        JOIN inventory_requirement r ON r.dependency_id = d.id AND r.origin = 'declared'
            AND r.value = 'false'
        JOIN inventory_requirement o ON o.dependency_id = d.id AND o.origin = 'observed'
            AND o.field = r.field
        WHERE d.in_scope GROUP BY d.application_id, d.id, d.called""",
    "retired_offering": """
        SELECT application_id, id, jsonb_build_object('called', called, 'retires_on', retires_on)
        FROM dep
        WHERE in_scope AND is_retired""",
    "redirected": """
        SELECT application_id, id, jsonb_build_object('called', called, 'answering', answering)
        FROM dep
        WHERE in_scope AND NOT is_retired AND answering_id <> offering_id""",
    "blocked": """
        SELECT j.application_id, j.dependency_id, jsonb_build_object('called', max(d.called),
            'reason', max(p.reason))
        FROM judged j JOIN dep d ON d.id = j.dependency_id
        JOIN inventory_approval p ON p.id = j.approval_id
        WHERE j.blocked GROUP BY j.application_id, j.dependency_id""",
    "restricted": """
        SELECT DISTINCT ON (j.dependency_id) j.application_id, j.dependency_id,
            jsonb_build_object('called', d.called,
               'data_class', CASE WHEN class_outside THEN d.data_classification END, 'data_classes',
               p.data_classes,
               'criticality', CASE WHEN criticality_outside THEN d.criticality END, 'criticalities',
               p.criticalities,
               'regions', CASE WHEN region_outside THEN p.regions END,
               'in', d.geography,
               'conditions', CASE WHEN terms_outside THEN jsonb_build_object(
                   'requires_no_training', p.requires_no_training,
                   'max_retention_days', p.max_retention_days,
                   'requires_zero_retention', p.requires_zero_retention,
                   'residencies', p.residencies) END,
               'terms', CASE WHEN terms_outside THEN j.terms END)
        FROM judged j JOIN dep d ON d.id = j.dependency_id
        JOIN inventory_approval p ON p.id = j.approval_id
        WHERE (criticality_outside OR class_outside OR region_outside OR terms_outside)
          AND NOT EXISTS (SELECT 1 FROM judged b
          WHERE b.dependency_id = j.dependency_id AND b.blocked)
        ORDER BY j.dependency_id, j.approval_id""",
    "approval_expired": """
        SELECT d.application_id, d.id, jsonb_build_object('called', d.called, 'expired_on',
            max(p.expires_on))
        FROM narrowness p
        JOIN dep d ON d.in_scope AND (p.offering_id IN (d.offering_id, d.answering_id)
            OR p.version_id = d.version_id
             OR p.foundation_id = d.foundation_id OR p.provider_id IN (d.developer_id, d.host_id))
        WHERE p.expires_on <= %(on)s::date
          AND NOT EXISTS (SELECT 1 FROM deciding c JOIN narrowness o ON o.id = c.approval_id
                          WHERE c.offering_id = d.offering_id AND o.narrow >= p.narrow)
        GROUP BY d.application_id, d.id, d.called""",
    "training_on_confidential": """
        SELECT application_id, id, jsonb_build_object('called', called, 'data_class', data_class,
            'source', training_use ->> 'source', 'at', training_use ->> 'at')
        FROM sensitive WHERE training_use ->> 'value' = 'true'""",
    "training_use_unknown": """
        SELECT application_id, NULL::bigint, jsonb_build_object('called', min(called),
            'n', count(DISTINCT answering_id), 'data_class', max(data_class))
        FROM sensitive WHERE is_model_id AND training_use ->> 'value' IS NULL
        GROUP BY application_id""",
    "review_overdue": """
        SELECT id, NULL::bigint, jsonb_build_object('due_on', next_review_on) FROM app
        WHERE status <> 'retired' AND next_review_on < %(on)s::date""",
    "exit_untested": """
        SELECT d.application_id, d.id, jsonb_build_object('called', d.called)
        FROM dep d JOIN inventory_exitplan p ON p.dependency_id = d.id
        WHERE d.in_scope AND NOT EXISTS (SELECT 1 FROM test t WHERE t.dependency_id = d.id)""",
    "test_lapsed": """
        SELECT d.application_id, d.id, jsonb_build_object('called', d.called, 'why', l.why,
            'ends_on', l.ends_on,
               'tested_on', l.tested_on)
        FROM last_lapse l JOIN dep d ON d.id = l.dependency_id WHERE d.in_scope""",
}


def finding_statement() -> str:
    """Return the statement of all rules; columns code, application_id, dependency_id, facts;
    unordered."""
    rules = "\nUNION ALL\n".join(
        f"SELECT '{code}' AS code, rule.* FROM ({rule}) rule(application_id, dependency_id, facts)"
        for code, rule in RULES.items()
    )
    return f"WITH {_BASE}{_SENSITIVE}{_DECISIONS}{_TESTS}\n{rules}"
