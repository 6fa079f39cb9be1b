"""Sample document for trying a mapping: pasted, uploaded, fetched once, or the last body of the
source.

The cache stores it for an hour for the user who provided it, so that one upload serves several
trials. A user whose sample is lost from the cache uploads it again."""

import gzip
import secrets
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from apps.accounts.models import User
from apps.common.time import now

SAMPLE_RETENTION_SECONDS = 3600
# limit of the text field; larger samples are uploaded
MAX_PASTED_BYTES = 1024 * 1024
MAX_SAMPLE_BYTES = 32 * 1024 * 1024
_MAX_STORED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample document; `token` is empty if it could not be stored; `origin` describes where it
    comes from."""

    body: bytes
    origin: str
    at: datetime
    token: str = ""


def store_sample(body: bytes, origin: str, user: User) -> Sample:
    """Store the sample for this user, if it is not too large."""
    compressed = gzip.compress(body, compresslevel=4)
    at = now()
    if len(compressed) > _MAX_STORED_BYTES:
        return Sample(body, origin, at)
    token = secrets.token_urlsafe(12)
    cache.set(
        _build_cache_key(user, token),
        [b64encode(compressed).decode("ascii"), origin, at.isoformat()],
        SAMPLE_RETENTION_SECONDS,
    )
    return Sample(body, origin, at, token)


def load_sample(token: str, user: User) -> Sample | None:
    """Return the sample stored under this token for this user, if it still is."""
    if not token or len(token) > 40:
        return None
    cached_entry = cache.get(_build_cache_key(user, token))
    if cached_entry is None:
        return None
    compressed, origin, at = cached_entry
    return Sample(gzip.decompress(b64decode(compressed)), origin, datetime.fromisoformat(at), token)


def decompress_sample(body: bytes) -> bytes | None:
    """Return the content of an uploaded file, decompressed if it is gzip; None if it is larger than
    MAX_SAMPLE_BYTES."""
    if body[:2] != b"\x1f\x8b":
        return body if len(body) <= MAX_SAMPLE_BYTES else None
    decompressor = zlib.decompressobj(wbits=31)
    try:
        content = decompressor.decompress(body, MAX_SAMPLE_BYTES + 1)
    except zlib.error:
        return body
    return content if len(content) <= MAX_SAMPLE_BYTES else None


def _build_cache_key(user: User, token: str) -> str:
    return f"mapping-sample:{user.pk}:{token}"
