"""Every refusal is a problem document with a sentence."""

import warnings

import pytest
from django.test import RequestFactory, override_settings

from apps.api.framework import problems
from apps.api.framework.throttles import parse_rate
from tests.builders import make_team, make_user
from tests.http import problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(api):
    return api(make_user(role="governance"), "read", "write")


@pytest.mark.parametrize(
    "address", ["/api/v1/nothing/", "/api/v1/teams/nobody/", "/api/v1/offerings/x/", "/api/v1/"]
)
def test_an_address_without_anything(writer, address):
    problem_of(writer.get(address), 404)


def test_an_address_that_nobody_has_is_told_from_what_one_may_not_see(writer):
    assert "/api/docs/" in problem_of(writer.get("/api/v1/"), 404)["detail"]
    assert (
        "you do not have access" in problem_of(writer.get("/api/v1/teams/nobody/"), 404)["detail"]
    )


def test_an_address_without_its_slash_is_sent_on(writer):
    answer = writer.get("/api/v1/teams")

    assert (answer.status_code, answer["Location"]) == (301, "/api/v1/teams/")


def test_a_method_that_is_not_there(writer):
    body = problem_of(writer.delete("/api/v1/applications/"), 405)

    assert body["detail"] == "This endpoint does not support DELETE. Use GET, POST, HEAD."


def test_what_is_wrong_with_type_and_form_names_those_that_are_right(writer):
    body = problem_of(
        writer.post(
            "/api/v1/applications/", "a=b", content_type="application/x-www-form-urlencoded"
        ),
        415,
    )
    assert body["detail"].endswith(" is not supported. Send application/json.")
    body = problem_of(
        writer.get("/api/v1/applications/", headers={"Accept": "application/pdf"}), 406
    )
    assert "application/json, text/csv, " in body["detail"]
    body = problem_of(writer.get("/api/v1/applications/?format=pdf"), 400)
    assert (
        body["detail"]
        == "format: This endpoint answers as json, csv, xlsx. Use one of these formats."
    )


@pytest.mark.parametrize("address", ["/otlp", "/otlp/", "/otlp/v1/traces/", "/otlp/v1/profiles"])
def test_an_exporter_that_is_set_wrongly_is_told_what_to_set(client, address):
    body = problem_of(client.post(address, "{}", content_type="application/json"), 404)

    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in body["detail"]


def test_options_is_no_back_door(writer):
    problem_of(writer.options("/api/v1/applications/"), 405)


def test_a_body_that_is_no_json(writer):
    problem_of(writer.post("/api/v1/applications/", "{", content_type="application/json"), 400)


@pytest.mark.parametrize("body", ["[]", "1", '"a"', "null"])
def test_a_body_that_is_no_object(writer, body):
    problem_of(writer.post("/api/v1/applications/", body, content_type="application/json"), 400)


def test_a_body_of_another_kind(writer):
    problem_of(writer.post("/api/v1/applications/", "<a/>", content_type="text/xml"), 415)


def test_an_answer_nobody_can_give(writer):
    problem_of(writer.get("/api/v1/teams/", HTTP_ACCEPT="application/xml"), 406)


def test_nobody_signed_in_is_told_how(api):
    answer = api().get("/api/v1/teams/")

    assert "Bearer" in problem_of(answer, 401)["detail"]
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer é", "bearer x"])
def test_a_mangled_header_is_refused(api, header):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=header)

    problem_of(client.get("/api/v1/teams/"), 401)


def test_a_missing_scope_is_named(api):
    client = api(make_user(role="governance"), "intake")

    assert '"read"' in problem_of(client.get("/api/v1/teams/"), 403)["detail"]


def test_several_wrong_fields_are_listed(writer):
    body = problem_of(writer.post("/api/v1/applications/", {"criticality": "x"}), 400)

    assert {error["field"] for error in body["errors"]} == {"name", "team", "criticality"}


class TestOutsideTheViews:
    """What Django itself refuses is a problem under /api/ and a page elsewhere."""

    def test_not_found(self):
        answer = problems.page_not_found(RequestFactory().get("/api/other"), Exception())

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")

    def test_broken(self):
        answer = problems.server_error(RequestFactory().get("/api/v1/teams/"))

        assert answer.status_code == 500
        assert b"X-Request-ID" in answer.content

    def test_unreadable(self):
        answer = problems.bad_request(RequestFactory().get("/api/v1/teams/"), Exception())

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


class TestThrottle:
    @pytest.fixture(autouse=True)
    def slow(self, settings):
        rest = {
            **settings.REST_FRAMEWORK,
            "DEFAULT_THROTTLE_RATES": {"token": "3/day", "anonymous": "2/day"},
        }
        with override_settings(REST_FRAMEWORK=rest):
            yield

    def test_a_token_that_asks_too_often_waits(self, writer):
        assert [writer.get("/api/v1/teams/").status_code for _ in range(3)] == [200] * 3

        answer = writer.get("/api/v1/teams/")

        problem_of(answer, 429)
        assert int(answer["Retry-After"]) > 0

    def test_another_token_is_counted_by_itself(self, writer, api):
        for _ in range(4):
            writer.get("/api/v1/teams/")

        assert api(make_user(role="auditor")).get("/api/v1/teams/").status_code == 200

    @pytest.mark.proof
    @override_settings(API_DOCUMENT_OPEN=True)
    def test_who_is_not_signed_in_reads_the_document_only_so_often_where_it_is_open(self, api):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = [api().get("/api/v1/schema/").status_code for _ in range(3)]

        assert answers == [200, 200, 429]

    @pytest.mark.proof
    def test_the_document_counts_as_a_request_of_the_token(self, writer):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = [writer.get("/api/v1/schema/").status_code for _ in range(4)]

        assert answers == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("text", "rate"), [("1200/min", (1200, 60)), ("5/s", (5, 1)), ("9/day", (9, 86400))]
)
def test_rates_are_read_as_they_are_written(settings, text, rate):
    with override_settings(
        REST_FRAMEWORK={**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": text}}
    ):
        assert parse_rate("token") == rate


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a\x00", "team": "x"},
        {"name": "a", "team": "\x00"},
        {"external_refs": {"\x00": ["b"]}},
    ],
)
def test_a_null_character_is_refused_wherever_it_stands(writer, body):
    assert "null character" in problem_of(writer.post("/api/v1/applications/", body), 400)["detail"]


def test_a_backslash_is_no_null_character(writer):
    answer = writer.post("/api/v1/applications/", {"name": "a \\u0000 b", "team": make_team().slug})

    assert answer.status_code == 201


def test_a_value_nobody_foresaw_is_refused_and_not_a_failure(writer):
    problem_of(writer.get("/api/v1/deliveries/?since=2751-01-08T13:14:51-21:24"), 400)


@pytest.mark.parametrize("resource", ["applications", "dependencies", "adaptations", "exit-plans"])
def test_a_bulk_request_without_a_body_is_refused(writer, resource):
    problem_of(writer.post(f"/api/v1/{resource}/bulk/"), 400)
