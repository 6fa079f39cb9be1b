"""Azure: deployments of the Azure OpenAI and AI Foundry accounts of a subscription, from the Azure
Resource Manager.

Sources: github.com/Azure/azure-rest-api-specs, Microsoft.CognitiveServices/stable/2024-10-01,
examples ListDeployments.json and ListLocationModels.json; learn.microsoft.com, client credentials
flow. Read on 29 November 2026."""

import re
from collections.abc import Mapping
from typing import Any

from apps.intake.accounts.clients.addresses import address_of
from apps.intake.accounts.clients.session import CloudSession, Headers, encode_part
from apps.intake.accounts.clients.values import day_text, lifecycle, stated, text_map
from apps.intake.accounts.records import (
    AccountAccess,
    FoundDeployment,
    Listing,
    PartUnreadableError,
    PullFailedError,
    PullProblem,
)
from apps.intake.models import AccountDeployment
from apps.intake.readers.deployments import NO_UPGRADE
from apps.intake.readers.json_text import as_mapping, as_mappings, as_text

API_VERSION = "2024-10-01"
# the kinds of accounts that have deployments of models
_KINDS = frozenset({"openai", "aiservices"})
_STATES_WITHOUT_SERVICE = frozenset({"failed", "canceled", "deleting"})
_ACCOUNT_ID = re.compile(
    r"^/subscriptions/([^/?#]+)/resourceGroups/([^/?#]+)"
    r"/providers/Microsoft\.CognitiveServices/accounts/([^/?#]+)\Z",
    re.IGNORECASE,
)


def read_azure_subscription(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the deployments of all accounts in the subscription, and the lifecycle of the models in
    their regions. Raises PullFailedError if the accounts cannot be listed."""
    client = _AzureClient(access, session)
    listing = Listing()
    access.report("accounts of the subscription")
    try:
        accounts = client.accounts()
    except PartUnreadableError as error:
        raise PullFailedError(str(error)) from None
    listing.lists_all_scopes = not access.regions
    lifecycles = client.lifecycles(
        sorted({as_text(account.get("location"), 60) for account in accounts}), listing
    )
    for account in accounts:
        client.read_account(account, lifecycles, listing)
    return listing


class _AzureClient:
    """Calls to the Azure Resource Manager with one access token."""

    def __init__(self, access: AccountAccess, session: CloudSession) -> None:
        self._access, self._session = access, session
        self._address = address_of("azure")
        access.report("sign-in")
        token = session.exchange(
            f"{address_of('azure-sign-in')}/{encode_part(access.tenant)}/oauth2/v2.0/token",
            {
                "grant_type": "client_credentials",
                "client_id": access.client,
                "client_secret": access.credentials["client_secret"],
                "scope": f"{self._address}/.default",
            },
        )
        self._headers = {"Authorization": f"Bearer {token}"}

    def _sign(self, _method: str, _url: str, _body: bytes) -> Headers:
        return self._headers

    def _rows(self, path: str) -> list[Mapping[str, Any]]:
        url = f"{self._address}{path}?api-version={API_VERSION}"
        pages = self._session.pages(
            url, self._sign, lambda page: as_text(page.get("nextLink"), 4_000)
        )
        return [row for page in pages for row in as_mappings(page.get("value"))]

    def accounts(self) -> list[Mapping[str, Any]]:
        """Return the accounts with deployments, in the selected regions."""
        subscription = encode_part(self._access.subscription)
        rows = self._rows(
            f"/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/accounts"
        )
        regions = set(self._access.regions)
        return [
            row
            for row in rows
            if as_text(row.get("kind")).lower() in _KINDS
            and (not regions or as_text(row.get("location")) in regions)
        ]

    def lifecycles(
        self, regions: list[str], listing: Listing
    ) -> dict[tuple[str, str, str], dict[str, str]]:
        """Return {(region, model, version): lifecycle as Azure states it}. A region that cannot be
        read is a problem of the listing, and its deployments are read anyway."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        subscription = encode_part(self._access.subscription)
        for region in regions:
            self._access.report(f"models in {region}")
            try:
                rows = self._rows(
                    f"/subscriptions/{subscription}/providers/Microsoft.CognitiveServices"
                    f"/locations/{encode_part(region)}/models"
                )
            except PartUnreadableError as error:
                listing.problems.append(PullProblem(f"models in {region}", str(error)))
                continue
            listing.n_models += len(rows)
            for row in rows:
                model = as_mapping(row.get("model"))
                ends = as_mapping(model.get("deprecation"))
                found[region, as_text(model.get("name")), as_text(model.get("version"), 60)] = (
                    lifecycle(
                        status=as_text(model.get("lifecycleStatus"), 60),
                        retires_on=day_text(ends.get("inference")),
                        training_ends_on=day_text(ends.get("fineTune")),
                    )
                )
        return found

    def read_account(
        self,
        account: Mapping[str, Any],
        lifecycles: Mapping[tuple[str, str, str], Mapping[str, str]],
        listing: Listing,
    ) -> None:
        """Add the deployments of one account."""
        account_id = as_text(account.get("id"), 1_000)
        match = _ACCOUNT_ID.match(account_id)
        if match is None:
            listing.problems.append(
                PullProblem(account_id[:120] or "account", "The account has no valid resource ID.")
            )
            return
        subscription, group, name = match.groups()
        region = as_text(account.get("location"), 60)
        self._access.report(f"deployments of {name}")
        path = (
            f"/subscriptions/{encode_part(subscription)}/resourceGroups/{encode_part(group)}"
            f"/providers/Microsoft.CognitiveServices/accounts/{encode_part(name)}/deployments"
        )
        try:
            rows = self._rows(path)
        except PartUnreadableError as error:
            listing.problems.append(PullProblem(f"deployments of {name}", str(error)))
            return
        scope = f"{group}/{name}".lower()
        listing.complete_scopes.add(scope)
        for row in rows:
            properties = as_mapping(row.get("properties"))
            model = as_mapping(properties.get("model"))
            model_name, version = as_text(model.get("name")), as_text(model.get("version"), 60)
            state = as_text(properties.get("provisioningState"), 60)
            if not as_text(row.get("name")) or not model_name:
                continue
            if state.lower() in _STATES_WITHOUT_SERVICE:
                continue
            sku = as_mapping(row.get("sku"))
            listing.deployments.append(
                FoundDeployment(
                    kind=AccountDeployment.Kind.DEPLOYMENT,
                    scope=scope,
                    external_id=as_text(row.get("id"), 1_000).lower() or f"{scope}/{row['name']}",
                    name=as_text(row.get("name")),
                    model=model_name,
                    version=version,
                    region=region,
                    upgrades=as_text(properties.get("versionUpgradeOption")).lower() != NO_UPGRADE,
                    group=group,
                    project=name,
                    tags=text_map(account.get("tags")) | text_map(row.get("tags")),
                    facts=stated(
                        {
                            "format": as_text(model.get("format"), 60),
                            "sku": as_text(sku.get("name"), 60),
                            "capacity": as_text(sku.get("capacity"), 20),
                            "state": state,
                            "upgrade": as_text(properties.get("versionUpgradeOption"), 60),
                        }
                    ),
                    lifecycle=lifecycles.get((region, model_name, version), {}),
                )
            )
