"""Starts what the tests need before Django reads its settings, and says which tests cannot run
here."""

import atexit
import contextlib
import fcntl
import gc
import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import django
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key

from apps.common.postgresql.limits import ProcessKind
from apps.common.processes import child_process
from registry import embedded
from registry.process_kind import declare_process
from tests import inserted, kept_worlds, made_footing
from tests.chromium import chromium
from tests.emptying import empty_tables
from tests.join_orders import compare_few
from tests.long_files import longest_first
from tests.seen_html import read_pages_as_seen
from tests.static_files import share_static_files
from tests.template_database import ensure_template
from tests.temporary_tables import keep_their_schema
from tests.vacuuming import switch_autovacuum_off, vacuum_before

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SHARED") or CHECKOUT.parent / "shared")

os.environ["REGISTRY_ENV"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
os.environ.pop("DEBUG", None)
declare_process(ProcessKind.COMMAND)

# how long an example takes says something about the machine, and fails where many work on it
hypothesis_settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("unhurried")


def _start_servers(missing: dict[str, bool]) -> None:
    """PostgreSQL and Valkey of the tests' own, apart from the demo's; the last test run of a
    checkout stops them."""
    folder = embedded.data_folder() / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    runs = (folder / "runs.lock").open("w")
    fcntl.flock(runs, fcntl.LOCK_SH)
    first = (folder / "first-run.lock").open("w")
    try:
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # another run is under way: same server, other database
        os.environ["TEST_DATABASE"] = f"test_registry_{os.getpid()}"
    embedded.ensure(data=folder, durable=False, **missing)

    @atexit.register
    def stop_servers() -> None:
        first.close()
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(runs, fcntl.LOCK_EX | fcntl.LOCK_NB)
            embedded.stop(folder)
        runs.close()


missing = {
    "database": not os.environ.get("DATABASE_URL"),
    "broker": not os.environ.get("BROKER_URL"),
}
if any(missing.values()):
    _start_servers(missing)
# here and not left to pytest-django, which looks for settings before this file is read
django.setup()
# what a child answers is read by a reader that knows few classes: every test that reads a file goes
# that way
child_process.is_always_encoded = True
# tests of pages hold whatever lines a template is written in
read_pages_as_seen()
share_static_files()
keep_their_schema()

pytest_plugins = ["tests.http", "tests.processes", "tests.pooler", "tests.browsing"]


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("markexpr") == "not proof":
        compare_few()


# what a module of drills alone stands out by
_ONLY_DRILLS = re.compile(r"^pytestmark = \[?pytest\.mark\.proof\b", re.M)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a module without reading it in where the marks ask for none of its tests."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    marks = config.getoption("markexpr")
    if marks == "not proof" and _ONLY_DRILLS.search(collection_path.read_text()):
        return True
    if marks == "proof" and "pytest.mark.proof" not in collection_path.read_text():
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_first(items)
    missing = {}
    if not SHARED.is_dir():
        missing["shared"] = f"no recorded data: {SHARED} does not exist"
    if chromium() is None:
        missing["browser"] = "no Chromium found: install one or set CHROMIUM="
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Without the collector: reading all tests in leaves next to no garbage, and looking for it
    took a third of that time in each worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Everything loaded until now stays to the end: the collector, which took a fifth of the tests'
    time, need not look at it again whenever a few hundred objects have been made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Test databases are copies of one that is migrated once."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = ensure_template()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Makes the run's database, also for tests that carry no django_db mark and bring committed
    worlds; remembers what migrations inserted into the floors' own tables."""
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases=["default"], serialized_aliases=[]
        )
        inserted.remember()
        made_footing.create_function()
        switch_autovacuum_off()
        _begin_keys_apart()
    yield
    with django_db_blocker.unblock():
        kept_worlds.end()
        teardown_databases(made, verbosity=0)


@pytest.fixture
def _django_db_helper(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Puts the test's own transaction into that of its world, where the world is a kept one."""
    with django_db_blocker.unblock():
        kept_worlds.begin(request.node)
    request.getfixturevalue("_django_db_helper")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """No other test sees the rows of a kept world, and no other file what tests left behind."""
    with item.config.stash[blocking_manager_key].unblock():
        kept_worlds.end_unless_of(item)
        vacuum_before(item)


def _begin_keys_apart() -> None:
    """A key of one table is none of the first ones of another, nor one of the small numbers that
    pages show anyway: a test that looks for one finds that record."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass,"
            " 1000 * row_number() OVER (ORDER BY sequencename))"
            " FROM pg_sequences WHERE schemaname = 'public' AND data_type <> 'smallint'::regtype"
            " AND coalesce(last_value, 0) < 1000"
        )


def _empty_tables(test: TransactionTestCase) -> None:
    empty_tables()


# a test that commits ends with empty tables, also of the rows that migrations inserted: they are
# put back, so that the order of files does not matter
TransactionTestCase._fixture_teardown = _empty_tables


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recorded data beside the checkout; tests that use it carry the marker `shared`."""
    return SHARED


@pytest.fixture
def fresh_counters() -> Iterator[None]:
    """Failed attempts of other tests count for nothing: the cache, which counts them, is empty."""
    cache.clear()
    yield
    cache.clear()
