"""Retirements that users announce, with the offerings that they cover."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnnouncedOffering",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("earlier_retires_on", models.DateField(blank=True, null=True)),
                (
                    "earlier_date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        max_length=10,
                    ),
                ),
                ("earlier_claim", models.JSONField(blank=True, default=dict)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "earlier_replacement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "event",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announced_offering",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announced_offerings",
                        to="catalog.offering",
                    ),
                ),
                (
                    "withdrawal_event",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawn_offering",
                        to="catalog.providerevent",
                    ),
                ),
            ],
            options={
                "ordering": ["announcement", "id"],
            },
        ),
        migrations.CreateModel(
            name="RetirementAnnouncement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all_hosts", "All hosts"),
                            ("hosts", "Selected hosts"),
                            ("model_ids", "Selected model IDs"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "retires_on",
                    models.DateField(
                        validators=[apps.common.validators.validate_plausible_date],
                        verbose_name="retires on",
                    ),
                ),
                (
                    "date_kind",
                    models.CharField(
                        choices=[("firm", "Firm"), ("not_before", "Earliest")], max_length=10
                    ),
                ),
                (
                    "source_url",
                    models.CharField(blank=True, max_length=1000, verbose_name="source URL"),
                ),
                (
                    "notice_text",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Text of the notice, as the provider wrote it.",
                        max_length=20000,
                        verbose_name="provider notice",
                    ),
                ),
                ("announced_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "withdrawal_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "announced_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="User who recorded it; empty for the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "offerings",
                    models.ManyToManyField(
                        related_name="announcements",
                        through="catalog.AnnouncedOffering",
                        through_fields=("announcement", "offering"),
                        to="catalog.offering",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="catalog.provider",
                    ),
                ),
                (
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="catalog.version",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-announced_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="AnnouncedOfferingHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("earlier_retires_on", models.DateField(blank=True, null=True)),
                (
                    "earlier_date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        max_length=10,
                    ),
                ),
                ("earlier_claim", models.JSONField(blank=True, default=dict)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "claim",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "earlier_replacement",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="catalog.announcedoffering",
                    ),
                ),
                (
                    "withdrawal_event",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.providerevent",
                    ),
                ),
                (
                    "announcement",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.retirementannouncement",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="announcedoffering",
            name="announcement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="announced_offerings",
                to="catalog.retirementannouncement",
            ),
        ),
        migrations.CreateModel(
            name="RetirementAnnouncementHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all_hosts", "All hosts"),
                            ("hosts", "Selected hosts"),
                            ("model_ids", "Selected model IDs"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "retires_on",
                    models.DateField(
                        validators=[apps.common.validators.validate_plausible_date],
                        verbose_name="retires on",
                    ),
                ),
                (
                    "date_kind",
                    models.CharField(
                        choices=[("firm", "Firm"), ("not_before", "Earliest")], max_length=10
                    ),
                ),
                (
                    "source_url",
                    models.CharField(blank=True, max_length=1000, verbose_name="source URL"),
                ),
                (
                    "notice_text",
                    apps.common.database.fields.LimitedTextField(
                        blank=True,
                        help_text="Text of the notice, as the provider wrote it.",
                        max_length=20000,
                        verbose_name="provider notice",
                    ),
                ),
                ("announced_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "withdrawal_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "announced_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="User who recorded it; empty for the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="catalog.retirementannouncement",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
                    ),
                ),
                (
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.version",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="retirementannouncement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("foundation__isnull", True),
                        ("offering__isnull", True),
                        ("provider__isnull", True),
                        ("version__isnull", False),
                    ),
                    models.Q(
                        ("foundation__isnull", False),
                        ("offering__isnull", True),
                        ("provider__isnull", True),
                        ("version__isnull", True),
                    ),
                    models.Q(
                        ("foundation__isnull", True),
                        ("offering__isnull", True),
                        ("provider__isnull", False),
                        ("version__isnull", True),
                    ),
                    models.Q(
                        ("foundation__isnull", True),
                        ("offering__isnull", False),
                        ("provider__isnull", True),
                        ("version__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="announcement_has_one_subject",
                violation_error_message="An announcement is about one version, foundation, provider or offering.",
            ),
        ),
        migrations.AddConstraint(
            model_name="retirementannouncement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawal_reason", ""), ("withdrawn_at__isnull", True)),
                    models.Q(
                        ("withdrawn_at__isnull", False),
                        models.Q(("withdrawal_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="announcement_withdrawal_has_reason",
                violation_error_message="A withdrawal needs a reason.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="retirementannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_retirementannouncementhistory" ("announced_at", "announced_by_id", "date_kind", "foundation_id", "id", "notice_text", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retires_on", "scope", "source_url", "successor_id", "version_id", "withdrawal_reason", "withdrawn_at", "withdrawn_by_id") SELECT new_values."announced_at", new_values."announced_by_id", new_values."date_kind", new_values."foundation_id", new_values."id", new_values."notice_text", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."retires_on", new_values."scope", new_values."source_url", new_values."successor_id", new_values."version_id", new_values."withdrawal_reason", new_values."withdrawn_at", new_values."withdrawn_by_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1c96e2669a5f65c31685d6e302a8ca558da1a338",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_59e8b",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_retirementannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="retirementannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_retirementannouncementhistory" ("announced_at", "announced_by_id", "date_kind", "foundation_id", "id", "notice_text", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retires_on", "scope", "source_url", "successor_id", "version_id", "withdrawal_reason", "withdrawn_at", "withdrawn_by_id") SELECT new_values."announced_at", new_values."announced_by_id", new_values."date_kind", new_values."foundation_id", new_values."id", new_values."notice_text", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."retires_on", new_values."scope", new_values."source_url", new_values."successor_id", new_values."version_id", new_values."withdrawal_reason", new_values."withdrawn_at", new_values."withdrawn_by_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="d1ac26d663e14920312c6cb8e6acda088b5ee59e",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_172a0",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_retirementannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="retirementannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_retirementannouncementhistory" ("announced_at", "announced_by_id", "date_kind", "foundation_id", "id", "notice_text", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "retires_on", "scope", "source_url", "successor_id", "version_id", "withdrawal_reason", "withdrawn_at", "withdrawn_by_id") SELECT old_values."announced_at", old_values."announced_by_id", old_values."date_kind", old_values."foundation_id", old_values."id", old_values."notice_text", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."retires_on", old_values."scope", old_values."source_url", old_values."successor_id", old_values."version_id", old_values."withdrawal_reason", old_values."withdrawn_at", old_values."withdrawn_by_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="64a0164f037dfb0294c468d4dd29aa1791dda9d8",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_71643",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_retirementannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedofferinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="34d75ee368dcafaeaa02eae00342e30fa7fdb0af",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e1bf9",
                    table="catalog_announcedofferinghistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="announcedoffering",
            constraint=models.UniqueConstraint(
                fields=("announcement", "offering"), name="announced_offering_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="announcedoffering",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_open", True)),
                fields=("offering",),
                name="announced_offering_one_open",
                violation_error_message="Another announcement covers this offering. Withdraw that one first.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedoffering",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_announcedofferinghistory" ("announcement_id", "claim_id", "earlier_claim", "earlier_date_kind", "earlier_replacement_id", "earlier_retires_on", "event_id", "id", "is_open", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "withdrawal_event_id") SELECT new_values."announcement_id", new_values."claim_id", new_values."earlier_claim", new_values."earlier_date_kind", new_values."earlier_replacement_id", new_values."earlier_retires_on", new_values."event_id", new_values."id", new_values."is_open", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."withdrawal_event_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e3fa12f46dad80cefedbbfb77287b5473c300193",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_136c5",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_announcedoffering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedoffering",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_announcedofferinghistory" ("announcement_id", "claim_id", "earlier_claim", "earlier_date_kind", "earlier_replacement_id", "earlier_retires_on", "event_id", "id", "is_open", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "withdrawal_event_id") SELECT new_values."announcement_id", new_values."claim_id", new_values."earlier_claim", new_values."earlier_date_kind", new_values."earlier_replacement_id", new_values."earlier_retires_on", new_values."event_id", new_values."id", new_values."is_open", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."withdrawal_event_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5d9c05620f02a812b26b9962dc6890de2284184a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_bc25c",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_announcedoffering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="announcedoffering",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_announcedofferinghistory" ("announcement_id", "claim_id", "earlier_claim", "earlier_date_kind", "earlier_replacement_id", "earlier_retires_on", "event_id", "id", "is_open", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "withdrawal_event_id") SELECT old_values."announcement_id", old_values."claim_id", old_values."earlier_claim", old_values."earlier_date_kind", old_values."earlier_replacement_id", old_values."earlier_retires_on", old_values."event_id", old_values."id", old_values."is_open", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."withdrawal_event_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="cdcd5f9b1b97decdc1eb97ba5df547ad2545396c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f327e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_announcedoffering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="retirementannouncementhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="d8790132865e453d69c1af5615bc6f9cb2418e8d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_13130",
                    table="catalog_retirementannouncementhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
