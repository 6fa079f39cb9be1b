import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exposure", "0018_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="campaigntask",
            name="campaign_task_waiver_ends",
        ),
        migrations.RemoveIndex(
            model_name="candidate",
            name="candidate_turns",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntask",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="campaigntaskhistory",
            name="append_only",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposureflag",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposureflag",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposureflag",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="exposureflaghistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="Cut",
            new_name="MinimalCutSet",
        ),
        migrations.RenameModel(
            old_name="Rescue",
            new_name="CandidateGrade",
        ),
        migrations.RenameModel(
            old_name="LiveUse",
            new_name="ActiveDependency",
        ),
        migrations.RenameModel(
            old_name="HeldFooting",
            new_name="EngineFooting",
        ),
        migrations.RenameField(
            model_name="scenariorun",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="lossrun",
            old_name="asked_by",
            new_name="requested_by",
        ),
        migrations.RenameField(
            model_name="exposureflag",
            old_name="accepted_why",
            new_name="accepted_reason",
        ),
        migrations.RenameField(
            model_name="exposureflaghistory",
            old_name="accepted_why",
            new_name="accepted_reason",
        ),
        migrations.RenameField(
            model_name="campaigntask",
            old_name="waived_why",
            new_name="waived_reason",
        ),
        migrations.RenameField(
            model_name="campaigntaskhistory",
            old_name="waived_why",
            new_name="waived_reason",
        ),
        migrations.RenameField(
            model_name="candidate",
            old_name="turns_on",
            new_name="next_change_on",
        ),
        migrations.RenameField(
            model_name="candidategrade",
            old_name="at_once",
            new_name="is_immediate",
        ),
        migrations.RenameIndex(
            model_name="activedependency",
            new_name="active_by_offering",
            old_name="live_use_by_offering",
        ),
        migrations.RenameIndex(
            model_name="activedependency",
            new_name="active_by_application",
            old_name="live_use_by_application",
        ),
        migrations.RenameIndex(
            model_name="activedependency",
            new_name="active_by_party",
            old_name="live_use_by_party",
        ),
        migrations.RenameIndex(
            model_name="candidategrade",
            new_name="candidate_grade_by_application",
            old_name="rescue_by_application",
        ),
        migrations.RenameIndex(
            model_name="enginefooting",
            new_name="engine_footing_by_offering",
            old_name="held_footing_by_offering",
        ),
        migrations.AddIndex(
            model_name="candidate",
            index=models.Index(fields=["next_change_on"], name="candidate_by_next_change"),
        ),
        migrations.AddConstraint(
            model_name="campaigntask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "waived"), _negated=True),
                    models.Q(
                        ("waived_by__isnull", False),
                        ("waived_until__isnull", False),
                        models.Q(("waived_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="campaign_task_waiver_ends",
                violation_error_message="A deferral needs a user, a reason and an expiry date.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."due_on", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."signed_off_at", new_values."signed_off_by_id", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3eab03ee4bcd771f8b2456b61dd51fae98e69eea",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_431f1",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT new_values."after", new_values."before", new_values."campaign_id", new_values."dependency_id", new_values."due_on", new_values."id", new_values."note", new_values."owner_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."signed_off_at", new_values."signed_off_by_id", new_values."state", new_values."successor_id", new_values."target_id", new_values."waived_by_id", new_values."waived_reason", new_values."waived_until" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."after" IS DISTINCT FROM (new_values."after") OR old_values."before" IS DISTINCT FROM (new_values."before") OR old_values."campaign_id" IS DISTINCT FROM (new_values."campaign_id") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."owner_id" IS DISTINCT FROM (new_values."owner_id") OR old_values."signed_off_at" IS DISTINCT FROM (new_values."signed_off_at") OR old_values."signed_off_by_id" IS DISTINCT FROM (new_values."signed_off_by_id") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."successor_id" IS DISTINCT FROM (new_values."successor_id") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."waived_by_id" IS DISTINCT FROM (new_values."waived_by_id") OR old_values."waived_reason" IS DISTINCT FROM (new_values."waived_reason") OR old_values."waived_until" IS DISTINCT FROM (new_values."waived_until")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0020c2e94bdf3821334ee0cbfe977663aea71331",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d799b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntask",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_campaigntaskhistory" ("after", "before", "campaign_id", "dependency_id", "due_on", "id", "note", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "signed_off_at", "signed_off_by_id", "state", "successor_id", "target_id", "waived_by_id", "waived_reason", "waived_until") SELECT old_values."after", old_values."before", old_values."campaign_id", old_values."dependency_id", old_values."due_on", old_values."id", old_values."note", old_values."owner_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."signed_off_at", old_values."signed_off_by_id", old_values."state", old_values."successor_id", old_values."target_id", old_values."waived_by_id", old_values."waived_reason", old_values."waived_until" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="98c9f2677bdebf2e3cb117d9d3d80b27d8611dd1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_1dfa4",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_campaigntask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="campaigntaskhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e4b1fcfcdd380a6746177cab55f3770415391d08",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_87ff7",
                    table="exposure_campaigntaskhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="de7bfd9869c6048ec74a6ddcb570ee7cf4b2663e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_af9fd",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT new_values."accepted_by_id", new_values."accepted_reason", new_values."accepted_until", new_values."acknowledged_by_id", new_values."application_ids", new_values."below_since", new_values."ceiling", new_values."id", new_values."limit", new_values."n_applications", new_values."node_id", new_values."opened_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."policy_id", new_values."resolved_at", new_values."state", new_values."value" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="36c43331a111541b6e3e449b5388bd2e2f8e6bd4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b85a9",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflag",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "exposure_exposureflaghistory" ("accepted_by_id", "accepted_reason", "accepted_until", "acknowledged_by_id", "application_ids", "below_since", "ceiling", "id", "limit", "n_applications", "node_id", "opened_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "policy_id", "resolved_at", "state", "value") SELECT old_values."accepted_by_id", old_values."accepted_reason", old_values."accepted_until", old_values."acknowledged_by_id", old_values."application_ids", old_values."below_since", old_values."ceiling", old_values."id", old_values."limit", old_values."n_applications", old_values."node_id", old_values."opened_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."policy_id", old_values."resolved_at", old_values."state", old_values."value" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="075803551361108cf60b8d5240e15484eec50246",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_74da5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="exposure_exposureflag",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exposureflaghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="71c74a3a3ee761e79131d866448b6fff45bc3ea5",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d7485",
                    table="exposure_exposureflaghistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
