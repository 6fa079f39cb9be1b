"""Request bodies read on the event loop: bounded in size and time, with a minimum rate; no thread
waits for them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from apps.common.requests.networks import client_address
from registry.server.limits import (
    BODY_RATE_INTERVAL,
    CREDENTIALS_TIMEOUT,
    KIB,
    MAX_BODIES,
    MAX_BODY_IN_MEMORY,
    MAX_SPOOLED_BODIES,
    MIN_BODY_RATE,
    MIN_BODY_TIME,
    BodyLimit,
    body_limit,
)
from registry.server.spool import ClientGoneError, RequestBody, SpoolBudget, SpoolFullError

Receive = Callable[[], Awaitable[dict[str, Any]]]


class RefusalError(Exception):
    """Error response in place of the application's: a status and a sentence. The connection is
    closed."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class CallerRules:
    """Rules by which the site recognises its callers. `knows` checks in a thread whether the
    credentials of a request are real."""

    knows: Callable[[Mapping[str, Any]], bool]
    session_cookie: str = "sessionid"
    # trusted proxies that set X-Forwarded-For
    n_proxies: int = 0

    def address(self, environ: Mapping[str, Any]) -> str:
        """Return the client's address, as the outermost trusted proxy saw it."""
        return client_address(environ, n_proxies=self.n_proxies)


@dataclass(slots=True)
class _Reading:
    """Body being read."""

    task: asyncio.Task[Any]
    address: str
    timeout: float
    began_at: float
    given_up: bool = False


class BodyReader:
    """Reader of the bodies of one worker, which knows their senders."""

    def __init__(self, callers: CallerRules) -> None:
        self._callers = callers
        self._budget = SpoolBudget(MAX_SPOOLED_BODIES)
        self._reading: dict[asyncio.Task[Any], _Reading] = {}
        # one asks the database about callers, so that many long bodies cost one connection; one
        # writes files
        self._checks = ThreadPoolExecutor(1, thread_name_prefix="callers")
        self._writes = ThreadPoolExecutor(1, thread_name_prefix="spool")

    async def read(self, environ: Mapping[str, Any], receive: Receive) -> RequestBody:
        """Return the whole body. RefusalError, or ClientGoneError if it ends early; the caller
        closes it."""
        limit = body_limit(
            environ["PATH_INFO"], environ, session_cookie=self._callers.session_cookie
        )
        announced = str(environ.get("CONTENT_LENGTH", "")).partition(",")[0].strip()
        if announced.isdecimal() and int(announced) > limit.max_bytes:
            raise RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit.sentence)
        with self._track_body(self._callers.address(environ), limit):
            body = RequestBody(self._budget)
            try:
                await self._read_into(body, limit, environ, receive)
            except BaseException:
                body.close()
                raise
            return body

    @contextmanager
    def _track_body(self, address: str, limit: BodyLimit) -> Iterator[None]:
        """Count a body while it is read: it may be given up for others."""
        if len(self._reading) >= MAX_BODIES:
            self._make_room()
        task = asyncio.current_task()
        assert task is not None
        reading = _Reading(task, address, limit.timeout, asyncio.get_running_loop().time())
        self._reading[task] = reading
        try:
            yield
        except asyncio.CancelledError:
            if not reading.given_up:
                raise
            task.uncancel()
            raise RefusalError(
                HTTPStatus.REQUEST_TIMEOUT,
                "The body arrives too slowly while other requests wait. Send the request again.",
            ) from None
        finally:
            self._reading.pop(task, None)

    def _make_room(self) -> None:
        """Give up one body of the address that sends most of them: an unauthenticated one first,
        the oldest first."""
        busiest_address = Counter(
            reading.address for reading in self._reading.values()
        ).most_common(1)[0][0]
        latest_start = asyncio.get_running_loop().time() - MIN_BODY_TIME
        long_running = [
            reading
            for reading in self._reading.values()
            if reading.address == busiest_address and reading.began_at <= latest_start
        ]
        if not long_running:
            raise RefusalError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many requests are being sent at the same time. Send the request again in a "
                "few seconds.",
            )
        given_up_reading = min(
            long_running, key=lambda reading: (reading.timeout, reading.began_at)
        )
        given_up_reading.given_up = True
        del self._reading[given_up_reading.task]
        given_up_reading.task.cancel()

    async def _read_into(
        self, body: RequestBody, limit: BodyLimit, environ: Mapping[str, Any], receive: Receive
    ) -> None:
        """Receive the body block by block and append it to `body`, which moves to a file once it is
        too large for memory; the caller is checked before that. RefusalError if it exceeds `limit`
        or arrives too slowly."""
        blocks = _Blocks(receive, limit.timeout)
        try:
            while (block := await blocks.next()) is not None:
                body.append(block)
                if body.n_bytes > limit.max_bytes:
                    raise RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit.sentence)
                if body.needs_file:
                    await self._check_caller(environ)
                if body.needs_file or body.has_block:
                    await self._write_out(body)
        finally:
            blocks.close()
        if body.is_spooled:
            await self._write_out(body)

    async def _write_out(self, body: RequestBody) -> None:
        writing = asyncio.get_running_loop().run_in_executor(self._writes, body.write_out)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # the file must not be closed under the thread that writes it
            await asyncio.wait((writing,))
            raise
        except SpoolFullError:
            raise RefusalError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The server has no capacity for a request of this size at the moment. Send the "
                "request again later.",
            ) from None

    async def _check_caller(self, environ: Mapping[str, Any]) -> None:
        """Verify the caller before unauthenticated bytes go to the disk."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CREDENTIALS_TIMEOUT):
                is_known = await loop.run_in_executor(self._checks, self._callers.knows, environ)
        except Exception:  # noqa: BLE001  whatever keeps the site from answering, the sender tries again
            raise RefusalError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Sessions and API tokens cannot be checked at the moment. Send the request again "
                "later.",
            ) from None
        if not is_known:
            raise RefusalError(
                HTTPStatus.FORBIDDEN,
                "The session or API token is unknown or has expired, and requests without one "
                f"can have at most {MAX_BODY_IN_MEMORY // KIB} KiB. Sign in again, or send a "
                "valid API token.",
            )


class _Blocks:
    """Blocks of one body, within its time limit and at the minimum rate."""

    def __init__(self, receive: Receive, timeout: float) -> None:
        self._receive = receive
        self._now = asyncio.get_running_loop().time
        self._deadline = self._now() + timeout
        self._interval_end = self._now() + BODY_RATE_INTERVAL
        self._n_in_interval = 0
        self._pending: asyncio.Future[dict[str, Any]] | None = None
        self._ended = False

    async def next(self) -> bytes | None:
        """Return the next block, None at the end."""
        if self._ended:
            return None
        # kept while it waits: a message that is cancelled may be a block that is lost
        self._pending = self._pending or asyncio.ensure_future(self._receive())
        while not self._pending.done():
            await asyncio.wait(
                (self._pending,), timeout=min(self._deadline, self._interval_end) - self._now()
            )
            if not self._pending.done():
                self._refuse_slow()
        message, self._pending = self._pending.result(), None
        if message["type"] != "http.request":
            # closed, or not what the head announced: an incomplete body must not pass as complete
            raise ClientGoneError
        block: bytes = message.get("body", b"")
        self._ended = not message.get("more_body", False)
        self._n_in_interval += len(block)
        if not self._ended:
            self._refuse_slow()
        return block

    def _refuse_slow(self) -> None:
        """Raise RefusalError if the body has exceeded its time limit, or if fewer bytes than the
        minimum rate arrived in the interval that has just ended."""
        moment = self._now()
        if moment >= self._deadline:
            raise RefusalError(
                HTTPStatus.REQUEST_TIMEOUT,
                "The body did not arrive in time. Send the request again, faster or in parts.",
            )
        if moment >= self._interval_end:
            if self._n_in_interval < MIN_BODY_RATE * BODY_RATE_INTERVAL:
                raise RefusalError(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"The body arrives too slowly: at least {MIN_BODY_RATE // KIB} KiB per "
                    "second are required. Send the request again.",
                )
            self._interval_end, self._n_in_interval = moment + BODY_RATE_INTERVAL, 0

    def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
