"""TLS: the certificate is checked against the name, not against the address that was connected
to."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from apps.common.http.calls import OutboundFailedError, OutboundRefusedError, Policy, Request
from apps.common.http.client import fetch
from apps.common.http.proxies import parse_proxy
from tests.certificates import self_signed
from tests.feeds import loopback
from tests.feeds.loopback import Loopback


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed("feed.example", tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """An https server on loopback that every name resolves to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Loopback(tls=context) as running:

        def lookup(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
            return [(None, None, 0, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        yield running


def here(certificate: Path | None = None) -> Policy:
    return Policy(
        allowed_networks=(ip_network("127.0.0.0/8"),),
        ca_file=str(certificate or ""),
        read_timeout=3,
    )


def test_the_name_is_verified_although_the_address_was_connected_to(
    server: Loopback, certificate: Path
) -> None:
    server.route("/", loopback.plain(b"[]"))

    response = fetch(Request(f"https://feed.example:{server.port}/"), policy=here(certificate))

    assert response.body == b"[]"
    assert server.requests[0].headers["host"] == f"feed.example:{server.port}"


def test_a_certificate_for_another_name_is_not_accepted(
    server: Loopback, certificate: Path
) -> None:
    with pytest.raises(OutboundFailedError, match=r"certificate of other\.example is not valid"):
        fetch(Request(f"https://other.example:{server.port}/"), policy=here(certificate))

    assert server.requests == []


def test_a_certificate_nobody_vouches_for_is_not_accepted(server: Loopback) -> None:
    with pytest.raises(OutboundFailedError, match="certificate"):
        fetch(Request(f"https://feed.example:{server.port}/"), policy=here())

    assert server.requests == []


def test_a_redirect_from_https_to_http_is_refused(server: Loopback, certificate: Path) -> None:
    server.route("/", loopback.redirect("http://feed.example/"))

    with pytest.raises(OutboundRefusedError, match="from https to plain http"):
        fetch(Request(f"https://feed.example:{server.port}/"), policy=here(certificate))


def test_a_proxy_is_asked_for_a_tunnel_and_sees_neither_path_nor_headers(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    inside: list[bytes] = []

    def tunnel(exchange: loopback.Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(exchange.sock, server_side=True) as wire:
            inside.append(wire.recv(65536))
            wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(None, None, 0, "", ("127.0.0.1", port))]
    )
    with Loopback() as proxy:
        proxy.route("feed.example:443", tunnel)
        policy = replace(
            here(certificate), proxy=parse_proxy(f"http://me:secret@127.0.0.1:{proxy.port}")
        )

        response = fetch(Request("https://feed.example/feed"), policy=policy)

    assert response.body == b"[]"
    assert proxy.requests[0].method == "CONNECT"
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert inside[0].startswith(b"GET /feed HTTP/1.1\r\n")
    assert b"Proxy-Authorization" not in inside[0]


def test_a_proxy_that_refuses_is_said_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(None, None, 0, "", ("127.0.0.1", port))]
    )
    with Loopback() as proxy:
        proxy.route("feed.example:443", loopback.status(403))

        with pytest.raises(
            OutboundFailedError, match=r"proxy rejected a connection to feed\.example"
        ):
            fetch(
                Request("https://feed.example/feed"),
                policy=replace(here(), proxy=parse_proxy(proxy.url)),
            )
