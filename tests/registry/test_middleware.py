"""Requests that lose their database on the way."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory

from apps.api.framework.problems import mark_unavailable
from apps.common.postgresql.errors import Unavailable
from registry.middleware import LostConnectionMiddleware
from tests.http import file_text


def unanswered(reason: Unavailable) -> HttpResponse:
    response = HttpResponse(status=503)
    mark_unavailable(response, reason)
    return response


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("method", "reason", "n_times"),
    [
        ("GET", Unavailable.LOST, 2),
        ("HEAD", Unavailable.LOST, 2),
        ("POST", Unavailable.LOST, 1),
        ("DELETE", Unavailable.LOST, 1),
        ("GET", Unavailable.AWAY, 1),
        ("GET", Unavailable.LOCKED, 1),
        ("GET", Unavailable.SLOW, 1),
    ],
)
def test_only_a_request_that_reads_and_lost_its_connection_is_carried_out_again(
    method: str, reason: Unavailable, n_times: int
) -> None:
    seen: list[bool] = []

    def view(request: HttpRequest) -> HttpResponseBase:
        seen.append(connection.connection is None)
        connection.ensure_connection()
        return unanswered(reason)

    response = LostConnectionMiddleware(view)(RequestFactory().generic(method, "/"))

    assert response.status_code == 503
    assert len(seen) == n_times
    # on a fresh connection
    assert all(seen[1:])


def lines(error: Exception | None) -> Iterator[str]:
    yield "head\n"
    if error:
        raise error


def body(error: Exception | None) -> str:
    sent = LostConnectionMiddleware(lambda _: StreamingHttpResponse(lines(error)))(
        RequestFactory().get("/list.csv")
    )
    assert isinstance(sent, StreamingHttpResponse)
    return file_text(sent)  # type: ignore[arg-type]


def test_a_file_that_the_database_ends_early_says_so_in_its_last_line() -> None:
    assert body(None) == "head\n"
    sent = LostConnectionMiddleware(
        lambda _: StreamingHttpResponse(lines(OperationalError("gone")))
    )(RequestFactory().get("/list.csv"))
    assert isinstance(sent, StreamingHttpResponse)

    parts = iter(sent.streaming_content)
    received = [next(parts), next(parts)]

    assert received[-1].strip().startswith(b"This file is incomplete")
    # so that the web server breaks the connection off
    with pytest.raises(OperationalError):
        next(parts)


def test_a_fault_of_ours_in_a_file_is_no_outage() -> None:
    with pytest.raises(ValueError, match="ours"):
        body(ValueError("ours"))
