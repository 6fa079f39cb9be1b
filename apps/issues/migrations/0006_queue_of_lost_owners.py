"""Owners who leave a team, or whose access ends, queue the applications of their issues."""

from django.db import migrations

_QUEUE_TRIGGERS = """
CREATE FUNCTION issues_queue_former_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT i.application_id
    FROM old_rows m JOIN issues_issue i ON i.owner_id = m.user_id
    WHERE i.state <> 'resolved' AND i.application_id IS NOT NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION issues_queue_changed_owners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO issues_changedapplication (application_id)
    SELECT DISTINCT i.application_id
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    JOIN issues_issue i ON i.owner_id = n.id
    WHERE (n.state, n.organisation_role, n.is_superuser)
          IS DISTINCT FROM (o.state, o.organisation_role, o.is_superuser)
      AND i.state <> 'resolved' AND i.application_id IS NOT NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER issues_follow_former_members
AFTER DELETE ON accounts_membership REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_former_members();

CREATE TRIGGER issues_follow_changed_members
AFTER UPDATE ON accounts_membership REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_former_members();

CREATE TRIGGER issues_follow_changed_owners
AFTER UPDATE ON accounts_user REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION issues_queue_changed_owners();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0005_label_of_decisions"),
        ("accounts", "0002_people"),
    ]

    operations = [
        migrations.RunSQL(
            sql=_QUEUE_TRIGGERS,
            reverse_sql="""
DROP FUNCTION issues_queue_former_members() CASCADE;
DROP FUNCTION issues_queue_changed_owners() CASCADE;
""",
        ),
    ]
