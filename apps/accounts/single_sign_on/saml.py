"""Messages of SAML 2.0: the request that begins a sign-in, and the response that ends it.

A response is read in a child process, so that the libraries of XML and signatures are loaded there
only. python3-saml checks signature, schema, times, audience and destination; what it leaves open
where an element is absent is required here (SAML 2.0 Profiles, section 4.1.4.2).
"""

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape, quoteattr

from django.utils.crypto import get_random_string

from apps.common.processes.child_process import Limits, child_function
from apps.common.processes.lazy_import import lazy_import

if TYPE_CHECKING:
    from onelogin.saml2 import idp_metadata_parser, response
    from onelogin.saml2 import settings as saml_settings
    from onelogin.saml2 import utils as saml_utils
else:
    idp_metadata_parser = lazy_import("onelogin.saml2.idp_metadata_parser")
    response = lazy_import("onelogin.saml2.response")
    saml_settings = lazy_import("onelogin.saml2.settings")
    saml_utils = lazy_import("onelogin.saml2.utils")

# as sent, in base64
MAX_RESPONSE_LENGTH = 400_000
MAX_METADATA_BYTES = 8 * 1024 * 1024
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_LIMITS = Limits(cpu_seconds=10, memory_mib=512, wall_seconds=20)
_MAX_VALUES = 1_000


class InvalidResponseError(Exception):
    """The message cannot be accepted; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """What the metadata of an identity provider say: where to send requests, and the certificates
    (PEM or base64) that sign its responses."""

    entity_id: str
    sign_on_url: str
    certificates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid response says of a user. `request_id` is the request that it answers;
    `expires_at` the end of its assertion in seconds of the epoch."""

    issuer: str
    name_id: str
    name_id_format: str
    request_id: str
    expires_at: int
    attributes: tuple[tuple[str, tuple[str, ...]], ...]

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values of the first of these attributes that the response has."""
        found = dict(self.attributes)
        return next((found[name] for name in names if found.get(name)), ())

    @property
    def is_transient(self) -> bool:
        return self.name_id_format == _TRANSIENT


def new_request(
    provider: IdentityProvider, *, entity_id: str, acs_url: str, at: datetime
) -> tuple[str, str]:
    """Return (ID of the request, URL to which the browser is sent with it)."""
    request_id = f"_{get_random_string(40)}"
    document = (
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
        f' ID={quoteattr(request_id)} Version="2.0"'
        f' IssueInstant="{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"'
        f" Destination={quoteattr(provider.sign_on_url)}"
        f' ProtocolBinding="{_POST}" AssertionConsumerServiceURL={quoteattr(acs_url)}>'
        f"<saml:Issuer>{escape(entity_id)}</saml:Issuer></samlp:AuthnRequest>"
    )
    compressor = zlib.compressobj(wbits=-15)
    deflated = compressor.compress(document.encode()) + compressor.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode()})
    separator = "&" if urlsplit(provider.sign_on_url).query else "?"
    return request_id, f"{provider.sign_on_url}{separator}{query}"


def service_metadata(*, entity_id: str, acs_url: str) -> str:
    """Return the metadata of the registry, to register it with the identity provider."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f" entityID={quoteattr(entity_id)}>"
        '<md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true"'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'<md:AssertionConsumerService Binding="{_POST}" Location={quoteattr(acs_url)}'
        ' index="0" isDefault="true"/>'
        "</md:SPSSODescriptor></md:EntityDescriptor>\n"
    )


@child_function(
    classes=(IdentityProvider,),
    errors=(InvalidResponseError,),
    refusal=InvalidResponseError,
    limits=_LIMITS,
)
def read_metadata(body: bytes, entity_id: str) -> IdentityProvider:
    """Return the identity provider of metadata, which may name several: the one with `entity_id`,
    or the only one if it is empty. Raises InvalidResponseError."""
    if len(body) > MAX_METADATA_BYTES:
        raise InvalidResponseError("The metadata of the identity provider are too large.")
    parser = idp_metadata_parser.OneLogin_Saml2_IdPMetadataParser
    try:
        document = parser.parse(
            body, required_sso_binding=_REDIRECT, entity_id=entity_id or None
        ).get("idp", {})
    except _unreadable_errors() as error:
        raise InvalidResponseError(
            f"The metadata of the identity provider cannot be read: {error}."
        ) from error
    certificates = document.get("x509certMulti", {}).get("signing") or [document.get("x509cert")]
    url = document.get("singleSignOnService", {}).get("url")
    if not document.get("entityId") or not url or not certificates[0]:
        raise InvalidResponseError(
            "The metadata have no identity provider with a certificate and a SingleSignOnService "
            "of the binding HTTP-Redirect."
        )
    return IdentityProvider(document["entityId"], url, tuple(certificates))


@child_function(
    classes=(Identity,),
    errors=(InvalidResponseError,),
    refusal=InvalidResponseError,
    limits=_LIMITS,
)
def read_response(
    text: str, *, provider: IdentityProvider, entity_id: str, acs_url: str
) -> Identity:
    """Return what a signed response (base64) says, if it is meant for this service and is valid
    now. Raises InvalidResponseError."""
    if len(text) > MAX_RESPONSE_LENGTH:
        raise InvalidResponseError("The response is too large.")
    try:
        configuration = saml_settings.OneLogin_Saml2_Settings(
            _configuration(provider, entity_id=entity_id, acs_url=acs_url)
        )
        message = response.OneLogin_Saml2_Response(configuration, text)
        if not message.is_valid(_request_data(acs_url)):
            raise InvalidResponseError(f"The response is not valid: {message.get_error()}.")
        return _identity_of(message, provider, entity_id=entity_id, acs_url=acs_url)
    except _unreadable_errors() as error:
        raise InvalidResponseError(f"The response cannot be read: {error}.") from error


def _identity_of(
    message: Any, provider: IdentityProvider, *, entity_id: str, acs_url: str
) -> Identity:
    confirmation = _confirmation_of(message, acs_url)
    if entity_id not in message.get_audiences():
        raise InvalidResponseError("The assertion names no audience.")
    return Identity(
        issuer=provider.entity_id,
        name_id=str(message.get_nameid() or "").strip(),
        name_id_format=message.get_nameid_format() or "",
        request_id=confirmation.get("InResponseTo"),
        expires_at=int(message.valid_scd_not_on_or_after),
        attributes=tuple(
            (str(name), tuple(str(value) for value in values[:_MAX_VALUES] if value is not None))
            for name, values in message.get_attributes().items()
        ),
    )


def _unreadable_errors() -> tuple[type[Exception], ...]:
    """Return what the libraries raise for messages in another form than theirs; errors of XML are
    SyntaxErrors, and forbidden entities ValueErrors."""
    return (
        ValueError,
        SyntaxError,
        TypeError,
        LookupError,
        AttributeError,
        saml_utils.OneLogin_Saml2_Error,
        saml_utils.OneLogin_Saml2_ValidationError,
    )


def _confirmation_of(message: Any, acs_url: str) -> Any:
    """Return the one confirmation of the signed assertion, which says for whom and until when it
    is, and which request it answers. The library accepts it without these."""
    nodes = message._query_assertion("/saml:Subject/saml:SubjectConfirmation")
    if len(nodes) != 1:
        raise InvalidResponseError("The assertion must have one confirmation of its subject.")
    [data] = nodes[0].findall("{urn:oasis:names:tc:SAML:2.0:assertion}SubjectConfirmationData")
    if data.get("Recipient") != acs_url:
        raise InvalidResponseError("The assertion is meant for another recipient.")
    if message.valid_scd_not_on_or_after is None:
        raise InvalidResponseError("The confirmation of the assertion has no end.")
    if not data.get("InResponseTo"):
        raise InvalidResponseError(
            "The response answers no request: sign-ins that begin at the identity provider are "
            "not accepted."
        )
    return data


def _configuration(provider: IdentityProvider, *, entity_id: str, acs_url: str) -> dict[str, Any]:
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_id,
            "assertionConsumerService": {"url": acs_url, "binding": _POST},
        },
        "idp": {
            "entityId": provider.entity_id,
            "singleSignOnService": {"url": provider.sign_on_url, "binding": _REDIRECT},
            "x509certMulti": {"signing": list(provider.certificates)},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowRepeatAttributeName": True,
            # hosts within an organisation often have no dot
            "allowSingleLabelDomains": True,
        },
    }


def _request_data(acs_url: str) -> dict[str, Any]:
    """Return the request as the library reads it: of the configured URL, whatever a proxy says."""
    url = urlsplit(acs_url)
    return {
        "https": "on" if url.scheme == "https" else "off",
        "http_host": url.netloc,
        "script_name": url.path,
        "get_data": {},
        "post_data": {},
    }
