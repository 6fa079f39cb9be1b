"""Findings, events, campaigns, risks, deleted rows and offerings of the same version queue their
applications for the evaluation of issues."""

from django.db import migrations

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [("issues", "0002_team_of_issues")]

    operations = [
        migrations.RunSQL(
            sql=load_statement("issues", "definitions/queue_of_further_records"),
            # the first migration's function of offerings stays as it is here: it covers more
            reverse_sql="""
DROP FUNCTION issues_queue_assessed() CASCADE;
DROP FUNCTION issues_queue_campaigns() CASCADE;
DROP TRIGGER issues_follow_new_findings ON inventory_cachedfinding;
DROP TRIGGER issues_follow_findings ON inventory_cachedfinding;
DROP TRIGGER issues_follow_deleted_findings ON inventory_cachedfinding;
DROP TRIGGER issues_follow_new_events ON catalog_providerevent;
DROP TRIGGER issues_follow_deleted_discrepancies ON intake_discrepancy;
DROP TRIGGER issues_follow_deleted_tasks ON exposure_campaigntask;
DROP TRIGGER issues_follow_deleted_assessments ON risks_assessment;
""",
        ),
    ]
