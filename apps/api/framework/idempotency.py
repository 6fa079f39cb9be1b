"""`Idempotency-Key`: a POST that is sent again after a lost answer is done once.

The work and its stored answer are one transaction (`RegistryView.dispatch`). A process that ends in
between has written neither, and the next one can start. The same request again gets the answer.
Another request with the key is rejected, and so is the same request while the first one is in
progress, which an advisory lock of the transaction shows. Answers are stored for one day. A server
error (5xx) is not stored, so that the request can be repeated. A secret is not stored either: a
sentence is stored in its place.

A stream of rows (bulk) can be long, and its blocks are transactions of their own. A row is stored
before the work, under a lease that each read renews, and a job stores the answer in the transaction
that creates it. If a process ends in between, another one continues when the lease expires. The
rows are found by their natural keys, so that those already written are unchanged.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any

import orjson
from django.db import IntegrityError, OperationalError, connection, transaction
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.problems import MEDIA_TYPE, ApiConflictError, problem_body
from apps.api.models import IdempotencyKey
from apps.common.database.bulk_writes import try_acquire_named_lock
from apps.common.database.leases import HeldLease, acquire_lease
from apps.common.time import now

HEADER = "Idempotency-Key"
RESPONSE_RETENTION = timedelta(days=1)
# of a stream in progress, renewed by each read
_LEASE_DURATION = timedelta(minutes=1)
_RENEW_SECONDS = 15.0
_STORED_HEADERS = ("Content-Type", "Location", "ETag", "Retry-After")
_NOT_STORED_DETAIL = (
    "The request was already completed. Its answer contained a secret, which is shown "
    "once and not stored. If you did not receive it, create a new one and revoke this "
    "one."
)


class KeyReusedError(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = (
        "This Idempotency-Key was used for another request. Send the first request "
        "unchanged, or use a new key."
    )
    default_code = "other_request"


class ReplayedResponseError(Exception):
    """Raised if the request was answered before; `response` is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("the request was answered before")
        self.response = response


class HashedStream:
    """A body that is read once and hashed while it is read."""

    def __init__(self, stream: Any, digest: Any) -> None:
        self._stream, self.digest = stream, digest
        self.lease: HeldLease | None = None
        self._renewed_at = monotonic()

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._stream.read(size)
        self.digest.update(block)
        if self.lease is not None and monotonic() - self._renewed_at > _RENEW_SECONDS:
            self.lease.renew()
            self._renewed_at = monotonic()
        return block

    def drain(self) -> None:
        while self.read(262_144):
            pass


class KeyClaim:
    """The key of a request whose work and answer are one transaction."""

    def __init__(self, caller: str, key: str, fingerprint: str) -> None:
        self._caller, self._key, self._fingerprint = caller, key, fingerprint

    def keep(self, response: Response | None) -> None:
        """Store the answer; do nothing after a server error (None, 5xx)."""
        if response is None or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        row = IdempotencyKey(
            caller=self._caller,
            key=self._key,
            created_at=now(),
            fingerprint=self._fingerprint,
            **_response_columns(response, response.content),
        )
        # a refusal rolls back the lock, so another request may have stored its refusal meanwhile
        IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)


class StreamKeyClaim:
    """The key of a stream in progress. `fingerprint` is available once the body has been read."""

    def __init__(self, pk: int, lease: HeldLease, fingerprint: Callable[[], str]) -> None:
        self.pk = pk
        self._lease, self._fingerprint = lease, fingerprint

    def note(self, response: Response) -> None:
        """Store the answer in the transaction of the work, before it is rendered."""
        body = FastJSONRenderer().render(response.data)
        columns = _response_columns(response, body)
        columns["headers"]["Content-Type"] = FastJSONRenderer.media_type
        IdempotencyKey.objects.filter(pk=self.pk).update(**columns, fingerprint=self._fingerprint())

    def keep(self, response: Response | None) -> None:
        """Store the answer, or release the key after a server error (None)."""
        try:
            self._store_response(response)
        except OperationalError:
            # the database connection was lost; a key that stays claimed would refuse the client
            # until its lease expires
            connection.close()
            self._store_response(response)

    def _store_response(self, response: Response | None) -> None:
        row = IdempotencyKey.objects.filter(pk=self.pk)
        if response is None or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            row.delete()
        else:
            row.update(
                **_response_columns(response, response.content), fingerprint=self._fingerprint()
            )
        self._lease.release()


def _response_columns(response: Response, body: bytes) -> dict[str, Any]:
    """Return the columns of a stored answer."""
    code: int = response.status_code
    headers = {name: response[name] for name in _STORED_HEADERS if response.has_header(name)}
    if "no-store" in response.get("Cache-Control", ""):
        code, body = (
            HTTPStatus.CONFLICT,
            orjson.dumps(problem_body(HTTPStatus.CONFLICT, _NOT_STORED_DETAIL)),
        )
        headers = {"Content-Type": MEDIA_TYPE}
    return {"status": code, "headers": headers, "body": body}


def claim_key(request: Request, *, streams: bool) -> KeyClaim | StreamKeyClaim | None:
    """Claim the key of a POST with the header; return None without it.

    Runs in the transaction of the work, unless the body is a stream. With `streams` the view reads
    the body as it arrives, so its hash is known afterwards only; a repeated body is read to its end
    to be compared. Raises ReplayedResponseError, ApiConflictError or KeyReusedError if the key
    exists.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or not isinstance(request.user, User):
        return None
    key = key.strip()
    if not 0 < len(key) <= 255 or not key.isprintable():
        raise ValidationError({HEADER: "Use 1 to 255 printable characters, for example a UUID."})
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    caller = f"u{request.user.pk}"
    if (team_id := getattr(request.user, "bound_team_id", None)) is not None:
        caller += f":t{team_id}"
    if streams:
        stream = HashedStream(request._request, digest)
        request._idempotent_stream = stream  # type: ignore[attr-defined]
        claim = _claim_stream_key(caller, key, at=now())
        if isinstance(claim, tuple):
            pk, stream.lease = claim
            return StreamKeyClaim(pk, stream.lease, digest.hexdigest)
        row = claim
        stream.drain()
    else:
        digest.update(request._request.body)
        if not try_acquire_named_lock(f"idempotency:{caller}:{key}"):
            raise _still_running_error()
        stored_key = IdempotencyKey.objects.filter(caller=caller, key=key).first()
        if stored_key is None or stored_key.created_at < now() - RESPONSE_RETENTION:
            IdempotencyKey.objects.filter(caller=caller, key=key).delete()
            return KeyClaim(caller, key, digest.hexdigest())
        row = stored_key
    if row.status is None:
        raise _still_running_error()
    if row.fingerprint != digest.hexdigest():
        raise KeyReusedError
    raise ReplayedResponseError(_stored_response(row))


def _still_running_error() -> ApiConflictError:
    return ApiConflictError(
        "The first request with this Idempotency-Key is still in progress. Repeat the "
        "request in a moment."
    )


def _claim_stream_key(
    caller: str, key: str, *, at: datetime
) -> tuple[int, HeldLease] | IdempotencyKey:
    """Return the row of a stream that this request works on, with its lease, or the
    existing row."""
    name = hashlib.sha256(f"{caller}:{key}".encode()).hexdigest()[:40]
    for _ in range(3):
        lease = acquire_lease(f"idempotency:{name}", duration=_LEASE_DURATION)
        stored_key = IdempotencyKey.objects.filter(caller=caller, key=key).first()
        if (
            stored_key is not None
            and stored_key.status is not None
            and stored_key.created_at >= at - RESPONSE_RETENTION
        ):
            if lease is not None:
                lease.release()
            return stored_key
        if lease is None:
            raise _still_running_error()
        # the process that claimed the key has ended: its lease has expired
        if stored_key is not None:
            stored_key.delete()
        try:
            with transaction.atomic():
                return IdempotencyKey.objects.create(
                    caller=caller, key=key, created_at=at
                ).pk, lease
        except IntegrityError:
            lease.release()
    raise ApiConflictError(
        "Several requests with this Idempotency-Key arrived at the same time. Repeat the "
        "request in a moment."
    )


def _stored_response(row: IdempotencyKey) -> Response:
    response = Response(status=row.status, headers={**row.headers, "Idempotency-Replayed": "true"})
    response.content_type = row.headers.get("Content-Type")
    response.kept_body = bytes(row.body)  # type: ignore[attr-defined]
    return response
