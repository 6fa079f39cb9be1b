"""A small OpenID Connect provider on loopback: discovery, keys, authorization code with PKCE,
signed ID tokens.

It does what the standard asks, refuses what the standard refuses, and lies where a test tells it
to.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "registry", "s3cret-of-the-client"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def as_jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**made, "kid": kid, "use": "sig", "alg": "RS256"}


@dataclass
class Provider:
    """`claims` are of whoever signs in next; `bend` gets the ID token's claims and may spoil
    them."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    bend: Callable[[dict[str, Any]], dict[str, Any]] = dict
    sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(
        claims, KEY, "RS256", headers={"kid": "one"}
    )
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **(
                {"userinfo_endpoint": f"{self.issuer}/userinfo"}
                if self.userinfo is not None
                else {}
            ),
            **self.discovery,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next, with a code."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, body: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(body.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        )
        for why, holds in {
            "client": authorization == expected,
            "code": asked is not None,
            "redirect_uri": asked is not None and body.get("redirect_uri") == asked["redirect_uri"],
            "pkce": asked is not None
            and asked.get("code_challenge_method") == "S256"
            and challenge.rstrip(b"=").decode() == asked.get("code_challenge"),
        }.items():
            if not holds:
                self.refused.append(why)
                return 400, {"error": "invalid_grant", "error_description": why}
        assert asked is not None
        at = int(time.time())
        claims = self.bend(
            {
                "iss": self.issuer,
                "aud": CLIENT_ID,
                "iat": at,
                "exp": at + 300,
                "nonce": asked.get("nonce"),
                **self.claims,
            }
        )
        return 200, {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self.sign(claims),
        }


def serve(provider: Provider) -> ThreadingHTTPServer:
    """A server on loopback for `provider`, whose issuer it sets; the caller shuts it down."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: Any, **headers: str) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            match parts.path.removeprefix("/realm"):
                case "/.well-known/openid-configuration":
                    self._answer(200, provider.document())
                case "/keys":
                    self._answer(200, {"keys": [as_jwk(OTHER_KEY, "old"), as_jwk(KEY, "one")]})
                case "/authorize":
                    self._answer(302, {}, Location=provider.authorize(query))
                case "/userinfo" if self.headers["Authorization"] == "Bearer opaque":
                    self._answer(200, provider.userinfo)
                case _:
                    self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(
                *provider.exchange(
                    {name: values[0] for name, values in body.items()},
                    self.headers.get("Authorization", ""),
                )
            )

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}/realm"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
