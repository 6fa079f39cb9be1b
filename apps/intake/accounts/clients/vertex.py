"""Google Vertex AI: endpoints of a project with the models that are deployed to them, by region.

Sources: cloud.google.com/vertex-ai/docs/reference/rest, v1 projects.locations.endpoints and
projects.locations.models (`baseModelSource.modelGardenSource.publicModelName`);
developers.google.com/identity/protocols/oauth2/service-account. Read on 29 November 2026. Calls to
publisher models without an endpoint of the project are in no list: traces and bills show them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apps.intake.accounts.clients.addresses import address_of
from apps.intake.accounts.clients.session import (
    CloudSession,
    Headers,
    encode_part,
    encode_query,
)
from apps.intake.accounts.clients.signatures import UnusableKeyError, sign_google_assertion
from apps.intake.accounts.clients.values import publisher_model, stated, text_map
from apps.intake.accounts.records import (
    AccountAccess,
    CredentialsRejectedError,
    FoundDeployment,
    Listing,
    PartUnreadableError,
    PullFailedError,
    PullProblem,
)
from apps.intake.models import AccountDeployment
from apps.intake.readers.json_text import as_mapping, as_mappings, as_text

# the role of the service account limits what can be read
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_PAGE_SIZE = "100"
_MODEL = re.compile(r"^projects/[^/?#]+/locations/[^/?#]+/models/[^/?#]+\Z")


def read_google_project(access: AccountAccess, session: CloudSession) -> Listing:
    """Read the endpoints of the selected regions. Raises PullFailedError if none can be read."""
    if not access.regions:
        raise PullFailedError("Enter at least one region, such as europe-west4.")
    headers = {"Authorization": f"Bearer {_request_token(access, session)}"}
    listing = Listing()
    for region in access.regions:
        _RegionClient(access, session, region, headers).read(listing)
    if not listing.complete_scopes and listing.problems:
        raise PullFailedError(listing.problems[0].reason)
    return listing


def service_account_key(text: str) -> Mapping[str, str]:
    """Return the entries of the JSON key of a service account that are needed. Raises
    UnusableKeyError with a sentence."""
    try:
        content = as_mapping(json.loads(text))
    except (ValueError, RecursionError):
        content = {}
    key = {
        name: content[name]
        for name in ("client_email", "private_key", "private_key_id")
        if isinstance(content.get(name), str)
    }
    if "client_email" not in key or "private_key" not in key:
        raise UnusableKeyError(
            "This is not the JSON key of a service account with client_email and private_key. "
            "Paste the whole file."
        )
    return key


def _request_token(access: AccountAccess, session: CloudSession) -> str:
    access.report("sign-in")
    # the address in the key file is not used: it would decide where the assertion is sent
    url = f"{address_of('google-sign-in')}/token"
    try:
        key = service_account_key(access.credentials["service_account"])
        assertion = sign_google_assertion(
            email=key["client_email"],
            private_key=key["private_key"],
            key_id=key.get("private_key_id", ""),
            scope=_SCOPE,
            audience=url,
            at=access.at,
        )
    except UnusableKeyError as error:
        raise CredentialsRejectedError(str(error)) from None
    return session.exchange(url, {"grant_type": _GRANT, "assertion": assertion})


class _RegionClient:
    """Calls to Vertex AI in one region."""

    def __init__(
        self, access: AccountAccess, session: CloudSession, region: str, headers: Headers
    ) -> None:
        self._access, self._session, self._region = access, session, region
        self._headers = headers
        self._address = address_of("vertex", region=region)
        self._publisher_names: dict[str, str] = {}

    def _sign(self, _method: str, _url: str, _body: bytes) -> Headers:
        return self._headers

    def read(self, listing: Listing) -> None:
        """Add the deployed models of all endpoints of the region."""
        self._access.report(f"endpoints in {self._region}")
        base = (
            f"{self._address}/v1/projects/{encode_part(self._access.project)}"
            f"/locations/{encode_part(self._region)}/endpoints"
        )

        def next_url(page: Mapping[str, Any]) -> str:
            token = as_text(page.get("nextPageToken"), 4_000)
            query = encode_query({"pageSize": _PAGE_SIZE, "pageToken": token})
            return f"{base}?{query}" if token else ""

        try:
            url = f"{base}?{encode_query({'pageSize': _PAGE_SIZE})}"
            pages = self._session.pages(url, self._sign, next_url)
            endpoints = [row for page in pages for row in as_mappings(page.get("endpoints"))]
        except PartUnreadableError as error:
            listing.problems.append(PullProblem(f"endpoints in {self._region}", str(error)))
            return
        listing.complete_scopes.add(self._region)
        for endpoint in endpoints:
            for row in as_mappings(endpoint.get("deployedModels")):
                listing.deployments.append(self._deployment(endpoint, row, listing))

    def _deployment(
        self, endpoint: Mapping[str, Any], row: Mapping[str, Any], listing: Listing
    ) -> FoundDeployment:
        name = as_text(endpoint.get("name"))
        path = as_text(row.get("model"), 400)
        model, version = publisher_model(path)
        if not model and path:
            model, version = publisher_model(self._publisher_name(path, listing))
        return FoundDeployment(
            kind=AccountDeployment.Kind.ENDPOINT,
            scope=self._region,
            external_id=f"{name}#{as_text(row.get('id'), 60)}",
            name=name,
            model=model,
            version=version,
            region=self._region,
            project=as_text(endpoint.get("displayName")),
            tags=text_map(endpoint.get("labels")),
            facts=stated(
                {
                    "title": as_text(endpoint.get("displayName")),
                    "resource": path,
                    "model_title": as_text(row.get("displayName")),
                    "resource_version": as_text(row.get("modelVersionId"), 60),
                }
            ),
        )

    def _publisher_name(self, path: str, listing: Listing) -> str:
        """Return the public name of the model from which a model of the project was made; empty if
        it has none or cannot be read."""
        path = path.partition("@")[0]
        if path not in self._publisher_names:
            name = ""
            if _MODEL.match(path):
                try:
                    content = self._session.get(f"{self._address}/v1/{path}", self._sign)
                    source = as_mapping(content.get("baseModelSource"))
                    garden = as_mapping(source.get("modelGardenSource"))
                    name = as_text(garden.get("publicModelName"), 400)
                except PartUnreadableError as error:
                    listing.problems.append(PullProblem(path, str(error)))
            self._publisher_names[path] = name
        return self._publisher_names[path]
