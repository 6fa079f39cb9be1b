"""Requests that lose their database on the way, and requests that need no session."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory
from rest_framework.views import APIView

from apps.api.framework.problems import mark_unavailable
from apps.api.urls import v1_routes
from apps.common.postgresql.errors import Unavailable
from registry.middleware import LostConnectionMiddleware
from tests.builders import make_user
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


class TestSessionless:
    """Reading by REST without a cookie skips the middleware of sessions, forms and changes."""

    ADDRESSES = (
        "/api/v1/teams/",
        "/api/v1/teams/nowhere/",
        "/api/v1/teams/?nonsense=1",
        "/api/v1/nowhere/",
        "/api/v1/teams",
    )

    @pytest.mark.django_db
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_a_response_is_the_same_as_through_all_middleware(self, reader, address):
        direct = reader.get(address)
        through_all = reader.get(address, HTTP_COOKIE="other=1")

        def describe(response):
            named = {
                name: value for name, value in response.headers.items() if name != "X-Request-ID"
            }
            return response.status_code, named, response.content

        assert describe(direct) == describe(through_all)
        assert not hasattr(direct.wsgi_request, "session")
        assert hasattr(through_all.wsgi_request, "session")

    @pytest.mark.django_db
    def test_a_session_and_a_change_take_the_whole_way(self, client, reader):
        client.force_login(make_user(role="auditor"))

        assert client.get("/api/v1/teams/").status_code == 200
        assert reader.get("/api/v1/teams/").status_code == 200
        assert hasattr(reader.post("/api/v1/teams/", {}).wsgi_request, "session")

    @pytest.mark.django_db
    def test_without_token_and_session_the_answer_is_401(self, client):
        answer = client.get("/api/v1/teams/")

        assert (answer.status_code, answer.json()["status"]) == (401, 401)

    def test_every_view_there_authenticates_by_itself(self):
        """A view of Django's own would need the session and the middleware that asks to sign in."""
        assert [str(route.pattern) for route in v1_routes if not is_rest_view(route.callback)] == []


def is_rest_view(callback):
    view_class = getattr(callback, "cls", None)
    return isinstance(view_class, type) and issubclass(view_class, APIView)
