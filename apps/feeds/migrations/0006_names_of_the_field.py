import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("feeds", "0005_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="feednotice",
            name="feed_notice_once",
        ),
        migrations.RemoveConstraint(
            model_name="feednotice",
            name="feed_notice_decided_by_someone",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="feednotice",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="feednotice",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="feednotice",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="feednoticehistory",
            name="append_only",
        ),
        migrations.RenameModel(
            old_name="FeedNotice",
            new_name="ProviderNotice",
        ),
        migrations.RenameModel(
            old_name="FeedNoticeHistory",
            new_name="ProviderNoticeHistory",
        ),
        migrations.RenameIndex(
            model_name="providernotice",
            new_name="provider_notice_by_state",
            old_name="feed_notice_by_state",
        ),
        migrations.AddConstraint(
            model_name="providernotice",
            constraint=models.UniqueConstraint(
                fields=("source", "external_id"), name="provider_notice_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="providernotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state", "done"),
                    ),
                    models.Q(("state", "done"), _negated=True),
                    _connector="OR",
                ),
                name="provider_notice_decision_complete",
                violation_error_message="A closed notice must have a user and a time.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providernotice",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_providernoticehistory" ("changed_at", "decided_at", "decided_by_id", "excerpt", "external_id", "first_seen", "id", "link", "names", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "reason", "source_id", "state", "title") SELECT new_values."changed_at", new_values."decided_at", new_values."decided_by_id", new_values."excerpt", new_values."external_id", new_values."first_seen", new_values."id", new_values."link", new_values."names", new_values."outcome", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."published_at", new_values."reason", new_values."source_id", new_values."state", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="67ca6e398b3fc8461c490083e51cf597640e6c04",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1678d",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="feeds_providernotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providernotice",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_providernoticehistory" ("changed_at", "decided_at", "decided_by_id", "excerpt", "external_id", "first_seen", "id", "link", "names", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "reason", "source_id", "state", "title") SELECT new_values."changed_at", new_values."decided_at", new_values."decided_by_id", new_values."excerpt", new_values."external_id", new_values."first_seen", new_values."id", new_values."link", new_values."names", new_values."outcome", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."published_at", new_values."reason", new_values."source_id", new_values."state", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9f2c81e298dc57de999e909d6d2cdcc21685c2c6",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_4c09d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="feeds_providernotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providernotice",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_providernoticehistory" ("changed_at", "decided_at", "decided_by_id", "excerpt", "external_id", "first_seen", "id", "link", "names", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "reason", "source_id", "state", "title") SELECT old_values."changed_at", old_values."decided_at", old_values."decided_by_id", old_values."excerpt", old_values."external_id", old_values."first_seen", old_values."id", old_values."link", old_values."names", old_values."outcome", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."published_at", old_values."reason", old_values."source_id", old_values."state", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ba9f7bc82861546d7948e46e3836759116a29ffd",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_dd61c",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="feeds_providernotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providernoticehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="83c079d655d4f61a78521bde35ce422aa6d17a55",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d9cee",
                    table="feeds_providernoticehistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
