"""List what retires within the next days, and who owns it.

    REGISTRY_URL=https://registry.example.org REGISTRY_TOKEN=fr_... python retirements.py [DAYS]

Writes one line for each application and model, separated by tabs. The token needs the scope `read`.
"""

import sys
from datetime import date, timedelta

from httpx import HTTPError
from registry_client.api.applications import applications_list
from registry_client.api.dependencies import dependencies_list
from registry_client.api.offerings import offerings_list
from registry_client.connection import RegistryProblem, connect, given, rows
from registry_client.models import (
    Application,
    ApplicationsListFieldsItem,
    OfferingsListOrdering,
    PaginatedApplicationList,
    PaginatedDependencyList,
    PaginatedOfferingList,
)


def main(n_days: int = 180) -> None:
    today = date.today()
    client = connect()
    owners = {
        given(application.slug): owner_of(application)
        for application in rows(
            PaginatedApplicationList,
            applications_list.sync,
            client=client,
            fields=[
                ApplicationsListFieldsItem.SLUG,
                ApplicationsListFieldsItem.TEAM,
                ApplicationsListFieldsItem.BUSINESS_OWNER,
                ApplicationsListFieldsItem.TECHNICAL_OWNER,
            ],
            page_size=200,
        )
    }
    for offering in rows(
        PaginatedOfferingList,
        offerings_list.sync,
        client=client,
        ends_from=today,
        ends_before=today + timedelta(days=n_days),
        ordering=OfferingsListOrdering.RETIRES_ON,
        page_size=200,
    ):
        for dependency in rows(
            PaginatedDependencyList,
            dependencies_list.sync,
            client=client,
            offering=given(offering.id),
            live_on=today,
            page_size=200,
        ):
            slug = given(dependency.application)
            print(
                given(offering.retires_on),
                f"{given(offering.host)}/{given(offering.api_id)}",
                slug,
                given(dependency.role),
                # registered since the list was read
                owners.get(slug, "unknown"),
                sep="\t",
            )


def owner_of(application: Application) -> str:
    """Return the owner of an application, else its team."""
    return (
        given(application.business_owner)
        or given(application.technical_owner)
        or f"team {given(application.team)}"
    )


if __name__ == "__main__":
    if sys.argv[2:] or not all(argument.isdecimal() for argument in sys.argv[1:]):
        sys.exit(__doc__)
    try:
        main(*map(int, sys.argv[1:]))
    except (RegistryProblem, HTTPError, ValueError) as problem:
        sys.exit(str(problem))
