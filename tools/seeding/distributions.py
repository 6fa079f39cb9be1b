"""Shapes of chance that real portfolios show: few things carry most, many carry little.

Plain numpy.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

type Ints = np.ndarray[Any, np.dtype[np.int64]]
type Bools = np.ndarray[Any, np.dtype[np.bool_]]


def zipf_probabilities(n: int, exponent: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Probabilities of ranks 1 to n, falling as rank to the power of -exponent."""
    weights = 1 / np.arange(1, n + 1) ** exponent
    return weights / weights.sum()


def draw_values(
    rng: np.random.Generator, values: Sequence[Any], n: int, p: Sequence[float]
) -> list[Any]:
    """Draw `n` of these values with these probabilities, as Python objects."""
    return [values[i] for i in rng.choice(len(values), n, p=p).tolist()]


def mask_values(values: Sequence[Any] | np.ndarray[Any, Any], is_masked: Bools) -> list[Any]:
    """Return the values, with None where `is_masked`."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return [
        None if is_masked_value else value
        for value, is_masked_value in zip(plain, is_masked.tolist(), strict=True)
    ]


def count_days(on: date, offsets: Ints) -> list[date]:
    """Days counted from `on`; each is made once, since there are few and they are many."""
    low, high = (int(offsets.min()), int(offsets.max())) if len(offsets) else (0, 0)
    table = [on + timedelta(days=offset) for offset in range(low, high + 1)]
    return [table[offset - low] for offset in offsets.tolist()]
