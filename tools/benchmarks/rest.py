"""REST over a real server on loopback, one client and eight, beside the yardstick on the same server.

Clients write requests and read answers over kept connections without an HTTP library, so that what is measured is the
server's work. Everything runs on one machine: client, server and database share its cores, for both sides alike.
"""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from math import ceil

import orjson
import psutil
from django.conf import settings

from apps.accounts.actions import issue_token
from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.time import now
from apps.inventory.models import Application, Dependency
from tools.benchmarks.handler import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, Timing
from tools.benchmarks.processor_time import find_database_processes, measure_processor_seconds

PRODUCT, YARDSTICK = "registry.wsgi:application", "tools.benchmarks.baseline:application"
_SECONDS = 0.8
_ROUNDS = 4
_CLIENTS = (1, 8)
_START_SECONDS = 60


def measure_rest() -> Iterator[BenchmarkLine]:
    """Lists of 50 rows by an office and by a member of one team, shallow and deep, one object, a filtered search.

    A user and tokens are committed for it, since another process serves, and are gone afterwards.
    """
    with _callers() as tokens, _serving(YARDSTICK) as bare, _serving(PRODUCT) as product:
        for name, address, token in _questions(product, *tokens):
            resource = "dependencies" if "dependencies" in address else "applications"
            for n in _CLIENTS:
                asked, yardstick = _beside(product, address, token, bare, f"/{resource}/", clients=n)
                yield BenchmarkLine(
                    f"REST {name}, {n} {'client' if n == 1 else 'clients'}",
                    Timing(asked.p50, asked.p95, asked.n_rows, 0),
                    n * 1_000 / yardstick.per_second if asked.n_rows > 1 else None,
                    f"{asked.per_second:.0f}/s; bare view {yardstick.per_second:.0f}/s,"
                    f" {asked.per_second / yardstick.per_second:.2f} of it; processor {asked.processor_ms:.2f} ms"
                    f" beside {yardstick.processor_ms:.2f}, {yardstick.processor_ms / asked.processor_ms:.2f}",
                )
        yield from _memory(product)


def _questions(port: int, office: str, member: str, one_team: str) -> Iterator[tuple[str, str, str]]:
    """(name, address, token)"""
    for name in ("applications", "dependencies"):
        address = f"/api/v1/{name}/?ordering=id"
        yield f"{name}, first page", address, office
        yield f"{name}, first page, member of the team above all", address, member
        yield f"{name}, first page, member of one team", address, one_team
        yield f"{name}, deep page", _deep(port, name, office), office
    yield "offerings, first page", "/api/v1/offerings/", office
    yield "applications, five fields", "/api/v1/applications/?ordering=id&fields=id,slug,name,team,criticality", office
    slug = Application.objects.order_by("pk").values_list("slug", flat=True)[0]
    yield "one application", f"/api/v1/applications/{slug}/", office
    yield "search by name and criticality", "/api/v1/applications/?q=17&criticality=critical", office


def _deep(port: int, name: str, token: str) -> str:
    """The address of a page in the middle of the list, as a client gets there: by a cursor of the list's own."""
    model = Application if name == "applications" else Dependency
    n = model.objects.count()
    last = model.objects.order_by("pk").values_list("pk", flat=True)[n // 2 : n // 2 + 1].get()
    answer = orjson.loads(_Connection(port, f"/api/v1/{name}/?ordering=id&page_size=1", token).ask())
    if answer["next"] is None:
        return f"/api/v1/{name}/?ordering=id"
    cursor = answer["next"].partition("cursor=")[2]
    return f"/api/v1/{name}/?ordering=id&cursor={_moved(cursor, last)}"


def _moved(cursor: str, pk: int) -> str:
    """The same place further down: a cursor is the values of the order's columns (apps/common/pagination.py)."""
    said = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    said[2] = [str(pk)]
    return base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")


@contextmanager
def _callers() -> Iterator[list[str]]:
    """Tokens of an auditor, of a viewer of the team above all others, and of a viewer of one of the lowest."""
    people = [
        User.objects.create(username="bench-rest-office", organisation_role=OrganisationRole.AUDITOR),
        User.objects.create(username="bench-rest-member"),
        User.objects.create(username="bench-rest-one-team"),
    ]
    try:
        top = Team.objects.filter(parent__isnull=True).order_by("pk").first()
        lowest = Team.objects.filter(children__isnull=True, applications__isnull=False).order_by("-pk").first()
        for person, team in zip(people[1:], (top, lowest), strict=True):
            if team is not None:
                Membership.objects.create(user=person, team=team, role=TeamRole.VIEWER.rank)
        tokens = [
            issue_token(user=one, name="bench", scopes=["read"], at=now(), by=None, lifetime=timedelta(hours=1))[1]
            for one in people
        ]
        yield tokens
    finally:
        for one in people:
            one.delete()


# --- a server, and who asks it ----------------------------------------------------------------------------------------


@contextmanager
def _serving(application: str) -> Iterator[int]:
    """The port of a server of two workers, as the demo runs it; ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "THROTTLE_TOKEN": "100000000/min", "LOG_LEVEL": "ERROR"}
    # manage.py works without a pool; a server has one
    environment.pop("DATABASE_POOL", None)
    server = subprocess.Popen(  # noqa: S603  arguments are our own
        [
            sys.executable, "-m", "registry.serving", "--port", str(port), application,
        ],
        cwd=settings.BASE_DIR, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        _PIDS.pop(port, None)


_PIDS: dict[int, int] = {}


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RequestFailedError(f"The web server ended with {server.returncode} while it started.")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                _PIDS[port] = server.pid
                return
        except OSError:
            time.sleep(0.1)
    raise RequestFailedError(f"The web server did not listen within {_START_SECONDS} seconds.")


def _memory(port: int) -> Iterator[BenchmarkLine]:
    """Resident memory of both workers, what they share counted twice; then each page divided by those who hold it, with
    the process that loaded the site for them."""
    main = psutil.Process(_PIDS[port])
    workers = [process.memory_full_info() for process in main.children(recursive=True)]
    rss = sum(each.rss for each in workers) / 1024 / 1024
    pss = sum(each.pss for each in workers) / 1024 / 1024
    whole = pss + main.memory_full_info().pss / 1024 / 1024
    yield BenchmarkLine("REST two web workers, MB together, resident", Timing(rss, rss, None, 0))
    yield BenchmarkLine(
        "REST two web workers, MB together, in shares", Timing(pss, pss, None, 0), note=f"{whole:.0f} with main"
    )


class _Asked:
    """What rounds of questions took, added up."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._seconds = 0.0
        self._spent = 0.0
        self.n_rows = 0

    def add(self, milliseconds: Sequence[float], seconds: float, spent: float, n_rows: int) -> None:
        self._times = sorted([*self._times, *milliseconds])
        self._seconds += seconds
        self._spent += spent
        self.n_rows = n_rows

    @property
    def processor_ms(self) -> float:
        """Of server and database together, a request; as exact as the system's clock of some 10 ms allows."""
        return max(self._spent * 1_000 / len(self._times), 0.001)

    @property
    def p50(self) -> float:
        return self._times[len(self._times) // 2]

    @property
    def p95(self) -> float:
        return self._times[ceil(0.95 * len(self._times)) - 1]

    @property
    def per_second(self) -> float:
        return len(self._times) / self._seconds


def _beside(
    product: int, address: str, token: str, bare: int, yardstick: str, *, clients: int
) -> tuple[_Asked, _Asked]:
    """Both in turns, so that what else the machine does falls on both alike."""
    ours, theirs = _Asked(), _Asked()
    for _ in range(_ROUNDS):
        _ask(bare, yardstick, "", clients=clients, into=theirs)
        _ask(product, address, token, clients=clients, into=ours)
    return ours, theirs


class _Connection:
    """One kept connection that asks one thing again and again."""

    def __init__(self, port: int, address: str, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        named = f"authorization: Bearer {token}\r\n" if token else ""
        self._address = address
        self._request = (
            f"GET {address} HTTP/1.1\r\nhost: {host_headers()['host']}\r\n{named}accept: */*\r\n\r\n"
        ).encode()

    def ask(self) -> bytes:
        self._socket.sendall(self._request)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._received()
        head = answer[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RequestFailedError(f"{self._address} answered {head[9:12].decode()}.")
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = [answer[end + 4 :]]
        missing = length - len(body[0])
        while missing > 0:
            body.append(self._received())
            missing -= len(body[-1])
        return b"".join(body)

    def _received(self) -> bytes:
        block = self._socket.recv(262_144)
        if not block:
            raise RequestFailedError(f"{self._address}: the server closed the connection.")
        return block

    def close(self) -> None:
        self._socket.close()


def _ask(port: int, address: str, token: str, *, clients: int, into: _Asked) -> None:
    """`clients` ask side by side for a few seconds, after a warm-up."""
    connections = [_Connection(port, address, token) for _ in range(clients)]
    try:
        answer = b""
        for connection in connections:
            for _ in range(6):
                answer = connection.ask()
        busy = [*psutil.Process(_PIDS[port]).children(recursive=True), *find_database_processes()]
        with ThreadPoolExecutor(clients) as pool:
            had, began = measure_processor_seconds(busy), time.perf_counter()
            times = list(pool.map(lambda connection: _again(connection, began + _SECONDS), connections))
            took, had = time.perf_counter() - began, measure_processor_seconds(busy) - had
    finally:
        for connection in connections:
            connection.close()
    body = orjson.loads(answer)
    rows = body.get("results", [body])
    into.add([ms for each in times for ms in each], took, had, len(rows))


def _again(connection: _Connection, until: float) -> list[float]:
    times = []
    while (began := time.perf_counter()) < until:
        connection.ask()
        times.append((time.perf_counter() - began) * 1_000)
    return times
