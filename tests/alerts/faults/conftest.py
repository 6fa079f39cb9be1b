"""A worker, a broker and a mail server per module: starting them takes longer than most drills."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.delivery.smtp import Peer, Server
from tests.alerts.faults.drill import Drill, make_worker
from tests.alerts.faults.life import Life
from tests.builders import NOW
from tests.processes import (
    Worker,
    own_broker,
    sending_to,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def broker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "broker"


@pytest.fixture(scope="module")
def broker(broker_folder: Path) -> Iterator[str]:
    with own_broker(broker_folder) as url, sending_to(url):
        yield url


@pytest.fixture(scope="module")
def worker(
    django_db_setup: None, broker: str, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    with make_worker(broker, server, tmp_path_factory.mktemp("worker") / "log") as running:
        yield running


@pytest.fixture
def drill(worker: Worker, broker: str, server: Server, transactional_db: None) -> Iterator[Drill]:
    server.peer.forget()
    running = Drill(broker, server, worker)
    yield running
    server.peer.forget()


@pytest.fixture
def life(db: None, smtp: Peer, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Life:
    """Begins at noon on a Tuesday; the register has looked for digests then, and owed none."""
    settings.MAIL_PER_SECOND = 0
    running = Life(smtp, monkeypatch, NOW)
    running.beat(NOW)
    return running
