"""Signatures of requests: AWS Signature Version 4, and signed assertions of Google service
accounts."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from apps.common.http.addresses import DEFAULT_PORTS, port_of

_ALGORITHM = "AWS4-HMAC-SHA256"
# Google accepts assertions for at most an hour
_ASSERTION_LIFETIME = timedelta(minutes=30)


class UnusableKeyError(Exception):
    """The private key cannot be read; the text is a sentence for users."""


def sign_aws(
    method: str,
    url: str,
    body: bytes,
    *,
    access_key_id: str,
    secret_access_key: str,
    session_token: str = "",
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """Return the headers of a request signed with Signature Version 4, without `Host`, which the
    outbound client sends.

    The path and the query must be in the strict form of RFC 3986 (`encode_query`).
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read on 29
    November 2026)"""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    signed = {"host": _authority(url), "x-amz-date": stamp}
    if session_token:
        signed["x-amz-security-token"] = session_token
    names = ";".join(sorted(signed))
    parts = urlsplit(url)
    canonical_request = "\n".join(
        [
            method,
            # every service but S3 encodes the encoded path once more
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(sorted(parts.query.split("&"))) if parts.query else "",
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text_to_sign = "\n".join(
        [_ALGORITHM, stamp, scope, hashlib.sha256(canonical_request.encode()).hexdigest()]
    )
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text_to_sign.encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-Amz-Date": stamp,
        "Authorization": f"{_ALGORITHM} Credential={access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}",
    }
    if session_token:
        headers["X-Amz-Security-Token"] = session_token
    return headers


def _authority(url: str) -> str:
    """Return the Host header as the outbound client sends it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", port_of(parts)
    return host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"


def sign_google_assertion(
    *, email: str, private_key: str, key_id: str, scope: str, audience: str, at: datetime
) -> str:
    """Return the signed JWT with which a service account requests an access token (RFC 7523).
    Raises UnusableKeyError.

    (developers.google.com/identity/protocols/oauth2/service-account, section HTTP/REST)"""
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    claims = {
        "iss": email,
        "scope": scope,
        "aud": audience,
        "iat": int(at.timestamp()),
        "exp": int((at + _ASSERTION_LIFETIME).timestamp()),
    }
    text = f"{_encode_json(header)}.{_encode_json(claims)}"
    signature = load_private_key(private_key).sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{_encode(signature)}"


def load_private_key(pem: str) -> RSAPrivateKey:
    """Return an RSA key; raises UnusableKeyError with a sentence that contains nothing of it."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UnusableKeyError(
            "The private key of the service account cannot be read. Create a new JSON key and "
            "paste the whole file."
        )
    return key


def _encode_json(content: Mapping[str, object]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
