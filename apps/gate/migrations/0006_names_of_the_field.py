import datetime

import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gate", "0005_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="waiver",
            name="waiver_ends_in_time",
        ),
        migrations.RemoveConstraint(
            model_name="waiver",
            name="waiver_granted_by_another",
        ),
        migrations.RemoveIndex(
            model_name="gaterun",
            name="gate_run_by_age",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="waiver",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="waiver",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="waiver",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="waiverhistory",
            name="append_only",
        ),
        migrations.RenameField(
            model_name="waiver",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="waiverhistory",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="waiver",
            old_name="asked_at",
            new_name="requested_at",
        ),
        migrations.RenameField(
            model_name="waiverhistory",
            old_name="asked_at",
            new_name="requested_at",
        ),
        migrations.RenameField(
            model_name="gaterun",
            old_name="asked_at",
            new_name="requested_at",
        ),
        migrations.RenameField(
            model_name="waiver",
            old_name="asked_on",
            new_name="requested_on",
        ),
        migrations.RenameField(
            model_name="waiverhistory",
            old_name="asked_on",
            new_name="requested_on",
        ),
        migrations.RenameField(
            model_name="gaterun",
            old_name="asked_last_at",
            new_name="last_requested_at",
        ),
        migrations.RenameField(
            model_name="gaterun",
            old_name="against",
            new_name="baseline_run",
        ),
        migrations.AlterModelOptions(
            name="waiver",
            options={"ordering": ["-requested_at", "-id"]},
        ),
        migrations.AddIndex(
            model_name="gaterun",
            index=models.Index(fields=["last_requested_at"], name="gate_run_by_age"),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until__gt", models.F("requested_on")),
                    (
                        "until__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("requested_on"),
                            "+",
                            models.Value(datetime.timedelta(days=180)),
                        ),
                    ),
                ),
                name="waiver_ends_in_time",
                violation_error_message="A waiver must expire after today and within 180 days. Request a new one when it has expired.",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "granted"), _negated=True),
                    models.Q(("decided_by", models.F("requested_by")), _negated=True),
                    _connector="OR",
                ),
                name="waiver_granted_by_another",
                violation_error_message="A waiver cannot be decided by the user who requested it. Another governance user must decide.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision", new_values."id", new_values."model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reason", new_values."requested_at", new_values."requested_by_id", new_values."requested_on", new_values."rule", new_values."state", new_values."until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="667c437c340f3ae0c1999bcb13e41ac07c69d64a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_82a31",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision", new_values."id", new_values."model", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reason", new_values."requested_at", new_values."requested_by_id", new_values."requested_on", new_values."rule", new_values."state", new_values."until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9142f49a07d54974c5e5a6853d6559cb6e3fc1e8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_de569",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "gate_waiverhistory" ("application_id", "decided_at", "decided_by_id", "decision", "id", "model", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "requested_at", "requested_by_id", "requested_on", "rule", "state", "until") SELECT old_values."application_id", old_values."decided_at", old_values."decided_by_id", old_values."decision", old_values."id", old_values."model", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reason", old_values."requested_at", old_values."requested_by_id", old_values."requested_on", old_values."rule", old_values."state", old_values."until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f48b3a370871ea80f4dfe04a6289e2104ed37c81",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a6564",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="gate_waiver",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiverhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="16e9efdaefaa65e6adb169f15fa6c42f5a236970",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9563e",
                    table="gate_waiverhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
