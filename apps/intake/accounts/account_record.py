"""Cloud accounts as an editable record: settings without secrets, validated by kind."""

from django.core.exceptions import ValidationError
from django.db import models

from apps.accounts.models import Team
from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.intake.accounts.clients.registry import CLOUD_KINDS
from apps.intake.models import AccountDeployment, CloudAccount, CloudCredential, CloudPull
from apps.inventory.models import Application

CLOUD_ACCOUNT_FIELDS = FieldSet(
    model=CloudAccount,
    sections=(
        FieldSection("Account", ("kind", "name", "team")),
        FieldSection(
            "Identifiers",
            ("tenant", "client", "subscription", "project", "organisation", "regions"),
        ),
        FieldSection("Applications", ("link_rule", "link_key", "application")),
        FieldSection("Pulls", ("interval_hours", "enabled")),
    ),
    fixed=frozenset({"kind"}),
    required=frozenset({"name"}),
    labels={
        "tenant": "Tenant ID",
        "client": "Client ID",
        "subscription": "Subscription ID",
        "project": "Project",
        "organisation": "Organisation ID",
        "link_rule": "Application of a deployment",
        "link_key": "Tag name or character",
        "application": "Application for the whole account",
        "interval_hours": "Interval in hours",
        "enabled": "Pull at the interval",
    },
    readers=dict.fromkeys(
        ("name", "tenant", "client", "subscription", "project", "organisation"), str.strip
    ),
    keys={Application: "slug", Team: "slug"},
)
_SETTINGS = ("tenant", "client", "subscription", "project", "organisation", "regions")


class CloudAccountRecord(RecordType[CloudAccount]):
    """Cloud accounts. The kind stays: its credentials and deployments belong to it."""

    field_set = CLOUD_ACCOUNT_FIELDS

    def validate(self, row: CloudAccount) -> None:
        """Raise ValidationError for settings that the kind needs or does not have, and for an
        account that is enabled without credentials."""
        kind = CLOUD_KINDS.get(row.kind)
        if kind is None:
            return
        labels = CLOUD_ACCOUNT_FIELDS.label
        errors = {
            name: f"Enter a value for {labels(name)}: {kind.label} needs it."
            for name in kind.settings
            if not getattr(row, name)
        }
        errors |= {
            name: f"{kind.label} has no {labels(name).lower()}. Empty this field."
            for name in _SETTINGS
            if name not in (*kind.settings, *kind.optional_settings) and getattr(row, name)
        }
        if row.enabled and not CloudCredential.objects.filter(account_id=row.pk).exists():
            errors["enabled"] = (
                "Enter credentials on the page of the account first. Pulls start when they are "
                "stored."
            )
        is_of_one = row.link_rule == CloudAccount.LinkRule.APPLICATION
        # not a constraint: the application can be deleted later
        if is_of_one and row.application_id is None:
            errors["application"] = (
                "Enter the application that uses all deployments, or select another rule."
            )
        if not is_of_one and row.application_id:
            errors["application"] = (
                "Only the rule of one application uses this field. Empty it, or select that rule."
            )
        if errors:
            raise ValidationError(errors)

    def is_derived_table(self, model: type[models.Model]) -> bool:
        """Credentials, pulls and what was read are deleted with the account; imports, observations
        and dependencies stay."""
        return issubclass(model, AccountDeployment | CloudCredential | CloudPull)
