"""A database that is stopped, silent, restarted or locked, and a broker that is silent, before a
real web server."""

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import psycopg
import pytest
import redis
import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now
from apps.exposure.engine.table_refresh import rebuild
from registry import embedded
from tests.builders import TODAY, make_application, make_user
from tests.processes import (
    blocked_sessions,
    database_url,
    frozen,
    holding,
    own_broker,
    own_database,
    start_database,
    stop_database,
    wait_until,
)
from tests.web_server import WebServer, web_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]

# two are promised; a busy machine has some more
SECONDS = 4.0
REST = "/api/v1/foundations/"
PAGE = "/applications/"


@dataclass
class Answer:
    response: requests.Response
    seconds: float

    @property
    def status(self) -> int:
        return self.response.status_code


class Client:
    """Somebody who is signed in, and a program with a token of theirs."""

    def __init__(self, server: WebServer, user: User) -> None:
        self.server = server
        self.token = issue_token(
            user=user, name="outage", scopes=["read", "write"], at=now(), by=None
        )[1]
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        self.cookies = {settings.SESSION_COOKIE_NAME: str(session.session_key)}

    def send(self, path: str, method: str = "GET", **said: Any) -> Answer:
        began = monotonic()
        headers = said.pop("headers", {})
        if path.startswith("/api/"):
            headers["Authorization"] = f"Bearer {self.token}"
        else:
            said["cookies"] = self.cookies
        response = requests.request(
            method,
            f"http://127.0.0.1:{self.server.port}{path}",
            headers=headers,
            timeout=40,
            **said,
        )
        return Answer(response, monotonic() - began)

    def send_at_once(self, *asked: tuple[str, str, dict[str, Any]]) -> list[Answer]:
        answers: list[Answer] = []
        threads = [
            threading.Thread(
                target=lambda one=one: answers.append(self.send(one[0], one[1], **one[2]))
            )
            for one in asked
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


def assert_unavailable(answer: Answer, *, seconds: float = SECONDS) -> None:
    assert answer.status == 503, answer.response.text[:300]
    assert int(answer.response.headers["Retry-After"]) >= 1
    assert answer.seconds < seconds


def running_site(
    folder: Path, broker_url: str, *, pool: int = 8
) -> AbstractContextManager[WebServer]:
    """As in production, with one worker."""
    environment = {
        "REGISTRY_ENV": "demo",
        "DATABASE_URL": database_url(),
        "DATABASE_POOL": str(pool),
        "BROKER_URL": broker_url,
        "CACHE_URL": "",
        "SECRET_KEY": "for-tests-only",
        "REGISTRY_DATA": str(folder),
    }
    return web_server(folder, "--workers", "1", environment=environment)


def postmaster_of(folder: Path) -> psutil.Process:
    return psutil.Process(int(embedded.places_of(folder).postgres_pid.read_text().split()[0]))


@pytest.fixture
def broker_folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def broker(broker_folder: Path) -> Iterator[str]:
    with own_broker(broker_folder) as url:
        yield url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "database"
    with own_database(folder):
        yield folder


@pytest.fixture
def client(broker: str, tmp_path: Path) -> Iterator[Client]:
    with running_site(tmp_path, broker) as server:
        client = Client(server, make_user(role="governance"))
        for path in (PAGE, REST):
            assert client.send(path).status == 200
        yield client


@pytest.fixture
def client_of_own_database(database: Path, client: Client) -> Client:
    return client


def test_a_silent_database_is_told_soon_and_the_next_answer_after_it_speaks_again_is_whole(
    database: Path, client_of_own_database: Client
) -> None:
    client = client_of_own_database
    with frozen(postmaster_of(database)):
        first = client.send_at_once((REST, "GET", {}), (PAGE, "GET", {}))
        wait = monotonic() + 3
        while monotonic() < wait:
            assert_unavailable(client.send(REST))
        # the breaker answers in place of the database
        at_once = min(client.send(PAGE).seconds for _ in range(5))
        fragment = client.send(PAGE, headers={"HX-Request": "true"})

    for answer in first:
        assert_unavailable(answer)
    rest, page = sorted(first, key=lambda one: one.response.headers["Content-Type"])
    assert rest.response.json()["status"] == 503
    assert rest.response.json()["detail"].endswith(".")
    assert "cannot answer at the moment" in page.response.text
    assert page.response.headers["Content-Security-Policy"]
    assert at_once < 0.5
    assert_unavailable(fragment)
    assert fragment.response.headers["Content-Type"].startswith("text/plain")
    sleep(1.5)
    assert (client.send(PAGE).status, client.send(REST).status) == (200, 200)


def test_a_statement_that_is_under_way_when_the_database_falls_silent_ends_too(
    database: Path, client_of_own_database: Client
) -> None:
    client = client_of_own_database
    held = make_application()
    answers: list[Answer] = []
    began = threading.Thread(
        target=lambda: answers.append(
            client.send(f"/api/v1/applications/{held.slug}/", "PATCH", json={"purpose": "new"})
        )
    )
    with holding(f"SELECT 1 FROM inventory_application WHERE id = {held.pk} FOR UPDATE"):
        began.start()
        wait_until(lambda: bool(blocked_sessions()), "the change waits", client.server.log)
        with frozen(postmaster_of(database)):
            began.join()

    assert_unavailable(answers[0], seconds=6)


def test_a_silent_database_is_told_soon_without_a_pool_too(
    database: Path, broker: str, tmp_path: Path
) -> None:
    with running_site(tmp_path, broker, pool=0) as server:
        client = Client(server, make_user(role="governance"))
        assert client.send(PAGE).status == 200
        with frozen(postmaster_of(database)):
            for answer in client.send_at_once((REST, "GET", {}), (PAGE, "GET", {})):
                assert_unavailable(answer)
            at_once = [client.send(PAGE) for _ in range(5)]
        sleep(1.5)

        assert (client.send(PAGE).status, client.send(REST).status) == (200, 200)

    for answer in at_once:
        assert_unavailable(answer)
    # the breaker answers in place of the database
    assert min(answer.seconds for answer in at_once) < 0.5


def test_a_stopped_database_is_told_and_found_again(
    database: Path, client_of_own_database: Client
) -> None:
    client = client_of_own_database
    connection.close()
    stop_database(database)
    for path in (REST, PAGE, REST, PAGE):
        assert_unavailable(client.send(path))
    start_database(database)
    sleep(1.5)

    assert (client.send(PAGE).status, client.send(REST).status) == (200, 200)


def test_a_restart_between_two_requests_is_not_noticed(
    database: Path, client_of_own_database: Client
) -> None:
    client = client_of_own_database
    client.send_at_once(*[(PAGE, "GET", {})] * 6)
    connection.close()
    stop_database(database)
    start_database(database)

    assert [client.send(path).status for path in (PAGE, REST, PAGE, REST)] == [200] * 4


def test_a_request_that_reads_is_carried_out_again_where_its_session_was_ended(
    client: Client,
) -> None:
    answers: list[Answer] = []
    with psycopg.connect(database_url()) as other:
        other.execute("LOCK TABLE inventory_application IN ACCESS EXCLUSIVE MODE")
        asks = threading.Thread(target=lambda: answers.append(client.send(PAGE)))
        asks.start()
        wait_until(lambda: bool(blocked_sessions()), "the page waits", client.server.log)
        (pid,) = blocked_sessions()
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.rollback()
    asks.join()

    assert answers[0].status == 200


def test_changes_of_one_locked_row_are_refused_soon_and_others_are_served(client: Client) -> None:
    held = make_application()
    change = (f"/api/v1/applications/{held.slug}/", "PATCH", {"json": {"purpose": "new"}})
    with holding(f"SELECT 1 FROM inventory_application WHERE id = {held.pk} FOR UPDATE"):
        refused = client.send_at_once(change, change, change, change)
        read = client.send(change[0])

    for answer in refused:
        assert_unavailable(answer)
        assert "in progress" in answer.response.json()["detail"]
    assert read.status == 200
    assert client.send(*change[:2], **change[2]).status == 200
    held.refresh_from_db()
    assert held.purpose == "new"


def test_no_reader_waits_for_a_rebuild_of_exposure_while_a_backup_runs(client: Client) -> None:
    make_application()
    rebuild(on=TODAY)
    dumped = (
        "LOCK TABLE exposure_path, exposure_candidate, exposure_candidategrade, "
        "exposure_activedependency, "
        "exposure_scopedapplication,"
        " exposure_pairgrade, exposure_nodesummary, exposure_nodereach, exposure_nodesnapshot IN "
        "ACCESS SHARE MODE"
    )

    with holding(dumped):
        rebuilt = rebuild(on=TODAY + timedelta(days=1))
        assert client.send("/exposure/").status == 200

    assert rebuilt.rebuilt


def test_pages_go_on_while_the_broker_is_silent(client: Client, broker_folder: Path) -> None:
    valkey = psutil.Process(int(embedded.places_of(broker_folder).valkey_pid.read_text()))

    def ask(day: int) -> Answer:
        period = {"since": "2026-01-01", "until": f"2026-02-{day:02}"}
        return client.send("/api/v1/evidence-packs/", "POST", json=period)

    assert ask(1).status == 202
    with frozen(valkey):
        answers = [client.send(PAGE), client.send(REST), ask(2)]
        again = [client.send(PAGE), ask(3), client.send(PAGE), client.send(PAGE)]

    assert [answer.status for answer in answers] == [200, 200, 202]
    assert [answer.status for answer in again] == [200, 202, 200, 200]
    # without limits the message waits for 30 seconds; on a starved machine these took almost five
    assert max(answer.seconds for answer in (*answers, *again)) < 2 * SECONDS
    # neither broker nor cache is asked again, each of which takes its time to be given up
    assert min(answer.seconds for answer in again) < 0.5


@contextmanager
def full(broker_folder: Path) -> Iterator[None]:
    """A broker and cache whose memory is used up, so that it answers and takes nothing."""
    socket = str(embedded.places_of(broker_folder).valkey_socket)
    with redis.Redis(unix_socket_path=socket) as valkey:
        valkey.config_set("maxmemory", "1")
        try:
            yield
        finally:
            valkey.config_set("maxmemory", "0")


def sign_in(client: Client, name: str, password: str) -> requests.Response:
    with requests.Session() as session:
        address = f"http://127.0.0.1:{client.server.port}/accounts/login/"
        page = session.get(address, timeout=40)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        form = {"login": name, "password": password, "csrfmiddlewaretoken": token[1]}
        return session.post(
            address, form, headers={"Referer": address}, allow_redirects=False, timeout=40
        )


def test_people_sign_in_and_programs_work_while_the_cache_is_full_and_lock_out_stays(
    client: Client, broker_folder: Path
) -> None:
    for name in ("ada", "ben"):
        user = make_user(name)
        # by the hasher of production, which the tests replace by a quick one
        user.password = Argon2PasswordHasher().encode("a long enough password", "0123456789abcdef")
        user.save()
    period = {"since": "2026-01-01", "until": "2026-02-01"}

    with full(broker_folder):
        assert sign_in(client, "ada", "a long enough password").status_code == 302
        assert {client.send(REST).status for _ in range(40)} == {200}
        assert client.send(PAGE).status == 200
        assert client.send("/api/v1/schema/").status == 200
        # the message for the worker is lost, and beat finds the work
        assert client.send("/api/v1/evidence-packs/", "POST", json=period).status == 202
        wrong = [sign_in(client, "ben", "a wrong password").status_code for _ in range(5)]
        locked = sign_in(client, "ben", "a long enough password")

    assert wrong == [200] * 5
    assert locked.status_code == 200
    assert "Too many failed sign-ins" in locked.text
