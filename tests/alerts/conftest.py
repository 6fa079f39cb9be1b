from collections.abc import Iterator
from typing import Any

import pytest

from registry.environment import mailer
from tests.alerts.smtp import Peer, Server


@pytest.fixture
def smtp(settings: Any) -> Iterator[Peer]:
    """A real mail server on loopback, which the mailer uses with a patience of one second."""
    with Server() as server:
        settings.MAILERS = {"default": mailer(f"smtp://127.0.0.1:{server.port}", timeout_seconds=1)}
        yield server.peer
