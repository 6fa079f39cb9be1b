"""The faults as data, and applying one to a checkout."""

import os
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FAULTS_FILE = Path(__file__).with_name("faults.toml")
# Python trusts compiled code whose source has the same second and size: each write gets its own
_SECONDS = count(int(time.time()) + 60)


class FaultError(Exception):
    """A fault that does not apply: its text is missing or occurs more than once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong change of one text in one file, and the tests asked; files in `first` come first."""

    name: str
    layer: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    first: tuple[str, ...] = ()


def load_faults(path: Path = FAULTS_FILE) -> list[Fault]:
    """Read the faults in the order of the file."""
    rows = tomllib.loads(path.read_text())["fault"]
    lists = ("tests", "first")
    return [Fault(**{**row, **{name: tuple(row.get(name, ())) for name in lists}}) for row in rows]


def reason_not_applicable(fault: Fault, checkout: Path = CHECKOUT) -> str:
    """Say why the fault does not apply to the checkout; empty where it applies."""
    path = checkout / fault.file
    if not path.is_file():
        return f"{fault.name}: {fault.file} does not exist."
    n_found = path.read_text().count(fault.find)
    if n_found != 1:
        return f"{fault.name}: the text occurs {n_found} times in {fault.file}, not once."
    for test in (*fault.tests, *fault.first):
        if not (checkout / test).exists():
            return f"{fault.name}: the tests {test} do not exist."
    return ""


@contextmanager
def applied(fault: Fault, checkout: Path) -> Iterator[None]:
    """Hold the fault in the file while the block runs; the file is then what it was."""
    if reason := reason_not_applicable(fault, checkout):
        raise FaultError(reason)
    path = checkout / fault.file
    before = path.read_text()
    _write(path, before.replace(fault.find, fault.replace))
    try:
        yield
    finally:
        _write(path, before)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    second = next(_SECONDS)
    os.utime(path, (second, second))
