"""What the clients talk to on loopback: a provider that answers as OpenAI's API does, and a relay
to the registry.

The relay passes each request on as it is and keeps what the test looks at: path, the kind of
credentials, the answer, and whether the prompt was in the body.
"""

import gzip
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVED = "gpt-4o-2024-11-20"
RETIRED = "gpt-4-32k"
_HOP_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


@dataclass(slots=True)
class Provider:
    """`bodies` are the requests it was sent, as text."""

    address: str
    bodies: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Relayed:
    path: str
    credentials: str
    status: int
    answer: bytes
    body: bytes


@dataclass(slots=True)
class Relay:
    address: str
    requests: list[Relayed] = field(default_factory=list)

    def of(self, path: str) -> list[Relayed]:
        return [each for each in self.requests if each.path.partition("?")[0] == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def read(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provider() -> Iterator[Provider]:
    running = Provider("")

    class Handler(_Handler):
        def do_POST(self) -> None:
            body = self.read().decode()
            running.bodies.append(body)
            asked = json.loads(body)
            if asked["model"] == RETIRED:
                error = {
                    "message": f"The model `{RETIRED}` does not exist",
                    "code": "model_not_found",
                    "type": "x",
                }
                self.answer(404, json.dumps({"error": error}).encode())
            elif self.path.endswith("/embeddings"):
                data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
                usage = {"prompt_tokens": 4, "total_tokens": 4}
                said = {"object": "list", "data": data, "model": asked["model"], "usage": usage}
                self.answer(200, json.dumps(said).encode())
            elif asked.get("stream"):
                self.answer(200, _stream(len(running.bodies)), "text/event-stream")
            else:
                self.answer(200, json.dumps(_completion(len(running.bodies))).encode())

    with _served(Handler) as address:
        running.address = f"{address}/v1"
        yield running


def _completion(number: int) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number:024d}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": SERVED,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Good day."},
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }


def _stream(number: int) -> bytes:
    whole = _completion(number)
    delta = {
        "index": 0,
        "delta": {"role": "assistant", "content": "Good day."},
        "finish_reason": "stop",
    }
    head = {**whole, "object": "chat.completion.chunk"}
    chunks = [{**head, "choices": [delta], "usage": None}, {**head, "choices": []}]
    return (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
        + b"data: [DONE]\n\n"
    )


@contextmanager
def relay(target: str) -> Iterator[Relay]:
    running = Relay("")
    # no proxy of the environment lies between
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    class Handler(_Handler):
        def do_GET(self) -> None:
            self.pass_on()

        def do_PUT(self) -> None:
            self.pass_on()

        def do_POST(self) -> None:
            self.pass_on()

        def pass_on(self) -> None:
            body = self.read()
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _HOP_HEADERS
            }
            asked = urllib.request.Request(
                f"{target}{self.path}", body, headers, method=self.command
            )
            try:
                with opener.open(asked, timeout=60) as given:
                    status, answer, kind = (
                        given.status,
                        given.read(),
                        given.headers.get("Content-Type", ""),
                    )
            except urllib.error.HTTPError as refused:
                status, answer, kind = (
                    refused.code,
                    refused.read(),
                    refused.headers.get("Content-Type", ""),
                )
            plain = (
                gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            )
            scheme = self.headers.get("Authorization", "").partition(" ")[0]
            way = scheme or ("x-api-key" if self.headers.get("x-api-key") else "none")
            running.requests.append(Relayed(self.path, way, status, answer, plain))
            self.answer(status, answer, kind)

    with _served(Handler) as address:
        running.address = address
        yield running


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
