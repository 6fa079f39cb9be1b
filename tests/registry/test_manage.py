"""manage.py works by itself on a fresh checkout, and keeps its words out of the command's
answer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import embedded
from registry.embedded.processes import running
from tests.processes import remove_servers

pytestmark = pytest.mark.proof

COUNT = "from apps.catalog.models import Provider; print(Provider.objects.count())"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    if folder.exists():
        remove_servers(folder)


def start(data: Path, *arguments: str) -> "subprocess.Popen[str]":
    left_out = {"DATABASE_URL", "BROKER_URL", "REGISTRY_ENV", "TEST_DATABASE", "DATABASE_POOL"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=embedded.CHECKOUT,
        env={**environment, "REGISTRY_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_first_commands_fill_the_database_once_and_answer_alone_on_stdout(data: Path) -> None:
    both = [start(data, "shell", "-v0", "-c", COUNT) for _ in range(2)]
    answers = [process.communicate(timeout=180) for process in both]

    assert [process.returncode for process in both] == [0, 0], answers
    counts = {out for out, _ in answers}
    assert len(counts) == 1
    assert int(counts.pop()) > 50
    assert sum("loading the built-in catalogue" in err for _, err in answers) == 1
    assert running(embedded.places_of(data).postgres_pid, "postgres"), (
        "the server stays for the next command"
    )

    later = start(data, "shell", "-v0", "-c", COUNT)
    out, err = later.communicate(timeout=60)
    assert int(out) > 50
    assert err == ""


def test_commands_without_database_start_no_server(data: Path) -> None:
    for process in [
        start(data, *arguments) for arguments in (["check"], ["help"], ["migrate", "--help"])
    ]:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out

    assert not (data / "postgres").exists()


def test_the_migrations_are_complete(data: Path) -> None:
    process = start(data, "makemigrations", "--check", "--dry-run")
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 0, out
