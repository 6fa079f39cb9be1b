"""ASGI application that each worker runs in front of the WSGI application of the site.

On the event loop it answers probes and reads bodies, so that a slow client costs a connection and
no thread. Only a whole request is given to one of the request threads; its answer is sent from the
event loop again. See docs/decisions/0016-an-event-loop-before-django.md."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any

from apps.common.requests.bare_headers import BARE_HEADERS
from registry.server.environ import build_environ
from registry.server.limits import (
    FIRST_BLOCK_TIMEOUT,
    LINGER_PAUSE,
    LINGER_TIMEOUT,
    MAX_DIRECT_ANSWER,
    MAX_LINGER_BYTES,
    MAX_QUEUED,
    MAX_SPOOLED_ANSWERS,
    QUEUE_TIMEOUT,
    RETRY_AFTER,
    SEND_TIMEOUT,
)
from registry.server.probes import ALIVE, Probe, ProbeAnswer, Report
from registry.server.request_bodies import BodyReader, CallerRules, Receive, RefusalError
from registry.server.sockets import close_connection
from registry.server.spool import AnswerBuffer, ClientGoneError, RequestBody, SpoolBudget

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

HEALTH_PATH = "/healthz"
# headers of every response that is not the application's
_OWN_HEADERS = [
    (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
    *((name.lower().encode(), value.encode()) for name, value in BARE_HEADERS.items()),
]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Response of the application: all of it in `body`, or piece by piece in `rest`."""

    status: int
    headers: Headers
    body: bytes = b""
    rest: AnswerBuffer | None = None


class ServerApplication:
    """ASGI application of one worker; created after the fork."""

    def __init__(
        self,
        application: WsgiApplication,
        *,
        n_threads: int,
        callers: CallerRules,
        checks: Mapping[str, Callable[[], Report]],
        record_refusal: Callable[[dict[str, Any], HTTPStatus, float], None] | None = None,
    ) -> None:
        self._record_refusal = record_refusal
        self._bodies = BodyReader(callers)
        self._threads = RequestThreads(application, n_threads)
        self._probes = {path: Probe(check) for path, check in checks.items()}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request: probes here, everything else in a thread of the application. A
        request that is refused is counted and answered here; nothing is sent to a client that has
        gone."""
        path, method = scope["path"], scope["method"]
        if method in ("GET", "HEAD"):
            if path == HEALTH_PATH:
                return await _send_probe(ALIVE, send)
            if (probe := self._probes.get(path)) is not None:
                return await _send_probe(await probe.ask(), send)
        environ = build_environ(scope)
        began_at = time.monotonic()
        try:
            body = await self._read_body(scope, environ, receive)
            answer = await self._threads.answer(environ, body)
        except ClientGoneError:
            return None
        except RefusalError as refusal:
            if self._record_refusal is not None:
                self._record_refusal(environ, refusal.status, time.monotonic() - began_at)
            return await _send_refusal(refusal, environ, receive, send)
        if answer.rest is not None:
            return await _send_rest(answer, answer.rest, scope, receive, send)
        return await _send_whole(answer, send)

    async def _read_body(
        self, scope: dict[str, Any], environ: dict[str, Any], receive: Receive
    ) -> RequestBody | None:
        chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        if not chunked and environ.get("CONTENT_LENGTH", "0") == "0":
            environ["wsgi.input"] = BytesIO()
            return None
        body = await self._bodies.read(environ, receive)
        environ["CONTENT_LENGTH"] = str(body.n_bytes)
        environ["wsgi.input"] = body.open()
        return body


class RequestThreads:
    """Threads that run the WSGI application, and the requests that wait for one."""

    def __init__(self, application: WsgiApplication, n_threads: int) -> None:
        self._application = application
        self._n_threads = n_threads
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="request")
        self._n_open = 0
        self._answers = SpoolBudget(MAX_SPOOLED_ANSWERS)

    async def answer(self, environ: dict[str, Any], body: RequestBody | None) -> Answer:
        """Return the application's response; RefusalError if no thread is free in time. Closes
        `body` in the end."""
        loop = asyncio.get_running_loop()
        n_waiting = self._n_open - self._n_threads
        if n_waiting >= MAX_QUEUED:
            if body is not None:
                body.close()
            raise _busy()
        self._n_open += 1
        outcome: asyncio.Future[Answer] = loop.create_future()
        job = self._pool.submit(self._run_in_thread, environ, body, loop, outcome)
        if n_waiting < 0:
            return await outcome
        timer = loop.call_later(QUEUE_TIMEOUT, self._give_up, job, body, outcome)
        try:
            return await outcome
        finally:
            timer.cancel()

    def _give_up(
        self, job: Future[None], body: RequestBody | None, outcome: asyncio.Future[Answer]
    ) -> None:
        """Give up a request that the application has not begun."""
        if job.cancel():
            self._n_open -= 1
            if body is not None:
                body.close()
            outcome.set_exception(_busy())

    # --- in a thread ---

    def _run_in_thread(
        self,
        environ: dict[str, Any],
        body: RequestBody | None,
        loop: asyncio.AbstractEventLoop,
        outcome: asyncio.Future[Answer],
    ) -> None:
        """Run the application for one request in this thread and hand its answer to the event loop;
        an exception becomes a response with status 500. Closes the body."""
        try:
            answer = self._call_application(environ, loop, outcome)
        except BaseException:  # no caller above would send a response to the client
            log.exception("The application raised an exception.")
            answer = _BROKEN
        finally:
            if body is not None:
                body.close()
        loop.call_soon_threadsafe(self._finish_request, outcome, answer)

    def _finish_request(self, outcome: asyncio.Future[Answer], answer: Answer | None) -> None:
        self._n_open -= 1
        if answer is not None and not outcome.done():
            outcome.set_result(answer)

    def _call_application(
        self,
        environ: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        outcome: asyncio.Future[Answer],
    ) -> Answer | None:
        """Return the whole response, or None if `outcome` has received one that comes piece by
        piece."""
        start = _Start()
        chunks = self._application(environ, start)
        try:
            began_at = time.monotonic()
            first_chunks: list[bytes] = []
            n_bytes = 0
            iterator = iter(chunks)
            for chunk in iterator:
                first_chunks.append(chunk)
                n_bytes += len(chunk)
                if n_bytes > MAX_DIRECT_ANSWER or time.monotonic() - began_at > FIRST_BLOCK_TIMEOUT:
                    break
            else:
                return Answer(start.status, start.headers, b"".join(first_chunks))
            if environ["REQUEST_METHOD"] == "HEAD":
                return Answer(start.status, start.headers)
            buffer = AnswerBuffer(loop, self._answers)
            loop.call_soon_threadsafe(
                outcome.set_result, Answer(start.status, start.headers, rest=buffer)
            )
            _fill_buffer(buffer, first_chunks, iterator)
            return None
        finally:
            # in this thread, which holds the request's database connection
            if (close := getattr(chunks, "close", None)) is not None:
                close()


def _fill_buffer(buffer: AnswerBuffer, first_chunks: list[bytes], chunks: Iterable[bytes]) -> None:
    """Put the chunks of a streamed response into the buffer, and end it; as failed if the
    application raised an exception or the client has gone."""
    failed = True
    try:
        for chunk in first_chunks:
            buffer.put(chunk)
        first_chunks.clear()
        for chunk in chunks:
            if chunk:
                buffer.put(chunk)
        failed = False
    except ClientGoneError:
        pass
    except Exception:
        log.exception("The response was interrupted.")
    finally:
        buffer.end(failed=failed)


class _Start:
    """Start of a response, `start_response` of PEP 3333; Django does not use its return value."""

    status = 500

    def __init__(self) -> None:
        self.headers: Headers = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]


_BROKEN = Answer(
    500,
    [(b"content-type", b"text/plain; charset=utf-8"), *_OWN_HEADERS],
    b"The server failed. Try again later.\n",
)


def _busy() -> RefusalError:
    return RefusalError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The server is busy. Send the request again in a few seconds.",
    )


# --- sending --------------------------------------------------------------------------------------


async def _send_whole(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _send_probe(answer: ProbeAnswer, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), *_OWN_HEADERS]
    await _send_whole(Answer(answer.status, headers, answer.body), send)


async def _send_refusal(
    refusal: RefusalError, environ: dict[str, Any], receive: Receive, send: Send
) -> None:
    """Send problem details to API clients, a line of text otherwise; the connection is closed
    afterwards."""
    if environ["PATH_INFO"].startswith(("/api/", "/otlp")):
        kind = b"application/problem+json"
        members = {
            "type": "about:blank",
            "title": refusal.status.phrase,
            "status": int(refusal.status),
            "detail": refusal.sentence,
        }
        body = json.dumps(members).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{refusal.sentence}\n".encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *_OWN_HEADERS,
    ]
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    if refusal.status != HTTPStatus.REQUEST_TIMEOUT and "HTTP_EXPECT" not in environ:
        # complete, the answer would end the connection
        await send({"type": "http.response.body", "body": body[:-1], "more_body": True})
        body = body[-1:]
        await _linger(receive)
    await send({"type": "http.response.body", "body": body})


async def _linger(receive: Receive) -> None:
    """Discard what a client is still sending for a moment: if closed immediately, the connection
    would be reset before the response, and some clients would never read it."""
    n_bytes = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_TIMEOUT):
            while n_bytes < MAX_LINGER_BYTES:
                async with asyncio.timeout(LINGER_PAUSE):
                    message = await receive()
                n_bytes += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


async def _send_rest(
    answer: Answer, buffer: AnswerBuffer, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    """Send a response of several blocks.

    If the client disconnects, or accepts nothing, or the response breaks off, the connection is
    closed before its end, so that no client takes a part for the whole."""
    disconnect_watch = asyncio.ensure_future(_until_disconnect(receive))
    disconnect_watch.add_done_callback(lambda _: buffer.close())
    has_begun = False
    try:
        while block := await buffer.take():
            if not has_begun:
                await send(
                    {
                        "type": "http.response.start",
                        "status": answer.status,
                        "headers": answer.headers,
                    }
                )
                has_begun = True
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        close_connection(scope["client"])
    except ClientGoneError:
        if not has_begun:
            await _send_whole(_BROKEN, send)
    finally:
        buffer.close()
        disconnect_watch.cancel()


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
