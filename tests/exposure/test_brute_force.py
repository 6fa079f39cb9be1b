"""The brute force that the engine is compared with is itself compared with numbers that others
worked out."""

import json
from pathlib import Path

import pytest

from tests.exposure.answer_differences import differences
from tests.exposure.brute_answers import answers
from tests.tools.worked_portfolios.worked_files import WORKED_FILES, expected_differences
from tools.worked_portfolios.reader.document import read_file


@pytest.mark.parametrize("file", WORKED_FILES, ids=lambda file: file.stem)
def test_brute_force_agrees_with_what_was_worked_by_hand(file: Path) -> None:
    document, (portfolio,) = read_file(file)
    assert (
        list(expected_differences(answers(portfolio), document["portfolios"][0]["expected"])) == []
    )


@pytest.mark.proof
@pytest.mark.shared
def test_brute_force_agrees_with_the_worked_examples(shared: Path) -> None:
    document, portfolios = read_file(shared / "design" / "exposure" / "examples_dev.json")
    wrong = [
        line
        for portfolio, values in zip(portfolios, document["portfolios"], strict=True)
        for line in differences(
            json.loads(json.dumps(answers(portfolio))), values["expected"], portfolio.name
        )
    ]
    assert wrong == []
