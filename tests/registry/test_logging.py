"""Log lines carry the request's id and never a local variable."""

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.roles import TeamRole
from apps.common.logging import RequestIdMiddleware, logging_config, request_id
from apps.common.time import now
from registry import embedded
from tests.builders import make_application, make_member, make_team


def line_of(record: logging.LogRecord, *, json_lines: bool) -> str:
    config = logging_config(json_lines=json_lines, level="INFO", colors=False)
    factory = config["formatters"]["line"]
    formatter = factory["()"](**{name: value for name, value in factory.items() if name != "()"})
    return str(formatter.format(record))


def failure() -> logging.LogRecord:
    logger = logging.getLogger("test")
    password = "hunter2" + "-secret"
    try:
        int(password)
    except ValueError as error:
        return logger.makeRecord(
            "test",
            logging.ERROR,
            __file__,
            1,
            "it %s",
            ("failed",),
            (ValueError, error, error.__traceback__),
        )


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_failure_is_told_with_its_trace(json_lines: bool) -> None:
    line = line_of(failure(), json_lines=json_lines)

    assert "it failed" in line
    assert "ValueError" in line


def test_local_variables_stay_out_of_the_log() -> None:
    assert "locals" not in line_of(failure(), json_lines=True)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/calendar/gmkKYUZAdmi-5MvuHa8t6_bKMETFZRUMi6SlgL3dDAM.ics", "/calendar/gmkKYU…"),
        ("/unsubscribe/u12.4b_HTeQNOUlTCSmUCA6yzZrgcO6JDZaoQ/", "/unsubscribe/u12.4b…/"),
        ("/applications/motor-damage-estimator/", "/applications/motor-damage-estimator/"),
    ],
)
def test_a_secret_in_the_path_of_a_refused_request_is_not_written(path: str, told: str) -> None:
    record = logging.getLogger("django.request").makeRecord(
        "django.request", logging.WARNING, __file__, 1, "%s: %s", ("Not Found", path), None
    )

    assert json.loads(line_of(record, json_lines=True))["event"] == f"Not Found: {told}"


def test_production_lines_are_json_one_each() -> None:
    told = json.loads(line_of(failure(), json_lines=True))

    assert told["event"] == "it failed"
    assert told["level"] == "error"
    assert told["logger"] == "test"
    assert told["timestamp"].endswith("Z")


def lines_of(*requests: Callable[[], object]) -> list[dict[str, Any]]:
    """The lines, as production writes them, while the requests are answered."""
    config = logging_config(json_lines=True, level="INFO", colors=False)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    factory = config["formatters"]["line"]
    handler.setFormatter(
        factory["()"](**{name: value for name, value in factory.items() if name != "()"})
    )
    handler.addFilter(config["filters"]["refusals"]["()"]())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        for send in requests:
            send()
    finally:
        root.removeHandler(handler)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.django_db
def test_the_line_of_a_refusal_names_request_person_and_address(client: Client) -> None:
    team = make_team()
    viewer = make_member(team, TeamRole.VIEWER)
    address = f"/api/v1/applications/{make_application(team=team).slug}/"
    client.force_login(viewer)
    _, secret = issue_token(
        user=viewer,
        name="test",
        scopes=["read", "write"],
        at=now(),
        by=None,
        lifetime=timedelta(days=1),
    )
    token = APIClient(headers={"Authorization": f"Bearer {secret}"})

    by_token, by_session, by_page = lines_of(
        lambda: token.patch(address, {"purpose": "x"}, format="json", REMOTE_ADDR="203.0.113.7"),
        lambda: client.patch(
            address, {"purpose": "x"}, "application/json", REMOTE_ADDR="203.0.113.8"
        ),
        lambda: client.get("/settings/people/invite/", REMOTE_ADDR="203.0.113.9"),
    )

    for line, client_address in (
        (by_token, "203.0.113.7"),
        (by_session, "203.0.113.8"),
        (by_page, "203.0.113.9"),
    ):
        assert (line["status_code"], line["user_id"], line["address"]) == (
            403,
            viewer.pk,
            client_address,
        )
        assert len(line["request_id"]) == 32


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", "evil.example"),
        ("/api/v1/teams/", "evil.example"),
        ("/accounts/login/?next=%00", None),
    ],
)
def test_a_request_that_cannot_be_read_is_a_warning_without_a_stack(
    path: str, host: str | None
) -> None:
    lines = lines_of(lambda: Client(headers={"Host": host} if host else {}).get(path))

    assert lines
    for line in lines:
        assert (line["level"], line["status_code"]) == ("warning", 400)
        assert "exception" not in line


def test_a_failure_of_ours_keeps_its_stack(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("apps.common.requests.health.ProbeMiddleware.__call__", lambda *_: 1 / 0)

    lines = lines_of(lambda: client.get("/"))

    assert [line["level"] for line in lines if "exception" in line] == ["error"]


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-123_XYZ.9", True), ("short", False), ("evil\nline" * 3, False)]
)
def test_a_plain_id_of_the_proxy_is_kept_and_any_other_replaced(given: str, kept: bool) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request_id(request))
        logging.getLogger("test").warning("inside")
        return HttpResponse()

    response = RequestIdMiddleware(view)(RequestFactory().get("/", headers={"X-Request-ID": given}))

    assert response.headers["X-Request-ID"] == seen[0]
    assert (seen[0] == given) is kept


def test_a_line_written_inside_a_request_carries_its_id() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    factory = logging_config(json_lines=True, level="INFO", colors=False)["formatters"]["line"]
    handler.setFormatter(
        factory["()"](**{name: value for name, value in factory.items() if name != "()"})
    )
    logger = logging.getLogger("test.inside")
    logger.addHandler(handler)

    def view(request: HttpRequest) -> HttpResponse:
        logger.warning("inside")
        return HttpResponse()

    response = RequestIdMiddleware(view)(RequestFactory().get("/"))
    logger.removeHandler(handler)

    assert json.loads(stream.getvalue())["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.proof
@pytest.mark.parametrize("json_lines", ["1", "0"])
def test_both_kinds_of_logger_write_alike_to_stderr_and_nothing_to_stdout(json_lines: str) -> None:
    """A command's stdout is its answer."""
    program = (
        "import django; django.setup(); import logging, structlog;"
        "logging.getLogger('one').warning('told %s', 'once', extra={'source': 'x'});"
        "structlog.get_logger('two').warning('told_twice', source='x')"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=embedded.CHECKOUT,
        env={**os.environ, "LOG_JSON": json_lines, "LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    if json_lines == "1":
        first, second = (json.loads(line) for line in lines)
        assert set(first) == set(second) == {"event", "level", "logger", "source", "timestamp"}
        assert (second["logger"], second["event"]) == ("two", "told_twice")
    else:
        assert all("[warning  ]" in line and "source=x" in line for line in lines)
