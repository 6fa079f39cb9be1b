"""Proposed use cases, their links and questions."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_exchange_rates"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProposedUseCase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "form_key",
                    models.UUIDField(
                        help_text="Key of the form that was sent: one that is sent twice is one proposal."
                    ),
                ),
                ("reference", models.CharField(max_length=12, unique=True)),
                ("submitted_at", models.DateTimeField()),
                ("proposer_name", models.CharField(max_length=100, verbose_name="your name")),
                (
                    "proposer_email",
                    models.EmailField(max_length=200, verbose_name="your email address"),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name of the use case")),
                ("purpose", apps.common.database.fields.LimitedTextField(max_length=2000)),
                (
                    "starts_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                        verbose_name="planned start",
                    ),
                ),
                ("requests_per_month", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "users_affected",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="people affected"
                    ),
                ),
                ("affects_public", models.BooleanField(blank=True, null=True)),
                (
                    "decisions_about_people",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "No decisions about people"),
                            ("supports", "A person decides with its output"),
                            ("decides", "The application decides"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "ai_act_area",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "None of these"),
                            ("biometrics", "Biometrics"),
                            ("infrastructure", "Critical infrastructure"),
                            ("education", "Education and vocational training"),
                            ("employment", "Employment and management of workers"),
                            (
                                "services",
                                "Essential private and public services, such as credit or insurance",
                            ),
                            ("law", "Law enforcement"),
                            ("migration", "Migration, asylum and border control"),
                            ("justice", "Justice and democratic processes"),
                        ],
                        max_length=14,
                    ),
                ),
                ("prohibited_practice", models.BooleanField(blank=True, null=True)),
                ("interacts_with_people", models.BooleanField(blank=True, null=True)),
                (
                    "autonomy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("assists", "Assists: a person acts"),
                            ("supervised", "Supervised: a person monitors"),
                            ("autonomous", "Autonomous"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "data_classification",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("public", "Public"),
                            ("internal", "Internal"),
                            ("confidential", "Confidential"),
                            ("secret", "Strictly confidential"),
                        ],
                        max_length=12,
                    ),
                ),
                ("personal_data", models.BooleanField(blank=True, null=True)),
                (
                    "geography",
                    models.CharField(blank=True, max_length=100, verbose_name="countries"),
                ),
                (
                    "model_text",
                    models.CharField(blank=True, max_length=200, verbose_name="planned model"),
                ),
                (
                    "vendor_text",
                    models.CharField(blank=True, max_length=120, verbose_name="provider or vendor"),
                ),
                (
                    "model_access",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("api", "API of a provider or cloud platform"),
                            ("product", "Inside a product of a vendor"),
                            ("own", "On machines of the organisation"),
                        ],
                        max_length=7,
                        verbose_name="access to the model",
                    ),
                ),
                (
                    "ai_act_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("provider", "Provider"),
                            ("deployer", "Deployer"),
                            ("importer", "Importer"),
                            ("distributor", "Distributor"),
                        ],
                        max_length=11,
                        verbose_name="AI Act role",
                    ),
                ),
                ("business_owner", models.CharField(blank=True, max_length=200)),
                (
                    "tier",
                    models.CharField(
                        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
                        max_length=6,
                        verbose_name="risk tier",
                    ),
                ),
                (
                    "suggested_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("prohibited", "Prohibited practice"),
                            ("high", "High risk"),
                            ("limited", "Limited risk"),
                            ("minimal", "Minimal risk"),
                        ],
                        help_text="Empty: unknown.",
                        max_length=10,
                        verbose_name="suggested AI Act class",
                    ),
                ),
                (
                    "tier_rules",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30),
                        blank=True,
                        default=list,
                        help_text="Codes of the rules that gave the tier.",
                    ),
                ),
                ("tier_version", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "To decide"),
                            ("question", "Question asked"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                        ],
                        default="proposed",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "decision_change",
                    models.UUIDField(
                        blank=True, help_text="Change of the history that accepted it.", null=True
                    ),
                ),
                (
                    "application",
                    models.OneToOneField(
                        blank=True,
                        help_text="Application that the accepted use case became.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposed_use_case",
                        to="inventory.application",
                    ),
                ),
                (
                    "decided_by",
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
                "ordering": ["-submitted_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="UseCaseLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Who receives the link, such as a department. The form does not show it.",
                        max_length=100,
                        verbose_name="recipients",
                    ),
                ),
                (
                    "expires_on",
                    models.DateField(
                        help_text="Expires on (not valid from this date).",
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "max_submissions",
                    models.PositiveSmallIntegerField(
                        default=20,
                        help_text="The link stops working after this number of proposals.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(500),
                        ],
                        verbose_name="most proposals",
                    ),
                ),
                ("n_submissions", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
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
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ProposedUseCaseHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("reference", models.CharField(max_length=12)),
                ("submitted_at", models.DateTimeField()),
                (
                    "tier",
                    models.CharField(
                        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
                        max_length=6,
                        verbose_name="risk tier",
                    ),
                ),
                (
                    "suggested_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("prohibited", "Prohibited practice"),
                            ("high", "High risk"),
                            ("limited", "Limited risk"),
                            ("minimal", "Minimal risk"),
                        ],
                        help_text="Empty: unknown.",
                        max_length=10,
                        verbose_name="suggested AI Act class",
                    ),
                ),
                (
                    "tier_rules",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30),
                        blank=True,
                        default=list,
                        help_text="Codes of the rules that gave the tier.",
                    ),
                ),
                ("tier_version", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "To decide"),
                            ("question", "Question asked"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                        ],
                        default="proposed",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decision_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "decision_change",
                    models.UUIDField(
                        blank=True, help_text="Change of the history that accepted it.", null=True
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Application that the accepted use case became.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
                    ),
                ),
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
                        to="inventory.proposedusecase",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.usecaselink",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="proposedusecase",
            name="link",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="use_cases",
                to="inventory.usecaselink",
            ),
        ),
        migrations.CreateModel(
            name="UseCaseLinkHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "name",
                    models.CharField(
                        help_text="Who receives the link, such as a department. The form does not show it.",
                        max_length=100,
                        verbose_name="recipients",
                    ),
                ),
                (
                    "expires_on",
                    models.DateField(
                        help_text="Expires on (not valid from this date).",
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "max_submissions",
                    models.PositiveSmallIntegerField(
                        default=20,
                        help_text="The link stops working after this number of proposals.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(500),
                        ],
                        verbose_name="most proposals",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_constraint=False,
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
                        to="inventory.usecaselink",
                    ),
                ),
                (
                    "revoked_by",
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
        migrations.CreateModel(
            name="UseCaseQuestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("question", apps.common.database.fields.LimitedTextField(max_length=2000)),
                ("asked_at", models.DateTimeField()),
                (
                    "answer",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=2000),
                ),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "use_case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="inventory.proposedusecase",
                    ),
                ),
            ],
            options={
                "ordering": ["asked_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="UseCaseQuestionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("question", apps.common.database.fields.LimitedTextField(max_length=2000)),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_constraint=False,
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
                        to="inventory.usecasequestion",
                    ),
                ),
                (
                    "use_case",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.proposedusecase",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="usecaselink",
            constraint=models.CheckConstraint(
                condition=models.Q(("n_submissions__lte", models.F("max_submissions"))),
                name="use_case_link_within_its_limit",
                violation_error_message="The link was already used more often. Enter a higher number of proposals.",
            ),
        ),
        migrations.AddConstraint(
            model_name="usecaselink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("revoked_at__isnull", True), ("revoked_by__isnull", True)),
                    models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                    _connector="OR",
                ),
                name="use_case_link_revoked_with_user",
                violation_error_message="A revoked link must have a user and a time.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecaselink",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecaselinkhistory" ("created_at", "created_by_id", "expires_on", "id", "max_submissions", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "revoked_by_id") SELECT new_values."created_at", new_values."created_by_id", new_values."expires_on", new_values."id", new_values."max_submissions", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."revoked_at", new_values."revoked_by_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="1d0bf8297ccf0c8e666f717a9981a125361045ab",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4ce4c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_usecaselink",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecaselink",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecaselinkhistory" ("created_at", "created_by_id", "expires_on", "id", "max_submissions", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "revoked_by_id") SELECT new_values."created_at", new_values."created_by_id", new_values."expires_on", new_values."id", new_values."max_submissions", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."revoked_at", new_values."revoked_by_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."created_by_id" IS DISTINCT FROM (new_values."created_by_id") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."max_submissions" IS DISTINCT FROM (new_values."max_submissions") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="04f359c93477c52c3c53d69e0380e2331d17d34b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_1a231",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_usecaselink",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecaselink",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecaselinkhistory" ("created_at", "created_by_id", "expires_on", "id", "max_submissions", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "revoked_by_id") SELECT old_values."created_at", old_values."created_by_id", old_values."expires_on", old_values."id", old_values."max_submissions", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."revoked_at", old_values."revoked_by_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="1b39f73f6ba218cc90e6b591d51ec44ca8acf7a4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ed7d0",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_usecaselink",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposedusecasehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0f44a3f006fc2f97e1ff9a2146fbd81bf031a622",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f9cf4",
                    table="inventory_proposedusecasehistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="proposedusecase",
            index=models.Index(fields=["-submitted_at", "-id"], name="use_case_latest"),
        ),
        migrations.AddConstraint(
            model_name="proposedusecase",
            constraint=models.UniqueConstraint(
                fields=("link", "form_key"), name="use_case_form_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposedusecase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("application__isnull", True),
                        ("decided_at__isnull", True),
                        ("decided_by__isnull", True),
                        ("state__in", ["proposed", "question"]),
                    ),
                    models.Q(
                        ("application__isnull", True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state", "declined"),
                    ),
                    models.Q(
                        ("application__isnull", False),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state", "accepted"),
                    ),
                    _connector="OR",
                ),
                name="use_case_decided_with_user",
                violation_error_message="A decision must have a user and a time, and an accepted use case an application.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposedusecase",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_proposedusecasehistory" ("application_id", "decided_at", "decided_by_id", "decision_change", "decision_reason", "id", "link_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reference", "state", "submitted_at", "suggested_class", "tier", "tier_rules", "tier_version") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision_change", new_values."decision_reason", new_values."id", new_values."link_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reference", new_values."state", new_values."submitted_at", new_values."suggested_class", new_values."tier", new_values."tier_rules", new_values."tier_version" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9c213787ca217727fb8a7f983ff310df065dd08a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_896c6",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_proposedusecase",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposedusecase",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_proposedusecasehistory" ("application_id", "decided_at", "decided_by_id", "decision_change", "decision_reason", "id", "link_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reference", "state", "submitted_at", "suggested_class", "tier", "tier_rules", "tier_version") SELECT new_values."application_id", new_values."decided_at", new_values."decided_by_id", new_values."decision_change", new_values."decision_reason", new_values."id", new_values."link_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reference", new_values."state", new_values."submitted_at", new_values."suggested_class", new_values."tier", new_values."tier_rules", new_values."tier_version" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."decided_at" IS DISTINCT FROM (new_values."decided_at") OR old_values."decided_by_id" IS DISTINCT FROM (new_values."decided_by_id") OR old_values."decision_change" IS DISTINCT FROM (new_values."decision_change") OR old_values."decision_reason" IS DISTINCT FROM (new_values."decision_reason") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."link_id" IS DISTINCT FROM (new_values."link_id") OR old_values."reference" IS DISTINCT FROM (new_values."reference") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."submitted_at" IS DISTINCT FROM (new_values."submitted_at") OR old_values."suggested_class" IS DISTINCT FROM (new_values."suggested_class") OR old_values."tier" IS DISTINCT FROM (new_values."tier") OR old_values."tier_rules" IS DISTINCT FROM (new_values."tier_rules") OR old_values."tier_version" IS DISTINCT FROM (new_values."tier_version")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="6533267719077e04af0c65b1e61b8c5dbbec915c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e8f41",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_proposedusecase",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposedusecase",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_proposedusecasehistory" ("application_id", "decided_at", "decided_by_id", "decision_change", "decision_reason", "id", "link_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reference", "state", "submitted_at", "suggested_class", "tier", "tier_rules", "tier_version") SELECT old_values."application_id", old_values."decided_at", old_values."decided_by_id", old_values."decision_change", old_values."decision_reason", old_values."id", old_values."link_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reference", old_values."state", old_values."submitted_at", old_values."suggested_class", old_values."tier", old_values."tier_rules", old_values."tier_version" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="2ea808642229d369097f9d4842e4316994d47708",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_2286b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_proposedusecase",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecaselinkhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="744ffba4b4c93e2a0c52f0636985be7510381b4f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_1d397",
                    table="inventory_usecaselinkhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="usecasequestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("answered_at__isnull", True), ("withdrawn_at__isnull", True)),
                fields=("use_case",),
                name="use_case_question_one_open",
                violation_error_message="Another question waits for an answer.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecasequestion",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecasequestionhistory" ("answered_at", "asked_at", "asked_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question", "use_case_id", "withdrawn_at") SELECT new_values."answered_at", new_values."asked_at", new_values."asked_by_id", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."question", new_values."use_case_id", new_values."withdrawn_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="81d0e0fc44425514eceb3c53f39a6654e8c7b1af",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f51aa",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_usecasequestion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecasequestion",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecasequestionhistory" ("answered_at", "asked_at", "asked_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question", "use_case_id", "withdrawn_at") SELECT new_values."answered_at", new_values."asked_at", new_values."asked_by_id", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."question", new_values."use_case_id", new_values."withdrawn_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."answered_at" IS DISTINCT FROM (new_values."answered_at") OR old_values."asked_at" IS DISTINCT FROM (new_values."asked_at") OR old_values."asked_by_id" IS DISTINCT FROM (new_values."asked_by_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."question" IS DISTINCT FROM (new_values."question") OR old_values."use_case_id" IS DISTINCT FROM (new_values."use_case_id") OR old_values."withdrawn_at" IS DISTINCT FROM (new_values."withdrawn_at")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5aa04193344425c8d02cc35fa95cfa2e95ece58a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e0040",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_usecasequestion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecasequestion",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_usecasequestionhistory" ("answered_at", "asked_at", "asked_by_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question", "use_case_id", "withdrawn_at") SELECT old_values."answered_at", old_values."asked_at", old_values."asked_by_id", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."question", old_values."use_case_id", old_values."withdrawn_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f3981dd941c7444c8f696ebced478e04b0dacb87",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c60a0",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_usecasequestion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="usecasequestionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8022d24b923940f3c951da326364ea76daded036",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_754f6",
                    table="inventory_usecasequestionhistory",
                    when="BEFORE",
                ),
            ),
        ),
    ]
