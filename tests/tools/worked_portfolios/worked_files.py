"""Portfolios whose numbers were worked out on paper, and what an answer differs in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.exposure.answer_differences import differences

WORKED_FILES = sorted(Path(__file__).parent.glob("*.json"))


# where a section of a file names all there is, not a choice
WHOLE_SECTIONS = {
    "scope",
    "live_dependencies",
    "shares",
    "grades",
    "may_stand",
    "spof",
    "cuts",
    "flags",
    "runway",
    "cost",
    "scenarios",
}


def expected_differences(got: Any, want: Any, at: str = "") -> Iterator[str]:
    """Yield a line for each difference in what `want` names; what it does not name may be
    anything."""
    if isinstance(want, dict) and want and at.strip("/") not in WHOLE_SECTIONS:
        for key, value in want.items():
            yield from expected_differences(got.get(key), value, f"{at}/{key}")
    else:
        yield from differences(got, want, at)
