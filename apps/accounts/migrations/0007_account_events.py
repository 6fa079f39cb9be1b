"""Account events; and no address resets a password that is not the account's."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# the library's list: what was added there unconfirmed, and what an account no longer has
DROP_OTHER_ADDRESSES = """
DELETE FROM account_emailconfirmation c USING account_emailaddress e, accounts_user u
 WHERE c.email_address_id = e.id AND u.id = e.user_id AND lower(e.email) <> lower(u.email);
DELETE FROM account_emailaddress e USING accounts_user u WHERE u.id = e.user_id AND lower(e.email) <> lower(u.email);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_no_circles"),
    ]

    operations = [
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
                            ("mfa_added", "Second factor added"),
                            ("mfa_removed", "Second factor removed"),
                            ("mfa_reset", "Second factors reset by an administrator"),
                            ("mfa_failed", "Second factor refused"),
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
        migrations.RunSQL(DROP_OTHER_ADDRESSES, migrations.RunSQL.noop),
    ]
