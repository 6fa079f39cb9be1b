"""The tables of inventory, with their history and triggers."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.validators
import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
import apps.common.validators
from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("common", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnnexItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "item",
                    models.CharField(
                        choices=[
                            ("1a", "1(a) intended tasks and systems"),
                            ("1b", "1(b) acceptable use policies"),
                            ("1c", "1(c) release date and distribution"),
                            ("1d", "1(d) interaction with external hardware and software"),
                            ("1e", "1(e) relevant software versions"),
                            ("1f", "1(f) architecture and parameters"),
                            ("1g", "1(g) modality and format of inputs and outputs"),
                            ("1h", "1(h) licence"),
                            ("2a", "2(a) technical means to integrate"),
                            ("2b", "2(b) modality, format and maximum size"),
                            ("2c", "2(c) data used for training, testing and validation"),
                        ],
                        max_length=2,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("missing", "Missing"),
                            ("requested", "Requested"),
                            ("received", "Received"),
                            ("public", "Public"),
                            ("refused", "Refused"),
                        ],
                        default="missing",
                        max_length=9,
                    ),
                ),
                (
                    "requested_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "received_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("link", models.URLField(blank=True, max_length=500)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "foundation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="annex_items",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "noted_by",
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
                "verbose_name": "Annex XII item",
                "ordering": ["foundation", "item"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("foundation", "item"),
                        name="annex_item_once",
                        violation_error_message="This item of the foundation is already recorded. Change it instead.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AnnexItemHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "item",
                    models.CharField(
                        choices=[
                            ("1a", "1(a) intended tasks and systems"),
                            ("1b", "1(b) acceptable use policies"),
                            ("1c", "1(c) release date and distribution"),
                            ("1d", "1(d) interaction with external hardware and software"),
                            ("1e", "1(e) relevant software versions"),
                            ("1f", "1(f) architecture and parameters"),
                            ("1g", "1(g) modality and format of inputs and outputs"),
                            ("1h", "1(h) licence"),
                            ("2a", "2(a) technical means to integrate"),
                            ("2b", "2(b) modality, format and maximum size"),
                            ("2c", "2(c) data used for training, testing and validation"),
                        ],
                        max_length=2,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("missing", "Missing"),
                            ("requested", "Requested"),
                            ("received", "Received"),
                            ("public", "Public"),
                            ("refused", "Refused"),
                        ],
                        default="missing",
                        max_length=9,
                    ),
                ),
                (
                    "requested_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "due_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "received_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("link", models.URLField(blank=True, max_length=500)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "noted_by",
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
                        to="inventory.annexitem",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=120, unique=True)),
                (
                    "purpose",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("business_owner", models.CharField(blank=True, max_length=200)),
                ("technical_owner", models.CharField(blank=True, max_length=200)),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")],
                        default=2,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("pilot", "Pilot"),
                            ("production", "Production"),
                            ("retired", "Retired"),
                        ],
                        default="production",
                        max_length=10,
                    ),
                ),
                (
                    "ai_act_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("prohibited", "Prohibited practice"),
                            ("high", "High risk"),
                            ("limited", "Limited risk"),
                            ("minimal", "Minimal risk"),
                        ],
                        max_length=10,
                        verbose_name="AI Act class",
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
                ("geography", models.CharField(blank=True, max_length=100)),
                ("users_affected", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "rto_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours.",
                        null=True,
                        verbose_name="recovery time objective",
                    ),
                ),
                (
                    "monthly_spend",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "external_refs",
                    apps.common.database.fields.TextMapField(blank=True, default=dict),
                ),
                (
                    "next_review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="accounts.team",
                    ),
                ),
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
                    "business_function",
                    models.CharField(
                        blank=True,
                        help_text="Business function that the application serves.",
                        max_length=200,
                    ),
                ),
                (
                    "criticality_reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Reason for the criticality.", max_length=20000
                    ),
                ),
                (
                    "impact_of_discontinuing",
                    models.CharField(
                        blank=True,
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        max_length=6,
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="inventory.application",
                    ),
                ),
                (
                    "rpo_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours.",
                        null=True,
                        verbose_name="recovery point objective",
                    ),
                ),
                (
                    "criticality_assessed_on",
                    models.DateField(
                        blank=True,
                        help_text="Date of the last criticality assessment.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "function_ref",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Identifier of the function in the DORA register of information, such as F7 (RT.06.01.0010).",
                        max_length=30,
                        verbose_name="function identifier",
                    ),
                ),
                (
                    "licensed_activity",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Licensed activity to which the function belongs (RT.06.01.0020).",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "ordering": ["criticality", "name"],
                "indexes": [
                    models.Index(fields=["criticality", "id"], name="application_by_criticality"),
                    models.Index(
                        fields=["criticality", "name", "id"], name="application_by_gravity_name"
                    ),
                    models.Index(fields=["name", "id"], name="application_by_name"),
                    models.Index(fields=["team", "id"], name="application_by_team"),
                    models.Index(
                        condition=models.Q(("users_affected__isnull", False)),
                        fields=["-users_affected", "id"],
                        name="application_by_users",
                    ),
                    models.Index(
                        condition=models.Q(("monthly_spend__isnull", False)),
                        fields=["-monthly_spend", "id"],
                        name="application_by_spend",
                    ),
                    models.Index(
                        condition=models.Q(("next_review_on__isnull", False)),
                        fields=["next_review_on", "id"],
                        name="application_by_review",
                    ),
                    models.Index(
                        fields=["id"],
                        include=("team", "criticality", "status"),
                        name="application_covering",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                        ),
                        name="application_name_search",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("monthly_spend__isnull", True),
                            ("monthly_spend__gte", 0),
                            _connector="OR",
                        ),
                        name="application_spend_not_negative",
                        violation_error_message="Monthly spend must be 0 or more.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApplicationHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(db_index=False, max_length=120)),
                (
                    "purpose",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("business_owner", models.CharField(blank=True, max_length=200)),
                ("technical_owner", models.CharField(blank=True, max_length=200)),
                (
                    "criticality",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Critical"), (1, "Important"), (2, "Standard"), (3, "Low")],
                        default=2,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("pilot", "Pilot"),
                            ("production", "Production"),
                            ("retired", "Retired"),
                        ],
                        default="production",
                        max_length=10,
                    ),
                ),
                (
                    "ai_act_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("prohibited", "Prohibited practice"),
                            ("high", "High risk"),
                            ("limited", "Limited risk"),
                            ("minimal", "Minimal risk"),
                        ],
                        max_length=10,
                        verbose_name="AI Act class",
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
                ("geography", models.CharField(blank=True, max_length=100)),
                ("users_affected", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "rto_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours.",
                        null=True,
                        verbose_name="recovery time objective",
                    ),
                ),
                (
                    "monthly_spend",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "external_refs",
                    apps.common.database.fields.TextMapField(blank=True, default=dict),
                ),
                (
                    "next_review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="inventory.application",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="accounts.team",
                    ),
                ),
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
                    "business_function",
                    models.CharField(
                        blank=True,
                        help_text="Business function that the application serves.",
                        max_length=200,
                    ),
                ),
                (
                    "criticality_reason",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Reason for the criticality.", max_length=20000
                    ),
                ),
                (
                    "impact_of_discontinuing",
                    models.CharField(
                        blank=True,
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        max_length=6,
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
                    ),
                ),
                (
                    "rpo_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Hours.",
                        null=True,
                        verbose_name="recovery point objective",
                    ),
                ),
                (
                    "criticality_assessed_on",
                    models.DateField(
                        blank=True,
                        help_text="Date of the last criticality assessment.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "function_ref",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Identifier of the function in the DORA register of information, such as F7 (RT.06.01.0010).",
                        max_length=30,
                        verbose_name="function identifier",
                    ),
                ),
                (
                    "licensed_activity",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Licensed activity to which the function belongs (RT.06.01.0020).",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("approved", "Approved"),
                            ("restricted", "Restricted"),
                            ("blocked", "Blocked"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "data_classes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12),
                        blank=True,
                        default=list,
                        help_text="Allowed data classifications of applications; empty: all.",
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        help_text="Allowed regions; empty: all.",
                    ),
                ),
                (
                    "criticalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        help_text="Allowed criticalities of applications (0 critical to 3 low); empty: all.",
                    ),
                ),
                ("reason", apps.common.database.fields.LimitedTextField(max_length=10000)),
                (
                    "decided_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "revoked_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "approver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="catalog.offering",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="catalog.provider",
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
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "ordering": ["-decided_on", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("foundation__isnull", True),
                                ("offering__isnull", True),
                                ("provider__isnull", False),
                                ("version__isnull", True),
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
                                ("provider__isnull", True),
                                ("version__isnull", False),
                            ),
                            models.Q(
                                ("foundation__isnull", True),
                                ("offering__isnull", False),
                                ("provider__isnull", True),
                                ("version__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="approval_one_target",
                        violation_error_message="Choose exactly one provider, foundation, version or offering.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decision", "blocked"), ("expires_on__isnull", False), _connector="OR"
                        ),
                        name="approval_expires_unless_blocked",
                        violation_error_message="Enter an expiry date. Only a block can be without one.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on__isnull", True),
                            ("expires_on__gt", models.F("decided_on")),
                            _connector="OR",
                        ),
                        name="approval_ends_after_decision",
                        violation_error_message="The approval must expire after the decision date.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "restricted"), _negated=True),
                            models.Q(
                                ("criticalities", []),
                                ("data_classes", []),
                                ("regions", []),
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="approval_restricted_says_to_what",
                        violation_error_message="Select the data classes, regions or criticalities to which the approval is restricted.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("provider",),
                        name="approval_one_of_provider",
                        violation_error_message="An approval for this already exists. Revoke or replace it.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("foundation",),
                        name="approval_one_of_foundation",
                        violation_error_message="An approval for this already exists. Revoke or replace it.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("version",),
                        name="approval_one_of_version",
                        violation_error_message="An approval for this already exists. Revoke or replace it.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("offering",),
                        name="approval_one_of_offering",
                        violation_error_message="An approval for this already exists. Revoke or replace it.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("approved", "Approved"),
                            ("restricted", "Restricted"),
                            ("blocked", "Blocked"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "data_classes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12),
                        blank=True,
                        default=list,
                        help_text="Allowed data classifications of applications; empty: all.",
                    ),
                ),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        help_text="Allowed regions; empty: all.",
                    ),
                ),
                (
                    "criticalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        help_text="Allowed criticalities of applications (0 critical to 3 low); empty: all.",
                    ),
                ),
                ("reason", apps.common.database.fields.LimitedTextField(max_length=10000)),
                (
                    "decided_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "revoked_reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "approver",
                    models.ForeignKey(
                        db_constraint=False,
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
                        to="inventory.approval",
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CachedFinding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.BigIntegerField()),
                ("team_id", models.BigIntegerField()),
                ("criticality", models.PositiveSmallIntegerField()),
                ("dependency_id", models.BigIntegerField(null=True)),
                ("code", models.CharField(max_length=30)),
                ("rank", models.PositiveSmallIntegerField()),
                ("facts", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["code", "criticality", "application_id", "dependency_id"],
                        include=("team_id",),
                        name="cached_finding_by_code",
                    ),
                    models.Index(
                        fields=["rank", "criticality", "application_id", "id"],
                        name="cached_finding_by_severity",
                    ),
                    models.Index(
                        fields=["team_id", "rank", "criticality", "application_id"],
                        name="cached_finding_by_team",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application_id", "code", "dependency_id"),
                        name="cached_finding_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CachedRunway",
            fields=[
                ("dependency_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("application_id", models.BigIntegerField()),
                ("team_id", models.BigIntegerField()),
                ("criticality", models.PositiveSmallIntegerField()),
                ("offering_id", models.BigIntegerField()),
                ("retires_on", models.DateField(null=True)),
                ("at_least", models.BooleanField()),
                ("days_left", models.IntegerField(null=True)),
                ("effort_days", models.DecimalField(decimal_places=1, max_digits=7, null=True)),
                ("basis", models.CharField(blank=True, max_length=8)),
                ("start_by", models.DateField(null=True)),
                ("is_first", models.BooleanField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["application_id"], name="cached_runway_by_application"),
                    models.Index(
                        condition=models.Q(("is_first", True)),
                        fields=["start_by", "criticality", "dependency_id"],
                        include=("application_id", "team_id"),
                        name="cached_runway_most_urgent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangedApplication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ref", models.CharField(max_length=100, verbose_name="reference")),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("standalone", "Standalone"),
                            ("overarching", "Overarching"),
                            ("subsequent", "Subsequent or associated"),
                        ],
                        default="standalone",
                        max_length=11,
                    ),
                ),
                (
                    "ict_service_type",
                    models.CharField(
                        blank=True,
                        help_text="S01 to S19 of the DORA register of information.",
                        max_length=3,
                        verbose_name="ICT service type",
                    ),
                ),
                (
                    "starts_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "ends_on",
                    models.DateField(
                        blank=True,
                        help_text="Empty: open-ended.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "annual_cost",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True),
                ),
                (
                    "notice_days_ours",
                    models.PositiveIntegerField(
                        blank=True, help_text="Notice period for us, in days.", null=True
                    ),
                ),
                (
                    "notice_days_theirs",
                    models.PositiveIntegerField(
                        blank=True, help_text="Notice period for the provider, in days.", null=True
                    ),
                ),
                (
                    "deprecation_notice_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Contractual days between announcement and retirement of a model.",
                        null=True,
                    ),
                ),
                (
                    "governing_law",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 alpha-2 code of the country.",
                        max_length=2,
                    ),
                ),
                ("provision_country", models.CharField(blank=True, max_length=2)),
                (
                    "data_country",
                    models.CharField(
                        blank=True, help_text="Location where data is stored.", max_length=2
                    ),
                ),
                (
                    "price_protection",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "exit_clause",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "termination_assistance",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "audit_right",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "ip_indemnity",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                        verbose_name="IP indemnity",
                    ),
                ),
                (
                    "training_use",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no", "Not used for training"),
                            ("opt_out", "Used unless opted out"),
                            ("yes", "Used for training"),
                        ],
                        max_length=7,
                    ),
                ),
                ("terms_url", models.URLField(blank=True, max_length=500)),
                (
                    "terms_digest",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 digest of the terms when last read.",
                        max_length=64,
                    ),
                ),
                (
                    "terms_read_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "overarching",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subsequent",
                        to="inventory.contract",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="catalog.provider",
                    ),
                ),
                (
                    "last_audit_on",
                    models.DateField(
                        blank=True,
                        help_text="Date of the last audit of the provider (RT.07.01.0070).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "processing_country",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Location where data is processed.",
                        max_length=2,
                    ),
                ),
                (
                    "stores_data",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "Yes"), ("no", "No")],
                        db_default="",
                        default="",
                        help_text="Whether the service stores data.",
                        max_length=3,
                    ),
                ),
                (
                    "termination_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("expired", "Expired and not renewed"),
                            ("breach", "Provider in breach"),
                            ("impediment", "Impediments of the provider"),
                            ("weakness", "Provider's weaknesses in handling data"),
                            ("authority", "Requested by the competent authority"),
                            ("other", "Other reasons"),
                        ],
                        db_default="",
                        default="",
                        help_text="Reason for termination; empty: not terminated.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["party", "ref"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("party", "ref"),
                        name="contract_once",
                        violation_error_message="A contract with this provider and reference already exists.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True),
                            ("starts_on__isnull", True),
                            ("ends_on__gt", models.F("starts_on")),
                            _connector="OR",
                        ),
                        name="contract_ends_after_start",
                        violation_error_message="The contract must end after it starts.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("annual_cost__isnull", True), ("annual_cost__gte", 0), _connector="OR"
                        ),
                        name="contract_cost_not_negative",
                        violation_error_message="The annual cost must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("overarching__isnull", True),
                            models.Q(("overarching", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="contract_not_its_own_frame",
                        violation_error_message="A contract cannot be its own overarching contract. Choose another one.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("ref", models.CharField(max_length=100, verbose_name="reference")),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("standalone", "Standalone"),
                            ("overarching", "Overarching"),
                            ("subsequent", "Subsequent or associated"),
                        ],
                        default="standalone",
                        max_length=11,
                    ),
                ),
                (
                    "ict_service_type",
                    models.CharField(
                        blank=True,
                        help_text="S01 to S19 of the DORA register of information.",
                        max_length=3,
                        verbose_name="ICT service type",
                    ),
                ),
                (
                    "starts_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "ends_on",
                    models.DateField(
                        blank=True,
                        help_text="Empty: open-ended.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "annual_cost",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True),
                ),
                (
                    "notice_days_ours",
                    models.PositiveIntegerField(
                        blank=True, help_text="Notice period for us, in days.", null=True
                    ),
                ),
                (
                    "notice_days_theirs",
                    models.PositiveIntegerField(
                        blank=True, help_text="Notice period for the provider, in days.", null=True
                    ),
                ),
                (
                    "deprecation_notice_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Contractual days between announcement and retirement of a model.",
                        null=True,
                    ),
                ),
                (
                    "governing_law",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 alpha-2 code of the country.",
                        max_length=2,
                    ),
                ),
                ("provision_country", models.CharField(blank=True, max_length=2)),
                (
                    "data_country",
                    models.CharField(
                        blank=True, help_text="Location where data is stored.", max_length=2
                    ),
                ),
                (
                    "price_protection",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "exit_clause",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "termination_assistance",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "audit_right",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                    ),
                ),
                (
                    "ip_indemnity",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "In the contract"), ("no", "Not in the contract")],
                        max_length=3,
                        verbose_name="IP indemnity",
                    ),
                ),
                (
                    "training_use",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no", "Not used for training"),
                            ("opt_out", "Used unless opted out"),
                            ("yes", "Used for training"),
                        ],
                        max_length=7,
                    ),
                ),
                ("terms_url", models.URLField(blank=True, max_length=500)),
                (
                    "terms_digest",
                    models.CharField(
                        blank=True,
                        help_text="SHA-256 digest of the terms when last read.",
                        max_length=64,
                    ),
                ),
                (
                    "terms_read_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "overarching",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.contract",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
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
                        to="inventory.contract",
                    ),
                ),
                (
                    "last_audit_on",
                    models.DateField(
                        blank=True,
                        help_text="Date of the last audit of the provider (RT.07.01.0070).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "processing_country",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Location where data is processed.",
                        max_length=2,
                    ),
                ),
                (
                    "stores_data",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "Yes"), ("no", "No")],
                        db_default="",
                        default="",
                        help_text="Whether the service stores data.",
                        max_length=3,
                    ),
                ),
                (
                    "termination_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("expired", "Expired and not renewed"),
                            ("breach", "Provider in breach"),
                            ("impediment", "Impediments of the provider"),
                            ("weakness", "Provider's weaknesses in handling data"),
                            ("authority", "Requested by the competent authority"),
                            ("other", "Other reasons"),
                        ],
                        db_default="",
                        default="",
                        help_text="Reason for termination; empty: not terminated.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Dependency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("primary", "Primary"),
                            ("fallback", "Fallback"),
                            ("judge", "Judge"),
                            ("guardrail", "Guardrail"),
                            ("embedding", "Embedding"),
                            ("reranker", "Reranker"),
                            ("tool", "Tool"),
                        ],
                        default="primary",
                        max_length=10,
                    ),
                ),
                (
                    "fallback_order",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Order in which fallbacks are tried, from 1; 0 for other roles.",
                    ),
                ),
                (
                    "traffic_share",
                    models.DecimalField(
                        blank=True,
                        decimal_places=15,
                        help_text="Declared share of the primary traffic; shares are scaled to 1, and 0 is standby.",
                        max_digits=18,
                        null=True,
                    ),
                ),
                ("monthly_input_tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                ("monthly_output_tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "monthly_spend",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "reached",
                    models.CharField(
                        choices=[
                            ("direct", "Directly"),
                            ("gateway", "Through a gateway"),
                            ("embedded", "Embedded in a vendor's product"),
                        ],
                        default="direct",
                        max_length=8,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("declared", "Declared"), ("observed", "Observed")],
                        default="declared",
                        max_length=8,
                    ),
                ),
                (
                    "since",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "until",
                    models.DateField(
                        blank=True,
                        help_text="Ends on (not used from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "last_observed_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dependencies",
                        to="inventory.application",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dependencies",
                        to="catalog.offering",
                    ),
                ),
                (
                    "via_party",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reached_dependencies",
                        to="catalog.provider",
                    ),
                ),
                (
                    "binding",
                    models.CharField(
                        choices=[("pinned", "Pinned"), ("alias", "Alias"), ("unknown", "Unknown")],
                        default="unknown",
                        help_text="Unknown: the binding of the offering applies.",
                        max_length=8,
                    ),
                ),
                (
                    "confirmed_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "monthly_cache_read_tokens",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Input tokens read from the provider's cache, not included in the input tokens.",
                        null=True,
                    ),
                ),
                (
                    "monthly_cache_write_tokens",
                    models.PositiveBigIntegerField(blank=True, null=True),
                ),
                ("monthly_requests", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "typical_request_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Input tokens of a typical request; decides the price tier for long contexts.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "dependencies",
                "ordering": ["application", "role", "fallback_order", "id"],
                "indexes": [
                    models.Index(
                        fields=["offering"],
                        include=("application", "role", "since", "until"),
                        name="dependency_by_offering",
                    ),
                    models.Index(
                        condition=models.Q(("role", "primary")),
                        fields=["offering"],
                        include=("id", "application", "since", "until"),
                        name="primary_by_offering",
                    ),
                    models.Index(fields=["application", "role"], name="dependency_by_application"),
                    models.Index(
                        condition=models.Q(("via_party__isnull", False)),
                        fields=["via_party"],
                        name="dependency_by_party",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tags__len__lte", 50)),
                        name="dependency_tags_are_few",
                        violation_error_message="At most 50 tags can be saved. Remove some.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True),
                            ("until__gt", models.F("since")),
                            _connector="OR",
                        ),
                        name="dependency_until_after_since",
                        violation_error_message="The dependency must end after it starts.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("traffic_share__isnull", True),
                            ("traffic_share__gte", 0),
                            _connector="OR",
                        ),
                        name="dependency_share_not_negative",
                        violation_error_message="A traffic share must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("monthly_spend__isnull", True),
                            ("monthly_spend__gte", 0),
                            _connector="OR",
                        ),
                        name="dependency_spend_not_negative",
                        violation_error_message="Monthly spend must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reached", "direct"), ("via_party__isnull", True)),
                            models.Q(
                                models.Q(("reached", "direct"), _negated=True),
                                ("via_party__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="dependency_party_unless_direct",
                        violation_error_message="Choose the gateway or vendor that relays the calls, or leave it empty for a direct call.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Adaptation",
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
                            ("prompt", "Prompt"),
                            ("few_shot", "Few-shot examples"),
                            ("fine_tune", "Fine-tune"),
                            ("retrieval", "Retrieval"),
                            ("agentic_tools", "Agentic tools"),
                        ],
                        max_length=13,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "artefact_ref",
                    models.CharField(
                        blank=True,
                        help_text="Location: repository, registry or path.",
                        max_length=500,
                    ),
                ),
                (
                    "moves",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("portable", "Reusable as is"),
                            ("re_run", "Re-run"),
                            ("rebuild", "Rebuild"),
                        ],
                        help_text="Empty: unknown.",
                        max_length=8,
                    ),
                ),
                (
                    "invested_days",
                    models.DecimalField(blank=True, decimal_places=1, max_digits=9, null=True),
                ),
                (
                    "invested_cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="adaptations",
                        to="inventory.dependency",
                    ),
                ),
            ],
            options={
                "ordering": ["dependency", "kind", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("invested_days__isnull", True),
                                ("invested_days__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invested_cost__isnull", True),
                                ("invested_cost__gte", 0),
                                _connector="OR",
                            ),
                        ),
                        name="adaptation_invested_not_negative",
                        violation_error_message="The investment must be 0 or more.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AdaptationHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("prompt", "Prompt"),
                            ("few_shot", "Few-shot examples"),
                            ("fine_tune", "Fine-tune"),
                            ("retrieval", "Retrieval"),
                            ("agentic_tools", "Agentic tools"),
                        ],
                        max_length=13,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "artefact_ref",
                    models.CharField(
                        blank=True,
                        help_text="Location: repository, registry or path.",
                        max_length=500,
                    ),
                ),
                (
                    "moves",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("portable", "Reusable as is"),
                            ("re_run", "Re-run"),
                            ("rebuild", "Rebuild"),
                        ],
                        help_text="Empty: unknown.",
                        max_length=8,
                    ),
                ),
                (
                    "invested_days",
                    models.DecimalField(blank=True, decimal_places=1, max_digits=9, null=True),
                ),
                (
                    "invested_cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.dependency",
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
                        to="inventory.adaptation",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DependencyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("primary", "Primary"),
                            ("fallback", "Fallback"),
                            ("judge", "Judge"),
                            ("guardrail", "Guardrail"),
                            ("embedding", "Embedding"),
                            ("reranker", "Reranker"),
                            ("tool", "Tool"),
                        ],
                        default="primary",
                        max_length=10,
                    ),
                ),
                (
                    "fallback_order",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Order in which fallbacks are tried, from 1; 0 for other roles.",
                    ),
                ),
                (
                    "traffic_share",
                    models.DecimalField(
                        blank=True,
                        decimal_places=15,
                        help_text="Declared share of the primary traffic; shares are scaled to 1, and 0 is standby.",
                        max_digits=18,
                        null=True,
                    ),
                ),
                ("monthly_input_tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                ("monthly_output_tokens", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "monthly_spend",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "reached",
                    models.CharField(
                        choices=[
                            ("direct", "Directly"),
                            ("gateway", "Through a gateway"),
                            ("embedded", "Embedded in a vendor's product"),
                        ],
                        default="direct",
                        max_length=8,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("declared", "Declared"), ("observed", "Observed")],
                        default="declared",
                        max_length=8,
                    ),
                ),
                (
                    "since",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "until",
                    models.DateField(
                        blank=True,
                        help_text="Ends on (not used from this date).",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "last_observed_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        validators=[django.contrib.postgres.validators.ArrayMaxLengthValidator(50)],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "application",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.application",
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
                        to="inventory.dependency",
                    ),
                ),
                (
                    "via_party",
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
                    "binding",
                    models.CharField(
                        choices=[("pinned", "Pinned"), ("alias", "Alias"), ("unknown", "Unknown")],
                        default="unknown",
                        help_text="Unknown: the binding of the offering applies.",
                        max_length=8,
                    ),
                ),
                (
                    "confirmed_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "monthly_cache_read_tokens",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Input tokens read from the provider's cache, not included in the input tokens.",
                        null=True,
                    ),
                ),
                (
                    "monthly_cache_write_tokens",
                    models.PositiveBigIntegerField(blank=True, null=True),
                ),
                ("monthly_requests", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "typical_request_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Input tokens of a typical request; decides the price tier for long contexts.",
                        null=True,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ExitPlan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "substitutability",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not", "Not substitutable"),
                            ("highly_complex", "Highly complex to substitute"),
                            ("medium", "Medium complexity to substitute"),
                            ("easily", "Easily substitutable"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_alternatives", "No real alternatives"),
                            ("migration", "Migration is difficult"),
                            ("both", "Both"),
                        ],
                        help_text="Reason why the service is hard to substitute.",
                        max_length=15,
                    ),
                ),
                (
                    "reintegration",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("easy", "Easy"),
                            ("difficult", "Difficult"),
                            ("highly_complex", "Highly complex"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "alternatives_identified",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "Yes"), ("no", "No"), ("na", "Not applicable")],
                        max_length=3,
                    ),
                ),
                (
                    "alternatives",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "blockers",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "estimated_days",
                    models.DecimalField(blank=True, decimal_places=1, max_digits=7, null=True),
                ),
                (
                    "estimated_cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "next_test_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dependency",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exit_plan",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="planned_exits",
                        to="catalog.offering",
                    ),
                ),
                (
                    "reliance",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_significant", "Not significant"),
                            ("low", "Low reliance"),
                            ("material", "Material reliance"),
                            ("full", "Full reliance"),
                        ],
                        db_default="",
                        default="",
                        help_text="Reliance of the application on the service; empty: derived from its alternatives.",
                        max_length=15,
                    ),
                ),
            ],
            options={
                "ordering": ["dependency"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("estimated_days__isnull", True),
                                ("estimated_days__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("estimated_cost__isnull", True),
                                ("estimated_cost__gte", 0),
                                _connector="OR",
                            ),
                        ),
                        name="exit_plan_estimates_not_negative",
                        violation_error_message="Estimated effort and cost must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("substitutability__in", ["not", "highly_complex"]), _negated=True
                            ),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="exit_plan_says_why_hard",
                        violation_error_message="Select why it is hard to substitute: no alternatives, migration, or both.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExitPlanHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "substitutability",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not", "Not substitutable"),
                            ("highly_complex", "Highly complex to substitute"),
                            ("medium", "Medium complexity to substitute"),
                            ("easily", "Easily substitutable"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_alternatives", "No real alternatives"),
                            ("migration", "Migration is difficult"),
                            ("both", "Both"),
                        ],
                        help_text="Reason why the service is hard to substitute.",
                        max_length=15,
                    ),
                ),
                (
                    "reintegration",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("easy", "Easy"),
                            ("difficult", "Difficult"),
                            ("highly_complex", "Highly complex"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "alternatives_identified",
                    models.CharField(
                        blank=True,
                        choices=[("yes", "Yes"), ("no", "No"), ("na", "Not applicable")],
                        max_length=3,
                    ),
                ),
                (
                    "alternatives",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "blockers",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "estimated_days",
                    models.DecimalField(blank=True, decimal_places=1, max_digits=7, null=True),
                ),
                (
                    "estimated_cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "next_test_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.dependency",
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
                        to="inventory.exitplan",
                    ),
                ),
                (
                    "target",
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
                    "reliance",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not_significant", "Not significant"),
                            ("low", "Low reliance"),
                            ("material", "Material reliance"),
                            ("full", "Full reliance"),
                        ],
                        db_default="",
                        default="",
                        help_text="Reliance of the application on the service; empty: derived from its alternatives.",
                        max_length=15,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ExitTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "tested_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("passed", "Passed"),
                            ("partial", "Partly passed"),
                            ("failed", "Failed"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "effort_days",
                    models.DecimalField(
                        blank=True,
                        decimal_places=1,
                        help_text="Measured duration of the migration, in calendar days.",
                        max_digits=7,
                        null=True,
                    ),
                ),
                (
                    "cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "quality_delta",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="Change of your own metric, target minus current; negative is worse.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                ("quality_metric", models.CharField(blank=True, max_length=200)),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date); empty: the default validity after the test.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("evidence_ref", models.CharField(blank=True, max_length=500)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exit_tests",
                        to="inventory.dependency",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exit_tests",
                        to="catalog.offering",
                    ),
                ),
                (
                    "tested_version",
                    models.ForeignKey(
                        blank=True,
                        help_text="Version that was served; if another version is served today, the test is no longer valid.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exit_tests",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "ordering": ["dependency", "-tested_on", "-id"],
                "indexes": [
                    models.Index(
                        fields=["dependency", "target", "-tested_on", "-id"],
                        name="exit_test_latest",
                    ),
                    models.Index(fields=["tested_on"], name="exit_test_by_day"),
                    models.Index(
                        condition=models.Q(("expires_on__isnull", False), ("result", "passed")),
                        fields=["expires_on"],
                        name="exit_test_by_end",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("effort_days__isnull", True),
                                ("effort_days__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(("cost__isnull", True), ("cost__gte", 0), _connector="OR"),
                        ),
                        name="exit_test_amounts_not_negative",
                        violation_error_message="Effort and cost must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on__isnull", True),
                            ("expires_on__gt", models.F("tested_on")),
                            _connector="OR",
                        ),
                        name="exit_test_expires_after_test",
                        violation_error_message="The test must expire after its date.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExitTestHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "tested_on",
                    models.DateField(validators=[apps.common.validators.validate_plausible_date]),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("passed", "Passed"),
                            ("partial", "Partly passed"),
                            ("failed", "Failed"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "effort_days",
                    models.DecimalField(
                        blank=True,
                        decimal_places=1,
                        help_text="Measured duration of the migration, in calendar days.",
                        max_digits=7,
                        null=True,
                    ),
                ),
                (
                    "cost",
                    models.DecimalField(
                        blank=True, decimal_places=2, help_text="USD.", max_digits=14, null=True
                    ),
                ),
                (
                    "quality_delta",
                    models.DecimalField(
                        blank=True,
                        decimal_places=4,
                        help_text="Change of your own metric, target minus current; negative is worse.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                ("quality_metric", models.CharField(blank=True, max_length=200)),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Expires on (not valid from this date); empty: the default validity after the test.",
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("evidence_ref", models.CharField(blank=True, max_length=500)),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dependency",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.dependency",
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
                        to="inventory.exittest",
                    ),
                ),
                (
                    "recorded_by",
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
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.offering",
                    ),
                ),
                (
                    "tested_version",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Version that was served; if another version is served today, the test is no longer valid.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ListExport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("query", models.TextField(blank=True)),
                ("name", models.CharField(help_text="File name with extension.", max_length=120)),
                ("whole_organisation", models.BooleanField(default=False)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                ("as_of", models.DateTimeField(help_text="Time of the request.")),
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
                    "started_at",
                    models.DateTimeField(
                        help_text="Time at which a worker first started the job.", null=True
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("n_rows", models.PositiveIntegerField(default=0)),
                ("n_bytes", models.PositiveBigIntegerField(default=0)),
                ("expires_on", models.DateField(help_text="Date from which the file is deleted.")),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="list_exports",
                        to=settings.AUTH_USER_MODEL,
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
            ],
            options={
                "ordering": ["-as_of", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "running"])),
                        fields=["as_of"],
                        name="list_export_waiting",
                    ),
                    models.Index(
                        fields=["requested_by", "-as_of", "-id"], name="list_export_latest"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ListExportHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=30)),
                ("query", models.TextField(blank=True)),
                ("name", models.CharField(help_text="File name with extension.", max_length=120)),
                ("whole_organisation", models.BooleanField(default=False)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list
                    ),
                ),
                ("as_of", models.DateTimeField(help_text="Time of the request.")),
                ("expires_on", models.DateField(help_text="Date from which the file is deleted.")),
                (
                    "requested_by",
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
                        to="inventory.listexport",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ListExportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="inventory.listexport",
                    ),
                ),
            ],
            options={
                "ordering": ["file", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("file", "number"), name="list_export_part_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReadModelState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("as_of", models.DateField()),
                ("refreshed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Selection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "purpose",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Intended use of the foundation.", max_length=20000
                    ),
                ),
                (
                    "criteria",
                    models.JSONField(
                        blank=True, default=list, help_text='[{"name", "weight", "note"}, ...]'
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("decided", "Decided"),
                            ("superseded", "Superseded"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                (
                    "decision",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "decided_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="selections_decided",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "supersedes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="superseded",
                        to="inventory.selection",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "draft"),
                            models.Q(
                                models.Q(("decision", ""), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                                ("decided_by__isnull", False),
                                ("decided_on__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="selection_decided_is_complete",
                        violation_error_message="A decided selection record must state the decision, the reason, the user and the time.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SelectionCandidate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chosen", models.BooleanField(default=False)),
                (
                    "scores",
                    models.JSONField(
                        blank=True, default=dict, help_text="{criterion: {value, note}}"
                    ),
                ),
                (
                    "scorecard",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Facts and sources at the time of the decision.",
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="candidacies",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        blank=True,
                        help_text="The host's offering; empty: the foundation on any host.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="candidacies",
                        to="catalog.offering",
                    ),
                ),
                (
                    "selection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="candidates",
                        to="inventory.selection",
                    ),
                ),
            ],
            options={
                "ordering": ["selection", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("selection", "foundation", "offering"),
                        name="selection_candidate_once",
                        nulls_distinct=False,
                        violation_error_message="This candidate is already part of the selection record.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SelectionCandidateHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("chosen", models.BooleanField(default=False)),
                (
                    "scores",
                    models.JSONField(
                        blank=True, default=dict, help_text="{criterion: {value, note}}"
                    ),
                ),
                (
                    "scorecard",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Facts and sources at the time of the decision.",
                    ),
                ),
                (
                    "note",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=20000),
                ),
                (
                    "foundation",
                    models.ForeignKey(
                        db_constraint=False,
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
                        help_text="The host's offering; empty: the foundation on any host.",
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
                        to="inventory.selectioncandidate",
                    ),
                ),
                (
                    "selection",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.selection",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SelectionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("title", models.CharField(max_length=200)),
                (
                    "purpose",
                    apps.common.database.fields.LimitedTextField(
                        blank=True, help_text="Intended use of the foundation.", max_length=20000
                    ),
                ),
                (
                    "criteria",
                    models.JSONField(
                        blank=True, default=list, help_text='[{"name", "weight", "note"}, ...]'
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("decided", "Decided"),
                            ("superseded", "Superseded"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                (
                    "decision",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "decided_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                (
                    "review_on",
                    models.DateField(
                        blank=True,
                        null=True,
                        validators=[apps.common.validators.validate_plausible_date],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="inventory.selection",
                    ),
                ),
                (
                    "supersedes",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="inventory.selection",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="StaleApplication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.BigIntegerField(null=True)),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="annexitem",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_annexitemhistory" ("due_on", "foundation_id", "id", "item", "link", "note", "noted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_on", "requested_on", "status") SELECT new_values."due_on", new_values."foundation_id", new_values."id", new_values."item", new_values."link", new_values."note", new_values."noted_by_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."received_on", new_values."requested_on", new_values."status" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e76cb17454b71b2781297e044011a15d8a5270f3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_81a90",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_annexitem",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="annexitem",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_annexitemhistory" ("due_on", "foundation_id", "id", "item", "link", "note", "noted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_on", "requested_on", "status") SELECT new_values."due_on", new_values."foundation_id", new_values."id", new_values."item", new_values."link", new_values."note", new_values."noted_by_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."received_on", new_values."requested_on", new_values."status" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."due_on" IS DISTINCT FROM (new_values."due_on") OR old_values."foundation_id" IS DISTINCT FROM (new_values."foundation_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."item" IS DISTINCT FROM (new_values."item") OR old_values."link" IS DISTINCT FROM (new_values."link") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."noted_by_id" IS DISTINCT FROM (new_values."noted_by_id") OR old_values."received_on" IS DISTINCT FROM (new_values."received_on") OR old_values."requested_on" IS DISTINCT FROM (new_values."requested_on") OR old_values."status" IS DISTINCT FROM (new_values."status")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4bf13259ed059b591500bc1361f3f0505dc97a8c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_8b55d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_annexitem",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="annexitem",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_annexitemhistory" ("due_on", "foundation_id", "id", "item", "link", "note", "noted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "received_on", "requested_on", "status") SELECT old_values."due_on", old_values."foundation_id", old_values."id", old_values."item", old_values."link", old_values."note", old_values."noted_by_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."received_on", old_values."requested_on", old_values."status" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="6380b051c9c9d1292d9dc1b15116dcd7030d51d7",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_fbc60",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_annexitem",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="annexitemhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="88afab3971209bfed4f72563760266591f8abea2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e0637",
                    table="inventory_annexitemhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM new_rows r ; RETURN NULL;",
                    hash="44cfe5b1fd36540a18d03be2e4d16bf64130bfa0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_application_changed_by_insert_c0c37",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM old_rows r ; RETURN NULL;",
                    hash="3be6a8fb06c946bb5bf52099403bf0e39f4fb745",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_application_changed_by_delete_ffa67",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r ; RETURN NULL;",
                    hash="be96e611d8c27f0ec49cb9712df6aafd5eca17ea",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_application_changed_by_update_32506",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "users_affected") SELECT new_values."ai_act_class", new_values."ai_act_role", new_values."autonomy", new_values."business_function", new_values."business_owner", new_values."created_at", new_values."criticality", new_values."criticality_assessed_on", new_values."criticality_reason", new_values."data_classification", new_values."external_refs", new_values."function_ref", new_values."geography", new_values."id", new_values."impact_of_discontinuing", new_values."licensed_activity", new_values."merged_into_id", new_values."monthly_spend", new_values."name", new_values."next_review_on", new_values."personal_data", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."purpose", new_values."rpo_hours", new_values."rto_hours", new_values."slug", new_values."status", new_values."team_id", new_values."technical_owner", new_values."users_affected" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5af92399b87752ddfec0e39ee3d64a44040fdaef",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8d15f",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "users_affected") SELECT new_values."ai_act_class", new_values."ai_act_role", new_values."autonomy", new_values."business_function", new_values."business_owner", new_values."created_at", new_values."criticality", new_values."criticality_assessed_on", new_values."criticality_reason", new_values."data_classification", new_values."external_refs", new_values."function_ref", new_values."geography", new_values."id", new_values."impact_of_discontinuing", new_values."licensed_activity", new_values."merged_into_id", new_values."monthly_spend", new_values."name", new_values."next_review_on", new_values."personal_data", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."purpose", new_values."rpo_hours", new_values."rto_hours", new_values."slug", new_values."status", new_values."team_id", new_values."technical_owner", new_values."users_affected" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."ai_act_class" IS DISTINCT FROM (new_values."ai_act_class") OR old_values."ai_act_role" IS DISTINCT FROM (new_values."ai_act_role") OR old_values."autonomy" IS DISTINCT FROM (new_values."autonomy") OR old_values."business_function" IS DISTINCT FROM (new_values."business_function") OR old_values."business_owner" IS DISTINCT FROM (new_values."business_owner") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."criticality" IS DISTINCT FROM (new_values."criticality") OR old_values."criticality_assessed_on" IS DISTINCT FROM (new_values."criticality_assessed_on") OR old_values."criticality_reason" IS DISTINCT FROM (new_values."criticality_reason") OR old_values."data_classification" IS DISTINCT FROM (new_values."data_classification") OR old_values."external_refs" IS DISTINCT FROM (new_values."external_refs") OR old_values."function_ref" IS DISTINCT FROM (new_values."function_ref") OR old_values."geography" IS DISTINCT FROM (new_values."geography") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."impact_of_discontinuing" IS DISTINCT FROM (new_values."impact_of_discontinuing") OR old_values."licensed_activity" IS DISTINCT FROM (new_values."licensed_activity") OR old_values."merged_into_id" IS DISTINCT FROM (new_values."merged_into_id") OR old_values."monthly_spend" IS DISTINCT FROM (new_values."monthly_spend") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."next_review_on" IS DISTINCT FROM (new_values."next_review_on") OR old_values."personal_data" IS DISTINCT FROM (new_values."personal_data") OR old_values."purpose" IS DISTINCT FROM (new_values."purpose") OR old_values."rpo_hours" IS DISTINCT FROM (new_values."rpo_hours") OR old_values."rto_hours" IS DISTINCT FROM (new_values."rto_hours") OR old_values."slug" IS DISTINCT FROM (new_values."slug") OR old_values."status" IS DISTINCT FROM (new_values."status") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."technical_owner" IS DISTINCT FROM (new_values."technical_owner") OR old_values."users_affected" IS DISTINCT FROM (new_values."users_affected")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="05e0c0742757bf70f5314f1ed6927318ebe8600a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9b87b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_applicationhistory" ("ai_act_class", "ai_act_role", "autonomy", "business_function", "business_owner", "created_at", "criticality", "criticality_assessed_on", "criticality_reason", "data_classification", "external_refs", "function_ref", "geography", "id", "impact_of_discontinuing", "licensed_activity", "merged_into_id", "monthly_spend", "name", "next_review_on", "personal_data", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "rpo_hours", "rto_hours", "slug", "status", "team_id", "technical_owner", "users_affected") SELECT old_values."ai_act_class", old_values."ai_act_role", old_values."autonomy", old_values."business_function", old_values."business_owner", old_values."created_at", old_values."criticality", old_values."criticality_assessed_on", old_values."criticality_reason", old_values."data_classification", old_values."external_refs", old_values."function_ref", old_values."geography", old_values."id", old_values."impact_of_discontinuing", old_values."licensed_activity", old_values."merged_into_id", old_values."monthly_spend", old_values."name", old_values."next_review_on", old_values."personal_data", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."purpose", old_values."rpo_hours", old_values."rto_hours", old_values."slug", old_values."status", old_values."team_id", old_values."technical_owner", old_values."users_affected" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="9fc3f7c7ede71afb94a7d3852d987a6fe2b415e3",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c4413",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_application",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="applicationhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="646ee70636d0eb96df2206128e48ea70cbbad38f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_86f92",
                    table="inventory_applicationhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_concerns_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_staleapplication (application_id) VALUES (NULL); RETURN NULL;",
                    hash="1815e77bbbf3372d213336783655fb0d7deb428c",
                    level="STATEMENT",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_approval_concerns_all_809f3",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="19fbdbdd71b1587ab32867132d6af5843e6f97cb",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e3716",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT new_values."approver_id", new_values."created_at", new_values."criticalities", new_values."data_classes", new_values."decided_on", new_values."decision", new_values."expires_on", new_values."foundation_id", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."reason", new_values."regions", new_values."revoked_at", new_values."revoked_by_id", new_values."revoked_reason", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."approver_id" IS DISTINCT FROM (new_values."approver_id") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."criticalities" IS DISTINCT FROM (new_values."criticalities") OR old_values."data_classes" IS DISTINCT FROM (new_values."data_classes") OR old_values."decided_on" IS DISTINCT FROM (new_values."decided_on") OR old_values."decision" IS DISTINCT FROM (new_values."decision") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."foundation_id" IS DISTINCT FROM (new_values."foundation_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."provider_id" IS DISTINCT FROM (new_values."provider_id") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."regions" IS DISTINCT FROM (new_values."regions") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."revoked_by_id" IS DISTINCT FROM (new_values."revoked_by_id") OR old_values."revoked_reason" IS DISTINCT FROM (new_values."revoked_reason") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="bdb4f8f58f5b625c52c229799096b60c0dcb6eb8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e745f",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_approvalhistory" ("approver_id", "created_at", "criticalities", "data_classes", "decided_on", "decision", "expires_on", "foundation_id", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "reason", "regions", "revoked_at", "revoked_by_id", "revoked_reason", "version_id") SELECT old_values."approver_id", old_values."created_at", old_values."criticalities", old_values."data_classes", old_values."decided_on", old_values."decision", old_values."expires_on", old_values."foundation_id", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."reason", old_values."regions", old_values."revoked_at", old_values."revoked_by_id", old_values."revoked_reason", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5ffb8b87f348b6e24b946c8ddbffd271ae0c827a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ab36a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_approval",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="approvalhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0b4ee78cd73fb89b2343f56c83dd501d36197a03",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_8e41f",
                    table="inventory_approvalhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="contract_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.overarching_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('inventory_contract', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.overarching_id\n                    UNION\n                    SELECT t.overarching_id FROM above JOIN inventory_contract t ON t.id = above.id WHERE t.overarching_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would place the contract under itself. Choose another overarching contract.' USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="7e527bfc5ac2187e923f6b4b27aab4ce3048bfde",
                    operation='INSERT OR UPDATE OF "overarching_id"',
                    pgid="pgtrigger_contract_no_circle_c3aa4",
                    table="inventory_contract",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_contracthistory" ("annual_cost", "audit_right", "created_at", "currency", "data_country", "deprecation_notice_days", "ends_on", "exit_clause", "governing_law", "ict_service_type", "id", "ip_indemnity", "kind", "last_audit_on", "name", "note", "notice_days_ours", "notice_days_theirs", "overarching_id", "party_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_protection", "processing_country", "provision_country", "ref", "starts_on", "stores_data", "termination_assistance", "termination_reason", "terms_digest", "terms_read_on", "terms_url", "training_use") SELECT new_values."annual_cost", new_values."audit_right", new_values."created_at", new_values."currency", new_values."data_country", new_values."deprecation_notice_days", new_values."ends_on", new_values."exit_clause", new_values."governing_law", new_values."ict_service_type", new_values."id", new_values."ip_indemnity", new_values."kind", new_values."last_audit_on", new_values."name", new_values."note", new_values."notice_days_ours", new_values."notice_days_theirs", new_values."overarching_id", new_values."party_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_protection", new_values."processing_country", new_values."provision_country", new_values."ref", new_values."starts_on", new_values."stores_data", new_values."termination_assistance", new_values."termination_reason", new_values."terms_digest", new_values."terms_read_on", new_values."terms_url", new_values."training_use" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="7f7b16260f6c643d45f6e8fe241abeb81c06e0ae",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_41bfc",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_contract",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_contracthistory" ("annual_cost", "audit_right", "created_at", "currency", "data_country", "deprecation_notice_days", "ends_on", "exit_clause", "governing_law", "ict_service_type", "id", "ip_indemnity", "kind", "last_audit_on", "name", "note", "notice_days_ours", "notice_days_theirs", "overarching_id", "party_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_protection", "processing_country", "provision_country", "ref", "starts_on", "stores_data", "termination_assistance", "termination_reason", "terms_digest", "terms_read_on", "terms_url", "training_use") SELECT new_values."annual_cost", new_values."audit_right", new_values."created_at", new_values."currency", new_values."data_country", new_values."deprecation_notice_days", new_values."ends_on", new_values."exit_clause", new_values."governing_law", new_values."ict_service_type", new_values."id", new_values."ip_indemnity", new_values."kind", new_values."last_audit_on", new_values."name", new_values."note", new_values."notice_days_ours", new_values."notice_days_theirs", new_values."overarching_id", new_values."party_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_protection", new_values."processing_country", new_values."provision_country", new_values."ref", new_values."starts_on", new_values."stores_data", new_values."termination_assistance", new_values."termination_reason", new_values."terms_digest", new_values."terms_read_on", new_values."terms_url", new_values."training_use" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."annual_cost" IS DISTINCT FROM (new_values."annual_cost") OR old_values."audit_right" IS DISTINCT FROM (new_values."audit_right") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."currency" IS DISTINCT FROM (new_values."currency") OR old_values."data_country" IS DISTINCT FROM (new_values."data_country") OR old_values."deprecation_notice_days" IS DISTINCT FROM (new_values."deprecation_notice_days") OR old_values."ends_on" IS DISTINCT FROM (new_values."ends_on") OR old_values."exit_clause" IS DISTINCT FROM (new_values."exit_clause") OR old_values."governing_law" IS DISTINCT FROM (new_values."governing_law") OR old_values."ict_service_type" IS DISTINCT FROM (new_values."ict_service_type") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."ip_indemnity" IS DISTINCT FROM (new_values."ip_indemnity") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."last_audit_on" IS DISTINCT FROM (new_values."last_audit_on") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."notice_days_ours" IS DISTINCT FROM (new_values."notice_days_ours") OR old_values."notice_days_theirs" IS DISTINCT FROM (new_values."notice_days_theirs") OR old_values."overarching_id" IS DISTINCT FROM (new_values."overarching_id") OR old_values."party_id" IS DISTINCT FROM (new_values."party_id") OR old_values."price_protection" IS DISTINCT FROM (new_values."price_protection") OR old_values."processing_country" IS DISTINCT FROM (new_values."processing_country") OR old_values."provision_country" IS DISTINCT FROM (new_values."provision_country") OR old_values."ref" IS DISTINCT FROM (new_values."ref") OR old_values."starts_on" IS DISTINCT FROM (new_values."starts_on") OR old_values."stores_data" IS DISTINCT FROM (new_values."stores_data") OR old_values."termination_assistance" IS DISTINCT FROM (new_values."termination_assistance") OR old_values."termination_reason" IS DISTINCT FROM (new_values."termination_reason") OR old_values."terms_digest" IS DISTINCT FROM (new_values."terms_digest") OR old_values."terms_read_on" IS DISTINCT FROM (new_values."terms_read_on") OR old_values."terms_url" IS DISTINCT FROM (new_values."terms_url") OR old_values."training_use" IS DISTINCT FROM (new_values."training_use")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c0e863d2d486d0e960cd66b9b906ec673b067a83",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9309b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_contract",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contract",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_contracthistory" ("annual_cost", "audit_right", "created_at", "currency", "data_country", "deprecation_notice_days", "ends_on", "exit_clause", "governing_law", "ict_service_type", "id", "ip_indemnity", "kind", "last_audit_on", "name", "note", "notice_days_ours", "notice_days_theirs", "overarching_id", "party_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_protection", "processing_country", "provision_country", "ref", "starts_on", "stores_data", "termination_assistance", "termination_reason", "terms_digest", "terms_read_on", "terms_url", "training_use") SELECT old_values."annual_cost", old_values."audit_right", old_values."created_at", old_values."currency", old_values."data_country", old_values."deprecation_notice_days", old_values."ends_on", old_values."exit_clause", old_values."governing_law", old_values."ict_service_type", old_values."id", old_values."ip_indemnity", old_values."kind", old_values."last_audit_on", old_values."name", old_values."note", old_values."notice_days_ours", old_values."notice_days_theirs", old_values."overarching_id", old_values."party_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_protection", old_values."processing_country", old_values."provision_country", old_values."ref", old_values."starts_on", old_values."stores_data", old_values."termination_assistance", old_values."termination_reason", old_values."terms_digest", old_values."terms_read_on", old_values."terms_url", old_values."training_use" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="396316087c13ba71d25cda5ebe4bf91a01ae8604",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e8ee9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_contract",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contracthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="dd02e0618430924a98835db4cbc7dae60f483517",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_3b176",
                    table="inventory_contracthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM new_rows r ; RETURN NULL;",
                    hash="1737f2693c690fcd511cc4bfbadeffc0f9910305",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_dependency_changed_by_insert_f479d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM old_rows r ; RETURN NULL;",
                    hash="6a36cf4daa59460252f4a2af7040435dad514600",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_dependency_changed_by_delete_4aea3",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="dependency_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r ; RETURN NULL;",
                    hash="f1a8325144c3e2e3ddc2adc3ec8704a91fc1ccdf",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_dependency_changed_by_update_7f928",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b39f3a0a0fd0bdacf490620a33aa16756f881590",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_a8eeb",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT new_values."application_id", new_values."binding", new_values."confirmed_on", new_values."created_at", new_values."fallback_order", new_values."id", new_values."last_observed_on", new_values."monthly_cache_read_tokens", new_values."monthly_cache_write_tokens", new_values."monthly_input_tokens", new_values."monthly_output_tokens", new_values."monthly_requests", new_values."monthly_spend", new_values."offering_id", new_values."origin", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reached", new_values."role", new_values."since", new_values."tags", new_values."traffic_share", new_values."typical_request_tokens", new_values."until", new_values."via_party_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."application_id" IS DISTINCT FROM (new_values."application_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."confirmed_on" IS DISTINCT FROM (new_values."confirmed_on") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."fallback_order" IS DISTINCT FROM (new_values."fallback_order") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."last_observed_on" IS DISTINCT FROM (new_values."last_observed_on") OR old_values."monthly_cache_read_tokens" IS DISTINCT FROM (new_values."monthly_cache_read_tokens") OR old_values."monthly_cache_write_tokens" IS DISTINCT FROM (new_values."monthly_cache_write_tokens") OR old_values."monthly_input_tokens" IS DISTINCT FROM (new_values."monthly_input_tokens") OR old_values."monthly_output_tokens" IS DISTINCT FROM (new_values."monthly_output_tokens") OR old_values."monthly_requests" IS DISTINCT FROM (new_values."monthly_requests") OR old_values."monthly_spend" IS DISTINCT FROM (new_values."monthly_spend") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."origin" IS DISTINCT FROM (new_values."origin") OR old_values."reached" IS DISTINCT FROM (new_values."reached") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."since" IS DISTINCT FROM (new_values."since") OR old_values."tags" IS DISTINCT FROM (new_values."tags") OR old_values."traffic_share" IS DISTINCT FROM (new_values."traffic_share") OR old_values."typical_request_tokens" IS DISTINCT FROM (new_values."typical_request_tokens") OR old_values."until" IS DISTINCT FROM (new_values."until") OR old_values."via_party_id" IS DISTINCT FROM (new_values."via_party_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8d9e91af8f8405bd2756a983360f390612453ae2",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5f622",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependency",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_dependencyhistory" ("application_id", "binding", "confirmed_on", "created_at", "fallback_order", "id", "last_observed_on", "monthly_cache_read_tokens", "monthly_cache_write_tokens", "monthly_input_tokens", "monthly_output_tokens", "monthly_requests", "monthly_spend", "offering_id", "origin", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reached", "role", "since", "tags", "traffic_share", "typical_request_tokens", "until", "via_party_id") SELECT old_values."application_id", old_values."binding", old_values."confirmed_on", old_values."created_at", old_values."fallback_order", old_values."id", old_values."last_observed_on", old_values."monthly_cache_read_tokens", old_values."monthly_cache_write_tokens", old_values."monthly_input_tokens", old_values."monthly_output_tokens", old_values."monthly_requests", old_values."monthly_spend", old_values."offering_id", old_values."origin", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reached", old_values."role", old_values."since", old_values."tags", old_values."traffic_share", old_values."typical_request_tokens", old_values."until", old_values."via_party_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="fba375c72c403f0999d07aa59ad5cbcdfcdd0365",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_26a67",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_dependency",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="adaptationhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="15042d036df28972c181c3ae828ffc834a845032",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d950f",
                    table="inventory_adaptationhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="adaptation",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_adaptationhistory" ("artefact_ref", "created_at", "dependency_id", "id", "invested_cost", "invested_days", "kind", "moves", "name", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."artefact_ref", new_values."created_at", new_values."dependency_id", new_values."id", new_values."invested_cost", new_values."invested_days", new_values."kind", new_values."moves", new_values."name", new_values."note", _pgh_attached_context.value, NOW(), \'insert\', new_values."id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="7b3c91e2046baf71aefd56e867cdae7d8ee6f96d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_6a53c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_adaptation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="adaptation",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_adaptationhistory" ("artefact_ref", "created_at", "dependency_id", "id", "invested_cost", "invested_days", "kind", "moves", "name", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT new_values."artefact_ref", new_values."created_at", new_values."dependency_id", new_values."id", new_values."invested_cost", new_values."invested_days", new_values."kind", new_values."moves", new_values."name", new_values."note", _pgh_attached_context.value, NOW(), \'update\', new_values."id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."artefact_ref" IS DISTINCT FROM (new_values."artefact_ref") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."invested_cost" IS DISTINCT FROM (new_values."invested_cost") OR old_values."invested_days" IS DISTINCT FROM (new_values."invested_days") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."moves" IS DISTINCT FROM (new_values."moves") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."note" IS DISTINCT FROM (new_values."note")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c3978f0764ee7f66843e570582e7f0cb4df081db",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5bf93",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_adaptation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="adaptation",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_adaptationhistory" ("artefact_ref", "created_at", "dependency_id", "id", "invested_cost", "invested_days", "kind", "moves", "name", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") SELECT old_values."artefact_ref", old_values."created_at", old_values."dependency_id", old_values."id", old_values."invested_cost", old_values."invested_days", old_values."kind", old_values."moves", old_values."name", old_values."note", _pgh_attached_context.value, NOW(), \'delete\', old_values."id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a7c931d2a056627a35ff306a4ecda22e3db92cae",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ea07b",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_adaptation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dependencyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="df3e70252f4f895fc0ab2d0f0c22200da38f9305",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e76ae",
                    table="inventory_dependencyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM new_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="c1533e783000159bf9597d44071d0d4dafded16c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_exit_plan_changed_by_insert_19882",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM old_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="0661e271b05f62907854a846495f0788d4e62289",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_exit_plan_changed_by_delete_d080b",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_plan_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="0b355f9702d6cc7976b7dbbc515a57df4a4ba629",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_exit_plan_changed_by_update_76228",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exitplanhistory" ("alternatives", "alternatives_identified", "blockers", "created_at", "dependency_id", "estimated_cost", "estimated_days", "id", "next_test_on", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "reintegration", "reliance", "substitutability", "target_id") SELECT new_values."alternatives", new_values."alternatives_identified", new_values."blockers", new_values."created_at", new_values."dependency_id", new_values."estimated_cost", new_values."estimated_days", new_values."id", new_values."next_test_on", new_values."note", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reason", new_values."reintegration", new_values."reliance", new_values."substitutability", new_values."target_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="76e10cf93c4f9ca4fb7341c08aa38a369178be92",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f3861",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exitplanhistory" ("alternatives", "alternatives_identified", "blockers", "created_at", "dependency_id", "estimated_cost", "estimated_days", "id", "next_test_on", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "reintegration", "reliance", "substitutability", "target_id") SELECT new_values."alternatives", new_values."alternatives_identified", new_values."blockers", new_values."created_at", new_values."dependency_id", new_values."estimated_cost", new_values."estimated_days", new_values."id", new_values."next_test_on", new_values."note", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reason", new_values."reintegration", new_values."reliance", new_values."substitutability", new_values."target_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alternatives" IS DISTINCT FROM (new_values."alternatives") OR old_values."alternatives_identified" IS DISTINCT FROM (new_values."alternatives_identified") OR old_values."blockers" IS DISTINCT FROM (new_values."blockers") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."estimated_cost" IS DISTINCT FROM (new_values."estimated_cost") OR old_values."estimated_days" IS DISTINCT FROM (new_values."estimated_days") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."next_test_on" IS DISTINCT FROM (new_values."next_test_on") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."reintegration" IS DISTINCT FROM (new_values."reintegration") OR old_values."reliance" IS DISTINCT FROM (new_values."reliance") OR old_values."substitutability" IS DISTINCT FROM (new_values."substitutability") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="733895d38fb11ceeb675c6c47c422c10afa404d4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3cf5d",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplan",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exitplanhistory" ("alternatives", "alternatives_identified", "blockers", "created_at", "dependency_id", "estimated_cost", "estimated_days", "id", "next_test_on", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "reintegration", "reliance", "substitutability", "target_id") SELECT old_values."alternatives", old_values."alternatives_identified", old_values."blockers", old_values."created_at", old_values."dependency_id", old_values."estimated_cost", old_values."estimated_days", old_values."id", old_values."next_test_on", old_values."note", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reason", old_values."reintegration", old_values."reliance", old_values."substitutability", old_values."target_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="0cca2849288c9bebdfbe6b52ad2ee19aaea8c67b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c7b98",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_exitplan",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exitplanhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="5e55c1fd0e8e54674c52ab8bfa99e88ad169d429",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b7dfb",
                    table="inventory_exitplanhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM new_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="09d5fe992235c21f734adb190a2bff599006f30e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_exit_test_changed_by_insert_aba09",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM old_rows r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="487f93cab402c13c198d1ca6a74441acec1093d5",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_exit_test_changed_by_delete_b4c70",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="exit_test_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="INSERT INTO inventory_changedapplication (application_id) SELECT DISTINCT d.application_id FROM (SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows) r JOIN inventory_dependency d ON d.id = r.dependency_id; RETURN NULL;",
                    hash="d09fbb9a883ec39d2dd06259ac0884677d652b6c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_exit_test_changed_by_update_7c37f",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exittesthistory" ("cost", "created_at", "dependency_id", "effort_days", "evidence_ref", "expires_on", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quality_delta", "quality_metric", "recorded_by_id", "result", "target_id", "tested_on", "tested_version_id") SELECT new_values."cost", new_values."created_at", new_values."dependency_id", new_values."effort_days", new_values."evidence_ref", new_values."expires_on", new_values."id", new_values."note", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."quality_delta", new_values."quality_metric", new_values."recorded_by_id", new_values."result", new_values."target_id", new_values."tested_on", new_values."tested_version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="68f94d6f5c5b59c627487bdf677499a225558299",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_217f5",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exittesthistory" ("cost", "created_at", "dependency_id", "effort_days", "evidence_ref", "expires_on", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quality_delta", "quality_metric", "recorded_by_id", "result", "target_id", "tested_on", "tested_version_id") SELECT new_values."cost", new_values."created_at", new_values."dependency_id", new_values."effort_days", new_values."evidence_ref", new_values."expires_on", new_values."id", new_values."note", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."quality_delta", new_values."quality_metric", new_values."recorded_by_id", new_values."result", new_values."target_id", new_values."tested_on", new_values."tested_version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."cost" IS DISTINCT FROM (new_values."cost") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."dependency_id" IS DISTINCT FROM (new_values."dependency_id") OR old_values."effort_days" IS DISTINCT FROM (new_values."effort_days") OR old_values."evidence_ref" IS DISTINCT FROM (new_values."evidence_ref") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."note" IS DISTINCT FROM (new_values."note") OR old_values."quality_delta" IS DISTINCT FROM (new_values."quality_delta") OR old_values."quality_metric" IS DISTINCT FROM (new_values."quality_metric") OR old_values."recorded_by_id" IS DISTINCT FROM (new_values."recorded_by_id") OR old_values."result" IS DISTINCT FROM (new_values."result") OR old_values."target_id" IS DISTINCT FROM (new_values."target_id") OR old_values."tested_on" IS DISTINCT FROM (new_values."tested_on") OR old_values."tested_version_id" IS DISTINCT FROM (new_values."tested_version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="bd9b445f52148b2cdf9bd74a1b01dcbf999968ec",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_fdcdd",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittest",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_exittesthistory" ("cost", "created_at", "dependency_id", "effort_days", "evidence_ref", "expires_on", "id", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quality_delta", "quality_metric", "recorded_by_id", "result", "target_id", "tested_on", "tested_version_id") SELECT old_values."cost", old_values."created_at", old_values."dependency_id", old_values."effort_days", old_values."evidence_ref", old_values."expires_on", old_values."id", old_values."note", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."quality_delta", old_values."quality_metric", old_values."recorded_by_id", old_values."result", old_values."target_id", old_values."tested_on", old_values."tested_version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="316019e4d9017c64e255356e035e1e4671d058a2",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c501e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_exittest",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="exittesthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a8079b3b9c20beff3f9af7735cc35bd79be6c0fa",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_1a375",
                    table="inventory_exittesthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT new_values."as_of", new_values."expires_on", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."query", new_values."requested_by_id", new_values."team_ids", new_values."whole_organisation" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="fea2775902af14d954aee85226ccfd0880f92f0e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1bb7a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT new_values."as_of", new_values."expires_on", new_values."id", new_values."kind", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."query", new_values."requested_by_id", new_values."team_ids", new_values."whole_organisation" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."as_of" IS DISTINCT FROM (new_values."as_of") OR old_values."expires_on" IS DISTINCT FROM (new_values."expires_on") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."kind" IS DISTINCT FROM (new_values."kind") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."query" IS DISTINCT FROM (new_values."query") OR old_values."requested_by_id" IS DISTINCT FROM (new_values."requested_by_id") OR old_values."team_ids" IS DISTINCT FROM (new_values."team_ids") OR old_values."whole_organisation" IS DISTINCT FROM (new_values."whole_organisation")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b63b7e264996a17e41be01690f2b7ace8046757a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_21000",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexport",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_listexporthistory" ("as_of", "expires_on", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "requested_by_id", "team_ids", "whole_organisation") SELECT old_values."as_of", old_values."expires_on", old_values."id", old_values."kind", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."query", old_values."requested_by_id", old_values."team_ids", old_values."whole_organisation" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="537d07cf44e9b277109b8b54b415499dbef2ba69",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d9743",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_listexport",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="listexporthistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="86c0e8331b104f8c30f93252222979e747551d68",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_000e9",
                    table="inventory_listexporthistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selection",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectionhistory" ("created_at", "created_by_id", "criteria", "decided_by_id", "decided_on", "decision", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "reason", "review_on", "state", "supersedes_id", "title") SELECT new_values."created_at", new_values."created_by_id", new_values."criteria", new_values."decided_by_id", new_values."decided_on", new_values."decision", new_values."id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."purpose", new_values."reason", new_values."review_on", new_values."state", new_values."supersedes_id", new_values."title" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0b17829ac75c5e0b1fd4d6ed3d0ff6941fe8e651",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_5574e",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_selection",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selection",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectionhistory" ("created_at", "created_by_id", "criteria", "decided_by_id", "decided_on", "decision", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "reason", "review_on", "state", "supersedes_id", "title") SELECT new_values."created_at", new_values."created_by_id", new_values."criteria", new_values."decided_by_id", new_values."decided_on", new_values."decision", new_values."id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."purpose", new_values."reason", new_values."review_on", new_values."state", new_values."supersedes_id", new_values."title" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."created_by_id" IS DISTINCT FROM (new_values."created_by_id") OR old_values."criteria" IS DISTINCT FROM (new_values."criteria") OR old_values."decided_by_id" IS DISTINCT FROM (new_values."decided_by_id") OR old_values."decided_on" IS DISTINCT FROM (new_values."decided_on") OR old_values."decision" IS DISTINCT FROM (new_values."decision") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."purpose" IS DISTINCT FROM (new_values."purpose") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."review_on" IS DISTINCT FROM (new_values."review_on") OR old_values."state" IS DISTINCT FROM (new_values."state") OR old_values."supersedes_id" IS DISTINCT FROM (new_values."supersedes_id") OR old_values."title" IS DISTINCT FROM (new_values."title")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f2fc8fd6b5412ff1da001b4dcae3b6cde0f01900",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_2f174",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_selection",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selection",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectionhistory" ("created_at", "created_by_id", "criteria", "decided_by_id", "decided_on", "decision", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose", "reason", "review_on", "state", "supersedes_id", "title") SELECT old_values."created_at", old_values."created_by_id", old_values."criteria", old_values."decided_by_id", old_values."decided_on", old_values."decision", old_values."id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."purpose", old_values."reason", old_values."review_on", old_values."state", old_values."supersedes_id", old_values."title" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="f934efc00bcceefbd2d014cd4a66c0555226282b",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b5220",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_selection",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selectioncandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectioncandidatehistory" ("chosen", "foundation_id", "id", "note", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scorecard", "scores", "selection_id") SELECT new_values."chosen", new_values."foundation_id", new_values."id", new_values."note", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."scorecard", new_values."scores", new_values."selection_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="cb9efd473704a52b91b5149e7bba5bf279bb082b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_120c8",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="inventory_selectioncandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selectioncandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectioncandidatehistory" ("chosen", "foundation_id", "id", "note", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scorecard", "scores", "selection_id") SELECT new_values."chosen", new_values."foundation_id", new_values."id", new_values."note", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."scorecard", new_values."scores", new_values."selection_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e0f6c7c036234a8d9b2ac850c4bc368a148cbab0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_24638",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="inventory_selectioncandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selectioncandidate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "inventory_selectioncandidatehistory" ("chosen", "foundation_id", "id", "note", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "scorecard", "scores", "selection_id") SELECT old_values."chosen", old_values."foundation_id", old_values."id", old_values."note", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."scorecard", old_values."scores", old_values."selection_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="fc37fa6de7cfdf80dbb602343938029882672b7c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_54ea9",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="inventory_selectioncandidate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selectioncandidatehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="be8efae40f7c9182dcf0df08b975caea9aede4db",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_ffa46",
                    table="inventory_selectioncandidatehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="selectionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9d21c16ce57a12681d3929db5df0a902fd83ae80",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_30a4a",
                    table="inventory_selectionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=load_statement("inventory", "definitions/is_live"),
            reverse_sql="DROP FUNCTION is_live(date, date, date)",
        ),
    ]
