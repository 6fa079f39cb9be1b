"""What the web server does before the application is asked: bodies, probes, waiting, answers, dead
workers."""

import gzip
import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.web_server import WebServer, answer_of, head_of, is_closed, wait_until, web_server

# times and sizes that a test can wait for; what is asserted holds for any
APPLICATION = """
import hashlib, os, pathlib, time

from registry.server import application as server, limits, request_bodies, spool

limits.STRANGER = limits.BodyLimit(64 * 1024, 4, "Sign in.")
limits.KNOWN = limits.BodyLimit(8 * 1024 * 1024, 30, "Split it.")
request_bodies.BODY_RATE_INTERVAL = 2
server.QUEUE_TIMEOUT = 2
server.SEND_TIMEOUT = 2
spool.SEND_TIMEOUT = 2

FOLDER = pathlib.Path(os.environ["PYTHONPATH"])
CALLERS = request_bodies.CallerRules(
    knows=lambda environ: environ["HTTP_AUTHORIZATION"] == "Bearer good"
)


def slow_check():
    time.sleep(30)


PROBES = {
    "/readyz": lambda: (200, {"status": "ready", "asked_at": time.time()}),
    "/hanging": slow_check,
}


def many(n_blocks, name):
    try:
        for number in range(n_blocks):
            yield bytes([number % 251]) * 65536
    finally:
        (FOLDER / f".{name}").write_text(str(number))
        (FOLDER / f".{name}").rename(FOLDER / name)


def breaking(seconds):
    for number in range(20):
        yield b"x" * 65536
    time.sleep(seconds)
    raise RuntimeError("It broke.")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/sleep":
        (FOLDER / f"sleeps-{time.monotonic_ns()}").touch()
        time.sleep(float(environ["QUERY_STRING"]))
    if path == "/breaks":
        raise RuntimeError("It broke.")
    if path == "/many":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        n_blocks, _, name = environ["QUERY_STRING"].partition("&")
        return many(int(n_blocks), name)
    if path == "/breaks-off":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return breaking(float(environ["QUERY_STRING"]))
    if path == "/unmodified":
        start_response("304 Not Modified", [("ETag", '"one"')])
        return [b""]
    body, n_bytes = hashlib.sha256(), 0
    while block := environ["wsgi.input"].read(65536):
        body.update(block)
        n_bytes += len(block)
    assert str(n_bytes) == environ.get("CONTENT_LENGTH", "0")
    named = environ.get("HTTP_X_NAMED", "-")
    answer = f"{os.getpid()} {n_bytes} {body.hexdigest()} {named}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]
"""
TOKEN = "Authorization: Bearer good"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "small_site.py").write_text(APPLICATION)
    spool = folder / "spool"
    spool.mkdir()
    with web_server(
        folder,
        "--workers",
        "2",
        "--threads",
        "2",
        "small_site:application",
        environment={"TMPDIR": str(spool)},
    ) as running:
        yield running


def spooled_bytes(server: WebServer) -> int:
    """Held by the workers in files without a name."""
    total = 0
    for worker in server.workers():
        for link in Path(f"/proc/{worker.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if "/spool/" in os.readlink(link):
                    total += link.stat().st_size
    return total


def all_threads_asleep(server: WebServer, seconds: float) -> list[threading.Thread]:
    """Both workers have two threads; which worker gets a connection is the kernel's choice, so more
    are sent."""
    clients = [
        threading.Thread(target=lambda: server.ask(f"GET /sleep?{seconds} HTTP/1.1"), daemon=True)
        for _ in range(24)
    ]
    for client in clients:
        client.start()
    folder = server.log.parent
    wait_until(lambda: len(list(folder.glob("sleeps-*"))) >= 4)
    return clients


def test_a_whole_body_reaches_the_application_announced_or_in_chunks(server: WebServer) -> None:
    body = os.urandom(50_000)
    chunked = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:30_000], body[30_000:])
    )

    announced = server.ask(f"POST /echo HTTP/1.1\nContent-Length: {len(body)}", body)
    in_chunks = server.ask(
        "POST /echo HTTP/1.1\nTransfer-Encoding: chunked", chunked + b"0\r\n\r\n"
    )

    for status, _, answer in (announced, in_chunks):
        assert status == 200
        assert answer.split()[1:3] == [b"50000", hashlib.sha256(body).hexdigest().encode()]


def test_a_client_that_asks_first_is_told_to_go_on(server: WebServer) -> None:
    with server.send("POST /echo HTTP/1.1\nContent-Length: 3\nExpect: 100-continue") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        connection.sendall(b"abc")
        assert answer_of(connection)[0] == 200


def test_a_connection_answers_one_request_after_the_other(server: WebServer) -> None:
    with server.connect() as connection:
        for body in (b"one", b"", b"three"):
            connection.sendall(head_of(f"POST /echo HTTP/1.1\nContent-Length: {len(body)}") + body)
            assert answer_of(connection)[2].split()[1] == str(len(body)).encode()


def test_a_header_with_an_underscore_does_not_pass_for_the_one_with_a_hyphen(
    server: WebServer,
) -> None:
    assert server.ask("GET /echo HTTP/1.1\nX_Named: forged")[2].split()[3] == b"-"
    assert server.ask("GET /echo HTTP/1.1\nX-Named: a\nX-Named: b")[2].split()[3] == b"a,b"


def test_a_stranger_who_announces_too_much_is_refused_at_once_and_nothing_is_kept(
    server: WebServer,
) -> None:
    with server.send(f"POST /echo HTTP/1.1\nContent-Length: {300 * 1024 * 1024}") as connection:
        status, headers, body = answer_of(connection)

        assert status == 413
        assert headers["connection"] == "close"
        assert body == b"The body of this request is larger than 64 KiB. Sign in.\n"
        assert is_closed(connection)
    assert spooled_bytes(server) == 0


def test_a_client_that_sends_all_of_it_before_it_reads_still_gets_the_sentence(
    server: WebServer,
) -> None:
    with server.send("POST /echo HTTP/1.1\nContent-Length: 3000000") as connection:
        for _ in range(6):
            connection.sendall(b"a" * 500_000)
            time.sleep(0.1)

        assert answer_of(connection)[0] == 413


def test_programs_are_refused_with_problem_details(server: WebServer) -> None:
    status, headers, body = server.ask("POST /api/v1/x/ HTTP/1.1\nContent-Length: 999999999")

    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(body)["detail"].startswith("The body of this request is larger than 64 KiB.")


@pytest.mark.parametrize(
    "head",
    [
        "GET /healthz HTTP/1.1",
        "POST /echo HTTP/1.1\nContent-Length: 999999999",
        "GET /breaks HTTP/1.1",
    ],
)
def test_answers_of_the_server_itself_are_nothing_that_a_browser_runs_or_frames(
    server: WebServer, head: str
) -> None:
    headers = server.ask(head)[1]

    assert headers["x-content-type-options"] == "nosniff"
    assert (
        headers["content-security-policy"]
        == "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("path", ["/echo", "/accounts/login/"])
def test_a_chunked_body_is_cut_off_where_it_grows_too_long(server: WebServer, path: str) -> None:
    # what the sign-in takes does not depend on what a caller shows
    shown = TOKEN if path.startswith("/accounts/") else "X-Shown: nothing"
    with server.send(f"POST {path} HTTP/1.1\n{shown}\nTransfer-Encoding: chunked") as connection:
        with suppress(ConnectionError):
            for _ in range(64):
                connection.sendall(b"%x\r\n%s\r\n" % (4096, b"a" * 4096))
        assert answer_of(connection)[0] == 413


def test_a_long_body_lies_in_a_file_and_arrives_whole(server: WebServer) -> None:
    body = os.urandom(6 * 1024 * 1024)
    with server.send(
        f"POST /echo HTTP/1.1\n{TOKEN}\nContent-Length: {len(body)}", body[: -1024 * 1024]
    ) as connection:
        wait_until(lambda: spooled_bytes(server) > 0)
        connection.sendall(body[-1024 * 1024 :])
        status, _, answer = answer_of(connection)

    assert status == 200
    assert answer.split()[1:3] == [
        str(len(body)).encode(),
        hashlib.sha256(body).hexdigest().encode(),
    ]
    wait_until(lambda: spooled_bytes(server) == 0)


def test_a_token_that_is_not_real_brings_no_byte_to_the_disk(server: WebServer) -> None:
    with server.send(
        "POST /echo HTTP/1.1\nAuthorization: Bearer bad\nContent-Length: 6000000"
    ) as connection:
        connection.sendall(b"a" * 300_000)
        status, headers, body = answer_of(connection)

    assert (status, headers["connection"]) == (403, "close")
    assert b"unknown or has expired" in body
    assert spooled_bytes(server) == 0


@pytest.mark.proof
def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed(server: WebServer) -> None:
    with server.send("POST /echo HTTP/1.1\nContent-Length: 1000", b"half") as connection:
        status, headers, body = answer_of(connection)

        assert (status, headers["connection"]) == (408, "close")
        assert body.startswith(b"The body arrives too slowly")
        assert is_closed(connection)


@pytest.mark.proof
def test_a_body_that_drips_is_given_up_however_long_it_goes_on(server: WebServer) -> None:
    began = time.monotonic()
    with server.send(f"POST /echo HTTP/1.1\n{TOKEN}\nContent-Length: 100000") as connection:
        connection.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - began < 20:
            connection.sendall(b"a")
            with suppress(TimeoutError):
                answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.proof
def test_half_a_body_is_no_body(server: WebServer) -> None:
    """Whatever the client does after half of it, the application is not asked."""
    folder = server.log.parent
    before = len(list(folder.glob("sleeps-*")))
    for head, body in (
        ("POST /sleep?0 HTTP/1.1\nContent-Length: 100", b"half"),
        ("POST /sleep?0 HTTP/1.1\nTransfer-Encoding: chunked", b"4\r\nhalf\r\n"),
        ("POST /sleep?0 HTTP/1.1\nTransfer-Encoding: chunked", b"4\r\nhalf\r\nno number\r\n"),
    ):
        with server.send(head, body):
            time.sleep(0.3)
    time.sleep(0.5)

    assert len(list(folder.glob("sleeps-*"))) == before


@pytest.mark.parametrize(
    "wrong",
    [
        "Content-Length: -3",
        "Content-Length: 3\nContent-Length: 4",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity",
    ],
)
def test_a_length_that_cannot_be_is_refused(server: WebServer, wrong: str) -> None:
    assert server.ask(f"POST /echo HTTP/1.1\n{wrong}", b"abc")[0] == 400


def test_a_body_with_length_and_chunks_is_read_by_its_chunks_and_nothing_follows_on_the_connection(
    server: WebServer,
) -> None:
    smuggled = b"GET /many?1&smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.send(
        "POST /echo HTTP/1.1\nContent-Length: 3\nTransfer-Encoding: chunked",
        b"3\r\nabc\r\n0\r\n\r\n" + smuggled,
    ) as connection:
        assert answer_of(connection)[2].split()[1] == b"3"
        assert is_closed(connection)


@pytest.mark.parametrize("n_strangers", [12, 60])
def test_slow_strangers_keep_nobody_waiting(server: WebServer, n_strangers: int) -> None:
    strangers = [
        server.send("POST /accounts/login/ HTTP/1.1\nContent-Length: 50000", b"login=a")
        for _ in range(n_strangers)
    ]
    try:
        began = time.monotonic()
        for _ in range(10):
            assert server.ask("GET /healthz HTTP/1.1")[0] == 200
            assert server.ask("GET /echo HTTP/1.1")[0] == 200
            for stranger in strangers:
                stranger.sendall(b"a")
        # ten rounds of what takes milliseconds; with a thread each, the first would not end
        assert time.monotonic() - began < 10
    finally:
        for stranger in strangers:
            stranger.close()


@pytest.mark.proof
def test_probes_answer_while_every_thread_is_at_work_and_who_waits_too_long_is_told(
    server: WebServer,
) -> None:
    clients = all_threads_asleep(server, 6)
    try:
        began = time.monotonic()
        for _ in range(5):
            assert server.ask("GET /healthz HTTP/1.1")[0] == 200
            assert server.ask("HEAD /healthz HTTP/1.1")[0] == 200
            assert server.ask("GET /readyz HTTP/1.1")[0] == 200
        assert time.monotonic() - began < 3

        status, headers, _ = server.ask("GET /echo HTTP/1.1")

        assert status == 503
        assert int(headers["retry-after"]) > 0
    finally:
        for client in clients:
            client.join(60)
    wait_until(lambda: server.ask("GET /echo HTTP/1.1")[0] == 200)


def test_many_probes_are_one_check(server: WebServer) -> None:
    with server.connect() as connection:
        asked_at = set()
        for _ in range(10):
            connection.sendall(head_of("GET /readyz HTTP/1.1"))
            asked_at.add(json.loads(answer_of(connection)[2])["asked_at"])

    assert len(asked_at) <= 2


@pytest.mark.proof
def test_a_check_that_hangs_is_answered_in_time(server: WebServer) -> None:
    began = time.monotonic()

    status, _, body = server.ask("GET /hanging HTTP/1.1")

    assert status == 503
    assert json.loads(body)["detail"] == "There was no response within 2 seconds."
    assert time.monotonic() - began < 10


def test_a_long_answer_arrives_whole(server: WebServer) -> None:
    status, headers, body = server.ask("GET /many?400&whole HTTP/1.1")

    assert status == 200
    assert headers["transfer-encoding"] == "chunked"
    assert body == b"".join(bytes([number % 251]) * 65536 for number in range(400))


def test_head_and_unmodified_have_no_body(server: WebServer) -> None:
    with server.connect() as connection:
        connection.sendall(head_of("HEAD /echo HTTP/1.1"))
        status, headers, _ = answer_of(connection, head_only=True)
        assert status == 200
        assert int(headers["content-length"]) > 60

        connection.sendall(head_of("HEAD /many?400&head HTTP/1.1"))
        status, headers, _ = answer_of(connection, head_only=True)
        assert (status, headers.get("content-length")) == (200, None)

        connection.sendall(head_of("GET /unmodified HTTP/1.1"))
        status, headers, _ = answer_of(connection)
        assert (status, headers["etag"]) == (304, '"one"')


def test_an_application_that_breaks_is_a_500_and_the_next_is_served(server: WebServer) -> None:
    assert server.ask("GET /breaks HTTP/1.1")[0] == 500
    assert server.ask("GET /echo HTTP/1.1")[0] == 200


@pytest.mark.proof
def test_an_answer_that_breaks_off_does_not_look_whole(server: WebServer) -> None:
    with pytest.raises(ConnectionError):
        server.ask("GET /breaks-off?1 HTTP/1.1")


@pytest.mark.proof
def test_slow_readers_hold_no_thread(server: WebServer) -> None:
    folder = server.log.parent
    readers = [server.connect(receive_buffer=4096) for _ in range(12)]
    try:
        for number, reader in enumerate(readers):
            reader.sendall(head_of(f"GET /many?160&slow-{number} HTTP/1.1"))
        # made to the end, though nobody has read more than its head
        wait_until(lambda: len(list(folder.glob("slow-*"))) == 12)
        assert {file.read_text() for file in folder.glob("slow-*")} == {"159"}
        assert server.ask("GET /echo HTTP/1.1")[0] == 200

        # and whoever takes nothing is cut off; what was kept for them is gone
        wait_until(lambda: spooled_bytes(server) == 0)
        assert all(is_cut_off(reader) for reader in readers)
    finally:
        for reader in readers:
            reader.close()


def is_cut_off(reader: object) -> bool:
    try:
        answer_of(reader)  # type: ignore[arg-type]
    except ConnectionError:
        return True
    return False


def test_a_client_that_leaves_in_the_middle_frees_its_thread(server: WebServer) -> None:
    left = server.log.parent / "left"
    with server.send("GET /many?100000&left HTTP/1.1") as connection:
        connection.recv(65_536)

    wait_until(left.exists)
    assert int(left.read_text()) < 99_999
    wait_until(lambda: spooled_bytes(server) == 0)


def test_a_gzipped_body_is_passed_on_as_it_came(server: WebServer) -> None:
    body = gzip.compress(b"row\n" * 10_000)

    answer = server.ask(
        f"POST /echo HTTP/1.1\nContent-Encoding: gzip\nContent-Length: {len(body)}", body
    )[2]

    assert answer.split()[2] == hashlib.sha256(body).hexdigest().encode()


@pytest.mark.proof
def test_a_worker_that_dies_is_replaced_and_the_others_go_on(server: WebServer) -> None:
    with server.connect() as first:
        first.sendall(head_of("GET /echo HTTP/1.1"))
        kept = int(answer_of(first)[2].split()[0])
        victim = next(worker for worker in server.workers() if worker.pid != kept)
        before = {worker.pid for worker in server.workers()}

        victim.kill()

        # the other one answers on, on a connection that was open before
        for _ in range(20):
            first.sendall(head_of("GET /echo HTTP/1.1"))
            assert int(answer_of(first)[2].split()[0]) == kept
            time.sleep(0.05)
        wait_until(lambda: len({worker.pid for worker in server.workers()} - before) == 1)
        new = next(worker.pid for worker in server.workers() if worker.pid not in before)
        wait_until(lambda: int(server.ask("GET /echo HTTP/1.1")[2].split()[0]) == new)
    assert server.process.poll() is None


@pytest.mark.proof
def test_a_request_in_flight_is_answered_before_the_server_ends(tmp_path: Path) -> None:
    (tmp_path / "small_site.py").write_text(APPLICATION)
    with web_server(tmp_path, "--workers", "1", "small_site:application") as server:
        with server.send("GET /sleep?2 HTTP/1.1") as connection:
            wait_until(lambda: bool(list(tmp_path.glob("sleeps-*"))))
            server.process.send_signal(signal.SIGTERM)

            assert answer_of(connection)[0] == 200
        assert server.process.wait(30) == 0
