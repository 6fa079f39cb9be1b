"""Time, statements and rows of one question, run a few times."""

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import Any

from django.db import connection, transaction

# a question that takes longer than this is asked less often
_SLOW_MS = 2_000.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds: the middle run, and the one that 95 in 100 do not exceed.

    `rows` and `statements` of one run.
    """

    p50: float
    p95: float
    rows: int | None
    statements: int


@dataclass(frozen=True, slots=True)
class BenchmarkLine:
    """One question: what the product needs, beside what the best statement by hand needs on the
    same tables.

    `by_hand` is None where a statement by hand would be the product's own, or is no fair
    comparison.
    """

    question: str
    product: Timing
    by_hand: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.by_hand is None else self.product.p50 / max(self.by_hand, 0.001)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back whatever is written inside."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def time_runs(question: Callable[[], Any], *, runs: int = 7) -> Timing:
    """Ask once to warm up, then `runs` times (once more only, where it is slow)."""
    n_statements, result, warm_up_ms = _once(question)
    n_runs = runs if warm_up_ms <= _SLOW_MS else 1
    times = sorted(_once(question)[2] for _ in range(n_runs))
    return Timing(
        p50=times[len(times) // 2],
        p95=times[ceil(0.95 * len(times)) - 1],
        rows=len(result) if isinstance(result, Sized) else None,
        statements=n_statements,
    )


def time_rolled_back(question: Callable[[], Any]) -> Timing:
    """Run once what changes the tables and cannot be repeated; nothing of it stays."""
    with rolled_back():
        n_statements, result, took_ms = _once(question)
    return Timing(
        took_ms, took_ms, len(result) if isinstance(result, Sized) else None, n_statements
    )


def time_once(question: Callable[[], Any]) -> Timing:
    """Run once; what it writes stays for the next question, and the caller rolls back."""
    n_statements, result, took_ms = _once(question)
    rows = result if isinstance(result, int) else len(result) if isinstance(result, Sized) else None
    return Timing(took_ms, took_ms, rows, n_statements)


def time_statement(sql: str, params: Any, *, runs: int = 7) -> float:
    """Return the median in milliseconds of a statement by hand, rows fetched, after one to warm
    up."""

    def ask() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    return time_runs(ask, runs=runs).p50


def _once(question: Callable[[], Any]) -> tuple[int, Any, float]:
    n_statements = 0

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        nonlocal n_statements
        n_statements += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        began = perf_counter()
        result = question()
        took_ms = (perf_counter() - began) * 1_000
    return n_statements, result, took_ms
