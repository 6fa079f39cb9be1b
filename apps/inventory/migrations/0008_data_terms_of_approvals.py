"""Approvals that are restricted by the data terms of offerings."""

import django.contrib.postgres.fields
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0013_queue_of_data_terms"),
        ("inventory", "0007_requirements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="delete_delete",
        ),
        migrations.RemoveConstraint(
            model_name="approval",
            name="approval_restricted_says_to_what",
        ),
        migrations.AddField(
            model_name="approval",
            name="max_retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Days for which inputs and outputs may be kept at most; empty: any number.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="requires_no_training",
            field=models.BooleanField(
                default=False, help_text="Inputs must not be used for training."
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="requires_zero_retention",
            field=models.BooleanField(
                default=False, help_text="Requests without any retention must be possible."
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="residencies",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                blank=True,
                default=list,
                help_text="Regions in which the data must stay; empty: any.",
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="terms_data_classes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12),
                blank=True,
                default=list,
                help_text="Data classifications to which the conditions on data terms apply; empty: all.",
            ),
        ),
        migrations.AddField(
            model_name="approvalhistory",
            name="max_retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Days for which inputs and outputs may be kept at most; empty: any number.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="approvalhistory",
            name="requires_no_training",
            field=models.BooleanField(
                default=False, help_text="Inputs must not be used for training."
            ),
        ),
        migrations.AddField(
            model_name="approvalhistory",
            name="requires_zero_retention",
            field=models.BooleanField(
                default=False, help_text="Requests without any retention must be possible."
            ),
        ),
        migrations.AddField(
            model_name="approvalhistory",
            name="residencies",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                blank=True,
                default=list,
                help_text="Regions in which the data must stay; empty: any.",
            ),
        ),
        migrations.AddField(
            model_name="approvalhistory",
            name="terms_data_classes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12),
                blank=True,
                default=list,
                help_text="Data classifications to which the conditions on data terms apply; empty: all.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "max_retention_days", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "requires_no_training", "requires_zero_retention", "residencies", "revoked_at", "revoked_by_id", "revoked_reason", "terms_data_classes", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."max_retention_days", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."requires_no_training", new_values."requires_zero_retention", new_values."residencies", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."terms_data_classes", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f1915a987b122e883c8d66fda62fcba30708a980",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e3716",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "max_retention_days", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "requires_no_training", "requires_zero_retention", "residencies", "revoked_at", "revoked_by_id", "revoked_reason", "terms_data_classes", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."max_retention_days", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."requires_no_training", new_values."requires_zero_retention", new_values."residencies", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."terms_data_classes", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."approver_id" IS DISTINCT FROM (new_values."approver_id") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."criticalities" IS DISTINCT FROM (new_values."criticalities") OR old_values."data_classes" IS DISTINCT FROM (new_values."data_classes") OR old_values."decided_on" IS DISTINCT FROM (new_values."decided_on") OR old_values."decision" IS DISTINCT FROM (new_values."decision") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."foundation_id" IS DISTINCT FROM (new_values."foundation_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."max_retention_days" IS DISTINCT FROM (new_values."max_retention_days") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."requires_no_training" IS DISTINCT FROM (new_values."requires_no_training") OR old_values."requires_zero_retention" IS DISTINCT FROM (new_values."requires_zero_retention") OR old_values."residencies" IS DISTINCT FROM (new_values."residencies") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id") OR old_values."revoked_reason" IS DISTINCT FROM (new_values."revoked_reason") OR old_values."terms_data_classes" IS DISTINCT FROM (new_values."terms_data_classes") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="bb943f7284236ee9f32784cba0da0f4de0a6b794",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e745f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "max_retention_days", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "requires_no_training", "requires_zero_retention", "residencies", "revoked_at", "revoked_by_id", "revoked_reason", "terms_data_classes", "version_id") SELECT old_values."approver_id", old_values."created_at", old_values."criticalities", old_values."data_classes", old_values."decided_on", old_values."decision", old_values."expires_on", old_values."foundation_id", old_values."id", old_values."max_retention_days", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."reason", old_values."regions", old_values."requires_no_training", old_values."requires_zero_retention", old_values."residencies", old_values."revoked_at", old_values."revoked_by_id", old_values."revoked_reason", old_values."terms_data_classes", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="126ed290f41ef89cf32e7c5e5ef9868ac1bc20ae",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ab36a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "restricted"), _negated=True),
                    models.Q(
                        ("criticalities", []),
                        ("data_classes", []),
                        ("max_retention_days__isnull", True),
                        ("regions", []),
                        ("requires_no_training", False),
                        ("requires_zero_retention", False),
                        ("residencies", []),
                        _negated=True,
                    ),
                    _connector="OR",
                ),
                name="approval_restricted_says_to_what",
                violation_error_message="Select the data classes, regions, criticalities or data terms to which the approval is restricted.",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("terms_data_classes", []),
                    ("requires_no_training", True),
                    ("max_retention_days__isnull", False),
                    ("requires_zero_retention", True),
                    models.Q(("residencies", []), _negated=True),
                    _connector="OR",
                ),
                name="approval_terms_classes_need_terms",
                violation_error_message="Select the data terms that data of these classifications needs.",
            ),
        ),
    ]
