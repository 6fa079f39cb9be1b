"""The format of API tokens: `fr_<prefix>_<secret>`, of which only the digest is stored."""

import hashlib
import secrets


def new_token() -> tuple[str, str]:
    """Return (prefix, token). The prefix is shown in lists; the secret has 256 random bits."""
    prefix = secrets.token_hex(4)
    return prefix, new_secret(prefix)


def new_secret(prefix: str) -> str:
    """Return a token with the given prefix and a new secret."""
    return f"fr_{prefix}_{secrets.token_hex(32)}"


def digest_of(token: str) -> str:
    """Return the SHA-256 digest in hex. A slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
