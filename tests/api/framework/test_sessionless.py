"""Reading by REST without a cookie skips the middleware of sessions, forms and changes."""

import pytest
from rest_framework.views import APIView

from apps.api.urls import v1_routes
from tests.builders import make_user


class TestSessionless:
    ADDRESSES = (
        "/api/v1/teams/",
        "/api/v1/teams/nowhere/",
        "/api/v1/teams/?nonsense=1",
        "/api/v1/nowhere/",
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
    def test_an_address_without_its_slash_is_redirected(self, reader):
        answer = reader.get("/api/v1/teams")

        assert (answer.status_code, answer["Location"]) == (301, "/api/v1/teams/")

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
