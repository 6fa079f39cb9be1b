"""Small portfolios whose numbers were worked out on paper: every number that stands in `expected`
is answered so."""

import json
from pathlib import Path

import pytest

from tests.tools.worked_portfolios.worked_files import WORKED_FILES, expected_differences
from tools.worked_portfolios.evaluation import evaluate_portfolio
from tools.worked_portfolios.reader.document import read_file


def test_there_are_portfolios_worked_by_hand() -> None:
    assert len(WORKED_FILES) >= 3


@pytest.mark.parametrize("file", WORKED_FILES, ids=lambda file: file.stem)
def test_every_number_worked_out_by_hand_is_answered(room: None, file: Path) -> None:
    document, (portfolio,) = read_file(file)

    got = json.loads(json.dumps(evaluate_portfolio(portfolio)))

    assert list(expected_differences(got, document["portfolios"][0]["expected"])) == []


def test_sections_are_those_that_were_asked_for(room: None) -> None:
    answered = {}
    for file in WORKED_FILES:
        _, (portfolio,) = read_file(file)
        answered[portfolio.name] = set(evaluate_portfolio(portfolio))

    always = {
        "scope",
        "live_dependencies",
        "shares",
        "footing",
        "grades",
        "states",
        "may_stand",
        "states_error",
        "concentration",
        "spof",
        "cuts",
        "flags",
        "runway",
        "cost",
    }
    assert answered == {
        "two-hosts": always,
        "end-of-a-model": always | {"scenarios", "loss"},
        "through-parties": always,
    }
