"""Register an application and what it depends on, from a deployment.

    REGISTRY_URL=https://registry.example.org REGISTRY_TOKEN=fr_... \\
        python register_application.py FILE

FILE is JSON. A run that is repeated, or that was interrupted, changes only what differs. What the
file does not name stays. The token needs the scopes `read` and `write`, and its user must be an
editor of the team.

    {"slug": "claims-assistant", "name": "Claims assistant", "team": "claims",
     "criticality": "critical",
     "dependencies": [{"host": "openai", "api_id": "gpt-4o-2024-11-20", "role": "primary"}]}
"""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from httpx import HTTPError
from registry_client.api.applications import (
    applications_create,
    applications_partial_update,
    applications_retrieve,
)
from registry_client.api.dependencies import dependencies_create, dependencies_list
from registry_client.api.offerings import offerings_list
from registry_client.client import AuthenticatedClient
from registry_client.connection import RegistryProblem, connect, expect, given, rows
from registry_client.models import (
    Application,
    ApplicationRequest,
    Dependency,
    DependencyRequest,
    Offering,
    PaginatedDependencyList,
    PaginatedOfferingList,
    PatchedApplicationChangeRequest,
    WrittenApplication,
    WrittenDependency,
)

REASON = "Registered by the deployment"


def main(path: str) -> None:
    wanted: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    dependencies: list[dict[str, str]] = wanted.pop("dependencies", [])
    client = connect()
    slug = wanted["slug"]
    print(f"{slug}: {register(client, wanted)}")
    for dependency in dependencies:
        print(f"{dependency['host']}/{dependency['api_id']}: {declare(client, slug, dependency)}")


def register(client: AuthenticatedClient, wanted: dict[str, Any]) -> str:
    """Create the application, or change what differs. Say which of the two it was."""
    try:
        response = applications_retrieve.sync_detailed(wanted["slug"], client=client)
    except RegistryProblem as problem:
        if problem.status != 404:
            raise
        # with a key, the client can repeat the request where its answer was lost
        body = ApplicationRequest.from_dict({**wanted, "reason": REASON})
        created = applications_create.sync(client=client, body=body, idempotency_key=str(uuid4()))
        expect(WrittenApplication, created)
        return "created"
    present = expect(Application, response.parsed).to_dict()
    changes = {name: value for name, value in wanted.items() if present.get(name) != value}
    if not changes:
        return "unchanged"
    # 412 if another user changed it since it was read: run the deployment again
    changed = applications_partial_update.sync(
        wanted["slug"],
        client=client,
        body=PatchedApplicationChangeRequest.from_dict({**changes, "reason": REASON}),
        if_match=response.headers["ETag"],
    )
    expect(WrittenApplication, changed)
    return f"changed {', '.join(changes)}"


def declare(client: AuthenticatedClient, slug: str, wanted: dict[str, str]) -> str:
    """Declare a dependency that is not declared yet. Say whether it was."""
    offering = offering_of(client, wanted)
    live = live_dependencies(client, slug)
    if any(row.offering == offering and row.role == wanted["role"] for row in live):
        return "unchanged"
    body = DependencyRequest.from_dict(
        {"application": slug, "offering": offering, "role": wanted["role"], "reason": REASON}
    )
    declared = dependencies_create.sync(client=client, body=body, idempotency_key=str(uuid4()))
    expect(WrittenDependency, declared)
    return "declared"


def offering_of(client: AuthenticatedClient, wanted: dict[str, str]) -> int:
    """Return the ID of the offering: one model ID at one host."""
    found: list[Offering] = list(
        rows(
            PaginatedOfferingList,
            offerings_list.sync,
            client=client,
            host=wanted["host"],
            api_id=wanted["api_id"],
        )
    )
    if len(found) != 1:
        sys.exit(f"{wanted['host']} offers '{wanted['api_id']}' {len(found)} times, not once.")
    return given(found[0].id)


def live_dependencies(client: AuthenticatedClient, slug: str) -> list[Dependency]:
    return list(
        rows(
            PaginatedDependencyList,
            dependencies_list.sync,
            client=client,
            application=slug,
            live_on=date.today(),
        )
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except KeyError as missing:
        sys.exit(f"{sys.argv[1]} lacks {missing}.")
    except (RegistryProblem, HTTPError, OSError, ValueError) as problem:
        sys.exit(str(problem))
