"""`Idempotency-Key`: a POST that is sent again, because nobody knows whether it arrived, is done once.

The first request with a key leaves a row before it begins, and its answer there afterwards. The same request again gets
that answer; another request with the key is refused, and so is the same one while the first is still at work. Answers
are kept for a day. A failure of ours (5xx) is not kept: it may be tried again. Nor is a secret: of an answer that no
store may keep, a sentence is left in its place.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson
from django.db import IntegrityError, OperationalError, connection, transaction
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.api.models import IdempotencyKey
from apps.api.problems import MEDIA_TYPE, Conflict, problem
from apps.common.time import now

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
# longer than any request may take: what is still at work then has died with its process
_DEAD_AFTER = timedelta(minutes=15)
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Retry-After")
_SHOWN_ONCE = (
    "This was done when it was asked for first. The answer held a secret, which is shown once and kept nowhere: where"
    " it did not arrive, make a new one and revoke this one."
)


class OtherRequest(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = (
        "This Idempotency-Key was used for another request. Send the first request unchanged, or choose a new key."
    )
    default_code = "other_request"


class Replayed(Exception):
    """The request was answered before; `response` is that answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


class HashedStream:
    """A body that is read once, by whoever reads it, and hashed on the way."""

    def __init__(self, stream: Any, digest: Any) -> None:
        self._stream, self.digest = stream, digest

    def read(self, size: int = -1) -> bytes:
        block: bytes = self._stream.read(size)
        self.digest.update(block)
        return block

    def drain(self) -> None:
        while self.read(262_144):
            pass


class Claim:
    """The key of a request under way. `fingerprint` is asked once the body has been read."""

    def __init__(self, pk: int, fingerprint: Callable[[], str]) -> None:
        self.pk = pk
        self._fingerprint = fingerprint

    def keep(self, response: Response | None) -> None:
        """Leave the answer for whoever asks again, or give the key back after a failure of ours (None)."""
        try:
            self._keep(response)
        except OperationalError:
            # the database went away meanwhile, and this connection with it; a key that stays claimed would turn the
            # sender away for as long as any request may take
            connection.close()
            self._keep(response)

    def _keep(self, response: Response | None) -> None:
        row = IdempotencyKey.objects.filter(pk=self.pk)
        if response is None or response.status_code >= 500:
            row.delete()
            return
        code, body = response.status_code, response.content
        headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
        if "no-store" in response.get("Cache-Control", ""):
            code, body = HTTPStatus.CONFLICT, orjson.dumps(problem(HTTPStatus.CONFLICT, _SHOWN_ONCE))
            headers = {"Content-Type": MEDIA_TYPE}
        row.update(status=code, headers=headers, body=body, fingerprint=self._fingerprint())


def begin(request: Request, *, streams: bool) -> Claim | None:
    """What a POST with the header begins with; None without it. Replayed, Conflict or OtherRequest where it was there.

    `streams`: the body is read by the view as it arrives. Its hash is then known afterwards only; a repeated one is
    read to its end to be compared.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or not isinstance(request.user, User):
        return None
    key = key.strip()
    if not 0 < len(key) <= 255 or not key.isprintable():
        raise ValidationError({HEADER: "Choose 1 to 255 printable characters, such as a UUID."})
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if streams:
        stream = HashedStream(request._request, digest)
        request._idempotent_stream = stream  # type: ignore[attr-defined]
        read = stream.drain
    else:
        digest.update(request._request.body)
        read = _nothing
    caller = f"u{request.user.pk}"
    if (bound := getattr(request.user, "bound_team_id", None)) is not None:
        caller += f":t{bound}"
    row = _claimed(caller, key, at=now())
    if isinstance(row, int):
        return Claim(row, digest.hexdigest)
    read()
    if row.status is None:
        raise Conflict("The first request with this Idempotency-Key is still at work. Ask again in a moment.")
    if row.fingerprint != digest.hexdigest():
        raise OtherRequest
    raise Replayed(_answer(row))


def _nothing() -> None:
    """The body has been read."""


def _claimed(caller: str, key: str, *, at: datetime) -> int | IdempotencyKey:
    """The id of the row this request has just made, or the one that was there."""
    for _ in range(3):
        try:
            with transaction.atomic():
                return IdempotencyKey.objects.create(caller=caller, key=key, created_at=at).pk
        except IntegrityError:
            there = IdempotencyKey.objects.filter(caller=caller, key=key).first()
            if there is None:
                continue
            dead = there.status is None and there.created_at < at - _DEAD_AFTER
            if not dead and there.created_at >= at - KEPT:
                return there
            IdempotencyKey.objects.filter(pk=there.pk, created_at=there.created_at).delete()
    raise Conflict("Several requests with this Idempotency-Key came at once. Ask again in a moment.")


def _answer(row: IdempotencyKey) -> Response:
    response = Response(status=row.status, headers={**row.headers, "Idempotency-Replayed": "true"})
    response.content_type = row.headers.get("Content-Type")
    response.kept_body = bytes(row.body)  # type: ignore[attr-defined]
    return response
