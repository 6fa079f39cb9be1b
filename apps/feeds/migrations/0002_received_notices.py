"""Provider notices that arrive by email, the rules for their senders, and the mailbox."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_announced_retirements"),
        ("feeds", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeMailSettingsHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "allowed_senders",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=254),
                        blank=True,
                        default=list,
                        help_text="Email addresses, or domains for all of their addresses. Empty: no email is accepted.",
                    ),
                ),
                (
                    "requires_dkim",
                    models.BooleanField(
                        default=True,
                        help_text="Accept an email only with a valid DKIM signature of the sender's domain.",
                        verbose_name="DKIM signature required",
                    ),
                ),
                (
                    "receiving_server",
                    models.CharField(
                        blank=True,
                        help_text="Name of your email server in the header Authentication-Results (authserv-id), such as mx.example.org. Only its result is read.",
                        max_length=253,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticeMailStatus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_attempt_at", models.DateTimeField(null=True)),
                ("last_success_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("rejections", models.JSONField(blank=True, default=list)),
            ],
            options={
                "verbose_name": "notice mail status",
                "verbose_name_plural": "notice mail status",
            },
        ),
        migrations.CreateModel(
            name="ReceivedNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("message_id", models.CharField(max_length=300, unique=True)),
                ("sender", models.CharField(max_length=254)),
                ("sender_name", models.CharField(blank=True, max_length=200)),
                (
                    "signed_by",
                    models.CharField(
                        blank=True,
                        help_text="Domain of the valid DKIM signature; empty if signatures are not required.",
                        max_length=253,
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=300)),
                (
                    "text",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=100000),
                ),
                ("received_at", models.DateTimeField()),
                ("model_names", models.JSONField(blank=True, default=list)),
                ("host_slugs", models.JSONField(blank=True, default=list)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        max_length=10,
                    ),
                ),
                (
                    "successor_name",
                    models.CharField(
                        blank=True,
                        help_text="Recommended model, as the text writes it.",
                        max_length=200,
                    ),
                ),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("dismissed_at", models.DateTimeField(blank=True, null=True)),
                ("dismissal_reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-received_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ReceivedNoticeHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("message_id", models.CharField(max_length=300)),
                ("sender", models.CharField(max_length=254)),
                ("sender_name", models.CharField(blank=True, max_length=200)),
                (
                    "signed_by",
                    models.CharField(
                        blank=True,
                        help_text="Domain of the valid DKIM signature; empty if signatures are not required.",
                        max_length=253,
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=300)),
                ("received_at", models.DateTimeField()),
                ("model_names", models.JSONField(blank=True, default=list)),
                ("host_slugs", models.JSONField(blank=True, default=list)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        max_length=10,
                    ),
                ),
                (
                    "successor_name",
                    models.CharField(
                        blank=True,
                        help_text="Recommended model, as the text writes it.",
                        max_length=200,
                    ),
                ),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("dismissed_at", models.DateTimeField(blank=True, null=True)),
                ("dismissal_reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticeAnnouncement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "announcement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notice_announcements",
                        to="catalog.retirementannouncement",
                    ),
                ),
            ],
            options={
                "ordering": ["notice", "id"],
            },
        ),
        migrations.CreateModel(
            name="NoticeAnnouncementHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
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
                        to="feeds.noticeannouncement",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticeMailSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "allowed_senders",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=254),
                        blank=True,
                        default=list,
                        help_text="Email addresses, or domains for all of their addresses. Empty: no email is accepted.",
                    ),
                ),
                (
                    "requires_dkim",
                    models.BooleanField(
                        default=True,
                        help_text="Accept an email only with a valid DKIM signature of the sender's domain.",
                        verbose_name="DKIM signature required",
                    ),
                ),
                (
                    "receiving_server",
                    models.CharField(
                        blank=True,
                        help_text="Name of your email server in the header Authentication-Results (authserv-id), such as mx.example.org. Only its result is read.",
                        max_length=253,
                    ),
                ),
            ],
            options={
                "verbose_name": "notice mail settings",
                "verbose_name_plural": "notice mail settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="notice_mail_settings_once"
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticemailsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticemailsettingshistory" ("allowed_senders", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "receiving_server", "requires_dkim") SELECT new_values."allowed_senders", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."receiving_server", new_values."requires_dkim" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f1aa287972beb9e0a0d60ed6e52fde78e79da616",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_fce3a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="feeds_noticemailsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticemailsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticemailsettingshistory" ("allowed_senders", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "receiving_server", "requires_dkim") SELECT new_values."allowed_senders", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."receiving_server", new_values."requires_dkim" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f3124a38c501864de46581a6d462392858c3a6fe",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e469c",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="feeds_noticemailsettings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticemailsettings",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticemailsettingshistory" ("allowed_senders", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "receiving_server", "requires_dkim") SELECT old_values."allowed_senders", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."receiving_server", old_values."requires_dkim" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d746f08a921fcb8f59ef60c04f9099ce0152672d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_3db1d",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="feeds_noticemailsettings",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="noticemailsettingshistory",
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
            model_name="noticemailsettingshistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="feeds.noticemailsettings",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticemailstatus",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="notice_mail_status_once"
            ),
        ),
        migrations.AddField(
            model_name="receivednotice",
            name="announcements",
            field=models.ManyToManyField(
                related_name="received_notices",
                through="feeds.NoticeAnnouncement",
                to="catalog.retirementannouncement",
            ),
        ),
        migrations.AddField(
            model_name="receivednotice",
            name="dismissed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="receivednotice",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.offering",
            ),
        ),
        migrations.AddField(
            model_name="noticeannouncementhistory",
            name="notice",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="feeds.receivednotice",
            ),
        ),
        migrations.AddField(
            model_name="noticeannouncement",
            name="notice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notice_announcements",
                to="feeds.receivednotice",
            ),
        ),
        migrations.AddField(
            model_name="receivednoticehistory",
            name="dismissed_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="receivednoticehistory",
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
            model_name="receivednoticehistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="feeds.receivednotice",
            ),
        ),
        migrations.AddField(
            model_name="receivednoticehistory",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="catalog.offering",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticemailsettingshistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ded32c9dd62e7a5cb698415d4e2f13b1da26fd54",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_fbafb",
                    table="feeds_noticemailsettingshistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="receivednotice",
            index=models.Index(fields=["-received_at", "-id"], name="received_notice_latest"),
        ),
        migrations.AddConstraint(
            model_name="receivednotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("dismissed_at__isnull", True), ("dismissed_by__isnull", True)),
                    models.Q(("dismissed_at__isnull", False), ("dismissed_by__isnull", False)),
                    _connector="OR",
                ),
                name="received_notice_dismissal",
                violation_error_message="A dismissed notice must have a user and a time.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="receivednotice",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_receivednoticehistory" ("date_kind", "dismissal_reason", "dismissed_at", "dismissed_by_id", "host_slugs", "id", "message_id", "model_names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "retires_on", "sender", "sender_name", "signed_by", "source_url", "subject", "successor_id", "successor_name") SELECT new_values."date_kind", new_values."dismissal_reason", new_values."dismissed_at", new_values."dismissed_by_id", new_values."host_slugs", new_values."id", new_values."message_id", new_values."model_names", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."received_at", new_values."retires_on", new_values."sender", new_values."sender_name", new_values."signed_by", new_values."source_url", new_values."subject", new_values."successor_id", new_values."successor_name" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b6bc2ff28a36d35b4d901881cbf2ee822293aa6b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_7ea4f",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="feeds_receivednotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="receivednotice",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_receivednoticehistory" ("date_kind", "dismissal_reason", "dismissed_at", "dismissed_by_id", "host_slugs", "id", "message_id", "model_names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "retires_on", "sender", "sender_name", "signed_by", "source_url", "subject", "successor_id", "successor_name") SELECT new_values."date_kind", new_values."dismissal_reason", new_values."dismissed_at", new_values."dismissed_by_id", new_values."host_slugs", new_values."id", new_values."message_id", new_values."model_names", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."received_at", new_values."retires_on", new_values."sender", new_values."sender_name", new_values."signed_by", new_values."source_url", new_values."subject", new_values."successor_id", new_values."successor_name" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."dismissal_reason" IS DISTINCT FROM (new_values."dismissal_reason") OR old_values."dismissed_at" IS DISTINCT FROM (new_values."dismissed_at") OR old_values."dismissed_by_id" IS DISTINCT FROM (new_values."dismissed_by_id") OR old_values."host_slugs" IS DISTINCT FROM (new_values."host_slugs") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."message_id" IS DISTINCT FROM (new_values."message_id") OR old_values."model_names" IS DISTINCT FROM (new_values."model_names") OR old_values."received_at" IS DISTINCT FROM (new_values."received_at") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."sender" IS DISTINCT FROM (new_values."sender") OR old_values."sender_name" IS DISTINCT FROM (new_values."sender_name") OR old_values."signed_by" IS DISTINCT FROM (new_values."signed_by") OR old_values."source_url" IS DISTINCT FROM (new_values."source_url") OR old_values."subject" IS DISTINCT FROM (new_values."subject") OR old_values."successor_id" IS DISTINCT FROM (new_values."successor_id") OR old_values."successor_name" IS DISTINCT FROM (new_values."successor_name")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="ecf1cd45900fc806c96140355996c9b8dcbb7b26",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9bb10",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="feeds_receivednotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="receivednotice",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_receivednoticehistory" ("date_kind", "dismissal_reason", "dismissed_at", "dismissed_by_id", "host_slugs", "id", "message_id", "model_names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_at", "retires_on", "sender", "sender_name", "signed_by", "source_url", "subject", "successor_id", "successor_name") SELECT old_values."date_kind", old_values."dismissal_reason", old_values."dismissed_at", old_values."dismissed_by_id", old_values."host_slugs", old_values."id", old_values."message_id", old_values."model_names", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."received_at", old_values."retires_on", old_values."sender", old_values."sender_name", old_values."signed_by", old_values."source_url", old_values."subject", old_values."successor_id", old_values."successor_name" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="962e084b90d6caf45b10297f91c58b1f131ef9c7",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ef12b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="feeds_receivednotice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeannouncementhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="2344c0ae27b129e2bb9716bdea96ca795ca76e72",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9d8cd",
                    table="feeds_noticeannouncementhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeannouncement",
            constraint=models.UniqueConstraint(
                fields=("notice", "announcement"), name="notice_announcement_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticeannouncementhistory" ("announcement_id", "id", "notice_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."announcement_id", new_values."id", new_values."notice_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a88822bd16df7ec43c940ea78af2db9a8965c773",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d5588",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="feeds_noticeannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticeannouncementhistory" ("announcement_id", "id", "notice_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."announcement_id", new_values."id", new_values."notice_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="de5e4335d2968c1c7ac2961ae2e4232773bbe2c8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_fe8db",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="feeds_noticeannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeannouncement",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_noticeannouncementhistory" ("announcement_id", "id", "notice_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT old_values."announcement_id", old_values."id", old_values."notice_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c616d5bd79a5966b274db7c84108e04a6f0a9e14",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c83a5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="feeds_noticeannouncement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="receivednoticehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e408d519cd61ee8d1287999c7afedd3cb2034efe",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_0c75b",
                    table="feeds_receivednoticehistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
