"""The product behind its web server: what pages, files and doors answer is what Django answers."""

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from apps.accounts.actions import issue_token
from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole
from apps.common.time import now
from apps.inventory.models import Application
from tests.http import signed_in_client
from tests.processes import database_url
from tests.web_server import WebServer, answer_of, is_closed, wait_until, web_server

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    environment = {"DATABASE_URL": database_url(), "DATABASE_POOL": "8", "TMPDIR": str(tmp_path)}
    with web_server(tmp_path, "--workers", "1", environment=environment) as running:
        yield running


@pytest.fixture
def governance() -> User:
    return User.objects.create_user(
        "gov", email="gov@example.org", organisation_role=OrganisationRole.GOVERNANCE
    )


@pytest.fixture
def token(governance: User) -> str:
    return issue_token(
        user=governance, name="t", scopes=["read", "write", "intake"], at=now(), by=None
    )[1]


def session_cookie(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"Cookie: {settings.SESSION_COOKIE_NAME}={session.session_key}"


def rows(n: int, *, name: str) -> bytes:
    return b"\n".join(
        json.dumps(
            {
                "slug": f"{name}-{number:05}",
                "name": f"{name} {number}",
                "team": "bulk",
                "purpose": "p" * 150,
            }
        ).encode()
        for number in range(n)
    )


def test_files_and_lists_are_byte_for_byte_what_django_answers(
    server: WebServer, governance: User, token: str
) -> None:
    team = Team.objects.create(name="Bulk", slug="bulk")
    Application.objects.bulk_create(
        Application(
            slug=f"application-{n:05}", name=f"Application {n} – é", team=team, purpose="p" * 400
        )
        for n in range(2_000)
    )
    cookie = session_cookie(governance)
    client = signed_in_client(governance, SERVER_NAME="127.0.0.1")
    bearer = {"Authorization": f"Bearer {token}"}

    for path in (
        "/applications.csv",
        "/api/v1/applications/?format=csv",
        "/api/v1/applications/?page_size=200",
    ):
        expected = client.get(path, headers=bearer if path.startswith("/api/") else {})
        credentials = f"Authorization: Bearer {token}" if path.startswith("/api/") else cookie
        status, headers, body = server.ask(f"GET {path} HTTP/1.1\n{credentials}")

        whole = expected.getvalue()
        assert (status, len(body)) == (expected.status_code, len(whole)) == (200, len(whole))
        assert body == whole
        assert headers["content-type"] == expected["Content-Type"]
        assert headers.get("content-disposition") == expected.get("Content-Disposition")

        status, headers, _ = server.ask(f"HEAD {path} HTTP/1.1\n{credentials}")
        assert status == 200
        expected = client.head(path, headers=bearer if path.startswith("/api/") else {})
        assert headers.get("content-length") in {expected.get("Content-Length"), str(len(whole))}


def test_a_long_stream_of_rows_goes_into_the_registry_plain_gzipped_and_in_chunks(
    server: WebServer, token: str
) -> None:
    Team.objects.create(name="Bulk", slug="bulk")
    head = f"Authorization: Bearer {token}\nContent-Type: application/x-ndjson\nPrefer: wait=60"
    plain, packed, chunked = (
        rows(4_000, name="plain"),
        gzip.compress(rows(4_000, name="packed")),
        rows(4_000, name="chunked"),
    )
    assert len(plain) > 512 * 1024
    parts = [chunked[at : at + 50_000] for at in range(0, len(chunked), 50_000)]

    answers = [
        server.ask(
            f"POST /api/v1/applications/bulk/ HTTP/1.1\n{head}\nContent-Length: {len(plain)}", plain
        ),
        server.ask(
            f"POST /api/v1/applications/bulk/ HTTP/1.1\n{head}\nContent-Encoding: "
            f"gzip\nContent-Length: {len(packed)}",
            packed,
        ),
        server.ask(
            f"POST /api/v1/applications/bulk/ HTTP/1.1\n{head}\nTransfer-Encoding: chunked",
            b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n",
        ),
    ]

    for status, _, body in answers:
        report = json.loads(body)
        assert (status, report["created"], report["n_rejected"]) == (200, 4_000, 0), body[:500]
    assert Application.objects.count() == 12_000


def test_rows_of_many_megabytes_are_taken_as_before(server: WebServer, token: str) -> None:
    """More than any other body may have: only the door for rows takes it."""
    Team.objects.create(name="Bulk", slug="bulk")
    head = f"Authorization: Bearer {token}\nContent-Type: application/x-ndjson\nPrefer: wait=60"
    body = rows(100, name="few") + b"\n" + (b"\n" * 1_000_000 + b" ") * 70

    status, _, answer = server.ask(
        f"POST /api/v1/applications/bulk/ HTTP/1.1\n{head}\nContent-Length: {len(body)}", body
    )
    assert (status, json.loads(answer)["created"]) == (200, 100)

    with server.send(
        f"POST /api/v1/applications/ HTTP/1.1\n{head}\nContent-Length: {len(body)}"
    ) as connection:
        assert answer_of(connection)[0] == 413
        assert is_closed(connection)


def test_a_long_body_needs_a_session_or_token_that_is_real(
    server: WebServer, governance: User, token: str
) -> None:
    Team.objects.create(name="Bulk", slug="bulk")
    kind = "Content-Type: application/x-ndjson\nPrefer: wait=60"
    body = rows(2_000, name="many")
    revoked = issue_token(user=governance, name="old", scopes=["write"], at=now(), by=None)
    revoked[0].revoked_at = now()
    revoked[0].save()
    for credentials in (
        "Authorization: Bearer fr_not_one_of_ours",
        f"Authorization: Bearer {revoked[1]}",
        f"Cookie: {settings.SESSION_COOKIE_NAME}=abcdefghijklmnopqrstuvwxyz012345",
    ):
        with server.send(
            f"POST /api/v1/applications/bulk/ HTTP/1.1\n{credentials}\n{kind}\nContent-Length: "
            f"{len(body)}",
            body,
        ) as connection:
            status, headers, answer = answer_of(connection)
        assert (status, headers["connection"]) == (403, "close"), answer
        assert "API token is unknown or has expired" in json.loads(answer)["detail"]

    # a real session passes the server; that its form lacks the mark against forged requests, Django
    # says
    status, headers, _ = server.ask(
        f"POST /imports/ HTTP/1.1\n{session_cookie(governance)}\nContent-Type: "
        f"text/csv\nContent-Length: {len(body)}",
        body,
    )
    assert status == 403
    assert "connection" not in headers


def test_the_sign_in_page_answers_while_strangers_send_forms_drop_by_drop(
    server: WebServer,
) -> None:
    strangers = [
        server.send("POST /accounts/login/ HTTP/1.1\nContent-Length: 60000", b"login=a")
        for _ in range(60)
    ]
    try:
        began = time.monotonic()
        for _ in range(3):
            assert server.ask("GET /accounts/login/ HTTP/1.1")[0] == 200
            assert server.ask("GET /readyz HTTP/1.1")[0] == 200
            for stranger in strangers:
                stranger.sendall(b"a")
        assert time.monotonic() - began < 20
    finally:
        for stranger in strangers:
            stranger.close()


def test_a_stranger_s_form_of_many_megabytes_writes_no_file(
    server: WebServer, tmp_path: Path
) -> None:
    before = set(os.listdir(tmp_path))
    head = (
        "POST /accounts/login/ HTTP/1.1\nContent-Type: multipart/form-data; boundary=x\n"
        f"Cookie: csrftoken={'a' * 32}; {settings.SESSION_COOKIE_NAME}=whatever\nContent-Length: "
        "314572800"
    )
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    with server.send(head, part) as connection:
        assert answer_of(connection)[0] == 413
        assert is_closed(connection)

    assert set(os.listdir(tmp_path)) == before


def test_ready_says_no_while_the_database_hangs_and_alive_says_yes(server: WebServer) -> None:
    """A lock on the table of migrations stands for a database that does not answer."""
    assert server.ask("GET /readyz HTTP/1.1")[0] == 200
    with psycopg.connect(database_url()) as other:
        other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        time.sleep(1.1)
        began = time.monotonic()
        status, _, body = server.ask("GET /readyz HTTP/1.1")

        assert status == 503, body
        assert time.monotonic() - began < 10
        assert server.ask("GET /healthz HTTP/1.1")[0] == 200
    wait_until(lambda: server.ask("GET /readyz HTTP/1.1")[0] == 200)


def test_parts_behind_the_pages_have_probes_of_their_own(server: WebServer) -> None:
    for part in ("broker", "worker", "feeds"):
        status, _, body = server.ask(f"GET /healthz/{part} HTTP/1.1")
        assert status in {200, 503}
        assert list(json.loads(body)["checks"]) == [part]


def test_a_long_body_is_kept_for_each_way_in_which_a_token_comes(
    server: WebServer, token: str
) -> None:
    """Who sends more than is kept in memory is looked up before Django reads the request."""
    body = b" " * 600_000 + b"{}"
    for header in (
        f"Authorization: Bearer {token}",
        f"Authorization: Bearer%20{token}",
        f"x-api-key: {token}",
    ):
        head = (
            f"POST /otlp/v1/traces HTTP/1.1\n{header}\n"
            f"Content-Type: application/json\nContent-Length: {len(body)}"
        )
        assert server.ask(head, body)[0] == 200, header


def test_any_worker_answers_for_the_requests_of_all(tmp_path: Path, token: str) -> None:
    environment = {
        "DATABASE_URL": database_url(),
        "ACCESS_LOG": "1",
        "LOG_JSON": "1",
        "LOG_LEVEL": "INFO",
        "TMPDIR": str(tmp_path),
    }
    with web_server(tmp_path, "--workers", "2", environment=environment) as running:
        for _ in range(20):
            assert running.ask("GET /api/v1/nothing/ HTTP/1.1")[0] == 404
        refused, _, _ = running.ask("POST /accounts/login/ HTTP/1.1\r\nContent-Length: 10000000")
        assert refused == 413
        status, _, body = running.ask(
            f"GET /metrics HTTP/1.1\r\nAuthorization: Bearer {token}\r\nAccept: text/plain"
        )
        folders = list(tmp_path.glob("registry-metrics-*"))
        assert len(folders) == 1
    counted = [
        line
        for line in body.decode().splitlines()
        if line.startswith("registry_http_requests_total")
    ]
    assert status == 200
    assert any('status="404"' in line and line.endswith(" 20.0") for line in counted), counted
    assert any('status="413"' in line and line.endswith(" 1.0") for line in counted), counted
    assert list(tmp_path.glob("registry-metrics-*")) == []
    lines = [
        json.loads(line)
        for line in running.log.read_text().splitlines()
        if '"registry.access"' in line
    ]
    assert {"method": "POST", "status": 413, "user_id": None}.items() <= next(
        line for line in lines if line["status"] == 413
    ).items()
