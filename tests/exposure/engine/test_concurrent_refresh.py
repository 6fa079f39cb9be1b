"""Several at once: refreshes, writers in the middle of one, one that is killed, what-ifs beside
each other."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from apps.catalog.models import Node, Provider
from apps.exposure.engine.operations import Operation, Remove, Replace, Retire
from apps.exposure.engine.overlay import overlay
from apps.exposure.engine.scenarios import ScenarioAnswer, run_operations
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import RefreshResult, rebuild, refresh
from apps.exposure.models import Path, Policy
from apps.inventory.models import Application, Dependency
from apps.inventory.models.change_queue import ChangedApplication
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_policy,
    make_provider,
)
from tests.exposure.engine.random_changes import RandomChanges
from tests.exposure.engine.tables import contents, differences, rebuilt
from tests.processes import database_url

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
# more by hand, and then at every single statement: RACES=0:40
FIRST, END = map(int, os.environ.get("RACES", "0:1").split(":"))
STRIDE = 1 if "RACES" in os.environ else 4


_WAITING = """
    SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"""


def in_thread(work: Callable[[], object], failures: list[BaseException]) -> threading.Thread:
    """`work` on a connection of its own."""

    def run_and_close() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run_and_close)
    thread.start()
    return thread


@contextmanager
def before_statement(number: int, do: Callable[[], None]) -> Iterator[list[str]]:
    """Calls `do` just before this connection sends its statement `number`; the statements that were
    sent."""
    sent: list[str] = []

    def wrapper(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if len(sent) == number:
            sent.append(sql)
            do()
        else:
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield sent


def assert_like_rebuilt(on: Any = TODAY) -> None:
    assert differences(contents(), rebuilt(on)) == []


def test_two_refreshes_at_once_do_the_work_of_one() -> None:
    offering = make_offering()
    for _ in range(4):
        make_dependency(make_application(), offering)
    rebuild(on=TODAY)
    Application.objects.update(criticality=0)
    done: list[RefreshResult] = []
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        done.append(refresh(on=TODAY))

    for thread in [in_thread(work, failures) for _ in range(2)]:
        thread.join()

    assert failures == []
    assert sorted(refreshed.n_applications for refreshed in done) == [0, 4]
    assert_like_rebuilt()


@dataclass
class Writers:
    """Threads that each do one random edit of the world."""

    world: RandomChanges
    said: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def write(self) -> None:
        self.threads.append(in_thread(lambda: self.said.append(self.world.edit()), self.failures))
        # a writer who has to wait for the refresh is let go on
        self.threads[-1].join(timeout=2)

    def end(self) -> None:
        for thread in self.threads:
            thread.join()
        assert self.failures == []


@pytest.mark.parametrize("seed", range(FIRST, END))
@pytest.mark.parametrize("build", [refresh, rebuild])
def test_a_writer_who_commits_in_the_middle_loses_nothing(
    build: Callable[..., RefreshResult], seed: int
) -> None:
    """At any statement of a refresh, or of a full build, somebody else commits: the next refresh
    makes up for it."""
    world = RandomChanges(seed, n_applications=5)
    rebuild(on=world.day)
    chance = random.Random(seed)
    for _ in range(6):
        world.edit()
        writers = Writers(world)
        number, day = chance.randrange(45), world.day
        with before_statement(number, writers.write) as sent:
            build(on=day)
        writers.end()
        refresh(on=world.day)

        wrong = differences(contents(), rebuilt(world.day))
        assert wrong == [], (
            f"seed {seed}: {writers.said} before {sent[number] if number < len(sent) else None}"
        )


@pytest.mark.parametrize("build", [refresh, rebuild])
def test_a_new_gateway_that_is_named_in_the_middle_is_not_lost(
    build: Callable[..., RefreshResult],
) -> None:
    """The race that random writers seldom hit: what the party rows and the paths are read from is
    one reading."""
    offering = make_offering()
    application = make_application()
    make_dependency(application, offering)
    rebuild(on=TODAY)
    number, n_sent = 0, 1
    while number < n_sent:
        gateway = make_provider(roles=("gateway",))
        failures: list[BaseException] = []
        Application.objects.filter(pk=application.pk).update(users_affected=number)

        def write(gateway: Provider = gateway) -> None:
            Dependency.objects.update(reached="gateway", via_party=gateway)

        with before_statement(number, lambda: in_thread(write, failures).join()) as sent:  # noqa: B023 - used at once
            build(on=TODAY)
        refresh(on=TODAY)

        assert failures == []
        assert differences(contents(), rebuilt()) == [], sent[number]
        number, n_sent = number + STRIDE, len(sent)


@pytest.mark.parametrize("build", [refresh, rebuild])
def test_a_policy_that_asks_something_new_in_the_middle_is_answered(
    build: Callable[..., RefreshResult],
) -> None:
    applications = [make_application() for _ in range(2)]
    for application in applications:
        make_dependency(application, make_offering())
    policy = make_policy(kinds=["version"], threat="error", enabled=False)
    number, n_sent = 0, 1
    while number < n_sent:
        Policy.objects.filter(pk=policy.pk).update(enabled=False)
        refresh(on=TODAY)
        Application.objects.filter(pk=applications[0].pk).update(users_affected=number)
        failures: list[BaseException] = []

        def enable() -> None:
            Policy.objects.filter(pk=policy.pk).update(enabled=True)

        with before_statement(number, lambda: in_thread(enable, failures).join()) as sent:  # noqa: B023 - used at once
            build(on=TODAY)
        refresh(on=TODAY)

        assert failures == []
        assert differences(contents(), rebuilt()) == [], sent[number]
        number, n_sent = number + STRIDE, len(sent)


def test_a_refresh_that_is_killed_half_way_leaves_the_old_rows_and_its_work_to_do() -> None:
    world = RandomChanges(2, n_applications=5)
    rebuild(on=world.day)
    for _ in range(10):
        world.edit()
    waiting = set(ChangedApplication.objects.values_list("pk", flat=True))
    before = contents()
    with transaction.atomic(), before_statement(10**6, lambda: None) as sent:
        refresh(on=world.day)
        transaction.set_rollback(True)
    assert len(sent) > 20

    # the dry run sent a savepoint and its release as well
    for number in range(1, len(sent) - 2, 4):
        ours = connection.connection.info.backend_pid

        def kill(backend: int = ours) -> None:
            with psycopg.connect(database_url()) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [backend])

        with pytest.raises(OperationalError), before_statement(number, kill):
            refresh(on=world.day)
        connection.close()

        assert contents() == before
        assert waiting <= set(ChangedApplication.objects.values_list("pk", flat=True))

    refresh(on=world.day)
    assert_like_rebuilt(world.day)


def test_a_writer_who_rolls_back_leaves_nothing_to_do() -> None:
    dependency = make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)
    with transaction.atomic():
        Dependency.objects.filter(pk=dependency.pk).update(role="judge")
        transaction.set_rollback(True)

    assert refresh(on=TODAY) == RefreshResult(0, rebuilt=False, node_ids=frozenset())
    assert ChangedApplication.objects.count() == 0


def test_nobody_else_sees_a_what_if() -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)
    count = (
        "SELECT (SELECT count(*) FROM exposure_path),"
        " (SELECT count(*) FROM inventory_application WHERE status = %s)"
    )
    with overlay(settings=engine_settings(), on=TODAY) as what_if:
        what_if.apply(Retire(Application.objects.get().pk))
        what_if.derive()
        with psycopg.connect(database_url()) as other:
            seen = other.execute(count, ["retired"]).fetchone()
            # and nobody waits for it
            other.execute("SET lock_timeout = '5s'")
            other.execute("UPDATE inventory_application SET users_affected = 7")
        inside = Path.objects.count(), Application.objects.filter(status="retired").count()

    assert (inside, seen) == ((0, 1), (1, 0))
    assert Application.objects.get().users_affected == 7


def test_two_what_ifs_at_once_answer_as_they_do_alone() -> None:
    world = RandomChanges(5)
    rebuild(on=world.day)
    settings = engine_settings()
    removed = Remove(tuple(Node.objects.order_by("pk").values_list("pk", flat=True)[:3]))
    asked: list[list[Operation]] = [
        [removed, Replace(*world.offering_ids[:2])],
        [
            removed,
            *(
                Retire(pk)
                for pk in Application.objects.order_by("pk").values_list("pk", flat=True)[:3]
            ),
        ],
    ]
    alone = [run_operations(operations, settings=settings) for operations in asked]
    found: dict[int, ScenarioAnswer] = {}
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def answer(place: int) -> None:
        together.wait()
        found[place] = run_operations(asked[place], settings=settings)

    for thread in [in_thread(lambda place=place: answer(place), failures) for place in range(2)]:  # type: ignore[misc]
        thread.join()

    assert failures == []
    assert [found[0], found[1]] == alone


def test_a_refresh_waits_until_a_what_if_has_its_answer() -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)
    Application.objects.update(criticality=0)
    failures: list[BaseException] = []
    refreshes: list[threading.Thread] = []
    waited: list[bool] = []

    def start_refresh() -> None:
        refreshes.append(in_thread(lambda: refresh(on=TODAY), failures))
        with psycopg.connect(database_url(), autocommit=True) as other:
            while refreshes[0].is_alive() and not other.execute(_WAITING).fetchone():
                pass
        waited.append(refreshes[0].is_alive())

    with before_statement(8, start_refresh):
        answer = run_operations([], settings=engine_settings())
    refreshes[0].join()

    assert failures == []
    assert waited == [True]
    assert answer.before == answer.after
    assert Path.objects.get().criticality == 0
