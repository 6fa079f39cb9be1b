"""Log lines carry the request's id and never a local variable."""

import io
import json
import logging
import logging.config
import os
import subprocess
import sys

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.common.logging import RequestIdMiddleware, logging_config, request_id
from registry import embedded


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
            "test", logging.ERROR, __file__, 1, "it %s", ("failed",), (ValueError, error, error.__traceback__)
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


@pytest.mark.parametrize(("given", "kept"), [("abc-123_XYZ.9", True), ("short", False), ("evil\nline" * 3, False)])
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
    handler.setFormatter(factory["()"](**{name: value for name, value in factory.items() if name != "()"}))
    logger = logging.getLogger("test.inside")
    logger.addHandler(handler)

    def view(request: HttpRequest) -> HttpResponse:
        logger.warning("inside")
        return HttpResponse()

    response = RequestIdMiddleware(view)(RequestFactory().get("/"))
    logger.removeHandler(handler)

    assert json.loads(stream.getvalue())["request_id"] == response.headers["X-Request-ID"]


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
