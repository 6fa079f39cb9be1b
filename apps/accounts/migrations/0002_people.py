"""State of persons, further addresses, delegations, and the settings of contacts."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.accounts.models.users

# of accounts with a password or a sign-in the person has set up access
SET_STATES = """
UPDATE accounts_user SET state = CASE
    WHEN NOT is_active THEN 'closed'
    WHEN NOT is_service AND last_login IS NULL AND password LIKE '!%' THEN 'invited'
    ELSE 'active' END
"""
ADD_SETTINGS = "INSERT INTO accounts_peoplesettings (id, allowed_domains) VALUES (1, '{}')"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateField(help_text="First day of the absence.")),
                ("until", models.DateField(help_text="Day of the return (exclusive).")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["since", "pk"],
            },
        ),
        migrations.CreateModel(
            name="DelegationHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("since", models.DateField(help_text="First day of the absence.")),
                ("until", models.DateField(help_text="Day of the return (exclusive).")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="EmailAlias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "email aliases",
                "ordering": ["email"],
            },
        ),
        migrations.CreateModel(
            name="EmailAliasHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("email", models.EmailField(max_length=254)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PeopleSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "allowed_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        blank=True,
                        default=list,
                        help_text="Contacts with an address of these domains may receive email. Empty: the domains of active users.",
                    ),
                ),
            ],
            options={
                "verbose_name": "people settings",
                "verbose_name_plural": "people settings",
            },
        ),
        migrations.CreateModel(
            name="PeopleSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "allowed_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253),
                        blank=True,
                        default=list,
                        help_text="Contacts with an address of these domains may receive email. Empty: the domains of active users.",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="user",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="user",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="user",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="user",
            name="mail_confirmed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Time at which governance confirmed that the address of the contact may receive email.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="state",
            field=models.CharField(
                choices=[
                    ("contact", "Contact"),
                    ("invited", "Invited"),
                    ("active", "Active"),
                    ("closed", "Closed"),
                ],
                db_default="active",
                default="active",
                editable=False,
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="userhistory",
            name="mail_confirmed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Time at which governance confirmed that the address of the contact may receive email.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="userhistory",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="userhistory",
            name="state",
            field=models.CharField(
                choices=[
                    ("contact", "Contact"),
                    ("invited", "Invited"),
                    ("active", "Active"),
                    ("closed", "Closed"),
                ],
                db_default="active",
                default="active",
                editable=False,
                max_length=7,
            ),
        ),
        migrations.AlterField(
            model_name="accountevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("signed_in", "Signed in"),
                    ("sign_in_failed", "Sign-in failed"),
                    ("locked_out", "Too many failed sign-ins"),
                    ("signed_out", "Signed out"),
                    ("sessions_ended", "Sessions ended"),
                    ("password_changed", "Password changed"),
                    ("password_reset", "Password reset"),
                    ("mfa_added", "Two-factor method added"),
                    ("mfa_removed", "Two-factor method removed"),
                    ("mfa_reset", "Two-factor authentication reset by an administrator"),
                    ("mfa_failed", "Two-factor code rejected"),
                    ("codes_replaced", "Recovery codes replaced"),
                    ("code_used", "Recovery code used"),
                    ("email_requested", "New email address requested"),
                    ("email_changed", "Email address changed"),
                    ("token_network", "API token used from a new network"),
                    ("invited", "Invited"),
                ],
                max_length=16,
            ),
        ),
        # while the history's triggers are away: the column begins with these values
        migrations.RunSQL(SET_STATES, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Lower("email"), name="text_pattern_ops"
                ),
                name="user_email_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Lower("last_name"), name="text_pattern_ops"
                ),
                name="user_last_name_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Lower(apps.accounts.models.users.PersonName()),
                    name="text_pattern_ops",
                ),
                name="user_name_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Lower("username"), name="text_pattern_ops"
                ),
                name="user_username_prefix",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="own_address_is_no_alias",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NEW.email = '' OR TG_OP = 'UPDATE' AND lower(NEW.email) = lower(OLD.email) THEN\n                        RETURN NULL;\n                    END IF;\n                    PERFORM pg_advisory_xact_lock_shared(hashtextextended('accounts_address', 0));\n                    IF EXISTS (\n                        SELECT 1 FROM accounts_emailalias WHERE lower(email) = lower(NEW.email)\n                    ) THEN\n                        RAISE EXCEPTION 'Another person has this email address. Enter another one.'\n                            USING ERRCODE = 'unique_violation', CONSTRAINT = 'own_address_is_no_alias';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="8c8fd7a48566a2e72889fb288f58b97b2259bc33",
                    operation='INSERT OR UPDATE OF "email"',
                    pgid="pgtrigger_own_address_is_no_alias_52f35",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "mail_confirmed_at", "manual_organisation_role", "merged_into_id", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "state", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."mail_confirmed_at", new_values."manual_organisation_role", new_values."merged_into_id", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."state", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1e7a4e8fe17db726c1703999102b24502dfe3274",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_3867c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "mail_confirmed_at", "manual_organisation_role", "merged_into_id", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "state", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."mail_confirmed_at", new_values."manual_organisation_role", new_values."merged_into_id", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."state", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."about" IS DISTINCT FROM (new_values."about") OR old_values."date_joined" IS DISTINCT FROM (new_values."date_joined") OR old_values."digest_hour" IS DISTINCT FROM (new_values."digest_hour") OR old_values."email" IS DISTINCT FROM (new_values."email") OR old_values."first_name" IS DISTINCT FROM (new_values."first_name") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_active" IS DISTINCT FROM (new_values."is_active") OR old_values."is_service" IS DISTINCT FROM (new_values."is_service") OR old_values."is_staff" IS DISTINCT FROM (new_values."is_staff") OR old_values."is_superuser" IS DISTINCT FROM (new_values."is_superuser") OR old_values."last_name" IS DISTINCT FROM (new_values."last_name") OR old_values."mail_confirmed_at" IS DISTINCT FROM (new_values."mail_confirmed_at") OR old_values."manual_organisation_role" IS DISTINCT FROM (new_values."manual_organisation_role") OR old_values."merged_into_id" IS DISTINCT FROM (new_values."merged_into_id") OR old_values."organisation_role" IS DISTINCT FROM (new_values."organisation_role") OR old_values."service_team_id" IS DISTINCT FROM (new_values."service_team_id") OR old_values."sso_organisation_role" IS DISTINCT FROM (new_values."sso_organisation_role") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."time_zone" IS DISTINCT FROM (new_values."time_zone") OR old_values."username" IS DISTINCT FROM (new_values."username")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="7ae3d9663b215eee5e14ad56edfb51d1cd984d3a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0e890",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "mail_confirmed_at", "manual_organisation_role", "merged_into_id", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "state", "time_zone", "username") SELECT old_values."about", old_values."date_joined", old_values."digest_hour", old_values."email", old_values."first_name", old_values."id", old_values."is_active", old_values."is_service", old_values."is_staff", old_values."is_superuser", old_values."last_name", old_values."mail_confirmed_at", old_values."manual_organisation_role", old_values."merged_into_id", old_values."organisation_role", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."service_team_id", old_values."sso_organisation_role", old_values."state", old_values."time_zone", old_values."username" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a5a7ae3d3bfc901123299481b995c4675a78893f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_19f14",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_active", True), ("state__in", ("invited", "active"))),
                    models.Q(("is_active", False), ("state__in", ["contact", "closed"])),
                    _connector="OR",
                ),
                name="user_state_agrees_with_access",
                violation_error_message="Only invited and active users can sign in. Invite the person first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "contact"), _negated=True),
                    models.Q(
                        ("is_staff", False),
                        ("is_superuser", False),
                        ("organisation_role", ""),
                        ("password__startswith", "!"),
                        models.Q(("email", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="contact_has_no_access",
                violation_error_message="A contact has an email address, and no password or organisation role.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_service", False), ("state__in", ["active", "closed"]), _connector="OR"
                ),
                name="service_is_active_or_closed",
                violation_error_message="A service account is active or closed.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True),
                    models.Q(
                        ("state", "closed"),
                        models.Q(("merged_into", models.F("id")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="merged_person_is_closed",
                violation_error_message="A merged person is closed.",
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="deputy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deputations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="delegations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delegationhistory",
            name="deputy",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delegationhistory",
            name="person",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delegationhistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="delegationhistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="accounts.delegation",
            ),
        ),
        migrations.AddField(
            model_name="emailalias",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="email_aliases",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="emailaliashistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="emailaliashistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="accounts.emailalias",
            ),
        ),
        migrations.AddField(
            model_name="emailaliashistory",
            name="user",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="peoplesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="people_settings_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="peoplesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_peoplesettingshistory" ("allowed_domains", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."allowed_domains", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9163b10af6c4705f6febdb78d7cad903f7548620",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b391d",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_peoplesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="peoplesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_peoplesettingshistory" ("allowed_domains", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."allowed_domains", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8f89bfb4a3f7e8600fc93fe67efef5eae210245b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8d294",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_peoplesettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="peoplesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_peoplesettingshistory" ("allowed_domains", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT old_values."allowed_domains", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="aeb89e7ef7bc9b52033928c8b8d2b96b5524e86d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c0d81",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_peoplesettings",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="peoplesettingshistory",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="peoplesettingshistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="accounts.peoplesettings",
            ),
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(fields=["deputy", "until"], name="delegation_by_deputy"),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("since"))),
                name="delegation_ends_after_it_begins",
                violation_error_message="The absence must end after it begins.",
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("person", models.F("deputy")), _negated=True),
                name="deputy_is_another_person",
                violation_error_message="The deputy must be another person.",
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("person", "="),
                    (
                        models.Func(
                            "since",
                            "until",
                            function="DATERANGE",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="delegations_do_not_overlap",
                violation_error_message="Another delegation applies in that period. End it first, or choose other days.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delegation",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_delegationhistory" ("created_at", "deputy_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "until") SELECT new_values."created_at", new_values."deputy_id", new_values."id", new_values."person_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."since", new_values."until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0b09a3d14736e7ef4bb9e35b343099028a96ccd3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_31e89",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_delegation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delegation",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_delegationhistory" ("created_at", "deputy_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "until") SELECT new_values."created_at", new_values."deputy_id", new_values."id", new_values."person_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."since", new_values."until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="7c61df05534727736df1d691afdfdf62712b5015",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0bc20",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_delegation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delegation",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_delegationhistory" ("created_at", "deputy_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "until") SELECT old_values."created_at", old_values."deputy_id", old_values."id", old_values."person_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."since", old_values."until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="4054e4901e2ead1bc55f9a48336e5f9a7794d0df",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c7771",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_delegation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="delegationhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="93a9ba95bd729124fc4bc2e9424fc1bdf6b88f11",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_47222",
                    table="accounts_delegationhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="emailalias",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                name="email_alias_once",
                violation_error_message="Another person has this email address. Enter another one.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="emailalias",
            trigger=pgtrigger.compiler.Trigger(
                name="alias_is_no_own_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    PERFORM pg_advisory_xact_lock(hashtextextended('accounts_address', 0));\n                    IF EXISTS (\n                        SELECT 1 FROM accounts_user\n                        WHERE lower(email) = lower(NEW.email) AND email <> ''\n                    ) THEN\n                        RAISE EXCEPTION 'Another person has this email address. Enter another one.'\n                            USING ERRCODE = 'unique_violation', CONSTRAINT = 'alias_is_no_own_address';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="50e603842f319a17a4c7fd053adc43635cf88645",
                    operation='INSERT OR UPDATE OF "email"',
                    pgid="pgtrigger_alias_is_no_own_address_ee9b6",
                    table="accounts_emailalias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="emailalias",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_emailaliashistory" ("created_at", "email", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") SELECT new_values."created_at", new_values."email", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="46e90ec7124e2c66dc864ea2973c31d7a457b67c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_78061",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_emailalias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="emailalias",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_emailaliashistory" ("created_at", "email", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") SELECT new_values."created_at", new_values."email", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="dacf124f5146056fda2c63d8c08f7ff58ad53a4a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c5631",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_emailalias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="emailalias",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_emailaliashistory" ("created_at", "email", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "user_id") SELECT old_values."created_at", old_values."email", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="6a21746733136bc03919af384edbd9fab5fb0c3d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2665a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_emailalias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="emailaliashistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="725afe5a8a6ff8c27f47def864df86d314717573",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d3d79",
                    table="accounts_emailaliashistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="peoplesettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3d516386290182234aa3cca1dd434a57e34ab2f9",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e561e",
                    table="accounts_peoplesettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(ADD_SETTINGS, migrations.RunSQL.noop),
    ]
