"""Addresses of the clouds. Users enter none: only the operator can replace them, for sovereign
clouds, private endpoints and tests (CLOUD_ADDRESSES)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

# `{region}` is the only part that an account determines, and a region has no dot or slash.
# Sources: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
# and .../rest/api/azure; docs.aws.amazon.com/general/latest/gr/bedrock.html;
# developers.google.com/identity/protocols/oauth2/service-account;
# cloud.google.com/vertex-ai/docs/general/endpoint-access-control;
# developers.openai.com/api/docs/guides/admin-apis; platform.claude.com/docs/en/api/admin;
# docs.mistral.ai/api. Read on 29 November 2026.
DEFAULT_ADDRESSES: Mapping[str, str] = {
    "azure-sign-in": "https://login.microsoftonline.com",
    "azure": "https://management.azure.com",
    "bedrock": "https://bedrock.{region}.amazonaws.com",
    "google-sign-in": "https://oauth2.googleapis.com",
    "vertex": "https://{region}-aiplatform.googleapis.com",
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "mistral": "https://api.mistral.ai",
}


def address_of(service: str, *, region: str = "") -> str:
    """Return the base address of a service, without a slash at its end."""
    address = settings.CLOUD_ADDRESSES.get(service, DEFAULT_ADDRESSES[service])
    return address.rstrip("/").replace("{region}", region)


def parse_addresses(entries: list[str]) -> dict[str, str]:
    """Parse entries such as `azure=https://management.chinacloudapi.cn`. Raises ValueError with a
    sentence for the operator."""
    addresses: dict[str, str] = {}
    for entry in entries:
        service, _, address = entry.strip().partition("=")
        if service not in DEFAULT_ADDRESSES:
            raise ValueError(
                f"CLOUD_ADDRESSES: '{service}' is not a service. Use one of "
                f"{', '.join(sorted(DEFAULT_ADDRESSES))}."
            )
        parts = urlsplit(address)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query:
            raise ValueError(f"CLOUD_ADDRESSES: enter {service}=https://host.")
        addresses[service] = address
    return addresses
