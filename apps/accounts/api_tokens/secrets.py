"""The shape of API tokens: `fr_<prefix>_<secret>`, of which only the digest is kept."""

import hashlib
import secrets


def new_token() -> tuple[str, str]:
    """(prefix, token). The prefix is shown in lists; the secret has 256 random bits."""
    prefix = secrets.token_hex(4)
    return prefix, new_secret(prefix)


def new_secret(prefix: str) -> str:
    """A token with a new secret under the prefix that lists show."""
    return f"fr_{prefix}_{secrets.token_hex(32)}"


def digest_of(token: str) -> str:
    """SHA-256 in hex. A slow hash would add nothing to 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
