"""The sentence for one and the sentence for many."""

import pytest

from apps.common.text import pluralize


@pytest.mark.parametrize(
    ("n", "sentence"),
    [
        (0, "are late"),
        (1, "is late"),
        (1.0, "is late"),
        (2, "are late"),
        (1.5, "are late"),
        (-1, "are late"),
    ],
)
def test_only_exactly_one_is_singular(n: float, sentence: str) -> None:
    assert pluralize(n, "is late", "are late") == sentence
