"""Embedded PostgreSQL: initialised, started, given the registry's role and database."""

import shutil
import signal
import subprocess
import time

import psutil
import psycopg
from psycopg import sql

from registry.embedded.places import (
    DATABASE,
    ROLE,
    Places,
    binaries,
    claim_home,
    make_private_folder,
    server_user,
)
from registry.embedded.processes import (
    START_SECONDS,
    EmbeddedError,
    died,
    end,
    error_with_log,
    find_server,
    launch,
    server_environment,
)

MAJOR = "18"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# settings that make tests faster: their data need not survive a crash
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def ensure(places: Places, *, durable: bool) -> None:
    """Start PostgreSQL unless it runs and accepts connections, and create role and database if
    missing. `durable=False` gives up crash safety for speed."""
    claim_home(places)
    server = find_server(places.postgres_pid, "postgres")
    if server is None:
        make_private_folder(places.sockets, unprivileged=True)
        _ensure_cluster(places, durable=durable)
        server = _start_postgres(places, durable=durable)
    elif not _wait_for_connection(places, server):
        end(server, signal.SIGINT, signal.SIGQUIT)
        make_private_folder(places.sockets, unprivileged=True)
        _start_postgres(places, durable=durable)
    with psycopg.connect(
        host=str(places.sockets), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            # no superuser: the role has the rights of a production role
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE))
            )
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(ROLE)
                )
            )


def stop(places: Places) -> bool:
    """Stop the server, and return whether there was one to stop."""
    server = find_server(places.postgres_pid, "postgres")
    if server is None:
        return False
    end(server, signal.SIGINT, signal.SIGQUIT)  # fast shutdown, then immediate
    return True


def _ensure_cluster(places: Places, *, durable: bool) -> None:
    """Make the data directory if missing, beside its final name, so that an interrupted start
    leaves no half one. EmbeddedError if another major version of PostgreSQL made it.
    `durable=False` skips the flush to disk."""
    version_file = places.cluster / "PG_VERSION"
    if version_file.exists():
        if (cluster_version := version_file.read_text().strip()) != MAJOR:
            raise EmbeddedError(
                f"{places.cluster} was created by PostgreSQL {cluster_version}, but this is "
                f"{MAJOR}. Dump it with the old version, or move the folder away to start with an "
                "empty database."
            )
        return
    draft = places.home / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    completed = subprocess.run(
        [
            str(binaries(places) / "initdb"),
            "--pgdata",
            str(draft),
            "--username",
            "postgres",
            "--encoding",
            "UTF8",
            # the built-in provider sorts by code point on every machine and needs no ICU
            "--locale",
            "C",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
            "--auth-local",
            "trust",
            "--auth-host",
            "reject",
            "--no-instructions",
            *([] if durable else ["--no-sync"]),
        ],
        cwd="/",
        env={**server_environment(), "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=server_user(),
        extra_groups=[] if server_user() else None,
    )
    if completed.returncode:
        raise EmbeddedError(f"initdb failed:\n{completed.stderr.strip()}")
    shutil.rmtree(places.cluster, ignore_errors=True)
    draft.rename(places.cluster)


def _start_postgres(places: Places, *, durable: bool) -> psutil.Process:
    """Start the server on the existing data directory and return its process once it accepts
    connections; EmbeddedError with the end of its log if it does not within START_SECONDS."""
    log = places.home / "log"
    settings = {
        **SETTINGS,
        "unix_socket_directories": str(places.sockets),
        **({} if durable else FORGETFUL),
    }
    command = [str(binaries(places) / "postgres"), "-D", str(places.cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    deadline = time.monotonic() + START_SECONDS
    while True:
        # the server would believe a pid file whose pid now belongs to another program
        places.postgres_pid.unlink(missing_ok=True)
        server = launch(command, log=log, user=server_user())
        if _wait_for_connection(places, server):
            return server
        if not died(server) or time.monotonic() > deadline:
            raise error_with_log("The embedded PostgreSQL did not start.", log)
        # backends of a killed server need a moment to notice; until then the start is refused
        time.sleep(0.5)


def _wait_for_connection(places: Places, server: psutil.Process) -> bool:
    """Wait until the server takes connections; False if it died or START_SECONDS are over."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            psycopg.connect(
                host=str(places.sockets), user="postgres", dbname="postgres", connect_timeout=5
            ).close()
        except psycopg.OperationalError:
            if died(server):
                return False
            time.sleep(0.02)
        else:
            return True
    return False
