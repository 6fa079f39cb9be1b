"""Modules that are read when they are first used."""

import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Barrier, Thread

import pytest

from apps.common.processes.lazy_import import lazy_import

APPS = Path(__file__).parents[3] / "apps"
NAMED = re.compile(r'\blazy_import\("([\w.]+)"\)')
HEAVY = (
    "django_mcpz",
    "google.protobuf",
    "icalendar",
    "jsonschema_rs",
    "jwt",
    "lxml.etree",
    "msgspec",
    "numpy",
    "onelogin.saml2.response",
    "openpyxl",
    "xlsxwriter",
    "xmlsec",
)
LOADED = f"""
import sys
import registry.wsgi
print(*(name for name in {HEAVY!r} if type(sys.modules.get(name)).__name__ == "module"))
"""


def named_later() -> list[str]:
    """Every module that somebody reads later."""
    sources = (path.read_text() for path in APPS.rglob("*.py") if path.name != "lazy_import.py")
    return sorted({name for source in sources for name in NAMED.findall(source)})


def test_a_web_process_holds_nothing_of_what_workbooks_traces_and_losses_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, cwd=APPS.parent
    )

    assert done.stdout.split() == []


def test_what_is_named_for_later_can_be_read() -> None:
    assert len(named_later()) >= 8
    for name in named_later():
        import_module(name).__doc__  # noqa: B018 - asking for anything reads it


def test_a_name_that_nothing_bears_is_refused_where_it_is_written() -> None:
    with pytest.raises(ModuleNotFoundError, match="There is no module no_such_module"):
        lazy_import("no_such_module")


def test_a_module_that_is_there_already_is_the_same_one() -> None:
    assert lazy_import("re") is re


def test_two_threads_that_need_it_at_once_both_get_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly_read.py").write_text("import time\nFIRST = 1\ntime.sleep(0.2)\nLAST = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    module, together, seen = lazy_import("slowly_read"), Barrier(2), []
    assert find_spec("slowly_read") is not None

    def ask() -> None:
        together.wait()
        seen.append(module.LAST)

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [2, 2]
    sys.modules.pop("slowly_read")
