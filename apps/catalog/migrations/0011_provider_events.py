"""Events about a provider as a whole, such as a change of its terms."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0010_incidents"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="providerevent",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="providerevent",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="providerevent",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="providerevent",
            name="provider",
            field=models.ForeignKey(
                blank=True,
                help_text="Provider that the event is about as a whole; empty for events of an offering.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="providereventhistory",
            name="provider",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Provider that the event is about as a whole; empty for events of an offering.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.provider",
            ),
        ),
        migrations.AlterField(
            model_name="providerevent",
            name="offering",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="catalog.offering",
            ),
        ),
        migrations.AlterField(
            model_name="providereventhistory",
            name="offering",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.offering",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providerevent",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "source_id") SELECT new_values."created_at", new_values."detected_at", new_values."effective_on", new_values."external_id", new_values."id", new_values."key", new_values."kind", new_values."new", new_values."offering_id", new_values."old", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."source_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5d664078ef3ea9126e2b9b28d52fd713f0a90388",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_35bda",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_providerevent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providerevent",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "source_id") SELECT new_values."created_at", new_values."detected_at", new_values."effective_on", new_values."external_id", new_values."id", new_values."key", new_values."kind", new_values."new", new_values."offering_id", new_values."old", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."source_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="41ac3b80231ba8e50d46b8f5fb66a8043515e5a9",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ba50a",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_providerevent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providerevent",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "source_id") SELECT old_values."created_at", old_values."detected_at", old_values."effective_on", old_values."external_id", old_values."id", old_values."key", old_values."kind", old_values."new", old_values."offering_id", old_values."old", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."source_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="8c5bcd202d5f6e2fc21fbbd49d914c314dbb0756",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_6eead",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_providerevent",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="providerevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("offering__isnull", False), ("provider__isnull", True)),
                    models.Q(("offering__isnull", True), ("provider__isnull", False)),
                    _connector="OR",
                ),
                name="event_has_one_subject",
                violation_error_message="An event must be about an offering or a provider.",
            ),
        ),
    ]
