import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_texts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="membership",
            name="membership_role_is_the_stronger",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="membership",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="membership",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="membership",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="membershiphistory",
            name="append_only",
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
        pgtrigger.migrations.RemoveTrigger(
            model_name="userhistory",
            name="append_only",
        ),
        migrations.RenameField(
            model_name="user",
            old_name="office_by_sign_on",
            new_name="sso_organisation_role",
        ),
        migrations.RenameField(
            model_name="userhistory",
            old_name="office_by_sign_on",
            new_name="sso_organisation_role",
        ),
        migrations.RenameField(
            model_name="user",
            old_name="office_by_hand",
            new_name="manual_organisation_role",
        ),
        migrations.RenameField(
            model_name="userhistory",
            old_name="office_by_hand",
            new_name="manual_organisation_role",
        ),
        migrations.RenameField(
            model_name="membership",
            old_name="role_by_sign_on",
            new_name="sso_role",
        ),
        migrations.RenameField(
            model_name="membershiphistory",
            old_name="role_by_sign_on",
            new_name="sso_role",
        ),
        migrations.RenameField(
            model_name="membership",
            old_name="role_by_hand",
            new_name="manual_role",
        ),
        migrations.RenameField(
            model_name="membershiphistory",
            old_name="role_by_hand",
            new_name="manual_role",
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("manual_role__isnull", True), ("sso_role__isnull", True)),
                    models.Q(("manual_role__isnull", True), ("role", models.F("sso_role"))),
                    (
                        "role",
                        django.db.models.functions.comparison.Greatest(
                            models.F("sso_role"), models.F("manual_role")
                        ),
                    ),
                    _connector="OR",
                ),
                name="membership_role_is_the_stronger",
                violation_error_message="The stronger of the assigned role and the single sign-on role must apply.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT new_values."created_at", new_values."id", new_values."manual_role", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."role", new_values."sso_role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="89a2a6ebc427e0f27a449caf19a37a560e9733a7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_fc05a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT new_values."created_at", new_values."id", new_values."manual_role", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."role", new_values."sso_role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8ed06bccc016fb672142c2009973867f41b55888",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_20ab5",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT old_values."created_at", old_values."id", old_values."manual_role", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."role", old_values."sso_role", old_values."team_id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="672eacbf1c43bd65a951f7eb8c6754165b4f6e53",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_19a8f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershiphistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9ee43f83afd372f3941d93d61b0d68b7fab7a8d3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_123dc",
                    table="accounts_membershiphistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."manual_organisation_role", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f4db0f9debd928e30f57704ed2c015faddf53023",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."manual_organisation_role", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."about" IS DISTINCT FROM (new_values."about") OR old_values."date_joined" IS DISTINCT FROM (new_values."date_joined") OR old_values."digest_hour" IS DISTINCT FROM (new_values."digest_hour") OR old_values."email" IS DISTINCT FROM (new_values."email") OR old_values."first_name" IS DISTINCT FROM (new_values."first_name") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_active" IS DISTINCT FROM (new_values."is_active") OR old_values."is_service" IS DISTINCT FROM (new_values."is_service") OR old_values."is_staff" IS DISTINCT FROM (new_values."is_staff") OR old_values."is_superuser" IS DISTINCT FROM (new_values."is_superuser") OR old_values."last_name" IS DISTINCT FROM (new_values."last_name") OR old_values."manual_organisation_role" IS DISTINCT FROM (new_values."manual_organisation_role") OR old_values."organisation_role" IS DISTINCT FROM (new_values."organisation_role") OR old_values."service_team_id" IS DISTINCT FROM (new_values."service_team_id") OR old_values."sso_organisation_role" IS DISTINCT FROM (new_values."sso_organisation_role") OR old_values."time_zone" IS DISTINCT FROM (new_values."time_zone") OR old_values."username" IS DISTINCT FROM (new_values."username")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3ceb6289e2f586718246268b7cde40786e1f8d2b",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT old_values."about", old_values."date_joined", old_values."digest_hour", old_values."email", old_values."first_name", old_values."id", old_values."is_active", old_values."is_service", old_values."is_staff", old_values."is_superuser", old_values."last_name", old_values."manual_organisation_role", old_values."organisation_role", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."service_team_id", old_values."sso_organisation_role", old_values."time_zone", old_values."username" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="cddaa1d9300b86172134ff58d83aa44932a8660a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_19f14",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="userhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="68ffa9ce3b529c4c151c9348adc79b98119cd550",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_4f815",
                    table="accounts_userhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
