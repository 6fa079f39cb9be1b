"""WSGI environ of an ASGI request (PEP 3333)."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

_FIXED = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # the body has been read: it has an end
    "wsgi.input_terminated": True,
}


def build_environ(scope: dict[str, Any]) -> dict[str, Any]:
    """Build everything but `wsgi.input`. A chunked body keeps no Transfer-Encoding: once read, its
    length is known.

    Header names with an underscore are left out: `X_Forwarded_For` would look like the proxy's
    `X-Forwarded-For`."""
    path: str = scope["path"]
    server, client = scope["server"], scope["client"]
    environ: dict[str, Any] = {
        **_FIXED,
        "REQUEST_METHOD": scope["method"],
        # decoded by the server as UTF-8; other bytes are decoded again, one by one
        "PATH_INFO": path
        if path.isascii()
        else unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
    }
    add_headers(environ, scope["headers"])
    return environ


def add_headers(environ: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Add headers; repeated ones are joined: cookies by a semicolon, others by a comma."""
    for name, value in headers:
        key = _environ_key(name)
        if key is None:
            continue
        text = value.decode("latin-1")
        if key in environ:
            separator = "; " if key == "HTTP_COOKIE" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text


@lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str | None:
    if b"_" in name or name == b"transfer-encoding":
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
