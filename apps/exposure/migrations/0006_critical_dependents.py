"""The critical applications that depend on a node are stored beside all that depend on it."""

from django.db import migrations, models

COUNT = """
UPDATE exposure_nodereach r SET n_critical = c.n
FROM (
    SELECT node_id, count(DISTINCT application_id) AS n FROM (
        SELECT f.node_id, l.application_id FROM exposure_activedependency l
        JOIN exposure_enginefooting f ON f.offering_id = l.offering_id
        WHERE l.criticality = 0
        UNION ALL
        SELECT f.node_id, l.application_id FROM exposure_activedependency l
        JOIN exposure_partyfooting f ON f.party_id = l.via_party_id AND f.reached = l.reached
        WHERE l.criticality = 0
    ) used GROUP BY node_id
) c WHERE c.node_id = r.node_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0005_dates_of_existing_tasks"),
    ]

    operations = [
        migrations.AddField(
            model_name="nodereach",
            name="n_critical",
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
