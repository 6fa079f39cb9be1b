"""Single sign-on (SSO) by OpenID Connect, as the environment configures it; docs/operator.md
describes the variables."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
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
    hours = env.int("OIDC_SESSION_HOURS", default=12)
    if not 1 <= hours <= 168:
        raise ImproperlyConfigured("OIDC_SESSION_HOURS must be between 1 and 168.")
    ca_file = env.str("OIDC_CA_FILE", default="")
    if ca_file and not Path(ca_file).is_file():
        raise ImproperlyConfigured(
            f"OIDC_CA_FILE is {ca_file}, but this file does not exist. Check the path."
        )
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
