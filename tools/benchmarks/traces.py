"""Traces through the real door: a server on loopback, senders with kept connections, adding up beside it.

Requests are made beforehand, gzipped, every span with ids of its own, so that what is measured is the server, its
database and the adding up. All of it and the senders share one machine: besides the rate, each line tells the
processor's seconds that 100,000 spans took, by who took them.
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
from apps.intake.calls import otlp_schema as schema
from apps.intake.calls.adding_up import add_up
from apps.intake.calls.records import Call
from apps.intake.calls.traces import read_traces
from apps.intake.models import CallBatch, Observation, Service, UsageDay
from tools.benchmarks.handler import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, Timing
from tools.benchmarks.processor_time import find_database_processes, measure_processor_seconds
from tools.benchmarks.rest import _PIDS, PRODUCT, _serving

SPANS_A_REQUEST = 512
_SERVICE = "bench-traces"
_SECONDS = 20.0
_SENDERS = 4
_ADDING_UP_SECONDS = 4.0
# what the fastest machine at hand sends in the time, and some
_MOST_SPANS = 1_000_000


def measure_traces(seconds: float = _SECONDS) -> Iterator[BenchmarkLine]:
    """Spans of model calls alone, and as one in ten. A user, a token and what was counted are committed for it, since
    other processes serve, and are gone afterwards."""
    with _token() as token, _serving(PRODUCT) as port:
        for label, share in (("all of them calls of models", 1.0), ("one in ten a call of a model", 0.1)):
            yield _line(label, share, port, token, seconds)


def _line(label: str, share: float, port: int, token: str, seconds: float) -> BenchmarkLine:
    bodies = _made(share, seconds)
    workers = psutil.Process(_PIDS[port]).children(recursive=True)
    database = find_database_processes()
    try:
        # the first requests of a process import and connect
        _send(port, token, bodies[:8], seconds=60)
        memory = _memory_mb(workers)
        before, before_database = measure_processor_seconds(workers), measure_processor_seconds(database)
        adding = _Adding()
        times, took = _send(port, token, bodies[8:], seconds=seconds)
        backlog = CallBatch.objects.count()
        added = adding.end()
        spent, spent_database = (
            measure_processor_seconds(workers) - before,
            measure_processor_seconds(find_database_processes()) - before_database,
        )
        n_spans = len(times) * SPANS_A_REQUEST
        counted = UsageDay.objects.filter(observation__service__name__startswith=_SERVICE).values_list(
            "n_calls", flat=True
        )
        n_sent = len(times) + 8
        n_expected = sum(len(read_traces(gzip.decompress(body), is_json=False).calls) for body in bodies[:n_sent])
        if sum(counted) != n_expected:
            raise RequestFailedError(f"{n_expected} calls were sent and {sum(counted)} counted.")
        per = n_spans / 100_000
        ordered = sorted(times)
        return BenchmarkLine(
            f"traces, {SPANS_A_REQUEST} spans a request, {label}",
            Timing(ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], n_spans, 0),
            None,
            f"{n_spans / took:,.0f} spans/s; CPU s per 100,000 spans: server {spent / per:.2f},"
            f" database {spent_database / per:.2f}, adding up {added / per:.2f}; server {memory:.0f} MB ->"
            f" {_memory_mb(workers):.0f} MB; {backlog} batches waited at the end",
        )
    finally:
        _forget(bodies)


# --- requests ---------------------------------------------------------------------------------------------------------


def _made(share: float, seconds: float) -> list[bytes]:
    """Requests for as long as it lasts: a few real ones, then copies with other ids of trace, span and response."""
    n_wanted = min(_MOST_SPANS, int(seconds * 40_000)) // SPANS_A_REQUEST
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
        Offering.objects.filter(host__slug__in=["openai", "anthropic"], version__isnull=False, region_scope="")
        .order_by("pk").values_list("host__slug", "api_id")[:20]
    ) or [("openai", "gpt-4o")]  # fmt: skip
    moment = time.time_ns()
    marks: list[bytes] = []

    def mark(length: int, *, is_text: bool) -> bytes:
        made = dice.randbytes(length)
        made = made.hex()[:length].encode() if is_text else made
        marks.append(made)
        return made

    scopes = []
    n_services = 4
    for service in range(n_services):
        spans = []
        for _ in range(SPANS_A_REQUEST // n_services):
            attributes = _model_call(dice, models, mark) if dice.random() < share else _OTHER
            spans.append(
                schema.Span(
                    trace_id=mark(16, is_text=False), span_id=mark(8, is_text=False), parent_span_id=dice.randbytes(8),
                    name=b"chat", start=moment - dice.randrange(10**9), attributes=attributes,
                ).SerializeToString()
            )  # fmt: skip
        scopes.append(
            schema.OfResource(
                resource=schema.Resource(attributes=[
                    _text("service.name", f"{_SERVICE}-{number % 3}-{service}"), _text("service.version", "2.3.1"),
                    _text("deployment.environment.name", "production"), _text("telemetry.sdk.language", "python"),
                    _text("service.instance.id", f"pod-{service}"),
                ]).SerializeToString(),
                scopes=[schema.OfScope(
                    scope=schema.Scope(name=b"opentelemetry.instrumentation.openai_v2").SerializeToString(), items=spans
                ).SerializeToString()],
            ).SerializeToString()
        )  # fmt: skip
    body = schema.Request(resources=scopes).SerializeToString()
    places, start = [], 0
    for made in marks:
        start = body.find(made, 0)
        places.append((start, len(made), len(made) == _RESPONSE_ID))
    return body, places


_RESPONSE_ID = 29


def _model_call(dice: random.Random, models: Sequence[tuple[str, str]], mark: object) -> list[bytes]:
    host, model = dice.choice(models)
    response_id = mark(_RESPONSE_ID, is_text=True)  # type: ignore[operator]
    return [
        _text("gen_ai.operation.name", "chat"), _text("gen_ai.provider.name", host),
        _text("gen_ai.request.model", model), _text("server.address", f"api.{host}.com"), _number("server.port", 443),
        _number("gen_ai.request.max_tokens", 1024), _text("gen_ai.response.model", model),
        schema.KeyValue(
            key=b"gen_ai.response.id", value=schema.AnyValue(string_value=response_id).SerializeToString()
        ).SerializeToString(),
        _number("gen_ai.usage.input_tokens", dice.randrange(4000)),
        _number("gen_ai.usage.output_tokens", dice.randrange(800)),
        _number("gen_ai.usage.cache_read.input_tokens", dice.randrange(100)),
        _text("openai.response.service_tier", "default"), _text("openai.response.system_fingerprint", "fp_44709d"),
    ]  # fmt: skip


def _text(key: str, value: str) -> bytes:
    told = schema.AnyValue(string_value=value.encode()).SerializeToString()
    pair: bytes = schema.KeyValue(key=key.encode(), value=told).SerializeToString()
    return pair


def _number(key: str, value: int) -> bytes:
    told = schema.AnyValue(int_value=value).SerializeToString()
    pair: bytes = schema.KeyValue(key=key.encode(), value=told).SerializeToString()
    return pair


_OTHER = [
    _text("http.request.method", "GET"), _text("http.route", "/orders/{id}"), _text("url.scheme", "https"),
    _text("server.address", "orders.internal"), _number("server.port", 8443), _number("http.response.status_code", 200),
]  # fmt: skip


# --- senders ----------------------------------------------------------------------------------------------------------


def _send(port: int, token: str, bodies: Sequence[bytes], *, seconds: float) -> tuple[list[float], float]:
    """(milliseconds of each request, seconds altogether), in the order of bodies without gaps."""
    until = time.perf_counter() + seconds
    waiting = iter(bodies)
    lock = threading.Lock()

    def send() -> list[float]:
        times = []
        with socket.create_connection(("127.0.0.1", port), timeout=60) as kept:
            kept.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < until:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    break
                began = time.perf_counter()
                _post(kept, body, token)
                times.append((time.perf_counter() - began) * 1_000)
        return times

    began = time.perf_counter()
    with ThreadPoolExecutor(_SENDERS) as pool:
        times = [each for sent in pool.map(lambda _: send(), range(_SENDERS)) for each in sent]
    return times, time.perf_counter() - began


def _post(kept: socket.socket, body: bytes, token: str) -> None:
    head = (
        f"POST /otlp/v1/traces HTTP/1.1\r\nhost: {host_headers()['host']}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/x-protobuf\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    kept.sendall(head.encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        block = kept.recv(65_536)
        if not block:
            raise RequestFailedError("The server closed the connection.")
        answer += block
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RequestFailedError(f"The door answered {answer[9:12].decode()}: {answer[-300:]!r}")


class _Adding:
    """Adds up every few seconds on a thread of its own, as a worker does, until it is ended and nothing waits."""

    def __init__(self) -> None:
        self._ends = threading.Event()
        self._cpu = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ends.wait(_ADDING_UP_SECONDS):
                add_up(at=now())
            add_up(at=now())
            self._cpu = time.thread_time()
        finally:
            connections.close_all()

    def end(self) -> float:
        """Seconds of the processor that it took."""
        self._ends.set()
        self._thread.join()
        return self._cpu


# --- what it takes, and what goes again -------------------------------------------------------------------------------


def _memory_mb(processes: Sequence[psutil.Process]) -> float:
    return float(sum(process.memory_info().rss for process in processes)) / 1024 / 1024


@contextmanager
def _token() -> Iterator[str]:
    user = User.objects.create(username="bench-traces")
    try:
        yield issue_token(
            user=user, name="bench", scopes=["intake"], at=now(), by=None, lifetime=timedelta(hours=1),
            per_minute=10_000_000,
        )[1]  # fmt: skip
    finally:
        user.delete()


def _calls(body: bytes) -> list[Call]:
    return read_traces(gzip.decompress(body), is_json=False).calls


def _forget(bodies: Sequence[bytes]) -> None:
    add_up(at=now())
    services = Service.objects.filter(name__startswith=_SERVICE)
    Observation.objects.filter(service__in=services).delete()
    services.delete()
    with connection.cursor() as cursor:
        for body in bodies:
            keys = [call.key for call in _calls(body)]
            cursor.execute("DELETE FROM intake_seencall WHERE key = ANY(%s)", [keys])
