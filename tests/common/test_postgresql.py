"""What is waited for has an end: connections, statements, locks, migrations."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from psycopg import errors
from psycopg_pool import PoolTimeout

from apps.common import circuit_breaker as breakers
from apps.common.circuit_breaker import CircuitBreaker
from apps.common.management.commands import migrate
from apps.common.postgresql import connections
from apps.common.postgresql.connections import BoundedConnection, check_connection
from apps.common.postgresql.errors import (
    ConnectError,
    SilentServerError,
    Unavailable,
    unavailability,
)
from apps.common.postgresql.limits import LIMITS, ProcessKind
from tests.processes import database_url, holding, nobody_is_at_work, wait_until


def raised(cause: BaseException, kind: type[Exception] = OperationalError) -> Exception:
    error = kind(str(cause))
    error.__cause__ = cause
    return error


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (raised(ConnectError("refused")), Unavailable.AWAY),
            (raised(SilentServerError("silent")), Unavailable.AWAY),
            (raised(errors.CannotConnectNow("starting up")), Unavailable.AWAY),
            (raised(errors.TooManyConnections("too many clients already")), Unavailable.AWAY),
            (raised(errors.DiskFull("no space left")), Unavailable.AWAY),
            (raised(errors.AdminShutdown("terminating connection")), Unavailable.LOST),
            (raised(errors.CrashShutdown("another process died")), Unavailable.LOST),
            (
                raised(errors.IdleInTransactionSessionTimeout("idle"), kind=InterfaceError),
                Unavailable.LOST,
            ),
            (
                raised(psycopg.OperationalError("server closed the connection unexpectedly")),
                Unavailable.LOST,
            ),
            (InterfaceError("connection already closed"), Unavailable.LOST),
            (raised(errors.LockNotAvailable("lock timeout")), Unavailable.LOCKED),
            (raised(errors.DeadlockDetected("deadlock detected")), Unavailable.LOCKED),
            (raised(errors.SerializationFailure("could not serialize")), Unavailable.LOCKED),
            (raised(errors.QueryCanceled("statement timeout")), Unavailable.SLOW),
            (errors.QueryCanceled("out of the driver, as a copy raises it"), Unavailable.SLOW),
            (PoolTimeout("no connection"), Unavailable.AWAY),
            (raised(errors.UniqueViolation("twice"), kind=IntegrityError), None),
            (raised(errors.NumericValueOutOfRange("too large"), kind=DataError), None),
            (raised(errors.StatementTooComplex("too many columns")), None),
            (InterfaceError("the cursor is of another kind"), None),
            (ValueError("no database at all"), None),
        ],
        ids=repr,
    )
    def test_say_whether_the_database_cannot_answer_now(
        self, error: BaseException, reason: Unavailable | None
    ) -> None:
        assert unavailability(error) is reason

    def test_each_reason_has_a_sentence_and_a_time_to_come_again(self) -> None:
        for reason in Unavailable:
            assert reason.sentence.endswith(".")
            assert 1 <= reason.retry_after <= 60


class TestBreaker:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        moment = [100.0]
        monkeypatch.setattr(breakers, "monotonic", lambda: moment[0])
        return moment

    def test_refuses_until_its_pause_is_over_and_then_lets_one_try(
        self, clock: list[float]
    ) -> None:
        breaker = CircuitBreaker()
        assert breaker.admits()
        breaker.open(1)
        assert not breaker.admits()
        clock[0] += 1

        assert [breaker.admits() for _ in range(3)] == [True, False, False]

    def test_is_closed_by_a_trial_that_succeeds(self, clock: list[float]) -> None:
        breaker = CircuitBreaker()
        breaker.open(1)
        clock[0] += 1
        assert breaker.admits()
        breaker.close()

        assert [breaker.admits() for _ in range(3)] == [True, True, True]

    def test_a_trial_that_says_nothing_does_not_keep_it_open_for_ever(
        self, clock: list[float]
    ) -> None:
        breaker = CircuitBreaker()
        breaker.open(1)
        clock[0] += 1
        assert breaker.admits()
        clock[0] += 10

        assert breaker.admits()


@pytest.mark.django_db(transaction=True)
class TestConnections:
    @pytest.fixture
    def web(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[BoundedConnection]:
        monkeypatch.setattr(settings, "DATABASE_LIMITS", LIMITS[ProcessKind.WEB])
        with BoundedConnection.connect(database_url(), autocommit=True) as made:
            yield made

    @pytest.mark.proof
    def test_a_statement_that_takes_long_is_waited_for_while_the_server_is_there(
        self, web: Any
    ) -> None:
        assert web.execute("SELECT pg_sleep(2.5), 7").fetchone()[1] == 7

    @pytest.mark.proof
    def test_a_statement_ends_where_the_server_is_not_there_any_more(
        self, web: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "_server_responds", lambda *_: False)
        monkeypatch.setattr(connections, "_PROBE", connections._Probe())
        monkeypatch.setattr(connections, "BREAKER", CircuitBreaker())

        with pytest.raises(SilentServerError):
            # the server, which is there, ends it a little later
            web.execute("SELECT pg_sleep(4)")

        assert web.closed
        assert not connections.BREAKER.admits()
        wait_until(nobody_is_at_work, "the server has ended the statement")

    def test_a_connection_that_was_ended_meanwhile_fails_its_check(self, web: Any) -> None:
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [web.info.backend_pid])

        with pytest.raises(psycopg.OperationalError):
            check_connection(web)

    @pytest.mark.proof
    def test_a_check_costs_nothing_that_stays(self, web: Any) -> None:
        check_connection(web)

        assert web.execute("SELECT pg_sleep(1), 1").fetchone()[1] == 1


@pytest.mark.django_db(transaction=True)
class TestMigrations:
    TABLE = "accounts_team"

    @pytest.fixture
    def migrates(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The command carries out one change of a table in place of migrations; the lock time-outs
        it had."""
        seen: list[str] = []

        def handle(*_: Any, **__: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SHOW lock_timeout")
                seen.append(cursor.fetchone()[0])
                cursor.execute(f"ALTER TABLE {self.TABLE} SET (fillfactor = 100)")

        monkeypatch.setattr(migrate.migrate.Command, "handle", handle)
        monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 0.2)
        monkeypatch.setattr(migrate, "PAUSES_SECONDS", (0.1,) * 30)
        return seen

    @pytest.mark.proof
    def test_a_migration_tries_again_until_a_table_is_free(self, migrates: list[str]) -> None:
        held = holding(f"LOCK TABLE {self.TABLE} IN SHARE MODE")
        held.__enter__()
        end = threading.Timer(1.0, lambda: held.__exit__(None, None, None))
        end.start()
        call_command("migrate", verbosity=0)
        end.join()

        assert len(migrates) > 1
        assert set(migrates) == {"200ms"}
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "1min"

    @pytest.mark.proof
    def test_a_migration_gives_up_with_a_sentence(
        self, migrates: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(migrate, "PAUSES_SECONDS", (0.1, 0.1))
        with (
            holding(f"LOCK TABLE {self.TABLE} IN SHARE MODE"),
            pytest.raises(CommandError, match="is in use"),
        ):
            call_command("migrate", verbosity=0)

        assert len(migrates) == 3
