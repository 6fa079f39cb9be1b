import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.alerts.models import Alert
from apps.inventory.models import Dependency
from registry.environment import mailer
from tests.alerts.delivery.smtp import Peer, Server
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world


@pytest.fixture
def smtp(settings: Any) -> Iterator[Peer]:
    """A real mail server on loopback, which the mailer uses with a patience of one second."""
    with Server() as server:
        settings.MAILERS = {"default": mailer(f"smtp://127.0.0.1:{server.port}", timeout_seconds=1)}
        yield server.peer


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    return make_small_world()


@pytest.fixture
def alert(world: SmallWorld) -> Alert:
    """The only alert of the world."""
    return Alert.objects.get()


@pytest.fixture
def dependency(world: SmallWorld) -> Dependency:
    return world.application.dependencies.get()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own that holds 64 kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
