"""Portfolios answered one after the other in a scratch database, each in a transaction that is
rolled back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from apps.common.database.scratch_database import scratch_database
from apps.exposure.loss.exact_parts import LossTooLargeError
from tools.worked_portfolios.answers import answer_portfolio
from tools.worked_portfolios.loader import WAIVED_CONSTRAINTS, waive_constraints
from tools.worked_portfolios.reader.rows import PortfolioFileError
from tools.worked_portfolios.records import PortfolioRecord


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The sections of each portfolio, in their order (None where it cannot be read), and a sentence
    for everything that is not answered.
    """

    answers: list[dict[str, Any] | None]
    refusals: list[str]


def evaluate_portfolios(portfolios: Sequence[PortfolioRecord | PortfolioFileError]) -> Evaluation:
    """Answer each portfolio; one that is refused does not keep the others from their answer.

    Raises ScratchDatabaseError where no database may be created.
    """
    evaluation = Evaluation([], [])
    if not portfolios:
        return evaluation
    # what has been dropped from the template decides whether it can be used again
    with scratch_database(
        waive_constraints, purpose="evaluate", fingerprint=repr(sorted(WAIVED_CONSTRAINTS.items()))
    ):
        for portfolio in portfolios:
            if isinstance(portfolio, PortfolioFileError):
                evaluation.answers.append(None)
                evaluation.refusals.append(str(portfolio))
                continue
            try:
                evaluation.answers.append(evaluate_portfolio(portfolio))
            except LossTooLargeError as refusal:
                evaluation.answers.append(evaluate_portfolio(replace(portfolio, loss=None)))
                evaluation.refusals.append(f"portfolio '{portfolio.name}', loss: {refusal}")
    return evaluation


def evaluate_portfolio(portfolio: PortfolioRecord) -> dict[str, Any]:
    """Answer one portfolio in an empty database with constraints waived; nothing stays.

    Raises LossTooLargeError.
    """
    with transaction.atomic():
        try:
            return answer_portfolio(portfolio)
        finally:
            transaction.set_rollback(True)
