"""The outbound client: where it goes, where it does not, and what it makes of broken answers."""

import gzip
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from apps.common.http import addresses, calls, proxies
from apps.common.http.calls import (
    OutboundError,
    OutboundFailedError,
    OutboundRefusedError,
    Policy,
    Request,
    ResponseTooLargeError,
)
from apps.common.http.client import fetch
from tests.feeds import loopback
from tests.feeds.loopback import Loopback

BODY = b'{"rows": [1, 2, 3]}' * 50
QUICK = Policy(connect_timeout=2, read_timeout=2, deadline=10)
HERE = Policy(
    allowed_networks=(ip_network("127.0.0.0/8"),), connect_timeout=2, read_timeout=2, deadline=10
)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def trusted(url: str, **more: Any) -> Request:
    return Request(url, trusted=True, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that resolve to what the test says; each lookup takes the first list and leaves the
    rest."""
    table: dict[str, list[str]] = {}

    def lookup(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        if host not in table:
            raise socket.gaierror(-2, "Name or service not known")
        return [(None, None, 0, "", (address, port)) for address in table[host]]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return table


# --- addresses that are refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "fe80::1",
        "fec0::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert addresses.refusal_reason(ip_address(address), Policy(), trusted=False) is not None


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert addresses.refusal_reason(ip_address(address), Policy(), trusted=False) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "100.64.0.1", "fd00::1", "::1"])
def test_a_trusted_address_may_be_private(address: str) -> None:
    assert addresses.refusal_reason(ip_address(address), Policy(), trusted=True) is None


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "168.63.129.16", "224.0.0.1", "fe80::1", "0.0.0.0"]
)
def test_even_a_trusted_address_is_no_metadata_service_and_no_group(address: str) -> None:
    assert addresses.refusal_reason(ip_address(address), Policy(), trusted=True) is not None


def test_an_allowed_network_opens_just_that_network_also_in_its_mapped_form() -> None:
    policy = Policy(allowed_networks=addresses.parse_networks("10.9.0.0/16, fd00::/8"))

    assert addresses.refusal_reason(ip_address("10.9.1.1"), policy, trusted=False) is None
    assert addresses.refusal_reason(ip_address("::ffff:10.9.1.1"), policy, trusted=False) is None
    assert addresses.refusal_reason(ip_address("fd12::1"), policy, trusted=False) is None
    assert addresses.refusal_reason(ip_address("10.8.1.1"), policy, trusted=False) is not None


def test_a_list_of_networks_with_a_slip_says_which_word_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"'10\.0\.0\.1/8' is not a valid network"):
        addresses.parse_networks("192.168.0.0/16 10.0.0.1/8")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "gopher://example.org/",
        "javascript:alert(1)",
        "//example.org/",
        "example.org",
        "",
        "http:///path",
        "http://example.org:99999/",
        "http://[::1",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org/a b",
        "http://example.org/\r\nHost: evil",
        "http://example.org\\@127.0.0.1/",
        "file:///etc/hostname",
        "http://example.org/" + "x" * 9000,
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefusedError):
        fetch(Request(url), policy=QUICK)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "[::ffff:7f00:1]"],
)
def test_no_spelling_of_this_machine_gets_through(server: Loopback, host: str) -> None:
    server.route("/", loopback.plain(BODY))

    with pytest.raises(OutboundRefusedError, match="OUTBOUND_ALLOWED_NETWORKS"):
        fetch(Request(f"http://{host}:{server.port}/"), policy=QUICK)

    assert server.requests == []


def test_a_public_name_with_a_private_address_is_refused(
    server: Loopback, names: dict[str, list[str]]
) -> None:
    names["feed.example"] = ["127.0.0.1"]
    server.route("/", loopback.plain(BODY))

    with pytest.raises(OutboundRefusedError, match="feed\\.example is the server itself"):
        fetch(Request(f"http://feed.example:{server.port}/"), policy=QUICK)

    assert server.requests == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "10.0.0.1", "10.0.0.2"])
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(None, None, 0, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    server.route("/", loopback.plain(BODY))

    fetch(Request(f"http://feed.example:{server.port}/"), policy=HERE)

    assert asked == ["feed.example"]
    assert server.requests[0].headers["host"] == f"feed.example:{server.port}"


def test_of_several_addresses_only_the_permitted_one_is_tried(
    server: Loopback, names: dict[str, list[str]]
) -> None:
    names["feed.example"] = ["10.0.0.1", "127.0.0.1"]
    server.route("/", loopback.plain(BODY))

    response = fetch(Request(f"http://feed.example:{server.port}/"), policy=HERE)

    assert response.body == BODY


def test_a_name_that_does_not_resolve_is_said_to_be_so(names: dict[str, list[str]]) -> None:
    with pytest.raises(OutboundFailedError, match=r"nowhere\.example does not resolve"):
        fetch(Request("https://nowhere.example/"), policy=QUICK)


# --- redirects ------------------------------------------------------------------------------------


def test_a_redirect_is_followed_and_the_last_address_reported(server: Loopback) -> None:
    server.route("/old", loopback.redirect("/new?x=1"))
    server.route("/new", loopback.plain(BODY))

    response = fetch(Request(f"{server.url}/old"), policy=HERE)

    assert response.body == BODY
    assert response.url == f"{server.url}/new?x=1"


def test_five_redirects_are_followed_and_the_sixth_is_not(server: Loopback) -> None:
    for number in range(6):
        server.route(f"/{number}", loopback.redirect(f"/{number + 1}"))
    server.route("/6", loopback.plain(BODY))

    assert fetch(Request(f"{server.url}/1"), policy=HERE).body == BODY
    with pytest.raises(OutboundRefusedError, match="more than 5 times"):
        fetch(Request(f"{server.url}/0"), policy=HERE)


def test_an_endless_redirect_ends(server: Loopback) -> None:
    url = server.route("/r*", loopback.redirect_for_ever())

    with pytest.raises(OutboundRefusedError, match="more than 5 times"):
        fetch(Request(url), policy=HERE)

    assert len(server.requests) == 6


def test_trust_in_an_address_does_not_extend_to_where_it_redirects(server: Loopback) -> None:
    server.route("/feed", loopback.redirect("{url}/inside"))
    server.route("/inside", loopback.plain(b"secret"))

    with pytest.raises(OutboundRefusedError, match="the server itself"):
        fetch(trusted(f"{server.url}/feed"), policy=QUICK)

    assert [seen.path for seen in server.requests] == ["/feed"]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "//192.168.0.1/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "http://user:secret@example.org/",
    ],
)
def test_a_redirect_may_not_lead_where_a_feed_may_not_be(server: Loopback, location: str) -> None:
    server.route("/feed", loopback.redirect(location))

    with pytest.raises(OutboundRefusedError):
        fetch(trusted(f"{server.url}/feed"), policy=QUICK)


def test_a_redirect_without_an_address_fails(server: Loopback) -> None:
    server.route("/feed", loopback.status(302))

    with pytest.raises(OutboundFailedError, match="without a target"):
        fetch(trusted(f"{server.url}/feed"), policy=QUICK)


def test_headers_of_the_caller_are_not_carried_to_another_host(server: Loopback) -> None:
    with Loopback() as other:
        server.route("/feed", loopback.redirect(f"{other.url}/feed"))
        other.route("/feed", loopback.plain(BODY))

        fetch(
            Request(f"{server.url}/feed", headers={"Authorization": "Bearer secret"}, etag='"one"'),
            policy=HERE,
        )

    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert "authorization" not in other.requests[0].headers
    assert other.requests[0].headers["if-none-match"] == '"one"'


# --- requests -------------------------------------------------------------------------------------


def test_every_call_says_who_it_is_and_ignores_proxies_of_the_environment(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    server.route("/feed", loopback.plain(BODY))

    fetch(trusted(f"{server.url}/feed?a=1&b=%20"), policy=QUICK)

    (seen,) = server.requests
    assert (seen.method, seen.path) == ("GET", "/feed?a=1&b=%20")
    assert seen.headers["user-agent"] == calls.USER_AGENT
    assert calls.USER_AGENT.startswith("foundation-registry/")


def test_a_proxy_is_used_when_the_operator_names_one(names: dict[str, list[str]]) -> None:
    with Loopback() as proxy:
        names["127.0.0.1"] = ["127.0.0.1"]
        proxy.route("http://feed.example:80/feed", loopback.plain(BODY))

        response = fetch(
            Request("http://feed.example/feed"),
            policy=Policy(proxy=proxies.parse_proxy(f"http://me:secret@127.0.0.1:{proxy.port}")),
        )

    assert response.body == BODY
    assert proxy.requests[0].headers["host"] == "feed.example"
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"


def test_a_proxy_does_not_open_private_addresses(server: Loopback) -> None:
    with pytest.raises(OutboundRefusedError, match="private address"):
        fetch(Request("http://10.0.0.1/"), policy=Policy(proxy=proxies.parse_proxy(server.url)))

    assert server.requests == []


def test_a_post_carries_its_body_and_its_headers_but_not_those_that_frame_it(
    server: Loopback,
) -> None:
    server.route("/hook", loopback.plain(b"ok"))
    headers = {
        "Content-Type": "application/json",
        "X-Signature": "abc",
        "Host": "evil",
        "Content-Length": "9999",
    }

    response = fetch(
        trusted(f"{server.url}/hook", method="POST", body=b'{"a":1}', headers=headers), policy=QUICK
    )

    (seen,) = server.requests
    assert (response.status, seen.method, seen.body) == (200, "POST", b'{"a":1}')
    assert seen.headers["x-signature"] == "abc"
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"


def test_a_post_does_not_follow_redirects(server: Loopback) -> None:
    server.route("/hook", loopback.redirect("/elsewhere", 307))

    response = fetch(trusted(f"{server.url}/hook", method="POST", body=b"x"), policy=QUICK)

    assert response.status == 307
    assert len(server.requests) == 1


def test_a_header_with_a_line_break_is_not_sent(server: Loopback) -> None:
    with pytest.raises(OutboundRefusedError, match="line break"):
        fetch(trusted(f"{server.url}/", headers={"X-Name": "a\r\nX-Other: b"}), policy=QUICK)

    assert server.requests == []


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        loopback.plain(BODY),
        loopback.gzipped(BODY),
        loopback.deflated(BODY),
        loopback.deflated(BODY, raw=True),
        loopback.chunked(BODY[:100], BODY[100:]),
        loopback.encoded_as(
            "gzip", gzip.compress(BODY[:99]) + gzip.compress(BODY[99:]) + b"\0" * 20
        ),
        loopback.encoded_as("identity", BODY),
    ],
    ids=["plain", "gzip", "deflate", "raw deflate", "chunked", "gzip in members", "identity"],
)
def test_a_body_arrives_whole_however_it_is_packed(
    server: Loopback, behaviour: loopback.Behaviour
) -> None:
    server.route("/feed", behaviour)

    response = fetch(trusted(f"{server.url}/feed"), policy=QUICK)

    assert (response.status, response.body) == (200, BODY)
    assert response.bytes_on_wire > 0


def test_an_unchanged_feed_answers_304_without_body(server: Loopback) -> None:
    server.route("/feed", loopback.conditional(BODY, '"one"', "Tue, 24 Nov 2026 10:00:00 GMT"))

    first = fetch(trusted(f"{server.url}/feed"), policy=QUICK)
    by_etag = fetch(trusted(f"{server.url}/feed", etag=first.etag), policy=QUICK)
    by_date = fetch(trusted(f"{server.url}/feed", last_modified=first.last_modified), policy=QUICK)

    assert first.body == BODY
    assert (by_etag.status, by_etag.body, by_etag.etag) == (304, b"", '"one"')
    assert (by_date.status, by_date.body) == (304, b"")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Tue, 24 Nov 2026 12:05:00 GMT", 300),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("99999999999999", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str | None, seconds: int | None) -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    assert calls.retry_after_seconds(value, now) == seconds


def test_a_busy_server_is_an_answer_and_not_an_error(server: Loopback) -> None:
    server.route("/feed", loopback.throttled("120"))

    response = fetch(trusted(f"{server.url}/feed"), policy=QUICK)

    assert (response.status, response.retry_after, response.body) == (429, 120, b"slow down")


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (loopback.truncated(BODY), "100 bytes early"),
        (loopback.chunks_cut(BODY), "before the response was complete"),
        (loopback.chunks_cut(BODY, inside=False), "before the response was complete"),
        (loopback.gzip_cut(BODY), "is incomplete"),
        (loopback.encoded_as("gzip", b"this is no gzip"), "damaged"),
        (loopback.encoded_as("gzip", b"\x1f\x8b"), "is incomplete"),
        (loopback.encoded_as("deflate", b"\xff\xff\xff\xff"), "damaged"),
        (loopback.encoded_as("br", b"..."), "'br', which was not requested"),
        (loopback.reset(), "before the response was complete"),
        (loopback.nonsense(), "sent an invalid HTTP response"),
    ],
)
def test_a_broken_answer_is_an_error_with_a_sentence(
    server: Loopback, behaviour: loopback.Behaviour, says: str
) -> None:
    server.route("/feed", behaviour)

    with pytest.raises(OutboundFailedError, match=says):
        fetch(trusted(f"{server.url}/feed"), policy=QUICK)


def test_a_server_that_says_nothing_is_given_up(server: Loopback) -> None:
    server.route("/feed", loopback.hang())

    with pytest.raises(OutboundFailedError, match="stopped responding"):
        fetch(trusted(f"{server.url}/feed"), policy=Policy(read_timeout=0.2))


@pytest.mark.parametrize("headers_too", [False, True])
def test_an_answer_that_drips_in_is_cut_off_by_the_deadline(
    server: Loopback, headers_too: bool
) -> None:
    server.route("/feed", loopback.drip(0.02, headers_too=headers_too))

    with pytest.raises(OutboundFailedError, match=r"not complete after 0\.5 seconds"):
        fetch(trusted(f"{server.url}/feed"), policy=Policy(read_timeout=5, deadline=0.5))


def test_a_lookup_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback() as never:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never._closing.wait(30) and [])

        with pytest.raises(OutboundFailedError, match=r"lookup of slow\.example timed out"):
            fetch(Request("https://slow.example/"), policy=Policy(connect_timeout=0.1))


def test_nobody_listening_is_said_to_be_so(server: Loopback) -> None:
    with Loopback() as gone:
        url = gone.url

    with pytest.raises(OutboundFailedError, match="cannot be reached"):
        fetch(trusted(url), policy=QUICK)


# --- sizes ----------------------------------------------------------------------------------------


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(server: Loopback) -> None:
    server.route("/at", loopback.plain(b"x" * 1000))
    server.route("/above", loopback.plain(b"x" * 1001))
    policy = Policy(max_wire_bytes=1000, max_body_bytes=1000)

    assert len(fetch(trusted(f"{server.url}/at"), policy=policy).body) == 1000
    with pytest.raises(ResponseTooLargeError, match="1000 bytes"):
        fetch(trusted(f"{server.url}/above"), policy=policy)


@pytest.mark.parametrize("announced", [True, False])
def test_a_hundred_megabytes_are_not_swallowed(server: Loopback, announced: bool) -> None:
    server.route("/feed", loopback.huge(100, announced=announced))

    with pytest.raises(ResponseTooLargeError, match="larger than the allowed 4 MiB"):
        fetch(trusted(f"{server.url}/feed"), policy=Policy(max_wire_bytes=4 * calls.MEBIBYTE))


def test_a_gzip_bomb_stops_at_the_inflated_limit(server: Loopback) -> None:
    server.route("/feed", loopback.bomb(200))

    with pytest.raises(ResponseTooLargeError, match="larger than the allowed 8 MiB"):
        fetch(trusted(f"{server.url}/feed"), policy=Policy(max_body_bytes=8 * calls.MEBIBYTE))


def test_a_body_of_tiny_chunks_counts_with_all_its_framing(server: Loopback) -> None:
    def padded(exchange: loopback.Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        for _ in range(10_000):
            exchange.send(b"1;" + b"x" * 1000 + b"\r\ny\r\n")

    server.route("/feed", padded)

    with pytest.raises(ResponseTooLargeError):
        fetch(trusted(f"{server.url}/feed"), policy=Policy(max_wire_bytes=100_000))


# --- files ----------------------------------------------------------------------------------------


def test_a_trusted_file_is_read_plain_and_gzipped(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a feed.json", tmp_path / "feed.json.gz"
    plain.write_bytes(BODY)
    packed.write_bytes(gzip.compress(BODY))

    for path in (plain, packed):
        response = fetch(trusted(path.as_uri()), policy=QUICK)
        assert (response.status, response.body, response.etag) == (200, BODY, None)


def test_a_file_is_held_to_the_same_limits(tmp_path: Path) -> None:
    packed = tmp_path / "bomb.gz"
    packed.write_bytes(gzip.compress(bytes(5 * calls.MEBIBYTE)))

    with pytest.raises(ResponseTooLargeError):
        fetch(trusted(packed.as_uri()), policy=Policy(max_body_bytes=calls.MEBIBYTE))
    with pytest.raises(ResponseTooLargeError):
        fetch(trusted(packed.as_uri()), policy=Policy(max_wire_bytes=100))


@pytest.mark.parametrize(
    "url", ["file:///nowhere/at/all", "file:///tmp", "file:///dev/zero", "file:///a%00b"]
)
def test_what_is_no_plain_file_fails_with_a_sentence(url: str) -> None:
    with pytest.raises(OutboundFailedError, match=r"cannot be read|not a regular file"):
        fetch(trusted(url), policy=QUICK)


def test_a_file_of_another_machine_is_refused() -> None:
    with pytest.raises(OutboundRefusedError, match="another machine"):
        fetch(trusted("file://server/share/feed.json"), policy=QUICK)


def test_a_broken_head_of_an_answer_puts_no_address_into_the_log(server: Loopback) -> None:
    def odd(exchange: loopback.Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon here\r\n\r\n[]")

    server.route("/secret-path", odd)
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Kept()
    logging.getLogger().addHandler(handler)
    try:
        fetch(trusted(f"{server.url}/secret-path?token=secret"), policy=QUICK)
    finally:
        logging.getLogger().removeHandler(handler)

    assert [line for line in lines if "secret" in line] == []


def test_every_fault_is_of_one_family() -> None:
    assert all(
        issubclass(kind, OutboundError)
        for kind in (OutboundRefusedError, OutboundFailedError, ResponseTooLargeError)
    )


def test_a_sentence_never_repeats_a_password_or_a_query(server: Loopback) -> None:
    server.route("/hook*", loopback.redirect_for_ever())

    for url in (
        f"{server.url}/hook?token=secret",
        "ftp://me:secret@example.org/",
        "http://me:secret@example.org/",
    ):
        with pytest.raises(OutboundRefusedError) as refused:
            fetch(Request(url), policy=HERE)
        assert "secret" not in str(refused.value)
