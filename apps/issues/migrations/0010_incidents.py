"""Issues about ongoing incidents: a new or changed incident queues the applications of its host."""

from django.db import migrations, models

_QUEUE_USERS_OF_HOSTS = """
-- Applications that call a host, also through a gateway, of which an incident began, changed or ended.
-- An incident that was over before and is over now concerns nobody.
CREATE FUNCTION issues_queue_users_of_hosts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO issues_changedapplication (application_id)
        SELECT DISTINCT d.application_id
        FROM (SELECT DISTINCT host_id FROM new_rows WHERE ended_at IS NULL) n
        JOIN LATERAL (
            SELECT d.application_id FROM catalog_offering o
            JOIN inventory_dependency d ON d.offering_id = o.id
            WHERE o.host_id = n.host_id OR o.gateway_id = n.host_id
            UNION
            SELECT d.application_id FROM inventory_dependency d WHERE d.via_party_id = n.host_id
        ) d ON true;
    ELSE
        INSERT INTO issues_changedapplication (application_id)
        SELECT DISTINCT d.application_id
        FROM (
            SELECT DISTINCT n.host_id FROM new_rows n JOIN old_rows o ON o.id = n.id
            WHERE n.ended_at IS NULL OR o.ended_at IS NULL
        ) n
        JOIN LATERAL (
            SELECT d.application_id FROM catalog_offering o
            JOIN inventory_dependency d ON d.offering_id = o.id
            WHERE o.host_id = n.host_id OR o.gateway_id = n.host_id
            UNION
            SELECT d.application_id FROM inventory_dependency d WHERE d.via_party_id = n.host_id
        ) d ON true;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER issues_incident_inserted AFTER INSERT ON catalog_incident
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_users_of_hosts();
CREATE TRIGGER issues_incident_updated AFTER UPDATE ON catalog_incident
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_users_of_hosts();
"""
_DROP = """
DROP TRIGGER issues_incident_inserted ON catalog_incident;
DROP TRIGGER issues_incident_updated ON catalog_incident;
DROP FUNCTION issues_queue_users_of_hosts();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_incidents"), ("issues", "0009_queue_by_version")]
    operations = [
        migrations.RunSQL(_QUEUE_USERS_OF_HOSTS, _DROP),
        migrations.AlterField(
            model_name="issue",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("migrated", "Migrated"),
                    ("date_withdrawn", "Retirement date withdrawn"),
                    ("no_longer_used", "No longer used"),
                    ("cause_ended", "The cause has ended"),
                    ("completed", "Completed"),
                    ("incident_ended", "The incident has ended"),
                    ("duplicate", "Duplicate"),
                    ("by_user", "Resolved by a user"),
                ],
                max_length=14,
            ),
        ),
        migrations.AlterField(
            model_name="issuehistory",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("migrated", "Migrated"),
                    ("date_withdrawn", "Retirement date withdrawn"),
                    ("no_longer_used", "No longer used"),
                    ("cause_ended", "The cause has ended"),
                    ("completed", "Completed"),
                    ("incident_ended", "The incident has ended"),
                    ("duplicate", "Duplicate"),
                    ("by_user", "Resolved by a user"),
                ],
                max_length=14,
            ),
        ),
    ]
