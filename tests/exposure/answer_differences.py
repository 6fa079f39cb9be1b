"""Two answers about a portfolio, compared: rationals exactly where both are, floats to nine
digits."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any


def differences(got: Any, want: Any, at: str = "") -> Iterator[str]:
    """A line for each place where they differ; keys that only one of them has count."""
    if isinstance(got, dict) and isinstance(want, dict):
        for key in sorted(set(got) | set(want), key=str):
            if key not in got or key not in want:
                yield f"{at}/{key}: only in the {'answer' if key in got else 'truth'}"
            else:
                yield from differences(got[key], want[key], f"{at}/{key}")
    elif isinstance(got, list | tuple) and isinstance(want, list | tuple):
        if len(got) != len(want):
            yield f"{at}: {len(got)} entries, not {len(want)}"
        for place, (one, other) in enumerate(zip(got, want, strict=False)):
            yield from differences(one, other, f"{at}[{place}]")
    elif isinstance(got, float) or isinstance(want, float):
        if not _close(got, want):
            yield f"{at}: {got!r}, not {want!r}"
    elif got != want or isinstance(got, bool) != isinstance(want, bool):
        yield f"{at}: {got!r}, not {want!r}"


def _close(got: Any, want: Any) -> bool:
    if isinstance(got, bool | None) or isinstance(want, bool | None):
        return False
    return math.isclose(float(Fraction(got)), float(Fraction(want)), rel_tol=1e-9, abs_tol=1e-12)
