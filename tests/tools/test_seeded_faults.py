"""The seeded faults fit the code as it stands, and applying one leaves nothing behind."""

from collections import Counter
from pathlib import Path

import pytest

from tools.seeded_faults.__main__ import main
from tools.seeded_faults.faults import (
    CHECKOUT,
    Fault,
    FaultError,
    applied,
    load_faults,
    reason_not_applicable,
)

LAYERS = {
    "common",
    "accounts",
    "catalog",
    "feeds",
    "intake",
    "inventory",
    "risks",
    "exposure",
    "alerts",
    "gate",
    "reports",
    "api",
    "web",
    "registry",
}


def _fault(**facts: object) -> Fault:
    known = {"name": "x", "layer": "web", "file": "a.py", "find": "<", "replace": ">", "tests": ()}
    return Fault(**{**known, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", load_faults(), ids=lambda fault: fault.name)
def test_fault_applies_exactly_once(fault: Fault) -> None:
    assert reason_not_applicable(fault) == ""
    for file in fault.first:
        assert any(file == test or file.startswith(f"{test}/") for test in fault.tests), file
    changed = (CHECKOUT / fault.file).read_text().replace(fault.find, fault.replace)
    if fault.file.endswith(".py"):
        compile(changed, fault.file, "exec")


def test_faults_have_names_of_their_own_and_cover_all_layers() -> None:
    faults = load_faults()
    assert len(faults) == 60
    assert max(Counter(fault.name for fault in faults).values()) == 1
    assert {fault.layer for fault in faults} == LAYERS


def test_applied_fault_is_in_the_file_only_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1 < 2\n")
    with applied(_fault(), tmp_path):
        assert (tmp_path / "a.py").read_text() == "1 > 2\n"
    assert (tmp_path / "a.py").read_text() == "1 < 2\n"


def test_file_is_restored_when_the_trial_fails(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1 < 2\n")
    with pytest.raises(RuntimeError), applied(_fault(), tmp_path):
        raise RuntimeError
    assert (tmp_path / "a.py").read_text() == "1 < 2\n"


def test_each_write_has_a_time_of_its_own_so_that_no_compiled_code_is_taken_for_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("1 < 2\n")
    times = []
    for _ in range(2):
        with applied(_fault(), tmp_path):
            times.append((tmp_path / "a.py").stat().st_mtime)
        times.append((tmp_path / "a.py").stat().st_mtime)
    assert len(set(times)) == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [("2 > 1\n", "occurs 0 times in a.py"), ("1 < 2 < 3\n", "occurs 2 times in a.py")],
)
def test_text_that_does_not_occur_once_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.py").write_text(text)
    with pytest.raises(FaultError, match=reason), applied(_fault(), tmp_path):
        pass


def test_fault_of_a_file_or_test_that_is_gone_is_refused(tmp_path: Path) -> None:
    assert "a.py does not exist" in reason_not_applicable(_fault(), tmp_path)
    (tmp_path / "a.py").write_text("1 < 2\n")
    assert "tests/a do not exist" in reason_not_applicable(_fault(tests=("tests/a",)), tmp_path)


def test_command_lists_the_chosen_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "2,59-60"]) == 0
    numbers = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert numbers == ["2", "59", "60"]


def test_command_says_which_fault_no_longer_applies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = _fault(name="A lost fault", file="no.py")
    monkeypatch.setattr("tools.seeded_faults.__main__.load_faults", lambda: [lost])
    assert main([]) == 1
    assert "A lost fault: no.py does not exist." in capsys.readouterr().err
