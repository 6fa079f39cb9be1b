"""The default policies and assumed rates get texts in the words of the glossary; a text that a user
changed is kept."""

from django.db import migrations

# the history keeps the names of before
RENAME = """
UPDATE exposure_policy p SET name = names.new
FROM (VALUES
    ('critical-on-one-developer', 'Critical applications that stand on one developer',
     'Critical applications that depend on one developer'),
    ('critical-on-one-host', 'Critical applications that stand on one host',
     'Critical applications that depend on one host'),
    ('critical-on-one-foundation', 'Critical applications that stand on one foundation',
     'Critical applications that depend on one foundation'),
    ('stopped-by-one-party', 'Critical weight that one party can stop',
     'Criticality weight that one organisation can stop'),
    ('judge-shares-base', 'Applications whose judge or guardrail shares a base with what it judges',
     'Applications whose judge or guardrail shares a foundation with the model it checks'),
    ('unresolved-primary', 'Applications with a primary that nobody has placed',
     'Applications with an unresolved primary model')
) AS names (slug, old, new)
WHERE p.slug = names.slug AND p.name = names.old
"""
SOURCES = """
UPDATE exposure_eventrate
SET source = replace(
    source,
    'An assumption of this project; nobody counted it. Replace it by what your status pages',
    'An assumption of this project, not a count. Replace it by what your status pages'
)
WHERE assumption
  AND source LIKE '%An assumption of this project; nobody counted it.%'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0007_monthly_concentration"),
    ]

    operations = [
        migrations.RunSQL(sql=RENAME, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(sql=SOURCES, reverse_sql=migrations.RunSQL.noop),
    ]
