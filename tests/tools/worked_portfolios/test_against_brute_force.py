"""The product through its own tables answers as the definitions do, on random portfolios with every
feature at once."""

import pytest

from tests.exposure.answer_differences import differences
from tests.exposure.brute_answers import answers
from tests.exposure.portfolios import seeded
from tools.worked_portfolios.evaluation import evaluate_portfolio
from tools.worked_portfolios.reader.document import read_document

pytestmark = pytest.mark.proof


@pytest.mark.parametrize("seed", range(20))
def test_every_section_of_a_random_portfolio_is_what_brute_force_says(
    room: None, seed: int
) -> None:
    (portfolio,) = read_document({"portfolios": [seeded(seed)]})

    got = evaluate_portfolio(portfolio)

    assert list(differences(got, answers(portfolio))) == []
