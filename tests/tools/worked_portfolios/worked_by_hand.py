"""Portfolios whose numbers were worked out on paper, and how an answer is compared with these
numbers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.exposure.comparing import differences

FILES = sorted(Path(__file__).parent.glob("*.json"))
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
    """Compare only what `want` mentions; of everything else anything may stand."""
    if isinstance(want, dict) and want and at.strip("/") not in WHOLE_SECTIONS:
        for key, value in want.items():
            yield from expected_differences(got.get(key), value, f"{at}/{key}")
    else:
        yield from differences(got, want, at)
