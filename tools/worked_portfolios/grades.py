"""Independence of each candidate from each path, and its exit test: the `grades` section."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import ExitTest

_PAIRS = """
SELECT p.dependency_id, c.dependency_id, c.offering_id,
       CASE WHEN g.grade = 4 AND NOT p.parties && c.parties THEN 5 ELSE g.grade END,
       CASE WHEN c.tested THEN 'tested' WHEN c.ever_tested THEN 'lapsed' ELSE 'none' END
FROM exposure_path p
JOIN exposure_candidate c
  ON c.application_id = p.application_id AND (c.primary_id IS NULL
      OR c.primary_id = p.dependency_id)
JOIN exposure_pairgrade g ON g.primary_id = p.effective_id AND g.candidate_id = c.effective_id
"""


class Pair(NamedTuple):
    """`dependency_id` is None for the target of a past exit test."""

    primary_id: int
    dependency_id: int | None
    offering_id: int


def grade_candidates(
    *, on: date, dependencies: Mapping[int, str], offerings: Mapping[int, str]
) -> dict[str, dict[str, Any]]:
    """Return {"primary>candidate": {grade, test}}.

    A candidate that failed its test does not count, so the engine grades it only in a copy where
    the test has expired instead."""
    grades = _pairs()
    if ExitTest.objects.filter(result=ExitTest.Result.FAILED).exists():
        with transaction.atomic():
            ExitTest.objects.filter(result=ExitTest.Result.FAILED).update(
                result=ExitTest.Result.PARTIAL
            )
            refresh(on=on)
            for pair, (grade, _) in _pairs().items():
                # a way out that failed its test is not even named
                if pair.dependency_id is not None:
                    grades.setdefault(pair, (grade, "failed"))
            transaction.set_rollback(True)
    return {
        f"{dependencies[pair.primary_id]}>{_name(pair, dependencies, offerings)}": {
            "grade": grade,
            "test": test,
        }
        for pair, (grade, test) in grades.items()
    }


def _pairs() -> dict[Pair, tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS)
        return {Pair(*row[:3]): (row[3], row[4]) for row in cursor.fetchall()}


def _name(pair: Pair, dependencies: Mapping[int, str], offerings: Mapping[int, str]) -> str:
    return (
        f"exit:{offerings[pair.offering_id]}"
        if pair.dependency_id is None
        else dependencies[pair.dependency_id]
    )
