"""REST over a real server on loopback, one client and eight, beside the baseline: part `rest`.

Clients write requests and read answers over kept connections without an HTTP library, so that what
is measured is the server's work. Everything runs on one machine: client, server and database share
its cores, for both sides alike.
"""

import base64
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import orjson

from apps.accounts.actions import issue_token
from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.common.time import now
from apps.inventory.models import Application, Dependency
from tools.benchmarks.http import KeptConnection
from tools.benchmarks.measurement import BenchmarkLine, Timing
from tools.benchmarks.processor_time import find_database_processes, measure_processor_seconds
from tools.benchmarks.server import PRODUCT, BenchmarkServer, serve

BASELINE = "tools.benchmarks.baseline:application"
_SECONDS = 0.8
_ROUNDS = 4
_CLIENTS = (1, 8)


def measure_rest() -> Iterator[BenchmarkLine]:
    """Measure lists of 50 rows, shallow and deep, one object and a filtered search.

    An auditor and members of the highest and of a lowest team ask. These users and their tokens are
    committed, since another process serves, and are gone afterwards.
    """
    with _callers() as tokens, serve(BASELINE) as baseline, serve(PRODUCT) as product:
        for name, address, token in _questions(product, *tokens):
            resource = _baseline_of(address)
            for n in _CLIENTS:
                ours, theirs = _measure_in_turns(
                    _Target(product, address, token),
                    _Target(baseline, f"/{resource}/", ""),
                    clients=n,
                )
                yield BenchmarkLine(
                    f"REST {name}, {n} {'client' if n == 1 else 'clients'}",
                    Timing(ours.p50, ours.p95, ours.n_rows, 0),
                    n * 1_000 / theirs.per_second if ours.n_rows > 1 else None,
                    f"{ours.per_second:.0f}/s; bare view {theirs.per_second:.0f}/s,"
                    f" {ours.per_second / theirs.per_second:.2f} of it;"
                    f" processor {ours.processor_ms:.2f} ms beside {theirs.processor_ms:.2f},"
                    f" {theirs.processor_ms / ours.processor_ms:.2f}",
                )
        yield from _measure_memory(product)


def _questions(
    server: BenchmarkServer, office: str, member: str, one_team: str
) -> Iterator[tuple[str, str, str]]:
    """Yield (name, address, token)."""
    for name in ("applications", "dependencies"):
        address = f"/api/v1/{name}/?ordering=id"
        yield f"{name}, first page", address, office
        yield f"{name}, first page, member of the team above all", address, member
        yield f"{name}, first page, member of one team", address, one_team
        yield f"{name}, deep page", _deep_address(server, name, office), office
    yield "offerings, first page", "/api/v1/offerings/", office
    yield (
        "applications, five fields",
        "/api/v1/applications/?ordering=id&fields=id,slug,name,team,criticality",
        office,
    )
    search = "/api/v1/applications/?q=17&criticality=critical"
    yield "search by name and criticality", search, office
    yield "search by name and criticality, member of the team above all", search, member
    slug = Application.objects.order_by("pk").values_list("slug", flat=True)[0]
    yield "one application", f"/api/v1/applications/{slug}/", office


def _baseline_of(address: str) -> str:
    """Return the bare view with the best hand-written statement for the same rows. One application
    has none and stands beside a list."""
    if "q=" in address:
        return "search"
    resource = address.removeprefix("/api/v1/").partition("/")[0]
    return resource if resource in ("dependencies", "offerings") else "applications"


def _deep_address(server: BenchmarkServer, name: str, token: str) -> str:
    """Find a page in the middle of the list as a client does: by a cursor of the list's own."""
    model = Application if name == "applications" else Dependency
    n = model.objects.count()
    middle_pk = model.objects.order_by("pk").values_list("pk", flat=True)[n // 2 : n // 2 + 1].get()
    connection = KeptConnection(server.port, f"/api/v1/{name}/?ordering=id&page_size=1", token)
    try:
        page = orjson.loads(connection.request())
    finally:
        connection.close()
    if page["next"] is None:
        return f"/api/v1/{name}/?ordering=id"
    cursor = page["next"].partition("cursor=")[2]
    return f"/api/v1/{name}/?ordering=id&cursor={_move_cursor(cursor, middle_pk)}"


def _move_cursor(cursor: str, pk: int) -> str:
    """Point the cursor at another row.

    It holds the values of the order's columns (apps/common/database/keyset_pagination.py).
    """
    fields = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    fields[2] = [str(pk)]
    return base64.urlsafe_b64encode(orjson.dumps(fields)).decode().rstrip("=")


@contextmanager
def _callers() -> Iterator[list[str]]:
    """Yield tokens of an auditor and of viewers of the highest team and of one of the lowest."""
    users = [
        User.objects.create(
            username="bench-rest-office", organisation_role=OrganisationRole.AUDITOR
        ),
        User.objects.create(username="bench-rest-member"),
        User.objects.create(username="bench-rest-one-team"),
    ]
    try:
        top = Team.objects.filter(parent__isnull=True).order_by("pk").first()
        lowest = (
            Team.objects.filter(children__isnull=True, applications__isnull=False)
            .order_by("-pk")
            .first()
        )
        for person, team in zip(users[1:], (top, lowest), strict=True):
            if team is not None:
                Membership.objects.create(user=person, team=team, role=TeamRole.VIEWER.rank)
        tokens = [
            issue_token(
                user=user,
                name="bench",
                scopes=["read"],
                at=now(),
                by=None,
                lifetime=timedelta(hours=1),
            )[1]
            for user in users
        ]
        yield tokens
    finally:
        for user in users:
            user.delete()


# --- measuring ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    server: BenchmarkServer
    address: str
    token: str


class _Rounds:
    """Sums over rounds of requests to one target."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._seconds = 0.0
        self._processor_seconds = 0.0
        self.n_rows = 0

    def add(
        self, times: Sequence[float], *, seconds: float, processor_seconds: float, n_rows: int
    ) -> None:
        """Add a round: milliseconds of each request, and what all of them took together."""
        self._times = sorted([*self._times, *times])
        self._seconds += seconds
        self._processor_seconds += processor_seconds
        self.n_rows = n_rows

    @property
    def processor_ms(self) -> float:
        """Milliseconds of server and database for one request; exact to the system's clock of some
        10 ms.
        """
        return max(self._processor_seconds * 1_000 / len(self._times), 0.001)

    @property
    def p50(self) -> float:
        return self._times[len(self._times) // 2]

    @property
    def p95(self) -> float:
        return self._times[ceil(0.95 * len(self._times)) - 1]

    @property
    def per_second(self) -> float:
        return len(self._times) / self._seconds


def _measure_in_turns(
    product: _Target, baseline: _Target, *, clients: int
) -> tuple[_Rounds, _Rounds]:
    """Ask both in turns, so that other work on the machine falls on both alike."""
    ours, theirs = _Rounds(), _Rounds()
    for _ in range(_ROUNDS):
        _measure_round(baseline, clients=clients, into=theirs)
        _measure_round(product, clients=clients, into=ours)
    return ours, theirs


def _measure_round(target: _Target, *, clients: int, into: _Rounds) -> None:
    """Let `clients` ask side by side for `_SECONDS`, after a warm-up."""
    connections = [
        KeptConnection(target.server.port, target.address, target.token) for _ in range(clients)
    ]
    try:
        response = b""
        for connection in connections:
            for _ in range(6):
                response = connection.request()
        processes = [*target.server.workers(), *find_database_processes()]
        with ThreadPoolExecutor(clients) as pool:
            used_before, began = measure_processor_seconds(processes), time.perf_counter()
            times = list(
                pool.map(lambda connection: _repeat(connection, began + _SECONDS), connections)
            )
            seconds = time.perf_counter() - began
            processor_seconds = measure_processor_seconds(processes) - used_before
    finally:
        for connection in connections:
            connection.close()
    body = orjson.loads(response)
    into.add(
        [ms for client in times for ms in client],
        seconds=seconds,
        processor_seconds=processor_seconds,
        n_rows=len(body.get("results", [body])),
    )


def _repeat(connection: KeptConnection, until: float) -> list[float]:
    """Ask until the moment `until`; milliseconds of each request."""
    times = []
    while (began := time.perf_counter()) < until:
        connection.request()
        times.append((time.perf_counter() - began) * 1_000)
    return times


def _measure_memory(server: BenchmarkServer) -> Iterator[BenchmarkLine]:
    """Measure the memory of both workers in MB, resident and in shares.

    Resident counts twice what they share. In shares each page is divided by those who hold it: the
    workers, the process that reads files, and the process that loaded the site.
    """
    workers = [process.memory_full_info() for process in server.workers()]
    rss = sum(worker.rss for worker in workers) / 1024 / 1024
    pss = sum(worker.pss for worker in workers) / 1024 / 1024
    reader_pss, main_pss = (
        process.memory_full_info().pss / 1024 / 1024
        for process in (server.file_reader(), server.main)
    )
    yield BenchmarkLine("REST two web workers, MB together, resident", Timing(rss, rss, None, 0))
    yield BenchmarkLine(
        "REST two web workers, MB together, in shares",
        Timing(pss, pss, None, 0),
        note=f"reader of files {reader_pss:.0f}, process that loaded the site {main_pss:.0f}",
    )
