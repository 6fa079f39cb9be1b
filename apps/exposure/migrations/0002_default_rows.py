"""The rows that a new registry begins with. Going back leaves them to their tables."""

from django.db import migrations

DEFAULT_ROWS = """
INSERT INTO exposure_baseloss (
    kind, criticality, amount, chance, updated_at, placeholder
) VALUES
    ('outage', 0, 8, 0, now(), true),
    ('outage', 1, 4, 0, now(), true),
    ('outage', 2, 2, 0, now(), true),
    ('outage', 3, 1, 0, now(), true),
    ('retirement', 0, 40, 0, now(), true),
    ('retirement', 1, 20, 0, now(), true),
    ('retirement', 2, 10, 0, now(), true),
    ('retirement', 3, 5, 0, now(), true),
    ('developer_failure', 0, 80, 0, now(), true),
    ('developer_failure', 1, 40, 0, now(), true),
    ('developer_failure', 2, 20, 0, now(), true),
    ('developer_failure', 3, 10, 0, now(), true),
    ('regression', 0, 16, 0, now(), true),
    ('regression', 1, 8, 0, now(), true),
    ('regression', 2, 4, 0, now(), true),
    ('regression', 3, 2, 0, now(), true),
    ('repricing', 0, 8, 0, now(), true),
    ('repricing', 1, 4, 0, now(), true),
    ('repricing', 2, 2, 0, now(), true),
    ('repricing', 3, 1, 0, now(), true),
    ('shutdown_day', 0, 40, 0, now(), true),
    ('shutdown_day', 1, 20, 0, now(), true),
    ('shutdown_day', 2, 10, 0, now(), true),
    ('shutdown_day', 3, 5, 0, now(), true),
    ('short_notice', 0, 80, 0, now(), true),
    ('short_notice', 1, 40, 0, now(), true),
    ('short_notice', 2, 20, 0, now(), true),
    ('short_notice', 3, 10, 0, now(), true),
    ('own', 0, 8, 0.1, now(), true),
    ('own', 1, 4, 0.1, now(), true),
    ('own', 2, 2, 0.1, now(), true),
    ('own', 3, 1, 0.1, now(), true);
INSERT INTO exposure_enginestate (
    id, as_of, settings_digest, built_at, refreshed_at, n_applications
) VALUES
    (1, NULL, '', NULL, NULL, 0);
INSERT INTO exposure_eventrate (
    kind, node_kind, rate, low, high, once, severity_cv, assumption, source, enabled, updated_at,
    node_id
) VALUES
    ('retirement', 'offering', 0.74, 0.5, 1.02, true, 0, false,
     'Shutdowns of the developers'' own offerings, per offering-year on the market (2026-01-01 '
     'to 2026-11-24). Counted from the providers'' pages of August 2026, modeldeprecations.dev, '
     'deprecations.info, LiteLLM''s price map and models.dev, as of 2026-11-24: OpenAI, '
     'Anthropic, Google, Mistral, xAI, Cohere, DeepSeek, Moonshot. The pace has roughly doubled '
     'every year (0.17, 0.35, 0.74). Offerings of one developer end in batches: taken as '
     'independent, the variance is about five times too small.',
     true, now(), NULL),
    ('repricing', 'offering', 0.037, 0.025, 0.053, false, 1, false,
     'Rises of more than 10 % of a developer''s own offering, per model-year, as published '
     '(2024-11-24 to 2026-11-24). Counted from the history of LiteLLM''s price map '
     '(github.com/BerriAI/litellm) up to 2026-11-24. An upper bound: 8 of the 22 rises look like'
     ' the list correcting itself.',
     true, now(), NULL),
    ('developer_failure', 'developer', 0.01, 0.001, 0.1, true, 0, true,
     'The developer stops serving, or may not be used any more. An assumption of this project; '
     'nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL),
    ('outage', 'host', 1, 0.1, 10, false, 1.5, true,
     'Outages of a host that last long enough to cost something. An assumption of this project; '
     'nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL),
    ('outage', 'region', 0.5, 0.05, 5, false, 1.5, true,
     'Outages of one region of a host that last long enough to cost something. An assumption of '
     'this project; nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL),
    ('outage', 'gateway', 1, 0.1, 10, false, 1.5, true,
     'Outages of a gateway that last long enough to cost something. An assumption of this '
     'project; nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL),
    ('outage', 'vendor', 1, 0.1, 10, false, 1.5, true,
     'Outages of a vendor''s product that last long enough to cost something. An assumption of '
     'this project; nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL),
    ('regression', 'version', 0.2, 0.02, 2, false, 1, true,
     'A fault of the model comes to light that all who use it share. An assumption of this '
     'project; nobody counted it. Replace it by what your status pages and contracts say.',
     true, now(), NULL);
INSERT INTO exposure_policy (
    slug, name, kinds, threat, states, predicate, measure, basis, tolerance, hysteresis, clear_days,
    enabled, reason, updated_at
) VALUES
    ('critical-on-one-developer', 'Critical applications that stand on one developer',
     '{developer}', '', '{exposed,cushioned,portable,partial}', '', 'critical_share', 'count', 0.5,
     0.1, 2, true, '', now()),
    ('critical-on-one-host', 'Critical applications that stand on one host', '{host}', '',
     '{exposed,cushioned,portable,partial}', '', 'critical_share', 'count', 0.6, 0.1, 2, true, '',
     now()),
    ('critical-on-one-foundation', 'Critical applications that stand on one foundation',
     '{foundation}', '', '{exposed,cushioned,portable,partial}', '', 'critical_share', 'count', 0.4,
     0.1, 2, true, '', now()),
    ('stopped-by-one-party', 'Critical weight that one party can stop',
     '{developer,host,gateway,vendor}', '', '{exposed,cushioned}', '', 'weight_share',
     'criticality', 0.5, 0.1, 2, true, '', now()),
    ('critical-without-independent-fallback',
     'Critical applications without an independent fallback', '{}', '', '{}',
     'no_independent_fallback', 'n_critical', 'count', 0, 0.1, 2, false, '', now()),
    ('judge-shares-base', 'Applications whose judge or guardrail shares a base with what it judges',
     '{}', '', '{}', 'judge_shares_lineage', 'n_applications', 'count', 0, 0.1, 2, false, '', now()),
    ('unresolved-primary', 'Applications with a primary that nobody has placed', '{}', '', '{}',
     'unresolved_primary', 'n_applications', 'count', 0, 0.1, 2, false, '', now());
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=DEFAULT_ROWS,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
