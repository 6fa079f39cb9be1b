"""manage.py evaluate_portfolio FILE"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.database.scratch_database import ScratchDatabaseError
from tools.worked_portfolios.evaluation import evaluate_portfolios
from tools.worked_portfolios.reader.document import read_file
from tools.worked_portfolios.reader.rows import PortfolioFileError


class Command(BaseCommand):
    help = (
        "Answer the worked portfolios of FILE with the engine of the registry, in a scratch "
        "database; prints JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="JSON {format, portfolios: [...]}; an `expected` is ignored."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document, portfolios = read_file(options["file"])
        except PortfolioFileError as refusal:
            raise CommandError(str(refusal), returncode=2) from None
        try:
            evaluation = evaluate_portfolios(portfolios)
        except ScratchDatabaseError as refusal:
            raise CommandError(str(refusal), returncode=1) from None
        for values, expected in zip(document["portfolios"], evaluation.answers, strict=True):
            values["expected"] = expected
        self.stdout.write(json.dumps(document, ensure_ascii=False))
        if evaluation.refusals:
            raise CommandError("\n".join(evaluation.refusals), returncode=2)
