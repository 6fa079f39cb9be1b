"""Sample document for trying a mapping: pasted, uploaded, fetched once, or the last body of the
source.

It is kept for an hour for the one user who gave it, outside of the database, so that it need not be
given again at each try. A cache that loses it costs one more upload."""

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
# what goes into a text field; larger ones are uploaded
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
    packed = gzip.compress(body, compresslevel=4)
    at = now()
    if len(packed) > _MAX_STORED_BYTES:
        return Sample(body, origin, at)
    token = secrets.token_urlsafe(12)
    cache.set(
        _key(user, token),
        [b64encode(packed).decode("ascii"), origin, at.isoformat()],
        SAMPLE_RETENTION_SECONDS,
    )
    return Sample(body, origin, at, token)


def load_sample(token: str, user: User) -> Sample | None:
    """Return the sample stored under this token for this user, if it still is."""
    if not token or len(token) > 40:
        return None
    found = cache.get(_key(user, token))
    if found is None:
        return None
    packed, origin, at = found
    return Sample(gzip.decompress(b64decode(packed)), origin, datetime.fromisoformat(at), token)


def decompress_sample(body: bytes) -> bytes | None:
    """An uploaded file, unpacked where it is gzip; None where it is larger than
    MAX_SAMPLE_BYTES."""
    if body[:2] != b"\x1f\x8b":
        return body if len(body) <= MAX_SAMPLE_BYTES else None
    unpack = zlib.decompressobj(wbits=31)
    try:
        whole = unpack.decompress(body, MAX_SAMPLE_BYTES + 1)
    except zlib.error:
        return body
    return whole if len(whole) <= MAX_SAMPLE_BYTES else None


def _key(user: User, token: str) -> str:
    return f"mapping-sample:{user.pk}:{token}"
