"""Channels of Slack, Microsoft Teams and PagerDuty in the table of webhooks, with credentials."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        ("alerts", "0010_stages_of_models"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelCredential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sealed",
                    models.TextField(help_text="Encrypted; never shown, exported or logged."),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="Names of the entered secrets.",
                    ),
                ),
                ("set_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ChannelCredentialHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="Names of the entered secrets.",
                    ),
                ),
                ("set_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SlackRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the signature; a request counts once.",
                        max_length=64,
                        unique=True,
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        help_text="Message-ID of the delivery that the message belongs to.",
                        max_length=200,
                    ),
                ),
                (
                    "item",
                    models.PositiveSmallIntegerField(help_text="Place of the item in the message."),
                ),
                (
                    "action",
                    models.CharField(help_text="acknowledge, take or assign.", max_length=20),
                ),
                (
                    "assignee_id",
                    models.BigIntegerField(blank=True, help_text="User to assign to.", null=True),
                ),
                ("slack_user", models.CharField(max_length=40)),
                (
                    "sealed_response_url",
                    models.TextField(
                        help_text="Encrypted URL to which Slack expects the answer; valid for 30 minutes."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                        ],
                        default="received",
                        max_length=8,
                    ),
                ),
                (
                    "sentence",
                    models.CharField(
                        blank=True, help_text="Result for the Slack user.", max_length=500
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_at",
                    models.DateTimeField(
                        blank=True, help_text="Time at which Slack accepted the answer.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[],
            options={
                "ordering": ["name"],
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("alerts.webhook",),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="webhook",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="webhook",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="webhook",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="webhook",
            name="destination",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Slack: ID of the channel. PagerDuty: service region.",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="disabled_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Refusal of the service that disabled the channel.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="n_refusals",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Refusals since the last success.",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="person",
            field=models.ForeignKey(
                blank=True,
                help_text="Only notifications of this user.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="channels",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[("governance", "Governance"), ("admin", "Administrators")],
                db_default="",
                default="",
                help_text="Organisation role that owns a channel without team and person.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="service",
            field=models.CharField(
                choices=[
                    ("webhook", "Webhook"),
                    ("slack", "Slack"),
                    ("teams", "Microsoft Teams"),
                    ("pagerduty", "PagerDuty"),
                ],
                db_default="webhook",
                default="webhook",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="webhookhistory",
            name="destination",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Slack: ID of the channel. PagerDuty: service region.",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="webhookhistory",
            name="disabled_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Refusal of the service that disabled the channel.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="webhookhistory",
            name="person",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Only notifications of this user.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="webhookhistory",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[("governance", "Governance"), ("admin", "Administrators")],
                db_default="",
                default="",
                help_text="Organisation role that owns a channel without team and person.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="webhookhistory",
            name="service",
            field=models.CharField(
                choices=[
                    ("webhook", "Webhook"),
                    ("slack", "Slack"),
                    ("teams", "Microsoft Teams"),
                    ("pagerduty", "PagerDuty"),
                ],
                db_default="webhook",
                default="webhook",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="address",
            field=models.CharField(
                help_text="Email address, URL of the webhook, or name of the channel.",
                max_length=500,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="body_text",
            field=models.TextField(help_text="Text of the email, or JSON of the message."),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="kind",
            field=models.CharField(
                choices=[
                    ("digest", "Digest"),
                    ("summary", "First summary"),
                    ("immediate", "Immediate"),
                    ("heartbeat", "Empty digest"),
                    ("webhook", "Webhook"),
                    ("mailbox", "Mailbox preferences changed"),
                    ("use_case", "Proposed use case"),
                    ("channel", "Channel message"),
                    ("disabled", "Channel disabled"),
                ],
                default="digest",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert acknowledged"),
                    ("unassigned", "Assignment removed"),
                    ("passed", "Cause resolved"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer affected"),
                    ("inactive_user", "User inactive"),
                    ("contact_domain", "Contact outside the allowed domains"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "Notifications off"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("channel_disabled", "Channel disabled"),
                    ("undone", "Undone before it was sent"),
                    ("other", "Other"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("resolved", "Alert resolved"),
                    ("answered", "Alert acknowledged"),
                    ("unassigned", "Assignment removed"),
                    ("passed", "Cause resolved"),
                    ("requested", "Included in a requested summary"),
                    ("muted", "Muted"),
                    ("not_concerned", "Recipient no longer affected"),
                    ("inactive_user", "User inactive"),
                    ("contact_domain", "Contact outside the allowed domains"),
                    ("no_user_email", "User without email address"),
                    ("no_team_email", "Team without email address"),
                    ("no_email_wanted", "Notifications off"),
                    ("urgent_only", "Only urgent alerts wanted"),
                    ("webhook_disabled", "Webhook disabled"),
                    ("channel_disabled", "Channel disabled"),
                    ("undone", "Undone before it was sent"),
                    ("other", "Other"),
                ],
                help_text="Reason why it was not sent.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="why",
            field=models.CharField(
                choices=[
                    ("owner", "owner of the application"),
                    ("team", "mailbox of the team"),
                    ("team_owner", "team owner"),
                    ("governance", "governance"),
                    ("operator", "administrator"),
                    ("escalation", "escalated"),
                    ("assigned", "assignee"),
                    ("subscription", "subscribed"),
                    ("webhook", "is a webhook"),
                    ("channel", "is a channel"),
                    ("own", "creator"),
                    ("mentioned", "mentioned in a comment"),
                    ("deputy", "deputy"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="webhook",
            name="url",
            field=models.URLField(blank=True, help_text="URL of a webhook.", max_length=500),
        ),
        migrations.AlterField(
            model_name="webhookhistory",
            name="url",
            field=models.URLField(blank=True, help_text="URL of a webhook.", max_length=500),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("webhook__isnull", False)),
                fields=["webhook", "alert", "id"],
                name="notice_by_channel",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "destination", "disabled_reason", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "service", "team_id", "url") SELECT new_values."created_at", new_values."created_by_id", new_values."destination", new_values."disabled_reason", new_values."enabled", new_values."id", new_values."kinds", new_values."min_severity", new_values."name", new_values."nonce", new_values."old_nonce", new_values."old_until", new_values."person_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."role", new_values."service", new_values."team_id", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="42575a9109c5277e64610b3a10b7ff82722a16b1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e5b75",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "destination", "disabled_reason", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "service", "team_id", "url") SELECT new_values."created_at", new_values."created_by_id", new_values."destination", new_values."disabled_reason", new_values."enabled", new_values."id", new_values."kinds", new_values."min_severity", new_values."name", new_values."nonce", new_values."old_nonce", new_values."old_until", new_values."person_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."role", new_values."service", new_values."team_id", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."created_by_id" IS DISTINCT FROM (new_values."created_by_id") OR old_values."destination" IS DISTINCT FROM (new_values."destination") OR old_values."disabled_reason" IS DISTINCT FROM (new_values."disabled_reason") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kinds" IS DISTINCT FROM (new_values."kinds") OR old_values."min_severity" IS DISTINCT FROM (new_values."min_severity") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."nonce" IS DISTINCT FROM (new_values."nonce") OR old_values."old_nonce" IS DISTINCT FROM (new_values."old_nonce") OR old_values."old_until" IS DISTINCT FROM (new_values."old_until") OR old_values."person_id" IS DISTINCT FROM (new_values."person_id") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."service" IS DISTINCT FROM (new_values."service") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."url" IS DISTINCT FROM (new_values."url")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3d035de74684469e3dbb26db57d987b2d71ff9ec",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b1ac7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="webhook",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_webhookhistory" ("created_at", "created_by_id", "destination", "disabled_reason", "enabled", "id", "kinds", "min_severity", "name", "nonce", "old_nonce", "old_until", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "service", "team_id", "url") SELECT old_values."created_at", old_values."created_by_id", old_values."destination", old_values."disabled_reason", old_values."enabled", old_values."id", old_values."kinds", old_values."min_severity", old_values."name", old_values."nonce", old_values."old_nonce", old_values."old_until", old_values."person_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."role", old_values."service", old_values."team_id", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="67295299b0bac7e96aa14788248e7f44cf7f8739",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_bf92c",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_webhook",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("person", None), ("role", ""), ("service", "webhook")),
                    models.Q(("person", None), ("role", ""), ("team__isnull", False)),
                    models.Q(("person__isnull", False), ("role", ""), ("team", None)),
                    models.Q(
                        ("person", None), ("team", None), models.Q(("role", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="channel_has_one_owner",
                violation_error_message="Select a team, a user or an organisation role.",
            ),
        ),
        migrations.AddField(
            model_name="channelcredential",
            name="channel",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="credential",
                to="alerts.webhook",
            ),
        ),
        migrations.AddField(
            model_name="channelcredentialhistory",
            name="channel",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="alerts.webhook",
            ),
        ),
        migrations.AddField(
            model_name="channelcredentialhistory",
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
            model_name="channelcredentialhistory",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="alerts.channelcredential",
            ),
        ),
        migrations.AddField(
            model_name="slackrequest",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="slack_requests",
                to="alerts.webhook",
            ),
        ),
        migrations.AddField(
            model_name="slackrequest",
            name="user",
            field=models.ForeignKey(
                blank=True,
                help_text="User whose address the Slack user has.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_channelcredentialhistory" ("channel_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT new_values."channel_id", new_values."id", new_values."names", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."set_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4599067c0d477e6520f9933f65bd483b792cff74",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_85fc3",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="alerts_channelcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_channelcredentialhistory" ("channel_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT new_values."channel_id", new_values."id", new_values."names", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."set_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."channel_id" IS DISTINCT FROM (new_values."channel_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."names" IS DISTINCT FROM (new_values."names") OR old_values."set_at" IS DISTINCT FROM (new_values."set_at")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c784b28a4252918ef4f64fe5c2420df2c0ec8885",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6d983",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="alerts_channelcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "alerts_channelcredentialhistory" ("channel_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT old_values."channel_id", old_values."id", old_values."names", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."set_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="fae0971750ceb1751f11a10daa113d6203009ebb",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_78705",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="alerts_channelcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelcredentialhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="1a9bd1d1e13b4bc030c35009a3da9e8185a750e8",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_87826",
                    table="alerts_channelcredentialhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="slackrequest",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True)),
                fields=["received_at"],
                name="slack_request_open",
            ),
        ),
        migrations.AddIndex(
            model_name="slackrequest",
            index=models.Index(fields=["message", "item"], name="slack_request_of_item"),
        ),
    ]
