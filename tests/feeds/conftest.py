from collections.abc import Iterator

import pytest

from tests.feeds.loopback import Loopback


@pytest.fixture
def feed() -> Iterator[Loopback]:
    """A server on loopback that a source is polled from."""
    with Loopback() as server:
        yield server
