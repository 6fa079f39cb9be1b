"""Small portfolios whose numbers were worked out on paper: every number that stands in `expected` is answered so."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.exposure.comparing import differences
from tools.worked_portfolios.evaluation import evaluate_portfolio
from tools.worked_portfolios.reader.document import read_file

FILES = sorted(Path(__file__).parent.glob("*.json"))
# where a section of a file names all there is, not a choice
WHOLE = {"scope", "live_dependencies", "shares", "grades", "may_stand", "spof", "cuts", "flags", "runway", "cost",
         "scenarios"}  # fmt: skip


def told(got: Any, want: Any, at: str = "") -> Iterator[str]:
    """Differences in what `want` says; of what it does not mention, anything may stand."""
    if isinstance(want, dict) and want and at.strip("/") not in WHOLE:
        for key, value in want.items():
            yield from told(got.get(key), value, f"{at}/{key}")
    else:
        yield from differences(got, want, at)


def test_there_are_portfolios_worked_by_hand() -> None:
    assert len(FILES) >= 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_number_worked_out_by_hand_is_answered(room: None, file: Path) -> None:
    document, (portfolio,) = read_file(file)

    got = json.loads(json.dumps(evaluate_portfolio(portfolio)))

    assert list(told(got, document["portfolios"][0]["expected"])) == []


def test_sections_are_those_that_were_asked_for(room: None) -> None:
    answered = {}
    for file in FILES:
        _, (portfolio,) = read_file(file)
        answered[portfolio.name] = set(evaluate_portfolio(portfolio))

    always = {"scope", "live_dependencies", "shares", "footing", "grades", "states", "may_stand", "states_error",
              "concentration", "spof", "cuts", "flags", "runway", "cost"}  # fmt: skip
    assert answered == {
        "two-hosts": always,
        "end-of-a-model": always | {"scenarios", "loss"},
        "through-parties": always,
    }
