"""Findings, events, campaigns, risks, deleted rows and offerings of the same version queue their
applications for the evaluation of issues."""

from django.db import migrations

_QUEUE_TRIGGERS = """
-- Applications that call a changed offering, or one that retires with it: another model ID of its
-- version, or the same model ID, at the same host. Null concerns all applications.
CREATE OR REPLACE FUNCTION issues_queue_users_of_offerings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM (
        SELECT offering_id FROM new_rows
        UNION
        SELECT s.id
        FROM new_rows n JOIN catalog_offering o ON o.id = n.offering_id
        JOIN catalog_offering s ON s.host_id = o.host_id AND s.api_id = o.api_id
        UNION
        SELECT f.offering_id
        FROM new_rows n JOIN catalog_offering o ON o.id = n.offering_id
        JOIN catalog_node v ON v.kind = node_kind('version') AND v.ref = o.version_id
        JOIN catalog_footing f ON f.node_id = v.id
        JOIN catalog_offering s ON s.id = f.offering_id AND s.host_id = o.host_id
    ) x
    JOIN inventory_dependency d ON d.offering_id = x.offering_id
    UNION ALL
    SELECT NULL WHERE EXISTS (SELECT 1 FROM new_rows WHERE offering_id IS NULL);
    RETURN NULL;
END $$;

CREATE FUNCTION issues_queue_campaigns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN exposure_campaigntask k ON k.campaign_id = n.id
    JOIN inventory_dependency d ON d.id = k.dependency_id;
    RETURN NULL;
END $$;

CREATE FUNCTION issues_queue_assessed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT d.application_id
    FROM new_rows n JOIN risks_assessment s ON s.risk_id = n.id
    JOIN inventory_dependency d ON d.id = s.dependency_id;
    RETURN NULL;
END $$;

CREATE TRIGGER issues_follow_new_findings
AFTER INSERT ON inventory_cachedfinding REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_findings
AFTER UPDATE ON inventory_cachedfinding REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_deleted_findings
AFTER DELETE ON inventory_cachedfinding REFERENCING OLD TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_new_events
AFTER INSERT ON catalog_providerevent REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_users_of_offerings();

CREATE TRIGGER issues_follow_campaigns
AFTER UPDATE ON exposure_campaign REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_campaigns();

CREATE TRIGGER issues_follow_risks
AFTER UPDATE ON risks_foundationrisk REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_assessed();

CREATE TRIGGER issues_follow_deleted_discrepancies
AFTER DELETE ON intake_discrepancy REFERENCING OLD TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_applications();

CREATE TRIGGER issues_follow_deleted_tasks
AFTER DELETE ON exposure_campaigntask REFERENCING OLD TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();

CREATE TRIGGER issues_follow_deleted_assessments
AFTER DELETE ON risks_assessment REFERENCING OLD TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_dependencies();
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0002_team_of_issues")]

    operations = [
        migrations.RunSQL(
            sql=_QUEUE_TRIGGERS,
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
