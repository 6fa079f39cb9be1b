"""Independence of judges and guardrails from the primary models that they judge, as supply: the
grades of the last refresh of the engine. Overlap of errors is measured, not graded."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.common.database.statements import fetch_rows

# the offering that is served in place of a judge's today, like derive_facts.sql
_GRADES = """
WITH judge AS (
    SELECT d.id, coalesce(min(n.ref) FILTER (WHERE n.ref <> d.offering_id), d.offering_id)
        AS effective_id
    FROM inventory_dependency d
    LEFT JOIN exposure_enginefooting f ON f.offering_id = d.offering_id
    LEFT JOIN catalog_node n ON n.id = f.node_id AND n.kind = node_kind('offering')
    WHERE d.id = ANY(%(judges)s) GROUP BY d.id
)
SELECT j.id AS judge_id, p.dependency_id AS primary_id, g.grade
FROM exposure_path p CROSS JOIN judge j
LEFT JOIN exposure_pairgrade g ON g.primary_id = p.effective_id
    AND g.candidate_id = j.effective_id
WHERE p.application_id = %(application)s
ORDER BY j.id, p.share DESC, p.dependency_id
"""


@dataclass(frozen=True, slots=True)
class JudgeGrade:
    """Grade of a judge's independence from a primary model: 0 the same offering to 4 another
    developer; None until the engine has calculated it."""

    judge_id: int
    primary_id: int
    grade: int | None


def judge_grades(application_id: int, judge_ids: Collection[int]) -> list[JudgeGrade]:
    """Return the grade of each pair of a judge and a primary model with traffic; one statement."""
    if not judge_ids:
        return []
    return fetch_rows(
        JudgeGrade, _GRADES, {"application": application_id, "judges": list(judge_ids)}
    )
