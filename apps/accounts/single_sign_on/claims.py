"""Verification of the ID token of a sign-in (OpenID Connect Core 1.0, section 3.1.3.7)."""

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.common.processes.lazy_import import lazy_import

if TYPE_CHECKING:
    import jwt
else:
    jwt = lazy_import("jwt")

# asymmetric only: with `none` anyone could create the token, and with a shared secret the client
# could
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
# tolerated difference between two synchronised clocks
LEEWAY_SECONDS = 60
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat"]


class InvalidTokenError(Exception):
    """The token is not valid; the text says why, for the log."""


def verified_claims(
    token: str, *, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """Return the claims of a token that `issuer` signed with one of `keys` (a JWKS), for this
    client and this sign-in.

    The signature is checked although the token came over TLS: the check costs little, and the
    connection might end at a proxy. Raises InvalidTokenError.
    """
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise InvalidTokenError(
                f"The ID token is signed with '{algorithm}', which is not accepted."
            )
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_find_key(keys, header.get("kid"), algorithm),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED_CLAIMS},
        )
    except jwt.PyJWTError as error:
        raise InvalidTokenError(f"{type(error).__name__}: {error}.") from error
    if not nonce or not secrets.compare_digest(
        str(claims.get("nonce", "")).encode(), nonce.encode()
    ):
        raise InvalidTokenError(
            "The nonce of the ID token does not match this sign-in: the token answers "
            "another request or was used before."
        )
    audience = claims["aud"]
    has_other_audiences = isinstance(audience, list) and len(audience) > 1
    if (has_other_audiences or "azp" in claims) and claims.get("azp") != client_id:
        raise InvalidTokenError("The ID token was issued to another client (azp).")
    return claims


def _find_key(keys: Mapping[str, Any], kid: str | None, algorithm: str) -> Any:
    """Return the provider's signing key with the ID `kid`, or its only signing key if the token
    names none, as `algorithm` needs it. InvalidTokenError if there is not exactly one, or it does
    not fit."""
    published = [
        key
        for key in keys.get("keys", [])
        if isinstance(key, Mapping) and key.get("use", "sig") == "sig"
    ]
    matching_keys = [key for key in published if key.get("kid") == kid] if kid else published
    if len(matching_keys) != 1:
        raise InvalidTokenError(
            f"The provider does not publish exactly one key '{kid}' for the ID token."
        )
    try:
        return jwt.PyJWK(json.loads(json.dumps(matching_keys[0])), algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidTokenError(f"The provider's key '{kid}' does not fit {algorithm}.") from error
