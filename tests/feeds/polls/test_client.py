"""Fetching a feed: every fault of the far side is data."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.common.http.calls import MEBIBYTE, Policy
from apps.feeds.polls.client import FetchResult, fetch_source
from tests.feeds import loopback
from tests.feeds.loopback import Loopback

BODY = b'[{"id": "one"}]'
POLICY = Policy(
    connect_timeout=2,
    read_timeout=0.5,
    deadline=3,
    max_wire_bytes=4 * MEBIBYTE,
    max_body_bytes=8 * MEBIBYTE,
)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def ask(url: str, etag: str | None = None, last_modified: str | None = None) -> FetchResult:
    return fetch_source(url, etag, last_modified, POLICY, True)


def test_a_new_body_comes_with_its_digest_and_validators(server: Loopback) -> None:
    url = server.route(
        "/feed", loopback.conditional(BODY, '"one"', "Tue, 24 Nov 2026 10:00:00 GMT")
    )

    fetched = ask(url)

    assert (fetched.status, fetched.http_status, fetched.body, fetched.error) == (
        "new",
        200,
        BODY,
        "",
    )
    assert fetched.digest == hashlib.sha256(BODY).hexdigest()
    assert (fetched.etag, fetched.last_modified) == ('"one"', "Tue, 24 Nov 2026 10:00:00 GMT")
    assert fetched.bytes_on_wire > len(BODY)


def test_the_digest_is_of_the_inflated_body(server: Loopback) -> None:
    plain = ask(server.route("/plain", loopback.plain(BODY)))
    packed = ask(server.route("/packed", loopback.gzipped(BODY)))

    assert plain.digest == packed.digest


def test_304_is_unchanged(server: Loopback) -> None:
    url = server.route("/feed", loopback.conditional(BODY, '"one"'))

    fetched = ask(url, etag='"one"')

    assert (fetched.status, fetched.http_status, fetched.body, fetched.etag) == (
        "unchanged",
        304,
        None,
        '"one"',
    )


def test_304_to_an_unconditional_question_is_a_fault(server: Loopback) -> None:
    url = server.route("/feed", loopback.status(304))

    assert ask(url).status == "failed"


@pytest.mark.parametrize(
    ("code", "retry_after", "seconds", "says"),
    [
        (429, "120", 120, "429 (too many requests)"),
        (429, None, None, "429 (too many requests)"),
        (503, "60", 60, "503 (unavailable)"),
    ],
)
def test_a_server_that_asks_for_rest_throttles(
    server: Loopback, code: int, retry_after: str | None, seconds: int | None, says: str
) -> None:
    url = server.route("/feed", loopback.throttled(retry_after, code))

    fetched = ask(url)

    assert (fetched.status, fetched.http_status, fetched.retry_after_seconds) == (
        "throttled",
        code,
        seconds,
    )
    assert says in fetched.error


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (500, "(server error). The next poll tries again."),
        (503, "(server error). The next poll tries again."),
        (404, "(not found). Find the new URL of the feed."),
        (403, "login"),
        (204, "instead of 200"),
    ],
)
def test_any_other_status_fails_with_what_to_do(server: Loopback, code: int, says: str) -> None:
    url = server.route("/feed", loopback.status(code))

    fetched = ask(url)

    assert (fetched.status, fetched.http_status, fetched.body) == ("failed", code, None)
    assert says in fetched.error


@pytest.mark.parametrize(
    "behaviour",
    [
        loopback.truncated(BODY),
        loopback.chunks_cut(BODY),
        loopback.gzip_cut(BODY * 100),
        loopback.reset(),
        loopback.nonsense(),
        loopback.hang(),
        loopback.huge(20),
        loopback.bomb(40),
        loopback.redirect("http://10.0.0.1/"),
        loopback.redirect("file:///etc/passwd"),
        loopback.redirect("{url}/feed"),
    ],
    ids=[
        "truncated",
        "chunks cut",
        "gzip cut",
        "reset",
        "nonsense",
        "hang",
        "huge",
        "bomb",
        "private",
        "file",
        "loop",
    ],
)
def test_whatever_goes_wrong_is_data_with_a_sentence(
    server: Loopback, behaviour: loopback.Behaviour
) -> None:
    url = server.route("/feed", behaviour)

    fetched = ask(url)

    assert (fetched.status, fetched.body, fetched.digest) == ("failed", None, None)
    assert fetched.error.endswith(".")


def test_an_address_nobody_vouched_for_may_not_be_here(server: Loopback) -> None:
    url = server.route("/feed", loopback.plain(BODY))

    fetched = fetch_source(url, None, None, POLICY, False)

    assert fetched.status == "failed"
    assert server.requests == []


def test_the_cap_of_the_feed_lowers_the_limit(server: Loopback) -> None:
    url = server.route("/feed", loopback.plain(b"x" * 2000))

    assert fetch_source(url, None, None, POLICY, True, cap_bytes=2000).status == "new"
    assert fetch_source(url, None, None, POLICY, True, cap_bytes=1999).status == "failed"


def test_a_file_has_no_validators_and_the_digest_suffices(tmp_path: Path) -> None:
    path = tmp_path / "feed.json.gz"
    path.write_bytes(gzip.compress(BODY))

    fetched = ask(path.as_uri(), etag='"old"')

    assert (fetched.status, fetched.body, fetched.etag, fetched.last_modified) == (
        "new",
        BODY,
        None,
        None,
    )
    assert fetched.digest == hashlib.sha256(BODY).hexdigest()


def test_a_validator_too_long_to_keep_is_left_out(server: Loopback) -> None:
    url = server.route("/feed", loopback.conditional(BODY, '"' + "x" * 400 + '"'))

    assert ask(url).etag is None
