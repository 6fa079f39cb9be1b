"""Ticket connections as an editable record: settings without secrets."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models

from apps.accounts.models import Team
from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.issues.models import TicketConnection, TicketCredential

CONNECTION_FIELDS = FieldSet(
    model=TicketConnection,
    sections=(
        FieldSection("Connection", ("kind", "name", "base_url", "account", "team")),
        FieldSection("New tickets", ("project", "issue_type", "field_values")),
        FieldSection(
            "Status",
            ("new_means", "indeterminate_means", "done_means", "done_transition"),
        ),
        FieldSection("Polls", ("poll_minutes", "enabled")),
    ),
    # a token must not be sent to another server than the one for which it was entered
    fixed=frozenset({"kind", "base_url"}),
    required=frozenset({"name", "base_url", "project", "issue_type"}),
    labels={
        "base_url": "Address",
        "account": "Account",
        "team": "Team",
        "project": "Project",
        "issue_type": "Issue type",
        "field_values": "Fields of every ticket",
        "new_means": "Status category “To do” means",
        "indeterminate_means": "Status category “In progress” means",
        "done_means": "Status category “Done” means",
        "done_transition": "Transition when resolved",
        "poll_minutes": "Minutes between polls",
        "enabled": "Enabled",
    },
    readers={
        **dict.fromkeys(("name", "account", "project", "issue_type", "done_transition"), str.strip),
        "base_url": lambda text: text.strip().rstrip("/"),
    },
    keys={Team: "slug"},
)


class TicketConnectionRecord(RecordType[TicketConnection]):
    """Ticket connections. Kind and address stay: the token and the tickets belong to them."""

    field_set = CONNECTION_FIELDS

    def validate(self, row: TicketConnection) -> None:
        """Raise ValidationError for what the kind needs, for an address without TLS, and for a
        connection that is enabled without a token."""
        errors = {}
        if row.is_cloud and not row.account:
            errors["account"] = (
                "Enter the email address of the account: Jira Cloud needs it with the token."
            )
        if not row.is_cloud and row.account:
            errors["account"] = "Jira Data Center takes the token alone. Empty this field."
        if row.is_cloud and urlsplit(row.base_url).scheme != "https":
            errors["base_url"] = "Enter an address that begins with https://."
        if row.enabled and not TicketCredential.objects.filter(connection_id=row.pk).exists():
            errors["enabled"] = "Enter the token on the page of the connection first."
        if errors:
            raise ValidationError(errors)

    def is_derived_table(self, model: type[models.Model]) -> bool:
        """The secrets are deleted with the connection; tickets prevent its deletion."""
        return issubclass(model, TicketCredential)
