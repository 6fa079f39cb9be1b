"""A small IMAP server with TLS on 127.0.0.1, which misbehaves where a test wants it.

    with ImapServer(context, [b"From: ..."]) as server:
        server.drop_after = 100      # bytes of the next email, then the connection breaks

It knows what the mailbox of notices needs, and keeps flags as a server does.
"""

import base64
import re
import socket
import ssl
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

USER, PASSWORD = "notices@calder.example", "pä ss@word"


class ImapServer:
    """`seen` are the UIDs marked as seen, `commands` what clients sent, without passwords. A fault
    is an attribute that a test sets before the client connects."""

    def __init__(self, context: ssl.SSLContext, messages: Sequence[bytes] = ()) -> None:
        self.messages = dict(enumerate(messages, start=1))
        self.seen: set[int] = set()
        self.commands: list[str] = []
        self.logins: list[str] = []
        # faults
        self.greeting = b"* OK ready\r\n"
        self.drop_after: int | None = None
        self.hangs_at = ""
        self.refuses = ""
        self.announced_size: int | None = None
        self.literal_size: int | None = None
        self.plain_login = False
        self._context = context
        self._closing = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._listener.close()
        for sock in self._sockets:
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        self._listener.settimeout(0.1)
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            sock.settimeout(10)
            self._sockets.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            with self._context.wrap_socket(sock, server_side=True) as tls:
                self._sockets.append(tls)
                self._talk(tls)
        except (OSError, ValueError):
            return

    def _talk(self, sock: ssl.SSLSocket) -> None:
        lines = sock.makefile("rb")
        sock.sendall(self.greeting)
        while line := lines.readline():
            tag, _, command = line.decode("utf-8", "replace").strip().partition(" ")
            self.commands.append(re.sub(r"^LOGIN .*", "LOGIN", command))
            word = command.split()[0].upper() if command else ""
            if self.hangs_at and self.hangs_at in command:
                self._closing.wait(10)
                return
            if self.refuses and self.refuses in command:
                sock.sendall(f"{tag} NO [UNAVAILABLE] try again\r\n".encode())
                continue
            if word == "LOGOUT":
                sock.sendall(f"* BYE\r\n{tag} OK bye\r\n".encode())
                return
            if word == "AUTHENTICATE":
                sock.sendall(b"+ \r\n")
                login = base64.b64decode(lines.readline().strip()).decode()
                is_right = login == f"\0{USER}\0{PASSWORD}"
                self.logins.append(login.split("\0")[1])
                answer = "OK signed in" if is_right else f"NO wrong: {login!r}"
                sock.sendall(f"{tag} {answer}\r\n".encode())
                continue
            if not self._answer(sock, tag, command):
                return

    def _answer(self, sock: ssl.SSLSocket, tag: str, command: str) -> bool:
        """Answer one command; False where the connection breaks."""
        word, _, rest = command.partition(" ")
        if word == "CAPABILITY":
            login = "" if self.plain_login else " AUTH=PLAIN"
            sock.sendall(f"* CAPABILITY IMAP4rev1{login}\r\n".encode())
        elif word == "SELECT":
            sock.sendall(f"* {len(self.messages)} EXISTS\r\n* FLAGS (\\Seen)\r\n".encode())
            tag += " OK [READ-WRITE]"
        elif rest.startswith("SEARCH"):
            unseen = " ".join(str(uid) for uid in self.messages if uid not in self.seen)
            sock.sendall(f"* SEARCH {unseen}\r\n".encode())
        elif rest.startswith("STORE"):
            self.seen.add(int(rest.split()[1]))
        elif "RFC822.SIZE" in rest:
            uid = int(rest.split()[1])
            size = self.announced_size or len(self.messages[uid])
            sock.sendall(f"* {uid} FETCH (UID {uid} RFC822.SIZE {size})\r\n".encode())
        elif "BODY.PEEK[]" in rest:
            uid = int(rest.split()[1])
            body = self.messages[uid]
            size = self.literal_size or len(body)
            sock.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{{size}}}\r\n".encode())
            if self.drop_after is not None:
                sock.sendall(body[: self.drop_after])
                self.drop_after = None
                sock.shutdown(socket.SHUT_RDWR)
                return False
            sock.sendall(body + b")\r\n")
        sock.sendall(f"{tag} OK done\r\n".encode())
        return True
