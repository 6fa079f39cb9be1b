"""Figures of the drills, told at the end of the run."""

import pytest

_figures: list[str] = []


@pytest.fixture
def figures() -> list[str]:
    """Lines that are printed once all drills are through."""
    return _figures


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section("what arrived of each client")
        for line in _figures:
            terminalreporter.write_line(line)
