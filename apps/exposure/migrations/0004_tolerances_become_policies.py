"""Each tolerance becomes a policy with the same line; flags and their history keep theirs."""

from django.db import migrations

FORWARD = """
INSERT INTO exposure_policy (slug, name, kinds, threat, states, predicate, measure, basis, tolerance, hysteresis,
                             clear_days, enabled, reason, updated_at)
SELECT 'critical-on-one-' || layer, 'Critical applications that stand on one ' || layer, ARRAY[layer], '',
       ARRAY['exposed', 'cushioned', 'portable', 'partial'], '', 'critical_share', 'count', max_critical_share, 0.1, 2,
       enabled, '', now()
FROM exposure_tolerance;
UPDATE exposure_exposureflag f SET policy_id = p.id, n_applications = cardinality(f.application_ids)
FROM exposure_tolerance t JOIN exposure_policy p ON p.slug = 'critical-on-one-' || t.layer WHERE t.id = f.tolerance_id;
INSERT INTO exposure_flagevent (flag_id, kind, at, value, reason)
SELECT id, 'opened', opened_at, value, '' FROM exposure_exposureflag;
INSERT INTO exposure_flagevent (flag_id, kind, at, value, reason)
SELECT id, 'resolved', resolved_at, value, '' FROM exposure_exposureflag WHERE resolved_at IS NOT NULL;
ALTER TABLE exposure_exposureflaghistory DISABLE TRIGGER USER;
UPDATE exposure_exposureflaghistory f SET policy_id = p.id, n_applications = cardinality(f.application_ids)
FROM exposure_tolerance t JOIN exposure_policy p ON p.slug = 'critical-on-one-' || t.layer WHERE t.id = f.tolerance_id;
ALTER TABLE exposure_exposureflaghistory ENABLE TRIGGER USER;
"""

# lines beyond the three that were there; off until governance wants them, but for the first
MORE = """
INSERT INTO exposure_policy (slug, name, kinds, threat, states, predicate, measure, basis, tolerance, hysteresis,
                             clear_days, enabled, reason, updated_at)
VALUES
 ('stopped-by-one-party', 'Critical weight that one party can stop', ARRAY['developer', 'host', 'gateway', 'vendor'],
  '', ARRAY['exposed', 'cushioned'], '', 'weight_share', 'criticality', 0.5, 0.1, 2, true, '', now()),
 ('critical-without-independent-fallback', 'Critical applications without an independent fallback', '{}', '', '{}',
  'no_independent_fallback', 'n_critical', 'count', 0, 0.1, 2, false, '', now()),
 ('judge-shares-base', 'Applications whose judge or guardrail shares a base with what it judges', '{}', '', '{}',
  'judge_shares_lineage', 'n_applications', 'count', 0, 0.1, 2, false, '', now()),
 ('unresolved-primary', 'Applications with a primary that nobody has placed', '{}', '', '{}',
  'unresolved_primary', 'n_applications', 'count', 0, 0.1, 2, false, '', now());
INSERT INTO exposure_enginestate (id, settings_digest) VALUES (1, '');
"""

# flags of policies that were no tolerances have no place to go back to
BACK = """
INSERT INTO exposure_tolerance (layer, max_critical_share, enabled, updated_at)
SELECT kinds[1], tolerance, enabled, updated_at FROM exposure_policy WHERE slug LIKE 'critical-on-one-%';
UPDATE exposure_exposureflag f SET tolerance_id = t.id
FROM exposure_tolerance t JOIN exposure_policy p ON p.slug = 'critical-on-one-' || t.layer WHERE p.id = f.policy_id;
ALTER TABLE exposure_exposureflaghistory DISABLE TRIGGER USER;
UPDATE exposure_exposureflaghistory f SET tolerance_id = t.id
FROM exposure_tolerance t JOIN exposure_policy p ON p.slug = 'critical-on-one-' || t.layer WHERE p.id = f.policy_id;
DELETE FROM exposure_exposureflaghistory WHERE tolerance_id IS NULL;
ALTER TABLE exposure_exposureflaghistory ENABLE TRIGGER USER;
DELETE FROM exposure_flagevent;
DELETE FROM exposure_exposureflag WHERE tolerance_id IS NULL;
UPDATE exposure_exposureflag SET policy_id = NULL;
DELETE FROM exposure_policy;
DELETE FROM exposure_enginestate;
"""


class Migration(migrations.Migration):
    dependencies = [("exposure", "0003_engine_policies_and_campaigns")]

    operations = [
        migrations.RunSQL(FORWARD, BACK),
        migrations.RunSQL(MORE, migrations.RunSQL.noop),
    ]
