"""Issues follow the team of their application in the same statement, since it decides who can view
them."""

from django.db import migrations

from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    dependencies = [("issues", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=load_statement("issues", "definitions/team_of_issues"),
            reverse_sql="DROP FUNCTION issues_follow_team() CASCADE",
        ),
    ]
