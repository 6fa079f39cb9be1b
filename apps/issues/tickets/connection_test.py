"""Test of a connection: what its account may do, and the fields that new tickets need."""

from dataclasses import dataclass
from datetime import datetime

from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.issues.models import TicketConnection
from apps.issues.tickets.credentials import open_secrets
from apps.issues.tickets.jira.client import JiraClient
from apps.issues.tickets.jira.errors import JiraError, JiraMissingError
from apps.issues.tickets.jira.fields import fields_to_enter, fixed_values, name_fields

# {permission of Jira: what the registry cannot do without it}
_PERMISSIONS = {
    "BROWSE_PROJECTS": "read tickets",
    "CREATE_ISSUES": "create tickets",
    "ASSIGN_ISSUES": "assign tickets",
    "ADD_COMMENTS": "comment on tickets",
    "TRANSITION_ISSUES": "move tickets",
}
_NEEDED = frozenset({"BROWSE_PROJECTS", "CREATE_ISSUES"})


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """Result of a test: a sentence of what works, and sentences of what is limited."""

    sentence: str
    warnings: tuple[str, ...] = ()


def open_client(connection: TicketConnection) -> JiraClient:
    """Return the client of a connection. Raises DomainError if its secrets cannot be opened."""
    return JiraClient(connection, open_secrets(connection))


def check_connection(connection: TicketConnection, *, at: datetime) -> ConnectionTest:
    """Read the connection for a user who waits, and store a problem. Raises DomainError with a
    sentence if tickets cannot be created."""
    try:
        return read_connection(connection, open_client(connection), at=at)
    except (JiraError, DomainError) as error:
        store_problem(connection, str(error), at=at)
        raise DomainError(str(error)) from None


def store_problem(connection: TicketConnection, problem: str, *, at: datetime) -> None:
    """Store that the connection does not work, with the reason."""
    TicketConnection.objects.filter(pk=connection.pk).update(
        status=TicketConnection.Status.FAILED, problem=problem[:2_000], checked_at=at
    )


def read_connection(
    connection: TicketConnection, client: JiraClient, *, at: datetime
) -> ConnectionTest:
    """Read account, project, issue type and fields, and store them. Raises JiraError or
    DomainError. Not in a transaction, which must not stay open while Jira answers."""
    account = client.read_account()
    try:
        project = client.read_project(connection.project)
    except JiraMissingError:
        keys = ", ".join(client.list_projects()[:12])
        seen = f"It sees: {keys}." if keys else "It sees no project."
        raise DomainError(
            f"The account does not see the project {connection.project}: it was deleted or "
            f"renamed, or the account lacks the permission to browse it. {seen}"
        ) from None
    missing = client.missing_permissions(connection.project, tuple(_PERMISSIONS))
    if needed := [_PERMISSIONS[name] for name in missing if name in _NEEDED]:
        raise DomainError(
            f"The account may not {' or '.join(needed)} in {project}. Ask a Jira administrator for "
            "the permission."
        )
    type_id = _find_issue_type(connection, client)
    fields = client.list_create_fields(connection.project, type_id)
    connection.create_fields = [field.as_json() for field in fields]
    connection.issue_type_id, connection.jira_account = type_id, account
    TicketConnection.objects.filter(pk=connection.pk).update(
        status=TicketConnection.Status.WORKS,
        problem="",
        checked_at=at,
        jira_account=account,
        issue_type_id=type_id,
        create_fields=connection.create_fields,
    )
    return _describe(connection, project, missing)


def _find_issue_type(connection: TicketConnection, client: JiraClient) -> str:
    types = client.list_issue_types(connection.project)
    wanted = connection.issue_type.lower()
    for type_id, name in types.items():
        if name.lower() == wanted or type_id == connection.issue_type:
            return type_id
    raise DomainError(
        f"The project has no issue type “{connection.issue_type}” for new tickets. It has: "
        f"{', '.join(types.values()) or 'none'}."
    )


def _describe(connection: TicketConnection, project: str, missing: list[str]) -> ConnectionTest:
    known = {field["id"] for field in connection.create_fields}
    warnings = [
        f"The account may not {_PERMISSIONS[name]}. Ask a Jira administrator for the permission."
        for name in missing
    ]
    if unknown := sorted(set(fixed_values(connection)) - known):
        warnings.append(
            f"New tickets have no field {', '.join(unknown)}. It was removed, renamed or hidden. "
            "Correct the fields of the connection."
        )
    if "labels" not in known:
        warnings.append(
            "New tickets have no labels, so that changes are only found by reading each ticket. "
            "Add the field Labels to the screen of the issue type."
        )
    to_enter = fields_to_enter(connection)
    sentence = f"The connection works: tickets are created in {project}."
    if to_enter:
        n = len(to_enter)
        verb = pluralize(n, "One further field is", f"{n} further fields are")
        sentence += (
            f" {verb} required: {name_fields(to_enter)}. Enter values for every ticket in the "
            "connection, or for each ticket in its form."
        )
    return ConnectionTest(sentence, tuple(warnings))
