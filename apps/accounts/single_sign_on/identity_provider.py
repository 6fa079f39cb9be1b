"""The identity provider of SAML, from its metadata or from the settings."""

from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from requests import RequestException

from apps.accounts.single_sign_on.saml import (
    IdentityProvider,
    InvalidResponseError,
    read_metadata,
)
from apps.accounts.single_sign_on.session import SafeSession, sign_on_policy

_CACHE_KEY = "saml:metadata"
# providers announce new certificates days before they use them
METADATA_SECONDS = 4 * 3600
# used while the provider does not answer
FALLBACK_SECONDS = 7 * 24 * 3600


def load_identity_provider() -> IdentityProvider:
    """Return the configured provider. Metadata of a URL are read every four hours; while it does
    not answer, the last ones count for a week. Raises InvalidResponseError."""
    configured = settings.SAML
    if configured["certificate_file"]:
        return IdentityProvider(
            configured["idp_entity_id"],
            configured["sign_on_url"],
            (Path(configured["certificate_file"]).read_text(),),
        )
    source = configured["metadata_file"] or configured["metadata_url"]
    fresh_key, last_key = f"{_CACHE_KEY}:{source}", f"{_CACHE_KEY}:last:{source}"
    stored = cache.get(fresh_key)
    if stored is None:
        try:
            provider = read_metadata(_read_source(), configured["idp_entity_id"])
        except (RequestException, OSError) as error:
            stored = cache.get(last_key)
            if stored is None:
                raise InvalidResponseError(
                    f"The metadata of the identity provider were not read: {error}."
                ) from error
        else:
            stored = [provider.entity_id, provider.sign_on_url, list(provider.certificates)]
            cache.set(fresh_key, stored, METADATA_SECONDS)
            cache.set(last_key, stored, FALLBACK_SECONDS)
    entity_id, url, certificates = stored
    return IdentityProvider(entity_id, url, tuple(certificates))


def _read_source() -> bytes:
    configured = settings.SAML
    if configured["metadata_file"]:
        return Path(configured["metadata_file"]).read_bytes()
    url: str = configured["metadata_url"]
    with SafeSession(issuer=url, policy=sign_on_policy(configured["ca_file"])) as session:
        response = session.get(url, headers={"Accept": "application/samlmetadata+xml, */*"})
        response.raise_for_status()
        return response.content
