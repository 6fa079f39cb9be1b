"""The identity provider of SAML, from its metadata or from the settings."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from requests import RequestException

from apps.accounts.single_sign_on.saml import (
    IdentityProvider,
    InvalidResponseError,
    read_metadata,
)
from apps.accounts.single_sign_on.session import SafeSession, sign_on_policy
from apps.common.time import now

# providers announce new certificates days before they use them
METADATA_DURATION = timedelta(hours=4)
# for which the last metadata count while the provider does not answer
FALLBACK_DURATION = timedelta(days=7)
# {source: (time at which it was read, provider)} of this process; not in the shared cache, because
# whoever writes there could otherwise sign in as anybody
_read: dict[str, tuple[datetime, IdentityProvider]] = {}


def load_identity_provider() -> IdentityProvider:
    """Return the configured provider. Metadata are read every four hours by each process; while
    they cannot be read, the last ones count for a week. Raises InvalidResponseError."""
    configured = settings.SAML
    if configured["certificate_file"]:
        return IdentityProvider(
            configured["idp_entity_id"],
            configured["sign_on_url"],
            (Path(configured["certificate_file"]).read_text(),),
        )
    source, moment = configured["metadata_file"] or configured["metadata_url"], now()
    read_at, provider = _read.get(source, (None, None))
    if provider is not None and read_at is not None and read_at > moment - METADATA_DURATION:
        return provider
    try:
        fresh = read_metadata(_read_source(), configured["idp_entity_id"])
    except (RequestException, OSError) as error:
        if provider is None or read_at is None or read_at < moment - FALLBACK_DURATION:
            raise InvalidResponseError(
                f"The metadata of the identity provider were not read: {error}."
            ) from error
        return provider
    _read[source] = (moment, fresh)
    return fresh


def _read_source() -> bytes:
    configured = settings.SAML
    if configured["metadata_file"]:
        return Path(configured["metadata_file"]).read_bytes()
    url: str = configured["metadata_url"]
    with SafeSession(issuer=url, policy=sign_on_policy(configured["ca_file"])) as session:
        response = session.get(url, headers={"Accept": "application/samlmetadata+xml, */*"})
        response.raise_for_status()
        return response.content
