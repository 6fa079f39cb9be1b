"""The reference client of the Model Context Protocol, speaking to this registry in the process of
the test.

The client runs in a thread of its own, and the test's thread answers its requests: in an event loop
there would be another connection to the database, outside of the test's transaction.
"""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import Team, User
from apps.common.time import now


def token_of(user: User, *scopes: str, team: Team | None = None) -> str:
    return issue_token(
        user=user, name="assistant", scopes=list(scopes) or ["read"], at=now(), by=None, team=team
    )[1]


def speak[R](
    token: str,
    talk: Callable[[Client], Awaitable[R]],
    *,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> R:
    """Return what `talk` returns of a connected client."""
    asked: queue.Queue[tuple[httpx2.Request, Future[httpx2.Response]] | None] = queue.Queue()
    result: Future[R] = Future()

    async def pass_on(request: httpx2.Request) -> httpx2.Response:
        answer: Future[httpx2.Response] = Future()
        asked.put((request, answer))
        return await asyncio.wrap_future(answer)

    async def run() -> R:
        transport = httpx2.MockTransport(pass_on)
        return await connect(
            "http://testserver/mcp", token, talk, transport=transport, headers=headers, **options
        )

    def work() -> None:
        try:
            result.set_result(asyncio.run(run()))
        except BaseException as error:  # noqa: BLE001
            result.set_exception(error)
        asked.put(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while (item := asked.get(timeout=60)) is not None:
        request, answer = item
        try:
            answer.set_result(_answer(request))
        except BaseException as error:  # noqa: BLE001
            answer.set_exception(error)
    thread.join()
    return result.result()


async def connect[R](
    address: str,
    token: str,
    talk: Callable[[Client], Awaitable[R]],
    *,
    transport: Any = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> R:
    """Return what `talk` returns of a client that is connected to an address."""
    sent = {"Authorization": f"Bearer {token}", **(headers or {})}
    async with httpx2.AsyncClient(headers=sent, transport=transport, timeout=60) as http:
        transport_streams = streamable_http_client(address, http_client=http)
        # an error of the protocol is raised outside, where it is no group of one
        refusal: MCPError | None = None
        async with Client(transport_streams, **options) as client:
            try:
                return await talk(client)
            except MCPError as error:
                refusal = error
    raise refusal


def ask(token: str, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
    """Return the structured answer of one tool."""
    result = speak(token, lambda client: client.call_tool(tool, arguments or {}), **options)
    assert not result.is_error, result.content
    return result.structured_content


def ask_in_vain(token: str, tool: str, arguments: dict[str, Any] | None = None) -> str:
    """Return the sentence with which the tool refuses."""
    result = speak(token, lambda client: client.call_tool(tool, arguments or {}))
    assert result.is_error
    return str(result.content[0].text)


def _answer(request: httpx2.Request) -> httpx2.Response:
    """Answer a request of the client by the view."""
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()
    }
    headers.pop("HTTP_CONTENT_TYPE", None)
    given = APIClient().generic(
        request.method,
        request.url.raw_path.decode(),
        request.content,
        content_type=request.headers.get("content-type", ""),
        **{**headers, "HTTP_HOST": "testserver"},
    )
    return httpx2.Response(given.status_code, headers=dict(given.headers), content=given.content)
