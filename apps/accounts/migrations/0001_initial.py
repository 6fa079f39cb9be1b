"""The tables of accounts, with their history and triggers."""

import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import apps.accounts.models.users
from apps.common.database.statements import load_statement


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("common", "0001_initial"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name="Team",
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
                    "email",
                    models.EmailField(
                        blank=True,
                        help_text="Mailbox that receives alerts; if empty, the owners receive them.",
                        max_length=254,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="accounts.team",
                    ),
                ),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        db_default=7,
                        default=7,
                        help_text="Local hour at which the digest is sent to the mailbox.",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        db_default="UTC",
                        default="UTC",
                        help_text="Time zone of the mailbox.",
                        max_length=64,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("parent__isnull", True),
                            models.Q(("parent", models.F("id")), _negated=True),
                            _connector="OR",
                        ),
                        name="team_not_its_own_parent",
                        violation_error_message="A team cannot be its own parent.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("digest_hour__lte", 23)),
                        name="team_digest_hour_of_day",
                        violation_error_message="The digest hour must be between 0 and 23.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TeamHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("slug", models.SlugField(db_index=False, max_length=80)),
                (
                    "email",
                    models.EmailField(
                        blank=True,
                        help_text="Mailbox that receives alerts; if empty, the owners receive them.",
                        max_length=254,
                    ),
                ),
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
                        to="accounts.team",
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
                        to="accounts.team",
                    ),
                ),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        db_default=7,
                        default=7,
                        help_text="Local hour at which the digest is sent to the mailbox.",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        db_default="UTC",
                        default="UTC",
                        help_text="Time zone of the mailbox.",
                        max_length=64,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        default=7, help_text="Local hour at which digests are sent."
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Purpose of the service account.",
                        max_length=300,
                    ),
                ),
                (
                    "is_service",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="A service account has API tokens and no password.",
                    ),
                ),
                (
                    "manual_organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "sso_organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "service_team",
                    models.ForeignKey(
                        blank=True,
                        help_text="Team that owns the service account; empty: the organisation.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="services",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ["username"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        condition=models.Q(("email", ""), _negated=True),
                        name="user_email_once",
                        violation_error_message="Another user has this email address. Enter another one.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("digest_hour__lte", 23)),
                        name="user_digest_hour_of_day",
                        violation_error_message="The digest hour must be between 0 and 23.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_service", False),
                            models.Q(
                                ("email", ""),
                                ("is_staff", False),
                                ("is_superuser", False),
                                ("password__startswith", "!"),
                            ),
                            _connector="OR",
                        ),
                        name="service_cannot_sign_in",
                        violation_error_message="A service account cannot have a password, an email address or access to the admin.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_service", False),
                            models.Q(("organisation_role", "admin"), _negated=True),
                            _connector="OR",
                        ),
                        name="service_does_not_administer",
                        violation_error_message="A service account cannot be an administrator. Choose another organisation role.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_service", True), ("service_team__isnull", True), _connector="OR"
                        ),
                        name="only_services_belong_to_a_team",
                        violation_error_message="Only service accounts belong to a team. Assign users a role on a team instead.",
                    ),
                ],
            },
            managers=[
                ("objects", apps.accounts.models.users.Users()),
            ],
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "prefix",
                    models.CharField(
                        help_text="The part that is shown in lists.", max_length=16, unique=True
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read", "Read"),
                                ("write", "Write"),
                                ("intake", "Intake"),
                                ("gate", "Gate"),
                            ],
                            max_length=10,
                        )
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "old_digest",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, unique=True
                    ),
                ),
                ("old_last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "old_until",
                    models.DateTimeField(
                        blank=True, help_text="The previous secret expires at this time.", null=True
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests per minute; empty: the default limit.",
                        null=True,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scopes", []), _negated=True),
                        name="api_token_has_scope",
                        violation_error_message="An API token needs at least one scope: read, write, intake or gate.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("old_digest__isnull", True), ("old_until__isnull", True)),
                            models.Q(("old_digest__isnull", False), ("old_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="api_token_old_secret_ends",
                        violation_error_message="The previous secret needs an expiry time.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("per_minute__isnull", True), ("per_minute__gt", 0), _connector="OR"
                        ),
                        name="api_token_rate_above_zero",
                        violation_error_message="An API token must allow at least 1 request per minute. Revoke it to stop it.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountEvent",
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
                            ("signed_in", "Signed in"),
                            ("sign_in_failed", "Sign-in failed"),
                            ("locked_out", "Too many failed sign-ins"),
                            ("signed_out", "Signed out"),
                            ("sessions_ended", "Sessions ended"),
                            ("password_changed", "Password changed"),
                            ("password_reset", "Password reset"),
                            ("mfa_added", "Two-factor method added"),
                            ("mfa_removed", "Two-factor method removed"),
                            ("mfa_reset", "Two-factor authentication reset by an administrator"),
                            ("mfa_failed", "Two-factor code rejected"),
                            ("codes_replaced", "Recovery codes replaced"),
                            ("code_used", "Recovery code used"),
                            ("email_requested", "New email address requested"),
                            ("email_changed", "Email address changed"),
                            ("token_network", "API token used from a new network"),
                        ],
                        max_length=16,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                ("network", models.CharField(blank=True, max_length=50)),
                ("device", models.CharField(blank=True, max_length=60)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("n", models.PositiveIntegerField(default=1)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "email_to",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.EmailField(max_length=254), blank=True, default=list
                    ),
                ),
                (
                    "email_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No email"),
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Not sent"),
                        ],
                        default="",
                        max_length=7,
                    ),
                ),
                ("email_due_at", models.DateTimeField(blank=True, null=True)),
                ("email_attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="account_events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-last_at", "-pk"],
                "indexes": [
                    models.Index(fields=["user", "-last_at"], name="account_event_of_user"),
                    models.Index(fields=["-last_at", "-id"], name="account_event_latest"),
                    models.Index(
                        condition=models.Q(("email_state", "queued")),
                        fields=["email_due_at"],
                        name="account_event_unsent",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "token_network")),
                        fields=("token", "network"),
                        name="token_network_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiTokenHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "prefix",
                    models.CharField(help_text="The part that is shown in lists.", max_length=16),
                ),
                ("digest", models.CharField(max_length=64)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read", "Read"),
                                ("write", "Write"),
                                ("intake", "Intake"),
                                ("gate", "Gate"),
                            ],
                            max_length=10,
                        )
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
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
                        to="accounts.apitoken",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "old_digest",
                    models.CharField(blank=True, editable=False, max_length=64, null=True),
                ),
                (
                    "old_until",
                    models.DateTimeField(
                        blank=True, help_text="The previous secret expires at this time.", null=True
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests per minute; empty: the default limit.",
                        null=True,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
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
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")], default=1
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="accounts.team",
                    ),
                ),
                (
                    "manual_role",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")],
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "sso_role",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")],
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["team", "user"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "team"),
                        name="membership_once",
                        violation_error_message="This user already has a role on this team. Change that role instead.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", [1, 2, 3])),
                        name="membership_role_known",
                        violation_error_message="The role must be viewer, editor or owner.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("manual_role__isnull", True), ("sso_role__isnull", True)),
                            models.Q(("manual_role__isnull", True), ("role", models.F("sso_role"))),
                            (
                                "role",
                                django.db.models.functions.comparison.Greatest(
                                    models.F("sso_role"), models.F("manual_role")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="membership_role_is_the_stronger",
                        violation_error_message="The stronger of the assigned role and the single sign-on role must apply.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MembershipHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "role",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")], default=1
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
                        to="accounts.membership",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "manual_role",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")],
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "sso_role",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(1, "viewer"), (2, "editor"), (3, "owner")],
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(max_length=2000)),
                ("is_shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_filters",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "indexes": [models.Index(fields=["path"], name="saved_filter_of_page")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "path", "name"),
                        name="saved_filter_once",
                        violation_error_message="You already have a saved filter with this name on this page. Choose another name.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedFilterHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("path", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(max_length=2000)),
                ("is_shared", models.BooleanField(default=False)),
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
                        to="accounts.savedfilter",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
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
            name="UserHistory",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        default=7, help_text="Local hour at which digests are sent."
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
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Purpose of the service account.",
                        max_length=300,
                    ),
                ),
                (
                    "is_service",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="A service account has API tokens and no password.",
                    ),
                ),
                (
                    "manual_organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "sso_organisation_role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("governance", "Governance"),
                            ("auditor", "Auditor"),
                            ("admin", "Administrator"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=12,
                    ),
                ),
                (
                    "service_team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Team that owns the service account; empty: the organisation.",
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
        pgtrigger.migrations.AddTrigger(
            model_name="savedfilter",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_savedfilterhistory" ("created_at", "id", "is_shared", "name", "path", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "user_id") SELECT new_values."created_at", new_values."id", new_values."is_shared", new_values."name", new_values."path", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."query", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="ab0f558547fd03334c6cee88adc1af6fe18d0180",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_ecfca",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_savedfilter",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="savedfilter",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_savedfilterhistory" ("created_at", "id", "is_shared", "name", "path", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "user_id") SELECT new_values."created_at", new_values."id", new_values."is_shared", new_values."name", new_values."path", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."query", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="089c07855928a001a9e4fe62027ccd20e697f70c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_dadd3",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_savedfilter",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="savedfilter",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_savedfilterhistory" ("created_at", "id", "is_shared", "name", "path", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "query", "user_id") SELECT old_values."created_at", old_values."id", old_values."is_shared", old_values."name", old_values."path", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."query", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="c109fa20d1b7f89a5d7ece818e63b55b73cf8ccd",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f791f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_savedfilter",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="savedfilterhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="cf81453f84482f19270f0a86b91952cdfbb26b90",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_57070",
                    table="accounts_savedfilterhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="team",
            trigger=pgtrigger.compiler.Trigger(
                name="team_no_circle",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NEW.parent_id IS NULL THEN\n                RETURN NULL;\n            END IF;\n            PERFORM pg_advisory_xact_lock(hashtextextended('accounts_team', 0));\n            IF EXISTS (\n                WITH RECURSIVE above(id) AS (\n                    SELECT NEW.parent_id\n                    UNION\n                    SELECT t.parent_id FROM above JOIN accounts_team t ON t.id = above.id WHERE t.parent_id IS NOT NULL\n                )\n                SELECT 1 FROM above WHERE id = NEW.id\n            ) THEN\n                RAISE EXCEPTION 'This would place the team below itself. Choose another parent.' USING ERRCODE = 'check_violation', CONSTRAINT = 'team_no_circle';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="d89d217cf1db9f10de95f002ac0ff91f077503c4",
                    operation='INSERT OR UPDATE OF "parent_id"',
                    pgid="pgtrigger_team_no_circle_a2489",
                    table="accounts_team",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="team",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_teamhistory" ("created_at", "digest_hour", "email", "id", "name", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "time_zone", "updated_at") SELECT new_values."created_at", new_values."digest_hour", new_values."email", new_values."id", new_values."name", new_values."parent_id", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."slug", new_values."time_zone", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8a7cab6c1cad5bff5e87506080f59854ba657673",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_71b40",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_team",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="team",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_teamhistory" ("created_at", "digest_hour", "email", "id", "name", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "time_zone", "updated_at") SELECT new_values."created_at", new_values."digest_hour", new_values."email", new_values."id", new_values."name", new_values."parent_id", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."slug", new_values."time_zone", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="9553b5d9c8aeb83402b994d50df26a47b0abd851",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_529da",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_team",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="team",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_teamhistory" ("created_at", "digest_hour", "email", "id", "name", "parent_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "slug", "time_zone", "updated_at") SELECT old_values."created_at", old_values."digest_hour", old_values."email", old_values."id", old_values."name", old_values."parent_id", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."slug", old_values."time_zone", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="b5d3db54a158dce1c2a12527124ac339e3c54bbb",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5bd04",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_team",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membershiphistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9ee43f83afd372f3941d93d61b0d68b7fab7a8d3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_123dc",
                    table="accounts_membershiphistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT new_values."created_at", new_values."id", new_values."manual_role", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."role", new_values."sso_role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="89a2a6ebc427e0f27a449caf19a37a560e9733a7",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_fc05a",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT new_values."created_at", new_values."id", new_values."manual_role", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."role", new_values."sso_role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="8ed06bccc016fb672142c2009973867f41b55888",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_20ab5",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_membershiphistory" ("created_at", "id", "manual_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "sso_role", "team_id", "user_id") SELECT old_values."created_at", old_values."id", old_values."manual_role", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."role", old_values."sso_role", old_values."team_id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="672eacbf1c43bd65a951f7eb8c6754165b4f6e53",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_19a8f",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apitokenhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a069c11dd88a2496758c9058a45d53fa16851b96",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_af806",
                    table="accounts_apitokenhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_apitokenhistory" ("created_at", "digest", "expires_at", "id", "name", "old_digest", "old_until", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "scopes", "team_id", "user_id") SELECT new_values."created_at", new_values."digest", new_values."expires_at", new_values."id", new_values."name", new_values."old_digest", new_values."old_until", new_values."per_minute", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."prefix", new_values."revoked_at", new_values."scopes", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="fc2d3bf494f1bdee37ac8887d37a42b0e791bed0",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_01b7d",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_apitoken",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_apitokenhistory" ("created_at", "digest", "expires_at", "id", "name", "old_digest", "old_until", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "scopes", "team_id", "user_id") SELECT new_values."created_at", new_values."digest", new_values."expires_at", new_values."id", new_values."name", new_values."old_digest", new_values."old_until", new_values."per_minute", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."prefix", new_values."revoked_at", new_values."scopes", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."created_at" IS DISTINCT FROM (new_values."created_at") OR old_values."digest" IS DISTINCT FROM (new_values."digest") OR old_values."expires_at" IS DISTINCT FROM (new_values."expires_at") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."name" IS DISTINCT FROM (new_values."name") OR old_values."old_digest" IS DISTINCT FROM (new_values."old_digest") OR old_values."old_until" IS DISTINCT FROM (new_values."old_until") OR old_values."per_minute" IS DISTINCT FROM (new_values."per_minute") OR old_values."prefix" IS DISTINCT FROM (new_values."prefix") OR old_values."revoked_at" IS DISTINCT FROM (new_values."revoked_at") OR old_values."scopes" IS DISTINCT FROM (new_values."scopes") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."user_id" IS DISTINCT FROM (new_values."user_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="b2324a4025d711ee3df8ae493c01703302dbde76",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_df53b",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_apitoken",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_apitokenhistory" ("created_at", "digest", "expires_at", "id", "name", "old_digest", "old_until", "per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prefix", "revoked_at", "scopes", "team_id", "user_id") SELECT old_values."created_at", old_values."digest", old_values."expires_at", old_values."id", old_values."name", old_values."old_digest", old_values."old_until", old_values."per_minute", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."prefix", old_values."revoked_at", old_values."scopes", old_values."team_id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="d74188b8d5961e63d73fb832931a5481b69e352f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_6e065",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_apitoken",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."manual_organisation_role", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'insert\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="f4db0f9debd928e30f57704ed2c015faddf53023",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_3867c",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT new_values."about", new_values."date_joined", new_values."digest_hour", new_values."email", new_values."first_name", new_values."id", new_values."is_active", new_values."is_service", new_values."is_staff", new_values."is_superuser", new_values."last_name", new_values."manual_organisation_role", new_values."organisation_role", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."service_team_id", new_values."sso_organisation_role", new_values."time_zone", new_values."username" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."about" IS DISTINCT FROM (new_values."about") OR old_values."date_joined" IS DISTINCT FROM (new_values."date_joined") OR old_values."digest_hour" IS DISTINCT FROM (new_values."digest_hour") OR old_values."email" IS DISTINCT FROM (new_values."email") OR old_values."first_name" IS DISTINCT FROM (new_values."first_name") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_active" IS DISTINCT FROM (new_values."is_active") OR old_values."is_service" IS DISTINCT FROM (new_values."is_service") OR old_values."is_staff" IS DISTINCT FROM (new_values."is_staff") OR old_values."is_superuser" IS DISTINCT FROM (new_values."is_superuser") OR old_values."last_name" IS DISTINCT FROM (new_values."last_name") OR old_values."manual_organisation_role" IS DISTINCT FROM (new_values."manual_organisation_role") OR old_values."organisation_role" IS DISTINCT FROM (new_values."organisation_role") OR old_values."service_team_id" IS DISTINCT FROM (new_values."service_team_id") OR old_values."sso_organisation_role" IS DISTINCT FROM (new_values."sso_organisation_role") OR old_values."time_zone" IS DISTINCT FROM (new_values."time_zone") OR old_values."username" IS DISTINCT FROM (new_values."username")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="3ceb6289e2f586718246268b7cde40786e1f8d2b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_0e890",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "accounts_userhistory" ("about", "date_joined", "digest_hour", "email", "first_name", "id", "is_active", "is_service", "is_staff", "is_superuser", "last_name", "manual_organisation_role", "organisation_role", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "service_team_id", "sso_organisation_role", "time_zone", "username") SELECT old_values."about", old_values."date_joined", old_values."digest_hour", old_values."email", old_values."first_name", old_values."id", old_values."is_active", old_values."is_service", old_values."is_staff", old_values."is_superuser", old_values."last_name", old_values."manual_organisation_role", old_values."organisation_role", _pgh_attached_context.value, NOW(), \'delete\', old_values."id", old_values."service_team_id", old_values."sso_organisation_role", old_values."time_zone", old_values."username" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="cddaa1d9300b86172134ff58d83aa44932a8660a",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_19f14",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="teamhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f6a86ef3f77270d78d795dd2c8d488eec759c2a3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_888d1",
                    table="accounts_teamhistory",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="userhistory",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="68ffa9ce3b529c4c151c9348adc79b98119cd550",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_4f815",
                    table="accounts_userhistory",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(
            sql=load_statement("accounts", "definitions/team_ancestor"),
            reverse_sql="DROP VIEW team_ancestor",
        ),
        migrations.RunSQL(
            sql=load_statement("accounts", "definitions/person_name"),
            reverse_sql="DROP FUNCTION person_name(text, text, text)",
        ),
    ]
