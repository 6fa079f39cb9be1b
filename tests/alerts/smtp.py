"""A mail server on loopback that answers as a test tells it to."""

import asyncio
from collections import deque
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 Taken"
DROP = "drop"
"""Take the whole message, then end the connection without an answer."""
HANG = "hang"
"""Take the whole message, then say nothing."""


class Peer:
    """`answers` are used up one per message, then everything is taken; `received` holds every message that came in
    whole, whatever the answer was, and `taken` those that were accepted. `meanwhile` is called between message and
    answer."""

    def __init__(self) -> None:
        self.answers: deque[str] = deque()
        self.rcpt_answers: deque[str] = deque()
        self.hangs_on_quit = False
        self.meanwhile: Callable[[], None] | None = None
        self.received: list[EmailMessage] = []
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.n_connections = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.n_connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answers:
            answer = self.rcpt_answers.popleft()
            if not answer.startswith("2"):
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        message = message_from_bytes(content, policy=policy.default)
        self.received.append(message)
        if self.meanwhile:
            self.meanwhile()
        answer = self.answers.popleft() if self.answers else TAKEN
        if answer == DROP:
            assert server.transport is not None
            server.transport.abort()
            return TAKEN
        if answer == HANG:
            await asyncio.sleep(60)
        if answer.startswith("2"):
            self.taken.append(message)
            self.recipients += envelope.rcpt_tos
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_on_quit:
            await asyncio.sleep(60)
        return "221 Bye"


class _AnyPort(Controller):
    """The library asks its server for a first greeting, and must know the port that the system chose."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Server:
    """A running mail server; use as a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.peer = Peer()
        self._controller = _AnyPort(self.peer, hostname="127.0.0.1", port=port, server_hostname="test.invalid")

    def __enter__(self) -> "Server":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop(no_assert=True)

    @property
    def port(self) -> int:
        return self._controller.port
