"""List applications, make one, declare what it uses and read its stack, by a client of
openapi-generator."""

import json
import os

from openapi_client import (
    ApiClient,
    ApplicationRequest,
    ApplicationsApi,
    Configuration,
    DependenciesApi,
    DependencyRequest,
)


def main() -> None:
    to = Configuration(host=os.environ["REGISTRY"], access_token=os.environ["REGISTRY_TOKEN"])
    with ApiClient(to) as client:
        applications, dependencies = ApplicationsApi(client), DependenciesApi(client)
        listed = applications.applications_list(criticality=["critical"])
        body = ApplicationRequest(name=os.environ["APPLICATION"], team=os.environ["TEAM"])
        made = applications.applications_create(body)
        slug = made.slug
        assert slug is not None
        dependencies.dependencies_create(
            DependencyRequest(application=slug, offering=int(os.environ["OFFERING"]))
        )
        stack = applications.applications_stack_list(slug)
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
