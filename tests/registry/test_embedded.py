"""The embedded servers: started, found again, stopped; the folders around them left as they
were."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from apps.common.database.scratch_database import drop_database
from registry import embedded
from registry.embedded.places import LONGEST_SOCKET_FOLDER
from registry.embedded.processes import find_server, server_environment
from registry.environment import redis_client_url
from tests.dates import MISSING, real_time, shifting_library
from tests.processes import has_ended, remove_servers

pytestmark = pytest.mark.proof

OWNER = """
import sys, time
from pathlib import Path
from registry import embedded
places = embedded.ensure(data=Path(sys.argv[1]), durable=False)
print(places.database_url, places.broker_url, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ensure` names its servers in the environment; the tests' own names come back afterwards."""
    for name in ("DATABASE_URL", "BROKER_URL"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a folder"
    yield folder
    remove_servers(folder)


def start_owner(data: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data)],
        cwd=embedded.CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def server_pids(data: Path) -> set[int]:
    places = embedded.places_of(data)
    return {
        process.pid
        for file, name in (
            (places.postgres_pid, "postgres"),
            (places.valkey_pid, "valkey"),
        )
        if (process := find_server(file, name))
    }


def ask(places: embedded.Places) -> str:
    with psycopg.connect(places.database_url) as connection:
        row = connection.execute(
            "SELECT current_user || ' ' || current_setting('server_version')"
        ).fetchone()
    with redis.Redis.from_url(redis_client_url(places.broker_url)) as client:
        assert client.ping()
    assert row is not None
    return str(row[0])


def test_both_servers_answer_after_the_first_start(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False)

    assert ask(places).startswith("registry 18.")
    assert os.environ["DATABASE_URL"] == places.database_url
    assert os.environ["BROKER_URL"] == places.broker_url


def test_a_server_gets_nothing_of_our_environment_but_the_path_and_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the application")
    monkeypatch.setenv("DATEFUDGE", "-60")
    monkeypatch.delenv("LD_PRELOAD", raising=False)

    assert server_environment() == {"PATH": os.environ["PATH"], "LC_ALL": "C", "DATEFUDGE": "-60"}


def test_the_servers_keep_the_shifted_time_of_whoever_starts_them(data: Path) -> None:
    library = shifting_library()
    if library is None:
        pytest.skip(MISSING)
    year = 365 * 24 * 3600

    with start_owner(data, LD_PRELOAD=str(library), DATEFUDGE=str(-year)) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        owner.kill()
    places = embedded.places_of(data)
    with psycopg.connect(places.database_url) as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    with redis.Redis.from_url(redis_client_url(places.broker_url)) as client:
        seconds = client.time()[0]
    expected = real_time() + year

    assert row is not None
    assert float(row[0]) == pytest.approx(expected, abs=60)
    assert seconds == pytest.approx(expected, abs=60)


def test_the_role_is_no_superuser_and_may_create_the_test_database(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False, broker=False)

    with psycopg.connect(places.database_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, True)


def test_a_database_of_the_role_is_dropped_while_autovacuum_works_in_it(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False, broker=False)
    with (
        psycopg.connect(
            host=str(places.sockets), user="postgres", autocommit=True
        ) as administrator,
        psycopg.connect(places.database_url, autocommit=True) as role,
    ):
        for setting in ("naptime = '1s'", "vacuum_cost_delay = '100ms'", "vacuum_cost_limit = 1"):
            administrator.execute(f"ALTER SYSTEM SET autovacuum_{setting}")
        administrator.execute("SELECT pg_reload_conf()")
        role.execute("CREATE DATABASE spare")
        with psycopg.connect(
            host=str(places.sockets), user="registry", dbname="spare", autocommit=True
        ) as spare:
            spare.execute(
                "CREATE TABLE dead AS SELECT g, repeat('x', 500) FROM generate_series(1, 20000) g"
            )
            spare.execute("DELETE FROM dead WHERE g % 2 = 0")
            wait_for(
                administrator,
                "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
                " AND datname = 'spare'",
            )
            drop_database(role.execute, "spare")

            assert (
                role.execute("SELECT 1 FROM pg_database WHERE datname = 'spare'").fetchall() == []
            )
            with pytest.raises(psycopg.OperationalError):
                spare.execute("SELECT 1")


def wait_for(server: "psycopg.Connection[Any]", question: str) -> None:
    deadline = time.monotonic() + 60
    while not server.execute(question).fetchall():
        assert time.monotonic() < deadline, question
        time.sleep(0.05)


def test_text_sorts_by_code_point_and_lowers_beyond_ascii_without_icu(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False, broker=False)

    with psycopg.connect(places.database_url) as connection:
        row = connection.execute(
            "SELECT lower('ÄÖÜ'), 'Z' < 'a', current_setting('TimeZone')"
        ).fetchone()

    assert row == ("äöü", True, "UTC")


def test_a_second_start_attaches_to_the_running_servers(data: Path) -> None:
    embedded.ensure(data=data, durable=False)
    first = server_pids(data)

    embedded.ensure(data=data, durable=False)

    assert len(first) == 2
    assert server_pids(data) == first


def test_servers_outlive_the_killed_process_that_started_them_and_are_found_again(
    data: Path,
) -> None:
    owner = start_owner(data)
    assert owner.stdout is not None
    owner.stdout.readline()
    first = server_pids(data)
    owner.kill()
    owner.communicate()

    places = embedded.ensure(data=data, durable=False)

    assert server_pids(data) == first
    assert ask(places).startswith("registry")


def test_two_processes_that_start_at_once_share_one_server(data: Path) -> None:
    owners = [start_owner(data), start_owner(data)]
    said = {owner.stdout.readline() for owner in owners if owner.stdout}
    for owner in owners:
        owner.kill()
        owner.communicate()

    assert len(said) == 1
    assert len(server_pids(data)) == 2


def test_killed_servers_start_again_over_their_stale_pid_files(data: Path) -> None:
    places = embedded.ensure(data=data, durable=True)
    with psycopg.connect(places.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    killed = server_pids(data)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    embedded.ensure(data=data, durable=True)

    assert server_pids(data).isdisjoint(killed)
    with psycopg.connect(places.database_url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_pid_file_that_names_a_stranger_is_not_believed(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False)
    embedded.stop(data)
    stranger = str(os.getpid())
    (places.postgres_pid).write_text(
        f"{stranger}\n{places.cluster}\n1\n5432\n{places.sockets}\n\n\nready\n"
    )
    (places.valkey_pid).write_text(stranger)

    embedded.ensure(data=data, durable=False)

    assert os.getpid() not in server_pids(data)
    assert len(server_pids(data)) == 2


def test_an_interrupted_first_start_leaves_nothing_that_hinders_the_next(data: Path) -> None:
    (data / "postgres" / "data.draft" / "base").mkdir(parents=True)
    (data / "postgres" / "data.draft" / "PG_VERSION").write_text("18")

    places = embedded.ensure(data=data, durable=False, broker=False)

    assert ask_database(places)


def ask_database(places: embedded.Places) -> bool:
    with psycopg.connect(places.database_url) as connection:
        return connection.execute("SELECT true").fetchone() == (True,)


def test_stop_ends_both_and_a_second_stop_finds_nothing(data: Path) -> None:
    embedded.ensure(data=data, durable=False)
    pids = server_pids(data)

    assert embedded.stop(data) == ["PostgreSQL", "Valkey"]
    assert all(has_ended(pid) for pid in pids)
    assert embedded.stop(data) == []


def test_data_of_another_major_version_is_refused_with_a_sentence(data: Path) -> None:
    places = embedded.ensure(data=data, durable=False)
    embedded.stop(data)
    (places.cluster / "PG_VERSION").write_text("17\n")

    with pytest.raises(embedded.EmbeddedError, match="created by PostgreSQL 17"):
        embedded.ensure(data=data, durable=False)

    (places.cluster / "PG_VERSION").write_text("18\n")


def test_a_long_or_unusual_path_gets_short_sockets(tmp_path: Path) -> None:
    data = tmp_path / ("long name, with $signs " * 4) / "x" / ("y" * 60)
    try:
        places = embedded.ensure(data=data, durable=False)
        assert len(str(places.sockets)) < LONGEST_SOCKET_FOLDER
        assert ask(places)
    finally:
        remove_servers(data)


def test_folders_above_keep_their_modes_and_owners(tmp_path: Path) -> None:
    """As root the server runs as another user, which must not open the way there for everybody."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    above = [closed, *closed.parents]
    before = [(folder.stat().st_mode, folder.stat().st_uid) for folder in above]
    data = closed / "data"
    try:
        places = embedded.ensure(data=data, durable=False)
        assert ask(places)
        assert [(folder.stat().st_mode, folder.stat().st_uid) for folder in above] == before
        if os.geteuid() == 0:
            assert not places.home.is_relative_to(closed)
            assert (data / "postgres.path").read_text().strip() == str(places.home)
    finally:
        remove_servers(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps data aside")
def test_data_aside_goes_when_the_folder_that_points_to_it_was_deleted(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "data"
    try:
        places = embedded.ensure(data=data, durable=False, broker=False)
        with psycopg.connect(places.database_url) as connection:
            connection.execute("CREATE TABLE old AS SELECT 1")
        (data / "postgres.path").unlink()

        embedded.ensure(data=data, durable=False, broker=False)

        with psycopg.connect(places.database_url) as connection:
            assert connection.execute("SELECT to_regclass('old')").fetchone() == (None,)
    finally:
        remove_servers(data)
