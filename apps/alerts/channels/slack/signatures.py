"""Signatures of requests from Slack: version v0, HMAC-SHA256 of timestamp and body.

https://docs.slack.dev/authentication/verifying-requests-from-slack and the verifier of
github.com/slackapi/python-slack-sdk, read on 30 November 2026."""

import hashlib
import hmac
from datetime import datetime

# A request that is older, or from a clock that is ahead, can be a copy.
MAX_AGE_SECONDS = 300
MAX_BODY_BYTES = 262_144


def sign_body(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of X-Slack-Signature for a body."""
    text = b":".join([b"v0", timestamp.encode(), body])
    return "v0=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_recent(timestamp: str, *, at: datetime) -> bool:
    """Return whether the value of X-Slack-Request-Timestamp is at most five minutes from `at`."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    return abs(at.timestamp() - int(timestamp)) <= MAX_AGE_SECONDS


def is_signed(secret: str, *, timestamp: str, signature: str, body: bytes) -> bool:
    """Return whether the signature is that of the body, compared in constant time."""
    expected = sign_body(secret, timestamp, body)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
