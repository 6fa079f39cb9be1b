"""A private copy of the checkout, with its own data folder, in which faults are applied."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.embedded import places_of
from tools.seeded_faults.faults import CHECKOUT

# what a run of tests settles itself; pytest would load settings before the tests' own set-up
_OWN = frozenset(
    {
        "BROKER_URL",
        "DATABASE_URL",
        "DJANGO_SETTINGS_MODULE",
        "PYTEST_ADDOPTS",
        "REGISTRY_DATA",
        "REGISTRY_ENV",
    }
)


@contextmanager
def private_copy(source: Path = CHECKOUT) -> Iterator[Path]:
    """Give the copy, alone. The next run finds it again, with the template of the database.

    Its servers go on between two runs of pytest, which each would start them again, and end with
    the block.
    """
    folder = _folder_of(source)
    copy, data = folder / "checkout", folder / "checkout" / ".data" / "tests"
    data.mkdir(parents=True, exist_ok=True)
    # others may pass through to what is theirs, as the embedded PostgreSQL needs it
    for folder_to_open in (folder, copy, data.parent):
        folder_to_open.chmod(0o711)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run uses {folder}. Wait until it ends.")
        _synchronise(source, copy)
        # a run of pytest that ends stops the servers unless another run holds this lock
        with (data / "runs.lock").open("w") as runs:
            fcntl.flock(runs, fcntl.LOCK_SH)
            try:
                yield copy
            finally:
                _stop_servers(copy)


def remove_copy(source: Path = CHECKOUT) -> None:
    """Remove the copy with its servers' data, where no run works in it."""
    with private_copy(source) as copy:
        pass
    aside = places_of(copy / ".data" / "tests").aside
    for folder in (aside, _folder_of(source)):
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _folder_of(source: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(source)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"seeded-faults-{digest}"


def environment_of(source: Path = CHECKOUT) -> dict[str, str]:
    """Give the environment of a test run in the copy: own data, recorded data is shared."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
    return {"SHARED": str(source.parent / "shared"), **inherited}


def _synchronise(source: Path, copy: Path) -> None:
    """Make the copy's files those of the source; what git ignores is left alone on both sides."""
    source_paths = set(_files_of(source))
    copied_paths = {path.relative_to(copy) for path in _files_below(copy)}
    for path in sorted(copied_paths - source_paths):
        (copy / path).unlink()
    for path in sorted(source_paths):
        original, target = source / path, copy / path
        content = original.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            shutil.copymode(original, target)
    link = copy / ".venv"
    if not link.is_symlink():
        link.symlink_to((source / ".venv").resolve())


def _files_of(source: Path) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    output = subprocess.run(command, cwd=source, check=True, capture_output=True).stdout
    names = [os.fsdecode(name) for name in output.split(b"\0") if name]
    return [Path(name) for name in names if (source / name).is_file()]


def _files_below(copy: Path) -> Iterator[Path]:
    for folder, folders, names in copy.walk():
        ignored = {"__pycache__", "build"} | {name for name in folders if name.startswith(".")}
        folders[:] = [name for name in folders if name not in ignored - {".ci"}]
        yield from (folder / name for name in names)


def _stop_servers(copy: Path) -> None:
    command = [sys.executable, "-m", "registry.embedded", "stop"]
    environment = {**environment_of(), "REGISTRY_DATA": ".data/tests"}
    subprocess.run(command, cwd=copy, env=environment, check=False, capture_output=True)
