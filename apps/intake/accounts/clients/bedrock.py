"""AWS Bedrock: inference profiles, provisioned throughput and custom models of an account, and the
lifecycle of foundation models, by region.

Sources: docs.aws.amazon.com/bedrock/latest/APIReference (ListFoundationModels,
FoundationModelLifecycle, ListInferenceProfiles, ListProvisionedModelThroughputs,
ListCustomModels), read on 29 November 2026. Tags are not read: they need a call for each resource.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from apps.intake.accounts.clients.addresses import address_of
from apps.intake.accounts.clients.session import CloudSession, Headers, encode_query
from apps.intake.accounts.clients.signatures import sign_aws
from apps.intake.accounts.clients.values import bedrock_model, day_text, lifecycle, stated
from apps.intake.accounts.records import (
    AccountAccess,
    FoundDeployment,
    Listing,
    PartUnreadableError,
    PullFailedError,
    PullProblem,
)
from apps.intake.models import AccountDeployment
from apps.intake.readers.json_text import as_mapping, as_mappings, as_text

_PAGE_SIZE = "100"
_ACCOUNT = re.compile(r"^arn:aws[a-z-]{0,12}:bedrock:[a-z0-9-]{1,40}:([0-9]{12}):")

type Rows = list[Mapping[str, Any]]


def read_aws_account(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the selected regions. Raises PullFailedError if none of them can be read."""
    if not access.regions:
        raise PullFailedError("Enter at least one region, such as eu-central-1.")
    listing = Listing()
    for region in access.regions:
        _RegionClient(access, session, region).read(listing)
    if not listing.complete_scopes and listing.problems:
        raise PullFailedError(listing.problems[0].reason)
    return listing


class _RegionClient:
    """Calls to Bedrock's control plane in one region."""

    def __init__(self, access: AccountAccess, session: CloudSession, region: str) -> None:
        self._access, self._session, self._region = access, session, region
        self._address = address_of("bedrock", region=region)

    def _sign(self, method: str, url: str, body: bytes) -> Headers:
        credentials = self._access.credentials
        return sign_aws(
            method,
            url,
            body,
            access_key_id=credentials["access_key_id"],
            secret_access_key=credentials["secret_access_key"],
            session_token=credentials["session_token"],
            region=self._region,
            service="bedrock",
            at=self._access.at,
        )

    def read(self, listing: Listing) -> None:
        lifecycles: dict[str, dict[str, str]] = {}
        self._read_part(
            "foundation models",
            "/foundation-models",
            "modelSummaries",
            lambda rows: self._add_models(rows, lifecycles, listing),
            listing,
            is_paged=False,
        )
        for title, path, key, kind in (
            (
                "inference profiles",
                "/inference-profiles",
                "inferenceProfileSummaries",
                AccountDeployment.Kind.PROFILE,
            ),
            (
                "provisioned throughput",
                "/provisioned-model-throughputs",
                "provisionedModelSummaries",
                AccountDeployment.Kind.THROUGHPUT,
            ),
            (
                "custom models",
                "/custom-models",
                "modelSummaries",
                AccountDeployment.Kind.CUSTOM_MODEL,
            ),
        ):
            scope = f"{self._region}: {title}"

            def add(rows: Rows, kind: str = kind, scope: str = scope) -> None:
                listing.complete_scopes.add(scope)
                found = (self._deployment(kind, scope, row, lifecycles) for row in rows)
                listing.deployments += [deployment for deployment in found if deployment]

            self._read_part(title, path, key, add, listing)

    def _read_part(
        self,
        title: str,
        path: str,
        key: str,
        add: Callable[[Rows], None],
        listing: Listing,
        *,
        is_paged: bool = True,
    ) -> None:
        """Pass all rows of one list to `add`, or note why they cannot be read."""
        self._access.report(f"{title} in {self._region}")
        parameters = {"maxResults": _PAGE_SIZE} if is_paged else {}
        base = f"{self._address}{path}"

        def url_of(token: str) -> str:
            query = encode_query(parameters | ({"nextToken": token} if token else {}))
            return f"{base}?{query}" if query else base

        def next_url(page: Mapping[str, Any]) -> str:
            token = as_text(page.get("nextToken"), 4_000)
            return url_of(token) if token else ""

        try:
            pages = self._session.pages(url_of(""), self._sign, next_url)
            rows = [row for page in pages for row in as_mappings(page.get(key))]
        except PartUnreadableError as error:
            listing.problems.append(PullProblem(f"{title} in {self._region}", str(error)))
        else:
            add(rows)

    def _add_models(
        self, rows: Rows, lifecycles: dict[str, dict[str, str]], listing: Listing
    ) -> None:
        listing.n_models += len(rows)
        for row in rows:
            facts = as_mapping(row.get("modelLifecycle"))
            lifecycles[as_text(row.get("modelId")).lower()] = lifecycle(
                status=as_text(facts.get("status"), 60),
                announced_on=day_text(facts.get("legacyTime")),
                extended_access_from=day_text(facts.get("publicExtendedAccessTime")),
                retires_on=day_text(facts.get("endOfLifeTime")),
            )

    def _deployment(
        self,
        kind: str,
        scope: str,
        row: Mapping[str, Any],
        lifecycles: Mapping[str, Mapping[str, str]],
    ) -> FoundDeployment | None:
        """Return a deployment of the account; None for a profile that AWS defines, because its ID
        contains the model and it exists in every account."""
        if as_text(row.get("type")).upper() == "SYSTEM_DEFINED":
            return None
        arn_key, name_key = {
            AccountDeployment.Kind.PROFILE: ("inferenceProfileArn", "inferenceProfileName"),
            AccountDeployment.Kind.THROUGHPUT: ("provisionedModelArn", "provisionedModelName"),
        }.get(AccountDeployment.Kind(kind), ("modelArn", "modelName"))
        arn = as_text(row.get(arn_key), 1_011)
        if not arn:
            return None
        if kind == AccountDeployment.Kind.PROFILE:
            arns = [
                as_text(model.get("modelArn"), 1_011) for model in as_mappings(row.get("models"))
            ]
        elif kind == AccountDeployment.Kind.THROUGHPUT:
            arns = [as_text(row.get("foundationModelArn"), 1_011)]
        else:
            arns = [as_text(row.get("baseModelArn"), 1_011)]
        models = sorted({model for text in arns if (model := bedrock_model(text))})
        served = as_text(row.get("modelArn"), 1_011)
        is_custom = kind == AccountDeployment.Kind.THROUGHPUT and served not in {"", *arns}
        account = _ACCOUNT.match(arn)
        return FoundDeployment(
            kind=kind,
            scope=scope,
            external_id=arn,
            # applications send the ARN
            name=arn[:256],
            model=models[0] if len(models) == 1 else "",
            region=self._region,
            project=as_text(row.get(name_key)),
            facts=stated(
                {
                    "title": as_text(row.get(name_key)),
                    "account": account[1] if account else "",
                    "status": as_text(row.get("status") or row.get("modelStatus"), 60),
                    "capacity": as_text(row.get("modelUnits"), 20),
                    "commitment": as_text(row.get("commitmentDuration"), 60),
                    "commitment_ends_on": day_text(row.get("commitmentExpirationTime")),
                    "custom_model": served if is_custom else "",
                    "models": models if len(models) > 1 else [],
                }
            ),
            lifecycle=lifecycles.get(models[0], {}) if len(models) == 1 else {},
        )
