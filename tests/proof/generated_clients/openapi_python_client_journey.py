"""List applications, make one, declare what it uses and read its stack, by a client of
openapi-python-client."""

import json
import os

from registry_client import AuthenticatedClient
from registry_client.api.applications import (
    applications_create,
    applications_list,
    applications_stack_list,
)
from registry_client.api.dependencies import dependencies_create
from registry_client.models import (
    ApplicationRequest,
    ApplicationsListCriticalityItem,
    DependencyRequest,
    PaginatedApplicationList,
    WrittenApplication,
    WrittenDependency,
)
from registry_client.types import Unset


def main() -> None:
    client = AuthenticatedClient(
        base_url=os.environ["REGISTRY"], token=os.environ["REGISTRY_TOKEN"]
    )
    listed = applications_list.sync(
        client=client, criticality=[ApplicationsListCriticalityItem.CRITICAL]
    )
    assert isinstance(listed, PaginatedApplicationList), listed
    body = ApplicationRequest(name=os.environ["APPLICATION"], team=os.environ["TEAM"])
    made = applications_create.sync(client=client, body=body)
    assert isinstance(made, WrittenApplication), made
    slug = made.slug
    assert not isinstance(slug, Unset)
    use = DependencyRequest(application=slug, offering=int(os.environ["OFFERING"]))
    declared = dependencies_create.sync(client=client, body=use)
    assert isinstance(declared, WrittenDependency), declared
    stack = applications_stack_list.sync(slug, client=client)
    assert isinstance(stack, list), stack
    print(
        json.dumps(
            {
                "listed": [row.slug for row in listed.results],
                "made": slug,
                "stack": [row.api_id for row in stack],
            }
        )
    )


if __name__ == "__main__":
    main()
