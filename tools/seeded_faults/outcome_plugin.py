"""A plugin of pytest that leaves what a run came to as JSON in the file OUTCOME_FILE names.

LIKELY_FILES names the files that run first; those without slow or browser tests come next. LANE is
the lane whose tests run, test, proof or all.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_LANE_MARKS = ("proof",)
_COSTLY_MARKS = ("proof", "browser", "pooler")
_outcome: dict[str, Any] = {"n_tests": 0, "failed": "", "marks": [], "broken": "", "error": ""}
_marks_of: dict[str, list[str]] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    likely = [name for name in os.environ.get("LIKELY_FILES", "").split(os.pathsep) if name]
    ranks = {config.rootpath / name: rank for rank, name in enumerate(likely)}
    costly = {item.path for item in items if any(map(item.get_closest_marker, _COSTLY_MARKS))}
    lane = os.environ.get("LANE", "all")
    deselected_items = [item for item in items if lane not in {"all", _lane_of_item(item)}]
    if deselected_items:
        config.hook.pytest_deselected(items=deselected_items)
        items[:] = [item for item in items if item not in set(deselected_items)]
    # sorting is stable: the tests of a file stay together
    items.sort(key=lambda item: (ranks.get(item.path, len(ranks)), item.path in costly))
    for item in items:
        _marks_of[item.nodeid] = sorted({mark.name for mark in item.iter_markers()})


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _outcome["broken"] = f"{report.nodeid}: {_last_line(str(report.longrepr))}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _outcome["n_tests"] += 1
    if report.failed and not _outcome["failed"]:
        _outcome["failed"] = report.nodeid
        _outcome["marks"] = _marks_of.get(report.nodeid, [])
        _outcome["error"] = _last_line(str(report.longrepr))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _outcome["exit_status"] = int(exitstatus)
    Path(os.environ["OUTCOME_FILE"]).write_text(json.dumps(_outcome))


def lane_of(test: str, marks: list[str]) -> str:
    """Give the lane a test runs in, by its marks and its folder."""
    in_proof = test.startswith("tests/proof/") or any(mark in _LANE_MARKS for mark in marks)
    return "proof" if in_proof else "test"


def _lane_of_item(item: pytest.Item) -> str:
    return lane_of(item.nodeid, [mark.name for mark in item.iter_markers()])


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("E ")]
    return (lines[0] if lines else text.strip().rpartition("\n")[2])[:300]
