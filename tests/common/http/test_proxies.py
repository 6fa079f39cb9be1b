"""The operator's proxy: what goes through it, what goes past it, and what it never learns or
reveals."""

import logging
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
from apps.common.http.installation_policy import installation_policy
from apps.common.http.proxies import parse_proxy
from tests.certificates import self_signed
from tests.connect_proxy import ConnectProxy
from tests.feeds import loopback
from tests.feeds.loopback import Loopback

LOGIN = "registry:p@ss:word"
LOGIN_IN_URL = "registry:p%40ss:word"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed("feed.example", tmp_path_factory.mktemp("tls"))


@pytest.fixture
def https(certificate: Path) -> Iterator[Loopback]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Loopback(tls=context) as running:
        running.route("/feed", loopback.plain(b"[1]"))
        yield running


@pytest.fixture
def http() -> Iterator[Loopback]:
    with Loopback() as running:
        running.route("/feed", loopback.plain(b"[2]"))
        yield running


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names that this machine can look up; addresses are themselves, all others do not resolve."""
    table: dict[str, str] = {}
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *more: Any, **options: Any) -> Any:
        if host in table:
            return [(None, None, 0, "", (table[host], port))]
        return real(host, port, *more, flags=socket.AI_NUMERICHOST, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return table


def through(proxy: ConnectProxy, *, login: str = "", no_proxy: str = "", **more: Any) -> Policy:
    url = f"http://{login}@127.0.0.1:{proxy.port}" if login else proxy.url
    return Policy(
        proxy=parse_proxy(url, no_proxy), connect_timeout=3, read_timeout=3, deadline=15, **more
    )


def test_https_goes_by_a_tunnel_to_a_name_that_only_the_proxy_knows(
    https: Loopback, certificate: Path
) -> None:
    with ConnectProxy({"feed.example": https.port}, login=LOGIN) as proxy:
        answer = fetch(
            Request("https://feed.example/feed", headers={"Authorization": "Bearer for-the-feed"}),
            policy=through(proxy, login=LOGIN_IN_URL, ca_file=str(certificate)),
        )

    assert (answer.status, answer.body) == (200, b"[1]")
    assert proxy.requests == ["CONNECT feed.example:443 HTTP/1.1"]
    assert "for-the-feed" not in proxy.heads[0]
    (seen,) = https.requests
    assert seen.headers["host"] == "feed.example"
    assert seen.headers["authorization"] == "Bearer for-the-feed"
    assert "proxy-authorization" not in seen.headers


def test_plain_http_is_forwarded_by_the_proxy(http: Loopback) -> None:
    with ConnectProxy({"feed.example": http.port}, login=LOGIN) as proxy:
        answer = fetch(
            Request("http://feed.example/feed"), policy=through(proxy, login=LOGIN_IN_URL)
        )

    assert answer.body == b"[2]"
    assert proxy.requests == ["GET http://feed.example:80/feed HTTP/1.1"]
    assert http.requests[0].headers["host"] == "feed.example"


def test_a_certificate_is_verified_through_the_tunnel(https: Loopback, certificate: Path) -> None:
    with ConnectProxy({"other.example": https.port, "feed.example": https.port}) as proxy:
        policy = through(proxy, ca_file=str(certificate))
        with pytest.raises(
            OutboundFailedError, match=r"certificate of other\.example is not valid"
        ):
            fetch(Request("https://other.example/feed"), policy=policy)
        with pytest.raises(OutboundFailedError, match="certificate"):
            fetch(Request("https://feed.example/feed"), policy=through(proxy))

    assert https.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("login", ["", "registry:wrong-secret"])
def test_a_login_that_the_proxy_refuses_is_said_to_be_so_and_never_shown(
    scheme: str, login: str, http: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with ConnectProxy({"feed.example": http.port}, login=LOGIN) as proxy:
        policy = through(proxy, login=login)
        with pytest.raises(
            OutboundFailedError, match="rejected the username or password in OUTBOUND_PROXY"
        ) as refused:
            fetch(Request(f"{scheme}://feed.example/feed"), policy=policy)

    shown = f"{refused.value} {policy!r} {caplog.text}"
    assert "wrong-secret" not in shown
    assert "Basic" not in shown
    assert http.requests == []


def test_a_host_that_the_proxy_does_not_reach_is_named_with_its_status() -> None:
    with (
        ConnectProxy({}) as proxy,
        pytest.raises(OutboundFailedError, match=r"connection to feed\.example \(status 502\)"),
    ):
        fetch(Request("https://feed.example/feed"), policy=through(proxy))


def test_a_proxy_that_is_down_is_named() -> None:
    with ConnectProxy({}) as proxy:
        policy = through(proxy)

    for scheme in ("http", "https"):
        with pytest.raises(OutboundFailedError, match=r"The proxy 127\.0\.0\.1 cannot be reached"):
            fetch(Request(f"{scheme}://feed.example/feed"), policy=policy)


def test_a_proxy_that_says_nothing_is_given_up_within_the_time_limits() -> None:
    with Loopback() as silent:
        silent.route("feed.example:443", loopback.hang())
        policy = Policy(proxy=parse_proxy(silent.url), read_timeout=0.3)

        with pytest.raises(OutboundFailedError, match="stopped responding"):
            fetch(Request("https://feed.example/feed"), policy=policy)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "localhost",
        "localhost.",
        "inside",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxy_is_never_asked_for_an_address_inside(
    scheme: str, host: str, names: dict[str, str], http: Loopback
) -> None:
    names["inside"] = "10.2.0.1"
    with ConnectProxy({host.strip("[]"): http.port}) as proxy, pytest.raises(OutboundRefusedError):
        fetch(Request(f"{scheme}://{host}/feed"), policy=through(proxy))

    assert proxy.requests == []


def test_a_redirect_inside_is_refused_behind_the_proxy_too(http: Loopback) -> None:
    http.route("/old", loopback.redirect("http://169.254.169.254/latest/meta-data/"))
    with ConnectProxy({"feed.example": http.port, "169.254.169.254": http.port}) as proxy:
        with pytest.raises(OutboundRefusedError, match="metadata"):
            fetch(Request("http://feed.example/old"), policy=through(proxy))

        assert len(proxy.requests) == 1


def test_hosts_of_no_proxy_are_called_directly_and_checked_as_without_a_proxy(
    http: Loopback, names: dict[str, str]
) -> None:
    names["feed.intranet.example"] = "127.0.0.1"
    with ConnectProxy({}) as proxy:
        policy = through(proxy, no_proxy="intranet.example, 10.0.0.0/8")
        with pytest.raises(OutboundRefusedError, match="the server itself"):
            fetch(Request(f"http://feed.intranet.example:{http.port}/feed"), policy=policy)

        opened = replace(policy, allowed_networks=(ip_network("127.0.0.0/8"),))
        answer = fetch(Request(f"http://feed.intranet.example:{http.port}/feed"), policy=opened)

    assert answer.body == b"[2]"
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("entry", "covered", "not_covered"),
    [
        ("*", ["example.org", "10.0.0.1"], []),
        (
            "example.org",
            ["example.org", "api.example.org", "Example.ORG.".lower()],
            ["notexample.org", "example.com"],
        ),
        (".example.org", ["example.org", "api.example.org"], ["notexample.org"]),
        ("*.example.org", ["api.example.org"], ["notexample.org"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "example.org"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.4"]),
        ("fd00::/8", ["fd12::1"], ["2001:db8::1", "10.0.0.1"]),
        ("[fd00::1]", ["fd00::1"], ["fd00::2"]),
        ("example.org:443", ["example.org"], []),
    ],
)
def test_an_entry_of_no_proxy_covers(
    entry: str, covered: list[str], not_covered: list[str]
) -> None:
    proxy = parse_proxy("http://proxy.example:3128", entry)
    assert proxy is not None

    assert [host for host in covered if proxy.serves(host, 443)] == []
    assert [host for host in not_covered if not proxy.serves(host, 443)] == []


def test_an_entry_with_a_port_covers_that_port_alone() -> None:
    proxy = parse_proxy("http://proxy.example:3128", "example.org:8443")
    assert proxy is not None

    assert (proxy.serves("example.org", 443), proxy.serves("example.org", 8443)) == (True, False)


def test_an_entry_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"'http://example\.org' is not a valid entry"):
        parse_proxy("http://proxy.example", "example.com http://example.org")


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "https://me:hidden@proxy.example",
        "socks5://me:hidden@proxy.example",
        "http://me:hidden@",
        "http://me:hidden@proxy.example:99999",
        "http://me:hid/den@proxy.example",
        "http://proxy.example/path?hidden",
    ],
)
def test_a_proxy_that_cannot_be_read_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="OUTBOUND_PROXY must be") as refused:
        parse_proxy(url)

    assert "hid" not in str(refused.value)


def test_every_call_of_the_installation_uses_the_proxy_of_the_settings(
    settings: Any, http: Loopback
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.3.0.0/16"]
    with ConnectProxy({"feed.example": http.port}) as proxy:
        settings.OUTBOUND_PROXY = parse_proxy(proxy.url)

        answer = fetch(Request("http://feed.example/feed"), policy=installation_policy(deadline=5))

    assert answer.body == b"[2]"
    assert len(proxy.requests) == 1
    assert installation_policy(deadline=5).allowed_networks == (ip_network("10.3.0.0/16"),)
