"""Single sign-on (SSO) by OpenID Connect, as the environment configures it; docs/operator.md
describes the variables."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from defusedxml import ElementTree
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.single_sign_on.rules import Grant, InvalidRulesError, read_rules


def group_rules(env: environ.Env) -> tuple[Grant, ...]:
    """Return the roles of groups by GROUP_ROLES, for sign-ins and for groups of SCIM; OIDC_ROLES is
    its former name."""
    text, former = env.str("GROUP_ROLES", default=""), env.str("OIDC_ROLES", default="")
    if text and former and text != former:
        raise ImproperlyConfigured(
            "GROUP_ROLES and OIDC_ROLES say different things. OIDC_ROLES is the former name: "
            "remove it."
        )
    try:
        return read_rules(text or former, name="GROUP_ROLES" if text else "OIDC_ROLES")
    except InvalidRulesError as error:
        raise ImproperlyConfigured(str(error)) from error


def sign_on(env: environ.Env, *, production: bool) -> dict[str, Any]:
    """Return the configuration by OIDC_...; empty if OIDC_ISSUER is not set, which disables single
    sign-on. In `production` the issuer must use https."""
    issuer = env.str("OIDC_ISSUER", default="")
    if not issuer:
        return {}
    issuer_url = urlsplit(issuer)
    if (
        issuer_url.scheme not in {"https", "http"}
        or not issuer_url.hostname
        or issuer_url.query
        or issuer_url.fragment
    ):
        raise ImproperlyConfigured(
            "OIDC_ISSUER must be the URL of the identity provider, such as "
            "https://login.example.org/realm."
        )
    if production and issuer_url.scheme != "https":
        raise ImproperlyConfigured("OIDC_ISSUER must begin with https:// in production.")
    if not env.str("OIDC_CLIENT_ID", default=""):
        raise ImproperlyConfigured(
            "Set OIDC_CLIENT_ID together with OIDC_ISSUER; see docs/operator.md."
        )
    hours = _checked_hours("OIDC_SESSION_HOURS", env.int("OIDC_SESSION_HOURS", default=12))
    ca_file = _checked_path("OIDC_CA_FILE", env.str("OIDC_CA_FILE", default=""))
    return {
        "issuer": issuer,
        "client_id": env.str("OIDC_CLIENT_ID"),
        # without one the client is a public one, and PKCE alone protects the code
        "client_secret": env.str("OIDC_CLIENT_SECRET", default=""),
        "name": env.str("OIDC_NAME", default=issuer_url.hostname),
        "scopes": env.str("OIDC_SCOPES", default="openid profile email").split(),
        "groups_claim": env.str("OIDC_GROUPS_CLAIM", default="groups"),
        "rules": group_rules(env),
        "links_by_email": env.bool("OIDC_LINK_BY_EMAIL", default=False),
        "creates_people": env.bool("OIDC_CREATE_PEOPLE", default=True),
        "session_hours": hours,
        "ca_file": ca_file,
        # forms may lead there: browsers hold a form's redirect against the policy too
        "form_origins": [
            f"{issuer_url.scheme}://{issuer_url.netloc}",
            *env.list("OIDC_FORM_ORIGINS", default=[]),
        ],
    }


# the attributes that Entra ID, AD FS, Okta, Keycloak and Shibboleth use, in the order in which they
# are looked for
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_EMAIL = (f"{_CLAIMS}/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "email", "mail")
_FIRST_NAME = (f"{_CLAIMS}/givenname", "urn:oid:2.5.4.42", "firstName", "givenName")
_LAST_NAME = (f"{_CLAIMS}/surname", "urn:oid:2.5.4.4", "lastName", "sn")
_GROUPS = (
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    "groups",
    "memberOf",
)


def saml_sign_on(env: environ.Env, *, public_url: str, production: bool) -> dict[str, Any]:
    """Return the configuration by SAML_...; empty if neither metadata nor a certificate of the
    identity provider is set, which disables SAML. `public_url` is where users open the registry."""
    metadata_url = env.str("SAML_METADATA_URL", default="")
    metadata_file = _checked_path("SAML_METADATA_FILE", env.str("SAML_METADATA_FILE", default=""))
    certificate_file = _checked_path(
        "SAML_IDP_CERTIFICATE_FILE", env.str("SAML_IDP_CERTIFICATE_FILE", default="")
    )
    sources = [each for each in (metadata_url, metadata_file, certificate_file) if each]
    if not sources:
        return {}
    if len(sources) > 1:
        raise ImproperlyConfigured(
            "Set only one of SAML_METADATA_URL, SAML_METADATA_FILE and SAML_IDP_CERTIFICATE_FILE."
        )
    sign_on_url = env.str("SAML_IDP_SIGN_ON_URL", default="")
    idp_entity_id = env.str("SAML_IDP_ENTITY_ID", default="")
    if certificate_file and not (sign_on_url and idp_entity_id):
        raise ImproperlyConfigured(
            "Set SAML_IDP_ENTITY_ID and SAML_IDP_SIGN_ON_URL together with "
            "SAML_IDP_CERTIFICATE_FILE."
        )
    for name, url in (("SAML_METADATA_URL", metadata_url), ("SAML_IDP_SIGN_ON_URL", sign_on_url)):
        if url and production and urlsplit(url).scheme != "https":
            raise ImproperlyConfigured(f"{name} must begin with https:// in production.")
    host = urlsplit(metadata_url or sign_on_url).hostname
    base = f"{public_url}/accounts/sign-on/saml"
    return {
        "metadata_url": metadata_url,
        "metadata_file": metadata_file,
        "certificate_file": certificate_file,
        "idp_entity_id": idp_entity_id,
        "sign_on_url": sign_on_url,
        "entity_id": env.str("SAML_ENTITY_ID", default=f"{base}/metadata/"),
        "acs_url": f"{base}/acs/",
        "name": env.str("SAML_NAME", default=host or "SAML"),
        "email_attribute": _names(env.str("SAML_EMAIL_ATTRIBUTE", default=""), _EMAIL),
        "first_name_attribute": _names(
            env.str("SAML_FIRST_NAME_ATTRIBUTE", default=""), _FIRST_NAME
        ),
        "last_name_attribute": _names(env.str("SAML_LAST_NAME_ATTRIBUTE", default=""), _LAST_NAME),
        "groups_attribute": _names(env.str("SAML_GROUPS_ATTRIBUTE", default=""), _GROUPS),
        # SAML has no claim for it, so the operator says whether the provider checks addresses
        "emails_are_verified": env.bool("SAML_EMAILS_ARE_VERIFIED", default=False),
        "rules": group_rules(env),
        "links_by_email": env.bool("SAML_LINK_BY_EMAIL", default=False),
        "creates_people": env.bool("SAML_CREATE_PEOPLE", default=True),
        "session_hours": _checked_hours(
            "SAML_SESSION_HOURS", env.int("SAML_SESSION_HOURS", default=12)
        ),
        "ca_file": _checked_path("SAML_CA_FILE", env.str("SAML_CA_FILE", default="")),
        # the form on the sign-in page leads there; metadata of a URL may name another origin
        "form_origins": [
            *_origins([sign_on_url or metadata_url, *_sign_on_urls(metadata_file)]),
            *env.list("SAML_FORM_ORIGINS", default=[]),
        ],
    }


def _names(configured: str, defaults: tuple[str, ...]) -> tuple[str, ...]:
    return (configured,) if configured else defaults


def _sign_on_urls(metadata_file: str) -> list[str]:
    """Return the URLs to which the metadata of a file send users."""
    if not metadata_file:
        return []
    try:
        elements = ElementTree.parse(metadata_file).iter()
    except (ElementTree.ParseError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"SAML_METADATA_FILE ({metadata_file}) cannot be read: {error}."
        ) from error
    return [
        element.get("Location", "")
        for element in elements
        if element.tag.endswith("}SingleSignOnService")
    ]


def _origins(urls: list[str]) -> list[str]:
    parts = [urlsplit(url) for url in urls]
    return list(dict.fromkeys(f"{each.scheme}://{each.netloc}" for each in parts if each.netloc))


def _checked_hours(name: str, hours: int) -> int:
    if not 1 <= hours <= 168:
        raise ImproperlyConfigured(f"{name} must be between 1 and 168.")
    return hours


def _checked_path(name: str, path: str) -> str:
    if path and not Path(path).is_file():
        raise ImproperlyConfigured(
            f"{name} is {path}, but this file does not exist. Check the path."
        )
    return path
