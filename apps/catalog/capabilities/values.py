"""The settled value of one stated field. Plain Python."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SettledValue:
    """The value of one field that applies.

    `value` is None if it is unknown, also because sources of the same rank contradict each other
    (`contradicted`). `source` is the name of the source to show, `at` the ISO day on which it
    stated the value, `agreed` the number of sources that state it.
    """

    value: Any
    source: str = ""
    at: str = ""
    agreed: int = 0
    contradicted: bool = False


UNKNOWN = SettledValue(None)
