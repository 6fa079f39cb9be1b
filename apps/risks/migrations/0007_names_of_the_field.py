import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("risks", "0006_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="assessment",
            name="assessment_not_applicable_says_why",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assessment",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assessment",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assessment",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="assessmenthistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modifier",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modifier",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modifier",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modifierhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="taxonomy",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="taxonomy",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="taxonomy",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="taxonomyhistory",
            name="append_only",
        ),
        migrations.RenameField(
            model_name="assessment",
            old_name="not_applicable_because",
            new_name="not_applicable_reason",
        ),
        migrations.RenameField(
            model_name="assessmenthistory",
            old_name="not_applicable_because",
            new_name="not_applicable_reason",
        ),
        migrations.RenameField(
            model_name="assessment",
            old_name="stale_because",
            new_name="stale_reason",
        ),
        migrations.RenameField(
            model_name="assessmenthistory",
            old_name="stale_because",
            new_name="stale_reason",
        ),
        migrations.RenameField(
            model_name="taxonomy",
            old_name="holds",
            new_name="coverage",
        ),
        migrations.RenameField(
            model_name="taxonomyhistory",
            old_name="holds",
            new_name="coverage",
        ),
        migrations.RenameField(
            model_name="modifier",
            old_name="why",
            new_name="rationale",
        ),
        migrations.RenameField(
            model_name="modifierhistory",
            old_name="why",
            new_name="rationale",
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "not_applicable"), _negated=True),
                    models.Q(("not_applicable_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="assessment_not_applicable_says_why",
                violation_error_message="Enter a reason why the risk does not apply.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT new_values."accept_reason", new_values."accepted_at", new_values."accepted_by_id", new_values."accepted_until", new_values."assessed_at", new_values."assessed_by_id", new_values."confidence", new_values."created_at", new_values."current_impact", new_values."current_likelihood", new_values."dependency_id", new_values."due_on", new_values."id", new_values."inherent_impact", new_values."inherent_likelihood", new_values."not_applicable_reason", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."plan", new_values."residual_impact", new_values."residual_likelihood", new_values."revoke_reason", new_values."revoked_at", new_values."revoked_by_id", new_values."risk_id", new_values."stale_cause", new_values."stale_event_id", new_values."stale_reason", new_values."stale_since", new_values."state", new_values."treatment", new_values."version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="584e24d2b1ef893a853eeed88fecad15e24385a0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a2fa5",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT new_values."accept_reason", new_values."accepted_at", new_values."accepted_by_id", new_values."accepted_until", new_values."assessed_at", new_values."assessed_by_id", new_values."confidence", new_values."created_at", new_values."current_impact", new_values."current_likelihood", new_values."dependency_id", new_values."due_on", new_values."id", new_values."inherent_impact", new_values."inherent_likelihood", new_values."not_applicable_reason", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."plan", new_values."residual_impact", new_values."residual_likelihood", new_values."revoke_reason", new_values."revoked_at", new_values."revoked_by_id", new_values."risk_id", new_values."stale_cause", new_values."stale_event_id", new_values."stale_reason", new_values."stale_since", new_values."state", new_values."treatment", new_values."version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."accept_reason" IS DISTINCT FROM (new_values."accept_reason") OR old_values."accepted_at" IS DISTINCT FROM (new_values."accepted_at") OR old_values."accepted_by_id" IS DISTINCT FROM (new_values."accepted_by_id") OR old_values."accepted_until" IS DISTINCT FROM (new_values."accepted_until") OR old_values."assessed_at" IS DISTINCT FROM (new_values."assessed_at") OR old_values."assessed_by_id" IS DISTINCT FROM (new_values."assessed_by_id") OR old_values."confidence" IS DISTINCT FROM (new_values."confidence") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."current_impact" IS DISTINCT FROM (new_values."current_impact") OR old_values."current_likelihood" IS DISTINCT FROM (new_values."current_likelihood") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."inherent_impact" IS DISTINCT FROM (new_values."inherent_impact") OR old_values."inherent_likelihood" IS DISTINCT FROM (new_values."inherent_likelihood") OR old_values."not_applicable_reason" IS DISTINCT FROM (new_values."not_applicable_reason") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."plan" IS DISTINCT FROM (new_values."plan") OR old_values."residual_impact" IS DISTINCT FROM (new_values."residual_impact") OR old_values."residual_likelihood" IS DISTINCT FROM (new_values."residual_likelihood") OR old_values."revoke_reason" IS DISTINCT FROM (new_values."revoke_reason") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id") OR old_values."risk_id" IS DISTINCT FROM (new_values."risk_id") OR old_values."stale_cause" IS DISTINCT FROM (new_values."stale_cause") OR old_values."stale_event_id" IS DISTINCT FROM (new_values."stale_event_id") OR old_values."stale_reason" IS DISTINCT FROM (new_values."stale_reason") OR old_values."stale_since" IS DISTINCT FROM (new_values."stale_since") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."treatment" IS DISTINCT FROM (new_values."treatment") OR old_values."version" IS DISTINCT FROM (new_values."version")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f40cc95b715296b4552d6f6539e937c9b27534b6",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_04e4e",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessment",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_assessmenthistory" ("accept_reason", "accepted_at", "accepted_by_id", "accepted_until", "assessed_at", "assessed_by_id", "confidence", "created_at", "current_impact", "current_likelihood", "dependency_id", "due_on", "id", "inherent_impact", "inherent_likelihood", "not_applicable_reason", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan", "residual_impact", "residual_likelihood", "revoke_reason", "revoked_at", "revoked_by_id", "risk_id", "stale_cause", "stale_event_id", "stale_reason", "stale_since", "state", "treatment", "version") SELECT old_values."accept_reason", old_values."accepted_at", old_values."accepted_by_id", old_values."accepted_until", old_values."assessed_at", old_values."assessed_by_id", old_values."confidence", old_values."created_at", old_values."current_impact", old_values."current_likelihood", old_values."dependency_id", old_values."due_on", old_values."id", old_values."inherent_impact", old_values."inherent_likelihood", old_values."not_applicable_reason", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."plan", old_values."residual_impact", old_values."residual_likelihood", old_values."revoke_reason", old_values."revoked_at", old_values."revoked_by_id", old_values."risk_id", old_values."stale_cause", old_values."stale_event_id", old_values."stale_reason", old_values."stale_since", old_values."state", old_values."treatment", old_values."version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d9b6f56d078405cbf16487d6e02943b96efcd201",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_59597",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_assessment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assessmenthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d123d1cd1a6b6e0b00351ab15eee4bcb0485376c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c4cc3",
                    table="risks_assessmenthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT new_values."adaptation", new_values."id", new_values."impact", new_values."likelihood", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."rationale", new_values."template_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="413218c5b52cb56233f8faee4c1806a7b1b7a65e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e527a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT new_values."adaptation", new_values."id", new_values."impact", new_values."likelihood", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."rationale", new_values."template_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b940dea5e7b5ad600b8092613df59ade2005c91c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c4048",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifier",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_modifierhistory" ("adaptation", "id", "impact", "likelihood", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rationale", "template_id") SELECT old_values."adaptation", old_values."id", old_values."impact", old_values."likelihood", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."rationale", old_values."template_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="6d9272e229bdc2ba9ead01ae90487a8cb0d266ed",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_7e9fc",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_modifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modifierhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1b51571a5d117c199377440e0416e336edb09992",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_988d0",
                    table="risks_modifierhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT new_values."attribution", new_values."coverage", new_values."id", new_values."licence", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."source_url", new_values."version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="74ee1c711be84744e2f94d5c32114b097c8c9fa7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b8262",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT new_values."attribution", new_values."coverage", new_values."id", new_values."licence", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."source_url", new_values."version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1ffb19c2ef7a670f16145006570c22cb9779e18a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0eeee",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "risks_taxonomyhistory" ("attribution", "coverage", "id", "licence", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_url", "version") SELECT old_values."attribution", old_values."coverage", old_values."id", old_values."licence", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."source_url", old_values."version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="1eac414f120e31328ae1f9816afea698cfd9bdd6",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dc586",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="risks_taxonomy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="taxonomyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3354184b8a7b30d0ac50e18a46111bc2e7fb466f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_851dc",
                    table="risks_taxonomyhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
