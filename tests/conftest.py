"""Starts what the tests need before Django reads its settings, and says which tests cannot run here."""

import atexit
import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import Model
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key

from registry import embedded

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SHARED") or CHECKOUT.parent / "shared")

os.environ["REGISTRY_ENV"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
os.environ.pop("DEBUG", None)


def _start_servers(missing: dict[str, bool]) -> None:
    """PostgreSQL and Valkey of the tests' own, apart from the demo's; the last test run of a checkout stops them."""
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


missing = {"database": not os.environ.get("DATABASE_URL"), "broker": not os.environ.get("BROKER_URL")}
if any(missing.values()):
    _start_servers(missing)
# here and not left to pytest-django, which looks for settings before this file is read
django.setup()


def chromium() -> str | None:
    """The browser that browser tests drive, by CHROMIUM= or on PATH."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {}
    if not SHARED.is_dir():
        missing["shared"] = f"no recorded data: {SHARED} does not exist"
    if chromium() is None or shutil.which("chromedriver") is None:
        missing["browser"] = "no Chromium with chromedriver found: install them or set CHROMIUM="
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Remembers what migrations inserted into the floors' own tables."""
    with django_db_blocker.unblock():
        INSERTED.extend((model, rows) for model in _own_models() if (rows := list(model._default_manager.all())))


def _own_models() -> Iterator[type[Model]]:
    for model in apps.get_models():
        if model._meta.app_config.name.startswith("apps.") and not hasattr(model, "pgh_tracked_model"):
            yield model


INSERTED: list[tuple[type[Model], list[Any]]] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A test that commits ends with empty tables, also of the rows that migrations inserted: they are put back, so
    that the order of files does not matter."""
    marker = item.get_closest_marker("django_db")
    commits = bool({"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ())))
    # after the last test the database itself is gone
    if nextitem is not None and (commits or (marker is not None and marker.kwargs.get("transaction"))):
        with item.config.stash[blocking_manager_key].unblock(), transaction.atomic():
            for model, rows in INSERTED:
                model._default_manager.bulk_create(rows, ignore_conflicts=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recorded data beside the checkout; tests that use it carry the marker `shared`."""
    return SHARED


@pytest.fixture(scope="session")
def browser_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chrome"]:
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = chromium() or ""
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=ChromeService(executable_path=shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def browser(browser_session: "Chrome") -> Iterator["Chrome"]:
    """A Chromium without cookies; its console is empty afterwards, or the test failed."""
    browser_session.delete_all_cookies()
    yield browser_session
    complaints = [line["message"] for line in browser_session.get_log("browser") if line["level"] == "SEVERE"]
    assert complaints == []
