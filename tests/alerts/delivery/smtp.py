"""A mail server on loopback that answers as a test tells it to, at every step of the
conversation."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 Taken"
DROP = "drop"
"""End the connection instead of answering; at the end of a message the whole of it has been taken
in."""
HANG = "hang"
"""Say nothing, and keep the connection open."""
HANG_SECONDS = 60
LINES_BEFORE_BODY_FAULT = 5


class Step(StrEnum):
    """Where in a conversation a fault sets in. BODY is in the middle of a message, where there is
    no answering: only DROP and HANG are of use there. END is once it has come in whole, FAREWELL
    right behind the answer: DROP only."""

    GREETING = "greeting"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    END = "end"
    FAREWELL = "farewell"


class Peer:
    """What the server is to answer, and what came in.

    `script` holds answers per step, used up one each time the step is reached; "" or none left: as
    usual. An answer of 421 ends the connection, as real servers do. `received` holds every message
    that came in whole, whatever the answer was, and `taken` those that were accepted. `meanwhile`
    is called between message and answer, `when` holds calls for other steps. `reached` counts how
    often each step was reached; `n_open` is how many connections stand.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.n_open = 0
        self.forget()

    def forget(self) -> None:
        """As on the first day."""
        self.script: dict[Step, deque[str]] = {step: deque() for step in Step}
        self.reached: Counter[Step] = Counter()
        self.when: dict[Step, Callable[[], None]] = {}
        self.hangs_on_quit = False
        self.received: list[EmailMessage] = []
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.n_connections = 0

    @property
    def answers(self) -> deque[str]:
        """To whole messages."""
        return self.script[Step.END]

    @property
    def rcpt_answers(self) -> deque[str]:
        return self.script[Step.RCPT]

    @property
    def meanwhile(self) -> Callable[[], None] | None:
        return self.when.get(Step.END)

    @meanwhile.setter
    def meanwhile(self, call: Callable[[], None] | None) -> None:
        if call is None:
            self.when.pop(Step.END, None)
        else:
            self.when[Step.END] = call

    async def answer_at(self, step: Step, server: SMTP) -> str:
        """The answer the script has for this step, empty where it goes on as usual; DROP and HANG
        are carried out."""
        self.reached[step] += 1
        if call := self.when.get(step):
            call()
        answer = self.script[step].popleft() if self.script[step] else ""
        if answer == HANG:
            await asyncio.sleep(HANG_SECONDS)
        elif answer == DROP:
            assert server.transport is not None
            server.transport.abort()
        return answer

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        answer = await self.answer_at(Step.EHLO, server)
        session.host_name = hostname
        return [answer] if answer else responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self.answer_at(Step.MAIL, server)
        if not answer:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self.answer_at(Step.RCPT, server)
        if not answer or answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        message = message_from_bytes(content, policy=policy.default)
        self.received.append(message)
        answer = await self.answer_at(Step.END, server) or TAKEN
        if answer.startswith("2"):
            self.taken.append(message)
            self.recipients += envelope.rcpt_tos
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_on_quit:
            await asyncio.sleep(HANG_SECONDS)
        return "221 Bye"


class _Conversation(SMTP):
    """Adds the steps for which the library has no hook."""

    def __init__(self, peer: Peer, **kwargs: Any) -> None:
        super().__init__(peer, **kwargs)
        self.peer = peer
        self.has_greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer.n_open += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.peer.n_open -= 1
        super().connection_lost(error)

    async def push(self, status: str) -> None:
        if not self.has_greeted:
            self.has_greeted = True
            if self.peer.is_open:
                self.peer.n_connections += 1
                try:
                    status = await self.peer.answer_at(Step.GREETING, self) or status
                except asyncio.CancelledError:
                    # the library closes for itself only from the first command on
                    self._writer.close()
                    raise
        if self.transport is None or self.transport.is_closing():
            return
        await super().push(status)
        if status.startswith("421"):
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if answer := await self.peer.answer_at(Step.DATA, self):
            await self.push(answer)
            return
        script = self.peer.script
        if script[Step.BODY] and script[Step.BODY][0]:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            for _ in range(LINES_BEFORE_BODY_FAULT):
                await self._reader.readuntil(b"\r\n")
            await self.peer.answer_at(Step.BODY, self)
            return
        if script[Step.BODY]:
            script[Step.BODY].popleft()
        await super().smtp_DATA(arg)
        if script[Step.FAREWELL] and script[Step.FAREWELL].popleft() and self.transport is not None:
            self.transport.close()


class _AnyPort(Controller):
    """The library asks its server for a first greeting, and must know the port that the system
    chose."""

    def factory(self) -> SMTP:
        return _Conversation(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Server:
    """A running mail server; use as a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.peer = Peer()

    def __enter__(self) -> "Server":
        self._controller = _AnyPort(
            self.peer, hostname="127.0.0.1", port=self.port, server_hostname="test.invalid"
        )
        # the library's own first connection is none of the test's
        self._controller.start()
        self.port = self._controller.port
        self.peer.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.is_open = False
        self._controller.stop(no_assert=True)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens at its port meanwhile."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
