"""What a load balancer and a supervisor ask: does the process live, and can it serve?"""

from collections.abc import Callable

import redis
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import add_never_cache_headers
from psycopg_pool import PoolTimeout

from apps.common import heartbeat

STATEMENT_TIMEOUT_MS = 2000


class Unready(Exception):
    """A part that does not answer as it must; the text says what and why."""


def check_database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout) as error:
        raise Unready(f"The database does not answer: {type(error).__name__}.") from error
    return "answers"


def check_migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, PoolTimeout) as error:
        raise Unready(f"The migrations cannot be read: {type(error).__name__}.") from error
    if waiting:
        raise Unready(f"{len(waiting)} migrations wait; run manage.py migrate.")
    return "applied"


def check_broker() -> str:
    try:
        with heartbeat.client() as client:
            client.ping()
    except redis.RedisError as error:
        raise Unready(f"The broker does not answer: {type(error).__name__}.") from error
    return "answers"


def check_worker() -> str:
    try:
        seen_at = heartbeat.last_beat()
    except redis.RedisError as error:
        raise Unready(f"The worker's heartbeat cannot be read: {type(error).__name__}.") from error
    if seen_at is None:
        raise Unready(f"No worker has shown itself for {heartbeat.LIFETIME_SECONDS} seconds.")
    return f"seen {seen_at.isoformat(timespec='seconds')}"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
    "worker": check_worker,
}


def healthz() -> JsonResponse:
    """The process answers; says nothing about what it depends on, so that an outage restarts no process."""
    return JsonResponse({"status": "ok"})


def readyz() -> JsonResponse:
    """200 where every part answers, else 503; each part with a sentence."""
    checks: dict[str, dict[str, object]] = {}
    for name, check in CHECKS.items():
        try:
            checks[name] = {"ok": True, "detail": check()}
        except Unready as unready:
            checks[name] = {"ok": False, "detail": str(unready)}
    ready = all(check["ok"] for check in checks.values())
    return JsonResponse({"status": "ready" if ready else "unready", "checks": checks}, status=200 if ready else 503)


PROBES: dict[str, Callable[[], JsonResponse]] = {"/healthz": healthz, "/readyz": readyz}


class ProbeMiddleware:
    """Answers the probes before anything else looks at the request, its host, its session or its scheme."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info)
        if probe is None or request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        response = probe()
        add_never_cache_headers(response)
        return response
