"""Incidents that status pages tell of, and the host whose own page a source is."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_stages_and_features"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Incident",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                ("title", models.CharField(max_length=300)),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        help_text="Last status as the status page words it.",
                        max_length=20,
                    ),
                ),
                (
                    "impact",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "None"),
                            ("minor", "Minor"),
                            ("major", "Major"),
                            ("critical", "Critical"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "highest_impact",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "None"),
                            ("minor", "Minor"),
                            ("major", "Major"),
                            ("critical", "Critical"),
                        ],
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("resolved", "Resolved by the host"),
                            ("absent", "Not listed any more"),
                            ("duplicate", "Duplicate"),
                        ],
                        max_length=9,
                    ),
                ),
                ("components", models.JSONField(blank=True, default=list)),
                ("regions", models.JSONField(blank=True, default=list)),
                (
                    "affects_models",
                    models.BooleanField(
                        default=True,
                        help_text="False if every component serves no model: chat products, consoles, billing, or other services of a cloud.",
                    ),
                ),
                ("url", models.CharField(blank=True, max_length=1000)),
                ("updates", models.JSONField(blank=True, default=list)),
                (
                    "last_update_at",
                    models.DateTimeField(help_text="Time of the newest update, else of the start."),
                ),
                (
                    "reopened_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Last time that it was open again after its end.",
                        null=True,
                    ),
                ),
                (
                    "backfilled",
                    models.BooleanField(
                        default=False, help_text="Known only afterwards; it raises no alarm."
                    ),
                ),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(help_text="Time of the poll that last changed it."),
                ),
            ],
            options={
                "ordering": ["-started_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="IncidentHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("external_id", models.CharField(max_length=400)),
                ("title", models.CharField(max_length=300)),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        help_text="Last status as the status page words it.",
                        max_length=20,
                    ),
                ),
                (
                    "impact",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "None"),
                            ("minor", "Minor"),
                            ("major", "Major"),
                            ("critical", "Critical"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "highest_impact",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "None"),
                            ("minor", "Minor"),
                            ("major", "Major"),
                            ("critical", "Critical"),
                        ],
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("resolved", "Resolved by the host"),
                            ("absent", "Not listed any more"),
                            ("duplicate", "Duplicate"),
                        ],
                        max_length=9,
                    ),
                ),
                ("components", models.JSONField(blank=True, default=list)),
                ("regions", models.JSONField(blank=True, default=list)),
                (
                    "affects_models",
                    models.BooleanField(
                        default=True,
                        help_text="False if every component serves no model: chat products, consoles, billing, or other services of a cloud.",
                    ),
                ),
                ("url", models.CharField(blank=True, max_length=1000)),
                (
                    "last_update_at",
                    models.DateTimeField(help_text="Time of the newest update, else of the start."),
                ),
                (
                    "reopened_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Last time that it was open again after its end.",
                        null=True,
                    ),
                ),
                (
                    "backfilled",
                    models.BooleanField(
                        default=False, help_text="Known only afterwards; it raises no alarm."
                    ),
                ),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(help_text="Time of the poll that last changed it."),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="source",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="source",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="source",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="source",
            name="host",
            field=models.ForeignKey(
                blank=True,
                help_text="Host whose own page this is; empty for sources about several hosts.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="own_sources",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="sourcehistory",
            name="host",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Host whose own page this is; empty for sources about several hosts.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.provider",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="source",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "host_id", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT new_values."created_at", new_values."enabled", new_values."frozen_after_days", new_values."host_id", new_values."id", new_values."interval_minutes", new_values."kind", new_values."licence_note", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."stale_after_minutes", new_values."trust_rank", new_values."trusted_address", new_values."updated_at", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="60e4eb03ade59fd8608bd6ec693abab201be1752",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_b96d2",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_source",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="source",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "host_id", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT new_values."created_at", new_values."enabled", new_values."frozen_after_days", new_values."host_id", new_values."id", new_values."interval_minutes", new_values."kind", new_values."licence_note", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."stale_after_minutes", new_values."trust_rank", new_values."trusted_address", new_values."updated_at", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f2cf1fe1825d41dc0ad03d8b9b104aebba592ec0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9fccd",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_source",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="source",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "host_id", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT old_values."created_at", old_values."enabled", old_values."frozen_after_days", old_values."host_id", old_values."id", old_values."interval_minutes", old_values."kind", old_values."licence_note", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."stale_after_minutes", old_values."trust_rank", old_values."trusted_address", old_values."updated_at", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5b6fd6687230adb1079fb19cad4b44e113aa3f8d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_903bd",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_source",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="duplicate_of",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="duplicates",
                to="catalog.incident",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="host",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="incidents",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="offerings",
            field=models.ManyToManyField(
                blank=True, related_name="incidents", to="catalog.offering"
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="incidents",
                to="catalog.source",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="versions",
            field=models.ManyToManyField(
                blank=True, related_name="incidents", to="catalog.version"
            ),
        ),
        migrations.AddField(
            model_name="incidenthistory",
            name="duplicate_of",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.incident",
            ),
        ),
        migrations.AddField(
            model_name="incidenthistory",
            name="host",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.provider",
            ),
        ),
        migrations.AddField(
            model_name="incidenthistory",
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
            model_name="incidenthistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="catalog.incident",
            ),
        ),
        migrations.AddField(
            model_name="incidenthistory",
            name="source",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.source",
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["-started_at", "-id"], name="incident_latest"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["host", "-started_at"], name="incident_by_host"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["host"],
                name="incident_ongoing",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                fields=("source", "external_id"), name="incident_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True),
                    ("ended_at__gte", models.F("started_at")),
                    _connector="OR",
                ),
                name="incident_ends_after_start",
                violation_error_message="An incident cannot end before it starts.",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end_reason", ""), ("ended_at__isnull", True)),
                    models.Q(
                        ("ended_at__isnull", False), models.Q(("end_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="incident_end_has_reason",
                violation_error_message="An incident that has ended must have a reason.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="incident",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_incidenthistory" ("affects_models", "backfilled", "changed_at", "components", "duplicate_of_id", "end_reason", "ended_at", "external_id", "first_seen", "highest_impact", "host_id", "id", "impact", "last_update_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "reopened_at", "source_id", "started_at", "status", "title", "url") SELECT new_values."affects_models", new_values."backfilled", new_values."changed_at", new_values."components", new_values."duplicate_of_id", new_values."end_reason", new_values."ended_at", new_values."external_id", new_values."first_seen", new_values."highest_impact", new_values."host_id", new_values."id", new_values."impact", new_values."last_update_at", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."regions", new_values."reopened_at", new_values."source_id", new_values."started_at", new_values."status", new_values."title", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="40c30d990d5968473f1906d3974ba97789364dc5",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9b6da",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_incident",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="incident",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_incidenthistory" ("affects_models", "backfilled", "changed_at", "components", "duplicate_of_id", "end_reason", "ended_at", "external_id", "first_seen", "highest_impact", "host_id", "id", "impact", "last_update_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "reopened_at", "source_id", "started_at", "status", "title", "url") SELECT new_values."affects_models", new_values."backfilled", new_values."changed_at", new_values."components", new_values."duplicate_of_id", new_values."end_reason", new_values."ended_at", new_values."external_id", new_values."first_seen", new_values."highest_impact", new_values."host_id", new_values."id", new_values."impact", new_values."last_update_at", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."regions", new_values."reopened_at", new_values."source_id", new_values."started_at", new_values."status", new_values."title", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."affects_models" IS DISTINCT FROM (new_values."affects_models") OR old_values."backfilled" IS DISTINCT FROM (new_values."backfilled") OR old_values."changed_at" IS DISTINCT FROM (new_values."changed_at") OR old_values."components" IS DISTINCT FROM (new_values."components") OR old_values."duplicate_of_id" IS DISTINCT FROM (new_values."duplicate_of_id") OR old_values."end_reason" IS DISTINCT FROM (new_values."end_reason") OR old_values."ended_at" IS DISTINCT FROM (new_values."ended_at") OR old_values."external_id" IS DISTINCT FROM (new_values."external_id") OR old_values."first_seen" IS DISTINCT FROM (new_values."first_seen") OR old_values."highest_impact" IS DISTINCT FROM (new_values."highest_impact") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."impact" IS DISTINCT FROM (new_values."impact") OR old_values."last_update_at" IS DISTINCT FROM (new_values."last_update_at") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."reopened_at" IS DISTINCT FROM (new_values."reopened_at") OR old_values."source_id" IS DISTINCT FROM (new_values."source_id") OR old_values."started_at" IS DISTINCT FROM (new_values."started_at") OR old_values."status" IS DISTINCT FROM (new_values."status") OR old_values."title" IS DISTINCT FROM (new_values."title") OR old_values."url" IS DISTINCT FROM (new_values."url")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a2e688db146681debc9d424ca0cdf0b8f3be0e77",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9001e",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_incident",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="incident",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_incidenthistory" ("affects_models", "backfilled", "changed_at", "components", "duplicate_of_id", "end_reason", "ended_at", "external_id", "first_seen", "highest_impact", "host_id", "id", "impact", "last_update_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "regions", "reopened_at", "source_id", "started_at", "status", "title", "url") SELECT old_values."affects_models", old_values."backfilled", old_values."changed_at", old_values."components", old_values."duplicate_of_id", old_values."end_reason", old_values."ended_at", old_values."external_id", old_values."first_seen", old_values."highest_impact", old_values."host_id", old_values."id", old_values."impact", old_values."last_update_at", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."regions", old_values."reopened_at", old_values."source_id", old_values."started_at", old_values."status", old_values."title", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3b5bf84df08fb827be59040d137cb48a80941021",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_0698f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_incident",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="incidenthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="7dc2e01b44d29ed76a9ae86619fa213d4617a792",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_8f39d",
                    table="catalog_incidenthistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
