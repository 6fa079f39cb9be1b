"""The tables of feeds, with their history and triggers."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HostPause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hostname", models.CharField(max_length=255, unique=True)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Payload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("body", models.BinaryField()),
                (
                    "n_bytes",
                    models.PositiveBigIntegerField(help_text="Size of the uncompressed body."),
                ),
                ("received_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payloads",
                        to="catalog.source",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("source", "digest"), name="payload_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("unchanged", "Unchanged"),
                            ("changed", "Changed"),
                            ("suspect", "On hold"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        help_text="schedule, command, or the user who polled manually",
                        max_length=20,
                    ),
                ),
                (
                    "step",
                    models.CharField(
                        blank=True,
                        help_text="Current step, for progress: fetch, parse, compare, settle.",
                        max_length=20,
                    ),
                ),
                ("queued_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                (
                    "heartbeat_at",
                    models.DateTimeField(
                        help_text="Last sign of the worker; a running run without one for too long is marked as failed.",
                        null=True,
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "observed_at",
                    models.DateTimeField(
                        help_text="Observation time that the rules used.", null=True
                    ),
                ),
                ("http_status", models.PositiveSmallIntegerField(null=True)),
                ("n_bytes", models.PositiveBigIntegerField(null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("rows", models.PositiveIntegerField(null=True)),
                ("rows_changed", models.PositiveIntegerField(null=True)),
                ("rows_vanished", models.PositiveIntegerField(null=True)),
                ("rows_quarantined", models.PositiveIntegerField(null=True)),
                ("rows_backfilled", models.PositiveIntegerField(null=True)),
                ("n_events", models.PositiveIntegerField(null=True)),
                (
                    "held",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="{provider: sentence} for the changes put on hold.",
                    ),
                ),
                ("error", models.TextField(blank=True)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="catalog.source",
                    ),
                ),
                (
                    "payload",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="feeds.payload",
                    ),
                ),
                (
                    "backfilled",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="[[row, day], ...] of dates that were in the past when first seen; the first 500.",
                    ),
                ),
                (
                    "floated",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="[[row, old, new], ...] of changes of floating prices; the first 500.",
                    ),
                ),
            ],
            options={
                "ordering": ["-queued_at", "-id"],
                "indexes": [
                    models.Index(fields=["source", "-queued_at"], name="feed_run_by_source")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=("source",),
                        name="feed_run_single_flight",
                        violation_error_message="This source is already being polled. Wait until the poll ends.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PollState",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="poll_state",
                        serialize=False,
                        to="catalog.source",
                    ),
                ),
                ("etag", models.CharField(blank=True, max_length=300)),
                ("last_modified", models.CharField(blank=True, max_length=100)),
                (
                    "digest",
                    models.CharField(
                        blank=True, help_text="SHA-256 of the last accepted body.", max_length=64
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        blank=True,
                        help_text="URL or file of the last accepted body.",
                        max_length=500,
                    ),
                ),
                ("last_attempt_at", models.DateTimeField(null=True)),
                (
                    "last_success_at",
                    models.DateTimeField(
                        help_text="Wall-clock time of the last successful poll.", null=True
                    ),
                ),
                (
                    "last_observed_at",
                    models.DateTimeField(
                        help_text="Observation time of the last successful poll.", null=True
                    ),
                ),
                ("last_change_at", models.DateTimeField(null=True)),
                ("next_due_at", models.DateTimeField(db_index=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("suspect", models.BooleanField(default=False)),
                ("error", models.TextField(blank=True)),
                (
                    "as_of",
                    models.DateTimeField(
                        help_text="Creation time stated in the feed, where it has one.", null=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProviderNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                ("title", models.CharField(max_length=300)),
                ("link", models.CharField(blank=True, max_length=1000)),
                ("published_at", models.DateTimeField(null=True)),
                ("excerpt", models.TextField(blank=True)),
                ("names", models.JSONField(blank=True, default=list)),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(help_text="Time of the last change of its title or text."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unread", "Unread"),
                            ("done", "Closed"),
                            ("before", "Published before the feed was followed"),
                        ],
                        default="unread",
                        max_length=10,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("nothing", "No action"),
                            ("date", "Date recorded"),
                            ("event", "Event recorded"),
                        ],
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="catalog.source",
                    ),
                ),
            ],
            options={
                "ordering": ["-first_seen", "-id"],
                "indexes": [
                    models.Index(
                        fields=["state", "-first_seen", "-id"], name="provider_notice_by_state"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "external_id"), name="provider_notice_once"
                    ),
                    models.CheckConstraint(
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
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderNoticeHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("external_id", models.CharField(max_length=400)),
                ("title", models.CharField(max_length=300)),
                ("link", models.CharField(blank=True, max_length=1000)),
                ("published_at", models.DateTimeField(null=True)),
                ("excerpt", models.TextField(blank=True)),
                ("names", models.JSONField(blank=True, default=list)),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(help_text="Time of the last change of its title or text."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unread", "Unread"),
                            ("done", "Closed"),
                            ("before", "Published before the feed was followed"),
                        ],
                        default="unread",
                        max_length=10,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("nothing", "No action"),
                            ("date", "Date recorded"),
                            ("event", "Event recorded"),
                        ],
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "decided_by",
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
                        to="feeds.providernotice",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.source",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="QuarantinedRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                ("reason", models.CharField(max_length=500)),
                ("excerpt", models.TextField(blank=True)),
                ("first_seen", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="quarantined",
                        to="feeds.feedrun",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quarantined",
                        to="catalog.source",
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        choices=[("unreadable", "Not readable"), ("price_jump", "Price jump")],
                        default="unreadable",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["-first_seen", "external_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "external_id", "reason"), name="quarantined_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceMapping",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mapping",
                        serialize=False,
                        to="catalog.source",
                    ),
                ),
                ("settings", models.JSONField(default=dict)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="SourceMappingHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("settings", models.JSONField(default=dict)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                        to="feeds.sourcemapping",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        serialize=False,
                        to="catalog.source",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_sourcemappinghistory" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "source_id", "updated_at") SELECT _pgh_attached_context.value, NOW(), \'insert\', new_values."source_id", new_values."settings", new_values."source_id", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="abdf35476f2397077c090ef1d7f0f4d0d7792aef",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d0227",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="feeds_sourcemapping",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_sourcemappinghistory" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "source_id", "updated_at") SELECT _pgh_attached_context.value, NOW(), \'update\', new_values."source_id", new_values."settings", new_values."source_id", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."source_id") = (new_values."source_id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="770634541713c0c9a6a2fd5329913cb8140019c3",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_420a0",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="feeds_sourcemapping",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcemapping",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "feeds_sourcemappinghistory" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "settings", "source_id", "updated_at") SELECT _pgh_attached_context.value, NOW(), \'delete\', old_values."source_id", old_values."settings", old_values."source_id", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3f9ddb3e3d4a353a6835fcd2501f0b2d28c0bc63",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e66d3",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="feeds_sourcemapping",
                    when="AFTER",
                ),
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
        pgtrigger.migrations.AddTrigger(
            model_name="sourcemappinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="2608bb5e7acc36b70af6096809373f38e27c3e47",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b44d8",
                    table="feeds_sourcemappinghistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
