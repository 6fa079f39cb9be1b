"""Lists and pages through the whole handler, without the network: part `serving`.

The baseline of a list is a bare view: one statement by hand, its rows as JSON, no middleware, no
token, no rights.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.catalog.models import NodeKind, Provider
from apps.common.time import now
from tools.benchmarks import statements
from tools.benchmarks.http import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, time_runs

_RUNS = 40


def bare(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(statements.APPLICATIONS)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return HttpResponse(
        orjson.dumps({"results": rows}, default=str), content_type="application/json"
    )


# the addresses of the bare view, when this module stands in for the site's
urlpatterns = [path("bare", bare)]


def measure_handler(*, user: User) -> Iterator[BenchmarkLine]:
    """Measure lists and pages.

    `user` reads everything; a session and a token are made for it, in the caller's transaction.
    """
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        bare_ms = time_runs(_getter(Client(headers=host_headers()), "/bare"), runs=_RUNS).p50
    _, token = issue_token(
        user=user, name="bench", scopes=["read"], at=now(), by=None, lifetime=timedelta(hours=1)
    )
    client = Client(headers={**host_headers(), "authorization": f"Bearer {token}"})
    for name in ("applications", "dependencies", "foundation-risks", "inherited-risks"):
        yield BenchmarkLine(
            f"REST {name}, 50 rows",
            time_runs(_getter(client, f"/api/v1/{name}/?page_size=50"), runs=_RUNS),
            bare_ms,
            "by hand: a bare view of 50 applications",
        )
    browser = Client(headers=host_headers())
    browser.force_login(user)
    for name, address in _pages():
        yield BenchmarkLine(f"page {name}", time_runs(_getter(browser, address), runs=_RUNS))


def _pages() -> Iterator[tuple[str, str]]:
    yield "overview", "/"
    yield "applications", "/applications/"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.ref FROM exposure_nodereach r JOIN catalog_node n ON n.id = r.node_id"
            " WHERE n.kind = %s ORDER BY r.n DESC, n.ref LIMIT 1",
            [NodeKind.HOST.value],
        )
        row = cursor.fetchone()
    if row:
        yield (
            "provider",
            f"/providers/{Provider.objects.values_list('slug', flat=True).get(pk=row[0])}/",
        )


def _getter(client: Client, address: str) -> Callable[[], Any]:
    def get() -> bytes:
        response = client.get(address, secure=settings.SECURE_SSL_REDIRECT)
        if response.status_code != 200:
            raise RequestFailedError(f"{address} answered {response.status_code}.")
        return response.content

    get()
    return lambda: (get(), None)[1]
