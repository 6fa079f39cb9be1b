"""Fields of new tickets: what Jira requires, and entered texts in the form of each type."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.common.errors import DomainError
from apps.issues.models import TicketConnection
from apps.issues.tickets.jira.client import JiraClient, JiraField

# fields that the registry fills itself, or that Jira fills with the account
MANAGED_FIELDS = frozenset(
    {
        "project",
        "issuetype",
        "summary",
        "description",
        "labels",
        "duedate",
        "assignee",
        "reporter",
        "attachment",
        "issuelinks",
        "parent",
    }
)
# types whose values are named
_NAMED_TYPES = frozenset({"priority", "version", "component", "securitylevel", "group"})


def stated_fields(connection: TicketConnection) -> dict[str, JiraField]:
    """Return {ID: field} of new tickets as Jira stated them at the last test."""
    fields = map(JiraField.from_json, connection.create_fields)
    return {field.id: field for field in fields}


def fixed_values(connection: TicketConnection) -> dict[str, str]:
    """Return {field ID: text} of the values that every new ticket of the connection gets."""
    pairs = (line.partition("=") for line in connection.field_values)
    return {name.strip(): text.strip() for name, _, text in pairs}


def fields_to_enter(connection: TicketConnection) -> list[JiraField]:
    """Return the fields that Jira requires and that neither the registry, nor the connection, nor a
    default of Jira fills."""
    filled = fixed_values(connection)
    return [
        field
        for field in stated_fields(connection).values()
        if field.is_required
        and not field.has_default
        and field.id not in MANAGED_FIELDS
        and field.id not in filled
    ]


def build_values(
    client: JiraClient, connection: TicketConnection, entered: Mapping[str, str]
) -> dict[str, Any]:
    """Return {field ID: value} of the entered and fixed texts as the API takes them. Raises
    DomainError for a text that the field does not accept, or an unknown field."""
    stated = stated_fields(connection)
    values: dict[str, Any] = {}
    for name, text in {**fixed_values(connection), **entered}.items():
        if not text or name in MANAGED_FIELDS:
            continue
        field = stated.get(name)
        if field is None:
            raise DomainError(
                f"Jira has no field {name} for new tickets of this type. It was removed, renamed "
                "or hidden. Test the connection, and correct its fields."
            )
        values[name] = _build_value(client, field, text)
    return values


def _build_value(client: JiraClient, field: JiraField, text: str) -> Any:
    if field.values and field.type != "array":
        text = _accepted(field, text)
    match field.type:
        case "number":
            try:
                return float(text)
            except ValueError:
                raise DomainError(f"{field.name}: enter a number.", field=field.id) from None
        case "option":
            return {"value": text}
        case "user":
            account = client.find_assignee(text, client.connection.project)
            if not account:
                raise DomainError(
                    f"{field.name}: Jira found no person with the address {text}.", field=field.id
                )
            return client.as_person(account)
        case "array":
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if field.values:
                parts = [_accepted(field, part) for part in parts]
            if field.items == "option":
                return [{"value": part} for part in parts]
            return parts if field.items == "string" else [{"name": part} for part in parts]
        case kind if kind in _NAMED_TYPES:
            return {"name": text}
    return client.as_text_value(text) if field.is_long else text


def _accepted(field: JiraField, text: str) -> str:
    for value in field.values:
        if value.lower() == text.lower():
            return value
    shown = ", ".join(field.values[:8])
    raise DomainError(
        f"{field.name}: Jira does not accept “{text}”. It accepts: {shown}.", field=field.id
    )


def name_fields(fields: Sequence[JiraField]) -> str:
    return ", ".join(f"{field.name} ({field.id})" for field in fields)
