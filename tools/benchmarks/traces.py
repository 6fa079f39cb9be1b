"""Traces sent to a real server on loopback over kept connections, while a thread adds them up: part
`traces`.

Requests are made beforehand, gzipped, every span with ids of its own, so that what is measured is
the server, its database and the adding up. All of it and the senders share one machine: besides the
rate, each line shows the processor's seconds that 100,000 spans took, by process.
"""

import gzip
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle, islice

import psutil
from django.db import connection, connections

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import now
from apps.intake.models import CallBatch, Observation, Service, UsageDay
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.otlp import schema
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.records import Call
from tools.benchmarks.http import RequestFailedError, host_headers, open_connection
from tools.benchmarks.measurement import BenchmarkLine, Timing
from tools.benchmarks.processor_time import find_database_processes, measure_processor_seconds
from tools.benchmarks.server import PRODUCT, BenchmarkServer, serve

SPANS_PER_REQUEST = 512
_SERVICE = "bench-traces"
_SECONDS = 20.0
_SENDERS = 4
_N_WARM_UP = 8
_ADDING_UP_SECONDS = 4.0
# more than the fastest machine at hand sends in the time
_MAX_SPANS = 1_000_000


def measure_traces(seconds: float = _SECONDS) -> Iterator[BenchmarkLine]:
    """Measure spans of model calls alone, and with one model call in ten spans.

    A user, a token and what was counted are committed, since other processes serve, and are gone
    afterwards. Raises RequestFailedError where a request fails or the counts are not what was sent.
    """
    with _token() as token, serve(PRODUCT) as server:
        for label, share in (
            ("all of them calls of models", 1.0),
            ("one in ten a call of a model", 0.1),
        ):
            yield _measure_share(label, share, server, token, seconds)


def _measure_share(
    label: str, share: float, server: BenchmarkServer, token: str, seconds: float
) -> BenchmarkLine:
    bodies = make_requests(share, seconds)
    workers = server.workers()
    database = find_database_processes()
    try:
        # the first requests of a process import and connect
        _send(server.port, token, bodies[:_N_WARM_UP], seconds=60)
        memory = _memory_mb(workers)
        server_before = measure_processor_seconds(workers)
        database_before = measure_processor_seconds(database)
        addition = _Addition()
        times, elapsed = _send(server.port, token, bodies[_N_WARM_UP:], seconds=seconds)
        n_waiting = CallBatch.objects.count()
        addition_seconds = addition.end()
        server_seconds = measure_processor_seconds(workers) - server_before
        database_seconds = measure_processor_seconds(find_database_processes()) - database_before
        _check_counts(bodies[: len(times) + _N_WARM_UP])
        n_spans = len(times) * SPANS_PER_REQUEST
        per = n_spans / 100_000
        sorted_times = sorted(times)
        return BenchmarkLine(
            f"traces, {SPANS_PER_REQUEST} spans a request, {label}",
            Timing(
                sorted_times[len(sorted_times) // 2],
                sorted_times[int(len(sorted_times) * 0.95)],
                n_spans,
                0,
            ),
            None,
            f"{n_spans / elapsed:,.0f} spans/s;"
            f" CPU s per 100,000 spans: server {server_seconds / per:.2f},"
            f" database {database_seconds / per:.2f}, adding up {addition_seconds / per:.2f};"
            f" server {memory:.0f} MB -> {_memory_mb(workers):.0f} MB;"
            f" {n_waiting} batches waited at the end",
        )
    finally:
        _delete_counts(bodies)


def _check_counts(bodies: Sequence[bytes]) -> None:
    counts = UsageDay.objects.filter(observation__service__name__startswith=_SERVICE)
    n_counted = sum(counts.values_list("n_calls", flat=True))
    n_expected = sum(len(_calls(body)) for body in bodies)
    if n_counted != n_expected:
        raise RequestFailedError(f"{n_expected} calls were sent, but {n_counted} were counted.")


# --- requests -------------------------------------------------------------------------------------


def make_requests(share: float, seconds: float) -> list[bytes]:
    """Make enough requests for `seconds`, of which `share` are calls of models.

    They are copies of a few templates with ids of trace, span and response of their own.
    """
    n_wanted = min(_MAX_SPANS, int(seconds * 40_000)) // SPANS_PER_REQUEST
    templates = [_template(share, number) for number in range(12)]
    # another run sends other ids
    dice = random.Random(time.time_ns())  # noqa: S311
    bodies = []
    for body, places in islice(cycle(templates), n_wanted):
        copy = bytearray(body)
        for place, length, is_text in places:
            fresh = dice.randbytes(length)
            copy[place : place + length] = fresh.hex()[:length].encode() if is_text else fresh
        bodies.append(gzip.compress(bytes(copy), 1))
    return bodies


def _template(share: float, number: int) -> tuple[bytes, list[tuple[int, int, bool]]]:
    """(a request, where its ids stand: place, length, whether it is text)"""
    dice = random.Random(number)  # noqa: S311
    models = list(
        Offering.objects.filter(
            host__slug__in=["openai", "anthropic"], version__isnull=False, region_scope=""
        )
        .order_by("pk")
        .values_list("host__slug", "api_id")[:20]
    ) or [("openai", "gpt-4o")]
    moment = time.time_ns()
    marks: list[bytes] = []

    def mark(length: int, *, is_text: bool) -> bytes:
        identifier = dice.randbytes(length)
        identifier = identifier.hex()[:length].encode() if is_text else identifier
        marks.append(identifier)
        return identifier

    scopes = []
    n_services = 4
    for service in range(n_services):
        spans = []
        for _ in range(SPANS_PER_REQUEST // n_services):
            attributes = _model_call(dice, models, mark) if dice.random() < share else _OTHER
            spans.append(
                schema.Span(
                    trace_id=mark(16, is_text=False),
                    span_id=mark(8, is_text=False),
                    parent_span_id=dice.randbytes(8),
                    name=b"chat",
                    start=moment - dice.randrange(10**9),
                    attributes=attributes,
                ).SerializeToString()
            )
        scopes.append(
            schema.ResourceItems(
                resource=schema.Resource(
                    attributes=[
                        _text("service.name", f"{_SERVICE}-{number % 3}-{service}"),
                        _text("service.version", "2.3.1"),
                        _text("deployment.environment.name", "production"),
                        _text("telemetry.sdk.language", "python"),
                        _text("service.instance.id", f"pod-{service}"),
                    ]
                ).SerializeToString(),
                scopes=[
                    schema.ScopeItems(
                        scope=schema.Scope(
                            name=b"opentelemetry.instrumentation.openai_v2"
                        ).SerializeToString(),
                        items=spans,
                    ).SerializeToString()
                ],
            ).SerializeToString()
        )
    body = schema.Request(resources=scopes).SerializeToString()
    places, start = [], 0
    for identifier in marks:
        start = body.find(identifier, 0)
        places.append((start, len(identifier), len(identifier) == _RESPONSE_ID))
    return body, places


_RESPONSE_ID = 29


def _model_call(
    dice: random.Random, models: Sequence[tuple[str, str]], mark: object
) -> list[bytes]:
    host, model = dice.choice(models)
    response_id = mark(_RESPONSE_ID, is_text=True)  # type: ignore[operator]
    return [
        _text("gen_ai.operation.name", "chat"),
        _text("gen_ai.provider.name", host),
        _text("gen_ai.request.model", model),
        _text("server.address", f"api.{host}.com"),
        _number("server.port", 443),
        _number("gen_ai.request.max_tokens", 1024),
        _text("gen_ai.response.model", model),
        schema.KeyValue(
            key=b"gen_ai.response.id",
            value=schema.AnyValue(string_value=response_id).SerializeToString(),
        ).SerializeToString(),
        _number("gen_ai.usage.input_tokens", dice.randrange(4000)),
        _number("gen_ai.usage.output_tokens", dice.randrange(800)),
        _number("gen_ai.usage.cache_read.input_tokens", dice.randrange(100)),
        _text("openai.response.service_tier", "default"),
        _text("openai.response.system_fingerprint", "fp_44709d"),
    ]


def _text(key: str, value: str) -> bytes:
    any_value = schema.AnyValue(string_value=value.encode()).SerializeToString()
    key_value: bytes = schema.KeyValue(key=key.encode(), value=any_value).SerializeToString()
    return key_value


def _number(key: str, value: int) -> bytes:
    any_value = schema.AnyValue(int_value=value).SerializeToString()
    key_value: bytes = schema.KeyValue(key=key.encode(), value=any_value).SerializeToString()
    return key_value


_OTHER = [
    _text("http.request.method", "GET"),
    _text("http.route", "/orders/{id}"),
    _text("url.scheme", "https"),
    _text("server.address", "orders.internal"),
    _number("server.port", 8443),
    _number("http.response.status_code", 200),
]


# --- senders --------------------------------------------------------------------------------------


def _send(
    port: int, token: str, bodies: Sequence[bytes], *, seconds: float
) -> tuple[list[float], float]:
    """(milliseconds of each request, seconds altogether), in the order of bodies without gaps."""
    until = time.perf_counter() + seconds
    remaining_bodies = iter(bodies)
    lock = threading.Lock()

    def send() -> list[float]:
        times = []
        with open_connection(port) as client:
            while time.perf_counter() < until:
                with lock:
                    body = next(remaining_bodies, None)
                if body is None:
                    break
                began = time.perf_counter()
                _post(client, body, token)
                times.append((time.perf_counter() - began) * 1_000)
        return times

    began = time.perf_counter()
    with ThreadPoolExecutor(_SENDERS) as pool:
        times = [ms for sender in pool.map(lambda _: send(), range(_SENDERS)) for ms in sender]
    return times, time.perf_counter() - began


def _post(client: socket.socket, body: bytes, token: str) -> None:
    head = (
        f"POST /otlp/v1/traces HTTP/1.1\r\nhost: {host_headers()['host']}\r\nauthorization: Bearer "
        f"{token}\r\n"
        "content-type: application/x-protobuf\r\ncontent-encoding: gzip\r\ncontent-length: "
        f"{len(body)}\r\n\r\n"
    )
    client.sendall(head.encode() + body)
    response = b""
    while b"\r\n\r\n" not in response:
        block = client.recv(65_536)
        if not block:
            raise RequestFailedError("The server closed the connection.")
        response += block
    if not response.startswith(b"HTTP/1.1 200"):
        raise RequestFailedError(
            f"/otlp/v1/traces answered {response[9:12].decode()}: {response[-300:]!r}"
        )


class _Addition:
    """Adds up every few seconds on a thread of its own, as a worker does, until it is ended and
    nothing waits.
    """

    def __init__(self) -> None:
        self._ends = threading.Event()
        self._cpu = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ends.wait(_ADDING_UP_SECONDS):
                aggregate_waiting(at=now())
            aggregate_waiting(at=now())
            self._cpu = time.thread_time()
        finally:
            connections.close_all()

    def end(self) -> float:
        """Seconds of the processor that it took."""
        self._ends.set()
        self._thread.join()
        return self._cpu


# --- what it takes, and what goes again -----------------------------------------------------------


def _memory_mb(processes: Sequence[psutil.Process]) -> float:
    return float(sum(process.memory_info().rss for process in processes)) / 1024 / 1024


@contextmanager
def _token() -> Iterator[str]:
    user = User.objects.create(username="bench-traces")
    try:
        yield issue_token(
            user=user,
            name="bench",
            scopes=["intake"],
            at=now(),
            by=None,
            lifetime=timedelta(hours=1),
            per_minute=10_000_000,
        )[1]
    finally:
        user.delete()


def _calls(body: bytes) -> list[Call]:
    return read_traces(gzip.decompress(body), is_json=False).calls


def _delete_counts(bodies: Sequence[bytes]) -> None:
    aggregate_waiting(at=now())
    services = Service.objects.filter(name__startswith=_SERVICE)
    Observation.objects.filter(service__in=services).delete()
    services.delete()
    with connection.cursor() as cursor:
        for body in bodies:
            keys = [call.key for call in _calls(body)]
            cursor.execute("DELETE FROM intake_countedcall WHERE key = ANY(%s)", [keys])
