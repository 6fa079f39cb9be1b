"""The tables of catalog, with their history and triggers."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.common.database.fields
from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("common", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangedOffering",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("offering_id", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "offering"),
                            (2, "version"),
                            (3, "foundation"),
                            (4, "developer"),
                            (5, "host"),
                            (6, "gateway"),
                            (7, "region"),
                            (8, "vendor"),
                        ]
                    ),
                ),
                ("ref", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("kind", "ref"), name="node_once")],
            },
        ),
        migrations.CreateModel(
            name="Provider",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=80, unique=True)),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("developer", "Developer"),
                                ("host", "Host"),
                                ("gateway", "Gateway"),
                                ("reseller", "Reseller"),
                            ],
                            max_length=10,
                        )
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True, help_text="ISO 3166-1 alpha-2 code, such as IE.", max_length=2
                    ),
                ),
                ("promised_notice_days", models.PositiveIntegerField(blank=True, null=True)),
                ("deprecation_policy_url", models.URLField(blank=True, max_length=500)),
                ("terms_url", models.URLField(blank=True, max_length=500)),
                ("status_page_url", models.URLField(blank=True, max_length=500)),
                (
                    "lei",
                    models.CharField(
                        blank=True,
                        help_text="Legal entity identifier (ISO 17442).",
                        max_length=20,
                        verbose_name="LEI",
                    ),
                ),
                (
                    "critical_third_party",
                    models.BooleanField(
                        blank=True,
                        help_text="Designated as a critical ICT third-party provider under Article 31 of DORA.",
                        null=True,
                    ),
                ),
                ("critical_third_party_source", models.URLField(blank=True, max_length=500)),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subsidiaries",
                        to="catalog.provider",
                    ),
                ),
                (
                    "legal_name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Name as in the commercial register.",
                        max_length=200,
                    ),
                ),
                (
                    "person_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("legal", "Legal person"),
                            ("individual", "Individual acting in a business capacity"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["roles"], name="provider_roles"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("roles", []), _negated=True),
                        name="provider_has_role",
                        violation_error_message="Select at least one role: developer, host, gateway or reseller.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("parent__isnull", True),
                            models.Q(("parent", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="provider_not_its_own_parent",
                        violation_error_message="A provider cannot be its own parent. Choose another parent.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("critical_third_party__isnull", True),
                            models.Q(("critical_third_party_source", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="provider_critical_has_source",
                        violation_error_message="Enter where the designation as critical third party is published.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Foundation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(max_length=160, unique=True)),
                (
                    "line",
                    models.CharField(
                        help_text="developer/line, such as anthropic/claude-sonnet-4-5.",
                        max_length=200,
                        unique=True,
                    ),
                ),
                ("family", models.CharField(blank=True, max_length=100)),
                (
                    "modalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list
                    ),
                ),
                ("licence", models.CharField(blank=True, max_length=100)),
                ("open_weights", models.BooleanField(blank=True, null=True)),
                ("acceptable_use_url", models.URLField(blank=True, max_length=500)),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "developer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="foundations",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [
                    models.Index(fields=["developer", "name"], name="foundation_by_developer")
                ],
            },
        ),
        migrations.CreateModel(
            name="FoundationHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(db_index=False, max_length=160)),
                (
                    "line",
                    models.CharField(
                        help_text="developer/line, such as anthropic/claude-sonnet-4-5.",
                        max_length=200,
                    ),
                ),
                ("family", models.CharField(blank=True, max_length=100)),
                (
                    "modalities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list
                    ),
                ),
                ("licence", models.CharField(blank=True, max_length=100)),
                ("open_weights", models.BooleanField(blank=True, null=True)),
                ("acceptable_use_url", models.URLField(blank=True, max_length=500)),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="catalog.foundation",
                    ),
                ),
                (
                    "developer",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticePolicy",
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
                            ("all", "All models"),
                            ("general", "General models"),
                            ("specialised", "Specialised models"),
                            ("preview", "Previews"),
                        ],
                        default="all",
                        max_length=12,
                    ),
                ),
                (
                    "notice_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Minimum days between announcement and retirement.",
                        null=True,
                    ),
                ),
                (
                    "life_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Minimum days between release and retirement.",
                        null=True,
                    ),
                ),
                ("source_url", models.URLField(max_length=500)),
                (
                    "source_on",
                    models.DateField(
                        blank=True, help_text="Date on which the page stated the policy.", null=True
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notice_policies",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "notice policies",
                "ordering": ["provider", "scope"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "scope"),
                        name="notice_policy_once",
                        violation_error_message="This provider already has a notice policy for these models. Change it instead.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("notice_days__isnull", False),
                            ("life_days__isnull", False),
                            _connector="OR",
                        ),
                        name="notice_policy_says_something",
                        violation_error_message="Enter the minimum notice, the minimum life, or both.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticePolicyHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "All models"),
                            ("general", "General models"),
                            ("specialised", "Specialised models"),
                            ("preview", "Previews"),
                        ],
                        default="all",
                        max_length=12,
                    ),
                ),
                (
                    "notice_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Minimum days between announcement and retirement.",
                        null=True,
                    ),
                ),
                (
                    "life_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Minimum days between release and retirement.",
                        null=True,
                    ),
                ),
                ("source_url", models.URLField(max_length=500)),
                (
                    "source_on",
                    models.DateField(
                        blank=True, help_text="Date on which the page stated the policy.", null=True
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
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
                        to="catalog.noticepolicy",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ProviderHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(db_index=False, max_length=80)),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("developer", "Developer"),
                                ("host", "Host"),
                                ("gateway", "Gateway"),
                                ("reseller", "Reseller"),
                            ],
                            max_length=10,
                        )
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        blank=True, help_text="ISO 3166-1 alpha-2 code, such as IE.", max_length=2
                    ),
                ),
                ("promised_notice_days", models.PositiveIntegerField(blank=True, null=True)),
                ("deprecation_policy_url", models.URLField(blank=True, max_length=500)),
                ("terms_url", models.URLField(blank=True, max_length=500)),
                ("status_page_url", models.URLField(blank=True, max_length=500)),
                (
                    "lei",
                    models.CharField(
                        blank=True,
                        help_text="Legal entity identifier (ISO 17442).",
                        max_length=20,
                        verbose_name="LEI",
                    ),
                ),
                (
                    "critical_third_party",
                    models.BooleanField(
                        blank=True,
                        help_text="Designated as a critical ICT third-party provider under Article 31 of DORA.",
                        null=True,
                    ),
                ),
                ("critical_third_party_source", models.URLField(blank=True, max_length=500)),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "parent",
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
                        to="catalog.provider",
                    ),
                ),
                (
                    "legal_name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Name as in the commercial register.",
                        max_length=200,
                    ),
                ),
                (
                    "person_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("legal", "Legal person"),
                            ("individual", "Individual acting in a business capacity"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Region",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="regions",
                        to="catalog.provider",
                    ),
                ),
            ],
            options={
                "ordering": ["host", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("host", "name"), name="region_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("kind", models.CharField(help_text="Adapter that reads the feed.", max_length=30)),
                ("url", models.CharField(blank=True, max_length=500)),
                (
                    "trusted_address",
                    models.BooleanField(
                        default=False,
                        help_text="Set by the operator; the URL can be private or a file.",
                    ),
                ),
                ("interval_minutes", models.PositiveIntegerField(default=60)),
                ("stale_after_minutes", models.PositiveIntegerField(default=1440)),
                (
                    "trust_rank",
                    models.PositiveSmallIntegerField(
                        default=50, help_text="1 is the highest priority."
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("licence_note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "frozen_after_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="A feed that responds but has not changed for longer is marked as not updating.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["trust_rank", "name"],
            },
        ),
        migrations.CreateModel(
            name="SourceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("slug", models.SlugField(db_index=False, max_length=40)),
                ("name", models.CharField(max_length=100)),
                ("kind", models.CharField(help_text="Adapter that reads the feed.", max_length=30)),
                ("url", models.CharField(blank=True, max_length=500)),
                (
                    "trusted_address",
                    models.BooleanField(
                        default=False,
                        help_text="Set by the operator; the URL can be private or a file.",
                    ),
                ),
                ("interval_minutes", models.PositiveIntegerField(default=60)),
                ("stale_after_minutes", models.PositiveIntegerField(default=1440)),
                (
                    "trust_rank",
                    models.PositiveSmallIntegerField(
                        default=50, help_text="1 is the highest priority."
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("licence_note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="catalog.source",
                    ),
                ),
                (
                    "frozen_after_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="A feed that responds but has not changed for longer is marked as not updating.",
                        null=True,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identifier", models.CharField(max_length=200, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("moving", models.BooleanField(default=False)),
                ("released_on", models.DateField(blank=True, null=True)),
                (
                    "released_precision",
                    models.CharField(
                        choices=[("day", "day"), ("month", "month"), ("year", "year")],
                        default="day",
                        max_length=5,
                    ),
                ),
                ("knowledge_cutoff", models.CharField(blank=True, max_length=20)),
                (
                    "context_window",
                    models.PositiveIntegerField(blank=True, help_text="Tokens.", null=True),
                ),
                (
                    "access",
                    models.CharField(
                        blank=True,
                        choices=[("api", "API only"), ("weights", "Open weights")],
                        max_length=8,
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "aliases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "repositories",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "foundation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "predecessor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="successors",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "ordering": ["identifier"],
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identifier", models.CharField(max_length=200, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("alias", "Alias"), ("synonym", "Synonym"), ("family", "Family")],
                        max_length=8,
                    ),
                ),
                (
                    "synonym_of",
                    models.CharField(
                        blank=True,
                        help_text="Identifier for which this is another spelling.",
                        max_length=200,
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "aliases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "repositories",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "foundation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="catalog.foundation",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alias_records",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "aliases",
                "ordering": ["identifier"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "family"), ("version__isnull", True)),
                            ("version__isnull", False),
                            _connector="OR",
                        ),
                        name="alias_points_somewhere",
                        violation_error_message="Choose a version. Only a family name can be without one.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AliasHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("identifier", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("alias", "Alias"), ("synonym", "Synonym"), ("family", "Family")],
                        max_length=8,
                    ),
                ),
                (
                    "synonym_of",
                    models.CharField(
                        blank=True,
                        help_text="Identifier for which this is another spelling.",
                        max_length=200,
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "aliases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "repositories",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="catalog.alias",
                    ),
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
            name="Derivation",
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
                            ("fine_tune", "Fine-tune"),
                            ("distillation", "Distillation"),
                            ("quantisation", "Quantisation"),
                            ("merge", "Merge"),
                            ("adapter", "Adapter"),
                            ("next_generation", "Next generation"),
                        ],
                        max_length=16,
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "child",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="derived_from",
                        to="catalog.version",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="derivatives",
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "ordering": ["child", "parent"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("child", "parent", "kind"),
                        name="derivation_once",
                        violation_error_message="This lineage relationship is already recorded.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("child", models.F("parent")), _negated=True),
                        name="derivation_not_itself",
                        violation_error_message="A version cannot be derived from itself. Choose another parent.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DerivationHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fine_tune", "Fine-tune"),
                            ("distillation", "Distillation"),
                            ("quantisation", "Quantisation"),
                            ("merge", "Merge"),
                            ("adapter", "Adapter"),
                            ("next_generation", "Next generation"),
                        ],
                        max_length=16,
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
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
                        to="catalog.derivation",
                    ),
                ),
                (
                    "child",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.version",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_constraint=False,
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
            name="IdentityDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("raw", models.CharField(max_length=300)),
                ("not_a_model", models.BooleanField(default=False)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alias",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="catalog.alias",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: on every host.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="catalog.provider",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="catalog.version",
                    ),
                ),
            ],
            options={
                "ordering": ["-decided_at"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("raw"),
                        models.F("host"),
                        condition=models.Q(("revoked_at__isnull", True)),
                        name="identity_decision_once",
                        nulls_distinct=False,
                        violation_error_message="This model ID is already identified on this host. Remove that decision first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("alias__isnull", True),
                                ("not_a_model", True),
                                ("version__isnull", True),
                            ),
                            models.Q(
                                ("alias__isnull", True),
                                ("not_a_model", False),
                                ("version__isnull", False),
                            ),
                            models.Q(
                                ("alias__isnull", False),
                                ("not_a_model", False),
                                ("version__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="identity_decision_says_one_thing",
                        violation_error_message="Choose a version, an alias, or 'not a model'.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdentityDecisionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("raw", models.CharField(max_length=300)),
                ("not_a_model", models.BooleanField(default=False)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "alias",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.alias",
                    ),
                ),
                (
                    "decided_by",
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
                        to="catalog.identitydecision",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: on every host.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
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
            name="VersionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("identifier", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=200)),
                ("moving", models.BooleanField(default=False)),
                ("released_on", models.DateField(blank=True, null=True)),
                (
                    "released_precision",
                    models.CharField(
                        choices=[("day", "day"), ("month", "month"), ("year", "year")],
                        default="day",
                        max_length=5,
                    ),
                ),
                ("knowledge_cutoff", models.CharField(blank=True, max_length=20)),
                (
                    "context_window",
                    models.PositiveIntegerField(blank=True, help_text="Tokens.", null=True),
                ),
                (
                    "access",
                    models.CharField(
                        blank=True,
                        choices=[("api", "API only"), ("weights", "Open weights")],
                        max_length=8,
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "aliases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                (
                    "repositories",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list
                    ),
                ),
                ("source_url", models.URLField(blank=True, max_length=500)),
                ("source_on", models.DateField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                        to="catalog.version",
                    ),
                ),
                (
                    "predecessor",
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
            name="Assertion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("identity", "Identity"),
                            ("lifecycle", "Lifecycle"),
                            ("price", "Price"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "group",
                    models.CharField(
                        blank=True,
                        help_text="Provider whose rows the bulk guard counts together.",
                        max_length=100,
                    ),
                ),
                ("value", models.JSONField(default=dict)),
                ("excerpt", models.JSONField(blank=True, default=dict)),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(
                        help_text="Time of the poll at which the value was last accepted."
                    ),
                ),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("pending", models.JSONField(blank=True, null=True)),
                ("pending_since", models.DateTimeField(blank=True, null=True)),
                (
                    "held",
                    models.BooleanField(
                        default=False,
                        help_text="The missing or changed value is on hold until it is confirmed or a user decides.",
                    ),
                ),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "asserted_by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assertions",
                        to="catalog.source",
                    ),
                ),
                (
                    "floating_since",
                    models.DateField(
                        blank=True,
                        help_text="Date since which the price changes too often to report each change.",
                        null=True,
                    ),
                ),
                (
                    "next_start_on",
                    models.DateField(
                        blank=True,
                        help_text="Next date on which a price published in advance applies.",
                        null=True,
                    ),
                ),
                (
                    "price_moves",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="ISO dates of the last 90 days on which the price changed, including changes that were reverted.",
                    ),
                ),
                (
                    "refused",
                    models.JSONField(
                        blank=True,
                        help_text='Value on hold that a user rejected, or {"absent": true}; ignored while the feed repeats it.',
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["source", "external_id", "topic"],
            },
        ),
        migrations.CreateModel(
            name="Offering",
            fields=[
                (
                    "regions",
                    models.ManyToManyField(
                        blank=True, related_name="offerings", to="catalog.region"
                    ),
                ),
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("api_id", models.CharField(max_length=300)),
                ("region_scope", models.CharField(blank=True, default="", max_length=60)),
                ("service_tier", models.CharField(blank=True, default="", max_length=80)),
                ("name", models.CharField(blank=True, max_length=300)),
                (
                    "category",
                    models.CharField(
                        blank=True,
                        help_text="Function of the model: chat, embedding, rerank, ...",
                        max_length=40,
                    ),
                ),
                (
                    "binding",
                    models.CharField(
                        choices=[("pinned", "Pinned"), ("alias", "Alias"), ("unknown", "Unknown")],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                (
                    "not_a_model",
                    models.BooleanField(
                        default=False,
                        help_text="A tool or price row, as decided by a user or a rule.",
                    ),
                ),
                (
                    "identity_confidence",
                    models.DecimalField(decimal_places=2, default=0, max_digits=3),
                ),
                ("identity_explanation", models.TextField(blank=True)),
                (
                    "lifecycle",
                    models.CharField(
                        choices=[
                            ("preview", "Preview"),
                            ("active", "Active"),
                            ("legacy", "Legacy"),
                            ("deprecated", "Deprecated"),
                            ("retired", "Retired"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("announced_on", models.DateField(blank=True, null=True)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "end_behaviour",
                    models.CharField(
                        choices=[
                            ("error", "Calls fail"),
                            ("redirect", "Calls are redirected"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                ("replacement_text", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "alias",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offerings",
                        to="catalog.alias",
                    ),
                ),
                (
                    "lifecycle_claim",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "price_claim",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "replacement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replaces",
                        to="catalog.offering",
                    ),
                ),
                (
                    "gateway",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gateway_offerings",
                        to="catalog.provider",
                    ),
                ),
                (
                    "host",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offerings",
                        to="catalog.provider",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offerings",
                        to="catalog.version",
                    ),
                ),
                (
                    "identity_reason",
                    models.CharField(
                        choices=[
                            ("rules", "Rules"),
                            ("deployment", "Deployment listing"),
                            ("decision", "Decision"),
                        ],
                        db_default="rules",
                        default="rules",
                        help_text="Reason for the model identification.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["host", "api_id", "region_scope", "service_tier"],
                "indexes": [
                    models.Index(fields=["version"], name="offering_by_version"),
                    models.Index(
                        condition=models.Q(("retires_on__isnull", False)),
                        fields=["retires_on"],
                        name="offering_by_end",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Upper("api_id"), name="gin_trgm_ops"
                        ),
                        name="offering_api_id_search",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("host", "api_id", "region_scope", "service_tier"),
                        name="offering_once",
                        violation_error_message="This host already has an offering with this model ID, region and tier.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("date_kind", ""), ("retires_on__isnull", True)),
                            models.Q(
                                ("retires_on__isnull", False),
                                models.Q(("date_kind", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="offering_date_has_kind",
                        violation_error_message="A retirement date needs a type, announced or earliest. Without a date, leave the type empty.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("replacement__isnull", True),
                            models.Q(("replacement", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="offering_not_its_own_replacement",
                        violation_error_message="An offering cannot replace itself. Choose another replacement.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("date_kind", "not_before"), ("lifecycle", "retired"), _negated=True
                        ),
                        name="offering_soft_date_never_retires",
                        violation_error_message="An earliest retirement date does not retire the offering. Record an announced date first.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AssertionHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("external_id", models.CharField(max_length=400)),
                (
                    "topic",
                    models.CharField(
                        choices=[
                            ("identity", "Identity"),
                            ("lifecycle", "Lifecycle"),
                            ("price", "Price"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "group",
                    models.CharField(
                        blank=True,
                        help_text="Provider whose rows the bulk guard counts together.",
                        max_length=100,
                    ),
                ),
                ("value", models.JSONField(default=dict)),
                ("excerpt", models.JSONField(blank=True, default=dict)),
                ("source_url", models.CharField(blank=True, max_length=1000)),
                ("first_seen", models.DateTimeField()),
                (
                    "changed_at",
                    models.DateTimeField(
                        help_text="Time of the poll at which the value was last accepted."
                    ),
                ),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reason",
                    apps.common.database.fields.LimitedTextField(blank=True, max_length=10000),
                ),
                (
                    "asserted_by",
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
                        to="catalog.assertion",
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
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.source",
                    ),
                ),
                (
                    "floating_since",
                    models.DateField(
                        blank=True,
                        help_text="Date since which the price changes too often to report each change.",
                        null=True,
                    ),
                ),
                (
                    "refused",
                    models.JSONField(
                        blank=True,
                        help_text='Value on hold that a user rejected, or {"absent": true}; ignored while the feed repeats it.',
                        null=True,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Footing",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "node_id",
                        "offering_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "via",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "direct"), (1, "one_of"), (2, "weights"), (3, "behaviour")]
                    ),
                ),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                (
                    "node",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="footings",
                        to="catalog.node",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="footings",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["offering"],
                        include=("node", "via", "depth"),
                        name="footing_by_offering",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferingHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("api_id", models.CharField(max_length=300)),
                ("region_scope", models.CharField(blank=True, default="", max_length=60)),
                ("service_tier", models.CharField(blank=True, default="", max_length=80)),
                ("name", models.CharField(blank=True, max_length=300)),
                (
                    "category",
                    models.CharField(
                        blank=True,
                        help_text="Function of the model: chat, embedding, rerank, ...",
                        max_length=40,
                    ),
                ),
                (
                    "binding",
                    models.CharField(
                        choices=[("pinned", "Pinned"), ("alias", "Alias"), ("unknown", "Unknown")],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                (
                    "not_a_model",
                    models.BooleanField(
                        default=False,
                        help_text="A tool or price row, as decided by a user or a rule.",
                    ),
                ),
                (
                    "identity_confidence",
                    models.DecimalField(decimal_places=2, default=0, max_digits=3),
                ),
                ("identity_explanation", models.TextField(blank=True)),
                (
                    "lifecycle",
                    models.CharField(
                        choices=[
                            ("preview", "Preview"),
                            ("active", "Active"),
                            ("legacy", "Legacy"),
                            ("deprecated", "Deprecated"),
                            ("retired", "Retired"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("announced_on", models.DateField(blank=True, null=True)),
                ("retires_on", models.DateField(blank=True, null=True)),
                (
                    "date_kind",
                    models.CharField(
                        blank=True,
                        choices=[("firm", "Firm"), ("not_before", "Earliest")],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "end_behaviour",
                    models.CharField(
                        choices=[
                            ("error", "Calls fail"),
                            ("redirect", "Calls are redirected"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=8,
                    ),
                ),
                ("replacement_text", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "alias",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.alias",
                    ),
                ),
                (
                    "lifecycle_claim",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.assertion",
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
                        to="catalog.offering",
                    ),
                ),
                (
                    "price_claim",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "replacement",
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
                    "gateway",
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
                    "host",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.provider",
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
                    "identity_reason",
                    models.CharField(
                        choices=[
                            ("rules", "Rules"),
                            ("deployment", "Deployment listing"),
                            ("decision", "Decision"),
                        ],
                        db_default="rules",
                        default="rules",
                        help_text="Reason for the model identification.",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("input", "input tokens"),
                            ("output", "output tokens"),
                            ("cache_read", "cached input tokens read"),
                            ("cache_write", "cached input tokens written"),
                            ("cache_write_1h", "cached input tokens written, kept an hour"),
                            ("reasoning", "reasoning tokens"),
                            ("input_off_peak", "input tokens, off peak"),
                            ("output_off_peak", "output tokens, off peak"),
                            ("cache_read_off_peak", "cached input tokens read, off peak"),
                            ("cache_write_off_peak", "cached input tokens written, off peak"),
                            ("input_audio", "audio input tokens"),
                            ("output_audio", "audio output tokens"),
                            ("cache_read_audio", "cached audio tokens read"),
                            ("cache_write_audio", "cached audio tokens written"),
                            ("input_image", "image input tokens"),
                            ("output_image", "image output tokens"),
                            ("cache_read_image", "cached image tokens read"),
                            ("input_video", "video input tokens"),
                            ("output_video", "video output tokens"),
                            ("cache_read_video", "cached video tokens read"),
                            ("input_batch", "input tokens, batch"),
                            ("output_batch", "output tokens, batch"),
                            ("input_priority", "input tokens, priority"),
                            ("output_priority", "output tokens, priority"),
                            ("input_flex", "input tokens, flex"),
                            ("output_flex", "output tokens, flex"),
                            ("image", "images"),
                            ("second", "seconds"),
                            ("character", "characters"),
                            ("page", "pages"),
                            ("query", "queries"),
                            ("request", "requests"),
                            ("web_search", "web searches"),
                            ("pixel", "pixels"),
                            ("video_second", "seconds of video"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "above_tokens",
                    models.PositiveIntegerField(
                        default=0, help_text="Applies to requests with more tokens than this."
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        help_text="From (inclusive) to (exclusive); without an end: until further notice."
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="catalog.assertion",
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="catalog.offering",
                    ),
                ),
            ],
            options={
                "ordering": ["offering", "unit", "above_tokens", "valid"],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("offering", "="),
                            ("unit", "="),
                            ("above_tokens", "="),
                            ("currency", "="),
                            ("valid", "&&"),
                        ],
                        name="price_ranges_do_not_overlap",
                        violation_error_message="Another price of this unit and tier applies in that period. End it first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)),
                        name="price_not_negative",
                        violation_error_message="A price must be 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid__isempty", False)),
                        name="price_range_not_empty",
                        violation_error_message="The price must end after it starts.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("input", "input tokens"),
                            ("output", "output tokens"),
                            ("cache_read", "cached input tokens read"),
                            ("cache_write", "cached input tokens written"),
                            ("cache_write_1h", "cached input tokens written, kept an hour"),
                            ("reasoning", "reasoning tokens"),
                            ("input_off_peak", "input tokens, off peak"),
                            ("output_off_peak", "output tokens, off peak"),
                            ("cache_read_off_peak", "cached input tokens read, off peak"),
                            ("cache_write_off_peak", "cached input tokens written, off peak"),
                            ("input_audio", "audio input tokens"),
                            ("output_audio", "audio output tokens"),
                            ("cache_read_audio", "cached audio tokens read"),
                            ("cache_write_audio", "cached audio tokens written"),
                            ("input_image", "image input tokens"),
                            ("output_image", "image output tokens"),
                            ("cache_read_image", "cached image tokens read"),
                            ("input_video", "video input tokens"),
                            ("output_video", "video output tokens"),
                            ("cache_read_video", "cached video tokens read"),
                            ("input_batch", "input tokens, batch"),
                            ("output_batch", "output tokens, batch"),
                            ("input_priority", "input tokens, priority"),
                            ("output_priority", "output tokens, priority"),
                            ("input_flex", "input tokens, flex"),
                            ("output_flex", "output tokens, flex"),
                            ("image", "images"),
                            ("second", "seconds"),
                            ("character", "characters"),
                            ("page", "pages"),
                            ("query", "queries"),
                            ("request", "requests"),
                            ("web_search", "web searches"),
                            ("pixel", "pixels"),
                            ("video_second", "seconds of video"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "above_tokens",
                    models.PositiveIntegerField(
                        default=0, help_text="Applies to requests with more tokens than this."
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("currency", models.CharField(default="USD", max_length=3)),
                (
                    "valid",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        help_text="From (inclusive) to (exclusive); without an end: until further notice."
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="catalog.assertion",
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
                        to="catalog.price",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ProviderEvent",
            fields=[
                (
                    "evidence",
                    models.ManyToManyField(
                        blank=True, related_name="events", to="catalog.assertion"
                    ),
                ),
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("announced", "Retirement announced"),
                            ("moved_earlier", "Retirement moved earlier"),
                            ("moved_later", "Retirement moved later"),
                            ("withdrawn", "Retirement withdrawn"),
                            ("retired", "Retired"),
                            ("delisted", "Delisted"),
                            ("repriced", "Price changed"),
                            ("alias_moved", "Alias moved"),
                            ("released", "Released"),
                            ("terms_changed", "Terms changed"),
                            ("disagreement", "Source disagreement"),
                        ],
                        max_length=15,
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("effective_on", models.DateField(null=True)),
                ("detected_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="catalog.offering",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="catalog.source",
                    ),
                ),
            ],
            options={
                "ordering": ["-detected_at", "-id"],
                "indexes": [
                    models.Index(fields=["detected_at", "id"], name="event_in_order"),
                    models.Index(fields=["offering"], name="event_by_offering"),
                    models.Index(fields=["kind", "detected_at"], name="event_by_kind"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderEventHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("key", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("announced", "Retirement announced"),
                            ("moved_earlier", "Retirement moved earlier"),
                            ("moved_later", "Retirement moved later"),
                            ("withdrawn", "Retirement withdrawn"),
                            ("retired", "Retired"),
                            ("delisted", "Delisted"),
                            ("repriced", "Price changed"),
                            ("alias_moved", "Alias moved"),
                            ("released", "Released"),
                            ("terms_changed", "Terms changed"),
                            ("disagreement", "Source disagreement"),
                        ],
                        max_length=15,
                    ),
                ),
                ("external_id", models.CharField(max_length=400)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("effective_on", models.DateField(null=True)),
                ("detected_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        to="catalog.providerevent",
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
        migrations.AddField(
            model_name="assertion",
            name="offering",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assertions",
                to="catalog.offering",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="source",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT new_values."created_at", new_values."enabled", new_values."frozen_after_days", new_values."id", new_values."interval_minutes", new_values."kind", new_values."licence_note", new_values."name", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."stale_after_minutes", new_values."trust_rank", new_values."trusted_address", new_values."updated_at", new_values."url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8c634e30e2f4a4c4e2d724844a125ddc67617158",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT new_values."created_at", new_values."enabled", new_values."frozen_after_days", new_values."id", new_values."interval_minutes", new_values."kind", new_values."licence_note", new_values."name", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."stale_after_minutes", new_values."trust_rank", new_values."trusted_address", new_values."updated_at", new_values."url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="d4bffbfdecdb4c2d52a907ecee682ba6ff6c7260",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_sourcehistory" ("created_at", "enabled", "frozen_after_days", "id", "interval_minutes", "kind", "licence_note", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "stale_after_minutes", "trust_rank", "trusted_address", "updated_at", "url") SELECT old_values."created_at", old_values."enabled", old_values."frozen_after_days", old_values."id", old_values."interval_minutes", old_values."kind", old_values."licence_note", old_values."name", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."stale_after_minutes", old_values."trust_rank", old_values."trusted_address", old_values."updated_at", old_values."url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="5f1f8662340ab5fa978c8a733b88b77de2776cec",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_903bd",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_source",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM new_rows) r;\n            RETURN NULL;\n        ",
                    hash="67d32a564226dbbee0aa89b865679cd40cb3c980",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_footing_changed_by_insert_5cd77",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM new_rows) r;\n            RETURN NULL;\n        ",
                    hash="41c8a2410e19990e248083969c7f57dee3e2fd09",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_footing_changed_by_update_08705",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="footing",
            trigger=pgtrigger.compiler.Trigger(
                name="footing_changed_by_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            INSERT INTO catalog_changedoffering (offering_id) SELECT DISTINCT offering_id FROM (SELECT offering_id FROM old_rows) r;\n            RETURN NULL;\n        ",
                    hash="83f7c863bfa4e4372b0b35184234f65db8d4bb2e",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_footing_changed_by_delete_3b656",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="catalog_footing",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="price",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_pricehistory" ("above_tokens", "amount", "claim_id", "currency", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit", "valid") SELECT new_values."above_tokens", new_values."amount", new_values."claim_id", new_values."currency", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."unit", new_values."valid" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="224904f7dd92c1a069aaad513eda477c4f39d076",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e6258",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_price",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="price",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_pricehistory" ("above_tokens", "amount", "claim_id", "currency", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit", "valid") SELECT new_values."above_tokens", new_values."amount", new_values."claim_id", new_values."currency", new_values."id", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."unit", new_values."valid" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="e88a7cc37eba3230e21f499374bd5dae42dd585a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5a6c7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_price",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="price",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_pricehistory" ("above_tokens", "amount", "claim_id", "currency", "id", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "unit", "valid") SELECT old_values."above_tokens", old_values."amount", old_values."claim_id", old_values."currency", old_values."id", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."unit", old_values."valid" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d4e3208d0c330b3fb3468bbb1533e849e5e7784e",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d273e",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_price",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pricehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b78282c61ba8fca27efbe19b91c81c8ce23821b0",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c5b06",
                    table="catalog_pricehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="provider_parent_changed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        INSERT INTO catalog_changedoffering (offering_id)\n        SELECT NULL WHERE EXISTS (\n            SELECT 1 FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.parent_id IS DISTINCT FROM o.parent_id\n        );\n        RETURN NULL;\n    ",
                    hash="afae5fbf20c017aafe687ab5f80b92b93f2ee313",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_provider_parent_changed_ead68",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="provider_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.parent_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('catalog_provider', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.parent_id\n                    UNION\n                    SELECT t.parent_id FROM above JOIN catalog_provider t ON t.id = above.id WHERE t.parent_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would make the company its own parent. Choose another parent.' USING ERRCODE = 'check_violation', CONSTRAINT = 'provider_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="0e28b87051d01fe6ba656eccd9ac63f4b081ccef",
                    operation='INSERT OR UPDATE OF "parent_id"',
                    pgid="pgtrigger_provider_no_circle_f8857",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providerhistory" ("country", "created_at", "critical_third_party", "critical_third_party_source", "deprecation_policy_url", "id", "legal_name", "lei", "name", "parent_id", "person_type", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "promised_notice_days", "roles", "slug", "source_on", "source_url", "status_page_url", "terms_url", "updated_at") SELECT new_values."country", new_values."created_at", new_values."critical_third_party", new_values."critical_third_party_source", new_values."deprecation_policy_url", new_values."id", new_values."legal_name", new_values."lei", new_values."name", new_values."parent_id", new_values."person_type", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."promised_notice_days", new_values."roles", new_values."slug", new_values."source_on", new_values."source_url", new_values."status_page_url", new_values."terms_url", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="300b69748151ac536c14b0553b860c007cd5b89a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_987f8",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providerhistory" ("country", "created_at", "critical_third_party", "critical_third_party_source", "deprecation_policy_url", "id", "legal_name", "lei", "name", "parent_id", "person_type", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "promised_notice_days", "roles", "slug", "source_on", "source_url", "status_page_url", "terms_url", "updated_at") SELECT new_values."country", new_values."created_at", new_values."critical_third_party", new_values."critical_third_party_source", new_values."deprecation_policy_url", new_values."id", new_values."legal_name", new_values."lei", new_values."name", new_values."parent_id", new_values."person_type", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."promised_notice_days", new_values."roles", new_values."slug", new_values."source_on", new_values."source_url", new_values."status_page_url", new_values."terms_url", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="d09614048d400dd3e3ae499ea690b23fc2df4bc0",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_25ad7",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="provider",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providerhistory" ("country", "created_at", "critical_third_party", "critical_third_party_source", "deprecation_policy_url", "id", "legal_name", "lei", "name", "parent_id", "person_type", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "promised_notice_days", "roles", "slug", "source_on", "source_url", "status_page_url", "terms_url", "updated_at") SELECT old_values."country", old_values."created_at", old_values."critical_third_party", old_values."critical_third_party_source", old_values."deprecation_policy_url", old_values."id", old_values."legal_name", old_values."lei", old_values."name", old_values."parent_id", old_values."person_type", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."promised_notice_days", old_values."roles", old_values."slug", old_values."source_on", old_values."source_url", old_values."status_page_url", old_values."terms_url", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="8c7f6552334820d722a6a55786528756e7f4d270",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ca086",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_provider",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticepolicyhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ee51f2de75eec89f25013c2eff396261625f0cb1",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_32082",
                    table="catalog_noticepolicyhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_noticepolicyhistory" ("id", "life_days", "note", "notice_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "scope", "source_on", "source_url") SELECT new_values."id", new_values."life_days", new_values."note", new_values."notice_days", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."provider_id", new_values."scope", new_values."source_on", new_values."source_url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c05a1277d67b489c168f133581912b5bb2e1c50f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9b375",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_noticepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_noticepolicyhistory" ("id", "life_days", "note", "notice_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "scope", "source_on", "source_url") SELECT new_values."id", new_values."life_days", new_values."note", new_values."notice_days", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."provider_id", new_values."scope", new_values."source_on", new_values."source_url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="84e5400936fdfe2cd900854cbb1d77f7887e7cb5",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f7afb",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_noticepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticepolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_noticepolicyhistory" ("id", "life_days", "note", "notice_days", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider_id", "scope", "source_on", "source_url") SELECT old_values."id", old_values."life_days", old_values."note", old_values."notice_days", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."provider_id", old_values."scope", old_values."source_on", old_values."source_url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ba8fdee833c92c3a842a0c1e7d76431df247f5cf",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4df64",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_noticepolicy",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundationhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b70e5942ca26450f03fb8fd826c8a2010e913974",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d1371",
                    table="catalog_foundationhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundation",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_foundationhistory" ("acceptable_use_url", "created_at", "developer_id", "family", "id", "licence", "line", "modalities", "name", "open_weights", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_on", "source_url", "updated_at") SELECT new_values."acceptable_use_url", new_values."created_at", new_values."developer_id", new_values."family", new_values."id", new_values."licence", new_values."line", new_values."modalities", new_values."name", new_values."open_weights", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."source_on", new_values."source_url", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b58a3e8d2d032d9d2f61bc51541fac283c41537b",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ab7f1",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_foundation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundation",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_foundationhistory" ("acceptable_use_url", "created_at", "developer_id", "family", "id", "licence", "line", "modalities", "name", "open_weights", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_on", "source_url", "updated_at") SELECT new_values."acceptable_use_url", new_values."created_at", new_values."developer_id", new_values."family", new_values."id", new_values."licence", new_values."line", new_values."modalities", new_values."name", new_values."open_weights", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."source_on", new_values."source_url", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="6c07d93f81cc0abda0998f31c86bb21f7d379dfb",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b5e08",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_foundation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="foundation",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_foundationhistory" ("acceptable_use_url", "created_at", "developer_id", "family", "id", "licence", "line", "modalities", "name", "open_weights", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "source_on", "source_url", "updated_at") SELECT old_values."acceptable_use_url", old_values."created_at", old_values."developer_id", old_values."family", old_values."id", old_values."licence", old_values."line", old_values."modalities", old_values."name", old_values."open_weights", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."source_on", old_values."source_url", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="7b8b51bdd4ef1ad3c9e897c96b488e01470b455f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9a5b5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_foundation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providerhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="25a397c7a0048451109bc23a5e96c413dd0bee4e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_e68b8",
                    table="catalog_providerhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providereventhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3345c43f73a84dffe6e7499646b23a0d3d8840e3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_c3907",
                    table="catalog_providereventhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="providerevent",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id") SELECT new_values."created_at", new_values."detected_at", new_values."effective_on", new_values."external_id", new_values."id", new_values."key", new_values."kind", new_values."new", new_values."offering_id", new_values."old", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."source_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="892f41851858090915b91c3299983e44a6b8216d",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id") SELECT new_values."created_at", new_values."detected_at", new_values."effective_on", new_values."external_id", new_values."id", new_values."key", new_values."kind", new_values."new", new_values."offering_id", new_values."old", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."source_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4aab2ab220a62ae4f3df4485eb86d3c73f3688e9",
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
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_providereventhistory" ("created_at", "detected_at", "effective_on", "external_id", "id", "key", "kind", "new", "offering_id", "old", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_id") SELECT old_values."created_at", old_values."detected_at", old_values."effective_on", old_values."external_id", old_values."id", old_values."key", old_values."kind", old_values."new", old_values."offering_id", old_values."old", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."source_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="ab305b3ee960863ec7abd86062cdf3b75a152943",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_6eead",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_providerevent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assertionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="087ffa38538aa144cd1ea5e785cac0258abc2457",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_20350",
                    table="catalog_assertionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="assertion",
            index=models.Index(fields=["offering", "topic"], name="assertion_by_offering"),
        ),
        migrations.AddIndex(
            model_name="assertion",
            index=models.Index(
                condition=models.Q(("pending_since__isnull", False)),
                fields=["source"],
                name="assertion_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="assertion",
            index=models.Index(
                condition=models.Q(("missing_since__isnull", False)),
                fields=["source", "missing_since"],
                name="assertion_missing",
            ),
        ),
        migrations.AddIndex(
            model_name="assertion",
            index=models.Index(
                condition=models.Q(("held", True)), fields=["source"], name="assertion_held"
            ),
        ),
        migrations.AddIndex(
            model_name="assertion",
            index=models.Index(
                condition=models.Q(("next_start_on__isnull", False)),
                fields=["next_start_on"],
                name="assertion_starting",
            ),
        ),
        migrations.AddConstraint(
            model_name="assertion",
            constraint=models.UniqueConstraint(
                fields=("source", "external_id", "topic"), name="assertion_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="assertion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("pending__isnull", True), ("pending_since__isnull", True)),
                    models.Q(("pending__isnull", False), ("pending_since__isnull", False)),
                    _connector="OR",
                ),
                name="assertion_pending_has_start",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assertion",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_assertionhistory" ("asserted_by_id", "changed_at", "excerpt", "external_id", "first_seen", "floating_since", "group", "id", "missing_since", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "refused", "source_id", "source_url", "topic", "value", "withdrawn_at") SELECT new_values."asserted_by_id", new_values."changed_at", new_values."excerpt", new_values."external_id", new_values."first_seen", new_values."floating_since", new_values."group", new_values."id", new_values."missing_since", new_values."offering_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."reason", new_values."refused", new_values."source_id", new_values."source_url", new_values."topic", new_values."value", new_values."withdrawn_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="4ecf5c8c8978f3b7d4c72a4700931f40695282a6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_dd69f",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_assertion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assertion",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_assertionhistory" ("asserted_by_id", "changed_at", "excerpt", "external_id", "first_seen", "floating_since", "group", "id", "missing_since", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "refused", "source_id", "source_url", "topic", "value", "withdrawn_at") SELECT new_values."asserted_by_id", new_values."changed_at", new_values."excerpt", new_values."external_id", new_values."first_seen", new_values."floating_since", new_values."group", new_values."id", new_values."missing_since", new_values."offering_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."reason", new_values."refused", new_values."source_id", new_values."source_url", new_values."topic", new_values."value", new_values."withdrawn_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."asserted_by_id" IS DISTINCT FROM (new_values."asserted_by_id") OR old_values."changed_at" IS DISTINCT FROM (new_values."changed_at") OR old_values."excerpt" IS DISTINCT FROM (new_values."excerpt") OR old_values."external_id" IS DISTINCT FROM (new_values."external_id") OR old_values."first_seen" IS DISTINCT FROM (new_values."first_seen") OR old_values."floating_since" IS DISTINCT FROM (new_values."floating_since") OR old_values."group" IS DISTINCT FROM (new_values."group") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."missing_since" IS DISTINCT FROM (new_values."missing_since") OR old_values."offering_id" IS DISTINCT FROM (new_values."offering_id") OR old_values."reason" IS DISTINCT FROM (new_values."reason") OR old_values."refused" IS DISTINCT FROM (new_values."refused") OR old_values."source_id" IS DISTINCT FROM (new_values."source_id") OR old_values."source_url" IS DISTINCT FROM (new_values."source_url") OR old_values."topic" IS DISTINCT FROM (new_values."topic") OR old_values."value" IS DISTINCT FROM (new_values."value") OR old_values."withdrawn_at" IS DISTINCT FROM (new_values."withdrawn_at")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="de86b84c5a85f8d7c8fc9b76bed0852ce91a270c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_953b8",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_assertion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assertion",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_assertionhistory" ("asserted_by_id", "changed_at", "excerpt", "external_id", "first_seen", "floating_since", "group", "id", "missing_since", "offering_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "refused", "source_id", "source_url", "topic", "value", "withdrawn_at") SELECT old_values."asserted_by_id", old_values."changed_at", old_values."excerpt", old_values."external_id", old_values."first_seen", old_values."floating_since", old_values."group", old_values."id", old_values."missing_since", old_values."offering_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."reason", old_values."refused", old_values."source_id", old_values."source_url", old_values."topic", old_values."value", old_values."withdrawn_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="a80ddbdb4ef93caed4bc1ab5d07c251e87403e0d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ac6b5",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_assertion",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcehistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="010474cd768e0d3e046b6cdbaa1684479276883a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_8ad6e",
                    table="catalog_sourcehistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="version",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_versionhistory" ("access", "aliases", "context_window", "created_at", "foundation_id", "id", "identifier", "knowledge_cutoff", "moving", "name", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predecessor_id", "released_on", "released_precision", "repositories", "source_on", "source_url", "updated_at") SELECT new_values."access", new_values."aliases", new_values."context_window", new_values."created_at", new_values."foundation_id", new_values."id", new_values."identifier", new_values."knowledge_cutoff", new_values."moving", new_values."name", new_values."names", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."predecessor_id", new_values."released_on", new_values."released_precision", new_values."repositories", new_values."source_on", new_values."source_url", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="fb365b916e029f3bbc717c8b9b7edda1b0434a91",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ec06c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_version",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="version",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_versionhistory" ("access", "aliases", "context_window", "created_at", "foundation_id", "id", "identifier", "knowledge_cutoff", "moving", "name", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predecessor_id", "released_on", "released_precision", "repositories", "source_on", "source_url", "updated_at") SELECT new_values."access", new_values."aliases", new_values."context_window", new_values."created_at", new_values."foundation_id", new_values."id", new_values."identifier", new_values."knowledge_cutoff", new_values."moving", new_values."name", new_values."names", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."predecessor_id", new_values."released_on", new_values."released_precision", new_values."repositories", new_values."source_on", new_values."source_url", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="cf9f2bbe0b26416910610b818ce088976a10644b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c95fa",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_version",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="version",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_versionhistory" ("access", "aliases", "context_window", "created_at", "foundation_id", "id", "identifier", "knowledge_cutoff", "moving", "name", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "predecessor_id", "released_on", "released_precision", "repositories", "source_on", "source_url", "updated_at") SELECT old_values."access", old_values."aliases", old_values."context_window", old_values."created_at", old_values."foundation_id", old_values."id", old_values."identifier", old_values."knowledge_cutoff", old_values."moving", old_values."name", old_values."names", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."predecessor_id", old_values."released_on", old_values."released_precision", old_values."repositories", old_values."source_on", old_values."source_url", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="75755d84b66ce3d42c4195e6ccc749269c1735c2",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f955f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_version",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offeringhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f467402ba8c9da8ce0453ca57088e635540dbd99",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_09da2",
                    table="catalog_offeringhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_footing_complete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare="DECLARE resolved boolean;",
                    func="\n        SELECT o.version_id IS NOT NULL INTO resolved FROM catalog_offering o\n        WHERE o.id = coalesce(\n            (SELECT n.ref FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id AND n.kind = 1\n             WHERE f.offering_id = NEW.id AND n.ref <> NEW.id LIMIT 1), NEW.id);\n        IF EXISTS (SELECT 1 FROM catalog_offering o WHERE o.id = NEW.id) AND (\n            SELECT count(DISTINCT n.kind)\n            FROM catalog_footing f JOIN catalog_node n ON n.id = f.node_id\n            WHERE f.offering_id = NEW.id AND f.depth = 0\n              AND n.kind = ANY (CASE WHEN resolved THEN ARRAY[1, 2, 3, 4, 5] ELSE ARRAY[1, 5] END)\n        ) < (CASE WHEN resolved THEN 5 ELSE 2 END) THEN\n            RAISE EXCEPTION 'Offering % has no complete footing; change it through apps.catalog.actions.', NEW.id\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'offering_footing_complete';\n        END IF;\n        RETURN NULL;\n    ",
                    hash="252d128f58d2d1889e685f996ed041b2988af2a9",
                    operation='INSERT OR UPDATE OF "version_id", "host_id", "gateway_id"',
                    pgid="pgtrigger_offering_footing_complete_4eb9d",
                    table="catalog_offering",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="offering_changed_by_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        INSERT INTO catalog_changedoffering (offering_id)\n        SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id\n        WHERE (n.lifecycle, n.retires_on, n.date_kind, n.end_behaviour, n.replacement_id, n.version_id, n.host_id,\n               n.gateway_id)\n           IS DISTINCT FROM (o.lifecycle, o.retires_on, o.date_kind, o.end_behaviour, o.replacement_id, o.version_id,\n               o.host_id, o.gateway_id);\n        RETURN NULL;\n    ",
                    hash="2540d3749e84769797130a3e552fb3ffd05a2968",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_offering_changed_by_update_0ac26",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a5ce206e3f9c2e7c30a629cd4cf32aad9e44a53a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_83700",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT new_values."alias_id", new_values."announced_on", new_values."api_id", new_values."binding", new_values."category", new_values."created_at", new_values."date_kind", new_values."end_behaviour", new_values."gateway_id", new_values."host_id", new_values."id", new_values."identity_confidence", new_values."identity_explanation", new_values."identity_reason", new_values."lifecycle", new_values."lifecycle_claim_id", new_values."name", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."price_claim_id", new_values."region_scope", new_values."replacement_id", new_values."replacement_text", new_values."retires_on", new_values."service_tier", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."alias_id" IS DISTINCT FROM (new_values."alias_id") OR old_values."announced_on" IS DISTINCT FROM (new_values."announced_on") OR old_values."api_id" IS DISTINCT FROM (new_values."api_id") OR old_values."binding" IS DISTINCT FROM (new_values."binding") OR old_values."category" IS DISTINCT FROM (new_values."category") OR old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."date_kind" IS DISTINCT FROM (new_values."date_kind") OR old_values."end_behaviour" IS DISTINCT FROM (new_values."end_behaviour") OR old_values."gateway_id" IS DISTINCT FROM (new_values."gateway_id") OR old_values."host_id" IS DISTINCT FROM (new_values."host_id") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."identity_confidence" IS DISTINCT FROM (new_values."identity_confidence") OR old_values."identity_explanation" IS DISTINCT FROM (new_values."identity_explanation") OR old_values."identity_reason" IS DISTINCT FROM (new_values."identity_reason") OR old_values."lifecycle" IS DISTINCT FROM (new_values."lifecycle") OR old_values."lifecycle_claim_id" IS DISTINCT FROM (new_values."lifecycle_claim_id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."not_a_model" IS DISTINCT FROM (new_values."not_a_model") OR old_values."price_claim_id" IS DISTINCT FROM (new_values."price_claim_id") OR old_values."region_scope" IS DISTINCT FROM (new_values."region_scope") OR old_values."replacement_id" IS DISTINCT FROM (new_values."replacement_id") OR old_values."replacement_text" IS DISTINCT FROM (new_values."replacement_text") OR old_values."retires_on" IS DISTINCT FROM (new_values."retires_on") OR old_values."service_tier" IS DISTINCT FROM (new_values."service_tier") OR old_values."version_id" IS DISTINCT FROM (new_values."version_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="c37802da2f5e6b3492a5cceeb1860900fb21b184",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_065e0",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offering",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_offeringhistory" ("alias_id", "announced_on", "api_id", "binding", "category", "created_at", "date_kind", "end_behaviour", "gateway_id", "host_id", "id", "identity_confidence", "identity_explanation", "identity_reason", "lifecycle", "lifecycle_claim_id", "name", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price_claim_id", "region_scope", "replacement_id", "replacement_text", "retires_on", "service_tier", "version_id") SELECT old_values."alias_id", old_values."announced_on", old_values."api_id", old_values."binding", old_values."category", old_values."created_at", old_values."date_kind", old_values."end_behaviour", old_values."gateway_id", old_values."host_id", old_values."id", old_values."identity_confidence", old_values."identity_explanation", old_values."identity_reason", old_values."lifecycle", old_values."lifecycle_claim_id", old_values."name", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."price_claim_id", old_values."region_scope", old_values."replacement_id", old_values."replacement_text", old_values."retires_on", old_values."service_tier", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="58149812c4b681d34e08792c81b070a370521680",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_66553",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_offering",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecisionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="b4309e339bda365288cc81c65688cd9b43e2b198",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bcd75",
                    table="catalog_identitydecisionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT new_values."alias_id", new_values."decided_at", new_values."decided_by_id", new_values."host_id", new_values."id", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."raw", new_values."reason", new_values."revoked_at", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="a602d99e2aa2867ee1366f8eacf5d61cb263e4d7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_995a6",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT new_values."alias_id", new_values."decided_at", new_values."decided_by_id", new_values."host_id", new_values."id", new_values."not_a_model", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."raw", new_values."reason", new_values."revoked_at", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="5fdfb654e43ddca2aeedec80b20a8eb25f2fcda4",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_13bbc",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identitydecision",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_identitydecisionhistory" ("alias_id", "decided_at", "decided_by_id", "host_id", "id", "not_a_model", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "raw", "reason", "revoked_at", "version_id") SELECT old_values."alias_id", old_values."decided_at", old_values."decided_by_id", old_values."host_id", old_values."id", old_values."not_a_model", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."raw", old_values."reason", old_values."revoked_at", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="9fdbd926e6b83b5f1e06c46a5611e085dd643abd",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9c40a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_identitydecision",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivationhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="54fb621db31853d7598ae8ec4324d563754e69dd",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_00888",
                    table="catalog_derivationhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivation",
            trigger=pgtrigger.compiler.Trigger(
                name="derivation_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n        PERFORM pg_advisory_xact_lock(hashtextextended('catalog_derivation', 0));\n        IF EXISTS (\n            WITH RECURSIVE up(id) AS (\n                SELECT NEW.parent_id\n                UNION\n                SELECT d.parent_id FROM up JOIN catalog_derivation d ON d.child_id = up.id\n            )\n            SELECT 1 FROM up WHERE id = NEW.child_id\n        ) THEN\n            RAISE EXCEPTION 'This lineage edge would close a circle: a version cannot descend from itself.'\n                USING ERRCODE = 'check_violation', CONSTRAINT = 'derivation_no_circle';\n        END IF;\n        RETURN NULL;\n    ",
                    hash="400668c381bac6db2b39a37c2ed9d1fcd6a31833",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_derivation_no_circle_c99ce",
                    table="catalog_derivation",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivation",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_derivationhistory" ("child_id", "created_at", "id", "kind", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url") SELECT new_values."child_id", new_values."created_at", new_values."id", new_values."kind", new_values."parent_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."source_on", new_values."source_url" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="41d715dd334c0b4691eafdecffb781569c457779",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_09b0e",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_derivation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivation",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_derivationhistory" ("child_id", "created_at", "id", "kind", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url") SELECT new_values."child_id", new_values."created_at", new_values."id", new_values."kind", new_values."parent_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."source_on", new_values."source_url" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="09a76644f7934039c71c4563fed7bcf564c5cc77",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d8676",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_derivation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="derivation",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_derivationhistory" ("child_id", "created_at", "id", "kind", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source_on", "source_url") SELECT old_values."child_id", old_values."created_at", old_values."id", old_values."kind", old_values."parent_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."source_on", old_values."source_url" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="3f9d31fb12d9e9a47f224d4f8971c8bdece0d6ab",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_3d31c",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_derivation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="aliashistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="3edbf163e4ff619b4d7f46ed82214304c3b9c8c2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b5a8d",
                    table="catalog_aliashistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alias",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_aliashistory" ("aliases", "created_at", "foundation_id", "id", "identifier", "kind", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "repositories", "source_on", "source_url", "synonym_of", "updated_at", "version_id") SELECT new_values."aliases", new_values."created_at", new_values."foundation_id", new_values."id", new_values."identifier", new_values."kind", new_values."names", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."repositories", new_values."source_on", new_values."source_url", new_values."synonym_of", new_values."updated_at", new_values."version_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="11b32f64e9bfe4d478afa9be979f762e23b81492",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e4c60",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="catalog_alias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alias",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_aliashistory" ("aliases", "created_at", "foundation_id", "id", "identifier", "kind", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "repositories", "source_on", "source_url", "synonym_of", "updated_at", "version_id") SELECT new_values."aliases", new_values."created_at", new_values."foundation_id", new_values."id", new_values."identifier", new_values."kind", new_values."names", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."repositories", new_values."source_on", new_values."source_url", new_values."synonym_of", new_values."updated_at", new_values."version_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="ce1c63109b42bf7035b09fa3755e059d7f739e6c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ba543",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="catalog_alias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="alias",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "catalog_aliashistory" ("aliases", "created_at", "foundation_id", "id", "identifier", "kind", "names", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "repositories", "source_on", "source_url", "synonym_of", "updated_at", "version_id") SELECT old_values."aliases", old_values."created_at", old_values."foundation_id", old_values."id", old_values."identifier", old_values."kind", old_values."names", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."repositories", old_values."source_on", old_values."source_url", old_values."synonym_of", old_values."updated_at", old_values."version_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d1f96fc35cf61f13b64856a7699b9429c2dd1e3c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_eff77",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="catalog_alias",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="versionhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="6f66e4cbb833c39af6c3fcc3c95d10d8876fbc30",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_1e1f8",
                    table="catalog_versionhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/provider_ancestor"),
            reverse_sql="DROP VIEW provider_ancestor",
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/redirected_offering"),
            reverse_sql="DROP FUNCTION redirected_offering()",
        ),
        migrations.RunSQL(
            sql=load_statement("catalog", "definitions/node_kind"),
            reverse_sql="DROP FUNCTION node_kind(text)",
        ),
    ]
