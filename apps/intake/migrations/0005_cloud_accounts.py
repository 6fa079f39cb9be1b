"""Cloud accounts, their encrypted credentials, pulls, and the deployments that they state."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        ("intake", "0004_billed_costs"),
        ("inventory", "0005_proposed_use_cases"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CloudAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("azure", "Azure subscription"),
                            ("bedrock", "AWS account (Bedrock)"),
                            ("vertex", "Google Cloud project (Vertex AI)"),
                            ("openai", "OpenAI organisation"),
                            ("anthropic", "Anthropic organisation"),
                            ("mistral", "Mistral organisation"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True)),
                (
                    "tenant",
                    models.CharField(
                        blank=True,
                        help_text="Azure: directory (tenant) ID.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "client",
                    models.CharField(
                        blank=True,
                        help_text="Azure: application (client) ID of the app registration.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "subscription",
                    models.CharField(
                        blank=True,
                        help_text="Azure: subscription ID.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "project",
                    models.CharField(
                        blank=True,
                        help_text="Google: project ID. OpenAI: project to read; empty for all.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "organisation",
                    models.CharField(
                        blank=True,
                        help_text="OpenAI: organisation ID, if the key belongs to several.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=40,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[a-z][a-z0-9-]{1,39}\\Z",
                                    "Enter the region as the cloud names it, such as eu-central-1.",
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="AWS and Google: regions to read, one per line. Azure: empty for all.",
                        size=40,
                    ),
                ),
                (
                    "link_rule",
                    models.CharField(
                        choices=[
                            ("account", "Resource or project that contains the deployment"),
                            ("group", "Resource group (Azure)"),
                            ("tag", "Tag or label (Azure, Vertex AI)"),
                            ("prefix", "Beginning of the deployment name"),
                            ("application", "One application for the whole account"),
                        ],
                        default="account",
                        help_text="Names the application of a deployment. Names without an application wait under Reported services.",
                        max_length=12,
                    ),
                ),
                (
                    "link_key",
                    models.CharField(
                        blank=True,
                        help_text="Name of the tag or label, or the character that ends the beginning of the name.",
                        max_length=60,
                    ),
                ),
                (
                    "interval_hours",
                    models.PositiveSmallIntegerField(
                        default=24,
                        help_text="Hours between two pulls, 1 to 168.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(168),
                        ],
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=False, help_text="Pulled at the interval. Needs credentials."
                    ),
                ),
                (
                    "reported_digest",
                    models.CharField(
                        default="",
                        help_text="Digest of the content that was last passed on to the inventory.",
                        max_length=64,
                    ),
                ),
                (
                    "n_reports",
                    models.PositiveIntegerField(
                        default=0, help_text="Number of contents passed on to the inventory."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        help_text="Application that uses all deployments, for the rule of one application.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Team that operates the account.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="AccountDeployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("deployment", "Deployment"),
                            ("profile", "Inference profile"),
                            ("throughput", "Provisioned throughput"),
                            ("endpoint", "Endpoint"),
                            ("custom_model", "Own model"),
                            ("usage", "Model in use"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        help_text="Part of the account that is read as a whole: resource, region.",
                        max_length=300,
                    ),
                ),
                ("external_id", models.CharField(help_text="ID of the cloud.", max_length=1100)),
                (
                    "name",
                    models.CharField(help_text="Name that applications call.", max_length=256),
                ),
                (
                    "model",
                    models.CharField(blank=True, help_text="Model ID of the host.", max_length=256),
                ),
                ("version", models.CharField(blank=True, max_length=60)),
                ("region", models.CharField(blank=True, max_length=60)),
                (
                    "upgrades",
                    models.BooleanField(
                        default=False,
                        help_text="The host upgrades it to newer versions automatically.",
                    ),
                ),
                (
                    "service",
                    models.CharField(
                        blank=True,
                        help_text="Name of the application by the rule of the account.",
                        max_length=256,
                    ),
                ),
                (
                    "facts",
                    models.JSONField(
                        default=dict, help_text="Further facts, such as SKU and capacity."
                    ),
                ),
                (
                    "lifecycle",
                    models.JSONField(
                        default=dict,
                        help_text="Lifecycle of the model as the account states it: {status, announced_on, retires_on, training_ends_on}. The catalogue does not take it over.",
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                (
                    "last_seen_at",
                    models.DateTimeField(
                        help_text="Last pull that wrote this row; later pulls can have found it unchanged."
                    ),
                ),
                (
                    "gone_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="First complete pull that no longer contained it.",
                        null=True,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deployments",
                        to="intake.cloudaccount",
                    ),
                ),
            ],
            options={
                "ordering": ["account", "kind", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CloudAccountHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("azure", "Azure subscription"),
                            ("bedrock", "AWS account (Bedrock)"),
                            ("vertex", "Google Cloud project (Vertex AI)"),
                            ("openai", "OpenAI organisation"),
                            ("anthropic", "Anthropic organisation"),
                            ("mistral", "Mistral organisation"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "tenant",
                    models.CharField(
                        blank=True,
                        help_text="Azure: directory (tenant) ID.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "client",
                    models.CharField(
                        blank=True,
                        help_text="Azure: application (client) ID of the app registration.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "subscription",
                    models.CharField(
                        blank=True,
                        help_text="Azure: subscription ID.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "project",
                    models.CharField(
                        blank=True,
                        help_text="Google: project ID. OpenAI: project to read; empty for all.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "organisation",
                    models.CharField(
                        blank=True,
                        help_text="OpenAI: organisation ID, if the key belongs to several.",
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9][A-Za-z0-9._-]{0,119}\\Z",
                                "Enter the identifier as the cloud shows it: letters, digits, dots, hyphens and underscores.",
                            )
                        ],
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=40,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[a-z][a-z0-9-]{1,39}\\Z",
                                    "Enter the region as the cloud names it, such as eu-central-1.",
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="AWS and Google: regions to read, one per line. Azure: empty for all.",
                        size=40,
                    ),
                ),
                (
                    "link_rule",
                    models.CharField(
                        choices=[
                            ("account", "Resource or project that contains the deployment"),
                            ("group", "Resource group (Azure)"),
                            ("tag", "Tag or label (Azure, Vertex AI)"),
                            ("prefix", "Beginning of the deployment name"),
                            ("application", "One application for the whole account"),
                        ],
                        default="account",
                        help_text="Names the application of a deployment. Names without an application wait under Reported services.",
                        max_length=12,
                    ),
                ),
                (
                    "link_key",
                    models.CharField(
                        blank=True,
                        help_text="Name of the tag or label, or the character that ends the beginning of the name.",
                        max_length=60,
                    ),
                ),
                (
                    "interval_hours",
                    models.PositiveSmallIntegerField(
                        default=24,
                        help_text="Hours between two pulls, 1 to 168.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(168),
                        ],
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        default=False, help_text="Pulled at the interval. Needs credentials."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Application that uses all deployments, for the rule of one application.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
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
                        to="intake.cloudaccount",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Team that operates the account.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CloudCredential",
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
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="credential",
                        to="intake.cloudaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CloudCredentialHistory",
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
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="intake.cloudaccount",
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
                        to="intake.cloudcredential",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CloudPull",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True, help_text="Reason for the failure, as a sentence."
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Claims since the last saved progress, including the current one.",
                    ),
                ),
                (
                    "claim_number",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Increases with each claim; only the latest claim can write the result.",
                    ),
                ),
                (
                    "heartbeat_at",
                    models.DateTimeField(
                        help_text="Last heartbeat of the worker that runs the job.", null=True
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("queued_at", models.DateTimeField()),
                (
                    "step",
                    models.CharField(
                        blank=True, help_text="Part that is being read.", max_length=200
                    ),
                ),
                ("n_requests", models.PositiveIntegerField(default=0)),
                (
                    "n_found",
                    models.PositiveIntegerField(
                        default=0, help_text="Deployments and models in use."
                    ),
                ),
                ("n_added", models.PositiveIntegerField(default=0)),
                ("n_changed", models.PositiveIntegerField(default=0)),
                ("n_gone", models.PositiveIntegerField(default=0)),
                (
                    "n_models",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Models that the account could use. They create no dependency.",
                    ),
                ),
                (
                    "problems",
                    models.JSONField(
                        default=list, help_text="Parts that could not be read: {where, reason}."
                    ),
                ),
                (
                    "complete_scopes",
                    models.JSONField(
                        default=list, help_text="Parts of the account that were read to the end."
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pulls",
                        to="intake.cloudaccount",
                    ),
                ),
                (
                    "requested_by",
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
                "ordering": ["-queued_at", "-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="cloudaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("link_rule__in", ["tag", "prefix"]), _negated=True),
                    models.Q(("link_key", ""), _negated=True),
                    _connector="OR",
                ),
                name="cloud_account_rule_has_its_key",
                violation_error_message="Enter the name of the tag, or the character that ends the beginning of the name.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudaccounthistory" ("application_id", "client", "created_at", "enabled", "id", "interval_hours", "kind", "link_key", "link_rule", "name", "organisation", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project", "regions", "subscription", "team_id", "tenant") SELECT new_values."application_id", new_values."client", new_values."created_at", new_values."enabled", new_values."id", new_values."interval_hours", new_values."kind", new_values."link_key", new_values."link_rule", new_values."name", new_values."organisation", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."project", new_values."regions", new_values."subscription", new_values."team_id", new_values."tenant" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="718a8502df8cf6e5d066ec1ff6659be8eb106a56",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_c3fdb",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_cloudaccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudaccounthistory" ("application_id", "client", "created_at", "enabled", "id", "interval_hours", "kind", "link_key", "link_rule", "name", "organisation", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project", "regions", "subscription", "team_id", "tenant") SELECT new_values."application_id", new_values."client", new_values."created_at", new_values."enabled", new_values."id", new_values."interval_hours", new_values."kind", new_values."link_key", new_values."link_rule", new_values."name", new_values."organisation", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."project", new_values."regions", new_values."subscription", new_values."team_id", new_values."tenant" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."client" IS DISTINCT FROM (new_values."client") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."enabled" IS DISTINCT FROM (new_values."enabled") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."interval_hours" IS DISTINCT FROM (new_values."interval_hours") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."link_key" IS DISTINCT FROM (new_values."link_key") OR old_values."link_rule" IS DISTINCT FROM (new_values."link_rule") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."organisation" IS DISTINCT FROM (new_values."organisation") OR old_values."project" IS DISTINCT FROM (new_values."project") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."subscription" IS DISTINCT FROM (new_values."subscription") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."tenant" IS DISTINCT FROM (new_values."tenant")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="261da117473d1cf7ce4df928e5ed0312c32089e0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d85f6",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_cloudaccount",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudaccounthistory" ("application_id", "client", "created_at", "enabled", "id", "interval_hours", "kind", "link_key", "link_rule", "name", "organisation", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "project", "regions", "subscription", "team_id", "tenant") SELECT old_values."application_id", old_values."client", old_values."created_at", old_values."enabled", old_values."id", old_values."interval_hours", old_values."kind", old_values."link_key", old_values."link_rule", old_values."name", old_values."organisation", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."project", old_values."regions", old_values."subscription", old_values."team_id", old_values."tenant" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="8e9e314dd6275325c7e41c93ad4668b73fcc56c7",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b413e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_cloudaccount",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="accountdeployment",
            constraint=models.UniqueConstraint(
                fields=("account", "kind", "external_id"), name="account_deployment_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="accountdeployment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("gone_at__isnull", True),
                    ("gone_at__gte", models.F("first_seen_at")),
                    _connector="OR",
                ),
                name="account_deployment_gone_after_seen",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudaccounthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f19726abb4e0991f6d7cb12a88602e02a5835687",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_aa16a",
                    table="intake_cloudaccounthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudcredentialhistory" ("account_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT new_values."account_id", new_values."id", new_values."names", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."set_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4f4fe9b0c560db896b2b546b6bc5848e492b2d0a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_6cc0c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="intake_cloudcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudcredentialhistory" ("account_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT new_values."account_id", new_values."id", new_values."names", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."set_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."account_id" IS DISTINCT FROM (new_values."account_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."names" IS DISTINCT FROM (new_values."names") OR old_values."set_at" IS DISTINCT FROM (new_values."set_at")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="34b74eec3f9389c22acebaf2fc58a892d20c4d0a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ad719",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="intake_cloudcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudcredential",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "intake_cloudcredentialhistory" ("account_id", "id", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at") SELECT old_values."account_id", old_values."id", old_values."names", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."set_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ccd01b254becb9c27cb3feb9c9e64fdc3737f43b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_37947",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="intake_cloudcredential",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="cloudcredentialhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="19c6339dbb4e5268a9ff7256fa640aa0709ed100",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_394dd",
                    table="intake_cloudcredentialhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="cloudpull",
            index=models.Index(fields=["account", "-queued_at"], name="cloud_pull_by_account"),
        ),
        migrations.AddConstraint(
            model_name="cloudpull",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("account",),
                name="cloud_pull_one_open",
                violation_error_message="This account is already being read.",
            ),
        ),
    ]
