"""Before there are tables: one process at a time migrates and prepares, also behind a pooler."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from apps.common.database.advisory_lock import database_lock
from tests.pooler import ENVIRONMENT, Pooler, advisory_locks
from tests.processes import CHECKOUT, wait_until
from tests.template_database import server_connection

pytestmark = pytest.mark.proof

EMPTY = "registry_empty"
# a quarter of all migrations. What holds of the lock holds of these; that all of them go through is
# seen behind the pooler here, and directly wherever tests or the demo make a database
FIRST_APPS = ("catalog",)


@pytest.mark.django_db(transaction=True)
class TestDatabaseLock:
    def test_the_second_waits_for_the_first_and_is_told_so(self) -> None:
        waiting, done = threading.Event(), threading.Event()

        def second() -> None:
            with database_lock("drill", on_wait=waiting.set):
                done.set()

        thread = threading.Thread(target=second)
        with database_lock("drill"):
            thread.start()
            assert waiting.wait(20)
            assert not done.is_set()
        thread.join(20)
        assert done.is_set()

    def test_another_name_does_not_wait(self) -> None:
        with database_lock("drill"), database_lock("another drill"):
            assert len(advisory_locks()) == 2
        assert advisory_locks() == []

    def test_neither_holding_nor_waiting_holds_up_an_index_that_is_built_meanwhile(self) -> None:
        """A statement that waits keeps its snapshot, for whose end the index waits: both for
        ever."""
        waiting = threading.Event()

        def second() -> None:
            with database_lock("drill", on_wait=waiting.set):
                pass

        thread = threading.Thread(target=second)
        with database_lock("drill"):
            thread.start()
            assert waiting.wait(20)
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE drill (n int)")
                try:
                    cursor.execute("SET statement_timeout = '20s'")
                    cursor.execute("CREATE INDEX CONCURRENTLY drill_n ON drill (n)")
                finally:
                    cursor.execute("RESET statement_timeout")
                    cursor.execute("DROP TABLE drill")
        thread.join(20)

    def test_a_server_that_ends_idle_transactions_leaves_it_alone(self) -> None:
        with connection.cursor() as cursor:
            database = connection.settings_dict["NAME"]
            cursor.execute(
                f"ALTER DATABASE {database} SET idle_in_transaction_session_timeout = '200ms'"
            )
            try:
                with database_lock("drill"):
                    cursor.execute("SELECT pg_sleep(0.6)")
                    assert len(advisory_locks()) == 1
            finally:
                cursor.execute(
                    f"ALTER DATABASE {database} RESET idle_in_transaction_session_timeout"
                )


@pytest.mark.pooler
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_the_lock_stays_with_its_holder_and_goes_with_it(pooler: Pooler) -> None:
    stop = threading.Event()

    def other_client() -> None:
        with psycopg.connect(pooler.url(), autocommit=True) as client:
            while not stop.is_set():
                client.execute("SELECT pg_sleep(0.005)")

    clients = [threading.Thread(target=other_client) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        with pooler.serving_tests():
            waited: list[int] = []
            for _ in range(10):
                with database_lock("drill", on_wait=lambda: waited.append(1)):
                    assert len(advisory_locks()) == 1
            assert waited == []
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert advisory_locks() == []


def direct_url(name: str) -> str:
    to = connection.settings_dict
    host = quote(str(to["HOST"]), safe="/")
    return f"postgres://{quote(str(to['USER']))}@/{name}?host={host}"


@contextmanager
def empty_database() -> Iterator[str]:
    """Its name; dropped afterwards, with whatever a pooler keeps open to it."""
    with server_connection() as server:
        drop = f"DROP DATABASE IF EXISTS {EMPTY}"
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{EMPTY}'"
        server.execute(end)
        server.execute(drop)
        server.execute(f"CREATE DATABASE {EMPTY} TEMPLATE template0")
        try:
            yield EMPTY
        finally:
            server.execute(end)
            server.execute(drop)


def migrate(url: str, *apps: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate", "--no-input", *apps],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "REGISTRY_ENV": "demo",
            "SECRET_KEY": "for-tests-only",
            "DATABASE_URL": url,
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["direct", pytest.param("pooled", marks=pytest.mark.pooler)])
def test_two_that_migrate_an_empty_database_at_once_both_succeed_and_one_finds_nothing_to_do(
    way: str, request: pytest.FixtureRequest
) -> None:
    with empty_database() as name:
        if way == "pooled":
            through: Pooler = request.getfixturevalue("pooler")
            processes = [migrate(through.url(name), **ENVIRONMENT) for _ in range(2)]
        else:
            processes = [migrate(direct_url(name), *FIRST_APPS) for _ in range(2)]
        answers = [process.communicate(timeout=300) for process in processes]

        assert [process.returncode for process in processes] == [0, 0], answers
        assert sorted("No migrations to apply." in out for out, _ in answers) == [False, True]
        assert sum("Waiting until it ends" in err for _, err in answers) == 1
        with server_connection() as server:
            parameters = server.info.get_parameters() | {"dbname": name}
            with psycopg.connect(**parameters) as there:
                twice = (
                    "SELECT app, name FROM django_migrations GROUP BY app, name HAVING count(*) > 1"
                )
                assert there.execute(twice).fetchall() == []


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_one_that_is_killed_lets_the_next_one_go_on() -> None:
    with empty_database() as name:
        url = direct_url(name)
        first = migrate(url, *FIRST_APPS)
        with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as there:
            count = "SELECT count(*) FROM pg_tables WHERE tablename = 'accounts_user'"
            wait_until(
                lambda: there.execute(count).fetchone() == (1,), "the first is at work", seconds=120
            )
        first.kill()
        first.communicate()

        second = migrate(url, *FIRST_APPS)
        out, err = second.communicate(timeout=300)

        assert second.returncode == 0, err
        assert "Applying" in out
