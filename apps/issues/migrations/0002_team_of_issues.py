"""Issues follow the team of their application in the same statement, since it decides who can view
them."""

from django.db import migrations

_TEAM_TRIGGER = """
-- An issue belongs to the team of its application, whatever its state and whatever code moved the
-- application. An owner whom the previous team assigned might not be able to view it, so the owner
-- follows the application again.
CREATE FUNCTION issues_follow_team() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE issues_issue i SET team_id = n.team_id, assigned_by_id = NULL
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE i.application_id = n.id AND n.team_id <> o.team_id;
    RETURN NULL;
END $$;

CREATE TRIGGER issues_follow_team
AFTER UPDATE ON inventory_application REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_follow_team();
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=_TEAM_TRIGGER,
            reverse_sql="DROP FUNCTION issues_follow_team() CASCADE",
        ),
    ]
